"""Groups over sampled units: own clusters, shared clusters, repeated people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

import satmetrics as sat
from satmetrics.errors import DataError
from satmetrics.moment import _across
from satmetrics.moment._column_means import Rows

ASK = {"expectation": ["e"], "perception": ["p"]}
compare = sat.quality.compare_gaps


def survey(columns, **roles):
    return sat.Survey(pd.DataFrame({"e": 0.0, **columns}), items=["e", "p"], **roles)


def only(result, term, **keys):
    rows = [
        r
        for r in result.rows(term, "item").rows()
        if all(r[k] == v for k, v in keys.items())
    ]
    assert len(rows) == 1
    return rows[0]


def nested(per=4, groups=3, rows=5, seed=1):
    """Return equal clusters that lie in one group each, clusters differing."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(per * groups), rows)
    y = rng.normal(size=per * groups)[site] + rng.normal(size=len(site))
    return {"p": y, "site": site, "g": site // per}


def test_clusters_of_their_own_are_welch_tests_of_the_clusters_means():
    """Equal clusters: the group is the sample of its clusters' means, nothing else."""
    data = nested()
    found = compare(survey(data, cluster="site"), by="g", **ASK)
    means = pd.DataFrame(data).groupby("site")["p"].mean().to_numpy().reshape(3, 4)
    known = stats.ttest_ind(means[0], means[2], equal_var=False)
    mine = only(found, "difference", group="0", other="2")
    assert mine["statistic"] == pytest.approx(known.statistic)
    assert mine["df"] == pytest.approx(known.df)
    assert mine["p_value"] == pytest.approx(known.pvalue)
    whole = anova_oneway(list(means), use_var="unequal", welch_correction=True)
    test = only(found, "equality")
    assert test["statistic"] == pytest.approx(whole.statistic)
    assert test["df_error"] == pytest.approx(whole.df_denom)
    mean = only(found, "mean", group="1")
    assert mean["std_error"] == pytest.approx(stats.sem(means[1]))
    assert mean["df"] == 3


def test_strata_within_groups_of_their_own():
    """Two strata of each group with two and three clusters of one size."""
    rng = np.random.default_rng(2)
    site = np.repeat(np.arange(10), 6)
    stratum = np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 3])[site]
    y = rng.normal(size=10)[site] + rng.normal(size=60)
    data = {"p": y, "site": site, "h": stratum, "g": site // 5}
    found = compare(survey(data, cluster="site", stratum="h"), by="g", **ASK)
    mean = y.reshape(10, 6).mean(axis=1)
    var = [
        sum(len(m) * m.var(ddof=1) for m in np.split(own, [2])) / 25
        for own in (mean[:5], mean[5:])
    ]
    mine = only(found, "difference")
    assert mine["std_error"] == pytest.approx(np.sqrt(sum(var)))
    assert mine["df"] == pytest.approx(sum(var) ** 2 / sum(v * v / 3 for v in var))


def test_a_group_of_one_cluster_is_not_taken_as_known():
    rng = np.random.default_rng(3)
    site = np.concatenate([np.zeros(40), rng.integers(1, 11, 80)]).astype(int)
    data = {"p": rng.normal(size=120), "site": site, "g": np.minimum(site, 1)}
    found = compare(survey(data, cluster="site"), by="g", **ASK)
    assert np.isnan(only(found, "difference")["p_value"])
    assert np.isnan(only(found, "equality")["p_value"])
    lone = only(found, "mean", group="0")
    assert np.isnan(lone["std_error"])
    assert "one sampled unit" in lone["reason"]
    assert np.isfinite(only(found, "mean", group="1")["std_error"])
    best = sat.quality.benchmark(
        survey(data, cluster="site"), own="1", by="g", rng=1, **ASK
    )
    assert np.isnan(next(best.rows("best", "item").rows())["conf_low"])


def test_shared_clusters_against_plain_sums():
    rng = np.random.default_rng(4)
    site, g = rng.integers(0, 30, 300), rng.integers(0, 3, 300)
    site[g == 2] = site[g == 2] % 9  # the third group lies in nine of the clusters
    y = rng.normal(size=30)[site] + rng.normal(size=300)
    found = compare(
        survey({"p": y, "site": site, "g": g}, cluster="site"), by="g", **ASK
    )
    u, means = np.zeros((30, 3)), np.zeros(3)
    for k in range(3):
        means[k] = y[g == k].mean()
        left = (y[g == k] - means[k]) / (g == k).sum()
        u[:, k] = np.bincount(site[g == k], left, 30)
    V = 30 / 29 * u.T @ u
    c = np.array([1, 0, -1])
    mine = only(found, "difference", group="0", other="2")
    assert mine["std_error"] == pytest.approx(np.sqrt(c @ V @ c))
    assert mine["df"] == len(np.unique(site[g != 1])) - 1
    C = np.array([[1, -1, 0], [0, 1, -1]])
    W = (C @ means) @ np.linalg.solve(C @ V @ C.T, C @ means)
    df = len(np.unique(site)) - 1
    test = only(found, "equality")
    assert test["statistic"] == pytest.approx(W / 2 * (df - 1) / df)


def test_a_sparse_and_a_full_matrix_give_the_same(monkeypatch):
    rng = np.random.default_rng(9)
    rows = Rows(
        rng.integers(0, 5, 400), 5, None, rng.integers(0, 60, 400), np.arange(60) % 4
    )
    x = [rng.normal(size=400) for _ in range(2)]
    found = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(_across, "DENSE", share)
        cells = _across.Cells.of(rows)
        found.append((cells.covariance(x), cells.whole_degrees))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found[0][1], found[1][1])
    one = rows.linearised_cov(iter(x))
    blocks = found[0][0].reshape(5, 2, 5, 2)
    for g in range(5):
        np.testing.assert_allclose(blocks[g, :, g], one[g], rtol=1e-10)


def test_clusters_of_single_rows_are_rows_sampled_singly():
    rng = np.random.default_rng(5)
    data = {"p": rng.normal(size=90), "g": rng.integers(0, 3, 90)}
    plain = compare(survey(data), by="g", **ASK)
    own = survey({**data, "row": np.arange(90)}, cluster="row")
    sampled = compare(own, by="g", **ASK)
    for term in ("mean", "difference", "equality"):
        a, b = (
            r.rows(term).to_frame().select_dtypes("number") for r in (plain, sampled)
        )
        pd.testing.assert_frame_equal(a, b, rtol=1e-9)


def twice(shared, people=100):
    """Return two waves of which `shared` people are the same."""
    rng = np.random.default_rng(6)
    mood = rng.normal(size=people) * 2
    who = np.arange(people)
    return {
        "p": np.concatenate([mood, mood + 0.1]) + 0.3 * rng.normal(size=2 * people),
        "who": np.concatenate([who, np.where(who < shared, who, who + people)]),
        "wave": np.repeat([1, 2], people),
    }


def test_partly_the_same_people_lie_between():
    errors = []
    for shared in (0, 50, 100):
        own = survey(twice(shared), wave="wave", respondent="who")
        errors.append(only(compare(own, by="wave", **ASK), "difference")["std_error"])
    assert errors[0] > 1.2 * errors[1] > 1.2 * 1.2 * errors[2]


def test_rows_without_a_respondent_are_units_of_their_own():
    data = twice(100)
    data["who"] = np.where(np.arange(200) % 100 < 90, data["who"], np.nan)
    found = compare(survey(data, wave="wave", respondent="who"), by="wave", **ASK)
    alone = twice(90)
    known = compare(survey(alone, wave="wave", respondent="who"), by="wave", **ASK)
    for name in ("std_error", "df", "p_value"):
        one, other = (only(r, "difference")[name] for r in (found, known))
        assert one == pytest.approx(other)


def test_people_with_several_rows_in_one_group_count_once():
    """Four equal waves of each person say no more about branches than one does."""
    rng = np.random.default_rng(7)
    x, branch = rng.normal(size=60), np.arange(60) % 2
    data = {
        "p": np.tile(x, 4),
        "who": np.tile(np.arange(60), 4),
        "wave": np.repeat(np.arange(4), 60),
        "branch": np.tile(branch, 4),
    }
    own = survey(data, wave="wave", respondent="who", unit="branch")
    mine = only(compare(own, by="unit", **ASK), "difference")
    known = stats.ttest_ind(x[branch == 0], x[branch == 1], equal_var=False)
    assert mine["statistic"] == pytest.approx(known.statistic)
    assert mine["df"] == pytest.approx(known.df)


def test_people_scattered_over_clusters_or_strata_are_refused():
    data = twice(100)
    data["site"] = np.arange(200) // 10
    for role in ("cluster", "stratum"):
        own = survey(data, wave="wave", respondent="who", **{role: "site"})
        for ask in (
            lambda own=own: compare(own, by="wave", **ASK),
            lambda own=own: sat.quality.drift(own, **ASK),
            lambda own=own: sat.quality.benchmark(own, own="1", by="wave", **ASK),
        ):
            with pytest.raises(DataError, match="one respondent") as caught:
                ask()
            assert caught.value.code == "respondent-scattered"


def test_people_within_one_cluster_stay_in_it():
    data = twice(100)
    data["site"] = np.tile(np.arange(100) // 5, 2)
    own = survey(data, wave="wave", respondent="who", cluster="site")
    found = compare(own, by="wave", **ASK)
    assert only(found, "difference")["df"] == 19
    assert "through the clusters" in str(found)
    frame = pd.DataFrame(data).groupby(["site", "wave"])["p"].mean().unstack()
    known = stats.ttest_rel(frame[1], frame[2])
    assert only(found, "difference")["statistic"] == pytest.approx(known.statistic)


@pytest.mark.slow
def test_size_with_few_clusters_to_a_group():
    """Four and eight clusters in each of twelve branches that do not differ.

    Welch's F of twelve samples of four is itself too eager (0.11 at 5 %).
    """
    for per, highest in ((4, 0.2), (8, 0.12)):
        rejected, times = np.zeros(2), 200
        for seed in range(times):
            data = nested(per, 12, 6, seed)
            found = compare(survey(data, cluster="site"), by="g", **ASK)
            p = found.rows("difference", "item")["p_value"]
            rejected += [(p < 0.05).mean(), only(found, "equality")["p_value"] < 0.05]
        share = rejected / times
        assert 0.03 < share[0] < 0.06, (per, share)
        assert share[1] < highest, (per, share)


def dimensions(n, seed, **roles):
    """Return answers of two dimensions, and gaps of each, in three unequal groups."""
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 3, n)
    site = rng.integers(0, 40, n)
    effect = rng.normal(size=(40, 1))[site]
    Y = 0.1 * g[:, None] + effect + rng.normal(size=(n, 2)) * (1 + g[:, None])
    data = pd.DataFrame({"e1": 0.0, "e2": 0.0, "p1": Y[:, 0], "p2": Y[:, 1]})
    data = data.assign(g=g, site=site, own=site * 3 + g, w=rng.uniform(0.5, 2, n))
    return data, Y


TWO = {"dimensions": {"staff": [("e1", "p1")], "place": [("e2", "p2")]}}


def joint(data, **roles):
    own = sat.Survey(data, items=["e1", "e2", "p1", "p2"], **roles)
    (row,) = compare(own, by="g", **TWO).table.where(level="multivariate").rows()
    assert row["term"] == "wald"
    return row


def by_hand(u, means, df, k=4):
    """Wald's F of three groups by two dimensions, group-major."""
    C = np.kron([[1, -1, 0], [1, 0, -1]], np.eye(2))
    W = (C @ means) @ np.linalg.solve(C @ u @ C.T, C @ means)
    return W / k * (df - k + 1) / df


def test_the_multivariate_test_with_weights_against_plain_sums():
    data, Y = dimensions(240, 1)
    V, means = np.zeros((6, 6)), np.zeros(6)
    for k in range(3):
        here, w = Y[data["g"] == k], data.loc[data["g"] == k, "w"].to_numpy()
        mean = w @ here / w.sum()
        u = w[:, None] * (here - mean) / w.sum()
        at = slice(2 * k, 2 * k + 2)
        means[at], V[at, at] = mean, len(u) / (len(u) - 1) * u.T @ u
    row = joint(data, weight="w")
    assert row["statistic"] == pytest.approx(by_hand(V, means, 237))
    assert (row["df"], row["df_error"]) == (4, 234)
    assert row["p_value"] == pytest.approx(stats.f.sf(row["statistic"], 4, 234))


@pytest.mark.parametrize("cluster", ["site", "own"])
def test_the_multivariate_test_over_clusters_against_plain_sums(cluster):
    """Clusters shared by the groups, and clusters of their own."""
    data, Y = dimensions(300, 2)
    units = np.unique(data[cluster])
    place = np.searchsorted(units, data[cluster])
    u, means = np.zeros((len(units), 6)), np.zeros(6)
    for k in range(3):
        here = (data["g"] == k).to_numpy()
        means[2 * k : 2 * k + 2] = Y[here].mean(axis=0)
        left = (Y[here] - Y[here].mean(axis=0)) / here.sum()
        for d in range(2):
            u[:, 2 * k + d] = np.bincount(place[here], left[:, d], len(units))
    size = np.full(6, len(units))
    if cluster == "own":
        size = np.repeat([len(np.unique(place[data["g"] == k])) for k in range(3)], 2)
    V = u.T @ u * np.sqrt(np.outer(size, size) / np.outer(size - 1, size - 1))
    row = joint(data, cluster=cluster)
    df = len(units) - (3 if cluster == "own" else 1)
    assert row["statistic"] == pytest.approx(by_hand(V, means, df))
    assert row["df_error"] == df - 4 + 1


def test_too_few_clusters_for_the_multivariate_test_have_a_reason():
    data, _ = dimensions(60, 3)
    row = joint(data.assign(site=data["site"] % 4), cluster="site")
    assert np.isnan(row["p_value"])
    assert row["reason"]


def test_the_multivariate_test_leaves_out_who_lacks_a_dimension():
    data, _ = dimensions(240, 4)
    holed = data.copy()
    holed.loc[:19, "p1"] = np.nan
    whole = joint(data.loc[20:].reset_index(drop=True), weight="w")
    row = joint(holed, weight="w")
    assert row["n"] == 220
    assert row["statistic"] == pytest.approx(whole["statistic"])


@pytest.mark.slow
def test_size_of_the_multivariate_test_with_weights_and_clusters():
    rejected, times = np.zeros(2), 300
    for seed in range(times):
        rng = np.random.default_rng(seed)
        data, _ = dimensions(300, seed)
        effect = rng.normal(size=(40, 2))[data["site"]]
        data[["p1", "p2"]] = effect + rng.normal(size=(300, 2))
        rejected[1] += joint(data, cluster="site")["p_value"] < 0.05
        data[["p1", "p2"]] = rng.normal(size=(300, 2)) * (1 + data[["g"]].to_numpy())
        rejected[0] += joint(data, weight="w")["p_value"] < 0.05
    share = rejected / times
    assert (share > 0.02).all(), share
    assert (share < 0.11).all(), share
