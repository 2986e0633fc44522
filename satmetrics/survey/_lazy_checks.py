"""Checks of answers that stay where they are: one query of counts and extremes."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from satmetrics._checks import columns_present
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.survey import _roles, answers
from satmetrics.survey._declared import Declared
from satmetrics.survey._lazy import (
    LazyAnswers,
    aggregate,
    collected,
    key_rows,
    numbers,
)
from satmetrics.survey._plausible import MIN_ANSWERS_USUAL, check_scales
from satmetrics.survey._suspects import HIGH, LOW, Span, check_suspect_counts
from satmetrics.survey.survey import Survey

LARGEST = float(np.finfo(np.float64).max)
FEW_TEXTS = 50
"""Distinct texts that are fetched for a message."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one query tells of the answers.

    Attributes
    ----------
    raw_keys : keys of the R rows of the query, in order.
    codes : (R,) group of each, −1 where a key is missing.
    keys : one row per group; None without groups.
    n : (R,) rows with a weight (all rows, where there are no weights).
    seen : (R, p) answers given to each item in them.
    low, high, mean : (p,) over all rows; NaN where there is no answer.
    context : origin, rows, and what the weights left out.
    """

    raw_keys: tuple[tuple[Any, ...], ...]
    codes: IntArray
    keys: Table | None
    n: FloatArray
    seen: FloatArray
    low: FloatArray
    high: FloatArray
    mean: FloatArray
    context: Context

    @property
    def missing(self) -> IntArray:
        """Missing answers per item (p,)."""
        absent: FloatArray = self.n.sum() - self.seen.sum(axis=0)
        return np.rint(absent).astype(np.int64)


def look(
    data: LazyAnswers,
    items: Sequence[str],
    weight: str | None = None,
    by: Sequence[str] = (),
) -> Look:
    """Check answers as `Survey` does, and count them by group.

    Raises
    ------
    DataError
        If a column is absent or holds texts, an answer is infinite, off its scale or
        looks like a missing code, or a weight is negative.
    """
    columns_present([*items, *([weight] if weight else []), *by], data.columns)
    for name in items:
        if not data.numeric(name):
            raise _cured(_not_numbers(data, name))
    if weight is not None and not data.numeric(weight):
        raise _roles.weight_texts(weight, _texts(data, weight)[0])
    raw = [f"k{i}" for i in range(len(by))]
    frame = aggregate(_columns(data, items, weight, by), raw, _asked(data, items))
    found = _Found.of(frame, raw, len(items))
    context = Context(n_rows=int(found.n.sum()))
    if weight is not None:
        context = context.plus(*_weights(weight, found))
    low, high = _least(found.low), -_least(-found.high)
    _check_answers(data, items, low, high, found.infinite.sum(axis=0))
    _warn_scales(data, items, low, high, found.seen.sum(axis=0))
    between = found.between.sum(axis=0)
    for name, count in zip(items, between.tolist(), strict=True):
        if count:
            notes = answers.between_points(name, int(count), data.scales[name])
            context = context.plus(notes=notes)
    there = found.kept > 0 if by else np.ones(len(found.kept), dtype=bool)
    codes, keys, notes = _grouped(frame, raw, by, there)
    context = context.plus(notes=notes)
    return Look(
        raw_keys=tuple(key_rows(frame, raw)),
        codes=codes,
        keys=keys,
        n=found.kept,
        seen=found.seen,
        low=low,
        high=high,
        mean=_pooled(found.mean, found.seen),
        context=context,
    )


def _columns(
    data: LazyAnswers, items: Sequence[str], weight: str | None, by: Sequence[str]
) -> nw.LazyFrame[Any]:
    """Return the query of keys k0 …, answers x0 … and the weight w (1 without one)."""
    w = nw.lit(1.0) if weight is None else data.number(weight)
    return data.frame.select(
        *(nw.col(name).alias(f"k{i}") for i, name in enumerate(by)),
        *(data.number(name).alias(f"x{j}") for j, name in enumerate(items)),
        w.alias("w"),
    )


def _asked(data: LazyAnswers, items: Sequence[str]) -> list[nw.Expr]:
    w = nw.col("w")
    asked = [
        nw.len().alias("n"),
        _count(w > 0).alias("kept"),
        _count(w.is_null()).alias("weightless"),
        _count(w == 0).alias("zero"),
        _count(w < 0).alias("negative"),
        _count(w > LARGEST).alias("endless"),
        w.min().alias("least"),
    ]
    for j, name in enumerate(items):
        x = nw.col(f"x{j}")
        asked += [
            _count(~x.is_null() & (w > 0)).alias(f"seen{j}"),
            _count(x.abs() > LARGEST).alias(f"infinite{j}"),
            _count(_off_points(data, name, x)).alias(f"between{j}"),
            x.min().alias(f"low{j}"),
            x.max().alias(f"high{j}"),
            x.mean().alias(f"mean{j}"),
        ]
    return asked


def _count(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Float64).sum()


def _off_points(data: LazyAnswers, name: str, x: nw.Expr) -> nw.Expr:
    """Return where an answer lies between two points of its scale."""
    scale = data.scales.get(name)
    if scale is None or scale.step <= 0:
        return x > LARGEST
    place = (x - scale.minimum) / scale.step
    return (place - place.round()).abs() >= 1e-9


@dataclass(frozen=True, eq=False)
class _Found:
    """Answer of the query: columns (R,) and, per item, (R, p)."""

    n: FloatArray
    kept: FloatArray
    weightless: FloatArray
    zero: FloatArray
    negative: FloatArray
    endless: FloatArray
    least: FloatArray
    seen: FloatArray
    infinite: FloatArray
    between: FloatArray
    low: FloatArray
    high: FloatArray
    mean: FloatArray

    @classmethod
    def of(cls, frame: nw.DataFrame[Any], raw: Sequence[str], p: int) -> _Found:
        """Sort the columns of the query's answer; a sum of nothing is 0."""
        names = [name for name in frame.columns if name not in raw]
        values = dict(zip(names, numbers(frame, names).T, strict=True))
        extremes = ("least", "low", "high", "mean")
        got = {}
        for field in dataclasses.fields(cls):
            word = field.name
            found = values.get(word)
            if found is None:
                parts = [values[f"{word}{j}"] for j in range(p)]
                found = np.stack(parts, axis=1) if p else np.empty((len(frame), 0))
            got[word] = found if word in extremes else np.nan_to_num(found)
        return cls(**got)


def _weights(weight: str, found: _Found) -> tuple[Exclusion, ...]:
    if found.endless.any():
        raise _cured(answers.infinite_held(weight, int(found.endless.sum())))
    if found.negative.any():
        least = float(np.nanmin(found.least))
        raise _roles.negative_weights(weight, int(found.negative.sum()), least)
    missing, zero = int(found.weightless.sum()), int(found.zero.sum())
    n = int(found.n.sum())
    return _roles.weights_left_out(weight, missing, zero, n, stacklevel=6)


def _check_answers(
    data: LazyAnswers,
    items: Sequence[str],
    low: FloatArray,
    high: FloatArray,
    infinite: FloatArray,
) -> None:
    for j, name in enumerate(items):
        scale = data.scales.get(name)
        if infinite[j]:
            raise _cured(answers.infinite_held(name, int(infinite[j])))
        if scale is not None and (low[j] < scale.minimum or high[j] > scale.maximum):
            x = nw.col("x")
            off = (x < scale.minimum) | (x > scale.maximum)
            values, counts = _distinct(data, name, off)
            raise _cured(
                answers.off_scale(name, values.tolist(), counts.tolist(), scale)
            )
        if scale is None and (low[j] in LOW or high[j] in (*HIGH, 8.0, 9.0)):
            values, counts = _distinct(data, name, ~nw.col("x").is_null())
            try:
                check_suspect_counts(name, values, counts)
            except DataError as error:
                raise _cured(error) from None


def _distinct(
    data: LazyAnswers, name: str, where: nw.Expr
) -> tuple[FloatArray, IntArray]:
    """Return the distinct values of a column and how often each occurs, sorted."""
    column = data.frame.select(data.number(name).alias("x")).filter(where)
    frame = aggregate(column, ["x"], [nw.len().alias("n")])
    table = numbers(frame, ["x", "n"])
    table = table[np.argsort(table[:, 0])]
    return table[:, 0], table[:, 1].astype(np.int64)


def _not_numbers(data: LazyAnswers, name: str) -> DataError:
    labels, counts = _texts(data, name)
    if data.dtypes[name] in (nw.Date, nw.Datetime):
        return answers.dates_held(name, labels or ["nothing"])
    bad = [i for i, label in enumerate(labels) if answers.number_of(label) is None]
    kept = bad or list(range(len(labels)))
    return answers.texts_held(
        name, [labels[i] for i in kept], [counts[i] for i in kept]
    )


def _texts(data: LazyAnswers, name: str) -> tuple[list[str], list[int]]:
    """Return the most frequent texts of a column and their counts."""
    column = data.frame.select(nw.col(name).cast(nw.String).alias("x"))
    counted = (
        column.filter(~nw.col("x").is_null()).group_by("x").agg(nw.len().alias("n"))
    )
    frame = collected(counted.sort("n", "x", descending=[True, False]).head(FEW_TEXTS))
    return [str(text) for text in frame["x"].to_list()], frame["n"].to_list()


def _cured(error: DataError) -> DataError:
    """Put before a cure what cures answers that are still in a query."""
    message = str(error).removesuffix(f"; {error.remedy}")
    return DataError(
        message,
        code=error.code,
        column=error.column,
        value=error.value,
        remedy="mend it in the query, or collect() the frame into a Survey, where this "
        f"helps: {error.remedy}",
    )


def _warn_scales(
    data: LazyAnswers,
    items: Sequence[str],
    low: FloatArray,
    high: FloatArray,
    seen: FloatArray,
) -> None:
    """Warn as of answers in hand: what counts is their number and the highest."""
    spans: dict[str, Span] = {}
    stand_ins: dict[str, FloatArray] = {}
    for name, least, most, n in zip(items, low, high, seen, strict=True):
        if name in data.scales and n:
            values = np.full(int(min(n, MIN_ANSWERS_USUAL)), least)
            values[-1] = most
            stand_ins[name] = values
            spans[name] = (float(least), float(most))
    for warning in check_scales(spans, stand_ins, Declared(scales=data.scales)):
        warnings.warn(warning, stacklevel=6)


def _grouped(
    frame: nw.DataFrame[Any], raw: Sequence[str], by: Sequence[str], there: BoolArray
) -> tuple[IntArray, Table | None, tuple[str, ...]]:
    """Return the group of each row of the query, as `Survey.groups` names groups."""
    if not by:
        return np.zeros(len(frame), dtype=np.int64), None, ()
    renamed = frame.select(*raw).rename(dict(zip(raw, by, strict=True)))
    survey = Survey(renamed.to_native())
    codes = np.full(len(frame), -1, dtype=np.int64)
    codes[there], keys = survey.take(there).groups(by)
    return codes, keys, survey.context_for(()).notes


def _least(values: FloatArray) -> FloatArray:
    """Return the smallest number of each column, NaN where there is none."""
    least = np.where(np.isnan(values), np.inf, values).min(axis=0, initial=np.inf)
    return np.where(np.isnan(values).all(axis=0), np.nan, least)


def _pooled(means: FloatArray, n: FloatArray) -> FloatArray:
    total = n.sum(axis=0)
    summed = np.where(n > 0, np.nan_to_num(means) * n, 0.0).sum(axis=0)
    return np.where(total > 0, summed / np.maximum(total, 1), np.nan)
