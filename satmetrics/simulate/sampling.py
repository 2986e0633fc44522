"""Samples with exact moments, and answers cut from a continuum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._checks import friendly_keywords, positive_int
from satmetrics._typing import FloatArray, RngLike
from satmetrics.errors import DataError
from satmetrics.simulate import _draws as kernel


@friendly_keywords
def exact_sample(
    mean: Sequence[float] | FloatArray,
    cov: Sequence[Sequence[float]] | FloatArray,
    n: int,
    rng: RngLike = None,
) -> FloatArray:
    """Draw data whose sample mean and covariance are exactly those given.

    Normal draws are centred, whitened by the QR decomposition and coloured with a
    symmetric root of `cov`, so that estimators can be checked at a population without
    sampling error.

    Parameters
    ----------
    mean : (p,)
    cov : (p, p) covariance, divisor n − 1; it may be singular.
    n : rows; at least p + 1.
    rng : Generator, seed, or None for fresh entropy.

    Returns
    -------
    (n, p)

    Raises
    ------
    DataError
        If shapes disagree, `cov` is not symmetric positive semi-definite, or n ≤ p.

    Examples
    --------
    >>> import numpy as np
    >>> from satmetrics.simulate import exact_sample
    >>> x = exact_sample([1.0, 2.0], [[1.0, 0.5], [0.5, 2.0]], n=10, rng=1)
    >>> np.cov(x, rowvar=False).round(12)
    array([[1. , 0.5],
           [0.5, 2. ]])
    """
    mu, sigma = np.asarray(mean, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    p = len(mu)
    root = _root(sigma, p)
    if positive_int("n", n) <= p:
        raise DataError(
            f"n={n} rows cannot have any covariance of {p} variables",
            code="too-few-rows",
            value=n,
            remedy=f"give at least {p + 1}",
        )
    draws = kernel.normals(np.random.default_rng(rng), (n, p))
    white, _ = np.linalg.qr(draws - draws.mean(axis=0))
    white -= white.mean(axis=0)
    return np.asarray(mu + np.sqrt(n - 1) * white @ root)


def _root(sigma: FloatArray, p: int) -> FloatArray:
    if sigma.shape != (p, p) or not np.allclose(sigma, sigma.T, rtol=1e-10, atol=0):
        raise DataError(
            f"cov of shape {sigma.shape} is not a symmetric matrix of {p} variables",
            code="bad-shape",
            remedy=f"give a symmetric ({p}, {p}) matrix",
        )
    values, vectors = np.linalg.eigh(sigma)
    if values.min(initial=0.0) < -1e-10 * max(values.max(initial=0.0), 1e-300):
        raise DataError(
            f"cov has the eigenvalue {values.min():.3g}",
            code="not-positive",
            value=float(values.min()),
            remedy="a covariance has no negative eigenvalue",
        )
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


@friendly_keywords
def ordinal_cut(
    values: Sequence[float] | FloatArray,
    minimum: int = 1,
    maximum: int = 7,
    thresholds: Sequence[float] | FloatArray | None = None,
) -> FloatArray:
    """Cut continuous values into the points of an answer scale.

    Parameters
    ----------
    values : any shape; NaN stays NaN.
    minimum, maximum : ends of the scale.
    thresholds : ``maximum − minimum`` rising cut points; a value gets the minimum plus
        the number of thresholds below it. Midway between the points when None, so that
        values already in scale units are rounded and held within the ends.

    Raises
    ------
    DataError
        If the scale is empty, or there is a wrong number of thresholds or they do not
        rise.

    Examples
    --------
    >>> from satmetrics.simulate import ordinal_cut
    >>> ordinal_cut([-3.0, 2.4, 6.9, 12.0])
    array([1., 2., 7., 7.])
    """
    if maximum <= minimum:
        raise DataError(
            f"a scale from {minimum} to {maximum} is empty", code="bad-scale"
        )
    tau = (
        kernel.half_points(minimum, maximum)
        if thresholds is None
        else np.asarray(thresholds, dtype=np.float64)
    )
    if tau.shape != (maximum - minimum,) or not (np.diff(tau) > 0).all():
        raise DataError(
            f"{tau.size} thresholds for a scale from {minimum} to {maximum}",
            code="bad-thresholds",
            value=tuple(tau.ravel().tolist()),
            remedy=f"give {maximum - minimum} rising numbers",
        )
    return kernel.cut(np.asarray(values, dtype=np.float64), tau, minimum)
