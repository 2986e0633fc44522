"""SERVQUAL gaps of a survey: perception minus expectation, with what supports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from satmetrics._checks import check_level, check_share, friendly_keywords, one_of
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.gap import _gaps as kernel
from satmetrics.gap.asked import asked
from satmetrics.gap.design import (
    Design,
    Dimensions,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.forms import (
    MISSING,
    Columns,
    FormAnswers,
    check_scales,
    read_forms,
)
from satmetrics.gap.from_moments import stats_of_moments
from satmetrics.gap.levels import levels_of
from satmetrics.gap.points import PointPlan, Points, plan_points, point_shares
from satmetrics.gap.result import GapResult, gap_rows
from satmetrics.gap.words import (
    BY_AGGREGATE,
    BY_RESPONDENT,
    MEAN_OF_DIMENSIONS,
    MEAN_OF_ITEMS,
)
from satmetrics.moment.moments import Moments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.survey import Survey


@friendly_keywords
def gaps(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    points: Points | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> GapResult:
    """Compute service quality gaps by item, by dimension and overall.

    With ``g_ij = P_ij − E_ij`` the item gap is the mean of ``g_ij`` over the
    respondents who answered both; a respondent's dimension gap ``G_id`` is the mean of
    the pairs of the dimension that were answered, from `min_answered` of them on.
    Overall, the "mean of dimensions" is the mean over respondents of the mean of the
    dimensions each answered, from `min_answered` of them on; it equals the mean of the
    dimension gaps when all answer all. The "mean of items" is the same over item pairs.
    With `points` there are also the gaps weighted by ``v_id`` (points as shares of
    one): per respondent, ``mean_i Σ_d v_id G_id``, and in the aggregate,
    ``Σ_d v̄_d Ḡ_d``; they differ by ``Σ_d cov(v_id, G_id)``. Every gap is tested against
    zero by a paired t test.

    Parameters
    ----------
    data : a Survey, any dataframe, or `Moments` of the item columns. Sampling weights
        of a survey are used. From moments the shares of respondents are absent.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    expectation, perception : columns in the same order, in place of an instrument.
    dimensions : ``{name: [positions in these lists, from 0]}``, or, without the lists,
        ``{name: [(expectation column, perception column), …]}``.
    points : importance points per dimension: ``{dimension: column}`` of points that a
        respondent allocated (normalised to 100), ``{dimension: number}`` for fixed
        ones, or the name of an instrument's form asked once per dimension.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    missing : "pairwise" drops a pair when either answer is missing, "listwise" drops
        the respondent, "error" raises.
    min_answered : share of a dimension's pairs, of all dimensions and of all pairs that
        a respondent must have answered to count in the gap of each. Those who do not
        are counted in the result's ``context``.

    Returns
    -------
    GapResult

    Raises
    ------
    DataError
        If columns are absent, the two lists differ in length or order, a dimension is
        empty, unknown or shares an item, or an expectation and its perception have
        different scales.
    MissingMomentsError
        If moments without correlations are given: the error of a paired gap needs them.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1988), SERVQUAL, Journal of Retailing 64, 12-40.
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> answers = pd.DataFrame(
    ...     {"e1": [6, 7, 7], "e2": [5, 6, 7], "p1": [5, 6, 7], "p2": [5, 5, 4]}
    ... )
    >>> found = sat.gaps(
    ...     answers,
    ...     expectation=["e1", "e2"],
    ...     perception=["p1", "p2"],
    ...     dimensions={"staff": [0, 1]},
    ... )
    >>> frame = found.to_frame()
    >>> frame.loc[frame["level"] == "dimension", "estimate"].round(3).tolist()
    [-1.0]
    """
    check_level(level)
    one_of("missing", missing, MISSING)
    check_share("min_answered", min_answered)
    spec = asked("gaps", data, instrument, (expectation, perception, dimensions))
    design = (
        design_of_lists(expectation, perception, dimensions)
        if spec is None
        else design_of_instrument(spec)
    )
    plan = None if points is None else plan_points(points, design.dimensions, spec)
    if isinstance(data, Moments):
        if spec is not None:
            check_scales(design, spec.scale_of)
        result = _from_moments(data, design, plan, by, level)
    else:
        survey = survey_of(data, spec)
        result = _from_answers(survey, design, plan, by, level, missing, min_answered)
    return replace(
        result,
        level=level,
        expectation_type=design.expectation_type,
        missing=missing,
        min_answered=float(min_answered),
    )


def _variants(design: Design, plan: PointPlan | None) -> tuple[str, ...]:
    names = [MEAN_OF_DIMENSIONS] if design.dimensions else []
    names.append(MEAN_OF_ITEMS)
    if plan is not None and plan.fixed is None:
        names.append(BY_RESPONDENT)
    if plan is not None:
        names.append(BY_AGGREGATE)
    return tuple(names)


def _fixed_note(plan: PointPlan | None) -> tuple[str, ...]:
    if plan is None or plan.fixed is None:
        return ()
    return ("points are fixed numbers, taken as known without error",)


def _from_moments(
    moments: Moments,
    design: Design,
    plan: PointPlan | None,
    by: str | Sequence[str] | None,
    level: float,
) -> GapResult:
    moments.require_groups(by)
    if plan is not None and plan.fixed is None:
        raise OptionError(
            "points of respondents need their answers",
            code="no-answers",
            column="points",
            remedy="give a survey, or fixed points {dimension: number}",
        )
    stats = stats_of_moments(moments, design, plan.fixed if plan else None)
    table = gap_rows(
        stats, design, _variants(design, plan), moments.keys, level, moments.reasons
    )
    context = moments.context.plus(notes=_fixed_note(plan))
    weighted = not np.allclose(moments.n_eff, moments.n, equal_nan=True)
    own = () if moments.keys is None else moments.keys.names
    return GapResult(table, context, by=own, weighted=weighted, from_answers=False)


def _from_answers(
    survey: Survey,
    design: Design,
    plan: PointPlan | None,
    by: str | Sequence[str] | None,
    level: float,
    missing: str,
    min_answered: float,
) -> GapResult:
    read = read_forms(survey, design, by=by, missing=missing)
    E, P = read["expectation"], read["perception"]
    levels = levels_of((E, P), design, min_answered)
    context = read.context.plus(
        *_lost_pairs(E, P, missing),
        *levels.counted("pairs answered", "have a gap"),
        notes=read.error_note()[:1],
    )
    expected, perceived = levels.forms
    found = [kernel.paired_stats(expected, perceived, read.rows)]
    if plan is not None:
        weighted, context = _pointed(survey, plan, read, levels.dimensions, context)
        found += weighted
    table = gap_rows(
        kernel.side_by_side(found), design, _variants(design, plan), read.keys, level
    )
    return GapResult(table, context, by=read.by, weighted=read.weighted)


def _lost_pairs(E: Columns, P: Columns, missing: str) -> list[Exclusion]:
    lost = sum(int(np.isnan(p - e).sum()) for e, p in zip(E, P, strict=True))
    why = "expectation or perception missing, so the pair was dropped (pairwise)"
    return [Exclusion(why, lost, "answer pairs")] if missing == "pairwise" else []


def _pointed(
    survey: Survey,
    plan: PointPlan,
    read: FormAnswers,
    scores: tuple[tuple[FloatArray, ...], ...],
    context: Context,
) -> tuple[list[kernel.PairedStats], Context]:
    """Weight the dimension gaps by points; report what the two ways differ by."""
    points = point_shares(plan, survey, read.keep)
    shares = points.shares
    scored = np.isfinite(np.column_stack(scores[1])).all(axis=1)
    partial = np.isfinite(shares).all(axis=1) & ~scored
    context = context.plus(
        *points.exclusions,
        Exclusion(
            "a dimension gap is missing",
            int(partial.sum()),
            "rows",
            "weighting by points",
        ),
        notes=(*points.notes, *_fixed_note(plan)),
    )
    both = kernel.weighted_by_points(scores[0], scores[1], shares, read.rows)
    if plan.fixed is not None:
        return [both[0]], context
    differ = float(both[0].gap[0, 0] - both[1].gap[0, 0])
    note = (
        "weighting by each respondent's own points, minus weighting by the mean "
        f"points, is {differ:+.4f}: the sum of the covariances of points and gap"
    )
    single = read.rows.n_groups == 1
    return list(both), context.plus(notes=(note,) if single else ())
