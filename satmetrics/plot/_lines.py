"""Lines over waves, each named at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.plot._board import Board
from satmetrics.plot._canvas import (
    FAINT,
    MARKERS,
    QUIET,
    SERIES,
    SMALL,
    STYLES,
    TEXT,
    at_least,
    axes_for,
    inches,
    padded,
    spread,
)
from satmetrics.plot._dots import Dots
from satmetrics.plot._labels import Names, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS = 8
"""Waves among which the room of the labels is measured."""
LONG_GAP = 4.0
"""A line breaks where waves lie further apart than this many usual steps."""


def draw_lines(
    ax: Axes | None, board: Board, names: Names, named: BoolArray | None = None
) -> Axes:
    """Draw a line per unit that has figures; it breaks where it has none.

    Parameters
    ----------
    named : (u,) the units in colour and with a name; the rest in grey. All when None.
    """
    from matplotlib.ticker import MaxNLocator

    ax = axes_for(ax, 7.2, 4.2)
    seen = board.seen
    whole = Dots(board.estimate.ravel(), board.low.ravel(), board.high.ravel())
    limits = padded(*whole.ends)
    ax.set_ylim(*(at_least(*limits, 20.0) if board.index else limits))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    loud = np.flatnonzero(seen if named is None else seen & named)
    texts = [names.joined(board.units[u]) for u in loud]
    x = board.times()
    _wave_axis(ax, x, [names.short(w) for w in board.waves], texts)
    for u in np.flatnonzero(seen & ~np.isin(np.arange(len(seen)), loud)):
        ends = _broken(x, board.estimate[u])
        (line,) = ax.plot(*ends, color=FAINT, lw=1.0, marker=".", ms=4, zorder=1)
        line.set_gid("other")
    _named_lines(ax, x, board, loud, texts)
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    return ax


def _named_lines(
    ax: Axes, x: FloatArray, board: Board, loud: IntArray, texts: list[str]
) -> None:
    step = min(0.07, 0.4 / max(len(loud), 1)) * _unit(x)
    ends, places = np.empty((2, len(loud)))
    for s, u in enumerate(loud):
        y = board.estimate[u]
        own = x + step * (s - (len(loud) - 1) / 2)
        colour = SERIES[s % len(SERIES)]
        ax.vlines(own, board.low[u], board.high[u], color=colour, lw=1.4, zorder=2)
        (line,) = ax.plot(
            *_broken(own, y),
            color=colour,
            marker=MARKERS[s % len(MARKERS)],
            linestyle=STYLES[s % len(STYLES)],
            markersize=6,
            linewidth=1.6,
            label=texts[s] or "all",
            zorder=3,
        )
        line.set_gid("estimate")
        last = np.flatnonzero(np.isfinite(y))[-1]
        ends[s], places[s] = y[last], x[last]
    for place in np.unique(places):
        here = np.flatnonzero(places == place)
        _direct_labels(ax, ends, texts, (here, place, _unit(x)))


def _unit(x: FloatArray) -> float:
    """Return the step of waves; among very many, a share of the whole span."""
    steps = len(x) - 1
    return float(x[-1] - x[0]) / min(steps, MOST_STEPS) if steps else 1.0


def _broken(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a line with a break where waves lie far apart."""
    if len(x) < 3:
        return x, y
    steps = np.diff(x)
    after = np.flatnonzero(steps > LONG_GAP * np.median(steps)) + 1
    return np.insert(x, after, np.nan), np.insert(y, after, np.nan)


def _wave_axis(ax: Axes, x: FloatArray, waves: list[str], texts: list[str]) -> None:
    """Set ticks, and limits that leave room for the labels at the lines' ends."""
    wide = inches(ax)[0]
    share = min(0.45, max(text_width(t, TEXT) for t in texts) / wide)
    unit = _unit(x)
    left, right = float(x[0]) - 0.3 * unit, float(x[-1]) + 0.3 * unit
    room = share / (1 - share) * (right - left) if any(texts) else 0.0
    ax.set_xlim(left, right + room)
    per_inch = (right + room - left) / wide
    widths = np.array([text_width(w, SMALL + 0.5) + 0.12 for w in waves]) * per_inch
    kept = _clear(x, widths)
    ax.set_xticks(x[kept], labels=[waves[i] for i in kept])


def _clear(x: FloatArray, widths: FloatArray) -> IntArray:
    """Return the ticks whose labels do not touch; the first and the last stay."""
    kept = [0]
    last = len(x) - 1

    def apart(i: int, j: int) -> bool:
        return bool(x[j] - x[i] >= (widths[i] + widths[j]) / 2)

    for i in range(1, last):
        if apart(kept[-1], i) and apart(i, last):
            kept.append(i)
    return np.array([*kept, last] if last else kept)


def _direct_labels(
    ax: Axes, ends: FloatArray, texts: list[str], here: tuple[IntArray, float, float]
) -> None:
    """Name the lines whose last point, at height `ends`, is at one wave."""
    if not any(texts):
        return
    series, wave, unit = here
    low, high = ax.get_ylim()
    line = 1.35 * TEXT / 72 / inches(ax)[1] * (high - low)
    for s, y in zip(series, spread(ends[series], line), strict=True):
        leader = [wave + 0.17 * unit, wave + 0.26 * unit]
        ax.plot(leader, [ends[s], y], color=QUIET, lw=0.5, zorder=1)
        ax.text(
            wave + 0.29 * unit,
            float(y),
            texts[s],
            color=SERIES[s % len(SERIES)],
            fontsize=TEXT if len(texts) < 7 else SMALL,
            va="center",
        )
