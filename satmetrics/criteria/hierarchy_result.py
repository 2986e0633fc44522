"""`HierarchyScores`: scores at every node, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.criteria.hierarchy import IndexHierarchy

METRICS: dict[str, str] = {
    "0-100": "0 = the lowest, 100 = the highest possible answer to every item",
    "raw": "units of the answers",
}


@dataclass(frozen=True, eq=False, repr=False)
class HierarchyScores(TableResult):
    """Scores at every node of an index hierarchy, one row per group and node.

    Attributes
    ----------
    table : the `by` columns, then ``level, name, n, estimate, std_error, conf_low,
        conf_high, parent, path, weight`` (among the siblings), ``product_weight`` (in
        the index), ``contribution`` (what it adds to its parent's score: children sum
        to it), ``to_index`` (what it adds to the index: the nodes of one level, or the
        items, sum to it) and ``reason`` (why a figure is absent).
    hierarchy : the tree.
    metric : "0-100" or "raw".
    level : confidence level.
    by : the group columns.
    min_answered : share of a node's weight a respondent must have answered.
    """

    hierarchy: IndexHierarchy | None = None
    metric: str = "0-100"
    level: float = 0.95
    by: tuple[str, ...] = ()
    min_answered: float = 0.5

    def rows(self, level: str) -> Table:
        """Return the rows of one level, such as "factor"."""
        return self.table.where(level=level)

    def summary(self) -> Summary:
        """Return the index, then each level with what it adds."""
        levels = dict.fromkeys(str(name) for name in self.table["level"])
        tree = self.hierarchy
        facts = (
            *self.context.facts(),
            ("hierarchy", tree.id if tree else ""),
            ("metric", METRICS[self.metric]),
        )
        notes = (
            "std. errors take the weights as fixed (linear map of the items' means)",
            "contribution: weight times score; children sum to their parent, items to "
            "the index",
            *(tree.notes if tree else ()),
            *self.context.sentences(),
            *self._reasons(),
        )
        body = tuple(self._section(level) for level in levels)
        return Summary("Scores of the index hierarchy", facts, body, notes)

    def _section(self, level: str) -> Section:
        words = {name: name for name in self.by} | {
            "name": "node",
            "n": "n",
            "estimate": "score",
            "std_error": "s.e.",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "weight": "weight",
            "contribution": "adds to parent",
            "to_index": "adds to index",
        }
        digits = 1 if self.metric == "0-100" else 2
        places = dict.fromkeys(
            ("estimate", "conf_low", "conf_high", "contribution", "to_index"), digits
        )
        return section(
            level.capitalize(),
            self.rows(level),
            words,
            decimals={**places, "std_error": 2},
            max_rows=30,
        )
