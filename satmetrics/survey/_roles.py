"""What columns are for: weight, unit, wave, cluster …; cleaned and checked."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from satmetrics._checks import columns_present, one_of
from satmetrics._result import Exclusion, Record
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, MissingDataWarning, SourceWarning
from satmetrics.survey._design import check_design
from satmetrics.survey._door import Column, Grid
from satmetrics.survey._groups import group_codes
from satmetrics.survey.answers import Rules, plain_text, read_answers
from satmetrics.survey.scale import Scale

SELF_SELECTED = frozenset(
    {
        "card",
        "cards",
        "comment card",
        "comment cards",
        "feedback card",
        "self selected",
        "selfselected",
        "self selection",
        "opt in",
        "online opt in",
        "open link",
        "open web",
        "web pop up",
        "popup",
        "pop up",
        "suggestion box",
        "kiosk",
        "social media",
        "app rating",
        "意见卡",
        "意见箱",
        "评价卡",
        "留言卡",
        "留言簿",
        "反馈卡",
        "自愿填写",
        "自愿参与",
        "自选",
        "自填",
        "网上自愿",
        "公开链接",
        "在线评价",
    }
)
_BLANKS = " \t\r\n\u3000\u00a0\u2007\u202f\u200b\ufeff"
_EXCEL_DAYS = (36526, 55153)
"""Excel day numbers of the years 2000 to 2050."""
_NO_WEIGHT = "; to read without weights, remove the weight under [roles] in study.toml"
_ROW_SCALE = Scale(-1e300, 1e300, 0)


@dataclass(frozen=True)
class Roles(Record):
    """The column that plays each role, None if none does.

    Attributes
    ----------
    weight : sampling weight, at least 0.
    unit : company, branch or brand the answers are about.
    wave : period of the interview.
    respondent : identifier of the person.
    source : interview mode, such as CATI, card, mystery visit.
    cluster : what was sampled as a whole, such as a site, district or interviewer.
    stratum : part of the population that was sampled on its own.
    """

    weight: str | None = None
    unit: str | None = None
    wave: str | None = None
    respondent: str | None = None
    source: str | None = None
    cluster: str | None = None
    stratum: str | None = None

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return (role, column) of the roles that are played."""
        pairs = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return tuple((role, column) for role, column in pairs if column is not None)

    def columns(self) -> tuple[str, ...]:
        """Return the columns that play a role."""
        return tuple(column for _, column in self.items())


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Rows that stay (None for all), with clean labels, and what was counted."""

    grid: Grid
    rows: IntArray | None
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    weights: FloatArray | None


def clean_rows(grid: Grid, roles: Roles, duplicates: str) -> Cleaned:
    """Clean the labels, then drop the rows that weights and duplicates rule out."""
    one_of("duplicates", duplicates, ("error", "first"))
    columns_present(roles.columns(), grid.names)
    _check_distinct(roles)
    grid, notes = _strip(grid, roles)
    grid, wave_notes = _waves(grid, roles)
    weights, keep, exclusions = _weights(grid, roles)
    weighted = grid if keep.all() else grid.take(np.flatnonzero(keep))
    first, repeated = _duplicates(weighted, roles, duplicates)
    kept = weighted if first.all() else weighted.take(np.flatnonzero(first))
    rows = None if kept is grid else np.flatnonzero(keep)[first]
    check_design(kept, roles.cluster, roles.stratum)
    return Cleaned(
        kept,
        rows,
        (*exclusions, *repeated),
        (*notes, *_alike(grid, roles), *wave_notes),
        weights if rows is None or weights is None else weights[rows],
    )


def warn_sources(grid: Grid, roles: Roles, stacklevel: int) -> tuple[str, ...]:
    """Warn of mixed and self-selected interview modes; return the notes."""
    if roles.source is None:
        return ()
    column = grid[roles.source]
    labels, counts = _label_counts(column)
    shown = ", ".join(
        f"{label} ({k:,})" for label, k in zip(labels, counts, strict=True)
    )
    notes = []
    if len(labels) > 1:
        note = f"interview modes are mixed: {shown}; compare them before pooling"
        warnings.warn(SourceWarning(note), stacklevel=stacklevel)
        notes.append(note)
    chosen = [label for label in labels if _is_self_selected(label)]
    if chosen:
        listed = ", ".join(chosen)
        note = f"respondents chose themselves ({listed}): they stand for no population"
        warnings.warn(SourceWarning(note), stacklevel=stacklevel)
        notes.append(note)
    return tuple(notes)


def _check_distinct(roles: Roles) -> None:
    """Raise if one column plays two roles that exclude each other.

    What was sampled may be named twice: branches may be the units and the strata,
    respondents the clusters of their answers over waves.
    """
    played: dict[str, str] = {}
    for role, column in roles.items():
        other = played.setdefault(column, role)
        design = role in ("cluster", "stratum")
        if other != role and not (design and other not in ("weight", "cluster")):
            raise DataError(
                f"column {column!r} cannot be both {other} and {role}",
                code="role-twice",
                column=column,
                value=(other, role),
                remedy="give each role a column of its own",
            )


def _strip(grid: Grid, roles: Roles) -> tuple[Grid, tuple[str, ...]]:
    """Strip blanks around labels; report roles that changed and labels that merged."""
    notes = []
    for name in grid.names:
        column = grid[name]
        if column.kind != "text":
            continue
        bare = [label.strip(_BLANKS) for label in column.labels]
        changed = sum(a != b for a, b in zip(bare, column.labels, strict=True))
        if not changed and all(bare):
            continue
        fresh = column.relabelled([label or None for label in bare])
        grid = grid.replaced(name, fresh)
        merged = len(fresh.labels) < sum(map(bool, column.labels))
        if changed and (name in roles.columns() or merged):
            notes.append(f"blanks around {changed:,} labels of {name!r} were removed")
    return grid, tuple(notes)


def _alike(grid: Grid, roles: Roles) -> tuple[str, ...]:
    """Return notes on labels that differ by case, width or inner blanks only."""
    notes = []
    named = (roles.unit, roles.wave, roles.source, roles.cluster, roles.stratum)
    for name in dict.fromkeys(named):
        labels = grid[name].labels if name is not None else ()
        alike: dict[str, list[str]] = {}
        for label in labels:
            alike.setdefault(plain_text(label), []).append(label)
        for same in alike.values():
            if len(same) > 1:
                listed = ", ".join(repr(label) for label in same)
                notes.append(
                    f"labels of {name!r} differ by case or width only: {listed}"
                )
    return tuple(notes)


def _waves(grid: Grid, roles: Roles) -> tuple[Grid, tuple[str, ...]]:
    if roles.wave is None or grid[roles.wave].kind != "number":
        if roles.wave is not None:
            group_codes(grid[roles.wave], wave=True)  # raises if the order is unclear
        return grid, ()
    days = grid[roles.wave].values.astype(np.float64)
    seen = days[~np.isnan(days)]
    low, high = _EXCEL_DAYS
    if not seen.size or seen.min() < low or seen.max() > high:
        return grid, ()
    missing = np.isnan(days)
    whole = np.where(missing, 0, days).astype(np.int64)
    stamps = np.datetime64("1899-12-30") + whole.astype("timedelta64[D]")
    stamps[missing] = np.datetime64("NaT")
    distinct, codes = np.unique(stamps[~missing], return_inverse=True)
    all_codes = np.full(len(days), -1, dtype=np.int64)
    all_codes[~missing] = codes.ravel()
    column = Column("date", all_codes, tuple(str(day) for day in distinct))
    note = f"the numbers of {roles.wave!r} were read as Excel dates"
    return grid.replaced(roles.wave, column), (note,)


def _weights(
    grid: Grid, roles: Roles
) -> tuple[FloatArray | None, BoolArray, tuple[Exclusion, ...]]:
    keep = np.ones(grid.n, dtype=bool)
    if roles.weight is None:
        return None, keep, ()
    name = roles.weight
    weights = _weight_values(name, grid[name])
    negative = weights < 0
    if negative.any():
        raise negative_weights(name, int(negative.sum()), float(weights[negative][0]))
    missing, zero = np.isnan(weights), weights == 0
    counts = int(missing.sum()), int(zero.sum())
    exclusions = weights_left_out(name, *counts, grid.n, stacklevel=6)
    return weights, ~(missing | zero), exclusions


def negative_weights(name: str, count: int, example: float) -> DataError:
    """Return the error for negative weights."""
    return DataError(
        f"weight column {name!r} holds {count:,} negative values, such as {example:g}",
        code="negative-weight",
        column=name,
        value=example,
        remedy=f"a weight is at least 0; correct it or make it missing{_NO_WEIGHT}",
    )


def weights_left_out(
    name: str, missing: int, zero: int, n: int, stacklevel: int
) -> tuple[Exclusion, ...]:
    """Count, and warn of, rows without a weight; raise if none of n rows has one."""
    if missing:
        warnings.warn(
            MissingDataWarning(
                f"{missing:,} rows without a weight in {name!r} left out"
            ),
            stacklevel=stacklevel,
        )
    if missing + zero >= n:
        raise DataError(
            f"no row has a positive weight in {name!r}",
            code="no-weights",
            column=name,
            remedy="leave weight= out, or give the column that holds the weights",
        )
    return (
        Exclusion("weight is missing", missing, "rows", name),
        Exclusion("weight is zero", zero, "rows", name),
    )


def _weight_values(name: str, column: Column) -> FloatArray:
    try:
        return read_answers(name, column, Rules(_ROW_SCALE)).values
    except DataError as error:
        if error.code != "answer-texts":
            raise
        texts = error.value if isinstance(error.value, tuple) else ()
        raise weight_texts(name, texts) from error


def weight_texts(name: str, texts: Sequence[str]) -> DataError:
    """Return the error for weights that are texts."""
    shown = ", ".join(repr(text) for text in texts[:4])
    return DataError(
        f"weight column {name!r} holds texts, not numbers: {shown}",
        code="answer-texts",
        column=name,
        value=tuple(texts),
        remedy=f"write weights as plain numbers, such as 1234.5{_NO_WEIGHT}",
    )


def _duplicates(
    grid: Grid, roles: Roles, duplicates: str
) -> tuple[BoolArray, tuple[Exclusion, ...]]:
    first = np.ones(grid.n, dtype=bool)
    if roles.respondent is None:
        return first, ()
    within = [c for c in (roles.respondent, roles.unit, roles.wave) if c is not None]
    codes = pd.DataFrame({c: group_codes(grid[c], wave=False)[0] for c in within})
    known = codes[roles.respondent].to_numpy() >= 0
    repeated = known & codes.duplicated(keep="first").to_numpy()
    if not repeated.any():
        return first, ()
    where = " in one " + " and ".join(within[1:]) if len(within) > 1 else ""
    count = int(repeated.sum())
    if duplicates == "error":
        value = _value(grid[roles.respondent], int(np.flatnonzero(repeated)[0]))
        raise DataError(
            f"respondent {value!r} occurs more than once{where} "
            f"({count:,} repeated rows in all)",
            code="duplicate-respondents",
            column=roles.respondent,
            value=value,
            remedy='duplicates="first" keeps the first row of each and counts the rest',
        )
    reason = f"respondent repeated{where}; the first row was kept"
    return ~repeated, (Exclusion(reason, count, "rows", roles.respondent),)


def _value(column: Column, row: int) -> object:
    plain = column.values[row].item()
    return plain if column.kind == "number" else column.labels[plain]


def _label_counts(column: Column) -> tuple[list[str], Sequence[int]]:
    codes, labels = group_codes(column, wave=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    pairs = [(str(label), int(k)) for label, k in zip(labels, counts, strict=True) if k]
    return [label for label, _ in pairs], [k for _, k in pairs]


def _is_self_selected(label: str) -> bool:
    plain = " ".join(plain_text(label).replace("-", " ").replace("_", " ").split())
    return plain in SELF_SELECTED
