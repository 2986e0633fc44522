"""Chapters of the five-gap model: what each gap compares, and how large it is."""

from __future__ import annotations

import math

import numpy as np

from satmetrics._frames import Table
from satmetrics.gap.five.names import gap_names
from satmetrics.gap.five.result import FiveGapsResult
from satmetrics.reporting.blocks import Block, Chapter, Grid, grid, limits
from satmetrics.reporting.parts import Part, notes_of
from satmetrics.reporting.words import Row

LEAD = (
    "Between what customers expect and what they perceive quality is lost in four "
    "places: gaps 1 to 4. Gap 5 is what customers see of it."
)


def five_gap_chapters(part: Part) -> list[Chapter]:
    """Return a chapter for every result of the five-gap model in a part."""
    found: list[Chapter] = []
    for result in part.of(FiveGapsResult):
        group = f", by {' and '.join(result.by)}" if result.by else ""
        blocks: list[Block] = [*_sizes(part, result), *_answered(result)]
        lead = f"Aggregation: {result.aggregation()}."
        if not found:
            blocks.insert(0, _meanings(part, result))
            lead = f"{LEAD} {lead}"
        title = f"The five-gap model{group}"
        found.append(Chapter(title, lead, tuple(blocks), notes_of([result])))
    return found


def overall_gap(result: FiveGapsResult, gap: int) -> Row | None:
    """Return the overall row of a rated gap without groups, None if there is none."""
    rows = [
        row
        for row in result.rows(gap, "overall").rows()
        if row["form"] == "ratings" and math.isfinite(row["estimate"])
    ]
    return rows[0] if rows and not result.by else None


def _meanings(part: Part, result: FiveGapsResult) -> Grid:
    """Return what each gap that is there compares, and between whom."""
    firsts: dict[int, Row] = {}
    for row in result.table.rows():
        firsts.setdefault(int(row["gap"]), row)
    table = Table.of(
        {
            "gap": np.asarray(list(firsts)),
            "name": [row["name"] for row in firsts.values()],
            "name_zh": [row["name_zh"] for row in firsts.values()],
            "means": [gap_names()[gap].means for gap in firsts],
            "sources": [row["sources"] for row in firsts.values()],
        }
    )
    words = {"gap": "gap", "name": "name", "name_zh": "名称", "means": "what"}
    words["sources"] = "sources"
    return grid("What each gap compares", table, words, result.context, part.names)


def _answered(result: FiveGapsResult) -> list[Grid]:
    context = result.context
    caption = "Who answered, and rules of thumb for how many"
    return [
        Grid(s, caption, context.word, context.name)
        for s in result.summary().sections
        if s.heading == "Who answered"
    ]


def _sizes(part: Part, result: FiveGapsResult) -> list[Grid]:
    keys = {name: name for name in result.by}
    words = {
        **keys,
        "gap": "gap",
        "dimension": "dimension",
        "name": "name",
        "n": "n",
        "later": "there is",
        "earlier": "against",
        "estimate": "size",
        **limits(result.level),
        "p_value": "p",
        "p_holm": "p (Holm)",
        "form": "form",
        "reason": "why not",
    }
    group = f", by {' and '.join(result.by)}" if result.by else ""
    made = []
    for level, caption, drop in (
        ("overall", "Gaps overall", ("dimension", "p_holm")),
        ("dimension", "Gaps by dimension", ("name",)),
    ):
        rows: Table = result.table.where(level=level)
        if len(rows):
            shown = {k: v for k, v in words.items() if k not in drop}
            context = result.context
            made.append(
                grid(caption + group, rows, shown, context, part.names, decimals=2)
            )
    return made
