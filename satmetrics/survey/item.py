"""The parts of an instrument: dimensions, items, forms and stored weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale

Status: TypeAlias = Literal["verified", "recalled", "unverified"]
STATUSES: tuple[Status, ...] = ("verified", "recalled", "unverified")
ATTRIBUTES = ("search", "experience", "credence")
"""When a customer can judge an item: before, after, or hardly ever."""
TIMINGS = ("before_after", "same_sitting")
"""Expectations asked before the service and perceptions after it, or all at once."""
FORM_KINDS = (
    "expectation",
    "perception",
    "importance",
    "desired",
    "minimum",
    "ideal",
    "disconfirmation",
)


@dataclass(frozen=True)
class Dimension(Record):
    """A dimension of an instrument.

    Attributes
    ----------
    id : short name, used in columns of results.
    label : what it is called, in English and Chinese.
    parent : id of the dimension it is a part of; empty at the top. A dimension with
        parts has no items of its own.
    status : how sure its name and its number of items are, as for an item.
    """

    id: str
    label: Label = field(default_factory=Label)
    parent: str = ""
    status: Status = "verified"


@dataclass(frozen=True)
class Item(Record):
    """One question, without its form.

    Attributes
    ----------
    id : short name; a form turns it into a column.
    label : a neutral label in English and Chinese, never the wording.
    dimension : id of its dimension.
    reverse : True if a high answer is bad.
    scale : its own scale, if it differs from the instrument's.
    status : how sure its place is: "verified" (read in a source, which the instrument
        names), "recalled" (from memory of the literature) or "unverified" (also: an
        item of our own, for a source that has criteria and no items).
    attribute : when a customer can judge it, "search", "experience" or "credence";
        empty if not stated.
    """

    id: str
    label: Label = field(default_factory=Label)
    dimension: str = ""
    reverse: bool = False
    scale: Scale | None = None
    status: Status = "verified"
    attribute: str = ""


@dataclass(frozen=True)
class Form(Record):
    """One way of asking all items, such as the expectation of each.

    Attributes
    ----------
    id : name of the form, such as "expectation".
    pattern : column name with ``{item}``, or with ``{dimension}`` where the question is
        asked once per dimension without a parent (importance points).
    kind : what is asked, one of `FORM_KINDS`.
    label : what it is called, in English and Chinese.
    scale : its own scale, if it differs from the instrument's (points from 0 to 100).
    """

    id: str
    pattern: str
    kind: str = ""
    label: Label = field(default_factory=Label)
    scale: Scale | None = None

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.id)
        if ("{item}" in self.pattern) == ("{dimension}" in self.pattern):
            raise SpecificationError(
                f"form {self.id!r}: pattern {self.pattern!r} names no column",
                code="bad-pattern",
                column="pattern",
                value=self.pattern,
                remedy="it must hold either {item} or {dimension}, such as 'e_{item}'",
            )

    @property
    def turns(self) -> bool:
        """True if reversed items are asked in reverse in this form.

        How important a thing is, and whether it was better than expected, does not turn
        around with the wording of an item.
        """
        return self.kind not in ("importance", "disconfirmation")

    @property
    def per_item(self) -> bool:
        """True if there is one column per item, False if one per dimension."""
        return "{item}" in self.pattern

    def column(self, name: str) -> str:
        """Return the column of the item (or dimension) called `name`."""
        return self.pattern.replace("{item}", name).replace("{dimension}", name)


@dataclass(frozen=True)
class IndustryWeights(Record):
    """Importance points of the dimensions in one industry.

    Attributes
    ----------
    industry : where they hold.
    points : pairs (dimension, points), in order; not negative, not all zero. They need
        not sum to 100.
    source : where they come from.
    status : how sure they are, as for an item.
    """

    industry: str
    points: tuple[tuple[str, float], ...]
    source: str = ""
    status: Status = "unverified"

    def __post_init__(self) -> None:
        pairs = tuple((str(name), _point(name, value)) for name, value in self.points)
        object.__setattr__(self, "points", pairs)
        if not sum(value for _, value in pairs) > 0:
            raise SpecificationError(
                f"weights of {self.industry!r} are all zero",
                code="bad-weights",
                column=self.industry,
                value=pairs,
                remedy="give points, such as {'reliability': 40, 'empathy': 60}",
            )

    @property
    def shares(self) -> dict[str, float]:
        """The points of each dimension divided by the sum of all."""
        total = sum(value for _, value in self.points)
        return {name: value / total for name, value in self.points}

    @property
    def note(self) -> str:
        """How points became shares, as a sentence."""
        total = sum(value for _, value in self.points)
        return f"points sum to {total:g}; shares are points divided by this sum"


def _point(name: str, value: object) -> float:
    number = value if isinstance(value, (int, float)) else math.nan
    if isinstance(value, bool) or not math.isfinite(number) or number < 0:
        raise SpecificationError(
            f"the points of {name!r} are {value!r}",
            code="bad-weights",
            column=name,
            value=value,
            remedy="give a number that is not negative",
        )
    return float(number)
