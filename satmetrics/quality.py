"""Service quality beyond the gaps: scores, zones, weights, comparisons, five gaps."""

from __future__ import annotations

from satmetrics.gap.five.agreed import agreement
from satmetrics.gap.five.antecedents import antecedents_of, gap_model
from satmetrics.gap.five.shrunken import shrunken_means
from satmetrics.gap.five.units import unit_gaps
from satmetrics.gap.surface_result import SurfaceResult
from satmetrics.gap.surfaces import response_surface

__all__ = [
    "SurfaceResult",
    "agreement",
    "antecedents_of",
    "gap_model",
    "response_surface",
    "shrunken_means",
    "unit_gaps",
]
