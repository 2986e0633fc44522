"""What stands before a variable in lavaan's syntax: values, labels, starting values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from satmetrics.models.lavaan_text import NUMBER, Term, fault, label_of

_VECTOR = re.compile(r"c\((.*)\)", re.DOTALL)
_CALL = re.compile(r"(start|label)\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Modifiers:
    """Modifiers of a term, one entry for all groups or one for each.

    Attributes
    ----------
    values : at which it is fixed, None where it is free (NA); empty if not said.
    labels : empty text for no label; empty if not said.
    starts : where the iteration starts; empty if not said.
    """

    values: tuple[float | None, ...] = ()
    labels: tuple[str, ...] = ()
    starts: tuple[float | None, ...] = ()

    def merged(self, other: Modifiers) -> Modifiers:
        """Return both; the later one counts where both say something."""
        return Modifiers(
            other.values or self.values,
            other.labels or self.labels,
            other.starts or self.starts,
        )

    def longest(self) -> int:
        """Return for how many groups something is said."""
        return max(len(self.values), len(self.labels), len(self.starts))


def modifiers_of(term: Term, line: int) -> Modifiers:
    """Return what the modifiers of a term say.

    Raises
    ------
    SpecificationError
        If one is not known, naming the line.
    """
    found = Modifiers()
    for text in term.modifiers:
        found = found.merged(_one(text, term, line))
    return found


def at_group(said: tuple[object, ...], g: int, n_groups: int, line: int) -> object:
    """Return what is said for group g: one entry is for all groups.

    Raises
    ------
    SpecificationError
        If the entries are neither one nor as many as there are groups.
    """
    if len(said) not in (1, n_groups):
        raise fault(
            line,
            f"{len(said)} entries in c(…) for {n_groups} group(s)",
            code="bad-vector",
            remedy="give one entry for all groups, or one for each, in their order",
        )
    return said[0 if len(said) == 1 else g]


def _one(text: str, term: Term, line: int) -> Modifiers:
    call = _CALL.fullmatch(text)
    inner = text if call is None else call.group(2).strip()
    vector = _VECTOR.fullmatch(inner)
    parts = [inner] if vector is None else [p.strip() for p in vector[1].split(",")]
    numbers = all(part == "NA" or NUMBER.fullmatch(part) for part in parts)
    if numbers and (call is None or call.group(1) == "start"):
        values = tuple(None if part == "NA" else float(part) for part in parts)
        return Modifiers(values=values) if call is None else Modifiers(starts=values)
    labels = [label_of(part) for part in parts]
    known = all(
        label or part == "NA" for label, part in zip(labels, parts, strict=True)
    )
    if known and (call is None or call.group(1) == "label"):
        return Modifiers(labels=tuple(label or "" for label in labels))
    raise fault(
        line,
        f"{text!r} before {':'.join(term.names)!r} is not understood",
        code="bad-modifier",
        remedy="before a variable stand a number, NA, a label, start(number), or c(…) "
        "with one of these for each group",
    )
