"""Reliability, unidimensionality, communality and redundancy of blocks."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment.rows import Rows
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments

SINGLE = "not defined for one indicator"
MODE_B = "not defined for mode B"


def reliability(
    fit: StructuralFit, turned: Moments, R: FloatArray, rho_a: FloatArray
) -> list[Rows]:
    """Return alpha, rho_A, rho_C, AVE and eigenvalues of the blocks.

    Parameters
    ----------
    turned : the fit's moments with reversed indicators turned.
    R : (…, p, p) their correlations.
    rho_a : (…, q) as `weighted` has it.
    """
    owner, q = fit.model.owner(), len(fit.model.names)
    by_component, first, second = _blocks.component(R, owner, q)
    values = {
        "alpha": _blocks.cronbach_alpha(turned.cov, owner, q),
        "alpha_standardized": _blocks.cronbach_alpha(R, owner, q),
        "rho_a": rho_a,
        "rho_c": _blocks.rho_c(fit.loadings, owner, q),
        "rho_c_component": by_component,
        "ave": _blocks.ave(fit.loadings, owner, q),
    }
    mode_b = np.array([c.mode == "B" for c in fit.model.constructs])
    single = np.array([len(c.indicators) == 1 for c in fit.model.constructs])
    reasons = [
        SINGLE if s else (MODE_B if b else "")
        for s, b in zip(single, mode_b, strict=True)
    ]
    names = {"construct": fit.model.names}
    return [
        Rows(term, np.where(single | mode_b, np.nan, value), names, reasons)
        for term, value in values.items()
    ] + [
        Rows("eigenvalue_first", first, names, SINGLE),
        Rows("eigenvalue_second", second, names, SINGLE),
    ]


def weighted(fit: PlsFit, turned: Moments, R: FloatArray) -> FloatArray:
    """Return rho_A (…, q), which is of the weights of a path model."""
    owner, q = fit.model.owner(), len(fit.model.names)
    return _blocks.rho_a(R, _unit_weights(fit, turned), owner, q)


def _unit_weights(fit: PlsFit, turned: Moments) -> FloatArray:
    """Return weights (…, p) of standardised indicators, composites of variance 1."""
    if fit.options.metric == "standardized":
        return fit.weights
    weights = fit.weights * turned.sd
    if fit.options.divisor == "n":
        n = np.asarray(turned.n_eff, dtype=np.float64)[..., None]
        weights = weights * np.sqrt((n - 1) / n)
    return np.asarray(weights)


def communality(fit: StructuralFit) -> list[Rows]:
    """Return λ² and λ² R² of every indicator, and their means by block."""
    owner, q = fit.model.owner(), len(fit.model.names)
    names, items = fit.model.names, fit.model.indicators
    inner = np.flatnonzero(fit.model.adjacency()[:, :q].any(axis=0))
    squared = fit.loadings**2
    explained = squared * fit.r_squared[..., owner]
    keep = np.flatnonzero(np.isin(owner, inner))
    blocks = {"construct": names}
    every = {"construct": [names[k] for k in owner], "indicator": items}
    some = {
        "construct": [names[owner[i]] for i in keep],
        "indicator": [items[i] for i in keep],
    }
    endogenous = {"construct": [names[k] for k in inner]}
    means = _blocks.block_mean(squared, owner, q)
    redundancy = means[..., inner] * fit.r_squared[..., inner]
    return [
        Rows("communality", means, blocks),
        Rows("communality", squared, every),
        Rows("redundancy", redundancy, endogenous),
        Rows("redundancy", explained[..., keep], some),
    ]


def goodness(fit: StructuralFit) -> Rows:
    """Return GoF: √(mean communality × mean R²), blocks of one item left out."""
    owner, q = fit.model.owner(), len(fit.model.names)
    several = np.bincount(owner, minlength=q)[owner] > 1
    inner = np.flatnonzero(fit.model.adjacency()[:, :q].any(axis=0))
    empty = np.full((*fit.loadings.shape[:-1], 1), np.nan)
    if several.any():
        mean = (fit.loadings[..., several] ** 2).mean(axis=-1)
        empty[..., 0] = np.sqrt(mean * fit.r_squared[..., inner].mean(axis=-1))
    groups = len(np.atleast_1d(fit.converged))
    return Rows("gof", empty, said=(LEGACY,) * groups)


LEGACY = "legacy: not to be used as a measure of fit (Henseler and Sarstedt 2013)"
