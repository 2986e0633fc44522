"""The questions of an instrument in order, and an empty sheet for the answers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords, one_of, positive_int
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, TableResult
from satmetrics.errors import OptionError, SpecificationError, SpecificationWarning
from satmetrics.survey.label import Label

if TYPE_CHECKING:
    import pandas as pd

    from satmetrics.survey.instrument import Instrument
    from satmetrics.survey.item import Form

LANGUAGES = ("en", "zh")
OWN_WORDING = (
    "questions are short neutral labels, not a wording; with_wording() takes the "
    "questions as you ask them"
)
EXPECTATIONS = {
    "should": "what a firm should offer",
    "excellent": "what an excellent firm will offer",
    "will": "what the firm will offer",
    "desired": "the level that is wished for",
    "minimum": "the least that is acceptable",
}
"""What the type of expectation asks for; it is named beside every gap."""


@dataclass(frozen=True, eq=False, repr=False)
class Questionnaire(TableResult):
    """The questions to be asked, one row each, in order.

    Attributes
    ----------
    table : dimension, item (empty where a dimension is asked about as a whole),
        position, column (the name of the answers), form, block (what is asked),
        question, label_en, label_zh, scale, minimum, maximum, reverse, attribute and
        status.
    instrument : id of the instrument.
    label : its name.
    language : of block and question.
    timing, expectation : when and which expectations are asked, as the instrument says.
    remarks : what departs from a rule of thumb.
    """

    instrument: str = ""
    label: Label = field(default_factory=Label)
    language: str = "en"
    timing: str = ""
    expectation: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of answers, in order."""
        return tuple(self.table["column"].tolist())

    @friendly_keywords
    def answer_sheet(
        self, n: int = 1, roles: Sequence[str] = ("respondent",)
    ) -> pd.DataFrame:
        """Return a fresh frame of `n` empty rows to be filled in.

        Saved as CSV or Excel, filled and read with ``sat.read(file, instrument=…)``, or
        given to ``sat.Survey(frame, instrument, …)``, its columns are those of the
        instrument.

        Parameters
        ----------
        n : rows.
        roles : further columns, before the answers; "respondent" is numbered from 1,
            others (unit, wave …) are empty.

        Raises
        ------
        OptionError
            If `n` is no positive whole number, or a role has the name of a question.
        """
        import pandas as pd

        rows = positive_int("n", n)
        names = [roles] if isinstance(roles, str) else list(roles)
        for name in names:
            if name in self.columns or names.count(name) > 1:
                raise OptionError(
                    f"roles= names the column {name!r} twice",
                    code="duplicate-columns",
                    column="roles",
                    value=name,
                    remedy="questions have their columns already",
                )
        numbers = pd.array(range(1, rows + 1), dtype="Int64")
        sheet = pd.DataFrame(index=range(rows))
        blank = pd.Series(pd.NA, index=sheet.index)
        first = {
            name: numbers if name == "respondent" else blank.astype("string")
            for name in names
        }
        answers = {name: blank.astype("Float64") for name in self.columns}
        return sheet.assign(**first, **answers)

    def summary(self) -> Summary:
        """Return the blocks of questions, printable as text and HTML."""
        forms = list(dict.fromkeys(self.table["form"].tolist()))
        facts = (
            ("instrument", self.instrument),
            ("questions", f"{len(self.table)} in {len(forms)} blocks"),
            ("timing", self.timing.replace("_", " ") or "not stated"),
            (
                "expectation asked",
                f"{self.expectation}: {EXPECTATIONS[self.expectation]}"
                if self.expectation in EXPECTATIONS
                else self.expectation or "none",
            ),
        )
        heads = {
            "column": "column",
            "dimension": "dimension",
            "question": "question",
            "scale": "scale",
        }
        blocks = []
        for form in forms:
            rows = self.table.where(form=form)
            title = f"{rows['block'][0]} ({form}, {len(rows)} questions)"
            blocks.append(section(title, rows, heads))
        turned = int(self.table["reverse"].sum())
        notes = list(self.remarks)
        if turned:
            notes.append(f"{turned} questions are reversed: a high answer is bad")
        return Summary(
            f"Questionnaire {self.label}",
            facts,
            tuple(blocks),
            (*notes, *self.context.notes),
        )


def questionnaire_of(spec: Instrument, language: str) -> Questionnaire:
    """List the questions of an instrument; remark on what departs from a rule."""
    one_of("language", language, LANGUAGES)
    refuse_concept(spec)
    remarks = warn_remarks(spec, stacklevel=5)
    rows = [_row(spec, form, name, language) for _, form, name in spec._cells()]
    columns: dict[str, object] = {key: [row[key] for row in rows] for key in rows[0]}
    columns["position"] = np.arange(1, len(rows) + 1)
    worded = len(spec.wording) < len(rows)
    return Questionnaire(
        Table.of(columns),
        Context(name=spec.id, notes=(*((OWN_WORDING,) if worded else ()), *spec.notes)),
        instrument=spec.id,
        label=spec.label,
        language=language,
        timing=spec.timing,
        expectation=spec.expectation,
        remarks=remarks,
    )


def refuse_concept(spec: Instrument) -> None:
    """Raise unless the instrument asks something."""
    if spec.columns():
        return
    raise SpecificationError(
        f"instrument {spec.id!r} is a concept: it has no items to be asked",
        code="no-items",
        column="items",
        value=spec.id,
        remedy="give its dimensions items first: with_items({'"
        + spec.dimensions[0].id
        + "': ['…', '…', '…', '…']})",
    )


def warn_remarks(spec: Instrument, *, stacklevel: int) -> tuple[str, ...]:
    """Warn of what an instrument's `remarks` say, and return them."""
    remarks = spec.remarks()
    for remark in remarks:
        warnings.warn(
            f"instrument {spec.id!r}: {remark}",
            SpecificationWarning,
            stacklevel=stacklevel,
        )
    return remarks


def _row(spec: Instrument, form: Form, name: str, language: str) -> dict[str, object]:
    column = form.column(name)
    part = (
        spec.item(name)
        if form.per_item
        else next(d for d in spec.dimensions if d.id == name)
    )
    item = spec.item(name) if form.per_item else None
    scale = spec.scale_of(column)
    said = {"en": part.label.en, "zh": part.label.zh}
    question = dict(spec.wording).get(column, said[language] or str(part.label) or name)
    block = {"en": form.label.en, "zh": form.label.zh}
    return {
        "dimension": item.dimension if item else name,
        "item": item.id if item else "",
        "position": 0,
        "column": column,
        "form": form.id,
        "block": block[language] or str(form.label) or form.id,
        "question": question,
        "label_en": part.label.en,
        "label_zh": part.label.zh,
        "scale": str(scale) if scale else "",
        "minimum": scale.minimum if scale else np.nan,
        "maximum": scale.maximum if scale else np.nan,
        "reverse": bool(item.reverse) if item else False,
        "attribute": item.attribute if item else "",
        "status": part.status,
    }
