"""Respondents whose group labels change places: the null hypothesis of no difference.

If the groups are alike, every assignment of the labels to the respondents is equally
likely; the moments of permuted groups are one matrix product of 0/1 assignments and
respondents' contributions (Chin and Dibbern 2010, doi:10.1007/978-3-540-32827-8_8).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.inference import _permute
from satmetrics.inference._resample import gathered
from satmetrics.moment.contributions import Contributions
from satmetrics.moment.moments import Moments
from satmetrics.moment.row_units import RowUnits
from satmetrics.moment.unit_sums import UnitSums

AnyUnits = Contributions | UnitSums | RowUnits
MEMBERS = 500
"""Groups of permuted samples fitted at once: their matrices stay in cache."""
ROW_MEMBERS = 60
"""The same where each is estimated anew from rows."""


@dataclass(frozen=True, eq=False)
class Grouped:
    """Units (respondents, or clusters as a whole) and the group of each.

    Attributes
    ----------
    units : the U units of any group.
    codes : (U,) group of each.
    keys : one row of key values per group.
    """

    units: AnyUnits
    codes: IntArray
    keys: Table

    @property
    def n_groups(self) -> int:
        """Number of groups G."""
        return len(self.keys)

    @property
    def names(self) -> tuple[str, ...]:
        """What each group is called: its key values, joined."""
        columns = zip(*self.keys.columns, strict=True)
        return tuple(" / ".join(map(str, row)) for row in columns)

    @property
    def context(self) -> Context:
        """Origin of the rows and what was left out."""
        return self.units.context

    @property
    def exchanged(self) -> tuple[str, ...]:
        """What changes places, for people; empty for plain respondents."""
        within = "" if self.units.strata is None else " within strata"
        if self.units.kind == "clusters":
            return (f"clusters changed groups as a whole{within}",)
        return (f"respondents changed groups{within}",) if within else ()

    def noted(self, notes: tuple[str, ...]) -> Grouped:
        """Return the same with more notes in the context."""
        context = self.context.plus(notes=notes)
        return dataclasses.replace(
            self, units=dataclasses.replace(self.units, context=context)
        )

    def moments(self) -> Moments:
        """Return the moments of the groups, as a batch."""
        member = self.codes == np.arange(self.n_groups)[:, None]
        made = self.units.moments(np.asarray(member, dtype=np.float64))
        return dataclasses.replace(made, keys=self.keys)

    def pooled(self) -> Moments:
        """Return the moments of all respondents together."""
        return self.units.moments()

    def subset(self, groups: Sequence[int]) -> Grouped:
        """Return the units of some groups, numbered in the order given."""
        place = np.full(self.n_groups, -1, dtype=np.int64)
        place[list(groups)] = np.arange(len(groups))
        codes = place[self.codes]
        rows = np.flatnonzero(codes >= 0)
        return Grouped(
            _taken(self.units, rows), codes[rows], self.keys.take(np.array(groups))
        )

    def permuted(self, n_draws: int, rng: np.random.Generator) -> Iterator[Moments]:
        """Yield batches of the moments of permuted groups.

        A batch of b permutations holds b · G members: the groups of the first, then
        those of the second …
        """
        made = _from_rows if isinstance(self.units, RowUnits) else _from_sums
        blocks = _permute.permuted_codes(self.codes, n_draws, rng, self.units.strata)
        return made(self, blocks)

    def check_exchange(self) -> None:
        """Raise if no unit can change its group because strata are groups."""
        strata = self.units.strata
        if strata is None:
            return
        pairs = np.unique(np.stack([strata, self.codes]), axis=1)
        if np.bincount(pairs[0]).max(initial=0) < 2:
            raise DataError(
                "every stratum lies in one group, so that no respondent can change "
                "groups within a stratum",
                code="groups-are-strata",
                remedy='use method="welch", or leave the role stratum out',
            )

    def check_variance(self) -> None:
        """Raise if a stratum holds one unit only of a group, which then cannot vary."""
        clustered = self.units.kind == "clusters"
        if not clustered and self.units.strata is None:
            return
        strata = np.zeros(len(self.codes), dtype=np.int64)
        cell = strata if self.units.strata is None else self.units.strata
        lone = np.bincount(self.codes * (int(cell.max()) + 1) + cell) == 1
        if not lone.any():
            return
        group = self.names[int(np.flatnonzero(lone)[0]) // (int(cell.max()) + 1)]
        one = "cluster" if clustered else "respondent"
        raise DataError(
            f"group {group!r} has one {one} only in a stratum: its variance cannot be "
            "estimated",
            code=f"lone-{one}",
            value=group,
            remedy="merge strata, or leave the role out",
        )


def _from_sums(groups: Grouped, blocks: Iterator[IntArray]) -> Iterator[Moments]:
    units, G = groups.units, groups.n_groups
    add = _adder(units)
    total = add(np.ones((1, units.n_units)))[0]
    sums = (
        _permute.group_sums(codes, G, total, add).reshape(-1, len(total))
        for codes in blocks
    )
    for held in gathered(sums, MEMBERS, len):
        yield units.of_sums(np.concatenate(held))


def _from_rows(groups: Grouped, blocks: Iterator[IntArray]) -> Iterator[Moments]:
    step = max(1, ROW_MEMBERS // groups.n_groups)
    for block in blocks:
        for start in range(0, len(block), step):
            codes = block[start : start + step]
            member = codes[:, None, :] == np.arange(groups.n_groups)[:, None]
            counts = np.asarray(member, dtype=np.float64)
            yield groups.units.moments(counts.reshape(-1, codes.shape[1]))


def _taken(units: AnyUnits, rows: IntArray) -> AnyUnits:
    """Return some of the units, with strata and clusters numbered from 0."""
    strata = units.strata
    if strata is not None:
        strata = np.unique(strata[rows], return_inverse=True)[1].ravel()
    if isinstance(units, UnitSums):
        return dataclasses.replace(units, sums=units.sums[rows], strata=strata)
    if isinstance(units, Contributions):
        Z, w = units.Z[rows], units.w[rows]
        return dataclasses.replace(units, Z=Z, w=w, strata=strata)
    unit = units.unit
    if unit is not None:
        place = np.full(units.n_units, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        rows, unit = np.flatnonzero(place[unit] >= 0), place[unit]
        unit = unit[rows]
    X, w = units.X[rows], units.w[rows]
    return dataclasses.replace(units, X=X, w=w, unit=unit, strata=strata)


def _adder(units: AnyUnits) -> Callable[[FloatArray], FloatArray]:
    """Return a function from counts (B, U) to sums (B, m)."""
    if isinstance(units, Contributions):
        return units.summer()
    every = np.arange(units.n_units)
    sums = units.parts(every)
    return lambda counts: counts @ sums
