"""The five gaps of a simulated population are what the population says."""

from __future__ import annotations

import numpy as np
import pytest

from satmetrics.errors import SpecificationError
from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps

SMALL = FiveGapPopulation(units=6, seed=3)


def wide(table, key):
    frame = table.to_frame()
    return frame.pivot_table(
        index=["unit", "level", "dimension"], columns=key, values="estimate"
    )


def test_gaps_before_rounding_follow_the_coefficients_exactly():
    population = FiveGapPopulation(units=30, unit_sd=0.0, residual_sd=0.0)
    E, P, M, S, D, C, _ = np.moveaxis(population.latent(), -1, 0)
    gaps = np.stack([M - E, S - M, D - S, D - C], axis=-1)
    told = population.intercept + gaps @ np.array(population.coefficients)
    assert np.allclose(P - E, told, atol=1e-12)


def test_spread_of_the_gaps_between_units_is_as_stated():
    population = FiveGapPopulation(units=4000, seed=5)
    stages = population.latent()
    one = stages[..., 2] - stages[..., 0]
    assert one.mean() == pytest.approx(population.gap_means[0], abs=0.02)
    assert one.std(axis=0) == pytest.approx(population.gap_sds[0], abs=0.02)
    within = np.corrcoef(one.T)[np.triu_indices(5, 1)]
    assert within == pytest.approx(population.between, abs=0.06)


def test_truth_holds_gap_six_as_the_sum_of_one_and_seven():
    gaps = wide(SMALL.truth(), "gap")
    assert np.allclose(gaps[6], gaps[1] + gaps[7], atol=1e-12)
    assert len(gaps) == 6 * 6


def test_mid_scale_answers_have_the_stage_as_their_mean():
    population = FiveGapPopulation(units=2, expectation=4.0, gap_sds=(0, 0, 0, 0))
    exact = population.stages().to_frame()
    M = exact.query("stage == 'belief' and level == 'dimension'")["estimate"]
    assert M.to_numpy() == pytest.approx(4.0 + population.gap_means[0], abs=1e-3)


def test_means_of_many_answers_reach_the_truth():
    drawn = simulate_five_gaps(SMALL, 4000, 4000, 4000, rng=7)
    stage = wide(SMALL.stages(), "stage").xs("dimension", level="level")
    customers = drawn.customers.drop(columns="respondent").groupby("unit").mean()
    managers = drawn.managers.drop(columns="manager").groupby("unit").mean()
    employees = drawn.employees.drop(columns="employee").groupby("unit").mean()
    told = stage.xs("empathy", level="dimension")
    items = [f"emp{k}" for k in range(1, 6)]
    pairs = [
        (customers[[f"e_{i}" for i in items]].mean(axis=1), "expectation"),
        (customers[[f"p_{i}" for i in items]].mean(axis=1), "perception"),
        (managers[[f"e_{i}" for i in items]].mean(axis=1), "belief"),
        (managers["s_empathy"], "standards"),
        (employees["d_empathy"], "delivery"),
        (employees["c_empathy"], "promises"),
        (employees[[f"e_{i}" for i in items]].mean(axis=1), "employee belief"),
    ]
    for found, name in pairs:
        assert found.to_numpy(float) == pytest.approx(told[name].to_numpy(), abs=0.06)


def test_the_same_seed_draws_the_same_answers_and_missing_are_left_out():
    one = simulate_five_gaps(SMALL, 30, 3, 6, missing=0.1, rng=1)
    two = simulate_five_gaps(SMALL, 30, 3, 6, missing=0.1, rng=1)
    assert one.customers.equals(two.customers)
    assert one.employees.equals(two.employees)
    share = one.customers.filter(regex="^[ep]_").isna().to_numpy().mean()
    assert share == pytest.approx(0.1, abs=0.02)


def test_wrong_populations_say_what_is_wrong():
    with pytest.raises(SpecificationError, match="standard deviation"):
        FiveGapPopulation(residual_sd=-1)
    with pytest.raises(SpecificationError, match="loading"):
        FiveGapPopulation(loading=1.5)
    with pytest.raises(SpecificationError, match="does not have"):
        simulate_five_gaps(SMALL, {"nowhere": 3}, rng=1)
