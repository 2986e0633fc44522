"""Models of polychoric correlations: arrays in, arrays out, batch axis first.

Behind ordered answers stand normal variables of variance 1, so that residual variances
follow from the rest and only the P = p(p − 1)/2 correlations are fitted:
``F = Σ_k w_k (r_k − σ_k(θ))²``, w the reciprocals of the asymptotic variances (DWLS) or
1 (ULS). Errors and tests use all of Γ (Muthén, du Toit and Spisic 1997; Asparouhov and
Muthén 2010). Letters as in `_sem`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._sem import GroupLayout

HALVINGS = 30
LOOSE = 1e-10
"""Lowest eigenvalue of the scaled second derivatives that still counts."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A batch of solutions.

    Attributes
    ----------
    theta : (b, t)
    value : (b,) minimum of F.
    gradient : (b,) largest gradient in the unit of each parameter's curvature.
    iterations, converged, identified : (b,)
    """

    theta: FloatArray
    value: FloatArray
    gradient: FloatArray
    iterations: IntArray
    converged: BoolArray
    identified: BoolArray


def lower(p: int) -> tuple[IntArray, IntArray]:
    """Return the pairs (i < j), column by column of the lower triangle."""
    i, j = np.triu_indices(p, 1)
    return i, j


def weights(gamma: FloatArray, *, diagonal: bool) -> FloatArray:
    """Return w (…, P): reciprocals of the variances, or 1 (ULS)."""
    own = np.diagonal(gamma, axis1=-2, axis2=-1)
    return np.asarray(1 / own if diagonal else np.ones_like(own))


def correlations(
    entries: GroupLayout, theta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return implied correlations (b, P) and their derivatives (b, P, t)."""
    M = entries.matrices(theta)
    found = entries.directions(M)
    i, j = lower(M.Sigma.shape[-1])
    a, c = found.left, found.right
    J = a[..., i] * c[..., j] + a[..., j] * c[..., i]
    if entries.sums is not None:
        J = np.swapaxes(entries.sums.T @ J, 1, 2)
    else:
        J = np.swapaxes(J, 1, 2)
    return M.Sigma[:, i, j], np.asarray(J)


def fit_correlations(
    entries: GroupLayout,
    r: FloatArray,
    w: FloatArray,
    start: FloatArray,
    *,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Fitted:
    """Minimise F by Gauss-Newton steps, halved until they lower it.

    Parameters
    ----------
    r, w : (b, P) correlations and weights.
    start : (b, t)
    """
    b = len(r)
    theta = start.copy()
    sigma, J = correlations(entries, theta)
    value = (w * (r - sigma) ** 2).sum(axis=1)
    largest = np.full(b, np.inf)
    iterations, done = np.zeros(b, dtype=np.int64), np.zeros(b, dtype=bool)
    stuck = np.zeros(b, dtype=bool)
    for _ in range(max_iter):
        gradient = -2 * np.einsum("bpt,bp->bt", J, w * (r - sigma))
        H = 2 * np.swapaxes(J, 1, 2) @ (w[..., None] * J)
        scale = np.sqrt(np.maximum(np.diagonal(H, axis1=1, axis2=2), 1e-300))
        largest = np.where(stuck, largest, (np.abs(gradient) / scale).max(axis=1))
        done |= largest < tol
        open_ = ~(done | stuck)
        if not open_.any():
            break
        R = H / scale[:, :, None] / scale[:, None, :]
        step = -(np.linalg.pinv(R, hermitian=True) @ (gradient / scale)[..., None])
        move = np.where(open_[:, None], step[..., 0] / scale, 0.0)
        length = np.ones(b)
        for _ in range(HALVINGS):
            tried = theta + length[:, None] * move
            sigma, J = correlations(entries, tried)
            new = (w * (r - sigma) ** 2).sum(axis=1)
            worse = open_ & ~(new <= value + 1e-13 * np.maximum(value, 1e-3))
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        stuck |= worse
        theta = np.where((open_ & ~worse)[:, None], tried, theta)
        sigma, J = correlations(entries, theta)
        value = (w * (r - sigma) ** 2).sum(axis=1)
        iterations += open_
    return Fitted(theta, value, largest, iterations, done, _identified(J, w))


def _identified(J: FloatArray, w: FloatArray) -> BoolArray:
    H = np.swapaxes(J, 1, 2) @ (w[..., None] * J)
    scale = np.sqrt(np.maximum(np.diagonal(H, axis1=1, axis2=2), 1e-300))
    R = H / scale[:, :, None] / scale[:, None, :]
    return np.asarray(np.linalg.eigvalsh(R)[:, 0] > LOOSE)


@dataclass(frozen=True, eq=False)
class Robust:
    """Errors and tests that use all of Γ, each (b, …).

    Attributes
    ----------
    vcov, naive : (b, t, t) sandwich, and the inverse information as if w were right.
    trace, square : (b,) tr(UΓ) and tr((UΓ)²).
    """

    vcov: FloatArray
    naive: FloatArray
    trace: FloatArray
    square: FloatArray


def robust(J: FloatArray, w: FloatArray, gamma: FloatArray, n: FloatArray) -> Robust:
    """Return the sandwich and what the adjusted tests are made of.

    Parameters
    ----------
    J : (b, P, t)
    w : (b, P)
    gamma : (b, P, P)
    n : (b,)
    """
    WJ = w[..., None] * J
    bread = np.linalg.pinv(np.swapaxes(J, 1, 2) @ WJ, hermitian=True)
    meat = np.swapaxes(WJ, 1, 2) @ gamma @ WJ
    P = w.shape[-1]
    U = w[..., None] * np.eye(P) - WJ @ bread @ np.swapaxes(WJ, 1, 2)
    UG = U @ gamma
    return Robust(
        np.asarray(bread @ meat @ bread / n[:, None, None]),
        np.asarray(bread / n[:, None, None]),
        np.trace(UG, axis1=1, axis2=2),
        (UG * np.swapaxes(UG, 1, 2)).sum(axis=(1, 2)),
    )


@dataclass(frozen=True, eq=False)
class Tests:
    """Adjusted tests of a batch.

    Attributes
    ----------
    shifted : (b,) scaled and shifted to the mean and variance of chi-square with the
        model's df (Asparouhov and Muthén 2010).
    shift_factor, shift : (b,) ``T/shift_factor + shift``.
    adjusted, adjusted_df : (b,) mean and variance adjusted, on df of its own
        (Satterthwaite).
    """

    shifted: FloatArray
    shift_factor: FloatArray
    shift: FloatArray
    adjusted: FloatArray
    adjusted_df: FloatArray


def adjusted(T: FloatArray, df: int, found: Robust) -> Tests:
    """Return the adjusted tests of statistics T (b,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.sqrt(df / found.square)
        shift = df - np.sqrt(df * found.trace**2 / found.square)
        own = found.trace**2 / found.square
        return Tests(
            T * a + shift, 1 / a, shift, T * own / found.trace, np.asarray(own)
        )
