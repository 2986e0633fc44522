"""Whether composites are made alike in two groups: arrays in, arrays out.

Letters follow Henseler, Ringle and Sarstedt (2016), doi:10.1108/IMR-09-2014-0304: the
composites of group k are ``X w⁽ᵏ⁾``. Nothing but moments enters. A block structure is
``starts`` (q,), the first indicator of each construct; blocks stand side by side.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray


def _within(S: FloatArray, starts: IntArray) -> FloatArray:
    """Return S (…, p, p) with zeros between blocks."""
    p = S.shape[-1]
    owner = np.searchsorted(starts, np.arange(p), side="right")
    return np.asarray(S * (owner[:, None] == owner))


def compositions(
    first: FloatArray, second: FloatArray, S: FloatArray, starts: IntArray
) -> FloatArray:
    """Return the correlations c (B, q) of composites made with either weights.

    ``c = w₁ᵀ S w₂ / √(w₁ᵀ S w₁ · w₂ᵀ S w₂)`` within each block: the correlation of
    ``X w⁽¹⁾`` and ``X w⁽²⁾`` over the respondents of both groups.

    Parameters
    ----------
    first, second : (B, p) weights estimated in the two groups.
    S : (p, p) covariances of the indicators over both groups, in the metric of the
        weights.
    starts : (q,)
    """
    S = _within(S, starts)
    left, right = first @ S, second @ S
    cross = np.add.reduceat(left * second, starts, axis=-1)
    own = np.add.reduceat(left * first, starts, axis=-1)
    other = np.add.reduceat(right * second, starts, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(cross / np.sqrt(own * other))


def composites(
    w: FloatArray, mean: FloatArray, cov: FloatArray, starts: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return means and variances (…, q) of composites with weights w.

    Parameters
    ----------
    w : (p,)
    mean, cov : (…, p), (…, p, p) of the indicators, in the metric of the weights.
    starts : (q,)
    """
    made = np.add.reduceat(mean * w, starts, axis=-1)
    pieces = _within(cov, starts) * w
    variance = np.add.reduceat(w * pieces.sum(axis=-1), starts, axis=-1)
    return np.asarray(made), np.asarray(variance)
