"""People who answered several times, among the rows of an instrument's forms."""

from __future__ import annotations

import dataclasses

import numpy as np

from satmetrics.gap.forms import FormAnswers
from satmetrics.moment.people import by_people
from satmetrics.survey.survey import Survey


def by_person(survey: Survey, read: FormAnswers) -> FormAnswers:
    """Return the rows with every person one sampled unit, where one has several rows.

    Without repeated respondents, or a respondent role, nothing changes.

    Raises
    ------
    DataError
        If a respondent's rows lie in several clusters or strata.
    """
    whole = survey.n == len(read.rows.codes)
    found = by_people(survey, read.rows, None if whole else np.flatnonzero(read.keep))
    if found is None:
        return read
    return dataclasses.replace(
        read,
        rows=found.rows,
        words=read.words if found.words is None else found.words,
        context=read.context.plus(notes=found.notes),
    )
