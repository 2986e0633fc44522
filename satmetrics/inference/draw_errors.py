"""Standard errors of every draw, for studentised intervals."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.inference import _studentized as kernel
from satmetrics.inference.measures import Measures
from satmetrics.inference.protocol import Units
from satmetrics.inference.source import Drawn
from satmetrics.moment.contributions import SMALL
from satmetrics.moment.moments import Moments

CELLS = 2**21
"""Numbers in the perturbed covariances that are solved at once: 16 MB."""


class DrawErrors:
    """Linearised standard errors of the numbers of a fit, resample by resample.

    The derivatives by every mean and covariance are central differences: two fits per
    mean and covariance and resample.
    """

    def __init__(self, measures: Measures, units: Units) -> None:
        columns = units.parts(np.arange(0)).shape[1]
        if units.n_units * columns > SMALL:
            raise OptionError(
                f"studentised intervals of {units.n_units:,} {units.kind} would take "
                "days",
                code="too-many-units",
                column="interval",
                value=units.n_units,
                remedy='use interval="bca"',
            )
        self.measures = measures
        self.parts = units.parts(np.arange(units.n_units))
        self.shift = units.shift
        strata = units.strata
        self.stratum: IntArray = np.zeros(units.n_units, dtype=np.int64)
        if strata is not None:
            self.stratum = np.unique(strata, return_inverse=True)[1]

    def of_fit(self) -> FloatArray:
        """Return those (k,) of the fit itself."""
        source = self.measures.fit.source
        once = np.ones((1, len(self.parts)))
        batch = _batch(source, source.mean[None], source.cov[None])
        return np.asarray(self(Drawn(batch, once))[0])

    def __call__(self, drawn: Drawn) -> FloatArray:
        """Return those (B, k) of some resamples of the units."""
        moments, counts = drawn.moments, drawn.counts
        if counts is None:
            raise ValueError("resamples without counts have no units")
        p = len(moments.names)
        step = max(1, CELLS // (2 * kernel.n_directions(p) * p * p))
        rows = []
        for start in range(0, len(counts), step):
            part = slice(start, start + step)
            mean, cov = moments.mean[part], moments.cov[part]
            g = self._gradient(moments, mean, cov)
            for b in range(len(mean)):
                about = mean[b] - self.shift
                rows.append(
                    kernel.linear_errors(
                        g[b], about, cov[b], self.parts, counts[start + b], self.stratum
                    )
                )
        return np.array(rows)

    def _gradient(self, like: Moments, mean: FloatArray, cov: FloatArray) -> FloatArray:
        b, p = mean.shape
        D = kernel.n_directions(p)
        some = max(1, CELLS // (2 * b * p * p))
        parts = []
        for start in range(0, D, some):
            which = np.arange(start, min(start + some, D))
            means, covs = kernel.perturbed(mean, cov, which)
            flat = _batch(like, means.reshape(-1, p), covs.reshape(-1, p, p))
            values = self.measures(flat).values
            parts.append(values.reshape(b, 2, len(which), -1))
        both = np.concatenate(parts, axis=2)
        return kernel.gradient(both[:, 0], both[:, 1], cov)


def _batch(like: Moments, mean: FloatArray, cov: FloatArray) -> Moments:
    n = np.full(len(mean), np.ravel(like.n)[0])
    return Moments(
        names=like.names, n=n, mean=mean, cov=cov, kind="sample", context=like.context
    )
