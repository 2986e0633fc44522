"""Models estimated in stages: each stage is a plain model on mapped moments.

A specification with higher-order constructs or interactions is compiled into plain
models. The indicators of each are linear in the columns of the data (the items, and
the products of items that interactions need), so that a stage's moments are a matrix
times those of the data, in a batch as for one group.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _stages as kernel
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.solve import Solved, solve_moments
from satmetrics.models import respecify
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import Interaction
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products


@dataclass(frozen=True)
class Design:
    """A plain model whose indicators are rows over the columns of the data.

    Attributes
    ----------
    model : the plain model, m indicators.
    rows : (B or 1, m, P)
    offset : (B or 1, m), added to them.
    ends : (2, m) ends of each indicator's scale; those of a score are 0 and 100 where
        its items' are known.
    columns : per indicator the column of the data that it is, "" where it is made.
    """

    model: StructuralModel
    rows: FloatArray
    offset: FloatArray
    ends: FloatArray
    columns: tuple[str, ...]

    def of(self, source: Moments) -> Moments:
        """Return the moments of the indicators."""
        if self.columns == self.model.indicators:
            return source.select(self.columns)
        batched = bool(source.batch_shape)
        rows, offset = self.rows, self.offset
        if not batched:
            rows, offset = rows[0], offset[0]
        return source.linear(rows, self.model.indicators, offset)

    def block(self, construct: str) -> slice:
        """Return where the indicators of a construct stand."""
        at = self.model.names.index(construct)
        sizes = [len(c.indicators) for c in self.model.constructs]
        start = sum(sizes[:at])
        return slice(start, start + sizes[at])


@dataclass(frozen=True)
class Run:
    """A stage that was solved, and those before it.

    Attributes
    ----------
    spec : the specification whose last stage this is.
    design : its plain model over the columns of the data.
    source, moments : of those columns, and of its indicators.
    solved : the solution.
    earlier : the stages before it, first to last.
    products : the product columns of the data, or None.
    no_residual : (B,), True where nothing can be taken out of orthogonal products.
    """

    spec: StructuralModel
    design: Design
    source: Moments
    moments: Moments
    solved: Solved
    earlier: tuple[Run, ...] = ()
    products: Products | None = None
    no_residual: BoolArray = field(default_factory=lambda: np.zeros(1, dtype=np.bool_))

    @property
    def chain(self) -> tuple[Run, ...]:
        """All stages, first to last."""
        return (*self.earlier, self)

    @property
    def converged(self) -> BoolArray:
        """Whether every stage converged (B,)."""
        held = [run.solved.solution.converged for run in self.chain]
        return np.asarray(np.all(held, axis=0))

    @property
    def admissible(self) -> BoolArray:
        """Whether every stage converged to an admissible solution (B,)."""
        broken = [run.solved.violated.any(axis=1) for run in self.chain]
        return np.asarray(self.converged & ~np.any(broken, axis=0))

    def reason(self, g: int) -> str:
        """Return why member g has no sound solution: what the first stage says."""
        for run in self.chain:
            own = run.solved
            if own.solution.converged[g] and not own.violated[g].any():
                continue
            if run._no_residual(g):
                return "indicators are collinear: no product is orthogonal to them"
            why = own.reason(g)
            return why if run is self or not why else f"{why} (earlier stage)"
        return ""

    def _no_residual(self, g: int) -> bool:
        """Whether products of member g have no residual though all items vary."""
        items = np.array(self.design.columns) != ""
        varies = not bool((self.solved.flat[g] & items).any())
        return varies and bool(self.no_residual[min(g, len(self.no_residual) - 1)])


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


@dataclass(frozen=True)
class Composites:
    """The constructs of a stage as rows over the columns of the data.

    Attributes
    ----------
    rows, offset : (B, q, P) and (B, q), of variance 1.
    index_rows, index_offset : the same on 0–100 where scales are known.
    known : (q,), whether they are.
    """

    rows: FloatArray
    offset: FloatArray
    index_rows: FloatArray
    index_offset: FloatArray
    known: BoolArray


def composites(stage: Run) -> Composites:
    """Return the composites of a stage: ``Σ w x`` with reversed indicators turned."""
    design, solved = stage.design, stage.solved
    w = solved.raw_weights()
    reverse = _reversed(design.model)
    q = len(design.model.names)
    starts = np.searchsorted(design.model.owner(), np.arange(q))
    c = np.where(reverse, -w, w)
    total = np.where(reverse, design.ends.sum(axis=0), 0.0)
    rows = kernel.composites(design.rows, c, starts)
    offset = np.add.reduceat(c * design.offset + w * total, starts, axis=1)
    low, high = (np.add.reduceat(w * end, starts, axis=1) for end in design.ends)
    known = np.isfinite(np.add.reduceat(design.ends.sum(axis=0), starts))
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.where(known, 100.0 / np.abs(high - low), 1.0)
        floor = np.where(known, np.minimum(low, high), 0.0)
    return Composites(
        rows,
        offset,
        stretch[:, :, None] * rows,
        stretch * (offset - floor),
        np.asarray(known),
    )


def _reversed(model: StructuralModel) -> BoolArray:
    turned = {item for c in model.constructs for item in c.reverse}
    return np.array([item in turned for item in model.indicators])


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
    mean, cov = (
        np.atleast_2d(source.mean),
        source.cov.reshape(-1, *source.cov.shape[-2:]),
    )
    centre = np.array(products.centre)
    d = mean[:, : len(centre)] - centre
    if term.approach == "two-stage":
        u, v = factor_rows(term, below)
        rows, offset = kernel.products(u, v, d, centre, products.positions())
        nobody = np.zeros(len(rows), dtype=np.bool_)
        return _Product((term.name,), rows, offset, nobody)
    blocks = [base.block(factor) for factor in term.factors]
    X = np.broadcast_to(base.rows, (len(mean), *base.rows.shape[1:]))
    own = cov[:, : len(centre), : len(centre)]
    sign = np.where(_reversed(base.model), -1.0, 1.0)
    variance = kernel.variances(X, own)
    Z = X * (sign / np.sqrt(np.where(variance > 0, variance, np.nan)))[:, :, None]
    indices = [range(block.start, block.stop) for block in blocks]
    pairs = [(a, b) for a in indices[0] for b in indices[1]]
    if term.quadratic:
        pairs = [(a, b) for a, b in pairs if a <= b]
    first, second = ([pair[k] for pair in pairs] for k in (0, 1))
    rows, offset = kernel.products(
        Z[:, first], Z[:, second], d, centre, products.positions()
    )
    items = base.model.indicators
    names = tuple(f"{items[a]}*{items[b]}" for a, b in pairs)
    nobody = np.zeros(len(rows), dtype=np.bool_)
    if term.approach == "orthogonal":
        at = sorted({i for pair in pairs for i in pair})
        linear = np.pad(X[:, at], ((0, 0), (0, 0), (0, len(products.pairs))))
        rows, ok = kernel.residuals(rows, linear, cov)
        offset, nobody = -np.einsum("bkp,bp->bk", rows, mean), ~ok
    return _Product(names, rows, offset, nobody)


def factor_rows(term: Interaction, stage: Run | None) -> tuple[FloatArray, FloatArray]:
    """Return rows (B, 1, I) of the scores of an interaction's two factors."""
    if stage is None:
        raise ValueError("scores need a stage before")
    scores, names = composites(stage), stage.design.model.names
    first, second = (names.index(factor) for factor in term.factors)
    return scores.rows[:, [first]], scores.rows[:, [second]]
