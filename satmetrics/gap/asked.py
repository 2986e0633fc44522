"""What a score is asked of: an instrument's forms, or listed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from satmetrics.errors import OptionError
from satmetrics.gap.design import (
    Design,
    Dimensions,
    design_of_columns,
    design_of_instrument,
)
from satmetrics.gap.forms import instrument_of
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

Lists = Mapping[str, Sequence[str] | None]


def asked(
    function: str,
    data: object,
    instrument: Instrument | str | None,
    lists: Sequence[object],
) -> Instrument | None:
    """Return the instrument to use, None when columns are listed.

    Parameters
    ----------
    function : who asks, for the message.
    data, instrument : as given; a survey may bring its own.
    lists : the arguments that list columns; any that is not None counts.

    Raises
    ------
    OptionError
        If both are given, or data and instrument are swapped.
    """
    given = any(value is not None for value in lists)
    if instrument is not None and given:
        raise OptionError(
            "both an instrument and columns are given",
            code="two-designs",
            column="instrument",
            remedy="give instrument=, or the lists of columns and dimensions=",
        )
    named = instrument is not None or isinstance(data, (Instrument, str))
    if named or (not given and isinstance(data, Survey) and data.instrument):
        return instrument_of(function, data, instrument)
    return None


def design_asked(
    function: str,
    spec: Instrument | None,
    lists: Lists,
    dimensions: Dimensions | None = None,
) -> Design:
    """Return the columns of the forms named in `lists`, of an instrument or as listed.

    Parameters
    ----------
    function : who asks, for the message.
    spec : the instrument; None when columns are listed.
    lists : form → its columns; all are needed when there is no instrument.
    dimensions : ``{name: [positions, from 0]}`` of listed columns.

    Raises
    ------
    OptionError
        If nothing or not everything is listed, or the instrument lacks a form.
    """
    if spec is not None:
        return design_of_instrument(spec, tuple(lists))
    if all(columns is None for columns in lists.values()):
        instrument_of(function, None, None)
    for form, columns in lists.items():
        if columns is None:
            raise OptionError(
                f"{form}= is missing",
                code="missing-argument",
                column=form,
                remedy=f"give the columns of {', '.join(lists)}, in the same order",
            )
    return design_of_columns({f: c for f, c in lists.items() if c}, dimensions)
