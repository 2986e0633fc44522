"""`StatesResult`: shares of customers by what became of their expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._display import Section, Summary, percent, section
from satmetrics._frames import Table, stack
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap import _states as kernel
from satmetrics.gap.forms import FormAnswers
from satmetrics.gap.levels import Levels, overall_sentence
from satmetrics.gap.result import LABELS, LevelledResult, holm_within
from satmetrics.gap.words import DIRECTION
from satmetrics.inference._tests import t_test, wilson
from satmetrics.moment._column_means import column_means
from satmetrics.survey.label import Label

TERMS = ("better", "equal", "worse")
STATE_LABELS: Mapping[str, Label] = {
    "better": Label(
        "above expectation: very or highly satisfied", "大于：十分满意、高度满意"
    ),
    "equal": Label("as expected: basically satisfied", "等于：基本满意、一般满意"),
    "worse": Label("below expectation: dissatisfied, let down", "小于：不满意、失望"),
}
"""What each state is called in the sources on customer satisfaction."""
DIRECT = (
    "answers less the neutral point ('as expected'); positive is good: better than "
    "expected"
)


@dataclass(frozen=True, eq=False, repr=False)
class StatesResult(LevelledResult):
    """Shares better than, as and worse than expected, beside the mean difference.

    Attributes
    ----------
    table : the `by` columns, ``level, dimension, item, variant, term`` ("mean",
        "better", "equal", "worse"), ``n, estimate`` (mean difference, or share),
        ``std_error, statistic, p_value`` (of the mean), ``conf_low, conf_high``
        (Wilson's for shares), ``df, p_holm``, ``tolerance`` (NaN for the mean, which
        has none), ``label, label_zh``, ``n_eff`` (of the limits; Kish's for the mean),
        ``reason`` (why a figure is absent).
    level : confidence level.
    by : the group columns.
    weighted : whether sampling weights were used.
    tolerances : half-widths of the band that counts as equal, in answer units.
    direct : True if customers were asked directly (one answer), False for P − E.
    neutral : the neutral point of each item, if direct.
    expectation_type : what "expectation" means in the instrument; empty if not stated.
    missing, min_answered : the rules that were applied.
    """

    tolerances: tuple[float, ...] = (0.0,)
    direct: bool = False
    neutral: tuple[float, ...] = ()
    expectation_type: str = ""

    def summary(self) -> Summary:
        """Return direction, shares overall, of dimensions and of items."""
        neutral = sorted(set(self.neutral))
        facts = (
            *self.context.facts(),
            *(
                (("neutral point", ", ".join(f"{v:g}" for v in neutral)),)
                if self.direct
                else (("expectation asked", self.expectation_type or "not stated"),)
            ),
            ("tolerance", ", ".join(f"{v:g}" for v in self.tolerances)),
            ("weights", "sampling weights" if self.weighted else "none"),
            ("level", f"{self.level:g}"),
        )
        sections = [
            self._wide(level, heading, label)
            for level, heading, label in (
                ("overall", "Overall", "variant"),
                ("dimension", "Dimensions", "dimension"),
                ("item", "Items", "item"),
            )
        ]
        title = "Direct disconfirmation" if self.direct else "Three states of customers"
        return Summary(
            title,
            facts,
            tuple(part for part in sections if part.rows),
            (DIRECT if self.direct else DIRECTION, *self._notes()),
        )

    def _wide(self, level: str, heading: str, label: str) -> Section:
        """Lay the three shares side by side, one row per score and tolerance."""
        mean = self.rows(level).where(term="mean")
        parts = []
        for width in self.tolerances:
            columns: dict[str, object] = {"tolerance": np.full(len(mean), width)}
            for term in TERMS:
                own = self.rows(level).where(term=term, tolerance=width)
                columns[term] = [percent(float(v), 1) for v in own["estimate"]]
                columns[f"{term} limits"] = [
                    f"{percent(float(a))} to {percent(float(b))}"
                    for a, b in zip(own["conf_low"], own["conf_high"], strict=True)
                ]
            parts.append(mean.drop("tolerance").extended(columns, (*self.by, *LABELS)))
        words = {name: name for name in (*self.by, label)}
        if len(self.tolerances) > 1:
            words["tolerance"] = "tolerance"
        words |= {"n": "n", "estimate": "mean", "p_holm": "p (Holm)"}
        for term in TERMS:
            words |= {term: term, f"{term} limits": "limits"}
        return section(heading, stack(parts), words, max_rows=30)

    def _notes(self) -> tuple[str, ...]:
        what = "the answer less the neutral point" if self.direct else "P − E"
        names = "; ".join(f"{term} = {STATE_LABELS[term].en}" for term in TERMS)
        return (
            f"better: {what} above the tolerance; equal: within ± the tolerance; "
            "worse: below minus the tolerance",
            *(() if self.direct else (names,)),
            "limits of shares are Wilson's with the effective n: Kish's of weights, "
            "over clusters 1 + p(1 − p)/se² of the linearised error, at most n, times "
            "(z/t)² for few clusters (after Korn and Graubard 1998)",
            overall_sentence(self.min_answered),
            *self.context.sentences(),
            *self._reasons(),
        )


def state_rows(
    differences: Sequence[FloatArray],
    levels: Levels,
    read: FormAnswers,
    tolerances: Sequence[float],
    level: float,
) -> Table:
    """Lay out mean differences and shares as rows, the mean before the shares.

    Parameters
    ----------
    differences : q columns (n,) of items, dimensions and overall scores.
    levels : their labels.
    read : groups, weights and sampled units.
    tolerances : one set of shares for each.
    level : confidence level.
    """
    blocks = [_mean_block(differences, levels, read, level)]
    for width in tolerances:
        states = [kernel.three_way(g, width) for g in differences]
        stats = kernel.state_stats(states, len(TERMS), read.rows)
        blocks.append(share_block(stats, level, {"tolerance": width}))
    columns = {
        name: np.concatenate([block[name] for block in blocks], axis=-1)
        for name in blocks[0]
    }
    terms = ["mean", *TERMS * len(tolerances)]
    G = read.rows.n_groups
    labels = levels.row_labels(terms, G)
    words = [STATE_LABELS.get(term, Label()) for term in terms]
    q = len(differences)
    columns |= {
        "label": np.tile(np.asarray([w.en for w in words], dtype=object), (G, q, 1)),
        "label_zh": np.tile(np.asarray([w.zh for w in words], dtype=object), (G, q, 1)),
    }
    groups = read.key_columns(q * len(terms), (*labels, *columns))
    flat = {name: values.ravel() for name, values in columns.items()}
    return Table.of({**groups, **labels, **flat}, keys=(*groups, *LABELS))


def share_block(
    stats: kernel.StateStats,
    level: float,
    more: Mapping[str, float],
) -> dict[str, AnyArray]:
    """Return the columns (G, q, K) of shares, those of `more` filled with a number."""
    effective = stats.for_limits(level)
    low, high = wilson(stats.share, effective, level)
    shape = stats.share.shape
    blank = np.full(shape, np.nan)
    few = np.where(stats.n == 0, "nobody answered all that is needed", "")
    figures = {
        "n": np.broadcast_to(stats.n, shape),
        "estimate": stats.share,
        "std_error": stats.std_error,
        "statistic": blank,
        "p_value": blank,
        "conf_low": low,
        "conf_high": high,
        "df": blank,
        "p_holm": blank,
        "n_eff": effective,
        **{name: np.full(shape, value) for name, value in more.items()},
        "reason": np.broadcast_to(few.astype(object), shape),
    }
    return {name: np.moveaxis(values, 0, -1) for name, values in figures.items()}


def _mean_block(
    differences: Sequence[FloatArray], levels: Levels, read: FormAnswers, level: float
) -> dict[str, AnyArray]:
    """Return the columns (G, q, 1) of the mean differences and their t tests."""
    stats = column_means(differences, read.rows)
    test = t_test(stats.mean, stats.std_error, stats.df, level)
    m, D = len(levels.design.items), len(levels.design.dimensions)
    reason = np.select(
        [stats.n == 0, stats.n == 1, stats.std_error == 0],
        [
            "nobody answered all that is needed",
            "one respondent: no standard error",
            "the difference is the same for every respondent: no t test",
        ],
        default="",
    )
    figures: dict[str, AnyArray] = {
        "n": stats.n,
        "estimate": stats.mean,
        "std_error": stats.std_error,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": stats.df,
        "p_holm": holm_within(test.p_value, m, D),
        "n_eff": stats.n_eff,
        "tolerance": np.full(stats.mean.shape, np.nan),
        "reason": reason.astype(object),
    }
    return {name: values[..., None] for name, values in figures.items()}
