"""Units whose resamples are estimated anew from rows: what is no sum over units."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.moment.moments import Moments
from satmetrics.moment.unit_sums import drawn_within


@dataclass(frozen=True, eq=False)
class RowUnits(Record):
    """Rows with what is missing in them, drawn as units and estimated anew.

    Attributes
    ----------
    names : the p items.
    shift : (p,) subtracted from every answer.
    X : (n, p) shifted answers, NaN where missing; every row has an answer.
    w : (n,) weights of the rows.
    unit : (n,) cluster of each row, or None where each row is a unit.
    strata : (U,) stratum of each unit, or None where all are one stratum.
    context : origin and exclusions of the rows.
    """

    names: tuple[str, ...]
    shift: FloatArray
    X: FloatArray
    w: FloatArray
    unit: IntArray | None = None
    strata: IntArray | None = None
    context: Context = field(default_factory=Context)

    @property
    def kind(self) -> Literal["respondents", "clusters", "shards"]:
        """What one unit is."""
        return "respondents" if self.unit is None else "clusters"

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.X) if self.unit is None else int(self.unit.max()) + 1

    @property
    def notes(self) -> tuple[str, ...]:
        """How the units are drawn, for people; empty for plain respondents."""
        if self.unit is None and self.strata is None:
            return ()
        return (drawn_within(f"{self.n_units:,} {self.kind}", self.strata),)

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples.

        Parameters
        ----------
        counts : (B, U) how often each unit is in each resample; all once when None.
            A resample without a solution is NaN and has a reason.
        """
        if counts is None:
            return self.of_rows(np.ones((1, len(self.X)))).group(0)
        counts = np.asarray(counts, dtype=np.float64)
        return self.of_rows(counts if self.unit is None else counts[:, self.unit])

    @abstractmethod
    def of_rows(self, counts: FloatArray) -> Moments:
        """Return a batch of moments for counts (B, n) of the rows."""

    def parts(self, which: IntArray) -> FloatArray:
        """Raise: what a unit adds to these moments depends on the others."""
        raise self._no_sums(len(which))

    def of_sums(self, sums: FloatArray) -> Moments:
        """Raise: these moments are not made from sums."""
        raise self._no_sums(len(sums))

    def _no_sums(self, asked: int) -> DataError:
        return DataError(
            "with answers missing, or ordinal items, moments are not sums over "
            "respondents, and this needs such sums",
            code="no-sums",
            value=asked,
            remedy='fit with missing="listwise"; every interval but "studentized" '
            "works with all",
        )
