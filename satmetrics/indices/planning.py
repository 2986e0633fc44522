"""`sample_size` and `detectable_change`: how many interviews an index needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from satmetrics._checks import check_level, expect, friendly_keywords, positive_int
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.errors import OptionError
from satmetrics.indices import _planning as kernel
from satmetrics.indices.index import IndexResult
from satmetrics.indices.plan_result import SamplePlan

Numbers: TypeAlias = float | Sequence[float]
"""One number, or several to lay out in a grid."""
USUAL_SD = 15.0
"""Points; the satisfaction index of the ECSI mobile data has 15.35."""
USUAL_HALF_WIDTH = 2.0


@dataclass(frozen=True)
class _Assumed:
    """What a plan rests on beside the interviews.

    Attributes
    ----------
    axes : name → values of one axis of the grid.
    level, comparisons, units, waves : as given, checked.
    notes : sentences for the summary.
    """

    axes: Mapping[str, FloatArray]
    level: float
    comparisons: int
    units: int
    waves: int
    notes: tuple[str, ...] = ()


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
        raise _contradiction("half_width", "change")
    asked, wanted = ("half_width", half_width) if change is None else ("change", change)
    spread, notes = _spread("sample_size", result, sd, share, net)
    loss = _loss(weights)
    assumed = _Assumed(
        {
            "sd": spread,
            "deff": _numbers("deff", deff) * loss,
            "population": _population(population),
            "correlation": _numbers("correlation", correlation, -1, 1),
            "power": _numbers("power", power, 0.5, 1),
        },
        _level(level),
        positive_int("comparisons", comparisons),
        positive_int("units", units),
        positive_int("waves", 1 + (asked == "change") if waves is None else waves),
        (*notes, *_told(loss)),
    )
    values = _numbers(asked, USUAL_HALF_WIDTH if wanted is None else wanted)
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
    spread, notes = _spread("detectable_change", result, sd, share, net)
    loss = _loss(weights)
    assumed = _Assumed(
        {
            "sd": spread,
            "deff": _numbers("deff", deff) * loss,
            "population": _population(population),
            "correlation": _numbers("correlation", correlation, -1, 1),
            "power": _numbers("power", power, 0.5, 1),
        },
        _level(level),
        positive_int("comparisons", comparisons),
        positive_int("units", units),
        positive_int("waves", 2 if waves is None else waves),
        (*notes, *_told(loss)),
    )
    return _plan(assumed, "n", None if n is None else _numbers("n", n), result)


def _plan(
    assumed: _Assumed, asked: str, wanted: FloatArray | None, result: IndexResult | None
) -> SamplePlan:
    """Lay out the grid: rows of the result first, then what is wanted, then the rest.

    `wanted` is None for the n of the rows.
    """
    rows = None if result is None else _rows(result)
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
    assumed: _Assumed, asked: str, at: Mapping[str, FloatArray]
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


def _rows(result: IndexResult) -> Table:
    chosen = result if result.target is None else result.of()
    return chosen.table


def _spread(
    function: str,
    result: IndexResult | None,
    sd: Numbers | None,
    share: Numbers | None,
    net: tuple[float, float] | None,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return standard deviations in points, and what must be said of them."""
    given = {"result": result, "sd": sd, "share": share, "net": net}
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise _contradiction(*named[:2])
    if result is not None:
        expect(
            function,
            result,
            IndexResult,
            "an index",
            remedy="pass what sat.index(fit, data, by=…) returned, and numbers by name "
            "(half_width=2, n=250)",
        )
        rows = _rows(result)
        spread = rows["std_error"] * np.sqrt(np.asarray(rows["n"], float))
        return spread, (
            "SD of a row is its std_error times √n: weights and clusters of that "
            "survey are counted in it",
        )
    if share is not None:
        p = _numbers("share", share, 0, 1)
        return 100 * np.sqrt(p * (1 - p)), ()
    if net is not None:
        return _net_spread(net), ()
    if sd is None:
        usual = f"SD of {USUAL_SD:g} points assumed; take the one of a survey of yours"
        return np.array([USUAL_SD]), (usual,)
    return _numbers("sd", sd), ()


def _net_spread(net: tuple[float, float]) -> FloatArray:
    values = _numbers("net", net, 0, 1, inclusive=True)
    if len(values) != 2 or values.sum() > 1 + kernel.WHOLE:
        raise OptionError(
            f"net={net!r}",
            code="bad-net",
            column="net",
            value=net,
            remedy="give the shares of promoters and detractors, such as (0.5, 0.2)",
        )
    p, d = values
    return np.array([100 * np.sqrt(p + d - (p - d) ** 2)])


def _loss(weights: object) -> float:
    if weights is None:
        return 1.0
    w = np.asarray(weights, dtype=np.float64).ravel()
    if not len(w) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise OptionError(
            "weights= must be finite and not negative, one at least positive",
            code="bad-weights",
            column="weights",
            remedy="give the sampling weights of a survey, one per respondent",
        )
    return kernel.weighting_loss(w)


def _told(loss: float) -> tuple[str, ...]:
    said = f"weights cost a factor {loss:.2f} (Kish, 1 + CV²), counted in deff"
    return (said,) if loss > 1 else ()


def _level(level: float) -> float:
    check_level(level)
    return level


def _population(population: Numbers | None) -> FloatArray:
    return (
        np.array([np.inf]) if population is None else _numbers("population", population)
    )


def _numbers(
    name: str,
    given: object,
    low: float = 0,
    high: float = np.inf,
    *,
    inclusive: bool = False,
) -> FloatArray:
    """Return numbers strictly (or not) between two bounds, or raise."""
    try:
        values = np.atleast_1d(np.asarray(given, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        values = np.empty(0)
    inside = (values > low) & (values < high)
    if inclusive:
        inside = (values >= low) & (values <= high)
    if len(values) and inside.all() and not isinstance(given, bool):
        return values
    above = f"between {low:g} and {high:g}" if np.isfinite(high) else f"above {low:g}"
    raise OptionError(
        f"{name}={given!r}",
        code=f"bad-{name.replace('_', '-')}",
        column=name,
        value=given,
        remedy=f"give a number {above}, or several",
    )


def _contradiction(one: str, other: str) -> OptionError:
    return OptionError(
        f"{one}= and {other}= say the same thing twice",
        code="contradiction",
        column=other,
        remedy="give one of them",
    )
