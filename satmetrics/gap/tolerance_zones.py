"""Zones of tolerance: minimum, desired and perceived service side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._checks import (
    check_level,
    check_share,
    friendly_keywords,
    one_of,
)
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import IntArray
from satmetrics.gap import _levels, _zones
from satmetrics.gap.asked import asked, design_asked
from satmetrics.gap.design import Design, Dimensions, design_of_instrument
from satmetrics.gap.forms import MISSING, Columns, read_forms, survey_of
from satmetrics.gap.levels import levels_of, lost_answers
from satmetrics.gap.zone_result import ZoneResult, zone_rows
from satmetrics.survey.instrument import Instrument

FORMS = ("minimum", "desired", "perception")
INVERSIONS = ("keep", "exclude")


@friendly_keywords
def zones(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    minimum: Sequence[str] | None = None,
    desired: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    inversions: str = "keep",
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> ZoneResult:
    """Place perceptions in the zone between the minimum and the desired level.

    With A the least acceptable (adequate), D the desired and P the perceived level:
    service adequacy ``MSA = P − A``, service superiority ``MSS = P − D``, width of the
    zone ``D − A``, each a mean over respondents with a paired t test, by item, by
    dimension and overall. The position ``(P̄ − Ā)/(D̄ − Ā)`` is computed from the means
    (0 = at the minimum, 1 = at the desired level) with an error by the delta method.
    An item counts for a respondent who answered it three times, so that
    ``MSA − MSS = width`` holds exactly.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are used.
    instrument : an `Instrument` with forms "minimum", "desired" and "perception", or a
        catalogue name; the survey's own when None.
    minimum, desired, perception : columns in the same order, in place of an instrument.
    dimensions : ``{name: [positions in these lists, from 0]}``.
    inversions : answers with ``A > D`` contradict themselves. "keep" counts and uses
        them; "exclude" counts them and leaves the item out for that respondent.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    missing : "pairwise" drops an item when any of its three answers is missing,
        "listwise" drops the respondent, "error" raises.
    min_answered : share of a dimension's items, of all dimensions and of all items that
        a respondent must have answered to count in the score of each.

    Returns
    -------
    ZoneResult
        Rows with ``term`` "adequacy", "superiority", "width", "position", and the
        shares of respondents "below", "inside", "above" their own zone and "inverted"
        (with none, as A > D).

    Raises
    ------
    DataError
        If columns are absent or in different order, or the three forms of an item are
        on different scales.
    OptionError
        If the instrument does not ask all three.

    Notes
    -----
    A zone of the means that is not wider than zero has no position, and one whose width
    cannot be told from zero has a position without limits (Fieller's limits are then
    unbounded); ``reason`` says so.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1994), Alternative scales for measuring service
    quality, Journal of Retailing 70, 201-230, doi:10.1016/0022-4359(94)90033-7.
    Zeithaml, Berry and Parasuraman (1993), The nature and determinants of customer
    expectations of service, doi:10.1177/0092070393211001. Fieller (1954), Some problems
    in interval estimation, doi:10.1111/j.2517-6161.1954.tb00159.x.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> answers = pd.DataFrame(
    ...     {"least": [4, 5, 3], "wanted": [8, 8, 8], "seen": [6, 7, 5]}
    ... )
    >>> found = sat.quality.zones(
    ...     answers, minimum=["least"], desired=["wanted"], perception=["seen"]
    ... )
    >>> item = found.rows("item")
    >>> item["term"][:4].tolist()
    ['adequacy', 'superiority', 'width', 'position']
    >>> item["estimate"][:4].tolist()
    [2.0, -2.0, 4.0, 0.5]
    """
    check_level(level)
    one_of("missing", missing, MISSING)
    one_of("inversions", inversions, INVERSIONS)
    check_share("min_answered", min_answered)
    lists = {"minimum": minimum, "desired": desired, "perception": perception}
    spec = asked("zones", data, instrument, (*lists.values(), dimensions))
    design = (
        _of_instrument(spec) if spec else design_asked("zones", None, lists, dimensions)
    )
    read = read_forms(survey_of(data, spec), design, by=by, missing=missing)
    answers = {form: read[form] for form in design.columns}
    context = lost_answers(answers, read.context, missing)
    forms, per_item, per_row = _inverted(tuple(answers.values()), inversions)
    if inversions == "exclude":
        why = "the minimum exceeds the desired level"
        context = context.plus(Exclusion(why, int(per_item.sum()), "answer triples"))
    levels = levels_of(forms, design, min_answered)
    A, D, P = levels.forms
    stats = _zones.zone_stats(A, D, P, read.rows)
    return ZoneResult(
        zone_rows(stats, levels, read, level),
        context.plus(*levels.exclusions, notes=read.error_note()[:1]),
        level=level,
        by=read.by,
        weighted=read.weighted,
        inversions=inversions,
        inverted_items=_by_item(forms, design, per_item),
        inverted_respondents=_by_respondent(per_row),
        missing=missing,
        min_answered=float(min_answered),
    )


def _of_instrument(spec: Instrument) -> Design:
    """Return the three forms; "expectation" is the desired level where it means it."""
    if not spec.has_form("desired") and spec.expectation == "desired":
        found = design_of_instrument(spec, ("minimum", "expectation", "perception"))
        columns = dict(zip(FORMS, found.columns.values(), strict=True))
        return Design(
            found.items, columns, found.dimensions, found.owner, found.expectation_type
        )
    return design_of_instrument(spec, FORMS)


def _inverted(
    forms: tuple[Columns, ...], inversions: str
) -> tuple[tuple[Columns, ...], IntArray, IntArray]:
    """Return the forms to use, and inversions per item (m,) and per row (n,)."""
    used: list[tuple[object, ...]] = []
    per_item = np.zeros(len(forms[0]), dtype=np.int64)
    per_row = np.zeros(len(forms[0][0]), dtype=np.int64)
    for j, (a, d, p) in enumerate(zip(*forms, strict=True)):
        turned = _zones.inverted(a, d) & np.isfinite(p)
        per_item[j] = turned.sum()
        per_row += turned
        out = inversions == "exclude" and per_item[j] > 0
        used.append((np.where(turned, np.nan, a) if out else a, d, p))
    columns = tuple(tuple(triple[f] for triple in used) for f in range(3))
    return columns, per_item, per_row  # type: ignore[return-value]


def _by_item(forms: Sequence[Columns], design: Design, counts: IntArray) -> Table:
    answered = []
    for triple in zip(*forms, strict=True):
        whole = _levels.answered_in_all(triple)
        answered.append(len(triple[0]) if whole is None else int(whole.sum()))
    return Table.of(
        {
            "dimension": design.dimension_of_items(),
            "item": list(design.items),
            "n": np.asarray(answered, dtype=np.int64),
            "inversions": counts,
        }
    )


def _by_respondent(per_row: IntArray) -> Table:
    respondents = np.bincount(per_row)
    some = np.flatnonzero(respondents)
    return Table.of({"inversions": some, "respondents": respondents[some]})
