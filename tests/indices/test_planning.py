"""Sample sizes against published arithmetic, statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors

size, change = sat.indices.sample_size, sat.indices.detectable_change


@pytest.fixture(scope="module")
def levels(fit, airlines):
    return sat.index(fit, airlines, by=["company", "wave"])


def first(plan, column="n"):
    return plan.table[column][0]


def test_published_sizes(reference):
    known = reference("sample_sizes")
    one = known["share"]
    assert first(size(half_width=one["half_width"], share=one["share"])) == one["n"]
    for case in known["net"]:
        assert first(size(half_width=5, net=tuple(case["shares"]))) == case["n"]
    index = known["index"]
    plan = change(n=index["n"], sd=index["sd"])
    assert first(plan, "half_width") == pytest.approx(index["half_width"], abs=5e-3)


def test_the_shipped_survey_has_this_margin(mobile, reference):
    known = reference("sample_sizes")["index"]
    fit = sat.pls("ecsi", mobile, sat.PlsOptions(scheme="centroid", metric="raw"))
    plan = change(sat.index(fit, construct="Satisfaction"))
    assert first(plan, "sd") == pytest.approx(known["sd"], abs=5e-3)
    assert first(plan, "n") == known["n"]
    assert first(plan, "half_width") == pytest.approx(known["half_width"], abs=5e-3)


@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_change_agrees_with_statsmodels(power, level):
    from statsmodels.stats.power import NormalIndPower

    solved = NormalIndPower().solve_power(
        3 / 15, alpha=1 - level, power=power, ratio=1.0
    )
    assert first(size(change=3, sd=15, level=level, power=power)) == np.ceil(solved)


def test_half_width_agrees_with_statsmodels():
    from statsmodels.stats.proportion import samplesize_confint_proportion

    solved = samplesize_confint_proportion(0.3, 0.04)
    assert first(size(half_width=4, share=0.3)) == np.ceil(solved)


def test_n_is_the_smallest_that_does():
    wanted = [0.5, 1.3, 2, 4.7]
    plan = size(half_width=wanted, sd=[9, 21.7], deff=1.4, population=[900, 5000])
    table = plan.table
    assert len(plan.table) == 16
    assert (table["half_width"] <= table["wanted"] * (1 + 1e-9)).all()
    for row in table.rows():
        rest = {"sd": row["sd"], "deff": 1.4, "population": row["population"]}
        fewer = first(change(n=row["n"] - 1, **rest), "half_width")
        assert fewer > row["wanted"]
    back = size(change=first(change(n=321, sd=12), "change"), sd=12)
    assert first(back) == 321


def test_everyone_asked_leaves_no_error():
    plan = change(n=400, population=400)
    assert first(plan, "half_width") == 0
    assert first(size(half_width=1e-6, population=400)) == 400


def test_clusters_weights_panels_and_comparisons(rng):
    plain = first(size(change=2, sd=15))
    w = rng.uniform(0.5, 2, size=500)
    loss = 1 + np.var(w) / np.mean(w) ** 2
    weighted = size(change=2, sd=15, weights=w)
    assert first(weighted, "deff") == pytest.approx(loss)
    exact = 2 * (1.959964 + 0.841621) ** 2 * (15 / 2) ** 2
    assert first(weighted) == np.ceil(exact * loss)
    assert f"{loss:.2f} (Kish" in str(weighted)
    assert first(size(change=2, sd=15, correlation=0.5)) == np.ceil(plain / 2)
    ten = first(change(n=250, sd=15, comparisons=10), "change")
    from scipy.stats import norm

    z = norm.ppf(1 - 0.05 / 20) + norm.ppf(0.8)
    assert ten == pytest.approx(z * 15 * np.sqrt(2 / 250))


def test_totals():
    assert first(size(half_width=2, units=40), "total") == 40 * 217
    two = size(change=4, units=40, waves=None)
    assert first(two, "total") == 40 * 2 * first(two)
    assert first(size(change=4, waves=8), "total") == 8 * first(two)


def test_rows_of_a_result(levels):
    own = change(levels).to_frame()
    rows = levels.of().to_frame()
    assert list(own["company"]) == list(rows["company"])
    np.testing.assert_allclose(own["std_error"], rows["std_error"])
    np.testing.assert_allclose(own["wanted"], rows["n"])
    grid = size(levels, half_width=[2, 3]).to_frame()
    assert len(grid) == 2 * len(rows)
    sd = rows["std_error"] * np.sqrt(rows["n"])
    needed = np.ceil((1.959964 * sd / 3) ** 2)
    np.testing.assert_array_equal(grid["n"].to_numpy()[1::2], needed)


def test_a_row_without_an_error_has_no_plan(levels):
    import dataclasses

    error = np.array(levels.table["std_error"])
    error[levels.table["construct"] == levels.target] = np.nan
    table = levels.table.extended({"std_error": error}, keys=levels.by)
    plan = size(dataclasses.replace(levels, table=table), half_width=2)
    assert np.isnan(plan.table["n"]).all()
    assert "–" in str(plan)


def test_hidden_rows_have_no_plan(fit, airlines):
    hidden = sat.index(fit, airlines, by=["company", "wave"], min_n=106)
    n = change(hidden).table["n"]
    shown = np.asarray(hidden.of().table["n"]) > 0
    assert 0 < shown.sum() < len(shown)
    np.testing.assert_array_equal(np.isfinite(n), shown)


def test_an_index_of_a_finite_population_is_planned_from_without_it(fit, airlines):
    finite = sat.index(fit, airlines, by=["company", "wave"], population=500)
    with pytest.raises(errors.OptionError) as caught:
        change(finite, population=500)
    assert caught.value.code == "finite-population"
    plain = sat.index(fit, airlines, by=["company", "wave"])
    error = change(plain, population=500).table["std_error"]
    np.testing.assert_allclose(error, finite.of().table["std_error"])


def test_what_was_assumed_is_said():
    assert "SD of 15 points assumed" in str(size())
    assert "SD of 15 points assumed" not in str(size(sd=15))
    assert "EPSI" in str(size())
    assert "10 comparisons" in str(size(comparisons=10))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: size(half_width=2, change=3), "contradiction"),
        (lambda: size(sd=10, share=0.5), "contradiction"),
        (lambda: size(half_width=0), "bad-half-width"),
        (lambda: size(half_width="wide"), "bad-half-width"),
        (lambda: size(half_width=True), "bad-half-width"),
        (lambda: size(share=1.0), "bad-share"),
        (lambda: size(net=(0.7, 0.4)), "bad-net"),
        (lambda: size(net=(0.7,)), "bad-net"),
        (lambda: size(power=0.2), "bad-power"),
        (lambda: size(correlation=1), "bad-correlation"),
        (lambda: size(population=-3), "bad-population"),
        (lambda: size(deff=np.nan), "bad-deff"),
        (lambda: size(weights=[1, -1]), "bad-weights"),
        (lambda: size(comparisons=0), "bad-count"),
        (lambda: size(level=0.05), "bad-level"),
        (lambda: size(2.0), "not-an-index"),
        (lambda: change(), "no-n"),
        (lambda: change(n=[]), "bad-n"),
    ],
)
def test_wrong_input_is_answered(call, code):
    with pytest.raises(errors.OptionError) as caught:
        call()
    assert caught.value.code == code


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_power_by_simulation(correlation):
    """Answers of skewed, bounded respondents; the change is found 80 % of the time."""
    rng = np.random.default_rng(7)
    population = np.clip(rng.normal(72, 20, size=(200_000, 1)), 0, 100)
    sd = population.std()
    plan = size(change=4, sd=sd, correlation=correlation)
    n, draws, found = int(first(plan)), 4000, 0
    for _ in range(draws // 200):
        one = population[rng.integers(len(population), size=(200, n)), 0]
        other = population[rng.integers(len(population), size=(200, n)), 0]
        mixed = np.where(rng.random((200, n)) < correlation, one, other)
        moved = mixed + 4
        difference = moved - one
        if correlation:
            error = difference.std(axis=1, ddof=1) / np.sqrt(n)
        else:
            error = np.hypot(moved.std(axis=1, ddof=1), one.std(axis=1, ddof=1))
            error /= np.sqrt(n)
        found += (np.abs(difference.mean(axis=1)) / error > 1.959964).sum()
    assert found / draws == pytest.approx(0.8, abs=0.025)
