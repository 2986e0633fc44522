"""Excel sheets: merged header cells, dates, and formulas that were never computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._typing import AnyArray
from satmetrics.errors import DataError, MissingDependencyError
from satmetrics.survey._file import FileOptions, FileTable, table_from_cells


def read_excel(path: Path, options: FileOptions) -> FileTable:
    """Read one sheet of an .xlsx file.

    Raises
    ------
    MissingDependencyError
        If openpyxl is not installed.
    DataError
        If the sheet does not exist, or holds formulas without computed values.
    """
    book = _book(path, values=False)
    sheet, notes = _sheet(book, options.sheet, path.name)
    cells = _grid(sheet)
    merged = _spread_merged(sheet, cells)
    if any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row):
        cells = _computed(path, sheet.title, cells)
        _spread_merged(sheet, cells)
    fill = not merged
    return table_from_cells(cells, options.header_rows, fill=fill, notes=notes)


def sheet_names(path: Path) -> list[str]:
    """Return the names of the visible sheets of a workbook."""
    sheets = _book(path, values=False).worksheets
    return [sheet.title for sheet in sheets if sheet.sheet_state == "visible"]


def _book(path: Path, *, values: bool) -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingDependencyError(
            "reading Excel files needs openpyxl",
            code="missing-extra",
            value="openpyxl",
            remedy='pip install "satmetrics[excel]"',
        ) from error
    from zipfile import BadZipFile

    try:
        return openpyxl.load_workbook(path, data_only=values)
    except (
        openpyxl.utils.exceptions.InvalidFileException,
        BadZipFile,
        KeyError,
    ) as error:
        raise DataError(
            f"{path.name} is not an Excel workbook: {error}",
            code="bad-file",
            value=path.name,
            remedy="save it as .xlsx, without a password",
        ) from error


def _sheet(book: Any, wanted: str | None, where: str) -> tuple[Any, tuple[str, ...]]:
    names = [sheet.title for sheet in book.worksheets]
    if wanted is not None:
        if wanted not in names:
            raise DataError(
                f"{where} has no sheet {wanted!r}",
                code="unknown-sheet",
                column="sheet",
                value=wanted,
                remedy=f"{did_you_mean(wanted, names)} it has {names}".strip(),
            )
        return book[wanted], (f"read from sheet {wanted!r}",)
    filled = [
        s for s in book.worksheets if s.max_row > 1 and s.sheet_state == "visible"
    ]
    if not filled:
        return book.worksheets[0], ()
    filled = [s for s in filled if s.max_column > 1] or filled
    note = f"read from sheet {filled[0].title!r}"
    others = [name for name in names if name != filled[0].title]
    return filled[0], (note + (f"; not read: {', '.join(others)}" if others else ""),)


def _grid(sheet: Any) -> AnyArray:
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    cells = np.empty((len(rows), max(map(len, rows), default=0)), dtype=object)
    for i, row in enumerate(rows):
        cells[i, : len(row)] = row
    return cells


def _spread_merged(sheet: Any, cells: AnyArray) -> bool:
    """Spread the value of each merged cell, titles of full width excepted."""
    found = False
    for area in sheet.merged_cells.ranges:
        rows = slice(area.min_row - 1, area.max_row)
        columns = slice(area.min_col - 1, area.max_col)
        if columns.stop - columns.start >= cells.shape[1] > 1:
            continue
        cells[rows, columns] = cells[rows.start, columns.start]
        found = True
    return found


def _computed(path: Path, title: str, formulas: AnyArray) -> AnyArray:
    cells = _grid(_book(path, values=True)[title])
    lost = [
        (i, j)
        for i, j in zip(*np.nonzero(cells == np.array(None)), strict=True)
        if isinstance(formulas[i, j], str) and formulas[i, j].startswith("=")
    ]
    if lost:
        raise DataError(
            f"{len(lost):,} formulas of sheet {title!r} have no computed value, "
            f"such as the one in row {int(lost[0][0]) + 1}",
            code="formulas",
            value=len(lost),
            remedy="open the file in Excel and save it, or paste the values",
        )
    return cells
