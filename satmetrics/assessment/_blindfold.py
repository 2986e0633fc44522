"""Blindfolding: data points left out in turn and predicted. Arrays in, arrays out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _pls as kernel
from satmetrics.estimation._iterate import Layout, Settings


@dataclass(frozen=True)
class _Rounds:
    """Every round of every block: what was left out, and the moments with means in.

    Attributes
    ----------
    target : (R,) construct whose block is blindfolded.
    first : (R,) number of the first data point left out.
    mean : (R, p) of the filled data.
    cov : (R, p, p)
    """

    target: IntArray
    first: IntArray
    mean: FloatArray
    cov: FloatArray


def squared_errors(
    X: FloatArray,
    w: FloatArray,
    layout: Layout,
    settings: Settings,
    distance: int,
    standardize: bool,
) -> tuple[FloatArray, BoolArray]:
    """Return the summed squared errors of every indicator's left-out points.

    Within a block data points are numbered down the columns, one indicator after the
    other; round d leaves out points d, d + D, d + 2D …, puts the mean of the rest in
    their place, fits the model, and predicts them by the predictors' scores:
    ``x̂ = x̄ + s λ Σ β y``. The rounds of all blocks are fitted in one batch.

    Parameters
    ----------
    X : (n, p) answers in any metric, weighted mean 0.
    w : (n,) weights.
    distance : D.
    standardize : fit correlations of the filled data, not their covariances.

    Returns
    -------
    errors : (p,), NaN for blocks without predecessors.
    sound : (q,), False where a round of the block could not be fitted.
    """
    plain = dataclasses.replace(layout, factor=np.zeros_like(layout.factor))
    rounds = _rounds(X, w, plain, distance)
    S = cov_to_corr(rounds.cov) if standardize else rounds.cov
    found = kernel.solve(S, plain, settings)
    sd = np.sqrt(np.diagonal(rounds.cov, axis1=1, axis2=2))
    raw = found.weights / sd if standardize else found.weights
    errors = np.full(X.shape[1], np.nan)
    for t in np.unique(rounds.target):
        block = np.flatnonzero(layout.owner == t)
        errors[block] = 0.0
        for r in np.flatnonzero(rounds.target == t):
            inner = (found.paths[r, :, t])[layout.owner] * raw[r]
            fitted = (X - rounds.mean[r]) @ inner
            slope = sd[r, block] * found.loadings[r, block]
            miss = X[:, block] - (rounds.mean[r, block] + fitted[:, None] * slope)
            out = _left_out(len(X), len(block), int(rounds.first[r]), distance)
            errors[block] += w @ np.where(out, miss**2, 0.0)
    sound = np.ones(layout.q, dtype=np.bool_)
    np.logical_and.at(sound, rounds.target, found.converged)
    return errors, sound


def _left_out(n: int, k: int, first: int, distance: int) -> BoolArray:
    """Return (n, k): True for every D-th data point, counted down the columns."""
    number = np.arange(n * k).reshape(k, n).T
    return np.asarray(number % distance == first)


def _rounds(X: FloatArray, w: FloatArray, layout: Layout, distance: int) -> _Rounds:
    target = np.flatnonzero(layout.adjacency.any(axis=0))
    which = np.repeat(target, distance)
    first = np.tile(np.arange(distance), len(target))
    share = w / w.sum()
    divisor = 1 - share @ share
    mean = np.tile(share @ X, (len(which), 1))
    whole = (X * share[:, None]).T @ X
    cov = np.tile(whole, (len(which), 1, 1))
    for r, (t, d) in enumerate(zip(which, first, strict=True)):
        block = np.flatnonzero(layout.owner == t)
        out = _left_out(len(X), len(block), int(d), distance)
        stays = np.where(out, 0.0, share[:, None])
        rest = (stays * X[:, block]).sum(axis=0) / stays.sum(axis=0)
        filled = np.where(out, rest, X[:, block])
        mean[r, block] = share @ filled
        weighted = filled * share[:, None]
        cov[r, :, block] = weighted.T @ X
        cov[r, block, :] = weighted.T @ X
        cov[r, block[:, None], block] = weighted.T @ filled
    cov -= mean[:, :, None] * mean[:, None, :]
    return _Rounds(which, first, mean, cov / divisor)
