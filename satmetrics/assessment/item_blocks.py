"""Which items belong together: blocks as given, or the dimensions of an instrument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from satmetrics.errors import DataError, OptionError
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.survey import Survey

Blocks: TypeAlias = Mapping[str, Sequence[str]] | Instrument | str | None
ALL_ITEMS = "all items"
DEFAULT_FORMS = ("perception", "expectation")


@dataclass(frozen=True)
class ItemBlocks:
    """Named blocks of columns.

    Attributes
    ----------
    names : of the blocks.
    items : columns of each block.
    instrument : the instrument they come from, if any.
    """

    names: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]
    instrument: Instrument | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column once, in order."""
        return tuple(dict.fromkeys(c for block in self.items for c in block))

    def owner(self, column: str) -> str:
        """Return the first block that holds a column."""
        pairs = zip(self.names, self.items, strict=True)
        return next((name for name, block in pairs if column in block), "")

    def with_total(self) -> ItemBlocks:
        """Return the blocks and, of an instrument of several, one of all items."""
        if self.instrument is None or len(self.names) < 2:
            return self
        return ItemBlocks(
            (*self.names, ALL_ITEMS), (*self.items, self.columns), self.instrument
        )


def blocks_of(data: object, blocks: Blocks, form: str | None) -> ItemBlocks:
    """Return the blocks asked for; the dimensions of the survey's instrument for None.

    Raises
    ------
    OptionError
        If neither blocks nor an instrument are given, or `form` is not one of its.
    DataError
        If a block is empty or names a column twice.
    """
    if isinstance(data, (Instrument, str)) or isinstance(blocks, Survey):
        raise OptionError(
            "data and blocks are swapped",
            code="swapped-arguments",
            column="data",
            remedy="give the answers first, then the blocks or the instrument",
        )
    if blocks is None and isinstance(data, Survey):
        blocks = data.instrument
    if blocks is None:
        raise OptionError(
            "nothing says which items belong together",
            code="missing-argument",
            column="blocks",
            remedy="give blocks={name: [columns]}, or an instrument",
        )
    if isinstance(blocks, str):
        blocks = instruments.load(blocks)
    if isinstance(blocks, Instrument):
        return _dimensions(blocks, form)
    return _given(blocks, form)


def _given(blocks: Mapping[str, Sequence[str]], form: str | None) -> ItemBlocks:
    if form is not None:
        raise OptionError(
            f"form={form!r} and blocks of columns",
            code="bad-form",
            column="form",
            value=form,
            remedy="form= chooses among the forms of an instrument; leave it out",
        )
    if not isinstance(blocks, Mapping) or not blocks:
        raise OptionError(
            f"blocks={blocks!r}",
            code="bad-blocks",
            column="blocks",
            remedy="give {name: [columns]}, an instrument or its catalogue name",
        )
    found = []
    for name, columns in blocks.items():
        if isinstance(columns, str) or not all(isinstance(c, str) for c in columns):
            raise OptionError(
                f"block {name!r} holds {columns!r}",
                code="bad-blocks",
                column=str(name),
                remedy="give a list of column names",
            )
        listed = tuple(columns)
        if not listed or len(set(listed)) < len(listed):
            twice = [c for c in listed if listed.count(c) > 1]
            said = f"names {twice[0]!r} twice" if twice else "is empty"
            raise DataError(
                f"block {name!r} {said}",
                code="bad-blocks",
                column=str(name),
                value=listed,
                remedy="a block is a list of different columns",
            )
        found.append(listed)
    return ItemBlocks(tuple(map(str, blocks)), tuple(found))


def _dimensions(instrument: Instrument, form: str | None) -> ItemBlocks:
    asked = instrument.form(_form(instrument) if form is None else form)
    if not asked.per_item:
        raise OptionError(
            f"form {asked.id!r} is asked once per dimension, not of each item",
            code="bad-form",
            column="form",
            value=form,
            remedy="choose a form of items",
        )
    names = [d.id for d in instrument.dimensions]
    items = [
        tuple(asked.column(i.id) for i in instrument.items if i.dimension == name)
        for name in names
    ]
    pairs = [(n, c) for n, c in zip(names, items, strict=True) if c]
    return ItemBlocks(
        tuple(n for n, _ in pairs), tuple(c for _, c in pairs), instrument
    )


def _form(instrument: Instrument) -> str:
    own = [form for form in instrument.forms if form.per_item]
    if len(own) == 1:
        return own[0].id
    for kind in DEFAULT_FORMS:
        if instrument.has_form(kind):
            return kind
    raise OptionError(
        f"instrument {instrument.id!r} has several forms",
        code="missing-argument",
        column="form",
        remedy="choose one by form=: " + ", ".join(form.id for form in own),
    )


def survey_for(
    data: object, instrument: Instrument | None, weights: str | None
) -> Survey:
    """Read answers with the instrument's scales and reversed items, and weights."""
    survey = survey_of(data, instrument, borrow=True)
    return survey if weights is None else survey.with_roles(weight=weights)
