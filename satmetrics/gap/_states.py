"""Shares of respondents in each of K states by group: arrays in, arrays out.

Letters: n respondents, q columns, G groups, K states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.inference._tests import effective_n, few_units
from satmetrics.moment._column_means import Rows, sampled_errors

ROUNDING = 1e-9
"""A difference below this counts as none."""


@dataclass(frozen=True)
class StateStats:
    """Shares of q columns of states in G groups.

    Attributes
    ----------
    n : (G, q) respondents with a state.
    n_eff : (G, q) Kish's effective n, (Σw)²/Σw².
    share : (K, G, q) weighted shares; NaN without respondents.
    std_error : (K, G, q) Taylor linearised, over sampled units where these are known.
    n_wilson : (K, G, q) effective n of each share for its Wilson limits: `n_eff`, or
        over sampled units ``1 + p (1 − p)/se²``, at most n (Korn and Graubard 1998);
        the number of sampled units (df + 1) where all are in one state.
    df : (G, q) sampled units less strata, infinite where rows were sampled singly.
    """

    n: IntArray
    n_eff: FloatArray
    share: FloatArray
    std_error: FloatArray
    n_wilson: FloatArray
    df: FloatArray

    def for_limits(self, level: float) -> FloatArray:
        """Return the n of Wilson's limits (K, G, q), less where few were sampled."""
        return np.asarray(self.n_wilson * few_units(self.df, level))


def three_way(difference: FloatArray, tolerance: float) -> IntArray:
    """Return 0 above, 1 within and 2 below ±tolerance, −1 where missing (n,)."""
    edge = tolerance + ROUNDING
    state = np.ones(len(difference), dtype=np.int8)
    state[difference > edge] = 0
    state[difference < -edge] = 2
    state[np.isnan(difference)] = -1
    return state  # type: ignore[return-value]


def state_stats(states: Sequence[IntArray], K: int, rows: Rows) -> StateStats:
    """Return the shares of K states in every column and group.

    Parameters
    ----------
    states : q columns (n,) of 0 … K − 1, −1 where missing.
    K : number of states.
    rows : groups, weights and sampled units.
    """
    found = [_one(state, K, rows) for state in states]
    n, n_eff, share, error, df = (
        np.stack(part, axis=-1) for part in zip(*found, strict=True)
    )
    wilson = np.broadcast_to(n_eff, share.shape)
    if rows.unit is not None:
        error = _sampled(states, K, rows)
        wilson = effective_n(share, error**2, n, np.fmin(n_eff, df + 1))
    else:
        df = np.full_like(n_eff, np.inf)
    wilson = np.asarray(wilson)
    return StateStats(n.astype(np.int64), n_eff, share, error, wilson, df)


def _one(state: IntArray, K: int, rows: Rows) -> tuple[FloatArray, ...]:
    """Return n, n_eff (G,), share, error (K, G) and df (G,) of one column."""
    seen = None if (state >= 0).all() else state >= 0
    n, W, W2 = rows.sizes(seen)
    in_state = _counts(state, K, rows, rows.w)
    squares = in_state if rows.w is None else _counts(state, K, rows, rows.w**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = in_state / W
        several = np.where(n > 1, n / (n - 1), np.nan)
        twice = (1 - 2 * share) * squares + share**2 * W2
        error = np.sqrt(several * np.maximum(twice, 0.0)) / W
        n_eff = np.where(W2 > 0, W * W / W2, np.nan)
    return n, n_eff, share, error, rows.degrees(n, seen)


def _counts(
    state: IntArray, K: int, rows: Rows, weights: FloatArray | None
) -> FloatArray:
    """Sum weights, or ones, by state and group: (K, G)."""
    cell = rows.codes * (K + 1)
    cell += state
    cell += 1
    found = np.bincount(cell, weights, minlength=(K + 1) * rows.n_groups)
    table = found.reshape(rows.n_groups, K + 1)[:, 1:].T
    return np.asarray(table, dtype=np.float64)


def _sampled(states: Sequence[IntArray], K: int, rows: Rows) -> FloatArray:
    """Return the errors (K, G, q) over sampled units."""

    def indicators() -> Iterator[FloatArray]:
        for state in states:
            for k in range(K):
                yield np.where(state < 0, np.nan, state == k)

    error = sampled_errors(indicators(), rows)
    return np.moveaxis(error.reshape(rows.n_groups, len(states), K), -1, 0)
