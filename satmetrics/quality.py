"""Service quality beyond the gaps: scores, zones, weights, comparisons, five gaps."""

from __future__ import annotations

from satmetrics.gap.surface_result import SurfaceResult
from satmetrics.gap.surfaces import response_surface

__all__ = ["SurfaceResult", "response_surface"]
