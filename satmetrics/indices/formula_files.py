"""Formulas as TOML files: the catalogue and a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics.errors import SpecificationError
from satmetrics.indices.formula_spec import FormulaComponent, FormulaIndex
from satmetrics.survey.label import Label

_TOP = (
    *("schema", "id", "label", "score", "boxes", "factor", "scale", "weighting"),
    *("note", "index", "component"),
)
_INDEX = ("target", "citation", "source", "status")
_COMPONENT = ("id", "label", "weight", "importance")


def formulas() -> tuple[str, ...]:
    """Return the names of the formulas in the catalogue.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.indices.formulas()
    ('equal_weights', 'kcsi', 'kcsi_2002', 'ukcsi')
    """
    return _toml.shelf("satmetrics.indices")


@friendly_keywords
def load_formula(name: str) -> FormulaIndex:
    """Load a formula of the catalogue.

    Parameters
    ----------
    name : one of `formulas()`.

    Returns
    -------
    FormulaIndex

    Raises
    ------
    SpecificationError
        If there is no such formula, with the nearest name.

    Examples
    --------
    >>> import satmetrics as sat
    >>> sat.indices.load_formula("kcsi").in_words()
    '0.30 Overall + 0.50 Elements + 0.20 Repurchase, % of answers among the 2 highest'
    """
    if name not in formulas():
        raise SpecificationError(
            f"there is no formula {name!r} in the catalogue",
            code="unknown-formula",
            value=name,
            remedy=f"{did_you_mean(name, formulas())} it has {', '.join(formulas())}; "
            "a file is read by sat.indices.read_formula(path)".strip(),
        )
    text = _toml.shelved("satmetrics.indices", name)
    return _formula(_toml.parse(text, where=name), where=f"{name}.toml")


@friendly_keywords
def read_formula(path: str | Path) -> FormulaIndex:
    """Read a formula from a TOML file; the faults it names carry file and key.

    Parameters
    ----------
    path : the file, ``schema = 1``.

    Returns
    -------
    FormulaIndex

    Raises
    ------
    SpecificationError
        If the file is no formula.

    Examples
    --------
    >>> import satmetrics as sat
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "mine.toml"
    >>> text = sat.indices.load_formula("ukcsi").to_toml()
    >>> _ = path.write_text(text, encoding="utf-8")
    >>> sat.indices.read_formula(path) == sat.indices.load_formula("ukcsi")
    True
    """
    return _formula(_toml.read(path), where=str(path))


def dump(formula: FormulaIndex) -> str:
    """Return a formula as TOML text."""
    document: dict[str, Any] = {"schema": 1, "id": formula.name}
    document |= _labelled(formula.label)
    document["score"] = formula.score
    if formula.score == "top_box":
        document["boxes"] = formula.boxes
    if formula.score == "times":
        document["factor"] = formula.factor
    if formula.scale is not None:
        document["scale"] = list(formula.scale)
    document["weighting"] = formula.weighting
    if formula.note:
        document["note"] = formula.note
    texts = {k: getattr(formula, k) for k in _INDEX}
    document["index"] = {k: v for k, v in texts.items() if v}
    document["component"] = [
        {
            "id": c.name,
            **_labelled(c.label),
            "weight": c.weight,
            "importance": c.importance,
        }
        for c in formula.components
    ]
    return _toml.write(document)


def _labelled(label: Label) -> dict[str, Any]:
    texts = {k: v for k, v in (("en", label.en), ("zh", label.zh)) if v}
    return {"label": texts} if texts else {}


def _formula(document: dict[str, Any], *, where: str) -> FormulaIndex:
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    index = document.get("index", {})
    _toml.check_keys(index, _INDEX, where=f"{where} [index]")
    named: dict[str, Any] = {
        key: document[key] for key in ("score", "weighting") if key in document
    }
    named |= {key: _toml.text_of(index, key, where) for key in index}
    if "factor" in document:
        named["factor"] = _number(document, "factor", where)
    if "boxes" in document:
        named["boxes"] = int(_number(document, "boxes", where))
    return FormulaIndex(
        name=_toml.text_of(document, "id", where),
        components=tuple(
            _component(entry, where=f"{where} [[component]] {i + 1}")
            for i, entry in enumerate(document.get("component", ()))
        ),
        scale=_ends(document.get("scale"), where),
        label=_label(document.get("label"), where),
        note=_toml.text_of(document, "note", where, ""),
        **named,
    )


def _component(entry: dict[str, Any], *, where: str) -> FormulaComponent:
    _toml.check_keys(entry, _COMPONENT, where=where)
    return FormulaComponent(
        _toml.text_of(entry, "id", where),
        _number(entry, "weight", where),
        bool(entry.get("importance", False)),
        _label(entry.get("label"), where),
    )


def _number(entry: dict[str, Any], key: str, where: str) -> float:
    if key not in entry:
        raise _toml.absent(where, key)
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _toml.wrong(where, key, value, "a number, such as 0.5")
    return float(value)


def _ends(value: object, where: str) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise _toml.wrong(where, "scale", value, "scale = [minimum, maximum]")
    return (float(value[0]), float(value[1]))


def _label(value: object, where: str) -> Label:
    if value is None:
        return Label()
    if not isinstance(value, dict):
        raise _toml.wrong(where, "label", value, '{ en = "…", zh = "…" }')
    _toml.check_keys(value, ("en", "zh"), where=f"{where} label")
    return Label(en=value.get("en", ""), zh=value.get("zh", ""))
