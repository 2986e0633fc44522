"""Which answers go together: correlations of items, and two of them compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics import _special as special
from satmetrics._typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Rivals:
    """For each of k items, its own pair and the best other one.

    Attributes
    ----------
    n : (k,) respondents with all three answers.
    own : (k,) correlation of the item's two answers.
    other : (k,) position of the item whose second answer goes best with the first.
    best : (k,) that correlation.
    t, p : (k,) test of `best` against `own`; p of the best of k(k − 1) comparisons.
    """

    n: FloatArray
    own: FloatArray
    other: IntArray
    best: FloatArray
    t: FloatArray
    p: FloatArray


def correlations(X: FloatArray, Y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return pairwise correlations of columns and the number of complete pairs.

    Parameters
    ----------
    X : (n, p) with NaN for missing.
    Y : (n, q)

    Returns
    -------
    R : (p, q), NaN where a column does not vary or fewer than 3 pairs are complete.
    N : (p, q)
    """
    U, V = np.isfinite(X) * 1.0, np.isfinite(Y) * 1.0
    A, B = _centred(X), _centred(Y)
    N = U.T @ V
    with np.errstate(divide="ignore", invalid="ignore"):
        sx, sy = A.T @ V, U.T @ B
        cross = A.T @ B - sx * sy / N
        xx = (A * A).T @ V - sx**2 / N
        yy = U.T @ (B * B) - sy**2 / N
        R = cross / np.sqrt(xx * yy)
    flat = (xx <= 1e-12 * N) | (yy <= 1e-12 * N) | (N < 3)
    return np.where(flat, np.nan, R), N


def rivals(E: FloatArray, P: FloatArray) -> Rivals:
    """Compare each item's own pair with the best other second answer.

    Parameters
    ----------
    E, P : (n, k) first and second answers of the same items, NaN for missing.

    Notes
    -----
    Williams' t for two correlations that share a variable, n − 3 degrees of freedom,
    one-sided, times k(k − 1) for having picked the best (Bonferroni).
    """
    k = E.shape[1]
    R, N = correlations(E, P)
    own = np.diag(R).copy()
    rest = np.where(np.eye(k, dtype=bool) | np.isnan(R), -np.inf, R)
    other = rest.argmax(axis=1)
    at = np.arange(k)
    best = np.where(np.isfinite(rest[at, other]), rest[at, other], np.nan)
    between = correlations(P, P)[0][at, other]
    n = np.minimum(np.diag(N), N[at, other])
    t = williams(best, own, between, n)
    p = np.minimum(special.student_cdf(n - 3, -t) * k * (k - 1), 1.0)
    return Rivals(
        n, own, other.astype(np.int64), best, t, np.where(np.isnan(t), np.nan, p)
    )


def williams(
    r12: FloatArray, r13: FloatArray, r23: FloatArray, n: FloatArray
) -> FloatArray:
    """Return Williams' t of ``r12 − r13``, two correlations that share variable 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        det = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23
        mean = (r12 + r13) / 2
        below = 2 * (n - 1) / (n - 3) * det + mean**2 * (1 - r23) ** 3
        t = (r12 - r13) * np.sqrt((n - 1) * (1 + r23) / below)
    return np.where((n > 3) & (below > 0), t, np.nan)


def item_rest(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the correlation of each column with the mean of the others, and n.

    Rows that miss an answer are passed over.
    """
    k = X.shape[1]
    rows = X[np.isfinite(X).all(axis=1)]
    n = np.full(k, float(len(rows)))
    if k < 2 or len(rows) < 3:
        return np.full(k, np.nan), n
    rest = (rows.sum(axis=1, keepdims=True) - rows) / (k - 1)
    A, B = rows - rows.mean(axis=0), rest - rest.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (A * B).sum(axis=0) / np.sqrt((A**2).sum(axis=0) * (B**2).sum(axis=0))
    return r, n


def _centred(X: FloatArray) -> FloatArray:
    """Return the columns about their means, 0 where missing."""
    there = np.isfinite(X)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, X, 0.0).sum(axis=0) / count
    return np.asarray(np.where(there, X - mean, 0.0))
