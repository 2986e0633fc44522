"""`plot.control_chart`: points of units over waves, their limits and their signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.indices.chart_result import TITLES, ControlChart
from satmetrics.plot import _dots
from satmetrics.plot._canvas import (
    BLUE,
    FAINT,
    INK,
    QUIET,
    SMALL,
    VERMILLION,
    axes_for,
    finish,
    inches,
    padded,
)
from satmetrics.plot._labels import LabelSource, Names, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 6
"""Charts side by side at most; those with most signals come first."""
BETWEEN = 1.0
"""Waves between two charts."""


@friendly_keywords
def control_chart(
    chart: ControlChart,
    *,
    units: str | Sequence[str] | None = None,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw control charts of units side by side, on one scale.

    Each chart shows its points over waves, the centre as a line and the limits as a
    band; open points gave the centre, and a diamond marks a point that signals. A
    signal asks for a cause; it is not one.

    Parameters
    ----------
    chart : what ``sat.indices.control_chart`` returned.
    units : the units to draw; all when None, of more than six those with most
        signals.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If there is no such unit.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> levels = sat.index(sat.pls("ecsi", survey), survey, by=["company", "wave"])
    >>> chart = sat.indices.control_chart(levels, baseline=2)
    >>> sat.plot.control_chart(chart).get_ylabel()
    'index, 0–100; band: limits at 3 sigma'
    """
    expect(
        "plot.control_chart",
        chart,
        ControlChart,
        "a control chart",
        remedy="pass what sat.indices.control_chart(index) returned",
    )
    names = Names.of(labels)
    charts, left_out = _charts(chart, units)
    waves = list(dict.fromkeys(chart.table[chart.over]))
    ax = axes_for(ax, 7.2, 4.2)
    ax.set_ylim(*_limits([rows for _, rows in charts]))
    step = len(waves) - 1 + 2 * BETWEEN
    for place, (_, rows) in enumerate(charts):
        at = np.array([waves.index(w) for w in rows[chart.over]], dtype=float)
        _chart(ax, rows, at + place * step)
    _wave_ticks(ax, [names.short(w) for w in waves], len(charts), step)
    if any(key for key, _ in charts):
        _titles(ax, [names.joined(key) for key, _ in charts], len(waves), step)
    ax.set_ylabel(_words(chart))
    ax.set_xlabel(_legend(charts, left_out))
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    return finish(ax, chart.context, names.notes)


Key = tuple[object, ...]


def _charts(
    chart: ControlChart, units: str | Sequence[str] | None
) -> tuple[list[tuple[Key, Table]], int]:
    """Return the units to draw with their rows, and how many are left out."""
    keys = [k for k in chart.by if k != chart.over]
    seen = np.isfinite(chart.table["limit_high"])
    found: dict[Key, list[int]] = {}
    for i, row in enumerate(chart.table.rows()):
        if seen[i]:
            found.setdefault(tuple(row[k] for k in keys), []).append(i)
    if not found:
        raise DataError(
            "no unit has a chart",
            code="no-rows",
            remedy="the column reason of the result says why",
        )
    charts = [(key, chart.table.take(np.array(own))) for key, own in found.items()]
    if units is not None:
        asked = [units] if isinstance(units, str) else [str(unit) for unit in units]
        held = [" · ".join(map(str, key)) for key, _ in charts]
        for name in asked:
            one_of("units", name, held)
        return [charts[held.index(name)] for name in dict.fromkeys(asked)], 0
    if len(charts) > MOST:
        charts.sort(key=lambda pair: -int(pair[1]["signal"].sum()))
    return charts[:MOST], max(0, len(charts) - MOST)


def _limits(parts: list[Table]) -> tuple[float, float]:
    names = ("statistic", "limit_low", "limit_high")
    values = np.concatenate([rows[name] for rows in parts for name in names])
    seen = values[np.isfinite(values)]
    low, high = padded(float(seen.min()), float(seen.max()))
    return low, high + 0.08 * (high - low)


def _chart(ax: Axes, rows: Table, x: FloatArray) -> None:
    """Draw one chart; limits are steps, for every wave has its own."""
    edges = np.concatenate([[x[0] - 0.5], (x[1:] + x[:-1]) / 2, [x[-1] + 0.5]])
    low, high = rows["limit_low"], rows["limit_high"]
    ax.stairs(high, edges, baseline=low, fill=True, color="#ececec", zorder=1)
    for limit in (low, high):
        ax.stairs(limit, edges, baseline=None, color=QUIET, lw=0.9, ls="--", zorder=2)
    ax.stairs(rows["centre"], edges, baseline=None, color=INK, lw=0.9, zorder=2)
    ax.plot(x, rows["statistic"], color=BLUE, lw=1.3, zorder=3)
    signal = np.asarray(rows["signal"], dtype=bool)
    early = np.asarray(rows["baseline"], dtype=bool) & ~signal
    looks = (
        (early, ("o", BLUE, "white"), "baseline"),
        (~early & ~signal, ("o", BLUE, BLUE), "estimate"),
        (signal, ("D", VERMILLION, VERMILLION), "signal"),
    )
    for here, look, gid in looks:
        _dots.marks(ax, x[here], rows["statistic"][here], look, size=6, gid=gid)


def _wave_ticks(ax: Axes, waves: list[str], charts: int, step: float) -> None:
    """Label the waves of every chart, as many as have room."""
    last = len(waves) - 1
    ax.set_xlim(-BETWEEN, (charts - 1) * step + last + BETWEEN)
    inch = inches(ax)[0] / ((charts - 1) * step + last + 2 * BETWEEN)
    widest = max(text_width(wave, SMALL + 0.5) for wave in waves) + 0.12
    every = max(1, int(np.ceil(widest / inch)))
    places = [p for p in range(0, last + 1, every) if p + every <= step] or [0]
    texts = [waves[p] for p in places]
    at = [chart * step + place for chart in range(charts) for place in places]
    ax.set_xticks(at, labels=texts * charts)


def _titles(ax: Axes, texts: list[str], waves: int, step: float) -> None:
    """Name each chart above it, cut where the chart is narrow."""
    inch = inches(ax)[0] / (len(texts) * step)
    room = max(3, int(inch * step / (0.56 * SMALL / 72)) - 1)
    for place, text in enumerate(texts):
        shown = text if len(text) <= room else text[: room - 1].rstrip() + "…"
        ax.text(
            place * step + (waves - 1) / 2,
            0.985,
            shown,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=SMALL,
            color=INK,
        )


def _words(chart: ControlChart) -> str:
    if chart.method == "cusum":
        return f"CUSUM, sigma; band: decision limit {chart.h:g} sigma"
    name = "" if chart.method == "shewhart" else f"{TITLES[chart.method]} of the "
    return f"{name}index, 0–100; band: limits at {chart.width:g} sigma"


def _legend(charts: list[tuple[Key, Table]], left_out: int) -> str:
    lines = ["◆ signal: it asks for a cause, and is not one"]
    if any(np.asarray(rows["baseline"], dtype=bool).any() for _, rows in charts):
        lines[0] += "; ○ gave the centre"
    if left_out:
        lines.append(
            f"{left_out} more units, with as many signals or fewer, are not shown"
        )
    return "\n".join(lines)
