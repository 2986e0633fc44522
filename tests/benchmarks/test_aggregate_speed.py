"""What it costs to add companies up to a nation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat

COMPANIES, WAVES = 400, 8
WORK = f"{COMPANIES} companies × {WAVES} waves: "


@pytest.fixture(scope="module")
def economy() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return figures of 400 companies, and their industries and sectors."""
    rng = np.random.default_rng(1)
    k = np.arange(COMPANIES)
    members = pd.DataFrame(
        {
            "company": [f"c{i}" for i in k],
            "industry": [f"i{i // 10}" for i in k],
            "sector": [f"s{i // 40}" for i in k],
            "revenue": rng.uniform(1, 9, COMPANIES),
            "gdp": 1.0 + k // 40,
        }
    )
    figures = pd.DataFrame(
        {
            "company": np.repeat(members["company"], WAVES),
            "wave": np.tile(np.arange(WAVES), COMPANIES),
            "estimate": rng.normal(75, 5, COMPANIES * WAVES),
            "std_error": 1.0,
            "n": rng.integers(5, 300, COMPANIES * WAVES),
        }
    )
    return figures, members


def test_to_the_nation(timed, economy):
    """All levels in all waves, with the covariance of their errors."""
    call = lambda: sat.indices.aggregate(*economy, over="wave")  # noqa: E731
    found = timed(WORK + "nation", "satmetrics", call, rounds=3)
    assert len(found.table) == (COMPANIES + 40 + 10 + 1) * WAVES


def test_with_hidden_figures(timed, economy):
    """The same without figures of few answers, nor those that give them back."""
    call = lambda: sat.indices.aggregate(  # noqa: E731
        *economy, over="wave", rolling=True, min_n=30
    )
    found = timed(WORK + "hidden", "satmetrics", call, rounds=3)
    assert found.to_frame()["estimate"].isna().any()


def test_contributions(timed, economy):
    """What every company gave to the changes of its industry."""
    result = sat.indices.aggregate(*economy, over="wave")
    call = lambda: result.contributions("industry")  # noqa: E731
    found = timed(WORK + "contributions", "satmetrics", call, rounds=3)
    assert (found.table["term"] == "all").sum() == 40 * (WAVES - 1)
