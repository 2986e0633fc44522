"""Steps 2 and 3 of MICOM for one pair of groups, observed and permuted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.assessment import _invariance as kernel
from satmetrics.assessment.grouping import Divided, Tally
from satmetrics.estimation.door import oriented
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.solve import solve_moments
from satmetrics.inference import _intervals, _permute
from satmetrics.inference.permutation import Grouped
from satmetrics.moment.moments import Moments


@dataclass(frozen=True)
class Step:
    """One test of each construct (q,)."""

    estimate: FloatArray
    std_error: FloatArray
    p_value: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    draws: IntArray


@dataclass(frozen=True, eq=False)
class _Together:
    """Both groups as one sample, and the composites it makes.

    Attributes
    ----------
    fits : the fits whose model and options are used.
    w : (p,) weights of the pooled fit; NaN where it failed.
    S : (p, p) pooled covariances of the indicators, each divided by `scale`.
    scale : (p,) pooled standard deviations, or ones where answers are used as given.
    """

    fits: PlsFit
    w: FloatArray
    S: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, fits: PlsFit, groups: Grouped) -> _Together:
        pooled = groups.pooled()
        turned = oriented(fits.model, pooled, fits.ends)
        raw = fits.options.metric == "raw"
        scale = np.ones_like(turned.sd) if raw else turned.sd
        S = turned.cov / np.outer(scale, scale)
        return cls(fits, fits.refit(pooled).weights, S, scale)

    @property
    def starts(self) -> IntArray:
        """First indicator of each construct."""
        model = self.fits.model
        return np.searchsorted(model.owner(), np.arange(len(model.names)))

    def compositions(self, weights: FloatArray) -> FloatArray:
        """Return c (b, q) of weights (b, 2, p)."""
        return kernel.compositions(weights[:, 0], weights[:, 1], self.S, self.starts)

    def differences(self, turned: Moments) -> tuple[FloatArray, FloatArray]:
        """Return differences of means and log ratios of variances, (b, q) each.

        Parameters
        ----------
        turned : b · 2 groups, reversed indicators turned.
        """
        mean = turned.mean / self.scale
        cov = turned.cov / np.outer(self.scale, self.scale)
        m, v = kernel.composites(self.w, mean, cov, self.starts)
        m, v = m.reshape(-1, 2, m.shape[1]), v.reshape(-1, 2, v.shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(v[:, 0] / v[:, 1])
        ratio[~np.isfinite(ratio)] = np.nan
        return m[:, 0] - m[:, 1], ratio


def steps(
    divided: Divided,
    pair: tuple[int, int],
    n_draws: int,
    level: float,
    rng: np.random.Generator,
    tally: Tally,
) -> dict[str, Step]:
    """Return the tests of composition, mean and variance of two groups.

    The pooled weights and covariances are the same in every permutation; only the
    groups' weights, means and variances change.
    """
    fits, groups = divided.fits, divided.groups.subset(pair)
    together = _Together.of(fits, groups)
    turned = oriented(fits.model, groups.moments(), fits.ends)
    observed = (
        together.compositions(fits.weights[list(pair)][None])[0],
        *(value[0] for value in together.differences(turned)),
    )
    drawn: tuple[list[FloatArray], ...] = ([], [], [])
    for moments in groups.permuted(n_draws, rng):
        solved = solve_moments(fits.model, moments, fits.options, fits.ends)
        ok = solved.solution.converged
        reasons = ["" if good else solved.reason(i) for i, good in enumerate(ok)]
        tally.add(ok.reshape(-1, 2), reasons)
        weights = solved.solution.weights.reshape(-1, 2, len(together.w))
        drawn[0].append(together.compositions(weights))
        for held, values in zip(
            drawn[1:], together.differences(solved.moments), strict=True
        ):
            held.append(values)
    null = [np.concatenate(parts) for parts in drawn]
    return {
        "composition": _below(observed[0], null[0], level),
        "mean": _apart(observed[1], null[1], level),
        "variance": _apart(observed[2], null[2], level),
    }


def _below(c: FloatArray, null: FloatArray, level: float) -> Step:
    """Reject where c lies below the lower quantile of the permuted correlations."""
    _, sd, draws = _intervals.moments(null)
    low, _ = _intervals.percentile(null, 2 * level - 1)
    p = np.where(_permute.varies(null), _permute.p_values(c, null, "less"), np.nan)
    return Step(c, sd, p, low, np.ones_like(low), draws)


def _apart(difference: FloatArray, null: FloatArray, level: float) -> Step:
    """Reject where a difference lies outside what permutation makes."""
    _, sd, draws = _intervals.moments(null)
    low, high = _intervals.percentile(null, level)
    p = np.where(_permute.varies(null), _permute.p_values(difference, null), np.nan)
    return Step(difference, sd, p, low, high, draws)
