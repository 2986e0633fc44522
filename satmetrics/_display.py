"""The one renderer: a summary is data; text and HTML are two views of it."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray

Align = Literal["left", "right"]
MAX_ROWS = 14
COUNTS = ("n", "draws")
"""Columns of counts; other whole numbers, such as years, get no separator."""
_DECIMALS: Mapping[str, int] = {"index": 1, "points": 1, "share": 1}


def number(value: object, decimals: int = 3) -> str:
    """Format one cell: fixed decimals, ``–`` for missing, whole numbers bare."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int) or hasattr(value, "__index__"):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.{decimals}f}" if math.isfinite(value) else str(value)
    return str(value)


def p_text(value: float) -> str:
    """Format a p-value as statisticians print it."""
    if math.isnan(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float, decimals: int = 0) -> str:
    """Format a share as a percentage."""
    return "–" if math.isnan(value) else f"{100 * value:.{decimals}f} %"


@dataclass(frozen=True)
class Section:
    """One table of a summary, cells already formatted."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    numeric: tuple[bool, ...] = ()

    @property
    def right(self) -> tuple[bool, ...]:
        """Which columns stand to the right: numbers, else those after the texts."""
        places = range(len(self.columns))
        return self.numeric or tuple(i >= self.text_columns for i in places)


@dataclass(frozen=True)
class Summary:
    """What a result says of itself: facts, tables and notes.

    Attributes
    ----------
    title : one line.
    facts : pairs (label, value) printed above the tables.
    sections : the tables.
    notes : sentences below the tables.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.title, "=" * _width(self.title)]
        lines += [f"{label}: {value}" for label, value in self.facts]
        for section in self.sections:
            lines += ["", *_text_section(section)]
        if self.notes:
            lines += ["", *[f"• {note}" for note in dict.fromkeys(self.notes)]]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        facts = " · ".join(f"{_esc(k)}: {_esc(v)}" for k, v in self.facts)
        body = "".join(_html_section(section) for section in self.sections)
        notes = "".join(f"<li>{_esc(note)}</li>" for note in dict.fromkeys(self.notes))
        return (
            '<div class="satmetrics">'
            f"<p><strong>{_esc(self.title)}</strong><br>{facts}</p>"
            f"{body}{f'<ul>{notes}</ul>' if notes else ''}</div>"
        )


def section(
    heading: str,
    table: Table,
    columns: Mapping[str, str],
    *,
    decimals: int | Mapping[str, int] = 3,
    max_rows: int = MAX_ROWS,
) -> Section:
    """Format columns of a table: `columns` maps column name to printed heading."""
    shown = min(len(table), max_rows)
    cells = [
        _cells(table[name][:shown], name, decimals) for name in columns if name in table
    ]
    present = [label for name, label in columns.items() if name in table]
    rows = list(zip(*cells, strict=True)) if cells else []
    if len(table) > shown:
        rows.append((f"… {len(table) - shown} more rows",) + ("",) * (len(present) - 1))
    texts = [table[name].dtype.kind == "O" for name in columns if name in table]
    numeric = tuple(
        not is_text or _percentages(own)
        for is_text, own in zip(texts, cells, strict=True)
    )
    return Section(heading, tuple(present), tuple(rows), max(1, sum(texts)), numeric)


def _percentages(cells: Sequence[str]) -> bool:
    """Whether cells that are texts are all percentages, or say that there is none."""
    told = [cell for cell in cells if cell not in ("", "–")]
    return (bool(told) or "–" in cells) and all(
        cell.endswith(" %") and " to " not in cell for cell in told
    )


def _cells(values: AnyArray, name: str, decimals: int | Mapping[str, int]) -> list[str]:
    if name.startswith("p_"):
        return [p_text(float(v)) for v in values]
    if name in COUNTS:
        return [f"{int(v):,}" if np.isfinite(v) else "–" for v in values]
    places = decimals if isinstance(decimals, int) else decimals.get(name, 3)
    return [number(v.item() if hasattr(v, "item") else v, places) for v in values]


def _width(text: str) -> int:
    """Columns a terminal needs: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, align: Align) -> str:
    fill = " " * (width - _width(text))
    return text + fill if align == "left" else fill + text


def _text_section(section: Section) -> list[str]:
    table = [section.columns, *section.rows]
    widths = [max(_width(row[i]) for row in table) for i in range(len(section.columns))]
    lines = [section.heading] if section.heading else []
    for k, row in enumerate(table):
        cells = [
            _pad(cell, widths[i], "right" if section.right[i] else "left")
            for i, cell in enumerate(row)
        ]
        lines.append("  ".join(cells).rstrip())
        if k == 0:
            lines.append("  ".join("-" * w for w in widths))
    return lines


def _html_section(section: Section) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        out = []
        for i, cell in enumerate(cells):
            side = "right" if section.right[i] else "left"
            out.append(f'<{tag} style="text-align:{side}">{_esc(cell)}</{tag}>')
        return f"<tr>{''.join(out)}</tr>"

    head = row(section.columns, "th")
    body = "".join(row(cells, "td") for cells in section.rows)
    caption = f"<caption>{_esc(section.heading)}</caption>" if section.heading else ""
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _esc(text: str) -> str:
    return html.escape(str(text), quote=True)
