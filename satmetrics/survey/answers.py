"""Answers as numbers: one place that reads a column exactly, or says why it cannot."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.survey._door import Column, span_of
from satmetrics.survey._suspects import (
    HIGH,
    LOW,
    Span,
    check_suspects,
    codes_cure,
    has_fraction,
    may_hold_codes,
    scale_cure,
)
from satmetrics.survey.scale import Scale

MISSING_TEXTS = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", ".", "-", "--"}
)
"""Texts that are an empty cell, not an answer (after `plain_text`)."""

_NUMBER = re.compile(
    r"([+-]?(?:\d+(?:[.,]\d+)?|\.\d+))\s*(?:分|点|點|级|星|points?|pts?\.?|stars?)?"
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_OPTION_LETTER = re.compile(r"^\(?[a-z][.、:)．]\s*")
_MOST_CODES = 2
"""More different values off a scale speak of another scale, not of missing codes."""
_SHOWN = 8


@dataclass(frozen=True)
class Rules:
    """How the answers of one column are to be read.

    Attributes
    ----------
    scale : the declared scale, None if there is none.
    codes : numbers that mean "no answer" in this column.
    code_texts : texts that mean "no answer" (after `plain_text`).
    texts : answer text (after `plain_text`) -> number.
    doubtful : codes given for all columns that are answers on this one's scale.
    """

    scale: Scale | None = None
    codes: tuple[float, ...] = ()
    code_texts: frozenset[str] = frozenset()
    texts: Mapping[str, float] = field(default_factory=dict)
    doubtful: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Reading:
    """A column read as numbers.

    Attributes
    ----------
    name : the column.
    values : (n,), NaN = missing.
    reasons : why answers were left out.
    why : (n,) position in `reasons` of each answer left out, else -1; None if none is.
    notes : sentences about the conversion.
    span : lowest and highest value; None if not looked up.
    """

    name: str
    values: FloatArray
    reasons: tuple[str, ...] = ()
    why: IntArray | None = None
    notes: tuple[str, ...] = ()
    span: Span | None = None

    def exclusions(self) -> tuple[Exclusion, ...]:
        """Return the answers left out, counted by reason."""
        if self.why is None:
            return ()
        counts = np.bincount(self.why[self.why >= 0], minlength=len(self.reasons))
        pairs = zip(self.reasons, counts.tolist(), strict=True)
        return tuple(Exclusion(r, k, "answers", self.name) for r, k in pairs if k)

    def take(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Reading:
        """Return the reading of the given rows."""
        why = None if self.why is None else self.why[rows]
        return Reading(self.name, self.values[rows], self.reasons, why, self.notes)


def plain_text(text: str) -> str:
    """Return a text as it is compared: full width folded, no outer blanks, no case.

    Examples
    --------
    >>> plain_text("　７分 ")
    '7分'
    """
    folded = unicodedata.normalize("NFKC", text).replace("\u200b", "")
    return " ".join(folded.replace("\ufeff", "").split()).casefold()


def number_of(text: str) -> float | None:
    """Return the number a text holds, None if it holds none or an ambiguous one.

    Examples
    --------
    >>> number_of("７"), number_of("7分"), number_of("7,5")
    (7.0, 7.0, 7.5)
    >>> number_of("1,000") is None
    True
    """
    plain = plain_text(text)
    match = _NUMBER.fullmatch(plain)
    if match is None or _THOUSANDS.fullmatch(match[1]):
        return None
    return float(match[1].replace(",", "."))


def read_answers(name: str, column: Column, rules: Rules) -> Reading:
    """Read one column as numbers.

    Parameters
    ----------
    name : the column's name, for messages.
    column : the column.
    rules : scale, missing codes and answer texts.

    Returns
    -------
    Reading, float64 with NaN for missing, everything left out counted.

    Raises
    ------
    DataError
        If a value is not a number and has none given to it, is infinite, lies off the
        declared scale, or looks like a missing code.
    """
    values, notes = _numbers(name, column, rules)
    span = column.span if values is column.values else span_of(values)
    _check_finite(name, values, span)
    _check_doubtful(name, values, rules, span)
    values, reasons, why = _drop_codes(column, values, rules, span)
    span = span if why is None else span_of(values)
    if rules.scale is not None:
        _check_scale(name, values, rules.scale, span)
        between = _between(values, rules.scale)
        notes += between_points(name, between, rules.scale)
    elif may_hold_codes(values, span):
        check_suspects(name, values)
    return Reading(name, values, reasons, why, notes, span)


def _numbers(
    name: str, column: Column, rules: Rules
) -> tuple[FloatArray, tuple[str, ...]]:
    if column.kind == "number":
        return column.values.astype(np.float64, copy=False), ()
    if column.kind == "date":
        raise dates_held(name, column.labels)
    numbers, given = _label_numbers(column.labels, rules)
    counts = column.counts()
    bad = [i for i, v in enumerate(numbers) if v is None and counts[i]]
    if bad and column.ordered:
        return _ordered(name, column, rules)
    if bad:
        counts = counts[bad]
        raise texts_held(name, [column.labels[i] for i in bad], counts.tolist())
    lookup = [np.nan if v is None else v for v in numbers]
    values: FloatArray = np.asarray([*lookup, np.nan])[column.values]
    return values, _conversion_notes(name, column, lookup, given)


def _label_numbers(
    labels: Sequence[str], rules: Rules
) -> tuple[list[float | None], set[int]]:
    """Return each label's number (NaN missing, None none), and which are texts."""
    numbers: list[float | None] = []
    given: set[int] = set()
    points = {}
    if rules.scale is not None and rules.scale.labels:
        pairs = zip(rules.scale.labels, rules.scale.points, strict=True)
        points = {plain_text(text): point for text, point in pairs}
    texts = {**points, **rules.texts}
    for i, label in enumerate(labels):
        plain = plain_text(label)
        bare = _OPTION_LETTER.sub("", plain)
        if plain in texts or bare in texts:
            numbers.append(texts.get(plain, texts.get(bare)))
            given.add(i)
        elif plain in rules.code_texts or plain in MISSING_TEXTS:
            numbers.append(math.nan)
        else:
            numbers.append(number_of(label))
    return numbers, given


def _conversion_notes(
    name: str, column: Column, lookup: Sequence[float], given: set[int]
) -> tuple[str, ...]:
    counts = column.counts()
    texts = sum(int(counts[i]) for i in given)
    empty = [i for i, v in enumerate(lookup) if math.isnan(v) and counts[i]]
    empty = [i for i in empty if plain_text(column.labels[i]) in MISSING_TEXTS - {""}]
    blank = sum(int(counts[i]) for i, v in enumerate(lookup) if math.isnan(v))
    plain = int(counts.sum()) - texts - blank
    notes = []
    if plain:
        notes.append(f"{plain:,} numbers of {name!r} were read from text")
    if texts:
        notes.append(f"{texts:,} answer texts of {name!r} were read as their numbers")
    if empty:
        shown = ", ".join(repr(column.labels[i]) for i in empty[:_SHOWN])
        total = sum(int(counts[i]) for i in empty)
        notes.append(f"{total:,} cells of {name!r} were read as empty: {shown}")
    return tuple(notes)


def _ordered(
    name: str, column: Column, rules: Rules
) -> tuple[FloatArray, tuple[str, ...]]:
    scale = rules.scale
    if scale is None or scale.n_points != len(column.labels):
        points = "no scale is declared" if scale is None else f"its scale is {scale}"
        raise DataError(
            f"column {name!r} has {len(column.labels)} ordered categories "
            f"({_list(column.labels)}) and {points}",
            code="answer-texts",
            column=name,
            value=column.labels,
            remedy=f"declare a scale of {len(column.labels)} points, or give each text "
            "its number: answers={text: number}",
        )
    values: FloatArray = np.asarray([*scale.points, np.nan])[column.values]
    note = (
        f"the ordered categories of {name!r} were read as {scale}: "
        f"{column.labels[0]!r} = {scale.minimum:g} … "
        f"{column.labels[-1]!r} = {scale.maximum:g}"
    )
    return values, (note,)


def dates_held(name: str, labels: Sequence[str]) -> DataError:
    """Return the error for a column of dates."""
    return DataError(
        f"column {name!r} holds dates, such as {labels[0]}",
        code="not-numbers",
        column=name,
        value=tuple(labels[:_SHOWN]),
        remedy="answers are numbers; is it the wave? then give wave=",
    )


def texts_held(name: str, labels: Sequence[str], counts: Sequence[int]) -> DataError:
    """Return the error for texts that are no numbers, each with its count."""
    pairs = list(zip(labels, counts, strict=True))
    shown = ", ".join(f"{label!r} ({k:,}x)" for label, k in pairs[:_SHOWN])
    more = f" and {len(pairs) - _SHOWN} more texts" if len(pairs) > _SHOWN else ""
    return DataError(
        f"column {name!r} holds texts, not numbers: {shown}{more}",
        code="answer-texts",
        column=name,
        value=tuple(labels),
        remedy="give each text its number: answers={text: number}, or an [answers] "
        "table in study.toml; a text that is no answer belongs to missing_codes",
    )


def infinite_held(name: str, count: int) -> DataError:
    """Return the error for infinite values."""
    return DataError(
        f"column {name!r} holds {count:,} infinite values",
        code="infinite",
        column=name,
        value=math.inf,
        remedy="correct them, or make them missing before",
    )


def _check_finite(name: str, values: FloatArray, span: Span) -> None:
    if np.isinf(span).any():
        raise infinite_held(name, int(np.isinf(values).sum()))


def _check_doubtful(name: str, values: FloatArray, rules: Rules, span: Span) -> None:
    for code in rules.doubtful:
        hits = int((values == code).sum()) if span[0] <= code <= span[1] else 0
        if hits:
            raise DataError(
                f"missing code {code:g} is an answer on the scale {rules.scale} of "
                f"{name!r} ({hits:,}x)",
                code="code-on-scale",
                column=name,
                value=code,
                remedy=f"say where it is one: missing_codes={{{name!r}: [{code:g}]}}, "
                "with [] for items where it is an answer",
            )


def _drop_codes(
    column: Column, values: FloatArray, rules: Rules, span: Span
) -> tuple[FloatArray, tuple[str, ...], IntArray | None]:
    codes = [code for code in rules.codes if span[0] <= code <= span[1]]
    if not codes and not (column.kind == "text" and rules.code_texts):
        return values, (), None
    reasons: list[str] = []
    why = np.full(len(values), -1, dtype=np.int64)
    for code in codes:
        hit = values == code
        if hit.any():
            why[hit] = len(reasons)
            reasons.append(f"missing code {code:g}")
    if column.kind == "text" and rules.code_texts:
        for i, label in enumerate(column.labels):
            hit = column.values == i
            if plain_text(label) in rules.code_texts and hit.any():
                why[hit] = len(reasons)
                reasons.append(f"missing code {label!r}")
    if not reasons:
        return values, (), None
    return np.where(why >= 0, np.nan, values), tuple(reasons), why


def _between(values: FloatArray, scale: Scale) -> int:
    """Count answers between the points of a scale, all of them on it."""
    if scale.step <= 0:
        return 0
    plain = scale.step == 1 and scale.minimum == round(scale.minimum)
    if plain and not has_fraction(values):
        return 0
    return int((~scale.on_point(values)).sum())


def _check_scale(name: str, values: FloatArray, scale: Scale, span: Span) -> None:
    if not (span[0] < scale.minimum or span[1] > scale.maximum):
        return
    off = values[~scale.contains(values)]
    distinct, counts = np.unique(off, return_counts=True)
    raise off_scale(name, distinct.tolist(), counts.tolist(), scale)


def off_scale(
    name: str, values: Sequence[float], counts: Sequence[int], scale: Scale
) -> DataError:
    """Return the error for values off the scale, each with its count."""
    pairs = list(zip(values, counts, strict=True))
    shown = ", ".join(f"{value:g} ({k:,}x)" for value, k in pairs[:_SHOWN])
    more = f" and {len(pairs) - _SHOWN} more values" if len(pairs) > _SHOWN else ""
    few = len(pairs) <= _MOST_CODES or set(values) <= {*HIGH, *LOW}
    codes = f'if they mean "no answer", give {codes_cure(values)}; ' if few else ""
    return DataError(
        f"column {name!r} holds values off its scale {scale}: {shown}{more}",
        code="off-scale",
        column=name,
        value=tuple(values),
        remedy=f"{codes}if the scale of the item is another, give {scale_cure(name)}",
    )


def between_points(name: str, count: int, scale: Scale) -> tuple[str, ...]:
    """Return the note on answers between two points of the scale, if there are any."""
    where = f"between the points of {scale}"
    return (f"{count:,} answers of {name!r} lie {where}",) if count else ()


def _list(texts: Sequence[str]) -> str:
    return ", ".join(repr(text) for text in texts[:_SHOWN])


def loose_numbers(column: Column, scale: Scale | None) -> tuple[FloatArray, int]:
    """Return a column's numbers, NaN where there is none, and how many texts have none.

    Nothing is refused: this is for looking at a column, not for reading it.
    """
    if column.kind == "number":
        return column.values.astype(np.float64), 0
    if column.kind == "date":
        return np.full(len(column.values), np.nan), int((column.values >= 0).sum())
    numbers, _ = _label_numbers(column.labels, Rules(scale))
    counts = column.counts()
    bad = sum(int(counts[i]) for i, v in enumerate(numbers) if v is None)
    lookup = [np.nan if v is None else v for v in numbers]
    return np.asarray([*lookup, np.nan])[column.values], bad
