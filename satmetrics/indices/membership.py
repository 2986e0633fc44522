"""Who belongs to whom, and with which weight: a frame of members, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices._aggregate import Tier
from satmetrics.indices.given_figures import labels_of
from satmetrics.survey._door import Grid, open_frame
from satmetrics.survey._groups import label_text
from satmetrics.survey._waves import natural_order

EQUAL, RESPONSES = "equal", "responses"
WEIGHTS = {"company": "revenue", "industry": "revenue", "sector": "gdp"}
SAME = 1e-9
"""Weights that differ by less than this, beside their size, are one number."""


@dataclass(frozen=True, eq=False)
class Membership:
    """A tree of units.

    Attributes
    ----------
    units : the units of each level, the lowest first, then the top.
    tiers : what leads from each level to the next.
    notes : how weights were made, and what was not used.
    """

    units: tuple[tuple[str, ...], ...]
    tiers: tuple[Tier, ...]
    notes: tuple[str, ...]


def read_members(
    members: object,
    levels: Sequence[str],
    shares: Mapping[str, str] | str | None,
    top: str,
    over: str | None,
    waves: Sequence[object],
) -> Membership:
    """Return the tree that a frame of members describes.

    Raises
    ------
    DataError
        If a unit is there twice, has no or two parents, or a weight is not a number of
        0 or more.
    OptionError
        If a level has no weight.
    """
    grid = open_frame(members)
    columns_present(levels, grid.names, where="members")
    words = _words(levels, shares)
    named = [w for w in words if w not in (EQUAL, RESPONSES)]
    columns_present(named, grid.names, where="members")
    rows, notes = _Rows.of(grid, levels, over, waves)
    made, said = rows.weights(grid, levels, words)
    return Membership(
        (*rows.units, (top,)),
        tuple(rows.tier(k, weight, len(waves)) for k, weight in enumerate(made)),
        (*notes, *said),
    )


def _words(
    levels: Sequence[str], shares: Mapping[str, str] | str | None
) -> tuple[str, ...]:
    """Return the weight of each level: a column, "equal" or "responses"."""
    if isinstance(shares, str):
        return (shares,) * len(levels)
    given = WEIGHTS if shares is None else dict(shares)
    if shares is not None:
        for name in given:
            if name not in levels:
                raise OptionError(
                    f"shares= names {name!r}, which is no level",
                    code="unknown-level",
                    column="shares",
                    value=name,
                    remedy=f"{did_you_mean(name, levels)} levels are "
                    f"{', '.join(levels)}",
                )
    for name in levels:
        if name not in given:
            raise OptionError(
                f"the weight of each {name} is not said",
                code="no-weight",
                column="shares",
                value=name,
                remedy=f'give shares={{"{name}": column, "equal" or "responses", …}}',
            )
    return tuple(given[name] for name in levels)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of members: their wave, and their unit at each level.

    Attributes
    ----------
    units : the units of each level.
    codes : (L + 1, m) unit of each row at each level; the top is one.
    wave : (m,) position of the wave; 0 where members are the same in all.
    used : (rows of the frame,) which ones those m are.
    n_waves : T, or 1.
    """

    units: tuple[tuple[str, ...], ...]
    codes: IntArray
    wave: IntArray
    used: BoolArray
    n_waves: int

    @classmethod
    def of(
        cls,
        grid: Grid,
        levels: Sequence[str],
        over: str | None,
        waves: Sequence[object],
    ) -> tuple[_Rows, tuple[str, ...]]:
        wave, used, notes = _wave_of(grid, over, waves)
        found = [_units(grid, name, used) for name in levels]
        codes = np.stack([*(c for _, c in found), np.zeros_like(found[0][1])])
        T = len(waves) if over is not None and over in grid else 1
        rows = cls(tuple(names for names, _ in found), codes, wave[used], used, T)
        rows._check(levels)
        return rows, notes

    def _check(self, levels: Sequence[str]) -> None:
        cell = self.codes[0] * self.n_waves + self.wave
        _, first, count = np.unique(cell, return_index=True, return_counts=True)
        if (count > 1).any():
            name = self.units[0][self.codes[0][first[np.argmax(count > 1)]]]
            raise DataError(
                f"members has {count.max()} rows for {levels[0]} {name!r}",
                code="member-twice",
                column=levels[0],
                value=name,
                remedy=f"give one row per {levels[0]}, or one per {levels[0]} and wave "
                "with over=",
            )
        for k in range(1, len(levels) - 1):
            self._one_parent(levels, k)

    def _one_parent(self, levels: Sequence[str], k: int) -> None:
        parent = self.parent(k)[self.codes[k], self.wave]
        other = np.flatnonzero(parent != self.codes[k + 1])
        if not len(other):
            return
        i = other[0]
        name = self.units[k][self.codes[k][i]]
        both = [self.units[k + 1][c] for c in (self.codes[k + 1][i], parent[i])]
        raise DataError(
            f"{levels[k]} {name!r} lies in two: {both[0]!r} and {both[1]!r}",
            code="two-parents",
            column=levels[k + 1],
            value=name,
            remedy=f"give each {levels[k]} one {levels[k + 1]}",
        )

    def parent(self, k: int) -> IntArray:
        """Return the parent (U, T) of the units of level k; −1 for no member."""
        found = np.full((len(self.units[k]), self.n_waves), -1)
        found[self.codes[k], self.wave] = self.codes[k + 1]
        return found

    def tier(self, k: int, weight: FloatArray | None, T: int) -> Tier:
        """Return the tier of level k for T waves."""
        shape = (len(self.units[k]), T)
        full = None if weight is None else np.broadcast_to(weight, shape).copy()
        above = len(self.units[k + 1]) if k + 1 < len(self.units) else 1
        return Tier(np.broadcast_to(self.parent(k), shape).copy(), full, above)

    def weights(
        self, grid: Grid, levels: Sequence[str], words: Sequence[str]
    ) -> tuple[list[FloatArray | None], tuple[str, ...]]:
        """Return the weight (U, T) of the units of each level, and how it was made."""
        made: list[FloatArray | None] = []
        notes = []
        for k, word in enumerate(words):
            if word == RESPONSES:
                made.append(None)
                notes.append(f"{levels[k]}: weighted by answers")
                continue
            if word == EQUAL:
                made.append((self.parent(k) >= 0).astype(np.float64))
                notes.append(f"{levels[k]}: weighted equally")
                continue
            lower = [j for j in range(k) if words[j] == word]
            values = self._values(grid, word, levels[0])
            j = lower[-1] if lower else self._constant(values, k)
            own = made[j] if lower else self._spread(values, j)
            assert own is not None
            made.append(self._summed(own, j, k))
            how = f", summed over each {levels[j]} in it" if j < k else ""
            notes.append(f"{levels[k]}: weighted by {word}{how}")
        return made, tuple(notes)

    def _values(self, grid: Grid, name: str, level: str) -> FloatArray:
        column = grid[name]
        values = column.values[self.used].astype(np.float64)
        if column.kind == "number":
            bad = np.flatnonzero(~(values >= 0) | np.isinf(values))
            if not len(bad):
                return values
            row, shown = bad[0], f"{values[bad[0]]:g}"
        else:
            row, shown = 0, "text"
        unit = self.units[0][self.codes[0][row]]
        raise DataError(
            f"{name} of {level} {unit!r} is {shown}",
            code="bad-weight",
            column=name,
            value=unit,
            remedy="give a number of 0 or more; 0 leaves it out of the mean",
        )

    def _constant(self, values: FloatArray, k: int) -> int:
        """Return the highest level up to k within whose units a weight is constant."""
        for j in range(k, 0, -1):
            own = self._spread(values, j)[self.codes[j], self.wave]
            if (np.abs(own - values) <= SAME * np.abs(values)).all():
                return j
        return 0

    def _spread(self, values: FloatArray, j: int) -> FloatArray:
        found = np.zeros((len(self.units[j]), self.n_waves))
        found[self.codes[j], self.wave] = values
        return found

    def _summed(self, values: FloatArray, j: int, k: int) -> FloatArray:
        """Return weights (U, T) of level j summed up to level k."""
        for i in range(j, k):
            parent = self.parent(i)
            above = np.zeros((len(self.units[i + 1]), self.n_waves))
            u, t = np.nonzero(parent >= 0)
            np.add.at(above, (parent[u, t], t), values[u, t])
            values = above
        return values


def _units(grid: Grid, name: str, used: BoolArray) -> tuple[tuple[str, ...], IntArray]:
    """Return the units of a level as people sort them, and that of each row."""
    labels: AnyArray = labels_of(grid[name])[used]
    absent = [i for i, v in enumerate(labels) if v is None]
    if absent:
        raise DataError(
            f"{len(absent)} rows of members have no {name}",
            code="key-missing",
            column=name,
            value=len(absent),
            remedy=f"give every row its {name}",
        )
    held = list(dict.fromkeys(labels.tolist()))
    names = tuple(held[i] for i in natural_order(held))
    code = {v: i for i, v in enumerate(names)}
    return names, np.array([code[v] for v in labels], dtype=np.int64)


def _wave_of(
    grid: Grid, over: str | None, waves: Sequence[object]
) -> tuple[IntArray, BoolArray, tuple[str, ...]]:
    """Return the wave of each row of members, and which rows are of a wave there is."""
    if over is None or over not in grid:
        return np.zeros(grid.n, dtype=np.int64), np.ones(grid.n, dtype=bool), ()
    place = {label_text(w): t for t, w in enumerate(waves)}
    labels = ["" if v is None else str(v) for v in labels_of(grid[over])]
    wave = np.array([place.get(v, -1) for v in labels], dtype=np.int64)
    used = wave >= 0
    if not used.any():
        raise DataError(
            f"no {over} of members is one of the figures",
            code="unknown-wave",
            column=over,
            value=labels[0] if labels else None,
            remedy=f"the figures are of {', '.join(place)}",
        )
    other = list(dict.fromkeys(v for v, u in zip(labels, used, strict=True) if not u))
    note = f"members of {over} {', '.join(other)} not used: there are no figures"
    return wave, used, (note,) if other else ()
