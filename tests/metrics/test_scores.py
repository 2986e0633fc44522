"""Net score, top box and mean against published figures, statsmodels and numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

import satmetrics as sat
from satmetrics.errors import DataError, OptionError

LIMITS = ["conf_low", "conf_high"]


def graded(promoters: int, passives: int, detractors: int) -> pd.DataFrame:
    answers = [10] * promoters + [7] * passives + [2] * detractors
    return pd.DataFrame({"r": answers})


def one(result: object, term: str) -> dict[str, object]:
    (row,) = result.rows(term).rows()
    return row


def test_the_population_of_the_published_example(reference):
    case = reference("net_score")["population"]
    n = case["n"]
    parts = [
        n * a // b for a, b in (case["promoters"], case["passives"], case["detractors"])
    ]
    row = one(sat.metrics.net_score(graded(*parts), "r"), "net_score")
    net, variance = (a / b for a, b in (case["net"], case["variance"]))
    assert row["estimate"] == pytest.approx(100 * net, abs=1e-9)
    assert row["std_error"] ** 2 * n / 1e4 == pytest.approx(variance, abs=1e-12)
    assert row["std_error"] / 100 == pytest.approx(case["std_error"], abs=5e-6)


def test_the_worked_example_wald_and_adjusted(reference):
    case = reference("net_score")["worked"]
    frame = graded(case["promoters"], case["passives"], case["detractors"])
    row = one(sat.metrics.net_score(frame, "r"), "net_score")
    wald = one(sat.metrics.net_score(frame, "r", method="wald"), "net_score")
    found = [row["estimate"], row["std_error"], row["adjusted"], row["adjusted_error"]]
    wanted = [case[k] for k in ("net", "std_error", "adjusted", "adjusted_error")]
    np.testing.assert_allclose(np.array(found) / 100, wanted, atol=5e-5)
    for made, key in ((row, "adjusted_wald"), (wald, "wald")):
        limits = np.array([made[name] for name in LIMITS]) / 100
        np.testing.assert_allclose(limits, case[key], atol=5e-5)
    assert wald["std_error"] == row["std_error"]


def test_wilson_limits_as_published_and_as_in_statsmodels(reference):
    for case in reference("wilson_limits")["case"]:
        k, n = case["successes"], case["n"]
        frame = pd.DataFrame({"q": [5] * k + [1] * (n - k)})
        row = one(sat.metrics.top_box(frame, "q", scale=(1, 5)), "top_2")
        limits = [row["conf_low"] / 100, row["conf_high"] / 100]
        np.testing.assert_allclose(limits, [case["low"], case["high"]], atol=5e-5)
        other = proportion_confint(k, n, alpha=0.1, method="wilson")
        low = one(sat.metrics.top_box(frame, "q", scale=(1, 5), level=0.9), "top_2")
        np.testing.assert_allclose([low[c] / 100 for c in LIMITS], other, atol=1e-12)
        assert row["conf_low"] < row["conf_high"]


def test_shares_of_a_net_score_add_up_and_have_wilson_limits():
    table = sat.metrics.net_score(graded(13, 4, 23), "r").table
    shares = dict(zip(table["term"], table["estimate"], strict=True))
    assert shares["promoters"] + shares["passives"] + shares["detractors"] == 100
    assert shares["net_score"] == shares["promoters"] - shares["detractors"]
    (row,) = table.where(term="passives").rows()
    np.testing.assert_allclose(
        [row[c] / 100 for c in LIMITS], proportion_confint(4, 40, method="wilson")
    )


@pytest.mark.parametrize("parts", [(12, 0, 0), (0, 12, 0), (0, 0, 12)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_answers_all_alike_leave_doubt_and_limits_hold_the_estimate(parts, level):
    row = one(sat.metrics.net_score(graded(*parts), "r", level=level), "net_score")
    assert row["conf_low"] < row["conf_high"]
    assert -100 <= row["conf_low"] <= row["estimate"] <= row["conf_high"] <= 100
    wald = sat.metrics.net_score(graded(*parts), "r", method="wald")
    assert "no certainty" in one(wald, "net_score")["reason"]


def test_mean_and_its_place_on_the_scale_against_scipy():
    rng = np.random.default_rng(1)
    x = rng.integers(1, 11, 80)
    frame = pd.DataFrame({"q": x})
    found = sat.metrics.mean_score(frame, "q", scale=(1, 10), level=0.9)
    row, of_100 = one(found, "mean"), one(found, "mean_100")
    low, high = stats.t.interval(0.9, 79, x.mean(), stats.sem(x))
    np.testing.assert_allclose([row[c] for c in LIMITS], [low, high])
    np.testing.assert_allclose(of_100["conf_low"], (low - 1) / 9 * 100)
    np.testing.assert_allclose(of_100["std_error"], stats.sem(x) / 9 * 100)
    assert row["scale"] == "1-10"
    assert of_100["scale"] == "0-100"
    bare = sat.metrics.mean_score(frame, "q").table
    assert bare["term"].tolist() == ["mean"]


def test_weighted_means_against_statsmodels():
    rng = np.random.default_rng(2)
    x, w = rng.integers(1, 11, 60).astype(float), rng.uniform(0.5, 3, 60)
    frame = pd.DataFrame({"q": x, "w": w})
    survey = sat.Survey(frame, weight="w", scale=(1, 10))
    row = one(sat.metrics.mean_score(survey, "q"), "mean")
    assert row["estimate"] == pytest.approx(DescrStatsW(x, w).mean)
    u = w * (x - row["estimate"]) / w.sum()
    assert row["std_error"] == pytest.approx(np.sqrt(60 / 59 * (u @ u)))


def by_hand(x, w, site, area):
    """Return the mean and its error over clusters in strata, with plain loops."""
    mean = (w * x).sum() / w.sum()
    u = w * (x - mean) / w.sum()
    variance = 0.0
    for a in np.unique(area):
        totals = [u[site == s].sum() for s in np.unique(site[area == a])]
        k = len(totals)
        variance += k / (k - 1) * ((totals - np.mean(totals)) ** 2).sum()
    return mean, np.sqrt(variance)


def clustered(seed: int = 3, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    site = rng.integers(0, 24, n)
    answer = rng.normal(8, 1.5, n) + rng.normal(0, 1.2, 24)[site]
    frame = pd.DataFrame({"r": np.clip(np.rint(answer), 0, 10), "site": site})
    frame["area"], frame["w"] = site % 3, rng.uniform(0.5, 3, n)
    frame["shop"] = np.where(np.arange(n) % 3 == 0, "A", "B")
    return frame


def design(frame: pd.DataFrame) -> sat.Survey:
    return sat.Survey(
        frame, weight="w", cluster="site", stratum="area", scale={"r": (0, 10)}
    )


def test_weights_clusters_and_strata_by_hand():
    frame = clustered()
    x, w = frame["r"].to_numpy(), frame["w"].to_numpy()
    how = w, frame["site"].to_numpy(), frame["area"].to_numpy()
    p, d = (x >= 9).astype(float), (x <= 6).astype(float)
    found = sat.metrics.net_score(design(frame), "r")
    row = one(found, "net_score")
    net, error = by_hand(p - d, *how)
    np.testing.assert_allclose(
        [row["estimate"], row["std_error"]], [100 * net, 100 * error]
    )
    share, of_share = by_hand(p, *how)
    box = one(found, "promoters")
    np.testing.assert_allclose(box["std_error"], 100 * of_share)
    # Wilson's limits with the n of that error, less for 21 degrees of freedom
    n = 1 + share * (1 - share) / of_share**2
    assert box["n_eff"] == pytest.approx(n)
    assert n < 300
    n *= (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 21)) ** 2
    limits = proportion_confint(share * n, n, method="wilson")
    np.testing.assert_allclose([box[c] / 100 for c in LIMITS], limits)
    mean = one(sat.metrics.mean_score(design(frame), "r"), "mean")
    value, sd = by_hand(x, *how)
    t = stats.t.ppf(0.975, 21)
    np.testing.assert_allclose(
        [mean[c] for c in LIMITS], [value - t * sd, value + t * sd]
    )
    assert "24 clusters in 3 strata" in str(found)


def test_equal_weights_and_clusters_of_one_change_next_to_nothing():
    frame = clustered().assign(w=2.5, me=np.arange(300))
    plain = sat.metrics.net_score(frame, "r").table
    weighted = sat.metrics.net_score(sat.Survey(frame, weight="w"), "r").table
    for name in ("estimate", "std_error", *LIMITS):
        np.testing.assert_allclose(weighted[name], plain[name])
    np.testing.assert_allclose(weighted["n_eff"], 300)
    lone = sat.metrics.net_score(sat.Survey(frame, cluster="me"), "r").table
    np.testing.assert_allclose(lone["n_eff"], 300)
    np.testing.assert_allclose(
        lone["std_error"], plain["std_error"] * np.sqrt(300 / 299)
    )
    wider = (lone["conf_high"] - lone["conf_low"]) / (
        plain["conf_high"] - plain["conf_low"]
    )
    assert ((wider > 1) & (wider < 1.01)).all()


def test_all_in_one_box_over_clusters_counts_clusters():
    frame = clustered().assign(r=10)
    row = one(sat.metrics.top_box(design(frame), "r"), "top_2")
    few = 22 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 21)) ** 2
    limits = proportion_confint(few, few, method="wilson")
    np.testing.assert_allclose([row[c] / 100 for c in LIMITS], limits)
    assert row["reason"] == ""


def test_one_cluster_knows_no_error():
    frame = clustered()
    frame["shop"] = np.where(frame["site"] == 0, "lone", "rest")
    survey = sat.Survey(frame, cluster="site", items=["r"], scale={"r": (0, 10)})
    table = sat.metrics.net_score(survey, "r", by="shop").table.where(shop="lone")
    assert np.isnan(table["std_error"]).all()
    assert np.isnan(table["conf_low"]).all()
    assert np.isfinite(table["estimate"]).all()
    assert set(table["reason"]) == {"too few sampled units: no standard error"}


def test_groups_are_those_of_their_own_rows():
    frame = clustered()
    whole = sat.metrics.net_score(frame, "r", by="shop").table
    for shop, rows in frame.groupby("shop"):
        own = sat.metrics.net_score(rows, "r").table
        part = whole.where(shop=shop)
        for name in ("n", "estimate", "std_error", *LIMITS):
            np.testing.assert_allclose(part[name], own[name])


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas])
def test_any_frame_gives_the_same(make):
    frame = clustered()[["r", "shop"]]
    own = sat.metrics.top_box(frame, "r", scale=(0, 10), by="shop")
    other = sat.metrics.top_box(make(frame), "r", scale=(0, 10), by="shop")
    pd.testing.assert_frame_equal(own.to_frame(), other.to_frame())


def test_everything_left_out_is_counted():
    frame = graded(5, 3, 4)
    frame.loc[0, "r"] = np.nan
    frame.loc[1, "r"] = 12
    frame["shop"] = ["A"] * 11 + [None]
    found = sat.metrics.net_score(frame, "r", by="shop")
    said = {str(e) for e in found.context.exclusions}
    assert said == {
        "1 rows left out: no value of shop",
        "1 answers left out in r: no answer, missing codes included",
        "1 answers left out in r: off the scale 0-10",
    }
    assert one(found, "net_score")["n"] == 9
    assert one(found, "promoters")["estimate"] == pytest.approx(100 * 3 / 9)


def test_several_items_boxes_and_reversed_answers():
    frame = pd.DataFrame({"a": [1, 2, 5, 5, 4], "b": [1, 1, 5, 3, 3]})
    survey = sat.Survey(frame, scale=(1, 5), reverse=["b"])
    found = sat.metrics.top_box(survey, ["a", "b"], top=1, bottom=(1, 2)).table
    assert list(zip(found["item"], found["term"], strict=True)) == [
        ("a", "top_1"),
        ("a", "bottom"),
        ("b", "top_1"),
        ("b", "bottom"),
    ]
    np.testing.assert_allclose(found["estimate"], [40, 40, 40, 20])


def test_a_group_without_answers_says_so():
    frame = graded(5, 3, 4)
    frame["shop"] = ["A"] * 10 + ["B"] + ["C"]
    frame.loc[11, "r"] = np.nan
    table = sat.metrics.mean_score(frame, "r", by="shop").table
    assert table["reason"].tolist()[1:] == [
        "one answer: no standard error",
        "no answers",
    ]
    assert np.isnan(table["estimate"][2])


def test_a_finite_population_leaves_less_doubt():
    frame = graded(50, 30, 20)
    plain = sat.metrics.net_score(frame, "r")
    half = sat.metrics.net_score(frame, "r", population=200)
    np.testing.assert_allclose(
        half.table["std_error"], plain.table["std_error"] * np.sqrt(0.5)
    )
    limits = proportion_confint(0.5 * 200, 200, method="wilson")
    np.testing.assert_allclose(
        [one(half, "promoters")[c] / 100 for c in LIMITS], limits
    )
    twice = sat.metrics.net_score(graded(100, 60, 40), "r")
    for name in ("adjusted", "adjusted_error", *LIMITS):
        assert one(half, "net_score")[name] == pytest.approx(
            one(twice, "net_score")[name]
        )
    census = sat.metrics.net_score(frame, "r", population=100)
    row = one(census, "net_score")
    assert [row[c] for c in ("estimate", *LIMITS, "adjusted")] == [30.0] * 4
    assert row["reason"] == ""
    with pytest.raises(DataError, match="population"):
        sat.metrics.net_score(frame, "r", population=99)


def test_the_population_of_each_group():
    frame = clustered().assign(size=lambda f: f["shop"].map({"A": 1000, "B": 400}))
    plain = sat.metrics.mean_score(frame, "r", by="shop").table
    sizes = {"A": 1000, "B": 400}
    for population in ("size", sizes):
        found = sat.metrics.mean_score(frame, "r", by="shop", population=population)
        share = 1 - plain["n"] / np.array([1000, 400])
        np.testing.assert_allclose(
            found.table["std_error"], plain["std_error"] * np.sqrt(share)
        )
        assert "finite population" in str(found)


def test_net_scores_on_a_shorter_scale_say_so():
    frame = pd.DataFrame({"r": np.arange(40) % 10 + 1})
    survey = sat.Survey(frame, items=["r"], scale={"r": (1, 10)})
    said = str(sat.metrics.net_score(survey, "r"))
    assert "answered on 1-10, and detractors begin at 0" in said
    said = str(sat.metrics.net_score(survey, "r", detractors=(1, 6)))
    assert "do not compare" not in said


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda f: sat.metrics.net_score(f, "x"), DataError, "columns not found: 'x'"),
        (lambda f: sat.metrics.net_score(f, []), OptionError, "no item is named"),
        (lambda f: sat.metrics.net_score(f, None), OptionError, "None as items="),
        (lambda f: sat.metrics.net_score(f, ["r", "r"]), OptionError, "named twice"),
        (
            lambda f: sat.metrics.net_score(f, "r", detractors=(0, 9)),
            OptionError,
            "overlap",
        ),
        (lambda f: sat.metrics.net_score(f, "r", promoters=9), OptionError, "range"),
        (
            lambda f: sat.metrics.net_score(f, "r", scale=(0, 10), promoters=(11, 12)),
            OptionError,
            "no answers of 'r', which is answered on 0-10",
        ),
        (lambda f: sat.metrics.top_box(f, "r"), DataError, "has no scale"),
        (
            lambda f: sat.metrics.top_box(f, "r", top=11, scale=(0, 10)),
            OptionError,
            "top=11 of the 11 points",
        ),
        (
            lambda f: sat.metrics.top_box(f, "r", method="wilsn", scale=(0, 10)),
            OptionError,
            "did you mean 'wilson'",
        ),
        (
            lambda f: sat.metrics.mean_score(f.assign(item="a"), "r", by="item"),
            OptionError,
            "has the name of a column of the result",
        ),
        (lambda f: sat.metrics.mean_score(f, "r", level=95), OptionError, "level=95"),
    ],
)
def test_wrong_input_is_answered(call, error, words):
    frame = graded(5, 3, 4)
    with pytest.raises(error, match=words):
        call(frame)
