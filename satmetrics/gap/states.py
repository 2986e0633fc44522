"""Three states of customers: better than, as, and worse than expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from satmetrics._checks import (
    check_level,
    check_share,
    friendly_keywords,
    one_of,
)
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.asked import asked, design_asked
from satmetrics.gap.design import (
    PAIR,
    Design,
    Dimensions,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.forms import MISSING, FormAnswers, read_forms, survey_of
from satmetrics.gap.levels import levels_of, lost_answers
from satmetrics.gap.states_result import StatesResult, state_rows
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

FORM = "disconfirmation"


@friendly_keywords
def three_states(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    tolerance: float | Sequence[float] = 0.0,
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> StatesResult:
    """Return the shares whose perception exceeds, equals or misses their expectation.

    With ``g = P − E`` of an item, a dimension or overall (see `sat.gaps`) a respondent
    is "better" where ``g > δ``, "equal" where ``|g| ≤ δ`` and "worse" where ``g < −δ``;
    δ is the tolerance. The share "better" of an overall row is the rate of positive
    disconfirmation. The mean of g stands beside, with its paired t test.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are used.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    tolerance : δ in answer units, 0 or more; several give the rows for each, to see
        how much the shares depend on it.
    expectation, perception, dimensions : columns in place of an instrument, as in
        `sat.gaps`.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of all intervals.
    missing : "pairwise" drops a pair when either answer is missing, "listwise" drops
        the respondent, "error" raises.
    min_answered : share of a dimension's pairs, of all dimensions and of all pairs that
        a respondent must have answered to count in the score of each.

    Returns
    -------
    StatesResult
        Rows with ``term`` "mean", "better", "equal" and "worse"; limits of shares are
        Wilson's with the effective n: Kish's of weights; over clusters
        ``1 + p(1 − p)/se²`` of the linearised error, times ``(z/t_df)²``.

    Raises
    ------
    OptionError
        If a tolerance is negative or not a number.
    DataError
        As in `sat.gaps`.

    References
    ----------
    Oliver (1980), A cognitive model of the antecedents and consequences of satisfaction
    decisions, doi:10.1177/002224378001700405. Wilson (1927),
    doi:10.1080/01621459.1927.10502953. Korn and Graubard (1998), Confidence intervals
    for proportions with small expected number of positive counts estimated from survey
    data, Survey Methodology 24, 193-201 (effective n over clusters).

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.three_states(bank, tolerance=[0, 0.5]).to_frame()
    >>> rows = found.query("variant == 'mean of items' and tolerance == 0.5")
    >>> rows["term"].tolist()
    ['better', 'equal', 'worse']
    """
    tolerances = _tolerances(tolerance)
    _check(level, missing, min_answered)
    lists = (expectation, perception, dimensions)
    spec = asked("three_states", data, instrument, lists)
    design = design_of_lists(*lists) if spec is None else design_of_instrument(spec)
    survey = survey_of(data, spec)
    read = read_forms(survey, design, by=by, missing=missing)
    made = _result(read, design, PAIR, tolerances, level, missing, min_answered)
    return replace(made, expectation_type=design.expectation_type)


@friendly_keywords
def disconfirmation(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    columns: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    neutral: float | None = None,
    tolerance: float | Sequence[float] = 0.0,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    missing: str = "pairwise",
    min_answered: float = 0.5,
) -> StatesResult:
    """Return direct disconfirmation: one answer from worse to better than expected.

    The answer less the neutral point plays the part of ``P − E``: no difference of two
    answers is taken. Means are tested against the neutral point; the shares of "worse",
    "equal" and "better" have Wilson limits.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are used.
    instrument : an `Instrument` with a "disconfirmation" form, or a catalogue name; the
        survey's own when None.
    columns : the columns, in place of an instrument; high = better than expected.
    dimensions : ``{name: [positions in columns, from 0]}``.
    neutral : the answer "as expected"; the midpoint of each column's scale when None.
    tolerance, by, level, missing, min_answered : as in `three_states`.

    Returns
    -------
    StatesResult
        Rows with ``term`` "mean" (less the neutral point), "better", "equal", "worse".

    Raises
    ------
    DataError
        If a column has no scale and `neutral` is not given, or `neutral` lies off it.

    References
    ----------
    Brown, Churchill and Peter (1993), Improving the measurement of service quality,
    Journal of Retailing 69, 127-139.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> answers = pd.DataFrame({"wait": [1, 3, 4, 5], "staff": [3, 3, 4, 5]})
    >>> survey = sat.Survey(answers, scale=(1, 5))
    >>> found = sat.quality.disconfirmation(survey, columns=["wait", "staff"])
    >>> frame = found.to_frame()
    >>> frame.loc[frame["term"] == "better", "estimate"].tolist()
    [0.5, 0.5, 0.5]
    """
    tolerances = _tolerances(tolerance)
    _check(level, missing, min_answered)
    spec = asked("disconfirmation", data, instrument, (columns, dimensions))
    design = _one_form("disconfirmation", spec, columns, dimensions)
    survey = survey_of(data, spec)
    middle = [_neutral(survey, name, neutral) for name in design.columns[FORM]]
    read = read_forms(survey, design, by=by, missing=missing)
    moved = tuple(x - m for x, m in zip(read[FORM], middle, strict=True))
    read = replace(read, columns={**read.columns, FORM: moved})
    made = _result(read, design, (FORM,), tolerances, level, missing, min_answered)
    odd = sorted({m for m in middle if m != int(m)}) if neutral is None else []
    note = (
        f"the midpoint {odd[0]:g} of the scale is no answer: nobody can be neutral"
        if odd
        else ""
    )
    context = made.context.plus(notes=(note,) if note else ())
    return replace(made, context=context, direct=True, neutral=tuple(middle))


def _one_form(
    function: str,
    spec: Instrument | None,
    columns: Sequence[str] | None,
    dimensions: Dimensions | None,
) -> Design:
    if spec is None and columns is None and dimensions is not None:
        raise OptionError(
            "columns= is missing",
            code="missing-argument",
            column="columns",
            remedy="dimensions= holds positions in columns=",
        )
    return design_asked(function, spec, {FORM: columns}, dimensions)


def _check(level: float, missing: str, min_answered: float) -> None:
    check_level(level)
    one_of("missing", missing, MISSING)
    check_share("min_answered", min_answered)


def _tolerances(tolerance: float | Sequence[float]) -> tuple[float, ...]:
    given: tuple[object, ...] = (tolerance,)
    if isinstance(tolerance, Iterable):
        given = tuple(tolerance)
    if not given:
        raise OptionError(
            "tolerance= is an empty list", code="bad-tolerance", column="tolerance"
        )
    return tuple(sorted({_tolerance(value) for value in given}))


def _tolerance(value: object) -> float:
    real = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    number = float(value) if real else np.nan  # type: ignore[arg-type]
    if not 0 <= number < np.inf:
        raise OptionError(
            f"tolerance={value!r}",
            code="bad-tolerance",
            column="tolerance",
            value=value,
            remedy="give a number of answer units from 0 on, such as 0.5, or a list of "
            "them",
        )
    return number


def _neutral(survey: Survey, column: str, neutral: float | None) -> float:
    scale = survey.scale(column)
    if neutral is None:
        if scale is None:
            raise DataError(
                f"{column!r} has no scale, hence no midpoint",
                code="no-scale",
                column=column,
                remedy="make a survey with scale=, or give neutral=",
            )
        return scale.midpoint
    real = isinstance(neutral, (int, float)) and not isinstance(neutral, bool)
    if not real or not np.isfinite(neutral):
        raise OptionError(
            f"neutral={neutral!r} is not a number",
            code="bad-neutral",
            column="neutral",
            value=neutral,
        )
    if scale is not None and not bool(scale.contains(neutral)):
        raise DataError(
            f"neutral={neutral:g} is not on the scale {scale} of {column!r}",
            code="bad-neutral",
            column=column,
            value=neutral,
            remedy="give the answer that means 'as expected'",
        )
    return float(neutral)


def _result(
    read: FormAnswers,
    design: Design,
    forms: Sequence[str],
    tolerances: tuple[float, ...],
    level: float,
    missing: str,
    min_answered: float,
) -> StatesResult:
    """Score the forms; the last less the first, or the only one, is the difference."""
    columns = {form: read[form] for form in forms}
    context = lost_answers(columns, read.context, missing)
    levels = levels_of(tuple(columns.values()), design, min_answered)
    context = context.plus(*levels.exclusions, notes=read.error_note()[:1])
    differences = _differences(levels.forms)
    table = state_rows(differences, levels, read, tolerances, level)
    return StatesResult(
        table,
        context,
        level=level,
        by=read.by,
        weighted=read.weighted,
        tolerances=tolerances,
        missing=missing,
        min_answered=float(min_answered),
    )


def _differences(forms: Sequence[Sequence[FloatArray]]) -> list[FloatArray]:
    if len(forms) == 1:
        return list(forms[0])
    return [p - e for e, p in zip(*forms, strict=True)]
