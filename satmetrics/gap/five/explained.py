"""What explains gaps of units: the result, its sentences and its printed table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Section, Summary, number, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.gap.five.units import STAGES

TERMS = {
    "pearson": "r",
    "spearman": "rho",
    "coefficient": "b",
    "lmg": "LMG",
    "johnson": "Johnson",
    "change": "change",
}
NOTES = (
    "association between units in one study, not proof of cause",
    "limits of correlations and of shares of R² are percentiles over resampled units; "
    "p of correlations = 2Φ(−|estimate/std_error|)",
)
REGRESSION = {
    False: "regression: least squares, HC3 errors, t limits; LMG and Johnson share R² "
    "out",
    True: "regression: least squares over units × dimensions, errors clustered by "
    "unit, t limits; LMG and Johnson share R² out",
}


@dataclass(frozen=True, eq=False, repr=False)
class GapExplanation(TableResult):
    """What goes with the gaps of units.

    Attributes
    ----------
    table : ``target``, ``source``, ``term``, ``n`` (rows), ``estimate``, ``std_error``,
        ``statistic``, ``p_value``, ``conf_low``, ``conf_high``, ``df``, ``rank``,
        ``units``, ``reason``. Terms: pearson, spearman; with enough units coefficient,
        r2, r2_adjusted, lmg, johnson (shares of R²), change (of the target when the
        source moves); reliability (of a gap between units, where errors are known);
        first_factor_share (of the raters' answers).
    level : confidence level.
    by : columns of the unit.
    aggregation : what a row stands for, such as "n = 23 units (branch), 1,140
        customers".
    method : pairs (target, "regression" or "correlations").
    move : by how much each gap moves in ``change``: "zero" or scale points; empty for
        none.
    weights : "none", "precision" or "respondents".
    n_draws : bootstrap draws; 0 for none.
    clustered : rows are units × dimensions.
    failures : pairs (target, draws in which a figure was undefined).
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    aggregation: str = ""
    method: tuple[tuple[str, str], ...] = ()
    move: str = ""
    weights: str = "none"
    n_draws: int = 0
    clustered: bool = False
    failures: tuple[tuple[str, int], ...] = field(default=())

    def verdict(self) -> str:
        """Return which source explains most of gap 5, and what its closing would do.

        Empty where there is no regression.
        """
        shares = self.table.where(target="gap 5", term="lmg")
        if not len(shares):
            return ""
        first = next(shares.where(rank=1.0).rows())
        r2 = self.table.where(target="gap 5", term="r2")["estimate"][0]
        words = (
            f"{first['source']} explains most of gap 5: {first['estimate']:.2f} of "
            f"R² = {r2:.2f} ({_limits(first)})"
        )
        changes = self.table.where(target="gap 5", term="change")
        if not len(changes):
            return words
        own = next(changes.where(source=first["source"]).rows())
        top = next(changes.where(rank=1.0).rows())
        moved = f"{words}; {self._moved()}, gap 5 would move by {_change(own)}"
        if top["source"] == first["source"]:
            return moved
        return f"{moved}; most would move with {top['source']}: {_change(top)}"

    def _moved(self) -> str:
        if self.move == "zero":
            return "were it closed on average"
        return f"were it moved by {self.move} on its scale"

    def summary(self) -> Summary:
        """Return the verdict, then one table per target."""
        facts = [
            *self.context.facts(),
            ("aggregation", self.aggregation),
            ("level", f"{self.level:g}"),
            ("weights", self.weights),
            ("draws", f"{self.n_draws:,}"),
        ]
        facts += [("result", self.verdict())] if self.verdict() else []
        targets = list(dict.fromkeys(self.table["target"].tolist()))
        sections = [self._section(target) for target in targets if target]
        reliable = self.table.where(term="reliability")
        if len(reliable):
            words = {"source": "gap", "n": "n", "estimate": "reliability"}
            sections.append(section("Reliability between units", reliable, words))
        shared = self.table.where(term="first_factor_share")
        weak = tuple(
            f"largest eigenvalue of the raters' {int(row['n']):,} answers: "
            f"{100 * row['estimate']:.0f} % of the variance (Harman's single-factor "
            "check: weak, it can neither show nor rule out common-method variance)"
            for row in shared.rows()
        )
        regressed = any(how == "regression" for _, how in self.method)
        return Summary(
            "What explains the gaps",
            tuple(facts),
            tuple(sections),
            (
                STAGES,
                *NOTES,
                *((REGRESSION[self.clustered],) if regressed else ()),
                *self._closing(),
                *weak,
                *self.context.sentences(),
                *(f"{k:,} draws undefined for {what}" for what, k in self.failures),
            ),
        )

    def _closing(self) -> tuple[str, ...]:
        if not len(self.table.where(term="change")):
            return ()
        how = (
            "that gap zero in the mean of these units, the others as they are"
            if self.move == "zero"
            else f"that gap moved by {self.move} on its scale, the others as they are"
        )
        return (f"change: by how much gap 5 would move with {how}",)

    def _section(self, target: str) -> Section:
        own = self.table.where(target=target)
        sources = list(dict.fromkeys(own.where(term="pearson")["source"].tolist()))
        wide: dict[str, object] = {"source": sources}
        words = {"source": "source"}
        for term, label in TERMS.items():
            part = own.where(term=term)
            if not len(part):
                continue
            found = {row["source"]: row for row in part.rows()}
            rows = [found[s] for s in sources]
            wide[term] = np.array([row["estimate"] for row in rows])
            wide[f"{term}_limits"] = [_limits(row) for row in rows]
            words |= {term: label, f"{term}_limits": "limits"}
        heading = f"{target} (n = {int(own['n'][0]):,}"
        r2 = own.where(term="r2")["estimate"]
        if len(r2):
            adjusted = own.where(term="r2_adjusted")["estimate"][0]
            heading += f", R² = {r2[0]:.3f}, adjusted {adjusted:.3f}"
        return section(heading + ")", Table.of(wide), words, max_rows=40)


def _limits(row: dict[str, object]) -> str:
    return f"{number(row['conf_low'])} to {number(row['conf_high'])}"


def _change(row: dict[str, object]) -> str:
    return f"{row['estimate']:+.2f} ({_limits(row)})"
