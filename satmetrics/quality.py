"""Service quality beyond the gaps: scores, zones, weights, comparisons, five gaps."""

from __future__ import annotations

__all__: list[str] = []
