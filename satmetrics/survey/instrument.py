"""An instrument: what is asked, in which forms, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from satmetrics._checks import did_you_mean
from satmetrics._display import Section, Summary
from satmetrics._result import Record
from satmetrics.errors import SpecificationError
from satmetrics.survey._instrument_toml import instrument_document, instrument_state
from satmetrics.survey.item import STATUSES, Dimension, Form, Item, Status
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale


@dataclass(frozen=True, repr=False)
class Instrument(Record):
    """A questionnaire as a specification: no answers, no wording.

    Attributes
    ----------
    id : catalogue id.
    label : its name, in English and Chinese.
    dimensions : in order.
    items : in order of the questionnaire.
    forms : the ways each item is asked; they give the columns.
    scale : the scale of every item that has none of its own.
    expectation : the type of expectation asked ("should", "excellent", "will",
        "desired", "minimum"), empty if none is; it is printed with every gap.
    citation : author, year, journal.
    source : where the facts of this file were read.
    status : "verified", "recalled" or "unverified".
    notes : sentences a reader should know.

    Examples
    --------
    >>> from satmetrics.survey import instruments
    >>> servqual = instruments.load("servqual")
    >>> servqual.column("tan1", "expectation")
    'e_tan1'
    >>> servqual.pairs()["tangibles"][0]
    ('e_tan1', 'p_tan1')
    """

    id: str
    label: Label
    dimensions: tuple[Dimension, ...]
    items: tuple[Item, ...]
    forms: tuple[Form, ...]
    scale: Scale | None = None
    expectation: str = ""
    citation: str = ""
    source: str = ""
    status: Status = "unverified"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("dimensions", "items", "forms", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_ids("dimension", [d.id for d in self.dimensions])
        self._check_ids("item", [item.id for item in self.items])
        self._check_ids("form", [form.id for form in self.forms])
        self._check_statuses()
        known = [d.id for d in self.dimensions]
        for item in self.items:
            if item.dimension not in known:
                raise self._fault(f"item {item.id!r}", item.dimension, known)
        self._check_ids("column", [column for column, _, _ in self._cells()])

    @classmethod
    def from_toml(cls, text: str, *, where: str = "instrument") -> Instrument:
        """Read an instrument from TOML text; a fault names `where` and the key.

        Raises
        ------
        SpecificationError
            If the text is not TOML, or a key is missing, unknown or contradictory.
        """
        return cls(**instrument_state(text, where=where))

    def to_toml(self) -> str:
        """Return the instrument as TOML that `from_toml` brings back unchanged."""
        return instrument_document(self)

    def save_toml(self, path: str | Path) -> Path:
        """Write `to_toml` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target

    def form(self, form: str) -> Form:
        """Return the form called `form`, by id or, if that is unique, by kind."""
        for own in self.forms:
            if own.id == form:
                return own
        same = [own for own in self.forms if own.kind == form]
        if len(same) == 1:
            return same[0]
        raise self._fault("form", form, [own.id for own in self.forms])

    def has_form(self, form: str) -> bool:
        """Return whether `form` is the id or kind of a form."""
        return any(form in (own.id, own.kind) for own in self.forms)

    def item(self, item: str) -> Item:
        """Return the item called `item`."""
        for own in self.items:
            if own.id == item:
                return own
        raise self._fault("item", item, [own.id for own in self.items])

    def items_of(self, dimension: str) -> tuple[Item, ...]:
        """Return the items of a dimension, in order.

        Raises
        ------
        SpecificationError
            If there is no such dimension.
        """
        known = [d.id for d in self.dimensions]
        if dimension not in known:
            raise self._fault("dimension", dimension, known)
        return tuple(item for item in self.items if item.dimension == dimension)

    def column(self, item: str, form: str) -> str:
        """Return the column of an item (or of a dimension) in a form."""
        asked = self.form(form)
        known = self._targets(asked)
        if item not in known:
            raise self._fault(f"form {asked.id!r}", item, known)
        return asked.column(item)

    def columns(self, form: str | None = None) -> tuple[str, ...]:
        """Return the columns of one form, or of all forms, in order."""
        wanted = None if form is None else self.form(form).id
        return tuple(
            column for column, own, _ in self._cells() if wanted in (None, own.id)
        )

    def pairs(
        self, expectation: str = "expectation", perception: str = "perception"
    ) -> dict[str, list[tuple[str, str]]]:
        """Return ``{dimension: [(expectation column, perception column), …]}``.

        Raises
        ------
        SpecificationError
            If the instrument has no such form (a performance-only instrument).
        """
        first, second = self.form(expectation), self.form(perception)
        found: dict[str, list[tuple[str, str]]] = {d.id: [] for d in self.dimensions}
        for item in self.items:
            found[item.dimension].append(
                (first.column(item.id), second.column(item.id))
            )
        return found

    def item_of(self, column: str) -> tuple[Item, Form] | None:
        """Return the item and form of a column, None if it is not an item's column."""
        form, name = self._index.get(column, (None, ""))
        if form is None or not form.per_item:
            return None
        return self.item(name), form

    def label_of(self, column: str) -> str:
        """Return the English label of a column, its form added; empty if unknown."""
        form, name = self._index.get(column, (None, ""))
        if form is None:
            return ""
        parts = {d.id: d.label.en for d in self.dimensions}
        what = self.item(name).label.en if form.per_item else parts[name]
        return f"{what} ({form.label.en or form.id})"

    def scale_of(self, column: str) -> Scale | None:
        """Return the scale of a column: the form's, the item's or all's."""
        form, name = self._index.get(column, (None, ""))
        if form is None:
            return None
        if form.scale is not None or not form.per_item:
            return form.scale
        return self.item(name).scale or self.scale

    def own_scale_of(self, column: str) -> Scale | None:
        """Return the scale a form or item declares for itself, else None."""
        form, name = self._index.get(column, (None, ""))
        if form is None:
            return None
        own = self.item(name).scale if form.per_item else None
        return form.scale or own

    def reverse_columns(self) -> tuple[str, ...]:
        """Return the columns of the reversed items."""
        turned = {item.id for item in self.items if item.reverse}
        return tuple(
            column
            for column, form, name in self._cells()
            if form.per_item and name in turned
        )

    def summary(self) -> Summary:
        """Return dimensions, items and forms, printable as text and HTML."""
        rows = tuple(
            (item.id, item.dimension, item.label.en, item.label.zh, item.status)
            for item in self.items
        )
        forms = ", ".join(f"{form.id} ({form.pattern})" for form in self.forms)
        facts = (
            ("forms", forms),
            ("scale", str(self.scale) if self.scale else "not stated"),
            ("expectation asked", self.expectation or "none"),
            ("status", self.status),
            ("citation", self.citation),
        )
        heading = ("item", "dimension", "label", "label (zh)", "status")
        return Summary(
            f"Instrument {self.label.en} / {self.label.zh}",
            facts,
            (Section("", heading, rows, len(heading)),),
            self.notes,
        )

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @cached_property
    def _index(self) -> dict[str, tuple[Form, str]]:
        return {column: (form, name) for column, form, name in self._cells()}

    def _targets(self, form: Form) -> list[str]:
        parts = self.items if form.per_item else self.dimensions
        return [part.id for part in parts]

    def _cells(self) -> list[tuple[str, Form, str]]:
        return [
            (form.column(name), form, name)
            for form in self.forms
            for name in self._targets(form)
        ]

    def _check_ids(self, what: str, ids: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in ids:
            if name in seen or not name:
                raise SpecificationError(
                    f"instrument {self.id!r}: {what} {name!r} occurs twice or is empty",
                    code="duplicate-id",
                    column=what,
                    value=name,
                    remedy=f"each {what} needs a name of its own",
                )
            seen.add(name)

    def _check_statuses(self) -> None:
        parts = [(f"item {item.id!r}", item.status) for item in self.items]
        for part, status in [("status", self.status), *parts]:
            if status not in STATUSES:
                raise self._fault(part, status, STATUSES)

    def _fault(self, part: str, value: str, known: Iterable[str]) -> SpecificationError:
        options = list(known)
        hint = did_you_mean(value, options)
        return SpecificationError(
            f"instrument {self.id!r}, {part}: {value!r} does not exist",
            code="unknown-name",
            column=part,
            value=value,
            remedy=f"{hint} there are {', '.join(options) or 'none'}".strip(),
        )
