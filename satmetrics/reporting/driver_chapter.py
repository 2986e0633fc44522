"""The chapter of paths, priorities and effects."""

from __future__ import annotations

from satmetrics import plot
from satmetrics.estimation.effects import Effects
from satmetrics.estimation.structural import StructuralFit
from satmetrics.indices.priorities import PriorityResult
from satmetrics.inference.bootstrap import BootstrapResult
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
    notes_of,
)
from satmetrics.reporting.pictures import own_size, picture
from satmetrics.reporting.words import plain


def driver_chapter(part: Part) -> Chapter:
    """Return path diagram, intervals, priorities and effects of a part."""
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
    return Chapter("What drives it", lead, tuple(blocks), notes_of(results))


def _diagram(part: Part, fit: StructuralFit, boot: BootstrapResult | None) -> Picture:
    said = "; ".join(
        f"{part.names(r['source'])} to {part.names(r['target'])} "
        f"{plain(r['estimate'], 2)}"
        for r in fit.standard_paths().rows()
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


def _path_grid(part: Part, fit: StructuralFit) -> Grid:
    words = {"source": "from", "target": "to", "estimate": "path coefficient"}
    return grid(
        "Path coefficients", fit.standard_paths(), words, fit.context, part.names
    )


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
        **limits(boot.level),
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
