"""Instruments as TOML: reading with faults that name file and key, and writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from satmetrics import _toml
from satmetrics.survey.item import Dimension, Form, IndustryWeights, Item
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale, as_scale

if TYPE_CHECKING:
    from satmetrics.survey.instrument import Instrument

_TOP = (
    "schema",
    "id",
    "label",
    "scale",
    "expectation",
    "citation",
    "source",
    "status",
    "notes",
    "timing",
    "dimension",
    "item",
    "form",
    "weights",
    "wording",
)
_DIMENSION = ("id", "label", "parent", "status")
_ITEM = ("id", "label", "dimension", "reverse", "scale", "status", "attribute")
_WEIGHTS = ("industry", "values", "source", "status")
_FORM = ("id", "pattern", "kind", "label", "scale")
_SCALE = ("minimum", "maximum", "step", "labels")


def instrument_state(text: str, *, where: str) -> dict[str, Any]:
    """Return the constructor's arguments from TOML text."""
    document = _toml.parse(text, where=where)
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    if not document.get("dimension"):
        raise _toml.absent(where, "[[dimension]]")
    if document.get("item") and not document.get("form"):
        raise _toml.absent(where, "[[form]]")
    return {
        "id": _toml.text_of(document, "id", where=where),
        "label": _label(document, where=where),
        "dimensions": tuple(
            _dimension(entry, place)
            for place, entry in _entries(document, "dimension", _DIMENSION, where)
        ),
        "items": tuple(
            _item(entry, place)
            for place, entry in _entries(document, "item", _ITEM, where)
        ),
        "forms": tuple(
            _form(entry, place)
            for place, entry in _entries(document, "form", _FORM, where)
        ),
        "scale": _scale(document, where=where),
        "expectation": _toml.text_of(document, "expectation", where=where, default=""),
        "citation": _toml.text_of(document, "citation", where=where),
        "source": _toml.text_of(document, "source", where=where),
        "status": _toml.text_of(document, "status", where=where),
        "notes": tuple(document.get("notes", ())),
        "timing": _toml.text_of(document, "timing", where=where, default=""),
        "weights": tuple(
            _weights(entry, place)
            for place, entry in _entries(document, "weights", _WEIGHTS, where)
        ),
        "wording": _wording(document, where=where),
    }


def instrument_document(instrument: Instrument) -> str:
    """Return an instrument as TOML text."""
    document: dict[str, Any] = {
        "schema": 1,
        "id": instrument.id,
        **_label_entry(instrument),
        "expectation": instrument.expectation,
        "citation": instrument.citation,
        "source": instrument.source,
        "status": instrument.status,
        "notes": list(instrument.notes),
        **_filled(timing=instrument.timing),
        **_scale_entry(instrument.scale),
        "dimension": [
            {
                "id": d.id,
                **_label_entry(d),
                **_filled(parent=d.parent),
                "status": d.status,
            }
            for d in instrument.dimensions
        ],
        "item": [_item_entry(item) for item in instrument.items],
        "form": [
            {
                "id": form.id,
                "kind": form.kind,
                "pattern": form.pattern,
                **_label_entry(form),
                **_scale_entry(form.scale),
            }
            for form in instrument.forms
        ],
        "weights": [
            {
                "industry": own.industry,
                "values": dict(own.points),
                "source": own.source,
                "status": own.status,
            }
            for own in instrument.weights
        ],
        "wording": dict(instrument.wording),
    }
    lists = ("item", "form", "weights", "wording")
    return _toml.write({k: v for k, v in document.items() if v or k not in lists})


def _item_entry(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        **_label_entry(item),
        "dimension": item.dimension,
        "reverse": item.reverse,
        "status": item.status,
        **_filled(attribute=item.attribute),
        **_scale_entry(item.scale),
    }


def _filled(**texts: str) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text}


def _dimension(entry: Mapping[str, Any], where: str) -> Dimension:
    return Dimension(
        id=_toml.text_of(entry, "id", where=where),
        label=_label(entry, where=where),
        parent=_toml.text_of(entry, "parent", where=where, default=""),
        status=_toml.text_of(entry, "status", where=where, default="verified"),  # type: ignore[arg-type]
    )


def _weights(entry: Mapping[str, Any], where: str) -> IndustryWeights:
    values = entry.get("values")
    if not isinstance(values, dict):
        raise _toml.wrong(where, "values", values, "values = { dimension = points, … }")
    return IndustryWeights(
        industry=_toml.text_of(entry, "industry", where=where),
        points=tuple(values.items()),
        source=_toml.text_of(entry, "source", where=where, default=""),
        status=_toml.text_of(entry, "status", where=where, default="unverified"),  # type: ignore[arg-type]
    )


def _wording(document: Mapping[str, Any], *, where: str) -> tuple[tuple[str, str], ...]:
    table = document.get("wording", {})
    if not isinstance(table, dict):
        raise _toml.wrong(
            where, "wording", table, 'a table [wording] of column = "text"'
        )
    return tuple(
        (key, _toml.text_of(table, key, where=f"{where}, wording")) for key in table
    )


def _item(entry: Mapping[str, Any], where: str) -> Item:
    reverse = entry.get("reverse", False)
    if not isinstance(reverse, bool):
        raise _toml.wrong(where, "reverse", reverse, "true or false")
    return Item(
        id=_toml.text_of(entry, "id", where=where),
        label=_label(entry, where=where),
        dimension=_toml.text_of(entry, "dimension", where=where),
        reverse=reverse,
        scale=_scale(entry, where=where),
        status=_toml.text_of(entry, "status", where=where, default="verified"),  # type: ignore[arg-type]
        attribute=_toml.text_of(entry, "attribute", where=where, default=""),
    )


def _form(entry: Mapping[str, Any], where: str) -> Form:
    return Form(
        id=_toml.text_of(entry, "id", where=where),
        pattern=_toml.text_of(entry, "pattern", where=where),
        kind=_toml.text_of(entry, "kind", where=where, default=""),
        label=_label(entry, where=where),
        scale=_scale(entry, where=where),
    )


def _entries(
    document: Mapping[str, Any], key: str, known: tuple[str, ...], where: str
) -> list[tuple[str, dict[str, Any]]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise _toml.wrong(where, key, entries, f"tables headed [[{key}]]")
    placed = [
        (f"{where}, {key} {entry.get('id', entry.get('industry', i + 1))!r}", entry)
        for i, entry in enumerate(entries)
    ]
    for place, entry in placed:
        _toml.check_keys(entry, known, where=place)
    return placed


def _label(entry: Mapping[str, Any], *, where: str) -> Label:
    label = entry.get("label")
    if not isinstance(label, dict):
        raise _toml.wrong(where, "label", label, 'label = { en = "…", zh = "…" }')
    _toml.check_keys(label, ("en", "zh"), where=f"{where}, label")
    return Label(
        _toml.text_of(label, "en", where=where), _toml.text_of(label, "zh", where=where)
    )


def _label_entry(part: Instrument | Dimension | Item | Form) -> dict[str, Any]:
    return {"label": {"en": part.label.en, "zh": part.label.zh}}


def _scale(entry: Mapping[str, Any], *, where: str) -> Scale | None:
    value = entry.get("scale")
    if value is None:
        return None
    if not isinstance(value, dict):
        return as_scale(value, where=f"{where}, scale")
    _toml.check_keys(value, _SCALE, where=f"{where}, scale")
    if "minimum" not in value or "maximum" not in value:
        raise _toml.absent(f"{where}, scale", "minimum and maximum")
    return Scale(**value)


def _scale_entry(scale: Scale | None) -> dict[str, Any]:
    if scale is None:
        return {}
    entry: dict[str, Any] = {
        "minimum": scale.minimum,
        "maximum": scale.maximum,
        "step": scale.step,
    }
    if scale.labels:
        entry["labels"] = list(scale.labels)
    return {"scale": entry}
