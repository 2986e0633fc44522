"""t tests, Holm's adjustment and Wilson's limits: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics import _special as special
from satmetrics._typing import AnyArray, FloatArray

CERTAIN = 1e-9
"""A share this near 0 or 1 is certain."""


@dataclass(frozen=True)
class TTest:
    """A t test of estimate = 0, all of the estimate's shape."""

    statistic: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray


def t_test(
    estimate: FloatArray, std_error: FloatArray, df: FloatArray, level: float
) -> TTest:
    """Test against zero; statistic and p are NaN where the error is zero or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(std_error > 0, estimate / std_error, np.nan)
    half = t_critical(df, level) * std_error
    p = 2 * special.student_cdf(df, -np.abs(t))
    return TTest(t, p, estimate - half, estimate + half)


def t_critical(df: FloatArray, level: float) -> FloatArray:
    """Return the two-sided critical value of t; NaN where df < 1."""
    known = np.where(np.asarray(df) >= 1, df, np.nan)
    return np.asarray(special.student_quantile(known, (1 + level) / 2))


def holm(p: FloatArray) -> FloatArray:
    """Adjust p (…, k) for k tests along the last axis; NaN is no test.

    ``p̃_(i) = max_{j ≤ i} min(1, (k − j + 1) p_(j))`` (Holm 1979).
    """
    order = np.argsort(p, axis=-1, kind="stable")
    ordered = np.take_along_axis(p, order, axis=-1)
    k = np.isfinite(p).sum(axis=-1, keepdims=True)
    scaled = np.minimum((k - np.arange(p.shape[-1])) * ordered, 1.0)
    out = np.empty_like(scaled)
    np.put_along_axis(out, order, np.maximum.accumulate(scaled, axis=-1), axis=-1)
    return np.asarray(out)


def effective_n(
    share: FloatArray, variance: FloatArray, most: AnyArray, alike: FloatArray
) -> FloatArray:
    """Return the n of single rows at which a share has this variance.

    ``1 + p(1 − p)/V``, which is n where ``V = p(1 − p)/(n − 1)``.

    Parameters
    ----------
    share, variance : of a state, over what was sampled.
    most : rows, or Kish's n; the n is no larger.
    alike : the n where the share is 0 or 1 or its variance is not known: Kish's, or no
        more than there are sampled units.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        n = 1 + share * (1 - share) / variance
    certain = (share < CERTAIN) | (share > 1 - CERTAIN) | ~(variance > 0)
    return np.where(certain, alike, np.minimum(n, most))


def few_units(df: FloatArray, level: float) -> FloatArray:
    """Return ``(z/t_df)²``, which lessens the effective n of few sampled units.

    1 where df is infinite (rows sampled singly) or not known. After Korn and Graubard
    (1998), Survey Methodology 24, 193-201.
    """
    z = special.normal_quantile((1 + level) / 2)
    ratio = (z / t_critical(df, level)) ** 2
    return np.where(np.isnan(ratio), 1.0, ratio)


def wilson(
    share: FloatArray, n: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's (1927) score limits of a proportion among n (or n effective)."""
    z = special.normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        spread = np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        half = z * spread / (1 + z * z / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
