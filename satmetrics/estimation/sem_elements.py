"""What a text in lavaan's syntax states, line by line, before defaults are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from satmetrics.errors import SpecificationError
from satmetrics.estimation.sem_formula import Formula, read
from satmetrics.estimation.sem_modifiers import Modifiers, modifiers_of
from satmetrics.models.lavaan_text import (
    Statement,
    Term,
    fault,
    label_of,
    statements,
)

_ORDERED = "remove the line; ordered answers are asked for with ordinal="
_NOT_HELD = {
    "<": ("is an inequality", "remove the line; look at the estimate, or fix it"),
    ">": ("is an inequality", "remove the line; look at the estimate, or fix it"),
    "|": ("states thresholds", _ORDERED),
    "~*~": ("states scaling factors", _ORDERED),
    "<~": ("states a composite", "write =~ for a factor, or use sat.pls"),
}
Key = tuple[str, str, str]
"""lhs, operator and rhs of a parameter."""


@dataclass(frozen=True)
class Element:
    """One parameter a text states, and on which line."""

    line: int
    said: Modifiers


@dataclass
class ModelText:
    """A text, read.

    Attributes
    ----------
    elements : parameter → what is said of it, in the order of the text.
    equal : pairs of labels that are equal.
    fixed : label → the number it is fixed at.
    defined : name → formula.
    lines : label pair, label or name → its line.
    """

    elements: dict[Key, Element] = field(default_factory=dict)
    equal: list[tuple[str, str]] = field(default_factory=list)
    fixed: dict[str, float] = field(default_factory=dict)
    defined: dict[str, Formula] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> ModelText:
        """Read a text.

        Raises
        ------
        SpecificationError
            If a line cannot be read or states what is not estimated, naming the line.
        """
        found = cls()
        for statement in statements(text):
            found._take(statement)
        found._finish()
        return found

    @cached_property
    def latent(self) -> tuple[str, ...]:
        """Names of the latent variables: what stands left of =~."""
        return tuple(dict.fromkeys(lhs for lhs, op, _ in self.elements if op == "=~"))

    @cached_property
    def observed(self) -> tuple[str, ...]:
        """All other names, in the order of the text."""
        ends = (end for lhs, _, rhs in self.elements for end in (lhs, rhs) if end)
        return tuple(n for n in dict.fromkeys(ends) if n not in self.latent)

    def items_of(self, latent: str) -> tuple[str, ...]:
        """Return what measures a latent variable."""
        rows = self.elements
        return tuple(rhs for lhs, op, rhs in rows if op == "=~" and lhs == latent)

    @cached_property
    def measured(self) -> set[str]:
        """What measures something."""
        return {rhs for _, op, rhs in self.elements if op == "=~"}

    @cached_property
    def targets(self) -> set[str]:
        """What stands left of ~."""
        return {lhs for lhs, op, _ in self.elements if op == "~"}

    @cached_property
    def sources(self) -> set[str]:
        """What stands right of ~."""
        return {rhs for _, op, rhs in self.elements if op == "~"}

    @cached_property
    def tied(self) -> tuple[str, ...]:
        """Observed variables that stand among the latent ones.

        Those in regressions, and those that covary with a latent or such a variable.
        """
        inner = set(self.latent) | self.targets | self.sources
        pairs = [{a, b} for a, op, b in self.elements if op == "~~" and a != b]
        grown = True
        while grown:
            more = {n for pair in pairs if pair & inner for n in pair} - inner
            inner |= more
            grown = bool(more)
        return tuple(name for name in self.observed if name in inner)

    def _take(self, statement: Statement) -> None:
        line, operator = statement.line, statement.operator
        if operator in _NOT_HELD:
            what, remedy = _NOT_HELD[operator]
            raise fault(
                line,
                f"{statement.text!r} {what}, which is not estimated here",
                code="not-held",
                remedy=remedy,
            )
        if operator == "==":
            self._constraint(statement)
            return
        if operator == ":=":
            self._definition(statement)
            return
        found: dict[Key, Modifiers] = {}
        for left in statement.left:
            for term in statement.right:
                key = _key(left, operator, term, line)
                said = modifiers_of(_constant(term), line)
                found[key] = found.get(key, Modifiers()).merged(said)
        for key, said in found.items():
            if key in self.elements:
                raise fault(
                    line,
                    f"{' '.join(key).strip()} stands on line {self.elements[key].line}",
                    code="stated-twice",
                    remedy="state each parameter once",
                )
            self.elements[key] = Element(line, said)

    def _constraint(self, statement: Statement) -> None:
        left, right = (part.strip() for part in statement.text.split("==", 1))
        labels = label_of(left), label_of(right)
        if labels[0] and labels[1]:
            self.equal.append((labels[0], labels[1]))
            self.lines |= dict.fromkeys((left, right), statement.line)
            return
        for name, other in ((left, right), (right, left)):
            number = _number(other)
            if label_of(name) and number is not None:
                self.fixed[name] = number
                self.lines[name] = statement.line
                return
        raise fault(
            statement.line,
            f"{statement.text!r} is neither a == b of labels nor a label and a number",
            code="bad-constraint",
            remedy="give equal parameters one label; other constraints are not "
            "estimated",
        )

    def _definition(self, statement: Statement) -> None:
        name, text = (part.strip() for part in statement.text.split(":=", 1))
        if not label_of(name) or name in self.defined:
            raise fault(
                statement.line,
                f"{name!r} is not a new name",
                code="bad-definition",
                remedy="write name := formula, each name once",
            )
        try:
            formula = read(text)
        except ValueError as wrong:
            raise fault(
                statement.line,
                f"{text[:60]!r}: {wrong}",
                code="bad-formula",
                remedy="use labels and numbers with + - * / ^ exp log sqrt",
            ) from wrong
        known = self.labels | set(self.defined)
        self.lines[name] = statement.line
        absent = [label for label in formula.labels if label not in known]
        if absent or name in self.labels:
            word = f"{name!r} is a label" if not absent else f"no label {absent[0]!r}"
            raise fault(
                statement.line,
                f"{statement.text!r}: there is {word} above it",
                code="unknown-label" if absent else "bad-definition",
                remedy=f"labels above it: {', '.join(sorted(known)) or 'none'}",
            )
        self.defined[name] = formula

    @property
    def labels(self) -> set[str]:
        """All labels of parameters."""
        found = {label for e in self.elements.values() for label in e.said.labels}
        return found - {""}

    def _finish(self) -> None:
        if not self.elements:
            raise SpecificationError(
                "lavaan syntax: the text states no parameters",
                code="empty-model",
                remedy='write for example "Quality =~ q1 + q2 + q3"',
            )
        for label in [*(a for pair in self.equal for a in pair), *self.fixed]:
            if label not in self.labels:
                raise fault(
                    self.lines.get(label, 0),
                    f"no parameter has the label {label!r}",
                    code="unknown-label",
                    remedy=f"labels are {', '.join(sorted(self.labels)) or 'none'}",
                )
        above = {lv: set(self.items_of(lv)) for lv in self.latent}
        try:
            tuple(TopologicalSorter(above).static_order())
        except CycleError as loop:
            line = min(e.line for (a, _, _), e in self.elements.items() if a in above)
            raise fault(
                line,
                f"{' =~ '.join(loop.args[1])} measure each other",
                code="own-indicator",
                remedy="join them by ~ or ~~",
            ) from loop


def _key(left: Term, operator: str, term: Term, line: int) -> Key:
    wrong = left if left.modifiers or left.constant or len(left.names) > 1 else None
    if len(term.names) > 1 or (term.constant and operator != "~"):
        wrong = term
    if wrong is not None:
        several = len(wrong.names) > 1
        raise fault(
            line,
            f"{str(wrong)!r} stands beside {operator}",
            code="no-interactions" if several else "bad-term",
            remedy="products of factors are estimated with sat.pls"
            if several
            else "write a name there, and what it is multiplied with on the right",
        )
    lhs, rhs = left.names[0], term.names[0]
    if term.constant:
        return lhs, "~1", ""
    if lhs == rhs and operator != "~~":
        raise fault(
            line,
            f"{lhs} {operator} {rhs}: by itself",
            code="own-indicator",
            remedy="leave it out",
        )
    return lhs, operator, rhs


def _constant(term: Term) -> Term:
    """Return the term; ``~ 0`` is an intercept fixed at 0."""
    return Term(("1",), ("0", *term.modifiers)) if term.names == ("0",) else term


def _number(text: str) -> float | None:
    try:
        return read(text).number()
    except ValueError:
        return None
