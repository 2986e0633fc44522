"""Draw counts and random moments, in fixed blocks with seeds of their own.

The size of a block depends on the number of units alone, so that the draws are the
same however they are later chunked or spread over workers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from satmetrics._typing import FloatArray, RngLike

BLOCK_DRAWS = 50
BLOCK_CELLS = 2**22
"""Draws × units in one block: 32 MB of counts at most."""


def block_sizes(n_draws: int, n_units: int) -> list[int]:
    """Return the sizes of the blocks that make up `n_draws`."""
    size = int(np.clip(BLOCK_CELLS // max(n_units, 1), 1, BLOCK_DRAWS))
    full, rest = divmod(n_draws, size)
    return [size] * full + ([rest] if rest else [])


def bootstrap_counts(n_units: int, n_draws: int, rng: RngLike) -> Iterator[FloatArray]:
    """Yield blocks (b, U) of counts: how often each unit is in each resample.

    Each resample draws U of U units with replacement. Block k uses the k-th child of
    `rng` (SPEC 7), and draws a full block even when fewer are wanted, so that the
    first draws do not depend on their number.
    """
    sizes = block_sizes(n_draws, n_units)
    children = np.random.default_rng(rng).spawn(len(sizes))
    for size, child in zip(sizes, children, strict=True):
        picked = child.integers(0, n_units, size=(max(sizes), n_units))[:size]
        picked += (np.arange(size) * n_units)[:, None]
        counts = np.bincount(picked.ravel(), minlength=size * n_units)
        yield counts.reshape(size, n_units).astype(np.float64)


def normal_moments(
    mean: FloatArray, cov: FloatArray, n: float, n_draws: int, rng: RngLike
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield blocks of means (b, p) and covariances (b, p, p) of normal samples of n.

    ``S ~ Wishart(n − 1, Σ)/(n − 1)`` by Bartlett's decomposition (Bartlett 1933) and,
    independently, ``x̄ ~ N(μ, Σ/n)``.
    """
    p = len(mean)
    values, vectors = np.linalg.eigh(cov)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    df = n - 1
    sizes = block_sizes(n_draws, 1)
    for size, child in zip(
        sizes, np.random.default_rng(rng).spawn(len(sizes)), strict=True
    ):
        full = max(sizes)
        m = mean + child.standard_normal((full, p)) @ root.T / np.sqrt(n)
        A = _bartlett(child, full, p, df)
        half = root @ A
        yield m[:size], (half @ np.swapaxes(half, 1, 2) / df)[:size]


def _bartlett(rng: np.random.Generator, draws: int, p: int, df: float) -> FloatArray:
    """Return A (draws, p, k) with A Aᵀ ~ Wishart(df, I)."""
    if df < p:
        return rng.standard_normal((draws, p, int(df)))
    A = np.tril(rng.standard_normal((draws, p, p)), -1)
    diagonal = np.sqrt(rng.chisquare(df - np.arange(p), size=(draws, p)))
    A[:, np.arange(p), np.arange(p)] = diagonal
    return A
