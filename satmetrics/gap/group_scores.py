"""Scores of respondents by group, for what compares the groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._checks import one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _contrasts as kernel
from satmetrics.gap import _gaps
from satmetrics.gap._across import Errors, sampled_group_errors
from satmetrics.gap.design import (
    Design,
    Dimensions,
    design_of_columns,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.forms import FormAnswers, instrument_of, read_forms, survey_of
from satmetrics.gap.people import by_person
from satmetrics.gap.words import MEAN_OF_DIMENSIONS, MEAN_OF_ITEMS
from satmetrics.moment._column_means import MeanStats, Rows, column_means
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

SCORES = ("gap", "perception", "expectation")
LABELS = ("level", "dimension", "item", "variant")


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
    labels : level, dimension, item, variant of each column.
    read : groups, weights and sampled units of the rows.
    stats : means, errors and sizes (G, q).
    context : origin and what was left out.
    errors : of the means over sampled units; None if rows were sampled singly.
    """

    columns: tuple[FloatArray, ...]
    labels: dict[str, AnyArray]
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
    if isinstance(min_answered, bool) or not 0 < min_answered <= 1:
        raise OptionError(
            f"min_answered={min_answered!r}",
            code="bad-share",
            column="min_answered",
            value=min_answered,
            remedy="give a share above 0 and up to 1, such as 0.5",
        )
    forms = ("expectation", "perception") if score == "gap" else (score,)
    if any(part is not None for part in lists):
        if instrument is not None:
            raise OptionError(
                "both an instrument and columns are given",
                code="two-designs",
                column="instrument",
                remedy="give instrument=, or expectation=, perception= and dimensions=",
            )
        survey, design = survey_of(data, None), _of_lists(score, *lists)
    else:
        spec = instrument_of(function, data, instrument)
        survey, design = survey_of(data, spec), design_of_instrument(spec, forms)
    return Asked(survey, design, missing, min_answered)


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
    E, P = ((read[f] if f in design.columns else None) for f in SCORES[:0:-1])
    first, second = E if E is not None else P, P if P is not None else E
    assert first is not None
    assert second is not None
    columns, labels, lost = _columns(first, second, design, given, score)
    context = read.context.plus(*lost, notes=read.error_note())
    stats, errors = means_and_errors(columns, read.rows)
    return GroupScores(columns, labels, read, stats, context, errors)


def means_and_errors(
    columns: Sequence[FloatArray], rows: Rows
) -> tuple[MeanStats, Errors | None]:
    """Return means of groups, and their errors over sampled units, if any are known."""
    if rows.unit is None:
        return column_means(columns, rows), None
    stats = column_means(columns, replace(rows, unit=None, strata=None))
    errors = sampled_group_errors(columns, rows)
    return replace(stats, std_error=errors.std_error, df=errors.df), errors


def _columns(
    E: tuple[FloatArray, ...],
    P: tuple[FloatArray, ...],
    design: Design,
    given: Asked,
    score: str,
) -> tuple[tuple[FloatArray, ...], dict[str, AnyArray], list[Exclusion]]:
    """Return the scores of items, dimensions and overall, their labels, exclusions."""
    share = given.min_answered
    E_d, P_d, short = _gaps.block_means(E, P, design.blocks(), share)
    both = ([(E_d, P_d)] if design.dimensions else []) + [(E, P)]
    overall = [_gaps.block_means(e, p, [range(len(e))], share)[:2] for e, p in both]
    sides = [(E, P), (E_d, P_d), *overall]
    pairs = [(e, p) for side in sides for e, p in zip(side[0], side[1], strict=True)]
    columns = tuple(_of(score, e, p) for e, p in pairs)
    m, D, V = len(design.items), len(design.dimensions), len(overall)
    variants = [MEAN_OF_DIMENSIONS, MEAN_OF_ITEMS][-V:]
    parts = {
        "level": ["item"] * m + ["dimension"] * D + ["overall"] * V,
        "dimension": [*design.dimension_of_items(), *design.dimensions, *[""] * V],
        "item": [*design.items, *[""] * (D + V)],
        "variant": [*[""] * (m + D), *variants],
    }
    labels = {k: np.asarray(v, dtype=object) for k, v in parts.items()}
    lost = [
        Exclusion(
            f"fewer than {100 * share:g} % of the items answered",
            int(column.sum()),
            "dimension scores",
            name,
        )
        for name, column in zip(design.dimensions, short, strict=True)
    ]
    missing = sum(int(np.isnan(c).sum()) for c in columns[:m])
    lost.append(Exclusion("answer missing (pairwise)", missing, "item scores"))
    return columns, labels, lost


def _of(score: str, e: FloatArray, p: FloatArray) -> FloatArray:
    return p - e if score == "gap" else p if score == "perception" else e


def both_sides(
    scores: GroupScores, min_answered: float
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Return expectation and perception of the respondents who have the gap."""
    E, P = scores.read["expectation"], scores.read["perception"]
    blocks = [
        [i for i, own in enumerate(scores.labels["dimension"][: len(E)]) if own == name]
        for name in dict.fromkeys(scores.labels["dimension"][: len(E)])
        if name
    ]
    E_d, P_d, _ = _gaps.block_means(E, P, blocks, min_answered)
    both = ([(E_d, P_d)] if blocks else []) + [(E, P)]
    overall = [
        _gaps.block_means(e, p, [range(len(e))], min_answered)[:2] for e, p in both
    ]
    found = [[c for s in ((E, P), (E_d, P_d), *overall) for c in s[k]] for k in (0, 1)]
    first, second = (
        tuple(
            np.where(np.isnan(g), np.nan, x)
            for g, x in zip(scores.columns, side, strict=True)
        )
        for side in found
    )
    return first, second


def row_table(scores: GroupScores, times: int, columns: dict[str, AnyArray]) -> Table:
    """Lay out figures (q, times) of every column as rows, its labels first."""
    flat = {name: np.asarray(values).ravel() for name, values in columns.items()}
    keys = (*LABELS, "term", "group", "other")
    return Table.of({**scores.tiled(times), **flat}, keys=keys)


def few_in_groups(scores: GroupScores) -> AnyArray:
    """Return (q, G) why a mean has no error; empty where it has one."""
    n, error = scores.stats.n.T, scores.stats.std_error.T
    cases = [n < 2, np.isnan(error)]
    words = ["fewer than two respondents", "one sampled unit: no standard error"]
    return np.select(cases, words, default="").astype(object)
