"""One unit with broken answers does not stop the others: it is set aside, and said why.

Broken is what no reading can repair: answers off the model's scale (another scale, or
codes for "don't know"), infinite numbers, texts that are no answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.models.model import StructuralModel
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._groups import group_codes
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.answers import MISSING_TEXTS, number_of, plain_text
from satmetrics.survey.survey import Survey

BROKEN = "answers of the unit cannot be used ({})"


@dataclass(frozen=True, eq=False)
class Sound:
    """A survey of the units whose answers can be used.

    Attributes
    ----------
    survey : their rows, with the roles unit and wave.
    broken : unit → why it was set aside.
    rows : unit → how many rows it had, for those set aside.
    """

    survey: Survey
    broken: Mapping[str, str]
    rows: Mapping[str, int]

    def exclusions(self) -> tuple[Exclusion, ...]:
        """Return the rows of units set aside, counted unit by unit."""
        return tuple(
            Exclusion(BROKEN.format(why), self.rows[unit], "rows", unit)
            for unit, why in self.broken.items()
        )


def sound_units(
    model: StructuralModel,
    data: object,
    *,
    unit: str | None,
    wave: str | None,
    weights: str | None,
) -> Sound:
    """Set units with broken answers aside.

    Parameters
    ----------
    data : a Survey or any dataframe.
    unit, wave, weights : columns; the survey's roles when None.

    Raises
    ------
    OptionError
        If nothing says which column names the units, or data is no table of answers.
    DataError
        If no unit is left: what is wrong with the first answers.
    """
    if is_lazy(data):
        raise OptionError(
            "a scoreboard reads rows, and this is a query",
            code="lazy",
            column="data",
            remedy="collect() it first",
        )
    if isinstance(data, Survey):
        survey = data.with_roles(unit=unit, wave=wave, weight=weights)
        faults = _of_survey(survey, model)
        named = _unit_role(survey.roles.unit)
        codes, keys = survey.groups(named)
        found = _broken(faults, codes, list(keys[keys.names[0]]))
        if not found or len(found) == len(keys):
            return Sound(survey, {}, {})
        return _sound(survey.take(~np.isin(codes, list(found))), found, codes)
    grid = open_frame(data)
    named = _unit_role(unit)
    columns_present([named], grid.names)
    codes, labels = group_codes(grid[named], wave=False)
    found = _broken(_of_grid(grid, model), codes, labels)
    if found and len(found) < len(labels):
        sound = np.flatnonzero(~np.isin(codes, list(found)))
        kept = Survey(grid.take(sound), unit=named, wave=wave, weight=weights)
        return _sound(kept, found, codes)
    return Sound(Survey(grid, unit=named, wave=wave, weight=weights), {}, {})


def _unit_role(unit: str | None) -> str:
    if unit is not None:
        return unit
    raise OptionError(
        "nothing says which column names the units",
        code="no-unit",
        column="unit",
        remedy='pass unit="company", or a Survey with the role unit',
    )


def _sound(
    survey: Survey, found: Mapping[int, tuple[str, str]], codes: IntArray
) -> Sound:
    sizes = np.bincount(codes[codes >= 0], minlength=max(found) + 1)
    return Sound(
        survey,
        dict(found.values()),
        {name: int(sizes[code]) for code, (name, _) in found.items()},
    )


def _broken(
    faults: Iterator[tuple[BoolArray, str]], codes: IntArray, labels: Sequence[object]
) -> dict[int, tuple[str, str]]:
    """Return unit → (name, first fault)."""
    found: dict[int, tuple[str, str]] = {}
    for bad, why in faults:
        for code in np.unique(codes[bad & (codes >= 0)]):
            found.setdefault(int(code), (str(labels[code]), why))
    return found


def _of_survey(
    survey: Survey, model: StructuralModel
) -> Iterator[tuple[BoolArray, str]]:
    """Yield the rows with each fault of a survey's items."""
    there = [item for item in model.indicators if item in survey.columns]
    for item in there:
        if survey.scale(item) is None:
            (values,) = survey.answer_columns([item])
            yield from _off(item, values, model.scale_of(item))


def _of_grid(grid: Grid, model: StructuralModel) -> Iterator[tuple[BoolArray, str]]:
    """Yield the rows with each fault of a table's items."""
    for item in model.indicators:
        if item not in grid:
            continue
        column = grid[item]
        if column.kind == "number":
            values = column.values.astype(np.float64)
        else:
            read = [_read(label) for label in column.labels]
            for code, (label, value) in enumerate(
                zip(column.labels, read, strict=True)
            ):
                if value is None:
                    here = np.asarray(column.values == code)
                    yield here, f"{item} holds {label!r}, which is no answer"
            known = [np.nan if value is None else value for value in read]
            values = np.asarray([*known, np.nan])[column.values]
        yield from _off(item, values, model.scale_of(item))


def _read(label: str) -> float | None:
    """Return the number of a text, NaN where it means no answer, None for neither."""
    return np.nan if plain_text(label) in MISSING_TEXTS else number_of(label)


def _off(
    item: str, values: FloatArray, scale: tuple[float, float] | None
) -> Iterator[tuple[BoolArray, str]]:
    low, high = (-np.inf, np.inf) if scale is None else scale
    with np.errstate(invalid="ignore"):
        bad = (values < low) | (values > high) | np.isinf(values)
    for value in np.unique(values[bad])[:3]:
        where = "" if scale is None else f", off its scale {low:g}–{high:g}"
        yield np.asarray(values == value), f"{item} holds {value:g}{where}"
