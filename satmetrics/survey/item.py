"""The parts of an instrument: dimensions, items and forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale

Status: TypeAlias = Literal["verified", "recalled", "unverified"]
STATUSES: tuple[Status, ...] = ("verified", "recalled", "unverified")
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
    """

    id: str
    label: Label = field(default_factory=Label)


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
        names), "recalled" (from memory of the literature) or "unverified".
    """

    id: str
    label: Label = field(default_factory=Label)
    dimension: str = ""
    reverse: bool = False
    scale: Scale | None = None
    status: Status = "verified"


@dataclass(frozen=True)
class Form(Record):
    """One way of asking all items, such as the expectation of each.

    Attributes
    ----------
    id : name of the form, such as "expectation".
    pattern : column name with ``{item}``, or with ``{dimension}`` where the question is
        asked once per dimension (importance points).
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
    def per_item(self) -> bool:
        """True if there is one column per item, False if one per dimension."""
        return "{item}" in self.pattern

    def column(self, name: str) -> str:
        """Return the column of the item (or dimension) called `name`."""
        return self.pattern.replace("{item}", name).replace("{dimension}", name)
