"""What a plan of interviews rests on: figures given, or taken from an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from satmetrics._checks import check_level, expect, positive_int
from satmetrics._frames import Table
from satmetrics._kinds import shown
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.indices import _planning as kernel
from satmetrics.indices.index_result import IndexResult
from satmetrics.moment.population import FINITE

Numbers: TypeAlias = float | Sequence[float]
"""One number, or several to lay out in a grid."""
USUAL_SD = 15.0
"""Points; the satisfaction index of the ECSI mobile data has 15.35."""


@dataclass(frozen=True)
class Assumed:
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

    @classmethod
    def of(  # noqa: PLR0913 - one keyword per part of the design
        cls,
        spread: tuple[FloatArray, tuple[str, ...]],
        *,
        deff: Numbers,
        weights: object,
        population: Numbers | None,
        correlation: Numbers,
        power: Numbers,
        level: float,
        comparisons: int,
        units: int,
        waves: int,
    ) -> Assumed:
        """Check what is given beside `spread_of` the answers.

        Raises
        ------
        OptionError
            If a figure is out of its range.
        """
        check_level(level)
        sd, notes = spread
        loss = _loss(weights)
        if loss > 1:
            said = f"weights cost a factor {loss:.2f} (Kish, 1 + CV²), counted in deff"
            notes = (*notes, said)
        customers = np.inf if population is None else numbers("population", population)
        return cls(
            {
                "sd": sd,
                "deff": numbers("deff", deff) * loss,
                "population": np.atleast_1d(customers),
                "correlation": numbers("correlation", correlation, -1, 1),
                "power": numbers("power", power, 0.5, 1),
            },
            level,
            positive_int("comparisons", comparisons),
            positive_int("units", units),
            positive_int("waves", waves),
            notes,
        )


def rows_of(result: IndexResult) -> Table:
    """Return the rows of the target, or all."""
    chosen = result if result.target is None else result.of()
    return chosen.table


def spread_of(
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
        raise contradiction(*named[:2])
    if result is not None:
        expect(
            function,
            result,
            IndexResult,
            "an index",
            remedy="pass what sat.index(fit, data, by=…) returned, and numbers by name "
            "(half_width=2, n=250)",
        )
        if FINITE in result.context.notes:
            raise OptionError(
                "the errors of this index are those of a finite population",
                code="finite-population",
                column="result",
                remedy="pass an index made without population=, and population= here",
            )
        rows = rows_of(result)
        spread = rows["std_error"] * np.sqrt(np.asarray(rows["n"], float))
        return spread, (
            "SD of a row is its std_error times √n: weights and clusters of that "
            "survey are counted in it",
        )
    if share is not None:
        p = numbers("share", share, 0, 1)
        return 100 * np.sqrt(p * (1 - p)), ()
    if net is not None:
        return _net_spread(net), ()
    if sd is None:
        usual = f"SD of {USUAL_SD:g} points assumed; take the one of a survey of yours"
        return np.array([USUAL_SD]), (usual,)
    return numbers("sd", sd), ()


def _net_spread(net: tuple[float, float]) -> FloatArray:
    values = numbers("net", net, 0, 1, inclusive=True)
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
    try:
        w = np.asarray(weights, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        w = np.full(1, np.nan)
    if not len(w) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise OptionError(
            f"weights={shown(weights)} are no sampling weights: finite numbers, none "
            "negative, one at least positive",
            code="bad-weights",
            column="weights",
            remedy="give the sampling weights of a survey, one per respondent",
        )
    return kernel.weighting_loss(w)


def numbers(
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


def contradiction(one: str, other: str) -> OptionError:
    """Return the error of two figures of which one is wanted."""
    return OptionError(
        f"{one}= and {other}= say the same thing twice",
        code="contradiction",
        column=other,
        remedy="give one of them",
    )
