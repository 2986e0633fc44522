"""Data and instrument together: a survey read with its scales and reversed items."""

from __future__ import annotations

from satmetrics.errors import DataError
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey, as_survey


def known_instrument(instrument: Instrument | str | None) -> Instrument | None:
    """Return an instrument by itself or by its name in the catalogue."""
    return instruments.load(instrument) if isinstance(instrument, str) else instrument


def survey_of(
    data: object, instrument: Instrument | None = None, *, borrow: bool = False
) -> Survey:
    """Read a frame with the instrument's scales and reversed items.

    Parameters
    ----------
    data : a Survey or any dataframe.
    instrument : what was asked, if known.
    borrow : read numbers where they are, as `as_survey` does.

    Raises
    ------
    DataError
        If a survey was made without the instrument and does not turn its reversed
        items.
    """
    if not isinstance(data, Survey) and instrument is not None:
        return Survey(data, instrument)
    survey = as_survey(data, borrow=borrow)
    if instrument is not None and survey.instrument is None:
        turned = set(instrument.reverse_columns()) & set(survey.columns)
        unturned = sorted(turned - set(survey.declared.reverse))
        if unturned:
            raise DataError(
                f"the survey was made without instrument {instrument.id!r}, in which "
                f"{unturned[0]!r} is reversed",
                code="not-reversed",
                column=unturned[0],
                value=tuple(unturned),
                remedy=f"make it with Survey(frame, instrument={instrument.id!r}, …)",
            )
    return survey
