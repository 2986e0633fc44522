"""Units' contributions: what resampling, leaving out and merging work on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._result import Context, Record
from satmetrics._typing import FloatArray, MissingPolicy
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.moments import Moments
from satmetrics.survey.missing import treat_missing
from satmetrics.survey.survey import as_survey


@dataclass(frozen=True, eq=False)
class Contributions(Record):
    """Sums of weighted products per unit (here a respondent), about a stored shift.

    Attributes
    ----------
    names : the p items.
    shift : (p,) subtracted from every answer, so that nothing cancels.
    matrix : (U, 3 + p + p(p+1)/2): count, w, w², w z, vech(w z zᵀ) of each unit.
    context : origin and exclusions of the rows.
    """

    names: tuple[str, ...]
    shift: FloatArray
    matrix: FloatArray
    context: Context = field(default_factory=Context)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.matrix)

    def moments(self, counts: FloatArray | None = None) -> Moments:
        """Return the moments of resamples, in one matrix product.

        Parameters
        ----------
        counts : (B, U) how often each unit is in each resample; all once when None.
        """
        if counts is None:
            return self.of_sums(self.matrix.sum(axis=0))
        return self.of_sums(np.asarray(counts, dtype=np.float64) @ self.matrix)

    def of_sums(self, sums: FloatArray) -> Moments:
        """Return the moments that sums (…, 3 + p + p*) of contributions make."""
        made = kernel.moments_of_sums(sums, self.shift)
        with np.errstate(divide="ignore", invalid="ignore"):
            n_eff = made.weight_sum**2 / made.weight_sq
        return Moments(
            names=self.names,
            n=np.rint(made.n).astype(np.int64),
            mean=made.mean,
            cov=made.cov,
            n_eff=n_eff,
            weight_sum=made.weight_sum,
            context=self.context,
        )


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
        matrix=kernel.contributions(X - shift, w),
        context=survey.context_for(items).plus(*treated.exclusions),
    )
