"""Constructs made of constructs: higher order, interactions and quadratic terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from satmetrics._checks import one_of
from satmetrics._result import Record
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.survey.label import Label

HigherApproach = Literal["two-stage", "saturated", "embedded", "repeated"]
InteractionApproach = Literal["two-stage", "product", "orthogonal"]
HIGHER_APPROACHES = ("two-stage", "saturated", "embedded", "repeated")
INTERACTION_APPROACHES = ("two-stage", "product", "orthogonal")
T = TypeVar("T")


@dataclass(frozen=True)
class HigherOrder(Record):
    """A construct measured by other constructs.

    Attributes
    ----------
    name : identifier used in paths and frames.
    components : names of the lower-order constructs, at least two.
    mode : "A", "B" or "sum", as of a `Construct` whose indicators are the scores of
        the components.
    kind : "composite" or "factor" (consistent PLS from the components' scores).
    approach : how it is estimated.

        * "two-stage": first the components stand in its place, then their scores are
          its indicators while all other constructs keep theirs (disjoint two-stage;
          seminr).
        * "saturated": first every construct is joined to every other, then scores are
          the indicators of all constructs (cSEM). With the path scheme the direction of
          these joins counts: along the paths and, where these leave it open, in the
          order in which constructs are listed.
        * "embedded": first as "repeated", then scores are the indicators of all
          constructs (Ringle, Sarstedt and Straub 2012, doi:10.2307/41410402).
        * "repeated": all items of the components are its indicators too, in one stage
          (Wetzels, Odekerken-Schröder and van Oppen 2009, doi:10.2307/20650284); paths
          lead to the components (mode "A", "sum") or from them (mode "B").

        Sarstedt, Hair, Cheah, Becker and Ringle (2019),
        doi:10.1016/j.ausmj.2019.05.003, compare them.
    label : name for people.
    """

    name: str
    components: tuple[str, ...]
    mode: Literal["A", "B", "sum"] = "A"
    kind: Literal["composite", "factor"] = "composite"
    approach: HigherApproach = "two-stage"
    label: Label = field(default_factory=Label)

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", _as_names(self.components))
        _check_name(self.name, "a higher-order construct")
        one_of("mode", self.mode, ("A", "B", "sum"))
        one_of("kind", self.kind, ("composite", "factor"))
        one_of("approach", self.approach, HIGHER_APPROACHES)
        if len(set(self.components)) < max(2, len(self.components)):
            raise SpecificationError(
                f"higher-order construct {self.name!r} has components "
                f"{', '.join(self.components) or 'none'}",
                code="bad-components",
                column=self.name,
                value=self.components,
                remedy="name two or more constructs, each once",
            )
        if self.kind == "factor" and (
            self.mode != "A" or self.approach in ("repeated", "embedded", "saturated")
        ):
            raise SpecificationError(
                f"higher-order construct {self.name!r} is a factor in mode "
                f"{self.mode!r} by approach {self.approach!r}",
                code="factor-mode",
                column=self.name,
                value=self.mode,
                remedy='consistent PLS corrects mode "A" in approach "two-stage"; use '
                'kind = "composite"',
            )


@dataclass(frozen=True)
class Interaction(Record):
    """The product of two constructs; of a construct with itself, a quadratic term.

    Attributes
    ----------
    name : identifier used in paths and frames.
    factors : (predictor, moderator), or a construct twice.
    approach : what measures it.

        * "two-stage": the product of the scores of the model without it (Chin,
          Marcolin and Newsted 2003, doi:10.1287/isre.14.2.189.16018).
        * "product": the products of all pairs of standardised indicators (ibid.).
        * "orthogonal": the same, freed of what is linear in the indicators (Little,
          Bovaird and Widaman 2006, doi:10.1207/s15328007sem1304_1).

        Henseler and Chin (2010), doi:10.1080/10705510903439003, compare them.
    mode : "A", "B" or "sum" of the product indicators; one indicator has no mode.
    label : name for people.
    """

    name: str
    factors: tuple[str, ...]
    approach: InteractionApproach = "two-stage"
    mode: Literal["A", "B", "sum"] = "A"
    label: Label = field(default_factory=Label)

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", _as_names(self.factors))
        _check_name(self.name, "an interaction")
        one_of("mode", self.mode, ("A", "B", "sum"))
        one_of("approach", self.approach, INTERACTION_APPROACHES)
        if len(self.factors) != 2:
            raise SpecificationError(
                f"interaction {self.name!r} has {len(self.factors)} factors",
                code="bad-factors",
                column=self.name,
                value=self.factors,
                remedy="name two constructs, (predictor, moderator), or one twice for "
                "a quadratic term; products of three are not estimated here",
            )

    @property
    def quadratic(self) -> bool:
        """Whether a construct is multiplied with itself."""
        return self.factors[0] == self.factors[1]


def _as_names(names: object) -> tuple[str, ...]:
    if isinstance(names, str):
        return (names,)
    return tuple(names)  # type: ignore[arg-type]


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise SpecificationError(f"{what} has no name", code="unnamed-construct")


def higher_of(
    given: object, modes: Mapping[str, str], kinds: Mapping[str, str]
) -> tuple[HigherOrder, ...]:
    """Return higher-order constructs given as objects, or as name → components."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        return tuple(
            value
            if isinstance(value, HigherOrder)
            else HigherOrder(
                name,
                value,
                mode=modes.get(name, "A"),  # type: ignore[arg-type]
                kind=kinds.get(name, "composite"),  # type: ignore[arg-type]
            )
            for name, value in given.items()
        )
    return _objects("higher", given, HigherOrder)


def interactions_of(given: object) -> tuple[Interaction, ...]:
    """Return interactions given as objects, or as name → (predictor, moderator)."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        return tuple(
            value if isinstance(value, Interaction) else Interaction(name, value)
            for name, value in given.items()
        )
    return _objects("interactions", given, Interaction)


def _objects(word: str, given: object, kind: type[T]) -> tuple[T, ...]:
    items = (given,) if isinstance(given, kind) else given
    if isinstance(items, (list, tuple)) and all(isinstance(i, kind) for i in items):
        return tuple(items)
    raise OptionError(
        f"{word}={given!r} is neither a mapping nor {kind.__name__} objects",
        code=f"bad-{word}",
        column=word,
        value=given,
        remedy=f"give {{name: [constructs]}} or sat.models.{kind.__name__}(…)",
    )
