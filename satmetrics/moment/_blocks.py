"""Functions of one covariance matrix and its blocks of indicators, batch axis first.

A block structure is ``owner`` (p,): the construct of each indicator, ascending from 0
to q − 1.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray


def membership(owner: IntArray, q: int) -> FloatArray:
    """Return the (p, q) matrix with 1 where indicator i belongs to construct j."""
    return np.asarray(owner[:, None] == np.arange(q), dtype=np.float64)


def block_sums(S: FloatArray, M: FloatArray) -> FloatArray:
    """Sum a (…, p, p) matrix over pairs of blocks: ``Mᵀ S M`` (…, q, q)."""
    return np.asarray(M.T @ (S @ M))


def cronbach_alpha(S: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return Cronbach's alpha of each block (…, q); NaN for one indicator.

    ``alpha = k / (k − 1) · (1 − tr S_b / 1ᵀ S_b 1)`` (Cronbach 1951,
    doi:10.1007/BF02310555). With correlations it is the standardised alpha.
    """
    M = membership(owner, q)
    k = M.sum(axis=0)
    total = np.diagonal(block_sums(S, M), axis1=-2, axis2=-1)
    trace = np.diagonal(S, axis1=-2, axis2=-1) @ M
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(k > 1, k / (k - 1) * (1 - trace / total), np.nan)


def htmt(R: FloatArray, owner: IntArray, q: int, *, signed: bool = False) -> FloatArray:
    r"""Return heterotrait-monotrait ratios (…, q, q), NaN on the diagonal.

    The mean correlation between two blocks over the geometric mean of the mean
    correlations within them (Henseler, Ringle and Sarstedt 2015,
    doi:10.1007/s11747-014-0403-8). A block of one indicator counts as 1 within.

    Parameters
    ----------
    R : (…, p, p) correlations.
    owner : (p,)
    q : number of constructs.
    signed : average r (as cSEM) instead of \\|r\\| (as seminr and SmartPLS).
    """
    k = np.bincount(owner, minlength=q).astype(np.float64)
    sums = _lower_sums(R, owner, q, absolute=not signed)
    own = (np.diagonal(sums, axis1=-2, axis2=-1) - k) / np.maximum(k * (k - 1), 1)
    own = np.where(k > 1, own, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(own) * k
        ratio = sums / (root[..., :, None] * root[..., None, :])
    lower = np.tril_indices(q, -1)
    ratio[..., lower[1], lower[0]] = ratio[..., lower[0], lower[1]]
    return _blank_diagonal(ratio)


def _lower_sums(
    S: FloatArray, owner: IntArray, q: int, *, absolute: bool
) -> FloatArray:
    """Sum entries (or sizes) of a symmetric (…, p, p) matrix over pairs of blocks.

    Only on and below the diagonal; above it the sums are left at zero.

    A batch that lies last in memory is summed along long rows.
    """
    starts = np.searchsorted(owner, np.arange(q + 1))
    last = np.moveaxis(S.reshape(-1, *S.shape[-2:]), 0, -1)
    sums = np.zeros((q, q, last.shape[-1]))
    for i in range(q):
        strip = last[starts[i] : starts[i + 1], : starts[i + 1]]
        total = (np.abs(strip) if absolute else strip).sum(axis=0)
        np.add.reduceat(total, starts[: i + 1], axis=0, out=sums[i, : i + 1])
    return np.moveaxis(sums, -1, 0).reshape(*S.shape[:-2], q, q)


def htmt2(R: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return HTMT2 (…, q, q): geometric instead of arithmetic means.

    Undefined (NaN) where any correlation involved is not positive (Roemer, Schuberth
    and Henseler 2021, doi:10.1108/IMDS-02-2021-0082).
    """
    M = membership(owner, q)
    k = M.sum(axis=0)
    positive = np.where(R > 0, R, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(positive)
    undefined = np.isnan(logs)
    counts = block_sums(undefined.astype(np.float64), M)
    sums = block_sums(np.where(undefined, 0.0, logs), M)
    sums = np.where(counts > 0, np.nan, sums)
    own = np.diagonal(sums, axis1=-2, axis2=-1) / np.maximum(k * (k - 1), 1)
    own = np.where(k > 1, own, 0.0)
    log_ratio = sums / np.outer(k, k) - 0.5 * (own[..., :, None] + own[..., None, :])
    return _blank_diagonal(np.exp(log_ratio))


def rho_a(R: FloatArray, w: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return Dijkstra and Henseler's rho_A of mode A blocks (…, q); NaN for one item.

    ``rho_A = (wᵀw)² · wᵀ(R − diag R)w / wᵀ(wwᵀ − diag wwᵀ)w`` within each block, with
    weights scaled so that the composite has unit variance (Dijkstra and Henseler 2015,
    doi:10.25300/MISQ/2015/39.2.02).

    Parameters
    ----------
    R : (…, p, p) correlations.
    w : (…, p) weights of the standardised indicators.
    """
    M = membership(owner, q)
    W = w[..., :, None] * M
    common = np.einsum("...pq,...pq->...q", W, R @ W) - (w * w) @ M
    ww = (w * w) @ M
    pairs = ww * ww - (w**4) @ M
    with np.errstate(divide="ignore", invalid="ignore"):
        value = ww * ww * common / pairs
    return np.where(M.sum(axis=0) > 1, value, np.nan)


def rho_c(loadings: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return Jöreskog's composite reliability (…, q) of standardised loadings (…, p).

    ``rho_C = (Σλ)² / ((Σλ)² + Σ(1 − λ²))`` (Jöreskog 1971, doi:10.1007/BF02291393).
    """
    M = membership(owner, q)
    squared = (loadings @ M) ** 2
    error = (1 - loadings**2) @ M
    return np.where(M.sum(axis=0) > 1, squared / (squared + error), np.nan)


def ave(loadings: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return average variance extracted (…, q): the mean squared loading.

    Fornell and Larcker (1981), doi:10.1177/002224378101800104.
    """
    M = membership(owner, q)
    return np.asarray((loadings**2) @ M / M.sum(axis=0))


def component(
    R: FloatArray, owner: IntArray, q: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Dillon and Goldstein's rho and the first two eigenvalues of each block.

    ``(Σλ)² / ((Σλ)² + Σ(1 − λ²))`` with λ the correlations of the indicators with the
    block's first principal component (Tenenhaus et al. 2005,
    doi:10.1016/j.csda.2004.03.005, section 1.2). A block of one indicator is NaN.

    Parameters
    ----------
    R : (…, p, p) correlations.

    Returns
    -------
    rho, first, second : (…, q) each.
    """
    sizes = np.bincount(owner, minlength=q)
    k = int(sizes.max())
    used = np.arange(k)[:, None] < sizes
    at = np.where(used, np.searchsorted(owner, np.arange(q)) + np.arange(k)[:, None], 0)
    both = (used[:, None] & used[None, :]).transpose(2, 0, 1)
    found = R[..., at.T[:, :, None], at.T[:, None, :]]
    known = np.isfinite(found) | ~both
    ok = (sizes > 1) & known.all(axis=(-2, -1))
    padded = np.where(both & known, found, -np.eye(k))  # a padding has eigenvalue −1
    values, vectors = np.linalg.eigh(padded)
    largest = values[..., -1]
    squared = vectors[..., -1].sum(axis=-1) ** 2 * largest
    rho = squared / (squared + sizes - largest)
    second = values[..., max(k - 2, 0)]
    return (
        np.where(ok, rho, np.nan),
        np.where(ok, largest, np.nan),
        np.where(ok, second, np.nan),
    )


def block_mean(values: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return the mean (…, q) of the indicators' values (…, p) in each block."""
    M = membership(owner, q)
    return np.asarray(values @ M / M.sum(axis=0))


def constant(cov: FloatArray) -> BoolArray:
    """Return (…, p): True where a variance is zero, or not known.

    The moments' sums set variances that are rounding error to exactly zero.
    """
    return ~(np.diagonal(cov, axis1=-2, axis2=-1) > 0)


def _blank_diagonal(square: FloatArray) -> FloatArray:
    k = square.shape[-1]
    square[..., np.arange(k), np.arange(k)] = np.nan
    return square


def index_0_100(
    w: FloatArray,
    mean: FloatArray,
    low: FloatArray,
    high: FloatArray,
    owner: IntArray,
    q: int,
) -> FloatArray:
    """Return each block's index (…, q) on 0–100.

    ``(Σ w x̄ − Σ w min) / Σ w (max − min) · 100`` (Fornell et al. 1996,
    doi:10.1177/002224299606000403).

    Parameters
    ----------
    w : (…, p) weights of the answers as given (unstandardised).
    mean : (…, p) item means.
    low, high : (p,) ends of each item's scale; NaN where not known (that block is NaN).
    """
    starts = np.searchsorted(owner, np.arange(q))
    above = np.add.reduceat(w * (mean - low), starts, axis=-1)
    span = np.add.reduceat(w * (high - low), starts, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(100 * above / span)
