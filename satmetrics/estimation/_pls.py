"""PLS path modelling on covariance matrices, a batch at a time.

Letters follow Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005: S the covariance
(or correlation) matrix of the indicators, w outer weights, Y = Xw construct scores, C
their correlations, E inner weights, Z = YE inner proxies. Nothing but S enters.

At the door the batch axis leads; in memory it is last, so that every step is a handful
of vector operations over long rows: several times faster than thousands of 24 x 24
products. `_iterate` holds the iteration, this module what comes before and after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from satmetrics._linalg import cov_to_corr, eliminate
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._iterate import Layout, Settings, State, iterate
from satmetrics.estimation._structure import Regressions
from satmetrics.moment._blocks import membership, rho_a

__all__ = ["Layout", "Settings", "Solution", "solve"]


NUMBERS = (
    *("weights", "loadings", "cross", "corr", "score_corr", "rho", "paths", "r2"),
)
"""What a solution holds of each member that is NaN where it failed."""


@dataclass(frozen=True)
class Solution:
    """Everything the algorithm determines; NaN where it failed or did not converge.

    Attributes
    ----------
    weights : (B, p), of the indicators in the metric of S; composites have variance 1.
    loadings : (B, p), correlations of indicators with their construct.
    cross : (B, p, q), correlations of indicators with all constructs.
    corr : (B, q, q), construct correlations C, consistent where `factor` asks for it.
    score_corr : (B, q, q), correlations of the composites themselves.
    rho : (B, q), the rho_A by which factors were corrected; 1 for composites.
    paths : (B, q, q), coefficient at [source, target].
    r2 : (B, q), NaN for exogenous constructs.
    iterations : (B,)
    converged : (B,)
    singular_block : (B,), number of the first mode B block without an inverse, or −1.
    singular_target : (B,), first construct whose predictors are collinear, or −1.
    unreliable : (B,), first factor without a positive rho_A, or −1.
    """

    weights: FloatArray
    loadings: FloatArray
    cross: FloatArray
    corr: FloatArray
    score_corr: FloatArray
    rho: FloatArray
    paths: FloatArray
    r2: FloatArray
    iterations: IntArray
    converged: BoolArray
    singular_block: IntArray
    singular_target: IntArray
    unreliable: IntArray


def solve(S: FloatArray, layout: Layout, settings: Settings) -> Solution:
    """Run the PLS algorithm on a batch of covariance matrices.

    Parameters
    ----------
    S : (B, p, p) covariance or correlation matrices; a matrix with NaN fails alone.
    layout : blocks and paths.
    settings : scheme, tolerance, cap and sign rule.
    """
    last = np.ascontiguousarray(np.moveaxis(S, 0, -1))
    usable = _usable(last)
    if not usable.all():
        last = np.where(usable, last, np.eye(len(last))[:, :, None])
    inverses, singular_block = _inverses(last, layout)
    usable = usable & (singular_block < 0)
    state = iterate(last, layout, settings, inverses, np.flatnonzero(usable))
    solution = _finish(last, state, layout, settings)
    sound = usable & (solution.singular_target < 0) & (solution.unreliable < 0)
    good = sound & state.converged
    numbers: dict[str, Any] = {}
    if not good.all():
        numbers = {name: _blank(solution, name, good) for name in NUMBERS}
    return replace(
        solution,
        **numbers,
        iterations=state.iterations,
        converged=good,
        singular_block=singular_block,
        unreliable=np.where(usable & state.converged, solution.unreliable, -1),
    )


def _blank(solution: Solution, name: str, good: BoolArray) -> FloatArray:
    """Return numbers of a solution, NaN for the members that are not good."""
    values: FloatArray = getattr(solution, name)
    shape = (len(values),) + (1,) * (values.ndim - 1)
    return np.where(good.reshape(shape), values, np.nan)


def _usable(last: FloatArray) -> BoolArray:
    """Return (B,): True where all entries are finite and all variances positive."""
    index = np.arange(len(last))
    total = last.sum(axis=(0, 1))
    return np.asarray(np.isfinite(total) & (last[index, index] > 0).all(axis=0))


def _inverses(
    last: FloatArray, layout: Layout
) -> tuple[tuple[FloatArray, ...], IntArray]:
    """Invert the mode B blocks; report the first that has no inverse."""
    singular = np.full(last.shape[-1], -1, dtype=np.int64)
    found = []
    for block in layout.blocks_b:
        A = last[block[:, None], block[None, :]]
        identity = np.eye(len(block))[:, :, None].repeat(A.shape[-1], axis=2)
        inverse, ok = eliminate(A, identity)
        found.append(np.nan_to_num(inverse))
        owner = int(layout.owner[block[0]])
        singular = np.where((singular < 0) & ~ok, owner, singular)
    return tuple(found), singular


def _finish(
    last: FloatArray, state: State, layout: Layout, settings: Settings
) -> Solution:
    """Turn signs by the rule, correct for attenuation, regress, and collect."""
    w, owner, q = state.w, layout.owner, layout.q
    index, own = np.arange(len(owner)), np.arange(q)
    sd = np.sqrt(last[index, index])
    SW, C = _composites(last, w, layout)
    cross = SW / sd
    loadings = cross[owner, index]
    turn = _signs(loadings, layout, settings.sign)
    if (turn < 0).any():
        w, loadings = w * turn[owner], loadings * turn[owner]
        cross, C = cross * turn[:, None], C * turn[:, None] * turn
    C[own, own] = 1.0
    score_corr, rho = C, np.ones_like(turn)
    if layout.factor.any():
        R = np.moveaxis(cov_to_corr(np.moveaxis(last, -1, 0)), 0, -1)
        rho, loadings, cross, C = _consistent(R, w * sd, loadings, cross, C, layout)
    regressions = Regressions.of(layout.adjacency)
    paths, fitted, ok = regressions.betas(C, indefinite=bool(layout.factor.any()))
    r2 = np.full_like(turn, np.nan)
    r2[regressions.target] = fitted
    sound = np.asarray(ok.all(axis=0))
    first_bad = regressions.target[np.argmin(ok, axis=0)]
    nobody = np.full(len(sound), -1, dtype=np.int64)
    return Solution(
        weights=w.T,
        loadings=loadings.T,
        cross=cross.T,
        corr=np.moveaxis(C, -1, 0),
        score_corr=np.moveaxis(score_corr, -1, 0),
        rho=rho.T,
        paths=np.moveaxis(paths, -1, 0),
        r2=r2.T,
        iterations=nobody,
        converged=sound,
        singular_block=nobody,
        singular_target=np.where(sound, -1, first_bad),
        unreliable=np.where((rho > 0).all(axis=0), -1, np.argmin(rho > 0, axis=0)),
    )


def _composites(
    last: FloatArray, w: FloatArray, layout: Layout
) -> tuple[FloatArray, FloatArray]:
    """Return covariances of composites with indicators (q, p, B) and C (q, q, B)."""
    p, B = w.shape
    if B == 1:  # two products of matrices are fewer calls
        W = w * membership(layout.owner, layout.q)
        SW = last[..., 0] @ W
        return SW.T[..., None], (W.T @ SW)[..., None]
    stops = np.append(layout.starts, p)
    SW, C = np.empty((layout.q, p, B)), np.empty((layout.q, layout.q, B))
    for k in range(layout.q):
        block = slice(stops[k], stops[k + 1])
        np.einsum("pkb,kb->pb", last[:, block], w[block], out=SW[k])
    for k in range(layout.q):
        block = slice(stops[k], stops[k + 1])
        np.einsum("qkb,kb->qb", SW[:, block], w[block], out=C[:, k])
    return SW, C


def _consistent(
    R: FloatArray,
    w: FloatArray,
    loadings: FloatArray,
    cross: FloatArray,
    C: FloatArray,
    layout: Layout,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return rho_A (q, B), and loadings, cross-loadings and C freed of attenuation.

    ``λ = w √ρ_A / wᵀw`` and ``C_jk / √(ρ_j ρ_k)`` for factors (Dijkstra and Henseler
    2015, doi:10.25300/MISQ/2015/39.2.02); composites have ρ = 1. A negative rho_A has
    no root: everything of that factor becomes NaN.

    Parameters
    ----------
    R : (p, p, B) correlations of the indicators.
    w : (p, B) weights of standardised indicators.
    loadings : (p, B)
    cross : (q, p, B)
    C : (q, q, B)
    """
    owner, q = layout.owner, layout.q
    corrected = layout.corrected
    rho = correcting_rho(np.moveaxis(R, -1, 0), w.T, layout).T
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(rho)
        free = w * (root / np.add.reduceat(w * w, layout.starts, axis=0))[owner]
        loadings = np.where(corrected[owner, None], free, loadings)
        cross = cross / root[:, None]
        C = C / (root[:, None] * root)
    cross[owner, np.arange(len(owner))] = loadings
    C[np.arange(q), np.arange(q)] = 1.0
    return rho, loadings, cross, C


def correcting_rho(R: FloatArray, w: FloatArray, layout: Layout) -> FloatArray:
    """Return the rho_A (…, q) by which factors are corrected; 1 for composites.

    Parameters
    ----------
    R : (…, p, p) correlations of the indicators.
    w : (…, p) weights of standardised indicators.
    """
    found = rho_a(R, w, layout.owner, layout.q)
    return np.where(layout.corrected, found, 1.0)


def _signs(loadings: FloatArray, layout: Layout, rule: str) -> FloatArray:
    """Return (q, B) of ±1 that turn each construct to agree with its indicators."""
    M = membership(layout.owner, layout.q).T
    if rule == "none":
        return np.ones((layout.q, loadings.shape[1]))
    if rule == "dominant":
        size = np.abs(loadings) * M[:, :, None]
        value = np.take_along_axis(loadings, size.argmax(axis=1), axis=0)
    else:
        value = np.add.reduceat(loadings, layout.starts, axis=0)
    return np.where(value < 0, -1.0, 1.0)
