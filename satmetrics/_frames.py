"""The one tidy table: shared words for columns, read-only inside, fresh frames out."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._typing import AnyArray
from satmetrics.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "level",
    "dimension",
    "item",
    "source",
    "target",
    "via",
    "construct",
    "indicator",
    "term",
    "name",
)
ESTIMATES = (
    "n",
    "estimate",
    "std_error",
    "statistic",
    "p_value",
    "conf_low",
    "conf_high",
)


def read_only(array: AnyArray) -> AnyArray:
    """Return a read-only copy of `array`, or `array` itself if nobody can write to it.

    Such an array is read-only and owns its memory, or shows the whole of one that is.
    """
    owner = array if array.base is None else array.base
    settled = isinstance(owner, np.ndarray) and owner.base is None
    settled = settled and not (owner.flags.writeable or array.flags.writeable)
    if not settled or owner.size != array.size:
        array = np.array(array, copy=True)
        array.setflags(write=False)
    return array


def as_column(values: object) -> AnyArray:
    """Return one column as a read-only array of float, int, bool or str objects."""
    if isinstance(values, (list, tuple)) and set(map(type, values)) == {str}:
        return _texts(values)
    array = np.asarray(values)
    if array.dtype.kind == "O" and not array.flags.writeable and array.base is None:
        return array  # it has been here before
    if array.dtype.kind in "USO":
        listed = array.tolist()
        if set(map(type, listed)) == {str}:
            return _texts(listed)
        array = np.asarray([_plain(v) for v in listed], dtype=object)
    elif array.dtype.kind == "u":
        array = array.astype(np.int64)
    return read_only(array)


def _texts(values: Sequence[object]) -> AnyArray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    array.setflags(write=False)
    return array


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float)) else str(value)


MAX_SHOWN = 30
"""Rows of a table that a notebook shows; `to_frame` has all."""


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns of equal length under the shared words, one row an estimate.

    Attributes
    ----------
    names : column names: user keys (``company`` …), shared keys, estimates, extras.
    columns : one read-only array per name.
    """

    names: tuple[str, ...]
    columns: tuple[AnyArray, ...]

    def __post_init__(self) -> None:
        frozen = tuple(as_column(column) for column in self.columns)
        if len({len(column) for column in frozen}) > 1 or len(frozen) != len(
            self.names
        ):
            raise ValueError("columns of a table must have one common length")
        object.__setattr__(self, "columns", frozen)
        object.__setattr__(self, "names", tuple(self.names))

    @classmethod
    def of(cls, columns: Mapping[str, object], *, keys: Sequence[str] = ()) -> Table:
        """Build a table: `keys` first, then the shared keys, estimates, the rest."""
        known = [*keys, *KEYS, *ESTIMATES]
        order = [name for name in dict.fromkeys(known) if name in columns]
        order += [name for name in columns if name not in order]
        return cls(tuple(order), tuple(as_column(columns[name]) for name in order))

    def __reduce__(self) -> tuple[object, ...]:
        return (Table, (self.names, self.columns))

    def __repr__(self) -> str:
        return repr(self.to_frame()) if self.names else "Table without columns"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(max_rows=MAX_SHOWN, notebook=True))

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> AnyArray:
        return self.columns[self.names.index(name)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a fresh dict."""
        for i in range(len(self)):
            yield {n: c[i] for n, c in zip(self.names, self.columns, strict=True)}

    def where(self, **equals: object) -> Table:
        """Return the rows in which every named column equals the given value."""
        keep = np.ones(len(self), dtype=bool)
        for name, value in equals.items():
            keep &= self[name] == value
        return self.take(np.flatnonzero(keep))

    def take(self, rows: AnyArray) -> Table:
        """Return the given rows, by position."""
        return Table(self.names, tuple(column[rows] for column in self.columns))

    def drop(self, *names: str) -> Table:
        """Return the table without the named columns."""
        kept = [n for n in self.names if n not in names]
        return Table(tuple(kept), tuple(self[n] for n in kept))

    def extended(
        self, columns: Mapping[str, object], keys: Sequence[str] = ()
    ) -> Table:
        """Return the table with more columns, in the shared order."""
        own = dict(zip(self.names, self.columns, strict=True))
        return Table.of({**own, **columns}, keys=keys)

    def to_frame(self) -> pd.DataFrame:
        """Return a fresh pandas frame with its own, writable data."""
        import pandas as pd

        return pd.DataFrame(
            {n: np.array(c) for n, c in zip(self.names, self.columns, strict=True)}
        )


def stack(tables: Sequence[Table], *, keys: Sequence[str] = ()) -> Table:
    """Put tables below each other; columns absent in one are filled as missing."""
    parts = [table for table in tables if len(table)]
    if not parts:
        return tables[0] if tables else Table((), ())
    names = list(dict.fromkeys(name for table in parts for name in table.names))
    columns: dict[str, object] = {}
    for name in names:
        text = any(name in t and t[name].dtype.kind == "O" for t in parts)
        pieces = [_filled(t, name, text=text) for t in parts]
        columns[name] = np.concatenate(pieces)
    return Table.of(columns, keys=keys)


def repeated_keys(
    keys: Table | None, times: int, taken: Container[str] = ()
) -> dict[str, AnyArray]:
    """Return the key columns, each group repeated `times`; empty for one group of all.

    Raises
    ------
    OptionError
        If a group column has a name in `taken`.
    """
    if keys is None:
        return {}
    for name in keys.names:
        if name in taken:
            raise OptionError(
                f"by={name!r} has the name of a column of the result",
                code="name-taken",
                column=name,
                value=name,
                remedy="rename the column of the data",
            )
    return {name: np.repeat(keys[name], times) for name in keys.names}


def _filled(table: Table, name: str, *, text: bool) -> AnyArray:
    if name in table:
        return table[name].astype(object) if text else table[name]
    return (
        np.full(len(table), "", dtype=object) if text else np.full(len(table), np.nan)
    )
