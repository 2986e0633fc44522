"""Arguments held against their annotations: a frame where a name is meant, and such.

Only plain kinds are checked: names, numbers, flags, lists and dicts of them, options.
What else an argument may be (a model, a fit, data) the function itself knows best, and
so it does which number or which word is right.
"""

from __future__ import annotations

import numbers
import re
import types
from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from inspect import Parameter, cleandoc
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np

from satmetrics.errors import OptionError

Test = Callable[[object], bool]


@dataclass(frozen=True)
class Kind:
    """One thing an argument may be: how it is told, and what it is called."""

    test: Test
    words: str


def _is_scalar(value: object) -> bool:
    """Return whether a value is one number, word or flag: which, others check."""
    return isinstance(value, (str, numbers.Number, np.generic)) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )


def _is_list(element: Test) -> Test:
    def test(value: object) -> bool:
        if isinstance(value, Iterator):
            return True
        if isinstance(value, (str, bytes, Mapping)) or hasattr(type(value), "columns"):
            return False
        return isinstance(value, Collection) and all(map(element, value))

    return test


def _is_word(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


NOTHING = Kind(lambda value: value is None, "None")
NAME = Kind(_is_word, "text")
NUMBER = Kind(_is_scalar, "a number")
WHOLE = Kind(_is_scalar, "a whole number")
FLAG = Kind(lambda value: isinstance(value, (bool, np.bool_)), "True or False")
DICT = Kind(lambda value: isinstance(value, Mapping), "a dict")
NAMES = Kind(_is_list(_is_word), "a list of names")
NUMBERS = Kind(
    lambda value: _is_scalar(value) or _is_list(_is_number)(value), "a list of numbers"
)
LIST = Kind(_is_list(lambda _: True), "a list")
PATH = Kind(lambda value: isinstance(value, Path), "a path")
RANDOM = Kind(lambda value: isinstance(value, np.random.Generator), "a numpy Generator")
CALL = Kind(callable, "a function")
PLAIN: Mapping[str, Kind] = {
    "None": NOTHING,
    "NoneType": NOTHING,
    "str": NAME,
    "float": NUMBER,
    "int": WHOLE,
    "bool": FLAG,
    "Path": PATH,
    "FilePath": PATH,
    "Generator": RANDOM,
    "Mapping": DICT,
    "dict": DICT,
    "Callable": CALL,
}
LISTS = ("Sequence", "tuple", "list", "Iterable", "Collection")
LONG = 60
"""Characters of a value above which its type is named instead."""
OPTIONS = "Options"
"""What the classes of options end in."""


def check_kinds(
    function: Callable[..., object],
    allowed: Mapping[str, tuple[Kind, ...]],
    given: Mapping[str, object],
) -> None:
    """Raise ``OptionError`` for the first argument that is of no kind allowed."""
    for name, value in given.items():
        kinds = allowed.get(name)
        if kinds and not any(kind.test(value) for kind in kinds):
            raise _wrong(function, name, value, kinds)


def _wrong(
    function: Callable[..., object], name: str, value: object, kinds: Sequence[Kind]
) -> OptionError:
    listed = _listed(list(dict.fromkeys(kind.words for kind in kinds)))
    hint = ""
    if isinstance(value, str) and NAMES in kinds and NAME not in kinds:
        hint = f"did you mean {name}={[value]!r}? "
    return OptionError(
        f"{function.__name__}() was given {shown(value)} as {name}=",
        code="wrong-kind",
        column=name,
        value=value if value is None or _is_scalar(value) else type(value).__name__,
        remedy=f"{hint}give {listed}{_documented(function, name)}",
    )


def _documented(function: Callable[..., object], name: str) -> str:
    """Return what the docstring says of a parameter, up to its first stop."""
    lines = iter(cleandoc(function.__doc__ or "").splitlines())
    said: list[str] = []
    for line in lines:
        head, colon, text = line.partition(" : ")
        if colon and name in [word.strip() for word in head.split(",")]:
            said = [text]
            break
    for line in lines:
        if not line.startswith(" "):
            break
        said.append(line.strip())
    text = re.split(r"[;.](?: |$)", " ".join(said))[0]
    return f" ({name}: {text})".replace("``", "") if text else ""


def shown(value: object) -> str:
    """Return a value in few words: the repr of a frame or a result fills a page."""
    text = "" if hasattr(type(value), "columns") else repr(value)
    if "\n" not in text and 0 < len(text) < LONG:
        return text
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def allowed_kinds(
    parameters: Mapping[str, Parameter], namespace: Mapping[str, object]
) -> dict[str, tuple[Kind, ...]]:
    """Return what every parameter may be, for those of which it can be said."""
    found = {}
    for name, parameter in parameters.items():
        kinds = _kinds(parameter.annotation, namespace)
        named = parameter.kind in (
            Parameter.POSITIONAL_OR_KEYWORD,
            Parameter.KEYWORD_ONLY,
        )
        if named and kinds is not None:
            found[name] = kinds
    return found


def _kinds(annotation: Any, namespace: Mapping[str, object]) -> tuple[Kind, ...] | None:
    """Return the kinds of an annotation, text or object; None if one is not plain."""
    if isinstance(annotation, str):
        parts = [_of_text(part, namespace) for part in _alternatives(annotation)]
    elif isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        parts = [_kinds(part, namespace) for part in get_args(annotation)]
    else:
        parts = [_of_object(annotation)]
    kinds: list[Kind] = []
    for part in parts:
        if part is None:
            return None
        kinds += part
    return tuple(kinds)


def _alternatives(annotation: str) -> list[str]:
    """Return the parts of an annotation that stand between bars outside brackets."""
    parts, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _of_text(text: str, namespace: Mapping[str, object]) -> tuple[Kind, ...] | None:
    name, _, inner = text.partition("[")
    if name == "Literal":
        return (Kind(_is_scalar, "one of " + inner.rstrip("]")),)
    if name in LISTS:
        return (_list_of(inner.rstrip("]")),)
    if name in PLAIN:
        return (PLAIN[name],)
    return _kinds(namespace[name], namespace) if name in namespace else None


def _of_object(annotation: Any) -> tuple[Kind, ...] | None:
    if annotation is None:
        return (NOTHING,)
    origin = get_origin(annotation)
    if origin is Literal:
        options = ", ".join(repr(option) for option in get_args(annotation))
        return (Kind(_is_scalar, f"one of {options}"),)
    name = getattr(origin or annotation, "__name__", "")
    if name in LISTS:
        inner = ", ".join(getattr(a, "__name__", str(a)) for a in get_args(annotation))
        return (_list_of(inner),)
    if name in PLAIN:
        return (PLAIN[name],)
    if isinstance(annotation, type) and name.endswith(OPTIONS):
        return (Kind(lambda value: isinstance(value, annotation), f"{name}(…)"),)
    return None


def _list_of(inner: str) -> Kind:
    elements = {part.strip() for part in inner.split(",")} - {"..."}
    if elements == {"str"}:
        return NAMES
    return NUMBERS if elements and elements <= {"int", "float"} else LIST
