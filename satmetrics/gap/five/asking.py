"""What managers and employees were asked, and their answers as a survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from satmetrics._checks import columns_present, did_you_mean, one_of
from satmetrics.errors import OptionError
from satmetrics.gap.design import Design
from satmetrics.gap.five.sources import ONE
from satmetrics.gap.five.stages import Asked, Ratings, asked_columns
from satmetrics.survey._door import open_frame
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey

RATERS = {
    "standards": "managers",
    "delivery": "employees",
    "communication": "employees",
}
"""Who rates each, unless `raters` says otherwise."""
BELIEF = {"managers": "belief", "employees": "employee belief"}
"""The stage that is what each believes customers expect."""


@dataclass(frozen=True, eq=False)
class Questioned:
    """One source, and the columns of each stage it was asked for."""

    survey: Survey
    asked: Mapping[str, Asked]


def is_ratings(material: object) -> TypeGuard[Ratings]:
    """Return whether material names columns of ratings, rather than being counts."""
    return isinstance(material, (str, Mapping))


def who_rates(raters: Mapping[str, str] | None) -> dict[str, str]:
    """Return who rates standards, delivery and communication."""
    given = dict(raters or {})
    for name, word in given.items():
        one_of("raters", name, tuple(RATERS))
        one_of(f"raters[{name!r}]", word, tuple(BELIEF))
    return {**RATERS, **given}


def questioned(
    word: str,
    data: object,
    spec: Instrument,
    design: Design,
    *,
    expect: Ratings | None,
    ratings: Mapping[str, Ratings],
    scale: Scale | None,
) -> Questioned:
    """Read managers or employees.

    Parameters
    ----------
    word : "managers" or "employees".
    data : a survey or a frame. Columns of a frame are read on the customers' scale, as
        are those of a survey that states none.
    expect : columns of what they believe customers expect; the instrument's
        expectations when None.
    ratings : stage → columns of what they rate.
    scale : of the customers.

    Raises
    ------
    DataError
        If nothing of what was asked for is there.
    """
    present = data.columns if isinstance(data, Survey) else open_frame(data).names
    found = {}
    belief = _belief(word, expect, design, present)
    if belief:
        found[BELIEF[word]] = belief
    for stage, given in ratings.items():
        found[stage] = asked_columns(stage, given, design, present, word)
    if not found:
        columns_present(spec.columns("expectation"), present, where=word)
    columns = [c for asked in found.values() for c in asked.columns]
    if isinstance(data, Survey):
        survey = survey_of(data, spec)
        survey = survey if scale is None else survey.with_scale(scale, columns)
        return Questioned(survey, found)
    own = {c: spec.scale_of(c) or scale for c in columns}
    survey = Survey(
        data,
        scale={c: s for c, s in own.items() if s is not None} or None,
        items=columns,
        reverse=_reversed(belief, spec),
    )
    return Questioned(survey, found)


def _belief(
    word: str,
    expect: Ratings | None,
    design: Design,
    present: Sequence[str],
) -> Asked:
    if expect is not None:
        return asked_columns(f"{word}_expect", expect, design, present, word)
    own = dict(zip(design.items, design.expectation, strict=True))
    return Asked({item: c for item, c in own.items() if c in present}, {})


def _reversed(belief: Asked, spec: Instrument) -> list[str]:
    """Return the columns of items that the instrument asks in reverse."""
    turned = {item.id for item in spec.items if item.reverse}
    return [column for item, column in belief.items.items() if item in turned]


def check_given(
    material: Mapping[str, object],
    raters: Mapping[str, str],
    present: Sequence[str],
    shared: Sequence[str],
) -> None:
    """Raise where ratings have nobody who gave them, or `shared` names nothing."""
    for stage, given in material.items():
        word = raters[stage]
        if is_ratings(given) and word not in present:
            raise OptionError(
                f"{stage}= names columns of ratings, but no {word} are given",
                code="no-raters",
                column=stage,
                value=word,
                remedy=f"pass {word}=frame, or raters={{{stage!r}: …}} if others rated "
                f"it; a frame of counts needs no {ONE[word]}",
            )
    known = (*BELIEF, *RATERS)
    for word in shared:
        if word not in known:
            raise OptionError(
                f"shared= names {word!r}",
                code="bad-shared",
                column="shared",
                value=word,
                remedy=f"{did_you_mean(word, known)} it may hold "
                f"{', '.join(known)}".strip(),
            )
