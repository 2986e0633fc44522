"""The model room: the catalogue, and what constructs may be made of."""

from satmetrics.models.files import load, names, read
from satmetrics.models.terms import HigherOrder, Interaction

__all__ = ["HigherOrder", "Interaction", "load", "names", "read"]
