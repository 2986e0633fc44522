"""Least squares of several outcomes with robust errors: arrays in, arrays out.

Letters: n rows, k predictors with the constant first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.moment._column_means import Rows

COLLINEAR = 1e-10
"""An eigenvalue of the scaled cross-products below this counts as zero."""


@dataclass(frozen=True, eq=False)
class Regressed:
    """A least-squares fit.

    Attributes
    ----------
    b : (k,) coefficients, the constant first; NaN where predictors are collinear.
    cov : (k, k) their covariance: HC3, or linearised over sampled units.
    df : degrees of freedom of t.
    standardized : (k,) b times the predictor's sd over the outcome's; NaN first.
    scale : (k,) what b is multiplied by for that.
    r2, r2_adjusted : of the (weighted) fit.
    vif : (k,) variance inflation; NaN for the constant.
    n : rows.
    corr : (k, k) correlations of predictors and, last, the outcome.
    """

    b: FloatArray
    cov: FloatArray
    df: float
    standardized: FloatArray
    scale: FloatArray
    r2: float
    r2_adjusted: float
    vif: FloatArray
    n: int
    corr: FloatArray


def regressed(X: FloatArray, y: FloatArray, rows: Rows, seen: BoolArray) -> Regressed:
    """Regress y on a constant and X.

    Without weights, clusters and strata errors are HC3 (MacKinnon and White 1985,
    doi:10.1016/0304-4076(85)90158-7); otherwise linearised over the sampled units.

    Parameters
    ----------
    X : (n, k − 1); y : (n,); rows : weights and sampled units of the n rows.
    seen : (n,) rows that are complete.
    """
    Z = np.column_stack([np.ones(int(seen.sum())), X[seen]])
    t, (n, k) = y[seen], Z.shape
    w = np.ones(n) if rows.w is None else rows.w[seen]
    inverse = _inverse(Z, w)
    b = inverse @ (Z.T @ (w * t))
    e = t - Z @ b
    cov, df = _covariance(Z, w, e, inverse, rows, seen)
    mean = (w @ Z[:, 1:]) / w.sum()
    about = np.column_stack([Z[:, 1:] - mean, t - (w @ t) / w.sum()])
    S = (about.T * w) @ about
    sd = np.sqrt(np.diagonal(S))
    with np.errstate(divide="ignore", invalid="ignore"):
        corr = S / np.outer(sd, sd)
        scale = np.concatenate([[np.nan], sd[:-1] / sd[-1]])
        r2 = float(1 - (w * e) @ e / S[-1, -1])
        adjusted = 1 - (1 - r2) * (n - 1) / (n - k) if n > k else float("nan")
    vif = np.full(k, np.nan)
    inner = corr[:-1, :-1]
    if np.isfinite(inner).all() and np.linalg.matrix_rank(inner) == k - 1:
        vif[1:] = np.diagonal(np.linalg.inv(inner))
    return Regressed(b, cov, df, b * scale, scale, r2, adjusted, vif, n, corr)


def _inverse(Z: FloatArray, w: FloatArray) -> FloatArray:
    """Return (Σ w z zᵀ)⁻¹; NaN where predictors are collinear or constant."""
    root = Z * np.sqrt(w)[:, None]
    length = np.sqrt((root * root).sum(axis=0))
    A = root.T @ root
    with np.errstate(divide="ignore", invalid="ignore"):
        R = A / np.outer(length, length)
    if not np.isfinite(R).all() or np.linalg.eigvalsh(R)[0] < COLLINEAR:
        return np.full_like(A, np.nan)
    return np.asarray(np.linalg.inv(R) / np.outer(length, length))


def _covariance(
    Z: FloatArray,
    w: FloatArray,
    e: FloatArray,
    inverse: FloatArray,
    rows: Rows,
    seen: BoolArray,
) -> tuple[FloatArray, float]:
    n, k = Z.shape
    if rows.w is None and rows.unit is None:
        leverage = np.einsum("ij,jk,ik->i", Z, inverse, Z)
        scaled = Z * (e / np.maximum(1 - leverage, 1e-12))[:, None]
        return inverse @ (scaled.T @ scaled) @ inverse, float(n - k)
    U = np.ascontiguousarray(((Z * (w * e)[:, None]) @ inverse).T)
    one = _units_seen(rows, seen)
    V = one.linearised_cov(iter(U))[0]
    if one.unit is None:
        return V, float(n - k)
    return V, float(one.degrees(np.array([float(n)]), None)[0])


def _units_seen(rows: Rows, seen: BoolArray) -> Rows:
    """Return the rows that are seen as one group.

    Only units with such rows count, as if they were the sample, unless a stratum were
    left with one of them.
    """
    codes = np.zeros(int(seen.sum()), dtype=np.int64)
    if rows.unit is None or rows.strata is None:
        return replace(rows.take(seen), codes=codes, n_groups=1)
    present, unit = np.unique(rows.unit[seen], return_inverse=True)
    strata = np.unique(rows.strata[present], return_inverse=True)[1].ravel()
    if (np.bincount(strata, minlength=1) < 2).any():
        unit, strata = rows.unit[seen], rows.strata
    return Rows(codes, 1, None, unit.ravel(), strata)
