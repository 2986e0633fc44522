"""`sat.pls`: partial least squares path modelling."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._typing import AnyArray, FloatArray, MissingPolicy
from satmetrics.errors import (
    ConvergenceError,
    DataError,
    InadmissibleWarning,
    NotIdentifiedError,
    OptionError,
    ReversalWarning,
    SatmetricsError,
    SpecificationError,
)
from satmetrics.estimation.design import Run
from satmetrics.estimation.door import (
    as_model,
    check_moments,
    model_moments,
    model_products,
    scale_ends,
    scale_notes,
    warn_small,
)
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.options import PlsOptions
from satmetrics.estimation.solve import Solved, solve_moments
from satmetrics.estimation.staged import Staged
from satmetrics.estimation.stages import run
from satmetrics.inference.protocol import Sampling
from satmetrics.models.composition import components_of
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments
from satmetrics.moment.polychoric import ordered_items


@friendly_keywords
def pls(
    model: StructuralModel | str,
    data: object,
    options: PlsOptions | None = None,
    *,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    ordinal: bool | Sequence[str] = False,
) -> PlsFit:
    r"""Estimate a path model by partial least squares.

    Composites :math:`y_j = Σ w_{jh} x_{jh}` of variance 1 are found by alternating
    inner proxies :math:`z_j = Σ_i e_{ij} y_i` and outer weights (mode A:
    :math:`w_{jh} ∝ \mathrm{cov}(x_{jh}, z_j)`; mode B: multiple regression of
    :math:`z_j` on the block); paths are the regressions among composites. Only the
    covariance matrix enters, so a published correlation matrix is data enough.

    Parameters
    ----------
    model : a StructuralModel or a catalogue name such as "ecsi".
    data : a Survey, any dataframe (pandas, Polars, PyArrow), or Moments. Of a Polars
        lazy frame or a DuckDB relation only sums are taken, where it is.
    options : scheme, metric, tolerance; see `PlsOptions`.
    by : columns or roles ("unit", "wave"); one fit per combination, as a batch.
    weights : column of sampling weights; the survey's weight role when None.
    missing : "listwise", "pairwise", "mean", "em" or "error"; see `Moments.from_frame`.
    ordinal : True, or a list of indicators that are ordered categories, whose
        correlations are then polychoric (OrdPLS; Schuberth, Henseler and Dijkstra 2018,
        doi:10.1007/s11135-016-0401-7).

    Returns
    -------
    PlsFit

    Raises
    ------
    ConvergenceError
        If the iteration does not settle within ``options.max_iter`` (single fit).
    NotIdentifiedError
        If a mode B block or the predictors of a construct are collinear; named.
    DataError
        If an indicator is absent or constant.

    References
    ----------
    Wold (1982), Soft modeling; Lohmöller (1989), Latent Variable Path Modeling with
    Partial Least Squares; Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.pls("ecsi", mobile, sat.PlsOptions(scheme="centroid"))
    >>> round(float(fit.paths()["estimate"][0]), 8)
    0.50470564
    """
    chosen = as_model(model, data)
    settings = as_options(options)
    check_kinds(chosen, settings)
    ordered = ordered_items(ordinal, chosen.indicators)
    check_moments(chosen, "polychoric" if ordered else "sample", settings)
    products = model_products(chosen, data, missing)
    moments = model_moments(
        chosen,
        data,
        by=by,
        weights=weights,
        missing=missing,
        products=products,
        ordinal=ordinal,
    )
    moments.require_cov()
    check_moments(chosen, moments.kind, settings)
    sampling = Sampling(missing, weights, products, ordered)
    ends = scale_ends(chosen, data)
    context = moments.context.plus(notes=scale_notes(chosen, ends))
    moments = dataclasses.replace(moments, context=context)
    fit = fit_moments(chosen, moments, settings, ends=ends, sampling=sampling)
    if not fit.batched:
        _raise_fault(fit)
        warn_small(chosen, moments)
        _warn_turned(fit)
        _warn_inadmissible(fit)
    return fit


def fit_moments(
    model: StructuralModel,
    moments: Moments,
    options: PlsOptions,
    *,
    ends: FloatArray,
    sampling: Sampling,
) -> PlsFit:
    """Fit without judging: faults are recorded in `status`, not raised."""
    if not model.plain:
        return _in_stages(
            run(model, moments, options, ends, sampling.products), sampling
        )
    solved = solve_moments(model, moments, options, ends)
    return _of_solved(solved, moments, options, ends, sampling)


def _in_stages(stage: Run, sampling: Sampling) -> PlsFit:
    """Return the fit of a specification, with the fits of its earlier stages."""
    design, options = stage.design, stage.solved.options
    fit = _of_solved(stage.solved, stage.moments, options, design.ends, sampling)
    if stage.spec.plain:
        return fit
    batched = bool(stage.source.batch_shape)
    groups = len(stage.source.reasons)
    matrix = np.broadcast_to(design.rows, (groups, *design.rows.shape[1:]))
    offset = np.broadcast_to(design.offset, (groups, *design.offset.shape[1:]))
    below = dataclasses.replace(sampling, products=None)
    sound = stage.admissible
    reasons = tuple(
        fit.reasons[g] if sound[g] else stage.reason(g) for g in range(groups)
    )
    return dataclasses.replace(
        fit,
        converged=stage.converged if batched else stage.converged[0],
        admissible=sound if batched else sound[0],
        reasons=reasons,
        staged=Staged(
            spec=stage.spec,
            source=stage.source,
            earlier=tuple(_in_stages(run, below) for run in stage.earlier),
            matrix=matrix if batched else matrix[0],
            offset=offset if batched else offset[0],
            columns=design.columns,
        ),
    )


def _of_solved(
    solved: Solved,
    moments: Moments,
    options: PlsOptions,
    ends: FloatArray,
    sampling: Sampling,
) -> PlsFit:
    """Return the fit of a plain model that was solved."""
    batched = bool(moments.batch_shape)
    solution = solved.solution
    admissible = solution.converged & ~solved.violated.any(axis=1)
    reasons = tuple(
        solved.caution(g) if sound else solved.reason(g)
        for g, sound in enumerate(admissible)
    )

    def shaped(values: AnyArray) -> Any:
        return values if batched else values[0]

    return PlsFit(
        model=solved.model,
        options=options,
        moments=moments,
        weights=shaped(solution.weights),
        loadings=shaped(solution.loadings),
        cross=shaped(solution.cross),
        corr=shaped(solution.corr),
        score_corr=shaped(solution.score_corr),
        rho=shaped(solution.rho),
        path_matrix=shaped(solution.paths),
        r_squared=shaped(solution.r2),
        iterations=shaped(solution.iterations),
        converged=shaped(solution.converged),
        admissible=shaped(admissible),
        reasons=reasons,
        ends=ends,
        sampling=sampling,
    )


def as_options(options: object) -> PlsOptions:
    """Return the options, the default ones for None, or raise."""
    if options is None:
        return PlsOptions()
    if isinstance(options, PlsOptions):
        return options
    raise OptionError(
        f"options is a {type(options).__name__}",
        code="not-options",
        value=options,
        remedy='pass sat.PlsOptions(scheme="path")',
    )


def check_kinds(model: StructuralModel, options: PlsOptions) -> None:
    """Raise if a construct has no paths, or the options are not defined for it."""
    _check_connected(model)
    factors = [c.name for c in model.constructs if c.kind == "factor"]
    factors += [h.name for h in model.higher if h.kind == "factor"]
    if factors and options.metric == "raw":
        raise SpecificationError(
            f'construct {factors[0]!r} has kind = "factor", and consistent PLS is '
            "defined for standardised items",
            code="raw-plsc",
            column=factors[0],
            remedy='use metric="standardized", or kind = "composite"',
        )
    if model.interactions and options.metric == "raw":
        raise SpecificationError(
            f"interaction {model.interactions[0].name!r}: a product of raw answers is "
            "on the square of their scale, and no one metric holds both",
            code="raw-interaction",
            column=model.interactions[0].name,
            remedy='use metric="standardized"',
        )


def _check_connected(model: StructuralModel) -> None:
    """Raise if weights would be undefined, as they are without paths."""
    if not model.paths:
        raise SpecificationError(
            f"model {model.name!r} has no paths, without which PLS defines no weights",
            code="no-paths",
            remedy="name at least one: paths={source: [target]}; factors without paths "
            "are estimated with sat.sem",
        )
    joined = {end for path in model.paths for end in (path.source, path.target)}
    joined |= set(components_of(model))
    alone = [name for name in model.nodes if name not in joined]
    if alone:
        raise SpecificationError(
            f"model {model.name!r}: construct {alone[0]!r} has no path to or from it "
            "that would define its weights",
            code="unconnected-construct",
            column=alone[0],
            remedy="connect it or leave it out; factors without paths are estimated "
            "with sat.sem",
        )


def _raise_fault(fit: PlsFit) -> None:
    reason = fit.reasons[0]
    if bool(fit.converged):
        return
    raise _fault(reason, fit)


def _fault(reason: str, fit: PlsFit) -> SatmetricsError:
    if "cancel" in reason:
        return NotIdentifiedError(
            reason,
            code="cancelling-items",
            value=reason,
            remedy="name it in reverse= of its construct or survey, or leave it out",
        )
    if reason.startswith("not converged"):
        return ConvergenceError(
            reason,
            code="not-converged",
            value=int(fit.iterations),
            remedy="raise max_iter or tol in PlsOptions, or try another scheme",
        )
    if "rho_A" in reason:
        return NotIdentifiedError(
            reason,
            code="no-reliability",
            value=reason,
            remedy='check the items of this construct, or set its kind to "composite"',
        )
    if "no inverse" in reason or "collinear" in reason:
        return NotIdentifiedError(
            reason,
            code="singular",
            value=reason,
            remedy="drop a redundant indicator or predictor, use mode A, or get more "
            f"respondents (n = {int(fit.moments.n)})",
        )
    return DataError(
        reason or "the moments hold values that are not numbers",
        code="unusable-data",
        value=reason,
        remedy="leave the item out, or check how it was coded",
    )


def _warn_turned(fit: PlsFit) -> None:
    """Warn of mode A items that go against their own construct, in any stage."""
    for said in dict.fromkeys(
        said for stage in (*fit.earlier, fit) for said in _turned_of(stage)
    ):
        warnings.warn(said, ReversalWarning, stacklevel=3)


def _turned_of(fit: PlsFit) -> Iterator[str]:
    turned = fit.loadings < -2 / np.sqrt(float(fit.moments.n_eff))
    if not turned.any():
        return
    owner = fit.model.owner()
    products = {term.name for term in fit.spec.interactions}
    for k, construct in enumerate(fit.model.constructs):
        against = np.flatnonzero((owner == k) & turned)
        if construct.mode != "A" or construct.name in products or not len(against):
            continue
        items = ", ".join(fit.model.indicators[i] for i in against)
        yield (
            f"{items} goes against the other items of {construct.name} (loading "
            f"{fit.loadings[against[0]]:.2f}): is it to be reversed?"
        )


def _warn_inadmissible(fit: PlsFit) -> None:
    if not bool(fit.admissible):
        warnings.warn(fit.reasons[0], InadmissibleWarning, stacklevel=3)
