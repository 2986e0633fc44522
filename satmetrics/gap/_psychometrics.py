"""Psychometrics of paired scores from one covariance: arrays in, arrays out.

Letters: k items, S (…, p, p) the covariance of their k expectations, their k
perceptions and, where there is one, an outcome; the batch axis is first. E, P and G are
the means of the items' expectations, perceptions and gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from satmetrics._special import normal_cdf, normal_quantile, student_cdf
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.assessment import _delta as delta
from satmetrics.assessment import _reliability as reliability
from satmetrics.assessment._delta import Delta
from satmetrics.moment._kernel import ROUNDING, mapped_cov

Number = TypeVar("Number", float, FloatArray, Delta)


@dataclass(frozen=True, eq=False)
class Scores:
    """What is said of E, P and G of one set of items.

    Attributes
    ----------
    alpha, omega : of E, P and G.
    bad : (3, …) True where a unique variance of the factor is at its bound.
    fitted : (3, …) False where no factor could be fitted.
    difference : reliability of the difference score.
    pe, gp, ge : correlations of P and E, G and P, G and E.
    sd : standard deviations of E, P and G.
    ratio : variance of E over variance of P.
    """

    alpha: tuple[Delta, Delta, Delta]
    omega: tuple[Delta, Delta, Delta]
    bad: BoolArray
    fitted: BoolArray
    difference: Delta
    pe: Delta
    gp: Delta
    ge: Delta
    sd: tuple[Delta, Delta, Delta]
    ratio: Delta


@dataclass(frozen=True, eq=False)
class Predictions:
    """How an outcome goes with E, P and G: correlations, R² of E and P, r_P − r_G."""

    r: tuple[Delta, Delta, Delta]
    both: FloatArray
    lead: Delta


def difference_reliability(
    var_p: Number, var_e: Number, rel_p: Number, rel_e: Number, cov: Number
) -> Number:
    """Return the reliability of P − E.

    ``(σ_P² ρ_PP + σ_E² ρ_EE − 2 σ_PE) / (σ_P² + σ_E² − 2 σ_PE)``: the errors of P and E
    do not correlate (Lord 1956; Peter, Churchill and Brown 1993).

    Parameters
    ----------
    var_p, var_e : variances; rel_p, rel_e : reliabilities; cov : covariance.
    """
    twice = cov * 2.0
    total = var_p + var_e - twice
    return (var_p * rel_p + var_e * rel_e - twice) / total


def scores(S: FloatArray, k: int) -> Scores:
    """Return what is said of E, P and G of k items; reliabilities of one are NaN."""
    e, p, g = averages(S.shape[-1], k)
    take = {"e": _maps(S.shape[-1], k, 1, 0), "p": _maps(S.shape[-1], k, 0, 1)}
    take["g"] = take["p"] - take["e"]
    alphas, omegas, bad, fitted = [], [], [], []
    for A in take.values():
        block = mapped_cov(A, S)
        alphas.append(delta.pulled_back(reliability.alpha(block, np.ones(k)), A))
        (raw, _), heywood, ok = reliability.omega(block)
        omegas.append(delta.pulled_back(raw, A))
        bad.append(heywood.any(axis=-1))
        fitted.append(ok)
    var = [delta.quadratic(S, a) for a in (e, p, g)]
    cov = delta.quadratic(S, e, p)
    return Scores(
        (alphas[0], alphas[1], alphas[2]),
        (omegas[0], omegas[1], omegas[2]),
        np.stack(bad),
        np.stack(fitted),
        difference_reliability(var[1], var[0], alphas[1], alphas[0], cov),
        delta.correlation(S, p, e),
        delta.correlation(S, g, p),
        delta.correlation(S, g, e),
        (var[0].sqrt(), var[1].sqrt(), var[2].sqrt()),
        var[0] / var[1],
    )


def predictions(S: FloatArray, k: int) -> Predictions:
    """Return how the outcome, last in S, goes with E, P and G."""
    e, p, g = averages(S.shape[-1], k)
    z = np.zeros(S.shape[-1])
    z[-1] = 1.0
    r_e, r_p, r_g = (delta.correlation(S, a, z) for a in (e, p, g))
    pe = delta.correlation(S, p, e).value
    a, b = r_p.value, r_e.value
    with np.errstate(divide="ignore", invalid="ignore"):
        both = (a**2 + b**2 - 2 * a * b * pe) / (1 - pe**2)
    return Predictions((r_e, r_p, r_g), both, r_p - r_g)


def williams(
    r_jk: FloatArray, r_jh: FloatArray, r_kh: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return t, df and p of r_jk = r_jh in one sample.

    Williams (1959); Steiger (1980), doi:10.1037/0033-2909.87.2.245, equation 7.
    """
    det = 1 - r_jk**2 - r_jh**2 - r_kh**2 + 2 * r_jk * r_jh * r_kh
    mean = (r_jk + r_jh) / 2
    df = np.where(n > 3, n - 3, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = 2 * (n - 1) / df * det + mean**2 * (1 - r_kh) ** 3
        below = np.where(below > ROUNDING**2, below, np.nan)
        t = (r_jk - r_jh) * np.sqrt((n - 1) * (1 + r_kh) / below)
    return t, df, 2 * student_cdf(df, -np.abs(t))


def pitman_morgan(
    ratio: FloatArray, r: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return t, df and p of equal variances of two paired scores that correlate by r.

    ``t = (F − 1)√(n − 2) / (2√(F(1 − r²)))``, F the ratio of the variances (Pitman
    1939, doi:10.1093/biomet/31.1-2.9; Morgan 1939, doi:10.1093/biomet/31.1-2.13).
    """
    df = np.where(n > 2, n - 2, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(1 - r**2 > ROUNDING, 1 - r**2, np.nan)
        t = (ratio - 1) * np.sqrt(df) / (2 * np.sqrt(ratio * apart))
    return t, df, 2 * student_cdf(df, -np.abs(t))


def wald(
    value: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return z, no degrees of freedom, and p of a number with an error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0, value / error, np.nan)
    return z, np.full(z.shape, np.nan), 2 * normal_cdf(-np.abs(z))


def wald_of_log(
    ratio: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return z, no degrees of freedom, and p of a ratio of 1, by its logarithm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return wald(np.log(ratio), error / ratio)


def ratio_limits(
    value: FloatArray, error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return normal limits of the logarithm, turned back; NaN for a ratio of zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        half = normal_quantile((1 + level) / 2) * error / value
        high = value * np.exp(half)
        known = (value > 0) & np.isfinite(high)
        low = value * np.exp(-half)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def plain_limits(
    value: FloatArray, error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return normal limits."""
    half = normal_quantile((1 + level) / 2) * error
    return value - half, value + half


def averages(p: int, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the vectors (p,) that average expectations, perceptions and gaps."""
    e, q = np.zeros(p), np.zeros(p)
    e[:k], q[k : 2 * k] = 1 / k, 1 / k
    return e, q, q - e


def _maps(p: int, k: int, e: float, q: float) -> FloatArray:
    """Return (k, p): e times the expectation plus q times the perception of an item."""
    out = np.zeros((k, p))
    out[:, :k], out[:, k : 2 * k] = e * np.eye(k), q * np.eye(k)
    return out
