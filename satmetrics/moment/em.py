"""EM moments: maximum likelihood from incomplete answers, and their resamples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._result import Record
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import NotIdentifiedError
from satmetrics.moment import _em as kernel
from satmetrics.moment import _em_information as information
from satmetrics.moment import _em_walk as walk
from satmetrics.moment.designs import Sampled
from satmetrics.moment.moments import Moments
from satmetrics.moment.row_units import RowUnits


@dataclass(frozen=True, eq=False)
class PatternMoments(Record):
    """Moments of each missing-data pattern: all that normal likelihoods need.

    Attributes
    ----------
    names : the p items.
    seen : (K, p), True where the rows of a pattern have an answer.
    n : (K,) rows.
    weight_sum : (K,)
    mean : (K, p), NaN where not answered.
    cov : (K, p, p), divisor Σw (maximum likelihood), NaN where not answered.
    """

    names: tuple[str, ...]
    seen: BoolArray
    n: IntArray
    weight_sum: FloatArray
    mean: FloatArray
    cov: FloatArray

    @classmethod
    def of(
        cls, names: tuple[str, ...], X: FloatArray, w: FloatArray | None = None
    ) -> PatternMoments:
        """Summarise answers X (n, p), NaN where missing; rows without any are left."""
        there = np.isfinite(X)
        keep = there.any(axis=1)
        X, there = X[keep], there[keep]
        w = np.ones(len(X)) if w is None else w[keep]
        seen, at = kernel.patterns_of(there)
        K, p = seen.shape
        mean, cov = np.full((K, p), np.nan), np.full((K, p, p), np.nan)
        for k in range(K):
            rows, o = at == k, np.flatnonzero(seen[k])
            x, v = X[np.ix_(rows, o)], w[rows] / w[rows].sum()
            mean[k, o] = v @ x
            d = x - mean[k, o]
            cov[k, o[:, None], o] = (d * v[:, None]).T @ d
        n = np.bincount(at).astype(np.int64)
        W = np.bincount(at, w).astype(np.float64)
        return cls(names, seen, n, W, mean, cov)

    def log_likelihood(self, mean: FloatArray, cov: FloatArray) -> float:
        """Return the normal log-likelihood of the answers given, at μ (p,), Σ (p, p).

        Σ has divisor n: for EM moments it is ``cov`` times (n − 1)/n.
        """
        return information.log_likelihood(
            mean, cov, self.seen, self.weight_sum, self.mean, self.cov
        )


@dataclass(frozen=True, eq=False)
class EmUnits(RowUnits):
    """Respondents with missing answers, drawn again and estimated again."""

    @cached_property
    def plan(self) -> kernel.Plan:
        """Rows sorted by what is missing."""
        return kernel.Plan.of(self.X, self.w)

    @cached_property
    def whole(self) -> Estimated:
        """Moments of all units once, where the resamples' iterations start."""
        return self._estimated(np.ones((1, len(self.X))), None)

    def of_rows(self, counts: FloatArray) -> Moments:
        """Return a batch of EM moments for counts (B, n) of the rows."""
        return self._estimated(counts, self.whole.moments).moments

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return EM moments of resamples; see `RowUnits.moments`."""
        return (
            self.whole.moments.group(0) if counts is None else super().moments(counts)
        )

    def _estimated(self, counts: FloatArray, start: Moments | None) -> Estimated:
        state = kernel.state_of(self.plan, counts)
        reasons = unfit(self.names, state)
        mean, cov = state.start()
        if start is not None and np.isfinite(start.cov).all():
            mean = np.repeat(start.mean - self.shift, len(counts), axis=0)
            cov = np.repeat(start.cov, len(counts), axis=0)
        usable = np.array([not reason for reason in reasons])
        found = walk.fit_em(self.plan, counts, mean, cov, usable)
        good = found.converged
        W, W2 = counts @ self.w, counts @ self.w**2
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(good, W / (W - W2 / W), np.nan)
            n_eff = W**2 / W2
        made = Moments(
            names=self.names,
            n=np.rint(counts.sum(axis=1)).astype(np.int64),
            mean=self.shift + np.where(good[:, None], found.mean, np.nan),
            cov=found.cov * factor[:, None, None],
            n_eff=n_eff,
            weight_sum=W,
            kind="em",
            reasons=tuple(r or _ending(found, g) for g, r in enumerate(reasons)),
            context=self.context,
        )
        return Estimated(made, found)


@dataclass(frozen=True)
class Estimated:
    """A batch of EM moments, and where EM ended (about the shift, divisor Σw)."""

    moments: Moments
    solution: walk.EmSolution


def _ending(found: walk.EmSolution, g: int) -> str:
    if found.singular[g]:
        return "EM: the covariance matrix lost its inverse (collinear items, few rows)"
    if not found.converged[g]:
        return f"EM: not converged after {int(found.iterations[g])} steps"
    return ""


def unfit(names: tuple[str, ...], state: kernel.State) -> tuple[str, ...]:
    """Say, per member of a batch, why no normal distribution can be fitted."""
    out = [""] * len(state.rows)
    for g, i, j in np.argwhere(state.pairs < 2):
        both = f"answers to {names[i]}" if i == j else f"rows answer both {names[i]} "
        both += "" if i == j else f"and {names[j]}"
        out[g] = out[g] or f"fewer than two {both}"
    flat = state.flat()
    for g in np.flatnonzero(flat.any(axis=1)):
        items = ", ".join(names[i] for i in np.flatnonzero(flat[g])[:5])
        out[g] = out[g] or f"zero variance: {items}"
    for g in np.flatnonzero(state.rows <= len(names)):
        out[g] = out[g] or (
            f"EM needs more rows than items: {int(state.rows[g])} different rows with "
            f"an answer, {len(names)} items"
        )
    return tuple(out)


def em_groups(
    names: tuple[str, ...],
    groups: Sequence[tuple[FloatArray, FloatArray, FloatArray]],
    *,
    acov: bool,
    designs: Sequence[Sampled] | None = None,
) -> tuple[Moments, tuple[str, ...]]:
    """Return EM moments of groups as one batch, and notes on how they were found.

    Groups differ in their patterns and are done one by one.

    Parameters
    ----------
    names : the p items.
    groups : per group, rows (n, p) about their shift, weights (n,), shift (p,).
    acov : also give the covariance of all entries.
    designs : per group, clusters and strata of its rows, for `acov`; None if unknown.
    """
    known = [None] * len(groups) if designs is None else designs
    one_by_one = [
        _group(names, *group, acov=acov, sampled=design)
        for group, design in zip(groups, known, strict=True)
    ]
    found = [moments for moments, _ in one_by_one]

    def stacked(name: str) -> FloatArray:
        return np.stack([getattr(m, name) for m in found])

    made = Moments(
        names=names,
        n=stacked("n"),
        mean=stacked("mean"),
        cov=stacked("cov"),
        n_eff=stacked("n_eff"),
        weight_sum=stacked("weight_sum"),
        taylor=stacked("taylor"),
        acov=stacked("acov") if acov else None,
        kind="em",
        reasons=tuple(m.reasons[0] for m in found),
    )
    cells = sum(X.size for X, _, _ in groups)
    lost = sum(int(np.isnan(X).sum()) for X, _, _ in groups)
    patterns = sum(len(kernel.patterns_of(np.isfinite(X))[0]) for X, _, _ in groups)
    steps = max((steps for _, steps in one_by_one), default=0)
    note = (
        f"means and covariances by maximum likelihood (EM, normal theory): "
        f"{100 * lost / max(cells, 1):.1f} % of answers missing, "
        f"{patterns:,} patterns, {steps} steps"
    )
    return made, (note,)


def _group(
    names: tuple[str, ...],
    X: FloatArray,
    w: FloatArray,
    shift: FloatArray,
    *,
    acov: bool,
    sampled: Sampled | None,
) -> tuple[Moments, int]:
    """Return the EM moments of one group and the number of steps taken."""
    p = len(names)
    size = p + p * (p + 1) // 2
    both = np.full((size, size) if acov else (p, p), np.nan)
    if not len(X):
        return _nobody(names, both, acov=acov), 0
    units = EmUnits(names, shift, X, w)
    found = units.whole
    if not found.moments.reasons[0]:
        at = (found.solution.mean[0], found.solution.cov[0])
        if acov and sampled is not None:
            moved = information.influence(*at, units.plan)
            both = sampled.covariance(
                iter(moved.T), np.zeros(len(X), dtype=np.int64), 1
            )[0]
        else:
            both, sound = information.sandwich(*at, units.plan, full=acov)
            both = both if sound else np.full_like(both, np.nan)
    made = dataclasses.replace(
        found.moments.group(0), taylor=both[:p, :p], acov=both if acov else None
    )
    return made, int(found.solution.iterations[0])


def _nobody(names: tuple[str, ...], both: FloatArray, *, acov: bool) -> Moments:
    p = len(names)
    return Moments(
        names=names,
        n=0,
        mean=np.full(p, np.nan),
        cov=np.full((p, p), np.nan),
        taylor=both[:p, :p],
        acov=both if acov else None,
        kind="em",
        reasons=("no rows with an answer",),
    )


def require_identified(moments: Moments) -> None:
    """Raise for a single group without EM or polychoric moments."""
    if moments.reasons[0]:
        other = "leave it out of ordinal="
        if moments.kind == "em":
            other = 'use missing="pairwise" or "listwise"'
        raise NotIdentifiedError(
            moments.reasons[0],
            code=f"{moments.kind}-not-identified",
            value=int(moments.n),
            remedy=f"leave the item out, get more respondents, or {other}",
        )
