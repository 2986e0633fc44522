"""Service quality beyond the gaps themselves: zones, weights, comparisons, five gaps."""

from __future__ import annotations

__all__: list[str] = []
