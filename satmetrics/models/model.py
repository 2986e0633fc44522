"""Structural models as values: constructs, paths and nothing estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics._display import Section, Summary
from satmetrics._frames import Table
from satmetrics._result import Result
from satmetrics._typing import BoolArray, IntArray
from satmetrics.errors import SpecificationError
from satmetrics.models.construct import MARK_WORDS, MARKS, Kind, Mode, Status, as_tuple
from satmetrics.models.construct import Construct as Construct
from satmetrics.models.construct import Path as Path
from satmetrics.models.terms import (
    HigherOrder,
    Interaction,
    higher_of,
    interactions_of,
)
from satmetrics.survey.label import Label
from satmetrics.survey.scale import as_scale

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class StructuralModel(Result):
    """Constructs and paths: a specification without numbers or respondents.

    Attributes
    ----------
    name : short identifier.
    constructs : the constructs, in order.
    paths : the structural paths; they must not form a cycle.
    target : the construct that is the index, or None.
    scale : (minimum, maximum) of all indicators whose construct names no own scale.
    label : name for people.
    citation, source : where the model comes from, and what was read.
    status : "verified", "recalled", "unverified", or "own" for a user's model.
    note : a sentence printed with every result.
    higher : constructs measured by other constructs.
    interactions : products of constructs; their main effects are paths too.
    """

    name: str
    constructs: tuple[Construct, ...]
    paths: tuple[Path, ...]
    target: str | None = None
    scale: tuple[float, float] | None = None
    label: Label = field(default_factory=Label)
    citation: str = ""
    source: str = ""
    status: Status = "own"
    note: str = ""
    higher: tuple[HigherOrder, ...] = ()
    interactions: tuple[Interaction, ...] = ()

    def __post_init__(self) -> None:
        from satmetrics.models.validation import validate

        for name in ("constructs", "paths", "higher", "interactions"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.scale is not None:
            ends = as_scale(self.scale)
            object.__setattr__(self, "scale", (ends.minimum, ends.maximum))
        validate(self)

    @classmethod
    @friendly_keywords
    def from_blocks(
        cls,
        name: str,
        constructs: Mapping[str, Sequence[str] | str],
        paths: Mapping[str, Sequence[str] | str],
        target: str | None = None,
        scale: tuple[float, float] | None = None,
        modes: Mapping[str, Mode] | None = None,
        kinds: Mapping[str, Kind] | None = None,
        higher: Mapping[str, Sequence[str] | HigherOrder]
        | Sequence[HigherOrder]
        | HigherOrder
        | None = None,
        interactions: Mapping[str, Sequence[str] | Interaction]
        | Sequence[Interaction]
        | Interaction
        | None = None,
    ) -> StructuralModel:
        """Build a model from dictionaries.

        Parameters
        ----------
        name : identifier of the model.
        constructs : construct name → indicator columns.
        paths : source construct → target constructs.
        target : the construct whose 0–100 index is wanted.
        scale : (minimum, maximum) of the answers.
        modes : construct → "A", "B" or "sum"; "A" where not named.
        kinds : construct → "composite" or "factor" (consistent PLS); "composite" where
            not named.
        higher : higher-order construct → its components, or `HigherOrder` objects,
            which state the approach too.
        interactions : interaction → (predictor, moderator), or a construct twice for a
            quadratic term; or `Interaction` objects, which state the approach too.

        Raises
        ------
        SpecificationError
            If the model contradicts itself; the message names the fault.

        Examples
        --------
        >>> import satmetrics as sat
        >>> sat.StructuralModel.from_blocks(
        ...     "small",
        ...     constructs={"Quality": ["q1", "q2"], "Satisfaction": ["s1", "s2"]},
        ...     paths={"Quality": ["Satisfaction"]},
        ...     target="Satisfaction",
        ... ).order
        ('Quality', 'Satisfaction')
        """
        above = higher_of(higher, modes or {}, kinds or {})
        known = [*constructs, *(h.name for h in above)]
        for word, named in (("modes", modes), ("kinds", kinds)):
            for construct in named or {}:
                if construct not in known:
                    raise SpecificationError(
                        f"{word} names {construct!r}, which is not a construct",
                        code="unknown-construct",
                        column=construct,
                        remedy=did_you_mean(construct, known),
                    )
        built = tuple(
            Construct(
                key,
                as_tuple(items),
                mode=(modes or {}).get(key, "A"),
                kind=(kinds or {}).get(key, "composite"),
            )
            for key, items in constructs.items()
        )
        edges = tuple(
            Path(source, target_)
            for source, targets in paths.items()
            for target_ in as_tuple(targets)
        )
        return cls(
            name,
            built,
            edges,
            target=target,
            scale=scale,
            higher=above,
            interactions=interactions_of(interactions),
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the constructs that have indicators, in order."""
        return tuple(c.name for c in self.constructs)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all that paths may join: constructs, higher order, interactions."""
        above = tuple(h.name for h in self.higher)
        return (*self.names, *above, *(i.name for i in self.interactions))

    @property
    def plain(self) -> bool:
        """Whether every construct has indicators of its own: one stage estimates it."""
        return not (self.higher or self.interactions)

    @cached_property
    def indicators(self) -> tuple[str, ...]:
        """All indicators, construct by construct."""
        return tuple(i for c in self.constructs for i in c.indicators)

    @property
    def order(self) -> tuple[str, ...]:
        """Names of `nodes` such that every path leads forward."""
        from satmetrics.models.validation import topological_order

        return topological_order(self)

    def construct(self, name: str) -> Construct:
        """Return a construct by name, or raise with the nearest name."""
        for construct in self.constructs:
            if construct.name == name:
                return construct
        raise SpecificationError(
            f"model {self.name!r} has no construct {name!r}",
            code="unknown-construct",
            column=name,
            value=name,
            remedy=f"{did_you_mean(name, self.names)} it has {', '.join(self.names)}",
        )

    def items_of(self, name: str) -> tuple[str, ...]:
        """Return the items that a construct, of higher order too, is made of."""
        for h in self.higher:
            if h.name == name:
                parts = (self.construct(part) for part in h.components)
                return tuple(item for c in parts for item in c.indicators)
        return self.construct(name).indicators

    def owner(self) -> IntArray:
        """Return the construct number of each indicator (p,)."""
        sizes = [len(c.indicators) for c in self.constructs]
        return np.repeat(np.arange(len(sizes)), sizes)

    def adjacency(self) -> BoolArray:
        """Return (q, q) with True at [source, target] of each path among `nodes`."""
        at = {name: i for i, name in enumerate(self.nodes)}
        matrix = np.zeros((len(at), len(at)), dtype=np.bool_)
        for path in self.paths:
            matrix[at[path.source], at[path.target]] = True
        return matrix

    def scale_of(self, indicator: str) -> tuple[float, float] | None:
        """Return the scale of an indicator: its construct's, else the model's."""
        for construct in self.constructs:
            if indicator in construct.indicators:
                return construct.scale or self.scale
        return None

    def title(self, construct: str) -> str:
        """Return the English label of a construct."""
        above = {h.name: h.label for h in self.higher}
        above |= {i.name: i.label for i in self.interactions}
        if construct in above:
            return above[construct].en or construct
        return self.construct(construct).title()

    def with_kinds(self, kinds: Kind | Mapping[str, Kind]) -> StructuralModel:
        """Return the model with other kinds of constructs.

        Parameters
        ----------
        kinds : construct → "composite" or "factor" (consistent PLS); or one word for
            all. As one word, "factor" leaves alone what cannot be one: constructs of
            one indicator or not in mode "A", and those another is made of.

        Examples
        --------
        >>> import satmetrics as sat
        >>> acsi = sat.models.load("acsi").with_kinds("factor")
        >>> acsi.construct("Quality").kind, acsi.construct("Complaints").kind
        ('factor', 'composite')
        """
        from satmetrics.models.respecify import with_kinds

        return with_kinds(self, kinds)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per indicator: construct, indicator, mode, kind, labels.

        Indicators of a higher-order construct are its components, those of an
        interaction its factors.
        """
        rows = [
            (c.name, item, c.mode, c.kind, c.title(), c.label.zh)
            for c in self.constructs
            for item in c.indicators
        ]
        rows += [
            (h.name, part, h.mode, h.kind, self.title(h.name), h.label.zh)
            for h in self.higher
            for part in h.components
        ]
        rows += [
            (i.name, factor, i.mode, "composite", self.title(i.name), i.label.zh)
            for i in self.interactions
            for factor in i.factors
        ]
        names = ("construct", "indicator", "mode", "kind", "label", "label_zh")
        return Table.of(
            dict(zip(names, zip(*rows, strict=True), strict=True))
        ).to_frame()

    def to_toml(self) -> str:
        """Return the model as TOML text that `sat.models.read` reads back."""
        from satmetrics.models.files import dump

        return dump(self)

    def to_lavaan(self) -> str:
        """Return the model in lavaan's syntax; see `sat.models.to_lavaan`."""
        from satmetrics.models.lavaan_writer import to_lavaan

        return to_lavaan(self)

    def credit(self) -> str:
        """Return the sentence every result of a published model form must carry."""
        if self.status == "own":
            return ""
        return f"model form after {self.citation}, not an official score"

    def sentences(self) -> tuple[str, ...]:
        """Return what every result of the model must say of it."""
        higher = [
            f"{h.name} is made of {', '.join(h.components)} (approach {h.approach!r})"
            for h in self.higher
        ]
        products = [
            f"{i.name} is {' × '.join(i.factors)} (approach {i.approach!r}), of "
            "variance 1; effects of its factors are those at each other's mean"
            for i in self.interactions
        ]
        said = (self.credit(), self.note, *higher, *products)
        return tuple(sentence for sentence in said if sentence)

    def summary(self) -> Summary:
        """Return constructs, indicators and paths."""
        blocks = tuple(
            (c.name, c.title(), c.label.zh, c.mode, " ".join(c.indicators))
            for c in self.constructs
        )
        arrows: dict[str, list[str]] = {}
        for path in self.paths:
            text = f"{path.target} ({path.sign}){path.mark}"
            arrows.setdefault(path.source, []).append(text)
        edges = tuple((s, ", ".join(t)) for s, t in arrows.items())
        sections = (
            Section(
                "Constructs",
                ("construct", "label", "label (zh)", "mode", "indicators"),
                blocks,
                5,
            ),
            *self._sections_above(),
            Section("Paths (expected sign)", ("source", "targets"), edges, 2),
        )
        notes = tuple(n for n in (self.credit(), self.note, *self._legend()) if n)
        facts = (("status", self.status), ("target", self.target or "–"))
        return Summary(f"Model {self.name}", facts, sections, notes)

    def _legend(self) -> tuple[str, ...]:
        """Return what the marks beside arrows mean, and how many bear them."""
        said = []
        for status, mark in MARKS.items():
            several = sum(path.status == status for path in self.paths)
            if several:
                meaning = MARK_WORDS[status]
                said.append(f"{mark} {several} of {len(self.paths)} arrows: {meaning}")
        return tuple(said)

    def _sections_above(self) -> tuple[Section, ...]:
        """Return what is made of constructs, where there is any."""
        higher = tuple(
            (h.name, h.mode, h.approach, " ".join(h.components)) for h in self.higher
        )
        products = tuple(
            (i.name, i.approach, " × ".join(i.factors)) for i in self.interactions
        )
        above = Section(
            "Higher order", ("construct", "mode", "approach", "components"), higher, 4
        )
        joint = Section("Interactions", ("name", "approach", "factors"), products, 3)
        return (*((above,) if higher else ()), *((joint,) if products else ()))
