"""Chapters of results that describe themselves: figures first, then their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from satmetrics._result import Result
from satmetrics.errors import SatmetricsError
from satmetrics.plot.draw_control_chart import control_chart
from satmetrics.plot.draw_over_waves import over_waves
from satmetrics.plot.draw_ranking import ranking
from satmetrics.plot.draw_scoreboard import scoreboard
from satmetrics.reporting.blocks import Block, Chapter, Grid
from satmetrics.reporting.parts import Part, context_of, notes_of
from satmetrics.reporting.pictures import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCOREBOARDS = (
    "ScoreboardResult",
    "AggregateResult",
    "AggregateChanges",
    "ChangeContributions",
    "RankingResult",
    "UnitInvariance",
    "ControlChart",
    "MetricResult",
    "MetricDifferences",
    "PublishedSeries",
)
"""Results that come after the index, in this order; known by name, for their modules
are imported when they are first asked for."""
DRIVERS = ("Impact", "Scenario", "RelativeImportance", "ImportancePerformance")
"""Results that come after the paths."""

Draw = Callable[..., "Axes"]
LEVELS: tuple[tuple[Draw, str, bool], ...] = (
    (scoreboard, "Levels, their figures and changes", True),
    (over_waves, "Levels over time", False),
)
FIGURES: Mapping[str, tuple[tuple[Draw, str, bool], ...]] = {
    "ScoreboardResult": LEVELS,
    "AggregateResult": LEVELS,
    "RankingResult": ((ranking, "Ranks, and those that may be true", True),),
    "ControlChart": ((control_chart, "Control charts of units", False),),
    "PublishedSeries": (
        (scoreboard, "Published figures and changes", True),
        (over_waves, "Published figures over time", False),
    ),
}
"""Figures of a kind of result: function, caption, whether its height is of rows."""


def scoreboard_chapters(part: Part) -> tuple[Chapter, ...]:
    """Return chapters of rankings, charts, metrics and published series."""
    return _chapters(part, _named(part, SCOREBOARDS))


def importance_chapters(part: Part) -> tuple[Chapter, ...]:
    """Return chapters of the importance of drivers."""
    return _chapters(part, _named(part, DRIVERS))


def other_chapters(part: Part) -> tuple[Chapter, ...]:
    """Return chapters of the results that no other chapter knows."""
    known = (*SCOREBOARDS, *DRIVERS)
    rest = [r for r in part.others if type(r).__name__ not in known]
    return _chapters(part, rest)


def _named(part: Part, kinds: tuple[str, ...]) -> list[Result]:
    return [r for kind in kinds for r in part.others if type(r).__name__ == kind]


def _chapters(part: Part, results: Iterable[Result]) -> tuple[Chapter, ...]:
    return tuple(_chapter(part, result) for result in results)


def _chapter(part: Part, result: Result) -> Chapter:
    """Return a result as it describes itself, after its figures."""
    summary = result.summary()
    context = context_of(result)
    by = getattr(result, "by", ())
    group = f", by {' and '.join(by)}" if by and isinstance(by, tuple) else ""
    blocks: list[Block] = _pictures(part, result)
    blocks += [
        Grid(s, _sentence(s.heading) or summary.title, context.word, context.name)
        for s in summary.sections
        if s.rows
    ]
    told = set(context.facts())
    facts = " · ".join(f"{k}: {v}" for k, v in summary.facts if (k, v) not in told)
    return Chapter(summary.title + group, facts, tuple(blocks), notes_of([result]))


def _pictures(part: Part, result: Result) -> list[Block]:
    """Return the figures of a result, none where there is nothing to draw."""
    made: list[Block] = []
    texts = dict(part.names.texts)
    for draw, caption, rows in FIGURES.get(type(result).__name__, ()):
        try:
            draw(result, labels=texts)
        except SatmetricsError:
            continue
        made.append(
            picture(
                draw,
                result,
                caption=caption,
                alt=f"{caption}; the table below has the same figures.",
                context=context_of(result),
                rows=rows,
                labels=texts,
            )
        )
    return made


def _sentence(text: str) -> str:
    """Return a heading as it begins a sentence."""
    return text[:1].upper() + text[1:]
