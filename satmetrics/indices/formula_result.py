"""What an index that is a formula returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from satmetrics._display import Summary, section
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

    def summary(self) -> Summary:
        """Return the index by group, without groups its components too."""
        words = {
            **{k: k for k in self.by},
            "construct": "component",
            "n": "n",
            "estimate": "index",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "reason": "reason",
        }
        table = self.table
        if self.by and self.target is not None:
            table = table.where(construct=self.target)
        if not any(table["reason"]):
            table = table.drop("reason")
        low, high = self.scale
        label = str(self.formula.label) or self.formula.name
        facts = (*self.context.facts(), ("formula", self.formula.in_words()))
        notes = (
            f"{low:g} = the lowest, {high:g} = the highest possible answer to every "
            "item",
            *self.formula.sentences(),
            *self.context.sentences(),
        )
        places = dict.fromkeys(("estimate", "conf_low", "conf_high"), 1)
        body = section(
            "", table, words, decimals=places | {"std_error": 2}, max_rows=40
        )
        return Summary(f"{label}: {low:g} to {high:g}", facts, (body,), notes)
