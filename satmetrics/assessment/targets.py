"""What is predicted of a fit, and what predicts it: items behind all its stages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.assessment import _prediction as kernel
from satmetrics.errors import SpecificationError
from satmetrics.estimation import _stages
from satmetrics.estimation.fit import PlsFit
from satmetrics.models.model import StructuralModel


@dataclass(frozen=True)
class _Route:
    """How an item hangs on a construct: by its loading, or through a component's score.

    Attributes
    ----------
    column : the item's position among the columns of the data.
    construct : position of the construct in the last stage.
    owner : name of the construct it measures: this one, or its component.
    first : stage in which it has its loading; −1 is the last.
    at : its position among the indicators there.
    score : position of the component's score among those of the last stage, or −1.
    """

    column: int
    construct: int
    owner: str
    first: int
    at: int
    score: int


@dataclass(frozen=True, eq=False)
class Targets:
    """Predicted items and constructs, in the order of the columns of the data.

    Attributes
    ----------
    routes : one per predicted item.
    constructs : (t,) positions of the predicted constructs.
    paths : (q, q), True where a path leads from one to the other.
    held : (q, P), True where a construct is made of an item.
    products : (q,), True for interactions.
    circular : names of constructs that are not predicted, since their predictors are
        made of the same items.
    """

    routes: tuple[_Route, ...]
    constructs: IntArray
    paths: BoolArray
    held: BoolArray
    products: BoolArray
    circular: tuple[str, ...]

    @classmethod
    def of(cls, fit: PlsFit, *, earliest: bool) -> Targets:
        """Find what can be predicted.

        Raises
        ------
        SpecificationError
            If all that is endogenous is predicted by its own items.
        """
        adjacency = fit.model.adjacency()
        exogenous = np.asarray(~adjacency.any(axis=0))
        paths = adjacency.astype(np.float64)
        sources = kernel.reach(paths, exogenous, earliest=earliest) != 0
        routes = {k: _routes(fit, k) for k in range(len(adjacency))}
        held = _held(fit, routes)
        # A construct is predicted from itself where the two share an item.
        seen = sources.T.astype(np.float64) @ held > 0
        inner = np.flatnonzero(~exogenous)
        circular = (held & seen).any(axis=1) & ~exogenous
        kept: dict[int, _Route] = {}
        for k in inner.tolist():
            for route in routes[k]:
                if not seen[k, route.column]:
                    kept.setdefault(route.column, route)
        named = tuple(fit.model.names[k] for k in np.flatnonzero(circular))
        if not kept:
            raise SpecificationError(
                f"{', '.join(named)} would be predicted by items it is made of itself",
                code="self-predicted",
                column=named[0],
                remedy='use approach "two-stage" for the higher-order construct',
            )
        return cls(
            routes=tuple(kept[column] for column in sorted(kept)),
            constructs=np.flatnonzero(~exogenous & ~circular),
            paths=adjacency,
            held=held,
            products=np.isin(fit.model.names, [t.name for t in fit.spec.interactions]),
            circular=named,
        )

    @property
    def items(self) -> IntArray:
        """Columns (m,) of the predicted items."""
        return np.array([route.column for route in self.routes])

    @property
    def owner(self) -> IntArray:
        """Construct of the last stage (m,) that predicts each item."""
        return np.array([route.construct for route in self.routes])

    def slopes(self, fits: PlsFit) -> FloatArray:
        """Return (F, m): change of each answer with its construct, loading times sd."""
        sd = fits.source.sd[..., self.items]
        if fits.options.divisor == "n":
            n = np.asarray(fits.source.n_eff, dtype=np.float64)[..., None]
            sd = sd * np.sqrt((n - 1) / n)
        parts = []
        for route in self.routes:
            stage = fits if route.first < 0 else fits.earlier[route.first]
            loading = stage.loadings[..., route.at] * signs(stage.model)[route.at]
            if route.score >= 0:
                loading = loading * fits.loadings[..., route.score]
            parts.append(loading)
        return np.asarray(np.stack(parts, axis=-1) * sd)

    def regressions(self, linear: str) -> tuple[tuple[IntArray, IntArray], ...]:
        """Return predictors and targets of the linear model, as columns of the data.

        Interactions have no items of their own, and products are none.
        """
        items, owner = self.items, self.owner
        held = np.where(self.products[:, None], False, self.held)
        if linear == "exogenous":
            used = held[~self.paths.any(axis=0)].any(axis=0)
            return ((np.setdiff1d(np.flatnonzero(used), items), items),)
        found = []
        for t in np.unique(owner):
            if linear == "direct":
                used = held[self.paths[:, t]].any(axis=0)
            else:
                used = held.any(axis=0) & ~held[t]
            y = items[owner == t]
            found.append((np.setdiff1d(np.flatnonzero(used), y), y))
        return tuple(found)


def rows_of(fits: PlsFit) -> FloatArray:
    """Return weights (F, P, q) of the data's columns in the last stage's scores."""
    c = np.atleast_2d(fits.raw_weights() * signs(fits.model))
    owner, q = fits.model.owner(), len(fits.model.names)
    m = len(owner)
    rows = np.eye(m)[None] if fits.staged is None else fits.staged.matrix
    rows = rows.reshape(-1, m, rows.shape[-1])
    made = _stages.composites(rows, c, np.searchsorted(owner, np.arange(q)))
    return np.swapaxes(made, 1, 2)


def signs(model: StructuralModel) -> FloatArray:
    """Return (p,): −1 for reversed indicators, whose weights are of turned answers."""
    turned = {item for c in model.constructs for item in c.reverse}
    return np.array([-1.0 if item in turned else 1.0 for item in model.indicators])


def _routes(fit: PlsFit, k: int) -> list[_Route]:
    """Return how items hang on construct k of the last stage."""
    found = []
    at_column = {name: i for i, name in enumerate(fit.source.names)}
    for i in np.flatnonzero(fit.model.owner() == k).tolist():
        name, column = fit.model.indicators[i], fit.columns[i]
        if column:
            own = fit.model.names[k]
            found.append(_Route(at_column[column], k, own, -1, i, -1))
            continue
        for s, stage in enumerate(fit.earlier):
            if name not in stage.model.names:
                continue
            block = stage.model.owner() == stage.model.names.index(name)
            for j in np.flatnonzero(block).tolist():
                at = at_column[stage.columns[j]]
                found.append(_Route(at, k, name, s, j, i))
            break
    return found


def _held(fit: PlsFit, routes: dict[int, list[_Route]]) -> BoolArray:
    """Return (q, P), True where a construct is made of an item."""
    names = fit.model.names
    held = np.zeros((len(names), len(fit.source.names)), dtype=np.bool_)
    for k, own in routes.items():
        held[k, [route.column for route in own]] = True
    for term in fit.spec.interactions:
        for factor in term.factors:
            held[names.index(term.name)] |= held[names.index(factor)]
    return held
