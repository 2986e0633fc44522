"""What `sat.indices.scoreboard` returns: the levels in one table, and their parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Result
from satmetrics._typing import AnyArray
from satmetrics.estimation.fit import PlsFit
from satmetrics.indices.aggregate_changes import AggregateChanges
from satmetrics.indices.aggregate_result import AggregateResult
from satmetrics.indices.changes import ChangeResult
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.invariance_result import UnitInvariance
from satmetrics.indices.rank_result import RankingResult
from satmetrics.indices.usable_units import Sound

if TYPE_CHECKING:
    import pandas as pd

MOVED = {"change": "estimate", "change_low": "conf_low", "change_high": "conf_high"}


@dataclass(frozen=True, eq=False, repr=False)
class ScoreboardResult(Result):
    """Indices of all levels, with changes, ranks and what became of each unit.

    Attributes
    ----------
    context : origin of the answers, and what was left out.
    unit, over : key columns of the units and of the waves.
    target : the construct of ranks and summaries.
    fit : the model, a batch where weights were estimated within groups.
    index : the indices of the units.
    aggregates : the levels above, where members were given.
    changes : from wave to wave, where there are several; of all levels.
    ranking : of the units in the last wave, within the level above if there is one.
    invariance : whether units measure alike, where that was checked.
    status : unit, n, waves with a figure, status ("measured", "in part", "no figure",
        "set aside", "no answers") and reason.
    """

    context: Context
    unit: str
    over: str | None
    target: str
    fit: PlsFit
    index: IndexResult
    aggregates: AggregateResult | None = None
    changes: ChangeResult | AggregateChanges | None = None
    ranking: RankingResult | None = None
    invariance: UnitInvariance | None = None
    status: Table = field(default_factory=lambda: Table((), ()))

    def to_frame(self) -> pd.DataFrame:
        """Return a row per level, name, wave and construct, with its change."""
        return self.table().to_frame()

    def table(self) -> Table:
        """Return `to_frame` as a table."""
        keys = ("level", "name", *((self.over,) if self.over else ()))
        if self.aggregates is not None:
            figures = self.aggregates.table
        else:
            figures = _as_level(self.index.table, self.unit)
        if self.changes is None:
            return figures
        moved = self.changes.table
        if isinstance(self.changes, ChangeResult):
            moved = _as_level(moved, self.unit)
        return figures.extended(_beside(figures, moved, keys), keys=keys)

    def status_frame(self) -> pd.DataFrame:
        """Return `status` as a frame."""
        return self.status.to_frame()

    def summary(self) -> Summary:
        """Return the top and the levels below it, the ranks, and units with faults."""
        table = self.table().where(construct=self.target)
        level = self.index.level
        words = {
            "name": "name",
            **({self.over: self.over} if self.over else {}),
            "n": "n",
            "estimate": "index",
            "conf_low": f"{100 * level:g} % low",
            "conf_high": "high",
            **(
                {"change": "change", "change_low": "low", "change_high": "high"}
                if "change" in table
                else {}
            ),
        }
        sections = [
            _shown(name, table, self.over, words)
            for name in dict.fromkeys(table["level"])
        ]
        notes = [self.index.credit] if self.index.credit else []
        if self.ranking is not None:
            notes += self.ranking.invariance
        facts = (
            *self.context.facts(),
            ("model", self.index.model),
            ("construct", self.target),
            *self._counted(),
        )
        return Summary(
            "Scoreboard, 0–100",
            facts,
            (*sections, *self._ranks(), *self._faults()),
            (*notes, *self.context.sentences()),
        )

    def _counted(self) -> tuple[tuple[str, str], ...]:
        states = list(self.status["status"])
        return tuple(
            (f"{self.unit}: {state}", f"{states.count(state):,}")
            for state in dict.fromkeys(states)
        )

    def _ranks(self) -> tuple[Section, ...]:
        if self.ranking is None:
            return ()
        words = {
            **{k: k for k in (*self.ranking.within, *self.ranking.unit)},
            "estimate": "index",
            "rank": "rank",
            "rank_low": "from",
            "rank_high": "to",
            "letters": "letters",
        }
        own = {k: v for k, v in words.items() if k in self.ranking.table}
        table = self.ranking.table
        body = section(
            "Ranks in the last wave" if self.over else "Ranks",
            table,
            own,
            decimals={"estimate": 1, "rank": 0, "rank_low": 0, "rank_high": 0},
            max_rows=30,
        )
        return (body,)

    def _faults(self) -> tuple[Section, ...]:
        odd = self.status.take(np.flatnonzero(self.status["reason"] != ""))
        if not len(odd):
            return ()
        words = {"name": self.unit, "status": "status", "reason": "reason"}
        return (section("Units to look at", odd, words, max_rows=30),)


def _shown(name: str, table: Table, over: str | None, words: dict[str, str]) -> Section:
    """Return the rows of a level: all waves of a few units, else the last wave."""
    rows = table.where(level=name)
    several = len(set(rows["name"])) > 1
    if over is not None and several:
        rows = rows.where(**{over: rows[over][_latest(rows)]})
    places = dict.fromkeys(
        ("estimate", "conf_low", "conf_high", "change", "change_low", "change_high"), 1
    )
    heading = f"{name}, last wave" if over is not None and several else name
    return section(heading, rows, words, decimals=places, max_rows=30)


def _latest(rows: Table) -> int:
    """Return a row of the last wave: rows of one unit stand in the order of waves."""
    names = rows["name"]
    return int(np.flatnonzero(names == names[0])[-1])


def _as_level(table: Table, unit: str) -> Table:
    """Return a table whose units stand under level and name."""
    columns = {n: table[n] for n in table.names if n != unit}
    made = {"level": [unit] * len(table), "name": table[unit], **columns}
    return Table.of(made, keys=("level", "name"))


def _beside(figures: Table, moved: Table, keys: tuple[str, ...]) -> dict[str, AnyArray]:
    """Return the columns of change for each figure; NaN where there is none."""
    names = (*keys, "construct")
    rows = zip(*(moved[name] for name in names), strict=True)
    at = {row: i for i, row in enumerate(rows)}
    wanted = zip(*(figures[name] for name in names), strict=True)
    place = np.array([at.get(row, -1) for row in wanted], dtype=np.int64)
    since = np.array([*moved["since"], ""], dtype=object)[place]
    found: dict[str, AnyArray] = {
        name: np.append(moved[source], np.nan)[place] for name, source in MOVED.items()
    }
    return {**found, "since": np.array([str(v) for v in since], dtype=object)}


def unit_status(
    figures: IndexResult, unit: str, sound: Sound, made: AggregateResult | None
) -> Table:
    """Return what became of each unit."""
    table = figures.table
    places: dict[str, list[int]] = {}
    for k, name in enumerate(table[unit]):
        places.setdefault(str(name), []).append(k)
    known = np.isfinite(table["estimate"])
    rows = {
        name: _state(table["n"][at], known[at], table["reason"][at])
        for name, at in places.items()
    }
    for name, why in sound.broken.items():
        rows[name] = (sound.rows[name], 0, "set aside", why)
    listed = [] if made is None else _listed(made, unit)
    for name in listed:
        rows.setdefault(name, (0, 0, "no answers", "no answers of this unit"))
    columns = zip(*rows.values(), strict=True)
    words = ("n", "waves", "status", "reason")
    found = dict(zip(words, map(list, columns), strict=True))
    return Table.of({"name": list(rows), **found}, keys=("name",))


def _listed(made: AggregateResult, unit: str) -> list[str]:
    own = made.table.where(level=unit)
    return [str(name) for name in dict.fromkeys(own["name"])]


def _state(
    n: AnyArray, known: AnyArray, reasons: AnyArray
) -> tuple[int, int, str, str]:
    said = "; ".join(dict.fromkeys(str(r) for r in reasons if r))
    total, waves = int(n.sum()), int(known.sum())
    if not waves:
        return total, 0, "no figure", said
    return total, waves, "measured" if waves == len(known) else "in part", said
