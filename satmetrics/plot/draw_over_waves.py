"""`plot.over_waves`: figures over waves with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._typing import BoolArray
from satmetrics.errors import OptionError
from satmetrics.plot._board import Board, Boarded, along_waves, board_of
from satmetrics.plot._canvas import finish
from satmetrics.plot._labels import LabelSource, Names
from satmetrics.plot._lines import draw_lines
from satmetrics.plot.draw_index import MOST_LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@friendly_keywords
def over_waves(
    result: Boarded,
    *,
    units: str | Sequence[str] | None = None,
    over: str | None = None,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw figures over waves, a line per unit, with their intervals.

    Waves that tell their time (years such as 2025, quarters such as 2025Q3) stand where
    they lie in time, and a line breaks where far more time passed than usual; others
    stand in a row. A line also breaks at a wave without a figure.

    Parameters
    ----------
    result : an index by wave (`satmetrics.index`), what it adds up to
        (`satmetrics.indices.aggregate`), a scoreboard (`satmetrics.indices.scoreboard`)
        or a published series (`satmetrics.datasets.series`). Methods ``of`` and
        ``of_level`` pick a construct, a level or a term.
    units : the units to draw in colour with their names, the rest in grey; None for
        those with two figures or more; of more than eight the highest of the last wave,
        upper levels first.
    over : the key column that holds waves; "wave" when None.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If there are no two waves, or no such unit.

    Examples
    --------
    >>> import satmetrics as sat
    >>> national = sat.datasets.series("hkcsi").of("nation")
    >>> sat.plot.over_waves(national).get_ylabel()
    'index, 0–100, as published without intervals'
    """
    board = board_of("plot.over_waves", result, over)
    along_waves("plot.over_waves", board)
    names = Names.of(labels)
    named = _named(board, units)
    ax = draw_lines(ax, board, names, named)
    others = int((board.seen & ~named).sum())
    grey = f"\n{others} more in grey" if others else ""
    ax.set_ylabel(f"{board.words}, {board.intervals}{grey}")
    return finish(ax, board.context, names.notes)


def _named(board: Board, units: str | Sequence[str] | None) -> BoolArray:
    """Return which units (u,) are drawn in colour."""
    if units is None:
        return _highest(board)
    asked = [units] if isinstance(units, str) else [str(unit) for unit in units]
    if len(asked) > MOST_LINES:
        raise OptionError(
            f"{len(asked)} lines in colour cannot be told apart",
            code="too-many-units",
            column="units",
            value=len(asked),
            remedy=f"name up to {MOST_LINES}; the rest are drawn in grey",
        )
    return board.named(asked)


def _highest(board: Board) -> BoolArray:
    """Return units of the first levels, the highest of the last wave first.

    Those with one figure only are passed over where others have a course.
    """
    waves = np.isfinite(board.estimate).sum(axis=1)
    able = waves >= min(2, int(waves.max()))
    last = np.nan_to_num(board.estimate[:, board.last], nan=-np.inf)
    levels = list(dict.fromkeys(board.groups))
    order = np.lexsort([-last, [levels.index(g) for g in board.groups], ~able])
    named = np.zeros(len(board.units), dtype=bool)
    named[order[:MOST_LINES]] = True
    return np.asarray(named & able)
