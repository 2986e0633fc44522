"""The answers that plain figures are made of: items, groups and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.moment.people import by_people
from satmetrics.moment.population import Population, unseen_share
from satmetrics.moment.survey_rows import SurveyRows, grouped, survey_rows
from satmetrics.survey.opening import survey_of
from satmetrics.survey.scale import Scale, ScaleLike, as_scale
from satmetrics.survey.survey import Survey

FINITE = "finite population: variances times 1 − n/N"


@dataclass(frozen=True, eq=False)
class ItemAnswers:
    """Answers to items, row by row.

    Attributes
    ----------
    items : the q items.
    columns : q arrays (n,), NaN = no answer.
    scales : the scale of each item, None where it is not known.
    own : groups, weights and sampled units of the rows.
    context : origin and what was left out.
    survey : where they come from.
    codes : (N,) group of each row of the survey, −1 for none.
    population : how many there are to ask, see `sat.index`; None for any number.
    """

    items: tuple[str, ...]
    columns: tuple[FloatArray, ...]
    scales: tuple[Scale | None, ...]
    own: SurveyRows
    context: Context
    survey: Survey
    codes: IntArray
    population: Population | None = None

    def unseen(self, n: FloatArray) -> FloatArray | None:
        """Return the share (G,) of each group that did not answer, of n who did."""
        counts = n.astype(np.int64)
        return unseen_share(
            self.population, counts, self.own.keys, self.survey, self.codes
        )


def item_answers(
    data: object,
    items: str | Sequence[str],
    by: str | Sequence[str] | None,
    scale: ScaleLike | None,
    population: Population | None = None,
) -> ItemAnswers:
    """Read items; answers that are missing or off their scale are counted.

    Parameters
    ----------
    data : a Survey or any dataframe.
    items : one item or several.
    by : columns or roles that form groups.
    scale : of the items that have none.
    population : how many there are to ask.

    Raises
    ------
    OptionError
        If no item is given, or one twice.
    DataError
        If a column is absent or holds no numbers.
    """
    names = names_of(items)
    survey = survey_of(data)
    flat = survey.answer_columns(names)
    groups = grouped(survey, by)
    keep = groups.keep
    context = survey.context_for(names).plus(groups.lost)
    own = survey_rows(survey, groups, keep, context)
    own = _by_person(survey, own)
    whole = bool(keep.all())
    common = None if scale is None else as_scale(scale)
    scales = tuple(survey.scale(name) or common for name in names)
    columns, lost = [], []
    for name, column, ends in zip(names, flat, scales, strict=True):
        used, gone = _on_scale(column if whole else column[keep], name, ends)
        columns.append(used)
        lost += gone
    notes = own.error_note() + ((FINITE,) if population is not None else ())
    context = own.context.plus(*lost, notes=notes)
    return ItemAnswers(
        *(names, tuple(columns), scales, own, context),
        survey=survey,
        codes=groups.codes,
        population=population,
    )


def names_of(items: str | Sequence[str]) -> tuple[str, ...]:
    """Return the items asked for, each once."""
    several = isinstance(items, Sequence) and not isinstance(items, str)
    names = tuple(items) if several else (items,) if isinstance(items, str) else ()
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if not names or twice:
        raise OptionError(
            f"{twice[0]!r} is named twice" if twice else "no item is named",
            code="item-twice" if twice else "no-items",
            column="items",
            value=twice[0] if twice else None,
            remedy="name each item once, such as 'recommend' or ['q1', 'q2']",
        )
    return names


def _on_scale(
    column: FloatArray, name: str, scale: Scale | None
) -> tuple[FloatArray, list[Exclusion]]:
    absent = int(np.isnan(column).sum())
    lost = [Exclusion("no answer, missing codes included", absent, "answers", name)]
    if scale is None:
        return column, lost
    off = ~scale.contains(column)
    if off.any():
        column = np.where(off, np.nan, column)
    reason = f"off the scale {scale}"
    return column, [*lost, Exclusion(reason, int(off.sum()), "answers", name)]


def _by_person(survey: Survey, own: SurveyRows) -> SurveyRows:
    """Return the rows with every person one sampled unit, if one has several."""
    kept = None if own.keep.all() else np.flatnonzero(own.keep)
    people = by_people(survey, own.rows, kept)
    if people is None:
        return own
    return SurveyRows(
        people.rows,
        own.keep,
        own.keys,
        own.context.plus(notes=people.notes),
        own.words if people.words is None else people.words,
        own.weighted,
    )
