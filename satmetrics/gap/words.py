"""Sentences that every table of gaps prints."""

from __future__ import annotations

DIRECTION = (
    "gap = perception − expectation; positive is good: perceptions exceed expectations"
)
MEAN_OF_DIMENSIONS = "mean of dimensions"
MEAN_OF_ITEMS = "mean of items"
BY_RESPONDENT = "weighted by points (respondent)"
BY_AGGREGATE = "weighted by points (aggregate)"
