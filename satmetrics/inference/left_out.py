"""Moments without some of the units, by subtraction from the sums or estimated anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.inference.protocol import Units
from satmetrics.inference.source import BATCH
from satmetrics.moment.moments import Moments
from satmetrics.moment.row_units import RowUnits

DELETE_ONE = 2000
"""Up to this many units each is left out on its own."""
GROUPS = 500
"""Groups left out in turn when there are more units."""
SEED = 1987
"""The groups are drawn with a fixed seed: results do not depend on the rng in use."""
ROWS = 2**13
"""Units whose contributions are held at once."""


@dataclass(frozen=True, eq=False)
class Groups:
    """What is left out in turn.

    Attributes
    ----------
    code : (U,) group of each unit.
    sums : (G, 3 + p + p*) what each group adds; (G, 0) where moments are no sums.
    size : (G,) units in it.
    stratum : (G,) its stratum, 0 … H − 1.
    stratified : whether the rest of a stratum is weighted up for what is left out.
    """

    code: IntArray
    sums: FloatArray
    size: IntArray
    stratum: IntArray
    stratified: bool

    @property
    def single(self) -> bool:
        """Whether units are left out one at a time."""
        return bool((self.size == 1).all())

    def batches(self, units: Units) -> Iterator[Moments]:
        """Yield the moments without each group, some hundreds at a time.

        ``T − t_g``; with strata ``T + (f − 1) T_h − f t_g``, ``f = U_h/(U_h − m_g)``,
        so that every stratum keeps its weight.
        """
        if isinstance(units, RowUnits):
            yield from self._anew(units)
            return
        total = self.sums.sum(axis=0)
        strata = np.zeros((int(self.stratum.max()) + 1, self.sums.shape[1]))
        np.add.at(strata, self.stratum, self.sums)
        held = np.bincount(self.stratum, self.size)[self.stratum]
        with np.errstate(divide="ignore", invalid="ignore"):
            f = held / (held - self.size) if self.stratified else np.ones(len(held))
            for start in range(0, len(self.sums), BATCH):
                part = slice(start, start + BATCH)
                up = f[part, None]
                extra = (up - 1) * strata[self.stratum[part]]
                yield units.of_sums(total + extra - up * self.sums[part])

    def _anew(self, units: RowUnits) -> Iterator[Moments]:
        """Estimate again without each group: counts 0 there, f in its stratum."""
        held = np.bincount(self.stratum, self.size)[self.stratum]
        of = self.stratum[self.code]
        for start in range(0, len(self.size), BATCH):
            g = np.arange(start, min(start + BATCH, len(self.size)))
            counts = np.ones((len(g), len(self.code)))
            if self.stratified:
                up = held[g] / (held[g] - self.size[g])
                counts = np.where(of == self.stratum[g, None], up[:, None], counts)
            yield units.moments(np.where(self.code == g[:, None], 0.0, counts))


def groups_of(units: Units) -> Groups:
    """Return single units, or beyond `DELETE_ONE` of them random groups.

    Groups are formed within strata, in proportion to their size and at least two in
    each.
    """
    U = units.n_units
    given = units.strata
    strata = np.zeros(U, dtype=np.int64) if given is None else np.asarray(given)
    _, strata = np.unique(strata, return_inverse=True)
    code = np.arange(U) if U <= DELETE_ONE else _random_groups(strata)
    G = int(code.max()) + 1
    stratum = np.zeros(G, dtype=np.int64)
    stratum[code] = strata
    return Groups(
        code=code,
        sums=np.zeros((G, 0)) if isinstance(units, RowUnits) else _sums(units, code, G),
        size=np.bincount(code, minlength=G),
        stratum=stratum,
        stratified=given is not None,
    )


def _random_groups(strata: IntArray) -> IntArray:
    """Return the group (U,) of each unit, of equal size but for one within strata."""
    rng = np.random.default_rng(SEED)
    code = np.empty(len(strata), dtype=np.int64)
    done = 0
    for h in range(int(strata.max()) + 1):
        here = np.flatnonzero(strata == h)
        share = max(2, round(GROUPS * len(here) / len(strata)))
        count = min(len(here), share)
        code[rng.permutation(here)] = done + np.arange(len(here)) * count // len(here)
        done += count
    return code


def _sums(units: Units, code: IntArray, G: int) -> FloatArray:
    order = np.argsort(code, kind="stable")
    out = np.zeros((G, units.parts(order[:0]).shape[1]))
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS]
        here = code[rows]
        starts = np.flatnonzero(np.r_[True, here[1:] != here[:-1]])
        out[here[starts]] += np.add.reduceat(units.parts(rows), starts, axis=0)
    return out
