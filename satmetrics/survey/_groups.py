"""Groups of rows by the labels of columns, sorted as people expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, IntArray
from satmetrics.survey._door import Column, Grid
from satmetrics.survey._waves import natural_order, wave_order


def group_table(
    grid: Grid, names: Sequence[str], wave: str | None
) -> tuple[IntArray, Table]:
    """Return each row's group (-1 = a key is missing) and the keys of the groups."""
    if not names:
        return np.zeros(grid.n, dtype=np.int64), Table((), ())
    parts = [group_codes(grid[name], wave=name == wave) for name in names]
    there = np.logical_and.reduce([codes >= 0 for codes, _ in parts])
    cell = np.zeros(int(there.sum()), dtype=np.int64)
    for part, labels in parts:
        cell = cell * len(labels) + part[there]
        cell = np.unique(cell, return_inverse=True)[1].ravel()
    first = np.unique(cell, return_index=True)[1]
    codes = np.full(grid.n, -1, dtype=np.int64)
    codes[there] = cell
    found = [part[there][first] for part, _ in parts]
    pairs = zip(found, parts, strict=True)
    columns = tuple(_keys([labels[k] for k in row]) for row, (_, labels) in pairs)
    return codes, Table(tuple(names), columns)


def _keys(labels: Sequence[object]) -> AnyArray:
    if all(isinstance(label, (int, float)) for label in labels) and labels:
        return np.asarray(labels)
    keys = np.empty(len(labels), dtype=object)
    keys[:] = labels
    return keys


def group_codes(column: Column, *, wave: bool) -> tuple[IntArray, list[object]]:
    """Return a code per row (-1 = missing) and the sorted labels the codes point to."""
    if column.kind == "number":
        return _number_codes(column)
    labels = column.labels
    if column.ordered or column.kind == "date":
        order = list(range(len(labels)))
    else:
        order = wave_order(labels) if wave else natural_order(labels)
    rank = np.empty(len(labels) + 1, dtype=np.int64)
    rank[order] = np.arange(len(labels))
    rank[-1] = -1
    return rank[column.values], [labels[i] for i in order]


def _number_codes(column: Column) -> tuple[IntArray, list[object]]:
    values = column.values.astype(np.float64)
    there = ~np.isnan(values)
    distinct, inverse = np.unique(column.values[there], return_inverse=True)
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[there] = inverse.ravel()
    number = distinct.astype(np.float64)
    whole = bool((np.isfinite(number) & (number == np.round(number))).all())
    plain = distinct.tolist()
    return codes, [int(v) for v in plain] if whole else list(plain)


def label_text(label: object) -> str:
    """Return a label as text: 3.0 is "3"; blanks around it are removed."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label).strip()
