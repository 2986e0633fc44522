"""`SamplePlan`: how many interviews, and what they can tell."""

from __future__ import annotations

from dataclasses import dataclass

from satmetrics._display import Summary, section
from satmetrics._result import TableResult

CONVENTION = (
    'rule of thumb: "at least 250" interviews per unit for about ±2 points '
    "(EPSI, epsi-rating.com/the-approach)"
)
WANTED = {
    "half_width": "interviews for a margin of error",
    "change": "interviews to find a change between two waves",
    "n": "what so many interviews can tell",
}


@dataclass(frozen=True, eq=False, repr=False)
class SamplePlan(TableResult):
    """Sample sizes with margin of error and detectable change, one row a plan.

    Attributes
    ----------
    table : the keys of a result, if one was given; ``n`` interviews per unit and wave;
        ``std_error, half_width`` of one figure and ``change`` that two waves of n can
        find, in points; ``wanted`` (what was asked for: the half-width, the change or
        n); ``sd, deff, population, correlation, power``; ``total`` interviews of all
        units and waves.
    asked : "half_width", "change" or "n".
    level : confidence level.
    comparisons : tests among which the level is shared (Bonferroni).
    units, waves : as given; each row of a result is one unit.
    by : the key columns.
    """

    asked: str = "half_width"
    level: float = 0.95
    comparisons: int = 1
    units: int = 1
    waves: int = 1
    by: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return the plans and the formulas behind them."""
        words = {k: k for k in self.by}
        if self.asked != "n":
            words["wanted"] = f"wanted {self.asked.replace('_', '-')}"
        words |= {
            "n": "n",
            "half_width": "± points",
            "change": "change found",
            "sd": "SD",
            "total": "interviews in all",
        }
        shown = self.table
        odd = {"deff": 1.0, "population": float("inf"), "correlation": 0.0}
        for name, usual in odd.items():
            if any(shown[name] != usual):
                words[name] = "design effect" if name == "deff" else name
        if len(set(shown["power"])) > 1:
            words["power"] = "power"
        places = {"half_width": 2, "change": 2, "sd": 2, "wanted": 2, "total": 0}
        places |= {"deff": 2, "population": 0, "correlation": 2, "power": 2}
        body = section("", shown, words, decimals=places, max_rows=40)
        power = ", ".join(f"{p:g}" for p in dict.fromkeys(shown["power"]))
        facts = (
            *(self.context.facts() if self.by else ()),
            ("level", f"{self.level:g}"),
            ("power", power),
            ("units and waves", f"{self.units} x {self.waves}"),
        )
        return Summary(f"Plan: {WANTED[self.asked]}", facts, (body,), self._notes())

    def _notes(self) -> tuple[str, ...]:
        shared = (
            f"the level holds for {self.comparisons} comparisons together (Bonferroni)"
        )
        return (
            "n is the interviews completed per unit and wave; normal approximation, "
            "points of 0-100",
            "a change as large as printed is found with the stated power, a smaller "
            "one more rarely",
            *((shared,) if self.comparisons > 1 else ()),
            CONVENTION,
            *self.context.sentences(),
        )
