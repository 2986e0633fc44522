"""The units of a survey, whatever its answers are made into."""

from __future__ import annotations

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
from satmetrics.moment.polychoric import OrdinalUnits
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
    ordinal: tuple[str, ...] = (),
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
    ordinal : items taken as ordered categories.
    units : as in `contributions`; rows are never put into shards.
    products : products of items to be put beside them, of complete rows only.

    Raises
    ------
    OptionError
        If shards are asked for where there are no sums.
    """
    tolerant = missing in ("pairwise", "mean", "em")
    columns = survey.answer_columns(items) if tolerant else ()
    gaps = any(np.isnan(column).any() for column in columns)
    if not (gaps or ordinal):
        policy = "listwise" if tolerant else missing
        return contributions(
            survey, items, missing=policy, units=units, products=products
        )
    if units == "shards":
        other = "ordinal items" if ordinal else f"missing={missing!r}"
        raise OptionError(
            f'units="shards" and {other} do not go together',
            code="no-shards",
            column="units",
            remedy='leave units="auto", or use missing="listwise" without ordinal=',
        )
    rows_kept = "pairwise" if missing in ("mean", "em") else missing
    answers = survey.answers(items)
    treated = treat_missing(answers, items, rows_kept, survey.weights)
    X = answers[treated.keep]
    w = np.ones(len(X)) if survey.weights is None else survey.weights[treated.keep]
    unit, strata = sampled(survey, np.flatnonzero(treated.keep))
    shift = _means(X, w)
    context = survey.context_for(items).plus(*treated.exclusions)
    rows = (items, shift, X - shift, w, unit, strata, context)
    if ordinal:
        return OrdinalUnits(*rows, ordinal=np.isin(items, ordinal))
    if missing == "em":
        return EmUnits(*rows)
    return PairUnits(*rows, policy="mean" if missing == "mean" else "pairwise")


def _means(X: FloatArray, w: FloatArray) -> FloatArray:
    means = kernel.group_means(X, w, np.zeros(len(X), dtype=np.int64), 1)[0]
    return np.asarray(np.nan_to_num(means))
