"""Means of columns in groups, found in `moment._column_means`."""

from __future__ import annotations

from satmetrics.moment._column_means import (
    MeanStats,
    Rows,
    column_means,
    influences,
    mean_cov,
    sampled_errors,
    spread_and_error,
)

__all__ = [
    "MeanStats",
    "Rows",
    "column_means",
    "influences",
    "mean_cov",
    "sampled_errors",
    "spread_and_error",
]
