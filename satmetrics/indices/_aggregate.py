"""Figures of units rolled up a tree as linear maps: arrays in, arrays out.

Letters: U units of a level, T waves, K constructs, R figures; a cell is a unit in a
wave for a construct, numbered ``(u T + t) K + k``. C cells of a level.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Tier:
    """How the units of one level belong to those of the next.

    Attributes
    ----------
    parent : (U, T) unit of the next level; −1 where a unit is no member in a wave.
    weight : (U, T) of a unit within its parent; None: its answers.
    above : units of the next level.
    """

    parent: IntArray
    weight: FloatArray | None
    above: int


@dataclass(frozen=True, eq=False)
class Level:
    """The cells of one level.

    Attributes
    ----------
    exists, known : (C,) whether a cell is there, and whether it has a figure.
    answers : (C,) answers behind the figure.
    members, missing : (C,) members of the cell with and without a figure.
    covered : (C,) share of the weight, down to the lowest level, that has a figure.
    carried, age : (C,) share of the weight carried from earlier waves, and how many
        waves old the figure is, a weighted mean.
    share : (C,) weight within the parent, over members with a figure; 1 at the top.
    parent : (C,) cell of the next level; −1 for none.
    source : (C,) the cell whose figure this is: itself unless carried.
    made : (C, R) the figures as combinations of those given.
    """

    exists: BoolArray
    known: BoolArray
    answers: IntArray
    members: IntArray
    missing: IntArray
    covered: FloatArray
    carried: FloatArray
    age: FloatArray
    share: FloatArray
    parent: IntArray
    source: IntArray
    made: csr_array


def roll_up(
    at: IntArray, answers: IntArray, tiers: Sequence[Tier], measured: int | None
) -> list[Level]:
    """Return the cells of all levels, the lowest first, the top last.

    Parameters
    ----------
    at : (U, T, K) position of each figure; −1 for none.
    answers : (R,) behind each figure.
    tiers : from the lowest level up; the last one leads to the top.
    measured : the level whose units keep their last figure until measured again; None
        for figures of the wave alone.
    """
    T, K = at.shape[1:]
    level = _lowest(at, answers, tiers[0])
    found = []
    for k, tier in enumerate(tiers):
        if k == measured:
            level = _carry(level, T, K)
        level, above = _up(level, tier, K)
        found.append(level)
        level = above
    return [*found, level]


def _lowest(at: IntArray, answers: IntArray, tier: Tier) -> Level:
    from scipy.sparse import coo_array

    cell = at.ravel()
    known = cell >= 0
    C = len(cell)
    own = np.flatnonzero(known)
    shape = (C, len(answers))
    none = np.zeros(C, dtype=np.int64)
    return Level(
        exists=np.repeat((tier.parent >= 0).ravel(), at.shape[2]),
        known=known,
        answers=np.where(known, np.append(answers, 0)[cell], 0),
        members=none,
        missing=none,
        covered=known.astype(np.float64),
        carried=np.zeros(C),
        age=np.zeros(C),
        share=np.ones(C),
        parent=none - 1,
        source=np.arange(C),
        made=coo_array((np.ones(len(own)), (own, cell[own])), shape=shape).tocsr(),
    )


def _carry(level: Level, T: int, K: int) -> Level:
    """Give cells without a figure the last one their unit had in an earlier wave."""
    known = level.known.reshape(-1, T, K)
    wave = np.broadcast_to(np.arange(T)[:, None], known.shape)
    last = np.maximum.accumulate(np.where(known, wave, -1), axis=1)
    taken = (last >= 0) & ~known & level.exists.reshape(known.shape)
    age = np.where(taken, wave - last, 0).ravel()
    source = np.arange(known.size) - age * K
    return dataclasses.replace(
        level,
        known=level.known[source],
        answers=level.answers[source],
        members=level.members[source],
        missing=level.missing[source],
        covered=level.covered[source],
        carried=taken.ravel().astype(np.float64),
        age=age.astype(np.float64),
        source=source,
        made=level.made[source],
    )


def _up(level: Level, tier: Tier, K: int) -> tuple[Level, Level]:
    """Return the level with its weights, and the next one."""
    from scipy.sparse import coo_array

    T = tier.parent.shape[1]
    C = tier.above * T * K
    t, k = np.arange(T)[:, None], np.arange(K)
    base = (tier.parent * T + t.T)[:, :, None] * K + k
    parent = np.where(tier.parent[:, :, None] >= 0, base, -1).ravel()
    inside = np.flatnonzero(parent >= 0)
    p, known = parent[inside], level.known[inside]
    weight = _weights(level, tier, K)[inside]

    def summed(values: FloatArray | IntArray | BoolArray) -> FloatArray:
        return np.bincount(p, values, minlength=C).astype(np.float64)

    got = summed(weight * known)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(got[p] > 0, weight * known / got[p], 0.0)
        covered = summed(weight * level.covered[inside]) / summed(weight)
    used = share > 0
    entries = (share[used], (p[used], inside[used]))
    made = coo_array(entries, shape=(C, len(parent))).tocsr() @ level.made
    shares = np.zeros(len(parent))
    shares[inside] = share
    above = Level(
        exists=np.bincount(p, minlength=C) > 0,
        known=got > 0,
        answers=summed(level.answers[inside] * known).astype(np.int64),
        members=summed(known).astype(np.int64),
        missing=summed(~known).astype(np.int64),
        covered=np.where(got > 0, np.nan_to_num(covered), 0.0),
        carried=summed(share * level.carried[inside]),
        age=summed(share * level.age[inside]),
        share=np.ones(C),
        parent=np.full(C, -1),
        source=np.arange(C),
        made=made,
    )
    return dataclasses.replace(level, share=shares, parent=parent), above


def _weights(level: Level, tier: Tier, K: int) -> FloatArray:
    if tier.weight is None:
        return level.answers.astype(np.float64)
    return np.repeat(tier.weight.ravel(), K)


@dataclass(frozen=True, eq=False)
class Equations:
    """What a reader knows to hold among the cells of all levels, numbered together.

    Attributes
    ----------
    line, cell, value : (m,) entries.
    """

    line: IntArray
    cell: IntArray
    value: FloatArray


def equations(levels: Sequence[Level]) -> Equations:
    """Return that parents are means of members, and carried figures those carried."""
    line, cell, value = [], [], []
    start, lines = 0, 0
    for level in levels:
        C = len(level.known)
        above = start + C
        member = np.flatnonzero(level.share * (level.parent >= 0) > 0)
        parents, at = np.unique(level.parent[member], return_inverse=True)
        line += [lines + at, lines + np.arange(len(parents))]
        cell += [start + member, above + parents]
        value += [level.share[member], np.full(len(parents), -1.0)]
        lines += len(parents)
        moved = np.flatnonzero(level.source != np.arange(C))
        own = lines + np.arange(len(moved))
        line += [own, own]
        cell += [start + moved, start + level.source[moved]]
        value += [np.ones(len(moved)), np.full(len(moved), -1.0)]
        lines += len(moved)
        start = above
    return Equations(np.concatenate(line), np.concatenate(cell), np.concatenate(value))
