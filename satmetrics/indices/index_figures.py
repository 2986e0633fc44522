"""Indices of groups, their errors and the table they make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation.door import oriented
from satmetrics.estimation.ends import check_means
from satmetrics.indices.designed import (
    INDEPENDENT,
    coefficients,
    designed_errors,
    unlike_rows,
)
from satmetrics.indices.index_data import Asked
from satmetrics.indices.joint import Joint
from satmetrics.indices.resampled import Plan, check_rows, drawn_indices
from satmetrics.indices.weighting import Weighting
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments

ONE_UNIT = "one sampled unit: no standard error"
FEW_DRAWN = 20
FEW_DEGREES = (
    "in {} of {} groups few sampled units were drawn (least degrees of freedom "
    "{:.0f}): percentiles of draws are then too narrow, those of six units at 95 % "
    "held the truth in 86 to 89 %; n_draws=0 has Student's t"
)
FEW_EFFECTIVE = 5
"""Below this effective n a linearised standard error means little."""


@dataclass(frozen=True, eq=False)
class MadeIndex:
    """What indices are made of.

    Attributes
    ----------
    weights : (p,) or (G, p)
    turned : moments of the indicators, high answers good.
    which : (k,) positions of the constructs.
    """

    asked: Asked
    weighting: Weighting
    weights: FloatArray
    turned: Moments
    which: IntArray
    ends: FloatArray

    @classmethod
    def of(
        cls, asked: Asked, weighting: Weighting, which: IntArray, ends: FloatArray
    ) -> MadeIndex:
        """Put weights and answers together.

        Raises
        ------
        DataError
            If a mean lies off its scale, or a negative weight is an error.
        """
        fit = weighting.fit
        moments = fit.indicator_moments(asked.moments)
        turned = oriented(fit.model, moments, ends)
        check_means(fit, turned.mean, ends, which)
        return cls(asked, weighting, weighting.weights(which), turned, which, ends)

    @cached_property
    def usable(self) -> BoolArray:
        """Where a group has weights (G,)."""
        return self.weighting.usable()

    def values(self) -> FloatArray:
        """Return the indices (G, k); NaN where there are no weights."""
        model = self.weighting.fit.model
        low, high = self.ends
        found = _blocks.index_0_100(
            *(self.weights, self.turned.mean, low, high),
            *(model.owner(), len(model.names)),
        )
        each = np.broadcast_to(found, (len(self.usable), found.shape[-1]))
        return np.where(self.usable[:, None], each[:, self.which], np.nan)

    def delta(self) -> tuple[Joint, tuple[str, ...]]:
        """Return the indices with errors that take weights as fixed, and notes."""
        values, error = self.values(), self._errors()
        df = np.full(values.size, np.inf)
        plain = Joint(values.ravel(), error.ravel(), df)
        if not self.asked.designed():
            return plain, ()
        read = self.asked.rows()
        if read is None:
            return plain, (INDEPENDENT.format(unlike_rows(self.asked.fit)),)
        if read.rows.unit is None:
            return plain, ()
        fit = self.weighting.fit
        a = coefficients(fit, self.weights, self.ends, self.which)
        found = designed_errors(read, a)
        error = np.where(np.isfinite(values), found.std_error, np.nan)
        joint = Joint(
            values.ravel(),
            error.ravel(),
            found.df.ravel(),
            found.pairs,
            found.covariance,
        )
        people = read.words != self.asked.survey_words()
        said = (f"errors: {read.words}, linearised",) if people else ()
        return joint, (*said, *read.notes)

    def drawn(
        self, plan: Plan, n_draws: int, rng: np.random.Generator
    ) -> tuple[Joint, tuple[tuple[str, int], ...], tuple[str, ...]]:
        """Return the indices with bootstrap draws, failures and notes."""
        check_rows(self.asked.fit)
        read = self.asked.rows()
        if read is None:
            raise OptionError(
                "n_draws= needs the answers",
                code="no-answers",
                column="n_draws",
                remedy="pass the survey, not lazily; or n_draws=0",
            )
        found = drawn_indices(plan, read, n_draws, rng)
        degrees = read.degrees()
        alone = np.repeat(np.isnan(degrees), len(self.which))
        draws = found.values.reshape(n_draws, -1)
        draws[:, alone] = np.nan  # nothing varies from draw to draw but the weights
        notes = (*found.notes, *read.notes)
        few = degrees[degrees < FEW_DRAWN]
        if len(few):
            notes += (FEW_DEGREES.format(len(few), len(degrees), few.min()),)
        return Joint.drawn(self.values().ravel(), draws), found.failures, notes

    def _errors(self) -> FloatArray:
        """Return the standard errors (G, k) by the covariance of the means."""
        model, moments = self.weighting.fit.model, self.turned
        owner, q = model.owner(), len(model.names)
        starts = np.searchsorted(owner, np.arange(q))
        span = np.add.reduceat(
            self.weights * (self.ends[1] - self.ends[0]), starts, axis=-1
        )
        W = self.weights[..., :, None] * _blocks.membership(owner, q)
        V = moments.mean_cov
        if not moments.has_correlations:
            V = np.where(np.eye(V.shape[-1], dtype=bool), V, 0.0)
        variance = ((V @ W) * W).sum(axis=-2)
        if not moments.has_correlations:
            sizes = _blocks.membership(owner, q).sum(axis=0)
            variance = np.where(sizes > 1, np.nan, variance)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = 100 * np.sqrt(variance) / np.abs(span)
        each = np.broadcast_to(error, (len(self.usable), q))
        return np.where(self.usable[:, None], each[:, self.which], np.nan)


def index_table(made: MadeIndex, joint: Joint, level: float) -> Table:
    """Return a row per group and construct, with what is wrong with it."""
    moments, k = made.turned, len(made.which)
    groups = len(moments.reasons)
    names = made.weighting.fit.model.names
    n = np.repeat(np.atleast_1d(moments.n), k)
    n_eff = np.repeat(np.atleast_1d(moments.n_eff), k)
    columns: dict[str, object] = {
        "construct": [names[c] for c in made.which] * groups,
        "n": n,
        **joint.columns(level),
    }
    if np.any(np.asarray(moments.n_eff) != np.asarray(moments.n)):
        columns["n_eff"] = n_eff
    said = zip(moments.reasons, made.weighting.reasons(), strict=True)
    given = [own or fitted for own, fitted in said]
    reasons = _reasons(
        np.repeat(np.array(given, dtype=object), k), n, n_eff, joint.std_error
    )
    if made.asked.designed():
        lone = np.isfinite(joint.estimate) & np.isnan(joint.std_error)
        reasons[lone & (reasons == "")] = ONE_UNIT
    columns["reason"] = reasons
    keys = made.asked.keys
    if keys is None:
        return Table.of(columns)
    keyed = {name: np.repeat(keys[name], k) for name in keys.names}
    return Table.of({**keyed, **columns}, keys=keys.names)


def _reasons(
    reasons: AnyArray, n: IntArray, n_eff: FloatArray, error: FloatArray
) -> AnyArray:
    """Return per figure why it cannot be had, or what is wrong with it."""
    reasons[(reasons == "") & (n < 1)] = "no complete rows"
    reasons[(reasons == "") & (n == 1)] = "one answer: no standard error"
    few = (reasons == "") & (n_eff < FEW_EFFECTIVE) & (n >= FEW_EFFECTIVE)
    reasons[few] = (
        "few rows carry nearly all weight: the standard error is not reliable"
    )
    alike = (reasons == "") & (error == 0)
    reasons[alike] = "all answers alike: the error of 0 is no certainty"
    return reasons
