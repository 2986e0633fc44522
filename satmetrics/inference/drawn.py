"""What a bootstrap returns: draws, errors and intervals of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import Context, Result, TableResult
from satmetrics._typing import FloatArray
from satmetrics.inference.kinds import KINDS, SAID, Drawing, Limits
from satmetrics.inference.source import Resampled

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("path", "r2", "index", "statistic")
WORDS = {
    "term": "term",
    "source": "source",
    "target": "target",
    "construct": "construct",
    "name": "name",
    "estimate": "estimate",
}


@dataclass(frozen=True, eq=False, repr=False)
class IntervalResult(TableResult):
    """Intervals of several kinds side by side: a row per number and ``interval``.

    Attributes
    ----------
    level : confidence level.
    title : what was fitted.
    """

    level: float = 0.95
    title: str = ""

    def summary(self) -> Summary:
        """Return the intervals of paths and R², the kinds of each below each other."""
        words = {
            **{word: label for word, label in WORDS.items() if word != "estimate"},
            "interval": "interval",
            "estimate": "estimate",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        parts = [self.table.where(term=t) for t in SHOWN]
        sections = tuple(
            section("", without_blanks(part), words, max_rows=60)
            for part in parts
            if len(part)
        )
        kinds = dict.fromkeys(str(kind) for kind in self.table["interval"])
        notes = (*(SAID[kind] for kind in kinds), *self.context.sentences())
        return Summary(
            f"Bootstrap intervals of {self.title}",
            self.context.facts(),
            sections,
            notes,
        )


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapResult(Result):
    """Bootstrap standard errors and intervals of a fit.

    Attributes
    ----------
    table : one row per statistic, in the shared words.
    draws : (successful draws, k) values behind the rows.
    n_draws : draws asked for.
    failures : pairs (reason, how many) of the draws that could not be used.
    level : confidence level of the intervals.
    resampled : "respondents", "clusters", "shards", or "normal theory" when only
        moments were given.
    title : what was fitted.
    context : origin and exclusions.
    interval : kind of the intervals in the table; `intervals` gives others.
    acceleration : (k,) of BCa intervals, when these were asked for.
    draw_errors : (successful draws, k) linearised standard errors, for studentised
        intervals.
    own_errors : (k,) those of the fit.
    remarks : what else is to be known of the intervals.
    """

    table: Table
    draws: FloatArray
    n_draws: int
    failures: tuple[tuple[str, int], ...]
    level: float
    resampled: Resampled
    title: str
    context: Context = field(default_factory=Context)
    interval: str = "percentile"
    acceleration: FloatArray | None = None
    draw_errors: FloatArray | None = None
    own_errors: FloatArray | None = None
    remarks: tuple[str, ...] = ()

    @property
    def n_failed(self) -> int:
        """Draws that could not be used."""
        return sum(count for _, count in self.failures)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of interval that can be had without drawing again."""
        return self.drawing().kinds

    @friendly_keywords
    def intervals(self, *kinds: str, level: float | None = None) -> IntervalResult:
        """Return intervals of other kinds, or at another level, from the same draws.

        Parameters
        ----------
        kinds : "percentile", "basic", "normal", "bc", "bca", "studentized"; all that
            can be had when none is named.
        level : confidence level; that of the bootstrap when None.

        Raises
        ------
        OptionError
            If a kind needs what was not computed: BCa and studentised intervals have
            to be asked for when the bootstrap is drawn.

        Examples
        --------
        >>> import satmetrics as sat
        >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
        >>> boot = sat.bootstrap(fit, n_draws=200, rng=1)
        >>> frame = boot.intervals("percentile", "bc", level=0.9).to_frame()
        >>> sorted(set(frame["interval"]))
        ['bc', 'percentile']
        """
        level = self.level if level is None else level
        check_level(level)
        drawing = self.drawing()
        wanted: Sequence[str] = kinds or drawing.kinds
        for kind in wanted:
            drawing.require(kind)
        limits = Limits(drawing)
        parts, notes = [], []
        for kind in wanted:
            low, high = limits(kind, level)
            notes.append(limits.undefined(kind, low, high))
            parts.append(
                self.table.drop("statistic", "p_value", "bias", "draws").extended(
                    {
                        "interval": [kind] * len(low),
                        "conf_low": low,
                        "conf_high": high,
                    }
                )
            )
        beside = np.arange(len(wanted) * len(self.table)).reshape(len(wanted), -1)
        return IntervalResult(
            stack(parts).take(beside.T.ravel()),
            self.context.plus(notes=tuple(n for n in notes if n)),
            level=level,
            title=self.title,
        )

    def drawing(self) -> Drawing:
        """Return what intervals are made of."""
        return Drawing(
            estimate=np.asarray(self.table["estimate"], dtype=np.float64),
            std_error=np.asarray(self.table["std_error"], dtype=np.float64),
            draws=self.draws,
            acceleration=self.acceleration,
            draw_errors=self.draw_errors,
            own_errors=self.own_errors,
            of_shards=self.resampled == "shards",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per statistic: term, keys, estimate, error and interval."""
        return self.table.to_frame()

    def summary(self) -> Summary:
        """Return paths and R² with errors and intervals."""
        words = {
            **WORDS,
            "std_error": "std. error",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        shown = [t for t in SHOWN if (self.table["term"] == t).any()]
        sections = tuple(
            section("", without_blanks(self.table.where(term=t)), words) for t in shown
        )
        facts = (
            *self.context.facts(),
            ("draws", f"{self.n_draws:,}"),
            ("failed", f"{self.n_failed:,}"),
            ("resampled", self.resampled),
            ("interval", KINDS[self.interval]),
        )
        partly = int((self.table["draws"] < len(self.draws)).sum())
        undefined = f"{partly} numbers are undefined in some draws; see column draws"
        parametric = ("normal theory, no answers",)
        notes = (
            *((undefined,) if partly else ()),
            f"interval: {SAID[self.interval]}; p = 2Φ(−|estimate/std. error|)",
            *(parametric if self.resampled == "normal theory" else ()),
            *self.remarks,
            *self.context.sentences(),
        )
        return Summary(f"Bootstrap of {self.title}", facts, sections, notes)


def without_blanks(table: Table) -> Table:
    """Return the table without key columns that are empty throughout."""
    words = ("source", "target", "via", "construct", "indicator", "name")
    return table.drop(*[n for n in words if n in table and not any(table[n])])
