"""`TargetsResult`: which units meet a target, and which share of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult


def _none() -> Table:
    return Table((), ())


@dataclass(frozen=True, eq=False, repr=False)
class TargetsResult(TableResult):
    """Shares of units that meet a target, one row a wave or other group.

    Attributes
    ----------
    table : keys; ``n`` units with a figure and its error; ``estimate`` (share of the
        figures at or above the target) with ``std_error`` (were all units measured
        again); ``conf_low, conf_high`` of the share of true indices; ``corrected``
        (that share with the noise taken out); ``reached`` (figures at or above);
        ``meets, misses, undecided`` (units by their tests); reason.
    units : one row per unit and wave: keys, n, estimate, std_error, statistic, p_value
        (one-sided, in the direction the figure points), p_holm, target, verdict
        ("meets", "misses", "not decided" or empty), reason.
    construct : the construct.
    level : confidence level; tests are one-sided at 1 − level.
    holm : whether verdicts follow p_holm.
    by : the key columns of the groups.
    """

    units: Table = field(default_factory=_none)
    construct: str | None = None
    level: float = 0.95
    holm: bool = False
    by: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return the shares by group and the units on either side."""
        told = self.units["target"]
        said = sorted({float(t) for t in told})
        aim = f"{said[0]:g}" if len(said) == 1 else f"{said[0]:g} to {said[-1]:g}"
        facts = (
            *self.context.facts(),
            ("index", str(self.construct)),
            ("target", aim),
            ("level", f"{self.level:g}"),
        )
        words = {key: key for key in self.by}
        percent = {
            name: 100 * self.table[name]
            for name in ("estimate", "std_error", "conf_low", "conf_high", "corrected")
        }
        shown = self.table.extended(percent, keys=self.by)
        words |= {"n": "units", "estimate": "% at target", "std_error": "std. error"}
        words |= {"conf_low": f"true %: {100 * self.level:g} % low"}
        words |= {"conf_high": "high", "corrected": "noise taken out"}
        words |= {"meets": "meet", "misses": "miss", "undecided": "not decided"}
        one = dict.fromkeys(percent, 1)
        parts = [section("", shown, words, decimals=one, max_rows=40)]
        order = np.argsort(-np.nan_to_num(self.units["statistic"]), kind="stable")
        keys = {k: k for k in self.units.names[: self._keys()]}
        parts.append(
            section(
                "Units, the clearest above first",
                self.units.take(order),
                {**keys, "n": "n", "estimate": "index", "target": "target"}
                | {"p_value": "p (one-sided)", "p_holm": "p (Holm)"}
                | {"verdict": "verdict"},
                decimals={"estimate": 1, "target": 1},
                max_rows=20,
            )
        )
        kept: tuple[Section, ...] = tuple(part for part in parts if part.rows)
        return Summary("Targets met", facts, kept, self._notes())

    def _keys(self) -> int:
        return self.units.names.index("construct")

    def _notes(self) -> tuple[str, ...]:
        p = "p (Holm), adjusted within each group," if self.holm else "p"
        return (
            '"% at target" describes the figures as measured. Noise moves units over '
            "the line both ways: it adds to the share where most units are below the "
            "target, and takes from it where most are above",
            "the limits hold for the share of true indices, whatever they are (closed "
            "tests of Simes, Goeman and Solari 2011); they are on the safe side",
            '"noise taken out" supposes that true indices spread normally; from 10 '
            "units",
            f"a unit meets or misses the target where its one-sided {p} is at most "
            f"{1 - self.level:.3g}; not decided does not mean on target",
            *self.context.sentences(),
            *self._reasons(),
        )
