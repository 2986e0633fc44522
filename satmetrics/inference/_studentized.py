"""Standard errors from linearised influence values: arrays in, arrays out.

A statistic is a function f of means m and covariances C. What a unit adds to it, to
first order, is the gradient of f times what the unit adds to (m, C); the sum of squares
over the units of a (re)sample is the infinitesimal jackknife variance (Jaeckel 1972;
Davison and Hinkley 1997, section 2.7).
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray

HEAD = 3
"""Leading entries of a contribution: count, weight, squared weight."""
STEP = 1e-3
"""Step of the differences, in standard deviations of the items.

Truncation is of the order of its square, the noise of a fit converged to 1e-9 about
1e-6.
"""


def n_directions(p: int) -> int:
    """Return the number of means and covariances of p items."""
    return p + p * (p + 1) // 2


def perturbed(
    mean: FloatArray, cov: FloatArray, which: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return moments one step up and one step down in some directions.

    Parameters
    ----------
    mean : (b, p)
    cov : (b, p, p)
    which : (d,) directions: the p means, then the covariances i ≤ j row by row.

    Returns
    -------
    means (b, 2, d, p) and covariances (b, 2, d, p, p): first up, then down.
    """
    p, d = mean.shape[1], len(which)
    i, j = np.triu_indices(p)
    sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    means = np.repeat(np.repeat(mean[:, None, None], 2, axis=1), d, axis=2)
    covs = np.repeat(np.repeat(cov[:, None, None], 2, axis=1), d, axis=2)
    step = STEP * np.array([1.0, -1.0])[None, :, None]
    of_mean, of_cov = np.flatnonzero(which < p), np.flatnonzero(which >= p)
    item, pair = which[of_mean], which[of_cov] - p
    means[:, :, of_mean, item] += step * sd[:, None, item]
    i, j = i[pair], j[pair]
    change = step * (sd[:, i] * sd[:, j])[:, None, :]
    covs[:, :, of_cov, i, j] += change
    apart = i != j
    covs[:, :, of_cov[apart], j[apart], i[apart]] += change[:, :, apart]
    return means, covs


def gradient(up: FloatArray, down: FloatArray, cov: FloatArray) -> FloatArray:
    """Return derivatives (b, D, k) by means and covariances i ≤ j.

    Parameters
    ----------
    up, down : (b, D, k) statistics at the perturbed moments.
    cov : (b, p, p)
    """
    p = cov.shape[-1]
    i, j = np.triu_indices(p)
    sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    size = np.concatenate([sd, sd[:, i] * sd[:, j]], axis=1)
    return np.asarray((up - down) / (2 * STEP * size[:, :, None]))


def linear_errors(
    g: FloatArray,
    mean: FloatArray,
    cov: FloatArray,
    parts: FloatArray,
    counts: FloatArray,
    stratum: IntArray,
) -> FloatArray:
    """Return the linearised standard errors (k,) of one (re)sample.

    A unit that adds ``[·, w, ·, Σwz, Σw z zᵀ]`` has the influence value
    ``l = (g_m (Σwz − w m) + g_C (κ Σw (z − m)(z − m)ᵀ − w C)) / w̄`` with
    ``κ = W/(W − Σw²/W)``, which is n/(n − 1) without weights, and
    ``se² = Σ_h U_h/(U_h − 1) Σ c (l − l̄_h)² / U²``.

    Parameters
    ----------
    g : (D, k) derivatives by means and covariances i ≤ j.
    mean, cov : (p,) about the shift of the contributions, and (p, p).
    parts : (U, 3 + p + p*) contributions of the units.
    counts : (U,) how often each unit is in the sample.
    stratum : (U,) 0 … H − 1.
    """
    p = len(mean)
    i, j = np.triu_indices(p)
    W, W2 = counts @ parts[:, 1], counts @ parts[:, 2]
    unbiased = W / (W - W2 / W)  # the covariances' divisor is W − W2/W
    by_mean, by_cov, cov = g[:p], g[p:] * unbiased, cov / unbiased
    # Collect what multiplies w, Σwz and Σwzz: the influence is linear in the parts.
    first = by_mean.copy()
    np.subtract.at(first, i, mean[j, None] * by_cov)
    np.subtract.at(first, j, mean[i, None] * by_cov)
    weight = (mean[i] * mean[j] - cov[i, j]) @ by_cov - mean @ by_mean
    added = parts[:, 1:2] * weight + parts[:, HEAD:] @ np.concatenate([first, by_cov])
    U = counts.sum()
    added /= W / U
    held = np.bincount(stratum, counts)
    variance = np.zeros(added.shape[1])
    for h in np.flatnonzero(held > 1):
        here = stratum == h
        c, x = counts[here], added[here]
        spread = c @ (x - c @ x / held[h]) ** 2
        variance += held[h] / (held[h] - 1) * spread
    return np.asarray(np.sqrt(variance) / U)
