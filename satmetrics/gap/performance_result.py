"""`PerformanceResult`: performance alone, and weighted by importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap.design import Design
from satmetrics.gap.forms import FormAnswers
from satmetrics.gap.importance import Part
from satmetrics.gap.levels import overall_sentence
from satmetrics.gap.result import LABELS, LevelledResult
from satmetrics.gap.words import DIRECTION
from satmetrics.inference._tests import t_test

NAMES = ("level", "dimension", "item", "term", "variant")
HIGH_IS_GOOD = "performance: high is good; reversed items are turned"
WEIGHTED = (
    "weighted by importance: per respondent Σ I·X/Σ I (mean) or Σ I·X (sum), then the "
    "mean over respondents; in the aggregate the same of mean importances and means; X "
    "= performance (weighted SERVPERF) or gap (weighted SERVQUAL)"
)
ORIGIN = "sums and weights depend on where the scale of importance begins"


@dataclass(frozen=True, eq=False, repr=False)
class PerformanceResult(LevelledResult):
    """Performance by item, dimension and overall, one row an estimate.

    Attributes
    ----------
    table : the `by` columns, ``level, dimension, item, variant, term`` ("performance",
        or "gap" where it is weighted), ``n, estimate, std_error``, ``statistic,
        p_value`` (a gap against zero; NaN for performance), ``conf_low, conf_high, df,
        sd`` (of respondents' scores; NaN in the aggregate), ``n_eff`` (Kish),
        ``estimate_100, conf_low_100, conf_high_100`` (performance on 0-100; NaN where
        the scale is unknown, and for sums weighted by importance), ``reason``.
    level : confidence level.
    by : the group columns.
    weighted : whether sampling weights were used.
    importance : "rated by item", "points of respondents", "fixed points", or empty.
    missing, min_answered : the rules that were applied.
    """

    importance: str = ""

    def summary(self) -> Summary:
        """Return direction, performance overall, of dimensions and of items."""
        facts = (
            *self.context.facts(),
            ("importance", self.importance or "none"),
            ("weights", "sampling weights" if self.weighted else "none"),
            ("level", f"{self.level:g}"),
        )
        sections = [
            self._section("overall", "Overall", ("term", "variant")),
            self._section("dimension", "Dimensions", ("dimension", "term", "variant")),
            self._section("item", "Items", ("item",)),
        ]
        gap = (self.table["term"] == "gap").any()
        return Summary(
            "Service performance",
            facts,
            tuple(part for part in sections if part.rows),
            (
                HIGH_IS_GOOD,
                *((DIRECTION,) if gap else ()),
                *((WEIGHTED,) if self.importance else ()),
                *((ORIGIN,) if self.importance == "rated by item" else ()),
                overall_sentence(self.min_answered),
                *self.context.sentences(),
                *self._reasons(),
            ),
        )

    def _section(self, level: str, heading: str, labels: Sequence[str]) -> Section:
        if not self.importance:
            labels = [name for name in labels if name != "term"]
        if level == "dimension" and self.importance != "rated by item":
            labels = ["dimension"]
        words = {name: name for name in (*self.by, *labels)}
        words |= {"n": "n", "estimate": "mean", "std_error": "s.e."}
        words |= {"conf_low": "low", "conf_high": "high", "estimate_100": "0-100"}
        places = {"estimate_100": 1}
        rows = self.rows(level)
        return section(heading, rows, words, decimals=places, max_rows=30)


def performance_rows(
    parts: Sequence[Part],
    design: Design,
    ranges: Sequence[tuple[float, float]],
    read: FormAnswers,
    level: float,
) -> Table:
    """Lay out scores as rows, group by group.

    Parameters
    ----------
    parts : the scores.
    design : the items of each dimension.
    ranges : ends of the scale of each item; infinite where unknown.
    read : the groups.
    level : confidence level.
    """

    def joined(name: str) -> FloatArray:
        return np.concatenate([getattr(p.figures, name) for p in parts], axis=1)

    n, mean, error, df = (joined(s) for s in ("n", "mean", "std_error", "df"))
    test = t_test(mean, error, df, level)
    G, R = mean.shape
    labels = {
        name: np.tile(np.asarray([p.labels[i] for p in parts], dtype=object), G)
        for i, name in enumerate(NAMES)
    }
    gap = np.array([part.labels[3] == "gap" for part in parts])
    low, span = _scales(parts, design, ranges)
    columns: dict[str, AnyArray] = {
        "n": n,
        "estimate": mean,
        "std_error": error,
        "statistic": np.where(gap, test.statistic, np.nan),
        "p_value": np.where(gap, test.p_value, np.nan),
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": df,
        "sd": joined("sd"),
        "n_eff": joined("n_eff"),
        "estimate_100": 100 * (mean - low) / span,
        "conf_low_100": 100 * (test.conf_low - low) / span,
        "conf_high_100": 100 * (test.conf_high - low) / span,
        "reason": _reasons(n),
    }
    groups = read.key_columns(R, (*labels, *columns))
    flat = {name: np.asarray(values).ravel() for name, values in columns.items()}
    return Table.of({**groups, **labels, **flat}, keys=(*groups, *LABELS))


def _scales(
    parts: Sequence[Part], design: Design, ranges: Sequence[tuple[float, float]]
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest possible score and the range (R,); NaN where not known."""
    blocks = dict(zip(design.dimensions, design.blocks(), strict=True))
    places = {name: [at] for at, name in enumerate(design.items)}
    every = list(range(len(design.items)))
    low, span = [], []
    for part in parts:
        level, dimension, item, term, _ = part.labels
        own = {"item": places.get(item), "dimension": blocks.get(dimension)}
        ends = {ranges[j] for j in own.get(level) or every}
        known = len(ends) == 1 and np.isfinite(next(iter(ends))).all()
        if not known or term == "gap" or not part.sums:
            low.append(np.nan)
            span.append(np.nan)
            continue
        first, last = next(iter(ends))
        low.append(part.sums * first)
        span.append(part.sums * (last - first))
    return np.array(low), np.array(span)


def _reasons(n: AnyArray) -> AnyArray:
    words = ["nobody answered all that is needed", "one respondent: no standard error"]
    found = np.select([n == 0, n == 1], words, default="")
    return np.asarray(found.astype(object))
