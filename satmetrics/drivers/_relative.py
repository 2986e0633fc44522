"""Relative importance of predictors from correlations: arrays in, arrays out.

Letters: p predictors, R their correlations, r those with the outcome; a batch b runs
along the leading axis. A singular member is NaN and leaves the others alone.
"""

from __future__ import annotations

import math

import numpy as np

from satmetrics._linalg import SINGULAR, spd_solve
from satmetrics._typing import FloatArray

CELLS = 2**22
"""Numbers of working memory for the subsets of some members of a batch."""
SWEPT = 3
"""Numbers held per subset while predictors are swept out, about."""


def betas(R: FloatArray, r: FloatArray) -> FloatArray:
    """Return standardised coefficients (b, p).

    Parameters
    ----------
    R : (b, p, p)
    r : (b, p)
    """
    return np.asarray(spd_solve(R, r[..., None])[0][..., 0])


def johnson(R: FloatArray, r: FloatArray) -> FloatArray:
    """Return Johnson's relative weights (b, p), which sum to R².

    With ``R = V Λ Vᵀ`` and ``L = V Λ^½ Vᵀ``: ``ε = L² (L⁻¹ r)²``, squares entrywise
    (Johnson 2000, doi:10.1207/S15327906MBR3501_1).

    Parameters
    ----------
    R : (b, p, p)
    r : (b, p)
    """
    known = np.asarray(np.isfinite(R).all(axis=(1, 2)))
    values, V = np.linalg.eigh(np.where(known[:, None, None], R, np.eye(R.shape[-1])))
    sound = known & (values[:, 0] > SINGULAR)
    root = np.sqrt(np.where(values > 0, values, 1.0))
    L = (V * root[:, None, :]) @ np.swapaxes(V, 1, 2)
    beta = ((V / root[:, None, :]) @ np.swapaxes(V, 1, 2) @ r[..., None])[..., 0]
    found = (L**2 @ (beta**2)[..., None])[..., 0]
    return np.where(sound[:, None], found, np.nan)


def lmg(R: FloatArray, r: FloatArray) -> FloatArray:
    """Return LMG shares (b, p), which sum to R².

    ``Σ_S s! (p − s − 1)!/p! [R²(S ∪ j) − R²(S)]`` over the subsets S of the others, s
    their size: the mean gain over all orders of entry (Lindeman, Merenda and Gold 1980;
    the Shapley value).

    Parameters
    ----------
    R : (b, p, p)
    r : (b, p)
    """
    p = R.shape[-1]
    weight = _entries(p)
    out = np.empty(r.shape)
    step = max(1, CELLS // (SWEPT * 2**p))
    for start in range(0, len(R), step):
        part = slice(start, start + step)
        out[part] = _r_squared(R[part], r[part]).T @ weight
    return out


def _entries(p: int) -> FloatArray:
    """Return (2^p, p): what R² of each subset adds to the share of each predictor."""
    inside = (np.arange(2**p)[:, None] >> np.arange(p)) & 1
    orders = np.array(
        [
            [math.factorial(max(s - 1, 0)) * math.factorial(p - s) for s in range(p)]
            + [math.factorial(p - 1)],
            [math.factorial(s) * math.factorial(p - s - 1) for s in range(p)] + [0],
        ]
    )
    joins, stays = (orders / math.factorial(p))[:, inside.sum(axis=1), None]
    return np.asarray(np.where(inside, joins, -stays))


def _r_squared(R: FloatArray, r: FloatArray) -> FloatArray:
    """Return R² (2^p, b) of the regressions on all subsets; bit j is predictor j.

    One predictor after the other is left out or swept out of those still to come
    (Furnival and Wilson 1974), so that a subset costs a few operations and no system
    is solved twice.
    """
    b, p = r.shape
    S = np.empty((p + 1, p + 1, 1, b))
    S[:p, :p, 0] = np.moveaxis(R, 0, -1)
    S[:p, p, 0] = S[p, :p, 0] = r.T
    S[p, p] = 1.0
    scale = np.moveaxis(np.diagonal(R, axis1=1, axis2=2), 0, -1)
    for j in range(p):
        pivot = S[0, 0]
        pivot = np.where(pivot > SINGULAR * scale[j], pivot, np.nan)
        factor = S[0, 1:] / pivot
        rest = S[1:, 1:]
        S = np.concatenate([rest, rest - factor[:, None] * S[0, 1:]], axis=2)
    return np.asarray(1.0 - S[0, 0])


def shares(found: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return shares of one (b, p), negative entries counted as zero, and their sum.

    Parameters
    ----------
    found : (b, p); where no entry is positive the shares are NaN.
    """
    kept = np.where(np.isnan(found), np.nan, np.maximum(found, 0.0))
    total = kept.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, kept / total, np.nan), total[..., 0]
