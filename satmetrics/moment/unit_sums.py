"""Units known by their sums: clusters of respondents, shards of a big table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.built import built
from satmetrics.moment.moments import Moments


@dataclass(frozen=True, eq=False)
class UnitSums(Record):
    """Sums of contributions of whole units, drawn or left out together.

    Attributes
    ----------
    names : the p items.
    shift : (p,) subtracted from every answer, so that nothing cancels.
    sums : (U, 3 + p + p*) summed contributions of each unit; see `_kernel`.
    kind : what one unit is.
    strata : (U,) stratum of each unit, or None where all are one stratum.
    context : origin and exclusions of the rows.
    """

    names: tuple[str, ...]
    shift: FloatArray
    sums: FloatArray
    kind: Literal["respondents", "clusters", "shards"] = "clusters"
    strata: IntArray | None = None
    context: Context = field(default_factory=Context)

    @property
    def n_units(self) -> int:
        """Number of units U."""
        return len(self.sums)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the units are drawn, for people."""
        if self.kind != "shards":
            return (drawn_within(f"{self.n_units:,} {self.kind}", self.strata),)
        within = 0 if self.strata is None else len(np.unique(self.strata))
        per = float(self.sums[:, 0].mean())
        shards = f"{self.n_units:,} shards of {per:,.4g} respondents"
        how = f"{shards} were drawn"
        if self.strata is not None:
            how = drawn_within(shards, self.strata)
        noise = f"{100 / np.sqrt(2 * (self.n_units - within)):.2g} %"
        return (
            f"{how}; relative noise of the standard errors from so many shards: about "
            f"{noise}",
        )

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples: a batch for counts (B, U), one for None."""
        total = self.sums.sum(axis=0) if counts is None else (self.sums.T @ counts.T).T
        return self.of_sums(total)

    def parts(self, which: IntArray) -> FloatArray:
        """Return what the given units add to the sums: (b, 3 + p + p*)."""
        return np.asarray(self.sums[which])

    def of_sums(self, sums: FloatArray) -> Moments:
        """Return the moments that sums (…, 3 + p + p*) of contributions make."""
        return of_sums(sums, self.names, self.shift, self.context)


def of_sums(
    sums: FloatArray, names: tuple[str, ...], shift: FloatArray, context: Context
) -> Moments:
    """Return the moments that sums (…, 3 + p + p*) of contributions make."""
    made = kernel.moments_of_sums(sums, shift)
    return built(names, made, None, context)


def drawn_within(units: str, strata: IntArray | None) -> str:
    """Return the sentence on units drawn by the rescaled bootstrap."""
    number = 1 if strata is None else len(np.unique(strata))
    places = f" within {number:,} strata" if strata is not None else ""
    return (
        f"{units} were drawn{places} by the rescaled bootstrap (n − 1 of n, counts "
        "times n/(n − 1); Rao and Wu 1988)"
    )
