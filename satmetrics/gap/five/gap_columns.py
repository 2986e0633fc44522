"""Tables of gaps, long or wide, as columns of units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, one_of
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey._door import Grid
from satmetrics.survey._groups import group_table

GAPS = tuple(range(1, 8))
ROWS = ("overall", "dimension")
COUNTED_FORMS = ("conformance", "checklist", "kept promises")
"""Forms whose gaps are shares that fail, so that positive is bad."""
_NAME = re.compile(r"^gap[ _-]?([1-7])([ _-](std[ _-]?error|se|n))?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class GapColumns:
    """What a table of gaps holds: keys of the rows and columns per gap."""

    keys: Table
    columns: dict[str, FloatArray]
    gaps: tuple[int, ...]
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


def numbers(grid: Grid, name: str) -> FloatArray:
    """Return a column as numbers, or raise naming it."""
    column = grid[name]
    if column.kind != "number":
        raise DataError(
            f"column {name!r} holds {column.kind}s, not numbers",
            code="not-numbers",
            column=name,
            remedy="leave it out, or turn it into numbers",
        )
    return np.asarray(column.values, dtype=np.float64)


def from_wide(
    grid: Grid, names: tuple[str, ...], rows: str, forms: Mapping[int, str]
) -> GapColumns:
    """Read a table with one row per unit and one column per gap."""
    if forms:
        raise OptionError(
            "forms= needs a table with one row per gap",
            code="no-forms",
            column="forms",
            remedy="leave forms= out: the columns say which figure is meant",
        )
    columns = {}
    for name in grid.names:
        if match := _NAME.match(name):
            tail = {"n": "_n", "": ""}.get(_plain(match[3]), "_std_error")
            columns[f"gap{match[1]}{tail}"] = numbers(grid, name)
    found = tuple(k for k in GAPS if f"gap{k}" in columns)
    if not found:
        columns_present(["gap1", "gap5"], grid.names, where="the table of gaps")
    keyed = [*names, "dimension"] if rows == "dimension" else list(names)
    columns_present(keyed, grid.names, where="the table of gaps")
    codes, keys = group_table(grid, keyed, None)
    placed = codes >= 0
    if len(keys) < placed.sum():
        raise _twice(keys, int(np.bincount(codes[placed]).argmax()))
    order = np.argsort(codes[placed], kind="stable")
    lost = Exclusion(f"no value of {', '.join(keyed)}", int((~placed).sum()))
    return GapColumns(
        _whole(keys, rows),
        {name: values[placed][order] for name, values in columns.items()},
        found,
        (lost,),
    )


def _plain(text: str | None) -> str:
    return "" if text is None else text.lower()


def _whole(keys: Table, rows: str) -> Table:
    if rows == "dimension":
        return keys
    return keys.extended({"dimension": np.full(len(keys), "", dtype=object)})


def _twice(keys: Table, at: int, what: str = "") -> DataError:
    row = keys.take(np.array([at]))
    label = ", ".join(f"{name} {row[name][0]!r}" for name in row.names)
    return DataError(
        f"{label} has more than one row{what}",
        code="unit-twice",
        column=keys.names[0],
        value=str(keys[keys.names[0]][at]),
        remedy="forms={gap: form} chooses among forms; else leave one row per unit",
    )


def _labels(grid: Grid, name: str) -> AnyArray:
    """Return the labels (n,) of a column as texts; empty where absent."""
    if name not in grid:
        return np.full(grid.n, "", dtype=object)
    codes, keys = group_table(grid, [name], None)
    texts = np.array([str(key) for key in keys[name]] + [""], dtype=object)
    return texts[codes]


def _gap_numbers(grid: Grid) -> IntArray:
    """Return the gap (n,) from numbers or from texts such as "gap 3"; 0 for others."""
    digits = [re.search(r"([1-7])\s*$", text) for text in _labels(grid, "gap")]
    return np.array([int(d[1]) if d else 0 for d in digits], dtype=np.int64)


def from_long(
    grid: Grid, names: tuple[str, ...], rows: str, forms: Mapping[int, str]
) -> GapColumns:
    """Read a table with one row per unit and gap."""
    number, form = _gap_numbers(grid), _labels(grid, "form")
    for gap, wanted in forms.items():
        own = sorted(set(form[number == gap]))
        one_of(f"forms[{gap}]", wanted, own)
        number = np.where((number == gap) & (form != wanted), 0, number)
    level = _labels(grid, "level")
    keep, averaged = _level_rows(level, number > 0, rows)
    keyed = [*names, "dimension"] if rows == "dimension" else list(names)
    codes, keys = group_table(grid, keyed, None)
    keep &= codes >= 0
    used, codes = np.unique(codes[keep], return_inverse=True)
    keys, number, part = keys.take(used), number[keep], np.flatnonzero(keep)
    found = tuple(k for k in GAPS if (number == k).any())
    columns: dict[str, FloatArray] = {}
    for k in found:
        at = number == k
        columns |= _spread(grid, part[at], codes.ravel()[at], keys, k, averaged)
    notes = _counted(form[keep], number)
    if averaged:
        notes = ("a unit's gap is the mean of its dimensions", *notes)
    return GapColumns(_whole(keys, rows), columns, found, (), notes)


def _counted(form: AnyArray, number: IntArray) -> tuple[str, ...]:
    """Say which gaps are shares that fail, whose sign is the other way round."""
    counted = {
        int(k): str(f) for f, k in zip(form, number, strict=True) if f in COUNTED_FORMS
    }
    return tuple(
        f"gap {k} is counted ({f}): a share that fails, positive is bad"
        for k, f in sorted(counted.items())
    )


def _level_rows(level: AnyArray, keep: AnyArray, rows: str) -> tuple[AnyArray, bool]:
    """Return the rows to use, and whether dimensions must be averaged for the unit."""
    there = set(level[keep])
    if there <= {""}:
        return keep.copy(), False
    if rows in there:
        return keep & (level == rows), False
    if rows == "overall" and "dimension" in there:
        return keep & (level == "dimension"), True
    raise DataError(
        f"the gaps have no rows of level {rows!r}",
        code="no-level",
        column="level",
        value=rows,
        remedy=f"there are {', '.join(sorted(there))}",
    )


def _spread(
    grid: Grid, part: IntArray, codes: IntArray, keys: Table, k: int, averaged: bool
) -> dict[str, FloatArray]:
    """Put the rows of one gap into columns of units."""
    G = len(keys)
    size = np.bincount(codes, minlength=G)
    out = {}
    words = {"estimate": "", "std_error": "_std_error", "n": "_n"}
    if averaged:
        labels = _labels(grid, "dimension")[part]
        if len({*zip(codes.tolist(), labels.tolist(), strict=True)}) < len(codes):
            raise _twice(keys, int(size.argmax()), f" per dimension for gap {k}")
        words.pop("std_error")
    elif (size > 1).any():
        raise _twice(keys, int(size.argmax()), f" for gap {k}")
    for word, tail in words.items():
        if word not in grid:
            continue
        values = numbers(grid, word)[part]
        total = np.bincount(codes, np.nan_to_num(values), minlength=G)
        seen = np.bincount(codes, np.isfinite(values), minlength=G)
        if averaged and word == "n":
            most = np.full(G, -np.inf)
            np.maximum.at(most, codes, np.nan_to_num(values))
            total, seen = most, np.minimum(seen, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[f"gap{k}{tail}"] = np.where(seen > 0, total / seen, np.nan)
    return out
