"""Messages in one voice: what is wrong, the value, and what would be right."""

from __future__ import annotations

import difflib
import functools
import inspect
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, SupportsIndex, TypeVar, cast

import numpy as np

from satmetrics._kinds import Kind, allowed_kinds, check_kinds, shown
from satmetrics.errors import DataError, OptionError

P = ParamSpec("P")
R = TypeVar("R")

_NEAR_MISSES = {
    "seed": "rng",
    "random_state": "rng",
    "alpha": "level",
    "conf_level": "level",
    "confidence": "level",
    "boot_n": "n_draws",
    "nboot": "n_draws",
    "n_boot": "n_draws",
    "draws": "n_draws",
    "subsamples": "n_draws",
    "R": "n_draws",
    "B": "n_draws",
    "groupby": "by",
    "group": "by",
    "sample_weight": "weights",
}


def did_you_mean(word: object, options: Iterable[object]) -> str:
    """Return ``did you mean 'x'?`` for the nearest option, or an empty string."""
    found = nearest(word, options)
    return "" if found is None else f"did you mean {found!r}?"


def nearest(word: object, options: Iterable[object]) -> str | None:
    """Return the option most like `word`, None if none is."""
    names = [str(option) for option in options]
    folded = {name.casefold().replace("_", "").replace(" ", ""): name for name in names}
    key = str(word).casefold().replace("_", "").replace(" ", "").replace("-", "")
    close = difflib.get_close_matches(key, folded, n=3, cutoff=0.65)
    close.sort(key=lambda near: sorted(near) != sorted(key))  # letters swapped first
    if not close and len(key) > 2:
        close = [f for f in folded if key.startswith(f) or f.startswith(key)][:1]
    return folded[close[0]] if close else None


def one_of(name: str, value: object, options: Sequence[str]) -> None:
    """Raise ``OptionError`` unless `value` is one of `options`."""
    if isinstance(value, str) and value in options:
        return
    listed = ", ".join(repr(option) for option in options)
    hint = did_you_mean(value, options)
    raise OptionError(
        f"{name}={shown(value)} is not an option",
        code="unknown-option",
        column=name,
        value=value,
        remedy=f"{hint} the options are {listed}".strip(),
    )


def either(names: object) -> str:
    """Return names as a phrase: "company or wave"."""
    if names is None or isinstance(names, str):
        return names or ""
    return " or ".join(map(str, cast("Iterable[object]", names)))


def check_share(name: str, value: float) -> None:
    """Raise ``OptionError`` unless `value` is a share above 0 and up to 1."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value <= 1:
        raise OptionError(
            f"{name}={value!r}",
            code="bad-share",
            column=name,
            value=value,
            remedy="give a share above 0 and up to 1, such as 0.5",
        )


def columns_present(
    wanted: Sequence[str], present: Sequence[str], *, where: str = "the survey"
) -> None:
    """Raise ``DataError`` naming every wanted column that is not present."""
    there = set(present)
    absent = [name for name in wanted if name not in there]
    if not absent:
        return
    hints = [hint for name in absent[:3] if (hint := did_you_mean(name, present))]
    shown = ", ".join(repr(name) for name in absent[:8])
    more = f" and {len(absent) - 8} more" if len(absent) > 8 else ""
    listed = ", ".join(map(str, present[:12])) + (" …" if len(present) > 12 else "")
    raise DataError(
        f"columns not found: {shown}{more}",
        code="columns-not-found",
        column=absent[0],
        value=tuple(absent),
        remedy=" ".join([*hints, f"{where} has {len(present)} columns: {listed}"]),
    )


def check_level(level: float) -> None:
    """Raise unless `level` is a confidence level strictly between 0.5 and 1."""
    if isinstance(level, bool) or not isinstance(level, (int, float)):
        raise OptionError(
            f"level={shown(level)} is not a number",
            code="bad-level",
            column="level",
            remedy="give a share such as 0.95",
        )
    if not 0.5 <= level < 1:
        hint = f"did you mean level={1 - level:g}?" if 0 < level < 0.5 else ""
        raise OptionError(
            f"level={level!r} is not a confidence level",
            code="bad-level",
            column="level",
            value=level,
            remedy=f"{hint} give a share such as 0.95".strip(),
        )


def positive_int(name: str, value: object, *, at_least: int = 1) -> int:
    """Return `value` as int, or raise naming the bound."""
    number = None if isinstance(value, bool) else _whole(value)
    if number is None:
        raise OptionError(
            f"{name}={shown(value)} is not a whole number",
            code="bad-count",
            column=name,
            remedy=f"give a whole number of at least {at_least}",
        )
    if number < at_least:
        raise OptionError(
            f"{name}={number} is too small",
            code="bad-count",
            column=name,
            value=number,
            remedy=f"give at least {at_least}",
        )
    return number


def _whole(value: object) -> int | None:
    """Return the whole number that `value` is, None if it is none."""
    try:
        return operator.index(cast("SupportsIndex", value))
    except TypeError:
        return None


def expect(function: str, value: object, kind: type, noun: str, *, remedy: str) -> None:
    """Raise ``OptionError`` unless `value` is the kind of result `function` takes."""
    if not isinstance(value, kind):
        raise OptionError(
            f"{function}() needs {noun}, got {type(value).__name__}",
            code=f"not-{noun.replace(' ', '-')}",
            remedy=remedy,
        )


def generator(rng: object) -> np.random.Generator:
    """Return the Generator that `rng` means (SPEC 7): itself, a seed, or fresh."""
    if rng is None or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    if isinstance(rng, bool) or _whole(rng) is None:
        raise OptionError(
            f"rng={shown(rng)} is no source of random numbers",
            code="bad-rng",
            column="rng",
            value=rng,
            remedy="give a seed such as rng=1, a numpy Generator, or None",
        )
    return np.random.default_rng(positive_int("rng", rng, at_least=0))


def friendly_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a keyword that does not exist with the one that was probably meant.

    And an argument of the wrong kind with what it may be.
    """
    parameters = inspect.signature(function).parameters
    known = [name for name in parameters if not name.startswith("_")]

    @functools.cache
    def allowed() -> dict[str, tuple[Kind, ...]]:
        return allowed_kinds(parameters, vars(sys.modules[function.__module__]))

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for word in kwargs:
            if word not in parameters:
                raise _unknown_keyword(function.__name__, word, known)
        given = {**dict(zip(parameters, args, strict=False)), **kwargs}
        check_kinds(function, allowed(), given)
        return function(*args, **kwargs)

    return wrapper


def _unknown_keyword(function: str, word: str, known: Sequence[str]) -> OptionError:
    meant = _NEAR_MISSES.get(word)
    hint = f"did you mean {meant!r}?" if meant in known else did_you_mean(word, known)
    if word == "alpha" and meant in known:
        hint = "did you mean 'level'? (level=0.95; alpha is Cronbach's here)"
    return OptionError(
        f"{function}() has no argument {word!r}",
        code="unknown-keyword",
        column=word,
        value=word,
        remedy=f"{hint} it takes {', '.join(known)}".strip(),
    )
