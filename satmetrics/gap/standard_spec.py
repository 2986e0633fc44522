"""Standards as a specification: what is measured, the target, how often it is met."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from satmetrics import _toml
from satmetrics._checks import did_you_mean
from satmetrics._result import Record
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.survey.item import STATUSES, Status
from satmetrics.survey.label import Label

Target = str | Sequence[object]
"""A column of yes (1) and no (0), or (column, comparison, target[, unit])."""
COMPARISONS: Mapping[str, Callable[[FloatArray, float], BoolArray]] = {
    "<=": np.less_equal,
    "<": np.less,
    ">=": np.greater_equal,
    ">": np.greater,
    "==": np.equal,
}
_TOP = ("schema", "id", "label", "source", "status", "notes", "standard")
_OWN = (
    "id",
    "label",
    "dimension",
    "column",
    "comparison",
    "target",
    "unit",
    "goal",
)


@dataclass(frozen=True)
class Standard(Record):
    """One standard: a column of the encounters, a target, and how often to meet it.

    Attributes
    ----------
    id : short name.
    column : column that measures it.
    comparison : how the column stands to the target, one of ``<= < >= > ==``.
    target : the number to reach, in units of the column; 1 for a column of yes and no.
    unit : of the target, such as "minutes"; printed.
    goal : share of encounters that should meet it, up to 1; None if not set.
    dimension : dimension of quality or block it belongs to; empty if none.
    label : what it is called, in English and Chinese.

    Raises
    ------
    SpecificationError
        If the comparison is unknown, the target no number or the goal no share.
    """

    id: str
    column: str
    comparison: str = "=="
    target: float = 1.0
    unit: str = ""
    goal: float | None = None
    dimension: str = ""
    label: Label = field(default_factory=Label)

    def __post_init__(self) -> None:
        if not self.id or not self.column:
            raise self._fault("column", self.column, "give it an id and a column")
        if self.comparison not in COMPARISONS:
            listed = " ".join(COMPARISONS)
            raise self._fault("comparison", self.comparison, f"it is one of {listed}")
        if not _finite(self.target):
            raise self._fault("target", self.target, "give a number")
        object.__setattr__(self, "target", float(self.target))
        if self.goal is None:
            return
        if not _finite(self.goal) or not 0 < self.goal <= 1:
            raise self._fault("goal", self.goal, "give a share up to 1, such as 0.95")
        object.__setattr__(self, "goal", float(self.goal))

    @property
    def yes_no(self) -> bool:
        """True if the column says yes (1) or no (0)."""
        return self.comparison == "==" and self.target == 1 and not self.unit

    @property
    def words(self) -> str:
        """The standard as a phrase, such as "rings <= 3"."""
        if self.yes_no:
            return str(self.label) or f"{self.column}: yes"
        said = f"{self.column} {self.comparison} {self.target:g} {self.unit}".strip()
        return f"{self.label} ({said})" if self.label else said

    def met(self, values: FloatArray) -> FloatArray:
        """Return 1 where values meet the standard, 0 where not, NaN where missing."""
        done = COMPARISONS[self.comparison](values, self.target)
        return np.asarray(np.where(np.isfinite(values), done, np.nan))

    def _fault(self, key: str, value: object, remedy: str) -> SpecificationError:
        return SpecificationError(
            f"standard {self.id!r}: {key} = {value!r}",
            code="bad-standard",
            column=key,
            value=value,
            remedy=remedy,
        )


@dataclass(frozen=True)
class Standards(Record):
    """A set of standards.

    Attributes
    ----------
    id : short name.
    standards : in order.
    label : what the set is called, in English and Chinese.
    source : where they come from.
    status : "verified", "recalled" or "unverified".
    notes : sentences a reader should know.

    Examples
    --------
    >>> import satmetrics as sat
    >>> ours = sat.quality.Standards.of(
    ...     {"telephone": ("rings", "<=", 3, "rings")}, goal=0.95
    ... )
    >>> ours.standards[0].words
    'rings <= 3 rings'
    >>> sat.quality.Standards.from_toml(ours.to_toml()) == ours
    True
    """

    id: str
    standards: tuple[Standard, ...]
    label: Label = field(default_factory=Label)
    source: str = ""
    status: Status = "unverified"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("standards", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.standards:
            raise SpecificationError(
                f"{self.id!r} has no standards", code="no-standards", value=self.id
            )
        ids = [standard.id for standard in self.standards]
        twice = [name for name in ids if ids.count(name) > 1]
        if twice:
            raise SpecificationError(
                f"{self.id!r}: standard {twice[0]!r} occurs twice",
                code="duplicate-id",
                column="standard",
                value=twice[0],
                remedy="each standard needs a name of its own",
            )
        if self.status not in STATUSES:
            raise SpecificationError(
                f"{self.id!r}: status {self.status!r}",
                code="unknown-name",
                column="status",
                value=self.status,
                remedy=f"it is one of {', '.join(STATUSES)}",
            )

    @classmethod
    def of(
        cls, targets: Mapping[str, Target] | Sequence[str], *, goal: float | None = None
    ) -> Standards:
        """Return the standards of a mapping, or of columns of yes and no.

        Parameters
        ----------
        targets : ``{name: (column, comparison, target)}`` with the unit as a fourth, or
            ``{name: column}`` for a column of yes (1) and no (0); a list of such
            columns.
        goal : share of encounters that should meet each.

        Raises
        ------
        SpecificationError
            If a target is neither.
        """
        pairs: list[tuple[str, Target]] = [(name, name) for name in targets]
        if isinstance(targets, Mapping):
            pairs = list(targets.items())
        made = [_of_target(str(name), given, goal) for name, given in pairs]
        return cls("standards", tuple(made))

    @classmethod
    def from_toml(cls, text: str, *, where: str = "standards") -> Standards:
        """Read standards from TOML text; a fault names `where` and the key.

        Raises
        ------
        SpecificationError
            If the text is not TOML, or a key is missing, unknown or contradictory.
        """
        document = _toml.parse(text, where=where)
        _toml.check_schema(document, where=where)
        _toml.check_keys(document, _TOP, where=where)
        entries = document.get("standard")
        if not isinstance(entries, list) or not entries:
            raise _toml.absent(where, "[[standard]]")
        return cls(
            _text(document, "id", where),
            tuple(_of_entry(entry, where) for entry in entries),
            _label(document, where),
            str(document.get("source", "")),
            document.get("status", "unverified"),
            tuple(map(str, document.get("notes", ()))),
        )

    @classmethod
    def read(cls, path: str | Path) -> Standards:
        """Read standards from a TOML file."""
        return cls.from_toml(_toml.read_text(path), where=str(path))

    @classmethod
    def template(cls, name: str) -> Standards:
        """Return standards that ship with the library.

        Parameters
        ----------
        name : "standards_audit" (six criteria that a good standard meets) or "greeting"
            (eye contact, greeting, telephone).

        Raises
        ------
        OptionError
            If there is no such template.
        """
        names = _toml.shelf("satmetrics.gap")
        if name not in names:
            raise OptionError(
                f"there is no template {name!r}",
                code="unknown-template",
                column="name",
                value=name,
                remedy=f"{did_you_mean(name, names)} there are {', '.join(names)}",
            )
        text = _toml.shelved("satmetrics.gap", name)
        return cls.from_toml(text, where=f"catalog/{name}.toml")

    def to_toml(self) -> str:
        """Return the standards as TOML that `from_toml` brings back unchanged."""
        entries = []
        for standard in self.standards:
            entry: dict[str, Any] = {
                "id": standard.id,
                "label": {"en": standard.label.en, "zh": standard.label.zh},
                "dimension": standard.dimension,
                "column": standard.column,
                "comparison": standard.comparison,
                "target": standard.target,
                "unit": standard.unit,
            }
            if standard.goal is not None:
                entry["goal"] = standard.goal
            entries.append(entry)
        return _toml.write(
            {
                "schema": 1,
                "id": self.id,
                "label": {"en": self.label.en, "zh": self.label.zh},
                "source": self.source,
                "status": self.status,
                "notes": list(self.notes),
                "standard": entries,
            }
        )

    def save_toml(self, path: str | Path) -> Path:
        """Write `to_toml` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target


def _of_target(name: str, given: Target, goal: float | None) -> Standard:
    if isinstance(given, str):
        return Standard(name, given, goal=goal)
    if isinstance(given, (tuple, list)) and len(given) in (3, 4):
        unit = str(given[3]) if len(given) > 3 else ""
        column, comparison, target = given[:3]
        if isinstance(column, str) and isinstance(comparison, str):
            return Standard(name, column, comparison, target, unit, goal)
    raise SpecificationError(
        f"standard {name!r}: {given!r}",
        code="bad-standard",
        column=name,
        value=str(given),
        remedy="give (column, comparison, target), such as ('rings', '<=', 3), or a "
        "column of yes and no",
    )


def _of_entry(entry: object, where: str) -> Standard:
    if not isinstance(entry, dict):
        raise _toml.absent(where, "[[standard]]")
    place = f"{where}, standard {entry.get('id')!r}"
    _toml.check_keys(entry, _OWN, where=place)
    return Standard(
        _text(entry, "id", place),
        _text(entry, "column", place),
        str(entry.get("comparison", "==")),
        entry.get("target", 1.0),
        str(entry.get("unit", "")),
        entry.get("goal"),
        str(entry.get("dimension", "")),
        _label(entry, place),
    )


def _label(entry: Mapping[str, Any], where: str) -> Label:
    label = entry.get("label", {})
    if not isinstance(label, dict):
        raise _toml.absent(where, 'label = { en = "…", zh = "…" }')
    _toml.check_keys(label, ("en", "zh"), where=f"{where}, label")
    return Label(str(label.get("en", "")), str(label.get("zh", "")))


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise _toml.absent(where, key)
    return value


def _finite(value: object) -> bool:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return real and math.isfinite(value)  # type: ignore[arg-type]
