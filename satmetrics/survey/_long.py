"""Data with one row per answer: recognised where they are not wanted, and widened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from satmetrics._checks import columns_present
from satmetrics.errors import DataError
from satmetrics.survey._door import Grid


def check_long(grid: Grid, wanted: Sequence[str]) -> None:
    """Raise if absent columns occur as values of a text column: the data are long."""
    absent = {name for name in wanted if name not in grid}
    if not absent:
        return
    for name, column in zip(grid.names, grid.columns, strict=True):
        found = absent & set(column.labels)
        if len(found) > len(absent) / 2:
            raise DataError(
                f"columns not found: {', '.join(sorted(found)[:4])} …, but they are "
                f"values of column {name!r}: the data have one row per answer",
                code="long-format",
                column=name,
                value=tuple(sorted(found)),
                remedy="use Survey.from_long(frame, respondent=column, "
                f"item={name!r}, value=column)",
            )


def widen(
    grid: Grid, respondent: str, item: str, value: str, roles: Mapping[str, Any]
) -> pd.DataFrame:
    """Return one row per respondent, unit and wave, one column per item."""
    words = ("weight", "unit", "wave", "source", "cluster", "stratum")
    played = {r: roles[r] for r in words if roles.get(r)}
    columns_present([respondent, item, value, *played.values()], grid.names)
    frame = grid.to_pandas()
    _check_complete(frame, (respondent, item))
    keys = [respondent, *(played[r] for r in ("unit", "wave") if r in played)]
    person = frame.groupby(keys, dropna=False, sort=False, observed=True).ngroup()
    _check_once(frame, person, respondent, item)
    kept = list(dict.fromkeys([respondent, *played.values()]))
    _check_constant(frame, person, kept)
    first = ~person.duplicated()
    people = np.arange(int(first.sum()))
    wide = {name: frame.loc[first, name].reset_index(drop=True) for name in kept}
    for name in pd.unique(frame[item]):
        mine = (frame[item] == name).to_numpy()
        answers = frame.loc[mine, value].set_axis(person[mine])
        wide[str(name)] = answers.reindex(people)
    return pd.DataFrame(wide)


def _check_complete(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        lost = int(frame[name].isna().sum())
        if lost:
            raise DataError(
                f"{lost:,} rows have no {name!r}",
                code="missing-key",
                column=name,
                remedy="each answer needs its respondent and its item",
            )


def _check_once(
    frame: pd.DataFrame, person: pd.Series, respondent: str, item: str
) -> None:
    twice = pd.DataFrame({"person": person, "item": frame[item]}).duplicated()
    if twice.any():
        row = frame.loc[twice].iloc[0]
        raise DataError(
            f"respondent {row[respondent]!r} answers item {row[item]!r} more than once "
            f"({int(twice.sum()):,} repeated answers in all)",
            code="duplicate-answers",
            column=item,
            value=row[item],
            remedy="give unit= and wave= if they tell answers apart, or remove them",
        )


def _check_constant(
    frame: pd.DataFrame, person: pd.Series, names: Sequence[str]
) -> None:
    for name in names:
        distinct = frame[name].groupby(person).nunique(dropna=False)
        if (distinct > 1).any():
            raise DataError(
                f"column {name!r} differs between the answers of one respondent",
                code="role-differs",
                column=name,
                remedy="a role has one value per respondent, unit and wave",
            )
