"""Which answers go together: correlations of items, and two of them compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics import _special as special
from satmetrics._typing import FloatArray, IntArray

PIECE = 2**13
"""Rows looked at together: they stay in cache."""


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


def correlations(
    X: Sequence[FloatArray], Y: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return pairwise correlations of columns and the number of complete pairs.

    Parameters
    ----------
    X : p columns (n,) with NaN for missing.
    Y : q columns (n,)

    Returns
    -------
    R : (p, q), NaN where a column does not vary or fewer than 3 pairs are complete.
    N : (p, q)
    """
    sums = np.zeros((6, len(X), len(Y)))
    first, second = _shift(X), _shift(Y)
    for rows in _pieces(X):
        U, A = _there(X, rows, first)
        V, B = _there(Y, rows, second)
        pairs = ((U, V), (A, V), (U, B), (A, B), (A * A, V), (U, B * B))
        for k, (left, right) in enumerate(pairs):
            sums[k] += left.T @ right
    N, sx, sy, xy, xx, yy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        xx, yy = xx - sx**2 / N, yy - sy**2 / N
        R = (xy - sx * sy / N) / np.sqrt(xx * yy)
    flat = (xx <= 1e-12 * N) | (yy <= 1e-12 * N) | (N < 3)
    return np.where(flat, np.nan, R), N


def rivals(E: Sequence[FloatArray], P: Sequence[FloatArray]) -> Rivals:
    """Compare each item's own pair with the best other second answer.

    Parameters
    ----------
    E, P : k columns (n,), first and second answers of the same items, NaN for missing.

    Notes
    -----
    Williams' t for two correlations that share a variable, n − 3 degrees of freedom,
    one-sided, times k(k − 1) for having picked the best (Bonferroni).
    """
    k = len(E)
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


def item_rest(X: Sequence[FloatArray]) -> tuple[FloatArray, int]:
    """Return the correlation of each of k columns with the mean of the others, and n.

    Rows that miss an answer are passed over. The mean of the others has the same
    correlation as their sum, whose covariances are sums of those of the columns.
    """
    k, n = len(X), 0
    total, cross, shift = np.zeros(k), np.zeros((k, k)), _shift(X)
    for rows in _pieces(X):
        U, A = _there(X, rows, shift)
        A = A[U.all(axis=1)]
        n += len(A)
        total += A.sum(axis=0)
        cross += A.T @ A
    if k < 2 or n < 3:
        return np.full(k, np.nan), n
    S = cross - np.outer(total, total) / n
    own, row = np.diag(S), S.sum(axis=1)
    below = own * (S.sum() - 2 * row + own)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (row - own) / np.sqrt(below)
    return np.where(below > 1e-12 * n, r, np.nan), n


def _pieces(X: Sequence[FloatArray]) -> Iterator[slice]:
    n = len(X[0]) if len(X) else 0
    return (slice(start, start + PIECE) for start in range(0, n, PIECE))


def _shift(X: Sequence[FloatArray]) -> FloatArray:
    """Return a number near each column, so that nothing cancels in the sums."""
    found = [next(iter(x[:PIECE][np.isfinite(x[:PIECE])]), 0.0) for x in X]
    return np.asarray(found, dtype=np.float64)


def _there(
    X: Sequence[FloatArray], rows: slice, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what is answered (1 or 0) and the answers about `shift`, 0 if missing."""
    values = np.column_stack([x[rows] for x in X])
    there = np.isfinite(values)
    return there * 1.0, np.where(there, values - shift, 0.0)
