"""`plot.index`: indices by unit and wave, by group, or by construct."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics.errors import DataError
from satmetrics.indices.index import IndexResult
from satmetrics.plot import _board, _dots
from satmetrics.plot._board import board_of
from satmetrics.plot._canvas import BLUE, VERMILLION, axes_for, finish
from satmetrics.plot._labels import LabelSource, Names
from satmetrics.plot._lines import draw_lines

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
    along = _board.along(result, over)
    words = _board.index_words(result)
    unit = f"{words}, with {100 * result.level:g} % intervals"
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
        name = str(rows["construct"][0])
        ax = draw_lines(ax, board_of("plot.index", result.of(name), along), names)
        ax.set_ylabel(unit)
    return finish(ax, result.context, names.notes)


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
