"""How many answers a figure needs: arrays in, arrays out, all of one shape.

Letters: n answers, N in the population, D the design effect, ρ the correlation of the
two figures that are compared.
"""

from __future__ import annotations

import numpy as np

from satmetrics._special import normal_quantile
from satmetrics._typing import FloatArray

WHOLE = 1e-9
"""A count this near a whole number, beside its size, is that number."""


def std_error(
    n: FloatArray, sd: FloatArray, deff: FloatArray, population: FloatArray
) -> FloatArray:
    """Return ``sd √(D (1/n − 1/N))``, 0 where all were asked."""
    left = np.maximum(1 / n - 1 / population, 0.0)
    return np.asarray(sd * np.sqrt(deff * left))


def answers(
    error: FloatArray, sd: FloatArray, deff: FloatArray, population: FloatArray
) -> FloatArray:
    """Return the n, not rounded, at which the standard error is `error`."""
    return np.asarray(1 / (error**2 / (sd**2 * deff) + 1 / population))


def half_factor(level: float, comparisons: int) -> float:
    """Return half-width over standard error."""
    return float(normal_quantile(1 - (1 - level) / (2 * comparisons)))


def change_factor(
    level: float, comparisons: int, power: FloatArray, correlation: FloatArray
) -> FloatArray:
    """Return detectable change over standard error of one figure.

    ``(z_{1−α/2m} + z_power) √(2(1 − ρ))``; that a change may be found in the wrong
    direction is passed over.
    """
    z = half_factor(level, comparisons) + normal_quantile(power)
    return np.asarray(z * np.sqrt(2 * (1 - correlation)))


def whole(n: FloatArray) -> FloatArray:
    """Return n rounded up, but not for rounding errors; at least 1."""
    return np.asarray(np.maximum(np.ceil(n * (1 - WHOLE)), 1.0))


def weighting_loss(weights: FloatArray) -> float:
    """Return Kish's ``n Σw²/(Σw)² = 1 + CV²``."""
    return float(len(weights) * (weights @ weights) / weights.sum() ** 2)
