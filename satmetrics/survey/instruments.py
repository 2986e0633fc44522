"""The catalogue of instruments: one TOML file each, `names`, `load` and `read`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics.errors import OptionError
from satmetrics.survey.instrument import Instrument


def names() -> tuple[str, ...]:
    """Return the ids of the instruments that ship with the library.

    Examples
    --------
    >>> names()
    ('gap_antecedents', 'servperf', 'servqual')
    """
    folder = resources.files("satmetrics.survey") / "catalog"
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in found if name.endswith(".toml")))


@friendly_keywords
def load(name: str) -> Instrument:
    """Return an instrument of the catalogue.

    Parameters
    ----------
    name : its id, one of `names`.

    Raises
    ------
    OptionError
        If the catalogue has no such instrument.

    Examples
    --------
    >>> len(load("servqual").items)
    22
    """
    if name not in names():
        hint = did_you_mean(name, names())
        raise OptionError(
            f"the catalogue has no instrument {name!r}",
            code="unknown-instrument",
            column="instrument",
            value=name,
            remedy=f"{hint} it has {', '.join(names())}".strip(),
        )
    entry = resources.files("satmetrics.survey") / "catalog" / f"{name}.toml"
    return Instrument.from_toml(
        entry.read_text(encoding="utf-8"), where=f"catalog/{name}.toml"
    )


@friendly_keywords
def read(path: str | Path) -> Instrument:
    """Read an instrument from a TOML file of your own.

    Parameters
    ----------
    path : the file, UTF-8.

    Raises
    ------
    SpecificationError
        If the file is not an instrument; the message names file and key.
    """
    return Instrument.from_toml(_toml.read_text(path), where=str(path))
