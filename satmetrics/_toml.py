"""Specs are data: reading TOML with faults that name the file and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from satmetrics._checks import did_you_mean
from satmetrics.errors import SpecificationError


def parse(text: str, *, where: str) -> dict[str, Any]:
    """Parse TOML text; a fault names `where` and the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(
            f"{where} is not valid TOML: {error}", code="bad-toml", value=where
        ) from error


def read(path: str | Path) -> dict[str, Any]:
    """Read and parse a TOML file."""
    return parse(read_text(path), where=str(path))


def read_text(path: str | Path) -> str:
    """Return the text of a TOML file (UTF-8, with or without a byte order mark).

    Raises
    ------
    SpecificationError
        If there is no such file, or it is not UTF-8.
    """
    target = Path(path)
    if not target.is_file():
        folder = target.parent
        near = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        raise SpecificationError(
            f"there is no file {str(target)!r}",
            code="no-file",
            value=str(target),
            remedy=did_you_mean(target.name, near) or "check the name and the folder",
        )
    try:
        return target.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecificationError(
            f"{target} is not UTF-8",
            code="bad-toml",
            value=str(target),
            remedy="save it as UTF-8, the only encoding TOML allows",
        ) from error


def shelf(package: str) -> tuple[str, ...]:
    """Return the names of the TOML files in a package's catalogue, sorted."""
    files = (file.name for file in (resources.files(package) / "catalog").iterdir())
    return tuple(
        sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))
    )


def shelved(package: str, name: str) -> str:
    """Return the text of one file of a package's catalogue."""
    file = resources.files(package) / "catalog" / f"{name}.toml"
    return file.read_text(encoding="utf-8")


def write(document: dict[str, Any]) -> str:
    """Return a document as TOML text."""
    return tomli_w.dumps(document)


def check_schema(document: dict[str, Any], *, where: str) -> None:
    """Raise unless the document says ``schema = 1``."""
    if document.get("schema") != 1:
        raise SpecificationError(
            f"{where}: schema = {document.get('schema')!r}",
            code="bad-schema",
            column="schema",
            value=document.get("schema"),
            remedy="the first line must be schema = 1",
        )


def check_keys(document: dict[str, Any], known: tuple[str, ...], *, where: str) -> None:
    """Raise on the first key that is not known, naming the nearest."""
    for key in document:
        if key not in known:
            raise SpecificationError(
                f"{where}: unknown key {key!r}",
                code="unknown-key",
                column=key,
                value=key,
                remedy=f"{did_you_mean(key, known)} "
                f"known keys: {', '.join(known)}".strip(),
            )


def absent(where: str, key: str) -> SpecificationError:
    """Return the fault of a key that is missing."""
    return SpecificationError(
        f"{where}: {key} is missing",
        code="missing-key",
        column=key,
        remedy=f"add {key}",
    )


def wrong(where: str, key: str, value: object, right: str) -> SpecificationError:
    """Return the fault of a value that cannot be read; `right` is what to write."""
    return SpecificationError(
        f"{where}: {key} = {value!r} cannot be read",
        code="bad-value",
        column=key,
        value=value,
        remedy=f"write {right}",
    )


def text_of(
    entry: Mapping[str, Any], key: str, where: str, default: str | None = None
) -> str:
    """Return the text under a key; without a default it must be there.

    Raises
    ------
    SpecificationError
        If the key is missing or holds no text.
    """
    value = entry.get(key, default)
    if value is None:
        raise absent(where, key)
    if not isinstance(value, str):
        raise wrong(where, key, value, "text in quotes")
    return value
