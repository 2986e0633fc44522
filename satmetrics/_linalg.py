"""Small symmetric systems over a leading batch axis; a singular one spoils no other."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import BoolArray, FloatArray

SINGULAR = 1e-10
"""A pivot this small relative to its diagonal entry counts as zero (VIF above 1e10)."""


def spd_solve(A: FloatArray, b: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Solve ``A x = b`` for symmetric positive definite matrices in a batch.

    Elimination runs over the k pivots and is vectorised over the batch, so that one
    singular matrix yields NaN for itself and leaves the others alone (LAPACK's batched
    solve raises for the whole batch). Without pivoting elimination is stable for
    positive definite matrices (Golub and Van Loan 2013, section 4.2).

    Parameters
    ----------
    A : (…, k, k)
    b : (…, k, m)

    Returns
    -------
    x : (…, k, m), NaN where singular.
    ok : (…), False where a pivot vanished or an entry is not finite.
    """
    A = np.array(A, dtype=np.float64)
    x = np.array(np.broadcast_to(b, A.shape[:-1] + b.shape[-1:]), dtype=np.float64)
    k = A.shape[-1]
    scale = np.diagonal(A, axis1=-2, axis2=-1).copy()
    ok = np.isfinite(A).all(axis=(-1, -2)) & (scale > 0).all(axis=-1)
    for i in range(k):
        pivot = A[..., i, i]
        ok = ok & (pivot > SINGULAR * scale[..., i])
        safe = np.where(ok, pivot, 1.0)
        factor = A[..., i + 1 :, i] / safe[..., None]
        A[..., i + 1 :, i:] -= factor[..., None] * A[..., i, None, i:]
        x[..., i + 1 :, :] -= factor[..., None] * x[..., i, None, :]
    for i in range(k - 1, -1, -1):
        if i + 1 < k:
            x[..., i, :] -= (A[..., i, i + 1 :, None] * x[..., i + 1 :, :]).sum(axis=-2)
        x[..., i, :] /= np.where(ok, A[..., i, i], 1.0)[..., None]
    return np.where(ok[..., None, None], x, np.nan), ok


def spd_inverse(A: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Invert symmetric positive definite matrices in a batch; see `spd_solve`."""
    return spd_solve(A, np.eye(A.shape[-1]))


def cov_to_corr(cov: FloatArray) -> FloatArray:
    """Return correlations (…, p, p); rows of a constant variable are NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
        scale = np.where(np.isfinite(scale), scale, np.nan)
        corr: FloatArray = cov * scale[..., :, None] * scale[..., None, :]
    k = corr.shape[-1]
    ones = np.where(np.isfinite(scale), 1.0, np.nan)
    corr[..., np.arange(k), np.arange(k)] = ones
    return corr
