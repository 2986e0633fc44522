"""Columns that are products of items: what interactions need beside the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray


@dataclass(frozen=True)
class Products(Record):
    """Products of pairs of items about a stored centre.

    The centre is kept so that resamples and new respondents get the same columns; what
    is about the mean of a resample follows from them by a linear map.

    Attributes
    ----------
    items : the I items that have a centre.
    centre : subtracted from each before it is multiplied.
    pairs : the C pairs of items.
    """

    items: tuple[str, ...]
    centre: tuple[float, ...]
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def about_means(
        cls, X: FloatArray, items: Sequence[str], pairs: Sequence[tuple[str, str]]
    ) -> Products:
        """Return products about the means of the answers X (U, I); NaN is none."""
        there = np.isfinite(X)
        count = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, X, 0.0).sum(axis=0) / count
        return cls(tuple(items), tuple(float(m) for m in mean), tuple(pairs))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the product columns."""
        return tuple(f"{a}*{b}" for a, b in self.pairs)

    def positions(self) -> tuple[IntArray, IntArray]:
        """Return the places among `items` of both members of each pair, (C,) each."""
        at = {item: i for i, item in enumerate(self.items)}
        both = np.array([[at[a], at[b]] for a, b in self.pairs], dtype=np.int64)
        return both[:, 0], both[:, 1]

    def beside(self, X: FloatArray, names: Sequence[str]) -> FloatArray:
        """Return answers X (U, p) of items `names` with the C products beside them."""
        at = [list(names).index(item) for item in self.items]
        Z = X[:, at] - np.array(self.centre)
        i, j = self.positions()
        return np.hstack([X, Z[:, i] * Z[:, j]])
