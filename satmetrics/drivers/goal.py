"""The construct to be moved, and the constructs that lead to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._typing import BoolArray, IntArray
from satmetrics.errors import DataError
from satmetrics.estimation.statistics import reachable
from satmetrics.estimation.structural import StructuralFit


def goal_of(fit: StructuralFit, target: str | None) -> int:
    """Return the position of the construct to drive.

    Raises
    ------
    DataError
        If neither the argument nor the model names one.
    """
    return target_of(fit, target, "target")


def target_of(fit: StructuralFit, target: str | None, argument: str) -> int:
    """Return `goal_of`, where the argument that says it has another name."""
    name = target or fit.model.target
    if name is None:
        raise DataError(
            "the model names no target",
            code="no-target",
            remedy=f'pass {argument}="Satisfaction"',
        )
    return int(positions(fit, name)[0])


def positions(fit: StructuralFit, names: str | Sequence[str]) -> IntArray:
    """Return the positions of constructs by name, each once; a wrong one raises."""
    listed = [names] if isinstance(names, str) else list(names)
    found = [fit.model.names.index(fit.model.construct(n).name) for n in listed]
    return np.array(list(dict.fromkeys(found)), dtype=np.int64)


def reaches(fit: StructuralFit) -> BoolArray:
    """Return (q, q), True where paths lead from the first construct to the second."""
    adjacency = fit.model.adjacency()
    return np.asarray(adjacency | reachable(adjacency))


def reached(fit: StructuralFit, start: int) -> IntArray:
    """Return the positions of the constructs that follow one."""
    return np.asarray(np.flatnonzero(reaches(fit)[start]))


def movable(fit: StructuralFit) -> IntArray:
    """Return the positions of all constructs that are no products of others."""
    products = [term.name for term in fit.spec.interactions]
    return np.asarray(np.flatnonzero(~np.isin(fit.model.names, products)))


def movers(fit: StructuralFit, names: str | Sequence[str]) -> IntArray:
    """Return the positions of constructs that are to move.

    Raises
    ------
    DataError
        If one is a product of others.
    """
    found = positions(fit, names)
    made = found[~np.isin(found, movable(fit))]
    if len(made):
        name = fit.model.names[made[0]]
        raise DataError(
            f"{name!r} is a product of constructs and cannot be moved by itself",
            code="no-driver",
            column=name,
            remedy="move its factors",
        )
    return found


def drivers_of(fit: StructuralFit, goal: int) -> IntArray:
    """Return the positions of the constructs that lead to it.

    Raises
    ------
    DataError
        If none does.
    """
    able = movable(fit)
    drivers = np.asarray(able[reaches(fit)[able, goal]])
    if not len(drivers):
        name = fit.model.names[goal]
        raise DataError(
            f"nothing leads to {name!r} in model {fit.model.name!r}",
            code="no-drivers",
            column=name,
        )
    return drivers
