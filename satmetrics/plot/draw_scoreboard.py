"""`plot.scoreboard`: a league table of units with intervals and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords, positive_int
from satmetrics._published import figure_text
from satmetrics._typing import IntArray
from satmetrics.plot import _dots
from satmetrics.plot._board import Board, Boarded, board_of
from satmetrics.plot._canvas import (
    BLUE,
    INK,
    QUIET,
    VERMILLION,
    at_least,
    axes_for,
    finish,
    padded,
)
from satmetrics.plot._labels import LabelSource, Names
from satmetrics.plot._rows import (
    EDGE,
    Line,
    aside,
    heading,
    lay,
    open_right,
    quieten,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 0.62
"""Inches of the column of figures; that of changes is half as wide again."""
SPAN = 20.0
"""Index points the scale shows at least."""


@friendly_keywords
def scoreboard(
    result: Boarded,
    *,
    wave: object = None,
    since: object = None,
    over: str | None = None,
    most: int = 40,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a league table: units with intervals, the highest on top, and changes.

    Each row shows the figure of one wave with its interval and, at the right, the
    figure in digits and its change since an earlier wave. A filled triangle marks a
    change whose interval lies clear of zero, an open circle one that does not, an open
    triangle one whose error is not known.

    Parameters
    ----------
    result : an index by unit and wave (`satmetrics.index`), what it adds up to
        (`satmetrics.indices.aggregate`), a scoreboard (`satmetrics.indices.scoreboard`)
        or a published series (`satmetrics.datasets.series`). Methods ``of`` and
        ``of_level`` pick a construct, a level or a term.
    wave : the wave shown; the last one with a figure when None.
    since : the wave that changes are taken from; the one before when None.
    over : the key column that holds waves; "wave" when None, if there is one.
    most : of more units than this, the highest and the lowest are shown.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If there is no such wave.

    Examples
    --------
    >>> import satmetrics as sat
    >>> makers = sat.datasets.series("acsi_durables").of("company")
    >>> ax = sat.plot.scoreboard(makers)
    >>> [text.get_text() for text in ax.get_yticklabels()][:3]
    ['Apple', 'Dell', 'Gateway']
    """
    board = board_of("plot.scoreboard", result, over)
    positive_int("most", most, at_least=2)
    new = board.last if wave is None else board.wave_at("wave", wave)
    old = (new - 1 if new else None) if since is None else board.wave_at("since", since)
    names = Names.of(labels)
    lines = _lines_of(board, new, most, names)
    ax = axes_for(ax, 7.2, 1.35 + 0.3 * len(lines))
    at, units = lay(ax, lines)
    _figures(ax, board, new, (at, units))
    _limits(ax, board, new, (units, old is not None), lines)
    _digits(ax, board, new, (at, units), 0.0 if old is None else 1.5 * SIDE)
    if old is not None:
        _changes(ax, board, (new, old), (at, units))
        heading(ax, f"since {names.short(board.waves[old])}", 0)
    ax.set_xlabel(_legend(board, new, old, (units, names)))
    finish(ax, board.context, names.notes)
    quieten(ax, lines)
    return ax


def _lines_of(board: Board, wave: int, most: int, names: Names) -> list[Line]:
    """Return the rows of units that were asked in a wave, level by level."""
    there = board.at[:, wave] >= 0
    lines: list[Line] = []
    for group in dict.fromkeys(board.groups):
        own = [u for u, g in enumerate(board.groups) if g == group and there[u]]
        if not own:
            continue
        value = board.estimate[own, wave]
        order = [own[i] for i in np.argsort(-value, kind="stable")]
        if group:
            lines.append(Line(f"{group.upper()}"))
        rows = [Line(names.joined(board.units[u]) or "all", u) for u in order]
        lines += shortened(rows, most)
    return lines


def _figures(
    ax: Axes, board: Board, wave: int, rows: tuple[IntArray, IntArray]
) -> None:
    at, units = rows
    dots = board.dots(wave).take(units)
    seen = np.isfinite(dots.estimate)
    _dots.draw_rows(
        ax, at[seen].astype(float), dots.take(np.flatnonzero(seen)), BLUE, "o"
    )
    _dots.guides(ax)


def _limits(
    ax: Axes,
    board: Board,
    wave: int,
    shown: tuple[IntArray, bool],
    lines: list[Line],
) -> None:
    units, changed = shown
    ends = board.dots(wave).take(units).ends
    low, high = padded(*ends)
    if board.index:
        low, high = at_least(low, high, SPAN)
    elif ends[0] >= 0:
        low, high = 0.0, 1.06 * (ends[1] or 1.0)
    open_right(ax, lines, (low, high), SIDE * (2.5 if changed else 1.0))


def _digits(
    ax: Axes,
    board: Board,
    wave: int,
    rows: tuple[IntArray, IntArray],
    from_right: float,
) -> None:
    for y, unit in zip(*rows, strict=True):
        value = float(board.estimate[unit, wave])
        known = np.isfinite(value)
        text = figure_text(value, board.decimals(int(unit))) if known else board.missing
        aside(ax, text, float(y), from_right, colour=INK if known else QUIET)


def _changes(
    ax: Axes, board: Board, waves: tuple[int, int], rows: tuple[IntArray, IntArray]
) -> None:
    from matplotlib.transforms import ScaledTranslation

    at, units = rows
    dots = board.change(*waves).take(units)
    scale = ax.get_figure(root=True).dpi_scale_trans  # type: ignore[union-attr]
    place = ax.get_yaxis_transform() + ScaledTranslation(
        -1.25 * SIDE - EDGE / 72, 0, scale
    )
    every = zip(at, units, dots.estimate, dots.low, dots.high, strict=True)
    for y, unit, change, low, high in every:
        digits = board.decimals(int(unit))
        if not np.isfinite(change):
            aside(ax, "–", float(y), 0.0, colour=QUIET)
            continue
        marker, colour, face = _look(float(change), float(low), float(high))
        (mark,) = ax.plot(
            [1.0],
            [y],
            marker=marker,
            color=colour,
            markerfacecolor=face,
            markersize=5.5,
            transform=place,
            clip_on=False,
        )
        mark.set_gid("change")
        aside(ax, _signed(float(change), digits), float(y), 0.0, colour)


def _look(change: float, low: float, high: float) -> tuple[str, str, str]:
    """Return marker, colour and filling of a change."""
    if not np.isfinite(low):
        marker = "^" if change > 0 else "v" if change < 0 else "o"
        return marker, QUIET, "white"
    if low > 0:
        return "^", BLUE, BLUE
    if high < 0:
        return "v", VERMILLION, VERMILLION
    return "o", QUIET, "white"


def _signed(value: float, decimals: int) -> str:
    text = figure_text(abs(value), decimals)
    if float(text.replace(",", "")) == 0:
        return text
    return f"{'+' if value > 0 else '−'}{text}"


def _legend(
    board: Board, new: int, old: int | None, shown: tuple[IntArray, Names]
) -> str:
    """Return the words below the scale."""
    units, names = shown
    wave = board.waves[new]
    first = f"{board.words}, {board.intervals}"
    lines = [first if wave is None else f"{names.short(wave)}: {first}"]
    if old is not None:
        changes = board.change(new, old).take(units)
        known = np.isfinite(changes.low).any()
        sure = f"▲ ▼ clear of 0 at {100 * board.level:g} %, ○ not clear"
        lines.append(f"change: {sure if known else '△ ▽ its error is not known'}")
    if board.missing == "NM" and np.isnan(board.estimate[units, new]).any():
        lines.append("NM: not measured")
    absent = int((board.at[:, new] < 0).sum())
    if absent:
        lines.append(f"{absent} more have no figure of {names.short(wave)}")
    return "\n".join(lines)
