"""What `indices.diagnostics` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.assessment.rules import NOT_PASS_FAIL, RULES, Rule

EXPLAINED = Rule(
    "r2",
    "R² of satisfaction",
    "EPSI expects its model to explain about two thirds of it",
    "R. van Haaften on EPSI, van-haaften.nl",
)
INTERVIEWS = Rule(
    "n",
    "interviews",
    "at least 250 a unit, which gives ±2 points on average",
    "EPSI Rating",
    status="read",
)
COLLINEAR = next(rule for rule in RULES if rule.term == "vif")
WORDS = {
    "skewness": "skewness",
    "ceiling": "ceiling %",
    "floor": "floor %",
    "distinct": "answers used",
    "share": "weight",
}
OF_ANSWERS = tuple(WORDS)


@dataclass(frozen=True, eq=False, repr=False)
class IndexDiagnostics(TableResult):
    """What stands behind an index: its answers, its weights, its model.

    Attributes
    ----------
    target : the construct of the index.
    model : name of the model.
    credit : what must be said of a published model form.
    by : the key columns.
    """

    target: str = ""
    model: str = ""
    credit: str = ""
    by: tuple[str, ...] = ()

    def of(self, term: str) -> Table:
        """Return the rows of one term."""
        return self.table.where(term=term)

    def summary(self) -> Summary:
        """Return answers, collinearity and R², with what is usual and who says so."""
        facts = (*self.context.facts(), ("model", self.model), ("index", self.target))
        notes = (
            "skewness: m3 / m2^1.5, moments about the mean with divisor n (Σw); below "
            "0 with a tail of poor answers",
            "ceiling, floor: % of answers at the best and at the worst end; the more "
            "are at the top, the less a rise can show; no threshold is set here",
            "weight: share of the item in the index of its construct; adds up to 1",
            *(rule.sentence for rule in (EXPLAINED, COLLINEAR, INTERVIEWS)),
            NOT_PASS_FAIL,
            *self._negative(),
            *self._reasons(),
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
        )
        parts = (self._answers(), self._collinear(), self._explained())
        return Summary(f"Behind the index of {self.target}", facts, parts, notes)

    def _answers(self) -> Section:
        labels = (*self.by, "construct", "indicator")
        first = self.of(OF_ANSWERS[0])
        columns: dict[str, object] = {name: first[name] for name in (*labels, "n")}
        words = {name: name for name in columns} | WORDS
        places = {"skewness": 2, "ceiling": 1, "floor": 1, "distinct": 0, "share": 3}
        rows = self._by_item(first)
        for term in OF_ANSWERS:
            part = self.of(term)
            own = dict(zip(self._by_item(part), part["estimate"], strict=True))
            scale = 100 if term in ("ceiling", "floor") else 1
            columns[term] = [scale * own.get(row, np.nan) for row in rows]
        table = Table.of(columns, keys=self.by)
        heading = "Answers and weights"
        return section(heading, table, words, decimals=places, max_rows=60)

    def _by_item(self, table: Table) -> list[tuple[object, ...]]:
        names = (*self.by, "indicator")
        return list(zip(*(table[name] for name in names), strict=True))

    def _collinear(self) -> Section:
        words = {k: k for k in self.by} | {"construct": "driver", "estimate": "VIF"}
        heading = f"Collinearity of what leads to {self.target}"
        return section(heading, self.of("vif"), words, decimals=2, max_rows=40)

    def _explained(self) -> Section:
        words = {k: k for k in self.by} | {"n": "n", "estimate": "R²"}
        return section(f"R² of {self.target}", self.of("r2"), words, max_rows=40)

    def _negative(self) -> tuple[str, ...]:
        rows = self.of("share")
        below = dict.fromkeys(rows["indicator"][rows["estimate"] < 0])
        if not below:
            return ()
        return (
            f"negative weight: {', '.join(below)}; a construct with negative weights "
            "is no mean of its items: was an item to be reversed?",
        )
