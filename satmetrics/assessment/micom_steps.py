"""Steps 2 and 3 of MICOM for one pair of groups, observed and permuted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.assessment import _invariance as kernel
from satmetrics.assessment.composed import Composed
from satmetrics.assessment.grouping import Divided, Tally
from satmetrics.inference import _intervals, _permute
from satmetrics.inference.permutation import Grouped
from satmetrics.moment.moments import Moments


@dataclass(frozen=True)
class Step:
    """One test of each construct (k,)."""

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
    made : the constructs.
    w : (k, I) weights of the pooled fit; NaN where it failed.
    S : (I, I) pooled covariances of the items, each divided by `scale`.
    scale : (I,) pooled standard deviations, or ones where answers are used as given.
    """

    made: Composed
    w: FloatArray
    S: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, made: Composed, groups: Grouped) -> _Together:
        pooled = groups.pooled()
        items = pooled.select(made.fit.spec.indicators)
        raw = made.fit.options.metric == "raw"
        scale = np.ones_like(items.sd) if raw else items.sd
        S = items.cov / np.outer(scale, scale)
        return cls(made, made.solve(pooled)[1][0], S, scale)

    def compositions(self, weights: FloatArray) -> FloatArray:
        """Return c (b, k) of weights (2 b, k, I)."""
        pairs = weights.reshape(-1, 2, *weights.shape[1:])
        return kernel.compositions(pairs[:, 0], pairs[:, 1], self.S)

    def differences(self, moments: Moments) -> tuple[FloatArray, FloatArray]:
        """Return differences of means and log ratios of variances, (b, k) each.

        Parameters
        ----------
        moments : of the items of b · 2 groups.
        """
        mean = moments.mean / self.scale
        cov = moments.cov / np.outer(self.scale, self.scale)
        m, v = kernel.composites(self.w, mean, cov)
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
    groups, made = divided.groups.subset(pair), Composed.of(divided.fits)
    items = divided.fits.spec.indicators
    together = _Together.of(made, groups)
    _, weights = made.solve(groups.moments())
    observed = (
        together.compositions(weights)[0],
        *(value[0] for value in together.differences(groups.moments().select(items))),
    )
    drawn: tuple[list[FloatArray], ...] = ([], [], [])
    for moments in groups.permuted(n_draws, rng):
        run, weights = made.solve(moments)
        ok = run.converged
        reasons = ["" if good else run.reason(i) for i, good in enumerate(ok)]
        tally.add(ok.reshape(-1, 2), reasons)
        drawn[0].append(together.compositions(weights))
        for held, values in zip(
            drawn[1:], together.differences(moments.select(items)), strict=True
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
