"""The units of a survey, whatever its answers are made into."""

from __future__ import annotations

from functools import partial

import numpy as np

from satmetrics._typing import FloatArray, MissingPolicy
from satmetrics.errors import OptionError
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.contributions import (
    Contributions,
    UnitChoice,
    contributions,
    sampled,
)
from satmetrics.moment.em import EmUnits
from satmetrics.moment.pairs import PairUnits
from satmetrics.moment.products import Products
from satmetrics.moment.row_units import RowUnits
from satmetrics.moment.unit_sums import UnitSums
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey


def respondents(
    survey: Survey,
    items: tuple[str, ...],
    *,
    missing: MissingPolicy = "listwise",
    units: UnitChoice = "respondents",
    products: Products | None = None,
) -> Contributions | UnitSums | RowUnits:
    """Return the units of a survey, whose resamples are treated as the sample was.

    Sums over units where these make the moments; rows where a resample must be
    estimated, or filled with its own means, anew.

    Parameters
    ----------
    survey : the survey, with its weights and design.
    items : the items.
    missing : as in `Moments.from_frame`.
    units : as in `contributions`; rows are never put into shards.
    products : products of items to be put beside them, of complete rows only.

    Raises
    ------
    OptionError
        If shards are asked for where there are no sums.
    """
    build = partial(contributions, survey, items, units=units, products=products)
    if missing not in ("pairwise", "mean", "em"):
        return build(missing=missing)
    if not any(np.isnan(column).any() for column in survey.answer_columns(items)):
        return build(missing="listwise")
    if units == "shards":
        raise OptionError(
            f'units="shards" and missing={missing!r} do not go together',
            code="no-shards",
            column="units",
            remedy='leave units="auto", or use missing="listwise"',
        )
    answers = survey.answers(items)
    treated = treat_missing(answers, items, "pairwise", survey.weights)
    X = answers[treated.keep]
    w = np.ones(len(X)) if survey.weights is None else survey.weights[treated.keep]
    unit, strata = sampled(survey, np.flatnonzero(treated.keep))
    shift = _means(X, w)
    context = survey.context_for(items).plus(*treated.exclusions)
    rows = (items, shift, X - shift, w, unit, strata, context)
    if missing == "em":
        return EmUnits(*rows)
    return PairUnits(*rows, policy=missing)


def _means(X: FloatArray, w: FloatArray) -> FloatArray:
    means = kernel.group_means(X, w, np.zeros(len(X), dtype=np.int64), 1)[0]
    return np.asarray(np.nan_to_num(means))
