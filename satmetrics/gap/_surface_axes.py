"""Stationary point and axes of a quadratic surface, and their draws: arrays alone.

Letters as in `_surface`: coefficients ``b0 … b5`` of ``1, E, P, E², EP, P²``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.gap._surface import K, Layout, solved, wald
from satmetrics.inference import _intervals as intervals

ROUND = np.array([[0, 0, 0, 1, 0, -1], [0, 0, 0, 0, 1, 0]], dtype=np.float64)
"""Zero where the axes of the surface have no direction."""
E0, P0, Z0, P10, P11, P20, P21, L1, L2 = range(9)
"""Positions of what `curved` returns."""


def curved(b: FloatArray) -> FloatArray:
    """Return (…, 9): e0, p0, z0, p10, p11, p20, p21 and the two curvatures.

    The stationary point solves ``∂Z/∂E = ∂Z/∂P = 0``. The first principal axis is the
    line of the upward-most curvature λ₁ (the larger eigenvalue of the matrix of the
    quadratic terms), ``P = p10 + p11 E``; the second is at right angles to it. As a
    line of symmetry ``vᵀ(x − x₀) = 0`` an axis needs only the curvature across it, so
    that a ridge, which has no stationary point, has an axis. NaN where undefined.
    """
    _, b1, b2, b3, b4, b5 = np.moveaxis(b, -1, 0)
    d, r = b5 - b3, np.hypot(b5 - b3, b4)
    l1, l2 = (b3 + b5 + r) / 2, (b3 + b5 - r) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        det = 4 * b3 * b5 - b4 * b4
        flat = np.abs(det) <= 1e-12 * np.square(np.abs(l1) + np.abs(l2))
        det = np.where(flat, np.nan, det)
        e0 = (b2 * b4 - 2 * b1 * b5) / det
        p0 = (b1 * b4 - 2 * b2 * b3) / det
        z0 = b[..., 0] + (b1 * e0 + b2 * p0) / 2
        p11 = np.where(d > 0, (d + r) / b4, b4 / (r - d))
        p21 = np.where(d > 0, -b4 / (d + r), (d - r) / b4)
        p10 = _crossing(b1, b2, p11, l2)
        p20 = _crossing(b1, b2, p21, l1)
    out = np.stack([e0, p0, z0, p10, p11, p20, p21, l1, l2], axis=-1)
    return np.where(np.isfinite(out), out, np.nan)


def _crossing(
    b1: FloatArray, b2: FloatArray, slope: FloatArray, across: FloatArray
) -> FloatArray:
    """Return P at E = 0 on the axis of this slope; `across` is the other curvature."""
    # the axis is where the gradient along its normal v = (slope, −1) vanishes
    return np.asarray((slope * b1 - b2) / (2 * across))


@dataclass(frozen=True)
class Limits:
    """Bootstrap errors and percentile limits of what `curved` returns, each (G, 9).

    Attributes
    ----------
    std_error, low, high : NaN where no limits can be given.
    flat : (G, 2), whether the first and the second curvature may be zero.
    turned : (G,), whether the axes may have any direction, or one upright.
    failed : (G,) draws without a solution.
    """

    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    flat: BoolArray
    turned: BoolArray
    failed: IntArray


def limits(
    b: FloatArray, draws: FloatArray, round_p: FloatArray, level: float
) -> Limits:
    """Return percentile limits, none where a denominator may be zero.

    A ratio whose denominator may be zero has no bounded limits (Fieller 1954): the
    stationary point needs both curvatures, an axis the curvature across it and a
    direction. Directions are compared as angles about that of the estimate.

    Parameters
    ----------
    b : (G, 6) estimates; draws : (B, G, 6), NaN where without a solution.
    round_p : (G,) p-value of the test that the surface is round.
    level : confidence level.
    """
    base, found = curved(b), curved(draws)
    B, G = draws.shape[:2]
    ends = intervals.percentile(found.reshape(B, G * 9), level)
    low, high = (np.array(end).reshape(G, 9) for end in ends)
    flat = (low[:, [L1, L2]] <= 0) & (high[:, [L1, L2]] >= 0)
    angle = np.arctan(base[:, P11])
    off = (np.arctan(found[..., P11]) - angle + np.pi / 2) % np.pi - np.pi / 2
    turn = [np.asarray(end) for end in intervals.percentile(off, level)]
    turned = (round_p > 1 - level) | (angle + turn[0] <= -np.pi / 2)
    turned |= angle + turn[1] >= np.pi / 2
    low[:, P11], high[:, P11] = (np.tan(angle + end) for end in turn)
    over = angle + np.stack(turn) + np.where(angle > 0, -np.pi / 2, np.pi / 2)
    crossed = (over[0] <= -np.pi / 2) | (over[1] >= np.pi / 2)
    low[:, P21], high[:, P21] = np.tan(over)
    error = _spread(found)
    none = np.zeros((G, 9), dtype=bool)
    none[:, [E0, P0, Z0]] = (flat[:, 0] | flat[:, 1])[:, None]
    none[:, P10], none[:, P20] = turned | flat[:, 1], turned | crossed | flat[:, 0]
    none[:, P11], none[:, P21] = turned, turned | crossed
    none |= np.isnan(base)
    low, high, error = (np.where(none, np.nan, x) for x in (low, high, error))
    failed = np.isnan(draws[..., 0]).sum(axis=0)
    return Limits(error, low, high, flat, turned, failed)


def round_test(b: FloatArray, V: FloatArray) -> FloatArray:
    """Return the Wald statistic (G,) of a round surface: b3 = b5 and b4 = 0."""
    return wald(ROUND, b, V)


def _spread(found: FloatArray) -> FloatArray:
    """Return the standard deviation (…) of draws (B, …) that are defined."""
    seen = np.isfinite(found)
    count = seen.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(seen, found, 0).sum(axis=0) / count
        square = np.where(seen, found - mean, 0) ** 2
        return np.asarray(
            np.sqrt(square.sum(axis=0) / np.where(count > 1, count - 1, np.nan))
        )


def unit_sums(
    rows: Layout, unit: IntArray, n_units: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Sum products within cells of group and unit, for resampling.

    Parameters
    ----------
    unit : (n,) unit of each row.
    n_units : number of units U.

    Returns
    -------
    group, of : (C,) group (ascending) and unit of each cell.
    sums : (C, 28) upper triangles of Σ x xᵀ.
    """
    found = np.unique(rows.codes * n_units + unit, return_inverse=True)
    cells: IntArray = found[0]
    cell = found[1].ravel()
    e, p = rows.E, rows.P
    X = [rows.root * x for x in (1.0, e, p, e * e, e * p, p * p, rows.Z)]
    pairs = zip(*np.triu_indices(K + 1), strict=True)
    sums: FloatArray = np.stack(
        [np.bincount(cell, X[i] * X[j], minlength=len(cells)) for i, j in pairs],
        axis=1,
    )
    return cells // n_units, cells % n_units, sums


def resampled(
    counts: FloatArray, group: IntArray, of: IntArray, sums: FloatArray, rows: Layout
) -> FloatArray:
    """Return the coefficients (B, G, 6) of resamples; counts (B, U) of the units."""
    i, j = np.triu_indices(K + 1)
    ends = np.searchsorted(group, np.arange(rows.n_groups + 1))
    S = np.empty((len(counts), rows.n_groups, K + 1, K + 1))
    for g in range(rows.n_groups):  # one matrix product each
        here = slice(ends[g], ends[g + 1])
        whole = ends[g + 1] - ends[g] == counts.shape[1]  # every unit, in order
        drawn = counts if whole else counts[:, of[here]]
        S[:, g, i, j] = S[:, g, j, i] = drawn @ sums[here]
    b, _ = solved(S, np.full(rows.n_groups, K + 1))
    b = b * rows.rescale()
    b[..., 0] += rows.shift
    return np.asarray(b)
