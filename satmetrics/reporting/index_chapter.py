"""The chapter of indices and their changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from satmetrics import plot
from satmetrics._frames import Table
from satmetrics.indices.changes import ChangeResult
from satmetrics.indices.index import IndexResult
from satmetrics.plot._board import index_words
from satmetrics.plot.draw_index import MOST_LINES
from satmetrics.reporting.blocks import (
    INDEX_PLACES,
    Block,
    Chapter,
    Grid,
    Picture,
    grid,
    limits,
)
from satmetrics.reporting.parts import (
    Part,
    key_columns,
    notes_of,
)
from satmetrics.reporting.pictures import picture
from satmetrics.reporting.words import direction, plain, signed

MOST_CHANGES = 24
"""More changes than this are drawn for the last wave only."""


def index_chapter(part: Part) -> Chapter:
    """Return figures and tables of the indices of a part and their changes."""
    blocks: list[Block] = []
    ordered = sorted(part.of(IndexResult), key=lambda r: len(r.by))
    for result in ordered:
        if has_index(result):
            blocks.append(index_picture(part, result))
        blocks.append(_index_grid(part, result))
    for moved in part.of(ChangeResult):
        if np.isfinite(_target_rows(moved)["estimate"]).any():
            blocks.append(_change_picture(part, moved))
        blocks.append(_change_grid(part, moved))
    results = (*ordered, *part.of(ChangeResult))
    lead = (
        "Every index runs from 0, the lowest possible answer to every question, to "
        "100, the highest. The bars are intervals: the narrower, the more certain."
    )
    return Chapter("The index", lead, tuple(blocks), notes_of(results))


def has_index(result: IndexResult) -> bool:
    """Return whether there is something to draw."""
    table = result.table
    if result.by and result.target is not None:
        table = table.where(construct=result.target)
    return bool(np.isfinite(table["estimate"]).any())


def index_picture(part: Part, result: IndexResult) -> Picture:
    """Return the figure of one index."""
    rows = [r for r in result.table.rows() if np.isfinite(r["estimate"])]
    if result.by:
        wanted = result.target or rows[0]["construct"]
        rows = [r for r in rows if r["construct"] == wanted]
    key = part.wave_key(result)
    said = "; ".join(
        " ".join([*(part.names(r[k]) for k in result.by or ("construct",))])
        + f" {plain(r['estimate'])}"
        for r in rows[:24]
    )
    by = f" by {' and '.join(result.by)}" if result.by else " of each construct"
    subject = part.names.sentence(result.target) if result.by else "Index"
    return picture(
        plot.index,
        result,
        caption=f"{subject}{by}",
        alt=f"Index{by}, 0 to 100. {said}.",
        context=result.context,
        rows=key is None or _units(result, key) > MOST_LINES,
        over=key,
        labels=dict(part.names.texts),
    )


def _units(result: IndexResult, key: str) -> int:
    others = [result.table[k] for k in result.by if k != key]
    return len(set(zip(*others, strict=True))) if others else 1


def _index_grid(part: Part, result: IndexResult) -> Grid:
    table, subject = result.table, "Index"
    if result.by and result.target is not None:
        table = table.where(construct=result.target).drop("construct")
        subject = f"Index of {part.names(result.target)}"
    words = {
        **{k: k for k in result.by},
        "construct": "construct",
        "n": "n",
        "estimate": "index",
        "std_error": "std. error",
        **limits(result.level),
        "reason": "why not",
    }
    by = f" by {' and '.join(result.by)}" if result.by else ""
    between = index_words(result).removeprefix("index, ")
    caption = f"{subject}, {between}{by}"
    return grid(
        caption, table, words, result.context, part.names, decimals=INDEX_PLACES
    )


def _target_rows(moved: ChangeResult) -> Table:
    if moved.target is None:
        return moved.table
    return moved.table.where(construct=moved.target)


def _change_picture(part: Part, moved: ChangeResult) -> Picture:
    keys = [k for k in key_columns(moved) if k != moved.over]
    caption = f"Change of the index from one {moved.over} to the next"
    if len(_target_rows(moved)) > MOST_CHANGES:
        known = np.isfinite(_target_rows(moved)["estimate"])
        there = set(_target_rows(moved)[moved.over][known])
        last = [w for w in dict.fromkeys(moved.table[moved.over]) if w in there][-1]
        moved = replace(moved, table=moved.table.where(**{moved.over: last}))
        caption = f"Change of the index to {last}"
    said = "; ".join(
        " ".join([*(part.names(r[k]) for k in keys), str(r[moved.over])])
        + f" {signed(r['estimate'])} ({direction(r)})"
        for r in _target_rows(moved).rows()
    )
    return picture(
        plot.changes,
        moved,
        caption=caption,
        alt=f"Changes in index points. {said}.",
        context=moved.context,
        rows=True,
        labels=dict(part.names.texts),
    )


def _change_grid(part: Part, moved: ChangeResult) -> Grid:
    words = {
        **{k: k for k in key_columns(moved)},
        "since": "since",
        "n": "n",
        "estimate": "change",
        "std_error": "std. error",
        **limits(moved.level),
        "p_value": "p",
    }
    return grid(
        "Change of the index, points",
        _target_rows(moved),
        words,
        moved.context,
        part.names,
        decimals=INDEX_PLACES,
    )
