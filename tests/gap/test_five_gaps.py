"""The five gaps: each with the error of its sources."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps

RATED = {
    "standards": "s_{dimension}",
    "delivery": "d_{dimension}",
    "communication": "c_{dimension}",
}


@pytest.fixture(scope="module")
def drawn():
    return simulate_five_gaps(FiveGapPopulation(units=6), 40, 12, 15, rng=2)


@pytest.fixture(scope="module")
def found(drawn):
    return sat.five_gaps(
        *(drawn.customers, drawn.managers, drawn.employees),
        instrument="servqual",
        **RATED,
        by="unit",
        rng=1,
    )


def one(result, gap, dimension="empathy", **keys):
    frame = result.to_frame().query(
        "gap == @gap and level == 'dimension' and dimension == @dimension"
    )
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def score(frame, prefix, unit):
    own = frame[frame["unit"] == unit]
    return own[[f"{prefix}_emp{k}" for k in range(1, 6)]].astype(float).mean(axis=1)


def test_gap_one_is_welchs_test_of_managers_against_customers(drawn, found):
    row = one(found, 1, unit="unit 02")
    M = score(drawn.managers, "e", "unit 02")
    E = score(drawn.customers, "e", "unit 02")
    test = stats.ttest_ind(M, E, equal_var=False)
    limits = test.confidence_interval(0.95)
    assert row["estimate"] == pytest.approx(M.mean() - E.mean(), abs=1e-12)
    assert row["statistic"] == pytest.approx(test.statistic, rel=1e-10)
    assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-8)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(limits, rel=1e-9)
    assert row["n"] == 12
    assert row["sources"] == "managers − customers"


def test_gap_five_is_what_gaps_says(drawn, found):
    survey = sat.Survey(drawn.customers, "servqual")
    plain = sat.gaps(survey, by="unit").to_frame()
    plain = plain[plain["variant"].isin(["", "mean of dimensions"])]
    own = found.to_frame().query("gap == 5")
    for column in ("estimate", "std_error", "p_value", "conf_low", "df", "n"):
        assert own[column].to_numpy() == pytest.approx(plain[column].to_numpy())


def test_gap_six_is_gap_one_plus_gap_seven(found):
    frame = found.to_frame().set_index(["unit", "level", "dimension", "item"])
    gap = {k: frame.loc[frame["gap"] == k, "estimate"] for k in (1, 6, 7)}
    assert len(gap[6]) == 6 * 28
    assert np.allclose(gap[6], gap[1] + gap[7], atol=1e-12)
