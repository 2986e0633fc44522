"""Models estimated in stages: each stage is a plain model on mapped moments.

A specification with higher-order constructs or interactions is compiled into plain
models. The indicators of each are linear in the columns of the data (the items, and
the products of items that interactions need), so that a stage's moments are a matrix
times those of the data, in a batch as for one group.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _stages as kernel
from satmetrics.estimation.design import Design, Run, composites, turned_of
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.solve import solve_moments
from satmetrics.models import respecify
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import Interaction
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products


def run(
    spec: StructuralModel,
    source: Moments,
    options: PlsOptions,
    ends: FloatArray,
    products: Products | None = None,
) -> Run:
    """Solve all stages of a specification.

    Parameters
    ----------
    source : moments of the items and of the product columns, one group or a batch.
    ends : (2, I) scale ends of the items.
    products : the product columns, where there are interactions.
    """
    nobody = np.zeros(1, dtype=np.bool_)
    if spec.interactions:
        if products is None:
            raise ValueError("interactions need product columns")
        design, earlier, nobody = _interacting(spec, source, options, ends, products)
    else:
        design, earlier = _measured(spec, source, options, ends)
    moments = design.of(source)
    solved = solve_moments(design.model, moments, options, design.ends)
    return Run(
        spec, design, source, moments, solved, earlier, products, no_residual=nobody
    )


def _plain(spec: StructuralModel, ends: FloatArray) -> Design:
    m = len(spec.indicators)
    return Design(spec, np.eye(m)[None], np.zeros((1, m)), ends, spec.indicators)


def _repeated(spec: StructuralModel, ends: FloatArray) -> Design:
    model = respecify.repeated(spec)
    original = {
        respecify.copy_of(h.name, item): item
        for h in spec.higher
        for item in spec.items_of(h.name)
    }
    columns = tuple(original.get(item, item) for item in model.indicators)
    at = [spec.indicators.index(item) for item in columns]
    rows = np.eye(len(spec.indicators))[at][None]
    return Design(model, rows, np.zeros((1, len(at))), ends[:, at], columns)


def _measured(
    spec: StructuralModel, source: Moments, options: PlsOptions, ends: FloatArray
) -> tuple[Design, tuple[Run, ...]]:
    """Lay out the last stage of a specification without interactions."""
    if spec.plain:
        return _plain(spec, ends), ()
    approach = spec.higher[0].approach
    if approach == "repeated":
        return _repeated(spec, ends), ()
    if approach == "embedded":
        first = dataclasses.replace(
            spec,
            higher=tuple(
                dataclasses.replace(h, approach="repeated") for h in spec.higher
            ),
        )
    else:
        respecified = {
            "two-stage": respecify.in_place_of,
            "saturated": respecify.saturated,
        }
        first = respecified[approach](spec)
    below = run(first, source, options, ends)
    keep = approach == "two-stage"
    return _of_scores(spec, below, ends, keep_items=keep), (below,)


def _of_scores(
    spec: StructuralModel, below: Run, ends: FloatArray, *, keep_items: bool
) -> Design:
    """Lay out a stage in which scores of the one before are indicators."""
    scores = composites(below)
    names = below.design.model.names
    scaled = {name: bool(scores.known[k]) for k, name in enumerate(names)}
    model = respecify.of_scores(spec, keep_items=keep_items, scaled=scaled)
    above = {h.name for h in spec.higher}
    B, _, P = scores.rows.shape
    rows, offset, limits, columns = [], [], [], []
    for construct in model.constructs:
        for item in construct.indicators:
            if keep_items and construct.name not in above:
                at = spec.indicators.index(item)
                rows.append(np.broadcast_to(np.eye(P)[at], (B, P)))
                offset.append(np.zeros(B))
                limits.append(ends[:, at])
                columns.append(item)
            else:
                k = names.index(item)
                rows.append(scores.index_rows[:, k])
                offset.append(scores.index_offset[:, k])
                limits.append(np.array([0.0, 100.0]) if scaled[item] else _UNKNOWN)
                columns.append("")
    return Design(
        model,
        np.stack(rows, axis=1),
        np.stack(offset, axis=1),
        np.stack(limits, axis=1),
        tuple(columns),
    )


_UNKNOWN = np.full(2, np.nan)


def _interacting(
    spec: StructuralModel,
    source: Moments,
    options: PlsOptions,
    ends: FloatArray,
    products: Products,
) -> tuple[Design, tuple[Run, ...], BoolArray]:
    """Lay out the last stage of a specification with interactions."""
    main = respecify.without_interactions(spec)
    items = source.select(main.indicators)
    below: Run | None = None
    if any(term.approach == "two-stage" for term in spec.interactions):
        below = run(main, items, options, ends)
        base, earlier = below.design, below.chain
    else:
        base, earlier = _measured(main, items, options, ends)
    made = {
        t.name: _product(t, base, below, source, products) for t in spec.interactions
    }
    names = {name: part.names for name, part in made.items()}
    model = respecify.with_products(base.model, spec, names)
    parts = list(made.values())
    extra = sum(len(part.names) for part in parts)
    padded = np.pad(base.rows, ((0, 0), (0, 0), (0, len(products.pairs))))
    blocks = [padded, *(part.rows for part in parts)]
    shifts = [base.offset, *(part.offset for part in parts)]
    B = max(len(block) for block in blocks)
    design = Design(
        model,
        np.concatenate([np.broadcast_to(b, (B, *b.shape[1:])) for b in blocks], axis=1),
        np.concatenate([np.broadcast_to(s, (B, s.shape[1])) for s in shifts], axis=1),
        np.hstack([base.ends, np.full((2, extra), np.nan)]),
        (*base.columns, *[""] * extra),
    )
    nobody = np.any([part.no_residual for part in parts], axis=0)
    return design, earlier, np.asarray(nobody)


@dataclass(frozen=True)
class _Product:
    names: tuple[str, ...]
    rows: FloatArray
    offset: FloatArray
    no_residual: BoolArray


def _product(
    term: Interaction,
    base: Design,
    below: Run | None,
    source: Moments,
    products: Products,
) -> _Product:
    """Return the indicators of an interaction as rows over all columns."""
    mean, cov = source.mean, source.cov
    if not source.batch_shape:
        mean, cov = mean[None], cov[None]
    centre = np.array(products.centre)
    d = mean[:, : len(centre)] - centre
    names: tuple[str, ...] = (term.name,)
    if term.approach == "two-stage":
        u, v = factor_rows(term, below)
    else:
        names, at, Z = _standardized(term, base, cov[:, : len(d[0]), : len(d[0])])
        u, v = Z[:, at[0]], Z[:, at[1]]
    rows, offset = kernel.products(u, v, d, centre, products.positions())
    nobody = np.zeros(len(rows), dtype=np.bool_)
    if term.approach == "orthogonal":
        linear = base.rows[:, sorted({*at[0], *at[1]})]
        linear = np.broadcast_to(linear, (len(rows), *linear.shape[1:]))
        linear = np.pad(linear, ((0, 0), (0, 0), (0, len(products.pairs))))
        rows, ok = kernel.residuals(rows, linear, cov)
        offset, nobody = -np.einsum("bkp,bp->bk", rows, mean), ~ok
    return _Product(names, rows, offset, nobody)


def _standardized(
    term: Interaction, base: Design, cov: FloatArray
) -> tuple[tuple[str, ...], tuple[list[int], list[int]], FloatArray]:
    """Return names and members of all pairs of indicators, and standardised rows.

    Parameters
    ----------
    cov : (B, I, I) of the items.
    """
    X = np.broadcast_to(base.rows, (len(cov), *base.rows.shape[1:]))
    sign = np.where(turned_of(base.model), -1.0, 1.0)
    variance = kernel.variances(X, cov)
    Z = X * (sign / np.sqrt(np.where(variance > 0, variance, np.nan)))[:, :, None]
    first, second = (base.block(factor) for factor in term.factors)
    pairs = [
        (a, b)
        for a in range(first.start, first.stop)
        for b in range(second.start, second.stop)
        if not term.quadratic or a <= b
    ]
    items = base.model.indicators
    names = tuple(f"{items[a]}*{items[b]}" for a, b in pairs)
    return names, ([a for a, _ in pairs], [b for _, b in pairs]), Z


def factor_rows(term: Interaction, stage: Run | None) -> tuple[FloatArray, FloatArray]:
    """Return rows (B, 1, I) of the scores of an interaction's two factors."""
    if stage is None:
        raise ValueError("scores need a stage before")
    scores, names = composites(stage), stage.design.model.names
    first, second = (names.index(factor) for factor in term.factors)
    return scores.rows[:, [first]], scores.rows[:, [second]]
