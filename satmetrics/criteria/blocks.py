"""Which columns make which criterion."""

from __future__ import annotations

from typing import TypeAlias

from satmetrics.drivers.blocks import (
    CRITERION,
    Blocks,
    Named,
    named_blocks,
)
from satmetrics.errors import OptionError
from satmetrics.survey.instrument import Instrument

Criteria: TypeAlias = Named


def blocks_of(
    criteria: Criteria | None,
    instrument: Instrument | None,
    form: str = "perception",
) -> Blocks:
    """Return ``{criterion: columns}``.

    Parameters
    ----------
    criteria : ``{criterion: [columns]}``, or columns that are criteria themselves; None
        for the dimensions of the instrument.
    form : the form whose items make the criteria of an instrument.

    Raises
    ------
    OptionError
        If neither criteria nor an instrument are given.
    DataError
        If a criterion has no columns or a column occurs twice.
    """
    if criteria is None:
        criteria = _asked(instrument, form)
    return named_blocks(criteria, CRITERION)


def top_dimensions(instrument: Instrument) -> tuple[str, ...]:
    """Return the dimensions that are part of no other."""
    return tuple(d.id for d in instrument.dimensions if not d.parent)


def _asked(instrument: Instrument | None, form: str) -> Blocks:
    if instrument is None:
        raise OptionError(
            "it is not known which columns make the criteria",
            code="no-criteria",
            column="criteria",
            remedy="give {criterion: [columns]}, or an instrument",
        )
    return {
        name: tuple(
            instrument.column(item.id, form) for item in instrument.items_of(name)
        )
        for name in top_dimensions(instrument)
    }
