"""Dealing units into shards: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import IntArray

SHARDS = 1000
FEWEST = 200
PER_SHARD = 20
"""Fewer units in a shard leave too few shards, or too little in each."""
SEED = 0x5A7
"""One seed for all: the same data make the same shards."""


def n_shards(n_units: int) -> int:
    """Return how many shards so many units make; 0 if there are too few units."""
    K = min(SHARDS, n_units // PER_SHARD)
    return K if K >= FEWEST else 0


def deal(strata: IntArray, K: int) -> tuple[IntArray, IntArray, IntArray]:
    """Deal units into about K shards within strata, in an order set by a hash.

    A stratum gets its share of the K shards, at least two, at most one per unit; its
    shards differ by at most one unit.

    Parameters
    ----------
    strata : (U,) codes from 0, each with at least two units.
    K : shards in all.

    Returns
    -------
    order : (U,) units, shard after shard.
    sizes : (K',) units of each shard.
    of : (K',) stratum of each shard.
    """
    per = np.bincount(strata)
    order = np.argsort(hashed(np.arange(len(strata))), kind="stable")
    if len(per) > 1:
        order = order[np.argsort(strata[order], kind="stable")]
    share = np.rint(K * per / len(strata)).astype(np.int64)
    shards = np.clip(share, np.minimum(2, per), per)
    of = np.repeat(np.arange(len(per)), shards)
    place = np.arange(len(of)) - np.repeat(np.cumsum(shards) - shards, shards)
    low, rest = np.divmod(per, np.maximum(shards, 1))
    sizes = low[of] + (place < rest[of])
    return order, sizes, of


def hashed(position: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Return 64 mixed bits of each number (splitmix64, Steele, Lea and Flood 2014)."""
    z = position.astype(np.uint64) + np.uint64(SEED)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
