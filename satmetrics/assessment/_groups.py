"""Tests of two or more groups' coefficients: arrays in, arrays out.

Coefficients run along the last axis (k,); draws, where there are any, along the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._special import student_cdf, student_quantile
from satmetrics._typing import FloatArray, IntArray
from satmetrics.inference import _intervals, _permute


@dataclass(frozen=True)
class Tested:
    """A test of a difference, for each of k coefficients.

    Attributes
    ----------
    std_error, statistic : (k,)
    p_value : (k,) two-sided.
    p_one_sided : (k,), small where the first group's coefficient is the larger one.
    conf_low, conf_high : (k,)
    draws : (k,) in which the number is defined.
    """

    std_error: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    p_one_sided: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    draws: IntArray


def permutation(difference: FloatArray, draws: FloatArray, level: float) -> Tested:
    """Test a difference against its values in permuted groups.

    The standard error is the standard deviation of the permuted differences, and the
    interval holds `level` of them: where the difference lies if there is none.

    Parameters
    ----------
    difference : (k,), the statistic itself.
    draws : (B, k) under the null hypothesis.
    level : of the interval.
    """
    _, se, defined = _intervals.moments(draws)
    low, high = _intervals.percentile(draws, level)
    moves = _permute.varies(draws)
    two = np.where(moves, _permute.p_values(difference, draws), np.nan)
    one = np.where(moves, _permute.p_values(difference, draws, "greater"), np.nan)
    return Tested(se, difference, two, one, low, high, defined)


def omnibus(statistic: FloatArray, draws: FloatArray, level: float) -> Tested:
    """Test a sum of squared deviations: large values speak against equality.

    The upper bound is the quantile at `level` of the permuted statistics.
    """
    _, se, defined = _intervals.moments(draws)
    _, high = _intervals.percentile(draws, 2 * level - 1)
    p = _permute.p_values(statistic, draws, "greater")
    p = np.where(_permute.varies(draws), p, np.nan)
    nothing = np.full(len(p), np.nan)
    return Tested(se, statistic, p, nothing, nothing, high, defined)


def pooled_t(
    difference: FloatArray, se: FloatArray, n: FloatArray, draws: IntArray, level: float
) -> Tested:
    """Test with a pooled variance: groups' standard errors are taken as alike.

    ``se² = [(n₁−1)² se₁² + (n₂−1)² se₂²] / (n₁+n₂−2) · (1/n₁ + 1/n₂)`` on
    ``n₁ + n₂ − 2`` degrees of freedom (Keil et al. 2000, doi:10.2307/3250940).

    Parameters
    ----------
    difference : (k,)
    se : (2, k) bootstrap standard errors of the groups.
    n : (2,) respondents of the groups (effective ones under weights), or clusters.
    draws : (k,) behind the standard errors.
    level : of the interval.
    """
    df = n.sum() - 2
    pooled = (((n - 1) ** 2)[:, None] * se**2).sum(axis=0) / df
    df = np.full(len(difference), df)
    return _t(difference, np.sqrt(pooled * (1 / n).sum()), df, draws, level)


def welch_t(
    difference: FloatArray, se: FloatArray, n: FloatArray, draws: IntArray, level: float
) -> Tested:
    """Test with a variance of each group's own (Welch; Nitzl 2010).

    ``se² = Σ (n_g−1)/n_g se_g²`` on Satterthwaite's degrees of freedom
    ``se⁴ / Σ [((n_g−1)/n_g se_g²)² / (n_g−1)]`` (Sarstedt, Henseler and Ringle 2011,
    doi:10.1108/S1474-7979(2011)0000022012, who take off another 2).

    Parameters
    ----------
    difference, se, n, draws, level : as in `pooled_t`.
    """
    part = ((n - 1) / n)[:, None] * se**2
    total = part.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = total**2 / (part**2 / (n - 1)[:, None]).sum(axis=0)
    return _t(difference, np.sqrt(total), df, draws, level)


def _t(
    difference: FloatArray,
    se: FloatArray,
    df: FloatArray,
    draws: IntArray,
    level: float,
) -> Tested:
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 1e-12, difference / se, np.nan)
    below = student_cdf(df, -np.abs(t))
    half = student_quantile(df, 0.5 + level / 2) * se
    one = np.where(t > 0, below, 1 - below)
    return Tested(se, t, 2 * below, one, difference - half, difference + half, draws)


def henseler(first: FloatArray, second: FloatArray, level: float) -> Tested:
    """Compare every draw of one group with every draw of the other.

    ``P(θ₁ ≤ θ₂) = 1 − Σ_ij Θ(2θ̄₁ − θ₁ⱼ − 2θ̄₂ + θ₂ᵢ) / (J I)`` with the draws'
    means θ̄ (Henseler, Ringle and Sinkovics 2009,
    doi:10.1108/S1474-7979(2009)0000020014), the one-sided probability; two-sided twice
    the smaller tail. The interval is that of the differences of draws paired by
    number. The statistic is the one-sided probability.

    Parameters
    ----------
    first, second : (J, k), (I, k) bootstrap draws; NaN is passed over.
    level : of the interval.
    """
    mean_1, sd_1, n_1 = _intervals.moments(first)
    mean_2, sd_2, n_2 = _intervals.moments(second)
    se = np.sqrt(sd_1**2 + sd_2**2)
    left, right = 2 * mean_1 - first, 2 * mean_2 - second
    wins = _wins(left, right)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(se > 1e-12, 1 - wins / (n_1 * n_2), np.nan)
    pairs = min(len(first), len(second))
    low, high = _intervals.percentile(first[:pairs] - second[:pairs], level)
    two = 2 * np.minimum(one, 1 - one)
    return Tested(se, one, two, one, low, high, np.minimum(n_1, n_2))


def _wins(left: FloatArray, right: FloatArray) -> FloatArray:
    """Count the pairs (k,) in which a draw of `left` exceeds one of `right`.

    By ranks (Mann and Whitney 1947): the draws of both are sorted together once.
    """
    both = np.concatenate([left, right])
    rank = np.argsort(np.argsort(both, axis=0), axis=0) + 1
    own = np.isfinite(left)
    n = own.sum(axis=0)
    return np.asarray((rank[: len(left)] * own).sum(axis=0) - n * (n + 1) / 2)


def spread(values: FloatArray) -> FloatArray:
    """Return the sum of squared deviations (…, k) of groups' coefficients (…, G, k)."""
    centred = values - values.mean(axis=-2, keepdims=True)
    return np.asarray((centred**2).sum(axis=-2))


def adjusted(p: FloatArray, method: str) -> FloatArray:
    """Adjust the p-values (m,) of one family; NaN is no member of it.

    "bonferroni" and "holm" (Holm 1979) bound the chance of any false finding, "bh" the
    expected share of false ones (Benjamini and Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x).
    """
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    m = len(known)
    if method == "none" or not m:
        out[known] = p[known]
        return out
    order = known[np.argsort(p[known], kind="stable")]
    ranked, position = p[order], np.arange(m)
    if method == "bonferroni":
        changed = ranked * m
    elif method == "holm":
        changed = np.maximum.accumulate(ranked * (m - position))
    else:
        steps = ranked * m / (position + 1)
        changed = np.minimum.accumulate(steps[::-1])[::-1]
    out[order] = np.minimum(changed, 1.0)
    return out
