"""Fit measures of models of ordered answers, plain and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._special import chi2_tail
from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem_dwls as kernel
from satmetrics.estimation.sem_ordinal import OrdinalPart

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit


def ordinal_values(fit: SemFit, part: OrdinalPart) -> dict[str, FloatArray]:
    """Return every measure by its term, (1,) each.

    Plain measures take the chi-square of the weights as it is; scaled ones that with
    the mean and variance of a chi-square (`OrdinalPart.scaled_shifted`), for the
    baseline too.
    """
    from satmetrics.estimation.sem_measures import approximation, compared

    n, t = float(fit.moments.n), fit.table.n_free
    df, df0 = float(fit.df), float(len(part.rho))
    weight = fit.options.estimator
    total = np.array([n - 1])
    chi2 = np.atleast_1d(np.asarray(fit.chi2, dtype=np.float64))
    w = kernel.weights(part.gamma, diagonal=weight == "DWLS")
    factor = n if weight == "DWLS" else n - 1
    chi0 = np.array([factor * (w * part.rho**2).sum()])
    own = compared(chi2, df, chi0, df0, weight) | approximation(chi2, df, total, 1)
    scaled = _scaled_baseline(part, w, n, len(part.rho))
    shifted = np.array([part.scaled_shifted])
    robust = compared(shifted, df, scaled, df0, "DWLS")
    robust |= approximation(shifted, df, total, 1)
    sigma, _ = kernel.correlations(fit.table.layout.groups[0], fit.theta[None])
    p = len(fit.table.observed)
    left = ((part.rho - sigma) ** 2).sum(axis=1)
    values = {
        "chi2": chi2,
        "df": np.array([df]),
        "p_value": chi2_tail(df, chi2) if weight == "DWLS" else np.full(1, np.nan),
        "chi2_scaled_shifted": shifted,
        "p_value_scaled_shifted": chi2_tail(df, shifted),
        "chi2_mean_var_adjusted": np.array([part.mean_var_adjusted]),
        "df_mean_var_adjusted": np.array([part.adjusted_df]),
        "p_value_mean_var_adjusted": chi2_tail(
            part.adjusted_df, np.array([part.mean_var_adjusted])
        ),
        **own,
        **{f"{term}_scaled": robust[term] for term in ("cfi", "tli", "rmsea")},
        "rmsea_scaled_low": robust["rmsea_low"],
        "rmsea_scaled_high": robust["rmsea_high"],
        "baseline_chi2_scaled": scaled,
        "srmr": np.sqrt(left / (p * (p + 1) / 2)),
        "n_parameters": np.array([float(t)]),
    }
    return {term: np.asarray(value, dtype=np.float64) for term, value in values.items()}


def _scaled_baseline(part: OrdinalPart, w: FloatArray, n: float, P: int) -> FloatArray:
    """Return the scaled and shifted chi-square of uncorrelated variables."""
    WG = w[:, None] * part.gamma
    found = kernel.Robust(
        np.empty((1, 0, 0)),
        np.empty((1, 0, 0)),
        np.array([np.trace(WG)]),
        np.array([(WG * WG.T).sum()]),
    )
    T = np.array([n * (w * part.rho**2).sum()])
    return kernel.adjusted(T, P, found).shifted
