"""Columns of a survey or dataframe as they are, seen with an instrument's scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.survey._door import open_frame, span_of
from satmetrics.survey._suspects import has_fraction
from satmetrics.survey.answers import loose_numbers
from satmetrics.survey.survey import Survey

if TYPE_CHECKING:
    from satmetrics.survey._door import Grid
    from satmetrics.survey.instrument import Instrument
    from satmetrics.survey.scale import Scale

FINITE = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Seen:
    """One column of the instrument as the data have it.

    Attributes
    ----------
    values : (n,) usable answers, reversed items turned; NaN where there is none.
    there : whether the data have the column.
    missing : share of empty cells.
    unreadable, off_scale, between : texts without a number, answers off the scale and
        answers between two of its points.
    off_values : distinct answers off the scale.
    constant : whether two or more usable answers are all the same.
    usable : number of usable answers.
    fault : why a survey refuses the column; empty if it does not.
    """

    values: FloatArray
    there: bool = True
    missing: float = np.nan
    unreadable: int = 0
    off_scale: int = 0
    between: int = 0
    off_values: tuple[float, ...] = ()
    constant: bool = False
    usable: int = 0
    fault: str = ""


def see_columns(
    spec: Instrument, data: object
) -> tuple[dict[str, Seen], Context, tuple[str, ...]]:
    """Return every column of the instrument, the context and the other columns."""
    if isinstance(data, Survey):
        roles = set(data.roles.columns())
        seen = {name: _of_survey(spec, data, name) for name in spec.columns()}
        names = tuple(name for name in data.columns if name not in roles)
        context = Context(data.origin, data.name, data.n)
    else:
        grid = open_frame(data, borrow=True)
        seen = {name: _of_grid(spec, grid, name) for name in spec.columns()}
        names, context = grid.names, Context(n_rows=grid.n)
    return seen, context, tuple(name for name in names if name not in seen)


def _of_survey(spec: Instrument, survey: Survey, name: str) -> Seen:
    """See a column as the survey reads it, with its scales and missing codes."""
    if name not in survey.columns:
        return Seen(np.full(survey.n, np.nan), there=False)
    scale = survey.scale(name) or spec.scale_of(name)
    try:
        values = survey.answer_columns([name])[0]
    except DataError as fault:
        return Seen(np.full(survey.n, np.nan), fault=str(fault))
    turned = survey.instrument is not None or name in survey.reverse
    return _seen(values, 0, scale, turn=not turned and name in spec.reverse_columns())


def _of_grid(spec: Instrument, grid: Grid, name: str) -> Seen:
    if name not in grid:
        return Seen(np.full(grid.n, np.nan), there=False)
    scale = spec.scale_of(name)
    values, unreadable = loose_numbers(grid[name], scale)
    return _seen(values, unreadable, scale, turn=name in spec.reverse_columns())


def _seen(
    values: FloatArray, unreadable: int, scale: Scale | None, *, turn: bool
) -> Seen:
    empty = int(np.isnan(values).sum()) - unreadable
    low, high = span_of(values)
    off_values: tuple[float, ...] = ()
    count = 0
    least, most = (scale.minimum, scale.maximum) if scale else (-FINITE, FINITE)
    if low < least or high > most:
        off = (values < least) | (values > most)
        count, off_values = int(off.sum()), tuple(np.unique(values[off]).tolist())
        values = np.where(off, np.nan, values)
        low, high = span_of(values)
    between = 0
    if scale is not None and (scale.step != 1 or has_fraction(values)):
        between = int((~scale.on_point(values)).sum())
    answers = len(values) - empty - unreadable - count
    return Seen(
        scale.flip(values) if turn and scale is not None else values,
        missing=empty / len(values) if len(values) else np.nan,
        unreadable=unreadable,
        off_scale=count,
        between=between,
        off_values=off_values,
        constant=answers > 1 and low == high,
        usable=answers,
    )
