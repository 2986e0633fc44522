"""Statements of lavaan model syntax, each with the line it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from satmetrics.errors import SpecificationError

OPERATOR = re.compile(r"=~|<~|~\*~|~~|~|:=|==|<|>|\|")
NAME = re.compile(r"[^\W\d_][\w.]*|\.[^\W\d][\w.]*")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE]-?\d+)?")
PART = re.compile(r"(level|group|block|class)\s*:", re.IGNORECASE)
OPEN_END = ("+", "*", "?", "~", "=", "<", ">", "|", ",", "(")
_RESERVED = (
    *("if", "else", "repeat", "while", "function", "for", "next", "break", "in"),
    *("TRUE", "FALSE", "NULL", "Inf", "NaN", "NA"),
)
"""Words of R that cannot name a variable."""


@dataclass(frozen=True)
class Term:
    """One summand: variables joined by ":", and what is multiplied with them."""

    names: tuple[str, ...]
    modifiers: tuple[str, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether it is the intercept, written 1, or its absence, written 0."""
        return self.names in (("1",), ("0",))

    def __str__(self) -> str:
        return "*".join([*self.modifiers, ":".join(self.names)])


@dataclass(frozen=True)
class Statement:
    """One formula: what stands left and right of the operator, and its line."""

    line: int
    text: str
    left: tuple[Term, ...]
    operator: str
    right: tuple[Term, ...]


def statements(text: str) -> list[Statement]:
    """Return the statements of a text.

    Raises
    ------
    SpecificationError
        If a statement cannot be read, with its line.
    """
    return [_statement(line, formula) for line, formula in _formulas(text)]


def fault(line: int, message: str, *, code: str, remedy: str) -> SpecificationError:
    """Return an error that names the line."""
    return SpecificationError(
        f"lavaan syntax, line {line}: {message}", code=code, value=line, remedy=remedy
    )


def syntactic(name: str) -> bool:
    """Return whether a name needs no quotes in R."""
    return bool(NAME.fullmatch(name)) and name not in _RESERVED


def label_of(modifier: str) -> str | None:
    """Return the label a modifier gives, or None where it is none."""
    called = re.fullmatch(r"label\(\s*(.*?)\s*\)", modifier)
    text = modifier if called is None else called.group(1)
    quoted = re.fullmatch(r"""(["'])(.*)\1""", text)
    if quoted is not None:
        return quoted.group(2)
    return text if called is None and syntactic(text) else None


def _formulas(text: str) -> Iterator[tuple[int, str]]:
    """Yield formulas whole: a line without an operator goes on with the one before."""
    line, held = 0, ""
    for number, piece in _pieces(text):
        starts = bool(_operators(piece)) or bool(PART.match(piece))
        if not starts or (held and _open(held)):
            if starts:
                raise fault(
                    number,
                    f"{held!r} on line {line} is not finished",
                    code="unfinished-formula",
                    remedy="a line that ends in an operator goes on in the next",
                )
            if not held:
                raise fault(
                    number,
                    f"{piece!r} has no operator",
                    code="no-operator",
                    remedy="write =~, <~, ~ or ~~ between names",
                )
            held = f"{held} {piece}"
            continue
        if held:
            yield line, held
        line, held = number, piece
    if held:
        yield line, held


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands on each line, without comments, split at semicolons."""
    for number, raw in enumerate(text.splitlines(), start=1):
        bare = re.match(r"""(?:"[^"]*"|'[^']*'|[^#!"'])*""", raw)
        kept = "" if bare is None else bare.group()
        if kept != raw and raw[len(kept)] in "\"'":
            raise fault(
                number,
                "a quotation mark is not closed",
                code="open-quote",
                remedy="close it on the same line",
            )
        for piece in _split(kept, ";"):
            if piece:
                yield number, piece


def _open(formula: str) -> bool:
    return formula.endswith(OPEN_END) or formula.count("(") > formula.count(")")


def _mask(text: str) -> str:
    """Return the text with what stands in quotes or parentheses blanked."""
    out, depth, quote = [], 0, ""
    for sign in text:
        inside = bool(quote) or depth > 0
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote, inside = sign, True
        elif sign in "()":
            depth, inside = depth + (1 if sign == "(" else -1), True
        out.append("\0" if inside else sign)
    return "".join(out)


def _operators(text: str) -> list[re.Match[str]]:
    return list(OPERATOR.finditer(_mask(text)))


def _split(text: str, signs: str) -> list[str]:
    """Split at signs that stand outside quotes and parentheses."""
    masked = _mask(text)
    cuts = [-1, *(i for i, sign in enumerate(masked) if sign in signs), len(text)]
    return [text[a + 1 : b].strip() for a, b in pairwise(cuts)]


def _statement(line: int, formula: str) -> Statement:
    found = _operators(formula)
    if PART.match(formula) and not any(m.group() in ("=~", "<~", "~") for m in found):
        raise fault(
            line,
            f"{formula!r} begins a part of its own",
            code="several-parts",
            remedy="one text is one model for all; groups are asked for with by=",
        )
    if len(found) > 1:
        raise fault(
            line,
            f"{formula!r} has {len(found)} operators",
            code="several-operators",
            remedy="write each formula on its own line",
        )
    cut = found[0]
    sides = (formula[: cut.start()], formula[cut.end() :])
    if cut.group() in (":=", "==", "<", ">", "|", "~*~"):
        return Statement(line, formula, (), cut.group(), ())
    left, right = (
        tuple(_term(line, part) for part in _split(side, "+")) for side in sides
    )
    return Statement(line, formula, left, cut.group(), right)


def _term(line: int, text: str) -> Term:
    *modifiers, variable = _split(text, "*?")
    names = tuple(part.strip() for part in variable.split(":"))
    if names in (("1",), ("0",)) or all(syntactic(name) for name in names):
        marks = [sign for sign in _mask(text) if sign in "*?"]
        said = [
            f"start({m})" if mark == "?" else m
            for m, mark in zip(modifiers, marks, strict=True)
        ]
        return Term(names, tuple(said))
    raise fault(
        line,
        f"{text!r} is not a variable" if text else "a name is missing",
        code="bad-term",
        remedy="names start with a letter and hold letters, digits, dots and "
        "underscores; terms are joined by +",
    )
