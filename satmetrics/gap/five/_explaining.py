"""Correlations and shares of R² of units and of resamples: arrays in, arrays out.

Letters: U units (or rows of units), k columns, p predictors, b draws in a block. The
last column is what is to be explained.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import factorial

import numpy as np

from satmetrics._linalg import cov_to_corr, spd_solve
from satmetrics._typing import AnyArray, FloatArray, IntArray

FLAT = 1e-12
"""A variance below this share of the column's mean square counts as zero."""


def moments(Z: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return means (b, k) and covariances (b, k, k) of rows drawn `counts` times.

    The divisor is the sum of the counts; columns without variance have covariances NaN.
    """
    centre = Z.mean(axis=0)
    X = Z - centre
    k = X.shape[1]
    products = (X[:, :, None] * X[:, None, :]).reshape(len(X), k * k)
    total = counts.sum(axis=1)
    mean = counts @ X / total[:, None]
    cov = (counts @ products / total[:, None]).reshape(-1, k, k)
    cov = cov - mean[:, :, None] * mean[:, None, :]
    size = np.maximum((X * X).mean(axis=0), np.finfo(float).tiny)
    flat = np.diagonal(cov, axis1=1, axis2=2) <= FLAT * size
    cov[flat] = np.nan
    np.swapaxes(cov, 1, 2)[flat] = np.nan
    return mean + centre, cov


def ranks(Z: FloatArray, counts: FloatArray) -> FloatArray:
    """Return mid-ranks (b, U, k) of the rows within resamples.

    A row's rank is the number of drawn rows below it and half of (those equal to it,
    plus one): ranks follow from running sums of the counts in one sorted order.
    """
    b, U = counts.shape
    out = np.empty((b, U, Z.shape[1]))
    for j, column in enumerate(Z.T):
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        start = np.flatnonzero(np.append(True, ordered[1:] > ordered[:-1]))
        per = np.add.reduceat(counts[:, order], start, axis=1)
        rank = np.cumsum(per, axis=1) - per + (per + 1) / 2
        tie = np.repeat(np.arange(len(start)), np.diff(np.append(start, U)))
        out[:, order, j] = rank[:, tie]
    return out


def rank_correlations(Z: FloatArray, counts: FloatArray) -> FloatArray:
    """Return Spearman's correlations (b, k, k) of resamples, ranked anew in each."""
    R = ranks(Z, counts)
    total = counts.sum(axis=1)
    mean = np.einsum("bu,buk->bk", counts, R) / total[:, None]
    R -= mean[:, None, :]
    cov = np.swapaxes(R * counts[:, :, None], 1, 2) @ R / total[:, None, None]
    flat = np.diagonal(cov, axis1=1, axis2=2) <= FLAT * total[:, None] ** 2
    cov[flat] = np.nan
    return cov_to_corr(cov)


def correlations(Z: FloatArray, counts: FloatArray) -> FloatArray:
    """Return (2, b, p): Pearson's and Spearman's correlations with the last column."""
    pearson = cov_to_corr(moments(Z, counts)[1])
    return np.stack([R[:, :-1, -1] for R in (pearson, rank_correlations(Z, counts))])


def subsets_r2(R: FloatArray) -> FloatArray:
    """Return R² (2^p, b) of every subset of predictors; bit j stands for predictor j.

    Parameters
    ----------
    R : (b, p + 1, p + 1) correlations or covariances, the target last.
    """
    p = R.shape[-1] - 1
    out = np.zeros((2**p, len(R)))
    for size in range(1, p + 1):
        sets = np.array(list(combinations(range(p), size)))
        S = R[:, sets[:, :, None], sets[:, None, :]]
        r = R[:, sets, p]
        b = spd_solve(S, r[..., None])[0][..., 0]
        code = (1 << sets).sum(axis=1)
        out[code] = ((b * r).sum(axis=-1) / R[:, -1, -1, None]).T
    return out


def lmg(R: FloatArray) -> FloatArray:
    """Return (b, p): R² shared out, each predictor's gain averaged over all orders.

    ``Σ_S |S|! (p − |S| − 1)!/p! (R²(S ∪ j) − R²(S))`` (Lindeman, Merenda and Gold 1980;
    Grömping 2006, doi:10.18637/jss.v017.i01); the shares add up to R².
    """
    p = R.shape[-1] - 1
    r2 = subsets_r2(R)
    codes = np.arange(2**p)
    size = np.array([int(c).bit_count() for c in codes])
    weight = np.array(
        [factorial(s) * factorial(max(p - s - 1, 0)) / factorial(p) for s in size]
    )
    gains = []
    for j in range(p):
        without = codes[(codes >> j) & 1 == 0]
        gain = r2[without | (1 << j)] - r2[without]
        gains.append(weight[without] @ gain)
    return np.stack(gains, axis=1)


def johnson(R: FloatArray) -> FloatArray:
    """Return (b, p): R² shared out by relative weights.

    With ``Λ = R_xx^{1/2}`` and ``β = Λ^{-1} r``, ``ε = Λ² β²`` elementwise squares
    (Johnson 2000, doi:10.1207/S15327906MBR3501_1); the weights add up to R².

    Parameters
    ----------
    R : (b, p + 1, p + 1) correlations, the target last; NaN gives NaN.
    """
    sound = np.asarray(np.isfinite(R).all(axis=(1, 2)))
    X = np.where(sound[:, None, None], R[:, :-1, :-1], np.eye(R.shape[-1] - 1))
    values, Q = np.linalg.eigh(X)
    good = sound & (values[:, 0] > 1e-10)
    root = np.sqrt(np.where(good[:, None], values, 1.0))
    half = (Q * root[:, None, :]) @ np.swapaxes(Q, 1, 2)
    inverse = (Q / root[:, None, :]) @ np.swapaxes(Q, 1, 2)
    beta = inverse @ R[:, :-1, -1:]
    out = (half**2 @ beta**2)[..., 0]
    return np.where(good[:, None], out, np.nan)


def unit_counts(
    blocks: Iterator[FloatArray], codes: IntArray | None
) -> Iterator[FloatArray]:
    """Turn counts of units (b, G) into counts of their rows (b, U)."""
    for block in blocks:
        yield block if codes is None else block[:, codes]


def first_share(R: AnyArray) -> float:
    """Return the share of the largest eigenvalue of a correlation matrix (k, k)."""
    return float(np.linalg.eigvalsh(R)[-1] / len(R))
