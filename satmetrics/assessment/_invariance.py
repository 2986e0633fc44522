"""Whether composites are made alike in two groups: arrays in, arrays out.

Letters follow Henseler, Ringle and Sarstedt (2016), doi:10.1108/IMR-09-2014-0304: the
composites of group k are ``X w⁽ᵏ⁾``. Nothing but moments enters. Weights are rows over
all items, zero outside a construct's own, so that composites of composites are rows
like any.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray


def compositions(first: FloatArray, second: FloatArray, S: FloatArray) -> FloatArray:
    """Return the correlations c (B, k) of composites made with either weights.

    ``c = w₁ᵀ S w₂ / √(w₁ᵀ S w₁ · w₂ᵀ S w₂)``: the correlation of ``X w⁽¹⁾`` and
    ``X w⁽²⁾`` over the respondents of both groups.

    Parameters
    ----------
    first, second : (B, k, p) weights estimated in the two groups.
    S : (p, p) covariances of the items over both groups, in the metric of the weights.
    """
    left, right = first @ S, second @ S
    cross = (left * second).sum(axis=-1)
    own = (left * first).sum(axis=-1)
    other = (right * second).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(cross / np.sqrt(own * other))


def composites(
    w: FloatArray, mean: FloatArray, cov: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return means and variances (…, k) of composites with weights w.

    Parameters
    ----------
    w : (k, p)
    mean, cov : (…, p), (…, p, p) of the items, in the metric of the weights.
    """
    return np.asarray(mean @ w.T), np.asarray(((w @ cov) * w).sum(axis=-1))
