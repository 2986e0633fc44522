"""What the gaps are called: two published naming sets, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from satmetrics import _toml
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics.survey.label import Label

NAMINGS = ("1985", "1996")
FILE = "names.toml"


@dataclass(frozen=True)
class GapName(Record):
    """One gap of the model and its names.

    Attributes
    ----------
    number : 1 to 7.
    means : what is compared with what.
    low : what a negative rated gap says.
    first : its name in the naming of 1985.
    second : its name in the naming of 1996 and after.
    """

    number: int
    means: str
    low: str
    first: Label
    second: Label

    def label(self, naming: str) -> Label:
        """Return its name in one of `NAMINGS`."""
        return self.first if naming == NAMINGS[0] else self.second


@cache
def gap_names() -> dict[int, GapName]:
    """Return the seven gaps by number."""
    path = Path(__file__).with_name(FILE)
    document = _toml.read(path)
    _toml.check_schema(document, where=FILE)
    found = [
        GapName(
            int(entry["number"]),
            entry["means"],
            entry["low"],
            *(Label(**entry[naming]) for naming in NAMINGS),
        )
        for entry in document["gap"]
    ]
    return {gap.number: gap for gap in found}


def name_table() -> Table:
    """Return the gaps with all their names, one row a gap."""
    gaps = gap_names().values()
    columns: dict[str, object] = {"gap": [gap.number for gap in gaps]}
    for naming in NAMINGS:
        labels = [gap.label(naming) for gap in gaps]
        columns[f"name_{naming}"] = [label.en for label in labels]
        columns[f"name_{naming}_zh"] = [label.zh for label in labels]
    return Table.of(columns, keys=("gap",))
