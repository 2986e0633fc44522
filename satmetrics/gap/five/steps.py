"""The parts of a service blueprint: steps, lanes and standards."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from satmetrics._checks import did_you_mean
from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.gap.standard_spec import COMPARISONS, Standard
from satmetrics.survey.label import Label

LANES = ("customer", "front stage", "line of visibility", "back stage", "support")
VISIBLE = ("customer", "front stage", "line of visibility")
"""Lanes that customers see."""
OWN = ("front stage", "line of visibility", "back stage", "support")
"""Lanes whose steps are the organisation's, so that it can set standards for them."""


@dataclass(frozen=True)
class StepStandard(Record):
    """What a step is to reach: words, or words and a target that a column measures.

    `Blueprint.standards` returns the measured ones as `Standards`, which know of goals
    and units and are what encounters are held against.

    Attributes
    ----------
    text : the standard in words, such as "answered within three rings".
    column : column of the encounters that measures it; empty if none does.
    comparison : how the column stands to the target, one of ``<= < >= > ==``.
    target : the number to reach, in units of the column.

    Raises
    ------
    SpecificationError
        If it has neither words nor a column, or a column without its comparison and
        target.
    """

    text: str = ""
    column: str = ""
    comparison: str = ""
    target: float | None = None

    def __post_init__(self) -> None:
        if not self.text and not self.column:
            raise SpecificationError(
                "a standard without text and without a column says nothing",
                code="empty-standard",
                remedy="leave it out where no standard is set",
            )
        stated = bool(self.comparison), self.target is not None
        if any(stated) != bool(self.column) or stated[0] != stated[1]:
            raise SpecificationError(
                f"standard {self.text!r}: column {self.column!r}, comparison "
                f"{self.comparison!r} and target {self.target!r} go together",
                code="half-standard",
                column="standard",
                value=self.text,
                remedy="give all three, such as column='rings', comparison='<=', "
                "target=3, or none",
            )
        if self.column and self.comparison not in COMPARISONS:
            raise SpecificationError(
                f"standard {self.text!r}: comparison {self.comparison!r}",
                code="unknown-option",
                column="comparison",
                value=self.comparison,
                remedy=f"it is one of {' '.join(COMPARISONS)}",
            )
        if self.target is not None:
            object.__setattr__(self, "target", _number("target", self.target))

    def __str__(self) -> str:
        measured = f"{self.column} {self.comparison} {self.target}"
        return self.text or measured

    @property
    def measured(self) -> bool:
        """True if a column measures it."""
        return bool(self.column)


@dataclass(frozen=True)
class Step(Record):
    """One step of a service.

    Attributes
    ----------
    id : short name.
    lane : where it happens, one of `LANES`.
    label : what happens, in English and Chinese.
    dimension : the dimension of quality it serves; empty if none.
    fail_point : True if the service is likely to fail here.
    standard : what it is to reach, None where none is set.
    evidence : what customers see or touch: its touchpoints.
    minutes : expected time, None if not stated.

    Raises
    ------
    SpecificationError
        If the lane is unknown or the time negative.
    """

    id: str
    lane: str
    label: Label = field(default_factory=Label)
    dimension: str = ""
    fail_point: bool = False
    standard: StepStandard | None = None
    evidence: tuple[str, ...] = ()
    minutes: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(self.evidence))
        if self.lane not in LANES:
            raise SpecificationError(
                f"step {self.id!r}: lane {self.lane!r}",
                code="unknown-lane",
                column="lane",
                value=self.lane,
                remedy=f"{did_you_mean(self.lane, LANES)} the lanes are "
                f"{', '.join(LANES)}".strip(),
            )
        if not isinstance(self.fail_point, bool):
            raise SpecificationError(
                f"step {self.id!r}: fail_point is {self.fail_point!r}",
                code="bad-flag",
                column="fail_point",
                value=self.fail_point,
                remedy="give true or false",
            )
        if self.minutes is not None:
            minutes = _number("minutes", self.minutes)
            if minutes < 0:
                raise _bad("minutes", self.minutes)
            object.__setattr__(self, "minutes", minutes)

    @property
    def own(self) -> bool:
        """True if it is the organisation's own, which can set a standard for it."""
        return self.lane in OWN

    def measured_standard(self) -> Standard | None:
        """Return its standard as one of `Standards`; None if no column measures it."""
        own = self.standard
        if own is None or own.target is None:
            return None
        return Standard(
            self.id,
            own.column,
            own.comparison,
            own.target,
            dimension=self.dimension,
            label=Label(own.text),
        )


def _number(name: str, value: object) -> float:
    number = float(value) if isinstance(value, (int, float)) else math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise _bad(name, value)
    return number


def _bad(name: str, value: object) -> SpecificationError:
    return SpecificationError(
        f"{name}={value!r}",
        code="bad-number",
        column=name,
        value=value,
        remedy="give a finite number" + (", 0 or more" if name == "minutes" else ""),
    )
