"""What an index that is a formula returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from satmetrics.indices.formula_spec import FormulaIndex
from satmetrics.indices.index_result import IndexResult


@dataclass(frozen=True, eq=False, repr=False)
class FormulaResult(IndexResult):
    """An index that is a formula, and its components, by group.

    It is an `IndexResult`: changes, rankings and aggregates are made of it alike.

    Attributes
    ----------
    formula : what was computed.
    scale : the lowest and the highest value the index can have; not always 0 and 100.
    importance : triples (component, item, share) of the items' weights within their
        component.
    """

    formula: FormulaIndex = field(default_factory=lambda: FormulaIndex("index"))
    scale: tuple[float, float] = (0.0, 100.0)
    importance: tuple[tuple[str, str, float], ...] = ()

    _part: ClassVar[str] = "component"

    def _title(self) -> str:
        low, high = self.scale
        return f"{str(self.formula.label) or self.formula.name}: {low:g} to {high:g}"

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (("formula", self.formula.in_words()),)

    def _notes(self) -> tuple[str, ...]:
        low, high = self.scale
        return (
            f"{low:g} = the lowest, {high:g} = the highest possible answer to every "
            "item",
            *self.formula.sentences(),
        )
