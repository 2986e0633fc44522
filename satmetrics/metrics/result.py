"""What the plain figures of a scoreboard return."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray

TITLES = {"net_score": "Net score", "top_box": "Top box", "mean_score": "Mean score"}
METHODS = {
    "wilson": "limits of shares are Wilson's (1927)",
    "adjusted": "limits of net scores are adjusted Wald limits (3 answers added; Rocks "
    "2016), those of shares Wilson's (1927)",
    "wald": "limits are estimate ± z or t times the standard error (Wald), too narrow "
    "where few answers lie on one side",
    "t": "limits of means are Student's t",
}
DESIGNED = (
    "n effective = the n of single rows with the same standard error; limits of shares "
    "and net scores use it, less where few units were sampled (Korn and Graubard 1998)"
)


@dataclass(frozen=True, eq=False, repr=False)
class MetricResult(TableResult):
    """Shares, net scores or means by item and group, one row a figure.

    Attributes
    ----------
    table : the group columns, then item, term, n, estimate, std_error, conf_low,
        conf_high, scale ("%", "-100 to 100", the ends of the answers, or "0-100"), with
        weights or sampled units n_eff, then df, for net scores adjusted and
        adjusted_error (centre and error of the adjusted Wald interval) and reason.
    metric : "net_score", "top_box" or "mean_score".
    categories : what counts as what, in words.
    method : how the limits were made.
    level : confidence level.
    by : the group columns.
    pairs : (k, 2) rows of the table whose errors go together.
    covariance : (k,) of each pair, in the units of the rows.
    """

    metric: str = ""
    categories: tuple[str, ...] = ()
    method: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()
    pairs: IntArray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    covariance: FloatArray = field(default_factory=lambda: np.empty(0))

    def rows(self, term: str) -> Table:
        """Return the rows of one term, such as "net_score" or "top_2"."""
        return self.table.where(term=term)

    def summary(self) -> Summary:
        """Return the figures by group."""
        words = {
            **{k: k for k in self.by},
            "item": "item",
            "term": "figure",
            "scale": "scale",
            "n": "n",
            "n_eff": "n effective",
            "estimate": "estimate",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        places = dict.fromkeys(("estimate", "conf_low", "conf_high", "n_eff"), 1)
        if self.metric == "mean_score":
            places |= dict.fromkeys(("estimate", "conf_low", "conf_high"), 2)
        body = section(
            "", self.table, words, decimals=places | {"std_error": 2}, max_rows=40
        )
        notes = (
            *self.categories,
            METHODS[self.method],
            *((DESIGNED,) if "n_eff" in self.table else ()),
            *self.context.sentences(),
            *self._reasons(),
        )
        return Summary(TITLES[self.metric], self.context.facts(), (body,), notes)
