"""The construct to be moved, and the constructs that lead to it."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import IntArray
from satmetrics.errors import DataError
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.statistics import reachable


def goal_of(fit: PlsFit, target: str | None) -> int:
    """Return the position of the construct to drive.

    Raises
    ------
    DataError
        If neither the argument nor the model names one.
    """
    name = target or fit.model.target
    if name is None:
        raise DataError(
            "the model names no target",
            code="no-target",
            remedy='pass target="Satisfaction"',
        )
    return fit.model.names.index(fit.model.construct(name).name)


def drivers_of(fit: PlsFit, goal: int) -> IntArray:
    """Return the positions of the constructs that lead to it.

    Raises
    ------
    DataError
        If none does.
    """
    adjacency = fit.model.adjacency()
    products = [term.name for term in fit.spec.interactions]
    movable = ~np.isin(fit.model.names, products)
    drivers = np.flatnonzero((adjacency | reachable(adjacency))[:, goal] & movable)
    if not len(drivers):
        name = fit.model.names[goal]
        raise DataError(
            f"nothing leads to {name!r} in model {fit.model.name!r}",
            code="no-drivers",
            column=name,
        )
    return drivers
