"""Performance alone and by importance against plain numpy and statsmodels."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

import satmetrics as sat
from satmetrics.errors import DataError, SatmetricsError
from satmetrics.gap.servperf import performance
from satmetrics.survey.survey import Survey

E, I, P = ([f"{form}{j}" for j in range(5)] for form in "eip")  # noqa: E741
DIMENSIONS = {"a": [0, 1, 2], "b": [3, 4]}
LISTS = {"perception": P, "dimensions": DIMENSIONS}
RATED = {**LISTS, "importance": I, "expectation": E}
RESPONDENT = "weighted by importance (respondent)"
AGGREGATE = "weighted by importance (aggregate)"


def answers(n=100, missing=0.0, seed=8):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    columns = {}
    for names, centre in ((E, 6), (I, 5.2), (P, 4.9)):
        X = np.clip(np.rint(centre + base + rng.normal(size=(n, 5))), 1, 7)
        X[rng.random(X.shape) < missing] = np.nan
        columns |= dict(zip(names, X.T, strict=True))
    frame = pd.DataFrame(columns)
    frame["shop"] = rng.choice(["north", "south"], n)
    frame["w"] = np.round(rng.uniform(0.5, 3, n), 2)
    frame["block"] = np.arange(n) // 4
    frame[["v1", "v2"]] = np.column_stack([v := rng.integers(20, 81, n), 100 - v])
    return frame


def overall(result, variant, term="performance"):
    return next(result.rows("overall").where(variant=variant, term=term).rows())


def test_items_dimensions_and_overall_are_means_with_their_errors():
    frame = answers(missing=0.1)
    result = performance(Survey(frame, scale=(1, 7)), **LISTS)
    for row in result.rows("item").rows():
        x = frame[row["item"]].dropna()
        interval = stats.t.interval(0.95, len(x) - 1, x.mean(), stats.sem(x))
        assert row["n"] == len(x)
        assert row["estimate"] == pytest.approx(x.mean())
        assert row["std_error"] == pytest.approx(stats.sem(x))
        assert (row["conf_low"], row["conf_high"]) == pytest.approx(interval)
        assert row["df"] == len(x) - 1
        assert row["sd"] == pytest.approx(x.std())
        assert row["estimate_100"] == pytest.approx(100 * (x.mean() - 1) / 6)
        assert row["conf_low_100"] == pytest.approx(100 * (interval[0] - 1) / 6)
    for row in result.rows("dimension").rows():
        own = frame[[P[j] for j in DIMENSIONS[row["dimension"]]]]
        enough = own.notna().sum(axis=1) >= 0.5 * own.shape[1]
        score = own.mean(axis=1)[enough]
        assert row["n"] == len(score)
        assert row["estimate"] == pytest.approx(score.mean())
        assert row["std_error"] == pytest.approx(stats.sem(score))


def test_overall_scores_are_two_means_and_a_sum():
    frame = answers(missing=0.05)
    result = performance(Survey(frame, scale=(1, 7)), **LISTS)
    total = frame[P].dropna().sum(axis=1)
    row = overall(result, "sum of items")
    assert row["n"] == len(total)
    assert row["estimate"] == pytest.approx(total.mean())
    assert row["std_error"] == pytest.approx(stats.sem(total))
    assert row["estimate_100"] == pytest.approx(100 * (total.mean() - 5) / 30)
    said = {e.where: e.n for e in result.context.exclusions}
    assert said["sum of items"] == len(frame) - len(total)
    whole = performance(answers(), **LISTS)
    X = answers()[P].to_numpy()
    means = (X[:, :3].mean(axis=1) + X[:, 3:].mean(axis=1)) / 2
    assert overall(whole, "mean of dimensions")["estimate"] == pytest.approx(
        means.mean()
    )
    assert overall(whole, "mean of items")["estimate"] == pytest.approx(X.mean())


def test_importance_weighted_scores_of_respondents_and_their_sum():
    frame = answers(missing=0.05)
    result = performance(frame, **RATED)
    importance = frame[I].to_numpy()
    p = frame[P].to_numpy()
    for term, x in (("performance", p), ("gap", p - frame[E].to_numpy())):
        there = np.isfinite(importance * x)
        products = np.where(there, importance * x, 0).sum(axis=1)
        weight = np.where(there, importance, 0).sum(axis=1)
        mean = (products / weight)[there.sum(axis=1) >= 2.5]
        row = overall(result, RESPONDENT, term)
        assert row["n"] == len(mean)
        assert row["estimate"] == pytest.approx(mean.mean())
        assert row["std_error"] == pytest.approx(stats.sem(mean))
        total = products[there.all(axis=1)]
        row = overall(result, "sum weighted by importance (respondent)", term)
        assert row["n"] == len(total)
        assert row["estimate"] == pytest.approx(total.mean())
        assert row["std_error"] == pytest.approx(stats.sem(total))
        test = stats.ttest_1samp(total, 0)
        if term == "gap":
            assert row["p_value"] == pytest.approx(test.pvalue)
        else:
            assert np.isnan(row["p_value"])


def test_respondent_and_aggregate_sums_differ_by_the_covariances():
    frame = answers()
    result = performance(frame, **RATED)
    for term, x in (("performance", frame[P]), ("gap", frame[P].values - frame[E])):
        covariance = sum(
            np.cov(frame[i], x.iloc[:, j], ddof=0)[0, 1] for j, i in enumerate(I)
        )
        one, other = (
            overall(result, f"sum weighted by importance ({kind})", term)["estimate"]
            for kind in ("respondent", "aggregate")
        )
        assert one - other == pytest.approx(covariance, abs=1e-9)
        notes = " ".join(result.context.notes)
        assert f"importance, is {covariance:+.4f}" in notes


def jackknife(frame, statistic):
    n = len(frame)
    left = [statistic(frame.drop(frame.index[i])) for i in range(n)]
    return np.sqrt((n - 1) ** 2 / n * np.var(left, ddof=1))


def of_means(frame):
    pairs = [frame[[i, p]].dropna() for i, p in zip(I, P, strict=True)]
    weight = np.array([pair.iloc[:, 0].mean() for pair in pairs])
    means = np.array([pair.iloc[:, 1].mean() for pair in pairs])
    return weight @ means / weight.sum()


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_aggregate_scores_have_the_error_of_the_jackknife(missing):
    frame = answers(n=300, missing=missing)
    row = overall(performance(frame, **RATED), AGGREGATE)
    assert row["estimate"] == pytest.approx(of_means(frame))
    assert row["std_error"] == pytest.approx(jackknife(frame, of_means), rel=0.01)
    row = overall(performance(frame, **RATED), "sum weighted by importance (aggregate)")
    whole = frame.dropna(subset=I + P)

    def total(part):
        return part[I].mean().to_numpy() @ part[P].mean().to_numpy()

    assert row["estimate"] == pytest.approx(total(whole))
    assert row["n"] == len(whole)
    assert row["std_error"] == pytest.approx(jackknife(whole, total), rel=0.01)


def test_equal_importance_weights_nothing():
    frame = answers(missing=0.1)
    frame[I] = 4.0
    result = performance(frame, **RATED)
    plain = overall(result, "mean of items")
    same = overall(result, RESPONDENT)
    for name in ("n", "estimate", "std_error"):
        assert same[name] == pytest.approx(plain[name])


@pytest.mark.parametrize("kind", ["columns", "numbers"])
def test_points_of_dimensions_agree_with_the_weighted_gaps(kind):
    frame = answers(missing=0.05)
    survey = Survey(frame, weight="w", unit="shop")
    given = {"a": "v1", "b": "v2"} if kind == "columns" else {"a": 70, "b": 30}
    lists = {"expectation": E, "perception": P, "dimensions": DIMENSIONS}
    gaps = sat.gaps(survey, **lists, points=given, by="unit").to_frame()
    mine = performance(survey, **lists, importance=given, by="unit").to_frame()
    names = ["shop", "variant", "estimate", "n", "conf_low", "conf_high"]
    chosen = gaps[gaps["variant"].str.startswith("weighted by points")][names]
    found = mine[mine["term"] == "gap"]
    by_gap = chosen.set_index(["shop", "variant"]).sort_index()
    by_mine = found[names].set_index(["shop", "variant"]).sort_index()
    if kind == "columns":
        assert len(by_mine) == 4
    pd.testing.assert_frame_equal(by_gap, by_mine, rtol=2e-3, check_exact=False)
    assert by_gap["estimate"].to_numpy() == pytest.approx(
        by_mine["estimate"].to_numpy(), rel=1e-9
    )


def test_the_aggregate_by_points_weights_the_mean_dimensions():
    frame = answers()
    result = performance(frame, **LISTS, importance={"a": "v1", "b": "v2"})
    scores = np.column_stack([frame[P[:3]].mean(axis=1), frame[P[3:]].mean(axis=1)])
    v = frame[["v1", "v2"]].to_numpy() / 100
    one = overall(result, "weighted by points (respondent)")["estimate"]
    other = overall(result, "weighted by points (aggregate)")["estimate"]
    assert one == pytest.approx((v * scores).sum(axis=1).mean())
    assert other == pytest.approx(v.mean(axis=0) @ scores.mean(axis=0))
    covariance = sum(np.cov(v[:, d], scores[:, d], ddof=0)[0, 1] for d in (0, 1))
    assert one - other == pytest.approx(covariance)


def test_weights_and_clusters_count():
    frame = answers(missing=0.1)
    weighted = performance(Survey(frame, weight="w"), **LISTS)
    for row in weighted.rows("item").rows():
        x = frame[[row["item"], "w"]].dropna().to_numpy()
        assert row["estimate"] == pytest.approx(DescrStatsW(x[:, 0], x[:, 1]).mean)
        deviation = x[:, 1] * (x[:, 0] - row["estimate"])
        n = len(x)
        error = np.sqrt(n / (n - 1) * (deviation**2).sum()) / x[:, 1].sum()
        assert row["std_error"] == pytest.approx(error)
    whole = answers()
    clustered = performance(Survey(whole, cluster="block"), **RATED)
    products = whole[I].to_numpy() * whole[P].to_numpy()
    score = pd.Series(products.sum(axis=1) / whole[I].sum(axis=1).to_numpy())
    by_cluster = score.groupby(whole["block"]).mean()
    row = overall(clustered, RESPONDENT)
    assert row["std_error"] == pytest.approx(stats.sem(by_cluster))
    assert row["df"] == len(by_cluster) - 1


def test_groups_equal_each_group_alone():
    frame = answers(missing=0.1)
    together = performance(Survey(frame, unit="shop"), **RATED, by="unit")
    for shop in ("north", "south"):
        alone = performance(frame[frame["shop"] == shop], **RATED).table
        part = together.table.where(shop=shop)
        for name in alone.names:
            if alone[name].dtype.kind == "f":
                assert part[name] == pytest.approx(alone[name], rel=1e-9, nan_ok=True)
            else:
                assert part[name].tolist() == alone[name].tolist()


def test_instruments_of_performance_alone_and_of_rated_importance():
    rng = np.random.default_rng(3)
    alone = sat.instruments.load("servperf")
    frame = pd.DataFrame({c: rng.integers(1, 8, 40) for c in alone.columns()})
    result = performance(frame, "servperf")
    assert len(result.rows("item")) == 22
    assert set(result.table["term"]) == {"performance"}
    total = frame.sum(axis=1)
    assert overall(result, "sum of items")["estimate"] == pytest.approx(total.mean())
    rated = sat.instruments.load("servperf_weighted")
    frame = pd.DataFrame({c: rng.integers(1, 8, 40) for c in rated.columns()})
    result = performance(frame, rated, importance="importance")
    p, e, i = (
        frame[[f"{form}_{item.id}" for item in rated.items]].to_numpy()
        for form in "pei"
    )
    variant = "sum weighted by importance (respondent)"
    for term, x in (("performance", p), ("gap", p - e)):
        assert overall(result, variant, term)["estimate"] == pytest.approx(
            (i * x).sum(axis=1).mean()
        )
    assert result.importance == "rated by item"


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_every_dataframe_library_gives_identical_results(library):
    frame = answers(missing=0.1)
    mine, other = performance(frame, **RATED), performance(library(frame), **RATED)
    pd.testing.assert_frame_equal(mine.to_frame(), other.to_frame(), check_exact=True)


def test_order_and_doubled_rows():
    frame = answers(missing=0.1).assign(w=1.0)
    mine = performance(frame, **RATED).table
    turned = performance(frame.iloc[::-1], **RATED).table
    assert mine["estimate"] == pytest.approx(turned["estimate"], rel=1e-12)
    frame.loc[:9, "w"] = 2.0
    twice = pd.concat([frame, frame.iloc[:10]], ignore_index=True)
    one = performance(Survey(frame, weight="w"), **RATED).table
    two = performance(twice, **RATED).table
    assert one["estimate"] == pytest.approx(two["estimate"], rel=1e-12)


def test_unknown_and_mixed_scales_have_no_points_of_100():
    frame = answers()
    frame.loc[0, P] = 7
    frame["p4"] += 3
    bare = performance(frame, **LISTS)
    assert np.isnan(bare.table["estimate_100"]).all()
    scales = {**dict.fromkeys(P[:4], (1, 7)), "p4": (1, 10)}
    mixed = performance(Survey(frame, scale=scales), **LISTS)
    dimensions = mixed.rows("dimension")["estimate_100"]
    assert np.isfinite(dimensions[0])
    assert np.isnan(dimensions[1])
    assert np.isfinite(mixed.rows("item")["estimate_100"]).all()
    assert "different scales" in str(mixed.summary())


def test_summaries_say_what_is_good_and_stay_short():
    frame = answers()
    frame["shop"] = [f"shop {k % 20}" for k in range(100)]
    summary = performance(Survey(frame, unit="shop"), **RATED, by="unit").summary()
    assert all(len(part.rows) <= 31 for part in summary.sections)
    text = str(summary)
    assert "high is good" in text
    assert "positive is good" in text
    assert "positive is good" not in str(performance(frame, **LISTS).summary())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"perception": None}, "missing-argument"),
        ({"importance": I[::-1]}, "order-differs"),
        ({"importance": I[:3]}, "unequal-lists"),
        ({"importance": "importance"}, "no-form"),
        ({"importance": {"a": "v1"}}, "bad-points"),
        ({"importance": {"a": 0, "b": 0}}, "bad-points"),
        ({"importance": None}, "not-needed"),
        ({"expectation": P}, "same-column"),
        ({"missing": "drop"}, "unknown-option"),
        ({"min_answered": 2}, "bad-share"),
        ({"importance": [*I[:4], "i9"]}, "columns-not-found"),
        ({"instrument": "servperf"}, "two-designs"),
    ],
)
def test_wrong_arguments_are_named(change, code):
    with pytest.raises(SatmetricsError) as caught:
        performance(answers(), **{**RATED, **change})
    assert caught.value.code == code


def test_wrong_importance_is_refused():
    frame = answers()
    frame.loc[3, "i1"] = -1
    with pytest.raises(DataError, match="importance 'i1' is negative in 1 rows"):
        performance(Survey(frame, scale={"i1": (-3, 7)}), **RATED)
    frame = answers()
    frame.loc[:4, I] = 0
    said = {e.reason: e.n for e in performance(frame, **RATED).context.exclusions}
    assert said["no item has importance"] == 5


def test_expectation_and_perception_must_share_a_scale_but_importance_need_not():
    frame = answers()
    frame.loc[0, [*E, *P]] = 7
    frame.loc[0, I] = 10
    scales = dict.fromkeys([*E, *P], (1, 7)) | dict.fromkeys(I, (0, 10))
    assert len(performance(Survey(frame, scale=scales), **RATED).table)
    frame.loc[0, E] = 9
    scales |= dict.fromkeys(E, (1, 9))
    with pytest.raises(DataError) as caught:
        performance(Survey(frame, scale=scales), **RATED)
    assert caught.value.code == "scales-differ"
