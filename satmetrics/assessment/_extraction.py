"""Common factors of one correlation matrix: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._special import chi2_tail
from satmetrics._typing import FloatArray
from satmetrics.assessment._common_factors import LOWEST, common_factors

STEPS = 2000
CLOSE = 1e-4


@dataclass(frozen=True, eq=False)
class Extracted:
    """Unrotated loadings (p, m) and whether the search settled."""

    loadings: FloatArray
    converged: bool


@dataclass(frozen=True, eq=False)
class Fit:
    """How near the factors come to the correlations.

    Attributes
    ----------
    rmsr : root mean square of the residual correlations off the diagonal.
    statistic, df, p_value : likelihood ratio with Bartlett's factor; NaN unless the
        loadings are those of maximum likelihood.
    """

    rmsr: float
    statistic: float
    df: float
    p_value: float


def principal_axis(R: FloatArray, m: int) -> Extracted:
    """Iterate principal axes from squared multiple correlations."""
    from statsmodels.multivariate.factor import Factor

    A = np.asarray(Factor(corr=R, n_factor=m, method="pa").fit(STEPS, 1e-9).loadings)
    if A.shape[1] < m:
        return Extracted(np.hstack([A, np.zeros((len(R), m - A.shape[1]))]), False)
    c = (A**2).sum(axis=1)
    values, vectors = np.linalg.eigh(R - np.diag(1 - c))
    again = vectors[:, -m:] * np.sqrt(np.maximum(values[-m:], 0))
    moved = np.abs((again**2).sum(axis=1) - c).max()
    return Extracted(A, bool(moved < CLOSE))


def maximum_likelihood(R: FloatArray, m: int) -> Extracted:
    """Maximise the likelihood with unique variances of at least 0.005.

    The search of our own: statsmodels 0.14.6 has no such bound, and turns its loadings
    by eigenvectors that are not orthogonal where roots are equal.
    """
    loadings, _, ok = common_factors(R[None], m)
    return Extracted(loadings[0], bool(ok[0]))


def fit_of(R: FloatArray, A: FloatArray, n: float, *, likelihood: bool) -> Fit:
    """Return the fit of unrotated loadings A (p, m).

    ``χ² = (n − 1 − (2p + 5)/6 − 2m/3)(log|Σ̂| − log|R| + tr RΣ̂⁻¹ − p)`` with
    ``((p − m)² − p − m)/2`` degrees of freedom (Lawley and Maxwell 1971).
    """
    p, m = A.shape
    common = A @ A.T
    unique = np.maximum(1 - np.diag(common), LOWEST)
    off = ~np.eye(p, dtype=np.bool_)
    rmsr = float(np.sqrt(np.mean((R - common)[off] ** 2)))
    df = degrees_of_freedom(p, m)
    if not likelihood or df <= 0:
        return Fit(rmsr, np.nan, df, np.nan)
    sigma = common + np.diag(unique)
    log = np.linalg.slogdet(sigma)[1] - np.linalg.slogdet(R)[1]
    F = log + np.trace(np.linalg.solve(sigma, R)) - p
    statistic = float((n - 1 - (2 * p + 5) / 6 - 2 * m / 3) * F)
    return Fit(rmsr, statistic, df, float(chi2_tail(df, statistic)))


def degrees_of_freedom(p: int, m: int) -> float:
    """Return ``((p − m)² − p − m)/2``."""
    return ((p - m) ** 2 - p - m) / 2
