"""What a report is made of, before it is HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from satmetrics._display import Section, section
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics.plot._labels import is_cjk
from satmetrics.reporting.words import unsigned_zero

LABELLED = (
    "construct",
    "source",
    "target",
    "indicator",
    "dimension",
    "item",
)
LONG_CELL = 36
"""Longer cells are broken into lines."""
PHONE = 50
LONG_TABLE = 24
"""Longer tables are folded; a line says how many rows there are."""
"""Characters in a row of a table on a phone."""
ALL_ROWS = 100_000
INDEX_PLACES = {
    "estimate": 1,
    "conf_low": 1,
    "conf_high": 1,
    "std_error": 2,
    "effect": 2,
    "performance": 1,
}


@dataclass(frozen=True)
class Picture:
    """A figure, drawn when its addresses are asked for.

    Attributes
    ----------
    addresses : draws it and returns data addresses of the picture for desktops and of
        that for phones; the second is empty if one serves both.
    alt : what a reader who cannot see it should know.
    caption : one sentence.
    origin, data : REAL or SIMULATED, and the name of the data.
    """

    addresses: Callable[[], tuple[str, str]]
    alt: str
    caption: str
    origin: str
    data: str
    kind: str = "figure"


@dataclass(frozen=True)
class Grid:
    """A table, cells formatted, with the origin of its numbers.

    Attributes
    ----------
    section : the cells.
    numeric : which columns hold numbers; by default those after the section's texts.
    """

    section: Section
    caption: str
    origin: str
    data: str
    numeric: tuple[bool, ...] = ()
    kind: str = "table"

    @property
    def right(self) -> tuple[bool, ...]:
        """Which columns stand to the right."""
        return self.numeric or self.section.right

    @property
    def folded(self) -> bool:
        """Whether the table is long, so that it is shown only when opened."""
        return len(self.section.rows) > LONG_TABLE

    @property
    def wide(self) -> bool:
        """Whether a phone shows it only in part."""
        cells = (self.section.columns, *self.section.rows)
        columns = zip(*cells, strict=True)
        return sum(min(max(map(len, c)), LONG_CELL) + 2 for c in columns) > PHONE


@dataclass(frozen=True)
class Chapter:
    """A chapter of a part: a sentence, figures and tables, notes."""

    title: str
    lead: str = ""
    blocks: tuple[Picture | Grid, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.blocks or self.notes)


@dataclass(frozen=True)
class Names:
    """Texts for names in tables and sentences."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, name: object) -> str:
        """Return the text of a name; the name itself where there is none."""
        return self.texts.get(str(name), str(name))

    def sentence(self, name: object) -> str:
        """Return the text as it begins a sentence."""
        text = self(name)
        return text if not text or is_cjk(text[0]) else text[0].upper() + text[1:]


Block = Picture | Grid


def limits(level: float) -> dict[str, str]:
    """Return the headings of an interval's limits."""
    return {"conf_low": f"{100 * level:g} % low", "conf_high": "high"}


def grid(
    caption: str,
    table: Table,
    columns: Mapping[str, str],
    context: Context,
    names: Names,
    *,
    decimals: int | Mapping[str, int] = 3,
) -> Grid:
    """Lay a table out: texts in place of names, all rows, no empty columns."""
    shown = {n: head for n, head in columns.items() if n in table}
    mapped = {
        n: [names(v) if v else "" for v in table[n]] for n in shown if n in LABELLED
    }
    full = table.extended(mapped, keys=table.names) if mapped else table
    shown = {n: head for n, head in shown.items() if not _blank(full[n].tolist())}
    made = section("", full, shown, decimals=decimals, max_rows=ALL_ROWS)
    made = replace(made, rows=tuple(_minus(row, made.right) for row in made.rows))
    return Grid(made, caption, context.word, context.name)


def _minus(row: tuple[str, ...], numeric: tuple[bool, ...]) -> tuple[str, ...]:
    """Write a true minus before the numbers of a row, none before a zero."""
    return tuple(
        unsigned_zero(cell.replace("-", "−", 1))
        if is_number and cell.startswith("-")
        else cell
        for cell, is_number in zip(row, numeric, strict=True)
    )


def _blank(values: Sequence[object]) -> bool:
    return all(v is None or v == "" or v != v for v in values)  # noqa: PLR0124 - NaN
