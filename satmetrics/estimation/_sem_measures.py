"""How well a covariance structure fits: arrays in, arrays out, batch axis first.

Letters as in `_sem`; N is what the discrepancy is multiplied by (n, or n − 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem import Sample, Weight

STEPS = 80


def baseline(sample: Sample, total: FloatArray, weight: Weight) -> FloatArray:
    """Return the chi-square (b,) of independent variables with free variances."""
    value = np.zeros(len(total))
    for g in range(sample.S.shape[1]):
        S = sample.S[:, g]
        variance = np.diagonal(S, axis1=1, axis2=2)
        if weight == "ML":
            logdet = kernel.logdeterminant(S)
            found = np.log(variance).sum(axis=1) - logdet
        elif weight == "ULS":
            found = 0.5 * ((S * S).sum(axis=(1, 2)) - (variance * variance).sum(axis=1))
        else:
            W = kernel.inverse(S)[0]
            w = np.diagonal(W, axis1=1, axis2=2)
            d = np.linalg.solve(W * W, w[..., None])[..., 0]
            found = 0.5 * (S.shape[-1] - (w * d).sum(axis=1))
        value += sample.share[:, g] * found
    return np.asarray(total * value)


def log_likelihoods(
    sample: Sample, sigma: FloatArray, mu: FloatArray | None, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return log-likelihoods (b,) of the model and of unrestricted moments."""
    p = sample.S.shape[-1]
    value, free = np.zeros(len(n)), np.zeros(len(n))
    for g in range(sample.S.shape[1]):
        S, share = sample.S[:, g], sample.share[:, g]
        W, logdet = kernel.inverse(sigma[:, g])
        found = logdet + (W * S).sum(axis=(1, 2))
        if sample.mean is not None and mu is not None:
            d = sample.mean[:, g] - mu[:, g]
            found = found + np.einsum("bi,bij,bj->b", d, W, d)
        value += share * found
        free += share * (kernel.logdeterminant(S) + p)
    constant = p * np.log(2 * np.pi)
    return -0.5 * n * (constant + value), -0.5 * n * (constant + free)


@dataclass(frozen=True, eq=False)
class Residual:
    """Root mean squares of what the model leaves over, (b,) each.

    Attributes
    ----------
    rmr : of covariances (and means).
    srmr : divided by observed standard deviations.
    crmr : of correlations, diagonal left out.
    """

    rmr: FloatArray
    srmr: FloatArray
    crmr: FloatArray


def residual(sample: Sample, sigma: FloatArray, mu: FloatArray | None) -> Residual:
    """Return root mean square residuals, means among them where they are modelled."""
    b, G, p = sample.S.shape[:3]
    i, j = np.tril_indices(p)
    out = np.zeros((3, b))
    for g in range(G):
        S, Sigma = sample.S[:, g], sigma[:, g]
        sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
        own = np.sqrt(np.diagonal(Sigma, axis1=1, axis2=2))
        raw = (S - Sigma)[:, i, j]
        scaled = raw / (sd[:, i] * sd[:, j])
        corr = S[:, i, j] / (sd[:, i] * sd[:, j])
        corr = corr - Sigma[:, i, j] / (own[:, i] * own[:, j])
        parts, count = [raw, scaled, corr], len(i)
        if sample.mean is not None and mu is not None:
            m, model = sample.mean[:, g], mu[:, g]
            extra = (m - model, (m - model) / sd, (m - model) / sd)
            parts = [np.hstack(x) for x in zip(parts, extra, strict=True)]
            count += p
        for k, (part, of) in enumerate(
            zip(parts, (count, count, count - p), strict=True)
        ):
            square = (part * part).sum(axis=1) / max(of, 1)
            out[k] += sample.share[:, g] * np.sqrt(square)
    return Residual(*out)


def goodness(
    sample: Sample, sigma: FloatArray, mu: FloatArray | None, weight: Weight
) -> FloatArray:
    """Return GFI (b,): 1 − weighted squares of residuals / of observed moments.

    Weights are Σ⁻¹ of the model for ML, S⁻¹ for GLS and I for ULS.
    """
    left, whole = np.zeros((2, len(sample.S)))
    for g in range(sample.S.shape[1]):
        S, Sigma, share = sample.S[:, g], sigma[:, g], sample.share[:, g]
        if weight == "ULS":
            i, j = np.tril_indices(S.shape[-1])
            E, A = (S - Sigma)[:, i, j], S[:, i, j]
            left += share * (E * E).sum(axis=1)
            whole += share * (A * A).sum(axis=1)
            W = np.broadcast_to(np.eye(S.shape[-1]), S.shape)
        else:
            W = kernel.inverse(Sigma if weight == "ML" else S)[0]
            E, A = W @ (S - Sigma), W @ S
            left += share * 0.5 * (E * E.swapaxes(1, 2)).sum(axis=(1, 2))
            whole += share * 0.5 * (A * A.swapaxes(1, 2)).sum(axis=(1, 2))
        if sample.mean is not None and mu is not None:
            m = sample.mean[:, g]
            d = m - mu[:, g]
            left += share * np.einsum("bi,bij,bj->b", d, W, d)
            whole += share * np.einsum("bi,bij,bj->b", m, W, m)
    return np.asarray(1 - left / whole)


def noncentral_limit(chi2: FloatArray, df: float, probability: float) -> FloatArray:
    """Return λ (b,) at which P(χ²(df, λ) ≤ chi2) is `probability`; 0 if none is."""
    from scipy.special import chdtr, chndtr

    out = np.zeros(np.shape(chi2))
    at = np.flatnonzero(np.isfinite(chi2) & (chdtr(df, chi2) > probability))
    x = chi2[at]
    low, high = np.zeros(len(at)), x + 10 * np.sqrt(x + 1) + 20
    for _ in range(STEPS):
        if not len(at):
            break
        middle = (low + high) / 2
        above = chndtr(x, df, middle) > probability
        low, high = np.where(above, middle, low), np.where(above, high, middle)
        if np.max((high - low) / np.maximum(high, 1e-10)) < 1e-14:
            break
    out[at] = (low + high) / 2
    out[~np.isfinite(chi2)] = np.nan
    return out


def close_fit(chi2: FloatArray, df: float, noncentrality: FloatArray) -> FloatArray:
    """Return P(χ²(df, λ) ≤ chi2) at a given λ (b,)."""
    from scipy.special import chndtr

    return np.asarray(chndtr(chi2, df, noncentrality))
