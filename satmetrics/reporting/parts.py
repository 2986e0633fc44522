"""Results sorted by the data they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from satmetrics._frames import ESTIMATES
from satmetrics._result import Context, Result
from satmetrics.assessment.assess import Assessment
from satmetrics.errors import DataError
from satmetrics.estimation.effects import Effects
from satmetrics.estimation.structural import StructuralFit
from satmetrics.gap.five.result import FiveGapsResult
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import GapResult
from satmetrics.gap.study import ServqualStudy
from satmetrics.indices.changes import ChangeResult, changes
from satmetrics.indices.index import IndexResult, index
from satmetrics.indices.priorities import PriorityResult, priorities
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.plot._labels import texts_of
from satmetrics.reporting.blocks import Names

R = TypeVar("R", bound=Result)
KNOWN = (
    StructuralFit,
    BootstrapResult,
    Assessment,
    Effects,
    IndexResult,
    ChangeResult,
    PriorityResult,
    GapResult,
    GapTable,
    ServqualStudy,
    FiveGapsResult,
)


@dataclass(frozen=True)
class Part:
    """The results of one data set, by kind, and what follows from them alone.

    Attributes
    ----------
    name, word : of the data.
    over : the key columns that hold waves.
    """

    name: str
    word: str
    names: Names
    results: tuple[Result, ...]
    over: tuple[str, ...] = ("wave",)

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """Return the results of one kind, in order."""
        return tuple(r for r in self.results if isinstance(r, kind))

    @property
    def all_fits(self) -> tuple[StructuralFit, ...]:
        """The fits, batches among them."""
        return tuple(r for r in self.results if isinstance(r, StructuralFit))

    @property
    def fits(self) -> tuple[StructuralFit, ...]:
        """The single fits."""
        return tuple(fit for fit in self.all_fits if not fit.batched)

    @property
    def others(self) -> tuple[Result, ...]:
        """Results that no chapter knows, batches of fits among them."""
        return tuple(
            r
            for r in self.results
            if not isinstance(r, KNOWN) or (isinstance(r, StructuralFit) and r.batched)
        )

    def wave_key(self, result: IndexResult) -> str | None:
        """Return the key column of an index that holds waves."""
        return next((k for k in result.by if k in self.over), None)

    def boot_of(self, fit: StructuralFit) -> BootstrapResult | None:
        """Return the bootstrap of a fit, if it is among the results."""
        own = fit.standard_paths()["estimate"].tolist()
        for boot in self.of(BootstrapResult):
            rows = boot.table.where(term="path")["estimate"].tolist()
            close = [abs(a - b) < 1e-9 for a, b in zip(rows, own, strict=False)]
            if len(rows) == len(own) and all(close):
                return boot
        return None


def context_of(result: Result) -> Context:
    """Return the context of a result; an empty one where it has none."""
    context = getattr(result, "context", None)
    return context if isinstance(context, Context) else Context()


def notes_of(results: Iterable[Result]) -> tuple[str, ...]:
    """Return notes of the results once, without those that the methods repeat."""
    found: dict[str, None] = {}
    for result in results:
        repeated = set(context_of(result).sentences())
        for note in result.summary().notes:
            if note not in repeated:
                found.setdefault(note)
    return tuple(found)


def parts_of(results: Iterable[Result], labels: Mapping[str, str]) -> tuple[Part, ...]:
    """Sort results by their data, in order of first appearance, and complete them."""
    sets: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        context = context_of(result)
        sets.setdefault((context.name, context.word), []).append(result)
    made = []
    for (name, word), own in sets.items():
        texts: dict[str, str] = {}
        for result in own:
            if isinstance(result, StructuralFit):
                texts |= texts_of(result.model)
        over = {r.over: None for r in own if isinstance(r, ChangeResult)}
        part = Part(name, word, Names({**texts, **labels}), tuple(own), ("wave", *over))
        made.append(_completed(part))
    return tuple(made)


def gap_results(part: Part) -> tuple[GapResult | GapTable, ...]:
    """Return gaps of answers, then gaps of printed tables."""
    return (*part.of(GapResult), *part.of(GapTable))


def key_columns(moved: ChangeResult) -> tuple[str, ...]:
    """Return the key columns of changes."""
    own = ("construct", "since", "reason", "n_eff", *ESTIMATES)
    return tuple(n for n in moved.table.names if n not in own)


def _completed(part: Part) -> Part:
    """Add gaps, priorities, indices and changes that follow from what is there."""
    added: list[Result] = [
        study.gaps
        for study in part.of(ServqualStudy)
        if study.gaps is not None
        and not any(gap.by == study.by for gap in part.of(GapResult))
    ]
    for fit in part.fits:
        ranked = any(p.model == fit.model.name for p in part.of(PriorityResult))
        if not ranked and fit.model.target is not None:
            added += _possible(partial(priorities, fit))
        if not any(r.model == fit.model.name for r in part.of(IndexResult)):
            added += _possible(partial(index, fit))
    for result in part.of(IndexResult):
        key = part.wave_key(result)
        if key is not None and not _has_changes(part, result, key):
            added += _possible(partial(changes, result, over=key))
    return replace(part, results=(*part.results, *added))


def _has_changes(part: Part, result: IndexResult, key: str) -> bool:
    return any(
        moved.over == key and set(key_columns(moved)) == set(result.by)
        for moved in part.of(ChangeResult)
    )


def _possible(make: Callable[[], Result]) -> list[Result]:
    """Return what `make` makes, nothing where the data do not allow it."""
    try:
        return [make()]
    except DataError:
        return []
