"""What a staged fit says beyond its last stage: its record, statistics and rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table, stack
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation import _stages as kernel
from satmetrics.estimation import statistics as plain
from satmetrics.estimation.design import Run, composites
from satmetrics.estimation.stages import run
from satmetrics.inference.protocol import Statistics
from satmetrics.models.model import StructuralModel
from satmetrics.models.terms import Interaction
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products

if TYPE_CHECKING:
    from satmetrics.estimation.fit import PlsFit


@dataclass(frozen=True, eq=False)
class Staged(Record):
    """How the last stage of a fit follows from the columns of the data.

    Attributes
    ----------
    spec : the specification, with its higher-order constructs and interactions.
    source : moments of the columns of the data: items, and products of items.
    earlier : fits of the stages before, first to last.
    matrix : (…, m, P) and
    offset : (…, m): the indicators of the last stage are ``matrix @ columns + offset``.
    columns : per indicator of the last stage the column it is, "" where it is made.
    """

    spec: StructuralModel
    source: Moments
    earlier: tuple[PlsFit, ...]
    matrix: FloatArray
    offset: FloatArray
    columns: tuple[str, ...]

    def group(self, which: int) -> Staged:
        """Return one group of a batch."""
        return dataclasses.replace(
            self,
            source=self.source.group(which),
            earlier=tuple(fit.group(which) for fit in self.earlier),
            matrix=self.matrix[which],
            offset=self.offset[which],
        )

    def take(self, rows: IntArray) -> Staged:
        """Return the given groups of a batch, as a batch."""
        return dataclasses.replace(
            self,
            source=self.source.take(rows),
            earlier=tuple(fit.take(rows) for fit in self.earlier),
            matrix=self.matrix[rows],
            offset=self.offset[rows],
        )


def statistics(fit: PlsFit, moments: Moments) -> Statistics:
    """Return the numbers of a staged fit for a batch of moments of its columns.

    Those of the last stage, then weights and loadings of what earlier stages measure,
    then two numbers per effect that is moderated (see `labels`).
    """
    stage = solve_again(fit, moments)
    found = plain.of_solved(fit, stage.solved)
    parts = [found.values]
    for k, construct in below(fit):
        solved, block = stage.earlier[k].solved, _block(fit.earlier[k].model, construct)
        parts += [solved.solution.weights[:, block], solved.solution.loadings[:, block]]
    if fit.spec.interactions:
        parts.append(_moderation(fit, stage))
    values = np.hstack(parts)
    values[~np.isfinite(values)] = np.nan
    ok, admissible = stage.converged, stage.admissible
    reasons = [
        "" if sound else stage.reason(g) or "not a number"
        for g, sound in enumerate(admissible)
    ]
    return Statistics(values, ok, admissible, tuple(reasons))


def labels(fit: PlsFit) -> Table:
    """Return one row per column of `statistics`.

    ``moderation``: what one standard deviation of the moderator adds to the effect of
    the predictor, the coefficient of the product of standardised scores. ``slope``: the
    effect of a construct when its moderators are at their means. An interaction that
    product indicators measure counts by its projection on the scores and their product.
    """
    rows = []
    for k, construct in below(fit):
        items = fit.earlier[k].model.construct(construct).indicators
        for term in ("weight", "loading"):
            rows += [(term, "", "", construct, item) for item in items]
    for term in ("moderation", "slope"):
        found = moderated(fit.spec) if term == "moderation" else slopes(fit.spec)
        rows += [(term, *pair, "", "") for pair in found]
    if not rows:
        return plain.plain_labels(fit)
    words = ("term", "source", "target", "construct", "indicator")
    columns: dict[str, object] = dict(zip(words, zip(*rows, strict=True), strict=True))
    own = Table.of({**columns, "test": ["zero"] * len(rows)})
    return stack([plain.plain_labels(fit), own])


def below(fit: PlsFit) -> list[tuple[int, str]]:
    """Return (stage, construct) of what items measure in earlier stages only."""
    last = {(c.name, c.indicators) for c in fit.model.constructs}
    found = []
    for k, stage in enumerate(fit.earlier):
        for c in stage.model.constructs:
            columns = stage.columns[_block(stage.model, c.name)]
            if (c.name, c.indicators) not in last and columns == c.indicators:
                found.append((k, c.name))
    return found


def moderated(spec: StructuralModel) -> list[tuple[str, str]]:
    """Return (interaction, target) of every path of an interaction."""
    made = {term.name for term in spec.interactions}
    return [(p.source, p.target) for p in spec.paths if p.source in made]


def slopes(spec: StructuralModel) -> list[tuple[str, str]]:
    """Return (construct, target) of every effect that an interaction moderates."""
    factors = {term.name: term.factors for term in spec.interactions}
    pairs = [(f, t) for name, t in moderated(spec) for f in factors[name]]
    return list(dict.fromkeys(pairs))


def _block(model: StructuralModel, construct: str) -> slice:
    where = np.flatnonzero(model.owner() == model.names.index(construct))
    return slice(int(where[0]), int(where[-1]) + 1)


def solve_again(fit: PlsFit, moments: Moments) -> Run:
    """Solve the specification of a fit for other moments of its columns."""
    source = moments.select(fit.source.names)
    return run(fit.spec, source, fit.options, item_ends(fit), fit.sampling.products)


def of_items(fit: PlsFit, ends: FloatArray) -> FloatArray:
    """Return ends (2, m) of a fit's indicators from those of its items (2, I).

    Scores keep theirs.
    """
    if fit.staged is None:
        return ends
    found = np.array(fit.ends)
    for i, column in enumerate(fit.staged.columns):
        if column:
            found[:, i] = ends[:, fit.spec.indicators.index(column)]
    return found


def item_ends(fit: PlsFit) -> FloatArray:
    """Return the scale ends (2, I) of the items of a fit's specification."""
    if fit.staged is None:
        return fit.ends
    found = np.full((2, len(fit.spec.indicators)), np.nan)
    for stage in (*fit.earlier, fit):
        for i, column in enumerate(stage.columns):
            if column:
                found[:, fit.spec.indicators.index(column)] = stage.ends[:, i]
    return found


def _moderation(fit: PlsFit, stage: Run) -> FloatArray:
    """Return moderation and slope columns (B, k), in the order of `labels`."""
    names, paths = fit.model.names, stage.solved.solution.paths
    parts = {term.name: _projected(term, stage) for term in fit.spec.interactions}
    joint = {
        (name, target): paths[:, names.index(name), names.index(target)]
        for name, target in moderated(fit.spec)
    }
    out = [path * parts[name].product for (name, _), path in joint.items()]
    for factor, target in slopes(fit.spec):
        slope = paths[:, names.index(factor), names.index(target)]
        for (name, to), path in joint.items():
            if to == target and factor in parts[name].linear:
                slope = slope + path * parts[name].linear[factor]
        out.append(slope)
    return np.stack(out, axis=1)


@dataclass(frozen=True)
class _Projected:
    """An interaction as ``Σ linear · factors + product · (x m)``, (B,) each."""

    product: FloatArray
    linear: dict[str, FloatArray]


def _projected(term: Interaction, stage: Run) -> _Projected:
    """Project an interaction's composite on its factors' scores and their product.

    In approach "two-stage" it is a product of scores already.
    """
    cov = stage.source.cov
    if term.approach == "two-stage":
        product = stage.design.rows[:, stage.design.block(term.name)]
        size = np.sqrt(kernel.variances(product, cov)[:, 0])
        return _Projected(1.0 / size, {})
    products = stage.products or Products((), (), ())
    centre = np.array(products.centre)
    n_items = len(centre)
    scores, names = composites(stage), stage.design.model.names
    rows = {name: scores.rows[:, names.index(name)] for name in term.factors}
    x, m = (rows[name][:, None, :n_items] for name in term.factors)
    d = stage.source.mean[:, :n_items] - centre
    made, _ = kernel.products(x, m, d, centre, products.positions())
    X = np.stack([*rows.values(), made[:, 0]], axis=1)
    z = scores.rows[:, names.index(term.name)]
    beta = kernel.projection(z, X, cov)
    return _Projected(beta[:, -1], dict(zip(rows, beta.T, strict=False)))
