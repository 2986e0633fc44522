"""Weights from points that respondents share out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics import errors

POINTS = {"speed": "p1", "care": "p2", "price": "p3"}


@pytest.fixture
def allocated(rng) -> pd.DataFrame:
    """Return 90 respondents in 9 branches who share out 100 points."""
    shares = rng.dirichlet([5, 3, 2], size=90)
    points = np.round(100 * shares)
    points[:, 2] = 100 - points[:, :2].sum(axis=1)
    frame = pd.DataFrame(points, columns=list(POINTS.values()))
    frame["w"] = rng.integers(1, 4, 90).astype(float)
    frame["branch"] = np.arange(90) % 9
    frame["city"] = np.where(frame["branch"] < 4, "A", "B")
    return frame


def column(found: object, name: str) -> np.ndarray:
    return found.to_frame()[name].to_numpy(float)


def test_weights_are_means_of_shares_with_t_limits(allocated):
    from scipy import stats

    found = sat.quality.point_weights(allocated, POINTS)
    shares = allocated[list(POINTS.values())].to_numpy() / 100
    mean, se = shares.mean(axis=0), shares.std(axis=0, ddof=1) / np.sqrt(90)
    np.testing.assert_allclose(column(found, "estimate"), mean)
    np.testing.assert_allclose(column(found, "std_error"), se)
    t = stats.t.ppf(0.975, 89)
    np.testing.assert_allclose(column(found, "conf_low"), mean - t * se)
    np.testing.assert_allclose(found.cov, np.cov(shares, rowvar=False) / 90, atol=1e-15)
    assert column(found, "points").sum() == pytest.approx(100)


def test_errors_of_weights_that_sum_to_one_cancel(allocated):
    found = sat.quality.point_weights(sat.Survey(allocated, weight="w"), POINTS)
    np.testing.assert_allclose(found.cov.sum(axis=1), 0, atol=1e-16)
    assert "negatively correlated" in str(found)


def test_weighted_errors_are_linearised(allocated):
    found = sat.quality.point_weights(sat.Survey(allocated, weight="w"), POINTS)
    x = allocated["p1"].to_numpy() / 100
    w = allocated["w"].to_numpy()
    mean = np.average(x, weights=w)
    se = np.sqrt(90 / 89 * ((w * (x - mean)) ** 2).sum()) / w.sum()
    assert column(found, "estimate")[0] == pytest.approx(mean)
    assert column(found, "std_error")[0] == pytest.approx(se)


def test_clusters_within_strata_are_honoured(allocated):
    roles = {"weight": "w", "cluster": "branch", "stratum": "city"}
    found = sat.quality.point_weights(sat.Survey(allocated, **roles), POINTS)
    w, x = allocated["w"].to_numpy(), allocated["p1"].to_numpy() / 100
    mean = np.average(x, weights=w)
    totals = pd.Series(w * (x - mean) / w.sum()).groupby(allocated["branch"]).sum()
    variance = 0.0
    for strata in (totals[totals.index < 4], totals[totals.index >= 4]):
        m = len(strata)
        variance += m / (m - 1) * ((strata - strata.mean()) ** 2).sum()
    assert column(found, "std_error")[0] == pytest.approx(np.sqrt(variance))
    from scipy import stats

    half = column(found, "conf_high")[0] - mean
    assert half == pytest.approx(stats.t.ppf(0.975, 7) * np.sqrt(variance))


def test_one_cluster_per_weighted_row_is_repeated_rows(allocated):
    rows = np.repeat(np.arange(90), allocated["w"].astype(int))
    copied = allocated.iloc[rows].assign(person=rows).reset_index(drop=True)
    own = sat.Survey(allocated.assign(person=range(90)), weight="w", cluster="person")
    other = sat.Survey(copied.drop(columns="w"), cluster="person")
    a, b = (sat.quality.point_weights(s, POINTS) for s in (own, other))
    np.testing.assert_allclose(column(a, "estimate"), column(b, "estimate"))
    np.testing.assert_allclose(column(a, "std_error"), column(b, "std_error"))


def test_a_batch_is_its_groups_one_by_one(allocated):
    survey = sat.Survey(allocated, weight="w")
    batch = sat.quality.point_weights(survey, POINTS, by="city")
    for g, city in enumerate("AB"):
        part = sat.Survey(allocated[allocated["city"] == city], weight="w")
        alone = sat.quality.point_weights(part, POINTS)
        frame = batch.to_frame().query("city == @city").drop(columns="city")
        pd.testing.assert_frame_equal(frame.reset_index(drop=True), alone.to_frame())
        np.testing.assert_allclose(batch.cov[g], alone.cov)
        assert batch.as_points(city=city) == pytest.approx(alone.as_points())
    with pytest.raises(errors.OptionError, match="city is one of"):
        batch.as_points()
    with pytest.raises(errors.OptionError, match="which weights"):
        batch.as_points(town="A")


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_libraries_and_order_change_nothing(allocated, library):
    own = sat.quality.point_weights(allocated, POINTS)
    other = sat.quality.point_weights(library(allocated[::-1]), POINTS)
    pd.testing.assert_frame_equal(own.to_frame(), other.to_frame())


def test_what_cannot_be_used_is_counted():
    frame = pd.DataFrame(
        {"a": [60, 30, -5, 0, np.nan, 50], "b": [40, 30, 105, 0, 50, 50]}
    )
    found = sat.quality.point_weights(frame, {"A": "a", "B": "b"})
    np.testing.assert_allclose(column(found, "estimate"), [1.6 / 3, 1.4 / 3])
    assert column(found, "n").tolist() == [3, 3]
    said = found.context.sentences()
    assert "1 respondents left out: points are missing" in said
    assert "2 respondents left out: points are negative or all zero" in said
    assert any("the points of 1 respondents do not sum to 100" in s for s in said)
    with pytest.raises(errors.DataError, match="nobody shared out"):
        sat.quality.point_weights(frame.iloc[2:5], {"A": "a", "B": "b"})


def test_the_form_of_an_instrument_gives_the_columns(bank):
    found = sat.quality.point_weights(bank)
    named = sat.quality.point_weights(bank, "importance")
    pd.testing.assert_frame_equal(found.to_frame(), named.to_frame())
    bare = sat.quality.point_weights(bank.frame, instrument="servqual")
    assert bare.dimensions == found.dimensions
    gaps = sat.gaps(bank, points=found.as_points())
    by_form = sat.gaps(bank, points="importance")
    variant = "weighted by points (aggregate)"
    one, two = (g.table.where(variant=variant)["estimate"][0] for g in (gaps, by_form))
    assert one == pytest.approx(two, abs=0.01)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "not known which columns"),
        ({"A": 40}, "names no columns"),
        ({"A": "absent"}, "columns not found"),
        (3, "given 3 as points="),
    ],
)
def test_points_that_are_not_understood(allocated, given, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.point_weights(allocated, given)


def test_a_form_asked_per_item_has_no_points(bank):
    with pytest.raises(errors.OptionError, match="such forms are importance"):
        sat.quality.point_weights(bank, "expectation")


@pytest.mark.slow
def test_intervals_cover_the_mean_of_the_population():
    rng = np.random.default_rng(5)
    truth = np.array([0.5, 0.3, 0.2])
    hits = np.zeros(3)
    for _ in range(1000):
        shares = rng.dirichlet(8 * truth, size=25)
        frame = pd.DataFrame(100 * shares, columns=list(POINTS.values()))
        found = sat.quality.point_weights(frame, POINTS)
        low, high = column(found, "conf_low"), column(found, "conf_high")
        hits += (low <= truth) & (truth <= high)
    assert ((hits / 1000 > 0.925) & (hits / 1000 < 0.97)).all(), hits
