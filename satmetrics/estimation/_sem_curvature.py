"""Second derivatives of the ML discrepancy: arrays in, arrays out, batch axis first."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_point import Fixed, points_at


def observed_hessian(
    layout: kernel.Layout, sample: kernel.Sample, theta: FloatArray
) -> FloatArray:
    """Return the second derivatives of F_ML (b, t, t)."""
    at = np.arange(len(theta))
    _, points = points_at(layout, Fixed.of(sample, "ML"), at, theta)
    out = np.zeros((len(theta), layout.n_free, layout.n_free))
    for g, point in enumerate(points):
        out += sample.share[:, g, None, None] * point.observed()
    return out
