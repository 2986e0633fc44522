"""What every reader returns, and the header all tables share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from satmetrics._result import Record
from satmetrics._typing import AnyArray, BoolArray
from satmetrics.errors import DataError
from satmetrics.survey.answers import MISSING_TEXTS, plain_text
from satmetrics.survey.scale import Scale

_LOOKED_AT = 200
_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")


@dataclass(frozen=True)
class FileOptions(Record):
    """How a file is laid out; what is None is found out and stated.

    Attributes
    ----------
    sheet : name of the Excel sheet.
    header_rows : number of header rows; several are joined with "_".
    encoding : of a text file.
    delimiter : of a text file.
    """

    sheet: str | None = None
    header_rows: int = 1
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, eq=False)
class FileTable:
    """A table read from a file, and what the file says of its columns.

    Attributes
    ----------
    frame : a dataframe.
    notes : how it was read.
    labels : column -> what it is called.
    scales : column -> scale that its value labels span.
    codes : column -> numbers the file declares as missing.
    value_labels : column -> number -> text.
    """

    frame: object
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[float, str]] = field(default_factory=dict)


def table_from_cells(
    cells: AnyArray, header_rows: int, *, fill: bool, notes: tuple[str, ...] = ()
) -> FileTable:
    """Return a table from a grid of cells that begins with its header.

    Parameters
    ----------
    cells : (rows, columns) objects; None or blank text is an empty cell.
    header_rows : how many rows the header has.
    fill : True to fill empty cells of upper header rows from the left.
    notes : what is already known of how the file was read.

    Raises
    ------
    DataError
        If there is no data row, or the header is blank, repeated or has another row.
    """
    blank = _blank(cells)
    if blank.all():
        raise _empty("the file holds no cells")
    cells, blank = cells[~blank.all(axis=1)], blank[~blank.all(axis=1)]
    title = _title_rows(blank)
    if title:
        notes += (f"{title} title rows above the header were skipped",)
    cells, blank = cells[title:], blank[title:]
    if len(cells) <= header_rows:
        raise _empty("the file holds a header and no rows")
    names = _names(cells[:header_rows], fill=fill)
    body, empty = cells[header_rows:], blank[header_rows:]
    keep = [j for j, name in enumerate(names) if name or not empty[:, j].all()]
    _check_names([names[j] for j in keep], keep)
    _check_second_header(body[:, keep], empty[:, keep])
    columns = {}
    for j in keep:
        column, found = _typed(names[j], body[:, j], empty[:, j])
        columns[names[j]] = column
        notes += found
    return FileTable(pd.DataFrame(columns), notes)


def is_blank(value: object) -> bool:
    """Return whether a cell is empty."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return True
    return isinstance(value, str) and not value.strip("\ufeff\u200b \t\r\n\u3000\u00a0")


def _blank(cells: AnyArray) -> BoolArray:
    """Return which cells are empty, looking at each distinct value of a column once."""
    blank = np.ones(cells.shape, dtype=bool)
    for j in range(cells.shape[1]):
        codes, distinct = pd.factorize(cells[:, j])
        lookup = np.asarray([*(is_blank(value) for value in distinct), True])
        blank[:, j] = lookup[codes]
    return blank


def _title_rows(blank: AnyArray) -> int:
    """Count leading rows of one cell above a row of several: titles, not headers."""
    filled = (~blank).sum(axis=1).tolist()
    wide = [i for i, k in enumerate(filled[:20]) if k > 1]
    return wide[0] if wide else 0


def _names(header: AnyArray, *, fill: bool) -> list[str]:
    texts = [[_header_text(cell) for cell in row] for row in header.tolist()]
    if fill:
        texts = [_filled(row) for row in texts[:-1]] + texts[-1:]
    joined = (
        dict.fromkeys(p for p in parts if p) for parts in zip(*texts, strict=True)
    )
    return ["_".join(parts) for parts in joined]


def _filled(row: Sequence[str]) -> list[str]:
    out: list[str] = []
    for text in row:
        out.append(text or (out[-1] if out else ""))
    return out


def _header_text(cell: object) -> str:
    if is_blank(cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).replace("\ufeff", "").replace("\u200b", "").split())


def _check_names(names: Sequence[str], places: Sequence[int]) -> None:
    for name, place in zip(names, places, strict=True):
        if not name:
            raise DataError(
                f"column {place + 1} holds data and has no name: its header is blank "
                "or merged with its neighbour",
                code="header-rows",
                value=place + 1,
                remedy="if the header has two rows, write header_rows = 2 under [file] "
                "in study.toml (or read(..., header_rows=2)); else give it a name",
            )
    twice = [name for name, k in Counter(names).items() if k > 1]
    if twice:
        pairs = zip(names, places, strict=True)
        at = [place + 1 for name, place in pairs if name == twice[0]]
        raise DataError(
            f"column name {twice[0]!r} occurs {len(at)} times (columns {at})",
            code="duplicate-columns",
            column=twice[0],
            value=tuple(twice),
            remedy="each column needs a name of its own; if the names of a row above "
            "tell them apart, write header_rows = 2 under [file] in study.toml",
        )


def _check_second_header(body: AnyArray, empty: AnyArray) -> None:
    """Raise if the first row is text where all others are numbers."""
    if len(body) < 3:
        return
    body, empty = body[:_LOOKED_AT], empty[:_LOOKED_AT]
    odd = numeric = 0
    for j in range(body.shape[1]):
        rest = [v for v, e in zip(body[1:, j], empty[1:, j], strict=True) if not e]
        if len(rest) < 2 or not all(_is_number(v) for v in rest):
            continue
        numeric += 1
        odd += not empty[0, j] and not _is_number(body[0, j])
    if odd > numeric / 2:
        shown = next(str(v) for v, e in zip(body[0], empty[0], strict=True) if not e)
        raise DataError(
            f"the row under the header is text above numbers ({shown!r} …): it looks "
            "like a second header row",
            code="header-rows",
            value=shown,
            remedy="write header_rows = 2 under [file] in study.toml (or read(..., "
            "header_rows=2)), which joins the two rows with '_'; or remove the row",
        )


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _PLAIN.fullmatch(value.strip()) is not None
    return isinstance(value, (int, float))


def _typed(
    name: str, column: AnyArray, empty: AnyArray
) -> tuple[pd.Series, tuple[str, ...]]:
    """Return a column as numbers where its texts are plain numbers, without loss."""
    values = column.copy()
    values[empty] = None
    codes, distinct = pd.factorize(values)
    as_is = pd.Series(values, dtype=object)
    if not all(isinstance(value, str) for value in distinct):
        return as_is, ()
    absent = [text for text in distinct if plain_text(text) in MISSING_TEXTS]
    texts = {text: text.strip() for text in distinct if text not in absent}
    if not texts or not all(_PLAIN.fullmatch(text) for text in texts.values()):
        return as_is, ()
    numbers = {text: _number(bare) for text, bare in texts.items()}
    if len(set(numbers.values())) < len(numbers):
        return as_is, ()
    notes: tuple[str, ...] = ()
    if absent:
        shown = ", ".join(repr(text) for text in absent[:8])
        total = int(as_is.isin(absent).sum())
        notes = (f"{total:,} cells of {name!r} were read as empty: {shown}",)
    lookup = pd.Series([*(numbers.get(text) for text in distinct), None])
    fresh = lookup.take(codes).reset_index(drop=True)
    whole = all(isinstance(number, int) for number in numbers.values())
    return fresh.astype("int64") if whole and fresh.notna().all() else fresh, notes


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _empty(message: str) -> DataError:
    return DataError(
        message,
        code="empty-file",
        remedy="one header row and one row per respondent are needed",
    )
