"""What a resample is drawn from: units of answers, or the moments alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import one_of
from satmetrics._result import Context
from satmetrics._typing import FloatArray, RngLike
from satmetrics.errors import DataError
from satmetrics.inference import _resample
from satmetrics.inference.protocol import Refittable, Units
from satmetrics.moment.contributions import UnitChoice
from satmetrics.moment.moments import Moments
from satmetrics.moment.pushdown import lazy_units, other_data
from satmetrics.moment.respondents import respondents
from satmetrics.survey._lazy import is_lazy, refuse
from satmetrics.survey.survey import as_survey

Resampled = Literal["respondents", "clusters", "shards", "normal theory"]
UNIT_CHOICES = ("auto", "respondents", "shards")
LOWEST_EIGENVALUE = -1e-8
BATCH = 2500
"""Draws fitted at once: enough that calls cost little beside arithmetic."""
CELLS = 2**23
"""Counts held at once, 64 MB: with many units fewer draws are fitted at once."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Some resamples.

    Attributes
    ----------
    moments : a batch of B.
    counts : (B, U) how often each unit is in each; None for a parametric bootstrap.
    """

    moments: Moments
    counts: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """Where resamples come from.

    Attributes
    ----------
    moments : those of the fit.
    units : what is drawn with replacement; None for a parametric bootstrap.
    """

    moments: Moments
    units: Units | None

    @property
    def resampled(self) -> Resampled:
        """What is drawn: respondents, clusters, shards, or normal theory."""
        return "normal theory" if self.units is None else self.units.kind

    @property
    def context(self) -> Context:
        """Origin of the data and what was left out."""
        return self.moments.context

    @property
    def notes(self) -> tuple[str, ...]:
        """How the units were drawn, for people."""
        return () if self.units is None else self.units.notes

    def batches(self, n_draws: int, rng: RngLike) -> Iterator[Drawn]:
        """Yield `n_draws` resamples, some hundreds at a time."""
        if self.units is None:
            return _normal(self.moments, n_draws, rng)
        return _resampled(self.units, n_draws, rng)


def source_of(fit: Refittable, data: object, units: UnitChoice = "auto") -> Source:
    """Return what to resample: the answers behind a fit, or its moments.

    Parameters
    ----------
    fit : the fit.
    data : its answers; None or `Moments` for a parametric bootstrap.
    units : "auto" takes shards where there are at least 20,000 units to draw;
        "respondents" never does (clusters stay whole); "shards" always.

    Raises
    ------
    DataError
        If the data are not those of the fit, or the fit is of moments that no resample
        of rows has.
    """
    if data is None or isinstance(data, Moments):
        _check_normal(fit)
        if fit.source.kind not in ("sample", "table"):
            raise DataError(
                f"the fit used {fit.source.kind} moments, which no one sample size is "
                "behind",
                code="not-sample-moments",
                remedy="pass the answers: sat.bootstrap(fit, data)",
            )
        if isinstance(data, Moments):
            _same_data(fit.source, data.select(fit.source.names))
        return Source(fit.source, None)
    if fit.source.kind == "table":
        raise DataError(
            "the fit used published figures, and answers are given",
            code="not-sample-moments",
            remedy="fit the answers, or bootstrap the figures alone: bootstrap(fit)",
        )
    return Source(fit.source, units_of(fit, data, units))


def _check_normal(fit: Refittable) -> None:
    if fit.sampling.products is not None:
        raise DataError(
            "the fit has products of items, which are not normal even if answers are",
            code="no-answers",
            remedy="bootstrap with the answers that were fitted",
        )


def units_of(fit: Refittable, data: object, units: UnitChoice = "auto") -> Units:
    """Return the units of the answers that were fitted, or raise if they are others.

    See `source_of` for `units`.
    """
    one_of("units", units, UNIT_CHOICES)
    if is_lazy(data):
        pushed = _lazy_units(fit, data, units)
        _same_data(fit.source, pushed.moments())
        return pushed
    survey = as_survey(data, borrow=True)
    if fit.sampling.weights is not None:
        survey = survey.with_roles(weight=fit.sampling.weights)
    made = fit.sampling.products
    names = fit.source.names
    items = names if made is None else names[: len(names) - len(made.names)]
    found = respondents(
        survey,
        items,
        missing=fit.sampling.missing,
        ordinal=fit.sampling.ordinal,
        units=units,
        products=made,
    )
    _same_data(fit.source, found.moments())
    return found


def _lazy_units(fit: Refittable, data: object, units: UnitChoice) -> Units:
    if fit.sampling.products is not None:
        raise refuse("a product of items")
    if fit.sampling.ordinal:
        raise refuse("an ordinal item")
    if fit.sampling.missing not in ("listwise", "error"):
        raise refuse(f"missing={fit.sampling.missing!r}")
    return lazy_units(data, fit.source, fit.sampling.weights, units)


def _same_data(fitted: Moments, given: Moments) -> None:
    same = int(fitted.n) == int(given.n) and np.allclose(
        fitted.cov, given.cov, rtol=1e-8, atol=1e-10, equal_nan=True
    )
    means = fitted.mean, given.mean  # NaN where a published table has none
    if not same or not np.allclose(*means, rtol=1e-9, atol=1e-10, equal_nan=True):
        raise other_data(int(fitted.n), int(given.n))


def counts_of(units: Units, n_draws: int, rng: RngLike) -> Iterator[FloatArray]:
    """Yield blocks (b, U) of counts, as the design of the units asks for.

    Respondents and shards of one stratum: U of U with replacement. Clusters, and all
    units of several strata: one less than there are within each stratum, rescaled.
    """
    if units.strata is None and units.kind != "clusters":
        return _resample.bootstrap_counts(units.n_units, n_draws, rng)
    return _resample.rescaled_counts(units.n_units, units.strata, n_draws, rng)


def _resampled(units: Units, n_draws: int, rng: RngLike) -> Iterator[Drawn]:
    enough = min(BATCH, CELLS / units.n_units)
    for held in _resample.gathered(counts_of(units, n_draws, rng), enough, len):
        counts = np.concatenate(held)
        yield Drawn(units.moments(counts), counts)


def _normal(moments: Moments, n_draws: int, rng: RngLike) -> Iterator[Drawn]:
    cov = moments.require_cov()
    lowest = float(np.linalg.eigvalsh(moments.corr())[0])
    if lowest < LOWEST_EIGENVALUE:
        raise DataError(
            "the correlations are not positive semi-definite (smallest eigenvalue "
            f"{lowest:.3g}), so that no sample can be drawn from them",
            code="indefinite",
            value=lowest,
            remedy="check the table for misprints",
        )
    n = float(moments.n_eff)
    blocks = _resample.normal_moments(moments.mean, cov, n, n_draws, rng)
    for held in _resample.gathered(blocks, BATCH, lambda block: len(block[0])):
        yield _joined(moments, held)


def _joined(moments: Moments, held: list[tuple[FloatArray, FloatArray]]) -> Drawn:
    mean = np.concatenate([m for m, _ in held])
    cov = np.concatenate([c for _, c in held])
    n = np.full(len(mean), moments.n)
    return Drawn(
        Moments(names=moments.names, n=n, mean=mean, cov=cov, context=moments.context)
    )
