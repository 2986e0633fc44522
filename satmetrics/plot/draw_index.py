"""`plot.index`: indices by unit and wave, by group, or by construct."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.indices.index import IndexResult
from satmetrics.plot import _dots
from satmetrics.plot._canvas import (
    BLUE,
    FAINT,
    MARKERS,
    QUIET,
    SERIES,
    SMALL,
    STYLES,
    TEXT,
    VERMILLION,
    at_least,
    axes_for,
    finish,
    inches,
    padded,
    spread,
)
from satmetrics.plot._labels import LabelSource, Names, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 8
"""More units than this are drawn as dots of the last wave."""


@friendly_keywords
def index(
    result: IndexResult,
    *,
    over: str | None = None,
    construct: str | None = None,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw indices with their intervals.

    With waves, one line per unit; with groups and no waves, or more than eight units,
    groups as dots, the highest on top; without groups, the constructs as dots.

    Parameters
    ----------
    result : what ``sat.index`` returned.
    over : the key column that holds waves; "wave" if there is such a key, else none.
    construct : whose index; the model's target when None.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> sat.plot.index(sat.index(fit), labels=fit.model).get_xlabel()
    'index, 0–100, with 95 % intervals'
    """
    expect(
        "plot.index",
        result,
        IndexResult,
        "an index",
        remedy="pass what sat.index(fit, data) returned",
    )
    names = Names.of(labels)
    along = _along(result, over)
    unit = f"index, 0–100, with {100 * result.level:g} % intervals"
    if not result.by:
        ax = _constructs(ax, result, names)
        ax.set_xlabel(unit)
        return finish(ax, result.context, names.notes)
    rows = _rows(result, construct)
    others = [k for k in result.by if k != along]
    series = _series(rows, others)
    if along is None:
        ax = _groups(ax, rows, others, names)
        ax.set_xlabel(unit)
    elif len(series) > MOST_LINES:
        last = _last_wave(result, rows, along)
        ax = _groups(ax, rows.where(**{along: last}), others, names)
        ax.set_xlabel(f"{names.short(last)}: {unit}")
    else:
        waves = list(dict.fromkeys(result.table[along]))
        ax = _lines(ax, rows, series, (along, waves), names)
        ax.set_ylabel(unit)
    return finish(ax, result.context, names.notes)


def _along(result: IndexResult, over: str | None) -> str | None:
    if over is None:
        return "wave" if "wave" in result.by else None
    one_of("over", over, result.by)
    return over


def _rows(result: IndexResult, construct: str | None) -> Table:
    present = list(dict.fromkeys(str(c) for c in result.table["construct"]))
    wanted = construct or result.target or present[0]
    one_of("construct", wanted, present)
    rows = result.table.where(construct=wanted)
    rows = rows.take(np.flatnonzero(np.isfinite(rows["estimate"])))
    if not len(rows):
        raise DataError(
            f"no group has an index of {wanted!r}",
            code="no-rows",
            value=wanted,
            remedy="the column reason of the result says why",
        )
    return rows


def _last_wave(result: IndexResult, rows: Table, along: str) -> object:
    """Return the last wave in which some group has an index."""
    there = set(rows[along])
    return [w for w in dict.fromkeys(result.table[along]) if w in there][-1]


def _series(rows: Table, others: list[str]) -> list[tuple[tuple[object, ...], Table]]:
    keys = [tuple(row[k] for k in others) for row in rows.rows()]
    return [
        (key, rows.take(np.array([i for i, own in enumerate(keys) if own == key])))
        for key in dict.fromkeys(keys)
    ]


def _dots_of(rows: Table) -> _dots.Dots:
    return _dots.Dots(rows["estimate"], rows["conf_low"], rows["conf_high"])


def _constructs(ax: Axes | None, result: IndexResult, names: Names) -> Axes:
    rows = result.table
    ax = axes_for(ax, 7.2, 0.9 + 0.32 * len(rows))
    y = _dots.positions(len(rows))
    own = np.array([name == result.target for name in rows["construct"]], dtype=bool)
    for here, colour, marker in ((~own, BLUE, "o"), (own, VERMILLION, "D")):
        if here.any():
            part = rows.take(np.flatnonzero(here))
            _dots.draw_rows(ax, y[here], _dots_of(part), colour, marker)
    _dots.row_labels(ax, y, [names(name) for name in rows["construct"]])
    _dots.guides(ax)
    return ax


def _groups(ax: Axes | None, rows: Table, others: list[str], names: Names) -> Axes:
    rows = rows.take(np.argsort(-rows["estimate"], kind="stable"))
    ax = axes_for(ax, 7.2, 0.9 + 0.3 * len(rows))
    y = _dots.positions(len(rows))
    _dots.draw_rows(ax, y, _dots_of(rows), BLUE, "o")
    texts = [names.joined(row[k] for k in others) for row in rows.rows()]
    _dots.row_labels(ax, y, texts)
    _dots.guides(ax)
    return ax


def _lines(
    ax: Axes | None,
    rows: Table,
    series: list[tuple[tuple[object, ...], Table]],
    axis: tuple[str, list[object]],
    names: Names,
) -> Axes:
    """Draw a line per unit; it breaks at a wave without an index."""
    from matplotlib.ticker import MaxNLocator

    along, waves = axis
    ax = axes_for(ax, 7.2, 4.2)
    ax.set_ylim(*at_least(*padded(*_dots_of(rows).ends), 20.0))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    texts = [names.joined(key) for key, _ in series]
    _wave_axis(ax, [names.short(wave) for wave in waves], texts)
    step = min(0.07, 0.4 / len(series))
    ends = np.empty(len(series))
    places = np.empty(len(series))
    for s, (_, own) in enumerate(series):
        at = np.array([waves.index(w) for w in own[along]])
        y = np.full(len(waves), np.nan)
        y[at] = own["estimate"]
        x = np.arange(len(waves)) + step * (s - (len(series) - 1) / 2)
        colour = SERIES[s % len(SERIES)]
        limits = own["conf_low"], own["conf_high"]
        ax.vlines(x[at], *limits, color=colour, lw=1.4, zorder=2)
        (line,) = ax.plot(
            x,
            y,
            color=colour,
            marker=MARKERS[s % len(MARKERS)],
            linestyle=STYLES[s % len(STYLES)],
            markersize=6,
            linewidth=1.6,
            label=texts[s] or "all",
            zorder=3,
        )
        line.set_gid("estimate")
        places[s] = at.max()
        ends[s] = y[at.max()]
    for wave in np.unique(places):
        _direct_labels(ax, ends, texts, (np.flatnonzero(places == wave), wave))
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    return ax


def _wave_axis(ax: Axes, waves: list[str], texts: list[str]) -> None:
    """Set ticks, and limits that leave room for the labels at the lines' ends."""
    wide = inches(ax)[0]
    share = min(0.45, max(text_width(t, TEXT) for t in texts) / wide)
    left, right = -0.3, len(waves) - 1 + 0.3
    room = share / (1 - share) * (right - left) if any(texts) else 0.0
    ax.set_xlim(left, right + room)
    ax.set_xticks(range(len(waves)), labels=waves)


def _direct_labels(
    ax: Axes, ends: FloatArray, texts: list[str], here: tuple[IntArray, float]
) -> None:
    """Name the lines whose last point, at height `ends`, is at one wave."""
    if not any(texts):
        return
    series, wave = here
    low, high = ax.get_ylim()
    line = 1.35 * TEXT / 72 / inches(ax)[1] * (high - low)
    for s, y in zip(series, spread(ends[series], line), strict=True):
        ax.plot([wave + 0.17, wave + 0.26], [ends[s], y], color=QUIET, lw=0.5, zorder=1)
        ax.text(
            wave + 0.29,
            float(y),
            texts[s],
            color=SERIES[s % len(SERIES)],
            fontsize=TEXT if len(texts) < 7 else SMALL,
            va="center",
        )
