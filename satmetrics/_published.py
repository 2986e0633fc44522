"""Figures of published index series, each with its source and how sure it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._display import Section, Summary, number
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.errors import OptionError

STATUS: Mapping[str, str] = {
    "verified": "read in the source",
    "date recalled": "the value was read in the source; the period it is given for is "
    "recalled, not read",
    "weak": "read in the source, whose labels leave some doubt what it belongs to",
    "computed": "computed from figures of the source",
    "revised": "replaced by a later release; the later figure is used",
    "not measured": "the source prints NM",
}
"""How sure a figure is, in words."""


@dataclass(frozen=True, eq=False, repr=False)
class PublishedSeries(TableResult):
    """Published figures by level, name and period; facts with their source.

    Columns: level ("nation", "sector", "industry", "company" …), term (what the figure
    is), name, wave (the period), n, estimate, std_error (NaN where none was published),
    release, status, source. Waves stand in the order of time.

    Attributes
    ----------
    title : what it is, in one line.
    units : term → its unit, for an axis.
    """

    title: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    def of(
        self,
        level: str | None = None,
        name: str | Sequence[str] | None = None,
        term: str | None = None,
    ) -> PublishedSeries:
        """Return the rows of one level, of one name or several, of one term.

        Raises
        ------
        OptionError
            If there is none such.
        """
        table = self.table
        asked = {"level": level, "name": name, "term": term}
        for column, wanted in asked.items():
            if wanted is not None:
                table = _narrowed(table, column, wanted)
        return dataclasses.replace(self, table=table)

    def current(self) -> PublishedSeries:
        """Return the series without figures that a later release replaced."""
        kept = np.flatnonzero(self.table["status"] != "revised")
        return dataclasses.replace(self, table=self.table.take(kept))

    def summary(self) -> Summary:
        """Return the figures by level, periods against names."""
        table = self.current().table
        kinds = dict.fromkeys(zip(table["level"], table["term"], strict=True))
        sections = tuple(
            _wide(f"{level}: {self.units.get(term, term)}", part)
            for level, term in kinds
            if len(part := table.where(level=level, term=term))
        )
        facts = (*self.context.facts(), ("what", self.title))
        notes = (*_replaced(self.table), *_statuses(self.table))
        if not np.isfinite(self.table["std_error"]).any():
            notes = (*notes, "no standard errors were published")
        notes = (*notes, "published figures, cited one by one; not an official service")
        return Summary(
            "Published series", facts, sections, (*notes, *self.context.sentences())
        )


def _narrowed(table: Table, column: str, wanted: str | Sequence[str]) -> Table:
    asked = [wanted] if isinstance(wanted, str) else list(wanted)
    held = list(dict.fromkeys(str(value) for value in table[column]))
    for value in asked:
        if value not in held:
            raise OptionError(
                f"the series has no {column} {value!r}",
                code="unknown-key",
                column=column,
                value=value,
                remedy=f"{did_you_mean(value, held)} it has {', '.join(held)}".strip(),
            )
    return table.take(np.flatnonzero([value in asked for value in table[column]]))


def _wide(heading: str, table: Table) -> Section:
    """Lay periods out against names, the longer of the two downwards."""
    names = list(dict.fromkeys(table["name"]))
    waves = list(dict.fromkeys(table["wave"]))
    seen = table["estimate"][np.isfinite(table["estimate"])]
    decimals = 0 if (seen == np.round(seen)).all() else 1
    cells: dict[tuple[str, str], str] = {}
    for row in table.rows():
        missing = "NM" if row["status"] == "not measured" else "–"
        given = np.isfinite(row["estimate"])
        cells[row["name"], row["wave"]] = (
            figure_text(float(row["estimate"]), decimals) if given else missing
        )
    if len(waves) > len(names):
        columns = ("period", *names)
        rows = [(w, *(cells.get((n, w), "–") for n in names)) for w in waves]
    else:
        columns = ("name", *waves)
        rows = [(n, *(cells.get((n, w), "–") for w in waves)) for n in names]
    numeric = (False, *(True for _ in columns[1:]))
    return Section(heading, columns, tuple(rows), numeric=numeric)


def figure_text(value: float, decimals: int) -> str:
    """Return a figure as printed: large numbers with separators."""
    return f"{value:,.{decimals}f}" if abs(value) >= 1e4 else number(value, decimals)


def _replaced(table: Table) -> tuple[str, ...]:
    """Say which figures were revised, from what and to what."""
    said = []
    for old in table.where(status="revised").rows():
        keys = {k: old[k] for k in ("level", "term", "name", "wave")}
        new = table.where(**keys)
        for row in new.take(np.flatnonzero(new["status"] != "revised")).rows():
            said.append(
                f"revised: {old['name']} {old['wave']} was {old['estimate']:g} in the "
                f"release of {old['release']} and is {row['estimate']:g} in that of "
                f"{row['release']}"
            )
    return tuple(said)


def _statuses(table: Table) -> tuple[str, ...]:
    found = [str(status) for status in table["status"]]
    return tuple(
        f"{status} ({k} figure{'s' if k > 1 else ''}): {STATUS.get(status, status)}"
        for status in dict.fromkeys(found)
        for k in [found.count(status)]
    )
