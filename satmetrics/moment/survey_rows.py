"""The rows of a survey that are used: groups, weights, sampled units, what was lost."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import either
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, BoolArray, IntArray
from satmetrics.errors import DataError
from satmetrics.moment._column_means import Rows
from satmetrics.moment.designs import sampled_rows
from satmetrics.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class SurveyRows:
    """Rows of a survey, and where they belong.

    Attributes
    ----------
    rows : groups, weights and sampled units of the n rows.
    keep : (N,) rows of the survey used.
    keys : one row per group, or None for one group of all.
    context : origin, and what was left out so far.
    words : how respondents were sampled, such as "80 clusters in 12 strata"; or empty.
    weighted : whether sampling weights are used.
    """

    rows: Rows
    keep: BoolArray
    keys: Table | None
    context: Context
    words: str
    weighted: bool

    @property
    def by(self) -> tuple[str, ...]:
        """The group columns."""
        return () if self.keys is None else self.keys.names

    def error_note(self) -> tuple[str, ...]:
        """Return the sentence on standard errors; empty for plain respondents."""
        if self.words:
            return (f"errors of means: {self.words}, linearised",)
        if self.weighted:
            return ("means are weighted, standard errors Taylor linearised",)
        return ()

    def key_columns(
        self, times: int, taken: Container[str] = ()
    ) -> dict[str, AnyArray]:
        """Return the keys, each group repeated `times`, for a table of its own columns.

        Raises
        ------
        OptionError
            If a group column has a name in `taken`.
        """
        return repeated_keys(self.keys, times, taken)


@dataclass(frozen=True, eq=False)
class Grouped:
    """The group of every row of a survey.

    Attributes
    ----------
    codes : (N,) from 0, −1 where a row has no key.
    keys : one row per group, or None for one group of all.
    lost : the count of rows without a key.
    """

    codes: IntArray
    keys: Table | None
    lost: Exclusion

    @property
    def keep(self) -> BoolArray:
        """Where rows have a group (N,)."""
        return np.asarray(self.codes >= 0)


def grouped(survey: Survey, by: str | Sequence[str] | None) -> Grouped:
    """Return the groups that columns or roles form.

    Raises
    ------
    DataError
        If no row has a key.
    """
    codes, keys = np.zeros(survey.n, dtype=np.int64), None
    if by is not None:
        codes, keys = survey.groups(by)
        if not len(keys):
            raise DataError(
                f"no row has a value of {either(by)}",
                code="no-groups",
                column=by if isinstance(by, str) else None,
                value=by,
                remedy="name a column that tells the groups apart",
            )
    lost = Exclusion(f"no value of {either(by)}", int((codes < 0).sum()))
    return Grouped(codes, keys, lost)


def survey_rows(
    survey: Survey, groups: Grouped, keep: BoolArray, context: Context
) -> SurveyRows:
    """Return the rows kept, with weights, clusters and strata of the survey.

    Parameters
    ----------
    keep : (N,) rows to use, all with a group.
    context : origin of the survey, and what was left out.
    """
    whole = bool(keep.all())
    sampled = sampled_rows(survey, None if whole else np.flatnonzero(keep))
    w = survey.weights
    rows = Rows(
        groups.codes if whole else groups.codes[keep],
        1 if groups.keys is None else len(groups.keys),
        w if w is None or whole else w[keep],
        None if sampled is None else sampled.unit,
        None if sampled is None else sampled.strata,
    )
    words = "" if sampled is None else sampled.words
    return SurveyRows(rows, keep, groups.keys, context, words, w is not None)
