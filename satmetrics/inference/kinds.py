"""The kinds of bootstrap interval: what each needs, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import one_of
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.inference import _intervals

Interval = Literal["percentile", "basic", "normal", "bc", "bca", "studentized"]
KINDS: Mapping[str, str] = {
    "percentile": "percentile",
    "basic": "basic",
    "normal": "normal",
    "bc": "BC (bias-corrected)",
    "bca": "BCa",
    "studentized": "studentised",
}
"""Each kind, and the word for it."""
SAID: Mapping[str, str] = {
    "percentile": "percentile, quantiles of the draws (type 7)",
    "basic": "basic, 2 θ̂ − opposite quantiles of the draws (type 7)",
    "normal": "normal, θ̂ ± z · std. error, not shifted by the bias",
    "bc": "BC, bias-corrected percentile (type 7), no acceleration",
    "bca": "BCa, bias-corrected and accelerated percentile (type 7)",
    "studentized": "studentised, θ̂ − t* · linearised std. error of the sample",
}
"""Each kind in a note."""
NEEDS = {
    "bca": "the acceleration, which needs the fit without each respondent",
    "studentized": "the standard error of every draw",
}


OF_SHARDS = ("percentile", "normal")


@dataclass(frozen=True, eq=False)
class Drawing:
    """What intervals are made of.

    Attributes
    ----------
    estimate : (k,)
    std_error : (k,) standard deviation of the draws.
    draws : (B, k)
    acceleration : (k,), or None.
    draw_errors, own_errors : (B, k) and (k,) linearised standard errors, or None.
    of_shards : True where shards were drawn: their tails are too coarse for more than
        percentile and normal intervals.
    """

    estimate: FloatArray
    std_error: FloatArray
    draws: FloatArray
    acceleration: FloatArray | None = None
    draw_errors: FloatArray | None = None
    own_errors: FloatArray | None = None
    of_shards: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be had without drawing again."""
        absent = {
            "bca": self.acceleration is None,
            "studentized": self.draw_errors is None,
        }
        known = OF_SHARDS if self.of_shards else tuple(KINDS)
        return tuple(kind for kind in known if not absent.get(kind))

    def require(self, kind: str) -> None:
        """Raise unless an interval of this kind can be had."""
        check_kind(kind)
        if self.of_shards:
            check_of_shards(kind)
        if kind not in self.kinds:
            raise OptionError(
                f"this bootstrap holds no {KINDS[kind]} intervals: they need "
                f"{NEEDS[kind]}",
                code="no-such-interval",
                column="kind",
                value=kind,
                remedy=f'draw with sat.bootstrap(fit, data, interval="{kind}")',
            )


def check_of_shards(kind: str) -> None:
    """Raise unless an interval of this kind may rest on draws of shards."""
    if kind not in OF_SHARDS:
        raise OptionError(
            f"draws of shards allow percentile and normal intervals, not {kind!r}",
            code="interval-of-shards",
            column="interval",
            value=kind,
            remedy='use interval="percentile"; units="respondents" draws every '
            "respondent, which takes long for so many",
        )


def check_kind(kind: str) -> None:
    """Raise unless `kind` is a kind of interval."""
    one_of("interval", kind, tuple(KINDS))


class Limits:
    """Intervals of one set of draws, ordered once."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.ordered = _intervals.Ordered.of(drawing.draws)

    def __call__(self, kind: str, level: float) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper limits (k,); NaN where there is no estimate."""
        low, high = self._of_kind(kind, level)
        known = np.isfinite(self.drawing.estimate)
        return np.where(known, low, np.nan), np.where(known, high, np.nan)

    def _of_kind(self, kind: str, level: float) -> tuple[FloatArray, FloatArray]:
        of = self.drawing
        if kind == "percentile":
            return _intervals.percentile_of(self.ordered, level)
        if kind == "basic":
            return _intervals.basic(self.ordered, of.estimate, level)
        if kind == "normal":
            return _intervals.normal_interval(of.estimate, of.std_error, level)
        if kind == "bc":
            return _intervals.accelerated(self.ordered, of.estimate, level)
        if kind == "bca" and of.acceleration is not None:
            return _intervals.accelerated(
                self.ordered, of.estimate, level, of.acceleration
            )
        if of.draw_errors is None or of.own_errors is None:
            of.require(kind)
            raise AssertionError(kind)
        return _intervals.studentized(
            of.draws, of.draw_errors, of.estimate, of.own_errors, level
        )

    def undefined(self, kind: str, low: FloatArray, high: FloatArray) -> str:
        """Return a sentence on numbers that are drawn but have no interval, or ''."""
        there = (self.ordered.defined > 1) & np.isfinite(self.drawing.estimate)
        lost = int((there & ~(np.isfinite(low) & np.isfinite(high))).sum())
        if not lost:
            return ""
        why = {
            "bc": "the estimate lies outside all draws (the bias correction is "
            "infinite)",
            "bca": "the estimate lies outside all draws (the bias correction is "
            "infinite), or the acceleration is too large",
            "studentized": "their standard errors are zero",
        }
        cause = f": {why[kind]}" if kind in why else ""
        who = "1 number has" if lost == 1 else f"{lost} numbers have"
        return f"{who} no {KINDS[kind]} interval{cause}"
