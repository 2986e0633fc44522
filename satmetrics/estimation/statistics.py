"""All numbers of a PLS fit for a batch of moments: what the bootstrap collects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _structure
from satmetrics.estimation.solve import Solved, solve_moments
from satmetrics.inference.protocol import Statistics
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.fit import PlsFit
    from satmetrics.models.model import StructuralModel


TESTED = ("path", "weight", "loading", "indirect", "total")
"""Terms for which the hypothesis that the number is 0 means something."""


def reachable(adjacency: BoolArray) -> BoolArray:
    """Return (q, q), True where a chain of at least two paths leads from i to j."""
    step = adjacency.astype(np.float64)
    total = _structure.total_effects(step)
    return np.asarray(total - step > 0)


def statistics(fit: PlsFit, moments: Moments) -> Statistics:
    """Fit a batch and return its numbers side by side.

    Columns: path, weight, loading, indirect, total, r2, htmt, htmt_signed, and index
    where scales are known; `labels` says which is which. A fit in stages has more.
    """
    if fit.staged is not None:
        from satmetrics.estimation import staged

        return staged.statistics(fit, moments)
    return of_solved(fit, solve_moments(fit.model, moments, fit.options, fit.ends))


def of_solved(fit: PlsFit, solved: Solved) -> Statistics:
    """Return the numbers of the model of a fit, solved for a batch of moments."""
    solution, turned = solved.solution, solved.moments
    R = solved.S if fit.options.metric == "standardized" else cov_to_corr(turned.cov)
    owner, q = fit.model.owner(), len(fit.model.names)
    total = _structure.total_effects(solution.paths)
    sources: dict[str, FloatArray] = {
        "path": solution.paths,
        "weight": solution.weights,
        "loading": solution.loadings,
        "indirect": total - solution.paths,
        "total": total,
        "r2": solution.r2,
        "htmt": _blocks.htmt(R, owner, q),
        "htmt_signed": _blocks.htmt(R, owner, q, signed=True),
        "index": _blocks.index_0_100(
            solved.raw_weights(), turned.mean, fit.ends[0], fit.ends[1], owner, q
        ),
    }
    values = side_by_side(sources, _picks(fit))
    ok = solution.converged
    admissible = ok & ~solved.violated.any(axis=1)
    reasons = [""] * len(ok)
    for i in np.flatnonzero(~admissible):
        reasons[i] = solved.reason(int(i)) or "not a number"
    return Statistics(values, ok, admissible, tuple(reasons))


def side_by_side(
    sources: Mapping[str, FloatArray], picks: Mapping[str, IntArray]
) -> FloatArray:
    """Pick numbers of each source into columns (B, k); the batch is last in memory."""
    rows = [
        np.moveaxis(sources[name], 0, -1).reshape(-1, len(sources[name])).take(at, 0)
        for name, at in picks.items()
    ]
    values = np.concatenate(rows)
    unfit = ~np.isfinite(values)
    if unfit.any():
        values[unfit] = np.nan
    return values.T


def labels(fit: PlsFit) -> Table:
    """Return one row per column of `statistics`: what it is, and if 0 is a null."""
    if fit.staged is not None:
        from satmetrics.estimation import staged

        return staged.labels(fit)
    return plain_labels(fit)


def plain_labels(fit: PlsFit) -> Table:
    """Return one row per column of `of_solved`."""
    names, items = fit.model.names, fit.model.indicators
    owner, q = fit.model.owner(), len(fit.model.names)
    rows: list[dict[str, str]] = []
    for term, at in _picks(fit).items():
        row = {"term": term, "test": "zero" if term in TESTED else ""}
        if term in ("weight", "loading"):
            rows += [
                row | {"construct": names[owner[i]], "indicator": items[i]} for i in at
            ]
        elif term in ("r2", "index"):
            rows += [row | {"construct": names[k]} for k in at]
        else:
            rows += [
                row | {"source": names[k // q], "target": names[k % q]} for k in at
            ]
    words = ("source", "target", "construct", "indicator", "term", "test")
    return Table.of({w: [row.get(w, "") for row in rows] for w in words})


def _picks(fit: PlsFit) -> dict[str, IntArray]:
    """Return, per term, the positions of its numbers in the flattened arrays."""
    model, q = fit.model, len(fit.model.names)
    adjacency = model.adjacency()
    indirect = reachable(adjacency)
    starts = np.searchsorted(model.owner(), np.arange(q))
    spans = np.add.reduceat(fit.ends[1] - fit.ends[0], starts)
    every = np.arange(len(model.indicators))
    lower = np.flatnonzero(np.tril(np.ones((q, q)), -1))
    return {
        "path": np.array([i * q + j for i, j in _path_order(model)], dtype=np.int64),
        "weight": every,
        "loading": every,
        "indirect": np.flatnonzero(indirect),
        "total": np.flatnonzero(indirect | adjacency),
        "r2": np.flatnonzero(adjacency.any(axis=0)),
        "htmt": lower,
        "htmt_signed": lower,
        "index": np.flatnonzero(np.isfinite(spans)),
    }


def _path_order(model: StructuralModel) -> list[tuple[int, int]]:
    at = {name: i for i, name in enumerate(model.names)}
    return [(at[p.source], at[p.target]) for p in model.paths]
