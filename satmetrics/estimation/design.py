"""A stage of a fit: a plain model over the columns of the data, and its solution."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _stages as kernel
from satmetrics.estimation.solve import Solved
from satmetrics.models.model import StructuralModel
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
    reverse = turned_of(design.model)
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


def turned_of(model: StructuralModel) -> BoolArray:
    """Return (m,), True where an indicator is reversed."""
    turned = {item for c in model.constructs for item in c.reverse}
    return np.array([item in turned for item in model.indicators])
