"""Paired differences over groups of respondents: arrays in, arrays out.

Letters: n respondents, m pairs, D dimensions, G groups, q columns of scores. A missing
answer is NaN. Columns are visited one by one: memory stays at a few of them beside the
scores, and nothing loops over respondents or groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.inference._tests import effective_n
from satmetrics.moment._column_means import (
    Rows,
    column_means,
    sampled_errors,
    spread_and_error,
)

ROUNDING = 1e-9
"""A gap or a standard deviation below this share of its size counts as zero."""

Columns = Sequence[FloatArray]
"""One array (n,) per column."""
STATES: tuple[Callable[[FloatArray], BoolArray], ...] = (
    lambda g: np.asarray(g > ROUNDING),
    lambda g: np.asarray(np.abs(g) <= ROUNDING),
    lambda g: np.asarray(g < -ROUNDING),
)
"""A positive, a zero and a negative gap."""


@dataclass(frozen=True)
class PairedStats:
    """Statistics of q columns of paired scores in G groups, each (G, q).

    Attributes
    ----------
    n : respondents with the pair.
    n_eff : Kish's effective n, (Σw)²/Σw².
    expectation, perception, gap : weighted means over those respondents.
    sd : standard deviation of the gap, divisor Σw − Σw²/Σw (n − 1 without weights).
    std_error : of the mean gap, Taylor linearised when weighted, over sampled units
        where these are known; NaN for n < 2.
    df : degrees of freedom: n − 1, or sampled units less strata.
    shares : (3, G, q) weighted shares of a positive, a zero and a negative gap.
    shares_n : (3, G, q) the n of single rows at which each share has its error:
        Kish's where rows were sampled singly.
    shares_df : (3, G, q) `df` over sampled units, infinite where rows were sampled
        singly.
    """

    n: IntArray
    n_eff: FloatArray
    expectation: FloatArray
    perception: FloatArray
    gap: FloatArray
    sd: FloatArray
    std_error: FloatArray
    df: FloatArray
    shares: FloatArray
    shares_n: FloatArray
    shares_df: FloatArray


def paired_stats(E: Columns, P: Columns, rows: Rows) -> PairedStats:
    """Return the statistics of P − E in every group.

    ``se² = n/(n−1) · Σ w²(g − ḡ)² / (Σw)²``, which is s²/n without weights (Taylor
    linearisation of a weighted mean; Cochran 1977, section 6.4).

    Parameters
    ----------
    E, P : q columns (n,).
    rows : groups, weights and sampled units of the n respondents.
    """
    found = [_paired(e, p, rows) for e, p in zip(E, P, strict=True)]
    n, n_eff, E_bar, P_bar, gap, sd, error, df, *shares = (
        np.stack(part, axis=1) for part in zip(*found, strict=True)
    )
    shares_n = np.stack([n_eff] * 3)
    shares_df = np.full_like(shares_n, np.inf)
    if rows.unit is not None:
        gaps = [p - e for e, p in zip(E, P, strict=True)]
        error = np.where(sd > 0, sampled_errors(gaps, rows), error)
        shares_n = _sampled_n(gaps, shares, (n, np.fmin(n_eff, df + 1)), rows)
        shares_df = np.stack([df] * 3)
    return PairedStats(
        n.astype(np.int64),
        *(n_eff, E_bar, P_bar, gap, sd, error, df),
        shares=np.stack(shares),
        shares_n=shares_n,
        shares_df=shares_df,
    )


def _sampled_n(
    gaps: Columns,
    shares: Sequence[FloatArray],
    sizes: tuple[FloatArray, FloatArray],
    rows: Rows,
) -> FloatArray:
    """Return the effective n (3, G, q) of shares of sampled units."""
    out = []
    for share, state in zip(shares, STATES, strict=True):
        columns = [np.where(np.isfinite(g), state(g), np.nan) for g in gaps]
        error = sampled_errors(columns, rows)
        out.append(effective_n(share, error**2, *sizes))
    return np.stack(out)


def _paired(e: FloatArray, p: FloatArray, rows: Rows) -> tuple[FloatArray, ...]:
    """Return the figures (G,) of one pair of columns, in the order of `PairedStats`."""
    g = p - e
    seen: BoolArray | None = np.isfinite(g)
    if seen is not None and seen.all():
        seen = None
    sizes = n, W, W2 = rows.sizes(seen)
    if seen is not None:
        e, p, g = (np.where(seen, x, 0.0) for x in (e, p, g))
    with np.errstate(divide="ignore", invalid="ignore"):
        E_bar, P_bar = (rows.total(rows.weighted(x)) / W for x in (e, p))
        gap = P_bar - E_bar
        r = g - rows.spread(gap)
        if seen is not None:
            r = np.where(seen, r, 0.0)
        sd, error = spread_and_error(r, sizes, rows)
        constant = sd <= ROUNDING * np.maximum(np.sqrt(gap**2 + sd**2), ROUNDING)
        n_eff = np.where(W2 > 0, W * W / W2, np.nan)
        better, worse = (
            rows.total(rows.weighted(np.asarray(state, dtype=np.float64))) / W
            for state in (STATES[0](g), STATES[2](g))
        )
    sd, error = (np.where(constant, 0.0, x) for x in (sd, error))
    equal = np.where(better + worse < 1 - ROUNDING, 1 - better - worse, 0.0)
    equal = np.where(np.isnan(better), np.nan, equal)
    df = rows.degrees(n, seen)
    return n, n_eff, E_bar, P_bar, gap, sd, error, df, better, equal, worse


def weighted_by_points(
    E: Columns, P: Columns, points: FloatArray, rows: Rows
) -> tuple[PairedStats, PairedStats]:
    """Weight dimension gaps by allocated points, per respondent and in the aggregate.

    Respondent: the mean of ``Q_i = Σ_d v_id G_id``. Aggregate: ``Σ_d v̄_d Ḡ_d``, with
    its error from the linearised ``Σ_d v̄_d G_id + Ḡ_d v_id``. The first exceeds the
    second by ``Σ_d cov(v_d, G_d)`` (divisor n, or the weights').

    Parameters
    ----------
    E, P : D columns (n,) of dimension scores.
    points : (n, D) points of each respondent, summing to 1; NaN where not usable.
    rows : as in `paired_stats`.

    Returns
    -------
    respondent, aggregate : q = 1; both over the respondents that have everything. The
        aggregate has no gap of a respondent, hence neither sd nor shares.
    """
    e, p = np.column_stack(E), np.column_stack(P)
    whole = np.isfinite(points + e + p).all(axis=1, keepdims=True)
    points, e, p = (np.where(whole, x, np.nan) for x in (points, e, p))
    by_row = [np.sum(points * x, axis=1) for x in (e, p)]
    respondent = paired_stats(by_row[:1], by_row[1:], rows)
    parts = paired_stats(list(e.T), list(p.T), rows)
    share = column_means(list(points.T), rows).mean
    linear = np.sum(
        share[rows.codes] * (p - e) + parts.gap[rows.codes] * points, axis=1
    )
    error = column_means([linear], rows)
    nothing = np.full_like(error.mean, np.nan)
    aggregate = PairedStats(
        respondent.n,
        respondent.n_eff,
        np.sum(share * parts.expectation, axis=1, keepdims=True),
        np.sum(share * parts.perception, axis=1, keepdims=True),
        np.sum(share * parts.gap, axis=1, keepdims=True),
        nothing,
        error.std_error,
        respondent.df,
        *(np.stack([nothing] * 3),) * 3,
    )
    return respondent, aggregate


def side_by_side(parts: Sequence[PairedStats]) -> PairedStats:
    """Join records along their columns."""
    joined = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts], axis=-1)
        for f in fields(PairedStats)
    }
    return PairedStats(**joined)
