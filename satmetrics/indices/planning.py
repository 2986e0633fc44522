"""`sample_size` and `detectable_change`: how many interviews an index needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import OptionError
from satmetrics.indices import _planning as kernel
from satmetrics.indices.index import IndexResult
from satmetrics.indices.plan_inputs import (
    Assumed,
    Numbers,
    contradiction,
    numbers,
    rows_of,
    spread_of,
)
from satmetrics.indices.plan_result import SamplePlan

USUAL_HALF_WIDTH = 2.0


@friendly_keywords
def sample_size(  # noqa: PLR0913 - one keyword per part of the design
    result: IndexResult | None = None,
    *,
    half_width: Numbers | None = None,
    change: Numbers | None = None,
    sd: Numbers | None = None,
    share: Numbers | None = None,
    net: tuple[float, float] | None = None,
    level: float = 0.95,
    power: Numbers = 0.8,
    deff: Numbers = 1.0,
    weights: object = None,
    population: Numbers | None = None,
    correlation: Numbers = 0.0,
    comparisons: int = 1,
    units: int = 1,
    waves: int | None = None,
) -> SamplePlan:
    r"""Return how many interviews a margin of error or a change needs.

    .. math:: h = z_{1-α/2}\, s \sqrt{D (1/n - 1/N)}, \qquad
        δ = (z_{1-α/2} + z_{power})\, s \sqrt{2 (1 - ρ) D (1/n - 1/N)}

    solved for n and rounded up; D is the design effect, N the population.

    Parameters
    ----------
    result : an index; each of its rows (of the target) gives its own standard
        deviation, std_error · √n, in which weights and clusters are counted already.
        Let it be made without ``population=``, which is given here.
    half_width : wanted half-width of the interval, in points of 0-100 (percentage
        points for a share); 2 points when neither it nor `change` is given. Here and
        below several values make a grid.
    change : wanted change between two waves (or difference between two units) that is
        found with the stated power, in points. Give this or `half_width`.
    sd : standard deviation of the answers' index, in points; 15 when nothing says it.
    share : a share between 0 and 1 in place of `sd`: 100 √(p(1 − p)); 0.5 is the worst
        case.
    net : shares of (promoters, detractors) in place of `sd`: 100 √(p + d − (p − d)²).
    level : confidence level.
    power : probability of finding the change.
    deff : design effect; with clusters of m interviews 1 + (m − 1) ICC.
    weights : sampling weights such as an earlier survey had: their loss by Kish,
        1 + CV², multiplies `deff`.
    population : customers there are in a unit; all answers of that many leave no error.
    correlation : of the same respondent's index in two waves, times the share of
        respondents asked again; 0 for independent samples. It helps changes only.
    comparisons : tests that share the level (Bonferroni).
    units, waves : how many of each, for the total; waves 1 for a half-width and 2 for
        a change when None. With a result each row is one unit.

    Returns
    -------
    SamplePlan
        Columns: keys, n, std_error, half_width and change reached with n, wanted, sd,
        deff, population, correlation, power, total.

    Raises
    ------
    OptionError
        If both or contradictory figures are given, or one is out of its range.

    References
    ----------
    Cochran (1977), Sampling Techniques, ch. 4; Kish (1965), Survey Sampling.

    Examples
    --------
    >>> import satmetrics as sat
    >>> plan = sat.indices.sample_size(half_width=[1, 2, 3], sd=15.35)
    >>> plan.to_frame()["n"].tolist()
    [906, 227, 101]
    >>> int(sat.indices.sample_size(half_width=5, share=0.5).to_frame()["n"].iloc[0])
    385
    """
    if half_width is not None and change is not None:
        raise contradiction("half_width", "change")
    asked, wanted = ("half_width", half_width) if change is None else ("change", change)
    assumed = Assumed.of(
        spread_of("sample_size", result, sd, share, net),
        deff=deff,
        weights=weights,
        population=population,
        correlation=correlation,
        power=power,
        level=level,
        comparisons=comparisons,
        units=units,
        waves=1 + (asked == "change") if waves is None else waves,
    )
    values = numbers(asked, USUAL_HALF_WIDTH if wanted is None else wanted)
    return _plan(assumed, asked, values, result)


@friendly_keywords
def detectable_change(  # noqa: PLR0913 - one keyword per part of the design
    result: IndexResult | None = None,
    *,
    n: Numbers | None = None,
    sd: Numbers | None = None,
    share: Numbers | None = None,
    net: tuple[float, float] | None = None,
    level: float = 0.95,
    power: Numbers = 0.8,
    deff: Numbers = 1.0,
    weights: object = None,
    population: Numbers | None = None,
    correlation: Numbers = 0.0,
    comparisons: int = 1,
    units: int = 1,
    waves: int | None = None,
) -> SamplePlan:
    r"""Return the smallest change that so many interviews can be relied on to find.

    .. math:: δ = (z_{1-α/2m} + z_{power})\, s \sqrt{2 (1 - ρ) D (1/n - 1/N)}

    for m comparisons, and the half-width that goes with it.

    Parameters
    ----------
    result : an index; each of its rows (of the target) gives its own standard
        deviation and, when `n` is None, its own n. What a further wave of the same
        size could find.
    n : interviews per unit and wave; several make a grid.
    sd, share, net : as in `sample_size`.
    level, power, deff, weights, population, correlation : as in `sample_size`.
    comparisons : tests that share the level (Bonferroni), such as the number of units
        whose changes are looked at together.
    units, waves : how many of each, for the total; 1 unit and 2 waves by default.

    Returns
    -------
    SamplePlan
        Columns as of `sample_size`; ``change`` is the detectable change.

    Raises
    ------
    OptionError
        If there is no n, or a figure is out of its range.

    Examples
    --------
    >>> import satmetrics as sat
    >>> row = sat.indices.detectable_change(n=250, sd=15.35).to_frame().iloc[0]
    >>> round(float(row["half_width"]), 2), round(float(row["change"]), 2)
    (1.9, 3.85)
    """
    if n is None and result is None:
        raise OptionError(
            "detectable_change() needs n",
            code="no-n",
            column="n",
            remedy="give the interviews per unit and wave, such as n=250, or a result",
        )
    assumed = Assumed.of(
        spread_of("detectable_change", result, sd, share, net),
        deff=deff,
        weights=weights,
        population=population,
        correlation=correlation,
        power=power,
        level=level,
        comparisons=comparisons,
        units=units,
        waves=2 if waves is None else waves,
    )
    return _plan(assumed, "n", None if n is None else numbers("n", n), result)


def _plan(
    assumed: Assumed, asked: str, wanted: FloatArray | None, result: IndexResult | None
) -> SamplePlan:
    """Lay out the grid: rows of the result first, then what is wanted, then the rest.

    `wanted` is None for the n of the rows.
    """
    rows = None if result is None else rows_of(result)
    own = np.asarray(rows["n"], float) if rows is not None else np.empty(0)
    axes = dict(assumed.axes)
    first = axes.pop("sd") if rows is not None else np.zeros(1)
    grid = {"row": np.arange(float(len(first)))}
    grid |= {"wanted": np.full(1, np.nan) if wanted is None else wanted, **axes}
    cells = np.meshgrid(*grid.values(), indexing="ij")
    at = {name: cell.ravel() for name, cell in zip(grid, cells, strict=True)}
    row = at.pop("row").astype(np.int64)
    if rows is not None:
        at["sd"] = first[row]
    if wanted is None:
        at["wanted"] = np.where(own > 0, own, np.nan)[row]
    figures = _figures(assumed, asked, at)
    per_row = 1 if rows is not None else assumed.units
    columns = {**figures, **at, "total": figures["n"] * per_row * assumed.waves}
    keys: tuple[str, ...] = () if result is None else result.by
    if rows is not None:
        held = {name: rows[name][row] for name in (*keys, "construct")}
        columns = {**held, **columns}
    context = Context() if result is None else result.context
    return SamplePlan(
        Table.of({k: _counts(k, v) for k, v in columns.items()}, keys=keys),
        context.plus(notes=assumed.notes),
        asked=asked,
        level=assumed.level,
        comparisons=assumed.comparisons,
        units=len(first) if rows is not None else assumed.units,
        waves=assumed.waves,
        by=keys,
    )


def _figures(
    assumed: Assumed, asked: str, at: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Return n with what it reaches, or the n that reaches what is wanted."""
    half = kernel.half_factor(assumed.level, assumed.comparisons)
    change = kernel.change_factor(
        assumed.level, assumed.comparisons, at["power"], at["correlation"]
    )
    spread = (at["sd"], at["deff"], at["population"])
    n = at["wanted"]
    if asked != "n":
        error = at["wanted"] / (half if asked == "half_width" else change)
        n = kernel.whole(kernel.answers(error, *spread))
    error = kernel.std_error(n, *spread)
    figures = {"n": n, "std_error": error}
    return figures | {"half_width": half * error, "change": change * error}


def _counts(name: str, values: AnyArray) -> AnyArray:
    """Return counts as whole numbers where all are known."""
    count = name in ("n", "total") and np.isfinite(values).all()
    return np.rint(values).astype(np.int64) if count else values
