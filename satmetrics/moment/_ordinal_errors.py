"""Errors of thresholds and polychoric correlations: arrays in, arrays out.

Two steps, so one sandwich (Muthén 1984, doi:10.1007/BF02294210): with s the scores of
thresholds in their own margins and of correlations in their tables, A their cross
products and ``Γ = n²/(n − 1) A⁻¹ (Σ s sᵀ) A⁻ᵀ``. Letters: n rows, q items, T thresholds
in all, P = q(q − 1)/2 pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._special import normal_cdf
from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._polychoric import FAR, LEAST, bivariate_normal

CHUNK = 2**15
"""Rows whose scores are held at once."""


@dataclass(frozen=True, eq=False)
class OrdinalErrors:
    """What is known of the errors of thresholds and correlations.

    Attributes
    ----------
    tau : (T,) thresholds, item by item.
    rho : (P,) correlations, the lower triangle column by column.
    gamma : (T + P, T + P) asymptotic covariance, n times that of the estimates.
    """

    tau: FloatArray
    rho: FloatArray
    gamma: FloatArray


def ordinal_errors(
    codes: IntArray, tau: tuple[FloatArray, ...], R: FloatArray, w: FloatArray
) -> OrdinalErrors:
    """Return thresholds, correlations and their asymptotic covariance.

    Parameters
    ----------
    codes : (n, q) category of each answer from 0; complete.
    tau : per item its thresholds.
    R : (q, q) polychoric correlations.
    w : (n,) weights.
    """
    q, sizes = codes.shape[1], [len(t) for t in tau]
    starts = np.cumsum([0, *sizes])
    T = int(starts[-1])
    first, second = _pairs(q)
    P = len(first)
    A = np.zeros((T + P, T + P))
    own = [_own_scores(t) for t in tau]
    for i, score in enumerate(own):
        here = slice(starts[i], starts[i + 1])
        counts = np.bincount(codes[:, i], w, minlength=len(score))
        A[here, here] = score.T @ (counts[:, None] * score)
    tables = []
    for k, (i, j) in enumerate(zip(first, second, strict=True)):
        by_rho, by_i, by_j = pair_scores(tau[i], tau[j], R[i, j])
        cell = codes[:, i] * (sizes[j] + 1) + codes[:, j]
        n = np.bincount(cell, w, minlength=by_rho.size).reshape(by_rho.shape)
        row = T + k
        A[row, row] = (n * by_rho**2).sum()
        weighted = n * by_rho
        A[row, starts[i] : starts[i + 1]] = np.einsum("ab,kab->k", weighted, by_i)
        A[row, starts[j] : starts[j + 1]] = np.einsum("ab,kab->k", weighted, by_j)
        tables.append(by_rho)
    middle = _products(codes, w, own, tables, (first, second))
    B = np.linalg.inv(A)
    n_rows = len(codes)
    gamma = w.sum() * n_rows / (n_rows - 1) * B @ middle @ B.T
    rho = R[first, second]
    return OrdinalErrors(np.concatenate(tau), rho, (gamma + gamma.T) / 2)


def _pairs(q: int) -> tuple[IntArray, IntArray]:
    """Return the pairs (i < j) of the lower triangle, column by column."""
    j, i = np.tril_indices(q, -1)
    order = np.lexsort((j, i))
    return i[order], j[order]


def _own_scores(tau: FloatArray) -> FloatArray:
    """Return ``∂ log π_c / ∂τ_k`` (C, C − 1) of one margin."""
    edges = np.concatenate([[-FAR], np.clip(tau, -FAR, FAR), [FAR]])
    share = np.maximum(np.diff(normal_cdf(edges)), LEAST)
    density = np.exp(-(tau**2) / 2) / np.sqrt(2 * np.pi)
    C = len(share)
    out = np.zeros((C, C - 1))
    k = np.arange(C - 1)
    out[k, k] = density / share[:-1]
    out[k + 1, k] = -density / share[1:]
    return out


def pair_scores(
    h: FloatArray, k: FloatArray, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return derivatives of ``log π_ab`` by ρ (A, B) and by both items' thresholds.

    Returns
    -------
    (A, B), (A − 1, A, B), (B − 1, A, B)
    """
    edge_h = np.concatenate([[-FAR], np.clip(h, -FAR, FAR), [FAR]])
    edge_k = np.concatenate([[-FAR], np.clip(k, -FAR, FAR), [FAR]])
    corners = bivariate_normal(edge_h[:, None], edge_k[None], np.asarray(float(rho)))
    P = np.maximum(_cells(corners), LEAST)
    u = 1 - rho**2
    x, y = edge_h[:, None], edge_k[None]
    density = np.exp(-(x**2 - 2 * rho * x * y + y**2) / (2 * u))
    density /= 2 * np.pi * np.sqrt(u)
    by_rho = _cells(density) / P
    by_h = _by_edge(edge_h, edge_k, rho) / P
    by_k = np.swapaxes(_by_edge(edge_k, edge_h, rho), 1, 2) / P
    return by_rho, by_h, by_k


def _by_edge(edge_h: FloatArray, edge_k: FloatArray, rho: float) -> FloatArray:
    """Return ``∂π_ab/∂τ_a`` (A − 1, A, B) of the first item's thresholds."""
    tau = edge_h[1:-1]
    slope = np.exp(-(tau**2) / 2) / np.sqrt(2 * np.pi)
    z = (edge_k[None] - rho * tau[:, None]) / np.sqrt(1 - rho**2)
    part = slope[:, None] * np.diff(normal_cdf(z), axis=1)
    m = np.arange(len(tau))
    out = np.zeros((len(tau), len(edge_h) - 1, len(edge_k) - 1))
    out[m, m] = part
    out[m, m + 1] = -part
    return out


def _cells(corners: FloatArray) -> FloatArray:
    return np.asarray(np.diff(np.diff(corners, axis=0), axis=1))


def _products(
    codes: IntArray,
    w: FloatArray,
    own: list[FloatArray],
    tables: list[FloatArray],
    pairs: tuple[IntArray, IntArray],
) -> FloatArray:
    """Return ``Σ w² s sᵀ`` (T + P, T + P) of all scores, rows in chunks."""
    size = sum(score.shape[1] for score in own) + len(tables)
    out = np.zeros((size, size))
    for start in range(0, len(codes), CHUNK):
        c = codes[start : start + CHUNK]
        parts = [score[c[:, i]] for i, score in enumerate(own)]
        columns = [
            table[c[:, i], c[:, j]] for table, i, j in zip(tables, *pairs, strict=True)
        ]
        s = np.column_stack([*parts, *columns])
        s *= w[start : start + CHUNK, None]
        out += s.T @ s
    return out
