"""Moments in, PLS solution out: the step every fit and every resample shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _admissible
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
    violated : (B, 4), which conditions of an admissible solution are not met.
    options : how it was solved.
    """

    model: StructuralModel
    moments: Moments
    S: FloatArray
    flat: BoolArray
    solution: kernel.Solution
    violated: BoolArray
    options: PlsOptions

    def raw_weights(self) -> FloatArray:
        """Return weights (B, p) of the indicators as given, reversed ones turned."""
        if self.options.metric == "raw":
            return self.solution.weights
        sd = np.atleast_2d(self.moments.sd)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.solution.weights / sd)

    def caution(self, g: int) -> str:
        """Return what to know of a sound solution: what is absent, or few rows."""
        n, p = int(np.atleast_1d(self.moments.n)[g]), len(self.moments.names)
        few = f"n = {n} is not larger than the number of indicators ({p}): unstable"
        return self.moments.reasons[g] or (few if n <= p else "")

    def reason(self, g: int) -> str:
        """Return why member g of the batch has no sound solution."""
        return self.moments.reasons[g] or self._of_data(g) or self._of_solution(g)

    def _of_data(self, g: int) -> str:
        n = np.atleast_1d(self.moments.n)[g]
        if n < 2:
            return f"n = {int(n)} complete rows"
        if self.flat[g].any():
            items = [self.moments.names[i] for i in np.flatnonzero(self.flat[g])]
            return f"zero variance: {', '.join(items[:5])}"
        return ""

    def _of_solution(self, g: int) -> str:
        names, found = self.model.names, self.solution
        if found.singular_block[g] >= 0:
            return f"mode B block {names[found.singular_block[g]]} has no inverse"
        if found.unreliable[g] >= 0:
            factor = names[found.unreliable[g]]
            return f"rho_A of factor {factor} is not positive: nothing to correct by"
        if found.singular_target[g] >= 0:
            return f"predictors of {names[found.singular_target[g]]} are collinear"
        if not found.converged[g]:
            steps = int(found.iterations[g])
            if steps < self.options.max_iter:
                return "the items of a construct cancel: is one to be reversed?"
            return f"not converged after {steps} iterations"
        held = np.flatnonzero(self.violated[g])
        causes = " and ".join(_admissible.CAUSES[k] for k in held)
        return f"inadmissible: {causes}" if causes else ""


def solve_moments(
    model: StructuralModel, moments: Moments, options: PlsOptions, ends: FloatArray
) -> Solved:
    """Solve one group or a batch; one group becomes a batch of one."""
    turned = oriented(model, moments, ends)
    cov = turned.cov if moments.batch_shape else turned.cov[None]
    S = kernel_input(turned, options)
    flat = _blocks.constant(cov)
    if flat.any():
        unusable = np.asarray(flat.any(axis=1))
        S = np.where(unusable[:, None, None], np.nan, S)
    solution = kernel.solve(S, layout_of(model), settings_of(options))
    may = any(c.kind == "factor" for c in model.constructs)
    may = may or moments.kind in ("pairwise", "polychoric", "table", "em")
    violated = (
        _admissible.violations(solution)
        if may
        else np.zeros((len(S), len(_admissible.CAUSES)), dtype=np.bool_)
    )
    return Solved(model, turned, S, flat, solution, violated, options)


def kernel_input(turned: Moments, options: PlsOptions) -> FloatArray:
    """Return the (B, p, p) matrices the algorithm works on, of turned moments."""
    cov = turned.cov if turned.batch_shape else turned.cov[None]
    if options.metric == "standardized":
        return cov_to_corr(cov)
    if options.divisor == "n":
        n = np.atleast_1d(np.asarray(turned.n_eff, dtype=np.float64))[:, None, None]
        return np.asarray(cov * ((n - 1) / n))
    return cov


def layout_of(model: StructuralModel) -> kernel.Layout:
    """Return the model as the arrays the kernel reads."""
    owner = model.owner()
    blocks = tuple(
        np.flatnonzero(owner == k)
        for k, construct in enumerate(model.constructs)
        if construct.mode == "B" and len(construct.indicators) > 1
    )
    fixed = [k for k, c in enumerate(model.constructs) if c.mode == "sum"]
    factor = np.array([c.kind == "factor" for c in model.constructs])
    return kernel.Layout(
        owner,
        model.adjacency(),
        blocks,
        fixed=np.flatnonzero(np.isin(owner, fixed)),
        factor=factor,
    )


def settings_of(options: PlsOptions) -> kernel.Settings:
    """Return the options the kernel reads."""
    return kernel.Settings(options.scheme, options.tol, options.max_iter, options.sign)
