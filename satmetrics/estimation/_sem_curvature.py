"""Second derivatives of the ML discrepancy: arrays in, arrays out, batch axis first.

With ``Q = W (Σ − R) W`` and W = Σ⁻¹, R = S + d dᵀ, d = m − μ:

``∂²F = tr(W ∂_k Σ W ∂_l Σ)·(−1) + 2 tr(W R W ∂_k Σ W ∂_l Σ) + tr(Q ∂²Σ)
+ 2 ∂_k μᵀ W ∂_l μ − 2 dᵀ W ∂²μ + 2 (dᵀ W ∂_k Σ W ∂_l μ + dᵀ W ∂_l Σ W ∂_k μ)``

Letters as in `_sem`.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem import ALPHA, BETA, LAMBDA, PSI, GroupLayout, Matrices


def observed_hessian(
    layout: kernel.Layout, sample: kernel.Sample, theta: FloatArray
) -> FloatArray:
    """Return the second derivatives of F_ML (b, t, t)."""
    b, t = theta.shape
    out = np.zeros((b, t, t))
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        W = kernel.inverse(M.Sigma)[0]
        d = None if sample.mean is None else sample.mean[:, g] - M.mu
        R = sample.S[:, g] if d is None else sample.S[:, g] + d[:, :, None] * d[:, None]
        found = _of_group(entries, M, W, R, d)
        out += sample.share[:, g, None, None] * entries.summed_square(found)
    return out


def _of_group(
    entries: GroupLayout,
    M: Matrices,
    W: FloatArray,
    R: FloatArray,
    d: FloatArray | None,
) -> FloatArray:
    """Return the second derivatives (b, K, K) by the free entries of one group."""
    V = entries.directions(M)
    T = 2 * (W @ R @ W) - W
    a, c = V.left, V.right
    aT, cT = a.swapaxes(1, 2), c.swapaxes(1, 2)
    aW, cW, aV, cV = a @ W, c @ W, a @ T, c @ T
    # tr(T dΣ_k W dΣ_l), symmetrised: dΣ = a cᵀ + c aᵀ
    first = (aV @ aT) * (cW @ cT) + (cV @ cT) * (aW @ aT)
    cross = (aV @ cT) * (cW @ aT)
    first = first + cross + cross.swapaxes(1, 2)
    out = first + _second(entries, M, W @ (M.Sigma - R) @ W)
    if V.mean is not None and d is not None:
        Wd = (W @ d[..., None])[..., 0]
        D = V.mean
        out += 2 * D @ W @ D.swapaxes(1, 2)
        # dᵀ W dΣ_k W dμ_l
        s = (a @ Wd[..., None]) * cW + (c @ Wd[..., None]) * aW
        mixed = s @ D.swapaxes(1, 2)
        out += 2 * (mixed + mixed.swapaxes(1, 2))
        out -= 2 * _second_mean(entries, M, Wd)
    return np.asarray(out)


def _second(entries: GroupLayout, M: Matrices, Q: FloatArray) -> FloatArray:
    """Return ``tr(Q ∂²Σ)`` (b, K, K)."""
    b, K = len(Q), len(entries.part)
    out = np.zeros((b, K, K))
    at = {part: entries.of_part(part) for part in (LAMBDA, PSI, BETA)}
    row, col = entries.row, entries.column
    QG, QX = Q @ M.G, Q @ M.cross.swapaxes(1, 2)
    GQG, GQX = M.G.swapaxes(1, 2) @ QG, M.G.swapaxes(1, 2) @ QX

    def put(one: int, other: int, value: FloatArray) -> None:
        k, m = at[one], at[other]
        out[:, k[:, None], m] += value
        if one != other:
            out[:, m[:, None], k] += value.swapaxes(1, 2)

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
    return out


def _second_mean(entries: GroupLayout, M: Matrices, e: FloatArray) -> FloatArray:
    """Return ``eᵀ ∂²μ`` (b, K, K)."""
    b, K = len(e), len(entries.part)
    out = np.zeros((b, K, K))
    at = {part: entries.of_part(part) for part in (LAMBDA, BETA, ALPHA)}
    row, col = entries.row, entries.column
    eG = (e[:, None] @ M.G)[:, 0]

    def put(one: int, other: int, value: FloatArray) -> None:
        k, m = at[one], at[other]
        out[:, k[:, None], m] += value
        if one != other:
            out[:, m[:, None], k] += value.swapaxes(1, 2)

    i, j = row[at[LAMBDA], None], col[at[LAMBDA], None]
    b_i, b_j = row[at[BETA]], col[at[BETA]]
    put(LAMBDA, BETA, e[:, i] * M.C[:, j, b_i] * M.eta[:, None, b_j])
    put(LAMBDA, ALPHA, e[:, i] * M.C[:, j, row[at[ALPHA]]])
    i, j = b_i[:, None], b_j[:, None]
    found = eG[:, b_i][:, None] * M.C[:, b_j, i] * M.eta[:, j]
    put(BETA, BETA, found + eG[:, i] * M.C[:, j, b_i] * M.eta[:, None, b_j])
    put(BETA, ALPHA, eG[:, i] * M.C[:, j, row[at[ALPHA]]])
    return out
