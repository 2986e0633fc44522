"""Confidence sets of ranks from differences of pairs: arrays in, arrays out.

Letters: k units, B draws. A pair is told apart where its difference exceeds c times its
own error; c is a quantile of the largest studentised difference that chance makes, over
all pairs or over the pairs of one unit.
"""

from __future__ import annotations

import math

import numpy as np

from satmetrics._special import normal_cdf, student_quantile
from satmetrics._typing import BoolArray, FloatArray, IntArray

SAME = 1e-12
"""A difference with a smaller share of the variances of its parts has no error."""
FEW = 20
"""A pair with fewer draws in common has no known error."""
COLUMNS = 512
"""Draws compared at once: a unit's differences with the others stay in cache."""


def difference_errors(V: FloatArray) -> FloatArray:
    """Return standard errors (k, k) of all differences, from a covariance (k, k).

    NaN where the error of either figure is not known.
    """
    own = np.diagonal(V)
    total = own[:, None] + own
    variance = total - 2 * V
    return np.asarray(np.sqrt(np.where(variance <= SAME * total, 0.0, variance)))


def drawn_difference_errors(D: FloatArray) -> FloatArray:
    """Return standard deviations (k, k) of the differences of draws (B, k).

    Each over the draws that have both; NaN where they are fewer than `FEW`.
    """
    seen = np.isfinite(D)
    m = seen.astype(np.float64)
    x = np.where(seen, D, 0.0)
    n, squares, first = m.T @ m, (x**2).T @ m, x.T @ m
    with np.errstate(divide="ignore", invalid="ignore"):
        total = (squares + squares.T) / n
        variance = total - 2 * (x.T @ x) / n - ((first - first.T) / n) ** 2
        variance = np.where(variance <= SAME * total, 0.0, variance * n / (n - 1))
    return np.where(n >= FEW, np.sqrt(variance), np.nan)


def normal_draws(
    V: FloatArray, n_draws: int, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Return draws (B, k) of normal errors with a covariance, and what it lacked.

    Figures whose error is not known (NaN) have errors of 0, and a covariance that is
    not known is 0. The second number is the lowest eigenvalue beside the highest;
    negative where V is no covariance matrix, whose negative part is then left out.
    """
    V = np.where(np.isfinite(V), V, 0.0)
    own = np.diagonal(V)
    z = rng.standard_normal((n_draws, len(V)))
    if not (V - np.diag(own)).any():
        return z * np.sqrt(own), 1.0
    value, vector = np.linalg.eigh(V)
    factor = vector * np.sqrt(np.maximum(value, 0.0))
    return z @ factor.T, float(value[0] / value[-1])


def pair_degrees(V: FloatArray, df: FloatArray) -> FloatArray:
    """Return degrees of freedom (k, k) of the errors of differences.

    After Satterthwaite for independent errors; of figures whose errors go together,
    which come from the same sampled units, the lower of the two.
    """
    own = np.diagonal(V)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = own**2 / df
        joint = (own[:, None] + own) ** 2 / (share[:, None] + share)
    linked = (V != 0) & np.isfinite(V)
    least = np.minimum(df[:, None], df)
    return np.asarray(np.where(linked, least, np.where(joint > 0, joint, np.inf)))


def on_degrees(c: FloatArray, df: FloatArray) -> FloatArray:
    """Return critical values of t with the tail that c has under the normal.

    A difference on few degrees of freedom needs more of its own errors: the pairs'
    p-values are compared, not their statistics.
    """
    if np.isinf(df).all():
        return c
    found = student_quantile(df, normal_cdf(c))
    return np.asarray(np.where(np.isinf(df), c, found))


def largest(D: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the largest studentised difference (B, k) among each unit's pairs.

    Parameters
    ----------
    D : (B, k) errors; NaN is passed over.
    sd : (k, k) of the differences; pairs of 0 or NaN are passed over.
    """
    with np.errstate(divide="ignore"):
        inverse = np.where(sd > 0, 1 / sd, 0.0)
    higher = np.fmax if np.isnan(D).any() else np.maximum
    out = np.zeros((D.shape[1], len(D)))
    for start in range(0, len(D), COLUMNS):
        part = slice(start, start + COLUMNS)
        x = np.ascontiguousarray(D[part].T)
        top = out[:, part]
        for i in range(len(x) - 1):
            t = np.abs(x[i + 1 :] - x[i])
            t *= inverse[i, i + 1 :, None]
            higher(top[i], higher.reduce(t, axis=0), out=top[i])
            higher(top[i + 1 :], t, out=top[i + 1 :])
    return np.asarray(out.T)


def critical(values: FloatArray, level: float) -> FloatArray:
    """Return the value (…) that a share `level` of draws (B, …) does not exceed.

    The order statistic number ``⌈level (B + 1)⌉``, the largest if there are too few.
    """
    at = min(math.ceil(level * (len(values) + 1)), len(values)) - 1
    return np.asarray(np.partition(values, at, axis=0)[at])


def better(estimate: FloatArray, sd: FloatArray, c: FloatArray) -> BoolArray:
    """Return (k, k): whether the row's unit is above the column's, by more than chance.

    Parameters
    ----------
    estimate : (k,)
    sd : (k, k); a pair with 0 is told apart by any difference, one with NaN by none.
    c : critical values that can be laid out over (k, k).
    """
    gap = estimate[:, None] - estimate
    return np.asarray((gap > c * sd) & (gap > 0))


def rank_sets(
    estimate: FloatArray, sd: FloatArray, c: FloatArray
) -> tuple[IntArray, IntArray]:
    """Return the lowest and highest rank (k,) of each unit, 1 = the highest figure.

    1 and those that are above it for certain; k less those that are below.

    Parameters
    ----------
    c : critical values that can be laid out over (k, k); a row holds those of the
        pairs of its unit.
    """
    above = better(-estimate, sd, c).sum(axis=1)
    below = better(estimate, sd, c).sum(axis=1)
    return 1 + above, len(estimate) - below


def ranks(estimate: FloatArray) -> IntArray:
    """Return 1 and the number of higher figures (k,): equal figures share a rank."""
    ordered = np.sort(-estimate)
    return np.asarray(1 + np.searchsorted(ordered, -estimate, side="left"))


def expected_ranks(estimate: FloatArray, sd: FloatArray) -> FloatArray:
    """Return ``1 + Σ Φ((θ_j − θ_i)/sd_ij)`` (k,): the mean rank under normal errors."""
    gap = estimate - estimate[:, None]
    certain = np.where(gap == 0, 0.0, np.where(gap > 0, np.inf, -np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(sd > 0, gap / sd, certain)
    above = normal_cdf(z)
    np.fill_diagonal(above, 0.0)
    return np.asarray(1 + above.sum(axis=1))


def first_shares(values: FloatArray) -> FloatArray:
    """Return the share (k,) of draws (B, k) in which a unit is the highest.

    Of the draws that have a value of the unit; ties count in parts.
    """
    seen = np.isfinite(values)
    filled = np.where(seen, values, -np.inf)
    top = seen & (filled == filled.max(axis=1, keepdims=True))
    part = top / np.maximum(top.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part.sum(axis=0) / seen.sum(axis=0))
