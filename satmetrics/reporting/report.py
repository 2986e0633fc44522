"""`sat.report`: results as one HTML document that a manager can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from satmetrics._checks import friendly_keywords, one_of
from satmetrics._display import Section, Summary
from satmetrics._frames import Table
from satmetrics._result import Result
from satmetrics.errors import DataError, OptionError
from satmetrics.plot._labels import LabelSource, texts_of

if TYPE_CHECKING:
    import pandas as pd

LANGUAGES = ("en",)


@dataclass(frozen=True, eq=False, repr=False)
class Report(Result):
    """Results in order, and how they are to be told.

    Attributes
    ----------
    title : of the document.
    results : what is told.
    language : of the document.
    labels : name → text, beside what the models know.
    """

    title: str
    results: tuple[Result, ...]
    language: str = "en"
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", tuple(self.results))
        object.__setattr__(self, "labels", dict(self.labels))
        one_of("language", self.language, LANGUAGES)
        _check_title(self.title)
        _check_results(self.results)

    def to_html(self) -> str:
        """Return the whole document: no scripts, nothing loaded from elsewhere."""
        from satmetrics.reporting.render import render

        return render(self)

    def save(self, path: str | Path) -> Path:
        """Write the document (UTF-8) and return its path.

        Raises
        ------
        DataError
            If the folder does not exist, or `path` is a folder.
        """
        target = Path(path)
        if target.is_dir():
            raise DataError(
                f"{str(target)!r} is a folder; name a file",
                code="is-folder",
                value=str(target),
                remedy=f"such as {str(target / 'report.html')!r}",
            )
        if not target.parent.is_dir():
            raise DataError(
                f"there is no folder {str(target.parent)!r}",
                code="no-folder",
                value=str(target.parent),
                remedy="make it first, or name another file",
            )
        target.write_text(self.to_html(), encoding="utf-8")
        return target

    def contents(self) -> Table:
        """Return chapter, kind, caption, data and origin of every figure and table."""
        from satmetrics.reporting.chapters import chapters
        from satmetrics.reporting.parts import parts_of

        rows = [
            (chapter.title, block.kind, block.caption, block.data, block.origin)
            for part in parts_of(self.results, self.labels)
            for chapter in chapters(part)
            for block in chapter.blocks
        ]
        names = ("chapter", "kind", "caption", "data", "origin")
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return Table.of(dict(zip(names, columns, strict=True)))

    def to_frame(self) -> pd.DataFrame:
        """Return the table of contents."""
        return self.contents().to_frame()

    def summary(self) -> Summary:
        """Return what the report holds."""
        from satmetrics.reporting.parts import parts_of

        parts = parts_of(self.results, self.labels)
        rows = tuple(
            (part.name or "unnamed", part.word, type(result).__name__)
            for part in parts
            for result in part.results
        )
        held = Section("Results", ("data", "origin", "kind"), rows, 3)
        facts = (("results", str(len(self.results))), ("language", self.language))
        notes = ("report.save('report.html') writes it as one file",)
        return Summary(f"Report: {self.title}", facts, (held,), notes)


@friendly_keywords
def report(
    title: str,
    results: Sequence[Result] | Result,
    *,
    language: str = "en",
    labels: LabelSource = None,
) -> Report:
    """Combine results in one HTML document.

    The first page is for a manager: the index with its interval, the change since the
    last wave, three priorities, one caveat. Chapters follow by kind of result, methods
    last; REAL or SIMULATED stands beside every figure and table. Results of different
    data sets form parts of their own; the first result's data come first.

    Parameters
    ----------
    title : of the document, said first, as in ``sat.report("Title", results)``.
    results : any results, in any order, such as ``[fit, boot, sat.assess(fit)]``.
        Priorities and changes that follow from them are added.
    language : "en".
    labels : an instrument or ``{name: text}``, beside what the models know.

    Returns
    -------
    Report
        ``save(path)`` writes it, ``to_html()`` returns it.

    Raises
    ------
    OptionError
        If there are no results, or one of them is none.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> made = sat.report("Mobile phones", [fit, sat.index(fit)])
    >>> made.to_html().startswith("<!doctype html>")
    True
    """
    listed = (results,) if isinstance(results, Result) else results
    if isinstance(title, Result) or not isinstance(listed, (list, tuple)):
        raise OptionError(
            f"report() got {type(title).__name__} and {type(results).__name__}",
            code="not-results",
            remedy='report("Title", [fit, boot, …])',
        )
    return Report(title, tuple(listed), language, texts_of(labels))


def _check_title(title: object) -> None:
    if not isinstance(title, str) or not title.strip():
        raise OptionError(
            f"title={title!r} is no title",
            code="no-title",
            column="title",
            value=title,
            remedy='give a text such as "Airlines 2026"',
        )


def _check_results(results: Sequence[object]) -> None:
    if not results:
        raise OptionError(
            "there is nothing to report: the list of results is empty",
            code="no-results",
            column="results",
            remedy="pass results, such as [fit, sat.index(fit), sat.gaps(survey)]",
        )
    for place, result in enumerate(results):
        if isinstance(result, Report) or not isinstance(result, Result):
            raise OptionError(
                f"result {place + 1} is a {type(result).__name__}",
                code="not-a-result",
                column="results",
                value=type(result).__name__,
                remedy="pass what pls, bootstrap, index, changes, priorities, assess, "
                "gaps or gap_table returned",
            )
