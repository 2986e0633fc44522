"""Second derivatives of Σ and μ themselves: arrays in, arrays out, batch axis first.

With ``Q = W (Σ − R) W`` and W = Σ⁻¹, R = S + d dᵀ, d = m − μ:

``∂²F = tr(W ∂_k Σ W ∂_l Σ)·(−1) + 2 tr(W R W ∂_k Σ W ∂_l Σ) + tr(Q ∂²Σ)
+ 2 ∂_k μᵀ W ∂_l μ − 2 dᵀ W ∂²μ + 2 (dᵀ W ∂_k Σ W ∂_l μ + dᵀ W ∂_l Σ W ∂_k μ)``

Here are the terms with ∂²Σ and ∂²μ; the others are in `_sem_point`. Letters as in
`_sem`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation._sem import ALPHA, BETA, LAMBDA, PSI, GroupLayout, Matrices


def second_moments(
    entries: GroupLayout, M: Matrices, T: FloatArray, out: FloatArray
) -> None:
    """Add ``tr(Q ∂²Σ)`` to `out` (b, K, K).

    Parameters
    ----------
    T : (b, q, q) ``Uᵀ Q U`` as in `_sem_point`.
    """
    p, m = M.Lambda.shape[1:]
    at = {part: entries.of_part(part) for part in (LAMBDA, PSI, BETA)}
    row, col = entries.row, entries.column
    Q, QG, QX = T[:, :p, :p], T[:, :p, p : p + m], T[:, :p, p + m :]
    GQG, GQX = T[:, p : p + m, p : p + m], T[:, p : p + m, p + m :]
    put = partial(_put, out, at)
    i, j = row[at[LAMBDA], None], col[at[LAMBDA], None]
    l_i, l_j = row[at[LAMBDA]], col[at[LAMBDA]]
    put(LAMBDA, LAMBDA, 2 * Q[:, i, l_i] * M.Phi[:, j, l_j])
    p_i, p_j = row[at[PSI]], col[at[PSI]]
    half = np.where(p_i == p_j, 0.5, 1.0)
    found = M.C[:, j, p_i] * QG[:, i, p_j] + M.C[:, j, p_j] * QG[:, i, p_i]
    put(LAMBDA, PSI, 2 * half * found)
    b_i, b_j = row[at[BETA]], col[at[BETA]]
    found = M.C[:, j, b_i] * QX[:, i, b_j] + M.Phi[:, j, b_j] * QG[:, i, b_i]
    put(LAMBDA, BETA, 2 * found)
    i, j = p_i[:, None], p_j[:, None]
    found = M.C[:, b_j, i] * GQG[:, b_i, j] + M.C[:, b_j, j] * GQG[:, b_i, i]
    put(PSI, BETA, 2 * half[:, None] * found)
    i, j = b_i[:, None], b_j[:, None]
    found = M.C[:, b_j, i] * GQX[:, b_i, j] + M.C[:, j, b_i] * GQX[:, i, b_j]
    found += M.Phi[:, j, b_j] * GQG[:, i, b_i]
    put(BETA, BETA, 2 * found)


def second_mean(entries: GroupLayout, M: Matrices, e: FloatArray) -> FloatArray:
    """Return ``eᵀ ∂²μ`` (b, K, K)."""
    b, K = len(e), len(entries.part)
    out = np.zeros((b, K, K))
    at = {part: entries.of_part(part) for part in (LAMBDA, BETA, ALPHA)}
    row, col = entries.row, entries.column
    eG = (e[:, None] @ M.G)[:, 0]
    put = partial(_put, out, at)
    i, j = row[at[LAMBDA], None], col[at[LAMBDA], None]
    b_i, b_j = row[at[BETA]], col[at[BETA]]
    put(LAMBDA, BETA, e[:, i] * M.C[:, j, b_i] * M.eta[:, None, b_j])
    put(LAMBDA, ALPHA, e[:, i] * M.C[:, j, row[at[ALPHA]]])
    i, j = b_i[:, None], b_j[:, None]
    found = eG[:, b_i][:, None] * M.C[:, b_j, i] * M.eta[:, j]
    put(BETA, BETA, found + eG[:, i] * M.C[:, j, b_i] * M.eta[:, None, b_j])
    put(BETA, ALPHA, eG[:, i] * M.C[:, j, row[at[ALPHA]]])
    return out


def _put(
    out: FloatArray,
    at: Mapping[int, IntArray],
    one: int,
    other: int,
    value: FloatArray,
) -> None:
    """Add a block of two parts of the parameters to `out`, on both sides."""
    k, to = at[one], at[other]
    if not (len(k) and len(to)):
        return
    out[:, k[:, None], to] += value
    if one != other:
        out[:, to[:, None], k] += value.swapaxes(1, 2)
