"""PLS path modelling on covariance matrices, a batch at a time.

Letters follow Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005: S the covariance
(or correlation) matrix of the indicators, w outer weights, Y = Xw construct scores, C
their correlations, E inner weights, Z = YE inner proxies. Nothing but S enters.

At the door the batch axis leads. Inside, the iteration keeps it last and works through
chunks that stay in the processor's cache: every step is then a handful of vector
operations over long rows, several times faster than thousands of 24 x 24 products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr, spd_inverse
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._structure import Regressions
from satmetrics.moment._blocks import membership, rho_a

CANCELLED = 1e-12
"""A composite's variance this small beside its items' is rounding error."""
CHUNK_BYTES = 5 * 2**18
"""Covariances of one chunk: small enough to stay in cache through all iterations."""


@dataclass(frozen=True)
class Layout:
    """A model as arrays.

    Attributes
    ----------
    owner : (p,) construct of each indicator, ascending.
    adjacency : (q, q), True at [source, target].
    blocks_b : indicator positions of each mode B block.
    fixed : positions of the indicators of sum scores, whose weights stay equal.
    factor : (q,), True where consistent PLS corrects for unreliability.
    """

    owner: IntArray
    adjacency: BoolArray
    blocks_b: tuple[IntArray, ...]
    fixed: IntArray
    factor: BoolArray

    @property
    def q(self) -> int:
        """Number of constructs."""
        return len(self.adjacency)

    @property
    def starts(self) -> IntArray:
        """First indicator of each construct; blocks stand one after the other."""
        return np.searchsorted(self.owner, np.arange(self.q))


@dataclass(frozen=True)
class Settings:
    """How to iterate: scheme, tolerance on weights, iteration cap, sign rule."""

    scheme: str
    tol: float
    max_iter: int
    sign: str


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
    positive = (np.diagonal(S, axis1=1, axis2=2) > 0).all(axis=1)
    usable = np.asarray(np.isfinite(S).all(axis=(1, 2)) & positive)
    S = S if usable.all() else np.where(usable[:, None, None], S, np.eye(S.shape[1]))
    inverses, singular_block = _inverses(S, layout)
    usable = usable & (singular_block < 0)
    state = _iterate(S, layout, settings, inverses, usable)
    solution = _finish(S, state, layout, settings)
    sound = usable & (solution.singular_target < 0) & (solution.unreliable < 0)
    good = sound & state.converged
    return Solution(
        weights=_blank(solution.weights, good),
        loadings=_blank(solution.loadings, good),
        cross=_blank(solution.cross, good),
        corr=_blank(solution.corr, good),
        score_corr=_blank(solution.score_corr, good),
        rho=_blank(solution.rho, good),
        paths=_blank(solution.paths, good),
        r2=_blank(solution.r2, good),
        iterations=state.iterations,
        converged=state.converged & sound,
        singular_block=singular_block,
        singular_target=solution.singular_target,
        unreliable=np.where(usable & state.converged, solution.unreliable, -1),
    )


def _blank(values: FloatArray, good: BoolArray) -> FloatArray:
    shape = (len(values),) + (1,) * (values.ndim - 1)
    return values if good.all() else np.where(good.reshape(shape), values, np.nan)


def _inverses(S: FloatArray, layout: Layout) -> tuple[tuple[FloatArray, ...], IntArray]:
    """Invert the mode B blocks; report the first that has no inverse."""
    singular = np.full(len(S), -1, dtype=np.int64)
    found = []
    for block in layout.blocks_b:
        inverse, ok = spd_inverse(S[:, block[:, None], block[None, :]])
        found.append(np.nan_to_num(inverse))
        owner = int(layout.owner[block[0]])
        singular = np.where((singular < 0) & ~ok, owner, singular)
    return tuple(found), singular


@dataclass(frozen=True)
class _State:
    """Where each member of a batch ended, batch first.

    Attributes
    ----------
    w : (B, p)
    SW : (B, p, q), covariances of indicators with composites.
    C : (B, q, q)
    iterations, converged : (B,)
    """

    w: FloatArray
    SW: FloatArray
    C: FloatArray
    iterations: IntArray
    converged: BoolArray

    @classmethod
    def blank(cls, B: int, p: int, q: int) -> _State:
        return cls(
            w=np.ones((B, p)),
            SW=np.ones((B, p, q)),
            C=np.tile(np.eye(q), (B, 1, 1)),
            iterations=np.zeros(B, dtype=np.int64),
            converged=np.zeros(B, dtype=np.bool_),
        )


def _iterate(
    S: FloatArray,
    layout: Layout,
    settings: Settings,
    inverses: tuple[FloatArray, ...],
    usable: BoolArray,
) -> _State:
    """Iterate outer and inner estimation to the end, chunk by chunk."""
    B, p, _ = S.shape
    state = _State.blank(B, p, layout.q)
    rows = np.flatnonzero(usable)
    inner = _Inner(layout, settings.scheme)
    step = max(1, CHUNK_BYTES // (8 * p * p))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        chunk = _Chunk.of(S[part], tuple(v[part] for v in inverses), layout)
        _run(chunk, inner, settings, state, part)
    return state


@dataclass(frozen=True)
class _Chunk:
    """Covariances with the batch last, cut into blocks of columns.

    Attributes
    ----------
    columns : per construct, (p, k, b): the covariances with its k indicators.
    sd : (p, b)
    inverses : per mode B block, (k, k, b).
    layout : blocks and paths.
    """

    columns: tuple[FloatArray, ...]
    sd: FloatArray
    inverses: tuple[FloatArray, ...]
    layout: Layout

    @classmethod
    def of(
        cls, S: FloatArray, inverses: tuple[FloatArray, ...], layout: Layout
    ) -> _Chunk:
        last = np.moveaxis(S, 0, -1)
        blocks = [np.flatnonzero(layout.owner == k) for k in range(layout.q)]
        p = S.shape[1]
        return cls(
            columns=tuple(np.ascontiguousarray(last[:, block]) for block in blocks),
            sd=np.sqrt(np.ascontiguousarray(last[np.arange(p), np.arange(p)])),
            inverses=tuple(
                np.ascontiguousarray(np.moveaxis(v, 0, -1)) for v in inverses
            ),
            layout=layout,
        )

    def take(self, rows: BoolArray) -> _Chunk:
        return _Chunk(
            tuple(c[..., rows] for c in self.columns),
            self.sd[:, rows],
            tuple(v[..., rows] for v in self.inverses),
            self.layout,
        )


def _run(
    chunk: _Chunk, inner: _Inner, settings: Settings, state: _State, rows: IntArray
) -> None:
    """Iterate one chunk, writing each member into rows of `state` as it converges.

    A member is kept as it is at its own last step, so that it does not depend on the
    company it is iterated in; those that are done leave once they are a quarter.
    """
    w, SW, C = _normalise(chunk, np.ones(chunk.sd.shape))
    kept = np.zeros(len(rows), dtype=np.bool_)
    for step in range(1, settings.max_iter + 1):
        new, SW, C = _normalise(chunk, _outer(SW, inner(C), chunk))
        change = np.abs((new - w) * chunk.sd).max(axis=0)
        w = new
        done = ~(change > settings.tol)
        take = ~kept & (done | (step == settings.max_iter))
        if take.any():
            at = rows[take]
            state.w[at] = w[:, take].T
            state.SW[at] = SW[:, :, take].transpose(2, 1, 0)
            state.C[at] = C[:, :, take].transpose(2, 0, 1)
            state.iterations[at] = step
            state.converged[at] = done[take] & np.isfinite(change[take])
            kept |= take
        if kept.all():
            break
        if kept.sum() * 4 >= len(kept):
            stay = ~kept
            rows, chunk, kept = rows[stay], chunk.take(stay), kept[stay]
            w, SW, C = w[:, stay], SW[..., stay], C[..., stay]


def _normalise(
    chunk: _Chunk, w: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scale composites to variance 1; return w (p, b), SW (q, p, b) and C (q, q, b).

    A composite whose items cancel has no variance and becomes NaN.
    """
    owner, starts = chunk.layout.owner, chunk.layout.starts
    SW = np.empty((chunk.layout.q, *w.shape))
    for k, S_k in enumerate(chunk.columns):
        block = slice(starts[k], starts[k] + S_k.shape[1])
        np.einsum("pkb,kb->pb", S_k, w[block], out=SW[k])
    own = SW[owner, np.arange(len(owner))]
    variance = np.add.reduceat(w * own, starts, axis=0)
    nothing = variance <= CANCELLED * np.add.reduceat(
        (w * chunk.sd) ** 2, starts, axis=0
    )
    if nothing.any():
        variance[nothing] = np.nan
    scale = 1.0 / np.sqrt(variance)
    w = w * scale[owner]
    SW *= scale[:, None, :]
    C = np.add.reduceat(SW * w, starts, axis=1)
    return w, SW, C


def _outer(SW: FloatArray, E: FloatArray, chunk: _Chunk) -> FloatArray:
    """Return new weights: covariances with the own inner proxy, mode B regressed."""
    w: FloatArray = np.einsum("kpb,kpb->pb", SW, E[:, chunk.layout.owner])
    w[chunk.layout.fixed] = 1.0
    for block, inverse in zip(chunk.layout.blocks_b, chunk.inverses, strict=True):
        w[block] = np.einsum("ijb,jb->ib", inverse, w[block])
    return w


class _Inner:
    """Inner weights E (q, q, b); column t holds the weights of Z_t."""

    def __init__(self, layout: Layout, scheme: str) -> None:
        self.scheme = scheme
        self.forward = layout.adjacency.astype(np.float64)[:, :, None]
        self.backward = np.swapaxes(self.forward, 0, 1)
        self.regressions = Regressions.of(layout.adjacency)

    def __call__(self, C: FloatArray) -> FloatArray:
        if self.scheme == "centroid":
            return np.sign(C) * (self.forward + self.backward)
        if self.scheme == "factorial":
            return C * (self.forward + self.backward)
        paths, _, ok = self.regressions.betas(C)
        paths += C * self.backward
        return paths if ok.all() else np.nan_to_num(paths)


def _finish(
    S: FloatArray, state: _State, layout: Layout, settings: Settings
) -> Solution:
    """Turn signs by the rule, correct for attenuation, regress, and collect."""
    w, C = state.w, state.C
    M = membership(layout.owner, layout.q)
    sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
    cross = state.SW / sd[:, :, None]
    loadings = cross[:, np.arange(len(layout.owner)), layout.owner]
    turn = _signs(loadings, M, settings.sign)
    w = w * turn[:, layout.owner]
    loadings = loadings * turn[:, layout.owner]
    cross = cross * turn[:, None, :]
    C = C * turn[:, :, None] * turn[:, None, :]
    q = layout.q
    C[:, np.arange(q), np.arange(q)] = 1.0
    score_corr, rho = C, np.ones((len(S), q))
    if layout.factor.any():
        rho, loadings, cross, C = _consistent(S, w * sd, loadings, cross, C, layout)
    regressions = Regressions.of(layout.adjacency)
    paths, r2, ok = regressions.solve(C, indefinite=bool(layout.factor.any()))
    first_bad = regressions.target[np.argmin(ok, axis=1)]
    sound = np.asarray(ok.all(axis=1))
    nobody = np.full(len(S), -1, dtype=np.int64)
    return Solution(
        weights=w,
        loadings=loadings,
        cross=cross,
        corr=C,
        score_corr=score_corr,
        rho=rho,
        paths=paths,
        r2=r2,
        iterations=nobody,
        converged=sound,
        singular_block=nobody,
        singular_target=np.where(sound, -1, first_bad),
        unreliable=np.where((rho > 0).all(axis=1), -1, np.argmin(rho > 0, axis=1)),
    )


def _consistent(
    S: FloatArray,
    w: FloatArray,
    loadings: FloatArray,
    cross: FloatArray,
    C: FloatArray,
    layout: Layout,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return rho_A (B, q), and loadings, cross-loadings and C freed of attenuation.

    ``λ = w √ρ_A / wᵀw`` and ``C_jk / √(ρ_j ρ_k)`` for factors (Dijkstra and Henseler
    2015, doi:10.25300/MISQ/2015/39.2.02); composites have ρ = 1. A negative rho_A has
    no root: everything of that factor becomes NaN.

    Parameters
    ----------
    w : (B, p) weights of standardised indicators.
    """
    owner, q = layout.owner, layout.q
    M = membership(owner, q)
    single = M.sum(axis=0) == 1
    rho = np.where(layout.factor & ~single, rho_a(cov_to_corr(S), w, owner, q), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(rho)
        factor = (layout.factor & ~single)[owner]
        free = w * (root / ((w * w) @ M))[:, owner]
        loadings = np.where(factor, free, loadings)
        cross = cross / root[:, None, :]
        C = C / (root[:, :, None] * root[:, None, :])
    cross[:, np.arange(len(owner)), owner] = loadings
    C[:, np.arange(q), np.arange(q)] = 1.0
    return rho, loadings, cross, C


def _signs(loadings: FloatArray, M: FloatArray, rule: str) -> FloatArray:
    """Return (B, q) of ±1 that turn each construct to agree with its indicators."""
    if rule == "none":
        return np.ones((len(loadings), M.shape[1]))
    if rule == "dominant":
        size = np.abs(loadings)[:, :, None] * M
        value = np.take_along_axis(loadings, size.argmax(axis=1), axis=1)
    else:
        value = loadings @ M
    return np.where(value < 0, -1.0, 1.0)
