"""Common factors by maximum likelihood: arrays in, arrays out, batch axis first.

Jöreskog (1967), doi:10.1007/BF02289658: the discrepancy is minimised over the unique
variances ψ alone, in x = log ψ, by Newton's method with exact second derivatives
(Clarke 1970, doi:10.1111/j.2044-8317.1970.tb00437.x).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import spd_solve
from satmetrics._typing import BoolArray, FloatArray

LOWEST = 0.005
"""Least unique variance of a standardised item, as in R's factanal and psych::fa."""
TOLERANCE = 1e-9
MAX_STEPS = 200
SINGULAR = 1e-10


@dataclass(frozen=True, eq=False)
class OneFactor:
    """A one-factor solution of correlations, all with the batch axis first.

    Attributes
    ----------
    loadings : (…, p), signed so that they sum to at least 0.
    unique : (…, p)
    heywood : (…, p) True where the unique variance is at its lower bound.
    ok : (…) False where correlations are singular or the search did not settle; the
        solution is then NaN.
    """

    loadings: FloatArray
    unique: FloatArray
    heywood: BoolArray
    ok: BoolArray


def one_factor(R: FloatArray) -> OneFactor:
    """Fit one factor to correlations R (…, p, p), p ≥ 3."""
    p = R.shape[-1]
    loadings, psi, ok = common_factors(R.reshape(-1, p, p), 1)
    loadings = loadings[:, :, 0]
    loadings *= np.where(loadings.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    shape = R.shape[:-2]
    return OneFactor(
        loadings.reshape(*shape, p),
        psi.reshape(*shape, p),
        (psi <= LOWEST * (1 + 1e-9)).reshape(*shape, p),
        ok.reshape(shape),
    )


def common_factors(R: FloatArray, m: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Fit m factors to correlations R (b, p, p), ``((p − m)² − p − m)/2 ≥ 0``.

    Returns
    -------
    loadings : (b, p, m), such that ΛᵀΨ⁻¹Λ is diagonal, the largest first; NaN where not
        ok.
    psi : (b, p) unique variances, at least `LOWEST`.
    ok : (b,) False where correlations are singular or the search did not settle.
    """
    p = R.shape[-1]
    known = np.asarray(np.isfinite(R).all(axis=(1, 2)))
    safe = np.where(known[:, None, None], R, np.eye(p))
    sound = known & (np.linalg.eigvalsh(safe)[:, 0] > SINGULAR)
    safe = np.where(sound[:, None, None], R, np.eye(p))
    x, settled = _search(safe, _start(safe, m), m)
    state = _State.of(safe, x, m)
    size = np.sqrt(np.maximum(state.theta[:, -m:] - 1, 0))
    psi = np.exp(x)
    loadings = np.sqrt(psi)[:, :, None] * state.omega[:, :, -m:] * size[:, None, :]
    ok = sound & settled
    blank = np.where(ok, 0.0, np.nan)[:, None]
    return loadings[:, :, ::-1] + blank[:, :, None], psi + blank, ok


def slopes(
    R: FloatArray, found: OneFactor, by_loading: FloatArray, by_unique: FloatArray
) -> FloatArray:
    """Return F (…, p, p) with ``df = tr(F dR)`` of a number f of the solution.

    The equations ``tr[(Σ⁻¹ − Σ⁻¹ R Σ⁻¹) ∂Σ/∂t] = 0`` define t = (λ, ψ) as functions of
    R; with H their derivatives in t and y = H⁻¹ ∂f/∂t, F = Σ⁻¹ (Σ y ∂Σ/∂t) Σ⁻¹. NaN
    where a unique variance is at its bound.

    Parameters
    ----------
    by_loading, by_unique : (…, p) derivatives of f.
    """
    free = found.ok & ~found.heywood.any(axis=-1)
    p = R.shape[-1]
    lam = np.where(free[..., None], found.loadings, 0.5)
    psi = np.where(free[..., None], found.unique, 0.75)
    safe = np.where(free[..., None, None], R, np.eye(p) + 0.25 * (1 - np.eye(p)))
    V, Q = _inverses(safe, lam, psi)
    H = _second(V, Q, lam)
    right = np.concatenate([by_loading, by_unique], axis=-1)
    right = np.where(free[..., None], right, 0.0)[..., None]
    y, _ = spd_solve(H, right)
    y_lam, y_psi = y[..., :p, 0], y[..., p:, 0]
    cross = y_lam[..., :, None] * lam[..., None, :]
    middle = cross + np.swapaxes(cross, -1, -2) + y_psi[..., None] * np.eye(p)
    F = V @ middle @ V
    return np.where(free[..., None, None], F, np.nan)


def _inverses(
    R: FloatArray, lam: FloatArray, psi: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return Σ⁻¹ and Σ⁻¹ R Σ⁻¹."""
    p = R.shape[-1]
    sigma = lam[..., :, None] * lam[..., None, :] + psi[..., None] * np.eye(p)
    V = np.asarray(np.linalg.inv(sigma), dtype=np.float64)
    return V, V @ R @ V


def _second(V: FloatArray, Q: FloatArray, lam: FloatArray) -> FloatArray:
    """Return the second derivatives (…, 2p, 2p) of the discrepancy in (λ, ψ)."""
    u, r = ((M @ lam[..., None])[..., 0] for M in (V, Q))
    c, d = (np.einsum("...i,...i->...", lam, a)[..., None, None] for a in (u, r))

    def outer(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(a[..., :, None] * b[..., None, :])

    both = outer(r, u) + outer(u, r)
    ll = 2 * (both - outer(u, u) + (d - c) * V + c * Q + V - Q)
    lp = 2 * (Q - V) * u[..., None, :] + 2 * V * r[..., None, :]
    pp = V * (2 * Q - V)
    top = np.concatenate([ll, lp], axis=-1)
    low = np.concatenate([np.swapaxes(lp, -1, -2), pp], axis=-1)
    return np.concatenate([top, low], axis=-2)


@dataclass(frozen=True, eq=False)
class _State:
    """Roots θ (b, p), ascending, and vectors ω of Ψ^-½ R Ψ^-½ at log ψ = x."""

    theta: FloatArray
    omega: FloatArray
    value: FloatArray

    @classmethod
    def of(cls, R: FloatArray, x: FloatArray, m: int) -> _State:
        scale = np.exp(-0.5 * x)
        theta, omega = np.linalg.eigh(R * scale[:, :, None] * scale[:, None, :])
        theta = np.maximum(theta, 1e-300)
        rest = theta[:, :-m]
        return cls(theta, omega, np.sum(rest - np.log(rest) - 1, axis=1))


def _start(R: FloatArray, m: int) -> FloatArray:
    p = R.shape[-1]
    inverse = np.diagonal(np.linalg.inv(R), axis1=1, axis2=2)
    psi = (1 - 0.5 * m / p) / inverse
    return np.asarray(np.log(np.clip(psi, LOWEST, 1.0)))


def _search(R: FloatArray, x: FloatArray, m: int) -> tuple[FloatArray, BoolArray]:
    """Minimise over x (b, p) with x ≥ log LOWEST; return x and who settled."""
    settled = np.zeros(len(R), dtype=np.bool_)
    left = np.arange(len(R))
    for _ in range(MAX_STEPS):
        if not len(left):
            break
        here, state = x[left], _State.of(R[left], x[left], m)
        g, H, crude = _derivatives(state, m)
        bound = (here <= np.log(LOWEST) + 1e-12) & (g > 0)
        done = np.max(np.abs(np.where(bound, 0, g)), axis=1) < TOLERANCE
        settled[left[done]] = True
        go = ~done
        step = _newton(g[go], H[go], crude[go], bound[go])
        x[left[go]] = _lowered(R[left[go]], here[go], step, state.value[go], m)
        left = left[go]
    return x, settled


def _derivatives(state: _State, m: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return gradient, exact and approximate (positive) second derivatives in x."""
    theta, first = state.theta[:, :-m], state.theta[:, -m:]
    W, common = state.omega[:, :, :-m], state.omega[:, :, -m:]
    g = ((1 - theta)[:, None, :] * W**2).sum(axis=2)
    plain = W @ np.swapaxes(W, 1, 2)
    exact = plain * ((W * theta[:, None, :]) @ np.swapaxes(W, 1, 2))
    for k in range(m):
        root, w = first[:, [k]], common[:, :, k]
        c = (1 - theta) * (root + theta) / np.maximum(root - theta, 1e-12)
        mixed = (W * c[:, None, :]) @ np.swapaxes(W, 1, 2)
        exact += w[:, :, None] * w[:, None, :] * mixed
    return g, exact, plain**2


def _newton(
    g: FloatArray, H: FloatArray, crude: FloatArray, bound: BoolArray
) -> FloatArray:
    """Return Newton's step, by the approximate form where the exact is not positive."""
    free = ~bound
    both = free[:, :, None] & free[:, None, :]
    eye = np.eye(g.shape[1])
    right = np.where(free, -g, 0.0)[..., None]
    ridge = 1e-6 * eye
    with np.errstate(over="ignore", invalid="ignore"):  # far from any solution
        step, ok = spd_solve(np.where(both, H, eye), right)
        other, _ = spd_solve(np.where(both, crude + ridge, eye), right)
    step = np.where(ok[:, None, None], step, np.nan_to_num(other))[..., 0]
    return np.clip(step, -3.0, 3.0)


def _lowered(
    R: FloatArray, x: FloatArray, step: FloatArray, value: FloatArray, m: int
) -> FloatArray:
    """Go along the step, halved until the discrepancy does not rise."""
    share = np.ones(len(x))
    for _ in range(20):
        tried = np.maximum(x + share[:, None] * step, np.log(LOWEST))
        worse = _State.of(R, tried, m).value > value + 1e-13 * (1 + np.abs(value))
        if not worse.any():
            break
        share[worse] *= 0.5
    return np.asarray(tried)
