"""The three standardisations of a covariance structure model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from satmetrics._checks import check_level, one_of
from satmetrics._frames import Table
from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation import _sem_standard

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit
    from satmetrics.estimation.sem_table import ParameterTable

Standard = Literal["std.lv", "std.all", "std.nox"]
STANDARDS = ("std.lv", "std.all", "std.nox")


def observed_latents(table: ParameterTable) -> BoolArray:
    """Return (m,), True for latents that are an observed variable under a path."""
    hidden = {row.lhs for row in table.rows if row.hidden and row.op == "=~"}
    seen = set(table.observed)
    return np.array([n in hidden or n in seen for n in table.latent], dtype=np.bool_)


def scaling_of(table: ParameterTable, kind: Standard) -> _sem_standard.Scaling:
    """Return which variables a standardisation gives variance 1."""
    observed = observed_latents(table)
    if kind == "std.lv":
        return _sem_standard.Scaling(~observed, False)
    every = np.ones(len(observed), dtype=np.bool_)
    if kind == "std.all":
        return _sem_standard.Scaling(every, True)
    led = {row.lhs for row in table.rows if row.op == "~"}
    exogenous = observed & np.array([n not in led for n in table.latent])
    return _sem_standard.Scaling(~exogenous, True)


def standardised_rows(fit: SemFit, kind: Standard) -> tuple[FloatArray, FloatArray]:
    """Return every row of the table standardised (…, rows), and its error."""
    one_of("kind", kind, STANDARDS)
    theta, vcov = (x if fit.batched else x[None] for x in (fit.theta, fit.vcov))
    lost = np.asarray(np.isnan(theta).any(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        value, error = _sem_standard.standardised(
            fit.table.layout,
            np.where(lost[:, None], 0.0, theta),
            vcov,
            scaling_of(fit.table, kind),
        )
    value[lost] = np.nan
    error[lost] = np.nan
    if fit.batched:
        return value, error
    return value[0], error[0]


def standardized_table(fit: SemFit, kind: Standard, level: float) -> Table:
    """Return `SemFit.standardized` as a table."""
    check_level(level)
    value, error = standardised_rows(fit, kind)
    at = fit.table.shown()
    shown = fit.table.table()
    return fit.tidy(
        {n: shown[n] for n in shown.names if n not in ("label", "free")},
        with_tests(value[..., at], error[..., at], level),
    )


def with_tests(
    value: FloatArray, error: FloatArray, level: float
) -> dict[str, FloatArray]:
    """Return estimate, std_error, statistic, p_value, conf_low and conf_high.

    An error of 0 is that of a fixed value, which has no test.
    """
    error = np.where(error > 1e-12 * np.maximum(np.abs(value), 1.0), error, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = value / error
    half = normal_quantile((1 + level) / 2) * error
    return {
        "estimate": value,
        "std_error": error,
        "statistic": z,
        "p_value": 2 * normal_cdf(-np.abs(z)),
        "conf_low": value - half,
        "conf_high": value + half,
    }


def latent_sds(M: kernel.Matrices) -> FloatArray:
    """Return standard deviations of the latent variables (b, m)."""
    return np.asarray(np.sqrt(np.diagonal(M.Phi, axis1=1, axis2=2)))
