"""An instrument: what is asked, in which forms, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satmetrics._checks import friendly_keywords
from satmetrics._display import Section, Summary, percent
from satmetrics._result import Record
from satmetrics.survey import _instrument_changes as changes
from satmetrics.survey._instrument_rules import check_parts, remarks_on, unknown
from satmetrics.survey._instrument_toml import instrument_document, instrument_state
from satmetrics.survey.item import Dimension, Form, IndustryWeights, Item, Status
from satmetrics.survey.label import Label
from satmetrics.survey.questionnaire import Questionnaire, questionnaire_of
from satmetrics.survey.scale import Scale, ScaleLike

if TYPE_CHECKING:
    from satmetrics.survey.instrument_check import InstrumentCheck


@dataclass(frozen=True, repr=False)
class Instrument(Record):
    """A questionnaire as a specification: no answers, no wording but your own.

    Attributes
    ----------
    id : catalogue id.
    label : its name, in English and Chinese.
    dimensions : in order.
    items : in order of the questionnaire; none for a concept.
    forms : the ways each item is asked; they give the columns.
    scale : the scale of every item that has none of its own.
    expectation : the type of expectation asked ("should", "excellent", "will",
        "desired", "minimum"), empty if none is; it is printed with every gap.
    citation : author, year, journal.
    source : where the facts of this file were read.
    status : "verified", "recalled" or "unverified".
    notes : sentences a reader should know.
    timing : "before_after" if expectations are asked before the service, "same_sitting"
        if all is asked at once; empty if not stated.
    weights : importance points of the dimensions, by industry.
    wording : pairs (column, the question as you ask it); none ships.

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
    timing: str = ""
    weights: tuple[IndustryWeights, ...] = ()
    wording: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in ("dimensions", "items", "forms", "notes", "weights"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "wording", tuple(map(tuple, self.wording)))
        check_parts(self)

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
        raise unknown(self, "form", form, [own.id for own in self.forms])

    def has_form(self, form: str) -> bool:
        """Return whether `form` is the id or kind of a form."""
        return any(form in (own.id, own.kind) for own in self.forms)

    def item(self, item: str) -> Item:
        """Return the item called `item`."""
        for own in self.items:
            if own.id == item:
                return own
        raise unknown(self, "item", item, [own.id for own in self.items])

    def items_of(self, dimension: str) -> tuple[Item, ...]:
        """Return the items of a dimension, in order, with those of its parts.

        Raises
        ------
        SpecificationError
            If there is no such dimension.
        """
        known = [d.id for d in self.dimensions]
        if dimension not in known:
            raise unknown(self, "dimension", dimension, known)
        inside = {dimension}
        while more := {p.id for p in self.dimensions if p.parent in inside} - inside:
            inside |= more
        return tuple(item for item in self.items if item.dimension in inside)

    def subdimensions(self, dimension: str) -> tuple[Dimension, ...]:
        """Return the dimensions that are parts of `dimension`, none if it has none."""
        return tuple(d for d in self.dimensions if d.parent == dimension)

    @property
    def asked_dimensions(self) -> tuple[Dimension, ...]:
        """The dimensions that have items of their own."""
        own = {item.dimension for item in self.items}
        return tuple(d for d in self.dimensions if d.id in own)

    def column(self, item: str, form: str) -> str:
        """Return the column of an item (or of a dimension) in a form."""
        asked = self.form(form)
        known = self._targets(asked)
        if item not in known:
            raise unknown(self, f"form {asked.id!r}", item, known)
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

        Dimensions without items of their own are left out.

        Raises
        ------
        SpecificationError
            If the instrument has no such form (a performance-only instrument).
        """
        first, second = self.form(expectation), self.form(perception)
        found: dict[str, list[tuple[str, str]]] = {
            d.id: [] for d in self.asked_dimensions
        }
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
        """Return the columns of the reversed items, in the forms that turn them."""
        turned = {item.id for item in self.items if item.reverse}
        return tuple(
            column
            for column, form, name in self._cells()
            if form.per_item and form.turns and name in turned
        )

    def weights_for(self, industry: str) -> dict[str, float]:
        """Return the stored weights of the dimensions in an industry, summing to 1.

        They are the points divided by their sum; source and status stand in `weights`.

        Raises
        ------
        SpecificationError
            If no weights are stored for this industry.
        """
        for weights in self.weights:
            if weights.industry == industry:
                return weights.shares
        raise unknown(self, "weights", industry, [w.industry for w in self.weights])

    @friendly_keywords
    def with_weights(
        self,
        industry: str,
        points: Mapping[str, float],
        *,
        source: str = "",
        status: Status = "unverified",
    ) -> Instrument:
        """Return the instrument with importance points for an industry.

        Parameters
        ----------
        industry : where they hold; points it had are replaced.
        points : dimension → points, for every dimension; not negative, not all zero.
            They need not sum to 100: `weights_for` divides them by their sum.
        source : where they come from, such as "120 customers, March 2026".
        status : "verified", "recalled" or "unverified".

        Raises
        ------
        SpecificationError
            If a dimension is unknown or lacking, or points are negative or all zero.

        Examples
        --------
        >>> from satmetrics.survey import instruments
        >>> points = dict(tangibles=10, reliability=35, responsiveness=25)
        >>> points |= dict(assurance=20, empathy=20)
        >>> bank = instruments.load("servqual").with_weights("bank", points)
        >>> round(bank.weights_for("bank")["reliability"], 3)
        0.318
        """
        return changes.with_weights(self, industry, points, source, status)

    @friendly_keywords
    def with_items(
        self,
        items: Mapping[str, Sequence[str | Label]],
        *,
        forms: Sequence[Form] | None = None,
        scale: ScaleLike | None = None,
    ) -> Instrument:
        """Return the instrument with other items in some dimensions.

        Parameters
        ----------
        items : dimension → labels of its items; their ids are the dimension's with a
            number. Dimensions that are not named keep their items.
        forms : the ways each item is asked; by default the instrument's own, else
            expectation (``e_…``) and perception (``p_…``).
        scale : the scale of the items; by default the instrument's own.

        Raises
        ------
        SpecificationError
            If a dimension is unknown, or has parts.

        Examples
        --------
        >>> from satmetrics.survey import instruments
        >>> concept = instruments.load("servqual_1985")
        >>> own = concept.with_items({"access": ["easy to reach"]}, scale=(1, 7))
        >>> own.columns()
        ('e_access1', 'p_access1')
        """
        return changes.with_items(self, items, forms, scale)

    @friendly_keywords
    def with_wording(
        self, wording: Mapping[str, str], *, form: str | None = None
    ) -> Instrument:
        """Return the instrument with questions worded as you ask them.

        Parameters
        ----------
        wording : column → text, or item → text where `form` is given. Only
            `questionnaire` prints it; results keep the short labels.
        form : the form whose questions these are.

        Raises
        ------
        SpecificationError
            If a column, item or form is unknown, or a text is empty.
        """
        return changes.with_wording(self, wording, form)

    def remarks(self) -> tuple[str, ...]:
        """Return sentences about what departs from a rule of thumb or is lacking.

        Four or five items for each criterion is the rule of the standard procedure of
        measuring service quality.
        """
        return remarks_on(self)

    @friendly_keywords
    def questionnaire(self, language: str = "en") -> Questionnaire:
        """Return the questions to be asked, in order, and an empty answer sheet.

        Parameters
        ----------
        language : "en" or "zh", the language of the questions and of their blocks.

        Raises
        ------
        SpecificationError
            If the instrument is a concept without items.
        OptionError
            If the language is another.

        Warns
        -----
        SpecificationWarning
            If `remarks` has something to say.

        Examples
        --------
        >>> from satmetrics.survey import instruments
        >>> asked = instruments.load("servqual").questionnaire()
        >>> asked.to_frame()[["column", "question", "scale"]].head(2)
           column                 question scale
        0  e_tan1  equipment is up to date   1-7
        1  e_tan2     look of the premises   1-7
        >>> asked.answer_sheet(3).shape
        (3, 50)
        """
        return questionnaire_of(self, language)

    @friendly_keywords
    def check(self, data: object) -> InstrumentCheck:
        """Return how the columns and answers of a survey fit the instrument.

        Parameters
        ----------
        data : a `Survey`, or a pandas, Polars or PyArrow dataframe as it came. Answers
            that cannot be read are counted, not refused.

        Raises
        ------
        SpecificationError
            If the instrument has no columns.
        OptionError
            If `data` is no survey and no dataframe.

        Warns
        -----
        SpecificationWarning
            If `remarks` has something to say.

        Examples
        --------
        >>> import satmetrics as sat
        >>> bank = sat.datasets.load("bank_servqual")
        >>> check = sat.instruments.load("servqual").check(bank)
        >>> check.findings
        ()
        """
        from satmetrics.survey.instrument_check import check_instrument

        return check_instrument(self, data)

    def summary(self) -> Summary:
        """Return dimensions, items and forms, printable as text and HTML."""
        rows = tuple(
            (item.id, item.dimension, item.label.en, item.label.zh, item.status)
            for item in self.items
        )
        forms = ", ".join(f"{form.id} ({form.pattern})" for form in self.forms)
        facts = (
            ("forms", forms or "none"),
            ("scale", str(self.scale) if self.scale else "not stated"),
            ("expectation asked", self.expectation or "none"),
            ("timing", self.timing.replace("_", " ") or "not stated"),
            ("status", self.status),
            ("citation", self.citation),
        )
        heading = ("item", "dimension", "label", "label (zh)", "status")
        sections = [self._dimension_section()]
        if rows:
            sections.append(Section("items", heading, rows, len(heading)))
        return Summary(
            f"Instrument {self.label.en} / {self.label.zh}",
            facts,
            tuple(sections + self._weight_sections()),
            (*self.remarks(), *self.notes),
        )

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @cached_property
    def _index(self) -> dict[str, tuple[Form, str]]:
        return {column: (form, name) for column, form, name in self._cells()}

    def _dimension_section(self) -> Section:
        heading = ("dimension", "part of", "label", "label (zh)", "status", "items")
        rows = tuple(
            (d.id, d.parent, d.label.en, d.label.zh, d.status, str(len(own)))
            for d in self.dimensions
            for own in (self.items_of(d.id),)
        )
        return Section("dimensions", heading, rows, len(heading) - 1)

    def _weight_sections(self) -> list[Section]:
        found = []
        for weights in self.weights:
            rows = tuple(
                (name, f"{value:g}", percent(weights.shares[name], 1))
                for name, value in weights.points
            )
            source = weights.source or "no source given"
            title = f"weights, {weights.industry} ({weights.status}: {source}); "
            found.append(
                Section(title + weights.note, ("dimension", "points", "share"), rows)
            )
        return found

    def _targets(self, form: Form) -> list[str]:
        if form.per_item:
            return [item.id for item in self.items]
        return [d.id for d in self.dimensions if not d.parent]

    def _cells(self) -> list[tuple[str, Form, str]]:
        return [
            (form.column(name), form, name)
            for form in self.forms
            for name in self._targets(form)
        ]
