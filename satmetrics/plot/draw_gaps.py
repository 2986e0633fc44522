"""`plot.gaps`: service quality gaps around the line of met expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from satmetrics._checks import friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import GapResult
from satmetrics.plot import _dots
from satmetrics.plot._canvas import MARKERS, SERIES, SMALL, axes_for, finish, inches
from satmetrics.plot._labels import LabelSource, Names, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIRECTION = "← short of expectations   |   beyond expectations →"


@friendly_keywords
def gaps(
    result: GapResult | GapTable,
    *,
    level: Literal["dimension", "item"] = "dimension",
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw gaps as points with intervals, the largest shortfall on top.

    Parameters
    ----------
    result : what ``sat.gaps`` or ``sat.gap_table`` returned; groups (``by=``) are drawn
        beside one another.
    level : "dimension" or "item".
    labels : an instrument or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes
        A triangle pointing down lies below zero with its whole interval, one pointing
        up above, an open circle neither.

    Examples
    --------
    >>> import satmetrics as sat
    >>> table = sat.gap_table(sat.datasets.table("patient_servqual"))
    >>> ax = sat.plot.gaps(table)
    >>> len(ax.get_yticks())
    5
    """
    if not isinstance(result, (GapResult, GapTable)):
        raise OptionError(
            f"plot.gaps() needs gaps, got {type(result).__name__}",
            code="not-gaps",
            remedy="pass what sat.gaps(data, instrument) returned",
        )
    one_of("level", level, ("dimension", "item"))
    rows = result.table.where(level=level)
    rows = rows.take(np.flatnonzero(np.isfinite(rows["estimate"])))
    if not len(rows):
        raise DataError(
            f"the result holds no gaps by {level}",
            code="no-rows",
            column=level,
            remedy='plot.gaps(result, level="item") draws items',
        )
    names = Names.of(labels)
    order = _worst_first(rows, level)
    by = result.by if isinstance(result, GapResult) else ()
    groups = _groups(rows, by)
    ax = axes_for(ax, 7.2, 1.1 + len(order) * max(0.3, 0.13 * len(groups)))
    _draw(ax, level, order, groups, names)
    _dots.row_labels(ax, _dots.positions(len(order)), [names(name) for name in order])
    _dots.zero_line(ax, _dots_of(rows))
    ax.set_xlabel(
        f"perception − expectation, scale points, with {100 * result.level:g} % "
        f"intervals\n{DIRECTION}"
    )
    return finish(ax, result.context, names.notes)


def _draw(
    ax: Axes,
    level: str,
    order: list[str],
    groups: list[tuple[tuple[object, ...], Table]],
    names: Names,
) -> None:
    place = {name: float(i) for i, name in enumerate(order)}
    for g, (key, own) in enumerate(groups):
        y = np.array([place[str(name)] for name in own[level]])
        if len(groups) == 1:
            _dots.draw_signed(ax, y, _dots_of(own))
            continue
        shift = 0.7 * ((g + 0.5) / len(groups) - 0.5)
        colour, marker = SERIES[g % len(SERIES)], MARKERS[g % len(MARKERS)]
        _dots.draw_rows(ax, y + shift, _dots_of(own), colour, marker, names.joined(key))
    if len(groups) > 1:
        widest = max(text_width(names.joined(key), SMALL) for key, _ in groups)
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=max(1, min(4, int(inches(ax)[0] / (widest + 0.55)))),
            frameon=False,
            fontsize=SMALL,
            borderaxespad=0.2,
        )


def _worst_first(rows: Table, level: str) -> list[str]:
    means: dict[str, list[float]] = {}
    for row in rows.rows():
        means.setdefault(row[level], []).append(row["estimate"])
    return sorted(means, key=lambda name: float(np.mean(means[name])))


def _groups(rows: Table, by: tuple[str, ...]) -> list[tuple[tuple[object, ...], Table]]:
    if not by:
        return [((), rows)]
    keys = list(zip(*(rows[name] for name in by), strict=True))
    return [
        (key, rows.take(np.array([i for i, own in enumerate(keys) if own == key])))
        for key in dict.fromkeys(keys)
    ]


def _dots_of(rows: Table) -> _dots.Dots:
    return _dots.Dots(rows["estimate"], rows["conf_low"], rows["conf_high"])
