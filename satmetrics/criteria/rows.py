"""Respondents with their groups, weights and sampling, for means of what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.moment.survey_rows import SurveyRows, grouped, survey_rows
from satmetrics.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Answered(SurveyRows):
    """Answers of the rows that are used.

    Attributes
    ----------
    X : (n, p) NaN = missing, high = good.
    """

    X: FloatArray


def answered(
    survey: Survey, columns: Sequence[str], by: str | Sequence[str] | None
) -> Answered:
    """Read columns, groups, weights, clusters and strata; rows without a key go.

    Raises
    ------
    DataError
        If a column is absent or wrong, or no row has a key.
    """
    answers = survey.answer_columns(columns)
    groups = grouped(survey, by)
    keep = groups.keep
    context = survey.context_for(columns).plus(groups.lost)
    own = survey_rows(survey, groups, keep, context)
    whole = bool(keep.all())
    X = np.empty((len(own.rows.codes), len(answers)), order="F")  # columns together
    for j, column in enumerate(answers):
        X[:, j] = column if whole else column[keep]
    return Answered(**vars(own), X=X)
