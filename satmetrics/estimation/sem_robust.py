"""Errors and tests of a `SemFit` that do not assume normal answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._result import Record
from satmetrics._special import chi2_tail
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import MissingMomentsError, OptionError
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_measures import noncentral_limit as limit
from satmetrics.estimation._sem_robust import robust
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

RMSEA_LEVEL = 0.90
TWO_STAGES = (
    "two stages: moments by EM from all answers given, to which the model is fitted as "
    "to complete ones; errors by the sandwich and the scaled chi-square carry what is "
    "missing (Yuan & Bentler 2000, doi:10.1111/0081-1750.00078; Savalei & Bentler "
    "2009, doi:10.1080/10705510903008238)"
)


@dataclass(frozen=True)
class ScaledTest(Record):
    """By what a chi-square is divided so that its mean is its degrees of freedom.

    Attributes
    ----------
    kind : "Satorra-Bentler" or "Yuan-Bentler".
    scaling : (…) of the model's chi-square.
    baseline_scaling : (…) of that of the model of unrelated indicators.
    saturated, restricted : (…) traces whose difference over df `scaling` is.
    """

    kind: str
    scaling: Any
    baseline_scaling: Any
    saturated: Any
    restricted: Any

    def first(self) -> ScaledTest:
        """Return the first of a batch."""
        return self.take(0)

    def take(self, where: int | IntArray) -> ScaledTest:
        """Return one group of a batch, or some."""
        return ScaledTest(
            self.kind,
            self.scaling[where],
            self.baseline_scaling[where],
            self.saturated[where],
            self.restricted[where],
        )


def check_staged(options: SemOptions) -> None:
    """Raise for an estimator that the two stages are not worked out for."""
    if options.weight != "ML":
        raise OptionError(
            f'estimator="{options.estimator}" and moments of EM do not go together',
            code="two-stage-estimator",
            column="estimator",
            value=options.estimator,
            remedy='use estimator="ML", or missing="listwise"',
        )


def require_acov(moments: Moments, options: SemOptions) -> None:
    """Raise if errors are to be robust and the moments' own covariance is unknown."""
    if options.robust and moments.acov is None:
        raise MissingMomentsError(
            f'estimator="{options.estimator}" needs the covariance of the moments, and '
            "means and covariances alone are given",
            code="no-acov",
            column="acov",
            value=options.estimator,
            remedy="pass the answers, or moments made with "
            'Moments.from_frame(…, acov=True); or use estimator="ML"',
        )


def scaling_of(options: SemOptions) -> str:
    """Return whose scaling is used."""
    return "Yuan-Bentler" if options.estimator == "MLR" else "Satorra-Bentler"


def corrected(moments: Moments, options: SemOptions) -> bool:
    """Whether errors come from the covariance of the moments.

    So they do where that is asked for, and where moments are those of EM: these are not
    as sure as moments of complete answers.
    """
    return options.robust or (moments.kind == "em" and moments.acov is not None)


def robust_notes(moments: Moments, options: SemOptions) -> tuple[str, ...]:
    """Say which errors and which test are shown, and what they allow for."""
    if not corrected(moments, options):
        return ()
    if moments.kind == "em":
        return (TWO_STAGES,)
    which = "observed" if options.estimator == "MLR" else "expected"
    return (
        f"errors by the sandwich with {which} information, chi-square scaled after "
        f"{scaling_of(options)}: neither takes answers as normal, and both "
        "follow weights, clusters and strata of the survey, as they are known",
    )


def robust_of(
    layout: kernel.Layout,
    sample: kernel.Sample,
    theta: FloatArray,
    total: FloatArray,
    acov: FloatArray | None,
    options: SemOptions,
) -> tuple[FloatArray, ScaledTest]:
    """Return the covariance of the estimates and the scaled test of a batch.

    Parameters
    ----------
    theta : (b, t); members that have no solution are NaN.
    total : (b,)
    acov : (b, G, p + p*, p + p*), or None where only estimates are of interest.
    """
    p, G = layout.n_observed, layout.n_groups
    if acov is None:
        q = p + p * (p + 1) // 2
        acov = np.full((len(theta), G, q, q), np.nan)
    sound = np.isfinite(theta).all(axis=1) & np.isfinite(acov).all(axis=(1, 2, 3))
    at = np.flatnonzero(sound)
    observed = options.estimator == "MLR"
    part = sample.take(at)
    data = (total[at], acov[at])
    found = robust(layout, part, theta[at], *data, observed=observed)
    base = independence(layout)
    variances = np.diagonal(part.S, axis1=2, axis2=3)
    start = variances if part.mean is None else np.stack([variances, part.mean], 2)
    flat = start.reshape(len(at), base.n_free)
    other = robust(base, part, flat, *data, observed=observed)
    known = G * (p * (p + 1) // 2 + (p if layout.means else 0))

    def spread(values: FloatArray) -> FloatArray:
        out = np.full((len(theta), *values.shape[1:]), np.nan)
        out[at] = values
        return out

    test = ScaledTest(
        kind=scaling_of(options),
        scaling=spread(found.scaling(known - layout.n_free)),
        baseline_scaling=spread(other.scaling(known - base.n_free)),
        saturated=spread(found.saturated),
        restricted=spread(found.restricted),
    )
    return spread(found.vcov), test


def independence(layout: kernel.Layout) -> kernel.Layout:
    """Return the model of unrelated variables: G times p variances (and p means)."""
    p, G = layout.n_observed, layout.n_groups
    parts = (kernel.THETA, kernel.NU) if layout.means else (kernel.THETA,)
    item = np.tile(np.arange(p), len(parts) * G)
    part = np.tile(np.repeat(parts, p), G)
    return kernel.Layout(
        n_observed=p,
        n_latent=0,
        n_free=len(item),
        n_groups=G,
        group=np.repeat(np.arange(G), p * len(parts)),
        part=part,
        row=item,
        column=np.where(part == kernel.THETA, item, 0),
        free=np.arange(len(item)),
        value=np.zeros(len(item)),
        means=layout.means,
    )


def scaled_measures(
    fit: SemFit, chi0: FloatArray, df0: float, total: FloatArray
) -> dict[str, FloatArray]:
    """Return measures of fit that do not assume normality, (b,) each; none for ML.

    With T and c the chi-square and its scaling, T₀ and c₀ those of the model of
    unrelated indicators: `cfi_scaled`, `tli_scaled` and `rmsea_scaled` from T/c and
    T₀/c₀; `cfi_robust`, `tli_robust` and `rmsea_robust` from T − c df and T₀ − c₀ df₀,
    which estimate what the measures are in the population (Brosseau-Liard, Savalei and
    Li 2012; Brosseau-Liard and Savalei 2014).

    Parameters
    ----------
    chi0, df0 : of the model of unrelated indicators.
    total : (b,) what F is multiplied by.
    """
    test, df = fit.scaled, float(fit.df)
    if test is None:
        return {}
    T, c = np.atleast_1d(fit.chi2), np.atleast_1d(test.scaling)
    c0 = np.atleast_1d(test.baseline_scaling)
    G = len(fit.table.groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled, scaled0 = T / c, chi0 / c0

        def root(noncentrality: FloatArray) -> FloatArray:
            return np.asarray(np.sqrt(G * noncentrality / (df * total)))

        side = (1 - RMSEA_LEVEL) / 2
        excess = root(np.maximum(scaled - df, 0.0))
        return {
            "chi2_scaled": scaled,
            "scaling": c,
            "p_value_scaled": chi2_tail(df, scaled) if df else np.full_like(T, np.nan),
            "baseline_chi2_scaled": scaled0,
            "baseline_scaling": c0,
            "cfi_scaled": _cfi(scaled - df, scaled0 - df0),
            "cfi_robust": _cfi(T - c * df, chi0 - c0 * df0),
            "tli_scaled": _tli(scaled, df, scaled0, df0),
            "tli_robust": _tli(T - (c - 1) * df, df, chi0 - (c0 - 1) * df0, df0),
            "rmsea_scaled": excess,
            "rmsea_robust": np.sqrt(c) * excess,
            "rmsea_robust_low": np.sqrt(c) * root(limit(scaled, df, 1 - side)),
            "rmsea_robust_high": np.sqrt(c) * root(limit(scaled, df, side)),
        }


def _cfi(excess: FloatArray, excess0: FloatArray) -> FloatArray:
    worst = np.maximum(np.maximum(excess, excess0), 0.0)
    return np.where(worst > 0, 1 - np.maximum(excess, 0.0) / worst, 1.0)


def _tli(T: FloatArray, df: float, T0: FloatArray, df0: float) -> FloatArray:
    return np.asarray((T0 / df0 - T / df) / (T0 / df0 - 1))
