"""Formulas in labels of parameters: read, checked, and evaluated with their gradient.

Nothing is executed: of a formula's tree only arithmetic, numbers, labels and three
functions are known, and all else is an error.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.models.lavaan_text import NAME

LONGEST = 2000
"""Characters of the longest formula that is read."""
FUNCTIONS = ("exp", "log", "sqrt")
_WORD = re.compile(
    r"(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)"
    rf"|(?P<function>({'|'.join(FUNCTIONS)})(?=\s*\())|(?P<name>{NAME.pattern})"
)
_PLAIN = re.compile(r"[\s\w.+\-*/()^]*")


@dataclass(frozen=True, eq=False)
class Dual:
    """A value and its gradient.

    Attributes
    ----------
    value : (…)
    slope : (…, t) derivatives by the free parameters.
    """

    value: FloatArray
    slope: FloatArray

    def mapped(self, value: FloatArray, slope: FloatArray) -> Dual:
        """Return a function of this: its value, and its derivative by this."""
        return Dual(value, slope[..., None] * self.slope)


@dataclass(frozen=True)
class Formula:
    """Arithmetic on labels.

    Attributes
    ----------
    text : as written.
    labels : the labels it names, each once.
    """

    text: str
    labels: tuple[str, ...]
    tree: ast.expr

    def at(self, known: Mapping[str, Dual]) -> Dual:
        """Return value and gradient, given those of the labels."""
        names = {f"v{k}": known[label] for k, label in enumerate(self.labels)}
        with np.errstate(all="ignore"):
            return _evaluated(self.tree, names)

    def number(self) -> float | None:
        """Return the value of a formula without labels, or None."""
        if self.labels:
            return None
        none = Dual(np.zeros(()), np.zeros(0))
        with np.errstate(all="ignore"):
            found = float(_evaluated(self.tree, {"": none}).value)
        return found if np.isfinite(found) else None


def read(text: str) -> Formula:
    """Return a formula.

    Raises
    ------
    ValueError
        If it holds anything but numbers, labels, ``+ - * / ** ^``, parentheses and the
        functions exp, log and sqrt; the message says what.
    """
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    if not _PLAIN.fullmatch(text):
        raise ValueError("it holds signs that are no arithmetic")
    labels: dict[str, int] = {}

    def replaced(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found.group()
        return f" v{labels.setdefault(found['name'], len(labels))} "

    plain = _WORD.sub(replaced, text.replace("^", "**")).strip()
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as broken:
        raise ValueError("it cannot be read") from broken
    try:
        for _ in _checked(tree):
            pass
    except RecursionError as deep:
        raise ValueError("it is nested too deeply") from deep
    return Formula(text, tuple(labels), tree)


def _checked(node: ast.expr) -> Iterator[None]:
    """Raise unless a node and all below it are arithmetic."""
    below: list[ast.expr]
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            below = []
        case ast.Name():
            below = []
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            below = [inner]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            below = [left, right]
        case ast.Call(func=ast.Name(id=word), args=[inner], keywords=[]) if (
            word in FUNCTIONS
        ):
            below = [inner]
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not arithmetic on labels")
    for inner in below:
        yield from _checked(inner)


def _evaluated(node: ast.expr, known: Mapping[str, Dual]) -> Dual:
    match node:
        case ast.Constant(value=int() | float() as number):
            like = next(iter(known.values()))
            value = np.full(like.value.shape, float(number))
            return Dual(value, np.zeros_like(like.slope))
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(op=sign, operand=inner):
            one = _evaluated(inner, known)
            if isinstance(sign, ast.USub):
                return Dual(-one.value, -one.slope)
            return one
        case ast.BinOp(left=left, op=operator, right=right):
            both = _evaluated(left, known), _evaluated(right, known)
            return _BINARY[type(operator)](*both)
        case ast.Call(func=ast.Name(id=word), args=[inner]):
            return _called(word, _evaluated(inner, known))
    raise ValueError(f"{ast.unparse(node)!r} is not arithmetic on labels")


def _called(word: str, one: Dual) -> Dual:
    if word == "exp":
        value = np.exp(one.value)
        return one.mapped(value, value)
    if word == "log":
        return one.mapped(np.log(one.value), 1 / one.value)
    root = np.sqrt(one.value)
    return one.mapped(root, 0.5 / root)


def _sum(a: Dual, b: Dual) -> Dual:
    return Dual(a.value + b.value, a.slope + b.slope)


def _difference(a: Dual, b: Dual) -> Dual:
    return Dual(a.value - b.value, a.slope - b.slope)


def _product(a: Dual, b: Dual) -> Dual:
    slope = a.slope * b.value[..., None] + b.slope * a.value[..., None]
    return Dual(a.value * b.value, slope)


def _quotient(a: Dual, b: Dual) -> Dual:
    value = a.value / b.value
    slope = (a.slope - b.slope * value[..., None]) / b.value[..., None]
    return Dual(value, slope)


def _power(a: Dual, b: Dual) -> Dual:
    value = a.value**b.value
    slope = (b.value * a.value ** (b.value - 1))[..., None] * a.slope
    if b.slope.any():
        slope = slope + (value * np.log(a.value))[..., None] * b.slope
    return Dual(value, slope)


_BINARY: Mapping[type[ast.operator], Callable[[Dual, Dual], Dual]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.Div: _quotient,
    ast.Pow: _power,
}
