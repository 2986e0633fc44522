"""An index without the figures of groups that are too small to be shown."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import IntArray
from satmetrics.indices._disclosure import hidden
from satmetrics.indices.disclosure import (
    COMPUTABLE,
    joint_without,
    too_few,
    without,
)
from satmetrics.indices.index_result import IndexResult

R = TypeVar("R", bound=IndexResult)


def published(result: R, min_n: int) -> R:
    """Return the index with figures of fewer than `min_n` answers hidden.

    Totals over any one key may be published beside it: along each key a line of groups
    with exactly one hidden gets a second one.
    """
    n = result.table["n"]
    least = _least(n, _labels(result.table, list(result.by)))
    lines = [
        _labels(result.table, [k for k in (*result.by, "construct") if k != key])
        for key in result.by
    ]
    few, others = hidden(least, lines, min_n)
    shut = few | others
    primary = shut & (n < min_n)
    constructs = len(set(result.table["construct"])) or 1
    counts = (int(mask.sum()) // constructs for mask in (few, others))
    notes = (
        "min_n = {}: {} groups of fewer answers are not shown, nor {} others from "
        "which they could be computed".format(min_n, *counts),
    )
    return dataclasses.replace(
        result,
        table=without(result.table, primary, shut & ~primary, min_n),
        joint=joint_without(result.errors(), shut),
        context=result.context.plus(notes=notes if shut.any() else ()),
    )


def _least(n: IntArray, group: IntArray) -> IntArray:
    """Return the fewest answers (R,) to any construct of a group; 0 where none are.

    What is a sum of the others gives one that is hidden away, so that the figures of a
    group are hidden together.
    """
    found = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    there = n > 0
    np.minimum.at(found, group[there], n[there])
    return np.where(there, found[group], 0)


def _labels(table: Table, keys: list[str]) -> IntArray:
    """Return a label (R,) per combination of the columns; one for all without any."""
    if not keys:
        return np.zeros(len(table), dtype=np.int64)
    rows = list(zip(*(table[key] for key in keys), strict=True))
    known = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    return np.array([known[row] for row in rows], dtype=np.int64)


def hidden_alike(result: IndexResult, shown: IndexResult, min_n: int) -> IndexResult:
    """Return the index without the figures that another result of its units hides.

    Parameters
    ----------
    shown : figures of the same groups by some of the keys, hidden ones with a reason.
    """
    names = (*shown.by, "construct")
    rows = zip(*(shown.table[name] for name in names), strict=True)
    why = dict(zip(rows, shown.table["reason"], strict=True))
    own = zip(*(result.table[name] for name in names), strict=True)
    said = [why.get(row, "") for row in own]
    primary = np.array([reason == too_few(min_n) for reason in said])
    complementary = np.array([reason == COMPUTABLE for reason in said])
    return dataclasses.replace(
        result,
        table=without(result.table, primary, complementary, min_n),
        joint=joint_without(result.errors(), primary | complementary),
    )
