"""EM steps to their end, with extrapolation: arrays in, arrays out, batch first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._em import CELLS, Load, Plan, em_step

TOL = 1e-9
"""Largest change of a mean or covariance in one EM step, in standard deviations."""
MAX_ITER = 2000
"""EM steps after which a member is given up."""
WILD = 4.0
"""An extrapolation that makes the next step this much longer is taken back."""


@dataclass(frozen=True)
class EmSolution:
    """Where EM ended.

    Attributes
    ----------
    mean : (B, p), about the plan's shift.
    cov : (B, p, p), maximum likelihood (divisor: sum of weights).
    iterations : (B,) EM steps.
    converged : (B,)
    singular : (B,), True where the covariance lost its inverse on the way.
    """

    mean: FloatArray
    cov: FloatArray
    iterations: IntArray
    converged: BoolArray
    singular: BoolArray


def fit_em(
    plan: Plan,
    counts: FloatArray,
    mean: FloatArray,
    cov: FloatArray,
    usable: BoolArray | None = None,
) -> EmSolution:
    """Iterate EM from a start until every member of the batch has settled.

    Pairs of EM steps are extrapolated by squared iteration (Varadhan and Roland 2008,
    doi:10.1111/j.1467-9469.2007.00585.x); an extrapolation that is not positive
    definite, or after which steps become longer, is taken back.

    Parameters
    ----------
    plan : the rows.
    counts : (B, U)
    mean, cov : (B, p), (B, p, p) the start.
    usable : (B,), False for members that are not to be fitted (NaN).
    """
    B = len(counts)
    todo = np.arange(B) if usable is None else np.flatnonzero(usable)
    out = EmSolution(
        mean=np.full(mean.shape, np.nan),
        cov=np.full(cov.shape, np.nan),
        iterations=np.zeros(B, dtype=np.int64),
        converged=np.zeros(B, dtype=np.bool_),
        singular=np.zeros(B, dtype=np.bool_),
    )
    step = max(1, 4 * CELLS // plan.row_cells)
    for start in range(0, len(todo), step):
        part = todo[start : start + step]
        _run(plan, Load.of(plan, counts[part]), mean[part], cov[part], out, part)
    return out


@dataclass
class _Walk:
    """Members under way: parameters θ (b, p + p²) in sd units, and their last steps."""

    theta: FloatArray
    safe: FloatArray
    length: FloatArray
    most: FloatArray

    def take(self, rows: BoolArray) -> _Walk:
        return _Walk(
            self.theta[rows], self.safe[rows], self.length[rows], self.most[rows]
        )


def _run(
    plan: Plan,
    load: Load,
    mean: FloatArray,
    cov: FloatArray,
    out: EmSolution,
    rows: IntArray,
) -> None:
    """Iterate one chunk, writing each member into `out` when it has settled."""
    p = mean.shape[1]
    sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    scale = np.hstack([sd, (sd[:, :, None] * sd[:, None, :]).reshape(-1, p * p)])
    theta = np.hstack([mean, cov.reshape(-1, p * p)]) / scale
    endless = np.full(len(rows), np.inf)
    walk = _Walk(theta, theta, endless, np.ones(len(rows)))
    taken = 0
    while len(rows) and taken < MAX_ITER:
        one, ok = _map(walk.theta, scale, plan, load)
        r = one - walk.theta
        length = np.sqrt((r**2).sum(axis=1))
        back = ~ok | ~np.isfinite(length) | (length > WILD * walk.length)
        hopeless = back & np.isinf(walk.length)
        two, ok = _map(one, scale, plan, load)
        taken += 2
        change = np.abs(two - one).max(axis=1)
        done = ~back & ok & (change <= TOL)
        lost = hopeless | (~back & ~ok)
        stop = done | lost
        if stop.any():
            at = rows[stop]
            found = two[stop] * scale[stop]
            out.mean[at], out.cov[at] = found[:, :p], found[:, p:].reshape(-1, p, p)
            out.iterations[at] = taken
            out.converged[at], out.singular[at] = done[stop], lost[stop]
        walk = _extrapolated(walk, r, one, two, length, back)
        if stop.any():
            stay = ~stop
            rows, load, scale = rows[stay], load.take(stay), scale[stay]
            walk = walk.take(stay)
    if len(rows):
        found = walk.safe * scale
        out.mean[rows], out.cov[rows] = found[:, :p], found[:, p:].reshape(-1, p, p)
        out.iterations[rows] = taken


def _map(
    theta: FloatArray, scale: FloatArray, plan: Plan, load: Load
) -> tuple[FloatArray, BoolArray]:
    p = plan.Z.shape[1]
    found = theta * scale
    mean, cov, ok = em_step(found[:, :p], found[:, p:].reshape(-1, p, p), plan, load)
    return np.hstack([mean, cov.reshape(-1, p * p)]) / scale, ok


def _extrapolated(
    walk: _Walk,
    r: FloatArray,
    one: FloatArray,
    two: FloatArray,
    length: FloatArray,
    back: BoolArray,
) -> _Walk:
    """Return the next parameters: extrapolated, or the last safe ones where `back`."""
    v = two - one - r
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = length / np.sqrt((v**2).sum(axis=1))
    alpha = np.where(np.isfinite(alpha), np.maximum(alpha, 1.0), 1.0)
    alpha = np.minimum(alpha, walk.most)
    most = np.where(alpha >= walk.most, 4 * walk.most, walk.most)
    a = alpha[:, None]
    theta = np.where(a > 1, walk.theta + 2 * a * r + a**2 * v, two)
    undone = back[:, None]
    return _Walk(
        theta=np.where(undone, walk.safe, theta),
        safe=np.where(undone, walk.safe, two),
        length=np.where(back, np.inf, length),
        most=np.where(back, 1.0, most),
    )
