"""Shares, net scores and means by group, and the tables they are laid out in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.inference._tests import few_units, wilson
from satmetrics.metrics import _limits as kernel
from satmetrics.metrics.item_answers import ItemAnswers
from satmetrics.moment._across import Cells
from satmetrics.moment._column_means import column_means, influences
from satmetrics.moment._linked import linked

FEW_EFFECTIVE = 5
"""Below this effective n a linearised standard error means little."""
COLUMNS = (
    *("item", "term", "n", "estimate", "std_error", "conf_low", "conf_high", "scale"),
    *("n_eff", "df", "adjusted", "adjusted_error", "reason"),
)


@dataclass(frozen=True, eq=False)
class Means:
    """A column's means by group, each (G,), with the errors of their design.

    Attributes
    ----------
    n, n_eff : rows with a value, and Kish's effective n of their weights.
    mean, sd, std_error : the error has divisor n − 1.
    df : degrees of freedom.
    sampled : whether errors are over sampled units.
    weighted : whether rows have weights.
    pairs, covariance : groups whose means go together.
    unseen : share of the group's population that did not answer, by which variances
        shrink; None where the population has no known size.
    """

    n: FloatArray
    n_eff: FloatArray
    mean: FloatArray
    sd: FloatArray
    std_error: FloatArray
    df: FloatArray
    sampled: bool
    weighted: bool
    pairs: IntArray
    covariance: FloatArray
    unseen: FloatArray | None = None

    @property
    def normal_df(self) -> FloatArray:
        """The df of shares: infinite where rows were sampled singly."""
        return self.df if self.sampled else np.full_like(self.df, np.inf)

    def share_error(self) -> FloatArray:
        """Return errors with divisor n, as those of shares are published."""
        if self.sampled:
            return self.finite(self.std_error)
        share = np.sqrt(1 - 1 / np.maximum(self.n, 1))
        return self.finite(np.asarray(self.std_error * share))

    def effective(self, variance: FloatArray) -> FloatArray:
        """Return the n of single rows at which the mean has its error.

        Parameters
        ----------
        variance : of an answer, divisor n.
        """
        n = self.n
        if self.sampled or self.weighted:
            alike = np.fmin(self.n_eff, self.df + 1) if self.sampled else self.n_eff
            n = kernel.design_n(variance, self.std_error**2, self.n, alike)
        if self.unseen is None:
            return n
        with np.errstate(divide="ignore"):
            return np.asarray(n / self.unseen)

    def finite(self, error: FloatArray) -> FloatArray:
        """Return an error with the share of the population that is unseen."""
        return error if self.unseen is None else error * np.sqrt(self.unseen)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure by group: all arrays (G,).

    Attributes
    ----------
    item, term, scale : what it is, and on which scale.
    means : of the column behind it.
    estimate, std_error, low, high : the figure.
    n_eff : the n its limits have before the correction for few sampled units.
    df : of its interval.
    adjusted, adjusted_error : centre and error of an adjusted Wald interval, else NaN.
    """

    item: str
    term: str
    scale: str
    means: Means
    estimate: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    n_eff: FloatArray
    df: FloatArray
    adjusted: FloatArray
    adjusted_error: FloatArray

    def times(self, factor: float, scale: str, *, start: float = 0.0) -> Figure:
        """Return the figure as ``start + factor · figure`` on another scale."""
        means = replace(self.means, covariance=factor**2 * self.means.covariance)
        return replace(
            self,
            scale=scale,
            means=means,
            estimate=start + factor * self.estimate,
            std_error=factor * self.std_error,
            low=start + factor * self.low,
            high=start + factor * self.high,
            adjusted=start + factor * self.adjusted,
            adjusted_error=factor * self.adjusted_error,
        )


def means_of(column: FloatArray, read: ItemAnswers) -> Means:
    """Return the means of a column (n,) by group."""
    rows = read.own.rows
    stats = column_means([column], replace(rows, unit=None, strata=None))
    n = stats.n[:, 0].astype(np.float64)
    df, error = stats.df[:, 0], stats.std_error[:, 0]
    pairs, covariance = _no_pairs(), np.empty(0)
    if rows.unit is not None:
        df = rows.degrees(n, np.isfinite(column))
        u = list(influences([column], rows))
        found = linked(u, df[:, None], Cells.of(rows))
        error = np.where(n > 0, np.sqrt(found.variance[:, 0]), np.nan)
        pairs, covariance = found.pairs, found.covariance
    unseen = read.unseen(n)
    if unseen is not None and len(pairs):
        covariance = covariance * np.sqrt(unseen[pairs]).prod(axis=1)
    return Means(
        n,
        stats.n_eff[:, 0],
        stats.mean[:, 0],
        stats.sd[:, 0],
        error,
        df,
        sampled=rows.unit is not None,
        weighted=read.own.weighted,
        pairs=pairs,
        covariance=covariance,
        unseen=unseen,
    )


def share(item: str, term: str, means: Means, *, level: float, method: str) -> Figure:
    """Return the share of answers in a category, in per cent."""
    p = np.clip(means.mean, 0.0, 1.0)
    n_eff, df, error = (
        means.effective(p * (1 - p)),
        means.normal_df,
        means.share_error(),
    )
    if method == "wald":
        found = kernel.wald(p, error, df, level)
        low, high = found.low, found.high
    else:
        low, high = wilson(p, n_eff * few_units(df, level), level)
    low, high = _known(means, low, high)
    none = np.full_like(p, np.nan)
    made = Figure(*(item, term, "", means, p, error, low, high, n_eff, df, none, none))
    return made.times(100.0, "%")


def net(
    item: str, means: tuple[Means, Means, Means], *, level: float, method: str
) -> Figure:
    """Return a net score in points from the means of net, promoters and detractors."""
    score, promoters, detractors = means
    p, d = (np.clip(x.mean, 0.0, 1.0) for x in (promoters, detractors))
    n_eff, df = score.effective(p + d - (p - d) ** 2), score.normal_df
    error = score.share_error()
    if method == "wald":
        found = kernel.wald(p - d, error, df, level)
        centre = margin = np.full_like(p, np.nan)
    else:
        found = kernel.adjusted_wald(p, d, n_eff * few_units(df, level), level)
        centre, margin = found.centre, found.error
    low, high = _known(score, found.low, found.high)
    centre, margin = _known(score, centre, margin)
    made = Figure(
        *(item, "net_score", "", score, p - d, error, low, high, n_eff, df),
        adjusted=centre,
        adjusted_error=margin,
    )
    return made.times(100.0, "-100 to 100")


def mean(item: str, means: Means, scale: str, *, level: float) -> Figure:
    """Return a mean of answers."""
    error = means.finite(means.std_error)
    found = kernel.wald(means.mean, error, means.df, level)
    variance = means.sd**2 * (1 - 1 / np.maximum(means.n, 1))
    none = np.full_like(means.mean, np.nan)
    return Figure(
        *(item, "mean", scale, means, means.mean, error),
        *(found.low, found.high, means.effective(variance), means.df),
        adjusted=none,
        adjusted_error=none,
    )


def laid_out(
    figures: Sequence[Figure], read: ItemAnswers
) -> tuple[Table, IntArray, FloatArray]:
    """Return one row per group and figure, and the pairs of rows that go together."""
    Q = len(figures)
    G = read.own.rows.n_groups
    names = {"estimate": "estimate", "std_error": "std_error", "low": "conf_low"}
    names |= {"high": "conf_high", "n_eff": "n_eff", "df": "df"}
    names |= {"adjusted": "adjusted", "adjusted_error": "adjusted_error"}
    columns: dict[str, AnyArray] = dict(read.own.key_columns(Q, COLUMNS))
    for text in ("item", "term", "scale"):
        columns[text] = np.tile([getattr(f, text) for f in figures], G).astype(object)
    n = np.stack([f.means.n for f in figures], axis=1).ravel()
    columns["n"] = n.astype(np.int64)
    for own, name in names.items():
        columns[name] = np.stack([getattr(f, own) for f in figures], axis=1).ravel()
    alike = np.stack([f.means.std_error == 0 for f in figures], axis=1).ravel()
    columns["reason"] = _reasons(columns, alike, weighted=read.own.weighted)
    drop = [] if np.isfinite(columns["adjusted"]).any() else ["adjusted"]
    drop += ["adjusted_error"] if drop else []
    designed = read.own.weighted or figures[0].means.sampled
    if not designed and read.population is None:
        drop.append("n_eff")
    table = Table.of(columns, keys=read.own.by).drop(*drop)
    pairs = [f.means.pairs * Q + q for q, f in enumerate(figures)]
    values = [f.means.covariance for f in figures]
    return table, np.concatenate(pairs), np.concatenate(values)


def _reasons(
    columns: dict[str, AnyArray], alike: AnyArray, *, weighted: bool
) -> AnyArray:
    """Say why a figure, its error or its interval cannot be had or trusted."""
    n, error = columns["n"], columns["std_error"]
    few = weighted & (columns["n_eff"] < FEW_EFFECTIVE) & (n >= FEW_EFFECTIVE)
    point = alike & (columns["conf_low"] == columns["conf_high"])
    cases = {
        "no answers": n < 1,
        "one answer: no standard error": n == 1,
        "too few sampled units: no standard error": np.isnan(error),
        "few rows carry nearly all weight: the standard error is not reliable": few,
        "all answers alike: the interval of no width is no certainty": point,
    }
    return np.select(list(cases.values()), list(cases), default="").astype(object)


def _known(
    means: Means, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return limits, none where sampled units do not tell the error."""
    unknown = means.sampled & np.isnan(means.std_error)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _no_pairs() -> IntArray:
    return np.empty((0, 2), dtype=np.int64)
