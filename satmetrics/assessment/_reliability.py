"""Reliability of sums of items from their covariance: arrays in, arrays out.

Letters: k items, S their covariance (…, k, k) with the batch axis first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._special import f_quantile, normal_quantile
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.assessment import _common_factors
from satmetrics.assessment import _delta as delta
from satmetrics.assessment._delta import Delta

MOST_SPLIT = 12
"""Items up to which every split in two halves is tried: 2,048 splits."""


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Coefficients of one block of k ≥ 2 items, each with its derivative.

    Attributes
    ----------
    alpha, standardized : Cronbach's alpha of covariances, of correlations.
    omega, omega_standardized : of one congeneric factor; NaN for two items.
    lambda2 : Guttman's.
    first_second, odd_even : Spearman-Brown of two halves.
    mean_r : mean correlation of two items.
    rest : k correlations of an item with the sum of the others.
    deleted : k alphas without the item; NaN for two items.
    lambda4 : (…) the highest split-half reliability; NaN for many items.
    heywood : (…, k) True where a unique variance of the factor is at its bound.
    fitted : (…) False where no factor could be fitted.
    """

    alpha: Delta
    standardized: Delta
    omega: Delta
    omega_standardized: Delta
    lambda2: Delta
    first_second: Delta
    odd_even: Delta
    mean_r: Delta
    rest: tuple[Delta, ...]
    deleted: tuple[Delta, ...]
    lambda4: FloatArray
    heywood: BoolArray
    fitted: BoolArray


def coefficients(S: FloatArray) -> Coefficients:
    """Return the coefficients of items with covariance S (…, k, k), k ≥ 2."""
    k = S.shape[-1]
    one, eye = np.ones(k), np.eye(k)
    number = np.arange(k)
    first = (number < (k + 1) // 2).astype(np.float64)
    odd = (number % 2 == 0).astype(np.float64)
    mean_r = mean_correlation(S)
    omegas, heywood, fitted = omega(S)
    return Coefficients(
        alpha(S, one),
        mean_r * k / (1 + (k - 1) * mean_r),
        *omegas,
        lambda2(S),
        spearman_brown(S, first),
        spearman_brown(S, odd),
        mean_r,
        tuple(delta.correlation(S, eye[i], one - eye[i]) for i in range(k)),
        tuple(alpha(S, one - eye[i]) for i in range(k)),
        lambda4(S),
        heywood,
        fitted,
    )


def alpha(S: FloatArray, a: FloatArray) -> Delta:
    """Return Cronbach's alpha of the items with a = 1 (others 0).

    ``k / (k − 1) · (1 − Σ S_ii / aᵀ S a)`` (Cronbach 1951, doi:10.1007/BF02310555);
    NaN for one item.
    """
    k = float(a.sum())
    factor = k / (k - 1) if k > 1 else np.nan
    return (1 - delta.variances(S, a) / delta.quadratic(S, a)) * factor


def mean_correlation(S: FloatArray) -> Delta:
    """Return the mean correlation of two different items."""
    k = S.shape[-1]
    R = cov_to_corr(S)
    pairs = k * (k - 1)
    value = (R.sum(axis=(-2, -1)) - k) / pairs
    return delta.of_correlations(S, value, (1 - np.eye(k)) / pairs)


def lambda2(S: FloatArray) -> Delta:
    """Return Guttman's λ₂ = (Σ_{i≠j} s_ij + √(k/(k−1) Σ_{i≠j} s_ij²)) / 1ᵀS1.

    Guttman (1945), doi:10.1007/BF02288892.
    """
    k = S.shape[-1]
    one = np.ones(k)
    total = delta.quadratic(S, one)
    off = S * (1 - np.eye(k))
    squares = delta.entrywise(S, (off**2).sum(axis=(-2, -1)), 2 * off)
    spread: Delta = squares * (k / (k - 1))
    return (total - delta.variances(S, one) + spread.sqrt()) / total


def spearman_brown(S: FloatArray, half: FloatArray) -> Delta:
    """Return 2r/(1 + r), r the correlation of one half with the other."""
    r = delta.correlation(S, half, 1 - half)
    return 2 * r / (1 + r)


def lambda4(S: FloatArray) -> FloatArray:
    """Return Guttman's λ₄ of the best split, ``1 − min_s sᵀSs / 1ᵀS1``, s = ±1 (…)."""
    k = S.shape[-1]
    if k > MOST_SPLIT:
        return np.full(S.shape[:-2], np.nan)
    code = np.arange(2 ** (k - 1))
    signs = 1.0 - 2.0 * ((code[:, None] >> np.arange(k)) & 1)
    least = np.full(S.shape[:-2], np.inf)
    for s in np.array_split(signs, max(1, len(signs) // 256)):
        difference = np.einsum("si,...ij,sj->...s", s, S, s, optimize=True)
        least = np.minimum(least, difference.min(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - least / S.sum(axis=(-2, -1)))


def omega(S: FloatArray) -> tuple[tuple[Delta, Delta], BoolArray, BoolArray]:
    """Return ω of the sum of items, of the sum of standardised items, and of the fit.

    ``(Σλ)² / ((Σλ)² + Σψ)`` of one common factor by maximum likelihood (McDonald 1999,
    Test Theory, chapter 6).
    """
    k = S.shape[-1]
    if k < 3:
        nothing = np.full(S.shape[:-2], np.nan)
        blank = Delta(nothing, np.full(S.shape, np.nan))
        none = np.zeros(S.shape[:-2], dtype=np.bool_)
        return (blank, blank), np.zeros(S.shape[:-1], dtype=np.bool_), none
    R = cov_to_corr(S)
    found = _common_factors.one_factor(R)
    d = np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(d > 0, 1 / d, np.nan)
    raw, slope = _omega(R, found, d)
    slope = slope * scale[..., :, None] * scale[..., None, :]
    even, flat = _omega(R, found, np.ones_like(d))
    both = Delta(raw, slope), delta.of_correlations(S, even, flat)
    return both, found.heywood, found.ok


def _omega(
    R: FloatArray, found: _common_factors.OneFactor, d: FloatArray
) -> tuple[FloatArray, FloatArray]:
    common = (d * found.loadings).sum(axis=-1, keepdims=True)
    unique = (d**2 * found.unique).sum(axis=-1, keepdims=True)
    total = common**2 + unique
    by_loading = 2 * common * unique / total**2 * d
    by_unique = -((common / total) ** 2) * d**2
    slope = _common_factors.slopes(R, found, by_loading, by_unique)
    return (common**2 / total)[..., 0], slope


def reliability_limits(
    value: FloatArray, error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return normal limits of log(1 − ρ), turned back.

    Bonett and Wright (2015), doi:10.1002/job.1960.
    """
    z = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        half = z * error / (1 - value)
        low, high = 1 - (1 - value) * np.exp(half), 1 - (1 - value) * np.exp(-half)
    return _known(low, value, error), _known(high, value, error)


def correlation_limits(
    value: FloatArray, error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return normal limits of Fisher's z, turned back."""
    z = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, half = np.arctanh(value), z * error / (1 - value**2)
        low, high = np.tanh(centre - half), np.tanh(centre + half)
    return _known(low, value, error), _known(high, value, error)


def _known(limit: FloatArray, value: FloatArray, error: FloatArray) -> FloatArray:
    there = np.isfinite(error) & (np.abs(value) < 1) & np.isfinite(limit)
    return np.where(there, limit, np.nan)


def feldt_limits(
    value: FloatArray, n: FloatArray, k: int, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return Feldt's limits of alpha, ``1 − (1 − α̂) F``; F has n − 1, (n − 1)(k − 1).

    Exact for normal answers whose covariances are all equal (Feldt 1965,
    doi:10.1007/BF02289499; Feldt, Woodruff and Salih 1987).
    """
    df = np.where(n > 1, n - 1, np.nan)
    tail = (1 - level) / 2
    high, low = (f_quantile(df, df * (k - 1), p) for p in (tail, 1 - tail))
    return 1 - (1 - value) * low, 1 - (1 - value) * high
