"""Bootstrap draws of indices in which the weights are estimated anew each time.

Within the groups that share their weights, resamples of all groups make the moments
from which the weights follow; the means of each group's resample then make its index.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.fit import PlsFit
from satmetrics.indices.designed import ItemRows, row_wise
from satmetrics.indices.weighting import IndexMetric, Negative, in_metric
from satmetrics.inference import _resample
from satmetrics.moment import _blocks
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.unit_sums import of_sums

CELLS = 2**23
"""Numbers of working memory, 64 MB: draws are made in portions of that size."""
NOT_ROWS = (
    "bootstrap draws of indices by group need complete rows: not with missing={!r}, "
    "ordered items or products of items"
)


@dataclass(frozen=True, eq=False)
class DrawnIndices:
    """Draws (B, G, k) of k indices in G groups; NaN where one could not be had.

    Attributes
    ----------
    values : (B, G, k)
    failures : pairs (reason, how many) of estimations of weights that failed.
    notes : how the resamples were drawn.
    """

    values: FloatArray
    failures: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be drawn.

    Attributes
    ----------
    fit : the fit as it was passed: pooled, or a batch.
    metric, negative : as in `sat.index`.
    member : (G,) the member of the fit behind each group; −1 for none.
    ends : (2, p) of the indicators' scales.
    which : (k,) positions of the constructs.
    """

    fit: PlsFit
    metric: IndexMetric
    negative: Negative
    member: IntArray
    ends: FloatArray
    which: IntArray

    def one(self, m: int) -> PlsFit:
        """Return the fit of a member, in the metric asked for."""
        fit = self.fit.group(m) if self.fit.batched else self.fit
        return fit if self.metric == "equal" else in_metric(fit, self.metric)


def check_rows(fit: PlsFit) -> None:
    """Raise `OptionError` unless the fit's moments are sums over complete rows."""
    if row_wise(fit):
        return
    raise OptionError(
        NOT_ROWS.format(fit.sampling.missing),
        code="no-rows",
        column="n_draws",
        value=fit.sampling.missing,
        remedy="n_draws=0 takes the weights as fixed",
    )


def drawn_indices(
    plan: Plan, read: ItemRows, n_draws: int, rng: np.random.Generator
) -> DrawnIndices:
    """Return bootstrap draws of indices, weights estimated anew in each.

    Rows sampled singly are drawn within groups, whose sizes are thus kept; clusters
    (and people with several rows) within strata by the rescaled bootstrap, in all
    groups at once, so that groups sharing them covary.

    Raises
    ------
    DataError
        If the rows are not those of the fit.
    """
    G, k = len(plan.member), len(plan.which)
    order = np.argsort(read.rows.codes, kind="stable")
    bounds = np.searchsorted(read.rows.codes[order], np.arange(G + 1))
    groups = [order[a:b] for a, b in itertools.pairwise(bounds)]
    counts = _counts(read, groups, rng)
    out = np.full((n_draws, G, k), np.nan)
    failed: dict[str, int] = {}
    fits = {int(m): plan.one(int(m)) for m in np.unique(plan.member) if m >= 0}
    for m, fit in fits.items():
        _same_rows(fit, read, [groups[g] for g in np.flatnonzero(plan.member == m)])
    done = 0
    for size in _portions(n_draws, read, plan.member):
        drawn = counts(size)
        for m, fit in fits.items():
            at = np.flatnonzero(plan.member == m)
            part = _member(
                plan, fit, read, [(int(g), groups[g]) for g in at], drawn, size
            )
            out[done : done + size, at] = part.values
            for reason, n in part.failures:
                failed[reason] = failed.get(reason, 0) + n
        done += size
    notes = (f"resampled: {read.words or 'respondents within groups'}",)
    return DrawnIndices(out, tuple(failed.items()), notes)


Counted = Callable[[int, IntArray], Iterator[FloatArray]]
"""From a group and its rows to blocks of counts (b, rows) of one portion of draws."""


def _counts(
    read: ItemRows, groups: list[IntArray], rng: np.random.Generator
) -> Callable[[int], Counted]:
    """Return what makes the counts of a portion of draws."""
    unit, strata = read.rows.unit, read.rows.strata
    if unit is None or strata is None:
        streams = rng.spawn(len(groups))

        def singly(size: int) -> Counted:
            return lambda g, rows: _resample.bootstrap_counts(
                len(rows), size, streams[g]
            )

        return singly
    if (np.bincount(strata) < 2).any():
        raise DataError(
            "a stratum has one sampled unit only, so that nothing varies within it",
            code="lone-cluster",
            remedy="merge strata, or n_draws=0",
        )
    units, layers = unit, strata

    def together(size: int) -> Counted:
        blocks = _resample.rescaled_counts(len(layers), layers, size, rng)
        drawn = np.concatenate(list(blocks))
        return lambda _, rows: iter([drawn[:, units[rows]]])

    return together


def _portions(n_draws: int, read: ItemRows, member: IntArray) -> Iterator[int]:
    """Yield how many draws are made at once, so that memory stays bounded."""
    widest = int(np.bincount(member[member >= 0], minlength=1).max())
    cells = widest * len(read.columns)
    if read.rows.strata is not None:
        largest = int(np.bincount(read.rows.codes, minlength=1).max())
        cells = max(cells, len(read.rows.strata) + largest)
    size = int(np.clip(CELLS // max(cells, 1), 1, n_draws))
    while n_draws > 0:
        yield min(size, n_draws)
        n_draws -= size


def _member(
    plan: Plan,
    fit: PlsFit,
    read: ItemRows,
    groups: list[tuple[int, IntArray]],
    counted: Counted,
    size: int,
) -> DrawnIndices:
    """Return the draws of the groups of one member of the fit."""
    P = len(read.columns)
    shift = np.asarray(fit.source.mean)
    total = np.zeros((size, kernel.n_columns(P)))
    means = np.empty((size, len(groups), P))
    for j, (g, rows) in enumerate(groups):
        sums = _sums(read, rows, shift, counted(g, rows), size)
        total += sums
        with np.errstate(divide="ignore", invalid="ignore"):
            first = sums[:, kernel.HEAD : kernel.HEAD + P]
            means[:, j] = shift + first / sums[:, 1:2]
    if plan.metric == "equal":
        return DrawnIndices(_index(plan, fit, means, _ones(fit)), (), ())
    again = fit.refit(of_sums(total, fit.source.names, shift, fit.context))
    values = _index(plan, again, means, again.raw_weights()[:, None])
    bad = ~np.asarray(again.converged)
    values[bad] = np.nan
    said = [again.reasons[b] or "not converged" for b in np.flatnonzero(bad)]
    failures = tuple((r, said.count(r)) for r in dict.fromkeys(said))
    return DrawnIndices(values, failures, ())


def _ones(fit: PlsFit) -> FloatArray:
    return np.ones(len(fit.model.indicators))


def _sums(
    read: ItemRows,
    rows: IntArray,
    shift: FloatArray,
    counts: Iterator[FloatArray],
    size: int,
) -> FloatArray:
    """Return the summed contributions (b, 3 + P + P*) of a group's resamples."""
    at = rows if read.kept is None else read.kept[rows]
    Z = np.column_stack([column[at] for column in read.columns]) - shift
    w = np.ones(len(rows)) if read.rows.w is None else read.rows.w[rows]
    out = np.empty((size, kernel.n_columns(Z.shape[1])))
    whole = Z.shape[0] * out.shape[1] <= CELLS
    parts = kernel.contributions(Z, w) if whole else None
    done = 0
    for block in counts:
        here = slice(done, done + len(block))
        if parts is None:
            out[here] = kernel.resampled_sums(Z, w, block, CELLS)
        else:
            out[here] = block @ parts
        done += len(block)
    return out


def _index(
    plan: Plan, fit: PlsFit, means: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return the indices (b, G, k) from means of items (b, G, P)."""
    if fit.staged is not None:
        A, b = fit.staged.matrix, fit.staged.offset
        lifted = A.ndim == 3
        means = means @ np.swapaxes(A, -1, -2) + (b[:, None] if lifted else b)
    if plan.negative == "zero":
        weights = np.maximum(weights, 0.0)
    elif plan.negative == "error" and (weights < 0).any():
        weights = np.where((weights < 0).any(axis=-1, keepdims=True), np.nan, weights)
    turned = _turned(plan, fit, means)
    owner, q = fit.model.owner(), len(fit.model.names)
    low, high = plan.ends
    return _blocks.index_0_100(weights, turned, low, high, owner, q)[..., plan.which]


def _turned(plan: Plan, fit: PlsFit, means: FloatArray) -> FloatArray:
    """Return means (b, G, p) with the reversed indicators turned."""
    turned = {item for c in fit.model.constructs for item in c.reverse}
    reverse = np.array([item in turned for item in fit.model.indicators])
    return np.where(reverse, plan.ends.sum(axis=0) - means, means)


def _same_rows(fit: PlsFit, read: ItemRows, groups: list[IntArray]) -> None:
    """Raise `DataError` unless the fit was made from just these rows."""
    rows = np.concatenate(groups)
    at = rows if read.kept is None else read.kept[rows]
    w = None if read.rows.w is None else read.rows.w[rows]
    means = [np.average(column[at], weights=w) for column in read.columns]
    if len(rows) == int(fit.source.n) and np.allclose(means, fit.source.mean):
        return
    raise DataError(
        f"the weights were estimated from {int(fit.source.n):,} respondents, and the "
        f"groups that use them have {len(rows):,}: weights cannot be estimated anew",
        code="other-data",
        column="data",
        value=len(rows),
        remedy="pass the survey that was fitted, or n_draws=0 for weights taken as "
        "fixed",
    )
