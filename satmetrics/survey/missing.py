"""Missing answers: five policies, each of which counts what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import read_only
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError

POLICIES = ("listwise", "pairwise", "mean", "em", "error")


@dataclass(frozen=True, eq=False)
class Treated:
    """Answers after a missing policy.

    Attributes
    ----------
    values : (n_kept, p); NaN is left by "pairwise" and "em" only.
    keep : (n,) True for the rows that stay.
    missing : (p,) missing answers per item before the policy.
    exclusions : rows left out and answers filled, counted.
    """

    values: FloatArray
    keep: BoolArray
    missing: IntArray
    exclusions: tuple[Exclusion, ...]

    def __post_init__(self) -> None:
        for name in ("values", "keep", "missing"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class Complete:
    """The rows without a missing answer.

    Attributes
    ----------
    rows : (m,) positions; None if they are all n rows.
    lost : rows left out.
    exclusions : them, with the missing answers by item.
    """

    rows: IntArray | None = None
    lost: int = 0
    exclusions: tuple[Exclusion, ...] = ()


def complete_rows(
    columns: Sequence[FloatArray], names: Sequence[str], policy: str
) -> Complete:
    """Return what `treat_missing` keeps with "listwise" or "error", column by column.

    Parameters
    ----------
    columns : p arrays (n,), NaN = missing; none of them is copied.
    names : p item names, for the counts.
    policy : "listwise" or "error".

    Raises
    ------
    DataError
        If no row is left, or the policy is "error" and an answer is missing.
    """
    n = len(columns[0]) if columns else 0
    lost = np.zeros(n, dtype=np.bool_)
    missing = np.zeros(len(columns), dtype=np.int64)
    for j, column in enumerate(columns):
        absent = np.isnan(column)
        missing[j] = np.count_nonzero(absent)
        if missing[j]:
            lost |= absent
    if policy == "error" and missing.any():
        raise _refused(names, missing)
    dropped = int(np.count_nonzero(lost))
    if dropped == n:
        raise _nobody(names, missing, n, policy)
    if not dropped:
        return Complete()
    excluded = _counted(_listwise(names, missing), dropped)
    return Complete(np.flatnonzero(~lost), dropped, excluded)


def treat_missing(
    X: FloatArray,
    names: Sequence[str],
    policy: str,
    weights: FloatArray | None = None,
) -> Treated:
    """Apply a missing policy to answers.

    Parameters
    ----------
    X : (n, p) answers, NaN = missing.
    names : p item names, for the counts.
    policy : "listwise" leaves out rows with any answer missing; "pairwise" and
        "em" leave out only rows without any answer; "mean" does the same and fills the
        rest with the item's mean; "error" raises if any answer is missing.
    weights : (n,) weights of the means that are filled in, or None.

    Returns
    -------
    Treated

    Raises
    ------
    OptionError
        If the policy does not exist.
    DataError
        If no row is left, an item has no answer to take the mean of, or the policy is
        "error" and an answer is missing.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [np.nan, 4.0]])
    >>> treat_missing(X, ["a", "b"], "mean").values
    array([[1., 2.],
           [1., 4.]])
    >>> [str(e) for e in treat_missing(X, ["a", "b"], "listwise").exclusions]
    ['1 rows left out: an answer is missing (listwise); by item: a 1']
    """
    one_of("missing", policy, POLICIES)
    absent = np.isnan(X)
    missing = absent.sum(axis=0).astype(np.int64)
    if policy == "error" and missing.any():
        raise _refused(names, missing)
    lost = absent.any(axis=1) if policy == "listwise" else absent.all(axis=1)
    keep: BoolArray = np.logical_not(lost)
    if not keep.any():
        raise _nobody(names, missing, len(X), policy)
    dropped = int((~keep).sum())
    if policy == "listwise":
        return Treated(
            X[keep], keep, missing, _counted(_listwise(names, missing), dropped)
        )
    gone = _counted("no answer to any item", dropped)
    if policy == "mean":
        kept_weights = None if weights is None else weights[keep]
        values, filled = _fill(X[keep], names, kept_weights)
        return Treated(values, keep, missing, (*gone, *filled))
    return Treated(X[keep], keep, missing, gone)


def treat_counts(
    names: Sequence[str], policy: str, missing: IntArray, n: int, dropped: int
) -> tuple[Exclusion, ...]:
    """Apply "listwise" or "error" where only counts are known, as `treat_missing` does.

    Parameters
    ----------
    names : p item names.
    policy : "listwise" or "error".
    missing : (p,) missing answers per item.
    n, dropped : rows in all, and those with any answer missing.
    """
    if policy == "error" and missing.any():
        raise _refused(names, missing)
    if dropped >= n:
        raise _nobody(names, missing, n, policy)
    return _counted(_listwise(names, missing), dropped)


def _fill(
    X: FloatArray, names: Sequence[str], weights: FloatArray | None
) -> tuple[FloatArray, tuple[Exclusion, ...]]:
    there = ~np.isnan(X)
    w = there * (np.ones(len(X)) if weights is None else weights)[:, None]
    total = w.sum(axis=0)
    empty = [name for name, sum_ in zip(names, total, strict=True) if sum_ <= 0]
    if empty:
        raise DataError(
            f"item {empty[0]!r} has no answer",
            code="empty-item",
            column=empty[0],
            value=tuple(empty),
            remedy="leave the item out of the model or analysis",
        )
    mean = (w * np.where(there, X, 0.0)).sum(axis=0) / total
    filled = (~there).sum(axis=0).tolist()
    reason = "answer missing, the item's mean put in its place"
    counted = tuple(
        Exclusion(reason, k, "answers", name)
        for name, k in zip(names, filled, strict=True)
        if k
    )
    return np.where(there, X, mean), counted


def _listwise(names: Sequence[str], missing: IntArray) -> str:
    return f"an answer is missing (listwise); by item: {_by_item(names, missing)}"


def _counted(reason: str, n: int) -> tuple[Exclusion, ...]:
    return (Exclusion(reason, n),) if n else ()


def _by_item(names: Sequence[str], missing: IntArray, most: int = 8) -> str:
    order = [int(i) for i in np.argsort(-missing, kind="stable") if missing[i]]
    shown = ", ".join(f"{names[i]} {missing[i]:,}" for i in order[:most])
    more = f" and {len(order) - most} more items" if len(order) > most else ""
    return shown + more


def _refused(names: Sequence[str], missing: IntArray) -> DataError:
    return DataError(
        f"answers are missing: {_by_item(names, missing)}",
        code="missing-answers",
        column=names[int(np.argmax(missing))],
        value=int(missing.sum()),
        remedy='missing="listwise", "pairwise", "mean" or "em" would accept and '
        "count them",
    )


def _nobody(names: Sequence[str], missing: IntArray, n: int, policy: str) -> DataError:
    worst = names[int(np.argmax(missing))] if len(missing) else None
    return DataError(
        f"no row of {n:,} is left with missing={policy!r}",
        code="no-rows",
        column=worst,
        value=n,
        remedy=f"missing answers by item: {_by_item(names, missing) or 'none'}",
    )
