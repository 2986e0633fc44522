"""The estimators' one door: a model and data become moments, or an error says why."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from satmetrics._typing import FloatArray, MissingPolicy
from satmetrics.errors import (
    DataError,
    MissingMomentsError,
    OptionError,
    SmallSampleWarning,
)
from satmetrics.estimation.options import PlsOptions
from satmetrics.models import files
from satmetrics.models.model import StructuralModel
from satmetrics.moment.answers import from_answers
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products
from satmetrics.moment.pushdown import from_lazy
from satmetrics.survey._lazy import LazyAnswers, is_lazy, open_lazy, refuse
from satmetrics.survey.scale import as_scale
from satmetrics.survey.survey import Survey, as_survey


def as_model(model: object, data: object) -> StructuralModel:
    """Return the model; a catalogue name is loaded, swapped arguments are named."""
    if isinstance(model, StructuralModel):
        return model
    if isinstance(data, StructuralModel) or (
        isinstance(data, str) and not isinstance(model, str)
    ):
        raise OptionError(
            "model and data are swapped",
            code="swapped-arguments",
            remedy="the model comes first: sat.pls(model, data)",
        )
    if isinstance(model, str):
        return files.load(model)
    raise OptionError(
        f"the model is a {type(model).__name__}",
        code="not-a-model",
        remedy="pass a StructuralModel or a catalogue name such as 'ecsi'",
    )


def model_survey(model: StructuralModel, data: object) -> Survey:
    """Return the data as a Survey whose items carry the model's scales.

    A scale the survey declares itself is kept; the model's fills the gaps, so that an
    answer off the scale (98 for "don't know") is an error and not a number.
    """
    pairs = _scales(model)
    known = {pair: as_scale(pair) for pair in set(pairs) if pair is not None}
    scales = {
        name: None if pair is None else known[pair]
        for name, pair in zip(model.indicators, pairs, strict=True)
    }
    survey = as_survey(data, scales, borrow=True)
    for construct in model.constructs:
        twice = [item for item in construct.reverse if item in survey.reverse]
        if twice:
            raise DataError(
                f"{twice[0]!r} is reversed in the model and in the survey, which would "
                "turn it twice",
                code="reversed-twice",
                column=twice[0],
                remedy="name it in one of the two only",
            )
        scale = construct.scale or model.scale
        there = [item for item in construct.indicators if item in survey.columns]
        if scale is not None and there:
            survey = survey.with_scale(scale, there)
    return survey


def model_moments(
    model: StructuralModel,
    data: object,
    *,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    products: Products | None = None,
    ordinal: bool | Sequence[str] = False,
    acov: bool = False,
) -> Moments:
    """Return the moments of the model's indicators, and of products beside them.

    Raises
    ------
    DataError
        If an indicator is absent, or `by` is given with bare moments.
    """
    if isinstance(data, Moments):
        if by is not None or weights is not None or ordinal is not False:
            raise DataError(
                "by=, weights= and ordinal= need answers, and only moments are given",
                code="no-answers",
                remedy="pass them to Moments.from_frame, and its moments here",
            )
        return data.select(model.indicators)
    if is_lazy(data):
        return from_lazy(
            _scaled(model, data),
            model.indicators,
            by=by,
            weights=weights,
            missing=missing,
            acov=acov,
            ordinal=ordinal,
        )
    return from_answers(
        model_survey(model, data),
        model.indicators,
        by=by,
        weights=weights,
        missing=missing,
        acov=acov,
        products=products,
        ordinal=ordinal,
    )


def _scaled(model: StructuralModel, data: object) -> LazyAnswers:
    """Return a query for answers whose items carry the model's scales."""
    pairs = zip(model.indicators, _scales(model), strict=True)
    return open_lazy(data).scaled({n: as_scale(s) for n, s in pairs if s is not None})


def model_products(
    model: StructuralModel, data: object, missing: MissingPolicy
) -> Products | None:
    """Return the products of items that the model's interactions need, or None.

    Raises
    ------
    MissingMomentsError
        If only moments are given: a product's own need third and fourth moments.
    OptionError
        If rows with a missing answer are to be used.
    """
    if not model.interactions:
        return None
    if isinstance(data, Moments):
        raise MissingMomentsError(
            f"interaction {model.interactions[0].name!r} needs third and fourth "
            "moments of the items, and means and covariances are given",
            code="no-answers",
            column=model.interactions[0].name,
            remedy="pass the answers",
        )
    if is_lazy(data):
        raise refuse("an interaction", column=model.interactions[0].name)
    if missing not in ("listwise", "error"):
        raise OptionError(
            f"missing={missing!r} and interactions do not go together: a product needs "
            "both of its answers",
            code="missing-product",
            column="missing",
            value=missing,
            remedy='use missing="listwise"',
        )
    survey = model_survey(model, data)
    answers = survey.answers(model.indicators)
    return Products.about_means(answers, model.indicators, product_pairs(model))


def product_pairs(model: StructuralModel) -> tuple[tuple[str, str], ...]:
    """Return the pairs of items whose products the interactions are made of."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for term in model.interactions:
        first, second = (model.items_of(factor) for factor in term.factors)
        for a in first:
            for b in second:
                pairs.setdefault(frozenset((a, b)), (a, b))
    return tuple(pairs.values())


def check_moments(model: StructuralModel, kind: str, options: PlsOptions) -> None:
    """Raise for what cannot be had from moments of a kind: scores of ordinal items."""
    if kind != "polychoric":
        return
    if options.metric == "raw":
        raise OptionError(
            'metric="raw" needs covariances of the answers, and ordinal items have '
            "polychoric correlations",
            code="polychoric-raw",
            column="metric",
            value=options.metric,
            remedy='use metric="standardized"',
        )
    if not model.plain:
        raise DataError(
            "polychoric correlations are of what lies behind the answers, which has no "
            "scores to become indicators of a later stage",
            code="polychoric-stages",
            column=next(n for n in model.nodes if n not in model.names),
            remedy="use the correlations of the answers, or a model without "
            "higher-order constructs and interactions",
        )


def oriented(model: StructuralModel, moments: Moments, ends: FloatArray) -> Moments:
    """Turn the model's reversed indicators: x becomes minimum + maximum − x.

    Parameters
    ----------
    model : the model.
    moments : of its indicators, in order.
    ends : (2, p) minimum and maximum of each indicator.

    Raises
    ------
    DataError
        If a reversed indicator has no scale to turn about.
    """
    turned = {item for c in model.constructs for item in c.reverse}
    if not turned:
        return moments
    reverse = np.array([name in turned for name in moments.names])
    unknown = reverse & np.isnan(ends).any(axis=0)
    if unknown.any():
        name = moments.names[int(np.flatnonzero(unknown)[0])]
        raise DataError(
            f"{name!r} is reversed and has no scale to turn about",
            code="no-scale",
            column=name,
            remedy="give its construct or the survey a scale",
        )
    sign = np.where(reverse, -1.0, 1.0)
    offset = np.where(reverse, ends.sum(axis=0), 0.0)
    flip = np.outer(sign, sign)
    return dataclasses.replace(
        moments,
        mean=offset + sign * moments.mean,
        cov=moments.cov * flip,
        taylor=None if moments.taylor is None else moments.taylor * flip,
        acov=None if moments.acov is None else moments.acov * _flips(sign),
    )


def _flips(sign: FloatArray) -> FloatArray:
    """Return by what the covariance of (mean, vech cov) is multiplied when turned."""
    i, j = np.triu_indices(len(sign))
    both = np.concatenate([sign, sign[i] * sign[j]])
    return np.outer(both, both)


def scale_ends(model: StructuralModel, data: object = None) -> FloatArray:
    """Return (2, p): minimum and maximum of each indicator, NaN where not known.

    The model's scale comes first, then the survey's. Of a published form, whose scale
    is a default, a survey may state another.

    Raises
    ------
    DataError
        If a model of one's own and the survey both state a scale and disagree.
    """
    ends = np.full((2, len(model.indicators)), np.nan)
    survey = data if isinstance(data, Survey) else None
    for i, (item, own) in enumerate(zip(model.indicators, _scales(model), strict=True)):
        other = survey.scale(item) if survey is not None else None
        if own is not None:
            ends[:, i] = own
        if other is None:
            continue
        stated = (other.minimum, other.maximum)
        if own is not None and stated != own and model.status == "own":
            raise DataError(
                f"{item!r} is on {stated} in the survey and on {own} in the model",
                code="scale-conflict",
                column=item,
                value=stated,
                remedy="set the scale of the model, or of the survey, to the one used",
            )
        ends[:, i] = stated
    return ends


def _scales(model: StructuralModel) -> list[tuple[float, float] | None]:
    """Return the scale of each indicator: its construct's, else the model's."""
    return [c.scale or model.scale for c in model.constructs for _ in c.indicators]


def scale_notes(model: StructuralModel, ends: FloatArray) -> tuple[str, ...]:
    """Say where the answers are on another scale than the published form's."""
    if model.status == "own":
        return ()
    for i, own in enumerate(_scales(model)):
        if own is not None and tuple(ends[:, i]) != own:
            low, high = ends[:, i]
            return (
                f"answers on {low:g}–{high:g}; the published form uses "
                f"{own[0]:g}–{own[1]:g}",
            )
    return ()


def warn_small(model: StructuralModel, moments: Moments) -> None:
    """Warn when there are no more respondents, effective ones, than indicators."""
    n = np.min(moments.n_eff)
    word = "n" if n == np.min(moments.n) else "effective n"
    p = len(model.indicators)
    if n <= p:
        warnings.warn(
            f"{word} = {int(n)} is not larger than the number of indicators ({p}): "
            "mode A weights exist, but they and everything built on them are unstable",
            SmallSampleWarning,
            stacklevel=3,
        )
