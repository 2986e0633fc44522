"""All numbers of a PLS fit for a batch of moments: what the bootstrap collects."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _pls as kernel
from satmetrics.estimation.door import oriented
from satmetrics.inference.protocol import Statistics
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.fit import PlsFit
    from satmetrics.models.model import StructuralModel


def reachable(adjacency: BoolArray) -> BoolArray:
    """Return (q, q), True where a chain of at least two paths leads from i to j."""
    step = adjacency.astype(np.float64)
    total = kernel.total_effects(step)
    return np.asarray(total - step > 0)


def statistics(fit: PlsFit, moments: Moments) -> Statistics:
    """Fit a batch and return its numbers side by side.

    Columns: path, weight, loading, indirect, total, r2, htmt, htmt_signed, and index
    where scales are known.
    """
    refit = fit.refit(moments)
    labels, picks = _plan(fit)
    turned = oriented(fit.model, moments)
    R = cov_to_corr(turned.cov)
    owner, q = fit.model.owner(), len(fit.model.names)
    total = kernel.total_effects(refit.path_matrix)
    sources: dict[str, FloatArray] = {
        "path": refit.path_matrix,
        "weight": refit.weights,
        "loading": refit.loadings,
        "indirect": total - refit.path_matrix,
        "total": total,
        "r2": refit.r_squared,
        "htmt": _blocks.htmt(R, owner, q),
        "htmt_signed": _blocks.htmt(R, owner, q, signed=True),
        "index": _blocks.index_0_100(
            refit.raw_weights(), turned.mean, fit.ends[0], fit.ends[1], owner, q
        ),
    }
    flat = {name: value.reshape(len(value), -1) for name, value in sources.items()}
    values = np.concatenate([flat[name][:, at] for name, at in picks], axis=1)
    values[~np.isfinite(values)] = np.nan
    ok = refit.converged & np.isfinite(flat["path"]).all(axis=1)
    failed = Counter(refit.reasons[i] or "not a number" for i in np.flatnonzero(~ok))
    return Statistics(labels, values, ok, tuple(failed.items()))


def _plan(fit: PlsFit) -> tuple[Table, list[tuple[str, IntArray]]]:
    """Return the labels of all columns and where each block of them is found."""
    model = fit.model
    names, items, q = model.names, model.indicators, len(model.names)
    adjacency = model.adjacency()
    indirect = reachable(adjacency)
    lower = np.tril(np.ones((q, q), dtype=np.bool_), -1)
    inner = adjacency.any(axis=0)
    starts = np.searchsorted(model.owner(), np.arange(q))
    known = np.isfinite(np.add.reduceat(fit.ends[1] - fit.ends[0], starts))
    rows: list[dict[str, str]] = []
    picks: list[tuple[str, IntArray]] = []

    def pairs(term: str, mask: BoolArray, test: str) -> None:
        order = _path_order(model) if term == "path" else np.argwhere(mask)
        picks.append((term, np.array([i * q + j for i, j in order], dtype=np.int64)))
        rows.extend(
            {"term": term, "source": names[i], "target": names[j], "test": test}
            for i, j in order
        )

    def each(term: str, which: IntArray, test: str) -> None:
        picks.append((term, which))
        rows.extend({"term": term, "construct": names[k], "test": test} for k in which)

    def blocks(term: str) -> None:
        picks.append((term, np.arange(len(items))))
        rows.extend(
            {"term": term, "construct": names[k], "indicator": item, "test": "zero"}
            for k, item in zip(model.owner(), items, strict=True)
        )

    pairs("path", adjacency, "zero")
    blocks("weight")
    blocks("loading")
    pairs("indirect", indirect, "zero")
    pairs("total", indirect | adjacency, "zero")
    each("r2", np.flatnonzero(inner), "")
    pairs("htmt", lower, "")
    pairs("htmt_signed", lower, "")
    each("index", np.flatnonzero(known), "")
    words = ("source", "target", "construct", "indicator", "term", "test")
    columns = {w: [row.get(w, "") for row in rows] for w in words}
    return Table.of(columns), picks


def _path_order(model: StructuralModel) -> list[tuple[int, int]]:
    at = {name: i for i, name in enumerate(model.names)}
    return [(at[p.source], at[p.target]) for p in model.paths]
