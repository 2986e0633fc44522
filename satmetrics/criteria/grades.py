"""`grade_shares`: answers graded, as shares of respondents per criterion and grade."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import FloatArray
from satmetrics.criteria.blocks import Criteria, blocks_of
from satmetrics.criteria.rows import Answered, answered
from satmetrics.errors import DataError, OptionError
from satmetrics.inference._intervals import normal_interval
from satmetrics.moment._column_means import JointMeans, joint_means
from satmetrics.survey.survey import as_survey

Grades = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class GradeShares(TableResult):
    """Shares of respondents by criterion and grade, one row each (and group).

    Attributes
    ----------
    table : the `by` columns, then ``dimension`` (the criterion), ``name`` (the grade),
        ``n, estimate`` (the share), ``std_error, conf_low, conf_high``.
    dimensions : the criteria, in order.
    grades : the grades, in order.
    cov : (G, p·K, p·K) covariance of the shares of each group, the grades of a
        criterion side by side.
    keys : one row per group, None for one group of all.
    level : confidence level.
    """

    dimensions: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    cov: FloatArray | None = None
    keys: Table | None = None
    level: float = 0.95

    @property
    def by(self) -> tuple[str, ...]:
        """The group columns."""
        return () if self.keys is None else self.keys.names

    def matrix(self) -> FloatArray:
        """Return the shares (G, criteria, grades)."""
        shape = (-1, len(self.dimensions), len(self.grades))
        return np.asarray(self.table["estimate"], dtype=np.float64).reshape(shape)

    def summary(self) -> Summary:
        """Return the shares with their limits."""
        words = {name: name for name in self.by} | {
            "dimension": "criterion",
            "name": "grade",
            "n": "n",
            "estimate": "share",
            "std_error": "s.e.",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        facts = (*self.context.facts(), ("grades", ", ".join(self.grades)))
        notes = (
            "a respondent with several answers to a criterion counts in each grade by "
            "the share of these answers",
            *self.context.sentences(),
        )
        body = section("", self.table, words, max_rows=40)
        return Summary("Shares of grades", facts, (body,), notes)


@friendly_keywords
def grade_shares(
    data: object,
    criteria: Criteria | None = None,
    *,
    grades: Grades,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> GradeShares:
    """Return the shares of respondents per criterion and grade (the matrix R).

    ``R_jk`` is the (weighted) mean over respondents of the share of their answers to
    criterion j that lie in grade k. Standard errors are linearised over the sampled
    units; the covariance of all shares is kept, so that what is made of them has
    errors.

    Parameters
    ----------
    data : a Survey or any dataframe. Weights, clusters and strata are honoured, and
        items declared reversed come turned.
    criteria : ``{criterion: [columns]}``, or a list of columns that are criteria; None
        for the dimensions of the survey's instrument (perceptions).
    grades : ``{grade: (lowest, highest answer)}``, both ends included, or
        ``{grade: answer}``. Grades must not overlap; answers in none are left out and
        counted.
    by : columns or roles that form groups.
    level : confidence level of the normal intervals.

    Returns
    -------
    GradeShares
        As `fuzzy_evaluation` takes it.

    Raises
    ------
    DataError
        If a column is absent, grades overlap, or a criterion has no graded answer.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.grade_shares(
    ...     bank,
    ...     {"courtesy": ["p_ass3"], "speed": ["p_res2"]},
    ...     grades={"good": (6, 7), "fair": (4, 5), "poor": (1, 3)},
    ... )
    >>> found.matrix().sum(axis=-1).round(9).tolist()
    [[1.0, 1.0]]
    """
    check_level(level)
    bands = _bands(grades)
    survey = as_survey(data)
    blocks = blocks_of(criteria, survey.instrument)
    items = tuple(name for block in blocks.values() for name in block)
    found = answered(survey, items, by)
    columns, outside = _graded(found, blocks, bands)
    means = joint_means(columns, found.rows)
    context = found.context.plus(*outside, notes=found.error_note())
    return GradeShares(
        _table(found, tuple(blocks), tuple(bands), means, level),
        context,
        dimensions=tuple(blocks),
        grades=tuple(bands),
        cov=means.cov,
        keys=found.keys,
        level=level,
    )


def _bands(grades: Grades) -> dict[str, tuple[float, float]]:
    """Return the ends of every grade; they must not overlap."""
    if not isinstance(grades, Mapping) or len(grades) < 2:
        raise OptionError(
            f"grades={grades!r}",
            code="bad-grades",
            column="grades",
            remedy="give at least two: {'good': (5, 7), 'poor': (1, 4)}",
        )
    bands: dict[str, tuple[float, float]] = {}
    for name, ends in grades.items():
        pair = (ends, ends) if isinstance(ends, (int, float)) else ends
        if not _is_pair(pair):
            raise OptionError(
                f"grade {name!r} is {ends!r}",
                code="bad-grades",
                column="grades",
                value=str(ends),
                remedy="give (lowest, highest answer), or one answer",
            )
        bands[str(name)] = (float(pair[0]), float(pair[1]))
    ordered = sorted(bands.items(), key=lambda item: item[1])
    for (one, a), (other, b) in itertools.pairwise(ordered):
        if b[0] <= a[1]:
            raise DataError(
                f"grades {one!r} and {other!r} overlap at {b[0]:g}",
                code="bad-grades",
                column="grades",
                value=b[0],
                remedy="both ends belong to a grade: (1, 3), (4, 5), (6, 7)",
            )
    return bands


def _is_pair(ends: object) -> bool:
    if not isinstance(ends, (tuple, list)) or len(ends) != 2:
        return False
    plain = all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and np.isfinite(v)
        for v in ends
    )
    return plain and ends[0] <= ends[1]


def _graded(
    found: Answered,
    blocks: Mapping[str, tuple[str, ...]],
    bands: Mapping[str, tuple[float, float]],
) -> tuple[list[FloatArray], list[Exclusion]]:
    """Return a column per criterion and grade, and the answers in no grade."""
    columns: list[FloatArray] = []
    outside = []
    start = 0
    for name, block in blocks.items():
        X = found.X[:, start : start + len(block)]
        start += len(block)
        inside = [_within(X, ends) for ends in bands.values()]
        graded = np.sum(inside, axis=0)
        none = int(np.isfinite(X).sum() - graded.sum())
        outside.append(Exclusion("in no grade", none, "answers", name))
        if not graded.any():
            raise DataError(
                f"no answer to {name!r} lies in a grade",
                code="no-grades",
                column=name,
                remedy="grades are ranges of answers, such as (1, 3)",
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            columns += [np.where(graded > 0, own / graded, np.nan) for own in inside]
    return columns, outside


def _within(X: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Return how many answers (n,) of a respondent lie in a grade."""
    found = np.zeros(len(X))
    for x in X.T:
        found += np.greater_equal(x, ends[0]) & np.less_equal(x, ends[1])
    return found


def _table(
    found: Answered,
    dimensions: tuple[str, ...],
    grades: tuple[str, ...],
    means: JointMeans,
    level: float,
) -> Table:
    G, q = means.mean.shape
    error = means.std_error
    low, high = normal_interval(means.mean, error, level)
    columns: dict[str, object] = {
        "dimension": [d for d in dimensions for _ in grades] * G,
        "name": list(grades) * (len(dimensions) * G),
        "n": means.n.ravel(),
        "estimate": means.mean.ravel(),
        "std_error": error.ravel(),
        "conf_low": low.ravel(),
        "conf_high": high.ravel(),
    }
    keys = found.key_columns(q, columns)
    return Table.of({**keys, **columns}, keys=found.by)
