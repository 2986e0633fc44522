"""Performance and gaps weighted by what customers hold important."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _weighted as kernel
from satmetrics.gap.design import Design
from satmetrics.gap.forms import Columns
from satmetrics.gap.points import Points
from satmetrics.gap.words import (
    BY_AGGREGATE,
    BY_IMPORTANCE,
    BY_MEAN_IMPORTANCE,
    BY_RESPONDENT,
    SUM_BY_IMPORTANCE,
    SUM_BY_MEAN_IMPORTANCE,
)
from satmetrics.moment._column_means import MeanStats, Rows, column_means
from satmetrics.survey.instrument import Instrument

Importance = Points | Sequence[str]
NOT_NEEDED = (
    "expectation= serves the gaps weighted by importance=; sat.gaps() makes plain ones"
)


@dataclass(frozen=True, eq=False)
class Part:
    """One score, its labels and its figures, each (G,).

    Attributes
    ----------
    labels : level, dimension, item, term and variant.
    figures : columns of one score.
    sums : whether it is a sum of that many items; 1 for means, 0 if it has no scale.
    """

    labels: tuple[str, str, str, str, str]
    figures: MeanStats
    sums: int = 0


def rates_items(importance: Importance | None, spec: Instrument | None) -> bool:
    """Return whether importance is that of items, not of dimensions.

    Raises
    ------
    OptionError
        If it names no form of the instrument, or lists columns beside an instrument.
    """
    if importance is None or isinstance(importance, Mapping):
        return False
    if isinstance(importance, str):
        if spec is None or not spec.has_form(importance):
            raise OptionError(
                f"importance={importance!r} is not a form of the instrument",
                code="no-form",
                column="importance",
                value=importance,
                remedy="give a form's name, a list of columns in the order of "
                "perception=, or {dimension: column of points or number}",
            )
        return spec.form(importance).per_item
    if spec is not None:
        raise OptionError(
            "importance= lists columns beside an instrument",
            code="two-designs",
            column="importance",
            remedy="name the form of the instrument that asks importance, or list "
            "perception= as well",
        )
    return True


def check_importance(design: Design, columns: Columns, form: str) -> None:
    """Raise where an importance is negative."""
    for name, x in zip(design.columns[form], columns, strict=True):
        if bool((x < 0).any()):
            raise DataError(
                f"importance {name!r} is negative in {int((x < 0).sum())} rows",
                code="negative-importance",
                column=name,
                value=float(np.nanmin(x)),
                remedy="importance counts from zero up; shift or correct the column",
            )


def by_items(
    term: str,
    weights: Columns,
    values: Columns,
    design: Design,
    rows: Rows,
    min_answered: float,
) -> tuple[list[Part], list[Exclusion], str]:
    """Weight items by their rated importance, per respondent and in the aggregate.

    Returns
    -------
    parts : dimensions, then overall: means per respondent and in the aggregate, sums
        per respondent and in the aggregate.
    exclusions : respondents left out of each overall mean and sum.
    note : what respondent and aggregate sums differ by; empty with several groups.
    """
    parts = []
    for name, block in zip(design.dimensions, design.blocks(), strict=True):
        own = [[columns[j] for j in block] for columns in (weights, values)]
        score, _ = kernel.weighted_mean(own[0], own[1], min_answered)
        labels = ("dimension", name, "", term, BY_IMPORTANCE)
        parts.append(Part(labels, column_means([score], rows), 1))
    score, weightless = kernel.weighted_mean(weights, values, min_answered)
    total = kernel.weighted_sum(weights, values)
    whole = np.isfinite(total)
    I_whole, X_whole = (
        [np.where(whole, x, np.nan) for x in columns] for columns in (weights, values)
    )
    mean, sums = (column_means([x], rows) for x in (score, total))
    made = {
        BY_IMPORTANCE: (mean, 1),
        BY_MEAN_IMPORTANCE: (_of_means(weights, values, rows, normalised=True), 1),
        SUM_BY_IMPORTANCE: (sums, 0),
        SUM_BY_MEAN_IMPORTANCE: (
            _of_means(I_whole, X_whole, rows, normalised=False),
            0,
        ),
    }
    parts += [
        Part(("overall", "", "", term, name), stats, scaled)
        for name, (stats, scaled) in made.items()
    ]
    few = int((np.isnan(score) & ~weightless).sum())
    share = f"fewer than {100 * min_answered:g} % of the items have importance and "
    where = f"{term} {BY_IMPORTANCE}"
    exclusions = [
        Exclusion(share + term, few, "respondents", where),
        Exclusion("no item has importance", int(weightless.sum()), "respondents", term),
        Exclusion(
            f"importance or {term} of an item is missing",
            int((~whole).sum()),
            "respondents",
            f"{term} {SUM_BY_IMPORTANCE}",
        ),
    ]
    difference = made[SUM_BY_IMPORTANCE][0].mean - made[SUM_BY_MEAN_IMPORTANCE][0].mean
    return parts, exclusions, _covariance(term, "item", difference)


def by_points(
    term: str, shares: FloatArray, values: Columns, rows: Rows, *, fixed: bool
) -> tuple[list[Part], str]:
    """Weight dimensions by points, per respondent and in the aggregate.

    Parameters
    ----------
    shares : (n, D) points as shares of one; NaN where not usable.
    values : D columns (n,).
    fixed : whether the points are numbers; respondents then have none of their own.
    """
    weights = list(shares.T)
    score, _ = kernel.weighted_mean(weights, values, 1.0)
    whole = np.isfinite(score)
    I_whole, X_whole = (
        [np.where(whole, x, np.nan) for x in columns] for columns in (weights, values)
    )
    made = {
        BY_RESPONDENT: column_means([score], rows),
        BY_AGGREGATE: _of_means(I_whole, X_whole, rows, normalised=True),
    }
    difference = made[BY_RESPONDENT].mean - made[BY_AGGREGATE].mean
    if fixed:
        del made[BY_RESPONDENT]
    parts = [Part(("overall", "", "", term, v), s, 1) for v, s in made.items()]
    return parts, "" if fixed else _covariance(term, "dimension", difference)


def _of_means(
    weights: Columns | list[FloatArray],
    values: Columns | list[FloatArray],
    rows: Rows,
    *,
    normalised: bool,
) -> MeanStats:
    """Return a figure made of means, over the respondents with any pair."""
    pairs = zip(weights, values, strict=True)
    some = np.any([np.isfinite(w + x) for w, x in pairs], axis=0)
    counted = column_means([np.where(some, 1.0, np.nan)], rows)
    found = kernel.of_means(weights, values, rows, normalised=normalised)
    return replace(
        counted,
        mean=found.estimate[:, None],
        sd=np.full_like(counted.mean, np.nan),
        std_error=np.where(counted.n > 1, found.std_error[:, None], np.nan),
    )


def _covariance(term: str, part: str, difference: FloatArray) -> str:
    if difference.size != 1:
        return ""
    what = "the sum weighted" if part == "item" else "weighting"
    return (
        f"{term}: {what} by each respondent's own importance, minus {what} by the mean "
        f"importance, is {float(difference.ravel()[0]):+.4f}: the sum over {part}s of "
        f"the covariance of importance and {term}"
    )


def counted(context: Context, exclusions: Sequence[Exclusion], note: str) -> Context:
    """Return the context with exclusions, and the note if there is one."""
    return context.plus(*exclusions, notes=(note,) if note else ())
