"""Many refits of one model, each without one of its paths, batch axis first.

Letters follow Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005, as in the PLS
kernel. All refits of a group share its covariances S, so that a step is a few products
for all of them together: B groups, E paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr, spd_inverse, spd_solve
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._iterate import CANCELLED, Layout, Settings
from satmetrics.estimation._pls import correcting_rho
from satmetrics.moment._blocks import membership

CHUNK_CELLS = 2**22
"""Numbers in the largest array of a step."""


def r2_without(
    S: FloatArray,
    layout: Layout,
    settings: Settings,
    drop: IntArray,
    start: FloatArray,
) -> FloatArray:
    """Return R² (B, E) of each path's target in the model without the path.

    A construct left without neighbours keeps equal weights, which touch no other. NaN
    where a refit fails.

    Parameters
    ----------
    S : (B, p, p) what the model was fitted to.
    drop : (E, 2) paths [source, target] whose target has other sources too.
    start : (B, p) weights to start from; those of the fit.
    """
    plan = _Plan.of(layout, settings.scheme, drop)
    out = np.empty((len(S), len(drop)))
    step = max(1, CHUNK_CELLS // max(1, len(drop) * S.shape[1] * layout.q))
    for first in range(0, len(S), step):
        part = slice(first, first + step)
        known = np.isfinite(start[part]).all(axis=1)
        usable = np.asarray(np.isfinite(S[part]).all(axis=(1, 2)) & known)
        safe = np.where(usable[:, None, None], S[part], np.eye(S.shape[1]))
        w = np.where(usable[:, None], start[part], 1.0)
        found = _iterated(safe, plan, settings, w)
        out[part] = np.where(usable[:, None], _r2(safe, found, plan), np.nan)
    return out


@dataclass(frozen=True)
class _Plan:
    """What the refits have in common and where they differ.

    Attributes
    ----------
    layout, scheme : the model and its inner weights.
    M : (p, q) membership.
    linked : (E, q, q) neighbours.
    simple : (E, q, q) those that enter a proxy by their correlation under the path
        scheme: successors, and predecessors of constructs with one only.
    lonely : (E, p), indicators of constructs without neighbours.
    source, used : (E, T, k) predictors of each target, and which are no padding.
    target : (T,) constructs of several predecessors.
    own : (E,) place of the dropped path's target among the targets.
    both : (E, T, k, k), True where neither of two predictors is padding.
    at : where the used predictors stand: refit, target and place among its sources.
    """

    layout: Layout
    scheme: str
    M: FloatArray
    linked: FloatArray
    simple: FloatArray
    lonely: BoolArray
    source: IntArray
    used: BoolArray
    target: IntArray
    own: IntArray
    both: BoolArray
    at: tuple[IntArray, ...]

    @classmethod
    def of(cls, layout: Layout, scheme: str, drop: IntArray) -> _Plan:
        A = np.repeat(layout.adjacency[None], len(drop), axis=0)
        A[np.arange(len(drop)), drop[:, 0], drop[:, 1]] = False
        linked = A | np.swapaxes(A, 1, 2)
        several = layout.adjacency.sum(axis=0) > 1
        target = np.flatnonzero(several)
        k = int(layout.adjacency.sum(axis=0).max())
        columns = np.swapaxes(A[:, :, target], 1, 2)
        source = np.argsort(~columns, axis=2, kind="stable")[:, :, :k]
        used = np.take_along_axis(columns, source, axis=2)
        return cls(
            layout=layout,
            scheme=scheme,
            M=membership(layout.owner, layout.q),
            linked=linked.astype(np.float64),
            simple=(np.swapaxes(A, 1, 2) | (A & ~several)).astype(np.float64),
            lonely=np.asarray(~linked.any(axis=1))[:, layout.owner],
            source=source,
            used=used,
            target=target,
            own=np.searchsorted(target, drop[:, 1]),
            both=used[..., :, None] & used[..., None, :],
            at=np.nonzero(used),
        )

    def regress(self, C: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return betas and the correlations they meet, (B, E, T, k) each; 0 in padding.

        Parameters
        ----------
        C : (B, E, q, q)
        """
        e = np.arange(len(self.source))[:, None, None]
        A = C[:, e[..., None], self.source[..., :, None], self.source[..., None, :]]
        A = np.where(self.both, A, np.eye(self.source.shape[-1]))
        right = C[:, e, self.source, self.target[:, None]] * self.used
        return _solved(A, right), right


def _iterated(
    S: FloatArray, plan: _Plan, settings: Settings, start: FloatArray
) -> FloatArray:
    """Return weights (B, E, p) at convergence, NaN where there is none.

    Each refit is kept as it is at its own last step, whatever the others do.
    """
    B, p = start.shape
    sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))[:, None]
    inverses = [
        spd_inverse(S[:, block[:, None], block[None, :]])[0]
        for block in plan.layout.blocks_b
    ]
    first = np.where(plan.lonely, 1.0, start[:, None])
    w, SW, C = _normalised(S, first, sd, plan)
    done = np.zeros((B, len(plan.own)), dtype=np.bool_)
    kept = np.full((B, len(plan.own), p), np.nan)
    for _ in range(settings.max_iter):
        new = _outer(SW, _inner(C, plan), inverses, plan)
        new, SW, C = _normalised(S, new, sd, plan)
        change = np.abs((new - w) * sd).max(axis=-1)
        w = new
        settled = ~done & ~(change > settings.tol)
        if settled.any():
            kept[settled] = w[settled]
            done |= settled
        if done.all():
            break
    return kept


def _normalised(
    S: FloatArray, w: FloatArray, sd: FloatArray, plan: _Plan
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scale composites to variance 1; return w, SW (B, E, p, q) and C (B, E, q, q)."""
    B, E, p = w.shape
    q = plan.layout.q
    W = np.moveaxis(w, 1, 2)[..., None] * plan.M[:, None, :]
    SW = (S @ W.reshape(B, p, E * q)).reshape(B, p, E, q).swapaxes(1, 2)
    C = np.add.reduceat(w[..., None] * SW, plan.layout.starts, axis=2)
    variance = np.array(np.diagonal(C, axis1=2, axis2=3))
    size = np.add.reduceat((w * sd) ** 2, plan.layout.starts, axis=2)
    variance[variance <= CANCELLED * size] = np.nan
    scale = 1.0 / np.sqrt(variance)
    C = C * scale[..., :, None] * scale[..., None, :]
    return w * scale[..., plan.layout.owner], SW * scale[..., None, :], C


def _inner(C: FloatArray, plan: _Plan) -> FloatArray:
    """Return inner weights (B, E, q, q); column t holds those of proxy t."""
    if plan.scheme == "centroid":
        return np.asarray(np.sign(C) * plan.linked)
    if plan.scheme == "factorial":
        return C * plan.linked
    E = C * plan.simple
    beta, _ = plan.regress(C)
    e, t, k = plan.at
    E[:, e, plan.source[plan.at], plan.target[t]] = beta[:, e, t, k]
    return E


def _outer(
    SW: FloatArray, E: FloatArray, inverses: list[FloatArray], plan: _Plan
) -> FloatArray:
    """Return new weights: covariances with the own inner proxy, mode B regressed."""
    owner = plan.layout.owner
    w: FloatArray = (SW * np.moveaxis(E[..., owner], 2, 3)).sum(axis=-1)
    w[..., plan.layout.fixed] = 1.0
    for block, inverse in zip(plan.layout.blocks_b, inverses, strict=True):
        w[..., block] = w[..., block] @ inverse
    return np.where(plan.lonely, 1.0, w)


def _r2(S: FloatArray, w: FloatArray, plan: _Plan) -> FloatArray:
    """Return R² (B, E) of the targets, correlations freed of attenuation if asked."""
    q = plan.layout.q
    sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))[:, None]
    _, _, C = _normalised(S, w, sd, plan)
    if plan.layout.factor.any():
        rho = correcting_rho(cov_to_corr(S)[:, None], w * sd, plan.layout)
        root = np.sqrt(np.where(rho > 0, rho, np.nan))
        C = C / (root[..., :, None] * root[..., None, :])
        C[..., np.arange(q), np.arange(q)] = 1.0
    beta, right = plan.regress(C)
    fitted = (beta * right).sum(axis=-1)
    return np.asarray(fitted[:, np.arange(len(plan.own)), plan.own])


def _solved(A: FloatArray, x: FloatArray) -> FloatArray:
    """Solve A (…, k, k) for x (…, k); NaN where singular or not a number."""
    try:
        return np.asarray(np.linalg.solve(A, x[..., None])[..., 0])
    except np.linalg.LinAlgError:
        return np.asarray(spd_solve(A, x[..., None])[0][..., 0])
