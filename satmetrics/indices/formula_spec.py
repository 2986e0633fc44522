"""Indices that are formulas: what is scored how, and what weighs how much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from satmetrics._checks import one_of
from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.models.construct import STATUSES, Status
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale, as_scale

Score = Literal["top_box", "rescaled", "times"]
SCORES = ("top_box", "rescaled", "times")
WEIGHTINGS = ("components", "items")
ROUNDING = 1e-6


@dataclass(frozen=True)
class FormulaComponent(Record):
    """A part of an index that is a formula.

    Attributes
    ----------
    name : what it is called.
    weight : its share of the index.
    importance : whether its items weigh by their importance to customers.
    label : its name for people.
    """

    name: str
    weight: float
    importance: bool = False
    label: Label = field(default_factory=Label)


@dataclass(frozen=True)
class FormulaIndex(Record):
    """An index that is a formula: no model, no weights to estimate.

    Attributes
    ----------
    name : its id.
    score : how an answer counts: "top_box" (100 if among the `boxes` highest points,
        else 0), "rescaled" (0 to 100 from the lowest to the highest answer) or "times"
        (the answer times `factor`).
    weighting : "components" (the index is the weighted sum of `components`, each the
        mean of its items) or "items" (the mean of all items, however they are grouped).
    components : the parts; none with weighting "items".
    target : what the index itself is called.
    scale : (lowest, highest) answer it is defined on; None for any scale.
    boxes, factor : see `score`.
    label, note : for people.
    citation, source, status : as in `StructuralModel`: "verified", "recalled",
        "unverified", or "own".
    """

    name: str
    score: Score = "rescaled"
    weighting: Literal["components", "items"] = "items"
    components: tuple[FormulaComponent, ...] = ()
    target: str = "Satisfaction"
    scale: tuple[float, float] | None = None
    boxes: int = 2
    factor: float = 10.0
    label: Label = field(default_factory=Label)
    citation: str = ""
    source: str = ""
    status: Status = "own"
    note: str = ""

    def __post_init__(self) -> None:
        one_of("score", self.score, SCORES)
        one_of("weighting", self.weighting, WEIGHTINGS)
        one_of("status", self.status, STATUSES)
        names = [part.name for part in self.components]
        if (self.weighting == "components") != bool(names):
            raise self._fault("components and weighting", names, "no-components")
        if len({*names, self.target}) <= len(names):
            raise self._fault("names of components and target", names, "same-name")
        weights = [part.weight for part in self.components]
        low = min(weights, default=0.0) < 0
        if names and (low or abs(sum(weights) - 1) > ROUNDING):
            raise self._fault("weights", weights, "bad-weights")

    def _fault(self, what: str, value: object, code: str) -> SpecificationError:
        remedies = {
            "no-components": 'weighting="components" needs some, "items" has none',
            "same-name": "give each a name of its own, and the target another",
            "bad-weights": "give shares that are not negative and add up to 1",
        }
        return SpecificationError(
            f"formula {self.name!r}: {what}: {value!r}",
            code=code,
            column="components",
            value=value,
            remedy=remedies[code],
        )

    def credit(self) -> str:
        """Return the sentence every result of a published formula must carry."""
        if self.status == "own":
            return ""
        return f"formula after {self.citation}, not an official score"

    def sentences(self) -> tuple[str, ...]:
        """Return what every result of the formula must say of it."""
        status = "" if self.status == "own" else f"status of the formula: {self.status}"
        return tuple(said for said in (self.credit(), status, self.note) if said)

    def ends(self, scale: Scale) -> tuple[float, float]:
        """Return the lowest and the highest value the index can have."""
        if self.score == "times":
            return (self.factor * scale.minimum, self.factor * scale.maximum)
        return (0.0, 100.0)

    def in_words(self) -> str:
        """Return the formula in words."""
        scored = {
            "top_box": f"% of answers among the {self.boxes} highest",
            "rescaled": "answers on 0-100",
            "times": f"answers times {self.factor:g}",
        }[self.score]
        if self.weighting == "items":
            return f"mean of the items, {scored}"
        parts = " + ".join(f"{c.weight:.2f} {c.name}" for c in self.components)
        return f"{parts}, {scored}"

    def to_toml(self) -> str:
        """Return the formula as TOML text that `read_formula` reads back."""
        from satmetrics.indices.formula_files import dump

        return dump(self)

    def declared(self) -> Scale | None:
        """Return the scale it is defined on, None for any."""
        return None if self.scale is None else as_scale(self.scale)
