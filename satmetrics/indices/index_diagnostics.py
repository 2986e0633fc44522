"""`indices.diagnostics`: the answers, the weights and the model behind an index."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._frames import Table, repeated_keys, stack
from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.assessment import _inner
from satmetrics.drivers import _importance
from satmetrics.drivers.goal import goal_of
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.door import model_survey, scale_ends
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.pls import pls
from satmetrics.estimation.staged import below, item_ends
from satmetrics.indices import _answer_shape
from satmetrics.indices.diagnostics_result import COLLINEAR, EXPLAINED, IndexDiagnostics
from satmetrics.moment.moments import Moments
from satmetrics.moment.survey_rows import grouped
from satmetrics.survey.scale import ScaleLike, as_scale
from satmetrics.survey.survey import Survey

SHAPES = ("skewness", "ceiling", "floor", "distinct")
TAKEN = ("construct", "indicator", "term", "n", "estimate", "rule", "reason")


@friendly_keywords
def diagnostics(
    fit: PlsFit,
    data: object,
    *,
    by: str | Sequence[str] | None = None,
    target: str | None = None,
    scale: ScaleLike | None = None,
) -> IndexDiagnostics:
    r"""Return what should be looked at before an index is believed.

    Of every indicator: **skewness** :math:`g_1 = m_3 / m_2^{3/2}` (moments about the
    mean, divisor n; with sampling weights Σw), **ceiling** and **floor** (shares of the
    answers at the best and the worst end of the scale, reversed items turned), how many
    **distinct** answers were used, and its **share** of the weight in the index of its
    construct, :math:`w_h r_h / Σ_h w_h r_h` (w the weights of the answers, r the range
    of the scale). Of every construct that has a path to the target: its **vif** among
    them. Of the target: **r2**.

    Parameters
    ----------
    fit : what `sat.pls` returned.
    data : the survey or frame that was fitted: the answers are needed.
    by : columns or roles such as "unit". The model is then estimated again in every
        group; a fit that holds groups has its own.
    target : the construct of the index; the model's target when None.
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.

    Returns
    -------
    IndexDiagnostics
        Rows with construct, indicator, term, n, estimate, rule (the rule of thumb and
        its source, where there is one) and reason. Shares are 0–1.

    Raises
    ------
    DataError
        If only moments are given, or the model names no target.
    OptionError
        If the fit holds other groups than asked for.

    Notes
    -----
    All answers that were given to an item count for it; weights, VIF and R² are those
    of the fit, whose rows its policy for missing answers chose. No number here passes
    or fails anything: rules of thumb are habits of a field and stand beside it.

    References
    ----------
    Joanes and Gill (1998), doi:10.1111/1467-9884.00122 (g1); Fornell et al. (1996),
    doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> found = sat.indices.diagnostics(fit, survey).to_frame()
    >>> found.query("term == 'r2'")["construct"].tolist()
    ['Satisfaction']
    """
    expect(
        "diagnostics",
        fit,
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned, then the data",
    )
    survey = _survey(fit, data)
    keys = _keys(fit, survey, by)
    estimated = fit if fit.batched or not keys else _again(fit, survey, keys)
    goal = goal_of(fit, target)
    ends = _ends(fit, survey, scale)
    groups = grouped(survey, list(keys) or None)
    shapes = _shapes(fit, survey, ends, groups.codes, groups.keys)
    context = survey.context_for(fit.spec.indicators).plus(groups.lost)
    return IndexDiagnostics(
        stack([shapes, *_of_model(estimated, goal, ends)], keys=keys),
        _with_policy(context, fit),
        target=fit.model.names[goal],
        model=fit.model.name,
        credit=fit.model.credit(),
        by=keys,
    )


def _survey(fit: PlsFit, data: object) -> Survey:
    if data is None or isinstance(data, Moments):
        raise DataError(
            "diagnostics needs the answers, and only moments are given",
            code="no-answers",
            remedy="pass the survey or frame that was fitted",
        )
    survey = model_survey(fit.spec, data)
    column = fit.sampling.weights
    return survey if column is None else survey.with_roles(weight=column)


def _keys(
    fit: PlsFit, survey: Survey, by: str | Sequence[str] | None
) -> tuple[str, ...]:
    """Return the key columns, by name."""
    asked = () if by is None else survey.groups(by)[1].names
    if fit.batched and asked and asked != fit.key_names:
        raise OptionError(
            f"by={list(asked)} and the fit holds groups by {list(fit.key_names)}",
            code="bad-by",
            column="by",
            value=asked,
            remedy="leave by= out, or fit all answers together",
        )
    return fit.key_names if fit.batched else asked


def _again(fit: PlsFit, survey: Survey, keys: tuple[str, ...]) -> PlsFit:
    """Estimate the model in every group, as it was estimated in all."""
    how = fit.sampling
    return pls(
        fit.spec,
        survey,
        fit.options,
        by=list(keys),
        missing=how.missing,
        ordinal=list(how.ordinal) or False,
    )


def _ends(fit: PlsFit, survey: Survey, scale: ScaleLike | None) -> FloatArray:
    """Return the ends (2, I) of the scales of the specification's items."""
    stated = scale_ends(fit.spec, survey)
    own = item_ends(fit)
    ends = np.where(np.isfinite(own), own, stated)
    if scale is not None:
        given = as_scale(scale)
        common = np.array([given.minimum, given.maximum])[:, None]
        ends = np.where(np.isfinite(ends), ends, common)
    return ends


def _shapes(
    fit: PlsFit,
    survey: Survey,
    ends: FloatArray,
    codes: np.ndarray,
    keys: Table | None,
) -> Table:
    """Return a row per group, item and term on the answers."""
    spec = fit.spec
    items, p = spec.indicators, len(spec.indicators)
    G = 1 if keys is None else len(keys)
    turned = np.isin(items, [i for c in spec.constructs for i in c.reverse])
    X = survey.answers(items)
    X = np.where(turned, ends.sum(axis=0) - X, X)
    found = _answer_shape.shape(X, ends, codes, G, survey.weights)
    estimate = np.stack([getattr(found, term) for term in SHAPES], axis=1)
    owners = [c.name for c in spec.constructs for _ in c.indicators]
    flat = ~(found.n > 0)
    reason = np.full((G, len(SHAPES), p), "", dtype=object)
    reason[np.isnan(estimate)] = "no scale"
    reason[:, 0][np.isnan(found.skewness)] = "all answers alike"
    reason[np.repeat(flat[:, None], len(SHAPES), axis=1)] = "no answers"
    k = len(SHAPES) * p
    columns: dict[str, object] = {
        **repeated_keys(keys, k, TAKEN),
        "construct": owners * len(SHAPES) * G,
        "indicator": list(items) * len(SHAPES) * G,
        "term": [term for term in SHAPES for _ in range(p)] * G,
        "n": np.repeat(found.n[:, None], len(SHAPES), axis=1).ravel().astype(int),
        "estimate": estimate.ravel(),
        "rule": [""] * (k * G),
        "reason": reason.ravel().tolist(),
    }
    return Table.of(columns, keys=() if keys is None else keys.names)


def _of_model(fit: PlsFit, goal: int, ends: FloatArray) -> list[Table]:
    """Return rows on weights, collinearity and R², of a fit or a batch of fits."""
    q = len(fit.model.names)
    name = fit.model.names[goal]
    before = np.flatnonzero(fit.model.adjacency()[:, goal])
    vif = _inner.predictor_vif(fit.corr.reshape(-1, q, q), fit.model.adjacency())
    vif = vif.reshape(fit.corr.shape)[..., before, goal]
    drivers = [fit.model.names[k] for k in before]
    items, owners, share = _shares(fit, ends)
    rows = [_rows(fit, "share", owners, items, share, "")]
    if drivers:
        blank = [""] * len(drivers)
        rows.append(_rows(fit, "vif", drivers, blank, vif, COLLINEAR.sentence))
        r2 = fit.r_squared[..., [goal]]
        rows.append(_rows(fit, "r2", [name], [""], r2, EXPLAINED.sentence))
    return rows


def _rows(
    fit: PlsFit,
    term: str,
    constructs: list[str],
    items: list[str],
    values: FloatArray,
    rule: str,
) -> Table:
    k = len(constructs)
    groups = len(fit.reasons)
    given = [reason for reason in fit.reasons for _ in range(k)]
    missing = np.isnan(np.ravel(values)).tolist()
    reason = [
        (own or "not defined") if gone else ""
        for own, gone in zip(given, missing, strict=True)
    ]
    labels = {"construct": constructs, "indicator": items}
    table = fit.tidy(labels, {"estimate": np.asarray(values)})
    return table.extended(
        {
            "term": [term] * len(table),
            "n": np.repeat(np.asarray(fit.moments.n), k),
            "rule": [rule] * (k * groups),
            "reason": reason,
        },
        keys=fit.key_names,
    )


def _shares(fit: PlsFit, ends: FloatArray) -> tuple[list[str], list[str], FloatArray]:
    """Return items, their constructs and their shares (…, k) of the weight."""
    items: list[str] = []
    owners: list[str] = []
    parts = []
    stages = [(fit, name) for name in fit.model.names]
    stages += [(fit.earlier[k], name) for k, name in below(fit)]
    for stage, name in stages:
        own = stage.model.owner() == stage.model.names.index(name)
        names = stage.model.construct(name).indicators
        spread = _spread(fit, stage, own, ends)
        w = stage.raw_weights()[..., own]
        owner = np.zeros(len(names), dtype=np.int64)
        limits = np.stack([np.zeros(len(names)), spread])
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(w * spread / _importance.spans(w, limits, owner, 1))
        items += names
        owners += [name] * len(names)
    return items, owners, np.concatenate(parts, axis=-1)


def _spread(
    fit: PlsFit, stage: PlsFit, own: np.ndarray, ends: FloatArray
) -> FloatArray:
    """Return the ranges of the indicators of one block: of answers, or of scores."""
    width = np.array((stage.ends[1] - stage.ends[0])[own])
    whole = ends[1] - ends[0]
    columns = np.array(stage.columns, dtype=object)[own]
    for i, column in enumerate(columns.tolist()):
        if column in fit.spec.indicators:
            width[i] = whole[fit.spec.indicators.index(column)]
    return width


def _with_policy(context: Context, fit: PlsFit) -> Context:
    n = int(np.sum(fit.moments.n))
    note = (
        f"answers: all that were given; weights, VIF and R²: the {n:,} rows of the fit "
        f"({fit.sampling.missing})"
    )
    return dataclasses.replace(context, notes=(*context.notes, note))
