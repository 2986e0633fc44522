"""The structural model: R², effect sizes and collinearity."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment import _inner
from satmetrics.assessment.rows import Rows
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.solve import kernel_input, layout_of, settings_of
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment.moments import Moments

FEW = "n is not larger than the number of predictors plus one"
COLLINEAR = "correlations of the predictors are not positive definite"
REFIT = "the model without this path could not be fitted"
BLOCK = "indicators of the block are collinear"
FULL = "construct correlations are not positive definite"


def explained(fit: StructuralFit) -> list[Rows]:
    """Return R² and adjusted R² of every endogenous construct.

    ``1 − (1 − R²)(n − 1)/(n − k − 1)``; n is the effective one under weights.
    """
    adjacency = fit.model.adjacency()
    inner = np.flatnonzero(adjacency.any(axis=0))
    k = adjacency.sum(axis=0)[inner]
    r2 = fit.r_squared[..., inner]
    n = np.asarray(fit.moments.n_eff, dtype=np.float64)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        adjusted = 1 - (1 - r2) * (n - 1) / (n - k - 1)
    adjusted = np.where(n - k - 1 > 0, adjusted, np.nan)
    labels = {"construct": [fit.model.nodes[c] for c in inner]}
    return [Rows("r2", r2, labels), Rows("r2_adjusted", adjusted, labels, FEW)]


def refitted(fit: PlsFit, turned: Moments, R: FloatArray) -> FloatArray:
    """Return f² (b, q, q) of refits of a path model without each path.

    Parameters
    ----------
    turned : the fit's moments with reversed indicators turned.
    R : (…, p, p) their correlations.
    """
    S = R.reshape(-1, *R.shape[-2:])
    if fit.options.metric == "raw":
        S = kernel_input(turned, fit.options)
    return _inner.f2_refit(
        S,
        layout_of(fit.model),
        settings_of(fit.options),
        fit.r_squared.reshape(-1, len(fit.model.names)),
        fit.weights.reshape(-1, len(fit.model.indicators)),
    )


def effects_and_collinearity(
    fit: StructuralFit, R: FloatArray, refit: FloatArray | None = None
) -> list[Rows]:
    """Return VIF of predictors, items and constructs, and f² of every path.

    Parameters
    ----------
    R : (…, p, p) correlations of the turned indicators.
    refit : (b, q, q) from `refitted`; None for a model that is not refitted.
    """
    model, m = fit.model, len(fit.model.nodes)
    adjacency = model.adjacency()
    batch = np.shape(fit.converged)
    C = fit.corr.reshape(-1, m, m)
    vif = _inner.predictor_vif(C, adjacency)
    fixed = _inner.f2_fixed(
        fit.path_matrix.reshape(C.shape), vif, fit.r_squared.reshape(-1, m)
    )
    target, source = np.nonzero(adjacency.T)
    names = model.nodes
    labels = {
        "source": [names[k] for k in source],
        "target": [names[k] for k in target],
    }

    def paths(term: str, values: FloatArray, reason: str) -> Rows:
        flat = values[:, source, target].reshape(*batch, -1)
        return Rows(term, flat, labels, reason)

    return [
        *(() if refit is None else (paths("f2_refit", refit, REFIT),)),
        paths("f2_fixed", fixed, COLLINEAR),
        paths("vif", vif, COLLINEAR),
        *_items(fit, R),
        Rows(
            "vif_full",
            _inner.full_vif(C).reshape(*batch, m),
            {"construct": names},
            FULL,
        ),
    ]


def _items(fit: StructuralFit, R: FloatArray) -> list[Rows]:
    """Return VIF of mode B items (`vif`) and of all items (`vif_item`)."""
    model, owner = fit.model, fit.model.owner()
    p = R.shape[-1]
    values = _inner.block_vif(R.reshape(-1, p, p), owner, len(model.names))
    values = values.reshape(*np.shape(fit.converged), p)
    several = np.bincount(owner)[owner] > 1
    mode_b = several & np.array([model.constructs[k].mode == "B" for k in owner])
    made = []
    for term, keep in (("vif", mode_b), ("vif_item", several)):
        at = np.flatnonzero(keep)
        labels = {
            "construct": [model.names[owner[i]] for i in at],
            "indicator": [model.indicators[i] for i in at],
        }
        if len(at):
            made.append(Rows(term, values[..., at], labels, BLOCK))
    return made
