"""Distances between observed and implied correlations: arrays in, arrays out.

S (…, p, p) is observed, T (…, p, p) implied; both correlations, batch axis first.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import BoolArray, FloatArray

POSITIVE = 1e-12
"""An eigenvalue below this share of the largest counts as zero."""


def srmr(S: FloatArray, T: FloatArray) -> FloatArray:
    """Return the root mean squared residual (…) of the lower triangle and diagonal.

    ``√(Σ_{i ≥ j} (s_ij − t_ij)² / (p (p + 1) / 2))`` (Hu and Bentler 1998,
    doi:10.1037/1082-989X.3.4.424).
    """
    squared = (S - T) ** 2
    p = S.shape[-1]
    once = np.einsum("...ii->...", squared) + squared.sum(axis=(-2, -1))
    return np.asarray(np.sqrt(once / (p * (p + 1))))


def d_uls(S: FloatArray, T: FloatArray) -> FloatArray:
    """Return the unweighted least squares distance (…): ``½ Σ_ij (s_ij − t_ij)²``.

    Dijkstra and Henseler (2015), doi:10.1016/j.csda.2014.07.008.
    """
    return np.asarray(0.5 * ((S - T) ** 2).sum(axis=(-2, -1)))


def d_g(S: FloatArray, T: FloatArray) -> FloatArray:
    """Return the geodesic distance (…): ``½ Σ (ln φ_k)²``, φ the roots of S⁻¹T.

    NaN where S or T is not positive definite. Dijkstra and Henseler (2015),
    doi:10.1016/j.csda.2014.07.008.
    """
    inverse, regular = inverse_root(S)
    phi = np.linalg.eigvalsh(_finite(inverse @ T @ inverse))
    ok = regular & (phi[..., 0] > 0) & np.isfinite(T).all(axis=(-2, -1))
    logs = np.log(np.where(phi > 0, phi, 1.0))
    return np.where(ok, 0.5 * (logs**2).sum(axis=-1), np.nan)


def inverse_root(S: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return S^(−½) (…, p, p) and whether S is positive definite (…)."""
    values, vectors = np.linalg.eigh(_finite(S))
    ok = (values[..., 0] > POSITIVE * values[..., -1]) & np.isfinite(S).all(
        axis=(-2, -1)
    )
    scale = 1.0 / np.sqrt(np.where(values > 0, values, 1.0))
    root = (vectors * scale[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return root, np.asarray(ok)


def imposing(S: FloatArray, T: FloatArray) -> tuple[FloatArray, bool]:
    """Return A (p, p) with ``AᵀSA = T``, and whether S and T are positive definite.

    ``A = S^(−½) T^(½)``: answers times A have the covariance T (Beran and Srivastava
    1985, doi:10.1214/aos/1176346579).
    """
    inverse, regular = inverse_root(S)
    values, vectors = np.linalg.eigh(_finite(T))
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    ok = bool(regular) and bool(values[0] > 0) and bool(np.isfinite(T).all())
    return inverse @ root, ok


def lowest_eigenvalue(C: FloatArray) -> FloatArray:
    """Return the lowest eigenvalue (…) of symmetric matrices; NaN for NaN."""
    known = np.isfinite(C).all(axis=(-2, -1))
    return np.where(known, np.linalg.eigvalsh(_finite(C))[..., 0], np.nan)


def _finite(S: FloatArray) -> FloatArray:
    """Put the identity where a matrix is not finite, so that LAPACK goes on."""
    known = np.asarray(np.isfinite(S).all(axis=(-2, -1)))
    if known.all():
        return S
    return np.where(known[..., None, None], S, np.eye(S.shape[-1]))
