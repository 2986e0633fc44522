"""Scales, missing codes and answer texts proposed from the answers themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.survey._door import Column, Grid
from satmetrics.survey._file import FileTable
from satmetrics.survey._matching import Match
from satmetrics.survey._plausible import MIN_ANSWERS_SCALE, usual_top
from satmetrics.survey._suspects import HIGH, LOW
from satmetrics.survey._vocabulary import is_no_answer, propose_numbers
from satmetrics.survey.answers import MISSING_TEXTS, number_of, plain_text
from satmetrics.survey.scale import Scale

CODES = frozenset(HIGH + LOW)
_VERBAL = "  # of the answer texts; check"


class Scaled(Protocol):
    """What proposing needs to know of an item."""

    @property
    def id(self) -> str:
        """The item."""

    @property
    def scale(self) -> Scale | None:
        """Its scale, if the model states one."""


@dataclass(frozen=True)
class Proposal:
    """What a file suggests about its answers.

    Attributes
    ----------
    scale, scale_remark : the common scale, with a comment; None if none is known.
    warning : what is odd about the common scale, to be said at once.
    scales : item -> (scale, comment) where it differs.
    guess : lowest and highest answer, where no scale is known.
    scale_notes : remarks to be written as comments.
    codes, code_notes : missing codes, and where they were found.
    texts, unknown_texts : answer texts with a number, and those without.
    """

    scale: Scale | None = None
    scale_remark: str = ""
    warning: str = ""
    scales: Mapping[str, tuple[Scale, str]] = field(default_factory=dict)
    guess: tuple[float, float] | None = None
    scale_notes: tuple[str, ...] = ()
    codes: tuple[float | str, ...] = ()
    code_notes: tuple[str, ...] = ()
    texts: Mapping[str, int] = field(default_factory=dict)
    unknown_texts: tuple[str, ...] = ()


def propose(
    grid: Grid, table: FileTable, items: Sequence[Scaled], matches: Sequence[Match]
) -> Proposal:
    """Return proposals from the columns that are certainly items."""
    columns = {m.item: m.column for m in matches if m.certain}
    texts = _texts(grid, columns)
    declined = tuple(text for text in texts if is_no_answer(text))
    wording = [text for text in texts if text not in declined]
    common, scales = _scales(items, table, columns)
    common, found = _shorter(grid, table, columns, common, scales)
    points = common.n_points if common else 0
    numbers = propose_numbers(wording, points) if wording else {}
    worded = _worded(grid, columns, wording)
    remark = f"  # {found}" if found else ""
    verbal = Scale(1, max(numbers.values())) if numbers and len(wording) > 1 else None
    if verbal is not None and worded and common != verbal:
        if len(worded) == len(columns):
            common, scales = verbal, {}
        else:
            scales |= dict.fromkeys(worded, (verbal, _VERBAL))
    scale_of = {i: scales[i][0] if i in scales else common for i in columns}
    codes, code_notes, off = _codes(grid, table, columns, scale_of)
    return Proposal(
        scale=common,
        scale_remark=_VERBAL if common and common == verbal else remark,
        warning=found,
        scales=scales,
        guess=_guess(grid, columns, codes) if common is None else None,
        scale_notes=off,
        codes=(*codes, *declined),
        code_notes=(*code_notes, *(repr(text) for text in declined)),
        texts=numbers or {},
        unknown_texts=tuple(wording) if numbers is None else (),
    )


def _texts(grid: Grid, columns: Mapping[str, str]) -> list[str]:
    """Return the answer texts that are not numbers, in order of first appearance."""
    found: dict[str, None] = {}
    for column in columns.values():
        for label in grid[column].labels if grid[column].kind == "text" else ():
            if number_of(label) is None and plain_text(label) not in MISSING_TEXTS:
                found.setdefault(label)
    return list(found)


def _worded(
    grid: Grid, columns: Mapping[str, str], wording: Sequence[str]
) -> list[str]:
    known = set(wording)
    return [
        item for item, column in columns.items() if known & set(grid[column].labels)
    ]


def _scales(
    items: Sequence[Scaled], table: FileTable, columns: Mapping[str, str]
) -> tuple[Scale | None, dict[str, tuple[Scale, str]]]:
    stated: dict[str, tuple[Scale, str]] = {}
    for item in items:
        if item.id not in columns:
            continue
        hint = table.scales.get(columns[item.id])
        if hint is not None:
            plain = Scale(hint.minimum, hint.maximum, hint.step)
            stated[item.id] = (plain, "  # from its value labels")
        elif item.scale is not None:
            stated[item.id] = (item.scale, "")
    if not stated:
        return None, {}
    pairs = Counter((s.minimum, s.maximum) for s, _ in stated.values())
    low, high = pairs.most_common(1)[0][0]
    common = Scale(low, high)
    others = {i: (s, r) for i, (s, r) in stated.items() if str(s) != str(common)}
    return common, others


def _shorter(
    grid: Grid,
    table: FileTable,
    columns: Mapping[str, str],
    common: Scale | None,
    other: Mapping[str, object],
) -> tuple[Scale | None, str]:
    """Return the common scale, or the 5- or 7-point one all answers keep to."""
    mine = [column for item, column in columns.items() if item not in other]
    if common is None or any(column in table.scales for column in mine):
        return common, ""
    values = [_values(grid[column]) for column in mine]
    top = usual_top(values, common, MIN_ANSWERS_SCALE)
    if top is None:
        return common, ""
    low, high = common.minimum, common.maximum
    remark = f"found {low:g} to {top:g}, the model says {low:g} to {high:g}; check"
    return Scale(low, top), remark


def _codes(
    grid: Grid,
    table: FileTable,
    columns: Mapping[str, str],
    scale_of: Mapping[str, Scale | None],
) -> tuple[tuple[float, ...], tuple[str, ...], tuple[str, ...]]:
    counts: Counter[float] = Counter()
    notes = []
    for item, column in columns.items():
        values = _values(grid[column])
        declared = table.codes.get(column, ())
        scale = scale_of[item]
        off = values[~scale.contains(values)] if scale else values[_far(values)]
        other: Counter[float] = Counter()
        for value in off.tolist():
            if value in declared:
                continue
            (counts if value in CODES else other)[value] += 1
        if other:
            listed = ", ".join(f"{v:g} ({k}x)" for v, k in sorted(other.items())[:6])
            notes.append(f"{item}: {listed} lie off the scale {scale}; correct either")
    codes = tuple(sorted(counts))
    return codes, tuple(f"{code:g} ({counts[code]}x)" for code in codes), tuple(notes)


def _far(values: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which values of an unscaled column look like codes."""
    suspect = np.isin(values, list(CODES))
    core = values[~suspect]
    if not core.size:
        return suspect & False
    low, high = float(core.min()), float(core.max())
    far = (values > high + max(high - low, 5.0)) | ((values < 0) & (low >= 0))
    return np.asarray(suspect & far, dtype=np.bool_)


def _guess(
    grid: Grid, columns: Mapping[str, str], codes: Sequence[float]
) -> tuple[float, float] | None:
    parts = [_values(grid[column]) for column in columns.values()]
    values = np.concatenate(parts) if parts else np.empty(0)
    seen = values[~np.isin(values, list(codes))]
    return (float(seen.min()), float(seen.max())) if seen.size else None


def _values(column: Column) -> FloatArray:
    """Return the numbers of a column, without missing ones and texts."""
    if column.kind == "number":
        values = column.values.astype(np.float64)
        return values[~np.isnan(values)]
    if column.kind == "date":
        return np.empty(0)
    numbers = [number_of(label) for label in column.labels]
    lookup = [np.nan if number is None else number for number in numbers]
    found: FloatArray = np.asarray([*lookup, np.nan])[column.values]
    return found[~np.isnan(found)]
