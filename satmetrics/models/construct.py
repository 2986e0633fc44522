"""What a model is made of: constructs with their indicators, and paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from satmetrics._checks import did_you_mean, one_of
from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.survey.label import Label

Mode = Literal["A", "B", "sum"]
Kind = Literal["composite", "factor"]
Sign = Literal["+", "-", "?"]
Status = Literal["verified", "recalled", "unverified", "own"]
MODES = ("A", "B", "sum")
KINDS = ("composite", "factor")
SIGNS = ("+", "-", "?")
STATUSES = ("verified", "recalled", "unverified", "own")
MARKS = {"recalled": "†", "unverified": "‡"}
MARK_WORDS = {
    "recalled": "recalled, not read in the source",
    "unverified": "not confirmed to be those of the published model",
}


@dataclass(frozen=True)
class Construct(Record):
    """A construct and the indicators that measure it.

    Attributes
    ----------
    name : identifier used in paths and frames.
    indicators : columns of the data, in order.
    mode : "A" (weights from correlations; SmartPLS: reflective), "B" (from multiple
        regression; SmartPLS: formative) or "sum" (equal weights, not estimated).
    kind : "composite" or "factor"; read by `pls` only, where "factor" asks for
        consistent PLS.
    scale : (minimum, maximum) of every indicator, or None to take the survey's.
    label : name for people.
    labels : one label per indicator; empty, or as long as `indicators`.
    reverse : indicators whose high answers mean little of the construct.
    """

    name: str
    indicators: tuple[str, ...]
    mode: Mode = "A"
    kind: Kind = "composite"
    scale: tuple[float, float] | None = None
    label: Label = field(default_factory=Label)
    labels: tuple[Label, ...] = ()
    reverse: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "indicators", as_tuple(self.indicators))
        object.__setattr__(self, "reverse", tuple(self.reverse))
        if not isinstance(self.name, str) or not self.name.strip():
            raise SpecificationError(
                "a construct has no name", code="unnamed-construct"
            )
        if not self.indicators:
            raise SpecificationError(
                f"construct {self.name!r} has no indicators",
                code="empty-construct",
                column=self.name,
                remedy="name at least one column",
            )
        one_of("mode", self.mode, MODES)
        one_of("kind", self.kind, KINDS)
        if self.kind == "factor" and self.mode != "A":
            raise SpecificationError(
                f"construct {self.name!r} is a factor in mode {self.mode!r}",
                code="factor-mode",
                column=self.name,
                value=self.mode,
                remedy='consistent PLS corrects mode "A"; use kind = "composite"',
            )
        self._check_indicators()

    def _check_indicators(self) -> None:
        twice = [i for i in self.indicators if self.indicators.count(i) > 1]
        if twice:
            raise SpecificationError(
                f"construct {self.name!r} names indicator {twice[0]!r} twice",
                code="duplicate-indicator",
                column=twice[0],
            )
        for item in self.reverse:
            if item not in self.indicators:
                raise SpecificationError(
                    f"construct {self.name!r}: reversed {item!r} is not an indicator",
                    code="unknown-indicator",
                    column=item,
                    remedy=did_you_mean(item, self.indicators),
                )
        if self.labels and len(self.labels) != len(self.indicators):
            raise SpecificationError(
                f"construct {self.name!r}: {len(self.labels)} labels for "
                f"{len(self.indicators)} indicators",
                code="bad-labels",
            )
        if self.scale is not None:
            low, high = self.scale
            if not low < high:
                raise SpecificationError(
                    f"construct {self.name!r}: scale {self.scale} does not rise",
                    code="bad-scale",
                    value=self.scale,
                    remedy="give [minimum, maximum]",
                )
            object.__setattr__(self, "scale", (float(low), float(high)))

    def title(self) -> str:
        """Return the English label, or the name where there is none."""
        return self.label.en or self.name


@dataclass(frozen=True)
class Path(Record):
    """A structural path.

    Attributes
    ----------
    source, target : names of constructs.
    sign : expected sign; "?" where theory leaves it open.
    status : how well the published model's edge is known; "own" in a user's model.
    """

    source: str
    target: str
    sign: Sign = "+"
    status: Status = "own"

    def __post_init__(self) -> None:
        one_of("sign", self.sign, SIGNS)
        one_of("status", self.status, STATUSES)

    @property
    def mark(self) -> str:
        """The mark beside an arrow whose source does not confirm it, or nothing."""
        return MARKS.get(self.status, "")


def as_tuple(items: Sequence[str] | str) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return (items,) if isinstance(items, str) else tuple(items)
