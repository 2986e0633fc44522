"""Rotation of loadings, and one order and sign for all: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray

PROMAX_POWER = 4
STARTS = 12
"""Directions from which a rotation is searched."""


@dataclass(frozen=True, eq=False)
class Rotated:
    """Loadings Λ (p, m) (the pattern) and the factors' correlations Φ (m, m)."""

    loadings: FloatArray
    phi: FloatArray

    @property
    def communality(self) -> FloatArray:
        """Diagonal (p,) of Λ Φ Λᵀ."""
        return np.asarray(((self.loadings @ self.phi) * self.loadings).sum(axis=1))

    @property
    def variance(self) -> FloatArray:
        """Variance (m,) of the items due to each factor, diagonal of Φ Λᵀ Λ."""
        return np.asarray(np.diag(self.phi @ self.loadings.T @ self.loadings))


def settled(found: Rotated) -> Rotated:
    """Put factors in order of their variance, turned so that loadings sum to ≥ 0."""
    order = np.argsort(-found.variance, kind="stable")
    L, phi = found.loadings[:, order], found.phi[np.ix_(order, order)]
    sign = np.where(L.sum(axis=0) < 0, -1.0, 1.0)
    return Rotated(L * sign, phi * np.outer(sign, sign))


def unrotated(A: FloatArray) -> Rotated:
    """Return loadings as extracted."""
    return Rotated(A, np.eye(A.shape[1]))


def varimax(A: FloatArray) -> Rotated:
    """Rotate by varimax with Kaiser's normalisation (Kaiser 1958)."""
    size = np.sqrt((A**2).sum(axis=1, keepdims=True))
    size = np.where(size > 0, size, 1.0)

    def evenness(L: FloatArray) -> float:
        return -float((L**2).var(axis=0).sum())

    L, _ = _lowest(A / size, evenness, "varimax")
    return Rotated(L * size, np.eye(A.shape[1]))


def oblimin(A: FloatArray) -> Rotated:
    """Rotate by direct oblimin with γ = 0 (quartimin), without normalisation.

    The criterion is ``Σ_{j<k} Σ_i λ_ij² λ_ik²`` (Jennrich and Sampson 1966,
    doi:10.1007/BF02289465).
    """

    def overlap(L: FloatArray) -> float:
        shared = (L**2).T @ L**2
        return float(shared.sum() - np.trace(shared)) / 2

    L, T = _lowest(A, overlap, "oblimin", 0, "oblique")
    return Rotated(L, T.T @ T)


def _lowest(
    A: FloatArray, criterion: Callable[[FloatArray], float], *method: object
) -> tuple[FloatArray, FloatArray]:
    """Return loadings and T of the lowest criterion among `STARTS` searches.

    Criteria have local minima, and the search a saddle at A where roots are equal; it
    starts from A and from fixed random directions. The first of equal ones is taken.
    """
    from statsmodels.multivariate.factor_rotation import rotate_factors

    m = A.shape[1]
    rng = np.random.default_rng(STARTS)
    starts = [np.linalg.qr(rng.normal(size=(m, m)))[0] for _ in range(STARTS - 1)]
    found = [
        rotate_factors(A, *method, T=T, max_tries=500, tol=1e-6)
        for T in (np.eye(m), *starts)
    ]
    L, T = min(found, key=lambda pair: round(criterion(pair[0]), 9))
    return np.asarray(L), np.asarray(T)


def promax(A: FloatArray) -> Rotated:
    """Rotate varimax loadings towards their fourth powers, signs kept.

    Hendrickson and White (1964), doi:10.1111/j.2044-8317.1964.tb00244.x.
    """
    L = varimax(A).loadings
    target = L * np.abs(L) ** (PROMAX_POWER - 1)
    U = np.linalg.lstsq(L, target, rcond=None)[0]
    U = U * np.sqrt(np.diag(np.linalg.inv(U.T @ U)))
    back = np.linalg.inv(U)
    return Rotated(L @ U, back @ back.T)
