"""Collinearity and effect sizes of structural regressions, batch axis first."""

from __future__ import annotations

import numpy as np

from satmetrics._linalg import eliminate
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _pls as kernel
from satmetrics.estimation._structure import Regressions

CHUNK_BYTES = 2**27
"""Covariances of refits held at once."""


def predictor_vif(C: FloatArray, adjacency: BoolArray) -> FloatArray:
    """Return (B, q, q) at [source, target]: diag of the predictors' inverse; else NaN.

    Parameters
    ----------
    C : (B, q, q) construct correlations.
    adjacency : (q, q)
    """
    inner = Regressions.of(adjacency)
    last = np.ascontiguousarray(np.moveaxis(C, 0, -1))
    A = last[inner.sources[:, None, :], inner.sources[None, :, :]]
    A[inner.blank] = inner.identity[inner.blank][:, None]
    diagonal = _inverse_diagonal(A)
    out = np.full(C.shape, np.nan)
    row, column = np.nonzero(inner.used)
    out[:, inner.sources[row, column], inner.target[column]] = diagonal[row, column].T
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
    last = np.moveaxis(R, 0, -1)
    A = np.array(last[at[:, None, :], at[None, :, :]])
    blank = ~(used[:, None, :] & used[None, :, :])
    A[blank] = np.repeat(np.eye(k)[:, :, None], q, axis=2)[blank][:, None]
    diagonal = _inverse_diagonal(A)
    row, column = np.nonzero(used)
    out = np.empty(R.shape[:2])
    out[:, at[row, column]] = diagonal[row, column].T
    return out


def full_vif(C: FloatArray) -> FloatArray:
    """Return each construct's variance inflation (B, q) among all constructs."""
    last = np.array(np.moveaxis(C, 0, -1), order="C")
    return np.ascontiguousarray(_inverse_diagonal(last).T)


def _inverse_diagonal(A: FloatArray) -> FloatArray:
    """Return the diagonals (k, …) of the inverses of A (k, k, …); NaN if singular."""
    k = len(A)
    right = np.zeros(A.shape)
    right[np.arange(k), np.arange(k)] = 1.0
    inverse, _ = eliminate(A, right)
    return np.asarray(inverse[np.arange(k), np.arange(k)])


def f2_fixed(paths: FloatArray, vif: FloatArray, r2: FloatArray) -> FloatArray:
    """Return f² (B, q, q) of every path with the scores held.

    Without one predictor R² falls by ``β²/VIF``, so that
    ``f² = β² / (VIF (1 − R²))``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(paths**2 / (vif * (1 - r2)[:, None, :]))


def f2_refit(
    S: FloatArray, layout: kernel.Layout, settings: kernel.Settings, r2: FloatArray
) -> FloatArray:
    """Return f² (B, q, q) of every path, each from a refit of the model without it.

    ``(R² − R²_without) / (1 − R²)`` (Cohen 1988). A target that loses its only
    predictor has R²_without = 0 and needs no refit.

    Parameters
    ----------
    S : (B, p, p) what the model was fitted to.
    r2 : (B, q) of the fit.
    """
    every = np.argwhere(layout.adjacency)
    drop = every[layout.adjacency.sum(axis=0)[every[:, 1]] > 1]
    without = np.zeros((len(S), layout.q, layout.q))
    step = max(1, CHUNK_BYTES // max(1, len(drop) * S[0].nbytes))
    for start in range(0, len(S) if len(drop) else 0, step):
        part = S[start : start + step]
        repeated = np.repeat(part, len(drop), axis=0)
        found = kernel.solve(
            repeated, layout, settings, np.tile(drop, (len(part), 1))
        ).r2.reshape(len(part), len(drop), layout.q)
        rows = slice(start, start + step)
        own = found[:, np.arange(len(drop)), drop[:, 1]]
        without[rows, drop[:, 0], drop[:, 1]] = own
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (r2[:, None, :] - without) / (1 - r2)[:, None, :]
    return np.where(layout.adjacency, value, np.nan)
