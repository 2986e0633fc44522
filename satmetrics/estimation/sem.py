"""`sat.sem`: covariance structure models by maximum likelihood and least squares."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._typing import BoolArray, FloatArray, MissingPolicy
from satmetrics.errors import (
    InadmissibleWarning,
    OptionError,
)
from satmetrics.estimation._sem_minimise import Solution
from satmetrics.estimation._sem_solve import admissible, estimate
from satmetrics.estimation.door import as_model, model_moments, scale_ends
from satmetrics.estimation.sem_elements import ModelText
from satmetrics.estimation.sem_faults import faults, judged, raise_fault
from satmetrics.estimation.sem_fiml import (
    check_fiml,
    incomplete,
    require_refittable,
    solve_fiml,
)
from satmetrics.estimation.sem_fit import SemFit
from satmetrics.estimation.sem_groups import (
    Grouping,
    groups_asked,
    parameters_of,
    refuse_groups,
    require_same_groups,
)
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_ordinal import (
    check_ordinal,
    ordinal_part,
    solve_ordinal,
    unit_table,
)
from satmetrics.estimation.sem_robust import (
    check_staged,
    corrected,
    require_acov,
    robust_of,
)
from satmetrics.estimation.sem_sample import (
    as_groups,
    as_sample,
    sample_acov,
    sample_covariances,
    totals,
)
from satmetrics.estimation.sem_semopy import check_engine, fit_by_semopy
from satmetrics.estimation.sem_syntax import derived_model, is_text
from satmetrics.estimation.sem_table import ParameterTable, start_values
from satmetrics.inference.protocol import Sampling
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments
from satmetrics.moment.polychoric import ordered_items

SemMissing = Literal["listwise", "pairwise", "mean", "em", "error", "fiml", "two-stage"]


@friendly_keywords
def sem(  # noqa: PLR0913 - keywords of a front door
    model: StructuralModel | str,
    data: object,
    options: SemOptions | None = None,
    *,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    missing: SemMissing = "listwise",
    ordinal: bool | Sequence[str] = False,
    groups: str | Sequence[str] | None = None,
    equal: str | Sequence[str] = (),
    free: str | Sequence[str] = (),
) -> SemFit:
    r"""Estimate a model of factors from covariances.

    Constructs are factors behind their indicators, :math:`y = ν + Λη + ε`, joined by
    paths, :math:`η = α + Bη + ζ`; what follows for the covariances,

    .. math:: Σ = Λ (I - B)^{-1} Ψ (I - B)^{-T} Λ' + Θ,

    is brought near those of the answers: by maximum likelihood (the default), by
    generalised or unweighted least squares.

    Parameters
    ----------
    model : a StructuralModel, a catalogue name such as "ecsi", or text in lavaan's
        syntax such as ``"Quality =~ q1 + q2 + q3"``. Constructs of mode A are factors,
        whatever their kind; one with one indicator is the observed variable.
    data : a Survey, any dataframe (pandas, Polars, PyArrow), or Moments.
    options : estimator, identification, tolerance; see `SemOptions`.
    by : columns or roles ("unit", "wave"); one fit per combination, as a batch.
    weights : column of sampling weights; the survey's weight role when None.
    missing : "listwise", "mean" and "error" as for `sat.pls`; "fiml" maximises the
        likelihood of the answers given, means among the parameters, with errors from
        the observed information (and sandwich and scaled test with "MLR"); "two-stage",
        also called "em", fits the moments of EM, with errors and a scaled test that
        carry what is missing. "pairwise" has errors as if nothing were missing.
    ordinal : True where the indicators are ordered categories: normal variables with
        thresholds stand behind them, whose polychoric correlations are fitted by
        "DWLS" or "ULS", with errors and tests from their asymptotic covariance.
    groups : column whose values make the groups of one model, with parameters of their
        own but for `equal`; means are modelled unless ``SemOptions(means=False)``.
    equal : what is the same in all groups: "loadings", "intercepts", "residuals",
        "means", "regressions", "residual.covariances", "lv.variances",
        "lv.covariances". With equal intercepts the means of factors are 0 in the first
        group and free in the others.
    free : parameters that differ all the same (partial invariance), written as in
        model text: ``["x3 ~1", "visual =~ x3"]``.

    Returns
    -------
    SemFit

    Raises
    ------
    SpecificationError
        If a construct is of mode B, the model has interactions, or a line of text
        cannot be read.
    OptionError
        If groups are asked for that the data do not have.
    NotIdentifiedError
        If the data do not determine a parameter, which is named.
    ConvergenceError
        If the iteration does not settle (single fit).
    DataError
        If an indicator is absent or constant, or the covariances are not positive
        definite.

    Warns
    -----
    InadmissibleWarning
        If a variance is negative or constructs correlate beyond 1.

    References
    ----------
    Jöreskog (1969), doi:10.1007/BF02289343; Bollen (1989), Structural Equations with
    Latent Variables, doi:10.1002/9781118619179.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.sem("ecsi", mobile)
    >>> round(float(fit.chi2), 3), fit.df
    (575.571, 241)
    """
    text = ModelText.of(model) if isinstance(model, str) and is_text(model) else None
    chosen = as_model(model, data) if text is None else derived_model(text)
    settings = as_sem_options(options)
    check_engine(settings, missing, ordinal)
    ordered = ordered_items(ordinal, chosen.indicators)
    if ordered:
        check_ordinal(chosen, ordered, settings, by, missing)
        refuse_groups("ordinal=", groups)
        table = parameters_of(chosen, text, settings, Grouping())
        fit = _fit_ordered(chosen, table, data, settings, weights, ordered)
        return _without_fault(fit)
    if settings.estimator == "DWLS":
        raise OptionError(
            'estimator="DWLS" is one of ordered answers',
            code="not-ordinal",
            column="estimator",
            value="DWLS",
            remedy="give ordinal=True",
        )
    ends = scale_ends(chosen, data)
    if missing == "fiml":
        check_fiml(settings, data)
        refuse_groups('missing="fiml"', groups)
        settings = dataclasses.replace(settings, means=True)
        table = parameters_of(chosen, text, settings, Grouping())
        return _without_fault(
            _fit_incomplete(chosen, table, data, settings, ends, (by, weights))
        )
    staged = missing in ("em", "two-stage")
    if staged:
        check_staged(settings)
    policy: MissingPolicy = "em" if missing == "two-stage" else missing
    acov = (settings.robust or staged) and not isinstance(data, Moments)
    split = groups_asked(data, by, groups)
    moments = model_moments(
        chosen, data, by=split, weights=weights, missing=policy, acov=acov
    )
    moments.require_cov()
    require_acov(moments, settings)
    grouping = Grouping.of(groups, equal, free, moments)
    table = parameters_of(chosen, text, settings, grouping)
    fit = fit_covariances(
        chosen, table, moments, settings, ends, Sampling(policy, weights)
    )
    return _without_fault(fit)


def _without_fault(fit: SemFit) -> SemFit:
    """Return a fit, warned of where it is inadmissible; raise where it failed."""
    if not fit.batched:
        raise_fault(fit)
        if not bool(fit.admissible):
            warnings.warn(fit.reasons[0], InadmissibleWarning, stacklevel=4)
    return fit


def _fit_ordered(
    model: StructuralModel,
    free: ParameterTable,
    data: object,
    options: SemOptions,
    weights: str | None,
    ordered: tuple[str, ...],
) -> SemFit:
    """Fit a model to the polychoric correlations of ordered answers."""
    moments = model_moments(model, data, weights=weights, ordinal=ordered)
    table = unit_table(free)
    part = ordinal_part(model, data, moments, weights)
    found = solve_ordinal(table, part, float(moments.n), options)
    return SemFit(
        model=model,
        table=table,
        options=options,
        moments=moments,
        theta=found.theta,
        vcov=found.vcov,
        chi2=found.chi2,
        iterations=found.iterations,
        converged=found.converged,
        admissible=found.admissible,
        reasons=(found.reason,),
        ends=scale_ends(model, data),
        sampling=Sampling("listwise", weights, ordinal=ordered),
        ordinal=found.part,
    )


def _fit_incomplete(
    model: StructuralModel,
    table: ParameterTable,
    data: object,
    options: SemOptions,
    ends: FloatArray,
    grouping: tuple[str | Sequence[str] | None, str | None],
) -> SemFit:
    """Fit by the likelihood of the answers given; `grouping` is (by, weights)."""
    by, weights = grouping
    moments = model_moments(model, data, by=by, weights=weights, missing="em")
    S, mean, n = sample_covariances(model, moments, options, ends)
    reasons = faults(table, S, n, moments.reasons)
    good = np.array([not r for r in reasons])
    sample = as_sample(table, S, mean, good)
    rows = incomplete(model, data, ends, by=by, weights=weights)
    made = solve_fiml(table, rows, sample, list(good), options)
    found, single = made.solution, not moments.batch_shape
    proper = admissible(table.layout, found.theta)
    scaled = made.scaled
    return SemFit(
        model=model,
        table=table,
        options=options,
        moments=moments,
        ends=ends,
        sampling=Sampling("em", weights),
        scaled=scaled.take(0) if scaled is not None and single else scaled,
        casewise=made.test.take(0) if single else made.test,
        **_judged(table, found, proper, reasons, (made.vcov, made.chi2), single),
    )


def as_sem_options(options: object) -> SemOptions:
    """Return the options, the default ones for None, or raise."""
    if options is None:
        return SemOptions()
    if isinstance(options, SemOptions):
        return options
    raise OptionError(
        f"options is a {type(options).__name__}",
        code="not-options",
        value=options,
        remedy='pass sat.SemOptions(estimator="ML")',
    )


def fit_covariances(
    model: StructuralModel,
    table: ParameterTable,
    moments: Moments,
    options: SemOptions,
    ends: FloatArray,
    sampling: Sampling,
    at: FloatArray | None = None,
) -> SemFit:
    """Fit without judging: faults are recorded in `status`, not raised.

    Parameters
    ----------
    at : (t,) parameters to start from; values from the data when None.
    """
    if options.engine == "semopy":
        return fit_by_semopy(model, table, moments, options, ends, sampling)
    several = len(table.groups) > 1
    single = several or not moments.batch_shape
    S, mean, n = sample_covariances(model, moments, options, ends)
    reasons = faults(table, S, n, moments.reasons)
    total = totals(n, options)
    if several:
        require_same_groups(table, moments)
        sample, total, reasons = as_groups(table, S, mean, total, reasons)
    good = np.array([not r for r in reasons])
    if not several:
        sample = as_sample(table, S, mean, good)
    start = start_values(table, sample.S, sample.mean)
    if at is not None:
        start = np.broadcast_to(at, start.shape).copy()
    made = estimate(
        table.layout,
        sample,
        start,
        total,
        weight=options.weight,
        observed=options.information == "observed",
        tol=options.tol,
        max_iter=options.max_iter,
    )
    found = made.solution
    vcov, test = made.vcov, None
    if corrected(moments, options):
        own = sample_acov(model, moments, options, ends)
        own = own.swapaxes(0, 1) if several and own is not None else own
        where = np.where((good & found.identified)[:, None], found.theta, np.nan)
        vcov, test = robust_of(table.layout, sample, where, total, own, options)
    return SemFit(
        model=model,
        table=table,
        options=options,
        moments=moments,
        ends=ends,
        sampling=sampling,
        scaled=test.first() if test is not None and single else test,
        **_judged(table, found, made.admissible, reasons, (vcov, made.chi2), single),
    )


def _judged(
    table: ParameterTable,
    found: Solution,
    proper: BoolArray,
    reasons: Sequence[str],
    figures: tuple[FloatArray, FloatArray],
    single: bool,
) -> dict[str, Any]:
    """Return the fields of a fit that are said of each sample, blank where it failed.

    Parameters
    ----------
    proper : whether the solution is admissible, by sample.
    reasons : why a sample could not be fitted; empty where it could.
    figures : the covariance of the parameters and χ², by sample.
    single : one sample, told without the batch axis.
    """
    good = np.array([not reason for reason in reasons])
    vcov, chi2 = figures

    def told(values: Any) -> Any:
        return values[0] if single else values

    def shown(values: FloatArray) -> Any:
        out = np.array(values, dtype=np.float64)
        out[~good] = np.nan
        return told(out)

    return {
        "theta": shown(found.theta),
        "vcov": shown(vcov),
        "chi2": shown(chi2),
        "iterations": told(found.iterations),
        "converged": told(found.converged & good),
        "admissible": told(found.converged & found.identified & proper & good),
        "reasons": tuple(
            reason or judged(table, found, bool(proper[k]), k)
            for k, reason in enumerate(reasons)
        ),
    }


def refitted(fit: SemFit, moments: Moments) -> SemFit:
    """Fit the same parameters with the same options to other moments.

    Robust errors need the covariance of the moments: where these have none, as
    resamples do, the fit is by ML, whose estimates are the same.
    """
    require_refittable(fit)
    chosen = moments.select(fit.moments.names)
    options = fit.options
    if options.robust and chosen.acov is None:
        options = dataclasses.replace(options, estimator="ML")
    start = None if fit.batched or np.isnan(fit.theta).any() else fit.theta
    return fit_covariances(
        fit.model, fit.table, chosen, options, fit.ends, fit.sampling, start
    )
