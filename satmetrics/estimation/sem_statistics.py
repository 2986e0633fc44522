"""All numbers of a `SemFit` for a batch of moments: what the bootstrap collects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _structure
from satmetrics.estimation._sem_minimise import minimise
from satmetrics.estimation._sem_solve import admissible
from satmetrics.estimation.sem_fiml import require_refittable
from satmetrics.estimation.sem_sample import as_sample, sample_covariances
from satmetrics.estimation.sem_structure import numbers_at
from satmetrics.estimation.statistics import reachable, side_by_side
from satmetrics.inference.protocol import Statistics
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

TESTED = ("path", "weight", "loading", "indirect", "total", "correlation")
TESTED_RAW = ("raw_indirect", "raw_total")
CHUNK = 100
"""Draws fitted at once: their matrices fit into a processor's cache."""


def statistics(fit: SemFit, moments: Moments) -> Statistics:
    """Fit a batch, starting at the solution of the fit; return its numbers.

    Columns: standardised path, weight, loading, indirect, total, correlation and r2;
    htmt, htmt_signed, and index where scales are known; raw_indirect and raw_total;
    every free parameter under "parameter". `labels` says which is which.
    """
    fit.require_numbers("resamples")
    size = len(moments.mean)
    parts = [
        _chunk(fit, moments.take(np.arange(a, min(a + CHUNK, size))))
        if size > CHUNK
        else _chunk(fit, moments)
        for a in range(0, max(size, 1), CHUNK)
    ]
    return Statistics(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.ok for part in parts]),
        np.concatenate([part.admissible for part in parts]),
        tuple(reason for part in parts for reason in part.reasons),
    )


def _chunk(fit: SemFit, moments: Moments) -> Statistics:
    theta, settled, proper, said = fit_again(fit, moments)
    values = _values(fit, moments, np.where(settled[:, None], theta, np.nan))
    reasons = tuple(
        "" if sound else _kind(why, outside=bool(ok))
        for ok, sound, why in zip(settled, proper, said, strict=True)
    )
    return Statistics(values, settled, proper, reasons)


def fit_again(
    fit: SemFit, moments: Moments
) -> tuple[FloatArray, BoolArray, BoolArray, tuple[str, ...]]:
    """Fit a batch, from the solution of the fit and without standard errors.

    Returns
    -------
    theta (b, t), converged (b,), admissible (b,), and reasons (b,) why not.
    """
    from satmetrics.estimation.sem_faults import faults, judged

    require_refittable(fit)
    table, how = fit.table, fit.options
    chosen = moments.select(fit.moments.names)
    S, mean, n = sample_covariances(fit.model, chosen, how, fit.ends)
    reasons = faults(table, S, n, chosen.reasons)
    good = np.array([not reason for reason in reasons])
    found = minimise(
        table.layout,
        as_sample(table, S, mean, good),
        np.repeat(fit.theta[None], len(S), axis=0),
        weight=how.weight,
        tol=how.tol,
        max_iter=how.max_iter,
    )
    settled = found.converged & found.identified & good
    proper = admissible(table.layout, found.theta) & settled
    said = tuple(
        reason or ("" if ok else judged(table, found, False, k))
        for k, (reason, ok) in enumerate(zip(reasons, proper, strict=True))
    )
    return found.theta, settled, proper, said


def _kind(reason: str, *, outside: bool) -> str:
    """Return a reason without the figures of one draw, so that draws can be counted.

    "negative variance: Value (-0.2)" is "inadmissible: negative variance: Value".
    """
    if reason.startswith("not converged"):
        return "not converged"
    words = re.sub(r" \(-?[0-9.e+-]+\)", "", reason)
    return f"inadmissible: {words}" if outside else words


def _values(fit: SemFit, moments: Moments, theta: FloatArray) -> FloatArray:
    model, table = fit.model, fit.table
    owner, q = model.owner(), len(model.names)
    turned = fit.turned(moments.select(model.indicators))
    R = cov_to_corr(turned.cov)
    lost = np.asarray(np.isnan(theta).any(axis=1))
    M = table.layout.groups[0].matrices(np.where(lost[:, None], fit.theta, theta))
    found = numbers_at(model, table, M)
    total = _structure.total_effects(found.paths)
    raw_total = _structure.total_effects(found.raw_paths)
    sources = {
        "path": found.paths,
        "weight": found.weights * found.sd,
        "loading": found.loadings,
        "indirect": total - found.paths,
        "total": total,
        "correlation": found.corr,
        "r2": found.r_squared,
        "htmt": _blocks.htmt(R, owner, q),
        "htmt_signed": _blocks.htmt(R, owner, q, signed=True),
        "index": _blocks.index_0_100(
            found.weights, turned.mean, fit.ends[0], fit.ends[1], owner, q
        ),
        "raw_indirect": raw_total - found.raw_paths,
        "raw_total": raw_total,
        "parameter": theta,
    }
    values = np.array(side_by_side(sources, _picks(fit)))
    values[lost] = np.nan
    return values


def labels(fit: SemFit) -> Table:
    """Return one row per column of `statistics`: what it is, and if 0 is a null."""
    names, nodes, items = fit.model.names, fit.model.nodes, fit.model.indicators
    owner, q, m = fit.model.owner(), len(names), len(nodes)
    tested = [*TESTED, *TESTED_RAW]
    rows: list[dict[str, str]] = []
    for term, at in _picks(fit).items():
        row = {"term": term, "test": "zero" if term in tested else ""}
        if term == "parameter":
            rows += _parameters(fit)
        elif term in ("weight", "loading"):
            rows += [
                row | {"construct": names[owner[i]], "indicator": items[i]} for i in at
            ]
        elif term in ("r2", "index"):
            rows += [row | {"construct": nodes[k]} for k in at]
        else:
            of, size = (names, q) if term.startswith("htmt") else (nodes, m)
            rows += [
                row | {"source": of[k // size], "target": of[k % size]} for k in at
            ]
    words = ("source", "target", "construct", "indicator", "name", "term", "test")
    return Table.of({w: [row.get(w, "") for row in rows] for w in words})


def _parameters(fit: SemFit) -> list[dict[str, str]]:
    """Return a row per free parameter; that a variance is 0 is no hypothesis here."""
    variances = {
        k
        for row, k in zip(fit.table.rows, fit.table.free, strict=True)
        if k >= 0 and row.op == "~~" and row.lhs == row.rhs
    }
    return [
        {"term": "parameter", "name": name, "test": "" if k in variances else "zero"}
        for k, name in enumerate(fit.table.names())
    ]


def _picks(fit: SemFit) -> dict[str, IntArray]:
    """Return, per term, the positions of its numbers in the flattened arrays."""
    model, q, m = fit.model, len(fit.model.names), len(fit.model.nodes)
    adjacency = model.adjacency()
    indirect = reachable(adjacency)
    starts = np.searchsorted(model.owner(), np.arange(q))
    spans = np.add.reduceat(fit.ends[1] - fit.ends[0], starts)
    every = np.arange(len(model.indicators))
    at = {name: i for i, name in enumerate(model.nodes)}
    paths = [at[p.source] * m + at[p.target] for p in model.paths]
    chained, total = np.flatnonzero(indirect), np.flatnonzero(indirect | adjacency)
    lower = np.flatnonzero(np.tril(np.ones((q, q)), -1))
    return {
        "path": np.array(paths, dtype=np.int64),
        "weight": every,
        "loading": every,
        "indirect": chained,
        "total": total,
        "correlation": np.flatnonzero(np.tril(np.ones((m, m)), -1)),
        "r2": np.flatnonzero(adjacency.any(axis=0)),
        "htmt": lower,
        "htmt_signed": lower,
        "index": np.flatnonzero(np.isfinite(spans)),
        "raw_indirect": chained,
        "raw_total": total,
        "parameter": np.arange(fit.table.n_free),
    }
