"""`benchmark`: own means against the best competitor's, criterion by criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    positive_int,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._special import student_quantile
from satmetrics._typing import FloatArray, RngLike
from satmetrics.gap import _contrasts as kernel
from satmetrics.gap.design import Dimensions
from satmetrics.gap.group_scores import (
    ROW_KEYS,
    GroupScores,
    asked,
    group_scores,
    mean_rows,
    position_of,
    row_table,
    tested,
)
from satmetrics.gap.result import LABELS
from satmetrics.gap.words import DIRECTION
from satmetrics.inference._tests import t_critical
from satmetrics.survey.instrument import Instrument

COMPETITORS = "mean of competitors"


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark(TableResult):
    """One's own scores against those of competitors, one row an estimate.

    Attributes
    ----------
    table : ``level, dimension, item, variant, term, group, other``, then ``n, estimate,
        std_error, statistic, p_value, conf_low, conf_high, df, share_best, reason``.
        Terms: "mean" (of a group; ``share_best`` is the share of draws in which it is
        the best competitor), "best" (own less the best competitor, who is named in
        ``other``; limits allow for the choice of the best, and there is no p-value for
        a difference chosen by its size) and "average" (own less the plain mean of the
        competitors).
    own : the group that is benchmarked.
    score : "gap", "perception" or "expectation".
    level, by, n_draws : as given.
    """

    own: str = ""
    score: str = "perception"
    level: float = 0.95
    by: tuple[str, ...] = ()
    n_draws: int = 0

    def rows(self, term: str, level: str | None = None) -> Table:
        """Return the rows of a term, of one level or of all."""
        found = self.table.where(term=term)
        return found if level is None else found.where(level=level)

    def summary(self) -> Summary:
        """Return the comparison with the best competitor, and with all of them."""
        best = self.rows("best")
        coarse = best.take(np.flatnonzero(best["level"] != "item"))
        items = best.where(level="item")
        words = {"dimension": "dimension", "item": "item", "variant": "overall"}
        limits = {"conf_low": "low", "conf_high": "high"}
        shown = {"other": "best competitor", "own": "own", "theirs": "theirs"}
        shown |= {"estimate": "difference", **limits, "share_best": "share best"}
        average = self.rows("average")
        average = average.take(np.flatnonzero(average["level"] != "item"))
        sections = (
            section(
                "Own less the best competitor", self._with_means(coarse), words | shown
            ),
            section("By item", self._with_means(items), {"item": "item"} | shown),
            section(
                "Own less the plain mean of the competitors",
                average,
                words | {"estimate": "difference", **limits, "p_value": "p"},
            ),
        )
        facts = (
            *self.context.facts(),
            ("own", self.own),
            ("score", self.score),
            ("competitors", f"{len(set(self.rows('mean')['group'])) - 1}"),
            ("level", f"{self.level:g}"),
        )
        notes = (
            *((DIRECTION,) if self.score == "gap" else ()),
            "the best of several means is too good by chance: limits of the difference "
            "are the lowest of the limits against all competitors, the upper ones "
            "simultaneous (Dunnett 1955), so that they hold whichever competitor is "
            "the best",
            f"share best: in how many of {self.n_draws:,} normal draws of the means "
            "the named competitor is the best",
            *self.context.sentences(),
            *self._reasons(),
        )
        kept = tuple(part for part in sections if part.rows)
        return Summary(f"Benchmark of {self.own}: {self.score}", facts, kept, notes)

    def _with_means(self, rows: Table) -> Table:
        means = self.rows("mean")
        known = {
            (*(r[k] for k in LABELS), r["group"]): r["estimate"] for r in means.rows()
        }
        ids = [tuple(r[k] for k in LABELS) for r in rows.rows()]
        return rows.extended(
            {
                "own": [known.get((*i, self.own), np.nan) for i in ids],
                "theirs": [
                    known.get((*i, other), np.nan)
                    for i, other in zip(ids, rows["other"], strict=True)
                ],
            },
            keys=ROW_KEYS,
        )


@friendly_keywords
def benchmark(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    own: object,
    by: str | Sequence[str] = "unit",
    score: str = "perception",
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
    n_draws: int = 4000,
    rng: RngLike = None,
) -> Benchmark:
    """Set one's own scores against the best competitor of every criterion.

    The difference from the best competitor is ``min_j (x̄_own − x̄_j)``. Its limits hold
    whoever the best competitor is in truth. Each side is exceeded with probability
    ``(1 − level)/2`` at most. The lower is ``min_j (x̄_own − x̄_j − t_j se_j)``: it is
    below the limit of the true best alone, which needs no adjustment (Berger 1982). The
    upper one is ``min_j (x̄_own − x̄_j + c se_j)`` with c the one-sided critical value of
    all differences at once (Dunnett 1955), as in Hsu's comparisons with the best. Where
    groups share sampled units, as when the same respondents rate several firms, c is
    Bonferroni's.

    Parameters
    ----------
    data : a Survey or any dataframe with one row per respondent and firm.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    own : the group that is benchmarked, by its label.
    by : columns or roles that form the groups ("unit" for firms or branches).
    score : "perception", "gap" or "expectation".
    expectation, perception, dimensions : columns in place of an instrument, as in
        `gaps`.
    level : confidence level of the intervals.
    missing, min_answered : as in `gaps`.
    n_draws, rng : normal draws of the means behind ``share_best``, and their seed.

    Returns
    -------
    Benchmark

    Raises
    ------
    OptionError
        If there is no group `own`.
    DataError
        If there are fewer than two groups, or columns are absent.

    References
    ----------
    Dunnett (1955), doi:10.1080/01621459.1955.10501294; Berger (1982), Technometrics 24,
    295-300; Hsu (1996), Multiple Comparisons, chapter 4.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.benchmark(bank, own="Northgate")
    >>> found.rows("best", "dimension").to_frame()[["dimension", "other"]].head(2)
         dimension       other
    0    tangibles     Harbour
    1  reliability  University
    """
    check_level(level)
    draws = positive_int("n_draws", n_draws)
    given = asked(
        "benchmark",
        data,
        instrument,
        (expectation, perception, dimensions),
        score=score,
        missing=missing,
        min_answered=min_answered,
    )
    scores = group_scores(given, score, by)
    at = position_of(scores, "own", own)
    V = scores.cov()
    best = _shares(scores.stats.mean.T, V, at, draws, generator(rng))
    made = [
        mean_rows(scores, level, {"share_best": best}),
        _against_best(scores, V, best, at, level),
        _against_mean(scores, at, level),
    ]
    table = stack(made, keys=ROW_KEYS)
    name, by = scores.names()[at], scores.read.by
    return Benchmark(table, scores.context, name, score, level, by, draws)


def _shares(
    mean: FloatArray, V: FloatArray, own: int, n_draws: int, rng: np.random.Generator
) -> FloatArray:
    """Return the share (q, G) of draws in which each competitor is the best."""
    G = mean.shape[1]
    z = rng.standard_normal((n_draws, G))
    out = np.full(mean.shape, np.nan)
    for i, (m, v) in enumerate(zip(mean, V, strict=True)):
        known = np.isfinite(m)
        v = np.where(known[:, None] & known[None, :], np.nan_to_num(v), 0.0)
        values, vectors = np.linalg.eigh(v)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn = np.where(known, m, -np.inf) + z @ root.T
        drawn[:, own] = -np.inf
        if known.sum() - known[own]:
            counts = np.bincount(drawn.argmax(axis=1), minlength=G)
            out[i] = counts / n_draws
    out[:, own] = np.nan
    return out


def _against_best(
    scores: GroupScores, V: FloatArray, best: FloatArray, own: int, level: float
) -> Table:
    """Return own less the best competitor, with limits that allow for the choice."""
    mean = scores.stats.mean.T
    q, G = mean.shape
    others = np.delete(np.arange(G), own)
    L = np.eye(G)[own] - np.eye(G)[others]
    found = scores.contrast(L)
    estimate, error, df = found
    variance = np.diagonal(V, axis1=1, axis2=2)
    least = np.nanmin(np.where(np.isfinite(df), df, np.inf), axis=1)
    side = (1 + level) / 2
    if scores.linked:
        k = np.maximum(np.isfinite(estimate).sum(axis=1), 1)
        c = student_quantile(least, 1 - (1 - side) / k)
    else:
        known = np.where(np.isfinite(estimate), variance[:, others], np.nan)
        at = variance[:, own]
        c = kernel.simultaneous_critical(at, known, least, side, one_sided=True)
    ends = (estimate - t_critical(df, level) * error, estimate + c[:, None] * error)
    nothing = ~np.isfinite(estimate).any(axis=1)
    low, high, smallest = (
        np.where(nothing, np.nan, np.min(np.where(np.isnan(x), np.inf, x), axis=1))
        for x in (*ends, estimate)
    )
    place = np.where(np.isnan(estimate), np.inf, estimate).argmin(axis=1)
    chosen, rows = others[place], np.arange(q)
    names = np.asarray(scores.names(), dtype=object)
    n = scores.stats.n.T
    columns = {
        "n": n[:, own] + n[rows, chosen],
        "estimate": smallest,
        "std_error": error[rows, place],
        "conf_low": low,
        "conf_high": high,
        "df": df[rows, place],
        "share_best": best[rows, chosen],
        "reason": np.select(
            [np.isnan(low), np.isnan(error).any(axis=1)],
            [
                "no limits: too few respondents in a group",
                "a competitor without a standard error is left out",
            ],
            default="",
        ).astype(object),
    }
    named = np.where(nothing, "", names[chosen]).astype(object)[:, None]
    return row_table(scores, "best", columns, group=names[[own]], other=named)


def _against_mean(scores: GroupScores, own: int, level: float) -> Table:
    G = scores.n_groups
    L = np.full((1, G), -1 / (G - 1))
    L[0, own] = 1.0
    figures = tested(scores.contrast(L), level)
    why = np.where(
        np.isnan(figures["std_error"]), "a group has too few respondents", ""
    )
    columns = {
        "n": scores.stats.n.sum(axis=0),
        **figures,
        "reason": why.astype(object),
    }
    group = scores.names()[own : own + 1]
    return row_table(scores, "average", columns, group=group, other=(COMPETITORS,))
