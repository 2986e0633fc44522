"""Gaps as a linear map of item means: what can be said without the answers."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import DataError
from satmetrics.gap._gaps import PairedStats
from satmetrics.gap.design import Design
from satmetrics.moment.moments import Moments

ZERO = 1e-12
"""A variance of the gap below this share of the items' variance counts as zero."""


def stats_of_moments(
    moments: Moments, design: Design, fixed_points: FloatArray | None
) -> PairedStats:
    """Return the statistics of all items, dimensions and overall variants.

    Every gap is ``a'(μ_P − μ_E)``; its variance is the quadratic form of the covariance
    of the means.

    Raises
    ------
    MissingMomentsError
        If correlations are not known.
    DataError
        If the moments do not come from one set of complete respondents.
    """
    if moments.kind in ("pairwise", "polychoric"):
        raise DataError(
            f"{moments.kind} moments do not give the covariance of paired means",
            code="not-paired",
            value=moments.kind,
            remedy='give the answers, or moments made with missing="listwise"',
        )
    chosen = moments.select([*design.expectation, *design.perception])
    A = averages(design, fixed_points)
    gap = chosen.linear(np.hstack([-A, A]), [f"gap{i}" for i in range(len(A))])
    m = len(design.items)
    mean = np.atleast_2d(chosen.mean)
    n = np.atleast_1d(chosen.n)[:, None]
    size = np.atleast_2d(chosen.sd).max(axis=1, keepdims=True) ** 2
    variance = np.diagonal(_batch(gap.cov), axis1=-2, axis2=-1)
    error = np.diagonal(_batch(gap.mean_cov), axis1=-2, axis2=-1)
    zero = variance <= ZERO * size
    nothing = np.full((3, *variance.shape), np.nan)
    one = np.ones_like(variance)
    return PairedStats(
        np.rint(n * one).astype(np.int64),
        np.atleast_1d(chosen.n_eff)[:, None] * one,
        mean[:, :m] @ A.T,
        mean[:, m:] @ A.T,
        np.atleast_2d(gap.mean),
        np.where(zero, 0.0, np.sqrt(np.where(zero, 0.0, variance))),
        np.where(zero, 0.0, np.sqrt(np.where(zero, 0.0, error))),
        np.where(n * one > 1, n * one - 1, np.nan),
        *(nothing, nothing, nothing),
    )


def averages(design: Design, fixed_points: FloatArray | None) -> FloatArray:
    """Return the rows (Q, m) that average pairs into items, dimensions, overall."""
    m = len(design.items)
    M = design.membership()
    by_dimension = (M / M.sum(axis=0)).T
    overall = [np.full((1, m), 1 / m)]
    if design.dimensions:
        overall.insert(0, by_dimension.mean(axis=0, keepdims=True))
    if fixed_points is not None:
        overall.append(fixed_points[None, :] @ by_dimension)
    return np.concatenate([np.eye(m), by_dimension, *overall])


def _batch(square: FloatArray) -> FloatArray:
    return square if square.ndim == 3 else square[None]
