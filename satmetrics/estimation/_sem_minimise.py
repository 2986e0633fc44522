"""Minimising F by Newton's and Fisher's steps: arrays in, arrays out, batch axis first.

Letters as in `_sem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._sem import Layout, Sample, Weight
from satmetrics.estimation._sem_point import Fixed, points_at

CHUNK = 24
"""Members that are worked on together; their matrices stay in the cache."""
HALVINGS = 30
NEAR = 0.1
"""Largest gradient, in the unit of `Solution.gradient`, below which steps are Newton's.
"""
SMALL = 1e-4
"""Share of the decrease a linear model promises that a step has to reach."""
RANK = 1e-10
"""Smallest eigenvalue of a scaled information that is not singular."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A batch of solutions.

    Attributes
    ----------
    theta : (b, t)
    value : (b,) minimum of the discrepancy.
    gradient : (b,) largest gradient, each in the unit of its parameter's curvature.
    iterations : (b,)
    converged : (b,)
    identified : (b,) False where the information is singular.
    """

    theta: FloatArray
    value: FloatArray
    gradient: FloatArray
    iterations: IntArray
    converged: BoolArray
    identified: BoolArray


@dataclass(eq=False)
class _Search:
    """Where each member of a batch stands."""

    theta: FloatArray
    value: FloatArray
    step: FloatArray
    slope: FloatArray
    length: FloatArray
    gradient: FloatArray
    iterations: IntArray
    done: BoolArray
    stuck: BoolArray
    identified: BoolArray


def minimise(
    layout: Layout,
    sample: Sample,
    start: FloatArray,
    *,
    weight: Weight = "ML",
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Solution:
    """Minimise F by Fisher scoring (Gauss-Newton) with step halving, member by member.

    Near a solution of ML, where second derivatives are positive definite, steps are
    Newton's.

    Parameters
    ----------
    start : (b, t), at which Σ is positive definite.
    tol : largest gradient at a solution, each divided by the root of its own second
        derivative, which makes it free of the units of the data.
    """
    return descend(Structured(layout, Fixed.of(sample, weight)), start, tol, max_iter)


class Stand(Protocol):
    """What is known of one group at the parameters of some members."""

    @property
    def normal(self) -> bool:
        """Whether steps near a solution are Newton's."""

    def take(self, at: BoolArray) -> Stand:
        """Return some members."""

    def gradient(self) -> FloatArray:
        """Return the gradient (b, t)."""

    def curvature(self) -> FloatArray:
        """Return the diagonal of `expected` (b, t)."""

    def expected(self) -> FloatArray:
        """Return expected second derivatives (b, t, t)."""

    def observed(self) -> FloatArray:
        """Return second derivatives (b, t, t)."""


class Problem(Protocol):
    """What `descend` minimises, member by member of a batch."""

    @property
    def share(self) -> FloatArray:
        """Weights (b, G) of the groups."""

    def points(
        self, at: IntArray, theta: FloatArray
    ) -> tuple[FloatArray, Sequence[Stand]]:
        """Return the function (b,) of the members `at`, and their groups' points."""


@dataclass(frozen=True, eq=False)
class Structured:
    """The discrepancy of covariances and means."""

    layout: Layout
    fixed: Fixed

    @property
    def share(self) -> FloatArray:
        """Weights (b, G) of the groups."""
        return self.fixed.share

    def points(
        self, at: IntArray, theta: FloatArray
    ) -> tuple[FloatArray, Sequence[Stand]]:
        """Return F (b,), and the points of the groups."""
        return points_at(self.layout, self.fixed, at, theta)


def descend(problem: Problem, start: FloatArray, tol: float, max_iter: int) -> Solution:
    """Minimise member by member; see `minimise`."""
    b = len(start)
    now = _Search(
        start.copy(),
        np.full(b, np.inf),
        np.zeros_like(start),
        np.zeros(b),
        np.ones(b),
        np.full(b, np.inf),
        np.full(b, -1, dtype=np.int64),
        np.zeros(b, dtype=np.bool_),
        np.zeros(b, dtype=np.bool_),
        np.zeros(b, dtype=np.bool_),
    )
    for begin in range(0, b, CHUNK):
        some = np.arange(begin, min(begin + CHUNK, b))
        while len(some):
            _advance(problem, now, some, tol)
            open_ = ~now.done[some] & ~now.stuck[some]
            some = some[open_ & (now.iterations[some] <= max_iter)]
    return Solution(
        now.theta,
        now.value,
        now.gradient,
        np.maximum(now.iterations, 0),
        now.done,
        now.identified,
    )


def _advance(problem: Problem, now: _Search, at: IntArray, tol: float) -> None:
    """Try the steps of some members; those that lead down get their next one."""
    trial = now.theta[at] + now.length[at, None] * now.step[at]
    with np.errstate(invalid="ignore", over="ignore"):
        value, points = problem.points(at, trial)
    old = now.value[at]
    first = now.iterations[at] < 0
    with np.errstate(invalid="ignore"):
        goal = old + SMALL * now.length[at] * now.slope[at]
        goal += 1e-13 * np.maximum(np.abs(old), 1.0)
    good = np.isfinite(value) & (first | (value <= goal))
    worse = at[~good]
    now.length[worse] /= 2
    now.stuck[worse] = (now.length[worse] < 0.5**HALVINGS) | first[~good]
    if not good.any():
        return
    moved = at[good]
    now.theta[moved], now.value[moved] = trial[good], value[good]
    now.iterations[moved] += 1
    now.length[moved] = 1.0
    _redirect(problem.share, now, moved, [p.take(good) for p in points], tol)


def _redirect(
    shares: FloatArray,
    now: _Search,
    at: IntArray,
    points: Sequence[Stand],
    tol: float,
) -> None:
    """Set gradient and next step of members that have arrived at `points`."""
    share = shares[at]
    gradient = _summed(share, [p.gradient() for p in points])
    curvature = _summed(share, [p.curvature() for p in points])
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.abs(gradient) / np.sqrt(curvature)
    largest = np.where(curvature > 0, scaled, 0.0).max(axis=1, initial=0.0)
    now.gradient[at] = largest
    done = largest < tol
    now.done[at] = done
    if done.any():
        H = _summed(share[done], [p.take(done).expected() for p in points])
        now.identified[at[done]] = regular(H)
    near = ~done & (largest < NEAR) & points[0].normal
    step, slope = np.zeros_like(gradient), np.zeros(len(at))
    if near.any():
        H = _summed(share[near], [p.take(near).observed() for p in points])
        proper = at_least(H, 0.0)
        inner = np.flatnonzero(near)[proper]
        step[inner] = _steps(H[proper], gradient[inner])
        slope[inner] = (step[inner] * gradient[inner]).sum(axis=1)
    far = ~done & ~(slope < 0)
    if far.any():
        H = _summed(share[far], [p.take(far).expected() for p in points])
        now.identified[at[far]] = full = regular(H)
        step[far] = _steps(H, gradient[far], ~full)
        slope[far] = (step[far] * gradient[far]).sum(axis=1)
    now.step[at], now.slope[at] = step, slope


def _summed(share: FloatArray, parts: list[FloatArray]) -> FloatArray:
    """Return the sum of the groups' parts by their shares."""
    if len(parts) == 1:
        return parts[0]
    shape = (-1, *(1,) * (parts[0].ndim - 1))
    return np.asarray(
        sum(share[:, g].reshape(shape) * part for g, part in enumerate(parts))
    )


def regular(H: FloatArray) -> BoolArray:
    """Return which members have full rank (b,), whatever the units of parameters."""
    scale = np.sqrt(np.maximum(np.diagonal(H, axis1=1, axis2=2), 1e-300))
    return at_least(H / scale[:, :, None] / scale[:, None, :], RANK)


def at_least(A: FloatArray, low: float | FloatArray) -> BoolArray:
    """Return whose smallest eigenvalue is above `low` (b,), False where A has NaN."""
    shift = np.broadcast_to(low, (len(A),))[:, None, None] * np.eye(A.shape[-1])
    try:
        found = np.linalg.cholesky(A - shift)
    except np.linalg.LinAlgError:
        known = np.isfinite(A).all(axis=(1, 2))
        out = np.zeros(len(A), dtype=np.bool_)
        out[known] = np.linalg.eigvalsh((A - shift)[known])[:, 0] > 0
        return out
    return np.asarray(np.isfinite(found).all(axis=(1, 2)))


def _steps(
    H: FloatArray, g: FloatArray, singular: BoolArray | None = None
) -> FloatArray:
    """Return ``−H⁻¹ g`` (b, t), by the pseudo-inverse where H is singular."""
    scale = np.sqrt(np.maximum(np.diagonal(H, axis1=1, axis2=2), 1e-300))
    R = H / scale[:, :, None] / scale[:, None, :]
    right = -(g / scale)
    if singular is not None and singular.any():
        R[singular] = np.linalg.pinv(R[singular], rcond=1e-9, hermitian=True)
        step = np.asarray((R @ right[..., None])[..., 0])
        good = ~singular
        step[good] = np.linalg.solve(R[good], right[good][..., None])[..., 0]
    else:
        step = np.asarray(np.linalg.solve(R, right[..., None])[..., 0])
    return np.asarray(step / scale)
