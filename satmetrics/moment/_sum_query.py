"""Sums of products as a query: run where the answers are, by group or by shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.survey._lazy import LazyAnswers, aggregate, key_rows, numbers

PRIME = 2**31 - 1
POLARS_PART = 96
DUCKDB_PART = 1024
"""Sums of one pass: Polars holds a column of products for each while it runs."""


def sums_by(
    data: LazyAnswers,
    items: Sequence[str],
    shift: FloatArray,
    weight: str | None,
    keys: Sequence[nw.Expr],
    *,
    squared: bool = False,
) -> tuple[list[tuple[Any, ...]], FloatArray]:
    """Sum the contributions of complete rows with a positive weight.

    Parameters
    ----------
    data : the query.
    items : p columns.
    shift : (p,) subtracted from the answers.
    weight : column of weights, or None.
    keys : what the sums are by; one row of sums without keys.
    squared : also sum w² z and w² z zᵀ, behind the others.

    Returns
    -------
    keys : of the R rows of sums.
    sums : (R, 3 + p + p*), as `_kernel` lays them out; squared: (R, 3 + 2(p + p*)).

    Raises
    ------
    DataError
        If the frame gives other rows from one pass to the next.
    """
    raw = [f"k{i}" for i in range(len(keys))]
    frame = _complete(data, items, shift, weight, keys)
    parts = list(_parts(data, len(items), weighted=weight is not None, squared=squared))
    found: list[tuple[Any, ...]] = []
    columns, checks = [], []
    for part in parts:
        answer = aggregate(frame, raw, part)
        rows = key_rows(answer, raw)
        found = found or rows
        place = {row: i for i, row in enumerate(rows)}
        if len(rows) != len(found) or any(row not in place for row in found):
            raise _unstable()
        names = [c for c in answer.columns if c not in raw]
        table = np.nan_to_num(numbers(answer, names))[[place[row] for row in found]]
        checks.append(table[:, :2])
        columns.append(table[:, 2:])
    _check_stable(checks)
    sums = np.hstack(columns)
    n = checks[0][:, :1]
    heads = [n] if weight is not None else [n, n, n]
    return found, np.hstack([*heads, sums])


def shard_of(row: nw.Expr, seed: int, n_shards: int) -> nw.Expr:
    """Return the shard of each row: an arithmetic hash of its number, then modulo.

    x⁵ modulo 2³¹ − 1 is a permutation: the same shards in every engine, unrelated to
    the order of the rows.
    """
    x = (row + seed) % PRIME
    fourth = (x * x) % PRIME
    fourth = (fourth * fourth) % PRIME
    return (fourth * x) % PRIME % n_shards


def numbered(data: LazyAnswers, columns: Sequence[str]) -> tuple[LazyAnswers, str]:
    """Return some columns with the number of each row, and what that column is called.

    Narwhals numbers rows of a lazy frame only in the order of a column, which sorts
    them; both engines number them as they read.
    """
    name = "row"
    while name in columns:
        name += "_"
    kept = data.frame.select(*(nw.col(c) for c in dict.fromkeys(columns)))
    native: Any = kept.to_native()
    if data.frame.implementation.is_polars():
        native = native.with_row_index(name)
    else:
        native = native.project(f'*, row_number() OVER () - 1 AS "{name}"')
    frame = nw.from_native(native)
    return LazyAnswers(frame, dict(frame.collect_schema()), data.scales), name


def complete(data: LazyAnswers, items: Sequence[str], weight: str | None) -> nw.Expr:
    """Return where a row has every answer and a positive weight."""
    whole = ~data.number(items[0]).is_null()
    for name in items[1:]:
        whole &= ~data.number(name).is_null()
    return whole if weight is None else whole & (data.number(weight) > 0)


def _complete(
    data: LazyAnswers,
    items: Sequence[str],
    shift: FloatArray,
    weight: str | None,
    keys: Sequence[nw.Expr],
) -> nw.LazyFrame[Any]:
    """Return keys k0 …, z0 … = x − shift, and with weights w, u0 … = w z."""
    pairs = list(zip(items, shift.tolist(), strict=True))
    z = [data.number(name) - middle for name, middle in pairs]
    columns = [key.alias(f"k{i}") for i, key in enumerate(keys)]
    columns += [one.alias(f"z{j}") for j, one in enumerate(z)]
    if weight is not None:
        w = data.number(weight)
        columns += [w.alias("w")]
        columns += [(w * one).alias(f"u{j}") for j, one in enumerate(z)]
    return data.frame.filter(complete(data, items, weight)).select(*columns)


def _parts(
    data: LazyAnswers, p: int, *, weighted: bool, squared: bool
) -> Iterator[list[nw.Expr]]:
    """Yield the sums, some at a time, each time with a count and a check sum first."""
    z = [nw.col(f"z{j}") for j in range(p)]
    u = [nw.col(f"u{j}") for j in range(p)] if weighted else z
    i, j = np.triu_indices(p)
    pairs = list(zip(i.tolist(), j.tolist(), strict=True))
    w = nw.col("w")
    asked = [w.sum(), (w * w).sum()] if weighted else []
    asked += [one.sum() for one in u] + [(u[a] * z[b]).sum() for a, b in pairs]
    if squared:
        asked += [(w * one).sum() for one in u]
        asked += [(u[a] * u[b]).sum() for a, b in pairs]
    check = z[0].abs()
    for k in range(1, p):
        check = check + z[k].abs() * float(k + 1)
    size = POLARS_PART if data.frame.implementation.is_polars() else DUCKDB_PART
    for start in range(0, len(asked), size):
        part = [one.alias(f"s{k}") for k, one in enumerate(asked[start : start + size])]
        yield [nw.len().alias("n"), check.sum().alias("check"), *part]


def _check_stable(checks: Sequence[FloatArray]) -> None:
    for other in checks[1:]:
        if not np.allclose(other, checks[0], rtol=1e-9, atol=0.0):
            raise _unstable()


def _unstable() -> DataError:
    return DataError(
        "the lazy frame gives other rows, or gives them in another order, each time "
        "it is run",
        code="unstable-rows",
        remedy="sort it, or write it to a file and scan that",
    )
