"""Summaries of draws: arrays in, arrays out; draws run along the first axis."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from satmetrics._typing import FloatArray


def percentile(draws: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval (k,), (k,) of draws (B, k).

    The empirical quantiles at (1 ± level)/2, interpolated linearly between order
    statistics (Hyndman and Fan 1996, type 7).
    """
    ordered = np.sort(np.ascontiguousarray(draws.T), axis=1)
    tail = (1 - level) / 2
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail)


def _quantile(ordered: FloatArray, share: float) -> FloatArray:
    position = share * (ordered.shape[1] - 1)
    low = int(np.floor(position))
    high = min(low + 1, ordered.shape[1] - 1)
    weight = position - low
    return np.asarray(ordered[:, low] * (1 - weight) + ordered[:, high] * weight)


def normal_interval(
    estimate: FloatArray, std_error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``estimate ± z · std_error``."""
    z = ndtri(0.5 + level / 2)
    return estimate - z * std_error, estimate + z * std_error


def normal_p(statistic: FloatArray) -> FloatArray:
    """Return the two-sided normal p-value ``2Φ(−|z|)``."""
    return np.asarray(2 * ndtr(-np.abs(statistic)))
