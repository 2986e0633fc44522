"""Equal mean vectors with weights or sampled units: arrays in, arrays out.

Letters: n rows, D columns, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.gap._contrasts import FTest, f_test
from satmetrics.moment._across import Cells, products
from satmetrics.moment._column_means import Rows, influences, mean_of


def joint_test(
    columns: Sequence[FloatArray], whole: BoolArray, rows: Rows
) -> tuple[FTest, int]:
    """Test that the means of D columns (n,) are equal in all groups.

    Wald's test of the (G − 1) D differences, on rows less groups or on units less
    strata; groups that are samples of their own have covariances of their own.

    Parameters
    ----------
    columns : NaN in all of them where `whole` (n,) is False.
    whole : rows that have all columns.
    rows : groups, weights and sampled units.

    Returns
    -------
    The test (1,), and the rows of the groups that take part.
    """
    D, G = len(columns), rows.n_groups
    n = rows.total(whole)
    mean = np.stack([mean_of(column, rows) for column in columns], axis=1)
    u = list(influences(columns, rows))
    if rows.unit is None:
        own = np.where(n > 1, n - 1, np.nan)
        V = _blocks(products(u, rows) * (n / own)[:, None, None])
        df = float(n.sum() - (n > 0).sum())
    else:
        cells = Cells.of(rows)
        own, df = cells.own_degrees(whole), cells.all_degrees(whole)
        single = cells.apart()
        V = _blocks(cells.own_covariance(u)) if single else cells.covariance(u)
    at = np.flatnonzero(np.isfinite(own))
    sub = V.reshape(G, D, G, D)[at][:, :, at].reshape(len(at) * D, len(at) * D)
    return wald_of(mean[at], sub, df), int(n[at].sum())


def wald_of(mean: FloatArray, V: FloatArray, df: float) -> FTest:
    """Test that the mean vectors (G, D) with covariance V (GD, GD) are equal: (1,).

    As `wald_test`, of the (G − 1) D differences from the first group.
    """
    G, D = mean.shape
    k = max(G - 1, 0) * D
    second = df - k + 1
    F = np.nan
    if k and second > 0 and np.isfinite(V).all():
        L = np.kron(np.hstack([-np.ones((G - 1, 1)), np.eye(G - 1)]), np.eye(D))
        d, S = L @ mean.ravel(), L @ V @ L.T
        if np.linalg.matrix_rank(S, tol=1e-10 * np.trace(S), hermitian=True) == k:
            F = float(d @ np.linalg.solve(S, d)) * second / (df * k)
    return f_test(*(np.array([x], dtype=np.float64) for x in (F, k, second)))


def _blocks(own: FloatArray) -> FloatArray:
    """Return (G, D, G, D) with blocks (G, D, D) on the diagonal, 0 elsewhere."""
    G, D, _ = own.shape
    V = np.zeros((G, D, G, D))
    V[np.arange(G), :, np.arange(G)] = own
    return V
