"""Distances between observed and implied correlations, and admissibility."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment import _fit_measures as measures
from satmetrics.assessment.rows import Rows
from satmetrics.estimation.structural import StructuralFit

FORMS = ("estimated", "saturated")
INDEFINITE = "the observed or the implied correlations are not positive definite"
NO_FACTOR = "no construct is a factor"


def distances(
    fit: StructuralFit, R: FloatArray, forms: Sequence[str] = FORMS
) -> list[Rows]:
    """Return SRMR, d_ULS and d_G of the estimated and the saturated model.

    Parameters
    ----------
    R : (…, p, p) correlations of the turned indicators.
    forms : "estimated", "saturated" or both.
    """
    T = np.stack(
        [fit.implied_matrix(saturated=form == "saturated", R=R) for form in forms]
    )
    found = {
        "srmr": measures.srmr(R[None], T),
        "d_uls": measures.d_uls(R[None], T),
        "d_g": measures.d_g(R[None], T),
    }
    return [
        Rows(term, value[k][..., None], reasons=INDEFINITE, form=form)
        for k, form in enumerate(forms)
        for term, value in found.items()
    ]


def admissibility(fit: StructuralFit) -> list[Rows]:
    """Return what makes a solution possible or not, and the verdict (1 or 0)."""
    factor = any(c.kind == "factor" for c in fit.model.constructs)
    inner = fit.model.adjacency().any(axis=0)
    rho = fit.rho.max(axis=-1) if factor else np.full(fit.rho.shape[:-1], np.nan)
    admissible = np.asarray(fit.admissible, dtype=np.float64)
    said = [
        "" if sound else reason
        for sound, reason in zip(
            np.atleast_1d(fit.admissible), fit.reasons, strict=True
        )
    ]

    def one(term: str, value: FloatArray, reason: str = "") -> Rows:
        return Rows(term, np.asarray(value)[..., None], reasons=reason)

    return [
        Rows("admissible", admissible[..., None], said=said),
        one("lowest_eigenvalue", measures.lowest_eigenvalue(fit.corr)),
        one("largest_loading", np.abs(fit.loadings).max(axis=-1)),
        one("largest_rho_a", rho, NO_FACTOR),
        one("largest_r2", fit.r_squared[..., inner].max(axis=-1)),
    ]
