"""Small symmetric systems in batches; a singular one spoils no other."""

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
    A = np.asarray(A, dtype=np.float64)
    b = np.broadcast_to(b, A.shape[:-1] + b.shape[-1:])
    last = np.array(np.moveaxis(A, (-2, -1), (0, 1)), order="C")
    right = np.array(np.moveaxis(b, (-2, -1), (0, 1)), dtype=np.float64, order="C")
    x, ok = eliminate(last, right)
    return np.ascontiguousarray(np.moveaxis(x, (0, 1), (-2, -1))), ok


def eliminate(
    A: FloatArray, x: FloatArray, *, indefinite: bool = False
) -> tuple[FloatArray, BoolArray]:
    """Solve as `spd_solve` with the batch in the last axes, overwriting both arguments.

    Long contiguous rows of batch members make each of the k steps a few vector
    operations; kernels that keep the batch last call this directly.

    Parameters
    ----------
    A : (k, k, …)
    x : (k, m, …), the right-hand sides.
    indefinite : take negative pivots too; only a vanishing one is then singular.
    """
    k = len(A)
    scale = A[np.arange(k), np.arange(k)]
    ok = np.asarray(np.isfinite(A).all(axis=(0, 1)) & (scale > 0).all(axis=0))
    for i in range(k):
        pivot = np.abs(A[i, i]) if indefinite else A[i, i]
        good = pivot > SINGULAR * scale[i]
        if not good.all():
            ok &= good
            A[i, i] = np.where(good, A[i, i], 1.0)
        if i + 1 < k:
            factor = A[i + 1 :, i] / A[i, i]
            A[i + 1 :, i + 1 :] -= factor[:, None] * A[None, i, i + 1 :]
            x[i + 1 :] -= factor[:, None] * x[None, i]
    for i in range(k - 1, -1, -1):
        if i + 1 < k:
            x[i] -= (A[i, i + 1 :, None] * x[i + 1 :]).sum(axis=0)
        x[i] /= A[i, i]
    if not ok.all():
        x[..., ~ok] = np.nan
    return x, ok


def correlation_solve(
    lower: list[list[FloatArray]], right: list[FloatArray]
) -> list[FloatArray]:
    """Solve correlation systems ``R x = r`` whose entries are long rows (b,).

    ``R = L D Lᵀ`` entry by entry: the least traffic for the few predictors of a path
    model and thousands of members (Golub and Van Loan 2013, section 4.1).

    Parameters
    ----------
    lower : entries of R below its diagonal of ones, row by row.
    right : entries of r.

    Returns
    -------
    Entries of x; zero for members whose R is singular.
    """
    L = [list(row) for row in lower]
    x = list(right)
    pivot = [np.ones_like(right[0]) for _ in right]
    lowest = pivot[0]
    for i in range(len(x)):
        for k, column in enumerate(L[i + 1 :], start=i + 1):
            entry = column[i]
            factor = entry / pivot[i] if i else entry
            for j in range(i + 1, k):
                column[j] = column[j] - factor * L[j][i]
            pivot[k] = pivot[k] - factor * entry
            x[k] = x[k] - factor * x[i]
        lowest = np.minimum(lowest, pivot[i])
    for i in reversed(range(len(x))):
        for k in range(i + 1, len(x)):
            x[i] = x[i] - L[k][i] * x[k]
        x[i] = x[i] / pivot[i] if i else x[i]
    sound = lowest > SINGULAR
    return x if sound.all() else [np.where(sound, v, 0.0) for v in x]


def spd_inverse(A: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Invert symmetric positive definite matrices in a batch; see `spd_solve`."""
    return spd_solve(A, np.eye(A.shape[-1]))


def cov_to_corr(cov: FloatArray) -> FloatArray:
    """Return correlations (…, p, p); rows of a constant variable are NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
        scale = np.where(np.isfinite(scale), scale, np.nan)
        corr: FloatArray = cov * scale[..., :, None]
        corr *= scale[..., None, :]
    k = corr.shape[-1]
    ones = np.where(np.isfinite(scale), 1.0, np.nan)
    corr[..., np.arange(k), np.arange(k)] = ones
    return corr
