"""What `sem` returns: a frozen fit that keeps specification, moments and solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._checks import check_level
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation import sem_parts, sem_standard
from satmetrics.estimation.door import oriented
from satmetrics.estimation.sem_defined import with_defined
from satmetrics.estimation.sem_fiml import FIML_NOTE, CasewiseTest
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_ordinal import OrdinalPart
from satmetrics.estimation.sem_robust import ScaledTest, robust_notes
from satmetrics.estimation.sem_standard import Standard
from satmetrics.estimation.sem_structure import SemStructure
from satmetrics.estimation.sem_table import ParameterTable
from satmetrics.inference.protocol import Sampling
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

ULS_NOTE = (
    "ULS: standard errors and chi-square are lavaan's, which take the covariances as "
    "independent with equal variance; they are no basis for tests"
)


@dataclass(frozen=True, eq=False, repr=False)
class SemFit(SemStructure):
    """A covariance structure model, estimated; with ``by=`` one fit per group.

    Attributes
    ----------
    model, table, options, moments : what was fitted, its parameters, how, and to what.
    theta : (…, t) free parameters, in the order of `table`.
    vcov : (…, t, t) covariance of their errors.
    chi2 : (…) test statistic of the model.
    iterations, converged, admissible : (…)
    reasons : per group why a fit failed or is inadmissible; empty where it is sound.
    ends : (2, p) minimum and maximum of each indicator's scale, NaN where not known.
    sampling : how answers became moments.
    scaled : scaling of the chi-square for answers that are not normal, with "MLM" and
        "MLR"; else None.
    casewise : log-likelihoods of incomplete answers, with ``missing="fiml"``; else
        None.
    ordinal : thresholds, errors of polychoric correlations and adjusted tests of a fit
        to ordered answers; else None.
    """

    model: StructuralModel
    table: ParameterTable
    options: SemOptions
    moments: Moments
    theta: FloatArray
    vcov: FloatArray
    chi2: Any
    iterations: Any
    converged: Any
    admissible: Any
    reasons: tuple[str, ...]
    ends: FloatArray
    sampling: Sampling = field(default_factory=Sampling)
    scaled: ScaledTest | None = None
    casewise: CasewiseTest | None = None
    ordinal: OrdinalPart | None = None

    @property
    def source(self) -> Moments:
        """Moments of the data's columns, from which all else is computed."""
        return self.moments

    @property
    def spec(self) -> StructuralModel:
        """The model."""
        return self.model

    @property
    def title(self) -> str:
        """What was fitted."""
        return f"Covariance structure model {self.model.name}"

    def estimator_words(self) -> str:
        """Return how the numbers were estimated, for people."""
        how = self.options
        return (
            f"covariance structure model of factors, {how.estimator}; {self.df} "
            f"degrees of freedom, tolerance {how.tol:g}, "
            f"{int(np.max(self.iterations))} iterations; paths standardised; of a "
            "factor in an index its regression score"
        )

    @property
    def batched(self) -> bool:
        """Whether the fit holds a batch; groups of one model are none."""
        return bool(self.moments.batch_shape) and len(self.table.groups) == 1

    @property
    def n(self) -> AnyArray:
        """Respondents behind each fit (b,), over all groups of a model of several."""
        n = np.atleast_1d(self.moments.n)
        return n.sum(keepdims=True) if len(self.table.groups) > 1 else n

    @property
    def df(self) -> int:
        """Degrees of freedom of the model."""
        p, G = len(self.table.observed), len(self.table.groups)
        if self.ordinal is not None:
            return p * (p - 1) // 2 - self.table.n_free
        known = G * (p * (p + 1) // 2 + (p if self.table.means else 0))
        return int(known - self.table.n_free)

    @property
    def chi2_scaled(self) -> Any:
        """Chi-square over its scaling (…); NaN where there is none."""
        scaling = np.nan if self.scaled is None else self.scaled.scaling
        return np.asarray(self.chi2 / scaling)[()]

    @cached_property
    def matrices(self) -> kernel.Matrices:
        """The matrices of the model, a batch of one for a single fit."""
        theta = self.theta if self.batched else self.theta[None]
        return self.table.layout.groups[0].matrices(np.nan_to_num(theta))

    def refit(self, moments: Moments) -> SemFit:
        """Fit the same model with the same options to other moments."""
        from satmetrics.estimation.sem import refitted

        return refitted(self, moments)

    def turned(self, moments: Moments | None = None) -> Moments:
        """Return moments, those of the fit when None, reversed indicators turned."""
        return oriented(self.model, moments or self.moments, self.ends)

    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return every parameter with its error, test, interval and standardisation.

        Columns: keys, lhs, op, rhs, label, free, estimate, std_error, statistic,
        p_value, conf_low, conf_high.
        """
        return self.estimate_table(level).to_frame()

    def estimate_table(self, level: float = 0.95) -> Table:
        """Return `estimates` as a table."""
        check_level(level)
        at = self.table.shown()
        estimate = self.table.numbers(self.theta)[..., at]
        free = self.table.free[at]
        error = np.sqrt(np.diagonal(self.vcov, axis1=-2, axis2=-1))
        error = np.where(free >= 0, error[..., np.maximum(free, 0)], np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = estimate / error
        half = normal_quantile((1 + level) / 2) * error
        columns: dict[str, FloatArray] = {
            "estimate": estimate,
            "std_error": error,
            "statistic": z,
            "p_value": 2 * normal_cdf(-np.abs(z)),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
        shown = self.table.table()
        labels: dict[str, Any] = {n: shown[n] for n in shown.names}
        if self.table.defined:
            labels, columns = with_defined(self, labels, columns, level)
        return self.tidy(labels, columns)

    def tidy(
        self, labels: Mapping[str, Any], values: Mapping[str, FloatArray]
    ) -> Table:
        """Combine labels of k rows with values (…, k), a batch below one another."""
        first = [name for name in labels if name != "note"]
        if self.keys is None:
            return Table.of({**labels, **values}, keys=first)
        groups, k = len(self.keys), len(next(iter(labels.values())))
        columns: dict[str, AnyArray] = {
            name: np.repeat(self.keys[name], k) for name in self.keys.names
        }
        columns |= {
            name: np.tile(np.array(label, dtype=object), groups)
            for name, label in labels.items()
        }
        columns |= {name: np.ravel(value) for name, value in values.items()}
        return Table.of(columns, keys=(*self.keys.names, *first))

    def paths(self, level: float = 0.95) -> pd.DataFrame:
        """Return source, target, estimate and test of every path.

        The estimate is in the units of the constructs; ``standardized`` is that of
        constructs with variance 1.
        """
        return self.path_table(level).to_frame()

    def path_table(self, level: float = 0.95) -> Table:
        """Return `paths` as a table."""
        return sem_parts.path_table(self, level)

    def measurement(self, level: float = 0.95) -> pd.DataFrame:
        """Return construct, indicator, loading, estimate and test of every loading.

        ``loading`` is standardised, the correlation of indicator and factor where no
        other factor is behind the indicator; ``estimate`` is in the data's units, and
        ``r2`` is the share of the indicator's variance that factors explain. Factors
        have no weights: ``weight`` is NaN.
        """
        return self.measurement_table(level).to_frame()

    def measurement_table(self, level: float = 0.95) -> Table:
        """Return `measurement` as a table."""
        return sem_parts.measurement_table(self, level)

    def r2(self) -> pd.DataFrame:
        """Return construct and R² of every construct that is led to."""
        return self.r2_table().to_frame()

    def r2_table(self) -> Table:
        """Return `r2` as a table."""
        return sem_parts.r2_table(self)

    def fit_measures(self) -> pd.DataFrame:
        """Return chi-square, CFI, TLI, RMSEA, SRMR, GFI, AIC, BIC and more, by term.

        Columns: keys, term, estimate, conf_low, conf_high (RMSEA, 90 %), note with the
        definition's source. Definitions are those of lavaan 0.6-14. ULS has no p-values
        and only ML has likelihoods.
        """
        return self.fit_measure_table().to_frame()

    def fit_measure_table(self) -> Table:
        """Return `fit_measures` as a table."""
        from satmetrics.estimation.sem_measures import measure_table

        return measure_table(self)

    def standardized(
        self, kind: Standard = "std.all", level: float = 0.95
    ) -> pd.DataFrame:
        """Return every parameter standardised, with errors by the delta method.

        Parameters
        ----------
        kind : "std.lv" gives latent variables variance 1, "std.all" observed ones too,
            "std.nox" all but observed variables that no path leads to.
        level : of the intervals.
        """
        return self.standardized_table(kind, level).to_frame()

    def standardized_table(
        self, kind: Standard = "std.all", level: float = 0.95
    ) -> Table:
        """Return `standardized` as a table."""
        return sem_standard.standardized_table(self, kind, level)

    def residuals(self) -> pd.DataFrame:
        """Return what the model leaves of each covariance (and mean).

        Columns: keys, lhs, op, rhs, estimate (observed minus implied), std_error,
        statistic (the standardised residual), p_value, normalized (over the error of
        the observed moment alone) and correlation (of observed minus implied
        correlations). Errors are those of normal theory at the implied moments; a
        residual that is 0 by construction has none.
        """
        return self.residual_table().to_frame()

    def residual_table(self) -> Table:
        """Return `residuals` as a table."""
        from satmetrics.estimation.sem_release import residual_table

        return residual_table(self)

    def modification_indices(self) -> pd.DataFrame:
        """Return by how much chi-square would fall if a parameter were freed.

        Columns: keys, lhs, op, rhs, statistic (the index, chi-square with 1 degree of
        freedom), p_value, expected_change of the parameter, and the same standardised:
        change_lv (std.lv) and change_all (std.all). Largest first; parameters that
        would not be identified are left out. An index says what would fit this sample
        better, not what is true.
        """
        return self.modification_table().to_frame()

    def modification_table(self) -> Table:
        """Return `modification_indices` as a table."""
        from satmetrics.estimation.sem_release import modification_table

        return modification_table(self)

    def construct_cov(self) -> pd.DataFrame:
        """Return the covariances of the constructs that the model implies."""
        found = sem_parts.latent_covariances(self, corr=False)
        names = self.table.latent
        return sem_parts.matrix_table(self, found, names, "construct").to_frame()

    def construct_corr(self) -> pd.DataFrame:
        """Return the correlations of the constructs that the model implies."""
        found = sem_parts.latent_covariances(self, corr=True)
        names = self.table.latent
        return sem_parts.matrix_table(self, found, names, "construct").to_frame()

    def implied(self) -> pd.DataFrame:
        """Return the covariances of the indicators that the model implies.

        Reversed indicators are turned; the divisor is that of the likelihood.
        """
        found = sem_parts.implied_covariances(self)
        names = self.table.observed
        return sem_parts.matrix_table(self, found, names, "indicator").to_frame()

    def status_table(self) -> Table:
        """Return `status` as a table."""
        columns: dict[str, object] = {
            "n": self.n,
            "converged": np.atleast_1d(self.converged),
            "iterations": np.atleast_1d(self.iterations),
            "admissible": np.atleast_1d(self.admissible),
            "reason": list(self.reasons),
        }
        if self.keys is None:
            return Table.of(columns)
        return self.keys.extended(columns, keys=self.keys.names)

    def to_frame(self) -> pd.DataFrame:
        """Return `estimates`."""
        return self.estimates()

    def summary(self) -> Summary:
        """Return the parameters with their errors, and how the model fits."""
        words = {
            **{k: k for k in self.key_names},
            "lhs": "",
            "op": "",
            "rhs": "",
            "estimate": "estimate",
            "std_error": "std. error",
            "statistic": "z",
            "p_value": "p",
        }
        facts = (
            *self.context.facts(),
            ("n", f"{int(np.sum(self.moments.n)):,}"),
            ("estimator", self.options.estimator),
            ("parameters", str(self.table.n_free)),
            ("df", str(self.df)),
        )
        if not self.batched:
            facts = (*facts, ("chi-square", f"{float(self.chi2):.3f}"))
        if not self.batched and self.scaled is not None:
            word = f"chi-square, scaled ({self.scaled.kind})"
            facts = (*facts, (word, f"{float(self.chi2_scaled):.3f}"))
        body = section("Parameters", self.estimate_table(), words, max_rows=80)
        heads = {
            **{k: k for k in self.key_names},
            "term": "measure",
            "estimate": "value",
            "conf_low": "low (90 %)",
            "conf_high": "high (90 %)",
        }
        fit = section("Fit", self.fit_measure_table(), heads, max_rows=40)
        notes = (
            *((ULS_NOTE,) if self.options.estimator == "ULS" else ()),
            *self.model.sentences(),
            *(reason for reason in self.reasons[:5] if reason),
            *robust_notes(self.moments, self.options),
            *((FIML_NOTE,) if self.casewise is not None else ()),
            *self.instability(),
            *self.context.sentences(),
        )
        ordered: tuple[Section, ...] = ()
        if self.ordinal is not None:
            said = {"item": "item", "category": "up to category"}
            said |= {"estimate": "threshold", "std_error": "std. error"}
            ordered = (section("Thresholds", self.ordinal.table(), said, max_rows=40),)
        return Summary(self.title, facts, (body, *ordered, fit), notes)
