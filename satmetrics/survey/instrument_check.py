"""A survey held against its instrument: what is there, and what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray
from satmetrics.survey import _pairing as kernel
from satmetrics.survey._check_columns import Seen, see_columns
from satmetrics.survey.label import Label
from satmetrics.survey.questionnaire import refuse_concept, warn_remarks

if TYPE_CHECKING:
    from satmetrics.survey.instrument import Instrument
    from satmetrics.survey.item import Form

FEWEST = 30
"""Correlations of fewer answers are not looked at."""
SURE = 0.05
SHOWN = 8
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
            ("columns that belong to no question", _listed(self.extra) or "none"),
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
    words = {name: _words(spec, name, seen[name], rest) for name in spec.columns()}
    table = _table(spec, seen, rest, words, others)
    forms = _forms(spec, seen)
    findings = (
        *_absent(table, others),
        *_incomplete(forms),
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
            "n": [int(np.isfinite(own.values).sum()) for own in look],
            "column": [column for column, _, _ in cells],
            "form": [form.id for _, form, _ in cells],
            "there": [own.there for own in look],
            "nearest": [
                "" if own.there else _nearest(column, others)
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


def _nearest(column: str, others: Sequence[str]) -> str:
    hint = did_you_mean(column, others)
    return hint.split("'")[1] if hint.count("'") >= 2 else ""


def _words(
    spec: Instrument, column: str, own: Seen, rest: dict[str, tuple[float, int]]
) -> str:
    """Say what looks odd in one column."""
    found = []
    if own.fault:
        found.append(own.fault)
    if own.unreadable:
        found.append(f"{own.unreadable:,} texts hold no number")
    if own.off_scale:
        shown = ", ".join(f"{value:g}" for value in own.off_values[:SHOWN])
        found.append(
            f"{own.off_scale:,} answers off the scale {spec.scale_of(column)}: {shown}"
        )
    if own.constant:
        found.append("all answers are the same")
    if own.there and not np.isfinite(own.values).any():
        found.append("no usable answers")
    r, n = rest.get(column, (np.nan, 0))
    if n >= FEWEST and r < -2 / np.sqrt(n):
        turned = column in spec.reverse_columns()
        cause = "looks reversed already" if turned else "looks reversed"
        found.append(f"{cause} (r = {r:.2f} with the rest of its dimension, n = {n:,})")
    return "; ".join(found)


def _item_rest(spec: Instrument, seen: dict[str, Seen]) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    for form in spec.forms:
        for dimension in spec.asked_dimensions if form.per_item else ():
            columns = _present(spec, form, dimension.id, seen)
            if len(columns) > 1:
                r, n = kernel.item_rest(_matrix(seen, columns))
                pairs = zip(r.tolist(), n.astype(int).tolist(), strict=True)
                found.update(zip(columns, pairs, strict=True))
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
        means = np.column_stack(
            [_matrix(seen, columns).mean(axis=1) for columns in blocks.values()]
        )
        r, n = kernel.item_rest(means)
        for name, value in zip(blocks, r, strict=True):
            if n[0] >= FEWEST and value < -2 / np.sqrt(n[0]):
                found.append(
                    f"{form.id} of dimension {name!r} runs against the other "
                    f"dimensions (r = {value:.2f}, n = {int(n[0]):,}): is the whole of "
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
        _matrix(seen, [form.column(item.id) for item in items])
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
    return table, _hints(table, first[0].id)


def _hints(table: Table, first: str) -> list[str]:
    sure = {
        row["item"]: row
        for row in table.rows()
        if row["n"] >= FEWEST and row["p_value"] < SURE
    }
    found, told = [], set()
    for name, row in sure.items():
        other = row["other"]
        if name in told:
            continue
        mutual = other in sure and sure[other]["other"] == name
        told |= {name, other} if mutual else {name}
        numbers = f"r = {row['best']:.2f} against {row['own']:.2f}, n = {row['n']:,}"
        found.append(
            f"hint: the {first} of {name!r} goes with the perception of {other!r} "
            f"better than with its own ({numbers})"
            + (", and the other way round: are they exchanged?" if mutual else "")
        )
    return found


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


def _absent(table: Table, others: Sequence[str]) -> list[str]:
    gone = [row for row in table.rows() if not row["there"]]
    if not gone:
        return []
    hints = [
        f"{r['column']} (did you mean {r['nearest']!r}?)" for r in gone if r["nearest"]
    ]
    bare = [row["column"] for row in gone if not row["nearest"]]
    text = f"{len(gone)} columns are not there: {_listed([*hints, *bare])}"
    return [text + (f"; the data have also {_listed(others)}" if others else "")]


def _incomplete(forms: Table) -> list[str]:
    return [
        f"form {row['form']!r} is incomplete: {row['there']} of {row['columns']} "
        "columns"
        for row in forms.rows()
        if 0 < row["there"] < row["columns"]
    ]


def _present(
    spec: Instrument, form: Form, dimension: str, seen: dict[str, Seen]
) -> list[str]:
    columns = [form.column(item.id) for item in spec.items_of(dimension)]
    return [name for name in columns if _usable(seen[name])]


def _usable(own: Seen) -> bool:
    return own.there and not own.constant and bool(np.isfinite(own.values).any())


def _matrix(seen: dict[str, Seen], columns: Sequence[str]) -> FloatArray:
    return np.column_stack([seen[name].values for name in columns])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
