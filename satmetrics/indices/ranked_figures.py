"""What is ranked: the figures of units in one wave, from an index or as published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, BoolArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices.given_figures import check_figures, numbers_of
from satmetrics.indices.index_result import IndexResult, known_construct
from satmetrics.indices.joint import Joint, of_table
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._waves import wave_order

UNIT, WAVE = "company", "wave"
FIGURES = ("n", "estimate", "std_error", "conf_low", "conf_high", "reason")
UNKNOWN = "no figure"


@dataclass(frozen=True, eq=False)
class Ranked:
    """Figures of units, one row each.

    Attributes
    ----------
    table : keys, n, estimate, std_error, reason.
    joint : the figures with their errors, row by row.
    unit : the key columns that name a unit.
    within : the key column ranks are counted within, or none.
    wave : (key column, value) the figures are of, or empty.
    context : where they come from.
    target, model, credit : of the index.
    """

    table: Table
    joint: Joint
    unit: tuple[str, ...]
    within: tuple[str, ...]
    wave: tuple[str, ...]
    context: Context
    target: str = ""
    model: str = ""
    credit: str = ""

    @property
    def known(self) -> BoolArray:
        """Which rows have a figure."""
        return np.isfinite(self.table["estimate"])


@dataclass(frozen=True, eq=False)
class _Source:
    table: Table
    joint: Joint
    keys: tuple[str, ...]
    context: Context
    ordered: bool
    target: str = ""
    model: str = ""
    credit: str = ""


def ranked_figures(
    result: object,
    unit: str | Sequence[str] | None,
    within: str | None,
    over: str,
    wave: object,
    construct: str | None,
) -> Ranked:
    """Return the figures to be ranked.

    Raises
    ------
    DataError
        If a column is absent, there is no figure, or a unit has several rows.
    OptionError
        If the construct or the wave does not exist.
    """
    source = _source(result, construct)
    inner = () if within is None else (within,)
    units = _units(source.keys, unit, inner, over)
    told = [] if over == WAVE else [over]
    columns_present([*units, *inner, *told], source.keys, where="the result")
    others = [k for k in source.keys if k not in (*units, *inner)]
    rows, waves = _of_wave(source, (*inner, *units), others, over, wave)
    table, joint = source.table.take(rows), source.joint.take(rows)
    there, lost = _named(table, (*units, *inner))
    table, joint = table.take(there), joint.take(there)
    _check_single(table, (*inner, *units), [k for k in others if k != over])
    if not np.isfinite(table["estimate"]).any():
        raise DataError("no unit has a figure", code="no-figures", column="estimate")
    return Ranked(
        table,
        joint,
        units,
        inner,
        waves,
        source.context.plus(*lost),
        source.target,
        source.model,
        source.credit,
    )


def _source(result: object, construct: str | None) -> _Source:
    if isinstance(result, IndexResult):
        if not result.by:
            raise DataError(
                "the index has one row for all, and there is nothing to rank",
                code="no-units",
                remedy='pass sat.index(fit, data, by=["company", "wave"])',
            )
        own = result.of(construct)
        return _Source(
            own.table,
            own.errors(),
            own.by,
            own.context,
            True,
            str(own.target),
            own.model,
            own.credit,
        )
    check_figures(result, "ranked")
    table = _published(open_frame(result), construct)
    keys = tuple(n for n in table.names if n not in (*FIGURES, "construct"))
    return _Source(table, of_table(table), keys, Context(), False, construct or "")


def _published(grid: Grid, construct: str | None) -> Table:
    """Return figures somebody has published, with the columns a ranking needs."""
    columns_present(["estimate", "std_error"], grid.names, where="the frame")
    columns: dict[str, AnyArray] = {}
    for name, column in zip(grid.names, grid.columns, strict=True):
        if name in FIGURES[:-1]:
            columns[name] = numbers_of(name, column)
        else:
            number = column.kind == "number"
            plain = column.to_pandas()
            columns[name] = np.asarray(plain, dtype=None if number else object)
    columns.setdefault("n", np.full(grid.n, np.nan))
    given = columns.get("reason", np.full(grid.n, "", dtype=object))
    columns["reason"] = np.array([r or "" for r in given], dtype=object)
    table = Table.of(columns)
    if construct is None:
        return table
    columns_present(["construct"], grid.names, where="the frame")
    known_construct(construct, table["construct"], "the frame has no")
    return table.where(construct=construct)


def _units(
    keys: Sequence[str],
    unit: str | Sequence[str] | None,
    within: Sequence[str],
    over: str,
) -> tuple[str, ...]:
    """Return the columns that name a unit: those given, "company", or the first key."""
    if unit is not None:
        return (unit,) if isinstance(unit, str) else tuple(unit)
    free = [k for k in keys if k not in (*within, over)]
    if UNIT in free or not free:
        return (UNIT,)
    return (free[0],)


def _of_wave(
    source: _Source,
    keys: Sequence[str],
    others: Sequence[str],
    over: str,
    wave: object,
) -> tuple[AnyArray, tuple[str, ...]]:
    """Return the rows of the wave that is ranked, and what it is called."""
    table, own = source.table, over if over in others else None
    if own is None and wave is not None and len(others) == 1:
        own = others[0]
    if own is None:
        if wave is not None:
            raise OptionError(
                f"wave={wave!r}, but the result has no waves",
                code="no-waves",
                column="wave",
                value=wave,
                remedy='leave it out, or give an index with by=[…, "wave"]',
            )
        return np.arange(len(table)), ()
    held = _in_time(table, own, keys if source.ordered else ())
    chosen = held[-1] if wave is None else wave
    rows = np.flatnonzero([str(v) == str(chosen) for v in table[own]])
    if not len(rows):
        listed = ", ".join(map(str, held))
        raise OptionError(
            f"there is no {own} {chosen!r}",
            code="unknown-wave",
            column=own,
            value=chosen,
            remedy=f"{did_you_mean(chosen, held)} it has {listed}".strip(),
        )
    return rows, (own, str(chosen))


def _in_time(table: Table, own: str, keys: Sequence[str]) -> list[object]:
    """Return the waves in order of time: by label, or as a unit has them all.

    Rows of an index stand in order of time within a unit, its `keys`; those of a
    published table in any.
    """
    values = table[own].tolist()
    distinct = list(dict.fromkeys(values))
    if all(isinstance(v, (int, float)) for v in distinct):
        return sorted(distinct)
    if keys:
        runs: dict[tuple[object, ...], list[object]] = {}
        of_unit = zip(*(table[k].tolist() for k in keys), strict=True)
        for key, value in zip(of_unit, values, strict=True):
            runs.setdefault(key, []).append(value)
        whole = [run for run in runs.values() if set(run) == set(distinct)]
        if whole:
            return list(dict.fromkeys(whole[0]))
    return [distinct[i] for i in wave_order([str(v) for v in distinct])]


def _named(table: Table, keys: Sequence[str]) -> tuple[AnyArray, tuple[Exclusion, ...]]:
    """Return the rows whose keys are known, and how many are not."""
    there = np.ones(len(table), dtype=bool)
    for name in keys:
        there &= np.array([v not in (None, "") for v in table[name].tolist()])
        if table[name].dtype.kind == "f":
            there &= np.isfinite(table[name])
    lost = Exclusion(f"no value of {', '.join(keys)}", int((~there).sum()), "units")
    return np.flatnonzero(there), (lost,)


def _check_single(table: Table, keys: Sequence[str], others: Sequence[str]) -> None:
    """Raise if a unit has several rows."""
    seen: set[tuple[object, ...]] = set()
    for key in zip(*(table[name].tolist() for name in keys), strict=True):
        if key in seen:
            name = " / ".join(map(str, key))
            hint = f", told apart by {', '.join(others)}" if others else ""
            raise DataError(
                f"{name!r} has several rows{hint}",
                code="several-rows",
                column=keys[-1],
                value=name,
                remedy="name the column of waves with over=, that of the groups with "
                "within=, or every column that makes a unit with unit=[…, …]",
            )
        seen.add(key)
