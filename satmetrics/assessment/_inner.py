"""Collinearity and effect sizes of structural regressions, batch axis first."""

from __future__ import annotations

import numpy as np

from satmetrics._linalg import SINGULAR, eliminate
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.assessment._refit import r2_without
from satmetrics.estimation._iterate import Layout, Settings
from satmetrics.estimation._structure import padded


def predictor_vif(C: FloatArray, adjacency: BoolArray) -> FloatArray:
    """Return (B, q, q) at [source, target]: diag of the predictors' inverse; else NaN.

    Parameters
    ----------
    C : (B, q, q) construct correlations.
    adjacency : (q, q)
    """
    target, source, used = padded(adjacency)
    diagonal = _padded_diagonal(C, source, used)
    out = np.full(C.shape, np.nan)
    row, column = np.nonzero(used)
    out[:, source[row, column], target[column]] = diagonal[row, column].T
    return out


def block_vif(R: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return each indicator's variance inflation (B, p) within its own block.

    Blocks are padded with the identity to one size and inverted together.
    """
    sizes = np.bincount(owner, minlength=q)
    starts = np.searchsorted(owner, np.arange(q))
    k = int(sizes.max())
    used = np.arange(k)[:, None] < sizes
    at = np.where(used, starts + np.arange(k)[:, None], starts)
    diagonal = _padded_diagonal(R, at, used)
    row, column = np.nonzero(used)
    out = np.empty(R.shape[:2])
    out[:, at[row, column]] = diagonal[row, column].T
    return out


def _padded_diagonal(R: FloatArray, at: IntArray, used: BoolArray) -> FloatArray:
    """Return diagonals (k, m, B) of the inverses of m submatrices padded to size k.

    Parameters
    ----------
    R : (B, p, p)
    at : (k, m) the variables of each submatrix; `used` is False in the padding.
    """
    last = np.moveaxis(R, 0, -1)
    both = (used[:, None, :] & used[None, :, :])[..., None]
    identity = np.eye(len(at))[:, :, None, None]
    return _inverse_diagonal(
        np.where(both, last[at[:, None, :], at[None, :, :]], identity)
    )


def full_vif(C: FloatArray) -> FloatArray:
    """Return each construct's variance inflation (B, q) among all constructs."""
    last = np.array(np.moveaxis(C, 0, -1), order="C")
    return np.ascontiguousarray(_inverse_diagonal(last).T)


def _inverse_diagonal(A: FloatArray) -> FloatArray:
    """Return the diagonals (k, …) of the inverses of A (k, k, …).

    NaN where A is not positive definite. One Cholesky factor in LAPACK serves where
    all are; otherwise each is eliminated by itself.
    """
    k = len(A)
    try:
        root = np.linalg.cholesky(np.moveaxis(A, (0, 1), (-2, -1)))
    except np.linalg.LinAlgError:
        right = np.zeros(A.shape)
        right[np.arange(k), np.arange(k)] = 1.0
        inverse, _ = eliminate(np.array(A), right)
        return np.asarray(inverse[np.arange(k), np.arange(k)])
    diagonal = (np.linalg.inv(root) ** 2).sum(axis=-2)
    collinear = (diagonal > 1 / SINGULAR).any(axis=-1, keepdims=True)
    return np.moveaxis(np.where(collinear, np.nan, diagonal), -1, 0)


def f2_fixed(paths: FloatArray, vif: FloatArray, r2: FloatArray) -> FloatArray:
    """Return f² (B, q, q) of every path with the scores held.

    Without one predictor R² falls by ``β²/VIF``, so that
    ``f² = β² / (VIF (1 − R²))``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(paths**2 / (vif * (1 - r2)[:, None, :]))


def f2_refit(
    S: FloatArray,
    layout: Layout,
    settings: Settings,
    r2: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Return f² (B, q, q) of every path, each from a refit of the model without it.

    ``(R² − R²_without) / (1 − R²)`` (Cohen 1988). A target that loses its only
    predictor has R²_without = 0 and needs no refit.

    Parameters
    ----------
    S : (B, p, p) what the model was fitted to.
    r2, weights : (B, q) and (B, p) of the fit.
    """
    every = np.argwhere(layout.adjacency)
    drop = every[layout.adjacency.sum(axis=0)[every[:, 1]] > 1]
    without = np.zeros((len(S), layout.q, layout.q))
    if len(drop):
        found = r2_without(S, layout, settings, drop, weights)
        without[:, drop[:, 0], drop[:, 1]] = found
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (r2[:, None, :] - without) / (1 - r2)[:, None, :]
    return np.where(layout.adjacency, value, np.nan)
