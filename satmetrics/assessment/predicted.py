"""The result of `assessment.predict`: errors by indicator, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("pls", "lm", "average")
SAMPLES = ("out", "in")
RULE = (
    "predictive power: of the indicators, PLS has the smaller RMSE than the linear "
    "model for all: high; for half or more: medium; for fewer: low; for none: none "
    "(Shmueli et al. 2019), rule of thumb"
)
LINEAR_WORDS: Mapping[str, str] = {
    "exogenous": "items of the exogenous constructs",
    "direct": "items of the direct antecedents",
    "others": "items of all other constructs",
}


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(TableResult):
    """Errors of predicting respondents who were left out, and the benchmarks'.

    Attributes
    ----------
    losses : (3, n, m) squared errors out of sample of "pls", "lm" and "average", by
        respondent and indicator, averaged over repeats; NaN where no fold that held the
        respondent could be fitted. Losses, not answers; `cvpat` compares them.
    weights : (n,) sampling weights of the respondents; 1 without.
    units : (n,) number of the cluster of each respondent; of himself without clusters.
    indicators : the m endogenous indicators.
    constructs : the construct of each.
    folds, repeats : how the respondents were split.
    approach : "earliest" or "direct" antecedents.
    linear : what the linear model regresses on.
    failures : pairs (reason, how many) of the training sets that could not be fitted.
    title : what was fitted.
    """

    losses: FloatArray = field(default_factory=lambda: np.empty((3, 0, 0)))
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    units: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    indicators: tuple[str, ...] = ()
    constructs: tuple[str, ...] = ()
    folds: int = 0
    repeats: int = 0
    approach: Literal["earliest", "direct"] = "earliest"
    linear: Literal["exogenous", "direct", "others"] = "exogenous"
    failures: tuple[tuple[str, int], ...] = ()
    title: str = ""

    def power(self, construct: str | None = None) -> pd.DataFrame:
        """Return how often PLS predicts better than the linear model, by construct.

        Parameters
        ----------
        construct : one construct; all endogenous ones, and all together, when None.

        Returns
        -------
        construct ("" for all indicators), indicators, better (indicators whose RMSE is
        smaller by PLS than by the linear model), q2_positive (indicators predicted
        better than by their average), power ("none", "low", "medium" or "high").

        Raises
        ------
        DataError
            If the construct has no predicted indicators.
        """
        table = self.power_table()
        if construct is None:
            return table.to_frame()
        if construct not in self.constructs:
            raise DataError(
                f"{construct!r} has no predicted indicators",
                code="not-endogenous",
                column=construct,
                remedy=f"predicted are {', '.join(dict.fromkeys(self.constructs))}",
            )
        return table.where(construct=construct).to_frame()

    def power_table(self) -> Table:
        """Return `power` of every construct as a table."""
        owner = np.array(self.constructs, dtype=object)
        rmse = self.table.where(level="indicator", term="rmse", sample="out")
        pls = rmse.where(method="pls")["estimate"]
        lm = rmse.where(method="lm")["estimate"]
        average = rmse.where(method="average")["estimate"]
        rows = []
        for name in [*dict.fromkeys(self.constructs), ""]:
            own = (owner == name) | (name == "")
            better, k = int((pls < lm)[own].sum()), int(own.sum())
            known = bool(np.isfinite(lm[own]).all())
            positive = int((pls < average)[own].sum())
            rows.append((name, k, better, positive, word(better, k) if known else ""))
        names = ("construct", "indicators", "better", "q2_positive", "power")
        return Table.of(dict(zip(names, zip(*rows, strict=True), strict=True)))

    def summary(self) -> Summary:
        """Return RMSE beside the benchmarks', Q²predict, and the predictive power."""
        facts = (
            *self.context.facts(),
            ("n", f"{self.losses.shape[1]:,}"),
            ("folds", f"{self.folds:,} × {self.repeats:,} repeats"),
            ("antecedents", self.approach),
            ("linear model on", LINEAR_WORDS[self.linear]),
        )
        words = {"construct": "construct", "indicator": "indicator"}
        measures = {"pls": "RMSE PLS", "lm": "linear", "average": "average"}
        measures |= {"mae": "MAE PLS", "q2": "Q²predict"}
        power = {"construct": "construct", "indicators": "indicators"}
        power |= {"better": "better than linear", "q2_positive": "Q²predict > 0"}
        verdict = self.power_table()
        named = [name or "all" for name in verdict["construct"]]
        sections = (
            section(
                "Indicators, out of sample",
                self._wide("indicator"),
                words | measures,
                max_rows=60,
            ),
            section(
                "Constructs, out of sample (standard deviations)",
                self._wide("construct"),
                words | measures,
                max_rows=30,
            ),
            section(
                "Predictive power",
                verdict.extended({"construct": named}),
                power | {"power": "power"},
                max_rows=30,
            ),
        )
        return Summary(
            f"Prediction by {self.title}",
            facts,
            sections,
            (RULE, *self.context.sentences()),
        )

    def _wide(self, level: str) -> Table:
        """Return the out-of-sample numbers of one level side by side."""
        out = self.table.where(level=level, sample="out")
        rmse = out.where(term="rmse")
        base = rmse.where(method="pls")
        labels = {"construct": base["construct"]}
        if level == "indicator":
            labels["indicator"] = base["indicator"]
        columns = {m: rmse.where(method=m)["estimate"] for m in set(rmse["method"])}
        columns["mae"] = out.where(term="mae", method="pls")["estimate"]
        columns["q2"] = out.where(term="q2_predict", method="pls")["estimate"]
        return Table.of({**labels, **columns})


def word(better: int, k: int) -> str:
    """Return none, low, medium or high: indicators of k that PLS predicts better."""
    if better == 0:
        return "none"
    if better == k:
        return "high"
    return "medium" if 2 * better >= k else "low"


def tabulated(
    measures: Mapping[str, tuple[FloatArray, FloatArray]],
    indicators: Sequence[str],
    owners: Sequence[str],
    constructs: Sequence[str],
    n: int,
) -> Table:
    """Return one row per number.

    Parameters
    ----------
    measures : per method RMSE and MAE, each (2, M): out of sample, in sample; M counts
        the indicators, then the constructs (the linear model has none).
    indicators, owners : the predicted indicators and their constructs.
    constructs : the predicted constructs.
    n : respondents.
    """
    m = len(indicators)
    parts = []
    average = measures["average"][0][0]
    for method, (rmse, mae) in measures.items():
        found = [("rmse", s, rmse[i]) for i, s in enumerate(SAMPLES)]
        found += [("mae", s, mae[i]) for i, s in enumerate(SAMPLES)]
        if method != "average":
            ratio = _ratio(rmse[0], average[: rmse.shape[1]])
            found.append(("q2_predict", "out", 1 - ratio**2))
        for term, sample, values in found:
            columns = {"term": term, "sample": sample, "method": method, "n": n}
            items = {"construct": owners, "indicator": indicators}
            parts.append(_rows("indicator", items, columns, values[:m]))
            if values.shape[0] > m:
                scores = {"construct": constructs, "indicator": [""] * len(constructs)}
                parts.append(_rows("construct", scores, columns, values[m:]))
    return stack(sorted(parts, key=lambda part: str(part["level"][0]) == "construct"))


def _ratio(one: FloatArray, other: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(other > 0, one / other, np.nan))


def _rows(
    level: str,
    labels: Mapping[str, Sequence[str]],
    columns: Mapping[str, object],
    values: FloatArray,
) -> Table:
    k = len(values)
    repeated = {name: [value] * k for name, value in columns.items()}
    return Table.of({"level": [level] * k, **labels, **repeated, "estimate": values})
