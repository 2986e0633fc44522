"""`unit_gaps`: one row a unit, its gaps and what may stand behind them side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, friendly_keywords, one_of
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion, TableResult
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five.antecedents import Antecedents, antecedent_means
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._groups import group_table
from satmetrics.survey.survey import Survey

GAPS = tuple(range(1, 8))
ROWS = ("overall", "dimension")
STAGES = (
    "rated gaps are later stage − earlier stage, gap 5 is perception − expectation: "
    "negative is bad"
)
COUNTED_FORMS = ("conformance", "checklist", "kept promises")
_NAME = re.compile(r"^gap[ _-]?([1-7])([ _-](std[ _-]?error|se|n))?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False, repr=False)
class UnitGaps(TableResult):
    """Gaps of units in columns: what regressions and path models of units take.

    Attributes
    ----------
    table : the `by` columns, ``dimension`` (empty unless rows are dimensions), then per
        gap ``gap1, gap1_std_error, gap1_n`` …, then one column per antecedent.
    by : columns that name the unit.
    rows : "overall", one row a unit, or "dimension", one row a unit and dimension.
    gaps : numbers of the gaps that are there.
    constructs : names of the antecedents that are there.
    """

    by: tuple[str, ...] = ("unit",)
    rows: str = "overall"
    gaps: tuple[int, ...] = ()
    constructs: tuple[str, ...] = ()

    @property
    def codes(self) -> IntArray:
        """Unit (rows,) of each row, from 0."""
        keys = zip(*(self.table[name].tolist() for name in self.by), strict=True)
        place: dict[tuple[object, ...], int] = {}
        return np.array([place.setdefault(key, len(place)) for key in keys])

    @property
    def aggregation(self) -> str:
        """What the rows stand for, such as "n = 23 branches, 1,140 customers"."""
        units = int(self.codes.max(initial=-1)) + 1
        words = f"n = {units:,} units ({', '.join(self.by)})"
        if self.rows == "dimension":
            words = f"{words} × dimensions = {len(self.table):,} rows"
        n = self.table["gap5_n"] if "gap5_n" in self.table else np.zeros(0)
        known = n[np.isfinite(n)].astype(np.float64)
        if self.rows == "dimension" and known.size:
            return f"{words}, up to {_most(n, self.codes):,} customers"
        return f"{words}, {int(known.sum()):,} customers" if known.size else words

    def column(self, name: str) -> FloatArray:
        """Return one column as numbers."""
        return np.asarray(self.table[name], dtype=np.float64)

    def summary(self) -> Summary:
        """Return the gaps of each unit."""
        keys = [*self.by, *(["dimension"] if self.rows == "dimension" else [])]
        words = {name: name for name in keys}
        words |= {f"gap{k}": f"gap {k}" for k in self.gaps}
        words |= {name: name for name in self.constructs}
        return Summary(
            "Gaps by unit",
            (*self.context.facts(), ("aggregation", self.aggregation)),
            (section("", self.table, words, max_rows=30),),
            (STAGES, *self.context.sentences()),
        )


def _most(n: AnyArray, codes: IntArray) -> int:
    """Return the customers of all units, of a unit those of its fullest dimension."""
    most = np.zeros(int(codes.max()) + 1)
    np.maximum.at(most, codes, np.nan_to_num(n.astype(np.float64)))
    return int(most.sum())


@friendly_keywords
def unit_gaps(
    gaps: object,
    antecedents: object = None,
    *,
    by: str | Sequence[str] | None = None,
    rows: str = "overall",
    forms: Mapping[int, str] | None = None,
) -> UnitGaps:
    """Lay the gaps of units side by side, one row a unit (or a unit and dimension).

    Parameters
    ----------
    gaps : the result of `sat.five_gaps` by unit; a frame with one row per unit and gap
        (columns ``gap`` from 1 to 7 and ``estimate``, perhaps ``level``, ``dimension``,
        ``std_error``, ``n``, ``form``); or a frame with one row per unit and columns
        ``gap1`` … ``gap7`` (perhaps ``gap1_std_error``, ``gap1_n`` …).
    antecedents : a survey of managers and staff after the instrument
        ``gap_antecedents``, whose scores are averaged within units, or a frame with one
        column per antecedent and the unit's columns.
    by : columns that name the unit; those of the result, or "unit", when None.
    rows : "overall" for one row a unit, "dimension" for one a unit and dimension.
        Without overall rows in the data a unit's gap is the mean of its dimensions.
    forms : gap → form to use where a gap was measured in several ("rating" …).

    Returns
    -------
    UnitGaps

    Raises
    ------
    DataError
        If columns are absent, a unit has two figures for one gap, or no unit of the
        gaps is among the antecedents.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> frame = pd.DataFrame({"unit": ["a", "b"], "gap1": [-1, -2], "gap5": [-3, -4]})
    >>> sat.quality.unit_gaps(frame).gaps
    (1, 5)
    """
    one_of("rows", rows, ROWS)
    if isinstance(gaps, UnitGaps) and antecedents is None and by is None:
        return gaps
    context = gaps.context if isinstance(gaps, TableResult) else Context()
    names = _by(gaps, by)
    frame = gaps.to_frame() if isinstance(gaps, TableResult) else gaps
    grid = open_frame(frame)
    columns_present(names, grid.names, where="the table of gaps")
    long = "gap" in grid and "estimate" in grid
    found = (_from_long if long else _from_wide)(grid, names, rows, forms or {})
    context = context.plus(*found.exclusions, notes=found.notes)
    columns = dict(found.columns)
    constructs: tuple[str, ...] = ()
    if antecedents is not None:
        scores = antecedent_means(antecedents, names)
        added, lost = _matched(found.keys, scores, names)
        columns |= added
        constructs = scores.names
        context = context.plus(*scores.exclusions, lost, notes=scores.notes)
    keys = {name: found.keys[name] for name in found.keys.names}
    table = Table.of({**keys, **columns}, keys=(*names, "dimension"))
    return UnitGaps(table, context, names, rows, found.gaps, constructs)


@dataclass(frozen=True, eq=False)
class _Found:
    """What a table of gaps holds: keys of the rows and columns per gap."""

    keys: Table
    columns: dict[str, FloatArray]
    gaps: tuple[int, ...]
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


def _by(gaps: object, by: str | Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(gaps, (Survey, str)):
        raise OptionError(
            f"a {type(gaps).__name__} holds no gaps of units",
            code="not-gaps",
            column="gaps",
            remedy="compute them first: sat.five_gaps(…, by=…)",
        )
    if by is not None:
        return (by,) if isinstance(by, str) else tuple(by)
    own = tuple(getattr(gaps, "by", ())) if isinstance(gaps, TableResult) else ("unit",)
    if not own:
        raise DataError(
            "the gaps are of all units together",
            code="no-units",
            column="by",
            remedy="compute them by unit: sat.five_gaps(…, by=…)",
        )
    return own


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


def _from_wide(
    grid: Grid, names: tuple[str, ...], rows: str, forms: Mapping[int, str]
) -> _Found:
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
    return _Found(
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


def _from_long(
    grid: Grid, names: tuple[str, ...], rows: str, forms: Mapping[int, str]
) -> _Found:
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
    return _Found(_whole(keys, rows), columns, found, (), notes)


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


def _matched(
    keys: Table, scores: Antecedents, names: tuple[str, ...]
) -> tuple[dict[str, FloatArray], Exclusion]:
    """Return the antecedents (rows,) of each row's unit; units are matched as texts."""
    place = {
        key: i for i, key in enumerate(_texts(scores.keys, names)) if "" not in key
    }
    at = np.array([place.get(key, -1) for key in _texts(keys, names)])
    if (at < 0).all():
        raise DataError(
            "no unit of the gaps is among the units of the antecedents",
            code="no-common-units",
            column=names[0],
            value=tuple(str(v) for v in keys[names[0]][:3]),
            remedy="the antecedents have "
            + ", ".join(repr(str(v)) for v in scores.keys[names[0]][:3]),
        )
    values = np.vstack([scores.means, np.full(len(scores.names), np.nan)])[at]
    known = {*(_texts(keys, names))}
    alone = sum(key not in known for key in place)
    lost = Exclusion("units of the antecedents without gaps", alone, "units")
    return dict(zip(scores.names, values.T, strict=True)), lost


def _texts(keys: Table, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    columns = [[str(v) for v in keys[name].tolist()] for name in names]
    return list(zip(*columns, strict=True))
