"""Arrows of a path diagram: where they begin and end, and where their numbers go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.plot import _layout

LABEL = (0.36, 0.2)
"""Width and height a coefficient needs, in inches."""


@dataclass(frozen=True, eq=False)
class Arrow:
    """One path: its ends, coefficient and how sure it is."""

    source: int
    target: int
    value: float
    open: bool
    recalled: bool


def ends_of(arrow: Arrow, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where an arrow leaves its source's box and meets its target's."""
    a, z = at[arrow.source], at[arrow.target]
    along: FloatArray = z - a
    half = np.array(_layout.BOX) / 2
    with np.errstate(divide="ignore"):
        share: float = (half / np.abs(along)).min()
    return a + share * along, z - (share + 0.03 / float(np.hypot(*along))) * along


def label_spots(arrows: list[Arrow], at: FloatArray) -> list[FloatArray]:
    """Return a place on each arrow that is clear of boxes, labels and other arrows."""
    ends = [ends_of(arrow, at) for arrow in arrows]
    taken: list[FloatArray] = []
    spots: list[FloatArray] = []
    shares = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74)
    for k, (a, z) in enumerate(ends):
        others = [pair for i, pair in enumerate(ends) if i != k]
        options = [a + share * (z - a) for share in shares]
        costs = [
            _spot_cost(spot, at, taken, others) + 0.05 * i
            for i, spot in enumerate(options)
        ]
        spot = options[int(np.argmin(costs))]
        spots.append(spot)
        taken.append(spot)
    return spots


def _spot_cost(
    spot: FloatArray,
    at: FloatArray,
    taken: list[FloatArray],
    others: list[tuple[FloatArray, FloatArray]],
) -> float:
    size = np.array(LABEL)
    boxes = np.abs(at - spot) < (np.array(_layout.BOX) + size) / 2
    cost = 20.0 * float(boxes.all(axis=1).sum())
    cost += 20.0 * sum(bool((np.abs(t - spot) < size).all()) for t in taken)
    for a, z in others:
        along: FloatArray = z - a
        share = float(np.dot(spot - a, along)) / max(float(np.dot(along, along)), 1e-12)
        t = min(max(share, 0.0), 1.0)
        gap = np.abs(a + t * along - spot) / (size / 2)
        cost += 3.0 * max(0.0, 1.0 - float(gap.max()))
    return cost
