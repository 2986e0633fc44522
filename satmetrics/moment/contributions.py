"""Units' contributions: what resampling and leaving out work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, IntArray, MissingPolicy
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.moments import Moments
from satmetrics.moment.unit_sums import of_sums
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import as_survey

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
    """

    names: tuple[str, ...]
    shift: FloatArray
    Z: FloatArray
    w: FloatArray
    context: Context = field(default_factory=Context)

    @property
    def kind(self) -> Literal["respondents", "clusters", "shards"]:
        """What one unit is."""
        return "respondents"

    @property
    def strata(self) -> IntArray | None:
        """Stratum of each unit (U,), or None where all are one stratum."""
        return None

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.Z)

    def summer(self) -> Callable[[FloatArray], FloatArray]:
        """Return a function from counts (B, U) to sums (B, 3 + p + p*).

        One product of counts and contributions where these fit into memory; for more
        units the products of their answers are made chunk by chunk.
        """
        if self.n_units * kernel.n_columns(len(self.names)) <= SMALL:
            matrix = kernel.contributions(self.Z, self.w)
            return lambda counts: counts @ matrix
        return lambda counts: kernel.resampled_sums(self.Z, self.w, counts, CELLS)

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples.

        Parameters
        ----------
        counts : (B, U) how often each unit is in each resample; all once when None.
        """
        if counts is None:
            once = np.ones((1, self.n_units))
            return self.of_sums(self.summer()(once)[0])
        return self.of_sums(self.summer()(np.asarray(counts, dtype=np.float64)))

    def parts(self, which: IntArray) -> FloatArray:
        """Return what the given units add to the sums: (b, 3 + p + p*)."""
        return kernel.contributions(self.Z[which], self.w[which])

    def of_sums(self, sums: FloatArray) -> Moments:
        """Return the moments that sums (…, 3 + p + p*) of contributions make."""
        return of_sums(sums, self.names, self.shift, self.context)


def contributions(
    data: object, items: tuple[str, ...], *, missing: MissingPolicy = "listwise"
) -> Contributions:
    """Return the contributions of the respondents of a survey.

    Parameters
    ----------
    data : a Survey or any dataframe.
    items : the items.
    missing : as in `Moments.from_frame`; "pairwise" moments have no contributions of
        single rows and are refused by the caller.
    """
    survey = as_survey(data)
    treated = treat_missing(survey.answers(items), items, missing, survey.weights)
    X = treated.values
    w = np.ones(len(X)) if survey.weights is None else survey.weights[treated.keep]
    shift = X.mean(axis=0) if len(X) else np.zeros(X.shape[1])
    return Contributions(
        names=items,
        shift=shift,
        Z=X - shift,
        w=w,
        context=survey.context_for(items).plus(*treated.exclusions),
    )
