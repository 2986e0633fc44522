"""Linearised covariance of a stratified cluster sample: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment import _kernel as kernel


def linearised(
    influence: Iterable[FloatArray],
    codes: IntArray,
    n_groups: int,
    unit: IntArray,
    strata: IntArray,
) -> FloatArray:
    """Return the covariance (G, q, q) of q estimates in each of G groups.

    ``Σ_h n_h/(n_h − 1) Σ_c (u_hc − ū_h)(u_hc − ū_h)ᵀ`` with u_hc the sum of the
    influence values of unit c of stratum h, 0 where none of its rows is in the group:
    groups are domains of one sample (Woodruff 1971,
    doi:10.1080/01621459.1971.10482279). NaN where a stratum has one unit only.

    Parameters
    ----------
    influence : q arrays (U,), what each row adds to the error of its group's estimate.
    codes : (U,) group of each row, −1 for none.
    n_groups : number of groups G.
    unit : (U,) sampled unit of each row, from 0 to C − 1.
    strata : (C,) stratum of each unit, from 0 to H − 1.
    """
    C, H = len(strata), int(strata.max()) + 1
    n = np.bincount(strata, minlength=H)
    with np.errstate(divide="ignore"):
        factor = np.where(n > 1, n / (n - 1), np.nan)
    used = codes >= 0
    whole = bool(used.all())
    cell = codes * C + unit if whole else codes[used] * C + unit[used]
    cells, at = np.unique(cell, return_inverse=True)
    group, stratum = cells // C, strata[cells % C]
    total: FloatArray = np.stack(
        [
            np.bincount(at, u if whole else u[used], minlength=len(cells))
            for u in influence
        ],
        axis=1,
    )
    q = total.shape[1]
    weight = factor[stratum]
    squares = kernel.group_sums(total, weight, group, n_groups)
    V: FloatArray = squares[:, kernel.HEAD + q :][:, kernel.square(q)]
    where = group * H + stratum
    per = np.stack(
        [np.bincount(where, u, minlength=n_groups * H) for u in total.T], axis=1
    ).reshape(n_groups, H, q)
    return np.asarray(V - np.swapaxes(per * (factor / n)[:, None], 1, 2) @ per)
