"""Factors as constructs: standardised numbers and weights, batch axis first.

Letters as in `_sem`: b members, p observed, m latent variables; q of the latter have
blocks of indicators, which are the first q.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _sem as kernel


@dataclass(frozen=True, eq=False)
class FactorNumbers:
    """A covariance structure model in standard deviations of factors and indicators.

    Attributes
    ----------
    corr : (b, m, m) correlations of the latent variables.
    paths : (b, m, m) standardised coefficients at [source, target].
    raw_paths : (b, m, m) the same in the units of the factors.
    loadings : (b, p) correlations of indicators with their construct.
    cross : (b, p, q) correlations of indicators with every construct.
    r_squared : (b, m) ``1 − ψ/φ``, NaN where nothing leads to a variable.
    weights : (b, p) of the indicators as given; composites have variance 1.
    rho : (b, q) squared correlations of composites with their factors.
    sd : (b, p) of the indicators, as implied.
    """

    corr: FloatArray
    paths: FloatArray
    raw_paths: FloatArray
    loadings: FloatArray
    cross: FloatArray
    r_squared: FloatArray
    weights: FloatArray
    rho: FloatArray
    sd: FloatArray


def factor_numbers(
    M: kernel.Matrices, owner: IntArray, adjacency: BoolArray
) -> FactorNumbers:
    """Return the standardised numbers of matrices.

    Weights are those of the regression of each factor on its own indicators,
    ``w = Σ_jj⁻¹ cov(x_j, η_j)`` (Thurstone 1935; by blocks: Skrondal and Laake 2001,
    doi:10.1007/BF02296196), scaled to composites of variance 1.

    Parameters
    ----------
    owner : (p,) position of each indicator's construct among the latent variables.
    adjacency : (m, m) True at [source, target] of paths.
    """
    q = int(owner.max(initial=-1)) + 1
    variance = np.diagonal(M.Phi, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(np.diagonal(M.Sigma, axis1=1, axis2=2))
        phi = np.sqrt(np.where(variance > 0, variance, np.nan))
        corr = M.Phi / (phi[:, :, None] * phi[:, None, :])
        raw = np.where(adjacency, M.Beta.swapaxes(1, 2), 0.0)
        paths = raw * (phi[:, :, None] / phi[:, None, :])
        cross = (M.cross / (phi[:, :, None] * sd[:, None, :])).swapaxes(1, 2)
        left = np.diagonal(M.Psi, axis1=1, axis2=2) / variance
    led = adjacency.any(axis=0) | M.Beta.any(axis=(0, 2))
    weights, rho = _weights(M, owner, q, variance)
    return FactorNumbers(
        corr=corr,
        paths=np.where(adjacency, paths, 0.0),
        raw_paths=raw,
        loadings=np.take_along_axis(cross, owner[None, :, None], axis=2)[..., 0],
        cross=cross[..., :q],
        r_squared=np.where(led, 1 - left, np.nan),
        weights=weights,
        rho=rho,
        sd=sd,
    )


def _weights(
    M: kernel.Matrices, owner: IntArray, q: int, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return weights (b, p) by regression, block by block, and reliabilities (b, q)."""
    b, p = M.Sigma.shape[:2]
    weights, rho = np.full((b, p), np.nan), np.full((b, q), np.nan)
    for j in range(q):
        block = np.flatnonzero(owner == j)
        S = M.Sigma[:, block[:, None], block]
        c = M.cross[:, j, block]
        W = kernel.inverse(S)[0]
        w = (W @ c[..., None])[..., 0]
        size = (w * c).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            weights[:, block] = w / np.sqrt(size)[:, None]
            rho[:, j] = size / variance[:, j]
    return weights, rho


def score_weights(M: kernel.Matrices, *, bartlett: bool) -> FloatArray:
    """Return A (b, m, p), by which ``A (x − μ)`` are factor scores.

    By regression ``Φ Λ' Σ⁻¹`` (Thurstone 1935); Bartlett's (1937) are
    ``(Λ' Σ⁻¹ Λ)⁻¹ Λ' Σ⁻¹``, which is ``(Λ' Θ⁻¹ Λ)⁻¹ Λ' Θ⁻¹`` where Θ has an inverse.
    """
    W = kernel.inverse(M.Sigma)[0]
    if not bartlett:
        return np.asarray(M.cross @ W)
    right = M.Lambda.swapaxes(1, 2) @ W
    return np.asarray(np.linalg.pinv(right @ M.Lambda) @ right)


def jacobian(
    function: Callable[[FloatArray], FloatArray], theta: FloatArray, scale: FloatArray
) -> FloatArray:
    """Return derivatives (b, k, t) by central differences, all in one call.

    Parameters
    ----------
    function : from (n, t) to (n, k), row by row.
    theta : (b, t)
    scale : (b, t) size of each parameter, which steps are small against.
    """
    b, t = theta.shape
    step = np.finfo(np.float64).eps ** (1 / 3) * scale
    moved = np.einsum("bt,tu->btu", step, np.eye(t))
    both = np.concatenate([theta[:, None] + moved, theta[:, None] - moved])
    up, down = np.split(function(both.reshape(2 * b * t, t)), 2)
    found = (up - down).reshape(b, t, -1) / (2 * step[..., None])
    return np.asarray(found.swapaxes(1, 2))
