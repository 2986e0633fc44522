"""A study: how the columns of a file become the items and roles of a survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from satmetrics import _toml
from satmetrics._checks import did_you_mean
from satmetrics._result import Record
from satmetrics.errors import DataError, SpecificationError
from satmetrics.survey._file import FileOptions
from satmetrics.survey._roles import Roles
from satmetrics.survey.scale import Scale, as_scale

_TOP = (
    "schema",
    "name",
    "model",
    "instrument",
    "item_ids",
    "missing_codes",
    "reverse",
    "already_reversed",
    "ignore",
    "duplicates",
    "file",
    "roles",
    "items",
    "scale",
    "answers",
)


@dataclass(frozen=True)
class Study(Record):
    """The contents of a study.toml.

    Attributes
    ----------
    model, instrument : catalogue ids the file was written for; empty if none.
    name : name of the data; empty for the file's name.
    file : layout of the file.
    roles : columns of the file that play a role.
    items : column of the file -> item id; empty if the columns are named as the items.
    item_ids : every item the model or instrument asks for, so that those without a
        column can be listed.
    default_scale, scales : the common scale and those of single items.
    missing_codes : item -> codes; "*" stands for all items without codes of their own.
    answers : answer text -> number; or item -> its own table.
    reverse, already_reversed : items.
    ignore : columns that hold neither items nor roles.
    duplicates : "error" or "first".
    """

    model: str = ""
    instrument: str = ""
    name: str = ""
    file: FileOptions = field(default_factory=FileOptions)
    roles: Roles = field(default_factory=Roles)
    items: Mapping[str, str] = field(default_factory=dict)
    item_ids: tuple[str, ...] = ()
    default_scale: Scale | None = None
    scales: Mapping[str, Scale] = field(default_factory=dict)
    missing_codes: Mapping[str, tuple[float | str, ...]] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    reverse: tuple[str, ...] = ()
    already_reversed: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    duplicates: str = "error"

    @classmethod
    def from_toml(cls, text: str, *, where: str = "study") -> Study:
        """Read a study from TOML text.

        Raises
        ------
        SpecificationError
            If a key is unknown or its value cannot be read; the message names both.
        """
        document = _toml.parse(text, where=where)
        return cls(**_state(document, where))

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a study.toml."""
        return cls(**_state(_toml.read(path), str(path)))


def check_columns(study: Study, columns: tuple[str, ...]) -> None:
    """Raise if the study names a column that the file does not have."""
    named = [(f"[items] {item!r}", column) for column, item in study.items.items()]
    named += [(f"[roles] {role}", column) for role, column in study.roles.items()]
    named += [("ignore", column) for column in study.ignore]
    for place, column in named:
        if column not in columns:
            hint = did_you_mean(column, columns)
            raise DataError(
                f"study, {place}: the file has no column {column!r}",
                code="columns-not-found",
                column=column,
                value=column,
                remedy=f"{hint} it has {', '.join(columns[:12])}".strip(),
            )


def unmapped(
    study: Study, columns: tuple[str, ...], expected: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the items without a column and the columns without a use."""
    there = {study.items.get(column, column) for column in columns}
    items = tuple(item for item in expected if item not in there)
    used = {*study.items, *study.roles.columns(), *study.ignore, *expected}
    return items, tuple(column for column in columns if column not in used)


def _state(document: dict[str, Any], where: str) -> dict[str, Any]:
    _toml.check_schema(document, where=where)
    _toml.check_keys(document, _TOP, where=where)
    tables = {key: _table(document, key, where) for key in ("file", "roles", "items")}
    for key, record in (("file", FileOptions), ("roles", Roles)):
        known = tuple(f.name for f in fields(record))
        _toml.check_keys(tables[key], known, where=f"{where}, [{key}]")
    _check_texts({**tables["roles"], **tables["items"]}, where)
    _check_one_to_one(tables["items"], where)
    default, scales = _scales(_table(document, "scale", where), where)
    lists = ("item_ids", "reverse", "already_reversed", "ignore")
    words = ("model", "instrument", "name", "duplicates")
    _check_texts({key: document[key] for key in words if key in document}, where)
    return {
        **{key: document[key] for key in words if key in document},
        **{key: _list(document, key, where) for key in lists},
        "file": FileOptions(**tables["file"]),
        "roles": Roles(**tables["roles"]),
        "items": tables["items"],
        "default_scale": default,
        "scales": scales,
        "missing_codes": _codes(document.get("missing_codes", []), where),
        "answers": _table(document, "answers", where),
    }


def _table(document: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise _toml.wrong(where, key, value, f"a table headed [{key}]")
    return value


def _list(document: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _toml.wrong(where, key, value, f'a list of names, such as {key} = ["…"]')
    return tuple(value)


def _check_texts(table: Mapping[str, Any], where: str) -> None:
    for key, value in table.items():
        if not isinstance(value, str):
            raise _toml.wrong(where, key, value, "a name in quotes")


def _check_one_to_one(items: Mapping[str, str], where: str) -> None:
    columns: dict[str, str] = {}
    for column, item in items.items():
        if item in columns:
            raise SpecificationError(
                f"{where}, [items]: {columns[item]!r} and {column!r} are both {item!r}",
                code="item-twice",
                column=column,
                value=item,
                remedy="an item has one column; remove one of the two lines",
            )
        columns[item] = column


def _scales(
    table: Mapping[str, Any], where: str
) -> tuple[Scale | None, dict[str, Scale]]:
    found = {
        name: as_scale(value, where=f"{where}, [scale] {name}")
        for name, value in table.items()
    }
    return found.pop("default", None), found


def _codes(value: object, where: str) -> dict[str, tuple[float | str, ...]]:
    table: dict[str, Any] = value if isinstance(value, dict) else {"*": value}
    for name, codes in table.items():
        plain = isinstance(codes, list) and all(
            isinstance(c, (int, float, str)) and not isinstance(c, bool) for c in codes
        )
        if not plain:
            raise _toml.wrong(
                where, f"missing_codes {name}", codes, "a list such as [98, 99]"
            )
    return {name: tuple(codes) for name, codes in table.items() if codes or name != "*"}
