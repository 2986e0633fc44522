"""What was asked of whom, read into stages that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._result import Context, Exclusion
from satmetrics.errors import DataError
from satmetrics.gap._levels import block_means
from satmetrics.gap.design import Design, design_of_instrument
from satmetrics.gap.five.asking import BELIEF, is_ratings, questioned
from satmetrics.gap.five.sources import Source
from satmetrics.gap.five.stages import (
    Asked,
    Ratings,
    Stage,
    averaged,
    mixed_scales,
    scale_of,
    stage,
)
from satmetrics.gap.points import plan_points, point_shares
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey

HUNDRED = Scale(0, 100, 0)
EXPECTED = ("expectation", *BELIEF.values())
"""Stages that ask what customers expect, item by item."""
UNSTATED = (
    "no scale is stated of customers' answers: those of managers and employees are "
    "taken to be on the same one"
)


@dataclass(frozen=True, eq=False)
class Material:
    """Answers of each source, and the columns of each stage.

    Attributes
    ----------
    spec, design : the instrument, and its items and dimensions.
    surveys : source → answers.
    asked : stage → (source, columns).
    """

    spec: Instrument
    design: Design
    surveys: Mapping[str, Survey]
    asked: Mapping[str, tuple[str, Asked]]

    def common(self) -> tuple[str, ...]:
        """Return the items that all sources which ask for items have."""
        found = [set(a.items) for s, (_, a) in self.asked.items() if s in EXPECTED]
        sets = [items for items in found if items]
        return tuple(i for i in self.design.items if all(i in own for own in sets))

    def left_over(self) -> list[Exclusion]:
        """Count the items of each source that not all others ask for."""
        common = set(self.common())
        reason = "not asked of all: dimension scores of gaps 1, 6 and 7 do without"
        return [
            Exclusion(reason, len(set(asked.items) - common), "items", word)
            for name, (word, asked) in self.asked.items()
            if name in EXPECTED and asked.items
        ]


def read_material(
    present: Mapping[str, object],
    spec: Instrument,
    ratings: Mapping[str, object],
    raters: Mapping[str, str],
    expect: Mapping[str, Ratings | None],
) -> Material:
    """Read the sources that are given.

    Parameters
    ----------
    present : source → survey or frame.
    spec : the instrument.
    ratings : "standards", "delivery", "communication" → columns, or counts.
    raters : who rates each.
    expect : columns of what managers and employees believe customers expect.
    """
    perceived = spec.has_form("perception")
    forms = ("expectation", "perception") if perceived else ("expectation",)
    design = design_of_instrument(spec, forms)
    surveys: dict[str, Survey] = {}
    asked: dict[str, tuple[str, Asked]] = {}
    scale = spec.scale
    for word, data in present.items():
        if word == "customers":
            surveys[word] = survey_of(data, spec)
            columns_present([*design.expectation], surveys[word].columns)
            for form in forms:
                own = dict(zip(design.items, design.columns[form], strict=True))
                asked[form] = (word, Asked(own, {}))
            scale = surveys[word].scale(design.expectation[0])
            continue
        mine = {k: v for k, v in ratings.items() if raters[k] == word and is_ratings(v)}
        found = questioned(
            *(word, data, spec, design),
            expect=expect[word],
            ratings=mine,
            scale=scale,
        )
        surveys[word] = found.survey
        asked |= {name: (word, columns) for name, columns in found.asked.items()}
    return Material(spec, design, surveys, asked)


def read_stages(
    material: Material,
    sources: Mapping[str, Source],
    rescale: bool,
    min_answered: float,
) -> dict[str, Stage]:
    """Return the scores of every stage that was asked for."""
    common = material.common()
    made = {}
    for name, (word, asked) in material.asked.items():
        own = None if rescale else scale_of(name, sources[word].survey, asked)
        items = common if name in (*EXPECTED, "perception") else material.design.items
        made[name] = stage(
            *(name, sources[word], asked, material.design),
            scale=HUNDRED if rescale else own,
            rescale=rescale,
            common=items,
            min_answered=min_answered,
        )
    return made


def paired_stages(
    stages: Mapping[str, Stage], design: Design, min_answered: float
) -> tuple[Stage, Stage]:
    """Return perception and expectation over the pairs that were answered twice."""
    m, source = len(design.items), stages["perception"].source
    E, P = (stages[form].columns[:m] for form in ("expectation", "perception"))
    blocks = design.blocks()
    (E_d, P_d), _ = block_means((E, P), blocks, min_answered)
    n = len(E_d[0])
    asked = np.ones(m + len(blocks) + 1, dtype=bool)
    made = []
    for name, items, scores in (("perception", P, P_d), ("expectation", E, E_d)):
        overall = averaged([[*scores]], n, min_answered)[0][0]
        scale = stages[name].scale
        made.append(Stage(name, source, (*items, *scores, overall), asked, scale))
    return made[0], made[1]


def point_stages(
    points: object, material: Material, sources: Mapping[str, Source]
) -> dict[str, Stage]:
    """Return importance points (of 100) of every source that was asked for them.

    Raises
    ------
    DataError
        If customers, or all others, were not asked.
    """
    design = material.design
    plan = plan_points(points, design.dimensions, material.spec)  # type: ignore[arg-type]
    if plan.fixed is not None:
        raise DataError(
            "points= are fixed numbers: there is nothing to compare",
            code="bad-points",
            column="points",
            remedy="give the columns of the points that each respondent allocated",
        )
    found = {}
    m, D = len(design.items), len(design.dimensions)
    asked = np.array([False] * m + [True] * D + [False])
    for word, source in sources.items():
        if not set(plan.columns) <= set(source.survey.columns):
            continue
        shares = 100 * point_shares(plan, source.survey, source.keep).shares
        nothing = np.full(len(shares), np.nan)
        columns = (*[nothing] * m, *shares.T, nothing)
        name = BELIEF.get(word, "expectation")
        found[name] = Stage(name, source, columns, asked, HUNDRED)
    for word, survey in material.surveys.items():
        if word == "customers" or len(found) < 2:
            columns_present(plan.columns, survey.columns, where=word)
    return found


def check_scales(gap: int, later: Stage, earlier: Stage) -> None:
    """Raise unless two stages are on one scale."""
    ends = [
        None if s.scale is None else (s.scale.minimum, s.scale.maximum)
        for s in (later, earlier)
    ]
    if ends[0] != ends[1]:
        words = [
            f"{s.name} ({s.source.word}) is on {s.scale or 'no stated scale'}"
            for s in (later, earlier)
        ]
        raise mixed_scales(f"gap {gap}", words[0], words[1], later.name)


def context_of(
    material: Material, sources: Mapping[str, Source], stages: Mapping[str, Stage]
) -> Context:
    """Return where the answers come from, and what was left out of each source."""
    contexts = {}
    for word, source in sources.items():
        columns = [
            c for w, a in material.asked.values() if w == word for c in a.columns
        ]
        own = source.survey.context_for(list(dict.fromkeys(columns)))
        contexts[word] = own.plus(
            *source.context.exclusions[len(source.survey.context_for(()).exclusions) :]
        )
    first, *others = contexts.values()
    total = sum(context.n_rows for context in contexts.values())
    lost = [
        Exclusion(e.reason, e.n, e.what, " of ".join(filter(None, (e.where, word))))
        for word, context in contexts.items()
        for e in context.exclusions
    ]
    short = [
        Exclusion("too few of the columns answered", s.short, "dimension scores", name)
        for name, s in stages.items()
    ]
    notes = tuple(f"{word}: {note}" for word, c in contexts.items() for note in c.notes)
    notes += tuple(
        f"{word}: errors of means over {source.words}, linearised"
        for word, source in sources.items()
        if source.words
    )
    if "expectation" in stages and stages["expectation"].scale is None:
        notes += (UNSTATED,)
    simulated = any(context.origin == "simulated" for context in others)
    plain = first.origin == "supplied" and simulated
    made = Context("simulated" if plain else first.origin, first.name, total)
    return made.plus(*lost, *short, *material.left_over(), notes=notes)
