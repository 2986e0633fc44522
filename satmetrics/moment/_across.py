"""Errors of means of groups over sampled units: arrays in, arrays out.

Letters: n rows, q columns, G groups, C sampled units, H strata, c cells (a unit within
a group), D columns of one estimate. Nothing loops over rows, units or groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._column_means import Rows, influences

DENSE = 0.2
"""Share of filled cells from which a full matrix is faster than a sparse one."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The units within groups that hold rows.

    Attributes
    ----------
    at : (n,) cell of each row.
    unit, group : (c,) of each cell.
    strata : (C,) stratum of each unit, see `own_strata`.
    n_groups : G.
    """

    at: IntArray
    unit: IntArray
    group: IntArray
    strata: IntArray
    n_groups: int

    @classmethod
    def of(cls, rows: Rows) -> Cells:
        """Find the cells of rows whose sampled units are known."""
        if rows.unit is None or rows.strata is None:
            raise ValueError("rows without sampled units")
        C = len(rows.strata)
        cells, at = np.unique(rows.codes * C + rows.unit, return_inverse=True)
        unit, group = cells % C, cells // C
        strata = own_strata(unit, group, rows.strata)
        return cls(at.ravel(), unit, group, strata, rows.n_groups)

    @property
    def n_strata(self) -> int:
        """H."""
        return int(self.strata.max(initial=-1)) + 1

    @cached_property
    def layer(self) -> tuple[IntArray, IntArray]:
        """Stratum within a group of each cell (c,), and the group of each of those."""
        H = self.n_strata
        found, at = np.unique(
            self.group * H + self.strata[self.unit], return_inverse=True
        )
        return at.ravel(), found // H

    def apart(self) -> bool:
        """Return whether groups are samples of their own.

        No unit holds rows of two groups, and what each stratum gives to a group has two
        units at least, unless it is all that the group has.
        """
        if (np.bincount(self.unit, minlength=1) > 1).any():
            return False
        at, group = self.layer
        lone = np.bincount(at, minlength=len(group)) == 1
        strata = np.bincount(group, minlength=self.n_groups)
        return not bool((lone & (strata[group] > 1)).any())

    def own_covariance(self, influence: Sequence[FloatArray]) -> FloatArray:
        """Return covariances (G, D, D) of groups that are samples of their own.

        ``Σ_h n_gh/(n_gh − 1) Σ_c (u_c − ū_gh)(u_c − ū_gh)ᵀ`` over the n_gh units of
        stratum h in group g; NaN where a group is one unit.
        """
        at, group = self.layer
        size = np.bincount(at, minlength=len(group)).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(size > 1, size / (size - 1), np.nan)
        left = []
        for x in influence:
            u = np.bincount(self.at, x, minlength=len(self.unit))
            mean = np.bincount(at, u, minlength=len(group)) / size
            left.append((u - mean[at]) * np.sqrt(factor)[at])
        return products(left, Rows(self.group, self.n_groups))

    def covariance(self, influence: Sequence[FloatArray]) -> FloatArray:
        """Return the covariance (GD, GD) of D estimates in every group, group-major.

        ``Σ_h n_h/(n_h − 1) Σ_c (u_hc − ū_h)(u_hc − ū_h)ᵀ``, u_hc the summed influence
        values (n,) of a unit in all groups: also between groups, through the units they
        share (Woodruff 1971, doi:10.1080/01621459.1971.10482279).
        """
        K, H = self.n_groups * len(influence), self.n_strata
        u, unit, column = self.totals(influence)
        stratum = self.strata[unit]
        scaled = u * np.sqrt(self.factor[stratum])
        own = _gram(scaled, unit, column, (len(self.strata), K))
        T = np.bincount(stratum * K + column, u, minlength=H * K).reshape(H, K)
        return own - (T * (self.factor / self.sizes)[:, None]).T @ T

    def totals(
        self, influence: Sequence[FloatArray]
    ) -> tuple[FloatArray, IntArray, IntArray]:
        """Return the summed influence values (Dc,) of units, their unit and estimate.

        Estimates are numbered group by group: d of group g is g D + d.
        """
        D, c = len(influence), len(self.unit)
        u = np.concatenate([np.bincount(self.at, x, minlength=c) for x in influence])
        column = np.concatenate([self.group * D + d for d in range(D)])
        return u, np.tile(self.unit, D), column

    @cached_property
    def sizes(self) -> IntArray:
        """Units n_h of each stratum (H,)."""
        return np.bincount(self.strata, minlength=self.n_strata)

    @cached_property
    def factor(self) -> FloatArray:
        """n_h/(n_h − 1) of each stratum (H,); NaN for one unit."""
        with np.errstate(divide="ignore"):
            return np.where(self.sizes > 1, self.sizes / (self.sizes - 1), np.nan)

    @cached_property
    def whole_degrees(self) -> FloatArray:
        """`degrees` of all rows."""
        return self.degrees(np.ones(len(self.at), dtype=bool))

    def degrees(self, seen: BoolArray) -> FloatArray:
        """Return units less strata of every pair of groups (G, G); NaN below 1.

        The diagonal is that of one group alone. `seen` (n,) says which rows count.
        """
        G, H = self.n_groups, self.n_strata
        used = np.bincount(self.at, seen, minlength=len(self.unit)) > 0
        unit, group = self.unit[used], self.group[used]
        shared = _gram(np.ones(len(unit)), unit, group, (len(self.strata), G))
        layers = np.bincount(self.strata[unit] * G + group, minlength=H * G)
        S = (layers.reshape(H, G) > 0).astype(np.float64)
        pairs = _union(shared) - _union(S.T @ S)
        return np.where(pairs >= 1, pairs, np.nan)

    def all_degrees(self, seen: BoolArray) -> float:
        """Return units less strata of all groups together."""
        used = np.bincount(self.at, seen, minlength=len(self.unit)) > 0
        unit = self.unit[used]
        count = (np.bincount(unit, minlength=1) > 0).sum()
        strata = (np.bincount(self.strata[unit], minlength=1) > 0).sum()
        return float(count - strata)

    def own_degrees(self, seen: BoolArray) -> FloatArray:
        """Return units less strata of each group (G,); NaN below 1."""
        at, group = self.layer
        used = np.bincount(self.at, seen, minlength=len(self.unit)) > 0
        units = np.bincount(self.group[used], minlength=self.n_groups)
        there = np.bincount(at, used, minlength=len(group)) > 0
        found = units - np.bincount(group[there], minlength=self.n_groups)
        return np.where(found >= 1, found, np.nan)


def own_strata(unit: IntArray, group: IntArray, strata: IntArray) -> IntArray:
    """Return strata (C,) divided among groups that share no units.

    Groups linked by units they share, such as the waves of one company, are a sample of
    their own, with as many units as they have: the errors of six clusters followed over
    two waves are those of six, however many clusters other companies have. Units alone
    in their part of a stratum stay together, or with its largest part if there is one.

    Parameters
    ----------
    unit, group : (c,) of the cells.
    strata : (C,) stratum of each unit.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    C, G = len(strata), int(group.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(unit)), (unit, C + group)), shape=(C + G, C + G))
    linked = connected_components(graph, directed=False)[1][:C]
    pairs = strata * (int(linked.max(initial=0)) + 1) + linked
    _, part = np.unique(pairs, return_inverse=True)
    size = np.bincount(part)[part] if C else part
    lone = size < 2
    left = np.bincount(strata, lone)[strata] if C else part
    first = np.full(int(strata.max(initial=-1)) + 1, 0)
    order = np.argsort(size, kind="stable")
    first[strata[order]] = part[order]  # the last of a stratum is of its largest part
    rest = np.where(left == 1, first[strata], C + strata)
    return np.unique(np.where(lone, rest, part), return_inverse=True)[1]


@dataclass(frozen=True)
class Errors:
    """Errors of q means in G groups over sampled units.

    Attributes
    ----------
    std_error, df : (G, q); NaN for a group that is one unit.
    V : (q, G, G) covariance of the means; None where groups are samples of their own.
    pair_df : (q, G, G) degrees of freedom of differences; None with V.
    """

    std_error: FloatArray
    df: FloatArray
    V: FloatArray | None = None
    pair_df: FloatArray | None = None


def sampled_group_errors(columns: Iterable[FloatArray], rows: Rows) -> Errors:
    """Return the errors of the means of every column (n,) over sampled units.

    Groups whose units are theirs alone are independent samples. Where units or strata
    are shared, the means of groups covary.
    """
    cells = Cells.of(rows)
    if cells.apart():
        found = [_own(column, rows, cells) for column in columns]
        var, df = (np.stack(part, axis=1) for part in zip(*found, strict=True))
        return Errors(np.sqrt(var), df)
    both = [_shared(column, rows, cells) for column in columns]
    V, pair_df = (np.stack(part) for part in zip(*both, strict=True))
    var, df = (np.diagonal(x, axis1=1, axis2=2).T for x in (V, pair_df))
    return Errors(np.sqrt(np.maximum(var, 0.0)), df, V, pair_df)


def _own(column: FloatArray, rows: Rows, cells: Cells) -> tuple[FloatArray, FloatArray]:
    seen = np.isfinite(column)
    (u,) = influences([column], rows)
    df = cells.own_degrees(seen)
    var = cells.own_covariance([u])[:, 0, 0]
    return np.where(np.isnan(df), np.nan, var), df


def _shared(
    column: FloatArray, rows: Rows, cells: Cells
) -> tuple[FloatArray, FloatArray]:
    seen = np.isfinite(column)
    df = cells.whole_degrees if seen.all() else cells.degrees(seen)
    alone = np.isnan(np.diagonal(df))
    V = cells.covariance(list(influences([column], rows)))
    return np.where(alone[:, None] | alone, np.nan, V), df


def products(u: Sequence[FloatArray], rows: Rows) -> FloatArray:
    """Return Σ u uᵀ (G, D, D) of D columns (n,) within groups."""
    D = len(u)
    S = np.empty((rows.n_groups, D, D))
    for d in range(D):
        for e in range(d + 1):
            S[:, d, e] = S[:, e, d] = rows.total(u[d] * u[e])
    return S


def _gram(
    values: FloatArray, row: IntArray, column: IntArray, shape: tuple[int, int]
) -> FloatArray:
    """Return Mᵀ M of a matrix with these entries, each place named once."""
    if len(values) > DENSE * shape[0] * shape[1]:
        M = np.zeros(shape)
        M[row, column] = values
        return np.asarray(M.T @ M)
    from scipy.sparse import csr_array

    A = csr_array((values, (row, column)), shape=shape)
    return np.asarray((A.T @ A).toarray())


def _union(both: FloatArray) -> FloatArray:
    """Return the sizes of unions (G, G) from those of intersections."""
    own = np.diagonal(both)
    return np.asarray(own[:, None] + own - both)
