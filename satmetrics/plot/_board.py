"""Figures of units by wave, whatever result they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, one_of
from satmetrics._frames import Table
from satmetrics._published import PublishedSeries
from satmetrics._result import Context
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices.aggregate_result import AggregateResult
from satmetrics.indices.board_result import ScoreboardResult
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.joint import Joint
from satmetrics.plot._dots import Dots

PERIOD = re.compile(r"(\d{4})(?:Q([1-4]))?")
"""Waves that tell their time: years, or quarters such as 1994Q4."""
Boarded = IndexResult | AggregateResult | ScoreboardResult | PublishedSeries


@dataclass(frozen=True, eq=False)
class Board:
    """Figures by unit and wave.

    Attributes
    ----------
    groups : (u,) the level of each unit, "" where there is one kind of unit only.
    units : (u,) the names of each unit.
    waves : (w,) in order; a single None where there are none.
    estimate, low, high : (u, w) NaN where there is no figure, no interval.
    at : (u, w) the row of a figure in `joint`, −1 where it has no row.
    joint : the errors of the rows, None where none are known.
    words : what the figures are and their unit.
    level : confidence level of the intervals, NaN where there are none.
    missing : what a row without a figure says.
    """

    groups: tuple[str, ...]
    units: tuple[tuple[object, ...], ...]
    waves: tuple[object, ...]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    at: IntArray
    joint: Joint | None
    words: str
    level: float
    context: Context
    missing: str = "–"

    @property
    def seen(self) -> BoolArray:
        """Which units (u,) have a figure at all."""
        return np.asarray(np.isfinite(self.estimate).any(axis=1))

    def decimals(self, unit: int) -> int:
        """Digits to print: none where a level was published in whole numbers."""
        own = [u for u, group in enumerate(self.groups) if group == self.groups[unit]]
        seen = self.estimate[own][np.isfinite(self.estimate[own])]
        return 0 if self.joint is None and (seen == np.round(seen)).all() else 1

    @property
    def index(self) -> bool:
        """Whether the figures are indices, not counts."""
        return self.words.startswith("index")

    @property
    def intervals(self) -> str:
        """The kind of interval drawn, in words."""
        if np.isnan(self.level):
            return "as published without intervals"
        if not np.isfinite(self.low).any():
            return "without intervals, for errors are not known"
        return f"with {100 * self.level:g} % intervals"

    @property
    def last(self) -> int:
        """The last wave in which some unit has a figure."""
        return int(np.flatnonzero(np.isfinite(self.estimate).any(axis=0))[-1])

    def wave_at(self, word: str, wave: object) -> int:
        """Return the place of a wave, or raise naming the argument `word`."""
        held = [str(own) for own in self.waves]
        one_of(word, str(wave), held)
        return held.index(str(wave))

    def named(self, asked: Sequence[str]) -> BoolArray:
        """Return which units (u,) bear one of the names."""
        joined = [" · ".join(map(str, unit)) for unit in self.units]
        for name in asked:
            one_of("units", name, joined)
        return np.array([name in asked for name in joined])

    def dots(self, wave: int) -> Dots:
        """Return the figures (u,) of a wave."""
        return Dots(self.estimate[:, wave], self.low[:, wave], self.high[:, wave])

    def change(self, new: int, old: int) -> Dots:
        """Return the changes (u,) between two waves, with intervals where known."""
        moved = self.estimate[:, new] - self.estimate[:, old]
        low, high = np.full((2, len(moved)), np.nan)
        here = np.flatnonzero(np.isfinite(moved))
        if self.joint is not None and len(here):
            rows = np.arange(len(here))
            pair = np.concatenate([self.at[here, new], self.at[here, old]])
            values = np.repeat([1.0, -1.0], len(here))
            found = self.joint.combined(np.tile(rows, 2), pair, values)
            low[here], high[here] = found.limits(self.level)
        return Dots(moved, low, high)

    def times(self) -> FloatArray:
        """Return where waves stand (w,): in time where they tell it, else in a row."""
        found = [PERIOD.fullmatch(str(wave)) for wave in self.waves]
        kinds = {m is not None and m.group(2) is not None for m in found}
        if None in found or len(kinds) > 1:
            return np.arange(len(self.waves), dtype=float)
        return np.array(
            [int(m.group(1)) + (int(m.group(2) or 1) - 1) / 4 for m in found if m]
        )


def board_of(who: str, result: object, over: str | None = None) -> Board:
    """Return the figures of a result, or raise naming what `who` needs."""
    if isinstance(result, PublishedSeries):
        return _published(result)
    if isinstance(result, ScoreboardResult):
        over = result.over if over is None else over
        result = result.index if result.aggregates is None else result.aggregates
    if isinstance(result, AggregateResult):
        return _aggregate(result)
    expect(
        who,
        result,
        IndexResult,
        "an index, a scoreboard or a published series",
        remedy="pass what sat.index(fit, data, by=…), sat.indices.scoreboard, "
        "sat.indices.aggregate or sat.datasets.series(name) returned",
    )
    assert isinstance(result, IndexResult)
    return _index(result, over)


def along_waves(who: str, board: Board) -> None:
    """Raise unless there are two waves or more."""
    if len(board.waves) < 2:
        has = "none" if board.waves == (None,) else f"{board.waves[0]} only"
        raise OptionError(
            f"{who} needs waves, and the result has {has}",
            code="no-waves",
            column="over",
            remedy='pass sat.index(fit, data, by=["unit", "wave"]), or name the key '
            "column of the waves with over=",
        )


def along(result: IndexResult, over: str | None) -> str | None:
    """Return the key column that holds waves, None if there is none."""
    if over is None:
        return "wave" if "wave" in result.by else None
    one_of("over", over, result.by)
    return over


def index_words(result: IndexResult) -> str:
    """Return what an index is, and from where to where it runs."""
    low, high = getattr(result, "scale", (0.0, 100.0))  # a formula has its own
    return f"index, {low:g}–{high:g}"


def _index(result: IndexResult, over: str | None) -> Board:
    if result.target is None:
        result = result.of(str(result.table["construct"][0]))
    found = result.of()
    key = along(found, over)
    others = [k for k in found.by if k != key]
    units = [tuple(row[k] for k in others) for row in found.table.rows()]
    waves = [None] * len(units) if key is None else found.table[key].tolist()
    return _board(
        found.table,
        [("", unit) for unit in units],
        waves,
        joint=found.errors(),
        words=index_words(found),
        level=found.level,
        context=found.context,
    )


def _aggregate(result: AggregateResult) -> Board:
    at = np.arange(len(result.table))
    if result.target is not None:
        at = np.flatnonzero(result.table["construct"] == result.target)
    elif "construct" in result.table:
        first = result.table["construct"][0]
        at = np.flatnonzero(result.table["construct"] == first)
    table = result.table.take(at)
    units: list[tuple[str, tuple[object, ...]]] = [
        (level, (name,))
        for level, name in zip(table["level"], table["name"], strict=True)
    ]
    over = result.over
    return _board(
        table,
        units,
        [None] * len(units) if over is None else table[over].tolist(),
        joint=result.errors().take(at),
        words="index, 0–100",
        level=result.level,
        context=result.context,
    )


def _published(result: PublishedSeries) -> Board:
    terms = list(dict.fromkeys(result.table["term"]))
    term = "index" if "index" in terms else str(terms[0])
    table = result.of(term=term).current().table
    several = len(set(table["level"])) > 1
    units: list[tuple[str, tuple[object, ...]]] = [
        (level if several else "", (name,))
        for level, name in zip(table["level"], table["name"], strict=True)
    ]
    return _board(
        table,
        units,
        table["wave"].tolist(),
        joint=None,
        words=result.units.get(term, term),
        level=np.nan,
        context=result.context,
        missing="NM" if (table["status"] == "not measured").any() else "–",
    )


def _board(
    table: Table,
    keys: list[tuple[str, tuple[object, ...]]],
    waves: list[object],
    *,
    joint: Joint | None,
    words: str,
    level: float,
    context: Context,
    missing: str = "–",
) -> Board:
    """Lay rows out by unit and wave, each in the order of its first row."""
    if not np.isfinite(table["estimate"]).any():
        raise DataError(
            "there is no figure to draw",
            code="no-rows",
            remedy="the column reason or status of the result says why",
        )
    order = list(dict.fromkeys(keys))
    times = list(dict.fromkeys(waves))
    unit_of = {key: i for i, key in enumerate(order)}
    wave_of = {wave: j for j, wave in enumerate(times)}
    at = np.full((len(order), len(times)), -1)
    at[[unit_of[k] for k in keys], [wave_of[w] for w in waves]] = np.arange(len(keys))
    if "conf_low" not in table:
        none = np.full(len(table), np.nan)
        table = table.extended({"conf_low": none, "conf_high": none})
    columns = [table[name] for name in ("estimate", "conf_low", "conf_high")]
    laid = [np.where(at >= 0, column[at], np.nan) for column in columns]
    return Board(
        groups=tuple(group for group, _ in order),
        units=tuple(unit for _, unit in order),
        waves=tuple(times),
        estimate=laid[0],
        low=laid[1],
        high=laid[2],
        at=at,
        joint=joint,
        words=words,
        level=level,
        context=context,
        missing=missing,
    )
