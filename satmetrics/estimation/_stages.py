"""Indicators of later stages as rows over the columns of the data, batch axis first.

Every composite is linear in the items, and a product of two composites is linear in the
items and their products: ``t_ij = (x_i − c_i)(x_j − c_j)`` about a centre c gives the
product about the means of any resample,

    (x_i − μ_i)(x_j − μ_j) = t_ij − d_j (x_i − c_i) − d_i (x_j − c_j) + d_i d_j,

with d = μ − c. A stage is therefore a matrix of rows (B, m, P), and its moments are
those of the data under that matrix.
"""

from __future__ import annotations

import numpy as np

from satmetrics._linalg import spd_solve
from satmetrics._typing import BoolArray, FloatArray, IntArray


def composites(rows: FloatArray, c: FloatArray, starts: IntArray) -> FloatArray:
    """Return rows (B, q, P) of composites from rows (B, m, P) and weights c (B, m)."""
    return np.asarray(np.add.reduceat(c[:, :, None] * rows, starts, axis=1))


def variances(rows: FloatArray, cov: FloatArray) -> FloatArray:
    """Return the variances (B, m) of rows (B, m, P)."""
    return np.asarray(((rows @ cov) * rows).sum(axis=2))


def products(
    u: FloatArray,
    v: FloatArray,
    d: FloatArray,
    centre: FloatArray,
    pairs: tuple[IntArray, IntArray],
) -> tuple[FloatArray, FloatArray]:
    """Return rows (B, k, I + C) and offsets (B, k) of products about the means.

    Parameters
    ----------
    u, v : (B, k, I) rows over the items of the two factors of each product.
    d : (B, I) means less the centre.
    centre : (I,)
    pairs : items i and j (C,) of each product column; every pair in which u and v are
        not zero is among them, in one order or the other.
    """
    i, j = pairs
    du, dv = (np.einsum("bki,bi->bk", w, d) for w in (u, v))
    linear = -u * dv[:, :, None] - v * du[:, :, None]
    other = np.where(i == j, 0.0, u[..., j] * v[..., i])
    joint = u[..., i] * v[..., j] + other
    offset = du * dv - linear @ centre
    return np.concatenate([linear, joint], axis=2), offset


def residuals(
    Q: FloatArray, X: FloatArray, cov: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return rows (B, k, P) of Q freed of what is linear in X, and where X allows it.

    Parameters
    ----------
    Q : (B, k, P)
    X : (B, h, P)
    cov : (B, P, P)
    """
    XS = X @ cov
    beta, ok = spd_solve(XS @ np.swapaxes(X, 1, 2), XS @ np.swapaxes(Q, 1, 2))
    return Q - np.swapaxes(beta, 1, 2) @ X, ok


def projection(z: FloatArray, X: FloatArray, cov: FloatArray) -> FloatArray:
    """Return coefficients (B, h) of the regression of z (B, P) on rows X (B, h, P)."""
    XS = X @ cov
    beta, _ = spd_solve(XS @ np.swapaxes(X, 1, 2), XS @ z[:, :, None])
    return beta[:, :, 0]
