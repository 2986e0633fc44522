"""Respondents with their groups, weights and sampling, for means of what they said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.criteria._means import Rows
from satmetrics.errors import DataError, OptionError
from satmetrics.moment.designs import sampled_rows
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey, as_survey


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers of the rows that are used.

    Attributes
    ----------
    X : (n, p) NaN = missing, high = good.
    rows : groups, weights, sampled units.
    keys : one row per group, None for one group of all.
    context : origin and what was left out so far.
    notes : on weights and sampled units.
    """

    X: FloatArray
    rows: Rows
    keys: Table | None
    context: Context
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> tuple[str, ...]:
        """The group columns."""
        return () if self.keys is None else self.keys.names


def opened(data: object, instrument: Instrument | str | None = None) -> Survey:
    """Return the data as a survey, read with the instrument where there is one."""
    if isinstance(data, Survey) or instrument is None:
        return as_survey(data)
    return Survey(data, instrument)


def answered(
    survey: Survey, columns: Sequence[str], by: str | Sequence[str] | None
) -> Answered:
    """Read columns, groups, weights, clusters and strata; rows without a key go."""
    answers = survey.answer_columns(columns)
    codes, keys = np.zeros(survey.n, dtype=np.int64), None
    if by is not None:
        codes, keys = survey.groups(by)
        if not len(keys):
            raise DataError(
                f"no row has a value of {by}",
                code="no-groups",
                value=by,
                remedy="name a column that tells the groups apart",
            )
    kept = codes >= 0
    w = np.ones(survey.n) if survey.weights is None else survey.weights
    sampled = sampled_rows(survey, np.flatnonzero(kept))
    context = survey.context_for(columns).plus(
        Exclusion(f"no value of {by}", int((~kept).sum()))
    )
    notes: tuple[str, ...] = ()
    if sampled is not None:
        notes = (f"errors of means: {sampled.words}, linearised",)
    elif survey.weights is not None:
        notes = ("means are weighted, standard errors Taylor linearised",)
    rows = Rows(
        codes[kept],
        1 if keys is None else len(keys),
        w[kept],
        None if sampled is None else sampled.unit,
        None if sampled is None else sampled.strata,
    )
    whole = bool(kept.all())
    X = np.empty((len(rows.codes), len(answers)), order="F")  # columns stay together
    for j, column in enumerate(answers):
        X[:, j] = column if whole else column[kept]
    return Answered(X, rows, keys, context, notes)


def of_rows(found: Answered, keep: BoolArray) -> Rows:
    """Return the rows that are kept, sampled units without any still counted."""
    rows = found.rows
    unit = None if rows.unit is None else rows.unit[keep]
    return Rows(rows.codes[keep], rows.n_groups, rows.w[keep], unit, rows.strata)


def keyed(
    keys: Table | None, times: int, columns: dict[str, object]
) -> dict[str, object]:
    """Put the keys of groups, each repeated, before the columns of a table.

    Raises
    ------
    OptionError
        If a group column has the name of a column of the table.
    """
    if keys is None:
        return columns
    for name in keys.names:
        if name in columns:
            raise OptionError(
                f"by={name!r} has the name of a column of the result",
                code="name-taken",
                column=name,
                value=name,
                remedy="rename the column of the data",
            )
    repeated: dict[str, AnyArray] = {k: np.repeat(keys[k], times) for k in keys.names}
    return {**repeated, **columns}
