"""Relative importance of predictors from correlations: arrays in, arrays out.

Letters: p predictors, R their correlations, r those with the outcome; a batch b runs
along the leading axis. A singular member is NaN and leaves the others alone.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from satmetrics._linalg import SINGULAR, spd_solve
from satmetrics._typing import FloatArray, IntArray

CELLS = 2**22
"""Numbers of working memory for the systems of one size of subset."""


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
    out = np.zeros(r.shape)
    for s in range(1, p + 1):
        subsets = np.array(list(itertools.combinations(range(p), s)))
        gain = _r_squared(R, r, subsets)
        inside = np.zeros((len(subsets), p))
        np.put_along_axis(inside, subsets, 1.0, axis=1)
        joins = math.factorial(s - 1) * math.factorial(p - s) / math.factorial(p)
        out += joins * (gain @ inside)
        if s < p:
            stays = math.factorial(s) * math.factorial(p - s - 1) / math.factorial(p)
            out -= stays * (gain @ (1.0 - inside))
    return out


def _r_squared(R: FloatArray, r: FloatArray, subsets: IntArray) -> FloatArray:
    """Return R² (b, k) of the regressions on k subsets (k, s) of predictors."""
    k, s = subsets.shape
    out = np.empty((len(R), k))
    step = max(1, CELLS // (k * s * s))
    for start in range(0, len(R), step):
        part = slice(start, start + step)
        left = R[part][:, subsets[:, :, None], subsets[:, None, :]]
        right = r[part][:, subsets]
        beta = spd_solve(left, right[..., None])[0][..., 0]
        out[part] = (beta * right).sum(axis=-1)
    return out


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
