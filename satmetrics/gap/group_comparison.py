"""`compare_gaps`: branches, groups of customers and waves against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, one_of
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap import _agreement
from satmetrics.gap import _contrasts as kernel
from satmetrics.gap._joint import joint_test
from satmetrics.gap.design import Dimensions
from satmetrics.gap.group_scores import (
    ROW_KEYS,
    GroupScores,
    adjusted,
    asked,
    coarse,
    group_scores,
    mean_rows,
    no_test,
    position_of,
    respondents,
    row_table,
    tested,
)
from satmetrics.gap.result import LABELS
from satmetrics.gap.words import DIRECTION
from satmetrics.survey.instrument import Instrument

CONTRASTS = ("pairs", "rest", "reference")
MOST_PAIRS = 12
"""Up to this many groups are compared pair by pair unless asked otherwise."""
REST = "the others"


@dataclass(frozen=True, eq=False, repr=False)
class GapComparison(TableResult):
    """Groups compared on items, dimensions and overall, one row an estimate.

    Attributes
    ----------
    table : ``level, dimension, item, variant, term, group, other``, then ``n, estimate,
        std_error, statistic, p_value, conf_low, conf_high, df, df_error, p_holm,
        hedges_g, reason``. Terms: "mean" (of a group), "equality" (F test that all
        groups are equal), "difference" (group less other), "icc1" (share of the
        variance between the groups), and "wilks", "pillai", "hotelling_lawley", "roy"
        or, with weights or sampled units, "wald" (level "multivariate": the dimensions
        together).
    score : "gap", "perception" or "expectation".
    contrasts : "pairs", "rest" (each group less the plain mean of the others) or
        "reference".
    level, by : as given.
    """

    score: str = "gap"
    contrasts: str = "pairs"
    level: float = 0.95
    by: tuple[str, ...] = ()

    def rows(self, term: str, level: str | None = None) -> Table:
        """Return the rows of a term, of one level or of all."""
        found = self.table.where(term=term)
        return found if level is None else found.where(level=level)

    def summary(self) -> Summary:
        """Return the tests of dimensions and overall, and the clearest differences."""
        facts = (
            *self.context.facts(),
            ("score", self.score),
            (
                "groups",
                f"{len(set(self.rows('mean')['group']))} of {', '.join(self.by)}",
            ),
            ("level", f"{self.level:g}"),
        )
        what = {"dimension": "dimension", "variant": "overall"}
        tests = coarse(self.rows("equality")).extended({}, keys=LABELS)
        icc = dict(
            zip(_ids(self.rows("icc1")), self.rows("icc1")["estimate"], strict=True)
        )
        tests = tests.extended({"icc1": [icc.get(i, np.nan) for i in _ids(tests)]})
        joint = self.table.where(level="multivariate")
        differ = coarse(self.rows("difference"))
        order = np.argsort(
            -np.abs(np.nan_to_num(np.asarray(differ["statistic"], float)))
        )
        limits = {"conf_low": "low", "conf_high": "high"}
        sections = (
            section(
                "Are the groups equal?",
                tests,
                {**what, "statistic": "F", "df": "df", "df_error": "df error"}
                | {"p_value": "p", "p_holm": "p (Holm)", "icc1": "ICC(1)"},
                decimals={"df_error": 1, "df": 0},
            ),
            section(
                "All dimensions together",
                joint,
                {"term": "test", "estimate": "value", "statistic": "F", "df": "df"}
                | {"df_error": "df error", "p_value": "p"},
                decimals={"df_error": 1, "df": 0},
            ),
            section(
                "Differences, the clearest first",
                differ.take(order),
                {**what, "group": "group", "other": "less", "estimate": "difference"}
                | limits
                | {"p_holm": "p (Holm)", "hedges_g": "g"},
                max_rows=20,
            ),
        )
        kept: tuple[Section, ...] = tuple(part for part in sections if part.rows)
        return Summary(f"Groups compared: {self.score}", facts, kept, self._notes())

    def _notes(self) -> tuple[str, ...]:
        against = {
            "pairs": "every group less every other",
            "rest": "every group less the plain mean of the others",
            "reference": "every other group less the reference",
        }
        return (
            *((DIRECTION,) if self.score == "gap" else ()),
            f"differences: {against[self.contrasts]}; p (Holm) is adjusted among all "
            "differences of one level, and among the tests of one level",
            "groups may differ in variance and size (Welch 1947, 1951); g is the "
            "difference over the pooled SD (Hedges 1981)",
            *self.context.sentences(),
            *self._reasons(),
        )


@friendly_keywords
def compare_gaps(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    by: str | Sequence[str] = "unit",
    score: str = "gap",
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    contrasts: str | None = None,
    reference: object = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> GapComparison:
    """Compare branches, groups of customers or waves on their gaps.

    Groups are independent samples whose variances may differ: Welch's F of 1951 for all
    of them, Welch's t for differences. Where the survey names clusters or strata, or
    the same respondents answer in several groups, the means of groups may depend on
    each other: then errors are linearised over the sampled units, and the F test is
    the Wald test of Korn and Graubard (1990) on units less strata. The multivariate
    tests take all dimensions together, of respondents who have them all: Wilks, Pillai,
    Hotelling-Lawley and Roy with one covariance for all groups; with weights or sampled
    units Wald's test instead, each group with the covariance of its own.

    Parameters
    ----------
    data : a Survey or any dataframe.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    by : columns or roles ("unit", "wave") that form the groups.
    score : "gap", "perception" or "expectation".
    expectation, perception, dimensions : columns in place of an instrument, as in
        `gaps`.
    contrasts : "pairs", "rest" or "reference"; by default pairs up to 12 groups, and
        each group against the rest beyond.
    reference : the group the others are compared with, by its label (several keys
        joined by " / "); implies ``contrasts="reference"``.
    level : confidence level of the intervals.
    missing, min_answered : as in `gaps`.

    Returns
    -------
    GapComparison

    Raises
    ------
    DataError
        If there are fewer than two groups, columns are absent, or the rows of a
        respondent lie in several clusters or strata.
    OptionError
        If an option or the reference does not exist.

    References
    ----------
    Welch (1947), doi:10.1093/biomet/34.1-2.28; Welch (1951),
    doi:10.1093/biomet/38.3-4.330; Hedges (1981), doi:10.3102/10769986006002107;
    Korn and Graubard (1990), doi:10.1080/00031305.1990.10475737.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.compare_gaps(bank, by="unit")
    >>> tests = found.rows("equality", "dimension").to_frame()
    >>> tests["dimension"].tolist()[:2], bool((tests["p_holm"] <= 1).all())
    (['tangibles', 'reliability'], True)
    """
    check_level(level)
    if contrasts is not None:
        one_of("contrasts", contrasts, CONTRASTS)
    given = asked(
        "compare_gaps",
        data,
        instrument,
        (expectation, perception, dimensions),
        score=score,
        missing=missing,
        min_answered=min_answered,
    )
    scores = group_scores(given, score, by)
    at = None if reference is None else position_of(scores, "reference", reference)
    few = scores.n_groups <= MOST_PAIRS
    kind = contrasts or ("reference" if at is not None else "pairs" if few else "rest")
    made = [
        mean_rows(scores, level),
        _equality(scores),
        _differences(scores, kind, at or 0, level),
        _icc(scores, level),
        *_multivariate(scores),
    ]
    table = stack(made, keys=ROW_KEYS)
    return GapComparison(table, scores.context, score, kind, level, scores.read.by)


def _equality(scores: GroupScores) -> Table:
    """Return the F tests that the means of all groups are equal."""
    mean = scores.stats.mean.T
    if scores.linked:
        omnibus = kernel.wald_test(mean, scores.cov(), scores.design_df)
    else:
        variance = scores.stats.std_error.T**2
        omnibus = kernel.welch_test(mean, variance, scores.stats.df.T)
    columns = {
        "n": scores.stats.n.sum(axis=0),
        "statistic": omnibus.statistic,
        "p_value": omnibus.p_value,
        "df": omnibus.df,
        "df_error": omnibus.df_error,
        "p_holm": adjusted(scores, omnibus.p_value[:, None]),
        "reason": no_test(omnibus.p_value, "group"),
    }
    return row_table(scores, "equality", columns)


def _differences(scores: GroupScores, kind: str, reference: int, level: float) -> Table:
    """Return the differences of groups that `kind` asks for."""
    pairs, L = kernel.contrasts(kind, scores.n_groups, reference)
    figures = tested(scores.contrast(L), level)
    names = np.asarray([*scores.names(), REST], dtype=object)
    columns = {
        "n": respondents(scores, L),
        **figures,
        "p_holm": adjusted(scores, figures["p_value"]),
        "hedges_g": _hedges(scores, figures["estimate"], L),
        "reason": no_test(figures["p_value"], "group"),
    }
    group, other = names[pairs].T
    return row_table(scores, "difference", columns, group=group, other=other)


def _hedges(scores: GroupScores, estimate: FloatArray, L: FloatArray) -> FloatArray:
    """Return differences over the pooled SD of the groups concerned, less its bias."""
    n, sd = scores.stats.n.T.astype(np.float64), scores.stats.sd.T
    free = np.maximum(n - 1, 0)
    used = (L != 0).T.astype(np.float64)
    total = free @ used
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.sqrt((free * np.nan_to_num(sd) ** 2) @ used / total)
        g = estimate / pooled * (1 - 3 / (4 * total - 1))
    return np.where(pooled > 0, g, np.nan)


def _icc(scores: GroupScores, level: float) -> Table:
    """Return the share of the variance that lies between the groups."""
    stats = scores.stats
    n = stats.n.astype(np.float64)
    mean = np.where(n > 0, np.nan_to_num(stats.mean), 0.0)
    centre = (n * mean).sum(axis=0) / np.maximum(n.sum(axis=0), 1)
    within = np.where(n > 1, (n - 1) * np.nan_to_num(stats.sd) ** 2, 0.0)
    sums = _agreement.UnitSums(n, n * (mean - centre), within)
    found = _agreement.variation(sums)
    limits = _agreement.f_limits(found, level)
    q = len(scores.columns)
    design = scores.sampled or scores.read.weighted
    low, high = (np.full(q, np.nan) if design else x for x in limits.icc1)
    why = "no limits with weights, clusters or strata" if design else ""
    columns = {
        "n": stats.n.sum(axis=0),
        "estimate": found.icc1,
        "conf_low": low,
        "conf_high": high,
        "reason": np.full(q, why, dtype=object),
    }
    return row_table(scores, "icc1", columns)


def _multivariate(scores: GroupScores) -> list[Table]:
    """Return the tests of all dimensions together, of respondents who have them all."""
    at = np.flatnonzero(scores.labels["level"].astype(str) == "dimension")
    if len(at) < 2:
        return []
    columns = [scores.columns[i] for i in at]
    whole = np.isfinite(np.sum(columns, axis=0))
    terms: tuple[str, ...] = kernel.MANOVA
    if scores.sampled or scores.read.weighted:
        joint = [np.where(whole, column, np.nan) for column in columns]
        F, n = joint_test(joint, whole, scores.read.rows)
        terms, values = ("wald",), np.full(1, np.nan)
    else:
        X, codes = np.column_stack(columns)[whole], scores.read.rows.codes[whole]
        count = np.bincount(codes, minlength=scores.n_groups).astype(np.float64)
        there = np.flatnonzero(count)
        sums = [np.bincount(codes, x, minlength=len(count)) for x in X.T]
        mean = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]
        R = X - mean[codes]
        values, F = kernel.manova(count[there], mean[there], (R.T @ R)[None])
        n = int(count.sum())
    return [_multivariate_rows(terms, values, F, n)]


def _multivariate_rows(
    terms: Sequence[str], values: FloatArray, tests: kernel.FTest, n: int
) -> Table:
    k = len(terms)
    blank = np.full(k, "", dtype=object)
    columns: dict[str, AnyArray] = {
        "level": np.full(k, "multivariate", dtype=object),
        "dimension": blank,
        "item": blank,
        "variant": blank,
        "term": np.asarray(terms, dtype=object),
        "group": blank,
        "other": blank,
        "n": np.full(k, n),
        "estimate": values,
        "statistic": tests.statistic,
        "p_value": tests.p_value,
        "df": tests.df,
        "df_error": tests.df_error,
        "reason": no_test(tests.p_value, "group"),
    }
    return Table.of(columns, keys=ROW_KEYS)


def _ids(table: Table) -> list[tuple[object, ...]]:
    return list(zip(*(table[name] for name in LABELS), strict=True))
