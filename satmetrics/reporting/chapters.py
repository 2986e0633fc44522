"""Chapters by kind of result: figures, tables and what must be said beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from satmetrics import plot
from satmetrics._display import percent
from satmetrics._frames import Table
from satmetrics._result import Result
from satmetrics.assessment.assess import RELIABILITY, Assessment
from satmetrics.estimation.effects import Effects
from satmetrics.estimation.fit import PlsFit
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import STATES, GapResult
from satmetrics.indices.changes import ChangeResult
from satmetrics.indices.index import IndexResult
from satmetrics.indices.priorities import PriorityResult
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.plot.draw_index import MOST_LINES
from satmetrics.reporting.blocks import Chapter, Grid, Picture, grid
from satmetrics.reporting.first_page import direction, plain, signed
from satmetrics.reporting.parts import Part, context_of, gap_results, key_columns
from satmetrics.reporting.pictures import own_size, picture

Block = Picture | Grid
INDEX_PLACES = {
    "estimate": 1,
    "conf_low": 1,
    "conf_high": 1,
    "std_error": 2,
    "effect": 2,
    "performance": 1,
}
MOST_CHANGES = 24
"""More changes than this are drawn for the last wave only."""
MOST_GROUPS = 8
"""More groups than this are a table, not a figure of gaps."""


def chapters(part: Part) -> tuple[Chapter, ...]:
    """Return the chapters of a part that have something to say."""
    made = (_index(part), _drivers(part), _gaps(part), _quality(part), *_others(part))
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
    for result in part.of(IndexResult):
        if len(result.by) > 1 or (result.by and len(part.of(IndexResult)) == 1):
            return _index_picture(part, result)
    for result in part.of(IndexResult):
        return _index_picture(part, result)
    for gap in gap_results(part):
        if not getattr(gap, "by", ()):
            return _gap_picture(part, gap, _finest(gap))
    return None


def _limits(level: float) -> dict[str, str]:
    return {"conf_low": f"{100 * level:g} % low", "conf_high": "high"}


def _notes(results: Iterable[Result]) -> tuple[str, ...]:
    """Return notes of the results once, without those that the methods repeat."""
    found: dict[str, None] = {}
    for result in results:
        repeated = set(context_of(result).sentences())
        for note in result.summary().notes:
            if note not in repeated:
                found.setdefault(note)
    return tuple(found)


def _index(part: Part) -> Chapter:
    blocks: list[Block] = []
    ordered = sorted(part.of(IndexResult), key=lambda r: len(r.by))
    for result in ordered:
        if np.isfinite(result.table["estimate"]).any():
            blocks.append(_index_picture(part, result))
        blocks.append(_index_grid(part, result))
    for moved in part.of(ChangeResult):
        if np.isfinite(moved.table["estimate"]).any():
            blocks.append(_change_picture(part, moved))
        blocks.append(_change_grid(part, moved))
    results = (*ordered, *part.of(ChangeResult))
    lead = (
        "Every index runs from 0, the lowest possible answer to every question, to "
        "100, the highest. The bars are intervals: the narrower, the more certain."
    )
    return Chapter("The index", lead, tuple(blocks), _notes(results))


def _index_picture(part: Part, result: IndexResult) -> Picture:
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
        **_limits(result.level),
        "reason": "why not",
    }
    by = f" by {' and '.join(result.by)}" if result.by else ""
    caption = f"{subject}, 0–100{by}"
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
        last = moved.table[moved.over][-1]
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
        **_limits(moved.level),
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


def _drivers(part: Part) -> Chapter:
    blocks: list[Block] = []
    texts = dict(part.names.texts)
    for fit in part.fits:
        boot = part.boot_of(fit)
        blocks.append(_diagram(part, fit, boot))
        if boot is None:
            blocks.append(_path_grid(part, fit))
    for boot in part.of(BootstrapResult):
        if (boot.table["term"] == "path").any():
            forest = picture(
                plot.forest,
                boot,
                caption="Path coefficients with their intervals",
                alt="Path coefficients with intervals; the table below has the same "
                "figures.",
                context=boot.context,
                rows=True,
                labels=texts,
            )
            blocks.append(forest)
        blocks += _boot_grids(part, boot)
    for ranked in part.of(PriorityResult):
        blocks += _priority_blocks(part, ranked)
    for total in part.of(Effects):
        blocks.append(_effect_grid(part, total))
    results = (*part.of(BootstrapResult), *part.of(PriorityResult), *part.of(Effects))
    lead = (
        "Which constructs go with which, how strongly, and where a point is worth most."
    )
    return Chapter("What drives it", lead, tuple(blocks), _notes(results))


def _diagram(part: Part, fit: PlsFit, boot: BootstrapResult | None) -> Picture:
    said = "; ".join(
        f"{part.names(r['source'])} to {part.names(r['target'])} "
        f"{plain(r['estimate'], 2)}"
        for r in fit.path_table().rows()
    )
    return own_size(
        plot.paths,
        fit,
        boot,
        caption=f"Path diagram, model {fit.model.name}, n = {int(fit.moments.n):,}",
        alt=f"Path diagram. {said}.",
        context=fit.context,
        labels=dict(part.names.texts),
    )


def _path_grid(part: Part, fit: PlsFit) -> Grid:
    words = {"source": "from", "target": "to", "estimate": "path coefficient"}
    return grid("Path coefficients", fit.path_table(), words, fit.context, part.names)


def _boot_grids(part: Part, boot: BootstrapResult) -> list[Block]:
    kinds = (
        ("path", "Path coefficients, standard deviations"),
        ("total", "Total effects, standard deviations"),
        ("r2", "R², share of variance explained"),
    )
    words = {
        "source": "from",
        "target": "to",
        "construct": "construct",
        "estimate": "estimate",
        "std_error": "std. error",
        **_limits(boot.level),
        "p_value": "p",
    }
    return [
        grid(caption, boot.table.where(term=term), words, boot.context, part.names)
        for term, caption in kinds
        if (boot.table["term"] == term).any()
    ]


def _priority_blocks(part: Part, ranked: PriorityResult) -> list[Block]:
    said = "; ".join(
        f"{r['rank']} {part.names(r['construct'])}, effect {plain(r['effect'], 2)}, "
        f"performance {plain(r['performance'])}"
        for r in ranked.table.rows()
    )
    target = part.names(ranked.target)
    figure = picture(
        plot.priorities,
        ranked,
        caption=f"Importance for {target} against performance",
        alt=f"Importance against performance. {said}.",
        context=ranked.context,
        labels=dict(part.names.texts),
    )
    words = {
        "rank": "rank",
        "construct": "driver",
        "effect": "effect of +1 point",
        "performance": "performance, 0–100",
        "estimate": "points to gain",
    }
    table = grid(
        f"Priorities for {target}",
        ranked.table,
        words,
        ranked.context,
        part.names,
        decimals=INDEX_PLACES,
    )
    return [figure, table]


def _effect_grid(part: Part, total: Effects) -> Grid:
    keys = [n for n in total.table.names if n not in ("source", "target", "term")]
    words = {k: k for k in keys if k != "estimate"}
    words |= {"source": "from", "target": "to", "term": "effect", "estimate": "size"}
    return grid("Effects", total.table, words, total.context, part.names)


def _finest(result: GapResult | GapTable) -> str:
    return "dimension" if (result.table["level"] == "dimension").any() else "item"


def _gaps(part: Part) -> Chapter:
    blocks: list[Block] = []
    for result in gap_results(part):
        levels = [
            lv for lv in ("dimension", "item") if (result.table["level"] == lv).any()
        ]
        by = result.by if isinstance(result, GapResult) else ()
        for level in levels if not by else levels[:1]:
            if not by or _group_count(result.table, by) <= MOST_GROUPS:
                blocks.append(_gap_picture(part, result, level))
        blocks += _gap_grids(part, result, by)
        if isinstance(result, GapResult) and result.from_answers and not by:
            blocks += _states(part, result)
    results = gap_results(part)
    lead = (
        "A gap is what customers perceive minus what they expect. Zero means that "
        "expectations are met; below zero they are missed."
    )
    return Chapter("Gaps to expectations", lead, tuple(blocks), _notes(results))


def _group_count(table: Table, by: tuple[str, ...]) -> int:
    return len(set(zip(*(table[k] for k in by), strict=True)))


def _gap_picture(part: Part, result: GapResult | GapTable, level: str) -> Picture:
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
        marks = ["contradicts itself, see notes" if f else "" for f in table["flag"]]
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
        **_limits(result.level),
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
    return Chapter("Quality of measurement", lead, tuple(blocks), _notes(results))


def _assessment(part: Part, assessed: Assessment) -> list[Block]:
    table = assessed.table
    own = ("source", "target", "construct", "indicator", "term", "estimate", "reason")
    keys = {n: n for n in table.names if n not in own}
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


def _others(part: Part) -> list[Chapter]:
    """Results of any other kind, as they describe themselves."""
    made = []
    for result in part.others:
        summary = result.summary()
        context = context_of(result)
        grids = tuple(
            Grid(s, s.heading or summary.title, context.word, context.name)
            for s in summary.sections
            if s.rows
        )
        facts = " · ".join(f"{k}: {v}" for k, v in summary.facts)
        made.append(Chapter(summary.title, facts, grids, _notes([result])))
    return made
