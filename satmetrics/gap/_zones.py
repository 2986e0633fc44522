"""Zones of tolerance over groups of respondents: arrays in, arrays out.

Letters: n respondents, q columns of scores, G groups; A adequate (minimum), D desired,
P perceived. A missing answer is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.gap._states import StateStats, state_stats
from satmetrics.moment._column_means import Rows, influences

ROUNDING = 1e-9
"""A difference below this share of a point counts as none."""
BELOW, INSIDE, ABOVE, INVERTED = range(4)
"""States of a respondent; inverted: the minimum exceeds the desired level."""

Columns = Sequence[FloatArray]


@dataclass(frozen=True)
class ZoneStats:
    """Zones of q columns in G groups.

    Attributes
    ----------
    n : (G, q) respondents with all three.
    n_eff : (G, q) Kish's effective n.
    minimum, desired, perception : (G, q) weighted means over those respondents.
    estimate : (4, G, q) means of P − A, P − D and D − A, and the position
        ``(P̄ − Ā)/(D̄ − Ā)``; NaN unless the zone of the means is wider than zero.
    std_error : (4, G, q) linearised; of the position by the delta method.
    df : (G, q) degrees of freedom.
    states : shares below, inside, above their zone, and with an inverted one.
    """

    n: IntArray
    n_eff: FloatArray
    minimum: FloatArray
    desired: FloatArray
    perception: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    states: StateStats


def zone_stats(A: Columns, D: Columns, P: Columns, rows: Rows) -> ZoneStats:
    """Return the zones in every group.

    Parameters
    ----------
    A, D, P : q columns (n,) each.
    rows : groups, weights and sampled units of the n respondents.
    """
    found = [_one(*triple, rows) for triple in zip(A, D, P, strict=True)]
    numbers, states = zip(*found, strict=True)
    n, n_eff, A_bar, u, v, V_uu, V_uv, V_vv, df = (
        np.stack(part, axis=-1) for part in zip(*numbers, strict=True)
    )
    if rows.unit is not None:
        V_uu, V_uv, V_vv = _sampled(A, D, P, rows)
    position = np.where(v > ROUNDING, u, np.nan) / np.where(v > ROUNDING, v, 1.0)
    V = np.stack(
        [
            V_uu,
            V_uu - 2 * V_uv + V_vv,
            V_vv,
            (V_uu - 2 * position * V_uv + position**2 * V_vv)
            / np.where(v > ROUNDING, v**2, 1.0),
        ]
    )
    size = ROUNDING * np.maximum(np.sqrt(V_uu + V_vv + u**2 + v**2), ROUNDING)
    error = np.sqrt(np.maximum(V, 0.0))
    return ZoneStats(
        n.astype(np.int64),
        *(n_eff, A_bar, A_bar + v, A_bar + u),
        np.stack([u, u - v, v, position]),
        np.where(error <= size, 0.0, error),
        df,
        state_stats(states, 4, rows),
    )


def inverted(a: FloatArray, d: FloatArray) -> BoolArray:
    """Return where the minimum exceeds the desired level (n,)."""
    return np.asarray(a - d > ROUNDING)


def _one(
    a: FloatArray, d: FloatArray, p: FloatArray, rows: Rows
) -> tuple[tuple[FloatArray, ...], IntArray]:
    """Return figures (G,) of one column, and the state of each respondent (n,)."""
    u, v = p - a, d - a
    whole = np.isfinite(u + v)
    seen = None if whole.all() else whole
    states = _states(u, v, seen)
    if seen is not None:
        a, u, v = (np.where(seen, x, 0.0) for x in (a, u, v))
    n, W, W2 = rows.sizes(seen)
    with np.errstate(divide="ignore", invalid="ignore"):
        A_bar, u_bar, v_bar = (rows.total(rows.weighted(x)) / W for x in (a, u, v))
        n_eff = np.where(W2 > 0, W * W / W2, np.nan)
        several = np.where(n > 1, n / (n - 1), np.nan)
        u -= rows.spread(u_bar)
        v -= rows.spread(v_bar)
        if seen is not None:
            u, v = (np.where(seen, x, 0.0) for x in (u, v))
        u, v = rows.weighted(u), rows.weighted(v)
        V_uu, V_uv, V_vv = (
            several * rows.total(x) / W**2 for x in (u * u, u * v, v * v)
        )
    df = rows.degrees(n, seen)
    return (n, n_eff, A_bar, u_bar, v_bar, V_uu, V_uv, V_vv, df), states


def _states(u: FloatArray, v: FloatArray, seen: BoolArray | None) -> IntArray:
    state = np.full(len(u), INSIDE, dtype=np.int8)
    state[u < -ROUNDING] = BELOW
    state[u - v > ROUNDING] = ABOVE
    state[v < -ROUNDING] = INVERTED
    if seen is not None:
        state[~seen] = -1
    return state  # type: ignore[return-value]


def _sampled(
    A: Columns, D: Columns, P: Columns, rows: Rows
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return variances and covariance (G, q) of the means of P − A and D − A."""

    def differences() -> Iterator[FloatArray]:
        for a, d, p in zip(A, D, P, strict=True):
            yield p - a + 0 * d
            yield d - a + 0 * p

    V = rows.linearised_cov(influences(differences(), rows))
    q = np.arange(0, V.shape[-1], 2)
    return V[:, q, q], V[:, q, q + 1], V[:, q + 1, q + 1]
