"""Summaries of draws: arrays in, arrays out; draws run along the first axis.

Quantiles of draws interpolate linearly between order statistics (Hyndman and Fan 1996,
doi:10.1080/00031305.1996.10473566, type 7); undefined draws (NaN) are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import BoolArray, FloatArray, IntArray

ROUNDING = 1e-10
"""Draws that differ by less than this, beside their size, do not differ."""

COLUMNS = 32
"""Numbers summed at once: their draws stay in cache."""


@dataclass(frozen=True)
class Ordered:
    """Draws of k numbers, each in ascending order.

    Attributes
    ----------
    rows : (k, B), NaN last.
    defined : (k,), how many of each are not NaN.
    """

    rows: FloatArray
    defined: IntArray

    @classmethod
    def of(cls, draws: FloatArray) -> Ordered:
        """Order draws (B, k)."""
        rows = np.array(draws.T, order="C", copy=True)
        rows.sort(axis=1)
        # Sorted NaN stand last: only rows that end in one have to be counted.
        defined = np.full(len(rows), rows.shape[1], dtype=np.int64)
        some = np.flatnonzero(np.isnan(rows[:, -1]))
        defined[some] = np.isfinite(rows[some]).sum(axis=1)
        return cls(rows, defined)

    def quantile(self, share: FloatArray | float) -> FloatArray:
        """Return the quantile (k,) at a share, one for all or one each; NaN for NaN."""
        wanted = np.broadcast_to(np.asarray(share, dtype=np.float64), len(self.rows))
        known = np.isfinite(wanted)
        last = np.maximum(self.defined - 1, 0)
        position = np.where(known, wanted, 0.0) * last
        low = np.floor(position).astype(np.int64)
        high = np.minimum(low + 1, last)
        row = np.arange(len(self.rows))
        weight = position - low
        value = self.rows[row, low] * (1 - weight) + self.rows[row, high] * weight
        return np.where(known, value, np.nan)

    def below(self, value: FloatArray) -> FloatArray:
        """Return the share (k,) of draws below a value (k,); ties count half."""
        less = (self.rows < value[:, None]).sum(axis=1)
        most = (self.rows <= value[:, None]).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((less + most) / (2 * self.defined))

    def same(self) -> BoolArray:
        """Return (k,), True where all draws are one number but for rounding."""
        row = np.arange(len(self.rows))
        first, last = self.rows[:, 0], self.rows[row, np.maximum(self.defined - 1, 0)]
        return np.asarray(last - first <= ROUNDING * np.maximum(1.0, np.abs(last)))


Limits = tuple[FloatArray, FloatArray]


def percentile(draws: FloatArray, level: float) -> Limits:
    """Return the percentile interval (k,), (k,) of draws (B, k)."""
    return percentile_of(Ordered.of(draws), level)


def percentile_of(ordered: Ordered, level: float) -> Limits:
    """Return the quantiles at (1 ± level)/2 (Efron and Tibshirani 1993, ch. 13)."""
    tail = (1 - level) / 2
    return ordered.quantile(tail), ordered.quantile(1 - tail)


def basic(ordered: Ordered, estimate: FloatArray, level: float) -> Limits:
    """Return ``2θ̂ − θ*`` at the opposite quantiles (Davison and Hinkley 1997, 5.2)."""
    low, high = percentile_of(ordered, level)
    return 2 * estimate - high, 2 * estimate - low


def bias_correction(ordered: Ordered, estimate: FloatArray) -> FloatArray:
    """Return ``z0 = Φ⁻¹(share of draws below the estimate)`` (k,); NaN for infinity."""
    z0 = normal_quantile(ordered.below(estimate))
    z0 = np.where(np.isfinite(z0), z0, np.nan)
    return np.where(ordered.same(), 0.0, z0)


def accelerated(
    ordered: Ordered,
    estimate: FloatArray,
    level: float,
    acceleration: FloatArray | float = 0.0,
) -> Limits:
    """Return the BCa interval, which without acceleration is BC.

    Quantiles at ``Φ(z0 + z/(1 − a z))`` with ``z = z0 + Φ⁻¹((1 ± level)/2)`` (Efron
    1987, doi:10.1080/01621459.1987.10478410). NaN where z0 is infinite or the
    denominator is not positive.
    """
    z0 = bias_correction(ordered, estimate)
    limits = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = z0 + normal_quantile(tail)
        room = 1 - acceleration * z
        with np.errstate(divide="ignore", invalid="ignore"):
            share = normal_cdf(z0 + z / np.where(room > 0, room, np.nan))
        limits.append(ordered.quantile(share))
    return limits[0], limits[1]


def studentized(
    draws: FloatArray,
    errors: FloatArray,
    estimate: FloatArray,
    own_error: FloatArray,
    level: float,
) -> Limits:
    """Return ``θ̂ − t* se`` at the opposite quantiles of ``t* = (θ* − θ̂)/se*``.

    Davison and Hinkley 1997, section 5.2. A number that does not vary has the interval
    that is itself.

    Parameters
    ----------
    draws, errors : (B, k) statistics and their standard errors.
    estimate, own_error : (k,) those of the sample.
    """
    deviation = draws - estimate
    fixed = np.abs(deviation) <= ROUNDING * np.maximum(1.0, np.abs(estimate))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > ROUNDING, deviation / errors, np.nan)
    ordered = Ordered.of(np.where(fixed & ~(errors > ROUNDING), 0.0, t))
    low, high = percentile_of(ordered, level)
    return estimate - high * own_error, estimate - low * own_error


def moments(draws: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return mean, standard deviation (divisor B − 1) and number of defined draws."""
    k = draws.shape[1]
    mean, std, n = np.empty(k), np.empty(k), np.empty(k, dtype=np.int64)
    for start in range(0, k, COLUMNS):
        part = slice(start, start + COLUMNS)
        mean[part], std[part], n[part] = _moments(draws[:, part])
    return mean, np.where(n > 1, std, np.nan), n


def _moments(draws: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    seen = np.isfinite(draws)
    n = seen.sum(axis=0)
    filled = draws if (n == len(draws)).all() else np.where(seen, draws, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=0) / n
        deviation = filled - mean
        if filled is not draws:
            deviation[~seen] = 0.0
        return mean, np.sqrt(np.einsum("bk,bk->k", deviation, deviation) / (n - 1)), n


def normal_interval(
    estimate: FloatArray, std_error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``estimate ± z · std_error``."""
    z = normal_quantile(0.5 + level / 2)
    return estimate - z * std_error, estimate + z * std_error


def normal_p(statistic: FloatArray) -> FloatArray:
    """Return the two-sided normal p-value ``2Φ(−|z|)``."""
    return np.asarray(2 * normal_cdf(-np.abs(statistic)))
