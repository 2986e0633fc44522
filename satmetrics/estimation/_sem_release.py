"""What freeing a parameter would change: arrays in, arrays out, batch axis first.

With gradient g of F by a fixed parameter and ``v = h_cc − h_cθ H⁻¹ h_θc`` of its
expected second derivatives, chi-square falls by about ``½ N g² / v`` and the parameter
moves by ``−g/v`` (Sörbom 1989, doi:10.1007/BF02294623). Letters as in `_sem`.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem as kernel

CHUNK = 32
LOOSE = 1e-8
"""Share of h_cc below which v is rounding: the others determine the parameter."""


def released(
    layout: kernel.Layout,
    n_estimated: int,
    sample: kernel.Sample,
    theta: FloatArray,
    total: FloatArray,
    weight: kernel.Weight,
) -> tuple[FloatArray, FloatArray]:
    """Return fall of chi-square and change (b, c) of the last c parameters.

    NaN where freeing a parameter leaves the model unidentified.

    Parameters
    ----------
    layout : with the c fixed ones as the last free parameters.
    n_estimated : t, those that were estimated.
    theta : (b, t + c)
    total : (b,) N.
    """
    b, c = len(theta), layout.n_free - n_estimated
    index, change = np.empty((b, c)), np.empty((b, c))
    for begin in range(0, b, CHUNK):
        at = np.arange(begin, min(begin + CHUNK, b))
        g, H = kernel.derivatives(layout, sample.take(at), theta[at], weight)
        old, new = slice(0, n_estimated), slice(n_estimated, None)
        cross = H[:, old, new]
        solved = np.linalg.pinv(H[:, old, old], hermitian=True) @ cross
        own = np.diagonal(H, axis1=1, axis2=2)[:, new]
        v = own - (cross * solved).sum(axis=1)
        v = np.where(v > LOOSE * own, v, np.nan)
        index[at] = 0.5 * total[at, None] * g[:, new] ** 2 / v
        change[at] = -g[:, new] / v
    return index, change


def residual_variances(
    layout: kernel.Layout, sample: kernel.Sample, theta: FloatArray, weight: str
) -> tuple[FloatArray, FloatArray]:
    """Return N times the variances of moments and of their residuals (b, G, p* (+ p)).

    Normal theory at Σ; lower triangle row by row, then means where they are modelled.
    A residual's is that of ``s − σ(θ)``; of ULS the weights are not Σ⁻¹.
    """
    b, p, G = len(theta), layout.n_observed, layout.n_groups
    i, j = np.tril_indices(p)
    bread = _bread(layout, sample, theta, weight)
    moment, left = [], []
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        V = entries.directions(M)
        a, c = V.left, V.right
        J = a[..., i] * c[..., j] + a[..., j] * c[..., i]
        S = M.Sigma
        variance = S[:, i, i] * S[:, j, j] + S[:, i, j] ** 2
        if V.mean is not None:
            J = np.concatenate([J, V.mean], axis=-1)
            variance = np.hstack([variance, np.diagonal(S, axis1=1, axis2=2)])
        if entries.sums is not None:
            J = entries.sums.T @ J
        share = sample.share[:, g, None]
        if weight == "ULS" and G == 1:
            found = _unweighted(J, bread, S, len(i))
        else:
            found = variance / share - (J * (bread @ J)).sum(axis=1)
        moment.append(variance / share)
        left.append(np.maximum(found, 0.0))
    return np.stack(moment, axis=1), np.stack(left, axis=1).reshape(b, G, -1)


def _bread(
    layout: kernel.Layout, sample: kernel.Sample, theta: FloatArray, weight: str
) -> FloatArray:
    """Return the inverse information of one observation (b, t, t)."""
    name: kernel.Weight = "ULS" if weight == "ULS" else "ML"
    H = kernel.derivatives(layout, sample, theta, name)[1]
    return np.asarray(2 * np.linalg.pinv(H, hermitian=True))


def _unweighted(
    J: FloatArray, bread: FloatArray, S: FloatArray, n_cov: int
) -> FloatArray:
    """Return the diagonal of ``(I − P) Γ (I − P)ᵀ``, P the projection of ULS."""
    b, p = S.shape[:2]
    k = J.shape[-1]
    i, j = np.tril_indices(p)
    gamma = np.zeros((b, k, k))
    i2, j2 = i[:, None], j[:, None]
    gamma[:, :n_cov, :n_cov] = S[:, i2, i] * S[:, j2, j] + S[:, i2, j] * S[:, j2, i]
    twice = np.ones(k)
    twice[:n_cov][i == j] = 0.5
    if k > n_cov:
        gamma[:, n_cov:, n_cov:] = S
    P = J.swapaxes(1, 2) @ bread @ (J * twice)
    keep = np.eye(k) - P
    return np.asarray(((keep @ gamma) * keep).sum(axis=-1))
