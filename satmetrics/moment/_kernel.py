"""Sums of products and what they make: arrays in, arrays out, batch axis first.

A row's contribution is ``[1, w, w², w z, vech(w z zᵀ)]`` with ``z = x − shift``; the
moments of any union, resample or difference of rows follow from sums of them alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray

HEAD = 3
"""Leading entries of a contribution: count, weight, squared weight."""
CHUNK_BYTES = 64 * 2**20
"""Working memory of one chunk of contributions."""


@dataclass(frozen=True)
class Sums:
    """Moments made from sums.

    Attributes
    ----------
    n, weight_sum, weight_sq : (…), counts and sums of weights and squared weights.
    mean : (…, p)
    cov : (…, p, p), divisor Σw − Σw²/Σw, which is n − 1 without weights.
    """

    n: FloatArray
    weight_sum: FloatArray
    weight_sq: FloatArray
    mean: FloatArray
    cov: FloatArray


def n_columns(p: int) -> int:
    """Return the length of a contribution for p variables."""
    return HEAD + p + p * (p + 1) // 2


def contributions(Z: FloatArray, w: FloatArray) -> FloatArray:
    """Return the contributions (U, 3 + p + p(p+1)/2) of shifted rows Z (U, p)."""
    p = Z.shape[1]
    i, j = np.triu_indices(p)
    out = np.empty((len(Z), n_columns(p)))
    out[:, 0] = 1.0
    out[:, 1] = w
    out[:, 2] = w * w
    wZ = Z * w[:, None]
    out[:, HEAD : HEAD + p] = wZ
    np.multiply(wZ[:, i], Z[:, j], out=out[:, HEAD + p :])
    return out


def square(p: int) -> IntArray:
    """Return the (p, p) positions that unfold vech (upper, row by row)."""
    index = np.empty((p, p), dtype=np.int64)
    i, j = np.triu_indices(p)
    index[i, j] = index[j, i] = np.arange(len(i))
    return index


def moments_of_sums(T: FloatArray, shift: FloatArray) -> Sums:
    """Turn summed contributions T (…, 3 + p + p*) into moments.

    ``mean = shift + Σwz / Σw`` and
    ``cov = (Σ w z zᵀ − Σwz Σwzᵀ / Σw) / (Σw − Σw² / Σw)``.
    """
    p = len(shift)
    W, W2 = T[..., 1], T[..., 2]
    first = T[..., HEAD : HEAD + p]
    second = T[..., HEAD + p :][..., square(p)]
    with np.errstate(divide="ignore", invalid="ignore"):
        m = first / W[..., None]
        second -= first[..., :, None] * m[..., None, :]
        divisor = W - W2 / W
        divisor = np.where(divisor > 1e-12 * W, divisor, np.nan)
        second /= divisor[..., None, None]
    return Sums(T[..., 0], W, W2, shift + m, second)


def group_sums(
    Z: FloatArray, w: FloatArray, codes: IntArray, n_groups: int
) -> FloatArray:
    """Sum contributions within groups, in chunks of bounded memory.

    Parameters
    ----------
    Z : (U, p) shifted values, complete.
    w : (U,)
    codes : (U,) group of each row, −1 for none.
    n_groups : number of groups G.

    Returns
    -------
    (G, 3 + p + p(p+1)/2)
    """
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    out = np.zeros((n_groups, n_columns(Z.shape[1])))
    step = max(1, CHUNK_BYTES // (8 * out.shape[1]))
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        here = codes[rows]
        starts = np.flatnonzero(np.r_[True, here[1:] != here[:-1]])
        part = np.add.reduceat(contributions(Z[rows], w[rows]), starts, axis=0)
        out[here[starts]] += part
    return out


@dataclass(frozen=True)
class PairSums:
    """Pairwise moments: each entry from the rows that have both answers.

    Attributes
    ----------
    n, weight_sum, weight_sq : (G,) of rows with at least one answer.
    pair_n : (G, p, p) rows behind each covariance.
    mean : (G, p) means of the available answers.
    cov : (G, p, p)
    """

    n: FloatArray
    weight_sum: FloatArray
    weight_sq: FloatArray
    pair_n: FloatArray
    mean: FloatArray
    cov: FloatArray


def pairwise(
    Z: FloatArray, w: FloatArray, codes: IntArray, n_groups: int, shift: FloatArray
) -> PairSums:
    """Return pairwise-complete moments within groups; NaN marks a missing answer.

    ``cov_ij`` is the sample covariance of the rows that answered both i and j, about
    their own means.
    """
    p = Z.shape[1]
    seen = np.isfinite(Z)
    keep = (codes >= 0) & seen.any(axis=1)
    Z, w, codes, seen = Z[keep], w[keep], codes[keep], seen[keep].astype(np.float64)
    Z = np.where(seen > 0, Z, 0.0)
    sums: dict[str, FloatArray] = {
        name: np.zeros((n_groups, p, p)) for name in ("n", "w", "w2", "x", "xy")
    }
    order = np.argsort(codes, kind="stable")
    step = max(1, CHUNK_BYTES // (8 * 5 * p * p))
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        here, M, X, v = codes[rows], seen[rows], Z[rows], w[rows, None]
        starts = np.flatnonzero(np.r_[True, here[1:] != here[:-1]])
        pairs = {
            "n": (M, M),
            "w": (v * M, M),
            "w2": (v * v * M, M),
            "x": (v * X, M),
            "xy": (v * X, X),
        }
        for name, (left, right) in pairs.items():
            product = left[:, :, None] * right[:, None, :]
            sums[name][here[starts]] += np.add.reduceat(product, starts, axis=0)
    heads = np.stack([np.ones(len(w)), w, w * w], axis=1)
    total = np.zeros((n_groups, 3))
    np.add.at(total, codes, heads)
    with np.errstate(divide="ignore", invalid="ignore"):
        W = sums["w"]
        cross = sums["xy"] - sums["x"] * np.swapaxes(sums["x"], 1, 2) / W
        divisor = W - sums["w2"] / W
        cov = cross / np.where(divisor > 1e-12 * W, divisor, np.nan)
        diag = np.arange(p)
        mean = shift + sums["x"][:, diag, diag] / W[:, diag, diag]
    return PairSums(total[:, 0], total[:, 1], total[:, 2], sums["n"], mean, cov)
