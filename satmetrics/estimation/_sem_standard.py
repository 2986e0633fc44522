"""Standardised parameters and their errors: arrays in, arrays out, batch axis first.

A parameter v becomes ``v · Π s^e``, where s are standard deviations of latent and
observed variables or of residuals and e is 1 or −1. With ``u = Σ e log s`` its
derivative is ``(∂v + v ∂u) exp u``, from which errors follow by the delta method.
Letters as in `_sem`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem import ALPHA, BETA, LAMBDA, NU, PSI, THETA

CHUNK = 256


@dataclass(frozen=True, eq=False)
class Scaling:
    """Which variables get variance 1.

    Attributes
    ----------
    latent : (m,) True for the latent variables that do.
    observed : whether the observed ones do.
    """

    latent: BoolArray
    observed: bool


def standardised(
    layout: kernel.Layout, theta: FloatArray, vcov: FloatArray, scaling: Scaling
) -> tuple[FloatArray, FloatArray]:
    """Return every entry (b, K) standardised, and its error (b, K).

    Parameters
    ----------
    theta : (b, t)
    vcov : (b, t, t)
    """
    b, K = len(theta), len(layout.part)
    value, error = np.empty((b, K)), np.empty((b, K))
    for g in range(layout.n_groups):
        at = np.flatnonzero(layout.group == g)
        for begin in range(0, b, CHUNK):
            some = slice(begin, begin + CHUNK)
            v, J = _of_group(layout, g, theta[some], scaling)
            value[some, at] = v
            variance = ((J @ vcov[some]) * J).sum(axis=-1)
            error[some, at] = np.sqrt(np.maximum(variance, 0.0))
    return value, error


def _of_group(
    layout: kernel.Layout, g: int, theta: FloatArray, scaling: Scaling
) -> tuple[FloatArray, FloatArray]:
    """Return the entries of a group standardised (b, k), and derivatives (b, k, t)."""
    entries = layout.groups[g]
    M = entries.matrices(theta)
    at = np.flatnonzero(layout.group == g)
    part, free = layout.part[at], layout.free[at]
    row, column = layout.row[at], layout.column[at]
    value = np.where(free >= 0, theta[:, np.maximum(free, 0)], layout.value[at])
    sds = _log_sds(entries, M, scaling)
    log = np.zeros_like(value)
    slope = np.zeros((*value.shape, layout.n_free))
    for sign, which, index, mask in _factors(part, row, column):
        size, derivative = sds[which]
        log[:, mask] += sign * size[:, index]
        slope[:, mask] += sign * derivative[:, index]
    slope *= value[..., None]
    own = np.flatnonzero(free >= 0)
    slope[:, own, free[own]] += 1.0
    scale = np.exp(log)
    return value * scale, slope * scale[..., None]


def scales(
    layout: kernel.Layout, theta: FloatArray, scaling: Scaling, g: int
) -> FloatArray:
    """Return by what the entries of group g are multiplied (b, k)."""
    entries = layout.groups[g]
    at = np.flatnonzero(layout.group == g)
    sds = _log_sds(entries, entries.matrices(theta), scaling)
    log = np.zeros((len(theta), len(at)))
    places = layout.part[at], layout.row[at], layout.column[at]
    with np.errstate(invalid="ignore", over="ignore"):
        for sign, which, index, mask in _factors(*places):
            log[:, mask] += sign * sds[which][0][:, index]
        return np.asarray(np.exp(log))


def _factors(
    part: IntArray, row: IntArray, column: IntArray
) -> list[tuple[float, str, IntArray, IntArray]]:
    """Return the factors of the entries: sign, which deviation, of what, of which."""
    out: list[tuple[float, str, IntArray, IntArray]] = []

    def put(sign: float, which: str, index: IntArray, mask: BoolArray) -> None:
        at = np.flatnonzero(mask)
        if len(at):
            out.append((sign, which, index[at], at))

    same = row == column
    put(1, "latent", column, part == LAMBDA)
    put(-1, "observed", row, (part == LAMBDA) | (part == NU))
    put(1, "latent", column, part == BETA)
    put(-1, "latent", row, (part == BETA) | (part == ALPHA))
    for name, variance, of in (
        ("observed", "theta", THETA),
        ("latent", "psi", PSI),
    ):
        put(-2, name, row, (part == of) & same)
        put(-1, variance, row, (part == of) & ~same)
        put(-1, variance, column, (part == of) & ~same)
    return out


def _log_sds(
    entries: kernel.GroupLayout, M: kernel.Matrices, scaling: Scaling
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return log standard deviations and their derivatives (b, …, t), by name."""
    V = entries.directions(M)
    total = 2 * (V.left * V.right).swapaxes(1, 2)
    latent = _latent_derivatives(entries, M)
    theta, psi = np.zeros_like(total), np.zeros_like(latent)
    for part, out in ((THETA, theta), (PSI, psi)):
        at = entries.of_part(part)
        at = at[entries.row[at] == entries.column[at]]
        out[:, entries.row[at], at] = 1.0
    off_latent, off_observed = ~scaling.latent, np.full(total.shape[1], True)
    off_observed &= not scaling.observed
    return {
        "latent": _log(entries, M.Phi, latent, off_latent),
        "psi": _log(entries, M.Psi, psi, off_latent),
        "observed": _log(entries, M.Sigma, total, off_observed),
        "theta": _log(entries, M.Theta, theta, off_observed),
    }


def _log(
    entries: kernel.GroupLayout, A: FloatArray, slope: FloatArray, off: BoolArray
) -> tuple[FloatArray, FloatArray]:
    variance = np.abs(np.diagonal(A, axis1=1, axis2=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        log = 0.5 * np.log(variance)
        summed = slope if entries.sums is None else slope @ entries.sums
        signed = np.diagonal(A, axis1=1, axis2=2)[..., None]
        relative = 0.5 * summed / signed
    return np.where(off, 0.0, log), np.where(off[:, None], 0.0, relative)


def _latent_derivatives(entries: kernel.GroupLayout, M: kernel.Matrices) -> FloatArray:
    """Return the derivatives of latent variances by the free entries (b, m, K)."""
    out = np.zeros((*M.Phi.shape[:2], len(entries.part)))
    for part in (PSI, BETA):
        at = entries.of_part(part)
        i, j = entries.row[at], entries.column[at]
        if part == PSI:
            found = np.where(i == j, 1.0, 2.0) * M.C[:, :, i] * M.C[:, :, j]
        else:
            found = 2 * M.C[:, :, i] * M.Phi[:, :, j]
        out[:, :, at] = found
    return out
