"""The catalogue of instruments: one TOML file each, `names`, `load` and `read`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from satmetrics import _toml
from satmetrics._checks import did_you_mean, friendly_keywords
from satmetrics.errors import OptionError
from satmetrics.survey.instrument import Instrument

if TYPE_CHECKING:
    import pandas as pd


def names() -> tuple[str, ...]:
    """Return the ids of the instruments that ship with the library.

    Examples
    --------
    >>> names()[-3:]
    ('trust', 'vispac', 'web_service')
    >>> "servqual" in names()
    True
    """
    return _toml.shelf("satmetrics.survey")


def catalog() -> pd.DataFrame:
    """Return one row per instrument of the catalogue.

    Returns
    -------
    A fresh frame: name (id), label, label_zh, dimensions, items (numbers; 0 items for a
    concept), forms, scale, expectation (the type asked), status and citation.

    Examples
    --------
    >>> found = catalog().set_index("name")
    >>> found.loc["libqual", ["forms", "scale"]].tolist()
    ['minimum, desired, perception', '1-9']
    """
    import pandas as pd

    specs = [load(name) for name in names()]
    return pd.DataFrame(
        {
            "name": [spec.id for spec in specs],
            "label": [spec.label.en for spec in specs],
            "label_zh": [spec.label.zh for spec in specs],
            "dimensions": [len(spec.dimensions) for spec in specs],
            "items": [len(spec.items) for spec in specs],
            "forms": [", ".join(form.id for form in spec.forms) for spec in specs],
            "scale": [str(spec.scale) if spec.scale else "" for spec in specs],
            "expectation": [spec.expectation for spec in specs],
            "status": [spec.status for spec in specs],
            "citation": [spec.citation for spec in specs],
        }
    )


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
    text = _toml.shelved("satmetrics.survey", name)
    return Instrument.from_toml(text, where=f"catalog/{name}.toml")


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
