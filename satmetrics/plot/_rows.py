"""Rows of a league table: labels at the left, a scale, columns at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import IntArray
from satmetrics.plot import _dots
from satmetrics.plot._canvas import INK, QUIET, SMALL, TEXT, inches
from satmetrics.plot._labels import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EDGE = 9
"""Points between the last column and the edge, where the origin stands."""
HEAD = 0.55
"""Rows kept free at the top for headings of columns."""


@dataclass(frozen=True)
class Line:
    """One row: the place of a unit, or −1 for a heading and for rows left out."""

    text: str
    unit: int = -1


def shortened(rows: list[Line], most: int) -> list[Line]:
    """Return the first and the last of too many rows, and how many lie between."""
    if len(rows) <= most:
        return rows
    left = Line(f"… {len(rows) - most} more …")
    return [*rows[: (most + 1) // 2], left, *rows[len(rows) - most // 2 :]]


def lay(ax: Axes, lines: Sequence[Line]) -> tuple[IntArray, IntArray]:
    """Label the rows, and return the rows that hold units and which units they are."""
    _dots.row_labels(ax, _dots.positions(len(lines)), [line.text for line in lines])
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top - HEAD)
    at = np.array([k for k, line in enumerate(lines) if line.unit >= 0], dtype=int)
    return at, np.array([lines[k].unit for k in at], dtype=int)


def open_right(
    ax: Axes, lines: Sequence[Line], ends: tuple[float, float], columns: float
) -> None:
    """Set the scale, leaving room for so many inches of columns at its right."""
    low, high = ends
    label = max(text_width(line.text, SMALL + 0.5) for line in lines)
    figure = inches(ax)[0] / 0.82
    wide = max(figure - label - 0.45, 0.4 * figure)
    share = min(0.62, (columns + EDGE / 72) / wide)
    ax.set_xlim(low, high + share / (1 - share) * (high - low))
    places = ax.xaxis.get_major_locator().tick_values(low, high)
    ticks = [float(tick) for tick in places if low <= tick <= high]
    ax.set_xticks(ticks, labels=[f"{tick:,.10g}" for tick in ticks])


def aside(ax: Axes, text: str, y: float, inch: float, colour: str = INK) -> None:
    """Write at the right edge, so many inches from it."""
    _write(ax, text, y, inch, size=TEXT, colour=colour)


def heading(ax: Axes, text: str, inch: float) -> None:
    """Head a column at the right."""
    _write(ax, text, -0.8, inch, size=SMALL - 1, colour=QUIET)


def quieten(ax: Axes, lines: Sequence[Line]) -> None:
    """Write headings among the labels of rows smaller and paler."""
    for line, label in zip(lines, ax.get_yticklabels(), strict=True):
        if line.unit < 0:
            label.set(color=QUIET, fontsize=SMALL - 1)


def _write(
    ax: Axes, text: str, y: float, inch: float, *, size: float, colour: str
) -> None:
    ax.annotate(
        text,
        (1.0, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(-72 * inch - EDGE, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=size,
        color=colour,
        annotation_clip=False,
    )
