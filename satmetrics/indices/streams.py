"""Counts of resamples, any draws of which can be made again.

Draws are made in blocks of their own seeds, so that they are the same in whatever
portions they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.inference import _resample


@dataclass(frozen=True, eq=False)
class Stream:
    """Resamples of U sampled units.

    Attributes
    ----------
    n_units : U.
    seed : from which the seed of each block follows.
    strata : (U,) stratum of each unit, for the rescaled bootstrap; None to draw U of U.
    """

    n_units: int
    seed: np.random.SeedSequence
    strata: IntArray | None = None

    @property
    def block(self) -> int:
        """Draws of one block."""
        return _resample.block_sizes(_resample.BLOCK_DRAWS, self.n_units)[0]

    def between(self, first: int, last: int) -> Iterator[FloatArray]:
        """Yield counts (b, U) of the draws from `first` up to, not with, `last`."""
        size = self.block
        for k in range(first // size, -(-last // size)):
            start = k * size
            yield self._counts(k)[max(first - start, 0) : last - start]

    def _counts(self, k: int) -> FloatArray:
        key = (*self.seed.spawn_key, k)
        child = np.random.SeedSequence(self.seed.entropy, spawn_key=key)
        rng = np.random.default_rng(child)
        if self.strata is None:
            made = _resample.bootstrap_counts(self.n_units, self.block, rng)
        else:
            made = _resample.rescaled_counts(self.n_units, self.strata, self.block, rng)
        return next(made)


def seeds(rng: np.random.Generator, count: int) -> list[np.random.SeedSequence]:
    """Return seeds that follow from a generator, others at each call."""
    entropy = [int(word) for word in rng.integers(0, 2**32, size=4)]
    return np.random.SeedSequence(entropy).spawn(count)
