"""Draw counts and random moments, in fixed blocks with seeds of their own.

The size of a block depends on the number of units alone, so that the draws are the
same however they are later chunked or spread over workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from satmetrics._typing import AnyArray, FloatArray, IntArray, RngLike

T = TypeVar("T")
BLOCK_DRAWS = 50
SHORT = 2**16
"""Up to so many units their numbers are drawn as 16 bits, in half the time."""
BLOCK_CELLS = 2**22
"""Draws × units in one block: 32 MB of counts at most."""


def block_sizes(n_draws: int, n_units: int) -> list[int]:
    """Return the sizes of the blocks that make up `n_draws`."""
    size = int(np.clip(BLOCK_CELLS // max(n_units, 1), 1, BLOCK_DRAWS))
    full, rest = divmod(n_draws, size)
    return [size] * full + ([rest] if rest else [])


def gathered(
    blocks: Iterable[T], enough: float, size: Callable[[T], int]
) -> Iterator[list[T]]:
    """Yield blocks together, as many as it takes to hold `enough` draws.

    Parameters
    ----------
    blocks : made as they are asked for.
    size : how many draws a block holds.
    """
    held: list[T] = []
    total = 0
    for block in blocks:
        held.append(block)
        total += size(block)
        if total >= enough:
            yield held
            held, total = [], 0
    if held:
        yield held


def bootstrap_counts(n_units: int, n_draws: int, rng: RngLike) -> Iterator[FloatArray]:
    """Yield blocks (b, U) of counts: how often each unit is in each resample.

    Each resample draws U of U units with replacement. Block k uses the k-th child of
    `rng` (SPEC 7), and draws a full block even when fewer are wanted, so that the
    first draws do not depend on their number.
    """
    kind = np.uint16 if n_units <= SHORT else np.int64
    sizes = block_sizes(n_draws, n_units)
    children = np.random.default_rng(rng).spawn(len(sizes))
    for size, child in zip(sizes, children, strict=True):
        shape = (max(sizes), n_units)
        picked = child.integers(0, n_units, size=shape, dtype=kind)
        yield _counted(np.asarray(picked[:size]), n_units)


def rescaled_counts(
    n_units: int, strata: IntArray | None, n_draws: int, rng: RngLike
) -> Iterator[FloatArray]:
    """Yield blocks (b, U) of rescaled counts: the bootstrap of a stratified design.

    Within stratum h, ``n_h − 1`` of its ``n_h`` units are drawn with replacement and
    their counts multiplied by ``n_h/(n_h − 1)``, so that the counts have mean 1 and a
    total has the variance ``Σ_h n_h s_h²`` of the usual estimator (Rao and Wu 1988,
    doi:10.1080/01621459.1988.10478591; Rao, Wu and Yue 1992). Blocks and seeds are
    those of `bootstrap_counts`.

    Parameters
    ----------
    n_units : number of units U.
    strata : (U,) codes from 0, each with at least two units; None for one stratum.
    """
    codes = np.zeros(n_units, dtype=np.int64) if strata is None else strata
    order = np.argsort(codes, kind="stable")
    per = np.bincount(codes)
    first = np.repeat(np.cumsum(per) - per, np.maximum(per - 1, 0))
    bound = np.repeat(per, np.maximum(per - 1, 0))
    factor = (per / np.maximum(per - 1, 1))[codes]
    sizes = block_sizes(n_draws, n_units)
    children = np.random.default_rng(rng).spawn(len(sizes))
    for size, child in zip(sizes, children, strict=True):
        within = child.integers(0, bound, size=(max(sizes), len(bound)))[:size]
        yield _counted(order[first + within], n_units) * factor


def _counted(picked: AnyArray, n_units: int) -> FloatArray:
    """Return how often each of U units occurs in each row of picked (b, ·)."""
    b = len(picked)
    at = np.add(picked, (np.arange(b) * n_units)[:, None], dtype=np.int64)
    counts = np.bincount(at.ravel(), minlength=b * n_units)
    return counts.reshape(b, n_units).astype(np.float64)


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
