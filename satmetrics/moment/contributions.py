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
from satmetrics.survey.missing import treat_missing
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
    """

    names: tuple[str, ...]
    shift: FloatArray
    Z: FloatArray
    w: FloatArray
    context: Context = field(default_factory=Context)
    strata: IntArray | None = None

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
            return ()
        return (drawn_within(f"{self.n_units:,} respondents", self.strata),)

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
    survey = as_survey(data)
    treated = treat_missing(survey.answers(items), items, missing, survey.weights)
    X = treated.values
    context = survey.context_for(items).plus(*treated.exclusions)
    if products is not None:
        X, items = products.beside(X, items), (*items, *products.names)
    rows = _Rows(
        names=items,
        X=X,
        shift=X.mean(axis=0) if len(X) else np.zeros(X.shape[1]),
        w=None if survey.weights is None else survey.weights[treated.keep],
        context=context,
    )
    unit, strata = sampled(survey, np.flatnonzero(treated.keep))
    n_units = len(X) if unit is None else int(unit.max()) + 1
    if _wants_shards(units, n_units, "respondents" if unit is None else "clusters"):
        return rows.sharded(unit, strata)
    if unit is None:
        return rows.single(strata)
    return rows.clustered(unit, strata)


def sampled(survey: Survey, kept: IntArray) -> tuple[IntArray | None, IntArray | None]:
    """Return the cluster of each row kept, and the stratum of each cluster or row."""
    design = survey.design().take(kept)
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
    """Complete answers X (n, p) on their way to become units."""

    names: tuple[str, ...]
    X: FloatArray
    shift: FloatArray
    w: FloatArray | None
    context: Context

    def single(self, strata: IntArray | None) -> Contributions:
        return Contributions(
            names=self.names,
            shift=self.shift,
            Z=self.X - self.shift,
            w=np.ones(len(self.X)) if self.w is None else self.w,
            context=self.context,
            strata=strata,
        )

    def clustered(self, unit: IntArray, strata: IntArray | None) -> UnitSums:
        w = np.ones(len(self.X)) if self.w is None else self.w
        n_units = int(unit.max()) + 1
        sums = kernel.group_sums(self.X - self.shift, w, unit, n_units)
        return UnitSums(self.names, self.shift, sums, "clusters", strata, self.context)

    def sharded(self, unit: IntArray | None, strata: IntArray | None) -> UnitSums:
        n_units = len(self.X) if unit is None else int(unit.max()) + 1
        codes = np.zeros(n_units, dtype=np.int64) if strata is None else strata
        order, sizes, of = _shards.deal(codes, _shards.n_shards(n_units))
        if unit is not None:
            order, sizes = _rows_of(unit, order, sizes)
        columns = tuple(self.X.T)
        sums = _stream.shard_sums(columns, self.w, order, sizes, self.shift)
        within = None if strata is None else of
        return UnitSums(self.names, self.shift, sums, "shards", within, self.context)


def _rows_of(
    unit: IntArray, order: IntArray, sizes: IntArray
) -> tuple[IntArray, IntArray]:
    """Turn an order of units and units per shard into rows and rows per shard."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    shard = np.repeat(np.arange(len(sizes)), sizes)[rank[unit]]
    return np.argsort(shard, kind="stable"), np.bincount(shard, minlength=len(sizes))
