"""From sums to `Moments`: what grouped, streamed and pairwise sums share."""

from __future__ import annotations

import warnings

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.errors import MissingDataWarning
from satmetrics.moment import _kernel as kernel
from satmetrics.moment.moments import Moments

MANY_LOST = 0.2
"""A listwise loss above this share of rows is worth a warning."""


def warn_of_loss(lost: int, n: int, missing: str, stacklevel: int) -> None:
    """Warn if many of n rows are left out for a missing answer."""
    if missing == "listwise" and lost > MANY_LOST * n:
        warnings.warn(
            f"{lost} of {n} rows have a missing answer and are left out; "
            'missing="pairwise" would use their other answers',
            MissingDataWarning,
            stacklevel=stacklevel,
        )


def middle(T: FloatArray, sums: kernel.Sums) -> FloatArray:
    """Turn sums T (G, 3 + p + p*) with weights w² about the mean into `_taylor`."""
    p = sums.mean.shape[1]
    middle = T[:, kernel.HEAD + p :][:, kernel.square(p)]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = sums.n / (sums.n - 1) / sums.weight_sum**2
    return np.asarray(middle * np.where(sums.n > 1, factor, np.nan)[:, None, None])


def built(
    names: tuple[str, ...],
    sums: kernel.Sums | kernel.PairSums,
    keys: Table | None,
    context: Context,
    *,
    taylor: FloatArray | None = None,
) -> Moments:
    """Return the moments of one group, or of a batch, from what sums make."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n_eff = sums.weight_sum**2 / sums.weight_sq
    return Moments(
        names=names,
        n=np.rint(sums.n).astype(np.int64),
        mean=sums.mean,
        cov=sums.cov,
        n_eff=n_eff,
        weight_sum=sums.weight_sum,
        taylor=taylor,
        keys=keys,
        context=context,
    )
