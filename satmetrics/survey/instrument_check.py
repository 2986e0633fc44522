"""A survey held against its instrument: what is there, and what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import nearest
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.survey import _pairing as kernel
from satmetrics.survey._check_columns import Seen, see_columns
from satmetrics.survey._check_words import (
    FEWEST,
    absent_columns,
    column_words,
    incomplete_forms,
    listed,
    pairing_hints,
)
from satmetrics.survey.label import Label
from satmetrics.survey.questionnaire import refuse_concept, warn_remarks

if TYPE_CHECKING:
    from satmetrics.survey.instrument import Instrument
    from satmetrics.survey.item import Form

PAIRING = (
    "whether expectation and perception belong together rests on correlations: a hint, "
    "never a verdict"
)


@dataclass(frozen=True, eq=False, repr=False)
class InstrumentCheck(TableResult):
    """How the columns and answers of a survey fit an instrument.

    Attributes
    ----------
    table : one row per column of the instrument: dimension, item, n (usable answers),
        column, form, there, nearest (a column of the data with a similar name, where
        the column is not there), missing (share of empty cells), unreadable (texts
        without a number), off_scale (answers), between (answers between two points),
        constant, reverse, item_rest (correlation with the rest of the dimension in that
        form, reversed items turned), attribute and found (what looks odd, in words).
    forms : one row per form: form, kind, columns, there and complete.
    pairing : one row per item asked for expectation (or desired level) and perception:
        the correlation of the two (own), the item whose perception goes best with its
        expectation (other) and that correlation (best), n, Williams' t and its
        one-sided p, Bonferroni-adjusted for picking the best.
    extra : columns of the data that belong to no question.
    findings : what looks odd, as sentences.
    remarks : what departs from a rule of thumb in the instrument itself.
    instrument, label : id and name of the instrument.
    """

    forms: Table = field(default_factory=lambda: Table((), ()))
    pairing: Table = field(default_factory=lambda: Table((), ()))
    extra: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    instrument: str = ""
    label: Label = field(default_factory=Label)

    def summary(self) -> Summary:
        """Return forms, odd columns and findings, printable as text and HTML."""
        odd = self.table.take(np.flatnonzero(self.table["found"] != ""))
        heads = {
            "column": "column",
            "found": "what looks odd",
            "n": "n",
            "missing": "missing",
            "off_scale": "off scale",
            "item_rest": "r with rest",
        }
        forms = {"form": "form", "kind": "kind", "columns": "columns", "there": "there"}
        sections = [section("forms", self.forms, forms)]
        if len(odd):
            sections.append(section("columns to look at", odd, heads))
        facts = (
            *self.context.facts(),
            ("rows", f"{self.context.n_rows:,}"),
            ("columns that belong to no question", listed(self.extra) or "none"),
        )
        notes = self.findings or ("nothing looks odd",)
        return Summary(
            f"{self.label} ({self.instrument}) and its data",
            facts,
            tuple(sections),
            (*notes, *self.remarks, *self.context.sentences()),
        )


def check_instrument(spec: Instrument, data: object) -> InstrumentCheck:
    """Look at every column of an instrument without refusing any."""
    refuse_concept(spec)
    remarks = warn_remarks(spec, stacklevel=5)
    seen, context, others = see_columns(spec, data)
    rest = _item_rest(spec, seen)
    pairing, hints = _pairing(spec, seen)
    words = {
        name: column_words(spec, name, seen[name], rest) for name in spec.columns()
    }
    table = _table(spec, seen, rest, words, others)
    forms = _forms(spec, seen)
    findings = (
        *absent_columns(table, others),
        *incomplete_forms(forms),
        *(f"{name!r}: {text}" for name, text in words.items() if text),
        *_whole_dimensions(spec, seen),
        *hints,
    )
    note = (PAIRING,) if len(pairing) else ()
    return InstrumentCheck(
        table,
        context.plus(notes=note),
        forms=forms,
        pairing=pairing,
        extra=others,
        findings=findings,
        remarks=remarks,
        instrument=spec.id,
        label=spec.label,
    )


def _table(
    spec: Instrument,
    seen: dict[str, Seen],
    rest: dict[str, tuple[float, int]],
    words: dict[str, str],
    others: Sequence[str],
) -> Table:
    cells = spec._cells()
    look = [seen[column] for column, _, _ in cells]
    items = [spec.item(name) if form.per_item else None for _, form, name in cells]
    return Table.of(
        {
            "dimension": [
                item.dimension if item else name
                for item, (_, _, name) in zip(items, cells, strict=True)
            ],
            "item": [item.id if item else "" for item in items],
            "n": [own.usable for own in look],
            "column": [column for column, _, _ in cells],
            "form": [form.id for _, form, _ in cells],
            "there": [own.there for own in look],
            "nearest": [
                "" if own.there else nearest(column, others) or ""
                for own, (column, _, _) in zip(look, cells, strict=True)
            ],
            "missing": [own.missing for own in look],
            "unreadable": [own.unreadable for own in look],
            "off_scale": [own.off_scale for own in look],
            "between": [own.between for own in look],
            "constant": [own.constant for own in look],
            "reverse": [bool(item and item.reverse) for item in items],
            "item_rest": [rest.get(column, (np.nan, 0))[0] for column, _, _ in cells],
            "attribute": [item.attribute if item else "" for item in items],
            "found": [words[column] for column, _, _ in cells],
        }
    )


def _item_rest(spec: Instrument, seen: dict[str, Seen]) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    for form in spec.forms:
        for dimension in spec.asked_dimensions if form.per_item else ():
            columns = _present(spec, form, dimension.id, seen)
            if len(columns) > 1:
                r, n = kernel.item_rest([seen[name].values for name in columns])
                found |= {c: (x, n) for c, x in zip(columns, r.tolist(), strict=True)}
    return found


def _whole_dimensions(spec: Instrument, seen: dict[str, Seen]) -> list[str]:
    """Name dimensions whose mean runs against the mean of all others in a form."""
    found = []
    for form in spec.forms:
        blocks = {
            d.id: columns
            for d in spec.asked_dimensions
            if form.per_item and (columns := _present(spec, form, d.id, seen))
        }
        if len(blocks) < 3:
            continue
        r, n = kernel.item_rest([_mean(seen, own) for own in blocks.values()])
        for name, value in zip(blocks, r, strict=True):
            if n >= FEWEST and value < -2 / np.sqrt(n):
                found.append(
                    f"{form.id} of dimension {name!r} runs against the other "
                    f"dimensions (r = {value:.2f}, n = {n:,}): is the whole of "
                    "it reversed, or turned already?"
                )
    return found


def _pairing(spec: Instrument, seen: dict[str, Seen]) -> tuple[Table, list[str]]:
    """Compare each expectation's own perception with those of the other items."""
    forms = [form for form in spec.forms if form.per_item]
    first = [f for f in forms if f.kind in ("expectation", "desired")][:1]
    second = [f for f in forms if f.kind == "perception"][:1]
    if not first or not second:
        return Table((), ()), []
    items = [
        item
        for item in spec.items
        if all(_usable(seen[f.column(item.id)]) for f in (*first, *second))
    ]
    if len(items) < 2:
        return Table((), ()), []
    E, P = (
        [seen[form.column(item.id)].values for item in items]
        for form in (*first, *second)
    )
    found = kernel.rivals(E, P)
    ids = [item.id for item in items]
    table = Table.of(
        {
            "item": ids,
            "n": found.n.astype(np.int64),
            "statistic": found.t,
            "p_value": found.p,
            "own": found.own,
            "other": [ids[k] for k in found.other],
            "best": found.best,
        }
    )
    return table, pairing_hints(table, first[0].id)


def _forms(spec: Instrument, seen: dict[str, Seen]) -> Table:
    columns = [spec.columns(form.id) for form in spec.forms]
    there = [sum(seen[name].there for name in names) for names in columns]
    return Table.of(
        {
            "form": [form.id for form in spec.forms],
            "kind": [form.kind for form in spec.forms],
            "columns": [len(names) for names in columns],
            "there": there,
            "complete": [
                k == len(names) for k, names in zip(there, columns, strict=True)
            ],
        }
    )


def _present(
    spec: Instrument, form: Form, dimension: str, seen: dict[str, Seen]
) -> list[str]:
    columns = [form.column(item.id) for item in spec.items_of(dimension)]
    return [name for name in columns if _usable(seen[name])]


def _usable(own: Seen) -> bool:
    return own.there and not own.constant and own.usable > 0


def _mean(seen: dict[str, Seen], columns: Sequence[str]) -> FloatArray:
    total = seen[columns[0]].values.copy()
    for name in columns[1:]:
        total += seen[name].values
    return total / len(columns)
