"""Correlations and shares of R² of units and of resamples: arrays in, arrays out.

Letters: U units (or rows of units), k columns, p predictors, b draws in a block. The
last column is what is to be explained.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.drivers._relative import johnson, lmg

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


def unit_counts(
    blocks: Iterator[FloatArray], codes: IntArray | None
) -> Iterator[FloatArray]:
    """Turn counts of units (b, G) into counts of their rows (b, U)."""
    for block in blocks:
        yield block if codes is None else block[:, codes]


def first_share(R: AnyArray) -> float:
    """Return the share of the largest eigenvalue of a correlation matrix (k, k)."""
    return float(np.linalg.eigvalsh(R)[-1] / len(R))


def drawn(
    Z: FloatArray, w: FloatArray, blocks: Iterator[FloatArray], *, shares: bool
) -> FloatArray:
    """Return resampled figures (B, m p), parts side by side.

    Pearson's, Spearman's correlations with the last column; with `shares` also LMG and
    Johnson's shares of R². Spearman's do without the weights.

    Parameters
    ----------
    Z : (U, p + 1)
    w : (U,) weights of the rows in moments.
    blocks : counts (b, U).
    """
    return np.concatenate([figures(Z, w, counts, shares=shares) for counts in blocks])


def figures(
    Z: FloatArray, w: FloatArray, counts: FloatArray, *, shares: bool
) -> FloatArray:
    """Return the figures (b, m p) of `drawn` for one block of counts."""
    R = cov_to_corr(moments(Z, counts * w)[1])
    r = R[:, :-1, -1]
    parts = [r, rank_correlations(Z, counts)[:, :-1, -1]]
    if shares:
        parts += [lmg(R[:, :-1, :-1], r), johnson(R[:, :-1, :-1], r)]
    return np.concatenate(parts, axis=1)
