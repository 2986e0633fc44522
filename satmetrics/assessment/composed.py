"""What constructs are made of: composites of all stages as rows over the items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation.design import Run, composites
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.staged import below, solve_again
from satmetrics.models.model import Construct
from satmetrics.moment.moments import Moments


@dataclass(frozen=True, eq=False)
class Composed:
    """The constructs of a fit, those measured in earlier stages only last.

    Attributes
    ----------
    fit : the fit, of one group or a batch.
    constructs : each as the plain model of its stage has it.
    stages : the stage of each; −1 is the last.
    """

    fit: PlsFit
    constructs: tuple[Construct, ...]
    stages: tuple[int, ...]

    @classmethod
    def of(cls, fit: PlsFit) -> Composed:
        """Find the constructs; one whose score stands in the last stage is there."""
        made = [(-1, c) for c in fit.model.constructs]
        made += [
            (k, fit.earlier[k].model.construct(name))
            for k, name in below(fit)
            if name not in fit.model.names
        ]
        return cls(fit, tuple(c for _, c in made), tuple(k for k, _ in made))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the constructs."""
        return tuple(c.name for c in self.constructs)

    def product(self, which: int) -> bool:
        """Whether a construct is an interaction, and made of no items."""
        made = {term.name for term in self.fit.spec.interactions}
        return self.constructs[which].name in made

    def untested(self, which: int) -> bool:
        """Whether a construct is no composite of items: an interaction or a factor."""
        return self.product(which) or self.constructs[which].kind == "factor"

    def fixed(self, which: int) -> bool:
        """Whether a construct has the same weights in any data: one item, or a sum."""
        return _fixed(self.fit, self.stages[which], self.constructs[which])

    def solve(self, moments: Moments) -> tuple[Run, FloatArray]:
        """Return the stages solved for a batch of moments, and the weights they make.

        Returns
        -------
        The run, and weights (B, k, I) of the items in the metric of the fit
        (standardised within each member, or as given); NaN for interactions.
        """
        run = solve_again(self.fit, moments)
        items = len(self.fit.spec.indicators)
        rows = {}
        for k in set(self.stages):
            stage = run if k < 0 else run.earlier[k]
            rows[k] = composites(stage).rows[..., :items]
        parts = []
        for k, construct in zip(self.stages, self.constructs, strict=True):
            names = (self.fit if k < 0 else self.fit.earlier[k]).model.names
            parts.append(rows[k][:, names.index(construct.name)])
        weights = np.stack(parts, axis=1)
        if self.fit.options.metric == "standardized":
            weights = weights * np.atleast_2d(run.source.sd)[:, None, :items]
        weights[:, [self.product(i) for i in range(len(parts))]] = np.nan
        return run, weights


def _fixed(fit: PlsFit, stage: int, construct: Construct) -> bool:
    model = fit if stage < 0 else fit.earlier[stage]
    owner = model.model.owner() == model.model.names.index(construct.name)
    columns = [c for c, own in zip(model.columns, owner, strict=True) if own]
    if all(columns):
        return len(columns) == 1 or construct.mode == "sum"
    if len(columns) > 1 or not fit.earlier:
        return False
    for k, earlier in enumerate(fit.earlier):
        if construct.indicators[0] in earlier.model.names:
            own = earlier.model.construct(construct.indicators[0])
            return _fixed(fit, k, own)
    return False
