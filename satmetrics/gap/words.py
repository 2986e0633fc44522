"""Sentences that every table of gaps prints."""

from __future__ import annotations

DIRECTION = (
    "gap = perception − expectation; positive is good: perceptions exceed expectations"
)
MEAN_OF_DIMENSIONS = "mean of dimensions"
MEAN_OF_ITEMS = "mean of items"
AS_PRINTED = "as printed"
BY_RESPONDENT = "weighted by points (respondent)"
BY_AGGREGATE = "weighted by points (aggregate)"
SUM_OF_ITEMS = "sum of items"
BY_IMPORTANCE = "weighted by importance (respondent)"
BY_MEAN_IMPORTANCE = "weighted by importance (aggregate)"
SUM_BY_IMPORTANCE = "sum weighted by importance (respondent)"
SUM_BY_MEAN_IMPORTANCE = "sum weighted by importance (aggregate)"
COLUMNS = {
    "n": "n",
    "expectation": "E",
    "perception": "P",
    "estimate": "gap",
    "std_error": "s.e.",
    "conf_low": "low",
    "conf_high": "high",
    "statistic": "t",
    "p_holm": "p (Holm)",
}
"""Printed headings of the columns that all tables of gaps share."""
