"""Reading a published table: which column is what, and how exactly it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._typing import AnyArray, BoolArray, FloatArray
from satmetrics.errors import DataError
from satmetrics.gap import _published as kernel
from satmetrics.survey._door import open_frame

if TYPE_CHECKING:
    import pandas as pd

ALIASES: Mapping[str, tuple[str, ...]] = {
    "dimension": ("dimension", "dim", "construct", "factor", "subscale"),
    "item": ("item", "question", "statement", "attribute"),
    "expectation_mean": (
        "expectation_mean",
        "mean_expectation",
        "expectation",
        "expectations",
        "expectation_m",
        "e_mean",
        "mean_e",
        "e",
    ),
    "expectation_sd": (
        "expectation_sd",
        "sd_expectation",
        "expectation_std",
        "e_sd",
        "sd_e",
    ),
    "perception_mean": (
        "perception_mean",
        "mean_perception",
        "perception",
        "perceptions",
        "perception_m",
        "p_mean",
        "mean_p",
        "p",
    ),
    "perception_sd": (
        "perception_sd",
        "sd_perception",
        "perception_std",
        "p_sd",
        "sd_p",
    ),
    "n": ("n", "sample_size", "respondents", "n_respondents"),
    "gap": ("gap", "gap_score", "mean_gap", "gap_mean", "difference"),
    "conf_low": (
        "conf_low",
        "gap_conf_low",
        "ci_low",
        "ci_lower",
        "gap_ci_low",
        "lower",
    ),
    "conf_high": (
        "conf_high",
        "gap_conf_high",
        "ci_high",
        "ci_upper",
        "gap_ci_high",
        "upper",
    ),
    "statistic": ("statistic", "t", "t_value", "t_statistic", "t_stat"),
    "correlation": ("correlation", "r", "corr", "r_ep", "correlation_ep"),
}
OVERALL = frozenset({"overall", "total", "mean", "总体", "合计", "总计"})
"""Labels of a row that sums the others up; compared without regard to case."""
REQUIRED = ("expectation_mean", "perception_mean", "n")
_BLANK = {"", "-", "–", "—", "−", "na", "n/a", "nan", "."}


@dataclass(frozen=True, eq=False)
class Printed:
    """One column of figures as printed.

    Attributes
    ----------
    value : (rows,), NaN where nothing is printed.
    half_unit : (rows,) half a unit of the last digit printed.
    """

    value: FloatArray
    half_unit: FloatArray

    @property
    def range(self) -> kernel.Range:
        """The numbers the printed ones stand for."""
        return kernel.around(self.value, self.half_unit)


@dataclass(frozen=True, eq=False)
class PublishedTable:
    """A published gap table: row labels, their level, and every known column.

    Attributes
    ----------
    level : "item" where there is a column of items, else "dimension".
    dimensions, items : the labels of every row; empty where there is none.
    overall : (rows,) True for a printed row that sums the others up.
    figures : the columns, by field.
    unused : columns that are not known.
    """

    level: str
    dimensions: tuple[str, ...]
    items: tuple[str, ...]
    overall: BoolArray
    figures: Mapping[str, Printed]
    unused: tuple[str, ...]

    def __getitem__(self, name: str) -> Printed:
        return self.figures[name]

    @property
    def estimate(self) -> FloatArray:
        """P − E of the printed means."""
        return self["perception_mean"].value - self["expectation_mean"].value

    @property
    def gap(self) -> FloatArray:
        """The printed gap where there is one, else P − E."""
        said = self["gap"].value
        return np.where(np.isnan(said), self.estimate, said)

    @property
    def difference_range(self) -> kernel.Range:
        """The range of P − E that the printed means allow."""
        return kernel.minus(
            self["perception_mean"].range, self["expectation_mean"].range
        )

    @property
    def gap_range(self) -> kernel.Range:
        """The range of `gap`."""
        said, own = self["gap"].range, self.difference_range
        unsaid = np.isnan(said[0])
        return np.where(unsaid, own[0], said[0]), np.where(unsaid, own[1], said[1])


def read_printed(
    data: object, decimals: int | Mapping[str, int] | None
) -> PublishedTable:
    """Read a table of printed figures; see `satmetrics.gap_table` for the columns."""
    frame = open_frame(data).to_pandas()
    names = _recognised([str(name) for name in frame.columns])
    if len(frame) == 0:
        raise DataError("the table has no rows", code="empty-table")
    level = "item" if "item" in names else "dimension"
    places = _decimals(decimals, names)
    figures = {
        field: _printed(
            frame[names[field]].tolist(), field, names[field], places.get(field)
        )
        if field in names
        else _absent(len(frame))
        for field in ALIASES
        if field not in ("dimension", "item")
    }
    _check(figures, names)
    dimensions, items = (
        _labels(frame, names.get(kind)) for kind in ("dimension", "item")
    )
    return PublishedTable(
        level,
        dimensions,
        items,
        _overall(dimensions, items),
        figures,
        tuple(str(c) for c in frame.columns if str(c) not in names.values()),
    )


def _labels(frame: pd.DataFrame, column: str | None) -> tuple[str, ...]:
    """Return a column of labels as text; empty where nothing is printed."""
    if column is None:
        return ("",) * len(frame)
    blank = frame[column].isna()
    return tuple(
        "" if no else str(cell).strip()
        for cell, no in zip(frame[column].tolist(), blank, strict=True)
    )


def _overall(dimensions: Sequence[str], items: Sequence[str]) -> BoolArray:
    """Whether the finest label of each row is that of a sum; none if all are."""
    finest = (item or name for name, item in zip(dimensions, items, strict=True))
    found = np.array([label.casefold() in OVERALL for label in finest])
    return np.zeros_like(found) if found.all() else found


def _recognised(columns: Sequence[str]) -> dict[str, str]:
    """Map each known field to the column that carries it."""
    meaning = {alias: field for field, known in ALIASES.items() for alias in known}
    found: dict[str, str] = {}
    unknown = []
    for column in columns:
        field = meaning.get(_folded(column))
        if field is None:
            unknown.append(column)
        elif field in found:
            raise DataError(
                f"columns {found[field]!r} and {column!r} both mean {field}",
                code="duplicate-columns",
                column=column,
                remedy="keep one of them",
            )
        else:
            found[field] = column
    _refuse_misspelt(unknown, [field for field in ALIASES if field not in found])
    absent = [field for field in REQUIRED if field not in found]
    if "item" not in found and "dimension" not in found:
        absent = ["dimension", *absent]
    if absent:
        raise DataError(
            f"the table has no column {absent[0]!r}",
            code="columns-not-found",
            column=absent[0],
            value=tuple(absent),
            remedy=f"it may be called {', '.join(ALIASES[absent[0]])}; the table has "
            + ", ".join(columns),
        )
    return found


def _refuse_misspelt(unknown: Sequence[str], open_fields: Sequence[str]) -> None:
    """Raise where an unknown column looks like a field that was not found."""
    for column in unknown:
        hint = did_you_mean(_folded(column), open_fields)
        if hint:
            raise DataError(
                f"column {column!r} is not known",
                code="unknown-column",
                column=column,
                value=column,
                remedy=f"{hint} rename or drop it",
            )


def _folded(name: str) -> str:
    plain = name.strip().casefold()
    for mark in " -./":
        plain = plain.replace(mark, "_")
    return plain.strip("_")


def _decimals(
    decimals: int | Mapping[str, int] | None, names: Mapping[str, str]
) -> dict[str, int]:
    if decimals is None:
        return {}
    if isinstance(decimals, Mapping):
        own = {column: field for field, column in names.items()}
        return {own.get(key, key): int(value) for key, value in decimals.items()}
    return {field: int(decimals) for field in names if field != "n"}


def _printed(
    cells: Sequence[object], field: str, column: str, places: int | None
) -> Printed:
    """Read one column; numbers share the column's largest count of decimals."""
    read = [_cell(cell, field, column) for cell in cells]
    numeric = [d for (_, d), cell in zip(read, cells, strict=True) if not _text(cell)]
    shared = max(numeric, default=0)
    if places is not None and shared > places:
        raise DataError(
            f"column {column!r} has figures with {shared} decimals",
            code="bad-decimals",
            column=column,
            value=places,
            remedy=f"decimals={places} is too few for it",
        )
    shared = shared if places is None else places
    digits = [
        d if _text(cell) else shared for (_, d), cell in zip(read, cells, strict=True)
    ]
    half = np.array([0.5 * 10.0**-d for d in digits])
    return Printed(
        np.array([value for value, _ in read]),
        np.zeros(len(half)) if field == "n" else half,
    )


def _text(cell: object) -> bool:
    return isinstance(cell, str)


def _cell(cell: object, field: str, column: str) -> tuple[float, int]:
    if cell is None or (isinstance(cell, str) and cell.strip().casefold() in _BLANK):
        return np.nan, 0
    if isinstance(cell, str):
        read = kernel.figure(cell)
        if read is None:
            raise DataError(
                f"column {column!r} holds {cell!r}, which is not a number",
                code="not-a-number",
                column=column,
                value=cell,
                remedy=f"give {field} as a plain number, such as '-0.30'",
            )
        return read
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = np.inf
    if np.isinf(value):
        raise DataError(
            f"column {column!r} holds {cell!r}, which is not a finite number",
            code="not-a-number",
            column=column,
            value=cell,
        )
    return value, 0 if np.isnan(value) else _places(value)


def _places(value: float) -> int:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _absent(rows: int) -> Printed:
    nothing: AnyArray = np.full(rows, np.nan)
    return Printed(nothing, np.zeros(rows))


def _check(figures: Mapping[str, Printed], names: Mapping[str, str]) -> None:
    for field in REQUIRED:
        if np.isnan(figures[field].value).any():
            row = int(np.flatnonzero(np.isnan(figures[field].value))[0])
            raise DataError(
                f"column {names[field]!r} is empty in row {row}",
                code="missing-figure",
                column=names[field],
                value=row,
                remedy=f"{field} is needed in every row",
            )
    n = figures["n"].value
    rules = (
        ("n", (n < 2) | (n != np.rint(n)), "n is a whole number of at least 2"),
        (
            "expectation_sd",
            figures["expectation_sd"].value < 0,
            "an SD is not negative",
        ),
        ("perception_sd", figures["perception_sd"].value < 0, "an SD is not negative"),
        ("correlation", np.abs(figures["correlation"].value) > 1, "|r| is at most 1"),
        (
            "conf_low",
            figures["conf_low"].value > figures["conf_high"].value,
            "the lower limit is not above the upper",
        ),
    )
    for field, wrong, rule in rules:
        if wrong.any():
            value = float(figures[field].value[wrong][0])
            raise DataError(
                f"{field} = {value:g} in row {int(np.flatnonzero(wrong)[0])}",
                code="impossible-figure",
                column=names.get(field, field),
                value=value,
                remedy=rule,
            )
