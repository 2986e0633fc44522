"""Bootstrap draws of indices in which the weights are estimated anew each time.

Within the groups that share their weights, resamples of all groups make the moments
from which the weights follow; the means of each group's resample then make its index.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.structural import StructuralFit
from satmetrics.indices.designed import ItemRows, unlike_rows
from satmetrics.indices.streams import Stream, seeds
from satmetrics.indices.weighting import Weighting
from satmetrics.inference import _resample
from satmetrics.moment import _blocks
from satmetrics.moment import _kernel as kernel
from satmetrics.moment._across import own_strata
from satmetrics.moment.unit_sums import of_sums

CELLS = 2**23
"""Numbers of working memory, 64 MB: draws are made in portions of that size."""
NEGATIVE_WEIGHT = "negative weight"
NOT_ROWS = (
    "bootstrap draws of an index need sums over complete rows, which a fit with {} "
    "does not have"
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
    weighting : whose weights make the index of which group.
    ends : (2, p) of the indicators' scales.
    which : (k,) positions of the constructs.
    """

    weighting: Weighting
    ends: FloatArray
    which: IntArray

    @property
    def equal(self) -> bool:
        """Whether there are no weights to estimate."""
        return self.weighting.metric == "equal"

    @cached_property
    def used(self) -> BoolArray:
        """Which indicators (p,) the indices are made of."""
        return np.isin(self.weighting.fit.model.owner(), self.which)

    def sharing(self) -> list[tuple[StructuralFit, IntArray]]:
        """Return fits, and the groups whose weights each of them makes.

        Groups without weights are in none.
        """
        weighting = self.weighting
        fit, member = weighting.fit, weighting.shared()
        found = []
        for m in np.unique(member[member >= 0]):
            groups = np.flatnonzero(member == m)
            found.append((fit.group(int(groups[0])) if fit.batched else fit, groups))
        return found


def check_rows(fit: StructuralFit) -> None:
    """Raise `OptionError` unless the fit's moments are sums over complete rows."""
    what = unlike_rows(fit)
    if not what:
        return
    raise OptionError(
        NOT_ROWS.format(what),
        code="no-rows",
        column="n_draws",
        value=what,
        remedy="n_draws=0 takes the weights as fixed",
    )


def drawn_indices(
    plan: Plan, read: ItemRows, n_draws: int, rng: np.random.Generator
) -> DrawnIndices:
    """Return bootstrap draws of indices, weights estimated anew in each.

    Rows sampled singly are drawn within groups, whose sizes are thus kept; clusters
    (and people with several rows) within strata by the rescaled bootstrap, in all
    groups at once, so that groups sharing them covary; groups that share none are
    strata of their own.

    Raises
    ------
    DataError
        If the rows are not those of the fit.
    """
    G = read.rows.n_groups
    order = np.argsort(read.rows.codes, kind="stable")
    bounds = np.searchsorted(read.rows.codes[order], np.arange(G + 1))
    rows = [order[a:b] for a, b in itertools.pairwise(bounds)]
    sharing = plan.sharing()
    if not plan.equal:
        for fit, at in sharing:
            _same_rows(fit, read, [rows[g] for g in at])
    counts = _counts(read, rows, rng)
    out = np.full((n_draws, G, len(plan.which)), np.nan)
    failed: dict[str, int] = {}
    widest = max((len(at) for _, at in sharing), default=1)
    for first, last in _portions(n_draws, read, widest):
        counted = counts(first, last)
        for fit, at in sharing:
            groups = [(int(g), rows[g]) for g in at]
            values, failures = _member(plan, fit, read, groups, counted, last - first)
            out[first:last, at] = values
            for reason in failures:
                failed[reason] = failed.get(reason, 0) + 1
    notes = (f"resampled: {read.words or 'respondents within groups'}",)
    return DrawnIndices(out, tuple(failed.items()), notes)


Counted = Callable[[int, IntArray], Iterable[FloatArray]]
"""From a group and its rows to blocks of counts (b, rows) of one portion of draws."""


def _counts(
    read: ItemRows, rows: list[IntArray], rng: np.random.Generator
) -> Callable[[int, int], Counted]:
    """Return what makes the counts of the draws from one up to another."""
    unit, strata = read.rows.unit, read.rows.strata
    if unit is None or strata is None:
        own = zip(rows, seeds(rng, len(rows)), strict=True)
        streams = [Stream(len(at), seed) for at, seed in own]
        return lambda first, last: lambda g, _: streams[g].between(first, last)
    if (np.bincount(strata) < 2).any():
        raise DataError(
            "a stratum has one sampled unit only, so that nothing varies within it",
            code="lone-cluster",
            remedy="merge strata, or n_draws=0",
        )
    apart = own_strata(unit, read.rows.codes, strata)
    units, stream = unit, Stream(len(apart), seeds(rng, 1)[0], apart)

    def together(first: int, last: int) -> Counted:
        drawn = np.concatenate(list(stream.between(first, last)))
        return lambda _, at: [drawn[:, units[at]]]

    return together


def _portions(n_draws: int, read: ItemRows, widest: int) -> Iterator[tuple[int, int]]:
    """Yield which draws are made at once, so that memory stays bounded."""
    cells = widest * len(read.columns)
    block = _resample.BLOCK_DRAWS
    if read.rows.strata is not None:
        U = len(read.rows.strata)
        largest = int(np.bincount(read.rows.codes, minlength=1).max())
        cells, block = max(cells, U + largest), _resample.block_sizes(block, U)[0]
    size = max(CELLS // max(cells, 1), 1)
    if size > block:
        size -= size % block
    for first in range(0, n_draws, size):
        yield first, min(first + size, n_draws)


def _member(
    plan: Plan,
    fit: StructuralFit,
    read: ItemRows,
    groups: list[tuple[int, IntArray]],
    counted: Counted,
    size: int,
) -> tuple[FloatArray, list[str]]:
    """Return draws (b, G, k) of the groups that share weights, and why some failed."""
    P = len(read.columns)
    shift = np.nan_to_num(np.asarray(fit.source.mean))
    total = np.zeros((size, kernel.n_columns(P)))
    means = np.empty((size, len(groups), P))
    for j, (g, rows) in enumerate(groups):
        sums = _sums(read, rows, shift, counted(g, rows), size)
        total += sums
        with np.errstate(divide="ignore", invalid="ignore"):
            first = sums[:, kernel.HEAD : kernel.HEAD + P]
            means[:, j] = shift + first / sums[:, 1:2]
    if plan.equal:
        return _index(plan, fit, means, _ones(fit)), []
    again = fit.refit(of_sums(total, fit.source.names, shift, fit.context))
    weights, reasons = _ruled(plan, again)
    values = _index(plan, again, means, weights[:, None])
    return values, [reason for reason in reasons if reason]


def _ruled(plan: Plan, fit: StructuralFit) -> tuple[FloatArray, list[str]]:
    """Return weights (b, p) by the rule for negative ones, NaN where they failed.

    And for each draw why it failed.
    """
    weights, converged = fit.raw_weights(), np.asarray(fit.converged)
    below = (weights < 0) & plan.used & converged[:, None]
    lost = ~converged
    if plan.weighting.negative == "zero":
        weights = np.where(below, 0.0, weights)
    elif plan.weighting.negative == "error":
        lost = lost | below.any(axis=-1)
    reasons = [
        "" if not gone else NEGATIVE_WEIGHT if fine else (why or "not converged")
        for gone, fine, why in zip(lost, converged, fit.reasons, strict=True)
    ]
    return np.where(lost[:, None], np.nan, weights), reasons


def _ones(fit: StructuralFit) -> FloatArray:
    return np.ones(len(fit.model.indicators))


def _sums(
    read: ItemRows,
    rows: IntArray,
    shift: FloatArray,
    counts: Iterable[FloatArray],
    size: int,
) -> FloatArray:
    """Return the summed contributions (b, 3 + P + P*) of a group's resamples."""
    if not len(rows):
        return np.zeros((size, kernel.n_columns(len(shift))))
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
    plan: Plan, fit: StructuralFit, means: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return the indices (b, G, k) from means of items (b, G, P)."""
    if fit.staged is not None:
        A, b = fit.staged.matrix, fit.staged.offset
        lifted = A.ndim == 3
        means = means @ np.swapaxes(A, -1, -2) + (b[:, None] if lifted else b)
    turned = _turned(plan, fit, means)
    owner, q = fit.model.owner(), len(fit.model.names)
    low, high = plan.ends
    return _blocks.index_0_100(weights, turned, low, high, owner, q)[..., plan.which]


def _turned(plan: Plan, fit: StructuralFit, means: FloatArray) -> FloatArray:
    """Return means (b, G, p) with the reversed indicators turned."""
    turned = {item for c in fit.model.constructs for item in c.reverse}
    if not turned:
        return means
    reverse = np.array([item in turned for item in fit.model.indicators])
    return np.where(reverse, plan.ends.sum(axis=0) - means, means)


def _same_rows(fit: StructuralFit, read: ItemRows, groups: list[IntArray]) -> None:
    """Raise `DataError` unless the fit was made from just these rows."""
    rows = np.concatenate(groups)
    if len(rows) == int(fit.source.n):
        at = rows if read.kept is None else read.kept[rows]
        w = None if read.rows.w is None else read.rows.w[rows]
        means = [np.average(column[at], weights=w) for column in read.columns]
        if np.allclose(means, fit.source.mean):
            return
    there = f"{len(rows):,}"
    if len(rows) == int(fit.source.n):
        there = "as many, with other answers"
    raise DataError(
        f"the weights were estimated from {int(fit.source.n):,} respondents, and the "
        f"groups that use them hold {there}: weights cannot be estimated anew",
        code="other-data",
        column="data",
        value=len(rows),
        remedy="pass the survey that was fitted, or n_draws=0 for weights taken as "
        "fixed",
    )
