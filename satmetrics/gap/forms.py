"""Reading the forms of an instrument: answers, groups, weights and sampled units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap._means import Rows
from satmetrics.gap.design import Design
from satmetrics.moment.designs import sampled_rows
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey, as_survey

MISSING = ("pairwise", "listwise", "error")
Columns = tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class FormAnswers:
    """Answers to the forms of an instrument, and where they belong.

    Attributes
    ----------
    columns : form → one array (n,) per item, NaN = missing, high = good.
    rows : groups, weights and sampled units of the n rows.
    keep : (N,) rows of the survey used.
    keys : one row per group, or None for one group of all.
    context : origin, and what was left out so far.
    words : how respondents were sampled, such as "80 clusters in 12 strata"; or empty.
    weighted : whether sampling weights are used.
    """

    columns: Mapping[str, Columns]
    rows: Rows
    keep: BoolArray
    keys: Table | None
    context: Context
    words: str = ""
    weighted: bool = False

    def __getitem__(self, form: str) -> Columns:
        return self.columns[form]

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

    def key_columns(self, times: int, taken: Sequence[str] = ()) -> dict[str, AnyArray]:
        """Return the keys, each group repeated `times`, for a table of its own columns.

        Raises
        ------
        OptionError
            If a group column has a name in `taken`.
        """
        return repeated_keys(self.keys, times, taken)


def read_forms(
    survey: Survey,
    design: Design,
    *,
    by: str | Sequence[str] | None = None,
    missing: str = "pairwise",
    extra: Sequence[str] = (),
) -> FormAnswers:
    """Read the columns of a design's forms, apply the missing policy and count it.

    Parameters
    ----------
    survey : the answers; its weights, clusters and strata are used.
    design : the columns of each form.
    by : columns or roles that form groups; rows without a key are left out, counted.
    missing : "pairwise" keeps what is there (the caller drops pairs), "listwise" leaves
        out respondents who miss any answer, "error" raises.
    extra : further columns (an outcome), to be found under the form "extra"; they are
        not part of the missing policy.

    Raises
    ------
    DataError
        If a column is absent or wrong, or answers are missing under "error".
    """
    one_of("missing", missing, MISSING)
    names = [name for form in design.columns.values() for name in form]
    flat = survey.answer_columns(names)
    keys, codes = None, np.zeros(survey.n, dtype=np.int64)
    if by is not None:
        codes, keys = survey.groups(by)
    keep = codes >= 0
    lost = [Exclusion(f"no value of {by}", int((~keep).sum()))]
    if missing != "pairwise":
        complete = _complete(flat, keep, names, error=missing == "error")
        gone = Exclusion("answer missing (listwise)", int((keep & ~complete).sum()))
        keep, lost = keep & complete, [*lost, gone]
    context = survey.context_for([*names, *extra]).plus(*lost)
    whole = bool(keep.all())

    def taken(columns: Columns) -> Columns:
        return columns if whole else tuple(column[keep] for column in columns)

    parts = iter(taken(flat))
    columns = {
        form: tuple(next(parts) for _ in own) for form, own in design.columns.items()
    }
    columns["extra"] = taken(survey.answer_columns(extra))
    sampled = sampled_rows(survey, None if whole else np.flatnonzero(keep))
    w = survey.weights
    rows = Rows(
        codes if whole else codes[keep],
        1 if keys is None else len(keys),
        w if w is None or whole else w[keep],
        None if sampled is None else sampled.unit,
        None if sampled is None else sampled.strata,
    )
    words = "" if sampled is None else sampled.words
    return FormAnswers(columns, rows, keep, keys, context, words, w is not None)


def instrument_of(
    function: str, data: object, instrument: Instrument | str | None
) -> Instrument:
    """Return the instrument that is meant: given, by name, or the survey's own.

    Raises
    ------
    OptionError
        If data and instrument are swapped, or nothing names an instrument.
    """
    if isinstance(data, (Instrument, str)):
        raise OptionError(
            "instrument and data are swapped",
            code="swapped-arguments",
            column="data",
            remedy=f"{function}(data, instrument)",
        )
    if isinstance(instrument, str):
        return instruments.load(instrument)
    if instrument is None and isinstance(data, Survey):
        instrument = data.instrument
    if not isinstance(instrument, Instrument):
        raise OptionError(
            f"{function}() does not know the instrument",
            code="no-instrument",
            column="instrument",
            value=instrument,
            remedy="give instrument=, a catalogue name or an Instrument, or make the "
            "survey with Survey(frame, instrument=…)",
        )
    return instrument


def survey_of(data: object, instrument: Instrument | None) -> Survey:
    """Read a frame with the instrument's scales and reversed items.

    Raises
    ------
    DataError
        If a survey was made without the instrument and does not turn its reversed
        items.
    """
    if not isinstance(data, Survey):
        return as_survey(data) if instrument is None else Survey(data, instrument)
    if instrument is not None and data.instrument is None:
        turned = set(instrument.reverse_columns()) & set(data.columns)
        unturned = sorted(turned - set(data.declared.reverse))
        if unturned:
            raise DataError(
                f"the survey was made without instrument {instrument.id!r}, in which "
                f"{unturned[0]!r} is reversed",
                code="not-reversed",
                column=unturned[0],
                value=tuple(unturned),
                remedy=f"make it with Survey(frame, instrument={instrument.id!r}, …)",
            )
    return data


def repeated_keys(
    keys: Table | None, times: int, taken: Sequence[str] = ()
) -> dict[str, AnyArray]:
    """Return the key columns, each group repeated `times`; empty for one group of all.

    Raises
    ------
    OptionError
        If a group column has a name in `taken`.
    """
    if keys is None:
        return {}
    for name in keys.names:
        if name in taken:
            raise OptionError(
                f"by={name!r} has the name of a column of the result",
                code="name-taken",
                column=name,
                value=name,
                remedy="rename the column of the data",
            )
    return {name: np.repeat(keys[name], times) for name in keys.names}


def _complete(
    columns: Columns, keep: BoolArray, names: Sequence[str], *, error: bool
) -> BoolArray:
    """Return the rows that miss nothing; raise at a hole where that is an error."""
    complete = np.ones(len(keep), dtype=bool)
    holes, first = 0, ""
    for name, column in zip(names, columns, strict=True):
        here = np.isfinite(column)
        complete &= here
        count = int((keep & ~here).sum())
        holes, first = holes + count, first or (name if count else "")
    if error and holes:
        raise DataError(
            f"{holes} answers are missing, the first in {first!r}",
            code="missing-answers",
            column=first,
            value=holes,
            remedy='missing="pairwise" drops the pair, "listwise" the respondent',
        )
    return complete
