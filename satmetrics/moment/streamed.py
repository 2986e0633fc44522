"""Sums over complete rows, straight from the columns of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment import _stream
from satmetrics.survey.missing import Complete, complete_rows


@dataclass(frozen=True, eq=False)
class Streamed:
    """Summed contributions of complete rows.

    Attributes
    ----------
    sums : (3 + p + p*,); see `_kernel`.
    shift : (p,) subtracted from every answer.
    complete : which rows they are.
    """

    sums: FloatArray
    shift: FloatArray
    complete: Complete


def streamed_sums(
    columns: Sequence[FloatArray],
    w: FloatArray | None,
    names: Sequence[str],
    policy: str,
) -> Streamed:
    """Sum the contributions of the complete rows of columns, none of them copied.

    Answers are finite or missing, so sums that come out finite had none missing; only
    others are worth a look at every answer.

    Parameters
    ----------
    columns : p arrays (n,), NaN = missing.
    w : (n,) weights; None for 1.
    names : p item names.
    policy : "listwise" or "error".

    Raises
    ------
    DataError
        If no row is left, or the policy is "error" and an answer is missing.
    """
    shift = _stream.first_mean(columns, None)
    if len(columns[0]) and np.isfinite(shift).all():
        sums = _stream.total_sums(columns, w, None, shift)
        if np.isfinite(sums).all():
            return Streamed(sums, shift, Complete())
    complete = complete_rows(columns, names, policy)
    shift = _stream.first_mean(columns, complete.rows)
    return Streamed(
        _stream.total_sums(columns, w, complete.rows, shift), shift, complete
    )


LARGE = 50
"""Rows of a group, on average, from which each is summed by itself."""


@dataclass(frozen=True, eq=False)
class Members:
    """The rows of each group.

    Attributes
    ----------
    rows : G arrays of positions, ascending.
    codes : (U,) group of each complete row, −1 for none.
    complete : the complete rows.
    """

    rows: tuple[IntArray, ...]
    codes: IntArray
    complete: Complete

    @classmethod
    def of(cls, complete: Complete, codes: IntArray, n_groups: int) -> Members:
        """Return the complete rows of each of the groups in `codes` (n,)."""
        here = codes if complete.rows is None else codes[complete.rows]
        order = np.argsort(here, kind="stable")
        bounds = np.searchsorted(here[order], np.arange(n_groups + 1))
        rows = order if complete.rows is None else complete.rows[order]
        parts = tuple(rows[a:b] for a, b in pairwise(bounds.tolist()))
        return cls(parts, here, complete)

    def sums(
        self, columns: Sequence[FloatArray], w: FloatArray | None, shift: FloatArray
    ) -> FloatArray:
        """Return the summed contributions (G, 3 + p + p*) about shifts (G, p)."""
        return np.stack(
            [
                _stream.total_sums(columns, w, rows, about)
                for rows, about in zip(self.rows, shift, strict=True)
            ]
        )

    def shifts(self, columns: Sequence[FloatArray]) -> FloatArray:
        """Return a shift (G, p) for each group, near its means."""
        return np.stack([_stream.first_mean(columns, rows) for rows in self.rows])
