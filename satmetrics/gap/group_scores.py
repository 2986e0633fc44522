"""Scores of respondents by group, for what compares the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from satmetrics._checks import check_share, did_you_mean, one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _contrasts as kernel
from satmetrics.gap.asked import asked as instrument_asked
from satmetrics.gap.design import (
    PAIR,
    Design,
    Dimensions,
    design_of_columns,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.forms import FormAnswers, instrument_of, read_forms, survey_of
from satmetrics.gap.levels import Levels, levels_of
from satmetrics.gap.people import by_person
from satmetrics.gap.result import LABELS, row_labels
from satmetrics.inference._tests import holm, t_test
from satmetrics.moment._across import Errors, sampled_group_errors
from satmetrics.moment._column_means import MeanStats, Rows, column_means
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

SCORES = ("gap", "perception", "expectation")
ROW_KEYS = (*LABELS, "term", "group", "other")


@dataclass(frozen=True, eq=False)
class Asked:
    """What is compared: the arguments all comparisons share.

    Attributes
    ----------
    survey : the answers.
    design : columns of the forms.
    missing, min_answered : as in `gaps`.
    """

    survey: Survey
    design: Design
    missing: str
    min_answered: float


@dataclass(frozen=True, eq=False)
class GroupScores:
    """Scores of items, dimensions and overall, and the means of the groups.

    Attributes
    ----------
    columns : q columns (n,) of scores, NaN where not to be had.
    levels : scores in each form, and what the columns are called.
    read : groups, weights and sampled units of the rows.
    stats : means, errors and sizes (G, q).
    context : origin and what was left out.
    errors : of the means over sampled units; None if rows were sampled singly.
    """

    columns: tuple[FloatArray, ...]
    levels: Levels
    read: FormAnswers
    stats: MeanStats
    context: Context
    errors: Errors | None = None

    @property
    def n_groups(self) -> int:
        """Number of groups G."""
        return self.read.rows.n_groups

    @property
    def sampled(self) -> bool:
        """Whether errors are over sampled units."""
        return self.read.rows.unit is not None

    @property
    def linked(self) -> bool:
        """Whether groups share sampled units, so that their means covary."""
        return self.errors is not None and self.errors.V is not None

    @property
    def design_df(self) -> float:
        """Sampled units less strata, of all groups."""
        rows = self.read.rows
        if rows.strata is None:
            return float("nan")
        return float(len(rows.strata) - int(rows.strata.max(initial=-1)) - 1)

    def cov(self) -> FloatArray:
        """Return the covariance (q, G, G) of the means of the groups."""
        if self.errors is not None and self.errors.V is not None:
            return self.errors.V
        variance = self.stats.std_error.T**2
        return np.asarray(variance[:, :, None] * np.eye(self.n_groups))

    def contrast(self, L: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return contrasts L (K, G) of every column, their errors and df: (q, K) each.

        Where groups share units, a difference of two has the units of both less their
        strata as degrees of freedom, any other contrast those of all groups.
        """
        mean, errors = self.stats.mean.T, self.errors
        if errors is None or errors.V is None or errors.pair_df is None:
            variance = self.stats.std_error.T**2
            return kernel.independent(L, mean, variance, self.stats.df.T)
        used = L != 0
        two = used.sum(axis=1) == 2
        first = used.argmax(axis=1)
        last = L.shape[1] - 1 - used[:, ::-1].argmax(axis=1)
        pair = errors.pair_df[:, first, last]
        df = np.where(two, pair, self.design_df)
        return kernel.dependent(L, mean, errors.V, df)

    def names(self) -> list[str]:
        """Return what each group is called: its keys, joined."""
        keys = self.read.keys
        if keys is None:
            return ["all"]
        return [" / ".join(map(str, row)) for row in zip(*keys.columns, strict=True)]

    @cached_property
    def labels(self) -> dict[str, AnyArray]:
        """Level, dimension, item and variant of each column."""
        return row_labels(self.levels.design, self.levels.variants)

    def tiled(self, times: int) -> dict[str, AnyArray]:
        """Return the labels of the columns, each repeated `times`."""
        return {name: np.repeat(values, times) for name, values in self.labels.items()}


def asked(
    function: str,
    data: object,
    instrument: Instrument | str | None,
    lists: tuple[Sequence[str] | None, Sequence[str] | None, Dimensions | None],
    *,
    score: str,
    missing: str,
    min_answered: float,
) -> Asked:
    """Settle what is asked: the survey and the columns.

    Parameters
    ----------
    lists : expectation, perception and dimensions, in place of an instrument.
    """
    one_of("score", score, SCORES)
    check_share("min_answered", min_answered)
    spec = instrument_asked(function, data, instrument, lists)
    if spec is None and all(part is None for part in lists):
        spec = instrument_of(function, data, instrument)
    if spec is None:
        design = _of_lists(score, *lists)
    else:
        forms = ("expectation", "perception") if score == "gap" else (score,)
        design = design_of_instrument(spec, forms)
    return Asked(survey_of(data, spec), design, missing, min_answered)


def _of_lists(
    score: str,
    expectation: Sequence[str] | None,
    perception: Sequence[str] | None,
    dimensions: Dimensions | None,
) -> Design:
    if score == "gap":
        return design_of_lists(expectation, perception, dimensions)
    own = expectation if score == "expectation" else perception
    if expectation is None and perception is None:
        design = design_of_lists(None, None, dimensions)
        return replace(design, columns={score: design.columns[score]})
    if own is None:
        raise OptionError(
            f"{score}= is missing",
            code="missing-argument",
            column=score,
            remedy=f"give the columns of the {score}",
        )
    return design_of_columns({score: own}, dimensions)


def group_scores(
    given: Asked, score: str, by: str | Sequence[str], *, fewest: int = 2
) -> GroupScores:
    """Read the answers, score respondents and average them by group.

    Raises
    ------
    DataError
        If there are fewer than `fewest` groups.
    """
    design = given.design
    read = read_forms(given.survey, design, by=by, missing=given.missing)
    read = by_person(given.survey, read)
    found = 0 if read.keys is None else len(read.keys)
    if found < fewest:
        raise DataError(
            f"{found} groups of {by}, at least {fewest} are needed",
            code="too-few-groups",
            column=by if isinstance(by, str) else None,
            value=found,
            remedy="name a column that tells the groups apart",
        )
    forms = tuple(read[form] for form in design.columns)
    levels = levels_of(forms, design, given.min_answered)
    columns = levels.forms[0]
    if score == "gap":
        pairs = zip(*levels.forms, strict=True)
        columns = tuple(p - e for e, p in pairs)
    missing = sum(int(np.isnan(c).sum()) for c in columns[: len(design.items)])
    context = read.context.plus(
        *levels.counted("items answered", "have a score"),
        Exclusion("answer missing (pairwise)", missing, "item scores"),
        notes=read.error_note(),
    )
    stats, errors = means_and_errors(columns, read.rows)
    return GroupScores(columns, levels, read, stats, context, errors)


def means_and_errors(
    columns: Sequence[FloatArray], rows: Rows
) -> tuple[MeanStats, Errors | None]:
    """Return means of groups, and their errors over sampled units, if any are known."""
    if rows.unit is None:
        return column_means(columns, rows), None
    stats = column_means(columns, replace(rows, unit=None, strata=None))
    errors = sampled_group_errors(columns, rows)
    return replace(stats, std_error=errors.std_error, df=errors.df), errors


def both_sides(scores: GroupScores) -> dict[str, tuple[FloatArray, ...]]:
    """Return expectation and perception of the respondents who have the gap."""
    return {
        name: tuple(
            np.where(np.isnan(g), np.nan, x)
            for g, x in zip(scores.columns, side, strict=True)
        )
        for name, side in zip(PAIR, scores.levels.forms, strict=True)
    }


def position_of(scores: GroupScores, argument: str, label: object) -> int:
    """Return the place of a group by its label.

    Raises
    ------
    OptionError
        If no group is called so, with the nearest name.
    """
    names = scores.names()
    if str(label) not in names:
        raise OptionError(
            f"{argument}={label!r} is none of the groups",
            code="unknown-group",
            column=argument,
            value=label,
            remedy=f"{did_you_mean(label, names)} the groups are "
            f"{', '.join(names[:12])}".strip(),
        )
    return names.index(str(label))


def row_table(
    scores: GroupScores,
    term: str,
    columns: Mapping[str, AnyArray],
    *,
    group: Sequence[str] | AnyArray = ("",),
    other: Sequence[str] | AnyArray = ("",),
) -> Table:
    """Lay out figures of every column as rows, its labels first.

    Parameters
    ----------
    term : what the figures are.
    columns : (q, K) figures, or (q,) where K = 1.
    group, other : K labels, or (q, K) of them; one label for all.
    """
    q, K = len(scores.columns), max(np.shape(group)[-1], np.shape(other)[-1])
    texts = {"term": [term], "group": group, "other": other}
    spread = {
        name: np.broadcast_to(np.asarray(values, dtype=object), (q, K))
        for name, values in texts.items()
    }
    flat = {
        name: np.asarray(values).ravel()
        for name, values in {**spread, **columns}.items()
    }
    return Table.of({**scores.tiled(K), **flat}, keys=ROW_KEYS)


def mean_rows(
    scores: GroupScores, level: float, extra: Mapping[str, AnyArray] | None = None
) -> Table:
    """Return the means of the groups with their limits, and `extra` (q, G) figures."""
    stats = scores.stats
    mean, error, df = (x.T for x in (stats.mean, stats.std_error, stats.df))
    test = t_test(mean, error, df, level)
    columns = {
        "n": stats.n.T,
        "estimate": mean,
        "std_error": error,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": df,
        **(extra or {}),
        "reason": few_in_groups(scores),
    }
    return row_table(scores, "mean", columns, group=scores.names())


def tested(
    found: tuple[FloatArray, FloatArray, FloatArray], level: float
) -> dict[str, AnyArray]:
    """Return the columns of estimates, errors and df that are tested against zero."""
    estimate, error, df = found
    test = t_test(estimate, error, df, level)
    return {
        "estimate": estimate,
        "std_error": error,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": df,
    }


def respondents(scores: GroupScores, L: FloatArray) -> AnyArray:
    """Return (q, K) how many respondents the groups of contrasts L (K, G) have."""
    return np.asarray(scores.stats.n.T @ (L != 0).T.astype(np.int64))


def adjusted(scores: GroupScores, p: FloatArray) -> FloatArray:
    """Adjust p (q, K) among all of one level; each overall variant by itself."""
    levels, out = scores.labels["level"].astype(str), np.array(p)
    for name in dict.fromkeys(levels):
        rows = levels == name
        parts = p[rows] if name == "overall" else p[rows].ravel()[None, :]
        out[rows] = holm(parts).reshape(p[rows].shape)
    return out


def no_test(p: FloatArray, what: str) -> AnyArray:
    """Say why p is missing: a group, or wave, cannot be tested."""
    why = f"no test: a {what} has no variance, or too few respondents"
    return np.where(np.isnan(p), why, "").astype(object)


def coarse(table: Table) -> Table:
    """Return the rows of dimensions and overall."""
    return table.take(np.flatnonzero(np.isin(table["level"], ["dimension", "overall"])))


def few_in_groups(scores: GroupScores) -> AnyArray:
    """Return (q, G) why a mean has no error; empty where it has one."""
    n, error = scores.stats.n.T, scores.stats.std_error.T
    cases = [n < 2, np.isnan(error)]
    words = ["fewer than two respondents", "one sampled unit: no standard error"]
    return np.select(cases, words, default="").astype(object)
