"""People who answered several times: rows of one person are one sampled unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from satmetrics._typing import IntArray
from satmetrics.errors import DataError
from satmetrics.moment._column_means import Rows
from satmetrics.survey.survey import Survey

SAME_PEOPLE = (
    "respondents answer in several groups: they are the sampled units of all errors, "
    "so that differences within people count as such"
)
IN_CLUSTERS = (
    "respondents answer in several groups, each within one cluster: differences within "
    "people count through the clusters"
)


@dataclass(frozen=True, eq=False)
class People:
    """Rows in which every person is one sampled unit.

    Attributes
    ----------
    rows : the rows, with the units of sampling.
    words : how respondents were sampled; None where clusters stay the units.
    notes : what to say of it.
    """

    rows: Rows
    words: str | None
    notes: tuple[str, ...]


def by_people(survey: Survey, rows: Rows, kept: IntArray | None) -> People | None:
    """Return the rows by person, or None where nobody has several rows.

    Clusters that hold all rows of each of their respondents stay the sampled units.
    Rows without a respondent are units of their own.

    Parameters
    ----------
    rows : groups, weights and sampled units of the rows used.
    kept : (n,) which rows of the survey they are; None for all.

    Raises
    ------
    DataError
        If a respondent's rows lie in several clusters or strata.
    """
    who = survey.respondents()
    if who is None:
        return None
    who = who if kept is None else who[kept]
    known = who >= 0
    if np.bincount(who[known], minlength=1).max() < 2:
        return None
    role = str(survey.roles.respondent)
    crosses = _several(who[known], rows.codes[known])
    if survey.roles.cluster is not None and rows.unit is not None:
        if _several(who[known], rows.unit[known]):
            raise _scattered(role, survey.roles.cluster, "cluster")
        return People(rows, None, (IN_CLUSTERS,) if crosses else ())
    unit = _units(who)
    strata = np.zeros(int(unit.max(initial=-1)) + 1, dtype=np.int64)
    if rows.unit is not None and rows.strata is not None:
        own = rows.strata[rows.unit]
        if _several(who[known], own[known]):
            raise _scattered(role, str(survey.roles.stratum), "stratum")
        strata[unit] = own
    return People(
        replace(rows, unit=unit, strata=strata),
        f"{len(strata):,} respondents, some with several rows",
        (SAME_PEOPLE,) if crosses else (),
    )


def _units(who: IntArray) -> IntArray:
    """Return a unit per row: the person, or the row itself where nobody is named."""
    nobody = who < 0
    codes = who.copy()
    codes[nobody] = who.max(initial=0) + 1 + np.arange(int(nobody.sum()))
    return np.unique(codes, return_inverse=True)[1].ravel()


def _several(who: IntArray, where: IntArray) -> bool:
    """Return whether anybody is in two places."""
    first = np.zeros(int(who.max(initial=-1)) + 1, dtype=np.int64)
    first[who] = where
    return bool((first[who] != where).any())


def _scattered(respondent: str, column: str, role: str) -> DataError:
    places = {"cluster": "clusters", "stratum": "strata"}[role]
    return DataError(
        f"rows of one respondent of {respondent!r} lie in several {places} of "
        f"{column!r}, so that neither alone says what was sampled",
        code="respondent-scattered",
        column=column,
        value=respondent,
        remedy=f"make the survey without {role}= to compare the same people, or "
        "without respondent= if the people of a row are others each time",
    )
