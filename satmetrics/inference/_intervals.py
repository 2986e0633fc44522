"""Summaries of draws: arrays in, arrays out; draws run along the first axis."""

from __future__ import annotations

import numpy as np

from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import FloatArray, IntArray


def percentile(draws: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval (k,), (k,) of draws (B, k); NaN is passed over.

    The empirical quantiles at (1 ± level)/2, interpolated linearly between order
    statistics (Hyndman and Fan 1996, type 7).
    """
    ordered = np.sort(np.ascontiguousarray(draws.T), axis=1)
    defined = np.isfinite(ordered).sum(axis=1)
    tail = (1 - level) / 2
    return _quantile(ordered, defined, tail), _quantile(ordered, defined, 1 - tail)


def _quantile(ordered: FloatArray, defined: IntArray, share: float) -> FloatArray:
    """Interpolate in the first `defined` values of each sorted row."""
    last = np.maximum(defined - 1, 0)
    position = share * last
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, last)
    row = np.arange(len(ordered))
    weight = position - low
    return ordered[row, low] * (1 - weight) + ordered[row, high] * weight


def moments(draws: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return mean, standard deviation (divisor B − 1) and number of defined draws."""
    seen = np.isfinite(draws)
    n = seen.sum(axis=0)
    filled = draws if seen.all() else np.where(seen, draws, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=0) / n
        deviation = np.where(seen, filled - mean, 0.0)
        std = np.sqrt((deviation**2).sum(axis=0) / (n - 1))
    return mean, np.where(n > 1, std, np.nan), n


def normal_interval(
    estimate: FloatArray, std_error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``estimate ± z · std_error``."""
    z = normal_quantile(0.5 + level / 2)
    return estimate - z * std_error, estimate + z * std_error


def normal_p(statistic: FloatArray) -> FloatArray:
    """Return the two-sided normal p-value ``2Φ(−|z|)``."""
    return np.asarray(2 * normal_cdf(-np.abs(statistic)))
