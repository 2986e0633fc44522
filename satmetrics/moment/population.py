"""Finite populations: how much of a group was asked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey.survey import Survey

Population = float | str | Mapping[str, float] | Mapping[int, float]
"""One number for every group, a column of the survey, or group → number."""

FINITE = "finite population: variances times 1 − n/N"
"""What a result says whose errors know the size of the population."""


def unseen_share(
    population: Population | None,
    n: IntArray,
    keys: Table | None,
    survey: Survey | None,
    codes: IntArray | None,
) -> FloatArray | None:
    """Return ``1 − n/N`` (G,), by which variances shrink; None without a population.

    Parameters
    ----------
    population : N of every group: a number, a column that holds it in each row, or a
        mapping from the labels of the first key.
    n : (G,) rows of each group; people with several count once.
    keys : one row per group.
    survey, codes : where the column is, and the group of each of its rows.

    Raises
    ------
    DataError
        If a group is larger than its population, has no number or several.
    OptionError
        If respondents were drawn in clusters, whose number would be wanted.
    """
    if population is None:
        return None
    if survey is not None and survey.roles.cluster is not None:
        raise OptionError(
            "population= counts respondents, and these were drawn in clusters",
            code="clusters",
            column="population",
            remedy="leave it out: few of all clusters are drawn as a rule",
        )
    n = _people(survey, codes, n)
    N = _sizes(population, n, keys, survey, codes)
    over = np.flatnonzero(~(n <= N))
    if len(over):
        g = int(over[0])
        name = "" if keys is None else ", ".join(str(keys[k][g]) for k in keys.names)
        raise DataError(
            f"the population of {name or 'the survey'} is {N[g]:g}, and {int(n[g]):,} "
            "respondents answered",
            code="bad-population",
            column="population",
            value=float(N[g]),
            remedy="give the number of all customers of the group",
        )
    return np.asarray(1 - n / N)


def _sizes(
    population: Population,
    n: IntArray,
    keys: Table | None,
    survey: Survey | None,
    codes: IntArray | None,
) -> FloatArray:
    if isinstance(population, str):
        if survey is None or codes is None:
            raise OptionError(
                "population= names a column, and only moments are given",
                code="no-answers",
                column="population",
                remedy="pass the survey, or a number",
            )
        return _of_column(population, survey, codes, len(n))
    if isinstance(population, Mapping):
        if keys is None:
            raise OptionError(
                "population= is a mapping, and there are no groups",
                code="no-groups",
                column="population",
                remedy="pass one number",
            )
        named = {str(label): value for label, value in population.items()}
        labels = [str(label) for label in keys[keys.names[0]]]
        return np.array([_named(named, label) for label in labels])
    return np.full(len(n), _number("population", population))


def _people(survey: Survey | None, codes: IntArray | None, n: IntArray) -> IntArray:
    """Return how many people (G,) are behind the n rows of each group."""
    who = None if survey is None else survey.respondents()
    if who is None or codes is None:
        return n
    rows = np.where(who >= 0, who, len(who) + np.arange(len(who)))
    there = codes >= 0
    pairs = np.unique(np.stack([codes[there], rows[there]]), axis=1)
    return np.minimum(n, np.bincount(pairs[0], minlength=len(n)))


def _named(population: Mapping[str, object], label: str) -> float:
    if label not in population:
        guess = did_you_mean(label, list(population))
        raise DataError(
            f"population= has no number for {label!r}",
            code="bad-population",
            column="population",
            value=label,
            remedy=guess or "give one for each label of the first key of by=",
        )
    return _number("population", population[label])


def _of_column(
    column: str, survey: Survey, codes: IntArray, n_groups: int
) -> FloatArray:
    columns_present([column], survey.columns)
    at, table = survey.groups(column)
    labels = np.array([_number(column, v) for v in table[table.names[0]]])
    values = np.append(labels, np.nan)[at]
    used = codes >= 0
    low, high = (np.full(n_groups, end) for end in (np.inf, -np.inf))
    np.minimum.at(low, codes[used], values[used])
    np.maximum.at(high, codes[used], values[used])
    if not (low == high).all():
        g = int(np.flatnonzero(~(low == high))[0])
        raise DataError(
            f"{column!r} is no one number within a group ({low[g]:g} to {high[g]:g})",
            code="bad-population",
            column=column,
            value=(float(low[g]), float(high[g])),
            remedy="it must hold the size of the group in each of its rows",
        )
    return low


def _number(column: str, given: object) -> float:
    try:
        return float(str(given))
    except ValueError:
        raise DataError(
            f"{column!r} holds {given!r}, which is no size of a population",
            code="bad-population",
            column=column,
            value=given,
            remedy="give the number of all customers of the group",
        ) from None
