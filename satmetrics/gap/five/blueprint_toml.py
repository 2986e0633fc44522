"""Blueprints as TOML and as frames: reading with faults that name the step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from satmetrics import _toml
from satmetrics._checks import did_you_mean
from satmetrics.errors import SpecificationError
from satmetrics.gap.five.steps import Step, StepStandard
from satmetrics.survey._door import open_frame
from satmetrics.survey.label import Label

_TOP = ("schema", "id", "label", "source", "notes", "step")
_STEP = (
    "id",
    "lane",
    "label",
    "dimension",
    "fail_point",
    "standard",
    "evidence",
    "minutes",
)
_STANDARD = ("text", "column", "comparison", "target")
_LABEL = ("en", "zh")
_COLUMNS = (
    "id",
    "lane",
    "label",
    "label_en",
    "label_zh",
    "dimension",
    "fail_point",
    "standard",
    "column",
    "comparison",
    "target",
    "evidence",
    "minutes",
)
_TRUE = ("true", "yes", "1", "是", "x")
_FALSE = ("false", "no", "0", "否", "")


def blueprint_state(text: str, *, where: str) -> dict[str, Any]:
    """Return the constructor's arguments from TOML text."""
    document = _toml.parse(text, where=where)
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    if "id" not in document or not document.get("step"):
        lacking = "id" if "id" not in document else "[[step]]"
        raise SpecificationError(
            f"{where}: {lacking} is missing", code="missing-key", column=lacking
        )
    return {
        "id": str(document["id"]),
        "label": _label(document, where),
        "source": str(document.get("source", "")),
        "notes": tuple(document.get("notes", ())),
        "steps": tuple(
            _step(entry, f"{where}, step {k + 1}")
            for k, entry in enumerate(document["step"])
        ),
    }


def blueprint_document(
    name: str, label: Label, source: str, notes: Sequence[str], steps: Sequence[Step]
) -> str:
    """Return a blueprint as TOML text."""
    document: dict[str, Any] = {"schema": 1, "id": name, **_label_entry(label)}
    if source:
        document["source"] = source
    if notes:
        document["notes"] = list(notes)
    document["step"] = [_entry(step) for step in steps]
    return _toml.write(document)


def steps_of_frame(frame: object) -> tuple[Step, ...]:
    """Return the steps of a frame, one row each."""
    rows = open_frame(frame).to_pandas()
    for name in rows.columns:
        if name not in _COLUMNS:
            raise SpecificationError(
                f"a blueprint has no column {name!r}",
                code="unknown-key",
                column=str(name),
                value=str(name),
                remedy=f"{did_you_mean(name, _COLUMNS)} it may have "
                f"{', '.join(_COLUMNS)}".strip(),
            )
    for name in ("id", "lane"):
        if name not in rows:
            raise SpecificationError(
                f"the frame has no column {name!r}", code="missing-key", column=name
            )
    return tuple(
        _row({str(k): v for k, v in r.items()}) for r in rows.to_dict("records")
    )


def _row(row: Mapping[str, object]) -> Step:
    name = _text(row.get("id"))
    target = _optional(row.get("target"))
    text, column, comparison = (
        _text(row.get(key)) for key in ("standard", "column", "comparison")
    )
    stated = any((text, column, comparison)) or target is not None
    touches = [part.strip() for part in _text(row.get("evidence")).split(";")]
    return Step(
        name,
        _text(row.get("lane")),
        Label(
            _text(row.get("label")) or _text(row.get("label_en")),
            _text(row.get("label_zh")),
        ),
        _text(row.get("dimension")),
        _flag(row.get("fail_point"), name),
        StepStandard(text, column, comparison, target) if stated else None,
        tuple(filter(None, touches)),
        _optional(row.get("minutes")),
    )


def _step(entry: dict[str, Any], where: str) -> Step:
    _toml.check_keys(entry, _STEP, where=where)
    for key in ("id", "lane"):
        if key not in entry:
            raise SpecificationError(
                f"{where}: {key} is missing", code="missing-key", column=key
            )
    standard = entry.get("standard")
    if isinstance(standard, str):
        standard = {"text": standard}
    if standard is not None:
        _toml.check_keys(standard, _STANDARD, where=f"{where}, standard")
    evidence = entry.get("evidence", ())
    return Step(
        str(entry["id"]),
        str(entry["lane"]),
        _label(entry, where),
        str(entry.get("dimension", "")),
        entry.get("fail_point", False),
        None if standard is None else StepStandard(**standard),
        (evidence,) if isinstance(evidence, str) else tuple(evidence),
        entry.get("minutes"),
    )


def _entry(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": step.id,
        "lane": step.lane,
        **_label_entry(step.label),
    }
    if step.dimension:
        found["dimension"] = step.dimension
    if step.fail_point:
        found["fail_point"] = True
    if step.evidence:
        found["evidence"] = list(step.evidence)
    if step.minutes is not None:
        found["minutes"] = step.minutes
    if step.standard is not None:
        own = {name: getattr(step.standard, name) for name in _STANDARD}
        found["standard"] = {k: v for k, v in own.items() if v not in ("", None)}
    return found


def _label(entry: Mapping[str, Any], where: str) -> Label:
    label = entry.get("label", {})
    if isinstance(label, str):
        return Label(label)
    _toml.check_keys(label, _LABEL, where=f"{where}, label")
    return Label(str(label.get("en", "")), str(label.get("zh", "")))


def _label_entry(label: Label) -> dict[str, Any]:
    own = {key: getattr(label, key) for key in _LABEL if getattr(label, key)}
    return {"label": own} if own else {}


def _blank(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN and NaT


def _text(value: object) -> str:
    return "" if _blank(value) else str(value).strip()


def _optional(value: object) -> float | None:
    if _blank(value) or value == "":
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _flag(value: object, name: str) -> bool:
    plain = _text(value).casefold()
    plain = plain[:-2] if plain.endswith(".0") else plain
    if plain in (*_TRUE, *_FALSE):
        return plain in _TRUE
    raise SpecificationError(
        f"step {name!r}: fail_point is {value!r}",
        code="bad-flag",
        column="fail_point",
        value=str(value),
        remedy="give true or false",
    )
