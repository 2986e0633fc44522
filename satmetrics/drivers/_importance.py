"""Importance and performance on 0–100, batch axis first.

Answers are put on 0–100 by the ends of their scale; a construct is then the mean of
its items with weights ``w r / Σ w r`` (w weights of the answers as given, r the range
of the scale), and a point is a hundredth of the way from worst to best answers.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._blocks import index_0_100


def spans(w: FloatArray, ends: FloatArray, owner: IntArray, q: int) -> FloatArray:
    """Return (…, q): Σ w r of each block.

    A composite of variance 1 has standard deviation 100 / span on 0–100.

    Parameters
    ----------
    w : (…, p) weights of the answers as given, of composites with variance 1.
    ends : (2, p) minimum and maximum of each item.
    owner : (p,)
    q : number of constructs.
    """
    starts = np.searchsorted(owner, np.arange(q))
    return np.asarray(np.add.reduceat(w * (ends[1] - ends[0]), starts, axis=-1))


def in_points(effect: FloatArray, span: FloatArray, rho: FloatArray) -> FloatArray:
    """Return (…, q, q): effects in points of the target per point of the source.

    A factor has the share √ρ of its composite's standard deviation: ``√ρ 100 / span``,
    so that a point of it is a point of the composite on average.

    Parameters
    ----------
    effect : (…, q, q) standardised effects at [source, target], direct or total.
    span : (…, q) from `spans`.
    rho : (…, q) reliabilities of the composites of factors; 1 for composites.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        span = span / np.sqrt(rho)
        return np.asarray(effect * (span[..., :, None] / span[..., None, :]))


def importance_performance(
    total: FloatArray,
    rho: FloatArray,
    w: FloatArray,
    mean: FloatArray,
    ends: FloatArray,
    owner: IntArray,
    goal: int,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return importance, performance of constructs (…, q), then of items (…, p).

    An item's importance is its construct's times its weight; the items of a construct
    add up to it.

    Parameters
    ----------
    total : (…, q, q) standardised total effects at [source, target].
    rho : (…, q) as in `in_points`.
    w : (…, p) weights of the answers, reversed ones turned.
    mean : (…, p) means of the answers, reversed ones turned.
    ends : (2, p)
    owner : (p,)
    goal : position of the target.
    """
    q = total.shape[-1]
    span = spans(w, ends, owner, q)
    effect = in_points(total, span, rho)[..., goal]
    spread = ends[1] - ends[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = w * spread / span[..., owner]
    return (
        effect,
        index_0_100(w, mean, ends[0], ends[1], owner, q),
        effect[..., owner] * share,
        np.asarray(100 * (mean - ends[0]) / spread),
    )
