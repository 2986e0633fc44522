"""Agreement within units, from sums of units: arrays in, arrays out.

Letters: n respondents, G units, q scores, J items of one score, B draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._column_means import Rows

ROUNDING = 1e-12
"""A sum of squares below this share of its size counts as zero."""


def group_totals(
    values: FloatArray | BoolArray, codes: IntArray, n_groups: int
) -> FloatArray:
    """Sum the rows (n, q) of each group: (G, q)."""
    rows = Rows(codes, n_groups)
    found = [rows.total(column) for column in values.T]
    return np.stack(found, axis=1) if found else np.empty((n_groups, 0))


@dataclass(frozen=True)
class UnitSums:
    """Sums of q scores in G units, each (G, q); scores are counted from their mean.

    Attributes
    ----------
    n : respondents with the score.
    total : sum of the score.
    within : sum of squares about the unit's mean.
    """

    n: FloatArray
    total: FloatArray
    within: FloatArray


@dataclass(frozen=True)
class Variation:
    """One-way analysis of variance, each (…, q).

    Attributes
    ----------
    units, n : units and respondents that count.
    k0 : ``(n − Σ n_u²/n)/(units − 1)``, the size of a unit in the expected squares.
    weighted_size : ``Σ n_u²/n``.
    between, within : mean squares.
    icc1, icc2 : ``(B − W)/(B + (k0 − 1) W)`` and ``(B − W)/B``.
    """

    units: FloatArray
    n: FloatArray
    k0: FloatArray
    weighted_size: FloatArray
    between: FloatArray
    within: FloatArray
    icc1: FloatArray
    icc2: FloatArray

    def design_effect(self) -> FloatArray:
        """Return ``1 + (Σ n_u²/n − 1) ICC(1)`` (Kish 1965)."""
        return np.asarray(1 + (self.weighted_size - 1) * self.icc1)


def unit_sums(Y: FloatArray, codes: IntArray, n_groups: int) -> UnitSums:
    """Sum scores Y (n, q) with NaN for missing ones within units (n,) 0 … G − 1."""
    seen = np.isfinite(Y)
    with np.errstate(invalid="ignore"):
        centre = np.where(seen, Y, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    X = np.where(seen, Y - centre, 0.0)
    n = group_totals(seen.astype(np.float64), codes, n_groups)
    total = group_totals(X, codes, n_groups)
    mean = total / np.maximum(n, 1)
    R = np.where(seen, X - mean[codes], 0.0)
    return UnitSums(n, total, group_totals(R * R, codes, n_groups))


def variation(sums: UnitSums) -> Variation:
    """Return the analysis of variance (q,) of all units."""
    return _variation(_added(sums, np.ones((1, len(sums.n)))), (0,))


def drawn_variation(
    sums: UnitSums, counts: Iterator[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return ICC(1) and ICC(2) (B, q) of resampled units, one product a block."""
    parts = [_variation(_added(sums, block), None) for block in counts]
    return (
        np.concatenate([p.icc1 for p in parts]),
        np.concatenate([p.icc2 for p in parts]),
    )


def _added(sums: UnitSums, counts: FloatArray) -> FloatArray:
    """Return (6, b, q): units, Σn, Σn², Σ total, Σ total²/n, Σ within."""
    n = sums.n
    there = n > 0
    share = np.where(there, sums.total**2 / np.maximum(n, 1), 0.0)
    parts = (there.astype(np.float64), n, n * n, sums.total, share, sums.within)
    G, q = n.shape
    added = counts @ np.stack(parts, axis=1).reshape(G, len(parts) * q)
    return np.moveaxis(added.reshape(len(counts), len(parts), q), 1, 0)


def _variation(added: FloatArray, at: tuple[int, ...] | None) -> Variation:
    units, n, squares, total, share, inside = added if at is None else added[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = squares / n
        k0 = (n - size) / (units - 1)
        between = np.maximum(share - total**2 / n, 0.0) / (units - 1)
        within = inside / np.where(n > units, n - units, np.nan)
        flat = between + within <= ROUNDING
        spread = np.where(flat, np.nan, between + (k0 - 1) * within)
        own = np.where(between > 0, between, np.nan)
        return Variation(
            units,
            n,
            k0,
            size,
            between,
            within,
            (between - within) / spread,
            (between - within) / own,
        )


@dataclass(frozen=True)
class Limits:
    """Test and exact limits, each (q,)."""

    f: FloatArray
    p_value: FloatArray
    icc1: tuple[FloatArray, FloatArray]
    icc2: tuple[FloatArray, FloatArray]


def f_limits(found: Variation, level: float) -> Limits:
    """Test ``between = within`` and invert the F distribution for the limits.

    With ``F_L = F/F_{1−α/2; u−1, n−u}`` and ``F_U = F·F_{1−α/2; n−u, u−1}`` the limits
    of ICC(1) are ``(F_· − 1)/(F_· + k0 − 1)``, those of ICC(2) ``1 − 1/F_·`` (Searle
    1971, section 9.9; McGraw and Wong 1996): exact for normal scores and equal sizes.
    """
    from scipy.special import fdtrc, fdtri

    first, second = found.units - 1, found.n - found.units
    sound = (first > 0) & (second > 0)
    d1, d2 = np.where(sound, first, np.nan), np.where(sound, second, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        F = found.between / found.within
        low = F / fdtri(d1, d2, (1 + level) / 2)
        high = F * fdtri(d2, d1, (1 + level) / 2)
        one = [(f - 1) / (f + found.k0 - 1) for f in (low, high)]
        two = [1 - 1 / f for f in (low, high)]
        p = np.asarray(fdtrc(d1, d2, F), dtype=np.float64)
        return Limits(F, p, (one[0], one[1]), (two[0], two[1]))


def r_wg(
    X: FloatArray, codes: IntArray, n_groups: int, null: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return agreement of each unit on one score of J items, and what it rests on.

    ``r_wg = 1 − s²/σ²`` for one item, ``r_wg(J) = J a/(J a + s̄²/σ²)`` with
    ``a = 1 − s̄²/σ²`` for J items (James, Demaree and Wolf 1984). Where the answers
    vary more than chance would make them, a is negative and the index is set to 0.

    Parameters
    ----------
    X : (n, J) answers, NaN for missing.
    codes : (n,)
    n_groups : G.
    null : (J,) variance of each item when all answer at random.

    Returns
    -------
    index : (G,) NaN where no item has two answers.
    n : (G,) respondents with an answer to any of the items.
    ratio : (G,) ``s̄²/σ²``, the mean over items with two answers; above 1 out of range.
    """
    sums = unit_sums(X, codes, n_groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        s2 = sums.within / np.where(sums.n > 1, sums.n - 1, np.nan) / null
        there = np.isfinite(s2)
        items = np.where(there.any(axis=1), there.sum(axis=1), np.nan)
        ratio = np.where(there, s2, 0.0).sum(axis=1) / items
        a = items * (1 - ratio)
        index = np.where(ratio > 1, 0.0, a / (a + ratio))
    any_answer = np.asarray(np.isfinite(X).any(axis=1, keepdims=True))
    return index, group_totals(any_answer, codes, n_groups)[:, 0], ratio
