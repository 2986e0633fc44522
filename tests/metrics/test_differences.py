"""Differences of plain figures: independent samples, and people who answer again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.moment import _across
from satmetrics.moment._column_means import Rows, influences
from satmetrics.moment._linked import linked


def two_waves(first: list[int], second: list[int]) -> pd.DataFrame:
    waves = ["2025"] * len(first) + ["2026"] * len(second)
    return pd.DataFrame({"r": first + second, "wave": waves})


def test_shares_of_two_samples_have_newcombes_limits():
    frame = two_waves([5] * 56 + [1] * 14, [5] * 48 + [1] * 32)
    boxes = sat.metrics.top_box(frame, "r", by="wave", scale=(1, 5))
    table = sat.metrics.differences(boxes).table
    low, high = confint_proportions_2indep(48, 80, 56, 70, method="newcomb")
    np.testing.assert_allclose(table["conf_low"], 100 * low)
    np.testing.assert_allclose(table["conf_high"], 100 * high)
    np.testing.assert_allclose(table["estimate"], 60 - 80)
    error = np.sqrt(0.8 * 0.2 / 70 + 0.6 * 0.4 / 80)
    np.testing.assert_allclose(table["std_error"], 100 * error)
    np.testing.assert_allclose(table["p_value"], 2 * stats.norm.sf(0.2 / error))
    assert table["against"].tolist() == ["2025"]
    assert table["n"].tolist() == [150]


def test_means_of_two_samples_are_welchs():
    rng = np.random.default_rng(1)
    x, y = rng.integers(1, 11, 40), rng.integers(3, 11, 60)
    frame = two_waves(x.tolist(), y.tolist())
    found = sat.metrics.mean_score(frame, "r", by="wave")
    (row,) = sat.metrics.differences(found).table.rows()
    test = stats.ttest_ind(y, x, equal_var=False)
    assert row["p_value"] == pytest.approx(test.pvalue)
    assert row["df"] == pytest.approx(test.df)
    limits = CompareMeans(DescrStatsW(y), DescrStatsW(x)).tconfint_diff(
        usevar="unequal"
    )
    np.testing.assert_allclose([row["conf_low"], row["conf_high"]], limits)


def test_net_scores_of_two_samples_have_the_z_of_adjusted_values():
    frame = two_waves([10] * 50 + [8] * 30 + [1] * 20, [10] * 60 + [8] * 30 + [1] * 30)
    found = sat.metrics.net_score(frame, "r", by="wave")
    row = next(
        iter(sat.metrics.differences(found).table.where(term="net_score").rows())
    )

    def adjusted(p, d, n):
        p, d, n = p + 0.75, d + 0.75, n + 3
        net = (p - d) / n
        return net, ((p + d) / n - net**2) / n

    (a, v), (b, u) = adjusted(60, 30, 120), adjusted(50, 20, 100)
    error = np.sqrt(v + u)
    assert row["statistic"] == pytest.approx((a - b) / error)
    assert row["conf_low"] == pytest.approx(100 * (a - b - 1.959964 * error), abs=1e-4)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(a - b) / error))
    assert row["estimate"] == pytest.approx(25 - 30)


def panel(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    base = rng.normal(7, 2, n)
    waves = [
        np.clip(np.rint(base + rng.normal(0, 1, n) + k / 2), 0, 10) for k in (0, 1)
    ]
    return pd.DataFrame(
        {
            "id": np.tile(np.arange(n), 2),
            "wave": np.repeat(["2025", "2026"], n),
            "r": np.concatenate(waves),
        }
    )


def test_people_who_answer_twice_have_the_error_of_mcnemar():
    frame = panel()
    survey = sat.Survey(frame, respondent="id", wave="wave", scale={"r": (0, 10)})
    first, second = (g["r"].to_numpy() >= 9 for _, g in frame.groupby("wave"))
    change = second.astype(float) - first
    moved = sat.metrics.differences(sat.metrics.top_box(survey, "r", by="wave"))
    (row,) = moved.table.rows()
    assert row["estimate"] == pytest.approx(100 * change.mean())
    assert row["std_error"] == pytest.approx(100 * stats.sem(change))
    assert row["df"] == 79
    b, c = (change > 0).sum(), (change < 0).sum()
    wald = (b - c) ** 2 / (b + c - (b - c) ** 2 / 80) * 79 / 80  # McNemar, Wald's form
    assert row["statistic"] ** 2 == pytest.approx(wald)
    apart = sat.metrics.differences(
        sat.metrics.top_box(frame, "r", by="wave", scale=(0, 10))
    )
    assert row["std_error"] < 0.8 * apart.table["std_error"][0]
    width = row["conf_high"] - row["conf_low"]
    assert width < 0.8 * (apart.table["conf_high"] - apart.table["conf_low"])[0]
    assert moved.linked == 1
    assert apart.linked == 0


def test_means_of_a_panel_are_the_paired_t_test():
    frame = panel()
    survey = sat.Survey(frame, respondent="id", wave="wave", scale={"r": (0, 10)})
    found = sat.metrics.differences(sat.metrics.mean_score(survey, "r", by="wave"))
    first, second = (g["r"].to_numpy() for _, g in frame.groupby("wave"))
    test = stats.ttest_rel(second, first)
    for row in found.table.rows():
        assert row["statistic"] == pytest.approx(test.statistic)
        assert row["p_value"] == pytest.approx(test.pvalue)
    low, high = test.confidence_interval()
    np.testing.assert_allclose(found.table["conf_low"], [low, 10 * low])
    np.testing.assert_allclose(found.table["conf_high"], [high, 10 * high])


@pytest.mark.parametrize(("n", "C"), [(400, 40), (400, 400)])
def test_pairs_are_those_of_the_full_covariance(n, C):
    """Where most units have rows of most groups, and where few have."""
    rng = np.random.default_rng(5)
    G, D = 6, 2
    unit, codes = rng.integers(0, C, n), rng.integers(0, G, n)
    strata = np.arange(C) % 3
    rows = Rows(codes, G, rng.uniform(1, 2, n), unit, strata)
    u = list(influences(rng.normal(size=(D, n)), rows))
    cells = _across.Cells.of(rows)
    full = cells.covariance(u)
    found = linked(u, np.ones((G, D)), cells)
    V = np.diag(found.variance.ravel())
    i, j = found.pairs.T
    V[i, j] = V[j, i] = found.covariance
    np.testing.assert_allclose(V, full, atol=1e-12)
    assert (i < j).all()


def test_groups_against_a_reference_and_waves_in_a_row():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"r": rng.integers(0, 11, 180)})
    frame["shop"], frame["wave"] = np.arange(180) % 3, np.arange(180) // 60
    found = sat.metrics.mean_score(frame, "r", by=["shop", "wave"])
    rows = sat.metrics.differences(found).table
    pairs = [(s, w, a) for s in range(3) for w, a in ((1, 0), (2, 1))]
    made = zip(rows["shop"], rows["wave"], rows["against"], strict=True)
    assert list(made) == pairs
    cell = frame.groupby(["shop", "wave"])["r"].mean()
    wanted = [cell[s, w] - cell[s, a] for s, w, a in pairs]
    np.testing.assert_allclose(rows["estimate"], wanted)
    rows = sat.metrics.differences(found, over="shop", reference=1).table
    assert set(rows["against"]) == {1}
    assert set(rows["shop"]) == {0, 2}
    assert len(rows) == 6


def test_what_cannot_be_compared_says_so():
    found = sat.metrics.mean_score(panel(), "r", by="wave")
    with pytest.raises(DataError, match="columns not found: 'shop'"):
        sat.metrics.differences(found, over="shop")
    with pytest.raises(OptionError, match="reference='2024' is none of wave"):
        sat.metrics.differences(found, reference="2024")
    with pytest.raises(OptionError, match="needs a metric, got DataFrame"):
        sat.metrics.differences(found.to_frame())
    one = sat.metrics.mean_score(panel().query("wave == '2025'"), "r", by="wave")
    with pytest.raises(DataError, match="one wave only"):
        sat.metrics.differences(one)
