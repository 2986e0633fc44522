"""Scores of blocks of items, answered in several forms: arrays in, arrays out.

Letters: n respondents, m items, F forms, D blocks. A missing answer is NaN. An item
counts for a respondent who answered it in every form. Columns are visited one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._typing import BoolArray, FloatArray

ROUNDING = 1e-9
"""A difference below this share of a point counts as none."""

Columns = Sequence[FloatArray]
"""One array (n,) per column."""


def block_means(
    forms: Sequence[Columns], blocks: Sequence[Sequence[int]], min_answered: float
) -> tuple[tuple[list[FloatArray], ...], list[BoolArray]]:
    """Average items within blocks, respondent by respondent, in each form.

    Parameters
    ----------
    forms : F times m columns (n,).
    blocks : the positions of the items of each of D blocks.
    min_answered : share of a block's items a respondent must have answered.

    Returns
    -------
    means : F times D columns (n,), over the items answered in all forms; NaN where too
        few are.
    short : D columns (n,), True where some items were answered, but too few.
    """
    found = [_block_mean(forms, block, min_answered) for block in blocks]
    means = tuple([mean[f] for mean, _ in found] for f in range(len(forms)))
    return means, [short for _, short in found]


def _block_mean(
    forms: Sequence[Columns], block: Sequence[int], min_answered: float
) -> tuple[list[FloatArray], BoolArray]:
    n = len(forms[0][0])
    totals = [np.zeros(n) for _ in forms]
    count = np.zeros(n)
    for j in block:
        answered = answered_in_all([columns[j] for columns in forms])
        count += 1.0 if answered is None else answered
        for total, columns in zip(totals, forms, strict=True):
            x = columns[j]
            total += x if answered is None else np.where(answered, x, 0.0)
    if (count == len(block)).all():
        return [total / len(block) for total in totals], np.zeros(n, dtype=bool)
    enough = (count > 0) & (count >= min_answered * len(block) - ROUNDING)
    divisor = np.where(enough, count, np.nan)
    return [total / divisor for total in totals], (count > 0) & ~enough


def answered_in_all(columns: Columns) -> BoolArray | None:
    """Return the rows that have every column, None if all have."""
    total = columns[0] if len(columns) == 1 else np.sum(np.stack(columns), axis=0)
    seen = np.isfinite(total)
    return None if seen.all() else seen


def block_sum(columns: Columns) -> FloatArray:
    """Sum columns respondent by respondent; NaN where any is missing."""
    total = np.zeros(len(columns[0]))
    for x in columns:
        total += x
    return total
