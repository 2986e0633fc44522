"""The model room: the catalogue, and what constructs may be made of.

What is seldom needed is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later
from satmetrics.models.files import load, names, read
from satmetrics.models.terms import HigherOrder, Interaction

if TYPE_CHECKING:
    from satmetrics.models.industry_template import template
    from satmetrics.models.lavaan_reader import from_lavaan
    from satmetrics.models.lavaan_writer import to_lavaan

__all__ = [
    "HigherOrder",
    "Interaction",
    "from_lavaan",
    "load",
    "names",
    "read",
    "template",
    "to_lavaan",
]

_HOMES = {
    "from_lavaan": "satmetrics.models.lavaan_reader",
    "template": "satmetrics.models.industry_template",
    "to_lavaan": "satmetrics.models.lavaan_writer",
}
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
