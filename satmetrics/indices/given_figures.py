"""Figures to be added up: of a result, or of a frame such as a published table."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._frames import Table
from satmetrics._kinds import shown
from satmetrics._result import Context, Result, TableResult
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices.index_result import known_construct
from satmetrics.indices.joint import Joint, of_table
from satmetrics.survey._door import Column, Grid, open_frame
from satmetrics.survey._groups import group_codes, label_text
from satmetrics.survey._waves import wave_order
from satmetrics.survey.survey import Survey

ONE = "index"
"""What the construct of figures is called that name none."""
AS_GIVEN = "figures as given"
OF_INDEX = ("target", "model", "credit", "metric", "weighting", "failures")
"""What is taken over from an index."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures by unit, wave and construct.

    Attributes
    ----------
    joint : (R,) the figures and their errors.
    answers : (R,) behind each; 0 where not said.
    unit : (R,) label of the unit.
    wave : (R,) position in `waves`.
    construct : (R,) position in `constructs`.
    reason : (R,) what is to be said of each figure.
    waves : labels in order of time; one blank where there are no waves.
    constructs : in the order given.
    context, target, model, credit, metric, weighting, failures : of the result.
    """

    joint: Joint
    answers: IntArray
    unit: tuple[str, ...]
    wave: IntArray
    construct: IntArray
    reason: AnyArray
    waves: tuple[object, ...]
    constructs: tuple[str, ...]
    context: Context
    target: str | None = None
    model: str = ""
    credit: str = ""
    metric: str = AS_GIVEN
    weighting: tuple[str, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()

    def place(self, units: Sequence[str], level: str) -> IntArray:
        """Return the position (U, T, K) of the figure of each unit; −1 for none.

        Raises
        ------
        DataError
            If a unit is not among `units`, or has two figures.
        """
        code = {name: i for i, name in enumerate(units)}
        unknown = [u for u in dict.fromkeys(self.unit) if u not in code]
        if unknown:
            raise DataError(
                f"{level} {unknown[0]!r} has a figure but is not in members"
                + (f", nor are {len(unknown) - 1} more" if len(unknown) > 1 else ""),
                code="unknown-member",
                column=level,
                value=tuple(unknown),
                remedy=f"{did_you_mean(unknown[0], units)} give a row for it, or "
                "leave its figure out",
            )
        at = np.full((len(units), len(self.waves), len(self.constructs)), -1)
        own = np.array([code[u] for u in self.unit], dtype=np.int64)
        known = np.flatnonzero(np.isfinite(self.joint.estimate))
        self._once(own, at.shape, level)
        at[own[known], self.wave[known], self.construct[known]] = known
        return at

    def _once(self, unit: IntArray, shape: tuple[int, ...], level: str) -> None:
        cell = np.ravel_multi_index((unit, self.wave, self.construct), shape)
        _, first, count = np.unique(cell, return_index=True, return_counts=True)
        if (count < 2).all():
            return
        row = first[np.argmax(count > 1)]
        raise DataError(
            f"{level} {self.unit[row]!r} has {count.max()} figures of one construct "
            "and wave",
            code="figure-twice",
            column=level,
            value=self.unit[row],
            remedy='with waves, give over="wave"; take the figures by '
            f"{level} and wave only",
        )


def read_figures(
    result: object, unit: str, over: str | None, construct: str | Sequence[str] | None
) -> Figures:
    """Return the figures of a result or frame.

    Parameters
    ----------
    result : an index or another result with a table (that has `unit`, or `level` and
        `name`), or a dataframe with `unit`,
        `estimate` and, where there are, `over`, ``construct``, ``n``, ``std_error``.
    unit, over : key columns.
    construct : which constructs; all when None.
    """
    check_figures(result, "added up")
    if isinstance(result, TableResult):
        table, joint = result.table, _errors(result)
        waves = None
    else:
        table, waves = _published(open_frame(result), over)
        joint = of_table(table)
    table, joint = _of_level(table, joint, unit)
    wanted = [unit, *([over] if over else []), "estimate"]
    columns_present(wanted, table.names, where="the result")
    names, code = _constructs(table, construct)
    kept = np.flatnonzero(code >= 0)
    table, code = table.take(kept), code[kept]
    labels, wave = _waves(table, over, unit, waves)
    return Figures(
        joint.take(kept),
        _answers(table),
        tuple(label_text(v) for v in table[unit]),
        wave,
        code,
        table["reason"] if "reason" in table else np.full(len(table), "", object),
        labels,
        names,
        getattr(result, "context", None) or Context(),
        **{
            name: getattr(result, name)
            for name in OF_INDEX
            if getattr(result, name, None)
        },
    )


def check_figures(result: object, done: str) -> None:
    """Raise ``OptionError`` if answers, a fit or moments stand where figures should."""
    if isinstance(result, (Result, Survey)) and not isinstance(result, TableResult):
        raise OptionError(
            f"the result is {shown(result)}: figures are {done}, not answers",
            code="not-figures",
            column="result",
            value=type(result).__name__,
            remedy="pass what sat.index(fit, data, by=…) returned, or a dataframe of "
            "published figures",
        )


def _of_level(table: Table, joint: Joint, unit: str) -> tuple[Table, Joint]:
    """Return the rows of a level of a table that has units of several."""
    if unit in table or not {"level", "name"} <= set(table.names):
        return table, joint
    rows = np.flatnonzero(table["level"] == unit)
    if not len(rows):
        held = list(dict.fromkeys(map(str, table["level"])))
        raise DataError(
            f"the result has no level {unit!r}",
            code="unknown-level",
            column="level",
            value=unit,
            remedy=f"{did_you_mean(unit, held)} it has {', '.join(held)}",
        )
    table = table.take(rows)
    return table.extended({unit: table["name"]}), joint.take(rows)


def _errors(result: TableResult) -> Joint:
    """Return the errors a result knows, or those of its table."""
    own = getattr(result, "errors", None)
    if own is not None:
        found = own()
        if isinstance(found, Joint):
            return found
    if "std_error" in result.table:
        return of_table(result.table)
    columns_present(["estimate"], result.table.names, where="the result")
    estimate = result.table["estimate"]
    return Joint.independent(estimate, np.full(len(estimate), np.nan))


def labels_of(column: Column) -> AnyArray:
    """Return the labels (n,) of a column; None where there is none."""
    if column.kind != "number":
        texts = np.array([*(t.strip() or None for t in column.labels), None], object)
        return texts[column.values]
    values = column.values
    there = ~np.isnan(values.astype(np.float64))
    found = np.full(len(values), None, dtype=object)
    found[there] = [label_text(v) for v in values[there]]
    return found


def _published(grid: Grid, over: str | None) -> tuple[Table, tuple[object, ...] | None]:
    """Return a frame of figures as a table, and its waves in order."""
    columns_present(["estimate"], grid.names, where="the frame")
    columns: dict[str, object] = {}
    for name, column in zip(grid.names, grid.columns, strict=True):
        if name in ("estimate", "std_error", "n"):
            columns[name] = numbers_of(name, column)
        elif name not in (over, "reason"):
            columns[name] = [v or "" for v in labels_of(column)]
    columns.setdefault("std_error", np.full(grid.n, np.nan))
    if over is None or over not in grid:
        return Table.of(columns), None
    codes, labels = group_codes(grid[over], wave=True)
    if (codes < 0).any():
        raise _absent(over, int(np.argmax(codes < 0)))
    columns[over] = [labels[c] for c in codes]
    return Table.of(columns), tuple(labels)


def numbers_of(name: str, column: Column) -> FloatArray:
    """Return the numbers (n,) of a column of figures, or raise ``DataError``."""
    if column.kind != "number":
        shown = f", such as {column.labels[0]!r}" if column.labels else ""
        raise DataError(
            f"column {name!r} holds texts{shown}",
            code="not-numbers",
            column=name,
            remedy="give figures as numbers",
        )
    return column.values.astype(np.float64)


def _absent(name: str, row: int) -> DataError:
    return DataError(
        f"row {row + 1} has no {name}",
        code="key-missing",
        column=name,
        value=row,
        remedy=f"give every row its {name}",
    )


def _answers(table: Table) -> IntArray:
    if "n" not in table:
        return np.zeros(len(table), dtype=np.int64)
    return np.asarray(np.nan_to_num(table["n"].astype(np.float64)).astype(np.int64))


def _constructs(
    table: Table, wanted: str | Sequence[str] | None
) -> tuple[tuple[str, ...], IntArray]:
    """Return the constructs, and that of each row; −1 for those not wanted."""
    if "construct" not in table:
        own = np.full(len(table), ONE, dtype=object)
    else:
        own = table["construct"]
    held = list(dict.fromkeys(map(str, own)))
    names = [wanted] if isinstance(wanted, str) else list(wanted or held)
    for name in names:
        known_construct(name, held, "there is no")
    code = {name: i for i, name in enumerate(names)}
    return tuple(names), np.array([code.get(str(v), -1) for v in own], dtype=np.int64)


def _waves(
    table: Table, over: str | None, unit: str, known: tuple[object, ...] | None
) -> tuple[tuple[object, ...], IntArray]:
    if over is None:
        return ("",), np.zeros(len(table), dtype=np.int64)
    column = table[over].tolist()
    labels = list(known or _ordered(column, table[unit].tolist()))
    place = {label: i for i, label in enumerate(labels)}
    return tuple(labels), np.array([place[v] for v in column], dtype=np.int64)


def _ordered(column: Sequence[object], units: Iterable[object]) -> list[object]:
    """Return waves in the order in which the rows of every unit have them.

    Where rows leave it open, or contradict each other, waves stand by time.
    """
    held = list(dict.fromkeys(column))
    if any(isinstance(label, str) for label in held):
        texts = [str(label) for label in held]
        held = [held[i] for i in wave_order(texts)]
    else:
        held.sort(key=lambda v: float(str(v)))
    rank = {label: i for i, label in enumerate(held)}
    graph: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(rank.values(), ()))
    last: dict[object, int] = {}
    for label, unit in zip(column, units, strict=True):
        if unit in last and last[unit] != rank[label]:
            graph.add(rank[label], last[unit])
        last[unit] = rank[label]
    try:
        graph.prepare()
    except CycleError:
        return held
    ready, order = list(graph.get_ready()), []
    heapq.heapify(ready)
    while ready:
        order.append(heapq.heappop(ready))
        graph.done(order[-1])
        for i in graph.get_ready():
            heapq.heappush(ready, i)
    return [held[i] for i in order]
