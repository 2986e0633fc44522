"""Sums of products from columns, piece by piece: no second copy of the answers.

Columns are p arrays of length n. A piece of rows is gathered into one small matrix that
stays in cache, and one BLAS product makes all its sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._kernel import HEAD, n_columns

PIECE = 2**14
"""Rows of one piece: 3 MB for 24 columns."""
GATHERED = 2**21
"""Numbers gathered at once for shards: 16 MB."""


def first_mean(columns: Sequence[FloatArray], rows: IntArray | None) -> FloatArray:
    """Return the means (p,) of the first rows: a shift from which nothing cancels."""
    head = slice(0, PIECE) if rows is None else rows[:PIECE]
    first = np.stack([column[head] for column in columns])
    return np.asarray(first.mean(axis=1) if first.size else np.zeros(len(columns)))


def total_sums(
    columns: Sequence[FloatArray],
    w: FloatArray | None,
    rows: IntArray | None,
    shift: FloatArray,
) -> FloatArray:
    """Return the summed contributions (3 + p + p*,) of the given rows.

    Parameters
    ----------
    columns : p arrays (n,) without missing answers in the rows used.
    w : (n,) weights; None for 1.
    rows : positions of the rows used; None for all.
    shift : (p,) subtracted from every answer.
    """
    p, n = len(columns), len(columns[0]) if rows is None else len(rows)
    second, first, heads = np.zeros((p, p)), np.zeros(p), np.zeros(2)
    fill = _filler(columns, shift)
    ones = np.ones(min(PIECE, n))
    for start in range(0, n, PIECE):
        span = slice(start, min(start + PIECE, n))
        here, m = span if rows is None else rows[span], span.stop - start
        Z = fill(here, m)
        v = ones[:m] if w is None else w[here]
        second += Z @ Z.T if w is None else (Z * v) @ Z.T
        first += Z @ v
        heads += np.array([v.sum(), v @ v])
    i, j = np.triu_indices(p)
    return np.concatenate([[n], heads, first, second[i, j]])


def _filler(
    columns: Sequence[FloatArray], shift: FloatArray
) -> Callable[[slice | IntArray, int], FloatArray]:
    """Return what makes the (p, m) shifted answers of some rows."""
    block = _common_block(columns)
    p, n = len(columns), len(columns[0])
    room = np.empty(p * min(PIECE, n))

    def by_column(here: slice | IntArray, m: int) -> FloatArray:
        Z = room[: p * m].reshape(p, m)
        for j, column in enumerate(columns):
            np.subtract(column[here], shift[j], out=Z[j])
        return Z

    if block is None:
        return by_column
    stored = block

    def by_row(here: slice | IntArray, m: int) -> FloatArray:
        Z = room[: p * m].reshape(p, m)
        np.subtract(stored[here].T, shift[:, None], out=Z)
        return Z

    return by_row


def _common_block(columns: Sequence[FloatArray]) -> FloatArray | None:
    """Return the (n, p) block whose neighbouring columns these are, if stored by row.

    Read column by column such a block passes through the cache p times.
    """
    p, n = len(columns), len(columns[0])
    at = np.array([c.__array_interface__["data"][0] for c in columns])
    step = columns[0].strides[0]
    if p < 2 or step < 8 * p or any(c.strides[0] != step for c in columns):
        return None
    if not np.array_equal(np.diff(at), np.full(p - 1, 8)):
        return None
    return np.lib.stride_tricks.as_strided(
        columns[0], (n, p), (step, 8), writeable=False
    )


def shard_sums(
    columns: Sequence[FloatArray],
    w: FloatArray | None,
    order: IntArray,
    sizes: IntArray,
    shift: FloatArray,
) -> FloatArray:
    """Return the summed contributions (K, 3 + p + p*) of K groups of rows.

    Groups are padded to the longest of their piece, so they should be of like size.

    Parameters
    ----------
    columns : p arrays (n,) without missing answers in the rows used.
    w : (n,) weights; None for 1.
    order : positions of the rows used, group after group.
    sizes : (K,) rows of each group, at least 1.
    shift : (p,) subtracted from every answer.
    """
    p, K = len(columns), len(sizes)
    ends = np.cumsum(sizes)
    product, heads = np.empty((K, p + 1, p + 1)), np.empty((K, 2))
    step = max(1, GATHERED // ((p + 1) * int(sizes.max())))
    for start in range(0, K, step):
        part = slice(start, min(start + step, K))
        m = int(sizes[part].max())
        at = (ends[part] - sizes[part])[:, None] + np.arange(m)
        inside = np.arange(m) < sizes[part, None]
        rows = order[np.minimum(at, len(order) - 1)]
        a = np.empty((len(rows), p + 1, m))
        for j, column in enumerate(columns):
            np.subtract(column[rows], shift[j], out=a[:, j])
        a[:, p] = 1.0
        if not inside.all():
            a *= inside[:, None]
        heads[part] = sizes[part, None]
        if w is None:
            product[part] = a @ np.swapaxes(a, 1, 2)
            continue
        v = w[rows] * inside
        heads[part, 1] = (v * v).sum(axis=1)
        product[part] = (a * v[:, None]) @ np.swapaxes(a, 1, 2)
    return _packed(product, heads)


def _packed(product: FloatArray, heads: FloatArray) -> FloatArray:
    """Turn products (K, p + 1, p + 1) of answers and a 1 into contributions."""
    K, p = len(product), product.shape[1] - 1
    i, j = np.triu_indices(p)
    out = np.empty((K, n_columns(p)))
    out[:, 0], out[:, 2] = heads[:, 0], heads[:, 1]
    out[:, 1] = product[:, p, p]
    out[:, HEAD : HEAD + p] = product[:, :p, p]
    out[:, HEAD + p :] = product[:, i, j]
    return out
