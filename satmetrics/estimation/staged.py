"""What a staged fit says beyond its last stage: its record, statistics and rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table, stack
from satmetrics._result import Record
from satmetrics._typing import FloatArray
from satmetrics.estimation import _stages as kernel
from satmetrics.estimation import statistics as plain
from satmetrics.estimation.stages import Run, composites, run
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


def statistics(fit: PlsFit, moments: Moments) -> Statistics:
    """Return the numbers of a staged fit for a batch of moments of its columns.

    Those of the last stage, then weights and loadings of what earlier stages measure,
    then two numbers per effect that is moderated (see `labels`).
    """
    stage = _run(fit, moments)
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
    effect of a construct when its moderators are at their means.
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


def _run(fit: PlsFit, moments: Moments) -> Run:
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
    size: dict[str, FloatArray] = {}
    linear: dict[str, FloatArray] = {}
    for term in fit.spec.interactions:
        size[term.name], linear[term.name] = _scale_of(term, stage)
    joint, made = {}, {term.name: term for term in fit.spec.interactions}
    for name, target in moderated(fit.spec):
        path = paths[:, names.index(name), names.index(target)]
        joint[name, target] = path / size[name]
    out = list(joint.values())
    for factor, target in slopes(fit.spec):
        slope = paths[:, names.index(factor), names.index(target)]
        for (name, to), c in joint.items():
            factors = made[name].factors
            if to == target and factor in factors:
                slope = slope - c * linear[name][:, factors.index(factor)]
        out.append(slope)
    return np.stack(out, axis=1)


def _scale_of(term: Interaction, stage: Run) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviation (B,) of a product of standardised scores.

    And the coefficients (B, 2) of what approach "orthogonal" has taken out of it.
    """
    cov = stage.source.cov
    if term.approach == "two-stage":
        rows = stage.design.rows[:, stage.design.block(term.name)]
        return np.sqrt(kernel.variances(rows, cov)[:, 0]), np.zeros((len(cov), 2))
    products = stage.products or Products((), (), ())
    centre = np.array(products.centre)
    n_items = len(centre)
    scores, names = composites(stage), stage.design.model.names
    u, v = (scores.rows[:, names.index(f)] for f in term.factors)
    x, m = u[:, None, :n_items], v[:, None, :n_items]
    d = stage.source.mean[:, :n_items] - centre
    rows, _ = kernel.products(x, m, d, centre, products.positions())
    free = term.approach == "orthogonal"
    return kernel.product_scale(u, v, rows[:, 0], cov, free=free)
