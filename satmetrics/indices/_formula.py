"""Weighted sums of means and their errors: arrays in, arrays out.

Letters: n rows, q items, D weighted sums of their means, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._across import Cells
from satmetrics.moment._column_means import Rows, influences, mean_of
from satmetrics.moment._linked import linked, within


@dataclass(frozen=True)
class Sums:
    """D weighted sums of means in G groups.

    Attributes
    ----------
    n : (G, D) rows behind the scarcest mean of each sum.
    estimate, std_error, df : (G, D)
    pairs : (k, 2) positions in the ravelled (G, D) whose errors go together.
    covariance : (k,)
    """

    n: IntArray
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    pairs: IntArray
    covariance: FloatArray


def weighted_sums(columns: Sequence[FloatArray], L: FloatArray, rows: Rows) -> Sums:
    """Return ``Σ_j L_dj x̄_j``, each mean over the rows that have it.

    The error is that of the sum of the means' influence values, row by row, so that
    answers of one respondent to several items count as such; over sampled units within
    strata where these are known.

    Parameters
    ----------
    columns : q arrays (n,), NaN = missing.
    L : (D, q) weights.
    rows : groups, weights and sampled units.
    """
    seen = [np.isfinite(column) for column in columns]
    n = np.stack([rows.total(s) for s in seen], axis=1)
    means = np.stack([mean_of(column, rows) for column in columns], axis=1)
    used = L != 0
    least = np.stack([n[:, u].min(axis=1) for u in used], axis=1)
    estimate = np.where(least > 0, np.nan_to_num(means) @ L.T, np.nan)
    df = _degrees(seen, used, least, rows)
    u = _summed(columns, L, n, rows)
    if rows.unit is None:
        found = within(rows.products(u))
    else:
        found = linked(u, df, Cells.of(rows))
    std_error = np.where(np.isnan(df), np.nan, np.sqrt(found.variance))
    return Sums(
        least.astype(np.int64),
        estimate,
        std_error,
        np.where(np.isnan(df), np.inf, df),
        found.pairs,
        found.covariance,
    )


def _degrees(
    seen: Sequence[BoolArray], used: BoolArray, least: FloatArray, rows: Rows
) -> FloatArray:
    """Return degrees of freedom (G, D): those of the scarcest item; NaN below 1."""
    if rows.unit is None:
        return np.where(least > 1, least - 1, np.nan)
    found = []
    for own in used:
        there = np.logical_or.reduce(
            [s for s, has in zip(seen, own, strict=True) if has]
        )
        found.append(rows.degrees(rows.total(there), there))
    return np.where(least > 1, np.stack(found, axis=1), np.nan)


def _summed(
    columns: Sequence[FloatArray], L: FloatArray, n: FloatArray, rows: Rows
) -> list[FloatArray]:
    """Return the influence values (n,) of each sum.

    Of rows sampled singly each item's with its own ``√(n/(n − 1))``, as in
    `joint_means`.
    """
    u = [np.zeros(len(rows.codes)) for _ in L]
    for j, influence in enumerate(influences(columns, rows)):
        several = np.maximum(n[:, j], 2)
        factor = rows.spread(np.sqrt(several / (several - 1)))
        own = influence if rows.unit is not None else influence * factor
        for total, weights in zip(u, L, strict=True):
            if weights[j]:
                total += weights[j] * own
    return u
