"""Sums of products and what they make: arrays in, arrays out, batch axis first.

A row's contribution is ``[1, w, w², w z, vech(w z zᵀ)]`` with ``z = x − shift``; the
moments of any union, resample or difference of rows follow from sums of them alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

HEAD = 3
"""Leading entries of a contribution: count, weight, squared weight."""
ROUNDING = 1e-12
"""A sum of squares about the mean this small beside the one about the shift is 0."""
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


def resampled_sums(
    Z: FloatArray, w: FloatArray, counts: FloatArray, cells: int
) -> FloatArray:
    """Sum contributions with counts, without holding them all.

    Parameters
    ----------
    Z : (U, p) shifted answers.
    w : (U,)
    counts : (B, U)
    cells : numbers of working memory.

    Returns
    -------
    (B, 3 + p + p(p+1)/2), as ``counts @ contributions(Z, w)``.
    """
    B, p = len(counts), Z.shape[1]
    out = np.zeros((B, n_columns(p)))
    second = np.zeros((B, p, p))
    step = max(1, cells // (B * p))
    for start in range(0, len(Z), step):
        rows = slice(start, start + step)
        z, v, c = Z[rows], w[rows], counts[:, rows]
        cw = c * v
        out[:, 0] += c.sum(axis=1)
        out[:, 1] += cw.sum(axis=1)
        out[:, 2] += cw @ v
        out[:, HEAD : HEAD + p] += cw @ z
        second += (cw[:, None, :] * z.T) @ z
    i, j = np.triu_indices(p)
    out[:, HEAD + p :] = second[:, i, j]
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

    Parameters
    ----------
    T : (…, 3 + p + p*); fastest where the batch is last in memory.
    shift : (p,) or (…, p), what was subtracted from the answers.
    """
    p = shift.shape[-1]
    last = np.moveaxis(T, -1, 0)
    W, W2, first = last[1], last[2], last[HEAD : HEAD + p]
    about_shift = last[HEAD + p :]
    cov = np.empty((p, p, *last.shape[1:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        m = first / W
        divisor = W - W2 / W
        divisor = np.where(divisor > 1e-12 * W, divisor, np.nan)
        flat = []
        for i in range(p):  # row by row: what is worked on stays in cache
            start = i * p - i * (i - 1) // 2
            row = about_shift[start : start + p - i] - first[i] * m[i:]
            flat.append(row[0] <= ROUNDING * about_shift[start])
            row /= divisor
            cov[i, i:] = cov[i:, i] = row
    _clear_flat(cov, np.array(flat), divisor)
    cov.setflags(write=False)
    mean = shift + np.moveaxis(m, 0, -1)
    return Sums(last[0], W, W2, mean, np.moveaxis(cov, (0, 1), (-2, -1)))


def _clear_flat(cov: FloatArray, flat: BoolArray, divisor: FloatArray) -> None:
    """Set the rows of constant variables (p, …) in cov (p, p, …) to 0 where it is."""
    if not flat.any():
        return
    zero = np.where(np.isnan(divisor), np.nan, 0.0)
    here = flat[:, None] | flat[None, :]
    np.copyto(cov, np.broadcast_to(zero, cov.shape), where=here)


def clear_rounding(cross: FloatArray, about_shift: FloatArray) -> None:
    """Set sums of squares that are rounding error to zero, in place.

    Parameters
    ----------
    cross : (…, p, p) sums of products about the mean.
    about_shift : (…, p) the same sums of squares about the shift; a constant variable
        leaves ``cross`` about 1e-16 of it, of either sign.
    """
    index = np.arange(cross.shape[-1])
    flat = cross[..., index, index] <= ROUNDING * about_shift
    if flat.any():
        cross[flat[..., :, None] | flat[..., None, :]] = 0.0


def mapped_cov(A: FloatArray, cov: FloatArray) -> FloatArray:
    """Return ``A Σ Aᵀ`` (…, m, m); variances that are rounding error are zero.

    Parameters
    ----------
    A : (…, m, p)
    cov : (…, p, p)
    """
    out = np.asarray(A @ cov @ np.swapaxes(A, -1, -2))
    sd = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    largest = (np.abs(A) @ sd[..., None])[..., 0]
    clear_rounding(out, largest**2)
    return out


def group_means(
    X: FloatArray, w: FloatArray, codes: IntArray, n_groups: int
) -> FloatArray:
    """Return weighted means (G, p) of the answers given; NaN where there are none."""
    used = codes >= 0
    X, w, codes = X[used], w[used], codes[used]
    seen = np.isfinite(X)
    out = np.full((n_groups, X.shape[1]), np.nan)
    for j in range(X.shape[1]):  # one pass per item keeps memory at one column
        rows = seen[:, j]
        weight = np.bincount(codes[rows], w[rows], minlength=n_groups)
        total = np.bincount(codes[rows], w[rows] * X[rows, j], minlength=n_groups)
        np.divide(total, weight, out=out[:, j], where=weight > 0)
    return out


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
    taylor : (G, p, p) linearised covariance of the means.
    """

    n: FloatArray
    weight_sum: FloatArray
    weight_sq: FloatArray
    pair_n: FloatArray
    mean: FloatArray
    cov: FloatArray
    taylor: FloatArray


def pairwise(
    Z: FloatArray, w: FloatArray, codes: IntArray, n_groups: int, shift: FloatArray
) -> PairSums:
    """Return pairwise-complete moments within groups; NaN marks a missing answer.

    ``cov_ij`` is the sample covariance of the rows that answered both i and j, about
    their own means. The means' covariance is linearised:
    ``n_ij/(n_ij − 1) Σ w² z_i z_j / (W_i W_j)`` over the rows that answered both.

    Parameters
    ----------
    Z : (U, p) answers less their group's weighted mean of the answers given.
    w : (U,)
    codes : (U,) group of each row, −1 for none.
    n_groups : number of groups G.
    shift : (G, p), the means that were subtracted.
    """
    p = Z.shape[1]
    seen = np.isfinite(Z)
    keep = (codes >= 0) & seen.any(axis=1)
    Z, w, codes, seen = Z[keep], w[keep], codes[keep], seen[keep].astype(np.float64)
    Z = np.where(seen > 0, Z, 0.0)
    sums: dict[str, FloatArray] = {
        name: np.zeros((n_groups, p, p)) for name in ("n", "w", "w2", "x", "xy", "w2xy")
    }
    order = np.argsort(codes, kind="stable")
    step = max(1, CHUNK_BYTES // (8 * 6 * p * p))
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
            "w2xy": (v * v * X, X),
        }
        for name, (left, right) in pairs.items():
            product = left[:, :, None] * right[:, None, :]
            sums[name][here[starts]] += np.add.reduceat(product, starts, axis=0)
    heads = np.stack([np.ones(len(w)), w, w * w], axis=1)
    total = np.zeros((n_groups, 3))
    np.add.at(total, codes, heads)
    with np.errstate(divide="ignore", invalid="ignore"):
        W = sums["w"]
        diag = np.arange(p)
        cross = sums["xy"] - sums["x"] * np.swapaxes(sums["x"], 1, 2) / W
        clear_rounding(cross, sums["xy"][:, diag, diag])
        divisor = W - sums["w2"] / W
        cov = cross / np.where(divisor > 1e-12 * W, divisor, np.nan)
        own = W[:, diag, diag]
        mean = shift + sums["x"][:, diag, diag] / own
        n = sums["n"]
        taylor = sums["w2xy"] / (own[:, :, None] * own[:, None, :]) * n / (n - 1)
        taylor = np.where(n > 1, taylor, np.nan)
    return PairSums(total[:, 0], total[:, 1], total[:, 2], n, mean, cov, taylor)
