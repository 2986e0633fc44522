"""The chapter of gaps to expectations."""

from __future__ import annotations

import numpy as np

from satmetrics import plot
from satmetrics._display import percent
from satmetrics._frames import Table
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import STATES, GapResult
from satmetrics.reporting.blocks import (
    Block,
    Chapter,
    Grid,
    Picture,
    grid,
    limits,
)
from satmetrics.reporting.parts import (
    Part,
    gap_results,
    notes_of,
)
from satmetrics.reporting.pictures import picture
from satmetrics.reporting.words import signed

MOST_GROUPS = 8
"""More groups than this are a table, not a figure of gaps."""


def finest(result: GapResult | GapTable) -> str:
    """Return the level to draw on the first page: dimensions, else items."""
    return "dimension" if (result.table["level"] == "dimension").any() else "item"


def gap_chapter(part: Part) -> Chapter:
    """Return figures and tables of the gaps of a part."""
    blocks: list[Block] = []
    for result in gap_results(part):
        levels = [
            lv for lv in ("dimension", "item") if (result.table["level"] == lv).any()
        ]
        by = result.by if isinstance(result, GapResult) else ()
        for level in levels if not by else levels[:1]:
            if not by or _group_count(result.table, by) <= MOST_GROUPS:
                blocks.append(gap_picture(part, result, level))
        blocks += _gap_grids(part, result, by)
        if isinstance(result, GapResult) and result.from_answers and not by:
            blocks += _states(part, result)
    results = gap_results(part)
    lead = (
        "A gap is what customers perceive minus what they expect. Zero means that "
        "expectations are met; below zero they are missed."
    )
    return Chapter("Gaps to expectations", lead, tuple(blocks), notes_of(results))


def _group_count(table: Table, by: tuple[str, ...]) -> int:
    return len(set(zip(*(table[k] for k in by), strict=True)))


def gap_picture(part: Part, result: GapResult | GapTable, level: str) -> Picture:
    """Return the figure of gaps at one level."""
    by = result.by if isinstance(result, GapResult) else ()
    rows = [r for r in result.table.rows() if r["level"] == level]
    said = "; ".join(
        " ".join([*(part.names(r[k]) for k in by), part.names(r[level])])
        + f" {signed(r['estimate'], 2)}"
        for r in rows[:40]
    )
    group = f" and {' and '.join(by)}" if by else ""
    return picture(
        plot.gaps,
        result,
        level=level,
        caption=f"Gaps by {level}{group}, the largest shortfall on top",
        alt=f"Gaps in scale points by {level}. {said}.",
        context=result.context,
        rows=True,
        labels=dict(part.names.texts),
    )


def _gap_grids(
    part: Part, result: GapResult | GapTable, by: tuple[str, ...]
) -> list[Block]:
    table = result.table
    if isinstance(result, GapTable):
        marks = ["see notes" if f else "" for f in table["flag"]]
        table = table.extended({"flag": marks}, keys=table.names)
    head = [row["dimension"] or row["variant"] for row in table.rows()]
    table = table.extended({"dimension": head}, keys=table.names)
    coarse = table.take(np.flatnonzero(table["level"] != "item"))
    items = table.where(level="item")
    made = [(coarse, "Gaps by dimension and overall, scale points")]
    if not by:
        made.append((items, "Gaps by item, scale points"))
    if not (coarse["level"] == "dimension").any():
        made[0] = (coarse, "Overall gaps, scale points")
    return [
        _gap_grid(part, result, by, rows, caption)
        for rows, caption in made
        if len(rows)
    ]


def _gap_grid(
    part: Part,
    result: GapResult | GapTable,
    by: tuple[str, ...],
    rows: Table,
    caption: str,
) -> Grid:
    words = {
        **{k: k for k in by},
        "item": "item",
        "dimension": "dimension",
        "n": "n",
        "expectation": "expected",
        "perception": "perceived",
        "estimate": "gap",
        **limits(result.level),
        "p_holm": "p (Holm)",
        "method": "error from",
        "flag": "mark",
        "reason": "why not",
    }
    group = f", by {' and '.join(by)}" if by else ""
    return grid(caption + group, rows, words, result.context, part.names, decimals=2)


def _states(part: Part, result: GapResult) -> list[Block]:
    rows = result.rows("dimension")
    if not len(rows):
        return []
    shares = {
        f"share_{s}": [percent(float(v)) for v in rows[f"share_{s}"]] for s in STATES
    }
    words = {
        "dimension": "dimension",
        "share_better": "more than expected",
        "share_equal": "as expected",
        "share_worse": "less than expected",
    }
    shown = rows.extended(shares, keys=("level", "dimension", "item", "variant"))
    caption = "Share of people who get more, as much or less than they expect"
    return [grid(caption, shown, words, result.context, part.names)]
