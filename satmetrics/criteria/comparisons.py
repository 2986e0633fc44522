"""Pairwise comparisons of criteria: what judges said, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics.errors import DataError, OptionError

Pair: TypeAlias = tuple[str, str]
Judged: TypeAlias = dict[Pair, float]
"""Ratios of one judge: first over second, each pair once."""
RECIPROCAL = 1e-6
"""Two ratios of one pair may differ by rounding only."""


def judges_of(comparisons: object, criteria: Sequence[str] | None) -> dict[str, Judged]:
    """Return the comparisons of every judge.

    Parameters
    ----------
    comparisons : ``{(a, b): ratio}``, a square matrix, or several of these in a list
        or under the judges' names.
    criteria : names of rows and columns of a matrix without names.

    Raises
    ------
    OptionError
        If they are neither.
    """
    if _is_pairs(comparisons) or _is_matrix(comparisons):
        return {"judge 1": _one(comparisons, criteria, "judge 1")}
    if isinstance(comparisons, Mapping) and comparisons:
        named: Iterable[tuple[object, object]] = comparisons.items()
    elif isinstance(comparisons, (list, tuple)) and comparisons:
        named = ((f"judge {i + 1}", one) for i, one in enumerate(comparisons))
    else:
        raise _unread(comparisons)
    return {str(name): _one(one, criteria, str(name)) for name, one in named}


def criteria_of(
    judges: Mapping[str, Judged], criteria: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the criteria in order, those asked for or those compared.

    Raises
    ------
    DataError
        If a judge compares a criterion that is not asked for, or there is one only.
    """
    seen = dict.fromkeys(n for one in judges.values() for pair in one for n in pair)
    names = tuple(seen) if criteria is None else tuple(map(str, criteria))
    unknown = [name for name in seen if name not in names]
    if unknown:
        raise DataError(
            f"criterion {unknown[0]!r} is compared and not among the criteria",
            code="unknown-criterion",
            column=unknown[0],
            value=unknown[0],
            remedy=f"{did_you_mean(unknown[0], names)} the criteria are "
            f"{', '.join(names)}".strip(),
        )
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError(
            f"there is nothing to compare in {names}",
            code="few-criteria",
            value=names,
            remedy="give at least two criteria, each once",
        )
    return names


def joined(judges: Mapping[str, Judged]) -> Judged:
    """Return the geometric means of the ratios, pair by pair.

    Every judge who compared the pair counts once (Aczél and Saaty 1983).
    """
    logs: dict[Pair, list[float]] = {}
    for one in judges.values():
        for (a, b), ratio in one.items():
            key, sign = ((a, b), 1) if (b, a) not in logs else ((b, a), -1)
            logs.setdefault(key, []).append(sign * math.log(ratio))
    return {pair: math.exp(math.fsum(all_) / len(all_)) for pair, all_ in logs.items()}


def check_joined(one: Judged, names: Sequence[str], who: str) -> None:
    """Raise unless a chain of comparisons joins every criterion to every other."""
    reached, todo = {names[0]}, [names[0]]
    while todo:
        here = todo.pop()
        near = {b if a == here else a for a, b in one if here in (a, b)}
        todo += sorted(near - reached)
        reached |= near
    apart = [name for name in names if name not in reached]
    if apart:
        raise DataError(
            f"{who}: no chain of comparisons joins {names[0]!r} and {apart[0]!r}",
            code="unjoined",
            column=apart[0],
            value=tuple(apart),
            remedy=f"compare {apart[0]!r} with one of {', '.join(sorted(reached))}",
        )


def _one(comparisons: Any, criteria: Sequence[str] | None, who: str) -> Judged:
    if not _is_pairs(comparisons):
        comparisons = _pairs_of(comparisons, criteria, who)
    found: Judged = {}
    for (first, second), given in comparisons.items():
        a, b = str(first), str(second)
        if _missing(given):
            continue
        ratio = _ratio(given, (a, b), who)
        if a == b:
            _expect(ratio, 1.0, (a, b), who)
        elif (b, a) in found:
            _expect(ratio, 1 / found[b, a], (a, b), who)
        else:
            found[a, b] = ratio
    if not found:
        raise DataError(
            f"{who} compares nothing", code="no-comparisons", column=who, value=who
        )
    return found


def _pairs_of(
    matrix: Any, criteria: Sequence[str] | None, who: str
) -> dict[Pair, object]:
    if not _is_matrix(matrix):
        raise _unread(matrix)
    framed = hasattr(matrix, "columns")
    named: Any = matrix.columns if framed else criteria or ()
    names = [str(name) for name in named]
    rows = [str(name) for name in matrix.index] if hasattr(matrix, "loc") else names
    values = np.asarray(matrix, dtype=np.float64)
    if rows != names:
        raise DataError(
            f"{who}: rows and columns of the matrix are not the same criteria",
            code="bad-matrix",
            value=tuple(rows),
            remedy="name rows and columns alike, in one order",
        )
    if values.shape != (len(names), len(names)):
        raise DataError(
            f"{who}: a matrix of shape {values.shape} for {len(names)} criteria",
            code="bad-matrix",
            value=values.shape,
            remedy="give criteria=[…], one name per row and column",
        )
    cells = np.ndindex(values.shape)
    return {(names[i], names[j]): values[i, j] for i, j in cells}


def _is_pairs(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, tuple) and len(key) == 2 for key in value)
    )


def _is_matrix(value: object) -> bool:
    if hasattr(value, "columns") or isinstance(value, np.ndarray):
        return np.ndim(value) == 2  # type: ignore[arg-type]
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all(
        isinstance(row, (list, tuple))
        and len(row) == len(value)
        and not any(isinstance(cell, (list, tuple, Mapping)) for cell in row)
        for row in value
    )


def _missing(value: object) -> bool:
    return value is None or (
        isinstance(value, (float, np.floating)) and bool(np.isnan(value))
    )


def _ratio(value: Any, pair: Pair, who: str) -> float:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not 0 < float(value) < math.inf:
        raise DataError(
            f"{who}: the comparison of {pair[0]!r} with {pair[1]!r} is {value!r}",
            code="bad-ratio",
            column=pair[0],
            value=value,
            remedy="give a positive ratio: 3 for three times as important, 1/3 for a "
            "third; leave out what was not compared",
        )
    return float(value)


def _expect(ratio: float, right: float, pair: Pair, who: str) -> None:
    if abs(math.log(ratio / right)) > RECIPROCAL:
        raise DataError(
            f"{who}: {pair[0]!r} to {pair[1]!r} is {ratio:g}, and the other way round "
            f"it is {1 / right:g}",
            code="not-reciprocal",
            column=pair[0],
            value=ratio,
            remedy=f"it must be {right:g}, or be left out",
        )


def _unread(value: object) -> OptionError:
    return OptionError(
        f"comparisons are a {type(value).__name__}",
        code="bad-comparisons",
        column="comparisons",
        remedy="give {(a, b): ratio} or a square matrix with criteria=[…], or several "
        "in a list or under the judges' names",
    )
