"""Weighted trees of items: arrays in, arrays out.

Letters: n respondents, p items, q nodes, a parent before its children, the root first.
A missing answer is NaN. Loops run over nodes, never over respondents or groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

ROUNDING = 1e-9
"""Shares of weight are compared to this."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree with weights.

    Attributes
    ----------
    parent : (q,) position of the parent, −1 for the root.
    share : (q,) weight among the siblings, which sum to 1; 1 for the root.
    item : (q,) column of a leaf, −1 for a node with children.
    """

    parent: IntArray
    share: FloatArray
    item: IntArray

    @property
    def inner(self) -> IntArray:
        """The nodes with children, parents first."""
        return np.flatnonzero(self.item < 0)

    def children(self, node: int) -> IntArray:
        """Return the children of a node."""
        return np.flatnonzero(self.parent == node)

    def products(self) -> FloatArray:
        """Return the weight (q,) of each node in the root: products down the path."""
        out = self.share.copy()
        for k in range(1, len(out)):
            out[k] *= out[self.parent[k]]
        return out

    def matrix(self) -> FloatArray:
        """Return the weights (q, p) of the items in each node, added up from below."""
        p = int(self.item.max()) + 1
        A = np.zeros((len(self.parent), p))
        leaves = np.flatnonzero(self.item >= 0)
        A[leaves, self.item[leaves]] = 1.0
        for k in range(len(self.parent) - 1, 0, -1):
            A[self.parent[k]] += self.share[k] * A[k]
        return A


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of respondents at every node.

    Attributes
    ----------
    S : (n, q), NaN where too little was answered.
    T : node with children → (n,) weight of the children answered, NaN where too little.
    short : node with children → (n,) True where some was answered, but too little.
    """

    S: FloatArray
    T: dict[int, FloatArray]
    short: dict[int, BoolArray]


def score(X: FloatArray, tree: Tree, min_answered: float) -> Scored:
    """Score respondents from the items upwards.

    A node's score is the mean of the children that have one, with their weights, where
    these are at least `min_answered` of all weight.

    Parameters
    ----------
    X : (n, p)
    """
    S = np.full((len(X), len(tree.parent)), np.nan, order="F")
    for k in np.flatnonzero(tree.item >= 0).tolist():
        S[:, k] = X[:, tree.item[k]]
    T, short = {}, {}
    for k in reversed(tree.inner.tolist()):
        total, weight, some = np.zeros(len(X)), np.zeros(len(X)), np.zeros(len(X), bool)
        for child in tree.children(k).tolist():
            below, w = S[:, child], tree.share[child]
            seen = np.isfinite(below)
            total += np.where(seen, w * below, 0.0)
            weight += w * seen
            some |= seen
        enough = (weight > ROUNDING) & (weight >= min_answered - ROUNDING)
        T[k] = np.where(enough, weight, np.nan)
        S[:, k] = total / T[k]
        short[k] = some & ~enough
    return Scored(S, T, short)


def to_parent(scored: Scored, tree: Tree) -> Iterator[FloatArray]:
    """Yield what each node (n,) adds to its parent's score; the root's is its own."""
    for k in range(len(tree.parent)):
        above = int(tree.parent[k])
        own = scored.S[:, k]
        if above < 0:
            yield own
            continue
        there = np.where(np.isfinite(own), own, 0.0)
        yield tree.share[k] * there / scored.T[above]


def to_root(scored: Scored, tree: Tree) -> Iterator[FloatArray]:
    """Yield what each node (n,) adds to the root's score, 0 if on no path to it."""
    root = np.where(np.isfinite(scored.S[:, 0]), 0.0, np.nan)
    for k in range(len(tree.parent)):
        value = np.where(np.isfinite(scored.S[:, k]), scored.S[:, k], 0.0)
        here = k
        while here:
            above = int(tree.parent[here])
            value = value * (tree.share[here] / scored.T[above])
            here = above
        yield np.where(np.isfinite(value), value, 0.0) + root
