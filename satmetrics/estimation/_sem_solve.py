"""From moments to solutions of covariance structure models: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_curvature import observed_hessian
from satmetrics.estimation._sem_minimise import Solution, at_least, minimise


@dataclass(frozen=True, eq=False)
class Estimated:
    """A batch of solutions with their normal-theory errors.

    Attributes
    ----------
    solution : see `_sem_minimise.Solution`.
    vcov : (b, t, t) covariance of the estimates, NaN where not identified.
    chi2 : (b,) n F.
    admissible : (b,) no negative variance, and covariances of latents and residuals
        positive semi-definite.
    """

    solution: Solution
    vcov: FloatArray
    chi2: FloatArray
    admissible: BoolArray


def estimate(
    layout: kernel.Layout,
    sample: kernel.Sample,
    start: FloatArray,
    total: FloatArray,
    *,
    weight: kernel.Weight = "ML",
    observed: bool = False,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Estimated:
    """Fit a batch.

    Parameters
    ----------
    start : (b, t)
    total : (b,) n, by which F becomes a chi-square and information that of the sample.
    observed : take errors from second derivatives (ML only).
    """
    found = minimise(layout, sample, start, weight=weight, tol=tol, max_iter=max_iter)
    good = found.identified & np.isfinite(found.value)
    t = layout.n_free
    vcov = np.full((len(start), t, t), np.nan)
    at = np.flatnonzero(good)
    if len(at) and t:
        part = sample.take(at)
        if observed and weight == "ML":
            H = observed_hessian(layout, part, found.theta[at])
        elif weight == "ULS":
            H = 2 * entries_squared(layout, found.theta[at], part.share)
        else:
            H = kernel.derivatives(layout, part, found.theta[at], weight)[1]
        vcov[at] = 2 * np.linalg.inv(H) / total[at, None, None]
    return Estimated(found, vcov, total * found.value, admissible(layout, found.theta))


def entries_squared(
    layout: kernel.Layout, theta: FloatArray, share: FloatArray
) -> FloatArray:
    """Return ``JᵀJ`` of the derivatives of vech Σ and μ (b, t, t).

    Its inverse over n is what lavaan has as covariance of ULS estimates; it takes the
    entries of S as independent with variance 1.
    """
    out = np.zeros((len(theta), layout.n_free, layout.n_free))
    for g, entries in enumerate(layout.groups):
        V = entries.directions(entries.matrices(theta))
        J = V.jacobian()
        if V.mean is not None:
            J = np.concatenate([J, V.mean], axis=-1)
        square = entries.summed_square(J @ J.swapaxes(1, 2))
        out += share[:, g, None, None] * square
    return out


def undetermined(layout: kernel.Layout, theta: FloatArray) -> BoolArray:
    """Return the parameters (b, t) that can move while Σ and μ stay as they are."""
    H = entries_squared(layout, theta, np.ones((len(theta), layout.n_groups)))
    scale = np.sqrt(np.maximum(np.diagonal(H, axis1=1, axis2=2), 1e-300))
    values, vectors = np.linalg.eigh(H / scale[:, :, None] / scale[:, None, :])
    null = vectors * (values < 1e-9)[:, None, :]
    return np.asarray((null * null).sum(axis=2) > 1e-6)


def admissible(layout: kernel.Layout, theta: FloatArray) -> BoolArray:
    """Return where Θ and the covariance of η are positive semi-definite (b,)."""
    found = np.ones(len(theta), dtype=bool)
    for entries in layout.groups:
        M = entries.matrices(theta)
        for A in (M.Theta, M.Psi, M.Phi):
            if A.shape[-1]:
                size = np.abs(A).max(axis=(1, 2), initial=0.0)
                found &= at_least(A, -1e-8 * np.maximum(size, 1e-300))
    return found
