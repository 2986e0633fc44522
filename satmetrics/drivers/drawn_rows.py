"""Numbers of a fit with errors and limits from the bootstrap, and what is said."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from satmetrics._checks import check_level, expect, generator, positive_int
from satmetrics._result import Context, TableResult
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.inference.bootstrap import bootstrap
from satmetrics.inference.kinds import SAID, Interval, check_kind
from satmetrics.inference.measures import Statistic


@dataclass(frozen=True, eq=False)
class Drawing:
    """How to draw.

    Attributes
    ----------
    n_draws : 0 for estimates alone.
    level, interval, rng : as in `sat.bootstrap`.
    """

    n_draws: int
    level: float
    interval: Interval
    rng: RngLike

    @classmethod
    def of(
        cls, n_draws: int, level: float, interval: Interval, rng: RngLike
    ) -> Drawing:
        """Check what was asked for."""
        check_level(level)
        check_kind(interval)
        generator(rng)
        draws = positive_int("n_draws", n_draws, at_least=0)
        return cls(draws, level, interval, rng)


def require_fit(function: str, fit: object) -> None:
    """Raise ``OptionError`` unless `fit` is a fit of one group."""
    expect(
        function,
        fit,
        StructuralFit,
        "a fit",
        remedy=f"{FIT}, then the data",
    )
    if isinstance(fit, StructuralFit):
        fit.require_single("take")


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """k numbers of a fit; errors and limits are NaN without draws.

    Attributes
    ----------
    n : respondents.
    estimate, std_error, low, high : (k,)
    context : of the data, with what the bootstrap remarked.
    failures : pairs (reason, how many) of the draws that could not be used.
    resampled : what was drawn; empty without draws.
    """

    n: int
    estimate: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    context: Context
    failures: tuple[tuple[str, int], ...] = ()
    resampled: str = ""

    @classmethod
    def of(
        cls, fit: StructuralFit, data: object, statistic: Statistic, asked: Drawing
    ) -> DrawnRows:
        """Compute a statistic (…, k) of the fit and of resamples."""
        estimate = np.asarray(statistic(fit))
        n = int(fit.moments.n)
        if not asked.n_draws:
            blank = np.full(estimate.shape, np.nan)
            return cls(n, estimate, blank, blank, blank, fit.context)
        boot = bootstrap(
            *(fit, data),
            n_draws=asked.n_draws,
            level=asked.level,
            interval=asked.interval,
            rng=asked.rng,
            statistic=statistic,
        )
        rows = boot.table.where(term="statistic")
        return cls(
            n,
            estimate,
            rows["std_error"],
            rows["conf_low"],
            rows["conf_high"],
            boot.context.plus(notes=boot.remarks),
            boot.failures,
            boot.resampled,
        )

    def take(self, at: IntArray) -> DrawnRows:
        """Return some of the numbers, by position."""
        return dataclasses.replace(
            self,
            estimate=self.estimate[at],
            std_error=self.std_error[at],
            low=self.low[at],
            high=self.high[at],
        )

    def times(self, factor: FloatArray) -> DrawnRows:
        """Return the numbers times known factors (k,); limits change places below 0."""
        low, high = self.low * factor + 0.0, self.high * factor + 0.0
        down = factor < 0
        return dataclasses.replace(
            self,
            estimate=self.estimate * factor + 0.0,  # no -0
            std_error=self.std_error * np.abs(factor),
            low=np.where(down, high, low),
            high=np.where(down, low, high),
        )

    def told(self, fit: StructuralFit, asked: Drawing) -> dict[str, Any]:
        """Return what a result says of the draws and the model, by field."""
        return {
            "interval": asked.interval,
            "n_draws": asked.n_draws,
            "failures": self.failures,
            "resampled": self.resampled,
            "model": fit.model.name,
            "credit": fit.model.credit(),
        }

    def columns(self) -> dict[str, object]:
        """Return n, estimate, std_error, conf_low and conf_high."""
        return {
            "n": np.full(len(self.estimate), self.n),
            "estimate": self.estimate,
            "std_error": self.std_error,
            "conf_low": self.low,
            "conf_high": self.high,
        }


@dataclass(frozen=True, eq=False, repr=False)
class DrawnTable(TableResult):
    """Numbers of one fit, with what their intervals rest on.

    Attributes
    ----------
    level : confidence level of the intervals.
    interval : kind of the intervals.
    n_draws : bootstrap draws; 0 for none.
    failures : pairs (reason, how many) of the draws that could not be used.
    resampled : what was drawn; empty without a bootstrap.
    model : name of the model.
    credit : what must be said of a published model form.
    """

    level: float = 0.95
    interval: str = "percentile"
    n_draws: int = 0
    failures: tuple[tuple[str, int], ...] = ()
    resampled: str = ""
    model: str = ""
    credit: str = ""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        facts = (*self.context.facts(), ("model", self.model))
        return facts + drawn_facts(self.n_draws, self.failures, self.resampled)

    def _drawn_notes(self) -> tuple[str, ...]:
        said = [f"interval: {SAID[self.interval]}"] if self.n_draws else []
        if self.resampled == "normal theory":
            said.append("normal theory, no answers")
        return tuple(n for n in (*said, self.credit, *self.context.sentences()) if n)


def drawn_facts(
    n_draws: int, failures: tuple[tuple[str, int], ...], resampled: str
) -> tuple[tuple[str, str], ...]:
    """Return how many draws there were, how many failed, and of what."""
    if not n_draws:
        return ()
    return (
        ("draws", f"{n_draws:,}"),
        ("failed", f"{sum(k for _, k in failures):,}"),
        ("resampled", resampled),
    )
