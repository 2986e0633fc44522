"""Scores weighted by the importance of items: arrays in, arrays out.

Letters: n respondents, k items or dimensions, G groups; I importance, X what is
weighted (performance or gap). A missing answer is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.moment._column_means import MeanStats, Rows, column_means, influences

ROUNDING = 1e-9

Columns = Sequence[FloatArray]
"""One array (n,) per column."""


def weighted_mean(
    weights: Columns, values: Columns, min_answered: float
) -> tuple[FloatArray, BoolArray]:
    """Return ``Σ_j I_j X_j / Σ_j I_j`` of each respondent over the items with both.

    Parameters
    ----------
    weights, values : k columns (n,) each; weights are not negative.
    min_answered : share of the k items a respondent must have.

    Returns
    -------
    score : (n,), NaN where too few items are there or all their weights are zero.
    weightless : (n,) True where enough items are there, and all weigh nothing.
    """
    n = len(values[0])
    total, weight, count = np.zeros(n), np.zeros(n), np.zeros(n)
    for w, x in zip(weights, values, strict=True):
        seen = np.isfinite(w + x)
        total += np.where(seen, w * x, 0.0)
        weight += np.where(seen, w, 0.0)
        count += seen
    enough = (count > 0) & (count >= min_answered * len(values) - ROUNDING)
    weightless = enough & (weight <= 0)
    divisor = np.where(enough & ~weightless, weight, np.nan)
    return total / divisor, weightless


def weighted_sum(weights: Columns, values: Columns) -> FloatArray:
    """Return ``Σ_j I_j X_j`` (n,); NaN unless all k items have both."""
    total = np.zeros(len(values[0]))
    for w, x in zip(weights, values, strict=True):
        total += w * x
    return total


@dataclass(frozen=True)
class Aggregate:
    """A figure made of means, (G,) each."""

    estimate: FloatArray
    std_error: FloatArray


def of_means(
    weights: Columns, values: Columns, rows: Rows, *, normalised: bool
) -> Aggregate:
    """Return ``Σ_j Ī_j X̄_j``, or that over ``Σ_j Ī_j``, with its linearised error.

    Each pair of means is over the respondents who have both.

    Parameters
    ----------
    weights, values : k columns (n,) each.
    rows : groups, weights and sampled units.
    normalised : whether to divide by the sum of the mean weights.
    """
    parts = [_paired_means(w, x, rows) for w, x in zip(weights, values, strict=True)]
    W = np.stack([mean.mean[:, 0] for mean in parts], axis=1)
    X = np.stack([mean.mean[:, 1] for mean in parts], axis=1)
    total = np.where(W.sum(axis=1) > 0, W.sum(axis=1), np.nan) if normalised else 1.0
    estimate = np.sum(W * X, axis=1) / total
    by_weight = X - estimate[:, None] if normalised else X
    share = np.reshape(total, (-1, 1)) if normalised else 1.0
    slopes = by_weight / share, W / share

    def linear() -> Iterator[FloatArray]:
        out = np.zeros(len(rows.codes))
        for j, pair in enumerate(zip(weights, values, strict=True)):
            both = influences(_both(*pair), rows)
            for slope, influence in zip(slopes, both, strict=True):
                known = np.where(np.isfinite(slope[:, j]), slope[:, j], 0.0)
                out += rows.spread(known) * influence
        yield out

    variance = rows.linearised_cov(linear())[:, 0, 0]
    error = np.sqrt(np.maximum(variance, 0.0))
    return Aggregate(estimate, np.where(np.isfinite(estimate), error, np.nan))


def _paired_means(w: FloatArray, x: FloatArray, rows: Rows) -> MeanStats:
    plain = Rows(rows.codes, rows.n_groups, rows.w)
    return column_means(_both(w, x), plain)


def _both(w: FloatArray, x: FloatArray) -> list[FloatArray]:
    whole = np.isfinite(w + x)
    if whole.all():
        return [w, x]
    return [np.where(whole, column, np.nan) for column in (w, x)]
