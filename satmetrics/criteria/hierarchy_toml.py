"""Hierarchies as TOML: reading with faults that name file and key, and writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from satmetrics import _toml
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale, as_scale

if TYPE_CHECKING:
    from satmetrics.criteria.hierarchy import IndexHierarchy

_TOP = ("schema", "id", "label", "levels", "scale", "source", "status", "node")
_SCALE = ("minimum", "maximum", "step", "labels")
_NODE = ("id", "parent", "weight", "label")


def hierarchy_state(
    text: str, *, where: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the arguments of a hierarchy, and those of its nodes, from TOML text."""
    document = _toml.parse(text, where=where)
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    entries = document.get("node")
    if not isinstance(entries, list) or not entries:
        raise _toml.wrong(where, "node", entries, "tables headed [[node]]")
    levels = document.get("levels", [])
    if not isinstance(levels, list) or not all(isinstance(v, str) for v in levels):
        raise _toml.wrong(where, "levels", levels, 'levels = ["index", …, "item"]')
    scale = document.get("scale")
    state = {
        "id": _toml.text_of(document, "id", where),
        "label": _label(document, where),
        "levels": tuple(levels),
        "scale": None if scale is None else _scale(scale, where),
        "source": _toml.text_of(document, "source", where, ""),
        "status": _toml.text_of(document, "status", where, "unverified"),
    }
    return state, [_node(entry, where, i) for i, entry in enumerate(entries)]


def hierarchy_document(hierarchy: IndexHierarchy) -> str:
    """Return a hierarchy as TOML text."""
    scale = hierarchy.scale
    document: dict[str, Any] = {
        "schema": 1,
        "id": hierarchy.id,
        **_label_entry(hierarchy.label),
        "levels": list(hierarchy.levels),
        "source": hierarchy.source,
        "status": hierarchy.status,
    }
    if scale is not None:
        document["scale"] = _scale_entry(scale)
    document["node"] = [
        {
            "id": node.id,
            **({"parent": node.parent} if node.parent else {}),
            "weight": node.weight,
            **_label_entry(node.label),
        }
        for node in hierarchy.nodes
    ]
    return _toml.write(document)


def _node(entry: object, where: str, at: int) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise _toml.wrong(where, "node", entry, "tables headed [[node]]")
    place = f"{where}, node {entry.get('id', at + 1)!r}"
    _toml.check_keys(entry, _NODE, where=place)
    return {
        "id": _toml.text_of(entry, "id", place),
        "parent": _toml.text_of(entry, "parent", place, ""),
        "weight": entry.get("weight", 1.0),
        "label": _label(entry, place),
    }


def _scale(scale: object, where: str) -> Scale:
    if not isinstance(scale, dict):
        return as_scale(scale, where=f"{where}, scale")  # type: ignore[arg-type]
    _toml.check_keys(scale, _SCALE, where=f"{where}, scale")
    if "minimum" not in scale or "maximum" not in scale:
        raise _toml.wrong(
            where, "scale", scale, "scale = { minimum = 1, maximum = 10 }"
        )
    return Scale(**scale)


def _scale_entry(scale: Scale) -> dict[str, Any]:
    ends = {"minimum": scale.minimum, "maximum": scale.maximum, "step": scale.step}
    return {**ends, **({"labels": list(scale.labels)} if scale.labels else {})}


def _label(entry: Mapping[str, Any], where: str) -> Label:
    label = entry.get("label", {})
    if not isinstance(label, dict):
        raise _toml.wrong(where, "label", label, 'label = { en = "…", zh = "…" }')
    _toml.check_keys(label, ("en", "zh"), where=f"{where}, label")
    return Label(
        _toml.text_of(label, "en", where, ""), _toml.text_of(label, "zh", where, "")
    )


def _label_entry(label: Label) -> dict[str, Any]:
    return {"label": {"en": label.en, "zh": label.zh}} if label else {}
