"""`plot.changes`: how far an index moved between waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._frames import ESTIMATES, Table
from satmetrics.errors import DataError
from satmetrics.indices.changes import ChangeResult
from satmetrics.plot import _dots
from satmetrics.plot._canvas import axes_for, finish
from satmetrics.plot._labels import LabelSource, Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OWN = frozenset(("construct", "since", "reason", "n_eff", *ESTIMATES))


@friendly_keywords
def changes(
    result: ChangeResult,
    *,
    construct: str | None = None,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the changes of an index with their intervals around no change.

    Parameters
    ----------
    result : what ``sat.changes`` returned.
    construct : whose index; the model's target when None.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes
        A triangle pointing up marks a clear rise, one pointing down a clear fall, an
        open circle neither.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> moved = sat.changes(sat.index(fit, survey, by="wave"))
    >>> [text.get_text() for text in sat.plot.changes(moved).get_yticklabels()]
    ['2025-2 since 2025-1', '2026-1 since 2025-2']
    """
    expect(
        "plot.changes",
        result,
        ChangeResult,
        "changes",
        remedy="pass what sat.changes(index) returned",
    )
    rows = _rows(result, construct)
    names = Names.of(labels)
    keys = [k for k in rows.names if k not in OWN and k != result.over]
    texts = []
    for row in rows.rows():
        unit = names.joined(row[k] for k in keys)
        span = f"{names.short(row[result.over])} since {names.short(row['since'])}"
        texts.append(f"{unit}, {span}" if unit else span)
    ax = axes_for(ax, 7.2, 1.0 + 0.3 * len(rows))
    y = _dots.positions(len(rows))
    dots = _dots.Dots(rows["estimate"], rows["conf_low"], rows["conf_high"])
    _dots.row_labels(ax, y, texts)
    _dots.draw_signed(ax, y, dots)
    _dots.zero_line(ax, dots)
    ax.set_xlabel(
        f"change of the index, points, with {100 * result.level:g} % intervals\n"
        "← worse   |   better →"
    )
    return finish(ax, result.context, names.notes)


def _rows(result: ChangeResult, construct: str | None) -> Table:
    wanted = construct or result.target
    rows = result.table if wanted is None else result.table.where(construct=wanted)
    if wanted is None and len(set(rows["construct"])) > 1:
        rows = rows.where(construct=rows["construct"][0])
    rows = rows.take(np.flatnonzero(np.isfinite(rows["estimate"])))
    if not len(rows):
        present = dict.fromkeys(map(str, result.table["construct"]))
        raise DataError(
            f"there are no changes of {wanted!r}",
            code="no-rows",
            column="construct",
            value=wanted,
            remedy=f"there are {', '.join(present)}",
        )
    return rows
