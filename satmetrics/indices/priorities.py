"""Where a point is worth most: drivers ranked by effect and by room to improve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.drivers import _importance
from satmetrics.drivers.goal import drivers_of, goal_of
from satmetrics.drivers.importance import ImportancePerformance
from satmetrics.estimation import _structure
from satmetrics.estimation.ends import ends_of
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.indices.index import constructs_of, index
from satmetrics.survey.scale import ScaleLike


@dataclass(frozen=True, eq=False, repr=False)
class PriorityResult(TableResult):
    """Drivers of the target: effect of a point, performance, and the product.

    Attributes
    ----------
    target : the construct they drive.
    model : name of the model.
    credit : what must be said of a published model form.
    """

    target: str = ""
    model: str = ""
    credit: str = ""

    def summary(self) -> Summary:
        """Return the drivers in order of priority."""
        words = {
            "rank": "rank",
            "construct": "driver",
            "effect": "effect of +1 point",
            "performance": "performance",
            "estimate": "points to gain",
        }
        places = {"effect": 2, "performance": 1, "estimate": 1}
        notes = (
            "effect: unstandardised total effect, index points per index point",
            "points to gain: effect × (100 − performance), a rule of thumb for order, "
            "not a forecast",
            "effects are associations in one survey, not proof of cause",
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
        )
        body = section("", self.table, words, decimals=places)
        return Summary(
            f"Priorities for {self.target}", self.context.facts(), (body,), notes
        )


@friendly_keywords
def priorities(
    fit: StructuralFit,
    data: object = None,
    *,
    target: str | None = None,
    scale: ScaleLike | None = None,
) -> PriorityResult:
    r"""Rank the drivers of a construct.

    With both constructs on 0–100, a point more in driver j goes with
    :math:`t_j · s_{target} / s_j` points more in the target: the standardised total
    effect times the ratio of the indices' standard deviations (of factors: of the
    standard deviations free of error, see `drivers.importance_performance`).

    Parameters
    ----------
    fit : a single fit.
    data : the survey, where only it knows the scale; None otherwise.
    target : the construct to drive; the model's target when None.
    scale : (minimum, maximum) of the answers, where nothing else says it.

    Returns
    -------
    PriorityResult
        construct, effect, performance (0–100 index), estimate = effect · (100 −
        performance), rank (1 = first).

    Raises
    ------
    DataError
        If the model names no target, or the target has no driver.

    References
    ----------
    Ringle and Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> sat.priorities(fit).to_frame()["construct"][0]
    'Quality'
    """
    expect(
        "priorities",
        fit,
        StructuralFit,
        "a fit",
        remedy=FIT,
    )
    fit.require_single("take")
    goal = goal_of(fit, target)
    levels = index(fit, data, scale=scale)
    total = _structure.total_effects(fit.path_matrix)
    drivers = drivers_of(fit, goal)
    owner, q = fit.model.owner(), len(total)
    ends = ends_of(fit, data, scale, constructs_of(fit, None))
    span = _importance.spans(fit.raw_weights(), ends, owner, q)
    effect = _importance.in_points(total, span, fit.rho)[drivers, goal]
    performance = levels.table["estimate"][drivers]
    return PriorityResult(
        _ranked([fit.model.names[k] for k in drivers], effect, performance),
        levels.context,
        target=fit.model.names[goal],
        model=fit.model.name,
        credit=fit.model.credit(),
    )


def as_priorities(found: ImportancePerformance) -> PriorityResult:
    """Return the drivers of an importance-performance result, in order of priority."""
    rows = found.table.where(level="construct")
    importance = rows.where(term="importance")
    return PriorityResult(
        _ranked(
            importance["construct"].tolist(),
            importance["estimate"],
            rows.where(term="performance")["estimate"],
        ),
        found.context,
        target=found.target,
        model=found.model,
        credit=found.credit,
    )


def _ranked(names: Sequence[str], effect: FloatArray, performance: FloatArray) -> Table:
    """Return the drivers by effect × room to improve, the largest first."""
    gain = effect * (100 - performance)
    order = np.argsort(-gain, kind="stable")
    return Table.of(
        {
            "construct": [names[k] for k in order],
            "estimate": gain[order],
            "rank": np.arange(1, len(order) + 1),
            "effect": effect[order],
            "performance": performance[order],
        }
    )
