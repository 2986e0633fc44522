"""Limits of shares, net scores and their differences: arrays in, arrays out.

All arrays have one shape. Shares and net scores are on 0-1 and −1 to 1 here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics import _special as special
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.inference._tests import t_critical

CERTAIN = 1e-9
"""A variance this small is that of answers which are all alike."""
ADDED = 3.0
"""Answers that the adjusted Wald interval adds: a quarter to promoters and detractors
each, half to the passives (Rocks 2016, the variant found best)."""


@dataclass(frozen=True)
class Limits:
    """An interval and where it is centred.

    Attributes
    ----------
    low, high : the ends.
    centre, error : the estimate and error it was made of.
    """

    low: FloatArray
    high: FloatArray
    centre: FloatArray
    error: FloatArray


def design_n(
    variance: FloatArray, of_mean: FloatArray, most: AnyArray, alike: FloatArray
) -> FloatArray:
    """Return the n of single rows at which a mean has the variance that was found.

    ``1 + v/V``, which is n where ``V = v/(n − 1)`` (the effective n of Korn and
    Graubard 1998, Survey Methodology 24, 193-201).

    Parameters
    ----------
    variance : v of an answer, divisor n: p(1 − p), or p + d − (p − d)².
    of_mean : V of the mean.
    most : rows; the effective n is no larger.
    alike : the n where all answers are alike or V is not known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        n = 1 + variance / of_mean
    certain = ~(variance > CERTAIN) | ~(of_mean > 0)
    return np.where(certain, alike, np.minimum(n, most))


def wald(
    estimate: FloatArray, error: FloatArray, df: FloatArray, level: float
) -> Limits:
    """Return ``estimate ± t · error``; normal where df is infinite."""
    half = t_critical(df, level) * error
    return Limits(estimate - half, estimate + half, estimate, error)


def adjusted_wald(p: FloatArray, d: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the adjusted Wald interval of a net score p − d among n (effective).

    Add 3 to n, 3/4 to promoters and to detractors, then Wald; cut off at ±1, and drawn
    out to hold the estimate, which it may miss at a low level.
    """
    total = n + ADDED
    high_share = p + ADDED * (0.25 - p) / total
    low_share = d + ADDED * (0.25 - d) / total
    centre = high_share - low_share
    error = np.sqrt((high_share + low_share - centre**2) / total)
    half = special.normal_quantile((1 + level) / 2) * error
    low = np.minimum(np.maximum(centre - half, -1.0), p - d)
    high = np.maximum(np.minimum(centre + half, 1.0), p - d)
    return Limits(low, high, centre, error)


def difference_of_limits(
    first: tuple[FloatArray, FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray, FloatArray],
    correlation: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return limits of ``first − second`` from the limits of both.

    Each is (estimate, low, high). With Wilson's limits and no correlation this is
    Newcombe's (1998) hybrid score interval; with the correlation of the two estimates
    his interval for paired data, and the general one of Zou and Donner (2008).
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    low = _distance(a - a_low, b_high - b, correlation)
    high = _distance(a_high - a, b - b_low, correlation)
    return a - b - low, a - b + high


def _distance(x: FloatArray, y: FloatArray, correlation: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(x * x - 2 * correlation * x * y + y * y, 0.0))


def satterthwaite(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    correlation: FloatArray,
) -> FloatArray:
    """Return degrees of freedom of a difference from (error, df) of both.

    Welch's (1947) where the two are independent; else the larger of the two df, the
    least that units less strata of both together can be.
    """
    (s, df), (r, dg) = first, second
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = (s**2 + r**2) ** 2 / (s**4 / df + r**4 / dg)
        welch = np.where(np.isinf(df) & np.isinf(dg), np.inf, welch)
    return np.where(correlation != 0, np.fmax(df, dg), welch)
