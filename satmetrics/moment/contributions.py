"""Units' contributions: what resampling and leaving out work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, IntArray, MissingPolicy
from satmetrics.errors import DataError
from satmetrics.moment import _kernel as kernel
from satmetrics.moment import _shards, _stream
from satmetrics.moment.moments import Moments
from satmetrics.moment.products import Products
from satmetrics.moment.unit_sums import UnitSums, drawn_within, of_sums
from satmetrics.survey.missing import complete_rows, treat_missing
from satmetrics.survey.survey import Survey, as_survey

UnitChoice = Literal["auto", "respondents", "shards"]
SMALL = 2**24
"""Up to this many contribution cells (128 MB) one matrix holds them all."""
CELLS = 2**22
"""Cells of working memory when they are made as they are needed."""


@dataclass(frozen=True, eq=False)
class Contributions(Record):
    """What each unit (here a respondent) adds to the sums behind moments.

    Attributes
    ----------
    names : the p items.
    shift : (p,) subtracted from every answer, so that nothing cancels.
    Z : (U, p) shifted answers.
    w : (U,) weights.
    context : origin and exclusions of the rows.
    strata : (U,) stratum of each respondent, or None where all are one stratum.
    remarks : sentences on where the rows come from.
    """

    names: tuple[str, ...]
    shift: FloatArray
    Z: FloatArray
    w: FloatArray
    context: Context = field(default_factory=Context)
    strata: IntArray | None = None
    remarks: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["respondents", "clusters", "shards"]:
        """What one unit is."""
        return "respondents"

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.Z)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the units are drawn, for people; empty for plain respondents."""
        if self.strata is None:
            return self.remarks
        drawn = drawn_within(f"{self.n_units:,} respondents", self.strata)
        return (*self.remarks, drawn)

    @cached_property
    def _matrix(self) -> FloatArray:
        return kernel.contributions(self.Z, self.w)

    def summer(self) -> Callable[[FloatArray], FloatArray]:
        """Return a function from counts (B, U) to sums (B, 3 + p + p*).

        One product of counts and contributions where these fit into memory; for more
        units the products of their answers are made chunk by chunk.
        """
        if self.n_units * kernel.n_columns(len(self.names)) <= SMALL:
            return lambda counts: (self._matrix.T @ counts.T).T
        return lambda counts: kernel.resampled_sums(self.Z, self.w, counts, CELLS)

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples.

        Parameters
        ----------
        counts : (B, U) how often each unit is in each resample; all once when None.
        """
        if counts is None:
            still = np.zeros(len(self.names))
            total = _stream.total_sums(tuple(self.Z.T), self.w, None, still)
            return self.of_sums(total)
        return self.of_sums(self.summer()(np.asarray(counts, dtype=np.float64)))

    def parts(self, which: IntArray) -> FloatArray:
        """Return what the given units add to the sums: (b, 3 + p + p*)."""
        return kernel.contributions(self.Z[which], self.w[which])

    def of_sums(self, sums: FloatArray) -> Moments:
        """Return the moments that sums (…, 3 + p + p*) of contributions make."""
        return of_sums(sums, self.names, self.shift, self.context)


def contributions(
    data: object,
    items: tuple[str, ...],
    *,
    missing: MissingPolicy = "listwise",
    units: UnitChoice = "respondents",
    products: Products | None = None,
) -> Contributions | UnitSums:
    """Return what each sampled unit of a survey adds to the sums behind moments.

    A unit is a respondent, or a cluster where the survey has a role for it; strata are
    carried along. Shards are unions of units, none of them split, dealt within strata
    in an order set by a hash, with equal numbers of units (to within one).

    Parameters
    ----------
    data : a Survey or any dataframe.
    items : the items.
    missing : as in `Moments.from_frame`; "pairwise" moments have no contributions of
        single rows and are refused by the caller.
    products : products of items to be put beside them, or None.
    units : "respondents" for respondents or clusters; "shards" for shards; "auto" for
        1,000 shards where there are at least 20 units for each.

    Raises
    ------
    DataError
        If a stratum has one unit only among the rows that are left, or shards are asked
        for and there are fewer than 4,000 units.
    """
    survey = as_survey(data, borrow=True)
    rows, kept = _rows(survey, items, missing, products)
    unit, strata = sampled(survey, kept)
    n_units = rows.n if unit is None else int(unit.max()) + 1
    if _wants_shards(units, n_units, "respondents" if unit is None else "clusters"):
        return rows.sharded(unit, strata)
    if unit is None:
        return rows.single(strata)
    return rows.clustered(unit, strata)


def sampled(
    survey: Survey, kept: IntArray | None
) -> tuple[IntArray | None, IntArray | None]:
    """Return the cluster of each row kept, and the stratum of each cluster or row."""
    design = survey.design()
    design = design if kept is None else design.take(kept)
    design.check_variance()
    strata = None if design.stratum is None else _dense(design.stratum)
    if design.cluster is None:
        return None, strata
    unit = _dense(design.cluster)
    first = np.unique(unit, return_index=True)[1]
    return unit, None if strata is None else strata[first]


def _dense(codes: IntArray) -> IntArray:
    return np.unique(codes, return_inverse=True)[1].ravel()


def _wants_shards(units: UnitChoice, n_units: int, what: str) -> bool:
    K = _shards.n_shards(n_units)
    if units == "shards" and not K:
        raise DataError(
            f"{n_units:,} {what} are too few for shards",
            code="too-few-for-shards",
            value=n_units,
            remedy=f"shards need {_shards.FEWEST * _shards.PER_SHARD:,} {what}; "
            'leave units="auto"',
        )
    return units == "shards" or (units == "auto" and K == _shards.SHARDS)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Complete answers on their way to become units.

    Attributes
    ----------
    columns : p arrays (n,).
    kept : positions of the rows used; None for all.
    w : (n,) weights, or None.
    """

    names: tuple[str, ...]
    columns: tuple[FloatArray, ...]
    kept: IntArray | None
    w: FloatArray | None
    context: Context

    @property
    def n(self) -> int:
        return len(self.columns[0]) if self.kept is None else len(self.kept)

    def centred(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return answers less their means (n, p), the means, and weights."""
        here = slice(None) if self.kept is None else self.kept
        Z = np.column_stack([column[here] for column in self.columns])
        shift = Z.mean(axis=0)
        Z -= shift
        Z.setflags(write=False)
        w = np.ones(self.n) if self.w is None else self.w[here]
        return Z, shift, w

    def single(self, strata: IntArray | None) -> Contributions:
        Z, shift, w = self.centred()
        return Contributions(self.names, shift, Z, w, self.context, strata)

    def clustered(self, unit: IntArray, strata: IntArray | None) -> UnitSums:
        Z, shift, w = self.centred()
        sums = kernel.group_sums(Z, w, unit, int(unit.max()) + 1)
        return UnitSums(self.names, shift, sums, "clusters", strata, self.context)

    def sharded(self, unit: IntArray | None, strata: IntArray | None) -> UnitSums:
        n_units = self.n if unit is None else int(unit.max()) + 1
        codes = np.zeros(n_units, dtype=np.int64) if strata is None else strata
        order, sizes, of = _shards.deal(codes, _shards.n_shards(n_units))
        if unit is not None:
            order, sizes = _rows_of(unit, order, sizes)
        if self.kept is not None:
            order = self.kept[order]
        shift = _stream.first_mean(self.columns, self.kept)
        sums = _stream.shard_sums(self.columns, self.w, order, sizes, shift)
        within = None if strata is None else of
        return UnitSums(self.names, shift, sums, "shards", within, self.context)


def _rows(
    survey: Survey,
    items: tuple[str, ...],
    missing: MissingPolicy,
    products: Products | None,
) -> tuple[_Rows, IntArray | None]:
    """Return the complete answers and the rows of the survey they are, None for all."""
    w = survey.weights
    context = survey.context_for(items)
    if missing in ("listwise", "error") and products is None:
        columns = survey.answer_columns(items)
        found = complete_rows(columns, items, missing)
        context = context.plus(*found.exclusions)
        return _Rows(items, columns, found.rows, w, context), found.rows
    treated = treat_missing(survey.answers(items), items, missing, w)
    kept = np.flatnonzero(treated.keep)
    X = treated.values
    if products is not None:
        X, items = products.beside(X, items), (*items, *products.names)
    columns = tuple(X.T)
    context = context.plus(*treated.exclusions)
    w = None if w is None else w[kept]
    return _Rows(items, columns, None, w, context), kept


def _rows_of(
    unit: IntArray, order: IntArray, sizes: IntArray
) -> tuple[IntArray, IntArray]:
    """Turn an order of units and units per shard into rows and rows per shard."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    shard = np.repeat(np.arange(len(sizes)), sizes)[rank[unit]]
    return np.argsort(shard, kind="stable"), np.bincount(shard, minlength=len(sizes))
