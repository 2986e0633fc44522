"""The model room: the catalogue, and what constructs may be made of."""

from satmetrics.models.files import load, names, read
from satmetrics.models.industry_template import template
from satmetrics.models.lavaan_reader import from_lavaan
from satmetrics.models.lavaan_writer import to_lavaan
from satmetrics.models.terms import HigherOrder, Interaction

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
