"""Which stages make which gap, and why a gap is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from satmetrics.errors import DataError
from satmetrics.gap.five.comparing import (
    Cells,
    Testing,
    against_maximum,
    compared,
    paired,
)
from satmetrics.gap.five.material import Material, check_scales, paired_stages
from satmetrics.gap.five.stages import Stage

PAIRS = {
    1: ("belief", "expectation"),
    4: ("delivery", "communication"),
    6: ("employee belief", "expectation"),
    7: ("employee belief", "belief"),
}
BEFORE = {2: ("standards", "belief"), 3: ("delivery", "standards")}
"""What standards and delivery are compared with, unless with the maximum."""
COUNTED = {2: "standards", 3: "delivery", 4: "communication"}
LACKING = {
    "expectation": "customers were not asked what they expect",
    "perception": "customers were not asked what they perceive",
    "belief": "managers were not asked what they believe customers expect",
    "employee belief": "employees were not asked what they believe customers expect",
    "standards": "standards were neither rated nor counted",
    "delivery": "delivery was neither rated nor counted",
    "communication": "what is communicated was neither rated nor counted",
}
UNRATED = {
    "standards": "standards are counted, not rated, so that delivery has no stage "
    'before it; against="maximum" needs none',
    "delivery": "delivery is counted, not rated, so that promises cannot be compared "
    "with it; count promises made and kept",
}


def gap_cells(
    stages: Mapping[str, Stage],
    counts: Mapping[str, Cells],
    material: Material,
    *,
    against: str,
    min_answered: float,
    testing: Testing,
    rng: np.random.Generator,
) -> tuple[list[Cells], dict[int, str]]:
    """Return the gaps that have material, and why the others are absent."""
    found: list[Cells] = []
    absent: dict[int, str] = {}
    for gap, child in zip(range(1, 8), rng.spawn(7), strict=True):
        if COUNTED.get(gap) in counts:
            found.append(counts[COUNTED[gap]])
            continue
        pair = _needed(gap, against)
        lacking = [name for name in pair if name not in stages]
        if lacking:
            absent[gap] = _why(lacking, counts)
        elif gap == 5:
            both = paired_stages(stages, material.design, min_answered)
            check_scales(gap, *both)
            found.append(paired(gap, *both, testing))
        elif len(pair) == 1:
            later = stages[pair[0]]
            found.append(against_maximum(gap, later, _maximum(later), testing))
        else:
            later, earlier = (stages[name] for name in pair)
            check_scales(gap, later, earlier)
            found.append(compared(gap, later, earlier, testing, child))
    if not found:
        why = "; ".join(f"gap {gap}: {reason}" for gap, reason in absent.items())
        raise DataError(
            f"there is nothing to compare. {why}",
            code="no-gaps",
            column="customers",
            remedy="give customers with expectations and perceptions, or what managers "
            "and employees rated: standards=, delivery=, communication=",
        )
    return found, absent


def point_cells(
    points: Mapping[str, Stage], testing: Testing, rng: np.random.Generator
) -> list[Cells]:
    """Return gaps 1, 6 and 7 of importance points."""
    found = []
    for gap, child in zip((1, 6, 7), rng.spawn(3), strict=True):
        later, earlier = (points.get(name) for name in PAIRS[gap])
        if later is not None and earlier is not None:
            cells = compared(gap, later, earlier, testing, child)
            found.append(replace(cells, form="importance points"))
    return found


def _needed(gap: int, against: str) -> tuple[str, ...]:
    if gap == 5:
        return ("perception", "expectation")
    if gap in BEFORE:
        return BEFORE[gap] if against == "stage" else BEFORE[gap][:1]
    return PAIRS[gap]


def _why(lacking: list[str], counts: Mapping[str, Cells]) -> str:
    reasons = [UNRATED[n] if n in counts else LACKING[n] for n in lacking]
    return "; ".join(reasons)


def _maximum(stage: Stage) -> float:
    if stage.scale is None:
        raise DataError(
            f"{stage.name}: the ratings of {stage.source.word} have no scale, hence no "
            "maximum",
            code="no-scale",
            column=stage.name,
            remedy="state it, Survey(frame, scale=(1, 7)), or compare with the stage "
            'before: against="stage"',
        )
    return stage.scale.maximum
