"""Moments in, PLS solution out: the step every fit and every resample shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _pls as kernel
from satmetrics.estimation.door import oriented
from satmetrics.estimation.options import PlsOptions
from satmetrics.models.model import StructuralModel
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments


@dataclass(frozen=True)
class Solved:
    """A batch of PLS solutions and what they were solved from.

    Attributes
    ----------
    model : the model.
    moments : with reversed indicators turned.
    S : (B, p, p), the matrices the algorithm worked on.
    flat : (B, p), True where an indicator is constant.
    solution : the kernel's record.
    max_iter : iterations allowed.
    """

    model: StructuralModel
    moments: Moments
    S: FloatArray
    flat: BoolArray
    solution: kernel.Solution
    max_iter: int

    def caution(self, g: int) -> str:
        """Return what to know of a sound solution: what is absent, or few rows."""
        n, p = int(np.atleast_1d(self.moments.n)[g]), len(self.moments.names)
        few = f"n = {n} is not larger than the number of indicators ({p}): unstable"
        return self.moments.reasons[g] or (few if n <= p else "")

    def reason(self, g: int) -> str:
        """Return why member g of the batch has no sound solution."""
        n = np.atleast_1d(self.moments.n)[g]
        names = self.model.names
        if self.moments.reasons[g]:
            return self.moments.reasons[g]
        if n < 2:
            return f"n = {int(n)} complete rows"
        if self.flat[g].any():
            items = [self.moments.names[i] for i in np.flatnonzero(self.flat[g])]
            return f"zero variance: {', '.join(items[:5])}"
        if self.solution.singular_block[g] >= 0:
            block = names[self.solution.singular_block[g]]
            return f"mode B block {block} has no inverse"
        if self.solution.singular_target[g] >= 0:
            target = names[self.solution.singular_target[g]]
            return f"predictors of {target} are collinear"
        if not self.solution.converged[g]:
            steps = int(self.solution.iterations[g])
            if steps < self.max_iter:
                return "the items of a construct cancel: is one to be reversed?"
            return f"not converged after {steps} iterations"
        return (
            "inadmissible: construct correlations not positive semi-definite, "
            "or a loading above 1"
        )


def solve_moments(
    model: StructuralModel, moments: Moments, options: PlsOptions, ends: FloatArray
) -> Solved:
    """Solve one group or a batch; one group becomes a batch of one."""
    turned = oriented(model, moments, ends)
    cov = turned.cov if moments.batch_shape else turned.cov[None]
    S = cov_to_corr(cov) if options.metric == "standardized" else cov
    flat = _blocks.constant(cov)
    if flat.any():
        unusable = np.asarray(flat.any(axis=1))
        S = np.where(unusable[:, None, None], np.nan, S)
    solution = kernel.solve(S, layout_of(model), settings_of(options))
    return Solved(model, turned, S, flat, solution, options.max_iter)


def layout_of(model: StructuralModel) -> kernel.Layout:
    """Return the model as the arrays the kernel reads."""
    owner = model.owner()
    blocks = tuple(
        np.flatnonzero(owner == k)
        for k, construct in enumerate(model.constructs)
        if construct.mode == "B" and len(construct.indicators) > 1
    )
    return kernel.Layout(owner, model.adjacency(), blocks)


def settings_of(options: PlsOptions) -> kernel.Settings:
    """Return the options the kernel reads."""
    return kernel.Settings(options.scheme, options.tol, options.max_iter, options.sign)
