"""Shares of figures that reach a target: arrays in, arrays out, groups along axis 0.

G groups of up to K figures, NaN where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._special import normal_cdf
from satmetrics._typing import BoolArray, FloatArray, IntArray

FEWEST = 10
"""Figures from which the spread of true values is estimated."""


def at_least_false(p: FloatArray, alpha: float) -> IntArray:
    """Return how many (G,) of the hypotheses are false, at confidence 1 − α.

    k − h with Hommel's ``h = max{i : i p_(k−i+j) > j α for all j ≤ i}``, which is what
    closed testing with Simes' inequality leaves (Goeman and Solari 2011).
    """
    ordered = np.sort(p, axis=1)
    k = np.isfinite(p).sum(axis=1)
    h = np.zeros(len(p), dtype=np.int64)
    for i in range(1, p.shape[1] + 1):
        j = np.arange(1, i + 1)
        at = np.maximum(k[:, None] - i + j - 1, 0)
        tail = np.take_along_axis(ordered, at, axis=1)
        fits = (i * tail > j * alpha).all(axis=1) & (i <= k)
        h = np.where(fits, i, h)
    return np.asarray(k - h)


@dataclass(frozen=True)
class Shares:
    """What is known of the share of figures at or above their targets, all (G,).

    Attributes
    ----------
    n : figures with an error.
    estimate : share of the figures themselves.
    std_error : of that share, were the units measured again.
    low, high : limits of the share of true values.
    corrected : expected share of true values after the noise is taken out.
    """

    n: IntArray
    estimate: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    corrected: FloatArray


def shares(d: FloatArray, s: FloatArray, p: FloatArray, level: float) -> Shares:
    """Return the shares of d = figure − target ≥ 0.

    Parameters
    ----------
    d, s : (G, K) differences and their standard errors.
    p : (G, K) one-sided, of the hypotheses that the true difference is negative or 0.
    """
    known = np.isfinite(d) & np.isfinite(s)
    n = known.sum(axis=1)
    tail = (1 - level) / 2
    p = np.where(known, p, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(known, normal_cdf(d / s), 0.0)
        estimate = (known & (d >= 0)).sum(axis=1) / n
        std_error = np.sqrt((reach * (1 - reach)).sum(axis=1)) / n
        low = at_least_false(p, tail) / n
        high = 1 - at_least_false(1 - p, tail) / n
        corrected = _corrected(d, s, known)
    return Shares(n, estimate, std_error, low, high, corrected)


def _corrected(d: FloatArray, s: FloatArray, known: BoolArray) -> FloatArray:
    """Return the mean of ``P(true d ≥ 0)`` under a normal spread of true d.

    Its variance is that of d less the mean of s²; each d is drawn to the mean by
    ``s²/(τ² + s²)``, and the mean's own error counts (Morris 1983).
    """
    n = known.sum(axis=1)
    d, v = np.where(known, d, 0.0), np.where(known, s**2, 0.0)
    mean, noise = d.sum(axis=1) / n, v.sum(axis=1) / n
    about = np.where(known, d - mean[:, None], 0.0)
    between = np.maximum((about**2).sum(axis=1) / (n - 1) - noise, 0.0)
    kept = between[:, None] / (between[:, None] + v)
    kept = np.where(v > 0, kept, 1.0)
    centre = ((between + noise) / n)[:, None]
    spread = np.sqrt(kept * v + (1 - kept) ** 2 * centre)
    at = mean[:, None] + kept * about
    reach = np.where(spread > 0, normal_cdf(at / spread), at >= 0)
    share = np.where(known, reach, 0.0).sum(axis=1) / n
    return np.asarray(np.where(n >= FEWEST, share, np.nan))
