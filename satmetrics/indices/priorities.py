"""Where a point is worth most: drivers ranked by effect and by room to improve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.estimation import _structure
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.statistics import reachable
from satmetrics.indices.index import ends_of, index
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
    fit: PlsFit,
    data: object = None,
    *,
    target: str | None = None,
    scale: ScaleLike | None = None,
) -> PriorityResult:
    r"""Rank the drivers of a construct.

    With both constructs on 0–100, a point more in driver j goes with
    :math:`t_j · s_{target} / s_j` points more in the target: the standardised total
    effect times the ratio of the indices' standard deviations.

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
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned",
    )
    fit.require_single("take")
    goal = _goal(fit, target)
    levels = index(fit, data, scale=scale)
    total = _structure.total_effects(fit.path_matrix)[:, goal]
    drivers = _drivers(fit, goal)
    spread = 100 / _spans(fit, ends_of(fit, data, scale, np.arange(len(total))))
    effect = total[drivers] * spread[goal] / spread[drivers]
    performance = levels.table["estimate"][drivers]
    gain = effect * (100 - performance)
    order = np.argsort(-gain, kind="stable")
    table = Table.of(
        {
            "construct": [fit.model.names[k] for k in drivers[order]],
            "estimate": gain[order],
            "rank": np.arange(1, len(order) + 1),
            "effect": effect[order],
            "performance": performance[order],
        }
    )
    return PriorityResult(
        table,
        levels.context,
        target=fit.model.names[goal],
        model=fit.model.name,
        credit=fit.model.credit(),
    )


def _goal(fit: PlsFit, target: str | None) -> int:
    """Return the position of the construct to drive."""
    name = target or fit.model.target
    if name is None:
        raise DataError(
            "the model names no target",
            code="no-target",
            remedy='pass target="Satisfaction"',
        )
    return fit.model.names.index(fit.model.construct(name).name)


def _drivers(fit: PlsFit, goal: int) -> IntArray:
    """Return the positions of the constructs that lead to it."""
    adjacency = fit.model.adjacency()
    drivers = np.flatnonzero((adjacency | reachable(adjacency))[:, goal])
    if not len(drivers):
        name = fit.model.names[goal]
        raise DataError(
            f"nothing leads to {name!r} in model {fit.model.name!r}",
            code="no-drivers",
            column=name,
        )
    return drivers


def _spans(fit: PlsFit, ends: FloatArray) -> FloatArray:
    """Return Σ w (max − min) of each block.

    A composite has variance 1, so that its index has standard deviation 100 / span.
    """
    starts = np.searchsorted(fit.model.owner(), np.arange(len(fit.model.names)))
    return np.add.reduceat(fit.raw_weights() * (ends[1] - ends[0]), starts)
