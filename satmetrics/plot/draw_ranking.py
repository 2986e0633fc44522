"""`plot.ranking`: ranks of units and the ranks that may be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._typing import IntArray
from satmetrics.errors import DataError
from satmetrics.indices.rank_result import RankingResult
from satmetrics.plot import _dots
from satmetrics.plot._canvas import BLUE, INK, QUIET, TEXT, axes_for, finish
from satmetrics.plot._labels import LabelSource, Names, text_width
from satmetrics.plot._rows import (
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

FIGURE = 0.6
"""Inches of the column of figures."""
LEAST = 0.5
"""Inches of a column of letters at least, for its heading."""
LETTERS = 12
"""Letters of a unit that are shown at most."""


@friendly_keywords
def ranking(
    result: RankingResult,
    *,
    most: int = 40,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw ranks with the ranks that may be true, figures and letters.

    A thin line holds the ranks that may be true of all units together, a thick one
    those of the unit read by itself; a diamond marks the units above which none stands
    for certain. Units that share a letter do not differ.

    Parameters
    ----------
    result : what ``sat.indices.ranking`` returned.
    most : of more units than this in a group, the highest and the lowest are shown.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> levels = sat.index(sat.pls("ecsi", survey), survey, by=["company", "wave"])
    >>> ax = sat.plot.ranking(sat.indices.ranking(levels, rng=1))
    >>> ax.get_yticklabels()[0].get_text()
    'Alder Air'
    """
    expect(
        "plot.ranking",
        result,
        RankingResult,
        "a ranking",
        remedy="pass what sat.indices.ranking(index) returned",
    )
    positive_int("most", most, at_least=2)
    table = result.table
    if not np.isfinite(table["rank"]).any():
        raise DataError(
            "no unit has a rank",
            code="no-rows",
            remedy="the column reason of the result says why",
        )
    names = Names.of(labels)
    lines = _lines_of(result, most, names)
    ax = axes_for(ax, 7.2, 1.35 + 0.3 * len(lines))
    rows = lay(ax, lines)
    _ranks(ax, table, rows)
    _dots.guides(ax)
    shown = [str(table["letters"][u])[:LETTERS] for u in rows[1]]
    widest = max(text_width(text, TEXT) for text in shown)
    letters = max(widest + 0.15, LEAST) if any(shown) else 0.0
    last = float(np.nanmax(table["rank_high"]))
    open_right(ax, lines, (0.6, last + 0.4), FIGURE + letters)
    whole = [tick for tick in ax.get_xticks() if tick == round(tick)]
    ax.set_xticks(whole, labels=[f"{tick:.0f}" for tick in whole])
    _columns(ax, table, rows, letters)
    ax.set_xlabel(_words(result, names))
    finish(ax, result.context, names.notes)
    quieten(ax, lines)
    return ax


def _lines_of(result: RankingResult, most: int, names: Names) -> list[Line]:
    """Return the rows group by group, in the order of the result."""
    groups: dict[tuple[object, ...], list[Line]] = {}
    for u, row in enumerate(result.table.rows()):
        own = groups.setdefault(tuple(row[k] for k in result.within), [])
        own.append(Line(names.joined(row[k] for k in result.unit) or "all", u))
    lines: list[Line] = []
    for group, own in groups.items():
        lines += [Line(names.joined(group).upper())] if group else []
        lines += shortened(own, most)
    return lines


def _ranks(ax: Axes, table: Table, rows: tuple[IntArray, IntArray]) -> None:
    at, units = rows
    part = table.take(units)
    y = at.astype(float)
    ax.hlines(y, part["rank_low"], part["rank_high"], color=BLUE, lw=1.4, zorder=2)
    ax.hlines(y, part["own_low"], part["own_high"], color=BLUE, lw=4.5, zorder=2)
    best = np.asarray(part["best"], dtype=bool)
    for here, marker, face in ((best, "D", BLUE), (~best, "o", "white")):
        seen = here & np.isfinite(part["rank"])
        _dots.marks(ax, part["rank"][seen], y[seen], (marker, BLUE, face))


def _columns(
    ax: Axes, table: Table, rows: tuple[IntArray, IntArray], letters: float
) -> None:
    for y, unit in zip(*rows, strict=True):
        value = float(table["estimate"][unit])
        known = np.isfinite(value)
        text = f"{value:.1f}" if known else "–"
        aside(ax, text, float(y), letters, INK if known else QUIET)
        own = str(table["letters"][unit])
        more = "…" if len(own) > LETTERS else ""
        aside(ax, own[: LETTERS - len(more)] + more, float(y), 0.0)
    heading(ax, "figure", letters)
    if letters:
        heading(ax, "letters", 0.0)


def _words(result: RankingResult, names: Names) -> str:
    """Return the words below the scale."""
    wave = f"{names.short(result.wave[1])}: " if result.wave else ""
    share = f"{100 * result.level:g} %"
    lines = [
        f"{wave}rank, 1 = the highest, with {share} sets of ranks",
        "thin: of all units together, thick: of one alone",
        "◆ none stands above for certain",
    ]
    if any(result.table["letters"]):
        lines[-1] += "; units that share a letter do not differ"
    gone = int(np.isnan(result.table["rank"]).sum())
    if gone:
        lines.append(f"{gone} without a figure have no rank")
    return "\n".join(lines)
