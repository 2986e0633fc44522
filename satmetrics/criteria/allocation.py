"""`point_weights`: what respondents say counts, as points they share out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics import _special as special
from satmetrics._checks import check_level, friendly_keywords
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.criteria.blocks import top_dimensions
from satmetrics.criteria.rows import Answered, answered
from satmetrics.criteria.weights import POINTS, CriteriaWeights
from satmetrics.errors import DataError, OptionError
from satmetrics.moment._column_means import JointMeans, joint_means
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import known_instrument, survey_of

IPSATIVE = (
    "points are shared out of one total, so that a gain of one criterion is a loss of "
    "others: errors are negatively correlated (field cov), and the intervals of two "
    "criteria are no test of their difference"
)


@friendly_keywords
def point_weights(
    data: object,
    points: Mapping[str, str] | str | None = None,
    *,
    instrument: Instrument | str | None = None,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    industry: str = "",
) -> CriteriaWeights:
    r"""Return criteria weights from points that respondents shared out.

    A respondent's points are divided by their sum, :math:`v_{id} = x_{id} / Σ_d x_{id}`
    and the weight of criterion d is their (weighted) mean. Its standard error is
    linearised over the sampled units, :math:`s/\sqrt n` without weights; limits are
    those of Student's t with sampled units less strata as degrees of freedom.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are honoured.
    points : ``{criterion: column of points}``, or the name of an instrument's form
        asked once per dimension; None for the instrument's only such form.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    by : columns or roles ("unit", "wave") that form groups.
    level : confidence level of the intervals.
    industry : the industry the weights are for, as `WeightBook` stores them.

    Returns
    -------
    CriteriaWeights
        Whose ``cov`` holds the covariance of the weights. Points that do not sum to
        100 are normalised and counted; respondents with points missing, negative or all
        zero are left out and counted.

    Raises
    ------
    DataError
        If a column is absent, or nobody shared out points that can be used.
    OptionError
        If neither columns nor a form asked once per dimension are known.

    References
    ----------
    Parasuraman, Berry and Zeithaml (1991), Refinement and reassessment of the SERVQUAL
    scale, Journal of Retailing 67, 420-450 (points per dimension).
    Woodruff (1971), doi:10.1080/01621459.1971.10482279 (linearisation).

    Examples
    --------
    >>> import satmetrics as sat
    >>> found = sat.quality.point_weights(sat.datasets.load("bank_servqual"))
    >>> round(sum(found.as_points().values()), 6)
    100.0
    """
    check_level(level)
    spec = known_instrument(instrument)
    survey = survey_of(data, spec)
    columns = _columns(points, spec or survey.instrument)
    found = answered(survey, tuple(columns.values()), by)
    shares, keep, exclusions, notes = _shares(found)
    rows = found.rows.take(keep)
    means = joint_means(list(shares.T), rows)
    df = rows.degrees(rows.whole[0], None)
    table = _table(tuple(columns), means, df, level, found)
    single = found.keys is None
    return CriteriaWeights(
        table,
        found.context.plus(*exclusions, notes=(*notes, *found.error_note())),
        method="points shared out by respondents",
        industry=industry,
        level=level,
        by=found.by,
        cov=means.cov[0] if single else means.cov,
        remarks=(IPSATIVE,),
    )


def _columns(
    points: Mapping[str, str] | str | None, instrument: Instrument | None
) -> dict[str, str]:
    if isinstance(points, Mapping):
        named = {str(name): column for name, column in points.items()}
        if not named or not all(isinstance(c, str) for c in named.values()):
            raise OptionError(
                f"points={dict(points)!r} names no columns",
                code="bad-points",
                column="points",
                remedy="give {criterion: column of points}; fixed numbers are stored "
                "with WeightBook().with_weights(…)",
            )
        return named
    if points is not None and not isinstance(points, str):
        raise OptionError(
            f"points={points!r}",
            code="bad-points",
            column="points",
            remedy="give {criterion: column of points} or the name of a form",
        )
    if instrument is None:
        raise OptionError(
            "it is not known which columns hold the points",
            code="no-points",
            column="points",
            remedy="give points={criterion: column}, or an instrument",
        )
    form = _form(points, instrument)
    return {name: instrument.column(name, form) for name in top_dimensions(instrument)}


def _form(points: str | None, instrument: Instrument) -> str:
    once = [form.id for form in instrument.forms if not form.per_item]
    if points is None and len(once) == 1:
        return once[0]
    if points is not None and not instrument.form(points).per_item:
        return instrument.form(points).id
    raise OptionError(
        f"instrument {instrument.id!r} has no one form asked once per dimension"
        if points is None
        else f"points={points!r} is not a form asked once per dimension",
        code="bad-points",
        column="points",
        value=points,
        remedy=f"such forms are {', '.join(once) or 'none'}; or give "
        "points={criterion: column}",
    )


def _shares(
    found: Answered,
) -> tuple[FloatArray, BoolArray, tuple[Exclusion, ...], tuple[str, ...]]:
    """Return usable shares (m, D), the rows they are of, and what was said of others.

    Raises
    ------
    DataError
        If nothing can be used.
    """
    raw = found.X
    total = raw.sum(axis=1)
    missing = np.isnan(total)
    impossible = ~missing & ((raw < 0).any(axis=1) | (total <= 0))
    keep = ~missing & ~impossible
    gone = (
        Exclusion("points are missing", int(missing.sum()), "respondents"),
        Exclusion(
            "points are negative or all zero", int(impossible.sum()), "respondents"
        ),
    )
    if not keep.any():
        raise DataError(
            "nobody shared out points that can be used",
            code="no-points",
            value=len(raw),
            remedy="; ".join(str(e) for e in gone if e.n) or "there are no rows",
        )
    off = int((np.abs(total[keep] - POINTS) > 1e-6).sum())
    note = f"the points of {off:,} respondents do not sum to 100 and were normalised"
    return raw[keep] / total[keep, None], keep, gone, (note,) if off else ()


def _table(
    dimensions: tuple[str, ...],
    means: JointMeans,
    df: FloatArray,
    level: float,
    found: Answered,
) -> Table:
    G, D = means.mean.shape
    error = means.std_error
    half = special.student_quantile(df, (1 + level) / 2)[:, None] * error
    columns: dict[str, object] = {
        "dimension": list(dimensions) * G,
        "n": means.n.ravel(),
        "estimate": means.mean.ravel(),
        "std_error": error.ravel(),
        "conf_low": (means.mean - half).ravel(),
        "conf_high": (means.mean + half).ravel(),
        "points": POINTS * means.mean.ravel(),
    }
    keys = found.key_columns(D, columns)
    return Table.of({**keys, **columns}, keys=found.by)
