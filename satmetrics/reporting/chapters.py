"""Chapters by kind of result: figures, tables and what must be said beside them."""

from __future__ import annotations

from dataclasses import replace

from satmetrics.assessment.assess import OWN, RELIABILITY, Assessment
from satmetrics.indices.index import IndexResult
from satmetrics.reporting.blocks import (
    Block,
    Chapter,
    Picture,
    grid,
)
from satmetrics.reporting.driver_chapter import driver_chapter
from satmetrics.reporting.five_gap_chapter import five_gap_chapters
from satmetrics.reporting.gap_chapter import finest, gap_chapter, gap_picture
from satmetrics.reporting.index_chapter import has_index, index_chapter, index_picture
from satmetrics.reporting.parts import (
    Part,
    gap_results,
    notes_of,
)
from satmetrics.reporting.scoreboard_chapter import (
    importance_chapters,
    other_chapters,
    scoreboard_chapters,
)
from satmetrics.reporting.study_chapter import study_chapters


def chapters(part: Part) -> tuple[Chapter, ...]:
    """Return the chapters of a part that have something to say."""
    made = (
        index_chapter(part),
        *scoreboard_chapters(part),
        driver_chapter(part),
        *importance_chapters(part),
        gap_chapter(part),
        *study_chapters(part),
        *five_gap_chapters(part),
        _quality(part),
        *other_chapters(part),
    )
    told: set[str] = set()
    found = []
    for chapter in made:
        fresh = tuple(note for note in chapter.notes if note not in told)
        told.update(fresh)
        if chapter:
            found.append(replace(chapter, notes=fresh))
    return tuple(found)


def lead_picture(part: Part) -> Picture | None:
    """Return the one figure of the first page, None if there is none."""
    drawable = [r for r in part.of(IndexResult) if has_index(r)]
    for result in drawable:
        if len(result.by) > 1 or (result.by and len(drawable) == 1):
            return index_picture(part, result)
    if drawable:
        return index_picture(part, drawable[0])
    for gap in gap_results(part):
        if not getattr(gap, "by", ()):
            return gap_picture(part, gap, finest(gap))
    return None


def _quality(part: Part) -> Chapter:
    blocks: list[Block] = []
    for fit in part.fits:
        words = {
            "construct": "construct",
            "indicator": "question",
            "mode": "mode",
            "weight": "weight",
            "loading": "loading",
        }
        caption = f"Weights and loadings, model {fit.model.name}"
        blocks.append(
            grid(caption, fit.measurement_table(), words, fit.context, part.names)
        )
    for assessed in part.of(Assessment):
        blocks += _assessment(part, assessed)
    results = (*part.fits, *part.of(Assessment))
    lead = "How well the questions measure what they are meant to measure."
    return Chapter("Quality of measurement", lead, tuple(blocks), notes_of(results))


def _assessment(part: Part, assessed: Assessment) -> list[Block]:
    table = assessed.table
    keys = {n: n for n in table.names if n not in OWN}
    blocks = [table.where(term=t) for t in RELIABILITY]
    wide = blocks[0].drop("term", "estimate", "source", "target", "indicator")
    wide = wide.extended({b["term"][0]: b["estimate"] for b in blocks})
    reliability = {
        **keys,
        "construct": "construct",
        "alpha": "alpha",
        "alpha_standardized": "alpha std.",
        "rho_a": "rho_A",
        "rho_c": "rho_C",
        "ave": "AVE",
        "reason": "why not",
    }
    pair = {**keys, "source": "construct", "target": "and"}
    vif = {**keys, "source": "predictor", "target": "of", "construct": "construct"}
    vif |= {"indicator": "question", "estimate": "VIF"}
    made = [
        ("Reliability and convergent validity", wide, reliability),
        ("HTMT, mean of |r|", table.where(term="htmt"), pair | {"estimate": "HTMT"}),
        (
            "R²",
            table.where(term="r2"),
            {**keys, "construct": "construct", "estimate": "R²"},
        ),
        ("Collinearity of predictors", table.where(term="vif"), vif),
    ]
    return [
        grid(caption, rows, words, assessed.context, part.names)
        for caption, rows, words in made
        if len(rows)
    ]
