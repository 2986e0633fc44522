"""The model room: `load`, `read` and `names` of the catalogue."""

from satmetrics.models.files import load, names, read

__all__ = ["load", "names", "read"]
