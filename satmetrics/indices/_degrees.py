"""Degrees of freedom of linear combinations of figures: arrays in, arrays out.

Letters: R figures with variances s², k combinations with coefficients L (k, R). Figures
whose errors go together, directly or by way of others, make one *part* of a
combination; parts are independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROUNDING = 1e-13
"""A variance that is smaller, beside those it is made of, is 0 but for rounding."""


def linked(R: int, pairs: IntArray) -> IntArray:
    """Return a label (R,) per figure, the same for those whose errors go together."""
    if not len(pairs):
        return np.arange(R)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(R, R))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def degrees(L: csr_array, V: csr_array, df: FloatArray, part: IntArray) -> FloatArray:
    """Return the degrees of freedom (k,) of the errors of ``L x``.

    After Satterthwaite, ``(Σ v)² / Σ (v²/ν)`` over independent parts with variances v.
    The estimated variances of figures in one part may move together entirely, since
    they come from the same sampled units, so that their standard errors add up and not
    their variances: ``1/√ν = Σ (L² s² / √df) / Σ L² s²``. Figures of equal df keep it.

    Parameters
    ----------
    V : (R, R) covariance of the errors.
    df : (R,) of each figure.
    part : (R,) labels, see `linked`.
    """
    s2 = V.diagonal()
    own, product = L.tocoo(), L.multiply(L @ V).tocoo()
    size = int(part.max(initial=0)) + 1
    row, column = (np.asarray(axis, dtype=np.int64) for axis in own.coords)
    key, place = np.unique(row * size + part[column], return_inverse=True)
    row2, column2 = (np.asarray(axis, dtype=np.int64) for axis in product.coords)
    at = np.searchsorted(key, row2 * size + part[column2])
    square = own.data**2 * s2[column]
    alone = np.bincount(place, square, minlength=len(key))
    v = np.bincount(at, product.data, minlength=len(key))
    v[v <= ROUNDING * alone] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.bincount(place, square / np.sqrt(df[column]), minlength=len(key))
        share = np.where(v == 0, 0.0, v**2 * (root / alone) ** 2)
        k = L.shape[0]
        whole = np.bincount(key // size, v, minlength=k)
        shares = np.bincount(key // size, share, minlength=k)
        return np.asarray(np.where(shares > 0, whole**2 / shares, np.inf))
