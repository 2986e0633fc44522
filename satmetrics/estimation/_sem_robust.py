"""Errors and tests that do not assume normal answers: arrays in, arrays out.

With s the sample moments (m, vech S), A their covariance, Δ = ∂σ/∂θ and V the normal
theory weight of one observation, an estimate moves with s by ``H⁻¹ n Δᵀ V ds``:

``vcov = H⁻¹ B H⁻¹``, ``B = Σ_g n_g² (V Δ)ᵀ A_g (V Δ)``,

H the information of the sample, expected (Browne 1984; Satorra and Bentler 1994) or
observed (Huber 1967; White 1982). The statistic n F is divided by

* ``tr(U A n)/df``, U = V − V Δ (Δᵀ V Δ)⁻¹ Δᵀ V (Satorra and Bentler), or
* ``(tr(I₁⁻¹ B₁) − tr(H⁻¹ B))/df``, 1 for the saturated model at the sample's own
  moments (Yuan and Bentler 2000, as Asparouhov and Muthén 2005 have it).

A may be that of clusters, strata or weighted answers. Batch axis first; letters as in
`_sem`, q for entries of s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_curvature import observed_hessian


@dataclass(frozen=True, eq=False)
class Robust:
    """What does not assume normality, of a batch.

    Attributes
    ----------
    vcov : (b, t, t) covariance of the estimates.
    saturated : (b,) tr(V A n) of the unrestricted model.
    restricted : (b,) tr(H⁻¹ B) of the model.
    """

    vcov: FloatArray
    saturated: FloatArray
    restricted: FloatArray

    def scaling(self, df: int) -> FloatArray:
        """Return by what a chi-square with df degrees of freedom is divided (b,)."""
        if df <= 0:
            return np.full(len(self.saturated), np.nan)
        return np.asarray((self.saturated - self.restricted) / df)


def robust(
    layout: kernel.Layout,
    sample: kernel.Sample,
    theta: FloatArray,
    total: FloatArray,
    acov: FloatArray,
    *,
    weight: kernel.Weight = "ML",
    observed: bool = False,
) -> Robust:
    """Return the sandwich at solutions, and the traces of the scaled test.

    Parameters
    ----------
    theta : (b, t)
    total : (b,) n.
    acov : (b, G, p + p*, p + p*) covariance of (m, vech S), the upper triangle row by
        row; of groups that do not depend on each other.
    observed : H from second derivatives (ML), and the saturated model's from S.
    """
    b, t = theta.shape
    B, H, saturated = np.zeros((b, t, t)), np.zeros((b, t, t)), np.zeros(b)
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        n = total * sample.share[:, g]
        W = _weight(sample.S[:, g], M.Sigma, weight)
        d = None if sample.mean is None else sample.mean[:, g] - M.mu
        A = acov[:, g] if layout.means else _covariances(acov[:, g], M.Sigma.shape[1])
        own = kernel.inverse(sample.S[:, g])[0] if observed else W
        saturated += n * (normal_weight(own, means=layout.means) * A).sum(axis=(1, 2))
        V = entries.directions(M)
        L = _summed(entries, loadings(V, W, d))
        B += (n**2)[:, None, None] * (L @ A @ L.swapaxes(1, 2))
        H += n[:, None, None] * entries.summed_square(V.information(W))
    if observed and weight == "ML":
        H = observed_hessian(layout, sample, theta) * (total / 2)[:, None, None]
    inverse = np.linalg.pinv(H, hermitian=True)
    restricted = (inverse * B).sum(axis=(1, 2))
    return Robust(np.asarray(inverse @ B @ inverse), saturated, restricted)


def _weight(S: FloatArray, Sigma: FloatArray, weight: kernel.Weight) -> FloatArray:
    if weight == "ULS":
        return np.broadcast_to(np.eye(S.shape[-1]), S.shape)
    return kernel.inverse(Sigma if weight == "ML" else S)[0]


def _covariances(acov: FloatArray, p: int) -> FloatArray:
    return acov[:, p:, p:]


def loadings(V: kernel.Directions, W: FloatArray, d: FloatArray | None) -> FloatArray:
    """Return (V Δ)ᵀ (b, K, q): how the score of each entry moves with the moments.

    With d the distance of the means, ``(x − μ)(x − μ)ᵀ`` also moves with them, by
    ``W dΣ W d``.
    """
    turned = kernel.Directions(V.left @ W, V.right @ W, None)
    by_cov = turned.jacobian() * _halves(W.shape[-1])
    if V.mean is None or d is None:
        return by_cov
    a, c = turned.left, turned.right
    by_mean = V.mean @ W
    by_mean = by_mean + a * (c @ d[..., None]) + c * (a @ d[..., None])
    return np.concatenate([by_mean, by_cov], axis=2)


def normal_weight(W: FloatArray, *, means: bool) -> FloatArray:
    """Return V (b, q, q), the information of one observation in (m, vech S)."""
    p = W.shape[-1]
    i, j = np.triu_indices(p)
    k, m = i[:, None], j[:, None]
    found = W[:, k, i] * W[:, m, j] + W[:, k, j] * W[:, m, i]
    f = _halves(p)
    found *= f[:, None] * f
    if not means:
        return np.asarray(found)
    out = np.zeros((len(W), p + len(i), p + len(i)))
    out[:, :p, :p], out[:, p:, p:] = W, found
    return out


def _halves(p: int) -> FloatArray:
    """Return ½ for variances, 1 for covariances, each of which stands for two."""
    i, j = np.triu_indices(p)
    return np.where(i == j, 0.5, 1.0)


def _summed(entries: kernel.GroupLayout, of_entries: FloatArray) -> FloatArray:
    """Add (b, K, q) up to parameters (b, t, q)."""
    if entries.sums is None:
        return of_entries
    return np.asarray(entries.sums.T @ of_entries)
