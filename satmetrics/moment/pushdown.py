"""Moments and shards of answers that stay where they are: Polars lazy frames, DuckDB.

Two passes over the data give moments: one of counts and extremes, for the checks, and
one of sums of products, by group. The sums by shard, behind a bootstrap, are a pass of
their own. No answer comes into Python's memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np

from satmetrics._checks import either, one_of
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.moment import _kernel as kernel
from satmetrics.moment import _shards
from satmetrics.moment._sum_query import complete, numbered, shard_of, sums_by
from satmetrics.moment.answers import column_word, no_groups
from satmetrics.moment.built import warn_of_loss
from satmetrics.moment.contributions import Contributions, UnitChoice, contributions
from satmetrics.moment.moments import Moments
from satmetrics.moment.unit_sums import UnitSums, of_sums
from satmetrics.survey._lazy import LazyAnswers, collected, numbers, open_lazy, refuse
from satmetrics.survey._lazy_checks import Look, look
from satmetrics.survey.missing import POLICIES, treat_counts
from satmetrics.survey.survey import Survey

OF_COUNTS = ("listwise", "error")
FETCHED = "the complete rows of the lazy frame are few and were fetched"


def from_lazy(
    data: object,
    items: Sequence[str] | None,
    *,
    by: str | Sequence[str] | None,
    weights: str | None,
    missing: str,
    acov: bool = False,
    ordinal: bool | Sequence[str] = False,
) -> Moments:
    """Compute moments of a lazy frame; see `Moments.from_frame`.

    Raises
    ------
    OptionError
        If `items` are not named, or what is asked for needs the rows: `missing` other
        than "listwise" and "error", `acov`, ordinal items.
    DataError
        As for answers in memory.
    """
    answers = open_lazy(data)
    names = _items(answers, items)
    _check_options(missing, acov=acov, ordinal=ordinal)
    weight = column_word(weights)
    words = [] if by is None else [by] if isinstance(by, str) else list(by)
    seen = look(answers, names, weight, words)
    if seen.keys is not None and not len(seen.keys):
        treat_counts(names, missing, seen.missing, int(seen.n.sum()), 0)
        raise no_groups(by)
    shift = _shift(answers, names, seen)
    rows, sums = sums_by(
        answers,
        names,
        shift,
        weight,
        [nw.col(word) for word in words],
        squared=weight is not None,
    )
    T, lost = _by_group(seen, rows, sums)
    kept = int(sums[:, 0].sum())
    total = int(seen.n.sum())
    left_out = treat_counts(names, missing, seen.missing, total, total - kept)
    warn_of_loss(total - kept, total, missing, stacklevel=5)
    keyless = Exclusion(f"no value of {either(by)}", lost)
    context = seen.context.plus(*left_out, keyless)
    moments = _moments(names, T, shift, context, weighted=weight is not None)
    moments = dataclasses.replace(
        moments, keys=seen.keys, reasons=_empty_items(names, seen, len(T))
    )
    return moments if by is not None else moments.group(0)


def lazy_units(
    data: object, source: Moments, weights: str | None, units: UnitChoice = "auto"
) -> Contributions | UnitSums:
    """Return what a bootstrap of a lazy frame draws: shards, or the few rows there are.

    Parameters
    ----------
    data : the lazy frame that was fitted.
    source : moments of the fit: they name the items, and say where the answers lie.
    weights : column of weights, or None.
    units : "auto" sums 1,000 shards where the data are; fewer than 20,000 complete rows
        are fetched (the columns that are needed) and drawn as respondents, and the
        notes say so. "shards" makes shards of 4,000 rows and more.

    Raises
    ------
    OptionError
        If respondents are to be drawn from 20,000 rows or more.
    DataError
        If the frame has other rows than were fitted, or too few for shards.
    """
    answers = open_lazy(data)
    n = int(source.n)
    if n >= _shards.SHARDS * _shards.PER_SHARD:
        if units == "respondents":
            raise refuse('units="respondents"', column="units", value=units)
        return lazy_shards(answers, source, weights, n_shards=_shards.SHARDS)
    if units == "shards" and (K := _shards.n_shards(n)):
        return lazy_shards(answers, source, weights, n_shards=K)
    found = _complete_rows(answers, source.names, weights)
    if found != n:
        raise other_data(n, found)
    survey = Survey(_fetched(answers, source.names, weights), weight=weights)
    made = contributions(survey, source.names, units=units)
    if isinstance(made, Contributions):
        made = dataclasses.replace(made, remarks=(FETCHED,))
    return made


def lazy_shards(
    answers: LazyAnswers,
    source: Moments,
    weights: str | None,
    *,
    n_shards: int = _shards.SHARDS,
    seed: int = _shards.SEED,
) -> UnitSums:
    """Return the sums of shards of the rows behind `source`; see `lazy_units`.

    Each row is in the shard that a hash of its number gives, so that shards are random
    parts of nearly equal size: n/K, with a standard deviation of about the root of
    that. Rows are numbered as the frame gives them: the same file makes the same shards
    in both engines.
    """
    columns = [*source.names, *([weights] if weights else [])]
    rows, number = numbered(answers, columns)
    shift = _round(source.mean, source.sd)
    shard = shard_of(nw.col(number).cast(nw.Int64), seed, n_shards)
    found, sums = sums_by(rows, source.names, shift, weights, [shard])
    order = np.argsort([int(key[0]) for key in found])
    return UnitSums(
        names=source.names,
        shift=shift,
        sums=sums[order],
        kind="shards",
        context=source.context,
    )


def other_data(fitted: int, given: int) -> DataError:
    """Return the error for answers that are not those of the fit."""
    return DataError(
        f"these are not the data of the fit (n = {fitted:,} there, {given:,} here)",
        code="other-data",
        remedy="pass the survey that was fitted, or fit this one first",
    )


def _complete_rows(
    answers: LazyAnswers, items: Sequence[str], weights: str | None
) -> int:
    whole = answers.frame.filter(complete(answers, items, weights))
    return int(numbers(collected(whole.select(nw.len().alias("n"))), ["n"])[0, 0])


def _fetched(answers: LazyAnswers, items: Sequence[str], weights: str | None) -> object:
    """Return the complete rows of the columns that are needed, in memory."""
    whole = answers.frame.filter(complete(answers, items, weights))
    wanted = dict.fromkeys([*items, *([weights] if weights else [])])
    return collected(whole.select(*(nw.col(name) for name in wanted))).to_native()


def _items(answers: LazyAnswers, items: Sequence[str] | None) -> tuple[str, ...]:
    if items is None or not len(items):
        listed = ", ".join(answers.columns[:12])
        raise OptionError(
            "a lazy frame does not say which of its columns are items",
            code="no-items",
            column="items",
            remedy=f"name them: items=[…]; it has {listed}",
        )
    return (items,) if isinstance(items, str) else tuple(items)


def _check_options(missing: str, *, acov: bool, ordinal: bool | Sequence[str]) -> None:
    one_of("missing", missing, POLICIES)
    if missing not in OF_COUNTS:
        raise refuse(f"missing={missing!r}", column="missing", value=missing)
    if acov:
        raise refuse("acov=True", column="acov", value=acov)
    if ordinal is not False:
        raise refuse("ordinal=", column="ordinal", value=ordinal)


def _shift(answers: LazyAnswers, names: Sequence[str], seen: Look) -> FloatArray:
    """Return the middle of the scale, else a round number near the mean."""
    shift = _round(seen.mean, seen.high - seen.low)
    for j, name in enumerate(names):
        if name in answers.scales:
            shift[j] = answers.scales[name].midpoint
    return shift


def _round(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Round to a power of two that is small beside the spread.

    Whole answers less such a number have sums that are exact, whatever their order.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        step = 2.0 ** np.floor(np.log2(spread) - 1)
        near = np.round(mean / step) * step
    return np.where(np.isfinite(near), near, np.nan_to_num(mean))


def _by_group(
    seen: Look, rows: Sequence[tuple[object, ...]], sums: FloatArray
) -> tuple[FloatArray, int]:
    """Add rows of sums up to groups (G, …); count the rows of no group."""
    place = dict(zip(seen.raw_keys, seen.codes.tolist(), strict=True))
    if any(row not in place for row in rows):
        raise DataError(
            "the lazy frame gives other rows each time it is run",
            code="unstable-rows",
            remedy="write it to a file and scan that",
        )
    codes: IntArray = np.array([place[row] for row in rows], dtype=np.int64)
    G = 1 if seen.keys is None else len(seen.keys)
    T = np.zeros((G, sums.shape[1]))
    np.add.at(T, codes[codes >= 0], sums[codes >= 0])
    return T, int(sums[codes < 0, 0].sum())


def _moments(
    names: tuple[str, ...],
    T: FloatArray,
    shift: FloatArray,
    context: Context,
    *,
    weighted: bool,
) -> Moments:
    own = kernel.n_columns(len(names))
    moments = of_sums(T[:, :own], names, shift, context)
    if not weighted:
        return moments
    taylor = _taylor(T[:, own:], moments, shift)
    return dataclasses.replace(moments, taylor=taylor)


def _taylor(squares: FloatArray, moments: Moments, shift: FloatArray) -> FloatArray:
    """Covariance of weighted means from W2 = Σ w², Σ w² z and Σ w² z zᵀ.

    ``n/(n−1) Σ w² (x − x̄)(x − x̄)ᵀ / (Σw)²``, expanded about the mean.
    """
    p = len(moments.names)
    first, second = squares[:, :p], squares[:, p:][:, kernel.square(p)]
    m = moments.mean - shift
    with np.errstate(divide="ignore", invalid="ignore"):
        W2 = (moments.weight_sum**2 / moments.n_eff)[:, None, None]
        cross = first[:, :, None] * m[:, None, :]
        about = second - cross - np.swapaxes(cross, 1, 2)
        about += W2 * m[:, :, None] * m[:, None, :]
        factor = moments.n / (moments.n - 1) / moments.weight_sum**2
    return np.asarray(about * np.where(moments.n > 1, factor, np.nan)[:, None, None])


def _empty_items(names: tuple[str, ...], seen: Look, G: int) -> tuple[str, ...]:
    given = np.zeros((G, len(names)))
    used = seen.codes >= 0
    np.add.at(given, seen.codes[used], seen.seen[used])
    empty = [[names[j] for j in np.flatnonzero(row == 0)] for row in given]
    return tuple(f"no answers to {', '.join(e[:5])}" if e else "" for e in empty)
