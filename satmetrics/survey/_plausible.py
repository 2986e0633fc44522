"""Do the answers look as declared? Scales, reversed items, straight-lining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import ReversalWarning, ScaleWarning
from satmetrics.survey._declared import Declared
from satmetrics.survey._door import span_of
from satmetrics.survey._suspects import PIECE, Span
from satmetrics.survey.scale import Scale

MIN_ANSWERS_SCALE = 20
MIN_ANSWERS_USUAL = 50
USUAL_TOPS = (5.0, 7.0)
MIN_ITEMS_USUAL = 3
LONG_SCALE = 9
MIN_ANSWERS_REVERSAL = 30
MIN_ITEMS_STRAIGHT = 5


def check_scales(
    spans: Mapping[str, Span], values: Mapping[str, FloatArray], declared: Declared
) -> list[ScaleWarning]:
    """Return a warning per scale of which some items never reach the upper part.

    `spans` holds the lowest and highest of the `values` of each item.

    An item is named if another item of that scale reaches its top and the item has at
    least 20 answers, none above the middle of a scale of eight or more points, or at
    least 50 answers that end exactly where a five- or seven-point scale ends. If no
    item goes beyond 5 or 7, all of them are named, by the rule of `usual_top`.
    """
    alike: dict[Scale, list[str]] = {}
    for name in values:
        scale = declared.scale(name)
        if scale is not None and scale.n_points >= 6 and name not in declared.reverse:
            alike.setdefault(scale, []).append(name)
    return [
        warning
        for scale, names in alike.items()
        if (
            warning := _scale_warning(
                scale, {n: _seen(values[n], spans[n], scale) for n in names}
            )
        )
    ]


def usual_top(
    columns: Sequence[FloatArray], scale: Scale, at_least: int
) -> float | None:
    """Return 5 or 7 if a longer scale is used as if it ended there, else None.

    The scale ends at 9 or more, at least three columns have `at_least` answers, and the
    highest answer on the scale in any column is exactly 5 or 7.
    """
    return _common_top([_seen(c, span_of(c), scale) for c in columns], scale, at_least)


def _common_top(seen: Sequence[Seen], scale: Scale, at_least: int) -> float | None:
    enough = sum(column.n >= at_least for column in seen)
    if scale.maximum < LONG_SCALE or enough < MIN_ITEMS_USUAL:
        return None
    top = max(column.top for column in seen if column.n)
    return top if top in USUAL_TOPS else None


@dataclass(frozen=True)
class Seen:
    """Answers on a scale: how many, counted up to 50, and the highest."""

    n: int
    top: float


def _seen(values: FloatArray, span: Span, scale: Scale) -> Seen:
    if span[0] < scale.minimum or span[1] > scale.maximum:
        values = values[scale.contains(values)]
        span = span_of(values)
    n = 0
    for start in range(0, len(values), PIECE):
        n += int(np.count_nonzero(~np.isnan(values[start : start + PIECE])))
        if n >= MIN_ANSWERS_USUAL:
            break
    return Seen(n, span[1])


def check_reversals(
    values: Mapping[str, FloatArray], declared: Declared
) -> list[ReversalWarning]:
    """Return a warning per reversed item that correlates negatively once turned.

    The corrected item-rest correlation within the dimension (without an instrument:
    among all items with a scale) is below -2/sqrt(n), with n at least 30.
    """
    return [
        warning
        for name in declared.reverse
        if name in values and (warning := _reversal_warning(name, values, declared))
    ]


def straight_liners(answers: FloatArray) -> int:
    """Count rows of (n, p) with at least 5 answers, all of them the same."""
    if answers.shape[1] < MIN_ITEMS_STRAIGHT:
        return 0
    there = ~np.isnan(answers)
    high = np.where(there, answers, -np.inf).max(axis=1)
    low = np.where(there, answers, np.inf).min(axis=1)
    straight = (there.sum(axis=1) >= MIN_ITEMS_STRAIGHT) & (high == low)
    return int(straight.sum())


def _scale_warning(scale: Scale, values: Mapping[str, Seen]) -> ScaleWarning | None:
    common = _common_top(list(values.values()), scale, MIN_ANSWERS_USUAL)
    if common is not None:
        return ScaleWarning(
            f"no answer to any of {len(values)} items is above {common:g}, though the "
            f"scale is {scale}; if they were asked on another, give it: scale=("
            f"{scale.minimum:g}, {common:g}), or default = [{scale.minimum:g}, "
            f"{common:g}] under [scale] in study.toml"
        )
    tops, low = {}, []
    for name, column in values.items():
        if column.n < MIN_ANSWERS_SCALE:
            continue
        top = tops[name] = column.top
        half = scale.n_points >= 8 and top <= scale.midpoint
        usual = top in USUAL_TOPS and column.n >= MIN_ANSWERS_USUAL
        if half or (usual and top < scale.maximum):
            low.append(name)
    if not low or max(tops.values()) < scale.maximum:
        return None
    listed = ", ".join(repr(name) for name in low)
    top = max(tops[name] for name in low)
    return ScaleWarning(
        f"no answer to {listed} is above {top:g}, though the scale is {scale} and "
        f"other items reach {scale.maximum:g}; if they had another scale, give it: "
        f"scale={{{low[0]!r}: ({scale.minimum:g}, {top:g})}}"
    )


def _reversal_warning(
    name: str, values: Mapping[str, FloatArray], declared: Declared
) -> ReversalWarning | None:
    rest = [other for other in _siblings(name, declared, values) if other != name]
    if not rest or declared.scale(name) is None:
        return None
    item = _turned(name, values, declared)
    others = np.column_stack([_turned(other, values, declared) for other in rest])
    there = ~np.isnan(item) & ~np.isnan(others).any(axis=1)
    n = int(there.sum())
    if n < MIN_ANSWERS_REVERSAL:
        return None
    mean = others[there].mean(axis=1)
    if np.ptp(item[there]) == 0 or np.ptp(mean) == 0:
        return None
    r = float(np.corrcoef(item[there], mean)[0, 1])
    if r >= -2 / np.sqrt(n):
        return None
    return ReversalWarning(
        f"item {name!r}, once turned, correlates {r:.2f} with the rest of its "
        f"dimension (n = {n:,}); if it came turned, say so: already_reversed=[{name!r}]"
    )


def _siblings(
    name: str, declared: Declared, values: Mapping[str, FloatArray]
) -> list[str]:
    place = declared.instrument.item_of(name) if declared.instrument else None
    if declared.instrument is None or place is None:
        return [other for other in values if declared.scale(other) is not None]
    item, form = place
    same = [i.id for i in declared.instrument.items if i.dimension == item.dimension]
    return [column for i in same if (column := form.column(i)) in values]


def _turned(
    name: str, values: Mapping[str, FloatArray], declared: Declared
) -> FloatArray:
    scale = declared.scale(name)
    turned = name in declared.reverse and scale is not None
    return scale.flip(values[name]) if turned and scale else values[name]
