"""Means of two independent samples: arrays in, arrays out.

Letters: N rows of both samples, k of the smaller one, q columns, B permutations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

import numpy as np

from satmetrics._typing import FloatArray, IntArray

CELLS = 4_000_000
"""Numbers of working memory of one chunk of permutations."""
SAME = 1e-10
"""A permuted statistic this close to the observed one, relative to 1 or to its size,
equals it: rounding must not decide whether it is as extreme."""


@dataclass(frozen=True)
class Permuted:
    """A permutation test of q columns.

    Attributes
    ----------
    p : (q,) ``(b + 1)/(B + 1)``; NaN where the observed statistic is undefined.
    draws : (q,) B, the permutations with a defined statistic.
    every : True if these are all permutations but the observed one.
    """

    p: FloatArray
    draws: IntArray
    every: bool


def welch(
    v1: FloatArray, df1: FloatArray, v2: FloatArray, df2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return error and Satterthwaite's degrees of freedom of a difference of means.

    ``se² = v1 + v2`` and ``df = se⁴ / (v1²/df1 + v2²/df2)``; a variance of 0, such as
    that of a census, adds nothing to either. Welch (1947),
    doi:10.1093/biomet/34.1-2.28.

    Parameters
    ----------
    v1, v2 : variances of the two means.
    df1, df2 : their degrees of freedom; not read where the variance is 0.
    """
    total = v1 + v2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = sum(
            np.where(v > 0, v * v / np.where(v > 0, df, 1.0), np.where(v == 0, 0.0, v))
            for v, df in ((v1, df1), (v2, df2))
        )
        df = np.where(total > 0, total * total / parts, np.nan)
    return np.sqrt(total), df


def permutation_test(
    Z: FloatArray,
    w: FloatArray,
    k: int,
    n_draws: int,
    rng: np.random.Generator,
) -> Permuted:
    """Test that two samples are alike by permuting the studentised difference.

    ``T = (x̄_1 − x̄_2) / √(v_1 + v_2)`` with each variance its own: the test is exact
    where both come from one distribution and, unlike that of the bare difference, keeps
    its size for large samples of unequal variances (Janssen 1997,
    doi:10.1016/S0167-7152(97)00043-6; Chung and Romano 2013, doi:10.1214/13-AOS1090).
    All permutations are enumerated where there are no more than `n_draws`. A row takes
    its weight along.

    Parameters
    ----------
    Z : (N, q) values, the first k rows the smaller sample; complete.
    w : (N,) positive weights.
    k : size of the smaller sample.
    n_draws : most permutations to compute.
    rng : draws the permutations.
    """
    N = len(Z)
    every = comb(N, k) - 1 <= n_draws
    chosen = _all_subsets(N, k)[1:] if every else _subsets(N, k, n_draws, rng)
    terms = _terms(Z - Z.mean(axis=0), w)
    total = terms.sum(axis=0)
    observed = np.abs(_statistic(terms[:k].sum(axis=0), total, k, N - k))
    extreme, defined = np.zeros(Z.shape[1]), np.zeros(Z.shape[1], dtype=np.int64)
    slack = SAME * np.maximum(1.0, observed)
    step = max(1, CELLS // (k * terms[0].size))
    for start in range(0, len(chosen), step):
        part = terms[chosen[start : start + step]].sum(axis=1)
        T = np.abs(_statistic(part, total, k, N - k))
        defined += (~np.isnan(T)).sum(axis=0)
        with np.errstate(invalid="ignore"):
            extreme += (observed - slack <= T).sum(axis=0)
    p = np.where(np.isfinite(observed), (extreme + 1) / (defined + 1), np.nan)
    return Permuted(p, defined, every)


def _terms(x: FloatArray, w: FloatArray) -> FloatArray:
    """Return what adds up to means and variances, (N, 5, q)."""
    v = np.broadcast_to(w[:, None], x.shape)
    return np.stack([v, v * v, v * x, v * v * x, v * v * x * x], axis=1)


def _statistic(part: FloatArray, total: FloatArray, n1: int, n2: int) -> FloatArray:
    """Return the studentised difference (…, q) of summed terms (…, 5, q)."""
    m1, v1 = _mean_and_variance(part, n1)
    m2, v2 = _mean_and_variance(total - part, n2)
    # means that differ without any variance are as far apart as can be: infinite
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((m1 - m2) / np.sqrt(v1 + v2))


def _mean_and_variance(sums: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    W, W2, Wx, W2x, W2xx = np.moveaxis(sums, -2, 0)
    mean = Wx / W
    squares = W2xx - 2 * mean * W2x + mean * mean * W2
    squares = np.where(squares > 1e-12 * np.abs(W2xx), squares, 0.0)
    return mean, n / (n - 1) * squares / (W * W)


def _all_subsets(N: int, k: int) -> IntArray:
    """Return every choice of k of N, the first being 0 … k − 1."""
    flat = chain.from_iterable(combinations(range(N), k))
    return np.fromiter(flat, dtype=np.int64, count=comb(N, k) * k).reshape(-1, k)


def _subsets(N: int, k: int, n: int, rng: np.random.Generator) -> IntArray:
    """Draw n choices of k of N, each equally likely.

    Few of many: k numbers are drawn and drawn again where two are equal; else the
    first k of a random order.
    """
    if k * k > N:
        order = rng.permuted(np.broadcast_to(np.arange(N), (n, N)), axis=1)
        return np.asarray(order[:, :k], dtype=np.int64)
    chosen = rng.integers(0, N, size=(n, k))
    while True:
        ordered = np.sort(chosen, axis=1)
        again = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not again.size:
            return chosen
        chosen[again] = rng.integers(0, N, size=(again.size, k))
