"""The answer scale: its ends, its points, and what can be said from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from satmetrics._result import Record
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import SpecificationError


@dataclass(frozen=True)
class Scale(Record):
    """An answer scale from `minimum` to `maximum`.

    Parameters
    ----------
    minimum, maximum : the ends, in answer units; the higher end is the better one
        except for items marked as reversed.
    step : distance between neighbouring points; 0 for a continuous scale.
    labels : the text of each point from `minimum` to `maximum`, or empty. Answers given
        as one of these texts are read as its point.

    Raises
    ------
    SpecificationError
        If the ends are not finite and increasing, or the labels are not one per point.

    Examples
    --------
    >>> scale = Scale(1, 7)
    >>> scale.n_points
    7
    >>> scale.to_100([1, 4, 7])
    array([  0.,  50., 100.])
    >>> scale.flip([1, 2, 7])
    array([7., 6., 1.])
    """

    minimum: float
    maximum: float
    step: float = 1.0
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("minimum", "maximum", "step"):
            object.__setattr__(self, name, _real(name, getattr(self, name)))
        object.__setattr__(self, "labels", tuple(self.labels or ()))
        if not self.minimum < self.maximum:
            raise SpecificationError(
                f"a scale from {self.minimum:g} to {self.maximum:g} has no points",
                code="bad-scale",
                value=(self.minimum, self.maximum),
                remedy="give the lowest answer first, such as (1, 10)",
            )
        if self.labels and len(self.labels) != self.n_points:
            raise SpecificationError(
                f"{len(self.labels)} labels for the {self.n_points} points of {self}",
                code="bad-scale",
                value=self.labels,
                remedy="give one label per point, lowest first, or none",
            )

    def __str__(self) -> str:
        return f"{self.minimum:g}-{self.maximum:g}"

    @property
    def n_points(self) -> int:
        """Number of points, 0 for a continuous scale."""
        if self.step <= 0:
            return 0
        return math.floor((self.maximum - self.minimum) / self.step + 1e-9) + 1

    @property
    def points(self) -> tuple[float, ...]:
        """The points, lowest first; empty for a continuous scale."""
        return tuple(self.minimum + self.step * k for k in range(self.n_points))

    @property
    def midpoint(self) -> float:
        """The middle of the scale, in answer units."""
        return (self.minimum + self.maximum) / 2

    def contains(self, values: ArrayLike) -> BoolArray:
        """Return True where a value lies between the ends (missing counts as inside).

        Values between two points are inside: means of several answers are answers too.
        """
        x = np.asarray(values, dtype=np.float64)
        inside: BoolArray = ~((x < self.minimum) | (x > self.maximum))
        return inside

    def on_point(self, values: ArrayLike) -> BoolArray:
        """Return True where a value is one of the points (missing counts as one)."""
        x = np.asarray(values, dtype=np.float64)
        if self.step <= 0:
            return self.contains(x)
        place = (x - self.minimum) / self.step
        near: BoolArray = np.isnan(x) | (np.abs(place - np.round(place)) < 1e-9)
        return near & self.contains(x)

    def to_100(self, values: ArrayLike) -> FloatArray:
        """Return ``100 (x - minimum) / (maximum - minimum)``, shape as given."""
        x = np.asarray(values, dtype=np.float64)
        scaled: FloatArray = 100.0 * (x - self.minimum) / (self.maximum - self.minimum)
        return scaled

    def flip(self, values: ArrayLike) -> FloatArray:
        """Return ``minimum + maximum - x``: the answer counted from the other end."""
        flipped: FloatArray = (self.minimum + self.maximum) - np.asarray(
            values, dtype=np.float64
        )
        return flipped


ScaleLike: TypeAlias = Scale | Sequence[float]
"""What ``scale=`` takes: a Scale or a tuple or list such as ``(1, 10)``."""


def as_scale(value: ScaleLike, *, where: str = "scale") -> Scale:
    """Return `value` as a Scale.

    Parameters
    ----------
    value : a Scale, or a pair (lowest, highest), or a triple with the step.
    where : what the scale belongs to, for the message.

    Raises
    ------
    SpecificationError
        If `value` is neither.

    Examples
    --------
    >>> as_scale((1, 10)).n_points
    10
    """
    if isinstance(value, Scale):
        return value
    if isinstance(value, (tuple, list)) and len(value) in (2, 3):
        return Scale(value[0], value[1], value[2] if len(value) == 3 else 1.0)
    raise SpecificationError(
        f"{where}: {value!r} is not a scale",
        code="bad-scale",
        column=where,
        value=value,
        remedy="give the lowest and the highest answer, such as (1, 10)",
    )


def _real(name: str, value: object) -> float:
    number = float(value) if isinstance(value, (int, float, np.number)) else math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise SpecificationError(
            f"{name} of a scale is {value!r}",
            code="bad-scale",
            column=name,
            value=value,
            remedy="give a finite number",
        )
    return number
