"""The one door for dataframes: whatever library they come from, arrays behind it."""

from __future__ import annotations

import datetime as dt
import numbers
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from satmetrics._frames import read_only
from satmetrics._kinds import shown
from satmetrics._typing import AnyArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey._lazy import is_lazy, lazy_cure

FOLD = 16
PIECE = 2**12
"""Rows looked at together: they stay in cache."""
EXACT = 2**53
"""Whole numbers beyond this are not exact as float64, so they are kept as text."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column as arrays.

    Attributes
    ----------
    kind : "number": `values` are int64, bool or float64 (NaN = missing);
        "text" or "date": `values` are codes into `labels`, -1 = missing.
    values : (n,), read-only.
    labels : distinct texts; of dates, ISO texts in chronological order.
    ordered : True if the order of the labels was declared (ordered categories).
    borrowed : True if `values` are the caller's own memory, for the time of one call.
    """

    kind: Literal["number", "text", "date"]
    values: AnyArray
    labels: tuple[str, ...] = ()
    ordered: bool = False
    borrowed: bool = False

    def __post_init__(self) -> None:
        own = _view(self.values) if self.borrowed else read_only(self.values)
        object.__setattr__(self, "values", own)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Lowest and highest number, the missing passed over; NaN if all are."""
        return span_of(self.values)

    def __reduce__(self) -> tuple[object, ...]:
        return (Column, (self.kind, self.values, self.labels, self.ordered))

    def take(self, rows: AnyArray) -> Column:
        """Return the given rows (positions or a mask)."""
        return Column(self.kind, self.values[rows], self.labels, self.ordered)

    def counts(self) -> IntArray:
        """Return how often each label occurs."""
        codes = self.values[self.values >= 0]
        return np.bincount(codes, minlength=len(self.labels)).astype(np.int64)

    def relabelled(self, labels: Sequence[str | None]) -> Column:
        """Return the column with other labels; equal ones merge, None is missing."""
        distinct = list(dict.fromkeys(label for label in labels if label is not None))
        place = {label: i for i, label in enumerate(distinct)}
        lookup = [-1 if label is None else place[label] for label in labels]
        codes = np.asarray([*lookup, -1], dtype=np.int64)[self.values]
        return Column(self.kind, codes, tuple(distinct), self.ordered)

    def to_pandas(self) -> Any:
        """Return fresh data for one column of a pandas frame."""
        if self.kind == "number":
            return np.array(self.values)
        if self.ordered:
            codes: IntArray = self.values.astype(np.int64)
            return pd.Categorical.from_codes(
                codes, categories=pd.Index(self.labels, dtype=object), ordered=True
            )
        texts = np.asarray([*self.labels, None], dtype=object)
        return texts[self.values]


@dataclass(frozen=True, eq=False)
class Grid:
    """Columns of equal length by name, in order."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    n: int

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def take(self, rows: AnyArray) -> Grid:
        """Return the given rows (positions or a mask)."""
        taken = tuple(column.take(rows) for column in self.columns)
        return Grid(self.names, taken, int(np.arange(self.n)[rows].size))

    def replaced(self, name: str, column: Column) -> Grid:
        """Return the grid with one column replaced."""
        pairs = zip(self.names, self.columns, strict=True)
        return Grid(
            self.names, tuple(column if n == name else c for n, c in pairs), self.n
        )

    def beside(self, name: str, column: Column) -> Grid:
        """Return the grid with one more column."""
        return Grid((*self.names, name), (*self.columns, column), self.n)

    def to_pandas(self) -> pd.DataFrame:
        """Return a fresh pandas frame."""
        pairs = zip(self.names, self.columns, strict=True)
        return pd.DataFrame(
            {name: column.to_pandas() for name, column in pairs}, index=range(self.n)
        )


def open_frame(frame: object, *, borrow: bool = False) -> Grid:
    """Return the columns of any dataframe narwhals takes.

    Parameters
    ----------
    frame : the dataframe.
    borrow : read numbers where they are instead of copying them; for a grid that does
        not outlive the call it is made in.

    Raises
    ------
    OptionError
        If `frame` is not a dataframe, or a lazy one.
    DataError
        If two columns have one name, or the header has several rows.
    """
    if isinstance(frame, Grid):
        return frame
    if hasattr(frame, "to_native"):
        frame = frame.to_native()
    if is_lazy(frame) or hasattr(frame, "collect"):
        raise _not_a_frame(frame)
    _check_names(frame)
    try:
        wrapped: Any = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise _not_a_frame(frame) from error
    plain = _plain_columns(frame, borrow)
    columns = tuple(
        plain.get(name) or _column(wrapped[name], borrow) for name in wrapped.columns
    )
    names = tuple(str(name) for name in wrapped.columns)
    return Grid(names, columns, len(wrapped))


def _plain_columns(frame: object, borrow: bool) -> dict[object, Column]:
    """Return the NumPy columns of a pandas frame that need no look at each value."""
    if not isinstance(frame, pd.DataFrame):
        return {}
    found: dict[object, Column] = {}
    kinds, names = frame.dtypes.tolist(), frame.columns.tolist()
    for dtype in (np.dtype(np.float64), np.dtype(np.int64)):
        at = [i for i, kind in enumerate(kinds) if kind == dtype]
        if not at:
            continue
        block = (frame if len(at) == len(kinds) else frame.iloc[:, at]).to_numpy()
        if dtype.kind == "i" and block.size and max(block.max(), -block.min()) > EXACT:
            continue
        rows_first = block.strides[0] > block.strides[1] and len(block) > 1
        spans = _row_spans(block) if rows_first else None
        if rows_first and not borrow:
            block = _columns_first(block)
        for place, i in enumerate(at):
            column = Column("number", block[:, place], borrowed=borrow or rows_first)
            if spans is not None and not np.isnan(spans[place]).any():
                low, high = spans[place].tolist()
                object.__setattr__(column, "span", (low, high))
            found[names[i]] = column
    return found


def _row_spans(block: AnyArray) -> AnyArray:
    """Return lowest and highest (p, 2) of a block stored row by row, NaN included."""
    p = block.shape[1]
    low, high = block[0].copy(), block[0].copy()
    for start in range(0, len(block), PIECE):
        piece = block[start : start + PIECE]
        if len(piece) % FOLD == 0 and piece.flags.c_contiguous:  # long rows are fast
            wide = piece.reshape(-1, FOLD * p)
            np.minimum(low, wide.min(axis=0).reshape(FOLD, p).min(axis=0), out=low)
            np.maximum(high, wide.max(axis=0).reshape(FOLD, p).max(axis=0), out=high)
            continue
        np.minimum(low, piece.min(axis=0), out=low)
        np.maximum(high, piece.max(axis=0), out=high)
    return np.stack([low, high], axis=1)


def _columns_first(block: AnyArray) -> AnyArray:
    """Copy a block stored row by row so that its columns are contiguous."""
    out = np.empty(block.shape[::-1], dtype=block.dtype)
    for start in range(0, len(block), PIECE):
        out[:, start : start + PIECE] = block[start : start + PIECE].T
    return out.T


def _check_names(frame: object) -> None:
    native = getattr(frame, "column_names", None)
    listed = native if native is not None else getattr(frame, "columns", None)
    if listed is None or not hasattr(listed, "__iter__"):
        return
    names = list(listed)
    if names and all(isinstance(name, tuple) for name in names):
        raise DataError(
            "the header has several rows",
            code="header-rows",
            value=names[0],
            remedy="join them: frame.columns = ['_'.join(c) for c in frame.columns]; "
            "or read the file with header_rows = 2 in study.toml",
        )
    twice = [name for name, k in Counter(map(str, names)).items() if k > 1]
    if twice:
        raise DataError(
            f"column {twice[0]!r} occurs {Counter(map(str, names))[twice[0]]} times",
            code="duplicate-columns",
            column=twice[0],
            value=tuple(twice),
            remedy="each column needs a name of its own; rename or remove the others",
        )


def _not_a_frame(frame: object) -> OptionError:
    kind = type(frame).__name__
    remedy = "give a Survey or a pandas, Polars or PyArrow dataframe"
    if isinstance(frame, (str, bytes)) or hasattr(frame, "__fspath__"):
        remedy = f"read the file first: sat.read({frame!r})"
    elif kind == "Survey":
        remedy = "it is one already; its with_roles() and with_scale() make another"
    elif is_lazy(frame) or hasattr(frame, "collect"):
        remedy = lazy_cure(frame)
    elif hasattr(frame, "constructs"):
        remedy = "model and data are swapped: the model comes first, then the data"
    return OptionError(
        f"the data are {shown(frame)}, not a survey or dataframe",
        code="not-a-frame",
        column="data",
        value=kind,
        remedy=remedy,
    )


def span_of(values: AnyArray) -> tuple[float, float]:
    """Return the lowest and highest number; NaN is passed over, and stays if alone."""
    if not values.size:
        return np.nan, np.nan
    low, high = float(values.min()), float(values.max())
    if np.isnan(low):
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    return low, high


def _view(array: AnyArray) -> AnyArray:
    seen = array.view()
    seen.setflags(write=False)
    return seen


def _column(series: Any, borrow: bool) -> Column:
    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum):
        return _from_categories(series)
    if dtype == nw.Boolean or (dtype.is_numeric() and not dtype.is_decimal()):
        return _from_numbers(series, borrow)
    if dtype in (nw.Date, nw.Datetime):
        return _from_dates(series.to_numpy())
    return _from_objects(_objects(series.to_list()))


def _objects(values: Sequence[object]) -> AnyArray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_numbers(series: Any, borrow: bool) -> Column:
    if series.dtype.is_integer() and len(series) and series.null_count() < len(series):
        largest = max(abs(int(series.max())), abs(int(series.min())))
        if largest > EXACT:
            return _factorized(_objects([_plain(v) for v in series.to_list()]), str)
    if series.null_count():
        array = series.cast(nw.Float64).to_numpy()
        return Column("number", np.asarray(array, dtype=np.float64))
    array = series.to_numpy()
    kind = {"b": np.bool_, "i": np.int64, "u": np.int64}.get(
        array.dtype.kind, np.float64
    )
    return Column("number", np.asarray(array, dtype=kind), borrowed=borrow)


def _from_categories(series: Any) -> Column:
    categories = series.cat.get_categories().to_list()
    native = getattr(series.to_native(), "type", None)
    ordered = series.dtype == nw.Enum or bool(getattr(native, "ordered", False))
    values = [_plain(v) for v in series.to_list()]
    if categories and all(_is_number(c) for c in categories):
        return _from_objects(_objects(values))
    labels = tuple(str(c) for c in categories)
    place = {label: i for i, label in enumerate(labels)}
    codes = [-1 if v is None else place[str(v)] for v in values]
    column = Column("text", np.asarray(codes, dtype=np.int64), labels, ordered)
    if ordered:
        return column
    used = [
        label if k else None for label, k in zip(labels, column.counts(), strict=True)
    ]
    return column.relabelled(used)


def _from_dates(array: AnyArray) -> Column:
    stamps = array.astype("datetime64[us]")
    missing = np.isnat(stamps)
    distinct, codes = np.unique(stamps[~missing], return_inverse=True)
    whole = bool((distinct == distinct.astype("datetime64[D]")).all())
    unit: Literal["D", "s"] = "D" if whole else "s"
    labels = tuple(str(v) for v in np.datetime_as_string(distinct, unit=unit))
    all_codes = np.full(len(stamps), -1, dtype=np.int64)
    all_codes[~missing] = codes.ravel()
    column = Column("date", all_codes, labels)
    return column if len(set(labels)) == len(labels) else column.relabelled(labels)


def _from_objects(array: AnyArray) -> Column:
    plain = _objects([_plain(v) for v in array.tolist()])
    kinds = {type(v) for v in plain.tolist() if v is not None}
    if all(issubclass(kind, (bool, int, float, Decimal)) for kind in kinds):
        return _from_plain_numbers(plain, kinds)
    if all(issubclass(kind, (dt.date, dt.datetime)) for kind in kinds):
        stamps = [
            np.datetime64("NaT") if v is None else _stamp(v) for v in plain.tolist()
        ]
        return _from_dates(np.asarray(stamps, dtype="datetime64[us]"))
    return _factorized(plain, _text)


def _from_plain_numbers(plain: AnyArray, kinds: set[type]) -> Column:
    values = plain.tolist()
    if kinds == {int} and any(abs(v) > EXACT for v in values if v is not None):
        return _factorized(plain, str)
    if kinds and kinds <= {int, bool} and not any(v is None for v in values):
        kind = np.bool_ if kinds == {bool} else np.int64
        return Column("number", np.asarray(values, dtype=kind))
    floats = [np.nan if v is None else float(v) for v in values]
    return Column("number", np.asarray(floats, dtype=np.float64))


def _factorized(plain: AnyArray, text: Any) -> Column:
    texts = _objects([None if v is None else text(v) for v in plain.tolist()])
    codes, labels = pd.factorize(texts)
    return Column("text", codes.astype(np.int64), tuple(str(v) for v in labels))


def _plain(value: Any) -> Any:
    """Return a value as a plain Python one; every kind of missing is None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN test
        return None
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, (numbers.Real, Decimal))


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _stamp(value: dt.date | dt.datetime) -> np.datetime64:
    naive = value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
    return np.datetime64(naive, "us")
