"""Models as TOML files: the catalogue and a user's own."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics.errors import SpecificationError
from satmetrics.models.model import Construct, Path, StructuralModel
from satmetrics.models.terms import HigherOrder, Interaction
from satmetrics.survey.label import Label

_TOP = (
    "schema",
    "id",
    "label",
    "scale",
    "construct",
    "path",
    "index",
    "note",
    "higher",
    "interaction",
)
_CONSTRUCT = ("id", "label", "mode", "kind", "scale", "indicators")
_INDICATOR = ("id", "label", "reverse")
_HIGHER = ("id", "label", "components", "mode", "kind", "approach")
_INTERACTION = ("id", "label", "factors", "mode", "approach")
_PATH = ("source", "target", "sign", "status")
_INDEX = ("target", "source", "citation", "status")


def names() -> tuple[str, ...]:
    """Return the names of the models in the catalogue, in alphabetical order.

    A name stands for a model form after a published one; ``str(load(name))`` says how
    well the form, and each arrow, is known.

    Returns
    -------
    The identifiers that `load`, and every function that takes a model, accept.

    Examples
    --------
    >>> import satmetrics as sat
    >>> [name for name in sat.models.names() if "ecsi" in name]
    ['ecsi', 'ecsi_no_complaints']
    """
    return _toml.shelf("satmetrics.models")


@friendly_keywords
def load(name: str) -> StructuralModel:
    """Load a model of the catalogue.

    Parameters
    ----------
    name : one of `names()`.

    Raises
    ------
    SpecificationError
        If there is no such model, with the nearest name.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.models.load("ecsi").target
    'Satisfaction'
    """
    if name not in names():
        raise SpecificationError(
            f"there is no model {name!r} in the catalogue",
            code="unknown-model",
            value=name,
            remedy=f"{did_you_mean(name, names())} it has {', '.join(names())}; "
            "a file is read by sat.models.read(path)".strip(),
        )
    text = _toml.shelved("satmetrics.models", name)
    return from_document(_toml.parse(text, where=name), where=f"{name}.toml")


@friendly_keywords
def read(path: str | FilePath) -> StructuralModel:
    """Read a model from a TOML file; the faults it names carry file and key.

    Parameters
    ----------
    path : the file, ``schema = 1``, as `StructuralModel.to_toml` writes it.

    Raises
    ------
    SpecificationError
        If the file is not there, is not TOML, or states no sound model.

    Examples
    --------
    >>> import satmetrics as sat
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.toml"
    ...     _ = file.write_text(sat.models.load("swics").to_toml(), encoding="utf-8")
    ...     sat.models.read(file).names
    ('Satisfaction', 'Dialogue', 'Loyalty')
    """
    return from_document(_toml.read(path), where=str(path))


def from_document(document: dict[str, Any], *, where: str) -> StructuralModel:
    """Build a model from a parsed TOML document."""
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    index = document.get("index", {})
    _toml.check_keys(index, _INDEX, where=f"{where} [index]")
    constructs = tuple(
        _construct(entry, where=f"{where} [[construct]] {i + 1}")
        for i, entry in enumerate(_required(document, "construct", where))
    )
    paths = tuple(
        _path(entry, where=f"{where} [[path]] {i + 1}")
        for i, entry in enumerate(_required(document, "path", where))
    )
    return StructuralModel(
        name=_required(document, "id", where),
        constructs=constructs,
        paths=paths,
        target=index.get("target"),
        scale=_pair(document.get("scale"), where),
        label=_label(document.get("label", {}), where),
        citation=index.get("citation", ""),
        source=index.get("source", ""),
        status=index.get("status", "own"),
        note=document.get("note", ""),
        higher=tuple(
            _higher(entry, where=f"{where} [[higher]] {i + 1}")
            for i, entry in enumerate(document.get("higher", ()))
        ),
        interactions=tuple(
            _interaction(entry, where=f"{where} [[interaction]] {i + 1}")
            for i, entry in enumerate(document.get("interaction", ()))
        ),
    )


def dump(model: StructuralModel) -> str:
    """Return a model as TOML text."""
    document: dict[str, Any] = {"schema": 1, "id": model.name}
    _put(document, "label", _label_table(model.label))
    _put(document, "scale", list(model.scale) if model.scale else None)
    _put(document, "note", model.note)
    index = {"target": model.target, "source": model.source}
    index |= {"citation": model.citation, "status": model.status}
    document["index"] = {k: v for k, v in index.items() if v}
    document["construct"] = [_construct_table(c) for c in model.constructs]
    document["path"] = [
        {"source": p.source, "target": p.target, "sign": p.sign, "status": p.status}
        for p in model.paths
    ]
    _put(document, "higher", [_higher_table(h) for h in model.higher])
    _put(document, "interaction", [_product_table(i) for i in model.interactions])
    return _toml.write(document)


def _higher_table(h: HigherOrder) -> dict[str, Any]:
    table: dict[str, Any] = {"id": h.name}
    _put(table, "label", _label_table(h.label))
    table |= {"components": list(h.components), "mode": h.mode, "kind": h.kind}
    return table | {"approach": h.approach}


def _product_table(interaction: Interaction) -> dict[str, Any]:
    table: dict[str, Any] = {"id": interaction.name}
    _put(table, "label", _label_table(interaction.label))
    table |= {"factors": list(interaction.factors), "mode": interaction.mode}
    return table | {"approach": interaction.approach}


def _construct_table(construct: Construct) -> dict[str, Any]:
    table: dict[str, Any] = {"id": construct.name}
    _put(table, "label", _label_table(construct.label))
    table |= {"mode": construct.mode, "kind": construct.kind}
    _put(table, "scale", list(construct.scale) if construct.scale else None)
    items = []
    for i, item in enumerate(construct.indicators):
        entry: dict[str, Any] = {"id": item}
        if construct.labels:
            _put(entry, "label", _label_table(construct.labels[i]))
        _put(entry, "reverse", item in construct.reverse)
        items.append(entry)
    table["indicators"] = items
    return table


def _construct(entry: dict[str, Any], *, where: str) -> Construct:
    _toml.check_keys(entry, _CONSTRUCT, where=where)
    raw = _required(entry, "indicators", where)
    items = [{"id": item} if isinstance(item, str) else item for item in raw]
    for item in items:
        _toml.check_keys(item, _INDICATOR, where=f"{where} indicators")
    labels = tuple(_label(item.get("label", {}), where) for item in items)
    return Construct(
        name=_required(entry, "id", where),
        indicators=tuple(_required(item, "id", where) for item in items),
        mode=entry.get("mode", "A"),
        kind=entry.get("kind", "composite"),
        scale=_pair(entry.get("scale"), where),
        label=_label(entry.get("label", {}), where),
        labels=labels if any(labels) else (),
        reverse=tuple(item["id"] for item in items if item.get("reverse")),
    )


def _higher(entry: dict[str, Any], *, where: str) -> HigherOrder:
    _toml.check_keys(entry, _HIGHER, where=where)
    return HigherOrder(
        name=_required(entry, "id", where),
        components=tuple(_required(entry, "components", where)),
        mode=entry.get("mode", "A"),
        kind=entry.get("kind", "composite"),
        approach=entry.get("approach", "two-stage"),
        label=_label(entry.get("label", {}), where),
    )


def _interaction(entry: dict[str, Any], *, where: str) -> Interaction:
    _toml.check_keys(entry, _INTERACTION, where=where)
    return Interaction(
        name=_required(entry, "id", where),
        factors=tuple(_required(entry, "factors", where)),
        approach=entry.get("approach", "two-stage"),
        mode=entry.get("mode", "A"),
        label=_label(entry.get("label", {}), where),
    )


def _path(entry: dict[str, Any], *, where: str) -> Path:
    _toml.check_keys(entry, _PATH, where=where)
    return Path(
        source=_required(entry, "source", where),
        target=_required(entry, "target", where),
        sign=entry.get("sign", "+"),
        status=entry.get("status", "own"),
    )


def _required(document: dict[str, Any], key: str, where: str) -> Any:
    if key not in document:
        raise SpecificationError(
            f"{where}: {key!r} is missing",
            code="missing-key",
            column=key,
            remedy=did_you_mean(key, document),
        )
    return document[key]


def _pair(value: object, where: str) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise SpecificationError(
            f"{where}: scale = {value!r}",
            code="bad-scale",
            value=value,
            remedy="write scale = [minimum, maximum]",
        )
    return (float(value[0]), float(value[1]))


def _label(value: object, where: str) -> Label:
    if isinstance(value, str):
        return Label(en=value)
    if not isinstance(value, dict):
        raise SpecificationError(f"{where}: label = {value!r}", code="bad-label")
    _toml.check_keys(value, ("en", "zh"), where=f"{where} label")
    return Label(en=value.get("en", ""), zh=value.get("zh", ""))


def _label_table(label: Label) -> dict[str, str]:
    return {k: v for k, v in (("en", label.en), ("zh", label.zh)) if v}


def _put(table: dict[str, Any], key: str, value: object) -> None:
    if value:
        table[key] = value
