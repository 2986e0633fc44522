"""SERVQUAL gaps of a survey: perception minus expectation, with what supports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _gaps as kernel
from satmetrics.gap.design import (
    Design,
    Dimensions,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.from_moments import stats_of_moments
from satmetrics.gap.points import PointPlan, Points, plan_points, point_shares
from satmetrics.gap.result import GapResult, gap_rows
from satmetrics.gap.words import (
    BY_AGGREGATE,
    BY_RESPONDENT,
    MEAN_OF_DIMENSIONS,
    MEAN_OF_ITEMS,
)
from satmetrics.moment.moments import Moments
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey, as_survey

MISSING = ("pairwise", "listwise", "error")


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
        If columns are absent, the two lists differ in length or order, or a dimension
        is empty, unknown or shares an item.
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
    _check_share(min_answered)
    spec = _instrument(data, instrument, expectation, perception, dimensions)
    design = (
        design_of_lists(expectation, perception, dimensions)
        if spec is None
        else design_of_instrument(spec)
    )
    plan = None if points is None else plan_points(points, design.dimensions, spec)
    if isinstance(data, Moments):
        result = _from_moments(data, design, plan, by, level)
    else:
        survey = _survey(data, spec)
        result = _from_answers(survey, design, plan, by, level, missing, min_answered)
    return replace(
        result,
        level=level,
        expectation_type=design.expectation_type,
        missing=missing,
        min_answered=float(min_answered),
    )


def _instrument(
    data: object,
    instrument: Instrument | str | None,
    *lists: object,
) -> Instrument | None:
    """Return the instrument to use, None when columns are listed."""
    if isinstance(data, (Instrument, str)):
        raise OptionError(
            "instrument and data are swapped",
            code="swapped-arguments",
            column="data",
            remedy="gaps(data, instrument)",
        )
    given = any(value is not None for value in lists)
    if instrument is not None and given:
        raise OptionError(
            "both an instrument and columns are given",
            code="two-designs",
            column="instrument",
            remedy="give instrument=, or expectation=, perception= and dimensions=",
        )
    if given:
        return None
    if isinstance(instrument, str):
        return instruments.load(instrument)
    if instrument is None and isinstance(data, Survey):
        return data.instrument
    return instrument


def _survey(data: object, instrument: Instrument | None) -> Survey:
    """Read a frame with the instrument's scales and reversed items."""
    if not isinstance(data, Survey):
        return as_survey(data) if instrument is None else Survey(data, instrument)
    if instrument is not None and data.instrument is None:
        turned = set(instrument.reverse_columns()) & set(data.columns)
        unturned = sorted(turned - set(data.declared.reverse))
        if unturned:
            raise DataError(
                f"the survey was made without instrument {instrument.id!r}, in which "
                f"{unturned[0]!r} is reversed",
                code="not-reversed",
                column=unturned[0],
                value=tuple(unturned),
                remedy=f"make it with Survey(frame, instrument={instrument.id!r}, …)",
            )
    return data


def _check_share(min_answered: float) -> None:
    if isinstance(min_answered, bool) or not 0 < min_answered <= 1:
        raise OptionError(
            f"min_answered={min_answered!r}",
            code="bad-share",
            column="min_answered",
            value=min_answered,
            remedy="give a share above 0 and up to 1, such as 0.5",
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
    own = moments.keys.names if moments.keys is not None else ()
    asked = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    if asked and asked != own:
        raise OptionError(
            f"by={list(asked)} and the moments are grouped by {list(own)}",
            code="bad-by",
            column="by",
            value=asked,
            remedy="group when making them: Moments.from_frame(data, items, by=…)",
        )
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
    return GapResult(table, context, by=own, weighted=weighted, from_answers=False)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Answers in pairs and where they belong.

    Attributes
    ----------
    E, P : (n, m); w : (n,); codes : (n,) groups; keep : (n,) rows of the survey used.
    keys : one row per group, or None.
    """

    E: FloatArray
    P: FloatArray
    w: FloatArray
    codes: IntArray
    keep: BoolArray
    keys: Table | None

    @property
    def n_groups(self) -> int:
        return 1 if self.keys is None else len(self.keys)


def _from_answers(
    survey: Survey,
    design: Design,
    plan: PointPlan | None,
    by: str | Sequence[str] | None,
    level: float,
    missing: str,
    min_answered: float,
) -> GapResult:
    rows, context = _rows(survey, design, by, missing)
    M = design.membership()
    E_d, P_d, short = kernel.block_means(rows.E, rows.P, M, min_answered)
    context = context.plus(*_short(short, design, min_answered))
    overall = [
        kernel.block_means(E, P, np.ones((E.shape[1], 1)), min_answered)[:2]
        for E, P in ([(E_d, P_d)] if design.dimensions else []) + [(rows.E, rows.P)]
    ]
    context = context.plus(*_dropped(overall, _variants(design, None), min_answered))
    parts = [(rows.E, rows.P), (E_d, P_d), *overall]
    E, P = (np.hstack([pair[side] for pair in parts]) for side in (0, 1))
    found = [kernel.paired_stats(E, P, rows.w, rows.codes, rows.n_groups)]
    if plan is not None:
        weighted, context = _pointed(survey, plan, rows, (E_d, P_d), context)
        found += weighted
    table = gap_rows(
        kernel.side_by_side(found), design, _variants(design, plan), rows.keys, level
    )
    keys = rows.keys.names if rows.keys is not None else ()
    return GapResult(table, context, by=keys, weighted=survey.weights is not None)


def _rows(
    survey: Survey, design: Design, by: str | Sequence[str] | None, missing: str
) -> tuple[_Rows, Context]:
    """Read the pairs, apply the missing policy and count what it cost."""
    columns = [*design.expectation, *design.perception]
    answers = survey.answers(columns)
    m = len(design.items)
    E, P = answers[:, :m], answers[:, m:]
    codes, keys = (
        (np.zeros(survey.n, dtype=np.int64), None) if by is None else survey.groups(by)
    )
    placed = codes >= 0
    holes = np.isnan(answers[placed])
    if missing == "error" and holes.any():
        at = int(holes.any(axis=0).argmax())
        raise DataError(
            f"{int(holes.sum())} answers are missing, the first in {columns[at]!r}",
            code="missing-answers",
            column=columns[at],
            value=int(holes.sum()),
            remedy='missing="pairwise" drops the pair, "listwise" the respondent',
        )
    keep = placed.copy()
    lost = Exclusion(
        "expectation or perception missing, so the pair was dropped (pairwise)",
        int(np.isnan(P[placed] - E[placed]).sum()),
        "answer pairs",
    )
    if missing == "listwise":
        keep &= np.isfinite(answers).all(axis=1)
        lost = Exclusion("answer missing (listwise)", int(placed.sum() - keep.sum()))
    w = np.ones(survey.n) if survey.weights is None else survey.weights
    context = survey.context_for(columns).plus(
        Exclusion(f"no value of {by}", int((~placed).sum())), lost
    )
    return _Rows(E[keep], P[keep], w[keep], codes[keep], keep, keys), context


def _short(short: BoolArray, design: Design, min_answered: float) -> list[Exclusion]:
    reason = f"fewer than {100 * min_answered:g} % of the pairs answered"
    counts = short.sum(axis=0)
    return [
        Exclusion(reason, int(count), "dimension scores", name)
        for name, count in zip(design.dimensions, counts, strict=True)
    ]


def _dropped(
    overall: Sequence[tuple[FloatArray, FloatArray]],
    variants: Sequence[str],
    min_answered: float,
) -> list[Exclusion]:
    """Count the respondents whom each unweighted overall row does without."""
    share = f"{100 * min_answered:g} %"
    reasons = {
        MEAN_OF_DIMENSIONS: f"fewer than {share} of the dimensions have a gap",
        MEAN_OF_ITEMS: f"fewer than {share} of the pairs answered",
    }
    return [
        Exclusion(reasons[name], int(np.isnan(P).sum()), "respondents", name)
        for name, (_, P) in zip(variants, overall, strict=True)
    ]


def _pointed(
    survey: Survey,
    plan: PointPlan,
    rows: _Rows,
    scores: tuple[FloatArray, FloatArray],
    context: Context,
) -> tuple[list[kernel.PairedStats], Context]:
    """Weight the dimension gaps by points; report what the two ways differ by."""
    points = point_shares(plan, survey, rows.keep)
    shares = points.shares
    partial = np.isfinite(shares).all(axis=1) & ~np.isfinite(scores[1]).all(axis=1)
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
    both = kernel.weighted_by_points(*scores, shares, rows.w, rows.codes, rows.n_groups)
    if plan.fixed is not None:
        return [both[0]], context
    differ = float(both[0].gap[0, 0] - both[1].gap[0, 0])
    note = (
        "weighting by each respondent's own points, minus weighting by the mean "
        f"points, is {differ:+.4f}: the sum of the covariances of points and gap"
    )
    return list(both), context.plus(notes=(note,) if rows.n_groups == 1 else ())
