"""Chains of paths and their products: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray

LIMIT = 200
"""Chains listed at most; a model may have thousands."""


@dataclass(frozen=True)
class Chains:
    """Chains of two and more paths, shortest first.

    Attributes
    ----------
    edges : per chain, the positions of its paths.
    steps : per length from 2, (prefix, last): the positions among the chains one path
        shorter (paths themselves at first), and of the path that lengthens them.
    left_out : number of longer chains that are not listed.
    """

    edges: tuple[tuple[int, ...], ...]
    steps: tuple[tuple[IntArray, IntArray], ...]
    left_out: int

    @classmethod
    def of(cls, source: IntArray, target: IntArray, limit: int = LIMIT) -> Chains:
        """List the chains of an acyclic graph of paths source → target, (E,) each.

        All chains of one length are listed, or none: those of the greatest length at
        which there are `limit` in all, and shorter ones.
        """
        per_length = _counts(source, target)
        found: list[tuple[int, ...]] = []
        steps: list[tuple[IntArray, IntArray]] = []
        level: list[tuple[int, ...]] = [(e,) for e in range(len(source))]
        listed = 0
        for count in per_length:
            if listed + count > limit:
                break
            pairs = [
                (i, int(f))
                for i, chain in enumerate(level)
                for f in np.flatnonzero(source == target[chain[-1]])
            ]
            level = [(*level[i], f) for i, f in pairs]
            steps.append(
                (np.array([i for i, _ in pairs]), np.array([f for _, f in pairs]))
            )
            found += level
            listed += count
        return cls(tuple(found), tuple(steps), sum(per_length) - listed)

    def products(self, paths: FloatArray) -> FloatArray:
        """Return the product (m, …) of coefficients (E, …) along each chain."""
        level, parts = paths, []
        for prefix, last in self.steps:
            level = level[prefix] * paths[last]
            parts.append(level)
        return np.concatenate(parts) if parts else paths[:0]


def _counts(source: IntArray, target: IntArray) -> list[int]:
    """Return the number of chains of 2, 3, … paths."""
    if not len(source):
        return []
    q = int(max(source.max(), target.max())) + 1
    adjacency = np.zeros((q, q))
    np.add.at(adjacency, (source, target), 1.0)
    counts: list[int] = []
    power = adjacency @ adjacency
    while power.any() and len(counts) < q:
        counts.append(int(power.sum()))
        power = power @ adjacency
    return counts
