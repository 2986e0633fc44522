"""Which group each respondent or cluster of a survey belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import IntArray, MissingPolicy
from satmetrics.errors import DataError
from satmetrics.inference.permutation import Grouped
from satmetrics.moment.answers import FILLED
from satmetrics.moment.contributions import sampled
from satmetrics.moment.products import Products
from satmetrics.moment.respondents import respondents
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import Survey

COMPLETE = ("listwise", "error")
"""Policies that keep complete rows; all others keep rows with any answer."""


def grouped(
    survey: Survey,
    items: tuple[str, ...],
    by: str | Sequence[str],
    missing: MissingPolicy,
    products: Products | None = None,
) -> Grouped:
    """Return the respondents of a survey, or its clusters, with their groups.

    Parameters
    ----------
    survey : the answers.
    items : the items.
    by : columns or roles; each combination that occurs is a group.
    missing : as in `Moments.from_frame`; permuted groups are treated as the groups
        themselves are.
    products : products of items that stand beside the answers; None for none.

    Raises
    ------
    DataError
        If a column is absent, respondents are of fewer than two groups, or a cluster
        has respondents of several.
    """
    codes, keys = survey.groups(by)
    inside = np.flatnonzero(codes >= 0)
    _check_groups(by, codes[inside], keys)
    context = survey.context_for(items)
    if len(inside) < survey.n:
        survey = survey.take(inside)
    answers, weights = survey.answers(items), survey.weights
    if missing in COMPLETE:
        treated = treat_missing(answers, items, missing, weights)
    else:
        treated = treat_missing(answers, items, "pairwise", weights)
    rows = np.flatnonzero(treated.keep)
    lost = Exclusion(f"no value of {_listed(by)}", int((codes < 0).sum()))
    filled = missing == "mean" and bool(np.isnan(answers[rows]).any())
    context = context.plus(*treated.exclusions, lost, notes=(FILLED,) if filled else ())
    units = respondents(survey, items, missing=missing, products=products)
    units = dataclasses.replace(units, context=context)
    return Grouped(units, _of_units(survey, rows, codes[inside][rows]), keys)


def _of_units(survey: Survey, rows: IntArray, codes: IntArray) -> IntArray:
    """Return the group of each unit: of rows, or of the clusters they make up."""
    unit, _ = sampled(survey, rows)
    if unit is None:
        return codes
    first = np.unique(unit, return_index=True)[1]
    crossing = int((codes != codes[first][unit]).sum())
    if crossing:
        column = survey.roles.cluster
        raise DataError(
            f"clusters of {column!r} hold respondents of several groups (at least "
            f"{crossing:,} respondents), and clusters change groups as a whole",
            code="clusters-cross-groups",
            column=column,
            value=crossing,
            remedy="leave the role cluster out, or compare groups of clusters",
        )
    return codes[first]


def _listed(by: str | Sequence[str]) -> str:
    return by if isinstance(by, str) else " and ".join(by)


def _check_groups(by: str | Sequence[str], codes: IntArray, keys: Table) -> None:
    if len(keys) > 1:
        return
    value = ", ".join(str(column[0]) for column in keys.columns if len(column))
    raise DataError(
        f"{_listed(by) or 'by=[]'} tells {len(keys)} group apart"
        + (f" ({value}, n = {len(codes):,})" if value else "")
        + ": there is nothing to compare",
        code="one-group",
        column=_listed(by) or "by",
        value=value or None,
        remedy="name a column with at least two values",
    )
