"""The rows of an assessment that only a model of factors has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment import (
    block_reliability,
    discriminant,
    model_fit,
    structural,
)
from satmetrics.assessment.rows import Rows
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

NO_RHO_A = "rho_A is of PLS weights; omega is the reliability of a factor's sum"
NO_MEASURE = "not defined for this model, see SemFit.fit_measures"
VARIANTS = (
    *(("alpha", "alpha"), ("rho_a", "rho_a"), ("rho_c", "rho_c"), ("ave", "ave")),
    *(("htmt", "htmt"), ("f2", "f2_fixed")),
)


def parts(fit: SemFit, turned: Moments, R: FloatArray) -> list[Rows]:
    """Return what is known of the quality of a covariance structure model.

    Parameters
    ----------
    turned : the fit's moments with reversed indicators turned.
    R : (…, p, p) their correlations.
    """
    none = np.full(fit.rho.shape, np.nan)
    reliable = [
        dataclasses.replace(row, reasons=NO_RHO_A) if row.term == "rho_a" else row
        for row in block_reliability.reliability(fit, turned, R, none)
    ]
    fitting = _measures(fit)
    known = {row.term for row in fitting}
    return [
        *reliable,
        omega(fit),
        *discriminant.heterotrait(fit, R),
        discriminant.fornell_larcker(fit),
        discriminant.cross_loadings(fit),
        *structural.explained(fit),
        *structural.effects_and_collinearity(fit, R),
        *block_reliability.communality(fit),
        *fitting,
        *(
            row
            for row in model_fit.distances(fit, R, ("estimated",))
            if row.term not in known
        ),
        *(r for r in model_fit.admissibility(fit) if r.term != "largest_rho_a"),
    ]


def omega(fit: SemFit) -> Rows:
    """Return the share of the variance of the sum of a block that its factor has.

    ``ω = (1'cov(x, η))² / (φ 1'Σ1)``, with one factor behind a block ``(Σλ)² φ / ((Σλ)²
    φ + 1'Θ1)``, loadings and residuals in the units of the answers (McDonald 1999, Test
    Theory; Raykov 1997, doi:10.1177/01466216970212006).
    """
    M, owner, names = fit.matrices, fit.model.owner(), fit.model.names
    at = [fit.table.latent.index(name) for name in names]
    found = np.full((len(M.Sigma), len(names)), np.nan)
    for k, j in enumerate(at):
        block = np.flatnonzero(owner == k)
        if len(block) < 2:
            continue
        total = M.Sigma[:, block[:, None], block].sum(axis=(1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            true = M.cross[:, j, block].sum(axis=1) ** 2 / M.Phi[:, j, j]
            found[:, k] = true / total
    values = found if fit.batched else found[0]
    values = np.where(np.isnan(fit.rho), np.nan, values)
    return Rows("omega", values, {"construct": names}, block_reliability.SINGLE)


def _measures(fit: SemFit) -> list[Rows]:
    """Return chi-square and the measures of fit, as `SemFit.fit_measures` has them."""
    from satmetrics.estimation.sem_measures import fit_values

    rows = []
    for term, value in fit_values(fit).items():
        one = value if fit.batched else value[0]
        form = "estimated" if term == "srmr" else ""
        rows.append(
            Rows(term, np.asarray(one)[..., None], reasons=NO_MEASURE, form=form)
        )
    return rows
