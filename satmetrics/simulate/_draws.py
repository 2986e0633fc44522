"""Draws and expectations behind the simulated surveys: arrays in, arrays out.

All draws come from ``Generator.random`` and the normal quantile function, whose values
do not change between versions of numpy as those of ``Generator.normal`` may.
"""

from __future__ import annotations

import numpy as np

from satmetrics import _special as special
from satmetrics._typing import BoolArray, FloatArray, IntArray

TINY = 2.0**-54
"""Added to a uniform draw, so that no quantile is infinite."""


def normals(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw independent standard normals."""
    return np.asarray(special.normal_quantile(rng.random(shape) + TINY))


def factor_items(
    factors: FloatArray, owner: IntArray, loading: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return unit-variance items ``λ f + √(1 − λ²) ε``.

    Parameters
    ----------
    factors : (n, q) with unit variance about their means.
    owner : (p,) factor of each item.
    loading : (p,)

    Returns
    -------
    (n, p)
    """
    noise = normals(rng, (len(factors), len(owner)))
    return factors[:, owner] * loading + np.sqrt(1 - loading**2) * noise


def structural_cov(B: FloatArray, order: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the covariance of constructs of unit variance, and residual variances.

    Parameters
    ----------
    B : (q, q) coefficient of source j in the equation of target i, at [i, j].
        Constructs without an equation are uncorrelated.
    order : (q,) constructs such that sources precede targets.

    Returns
    -------
    cov : (q, q)
    residual : (q,) ``1 − b' cov b``; not positive where the coefficients explain more
        than everything.
    """
    q = len(B)
    cov = np.zeros((q, q))
    residual = np.ones(q)
    for k in order:
        row = B[k] @ cov
        residual[k] = 1 - row @ B[k]
        cov[k], cov[:, k] = row, row
        cov[k, k] = 1.0
    return cov, residual


def structural_scores(
    B: FloatArray, residual: FloatArray, rng: np.random.Generator, n: int
) -> FloatArray:
    """Draw construct scores (n, q): ``(I − B)⁻¹ ζ``."""
    zeta = normals(rng, (n, len(B))) * np.sqrt(residual)
    return np.asarray(np.linalg.solve(np.eye(len(B)) - B, zeta.T).T, dtype=np.float64)


def cut(values: FloatArray, thresholds: FloatArray, minimum: float) -> FloatArray:
    """Return ``minimum`` plus the number of thresholds below each value; NaN stays."""
    points = minimum + np.searchsorted(thresholds, values, side="left")
    return np.where(np.isnan(values), np.nan, points)


def expected_cut(
    mean: FloatArray, sd: FloatArray, thresholds: FloatArray, minimum: float
) -> FloatArray:
    """Return the expectation of a cut normal: ``minimum + Σ_k Φ((μ − τ_k)/σ)``."""
    z = (mean[..., None] - thresholds) / np.asarray(sd)[..., None]
    return np.asarray(minimum + special.normal_cdf(z).sum(axis=-1))


def half_points(minimum: float, maximum: float) -> FloatArray:
    """Return the thresholds midway between the whole points of a scale."""
    return np.arange(minimum, maximum) + 0.5


def allocate(
    mean: FloatArray, spread: float, chips: int, rng: np.random.Generator, n: int
) -> IntArray:
    """Let n respondents lay `chips` on q dimensions (n, q); each row sums to `chips`.

    A respondent's propensities are the means times a lognormal factor of log-SD
    `spread`.
    """
    raw = mean * np.exp(spread * normals(rng, (n, len(mean))))
    bounds = np.cumsum(raw / raw.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    place = (rng.random((n, chips, 1)) > bounds[:, None, :]).sum(axis=2)
    laid = place[:, :, None] == np.arange(len(mean))
    return np.asarray(laid.sum(axis=1), dtype=np.int64)


def pick(shares: FloatArray, rng: np.random.Generator, n: int) -> IntArray:
    """Draw n positions with the given shares."""
    bounds = np.cumsum(shares / shares.sum())[:-1]
    return np.searchsorted(bounds, rng.random(n), side="right").astype(np.int64)


def blanks(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> BoolArray:
    """Mark answers to leave out, completely at random."""
    return rng.random(shape) < share
