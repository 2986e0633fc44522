"""Performance-only scores, and scores weighted by importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from satmetrics._checks import (
    check_level,
    check_share,
    friendly_keywords,
    one_of,
)
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.gap import _levels
from satmetrics.gap.asked import asked, design_asked
from satmetrics.gap.design import Design, Dimensions
from satmetrics.gap.forms import MISSING, FormAnswers, read_forms, survey_of
from satmetrics.gap.importance import (
    NOT_NEEDED,
    Importance,
    Part,
    by_items,
    by_points,
    check_importance,
    counted,
    rates_items,
)
from satmetrics.gap.levels import Levels, levels_of, lost_answers
from satmetrics.gap.performance_result import PerformanceResult, performance_rows
from satmetrics.gap.points import PointPlan, Points, plan_points, point_shares
from satmetrics.gap.words import SUM_OF_ITEMS
from satmetrics.moment._column_means import MeanStats, column_means
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey


@friendly_keywords
def performance(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    importance: Importance | None = None,
    expectation: Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> PerformanceResult:
    """Return performance by item, dimension and overall, alone and by importance.

    Performance alone (SERVPERF) is the mean of P by item and by dimension; overall
    there are the mean of dimensions, the mean of items and the sum ``Σ_j P_j`` of the
    respondents who answered every item.

    With the rated importance I of items there are also, of performance (X = P) and,
    where expectations are asked, of the gap (X = P − E): the mean over respondents of
    ``Σ_j I_j X_j / Σ_j I_j``, the same of means ``Σ_j Ī_j X̄_j / Σ_j Ī_j``
    ("aggregate"), and the sums ``Σ_j I_j X_j`` (weighted SERVPERF and weighted SERVQUAL
    as published) and ``Σ_j Ī_j X̄_j``. The two sums differ by ``Σ_j cov(I_j, X_j)``.
    With importance points of dimensions there are ``mean_i Σ_d v_id X_id`` and
    ``Σ_d v̄_d X̄_d``, as in `sat.gaps`.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are used.
    instrument : an `Instrument` or a catalogue name; the survey's own when None. One
        that asks performance only will do.
    perception : columns, in place of an instrument.
    dimensions : ``{name: [positions in perception, from 0]}``.
    importance : the name of the instrument's form that asks it (of items, or points of
        dimensions); a list of columns in the order of `perception`; or ``{dimension:
        column of points}``, ``{dimension: number}``. None for no weighting.
    expectation : columns in the order of `perception`, for the weighted gap; an
        instrument's expectations are used when `importance` is given.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    missing : "pairwise" uses what was answered, "listwise" drops the respondent who
        misses anything, "error" raises.
    min_answered : share of a dimension's items, of all dimensions and of all items that
        a respondent must have answered to count in the mean of each.

    Returns
    -------
    PerformanceResult
        Rows with ``term`` "performance" or "gap" and, overall, ``variant``;
        ``estimate_100`` is the mean on 0-100 where the scale is known.

    Raises
    ------
    DataError
        If columns are absent or in different order, an importance is negative, or
        expectation and perception are on different scales.
    OptionError
        If nothing says which columns are perceptions.

    References
    ----------
    Cronin and Taylor (1992), Measuring service quality: a reexamination and extension,
    Journal of Marketing 56, 55-68, doi:10.1177/002224299205600304.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.performance(bank, importance="importance")
    >>> rows = found.rows("overall").where(term="performance")
    >>> rows["variant"].tolist()[:3]
    ['mean of dimensions', 'mean of items', 'sum of items']
    """
    check_level(level)
    one_of("missing", missing, MISSING)
    check_share("min_answered", min_answered)
    spec = asked("performance", data, instrument, (perception, expectation, dimensions))
    rated = rates_items(importance, spec)
    if expectation is not None and importance is None:
        raise OptionError(NOT_NEEDED, code="not-needed", column="expectation")
    design, form = _design(spec, perception, expectation, dimensions, importance, rated)
    plan = None
    if importance is not None and not rated:
        plan = plan_points(cast("Points", importance), design.dimensions, spec)
    survey = survey_of(data, spec)
    read = read_forms(survey, design, by=by, missing=missing)
    parts, context = _plain(read, design, missing, min_answered)
    if rated:
        check_importance(design, read[form], form)
        more, context = _rated(read, design, form, min_answered, context)
        parts += more
    elif plan is not None:
        more, context = _pointed(survey, plan, read, design, min_answered, context)
        parts += more
    ranges = _ranges(survey, design)
    mixed = len(set(ranges)) > 1
    note = "items are on different scales: means over them mix their units"
    return PerformanceResult(
        performance_rows(parts, design, ranges, read, level),
        context.plus(notes=(*read.error_note()[:1], *([note] if mixed else []))),
        level=level,
        by=read.by,
        weighted=read.weighted,
        importance=_said(rated, plan),
        missing=missing,
        min_answered=float(min_answered),
    )


def _design(
    spec: Instrument | None,
    perception: Sequence[str] | None,
    expectation: Sequence[str] | None,
    dimensions: Dimensions | None,
    importance: Importance | None,
    rated: bool,
) -> tuple[Design, str]:
    """Return the forms that are needed, and the name of that of importance."""
    form = importance if isinstance(importance, str) else "importance"
    lists: dict[str, Sequence[str] | None] = {}
    asks = spec is not None and spec.has_form("expectation")
    if importance is not None and (asks or expectation is not None):
        lists["expectation"] = expectation
    if rated:
        listed = isinstance(importance, (str, Mapping))
        lists[form] = None if listed else cast("Sequence[str]", importance)
    lists["perception"] = perception
    return design_asked("performance", spec, lists, dimensions), form


def _plain(
    read: FormAnswers, design: Design, missing: str, min_answered: float
) -> tuple[list[Part], Context]:
    """Return performance of items, dimensions and overall."""
    P = read["perception"]
    context = lost_answers({"perception": P}, read.context, missing)
    levels = levels_of((P,), design, min_answered)
    total = _levels.block_sum(P)
    short = Exclusion(
        "an item is not answered",
        int(np.isnan(total).sum()),
        "respondents",
        SUM_OF_ITEMS,
    )
    stats = column_means([*levels.forms[0], total], read.rows)
    labels = _labels(levels)
    sums = [1] * (len(labels) - 1) + [len(P)]
    parts = [
        Part(own, _column(stats, at), k)
        for at, (own, k) in enumerate(zip(labels, sums, strict=True))
    ]
    return parts, context.plus(*levels.exclusions, short)


def _labels(levels: Levels) -> list[tuple[str, str, str, str, str]]:
    rows = levels.row_labels(["performance"], 1)
    names = ("level", "dimension", "item", "term", "variant")
    found = list(zip(*(rows[name].tolist() for name in names), strict=True))
    return [*found, ("overall", "", "", "performance", SUM_OF_ITEMS)]


def _column(stats: MeanStats, at: int) -> MeanStats:
    own = slice(at, at + 1)
    return MeanStats(
        stats.n[:, own],
        stats.n_eff[:, own],
        stats.mean[:, own],
        stats.sd[:, own],
        stats.std_error[:, own],
        stats.df[:, own],
    )


def _weighted_terms(read: FormAnswers) -> dict[str, list[FloatArray]]:
    """Return what is weighted: performance and, with expectations, the gap."""
    P = read["perception"]
    found = {"performance": list(P)}
    if "expectation" in read.columns:
        pairs = zip(read["expectation"], P, strict=True)
        found["gap"] = [p - e for e, p in pairs]
    return found


def _rated(
    read: FormAnswers, design: Design, form: str, min_answered: float, context: Context
) -> tuple[list[Part], Context]:
    parts: list[Part] = []
    for term, values in _weighted_terms(read).items():
        made, exclusions, note = by_items(
            term, read[form], tuple(values), design, read.rows, min_answered
        )
        parts += made
        context = counted(context, exclusions, note)
    return parts, context


def _pointed(
    survey: Survey,
    plan: PointPlan,
    read: FormAnswers,
    design: Design,
    min_answered: float,
    context: Context,
) -> tuple[list[Part], Context]:
    points = point_shares(plan, survey, read.keep)
    context = context.plus(*points.exclusions, notes=points.notes)
    parts: list[Part] = []
    usable = np.isfinite(points.shares).all(axis=1)
    for term, items in _weighted_terms(read).items():
        (values,), _ = _levels.block_means((items,), design.blocks(), min_answered)
        partial = usable & np.isnan(np.sum(np.stack(values), axis=0))
        lost = Exclusion(
            f"{term} of a dimension is missing",
            int(partial.sum()),
            "rows",
            "weighting by points",
        )
        made, note = by_points(
            term,
            points.shares,
            tuple(values),
            read.rows,
            fixed=plan.fixed is not None,
        )
        parts += made
        context = counted(context, [lost], note)
    return parts, context


def _ranges(survey: Survey, design: Design) -> list[tuple[float, float]]:
    """Return the ends of each item's scale; NaN where it has none."""
    found = []
    for name in design.perception:
        scale = survey.scale(name)
        ends = (scale.minimum, scale.maximum) if scale else (-np.inf, np.inf)
        found.append(ends)
    return found


def _said(rated: bool, plan: PointPlan | None) -> str:
    if rated:
        return "rated by item"
    if plan is None:
        return ""
    return "points of respondents" if plan.fixed is None else "fixed points"
