"""Importance points per dimension: columns of respondents' points, or fixed numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._result import Exclusion
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.survey import Survey

TOTAL = 100.0
Points = Mapping[str, str] | Mapping[str, float] | str


@dataclass(frozen=True, eq=False)
class PointPlan:
    """Points as asked for: `columns` of the survey, or `fixed` shares summing to 1."""

    columns: tuple[str, ...] = ()
    fixed: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class PointShares:
    """Points as shares of one, and what was said of them.

    Attributes
    ----------
    shares : (n, D), each row summing to 1; NaN where not usable.
    exclusions : respondents without usable points.
    notes : respondents whose points had to be normalised.
    """

    shares: FloatArray
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


def plan_points(
    points: Points, dimensions: Sequence[str], instrument: Instrument | None
) -> PointPlan:
    """Check that every dimension has a column or a number, and none is unknown.

    Raises
    ------
    OptionError
        If dimensions are missing or unknown, or columns and numbers are mixed.
    """
    if isinstance(points, str):
        points = _of_form(points, dimensions, instrument)
    _check_names(points, dimensions)
    values = [points[name] for name in dimensions]
    if all(isinstance(value, str) for value in values):
        return PointPlan(columns=tuple(map(str, values)))
    if any(isinstance(value, (str, bool)) for value in values):
        raise OptionError(
            "points= mixes columns and numbers",
            code="bad-points",
            column="points",
            value=tuple(map(str, values)),
            remedy="give a column of points, or one fixed number, for every dimension",
        )
    fixed = np.asarray(values, dtype=np.float64)
    if not np.isfinite(fixed).all() or (fixed < 0).any() or fixed.sum() <= 0:
        raise OptionError(
            f"points={dict(points)!r}",
            code="bad-points",
            column="points",
            remedy="fixed points are not negative and not all zero",
        )
    return PointPlan(fixed=fixed / fixed.sum())


def point_shares(plan: PointPlan, survey: Survey, rows: BoolArray) -> PointShares:
    """Normalise the points of some rows; count those missing or not adding up."""
    if plan.fixed is not None:
        return PointShares(np.tile(plan.fixed, (int(rows.sum()), 1)))
    raw = survey.answers(plan.columns)[rows]
    total = raw.sum(axis=1)
    missing = np.isnan(total)
    impossible = ~missing & ((raw < 0).any(axis=1) | (total <= 0))
    usable = ~missing & ~impossible
    off = int((usable & (np.abs(total - TOTAL) > 1e-6)).sum())
    divisor = np.where(usable, total, np.nan)[:, None]
    note = f"the points of {off:,} respondents do not sum to 100 and were normalised"
    return PointShares(
        raw / divisor,
        (
            Exclusion(
                "points are missing", int(missing.sum()), "rows", "weighting by points"
            ),
            Exclusion(
                "points are negative or all zero",
                int(impossible.sum()),
                "rows",
                "weighting by points",
            ),
        ),
        (note,) if off else (),
    )


def _of_form(
    form: str, dimensions: Sequence[str], instrument: Instrument | None
) -> Mapping[str, str]:
    if (
        instrument is None
        or not instrument.has_form(form)
        or instrument.form(form).per_item
    ):
        raise OptionError(
            f"points={form!r} is not a form asked once per dimension",
            code="bad-points",
            column="points",
            value=form,
            remedy="give {dimension: column} or {dimension: number}",
        )
    return {name: instrument.column(name, form) for name in dimensions}


def _check_names(points: Mapping[str, object], dimensions: Sequence[str]) -> None:
    unknown = [name for name in points if name not in dimensions]
    absent = [name for name in dimensions if name not in points]
    if not dimensions:
        raise OptionError(
            "points= needs dimensions",
            code="bad-points",
            column="points",
            remedy="give dimensions= or an instrument",
        )
    if unknown or absent:
        wrong = unknown[0] if unknown else absent[0]
        said = "names the unknown dimension" if unknown else "has nothing for dimension"
        raise DataError(
            f"points= {said} {wrong!r}",
            code="bad-points",
            column=str(wrong),
            value=wrong,
            remedy=f"{did_you_mean(wrong, absent if unknown else ())} "
            f"the dimensions are {', '.join(dimensions)}".strip(),
        )
