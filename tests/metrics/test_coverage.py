"""Intervals of plain figures hold the truth of a population about as often as said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat

SITES, SIZE, DRAWN, TIMES = 400, 60, 40, 400


@pytest.fixture(scope="module")
def found():
    """Count how often each interval holds the truth in a clustered, weighted sample.

    400 sites of 60 customers; 40 sites are drawn, and customers within them with odds
    that depend on their answer, which the weights undo.
    """
    rng = np.random.default_rng(11)
    site = np.repeat(np.arange(SITES), SIZE)
    level = rng.normal(8, 1, SITES)[site] + rng.normal(0, 1.6, SITES * SIZE)
    answer = np.clip(np.rint(level), 0, 10)
    chance = np.where(answer >= 9, 0.6, 0.25)
    p, d = (answer >= 9).mean(), (answer <= 6).mean()
    truth = {
        "net_score": 100 * (p - d),
        "promoters": 100 * p,
        "detractors": 100 * d,
        "mean": answer.mean(),
    }
    hits, ratio = dict.fromkeys(truth, 0), {name: [] for name in truth}
    for _ in range(TIMES):
        drawn = np.isin(site, rng.choice(SITES, DRAWN, replace=False))
        kept = drawn & (rng.random(len(site)) < chance)
        frame = pd.DataFrame(
            {"r": answer[kept], "site": site[kept], "w": 1 / chance[kept]}
        )
        survey = sat.Survey(
            frame, weight="w", cluster="site", items=["r"], scale={"r": (0, 10)}
        )
        tables = (
            sat.metrics.net_score(survey, "r").table,
            sat.metrics.mean_score(survey, "r").table,
        )
        for row in (row for table in tables for row in table.rows()):
            if row["term"] in truth:
                name = row["term"]
                hits[name] += row["conf_low"] <= truth[name] <= row["conf_high"]
                ratio[name].append((row["estimate"], row["std_error"]))
    return {k: v / TIMES for k, v in hits.items()}, truth, ratio


@pytest.mark.slow
@pytest.mark.parametrize("term", ["net_score", "promoters", "detractors", "mean"])
def test_coverage_in_a_clustered_and_weighted_sample(found, term):
    covered, truth, figures = found
    # 400 samples: two standard errors of a coverage of 95 % are 2.2 points
    assert 0.92 <= covered[term] <= 0.985
    estimate, error = np.array(figures[term]).T
    assert abs(estimate.mean() - truth[term]) < 3 * estimate.std() / np.sqrt(TIMES)
    assert estimate.std() / np.sqrt((error**2).mean()) == pytest.approx(1, abs=0.11)


@pytest.mark.slow
def test_coverage_of_small_simple_samples_near_the_ends():
    rng = np.random.default_rng(12)
    hits = {"net_score": 0, "promoters": 0}
    share = [0.9, 0.07, 0.03]
    truth = {"net_score": 87.0, "promoters": 90.0}
    for _ in range(600):
        answers = rng.choice([10, 7, 2], size=25, p=share)
        table = sat.metrics.net_score(pd.DataFrame({"r": answers}), "r").table
        for row in table.rows():
            if row["term"] in truth:
                hits[row["term"]] += (
                    row["conf_low"] <= truth[row["term"]] <= row["conf_high"]
                )
    for term, count in hits.items():
        assert 0.92 <= count / 600 <= 0.99, term
