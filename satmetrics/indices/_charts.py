"""Control charts of many units at once: arrays in, arrays out.

U units, T places in time. The points of a unit stand in order of time and without
gaps, absent ones last as NaN; `pack` puts them so. Letters: x the points, s their
standard errors, R the correlations of these errors (None: independent).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray

MEAN_RANGE = float(np.sqrt(2 / np.pi))
"""E|N(0, 1)|; √2 times it is d2 = 1.128 of two independent points."""
SINGULAR = 1e-8
"""Below this least eigenvalue correlations are no correlations of different errors."""
RULES = ((1, 1, None), (2, 3, 2.0), (4, 5, 1.0), (8, 8, 0.0))
"""Western Electric: so many, of so many points, beyond so many sigma on one side."""


def pack(there: BoolArray) -> IntArray:
    """Return the order (U, T) that puts the points that are there first."""
    return np.argsort(~there, axis=1, kind="stable")


def packed(values: AnyArray, order: IntArray) -> AnyArray:
    """Return values (U, T) or (U, T, T) in that order, along all axes of time."""
    if values.ndim == 2:
        return np.take_along_axis(values, order, axis=1)
    rows = np.take_along_axis(values, order[:, :, None], axis=1)
    return np.take_along_axis(rows, order[:, None, :], axis=2)


def unpacked(values: AnyArray, order: IntArray) -> AnyArray:
    """Return values (U, T) in the order of time, absent places included."""
    return np.take_along_axis(values, np.argsort(order, axis=1), axis=1)


def weighted_centre(x: FloatArray, s: FloatArray, base: BoolArray) -> FloatArray:
    """Return the mean (U,) of base points, weighted by 1/s²; NaN without any."""
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(base, 1 / s**2, 0.0)
        total = (np.where(base, x, 0.0) * w).sum(axis=1)
        return np.asarray(total / w.sum(axis=1))


def moving_ranges(
    z: FloatArray, R: FloatArray | None, base: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Return the sum (U,) of ranges of neighbours, each over its mean, and how many.

    Their quotient is Laney's σ_z: 1 where z varies as its errors say.
    """
    both = base[:, 1:] & base[:, :-1]
    spread = np.full(both.shape, np.sqrt(2.0))
    if R is not None:
        near = np.diagonal(R, offset=1, axis1=1, axis2=2)
        spread = np.sqrt(np.maximum(2 - 2 * near, SINGULAR))
    with np.errstate(invalid="ignore"):
        ranges = np.abs(np.diff(z, axis=1)) / (spread * MEAN_RANGE)
    return np.where(both, ranges, 0.0).sum(axis=1), both.sum(axis=1)


def whitened(z: FloatArray, R: FloatArray | None) -> FloatArray:
    """Return what is new (U, T) in each point, given those before: independent N(0, 1).

    ``L⁻¹ z`` with ``R = L Lᵀ``; NaN for units whose R is not positive definite.
    """
    if R is None:
        return z
    there = np.isfinite(z)
    T = z.shape[1]
    pairs = there[:, :, None] & there[:, None, :] & ~np.eye(T, dtype=bool)
    whole = np.where(pairs, R, np.eye(T))
    good = np.linalg.eigvalsh(whole)[:, 0] > SINGULAR
    L = np.linalg.cholesky(np.where(good[:, None, None], whole, np.eye(T)))
    new = np.linalg.solve(L, np.where(there, z, 0.0)[:, :, None])[:, :, 0]
    return np.where(there & good[:, None], new, np.nan)


@dataclass(frozen=True)
class Smoothed:
    """An EWMA less its centre, and its standard deviation, both (U, T)."""

    value: FloatArray
    std_error: FloatArray


def ewma(d: FloatArray, s: FloatArray, lam: float, R: FloatArray | None) -> Smoothed:
    """Return ``λ Σ (1 − λ)^j d_{t−j}`` of deviations d and its exact deviation.

    The variance grows from ``λ² s₁²`` by the squared weights of all points so far, and
    by their covariances; of equal s it is ``s² λ/(2 − λ) [1 − (1 − λ)^{2t}]``.
    """
    U, T = d.shape
    value, variance = np.full((U, T), np.nan), np.full((U, T), np.nan)
    now, spread = np.zeros(U), np.zeros(U)
    W = np.zeros((U, T)) if R is not None else np.zeros((U, 0))
    for t in range(T):
        now = (1 - lam) * now + lam * d[:, t]
        spread = (1 - lam) ** 2 * spread + (lam * s[:, t]) ** 2
        if R is not None and t:
            shared = np.einsum("uj,uj->u", W[:, :t] * s[:, :t], R[:, :t, t]) * s[:, t]
            spread = spread + 2 * lam * (1 - lam) * shared
        if R is not None:
            W *= 1 - lam
            W[:, t] = lam
        value[:, t], variance[:, t] = now, spread
    return Smoothed(value, np.sqrt(np.maximum(variance, 0.0)))


@dataclass(frozen=True)
class Sums:
    """Both sides of a tabular CUSUM, all (U, T).

    Attributes
    ----------
    high, low : ``C⁺`` and ``C⁻``, not negative.
    since_high, since_low : place of the first point since the sum last stood at 0; -1
        where it stands there.
    """

    high: FloatArray
    low: FloatArray
    since_high: IntArray
    since_low: IntArray


def cusum(z: FloatArray, k: float, h: float, *, reset: bool) -> Sums:
    """Return ``C⁺_t = max(0, C⁺_{t−1} + z_t − k)`` and its mirror image.

    With `reset` a sum that has passed h starts again from 0 at the next point.
    """
    U, T = z.shape
    sums = np.full((2, U, T), np.nan)
    since = np.full((2, U, T), -1, dtype=np.int64)
    now, began = np.zeros((2, U)), np.full((2, U), -1, dtype=np.int64)
    signed = np.stack([z, -z])
    for t in range(T):
        if reset:
            began = np.where(now > h, -1, began)
            now = np.where(now > h, 0.0, now)
        now = np.maximum(now + signed[:, :, t] - k, 0.0)
        began = np.where(now > 0, np.where(began < 0, t, began), -1)
        sums[:, :, t], since[:, :, t] = now, began
    return Sums(sums[0], sums[1], since[0], since[1])


def run_rules(z: FloatArray, width: float) -> BoolArray:
    """Return (rule, side, U, T): whether a rule is broken at a point; side 0 is above.

    A rule of several points is broken where the last of them is one of those beyond.
    """
    signed = np.stack([z, -z])
    broken = []
    for count, window, beyond in RULES:
        out = signed > (width if beyond is None else beyond)
        padded = np.pad(out, ((0, 0), (0, 0), (window - 1, 0)))
        run = np.lib.stride_tricks.sliding_window_view(padded, window, axis=2)
        broken.append(out & (run.sum(axis=-1) >= count))
    return np.stack(broken)
