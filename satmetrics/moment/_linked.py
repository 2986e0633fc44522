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
from satmetrics.moment._across import Cells
from satmetrics.moment._column_means import Rows

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


def linked(influence: Sequence[FloatArray], df: FloatArray, rows: Rows) -> Linked:
    """Return the errors of estimates with these influence values, over sampled units.

    Groups whose units are theirs alone are samples of their own; else they are domains
    of one sample (Woodruff 1971, doi:10.1080/01621459.1971.10482279).

    Parameters
    ----------
    influence : D arrays (n,), what each row adds to the error of its group's estimate.
    df : (G, D) degrees of freedom; an estimate without any has no variance.
    rows : rows whose sampled units are known.
    """
    cells, D = Cells.of(rows), len(influence)
    if cells.apart():
        return within(
            np.where(np.isnan(df)[:, None], np.nan, 1) * cells.own_covariance(influence)
        )
    V = _covariance(cells, influence)
    variance = np.maximum(V.diagonal().reshape(-1, D), 0.0)
    return Linked(np.where(np.isnan(df), np.nan, variance), *_pairs(V))


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

    D, c = len(influence), len(cells.unit)
    K, H = cells.n_groups * D, cells.n_strata
    sizes = np.bincount(cells.strata, minlength=H)
    with np.errstate(divide="ignore"):
        factor = np.where(sizes > 1, sizes / (sizes - 1), np.nan)
    u = np.concatenate([np.bincount(cells.at, x, minlength=c) for x in influence])
    column = np.concatenate([cells.group * D + d for d in range(D)])
    unit = np.tile(cells.unit, D)
    stratum = cells.strata[unit]
    A = csr_array(
        (u * np.sqrt(factor[stratum]), (unit, column)), shape=(len(cells.strata), K)
    )
    own = (A.T @ A).tocsr()
    T = coo_array((u, (stratum, column)), shape=(H, K)).tocsr().tocoo()
    size = np.sqrt(np.nan_to_num(own.diagonal()))
    there = np.abs(T.data) > ROUNDING * size[T.coords[1]]
    h, k = (axis[there] for axis in T.coords)
    scaled = T.data[there] * np.sqrt(factor[h] / sizes[h])
    S = csr_array((scaled, (h, k)), shape=(H, K))
    return csr_array(own - S.T @ S)


def _pairs(V: csr_array) -> tuple[IntArray, FloatArray]:
    """Return the pairs of a sparse covariance that are not rounding."""
    from scipy.sparse import triu

    upper = triu(V, k=1).tocoo()
    error = np.sqrt(np.maximum(np.nan_to_num(V.diagonal()), 0.0))
    i, j = (np.asarray(axis, dtype=np.int64) for axis in upper.coords)
    kept = np.abs(upper.data) > ROUNDING * error[i] * error[j]
    order = np.lexsort((j[kept], i[kept]))
    pairs = np.stack([i[kept], j[kept]], axis=1)[order]
    return pairs, np.asarray(upper.data[kept][order])
