"""The PLS iteration, in two arrangements of one algorithm.

Letters follow Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005: S the covariance
(or correlation) matrix of the indicators, w outer weights, C the correlations of the
composites, E inner weights.

`Many` keeps the batch in the last axis and touches only the blocks of S that the model
connects: every step is a handful of vector operations over long rows. `One` writes the
same step as products of whole matrices, which takes the fewest calls for a single fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import correlation_solve, spd_solve
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._structure import padded
from satmetrics.moment._blocks import membership

CANCELLED = 1e-12
"""A composite's variance this small beside its items' is rounding error."""


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
    def corrected(self) -> BoolArray:
        """Factors of several indicators (q,): one indicator has nothing to go by."""
        return self.factor & (np.bincount(self.owner, minlength=self.q) > 1)

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
class State:
    """Where each member of a batch ended.

    Attributes
    ----------
    w : (p, B), of composites with variance 1.
    iterations, converged : (B,)
    """

    w: FloatArray
    iterations: IntArray
    converged: BoolArray


def iterate(
    last: FloatArray,
    layout: Layout,
    settings: Settings,
    inverses: tuple[FloatArray, ...],
    rows: IntArray,
) -> State:
    """Iterate outer and inner estimation to the end.

    Parameters
    ----------
    last : (p, p, B) covariance or correlation matrices.
    layout, settings : the model and how to iterate.
    inverses : per mode B block, (k, k, B).
    rows : members to iterate; the others keep unit weights and count as not converged.
    """
    p, _, B = last.shape
    state = State(
        np.ones((p, B)), np.zeros(B, dtype=np.int64), np.zeros(B, dtype=np.bool_)
    )
    if not len(rows):
        return state
    if len(rows) < B:
        last = last[..., rows]
        inverses = tuple(v[..., rows] for v in inverses)
    if len(rows) == 1:
        first = tuple(v[..., 0] for v in inverses)
        one = One(last[..., 0], first, layout, settings.scheme)
        at = rows[0]
        state.w[:, at], state.iterations[at], state.converged[at] = one.iterate(
            settings
        )
        return state
    plan = Plan.of(layout, settings.scheme)
    index = np.arange(p)
    sd = np.sqrt(last[index, index])
    made = Many(plan.columns(last), sd, inverses, plan)
    _run(made, settings, state, rows)
    return state


def _run(made: Many, settings: Settings, state: State, rows: IntArray) -> None:
    """Iterate, writing each member into its place of `state` as it converges.

    A member is kept as it is at its own last step, so that it does not depend on the
    company it is iterated in; those that are done leave once they are half.
    """
    w = made.start()
    kept = np.zeros(len(rows), dtype=np.bool_)
    for step in range(1, settings.max_iter + 1):
        new = made.step()
        change = np.abs((new - w) * made.sd).max(axis=0)
        w = new
        done = ~(change > settings.tol)
        take = ~kept if step == settings.max_iter else ~kept & done
        if not take.any():
            continue
        at = rows[take]
        state.w[:, at] = w[:, take]
        state.iterations[at] = step
        state.converged[at] = done[take] & np.isfinite(change[take])
        kept |= take
        if kept.all():
            break
        if kept.sum() * 2 >= len(kept):
            stay = ~kept
            rows, made, kept = rows[stay], made.take(stay), kept[stay]
            w = w[:, stay]


@dataclass(frozen=True)
class Plan:
    """What each step has to touch, worked out once per model.

    Attributes
    ----------
    blocks : per construct, its slice of the indicators.
    rows : per construct k, the indicators whose covariances with composite k are
        needed: its own and those of the constructs it meets, in order.
    places : per construct k, where the block of construct j stands in `rows[k]`.
    pairs : pairs (j, k), j < k, whose correlation is needed.
    sources : per construct, its predecessors where the scheme regresses on them.
    near : per construct, the others that enter its inner proxy by correlation.
    layout, scheme : what it was made of.
    """

    blocks: tuple[slice, ...]
    rows: tuple[IntArray, ...]
    places: tuple[dict[int, slice], ...]
    pairs: tuple[tuple[int, int], ...]
    sources: tuple[tuple[int, ...], ...]
    near: tuple[tuple[int, ...], ...]
    layout: Layout
    scheme: str

    @classmethod
    def of(cls, layout: Layout, scheme: str) -> Plan:
        """Work out what one step of a scheme needs."""
        A, q = layout.adjacency, layout.q
        stops = np.append(layout.starts, len(layout.owner))
        blocks = tuple(slice(int(stops[k]), int(stops[k + 1])) for k in range(q))
        linked = A | A.T
        meets = linked.copy()
        if scheme == "path":
            meets |= (A.astype(np.int64) @ A.T.astype(np.int64)) > 0
        np.fill_diagonal(meets, val=False)
        rows, places = [], []
        for k in range(q):
            order = sorted([k, *np.flatnonzero(meets[k]).tolist()])
            found = [np.arange(blocks[j].start, blocks[j].stop) for j in order]
            ends = np.cumsum([0, *map(len, found)]).tolist()
            places.append({j: slice(ends[i], ends[i + 1]) for i, j in enumerate(order)})
            rows.append(np.concatenate(found))
        regress = A if scheme == "path" else np.zeros_like(A)
        return cls(
            blocks=blocks,
            rows=tuple(rows),
            places=tuple(places),
            pairs=tuple((int(j), int(k)) for j, k in np.argwhere(np.triu(meets))),
            sources=tuple(tuple(np.flatnonzero(c).tolist()) for c in regress.T),
            near=tuple(
                tuple(np.flatnonzero(linked[:, k] & ~regress[:, k]).tolist())
                for k in range(q)
            ),
            layout=layout,
            scheme=scheme,
        )

    def columns(self, last: FloatArray) -> tuple[FloatArray, ...]:
        """Return per construct the covariances (r, k, B) one step reads.

        Where the rows stand together they are a view.
        """
        found = []
        for rows, block in zip(self.rows, self.blocks, strict=True):
            together = rows[-1] - rows[0] + 1 == len(rows)
            where = slice(int(rows[0]), int(rows[-1]) + 1) if together else rows
            found.append(last[where, block])
        return tuple(found)


class Many:
    """A batch with its members in the last axis."""

    def __init__(
        self,
        columns: tuple[FloatArray, ...],
        sd: FloatArray,
        inverses: tuple[FloatArray, ...],
        plan: Plan,
    ) -> None:
        self.columns = columns
        self.sd = sd
        self.unit = bool((sd == 1).all())
        self.inverses = inverses
        self.plan = plan
        self.w = np.ones_like(sd)
        self.V: list[FloatArray] = []
        self.scale = np.empty(0)
        self.C: dict[tuple[int, int], FloatArray] = {}

    def start(self) -> FloatArray:
        """Return equal weights, composites scaled to variance 1."""
        self._normalise(np.ones_like(self.sd))
        return self.w

    def step(self) -> FloatArray:
        """Return the next weights: covariances with the own inner proxy."""
        w = np.empty_like(self.sd)
        plan = self.plan
        for t, block in enumerate(plan.blocks):
            out = w[block]
            (near, e), *others = self._inner(t)
            np.multiply(self._met(near, t), e * self.scale[near], out=out)
            for k, e in others:
                out += self._met(k, t) * (e * self.scale[k])
        w[plan.layout.fixed] = 1.0
        for at, inverse in zip(plan.layout.blocks_b, self.inverses, strict=True):
            w[at] = np.einsum("ijb,jb->ib", inverse, w[at])
        self._normalise(w)
        return self.w

    def take(self, rows: BoolArray) -> Many:
        """Keep some members."""
        at = np.flatnonzero(rows)
        kept = Many(
            tuple(c.take(at, axis=-1) for c in self.columns),
            self.sd.take(at, axis=-1),
            tuple(v.take(at, axis=-1) for v in self.inverses),
            self.plan,
        )
        kept.w = self.w.take(at, axis=-1)
        kept.scale = self.scale.take(at, axis=-1)
        kept.V = [v.take(at, axis=-1) for v in self.V]
        kept.C = {pair: c[at] for pair, c in self.C.items()}
        return kept

    def _normalise(self, w: FloatArray) -> None:
        """Scale composites to variance 1; one whose items cancel becomes NaN."""
        plan = self.plan
        V = []
        variance = np.empty((len(plan.blocks), w.shape[1]))
        size = np.empty_like(variance)
        u = w if self.unit else w * self.sd
        for k, block in enumerate(plan.blocks):
            v = np.einsum("pkb,kb->pb", self.columns[k], w[block])
            V.append(v)
            np.einsum("kb,kb->b", w[block], v[plan.places[k][k]], out=variance[k])
            np.einsum("kb,kb->b", u[block], u[block], out=size[k])
        nothing = variance <= CANCELLED * size
        if nothing.any():
            variance[nothing] = np.nan
        scale = 1.0 / np.sqrt(variance)
        for k, block in enumerate(plan.blocks):
            w[block] *= scale[k]
        self.w, self.V, self.scale = w, V, scale
        self.C = {}
        for j, k in plan.pairs:
            self.C[j, k] = np.einsum("ib,ib->b", w[plan.blocks[j]], self._met(k, j))
            self.C[j, k] *= scale[k]

    def _met(self, k: int, t: int) -> FloatArray:
        """Return what the items of construct t have in common with composite k."""
        return self.V[k][self.plan.places[k][t]]

    def _corr(self, j: int, k: int) -> FloatArray:
        return self.C[(j, k) if j < k else (k, j)]

    def _inner(self, t: int) -> list[tuple[int, FloatArray]]:
        """Return the constructs in the proxy of t and their inner weights (b,)."""
        plan = self.plan
        near = [(k, self._corr(k, t)) for k in plan.near[t]]
        if plan.scheme == "centroid":
            return [(k, np.sign(c)) for k, c in near]
        sources = plan.sources[t]
        if len(sources) < 2:
            return [*near, *((k, self._corr(k, t)) for k in sources)]
        return [*near, *zip(sources, self._betas(t, sources), strict=True)]

    def _betas(self, t: int, sources: tuple[int, ...]) -> list[FloatArray]:
        """Regress composite t on its predecessors, zero where collinear."""
        lower = [[self._corr(i, j) for j in sources if j < i] for i in sources]
        right = [self._corr(s, t) for s in sources]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return correlation_solve(lower, right)


class One:
    """A single member, each step in products of whole matrices."""

    def __init__(
        self,
        S: FloatArray,
        inverses: tuple[FloatArray, ...],
        layout: Layout,
        scheme: str,
    ) -> None:
        self.S = S
        self.sd = np.sqrt(S.diagonal())
        self.inverses = inverses
        self.layout = layout
        self.scheme = scheme
        self.M = membership(layout.owner, layout.q)
        self.every = np.arange(len(S))
        self.linked = (layout.adjacency | layout.adjacency.T).astype(np.float64)
        self.after = layout.adjacency.T.astype(np.float64)
        self.systems = _Systems.of(layout.adjacency) if scheme == "path" else None
        self.SW = self.C = np.empty(0)

    def iterate(self, settings: Settings) -> tuple[FloatArray, int, bool]:
        """Return the last weights (p,), how many steps they took, if they settled."""
        w = self._normalise(np.ones(len(self.S)))
        for step in range(1, settings.max_iter + 1):
            new = self.step()
            change = float(np.abs((new - w) * self.sd).max())
            w = new
            if not change > settings.tol:
                return w, step, bool(np.isfinite(change))
        return w, settings.max_iter, False

    def step(self) -> FloatArray:
        """Return the next weights: covariances with the own inner proxy."""
        w = (self.SW @ self._inner())[self.every, self.layout.owner]
        w[self.layout.fixed] = 1.0
        for at, inverse in zip(self.layout.blocks_b, self.inverses, strict=True):
            w[at] = inverse @ w[at]
        return self._normalise(w)

    def _normalise(self, w: FloatArray) -> FloatArray:
        W = w[:, None] * self.M
        SW = self.S @ W
        C = W.T @ SW
        variance = C.diagonal().copy()
        u = w * self.sd
        variance[variance <= CANCELLED * ((u * u) @ self.M)] = np.nan
        scale = 1.0 / np.sqrt(variance)
        self.SW = SW * scale
        self.C = C * scale * scale[:, None]
        return np.asarray(w * scale[self.layout.owner])

    def _inner(self) -> FloatArray:
        """Return inner weights E (q, q); column t holds those of proxy t."""
        if self.scheme == "centroid":
            return np.asarray(np.sign(self.C) * self.linked)
        if self.systems is None:
            return self.C * self.linked
        E = self.C * self.after
        self.systems.solve(self.C, E)
        return E


@dataclass(frozen=True)
class _Systems:
    """The regressions of the path scheme, padded to one size with the identity.

    Attributes
    ----------
    left : (T, k, k) where the entries of each system stand in C, flattened.
    keep, blank : (T, k, k) ones where they count, and the identity where not.
    right : (T, k) where the right-hand sides stand, and keep_right where they count.
    used : (m,) which solutions count, and places : (m,) where they go, flattened.
    """

    left: IntArray
    keep: FloatArray
    blank: FloatArray
    right: IntArray
    keep_right: FloatArray
    used: IntArray
    places: IntArray

    @classmethod
    def of(cls, adjacency: BoolArray) -> _Systems:
        """Lay out the systems of an adjacency matrix."""
        q = len(adjacency)
        target, source, used = padded(adjacency)
        source, used = source.T, used.T
        both = used[:, :, None] & used[:, None, :]
        right = source * q + target[:, None]
        return cls(
            left=source[:, :, None] * q + source[:, None, :],
            keep=both.astype(np.float64),
            blank=np.eye(used.shape[1]) * ~used[:, :, None],
            right=right,
            keep_right=used.astype(np.float64),
            used=np.flatnonzero(used),
            places=right[used],
        )

    def solve(self, C: FloatArray, E: FloatArray) -> None:
        """Put the coefficients into E (q, q) at [source, target]."""
        flat = C.ravel()
        A = flat.take(self.left) * self.keep + self.blank
        x = flat.take(self.right) * self.keep_right
        try:
            beta = np.linalg.solve(A, x[..., None])
        except np.linalg.LinAlgError:  # one system is singular: zero for that one
            beta = np.nan_to_num(spd_solve(A, x[..., None])[0])
        E.put(self.places, beta.take(self.used))
