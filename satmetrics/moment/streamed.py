"""Sums over complete rows, straight from the columns of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
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
