"""Paired differences over groups of respondents: arrays in, arrays out.

Letters: n respondents, m pairs, D dimensions, G groups, q columns of scores. A missing
answer is NaN. Nothing loops over respondents or groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

ROUNDING = 1e-9
"""A gap or a standard deviation below this share of its size counts as zero."""


@dataclass(frozen=True)
class PairedStats:
    """Statistics of q columns of paired scores in G groups, each (G, q).

    Attributes
    ----------
    n : respondents with the pair.
    n_eff : Kish's effective n, (Σw)²/Σw².
    expectation, perception, gap : weighted means over those respondents.
    sd : standard deviation of the gap, divisor Σw − Σw²/Σw (n − 1 without weights).
    std_error : of the mean gap, Taylor linearised when weighted; NaN for n < 2.
    shares : (3, G, q) weighted shares of a positive, a zero and a negative gap.
    """

    n: IntArray
    n_eff: FloatArray
    expectation: FloatArray
    perception: FloatArray
    gap: FloatArray
    sd: FloatArray
    std_error: FloatArray
    shares: FloatArray


def block_means(
    E: FloatArray, P: FloatArray, M: FloatArray, min_answered: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Average pairs within blocks, respondent by respondent.

    Parameters
    ----------
    E, P : (n, m) expectation and perception.
    M : (m, D) 1 where pair j belongs to block d.
    min_answered : share of a block's pairs a respondent must have answered.

    Returns
    -------
    E_d, P_d : (n, D) means over the pairs answered twice; NaN where too few.
    short : (n, D) True where some pairs were answered, but too few.
    """
    answered = np.isfinite(E) & np.isfinite(P)
    count = answered @ M
    enough = (count > 0) & (count >= min_answered * M.sum(axis=0) - ROUNDING)
    divisor = np.where(enough, count, np.nan)
    E_d = np.where(answered, E, 0.0) @ M / divisor
    P_d = np.where(answered, P, 0.0) @ M / divisor
    return E_d, P_d, (count > 0) & ~enough


def paired_stats(
    E: FloatArray, P: FloatArray, w: FloatArray, codes: IntArray, n_groups: int
) -> PairedStats:
    """Return the statistics of P − E in every group.

    ``se² = n/(n−1) · Σ w²(g − ḡ)² / (Σw)²``, which is s²/n without weights (Taylor
    linearisation of a weighted mean; Cochran 1977, section 6.4).

    Parameters
    ----------
    E, P : (n, q)
    w : (n,) positive weights.
    codes : (n,) group of each respondent, 0 … G − 1.
    n_groups : G.
    """
    g = P - E
    seen = np.isfinite(g)
    W = np.where(seen, w[:, None], 0.0)

    def total(values: FloatArray) -> FloatArray:
        return group_totals(values, codes, n_groups)

    n = total(seen.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        Wsum, Wsq = total(W), total(W * W)
        E_bar, P_bar, g_bar = (
            total(W * np.where(seen, x, 0.0)) / Wsum for x in (E, P, g)
        )
        r = np.where(seen, g - g_bar[codes], 0.0)
        size = np.sqrt(total(W * np.where(seen, g, 0.0) ** 2) / Wsum)
        sd = np.sqrt(total(W * r * r) / np.where(n > 1, Wsum - Wsq / Wsum, np.nan))
        factor = np.where(n > 1, n / (n - 1), np.nan)
        error = np.sqrt(factor * total(W * W * r * r)) / Wsum
        constant = sd <= ROUNDING * np.maximum(size, ROUNDING)
        shares = np.stack([total(W * state) / Wsum for state in _three_states(g)])
    return PairedStats(
        n.astype(np.int64),
        Wsum**2 / np.where(Wsq > 0, Wsq, np.nan),
        E_bar,
        P_bar,
        g_bar,
        np.where(constant, 0.0, sd),
        np.where(constant, 0.0, error),
        shares,
    )


def weighted_by_points(
    E: FloatArray,
    P: FloatArray,
    points: FloatArray,
    w: FloatArray,
    codes: IntArray,
    n_groups: int,
) -> tuple[PairedStats, PairedStats]:
    """Weight dimension gaps by allocated points, per respondent and in the aggregate.

    Respondent: the mean of ``Q_i = Σ_d v_id G_id``. Aggregate: ``Σ_d v̄_d Ḡ_d``, with
    its error from the linearised ``Σ_d v̄_d G_id + Ḡ_d v_id``. The first exceeds the
    second by ``Σ_d cov(v_d, G_d)`` (divisor n, or the weights').

    Parameters
    ----------
    E, P : (n, D) dimension scores.
    points : (n, D) points of each respondent, summing to 1; NaN where not usable.
    w, codes, n_groups : as in `paired_stats`.

    Returns
    -------
    respondent, aggregate : q = 1; both over the respondents that have everything. The
        aggregate has no gap of a respondent, hence neither sd nor shares.
    """
    whole = np.isfinite(points + E + P).all(axis=1, keepdims=True)
    points, E, P = (np.where(whole, x, np.nan) for x in (points, E, P))
    by_row = [np.sum(points * x, axis=1, keepdims=True) for x in (E, P)]
    respondent = paired_stats(by_row[0], by_row[1], w, codes, n_groups)
    parts = paired_stats(E, P, w, codes, n_groups)
    share = paired_stats(np.zeros_like(points), points, w, codes, n_groups).gap
    linear = np.sum(share[codes] * (P - E) + parts.gap[codes] * points, axis=1)
    error = paired_stats(np.zeros((len(E), 1)), linear[:, None], w, codes, n_groups)
    nothing = np.full_like(error.gap, np.nan)
    aggregate = PairedStats(
        respondent.n,
        respondent.n_eff,
        np.sum(share * parts.expectation, axis=1, keepdims=True),
        np.sum(share * parts.perception, axis=1, keepdims=True),
        np.sum(share * parts.gap, axis=1, keepdims=True),
        nothing,
        error.std_error,
        np.stack([nothing] * 3),
    )
    return respondent, aggregate


def side_by_side(parts: Sequence[PairedStats]) -> PairedStats:
    """Join records along their columns."""
    joined = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts], axis=-1)
        for f in fields(PairedStats)
    }
    return PairedStats(**joined)


def group_totals(values: FloatArray, codes: IntArray, n_groups: int) -> FloatArray:
    """Sum the rows (n, q) of each group: (G, q)."""
    q = values.shape[1]
    cell = (codes[:, None] * q + np.arange(q)).ravel()
    flat = np.bincount(cell, weights=values.ravel(), minlength=n_groups * q)
    return np.asarray(flat, dtype=np.float64).reshape(n_groups, q)


def _three_states(g: FloatArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Better, equal, worse; equal within rounding of averaged answers."""
    with np.errstate(invalid="ignore"):
        return g > ROUNDING, np.abs(g) <= ROUNDING, g < -ROUNDING
