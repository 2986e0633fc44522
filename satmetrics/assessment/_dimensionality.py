"""How many dimensions correlations have: arrays in, arrays out, batch axis first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from satmetrics._linalg import cov_to_corr, spd_inverse
from satmetrics._special import chi2_tail
from satmetrics._typing import FloatArray


def sampling_adequacy(R: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return KMO (…) and each item's MSA (…, p); NaN where R is singular.

    ``Σ r² / (Σ r² + Σ q²)`` over pairs, q the correlations given all other items
    (Kaiser and Rice 1974, doi:10.1177/001316447403400115).
    """
    p = R.shape[-1]
    inverse, _ = spd_inverse(R)
    with np.errstate(divide="ignore", invalid="ignore"):
        partial = cov_to_corr(inverse)
    off = 1 - np.eye(p)
    r, q = ((M**2 * off).sum(axis=-1) for M in (R, partial))
    total = r + q
    with np.errstate(divide="ignore", invalid="ignore"):
        return r.sum(axis=-1) / total.sum(axis=-1), r / total


def sphericity(
    R: FloatArray, n: FloatArray | float
) -> tuple[FloatArray, float, FloatArray]:
    """Return Bartlett's χ² that R is the identity, its df and p.

    ``−(n − 1 − (2p + 5)/6) log |R|`` (Bartlett 1951, doi:10.1093/biomet/38.3-4.337).
    """
    p = R.shape[-1]
    sign, log = np.linalg.slogdet(R)
    statistic = -(n - 1 - (2 * p + 5) / 6) * np.where(sign > 0, log, np.nan)
    df = p * (p - 1) / 2
    return statistic, df, chi2_tail(df, statistic)


def eigenvalues(R: FloatArray, *, reduced: bool = False) -> FloatArray:
    """Return eigenvalues (…, p), the largest first.

    Parameters
    ----------
    reduced : put squared multiple correlations in the diagonal, as for common factors;
        NaN where R is singular.
    """
    if not reduced:
        return np.asarray(np.linalg.eigvalsh(R)[..., ::-1])
    p = R.shape[-1]
    inverse, ok = spd_inverse(R)
    unique = 1 / np.diagonal(inverse, axis1=-2, axis2=-1)
    common = R - np.where(ok[..., None], unique, 0.0)[..., None] * np.eye(p)
    found = np.linalg.eigvalsh(common)[..., ::-1]
    return np.where(ok[..., None], found, np.nan)


def random_eigenvalues(
    draws: Iterable[FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues (B, p) of drawn covariances' correlations, full, reduced."""
    whole, common = [], []
    for S in draws:
        R = cov_to_corr(S)
        whole.append(eigenvalues(R))
        common.append(eigenvalues(R, reduced=True))
    return np.concatenate(whole), np.concatenate(common)


def leading(observed: FloatArray, critical: FloatArray) -> int:
    """Return how many eigenvalues are above theirs before the first that is not."""
    above = observed > critical
    return int(np.argmin(above)) if not above.all() else len(above)
