"""Text tables: encoding and delimiter found, stated, and never guessed in silence."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from satmetrics._typing import AnyArray
from satmetrics.errors import DataError
from satmetrics.survey._file import FileOptions, FileTable, table_from_cells

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def read_csv(path: Path, options: FileOptions) -> FileTable:
    """Read a text table.

    Raises
    ------
    DataError
        If the encoding cannot be told, or rows differ in length.
    """
    text, encoding = decode(path.read_bytes(), options.encoding, where=path.name)
    delimiter = options.delimiter or _delimiter(text)
    notes = (f"read as {encoding}, delimiter {_DELIMITERS.get(delimiter, delimiter)}",)
    cells = _cells(text, delimiter, path.name)
    return table_from_cells(cells, options.header_rows, fill=True, notes=notes)


def decode(data: bytes, encoding: str | None, *, where: str) -> tuple[str, str]:
    """Return the text and the name of its encoding.

    A byte order mark decides; else UTF-8 if the bytes are valid UTF-8; else GB18030 if
    they are valid and mostly pairs of the Chinese plane; else an error asks.
    """
    if encoding is not None:
        return _decoded(data, encoding, where), encoding
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data, codec, where), name
    if b"\x00" in data[:1000]:
        raise _unreadable(
            where, "it holds zero bytes (UTF-16 without a mark, or no text)"
        )
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise _unreadable(where, "it is neither UTF-8 nor GB18030") from error
    if not _is_chinese(text):
        raise _unreadable(
            where, "it is not UTF-8, and as GB18030 it is not Chinese text"
        )
    return text, "GB18030"


def _decoded(data: bytes, encoding: str, where: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError as error:
        raise _unreadable(where, f"there is no encoding {encoding!r}") from error
    except UnicodeError as error:
        raise _unreadable(where, f"it is not {encoding}: {error}") from error


def _is_chinese(text: str) -> bool:
    """Return whether the non-ASCII characters are those of GB2312, which texts use."""
    wide = [c for c in text if ord(c) > 127]
    common = 0
    for char in wide:
        try:
            common += len(char.encode("gb2312")) == 2
        except UnicodeEncodeError:
            continue
    return common >= 0.9 * len(wide)


def _unreadable(where: str, why: str) -> DataError:
    return DataError(
        f"the encoding of {where} cannot be told: {why}",
        code="encoding",
        value=where,
        remedy='name it: encoding = "cp1252" (or another) under [file] in study.toml, '
        'or read(..., encoding="cp1252"); or save the file as UTF-8',
    )


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first rows into most fields."""
    head = "\n".join(text.splitlines()[:30])
    scores = {}
    for mark in _DELIMITERS:
        widths = [
            len(row) for row in csv.reader(io.StringIO(head), delimiter=mark) if row
        ]
        if widths:
            width, times = Counter(widths).most_common(1)[0]
            scores[mark] = (width > 1, times / len(widths), width)
    best = max(scores, key=lambda mark: scores[mark], default=",")
    return best if scores and scores[best][0] else ","


def _cells(text: str, delimiter: str, where: str) -> AnyArray:
    if not text.strip():
        return np.empty((0, 0), dtype=object)
    width = _width(text, delimiter)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=None,
            names=range(width),
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            skip_blank_lines=True,
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{where} cannot be split into columns: {error}",
            code="ragged-rows",
            value=where,
            remedy="each row must have as many fields as the header; put texts that "
            "hold the delimiter in quotes, or name the delimiter under [file]",
        ) from error
    return frame.to_numpy(dtype=object)


def _width(text: str, delimiter: str) -> int:
    """Return the number of fields of the longest of the first rows."""
    head = "\n".join(text.splitlines()[:50])
    rows = csv.reader(io.StringIO(head), delimiter=delimiter)
    return max(len(row) for row in rows)
