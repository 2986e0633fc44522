"""Which columns make which criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from satmetrics.errors import DataError, OptionError
from satmetrics.survey.instrument import Instrument

Criteria: TypeAlias = Mapping[str, Sequence[str]] | Sequence[str]
Blocks: TypeAlias = dict[str, tuple[str, ...]]


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
    blocks = _named(criteria, instrument, form)
    items = [item for block in blocks.values() for item in block]
    empty = [name for name, block in blocks.items() if not block]
    twice = [item for item in items if items.count(item) > 1]
    if empty or twice or not blocks:
        wrong = next(iter([*empty, *twice]), None)
        said = "has no columns" if empty else "occurs twice"
        raise DataError(
            f"{wrong!r} {said}" if blocks else "there are no criteria",
            code="bad-criteria",
            column=wrong,
            value=wrong,
            remedy="give {criterion: [columns]}, each with columns of its own",
        )
    return blocks


def top_dimensions(instrument: Instrument) -> tuple[str, ...]:
    """Return the dimensions that are part of no other."""
    return tuple(d.id for d in instrument.dimensions if not d.parent)


def _named(
    criteria: Criteria | None, instrument: Instrument | None, form: str
) -> Blocks:
    if isinstance(criteria, Mapping):
        return {
            str(name): (block,) if isinstance(block, str) else tuple(block)
            for name, block in criteria.items()
        }
    if criteria is not None:
        listed = [criteria] if isinstance(criteria, str) else criteria
        return {str(name): (str(name),) for name in listed}
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
