"""`FuzzyEvaluation`: memberships, verdicts and scores, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult

SAID: Mapping[str, str] = {
    "weighted_mean": "M(·,+), weighted mean: B_k = Σ_j a_j r_jk",
    "max_min": "M(∧,∨), max–min: B_k = max_j min(a_j, r_jk)",
    "max_product": "M(·,∨), max–product: B_k = max_j a_j r_jk",
    "min_bounded_sum": "M(∧,⊕), bounded sum: B_k = min(1, Σ_j min(a_j, r_jk))",
}
LOSS = (
    "max–min keeps one criterion per grade and drops all others, and small weights cap "
    "every membership: information is lost, and the verdict may differ from that of "
    "the weighted mean"
)


@dataclass(frozen=True, eq=False, repr=False)
class FuzzyEvaluation(TableResult):
    """Memberships of grades and scores, per node and group.

    Attributes
    ----------
    table : the `by` columns, then ``level`` (of the hierarchy; "overall" without one),
        ``term`` ("membership", one row per grade, or "score"), ``name`` (the node),
        ``estimate`` (the vector B as the operator gives it; the score), ``std_error,
        conf_low, conf_high``, ``grade``, ``normalised`` (B divided by its sum),
        ``highest`` (whether the grade has the highest membership, ties included) and
        ``verdict`` (the grade, or grades, that have it).
    operator : the operator of the composition.
    grades : the grades, in order.
    scores : of the grades, in the same order; empty where none were given.
    level : confidence level.
    by : the group columns.
    n_draws : draws behind the intervals; 0 for linear errors or none.
    """

    operator: str = "weighted_mean"
    grades: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    level: float = 0.95
    by: tuple[str, ...] = ()
    n_draws: int = 0

    def rows(self, term: str, *, level: str | None = None) -> Table:
        """Return the rows of one term, "membership" or "score", and of one level."""
        rows = self.table.where(term=term)
        return rows if level is None else rows.where(level=level)

    def summary(self) -> Summary:
        """Return operator, memberships with the verdict, and scores."""
        keys = {name: name for name in self.by} | {"level": "level", "name": "node"}
        limits = {
            "std_error": "s.e.",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        known = np.isfinite(np.asarray(self.table["std_error"], float)).any()
        shown = limits if known else {}
        words = {**keys, "grade": "grade", "verdict": "verdict", "estimate": "B"}
        words |= {"normalised": "normalised", **shown}
        parts = [section("Memberships", self.rows("membership"), words, max_rows=40)]
        if self.scores:
            said = {**keys, "verdict": "verdict", "estimate": "score", **shown}
            parts.append(section("Scores", self.rows("score"), said, max_rows=40))
        values = ", ".join(f"{v:g}" for v in self.scores)
        facts = (
            *self.context.facts(),
            ("operator", SAID[self.operator]),
            ("grades", ", ".join(self.grades)),
            *((("scores", values),) if values else ()),
        )
        return Summary(
            "Fuzzy comprehensive evaluation",
            facts,
            tuple(parts),
            (*self._notes(), *self.context.sentences()),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = [
            "verdict: the grade with the highest membership; several where they tie",
            "score: the scores of the grades, weighted by the normalised memberships",
        ]
        if self.operator == "max_min":
            notes.append(LOSS)
        if self.n_draws:
            notes.append(
                f"intervals: percentile, {self.n_draws:,} draws of the shares by "
                "normal theory; the operator has kinks, near which they are rough"
            )
        return tuple(notes)
