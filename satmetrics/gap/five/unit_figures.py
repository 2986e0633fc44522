"""Figures of units to be shrunken: means of answers, or figures that exist already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import (
    columns_present,
)
from satmetrics._frames import KEYS, Table
from satmetrics._result import Context, Exclusion, TableResult
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import DataError
from satmetrics.gap.five.gap_columns import numbers
from satmetrics.gap.five.scored import Scores, read_scores
from satmetrics.moment._column_means import MeanStats, column_means
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._groups import group_table
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

SERIES = (*KEYS, "gap", "variant", "form", "forms", "state")
"""Columns that tell apart the figures of one unit."""


@dataclass(frozen=True, eq=False)
class Series:
    """q figures of G units: n, estimate and its error, (q, G) each.

    Attributes
    ----------
    units : one row per unit.
    labels : one row per figure.
    n : respondents, NaN where not known.
    n_eff : Kish's effective n.
    """

    units: Table
    labels: Table
    n: FloatArray
    n_eff: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    context: Context


def has_figures(data: object) -> bool:
    """Return whether data are figures, not answers; raise for other results."""
    if isinstance(data, TableResult):
        if "estimate" in data.table and "std_error" in data.table:
            return True
        raise DataError(
            f"a {type(data).__name__} has no estimate and std_error",
            code="no-figures",
            column="data",
            remedy="give a result by unit such as sat.gaps(…, by=…), or answers",
        )
    if isinstance(data, Survey):
        return False
    names = open_frame(data, borrow=True).names
    return "estimate" in names and "std_error" in names


def of_answers(
    data: object,
    scores: Scores | None,
    by: str | Sequence[str],
    instrument: Instrument | str | None,
    min_answered: float,
) -> Series:
    """Average the scores of respondents within units."""
    found = read_scores(data, scores, by=by, instrument=instrument)
    Y = found.means(min_answered)
    stats: MeanStats = column_means(list(Y.T), found.rows)
    labels = Table.of(found.labels(range(len(found.names))))
    return Series(
        found.keys,
        labels,
        stats.n.T.astype(np.float64),
        stats.n_eff.T,
        stats.mean.T,
        stats.std_error.T,
        found.context.plus(notes=found.words),
    )


def of_figures(data: object, by: str | Sequence[str] | None) -> Series:
    """Read figures by unit from a result or a frame."""
    context, own, frame = Context(), ("unit",), data
    if isinstance(data, TableResult):
        context, frame = data.context, data.to_frame()
        own = tuple(getattr(data, "by", ()))
    names = own if by is None else (by,) if isinstance(by, str) else tuple(by)
    if not names:
        raise DataError(
            "the figures are of all units together",
            code="no-units",
            column="by",
            remedy="compute them by unit: by=…",
        )
    grid = open_frame(frame)
    columns_present([*names, "estimate", "std_error"], grid.names, where="the table")
    inner = [n for n in (*own, *SERIES) if n in grid.names and n not in names]
    codes, units = group_table(grid, list(names), None)
    kind, labels = _kinds(grid, inner)
    placed = codes >= 0
    q, G = len(labels), len(units)
    cell = kind[placed] * G + codes[placed]
    if len(np.unique(cell)) < len(cell):
        at = int(np.bincount(cell).argmax())
        raise DataError(
            f"unit {units[names[0]][at % G]!r} has more than one row for one figure",
            code="unit-twice",
            column=names[0],
            value=str(units[names[0]][at % G]),
            remedy="leave one row per unit and figure",
        )

    def wide(name: str) -> FloatArray:
        out = np.full(q * G, np.nan)
        if name in grid.names:
            out[cell] = numbers(grid, name)[placed]
        return out.reshape(q, G)

    n = wide("n")
    lost = Exclusion(f"no value of {', '.join(names)}", int((~placed).sum()))
    if (wide("std_error") < 0).any():
        worst = float(np.nanmin(wide("std_error")))
        raise DataError(
            f"column 'std_error' holds {worst:g}",
            code="negative-error",
            column="std_error",
            value=worst,
            remedy="standard errors are 0 or more",
        )
    return Series(
        *(units, labels, n, n, wide("estimate"), wide("std_error")),
        context.plus(lost),
    )


def _kinds(grid: Grid, inner: list[str]) -> tuple[AnyArray, Table]:
    """Return the figure (n,) of each row and one row of labels per figure, in order."""
    n = grid.n
    code = np.zeros(n, dtype=np.int64)
    columns = {}
    for name in inner:
        part, keys = group_table(grid, [name], None)
        texts = np.array([*keys[name].tolist(), ""], dtype=object)
        columns[name] = texts[part]
        code = np.unique(code * (len(texts) + 1) + part + 1, return_inverse=True)[
            1
        ].ravel()
    first = np.unique(code, return_index=True)[1]
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    labels = Table.of({name: values[first[order]] for name, values in columns.items()})
    if not inner:
        labels = Table.of({"level": ["unit"]})
    return rank[code], labels
