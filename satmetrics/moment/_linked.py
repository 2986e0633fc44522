"""Errors of estimates in groups that may share sampled units: arrays in, arrays out.

Letters: n rows, D estimates in each of G groups, C sampled units, H strata. Estimates
are numbered group by group: estimate d of group g is g D + d. What goes together is
kept as pairs, since most groups share nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._across import DENSE, Cells

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROUNDING = 1e-9
"""What is below this share of the standard errors does not go together."""


@dataclass(frozen=True)
class Linked:
    """Variances of D estimates in G groups, and what goes together.

    Attributes
    ----------
    variance : (G, D); NaN for a group that is one unit.
    pairs : (k, 2) positions of estimates whose errors go together, the lower first.
    covariance : (k,) of each pair.
    """

    variance: FloatArray
    pairs: IntArray
    covariance: FloatArray


def linked(influence: Sequence[FloatArray], df: FloatArray, cells: Cells) -> Linked:
    """Return the errors of estimates with these influence values, over sampled units.

    Groups whose units are theirs alone are samples of their own; else they are domains
    of one sample (Woodruff 1971, doi:10.1080/01621459.1971.10482279).

    Parameters
    ----------
    influence : D arrays (n,), what each row adds to the error of its group's estimate.
    df : (G, D) degrees of freedom; an estimate without any has no variance.
    cells : the sampled units within groups.
    """
    if cells.apart():
        return within(
            np.where(np.isnan(df)[:, None], np.nan, 1) * cells.own_covariance(influence)
        )
    filled = len(cells.unit) / (len(cells.strata) * cells.n_groups)
    if filled > DENSE:
        V = cells.covariance(influence)
        own, found = np.diagonal(V), _upper(V)
    else:
        sparse = _covariance(cells, influence)
        own, found = sparse.diagonal(), _sparse_upper(sparse)
    variance = np.maximum(own.reshape(-1, len(influence)), 0.0)
    return Linked(np.where(np.isnan(df), np.nan, variance), *_together(own, *found))


def within(cov: FloatArray) -> Linked:
    """Return what goes together in groups that are independent: cov (G, D, D)."""
    G, D = cov.shape[:2]
    variance = np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0)
    i, j = np.triu_indices(D, 1)
    start = np.arange(G)[:, None] * D
    pairs = np.stack([(start + i).ravel(), (start + j).ravel()], axis=1)
    values = cov[:, i, j].ravel()
    kept = np.isfinite(values) & (values != 0)
    return Linked(variance, pairs[kept], values[kept])


def _covariance(cells: Cells, influence: Sequence[FloatArray]) -> csr_array:
    """Return `Cells.covariance` as a sparse matrix (GD, GD)."""
    from scipy.sparse import coo_array, csr_array

    K, H = cells.n_groups * len(influence), cells.n_strata
    u, unit, column = cells.totals(influence)
    stratum = cells.strata[unit]
    scaled = u * np.sqrt(cells.factor[stratum])
    A = csr_array((scaled, (unit, column)), shape=(len(cells.strata), K))
    own = (A.T @ A).tocsr()
    T = coo_array((u, (stratum, column)), shape=(H, K)).tocsr().tocoo()
    size = np.sqrt(np.nan_to_num(own.diagonal()))
    there = np.abs(T.data) > ROUNDING * size[T.coords[1]]
    h, k = (axis[there] for axis in T.coords)
    middle = T.data[there] * np.sqrt(cells.factor[h] / cells.sizes[h])
    S = csr_array((middle, (h, k)), shape=(H, K))
    return csr_array(own - S.T @ S)


def _upper(V: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return row, column and value of what stands above the diagonal."""
    i, j = np.nonzero(np.triu(V, 1))
    return i, j, V[i, j]


def _sparse_upper(V: csr_array) -> tuple[IntArray, IntArray, FloatArray]:
    from scipy.sparse import triu

    V.sort_indices()
    upper = triu(V, k=1, format="coo")
    i, j = (np.asarray(axis, dtype=np.int64) for axis in upper.coords)
    return i, j, np.asarray(upper.data)


def _together(
    variance: FloatArray, i: IntArray, j: IntArray, values: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the pairs of a covariance that are not rounding, and their values."""
    error = np.sqrt(np.maximum(np.nan_to_num(variance), 0.0))
    kept = np.abs(values) > ROUNDING * error[i] * error[j]
    return np.stack([i[kept], j[kept]], axis=1), values[kept]
