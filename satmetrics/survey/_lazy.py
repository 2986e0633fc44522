"""The door for lazy frames: a query goes in, a few rows of counts and sums come out."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.survey.scale import Scale

STREAMING_SINCE = (1, 31)
"""Polars before this holds the columns of a query in memory."""


@dataclass(frozen=True, eq=False)
class LazyAnswers:
    """A query for answers that is not run yet.

    Attributes
    ----------
    frame : the query.
    dtypes : kind of each column.
    scales : scale of the items that have one.
    """

    frame: nw.LazyFrame[Any]
    dtypes: Mapping[str, Any]
    scales: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self.dtypes)

    def scaled(self, scales: Mapping[str, Scale]) -> LazyAnswers:
        """Return the answers with scales for items that have none."""
        return LazyAnswers(self.frame, self.dtypes, {**scales, **self.scales})

    def numeric(self, name: str) -> bool:
        """Return whether the column holds numbers or truth values."""
        dtype = self.dtypes[name]
        return bool(dtype.is_numeric()) or dtype == nw.Boolean

    def number(self, name: str) -> nw.Expr:
        """Return the column as float64; whatever is missing is null."""
        number = nw.col(name).cast(nw.Float64)
        if not self.dtypes[name].is_float():
            return number
        return nw.when(~number.is_nan()).then(number)


def is_lazy(data: object) -> bool:
    """Return whether the data are a Polars lazy frame or a DuckDB relation."""
    if isinstance(data, LazyAnswers):
        return True
    native = data.to_native() if hasattr(data, "to_native") else data
    engines = (("polars", "LazyFrame"), ("duckdb", "DuckDBPyRelation"))
    loaded = [(sys.modules.get(module), kind) for module, kind in engines]
    return any(m is not None and isinstance(native, getattr(m, k)) for m, k in loaded)


def open_lazy(data: object) -> LazyAnswers:
    """Return a lazy frame as answers; nothing is run but what names the columns."""
    if isinstance(data, LazyAnswers):
        return data
    native: Any = data.to_native() if hasattr(data, "to_native") else data
    frame = nw.from_native(native)
    return LazyAnswers(frame, dict(frame.collect_schema()))


def lazy_cure(native: object) -> str:
    """Return what to do where a lazy frame cannot be taken."""
    call = "collect()" if hasattr(native, "collect") else "df() or pl()"
    return (
        f"a lazy frame has no answers yet; call its {call} first (as it is, it goes "
        "into sat.Moments.from_frame, sat.pls, sat.index and sat.bootstrap)"
    )


def refuse(what: str, **said: Any) -> OptionError:
    """Return the error for what needs the rows themselves."""
    return OptionError(
        f"{what} needs the rows, and a lazy frame gives sums only",
        code="needs-rows",
        remedy="collect() the frame first",
        **said,
    )


def aggregate(
    frame: nw.LazyFrame[Any], keys: Sequence[str], sums: Sequence[nw.Expr]
) -> nw.DataFrame[Any]:
    """Run one query: a row per combination of the keys, one row without keys."""
    asked = frame.group_by(*keys).agg(*sums) if keys else frame.select(*sums)
    return collected(asked)


def collected(frame: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Run a query whose result is small, in bounded memory where the engine can."""
    if frame.implementation.is_polars():
        version = sys.modules["polars"].__version__.split(".")[:2]
        streams = tuple(int(part) for part in version) >= STREAMING_SINCE
        return frame.collect(engine="streaming") if streams else frame.collect()
    arrow = importlib.util.find_spec("pyarrow") is not None
    return frame.collect("pyarrow" if arrow else "pandas")


def key_rows(frame: nw.DataFrame[Any], keys: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return each row's keys; one that is not a number is missing."""
    columns = [[_known(v) for v in frame[key].to_list()] for key in keys]
    return list(zip(*columns, strict=True)) if keys else [()] * len(frame)


def _known(value: Any) -> Any:
    return None if value != value else value  # noqa: PLR0124 - NaN test


def numbers(frame: nw.DataFrame[Any], names: Sequence[str]) -> FloatArray:
    """Return columns as an array (rows, len(names)), NaN for null."""
    out = np.empty((len(frame), len(names)))
    for j, name in enumerate(names):
        out[:, j] = frame[name].cast(nw.Float64).to_numpy()
    return out
