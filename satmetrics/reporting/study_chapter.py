"""Chapters of service quality studies: eight steps, each with its output."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from satmetrics._display import section
from satmetrics.gap.study import STEPS, ServqualStudy
from satmetrics.reporting.blocks import ALL_ROWS, Block, Chapter, Grid, grid, limits
from satmetrics.reporting.parts import Part, notes_of
from satmetrics.survey.answering_result import ResponseQuality

LEAD = (
    "From criteria to the mean gap: the eight steps of the standard procedure, and "
    "what each came to"
)
PLACES = {"estimate": 3, "share_missing": 3, "mean": 2, "sd": 2}
PLACES |= {"expectation": 2, "perception": 2, "conf_low": 3, "conf_high": 3}
SCORES = {"estimate": 2, "conf_low": 2, "conf_high": 2, "expectation": 2}
SCORES |= {"perception": 2}


def study_chapters(part: Part) -> list[Chapter]:
    """Return a chapter for every study of a part."""
    found = []
    for study in part.of(ServqualStudy):
        industry = f" Industry: {study.industry}." if study.industry else ""
        group = f", by {' and '.join(study.by)}" if study.by else ""
        found.append(
            Chapter(
                f"Service quality in eight steps{group}",
                f"{LEAD}. Instrument: {study.instrument.label.en} "
                f"({study.instrument.id}).{industry}",
                (_overview(study), *_step_grids(part, study)),
                notes_of([study]),
            )
        )
    return found


def _overview(study: ServqualStudy) -> Grid:
    words = {"step": "step", "name": "what", "name_zh": "名称", "result": "came to"}
    made = section("", study.steps, words, max_rows=ALL_ROWS)
    rows = tuple(tuple(_minus(cell) for cell in row) for row in made.rows)
    context = study.context
    caption = "What each step came to"
    return Grid(replace(made, rows=rows), caption, context.word, context.name)


def _minus(text: str) -> str:
    """Write a true minus before the numbers of a sentence."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)


def _step_grids(part: Part, study: ServqualStudy) -> list[Block]:
    made: list[Block] = []
    for k, words in enumerate(_words(study), 1):
        table = study.step(k)
        if "level" in table:
            table = table.take(np.flatnonzero(table["level"] != "item"))
        if "variant" in table:
            head = [row["dimension"] or row["variant"] for row in table.rows()]
            table = table.extended({"dimension": head}, keys=table.names)
        if len(table):
            places = SCORES if "level" in table else PLACES
            caption = f"Step {k}: {STEPS[k - 1].en} · {STEPS[k - 1].zh}"
            made.append(
                grid(
                    *(caption, table, words, study.context, part.names),
                    decimals=places,
                )
            )
        if k == 5 and len(study.quality) and not part.of(ResponseQuality):
            made.append(_flags(part, study))
    return made


def _flags(part: Part, study: ServqualStudy) -> Grid:
    """Return the rules of response quality that have a threshold."""
    own = study.quality.take(np.flatnonzero(study.quality["flag"] != ""))
    words = {"name": "rule", "n": "n", "flagged": "flagged", "estimate": "share"}
    words |= {"threshold": "threshold", "source": "threshold is"}
    caption = "Step 5: whom rules of response quality flag; nobody is left out for it"
    return grid(caption, own, words, study.context, part.names)


def _words(study: ServqualStudy) -> list[dict[str, str]]:
    keys = {name: name for name in study.by}
    ends = limits(study.level)
    criterion = {"dimension": "criterion"}
    return [
        {"label_en": "criterion", "label_zh": "名称", "status": "status"},
        criterion | {"estimate": "weight", **ends, "source": "source"},
        criterion | {"n_items": "items", "remark": "remark"},
        {"column": "column", "block": "asked", "question": "question"}
        | {"scale": "scale"},
        {"form": "form", "n_items": "items", "answers": "answers"}
        | {"missing": "missing", "share_missing": "share missing"},
        {"item": "item", "form": "form", "n": "n", "missing": "missing"}
        | {"mean": "mean", "sd": "sd", "share_lowest": "share at lowest"}
        | {"share_highest": "at highest"},
        {**keys, **criterion, "term": "quality", "n": "n"}
        | {"estimate": "mean", **ends},
        {**keys, **criterion, "n": "n"}
        | {"expectation": "expected", "perception": "perceived", "estimate": "gap"}
        | {**ends, "p_holm": "p (Holm)"},
    ]
