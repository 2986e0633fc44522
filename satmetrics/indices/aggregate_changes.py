"""Changes of figures that were added up, at every level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.indices.aggregate_result import AggregateResult, several
from satmetrics.indices.joint import Joint

STILL = "carried from an earlier wave, not measured again"


@dataclass(frozen=True, eq=False, repr=False)
class AggregateChanges(TableResult):
    """Changes of the figures of every level from wave to wave.

    Attributes
    ----------
    table : level, name, parent, the later wave, construct, n (both waves), estimate
        (later less earlier, positive is better), std_error, statistic, p_value,
        conf_low, conf_high, since (the earlier wave: the last one with a figure),
        reason.
    over : the column of the waves.
    target : the construct that summaries show.
    level : confidence level.
    joint : the changes, row by row, with what is known of their errors.
    """

    over: str = "wave"
    target: str | None = None
    level: float = 0.95
    joint: Joint | None = None

    def summary(self) -> Summary:
        """Return the changes of the target construct, the top first."""
        words = {
            "level": "level",
            "name": "name",
            self.over: self.over,
            "since": "since",
            **({"construct": "construct"} if several(self.table) else {}),
            "estimate": "change",
            "std_error": "std. error",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        table = self.table
        if self.target is not None and (table["construct"] == self.target).any():
            table = table.where(construct=self.target)
        places = {"estimate": 1, "conf_low": 1, "conf_high": 1, "std_error": 2}
        body = section("", table, words, decimals=places, max_rows=40)
        notes = (
            "points; positive is better",
            "errors allow for respondents, clusters and carried figures that both "
            "waves share; weights are taken as known",
            *self.context.sentences(),
            *self._reasons(),
        )
        return Summary(f"Change by {self.over}", self.context.facts(), (body,), notes)


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows of a level by unit, wave and construct.

    Attributes
    ----------
    at : (U, T, K) row of the table; −1 for none.
    units : (U,) names.
    """

    at: IntArray
    units: AnyArray


def _waves(result: AggregateResult) -> list[object]:
    """Return the waves in order; the top has a row for each."""
    if result.over is None:
        raise DataError(
            "the figures have no waves, so nothing changed",
            code="no-waves",
            remedy='aggregate figures by wave, with over="wave"',
        )
    top = result.table.where(level=result.top)
    waves = list(dict.fromkeys(top[result.over].tolist()))
    if len(waves) < 2:
        raise DataError(
            f"there is one {result.over} only, so nothing changed",
            code="one-wave",
            column=result.over,
            remedy="give figures of two waves or more",
        )
    return waves


def grid_of(result: AggregateResult, level: str) -> Grid:
    """Return where the figures of a level stand in the table."""
    table = result.table
    rows = np.flatnonzero(table["level"] == level)
    axes = []
    waves, constructs = _waves(result), list(dict.fromkeys(table["construct"]))
    units = list(dict.fromkeys(table["name"][rows]))
    for name, held in (
        ("name", units),
        (str(result.over), waves),
        ("construct", constructs),
    ):
        place = {label: i for i, label in enumerate(held)}
        axes.append(np.array([place[v] for v in table[name][rows].tolist()]))
    at = np.full((len(units), len(waves), len(constructs)), -1)
    at[tuple(axes)] = rows
    return Grid(at, np.asarray(units, dtype=object))


def changes_of(result: AggregateResult) -> AggregateChanges:
    """Return the change of every unit since its last earlier figure."""
    estimate = result.errors().estimate
    pairs = []
    for level in (result.top, *reversed(result.levels)):
        at = grid_of(result, level).at
        found = steps_of(at, estimate)
        pairs.append((at[found.unit, found.since, found.construct], found.row(at)))
    earlier, later = (np.concatenate(part) for part in zip(*pairs, strict=True))
    table = result.table
    low, high = table.take(earlier), table.take(later)
    rows = np.arange(len(later))
    joint = result.errors().combined(
        np.concatenate([rows, rows]),
        np.concatenate([later, earlier]),
        np.repeat([1.0, -1.0], len(rows)),
    )
    reason = np.array(
        [a or b for a, b in zip(low["reason"], high["reason"], strict=True)],
        dtype=object,
    )
    reason[(reason == "") & (high["carried"] == 1) & (high["age"] >= 1)] = STILL
    over = str(result.over)
    keys = ("level", "name", "parent", over)
    made = Table.of(
        {
            **{name: high[name] for name in (*keys, "construct")},
            "n": low["n"] + high["n"],
            **joint.test_columns(result.level),
            "since": low[over],
            "reason": reason,
        },
        keys=keys,
    )
    return AggregateChanges(
        made, result.context, over, result.target, result.level, joint
    )


@dataclass(frozen=True, eq=False)
class Steps:
    """Changes: a unit's figure of a wave, and the last one before it, (Q,) each."""

    unit: IntArray
    construct: IntArray
    since: IntArray
    wave: IntArray

    def row(self, at: IntArray) -> IntArray:
        """Return the row of the later figure."""
        return np.asarray(at[self.unit, self.wave, self.construct])

    def by_wave(self) -> Steps:
        """Return the changes in the order of the later wave."""
        at = np.lexsort((self.construct, self.unit, self.wave))
        return Steps(self.unit[at], self.construct[at], self.since[at], self.wave[at])


def steps_of(at: IntArray, estimate: FloatArray) -> Steps:
    """Return the changes among rows (U, T, K) that have a figure."""
    known = (at >= 0) & np.isfinite(estimate[at])
    wave = np.broadcast_to(np.arange(at.shape[1])[:, None], at.shape)
    last = np.maximum.accumulate(np.where(known, wave, -1), axis=1)
    before = np.concatenate([np.full_like(last[:, :1], -1), last[:, :-1]], axis=1)
    made = (known & (before >= 0)).transpose(0, 2, 1)
    unit, construct, later = np.nonzero(made)
    return Steps(unit, construct, before[unit, later, construct], later)
