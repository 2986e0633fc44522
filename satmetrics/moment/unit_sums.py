"""Units known by their sums: clusters of respondents, shards of a big table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment import _kernel as kernel
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

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples: a batch for counts (B, U), one for None."""
        total = self.sums.sum(axis=0) if counts is None else counts @ self.sums
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
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = made.weight_sum**2 / made.weight_sq
    return Moments(
        names=names,
        n=np.rint(made.n).astype(np.int64),
        mean=made.mean,
        cov=made.cov,
        n_eff=n_eff,
        weight_sum=made.weight_sum,
        context=context,
    )
