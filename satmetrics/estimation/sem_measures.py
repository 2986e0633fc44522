"""`SemFit.fit_measures`: chi-square, baseline, residuals, information criteria."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._special import chi2_tail
from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem_measures as measured
from satmetrics.estimation.sem_parts import group_matrices
from satmetrics.estimation.sem_robust import scaled_measures
from satmetrics.estimation.sem_sample import sample_of

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

CLOSE, POOR = 0.05, 0.08
RMSEA_LEVEL = 0.90
Values = dict[str, FloatArray]

NOTES: Mapping[str, str] = {
    "chi2": "test of the model against unrestricted moments",
    "baseline_chi2": "model of uncorrelated variables",
    "cfi": "Bentler (1990), doi:10.1037/0033-2909.107.2.238",
    "tli": "Tucker & Lewis (1973), doi:10.1007/BF02291170; NNFI",
    "nfi": "Bentler & Bonett (1980), doi:10.1037/0033-2909.88.3.588",
    "rfi": "Bollen (1986), doi:10.1007/BF02294061",
    "ifi": "Bollen (1989), doi:10.1177/0049124189017003004",
    "rni": "McDonald & Marsh (1990), doi:10.1037/0033-2909.107.2.247",
    "pnfi": "Mulaik et al. (1989), doi:10.1037/0033-2909.105.3.430",
    "mfi": "McDonald (1989), doi:10.1007/BF01908590",
    "rmsea": "Steiger (1990), doi:10.1207/s15327906mbr2502_4; interval of 90 %",
    "rmsea_close_p": f"of RMSEA ≤ {CLOSE:.2f}; Browne & Cudeck (1992), "
    "doi:10.1177/0049124192021002005",
    "rmsea_poor_p": f"of RMSEA ≥ {POOR:.2f}; MacCallum, Browne & Sugawara (1996), "
    "doi:10.1037/1082-989X.1.2.130",
    "chi2_scaled": "chi-square over its scaling; Satorra & Bentler (1994), or Yuan & "
    "Bentler (2000), doi:10.1111/0081-1750.00078",
    "cfi_robust": "Brosseau-Liard & Savalei (2014), doi:10.1080/00273171.2014.933697",
    "tli_robust": "as cfi_robust",
    "rmsea_robust": "Brosseau-Liard, Savalei & Li (2012), "
    "doi:10.1080/00273171.2012.715252; interval of 90 %",
    "srmr": "residuals over observed standard deviations; Bentler (1995)",
    "rmr": "in the units of the data",
    "crmr": "residual correlations; Bollen (1989), doi:10.1002/9781118619179",
    "gfi": "weighted squares of residuals, weights of the estimator, means included "
    "where modelled (lavaan 0.6-14); Tanaka & Huba (1985), "
    "doi:10.1111/j.2044-8317.1985.tb00834.x",
    "agfi": "GFI adjusted for degrees of freedom",
    "pgfi": "GFI times parsimony",
    "bic_adjusted": "n replaced by (n + 2)/24; Sclove (1987), doi:10.1007/BF02294360",
    "ecvi": "Browne & Cudeck (1989), doi:10.1207/s15327906mbr2404_4",
    "hoelter_05": "n at which chi-square would be significant at .05; Hoelter (1983), "
    "doi:10.1177/0049124183011003003",
    "hoelter_01": "the same at .01",
}


def measure_table(fit: SemFit) -> Table:
    """Return `SemFit.fit_measures` as a table."""
    values = fit_values(fit)
    low = {t[:-4]: values.pop(t) for t in list(values) if t.endswith("_low")}
    high = {t[:-5]: values.pop(t) for t in list(values) if t.endswith("_high")}
    terms = list(values)
    none = np.full(len(next(iter(values.values()))), np.nan)

    def column(of: Callable[[str], FloatArray]) -> FloatArray:
        found = np.stack([of(term) for term in terms], axis=-1)
        return found if fit.batched else found[0]

    return fit.tidy(
        {"term": terms, "note": [NOTES.get(term, "") for term in terms]},
        {
            "estimate": column(lambda t: values[t]),
            "conf_low": column(lambda t: low.get(t, none)),
            "conf_high": column(lambda t: high.get(t, none)),
        },
    )


def fit_values(fit: SemFit) -> Values:
    """Return every measure by its term, (b,) each; a single fit is a batch of one."""
    if fit.ordinal is not None:
        from satmetrics.estimation.sem_ordinal_measures import ordinal_values

        return ordinal_values(fit, fit.ordinal)
    sample, total = sample_of(fit)
    M = group_matrices(fit)
    sigma = np.stack([m.Sigma for m in M], axis=1)
    mu = np.stack([m.mu for m in M], axis=1) if fit.table.means else None
    n = np.atleast_1d(np.asarray(fit.moments.n, dtype=np.float64))
    if len(fit.table.groups) > 1:
        n = n.sum(keepdims=True)
    chi2 = np.atleast_1d(fit.chi2)
    weight, G, t = fit.options.weight, len(fit.table.groups), fit.table.n_free
    p = len(fit.table.observed)
    df, df0 = float(fit.df), G * p * (p - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "chi2": chi2,
            "df": np.full_like(chi2, df),
            "p_value": _tail(chi2, df, weight),
        }
        chi0 = measured.baseline(sample, total, weight)
        if fit.casewise is not None:
            chi0 = np.atleast_1d(fit.casewise.baseline_chi2)
        values |= compared(chi2, df, chi0, df0, weight)
        values |= approximation(chi2, df, total, G)
        values |= scaled_measures(fit, chi0, df0, total)
        left = measured.residual(sample, sigma, mu)
        values |= {"srmr": left.srmr, "rmr": left.rmr, "crmr": left.crmr}
        known = G * (p * (p + 1) // 2 + (p if mu is not None else 0))
        gfi = measured.goodness(sample, sigma, mu, weight)
        ratio = known / df if df else np.nan
        values |= {
            "gfi": gfi,
            "agfi": 1 - ratio * (1 - gfi),
            "pgfi": gfi / ratio,
            "mfi": np.exp(-0.5 * (chi2 - df) / total),
        }
        if weight == "ML":
            logs = measured.log_likelihoods(sample, sigma, mu, n)
            if fit.casewise is not None:
                logs = (
                    np.atleast_1d(fit.casewise.log_likelihood),
                    np.atleast_1d(fit.casewise.unrestricted),
                )
            values |= criteria(*logs, n, t)
        values |= {"ecvi": (chi2 + 2 * t) / total, "n_parameters": np.full(len(n), t)}
        values |= _hoelter(chi2, df, total)
    lost = ~np.isfinite(chi2)
    return {term: np.where(lost, np.nan, value) for term, value in values.items()}


def _tail(chi2: FloatArray, df: float, weight: str) -> FloatArray:
    """Return p; there is none for ULS, whose F has no chi-square distribution."""
    if weight == "ULS" or df <= 0:
        return np.full_like(chi2, np.nan)
    return chi2_tail(df, chi2)


def compared(
    chi2: FloatArray, df: float, chi0: FloatArray, df0: float, weight: str
) -> Values:
    """Return what compares the model with the baseline."""
    excess, excess0 = chi2 - df, chi0 - df0
    worst = np.maximum(np.maximum(excess, excess0), 0.0)
    ratio, ratio0 = chi2 / df if df else np.full_like(chi2, np.nan), chi0 / df0
    nfi = (chi0 - chi2) / chi0
    return {
        "baseline_chi2": chi0,
        "baseline_df": np.full_like(chi0, df0),
        "baseline_p_value": _tail(chi0, df0, weight),
        "cfi": np.where(worst > 0, 1 - np.maximum(excess, 0.0) / worst, 1.0),
        "tli": (ratio0 - ratio) / (ratio0 - 1) if df else np.ones_like(chi2),
        "nfi": nfi,
        "rfi": (ratio0 - ratio) / ratio0 if df else np.ones_like(chi2),
        "ifi": (chi0 - chi2) / (chi0 - df),
        "rni": 1 - excess / excess0,
        "pnfi": df / df0 * nfi,
    }


def approximation(
    chi2: FloatArray, df: float, total: FloatArray, groups: int
) -> Values:
    """Return RMSEA, its 90 % limits and the p-values of close and of poor fit."""
    if df <= 0:
        zero, none = np.zeros_like(chi2), np.full_like(chi2, np.nan)
        words = ("rmsea", "rmsea_low", "rmsea_high")
        return dict.fromkeys(words, zero) | dict.fromkeys(
            ("rmsea_close_p", "rmsea_poor_p"), none
        )

    def root(noncentrality: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(groups * noncentrality / (df * total)))

    side = (1 - RMSEA_LEVEL) / 2
    at = {edge: df * total * edge**2 / groups for edge in (CLOSE, POOR)}
    return {
        "rmsea": root(np.maximum(chi2 - df, 0.0)),
        "rmsea_low": root(measured.noncentral_limit(chi2, df, 1 - side)),
        "rmsea_high": root(measured.noncentral_limit(chi2, df, side)),
        "rmsea_close_p": 1 - measured.close_fit(chi2, df, at[CLOSE]),
        "rmsea_poor_p": measured.close_fit(chi2, df, at[POOR]),
    }


def criteria(logl: FloatArray, free: FloatArray, n: FloatArray, t: int) -> Values:
    """Return log-likelihoods and the criteria made of them."""
    return {
        "log_likelihood": logl,
        "log_likelihood_unrestricted": free,
        "aic": -2 * logl + 2 * t,
        "bic": -2 * logl + t * np.log(n),
        "bic_adjusted": -2 * logl + t * np.log((n + 2) / 24),
    }


def _hoelter(chi2: FloatArray, df: float, total: FloatArray) -> Values:
    if df <= 0:
        return {}
    from scipy.special import chdtri

    return {
        f"hoelter_{100 * alpha:02.0f}": chdtri(df, alpha) / (chi2 / total) + 1
        for alpha in (0.05, 0.01)
    }
