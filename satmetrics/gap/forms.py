"""Reading the forms of an instrument: answers, groups, weights and sampled units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import repeated_keys
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.design import Design
from satmetrics.moment.survey_rows import SurveyRows, grouped, survey_rows
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey

__all__ = [
    "FormAnswers",
    "check_scales",
    "instrument_of",
    "read_forms",
    "repeated_keys",
    "survey_of",
]
MISSING = ("pairwise", "listwise", "error")
COMPARED = ("expectation", "perception", "minimum", "desired", "ideal")
"""Forms that are subtracted from each other, so that their scales must agree."""
Columns = tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class FormAnswers(SurveyRows):
    """Answers to the forms of an instrument, and where they belong.

    Attributes
    ----------
    columns : form → one array (n,) per item, NaN = missing, high = good.
    """

    columns: Mapping[str, Columns]

    def __getitem__(self, form: str) -> Columns:
        return self.columns[form]


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
        If a column is absent or wrong, answers are missing under "error", or forms of
        an item that are subtracted have different scales.
    """
    one_of("missing", missing, MISSING)
    names = [name for form in design.columns.values() for name in form]
    flat = survey.answer_columns(names)
    check_scales(design, survey.scale)
    groups = grouped(survey, by)
    keep, lost = groups.keep, [groups.lost]
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
    own = survey_rows(survey, groups, keep, context)
    return FormAnswers(**vars(own), columns=columns)


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


def check_scales(design: Design, scale_of: Callable[[str], Scale | None]) -> None:
    """Raise where two forms of an item that are subtracted have different scales.

    Parameters
    ----------
    design : the columns of each form.
    scale_of : the scale of a column; None where it is not known, which raises nothing.

    Raises
    ------
    DataError
        Naming the first two columns on different scales.
    """
    forms = [form for form in design.columns if form in COMPARED]
    for columns in zip(*(design.columns[form] for form in forms), strict=True):
        scales = [(name, scale) for name in columns if (scale := scale_of(name))]
        for name, scale in scales[1:]:
            first, other = scales[0]
            if (other.minimum, other.maximum) != (scale.minimum, scale.maximum):
                raise DataError(
                    f"{first!r} is answered on {other} and {name!r} on {scale}: their "
                    "difference has no meaning",
                    code="scales-differ",
                    column=name,
                    value=(str(other), str(scale)),
                    remedy="put both on one scale first, or correct scale= of the "
                    "survey",
                )


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
