"""Groups, competitors and waves compared, against scipy, statsmodels and algebra."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics import errors
from satmetrics.gap import _contrasts as kernel
from satmetrics.moment._across import Cells
from satmetrics.moment._column_means import Rows, influences

DIMENSIONS = {"staff": [("e1", "p1"), ("e2", "p2")], "place": [("e3", "p3")]}


def frame(n: int = 180, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shop = np.array(["A", "B", "C"])[rng.integers(0, 3, n)]
    shift = pd.Series({"A": 0.0, "B": 0.4, "C": -0.3})[shop].to_numpy()
    spread = pd.Series({"A": 0.5, "B": 1.0, "C": 1.5})[shop].to_numpy()
    mood = rng.normal(size=n)
    out = pd.DataFrame({"shop": shop})
    for name in ("e1", "e2", "e3"):
        out[name] = 6 + 0.4 * mood + rng.normal(size=n) * 0.5
    for name in ("p1", "p2", "p3"):
        out[name] = 5 + shift + 0.4 * mood + spread * rng.normal(size=n)
    out["site"] = rng.integers(0, 30, n)
    out["w"] = rng.uniform(0.5, 2, n)
    return out


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module")
def compared(answers) -> sat.quality.GapComparison:
    return sat.quality.compare_gaps(answers, by="shop", dimensions=DIMENSIONS)


def staff(answers: pd.DataFrame) -> list[np.ndarray]:
    gap = (answers.p1 - answers.e1 + answers.p2 - answers.e2) / 2
    return [gap[answers.shop == s].to_numpy() for s in "ABC"]


def test_differences_are_those_of_welch(compared, answers):
    rows = compared.rows("difference", "dimension").where(dimension="staff").to_frame()
    groups = dict(zip("ABC", staff(answers), strict=True))
    assert list(zip(rows.group, rows.other, strict=True)) == [
        ("A", "B"),
        ("A", "C"),
        ("B", "C"),
    ]
    for row in rows.itertuples():
        test = stats.ttest_ind(groups[row.group], groups[row.other], equal_var=False)
        limits = test.confidence_interval(0.95)
        np.testing.assert_allclose(
            [row.statistic, row.p_value, row.df, row.conf_low, row.conf_high],
            [test.statistic, test.pvalue, test.df, limits.low, limits.high],
        )


def test_equality_is_welchs_f(compared, answers):
    from statsmodels.stats.oneway import anova_oneway

    row = compared.rows("equality", "dimension").where(dimension="staff").to_frame()
    test = anova_oneway(staff(answers), use_var="unequal", welch_correction=True)
    np.testing.assert_allclose(
        row[["statistic", "p_value", "df", "df_error"]].to_numpy()[0],
        [test.statistic, test.pvalue, *test.df],
    )


def test_welchs_f_of_two_groups_is_t_squared():
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 1, 20), rng.normal(0.5, 2, 35)
    mean = np.array([[a.mean(), b.mean()]])
    v = np.array([[a.var(ddof=1) / 20, b.var(ddof=1) / 35]])
    found = kernel.welch_test(mean, v, np.array([[19.0, 34.0]]))
    t = stats.ttest_ind(a, b, equal_var=False)
    np.testing.assert_allclose(found.statistic, t.statistic**2)
    np.testing.assert_allclose(found.df_error, t.df)
    np.testing.assert_allclose(found.p_value, t.pvalue)


def test_multivariate_tests_are_those_of_statsmodels(compared, answers):
    from statsmodels.multivariate.manova import MANOVA

    gap = pd.DataFrame(
        {
            "staff": (answers.p1 - answers.e1 + answers.p2 - answers.e2) / 2,
            "place": answers.p3 - answers.e3,
            "shop": answers.shop,
        }
    )
    fit = MANOVA.from_formula("staff + place ~ shop", data=gap)
    theirs = fit.mv_test().results["shop"]["stat"].astype(float)
    ours = compared.table.where(level="multivariate").to_frame()
    np.testing.assert_allclose(
        ours[["estimate", "df", "df_error", "statistic", "p_value"]],
        theirs[["Value", "Num DF", "Den DF", "F Value", "Pr > F"]],
        rtol=1e-7,
    )


def test_icc_is_that_of_a_one_way_analysis_of_variance(compared, answers):
    groups = staff(answers)
    n = np.array([len(g) for g in groups])
    k0 = (n.sum() - (n**2).sum() / n.sum()) / 2
    grand = np.concatenate(groups).mean()
    between = sum(len(g) * (g.mean() - grand) ** 2 for g in groups) / 2
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n.sum() - 3)
    icc = (between - within) / (between + (k0 - 1) * within)
    row = compared.rows("icc1", "dimension").where(dimension="staff")
    assert row["estimate"][0] == pytest.approx(icc, abs=1e-12)
    assert row["conf_low"][0] < icc < row["conf_high"][0]


def test_hedges_g_by_hand(compared, answers):
    a, b, _ = staff(answers)
    free = len(a) + len(b) - 2
    pooled = np.sqrt(
        ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / free
    )
    g = (a.mean() - b.mean()) / pooled * (1 - 3 / (4 * free - 1))
    row = compared.rows("difference", "dimension").where(dimension="staff")
    assert row["hedges_g"][0] == pytest.approx(g, rel=1e-12)


def test_rest_and_reference(answers):
    ask = {"by": "shop", "dimensions": DIMENSIONS}
    means = dict(zip("ABC", [g.mean() for g in staff(answers)], strict=True))
    rest = sat.quality.compare_gaps(answers, **ask, contrasts="rest")
    row = rest.rows("difference", "dimension").where(dimension="staff")
    expected = [means[a] - np.mean([means[b] for b in "ABC" if b != a]) for a in "ABC"]
    np.testing.assert_allclose(row["estimate"], expected)
    held = sat.quality.compare_gaps(answers, **ask, reference="B")
    row = held.rows("difference", "dimension").where(dimension="staff")
    assert row["other"].tolist() == ["B", "B"]
    np.testing.assert_allclose(
        row["estimate"], [means["A"] - means["B"], means["C"] - means["B"]]
    )


def test_group_covariance_without_shared_units_is_that_of_each_group(answers):
    """Every row its own unit: variances of the groups, and nothing between them."""
    n = len(answers)
    codes = pd.factorize(answers.shop, sort=True)[0].astype(np.int64)
    rows = Rows(codes, 3, None, np.arange(n), np.zeros(n, dtype=np.int64))
    gap = (answers.p1 - answers.e1).to_numpy()
    V = Cells.of(rows).covariance(list(influences([gap], rows)))
    size = np.bincount(codes)
    own = [gap[codes == g].var(ddof=1) / size[g] for g in range(3)]
    np.testing.assert_allclose(np.diagonal(V), own)
    assert abs(V - np.diag(np.diagonal(V))).max() < 1e-16


def test_a_panel_is_paired():
    """The same people in two waves: the paired t test, not that of two samples."""
    rng = np.random.default_rng(4)
    people = 80
    mood = rng.normal(size=people)
    before = mood + rng.normal(size=people) * 0.3
    after = mood + 0.1 + rng.normal(size=people) * 0.3
    long = pd.DataFrame(
        {
            "id": np.tile(np.arange(people), 2),
            "year": np.repeat([2024, 2025], people),
            "e": np.zeros(2 * people),
            "p": np.concatenate([before, after]),
        }
    )
    survey = sat.Survey(long, respondent="id", wave="year", items=["e", "p"])
    ask = {"expectation": ["e"], "perception": ["p"]}
    moved = sat.quality.drift(survey, **ask).rows("since_first", "perception")
    test = stats.ttest_rel(after, before)
    limits = test.confidence_interval()
    row = next(r for r in moved.rows() if r["level"] == "item")
    assert row["statistic"] == pytest.approx(test.statistic, rel=1e-9)
    assert row["df"] == people - 1
    assert row["conf_low"] == pytest.approx(limits.low, rel=1e-9)
    against = sat.quality.compare_gaps(survey, by="wave", **ask)
    row = next(r for r in against.rows("difference").rows() if r["level"] == "item")
    assert abs(row["statistic"]) == pytest.approx(abs(test.statistic), rel=1e-9)
    f = next(r for r in against.rows("equality").rows() if r["level"] == "item")
    assert f["statistic"] == pytest.approx(test.statistic**2, rel=1e-9)
    assert "sampled units of all errors" in str(against)


def test_drift_adds_up_and_has_its_trend(answers):
    rng = np.random.default_rng(1)
    data = answers.assign(year=2021 + rng.integers(0, 4, len(answers)))
    found = sat.quality.drift(data, by="year", dimensions=DIMENSIONS)
    change = found.rows("since_first")
    np.testing.assert_allclose(
        change["from_perception"] + change["from_expectation"],
        change["estimate"],
        atol=1e-12,
    )
    E, P = (
        found.rows("since_first", n)["estimate"] for n in ("expectation", "perception")
    )
    np.testing.assert_allclose(change["from_expectation"], -E)
    np.testing.assert_allclose(change["from_perception"], P)
    import statsmodels.api as sm

    means = found.rows("mean", "gap", "dimension").where(dimension="staff")
    years = np.array([float(y) for y in means["group"]])
    fit = sm.WLS(
        means["estimate"].astype(float),
        sm.add_constant(years),
        weights=1 / means["std_error"].astype(float) ** 2,
    ).fit(cov_type="fixed scale")
    row = found.rows("trend", "gap", "dimension").where(dimension="staff")
    np.testing.assert_allclose(row["estimate"][0], fit.params[1], rtol=1e-9)
    np.testing.assert_allclose(row["std_error"][0], fit.bse[1], rtol=1e-9)
    assert found.unit_of_time == "year"


def test_share_of_the_better_served(answers):
    data = answers.assign(year=np.arange(len(answers)) % 2)
    found = sat.quality.drift(data, by="year", dimensions=DIMENSIONS)
    row = found.rows("share_better", "gap", "dimension").where(dimension="place")
    better = (data.p3 > data.e3).groupby(data.year).mean()
    np.testing.assert_allclose(row["estimate"], better)


def test_the_critical_value_of_simultaneous_limits_is_dunnetts():
    """Equal variances: scipy's distribution of the two-sided maximum; one: normal."""
    k = 4
    c = kernel.simultaneous_critical(
        np.ones(1), np.ones((1, k)), np.array([1e9]), 0.95
    )[0]
    R = np.full((k, k), 0.5) + 0.5 * np.eye(k)
    inside = stats.multivariate_normal.cdf(
        np.full(k, c),
        np.zeros(k),
        R,
        lower_limit=np.full(k, -c),
        maxpts=10**6,
        abseps=1e-6,
    )
    assert inside == pytest.approx(0.95, abs=2e-5)
    one = kernel.simultaneous_critical(
        np.ones(1), np.ones((1, 1)), np.array([1e9]), 0.95
    )
    assert one[0] == pytest.approx(stats.norm.ppf(0.975), abs=1e-6)


def test_the_one_sided_critical_value_by_simulation():
    rng = np.random.default_rng(2)
    own, others = np.array([0.02]), np.array([[0.03, 0.01, 0.05, np.nan]])
    c = kernel.simultaneous_critical(
        own, others, np.array([1e9]), 0.975, one_sided=True
    )
    z0, z = rng.standard_normal((10**6, 1)), rng.standard_normal((10**6, 3))
    v = others[:, :3]
    T = (np.sqrt(own) * z0 - np.sqrt(v) * z) / np.sqrt(own + v)
    assert c[0] == pytest.approx(np.quantile(T.max(axis=1), 0.975), abs=0.01)


def test_limits_of_the_benchmark_are_the_lowest_of_all(answers):
    found = sat.quality.benchmark(
        answers, own="A", by="shop", dimensions=DIMENSIONS, score="gap", rng=1
    )
    row = next(found.rows("best", "dimension").where(dimension="staff").rows())
    own, *others = staff(answers)
    alone = [
        stats.ttest_ind(own, b, equal_var=False).confidence_interval() for b in others
    ]
    assert row["conf_low"] == pytest.approx(min(limits.low for limits in alone))
    highest = min(limits.high for limits in alone)
    assert highest < row["conf_high"] < highest + 0.3 * row["std_error"]


def test_a_competitor_of_one_respondent_is_said_to_be_left_out(answers):
    lone = answers.assign(shop=answers["shop"].where(answers.index > 0, "lone"))
    found = sat.quality.benchmark(
        lone, own="A", by="shop", dimensions=DIMENSIONS, score="gap", rng=1
    )
    row = next(found.rows("best", "overall").rows())
    assert row["other"] != "lone"
    assert np.isfinite(row["conf_low"])
    assert "left out" in row["reason"]


def test_benchmark_names_the_best_competitor(answers):
    found = sat.quality.benchmark(
        answers, own="A", by="shop", dimensions=DIMENSIONS, score="gap", rng=1
    )
    means = dict(zip("ABC", [g.mean() for g in staff(answers)], strict=True))
    row = next(found.rows("best", "dimension").where(dimension="staff").rows())
    assert row["other"] == max("BC", key=means.get)
    assert row["estimate"] == pytest.approx(means["A"] - max(means["B"], means["C"]))
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    average = next(found.rows("average", "dimension").where(dimension="staff").rows())
    assert average["estimate"] == pytest.approx(
        means["A"] - (means["B"] + means["C"]) / 2
    )
    shares = found.rows("mean", "dimension").where(dimension="staff")["share_best"]
    assert np.nansum(shares) == pytest.approx(1)
    again = sat.quality.benchmark(
        answers, own="A", by="shop", dimensions=DIMENSIONS, score="gap", rng=1
    )
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())


def test_two_firms_are_one_welch_test(answers):
    two = answers[answers.shop != "C"]
    found = sat.quality.benchmark(
        two, own="A", by="shop", dimensions=DIMENSIONS, score="gap", rng=1
    )
    row = next(found.rows("best", "dimension").where(dimension="staff").rows())
    a, b, _ = staff(answers)
    limits = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    np.testing.assert_allclose(
        [row["conf_low"], row["conf_high"]], [limits.low, limits.high], rtol=1e-5
    )


def test_expectation_drivers_are_those_of_statsmodels(answers):
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    wom, needs = rng.normal(size=(2, len(answers)))
    data = answers.assign(wom=wom, needs=needs + wom / 2)
    data["e1"] += 0.5 * data.wom * (1 + 0.3 * rng.normal(size=len(data)))
    predictors = {"word_of_mouth": "wom", "needs": ["needs"]}
    ask = {"expectation": ["e1", "e2", "e3"], "dimensions": {"s": [0, 1], "p": [2]}}
    found = sat.quality.expectation_drivers(data, predictors=predictors, **ask)
    y = (data.e1 + data.e2) / 2
    X = sm.add_constant(data[["wom", "needs"]])
    fit = sm.OLS(y, X).fit(cov_type="HC3", use_t=True)
    rows = found.rows("coefficient").where(dimension="s").to_frame()
    np.testing.assert_allclose(rows["estimate"], fit.params[1:])
    np.testing.assert_allclose(rows["std_error"], fit.bse[1:])
    np.testing.assert_allclose(rows["p_value"], fit.pvalues[1:])
    r2 = found.rows("r2").where(dimension="s")["estimate"][0]
    assert r2 == pytest.approx(fit.rsquared)
    shares = found.rows("lmg").where(dimension="s")["estimate"]
    assert shares.sum() == pytest.approx(1)
    beta = found.rows("standardized").where(dimension="s")["estimate"]
    z = (data[["wom", "needs"]] - data[["wom", "needs"]].mean()) / data[
        ["wom", "needs"]
    ].std()
    np.testing.assert_allclose(
        beta, sm.OLS((y - y.mean()) / y.std(), z).fit().params, rtol=1e-9
    )

    clustered = sat.Survey(data, cluster="site")
    found = sat.quality.expectation_drivers(clustered, predictors=predictors, **ask)
    fit = sm.OLS(y, X).fit(
        cov_type="cluster", cov_kwds={"groups": data.site, "use_correction": False}
    )
    C = data.site.nunique()
    rows = found.rows("coefficient").where(dimension="s").to_frame()
    np.testing.assert_allclose(
        rows["std_error"], fit.bse[1:] * np.sqrt(C / (C - 1)), rtol=1e-9
    )
    assert set(rows["df"]) == {C - 1}


def test_few_rows_are_not_regressed(answers):
    few = answers.head(25).assign(x=np.arange(25.0), z=np.arange(25.0) % 7)
    found = sat.quality.expectation_drivers(
        few, expectation=["e1"], predictors={"x": "x", "z": "z"}
    )
    assert found.table["estimate"].size
    assert np.isnan(found.table["estimate"]).all()
    assert "rule of thumb" in found.table["reason"][0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda d: sat.quality.benchmark(
                d, own="D", by="shop", dimensions=DIMENSIONS
            ),
            errors.OptionError,
            "none of the groups",
        ),
        (
            lambda d: sat.quality.compare_gaps(
                d[d.shop == "A"], by="shop", dimensions=DIMENSIONS
            ),
            errors.DataError,
            "1 groups of shop",
        ),
        (
            lambda d: sat.quality.compare_gaps(
                d, by="shop", dimensions=DIMENSIONS, score="gaps"
            ),
            errors.OptionError,
            "did you mean 'gap'",
        ),
        (
            lambda d: sat.quality.compare_gaps(d, by="shp", dimensions=DIMENSIONS),
            errors.DataError,
            "did you mean 'shop'",
        ),
        (
            lambda d: sat.quality.drift(d, dimensions=DIMENSIONS),
            errors.DataError,
            "wave",
        ),
        (
            lambda d: sat.quality.expectation_drivers(
                d, expectation=["e1"], predictors={}
            ),
            errors.OptionError,
            "predictors",
        ),
        (
            lambda d: sat.quality.expectation_drivers(
                d, expectation=["e1"], predictors={"x": "pp1"}
            ),
            errors.DataError,
            "did you mean 'p1'",
        ),
        (
            lambda d: sat.quality.compare_gaps("servqual", d),
            errors.OptionError,
            "swapped",
        ),
    ],
)
def test_wrong_input(answers, call, error, message):
    with pytest.raises(error, match=message):
        call(answers)


def test_a_group_of_one_spoils_no_other(answers):
    one = answers.copy()
    one.loc[0, "shop"] = "Z"
    found = sat.quality.compare_gaps(one, by="shop", dimensions=DIMENSIONS)
    rows = found.rows("difference", "dimension").where(dimension="staff").to_frame()
    lone = (rows.group == "Z") | (rows.other == "Z")
    assert rows.loc[lone, "p_value"].isna().all()
    assert (rows.loc[lone, "reason"] != "").all()
    assert rows.loc[~lone, "p_value"].notna().all()


@pytest.mark.slow
def test_size_of_the_test_of_equality_with_unequal_variances_and_clusters():
    rng = np.random.default_rng(11)
    rejected = {"plain": 0, "clusters": 0}
    times = 1500
    for _ in range(times):
        n = 150
        shop = np.repeat([0, 1, 2], [30, 50, 70])
        spread = np.array([2.0, 1.0, 0.5])[shop]
        site = rng.integers(0, 40, n)
        effect = rng.normal(size=40)[site]
        for name, y, roles in (
            ("plain", spread * rng.normal(size=n), {}),
            ("clusters", effect + rng.normal(size=n), {"cluster": "site"}),
        ):
            data = pd.DataFrame({"e": 0.0, "p": y, "shop": shop, "site": site})
            survey = sat.Survey(data, items=["e", "p"], **roles)
            found = sat.quality.compare_gaps(
                survey, by="shop", expectation=["e"], perception=["p"]
            )
            p = found.rows("equality", "item")["p_value"][0]
            rejected[name] += p < 0.05
    shares = {k: v / times for k, v in rejected.items()}
    assert 0.035 < shares["plain"] < 0.065, shares
    assert 0.03 < shares["clusters"] < 0.075, shares


@pytest.mark.slow
def test_limits_of_the_benchmark_hold_whoever_is_best():
    rng = np.random.default_rng(7)
    times = 1500
    for truth in ([0.0, 0.0, 0.0, 0.0, 0.0], [0.3, 0.0, 0.5, 0.45, -1.0]):
        mean = np.asarray(truth)
        covered = 0
        for _ in range(times):
            shop = np.repeat(np.arange(5), [60, 30, 40, 50, 60])
            y = mean[shop] + rng.normal(size=len(shop))
            data = pd.DataFrame({"e": 0.0, "p": y, "shop": shop})
            found = sat.quality.benchmark(
                *(data,),
                own="0",
                by="shop",
                expectation=["e"],
                perception=["p"],
                n_draws=1,
                rng=1,
            )
            row = next(found.rows("best", "item").rows())
            true = mean[0] - mean[1:].max()
            covered += row["conf_low"] <= true <= row["conf_high"]
        assert covered / times > 0.94, (truth, covered / times)


@pytest.mark.parametrize(
    ("waves", "times", "unit"),
    [
        (["2024Q1", "2024Q2", "2025Q4"], [0, 0.25, 1.75], "year"),
        (["2024-01-01", "2024-07-01", "2026-01-01"], [0, 0.5, 2], "year"),
        ([202401, 202407, 202501], [0, 0.5, 1], "year"),
        ([2020, 2021, 2025], [0, 1, 5], "year"),
        ([1, 2, 5], [1, 2, 5], "unit of w"),
        (["before", "during", "past"], [0, 1, 2], "wave"),
    ],
)
def test_a_trend_is_over_the_time_between_waves(waves, times, unit):
    """Weighted least squares of the waves' means on time, by another program."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"e": 0.0, "p": rng.normal(size=90) * np.repeat([1, 2, 3], 30)})
    data["w"] = np.repeat(np.array(waves, dtype=object), 30)
    found = sat.quality.drift(
        sat.Survey(data, wave="w", items=["e", "p"]),
        expectation=["e"],
        perception=["p"],
    )
    parts = data["p"].to_numpy().reshape(3, 30)
    X = np.column_stack([np.ones(3), times])
    weight = 30 / parts.var(axis=1, ddof=1)
    cov = np.linalg.inv(X.T @ (X * weight[:, None]))
    slope = cov @ X.T @ (weight * parts.mean(axis=1))
    row = next(r for r in found.rows("trend").rows() if r["level"] == "item")
    assert found.unit_of_time == unit
    assert row["estimate"] == pytest.approx(slope[1])
    assert row["std_error"] == pytest.approx(np.sqrt(cov[1, 1]))


@pytest.mark.parametrize("roles", [{}, {"weight": "w"}, {"cluster": "own"}])
def test_drivers_of_each_group_are_those_of_its_rows(answers, roles):
    """By group is the same as a survey of that group alone, counted in the same way."""
    rng = np.random.default_rng(5)
    data = answers.assign(wom=rng.normal(size=len(answers)))
    data["own"] = data["shop"] + (data["site"] % 12).astype(str)
    ask = {
        "expectation": ["e1", "e2", "e3"],
        "dimensions": {"s": [0, 1], "p": [2]},
        "predictors": {"talk": "wom"},
    }
    whole = sat.quality.expectation_drivers(
        sat.Survey(data, unit="shop", scale={"e1": (-9, 20)}, **roles), by="unit", **ask
    )
    assert whole.by == ("shop",)
    for shop, part in data.groupby("shop"):
        alone = sat.quality.expectation_drivers(
            sat.Survey(part.reset_index(drop=True), scale={"e1": (-9, 20)}, **roles),
            **ask,
        )
        mine = whole.table.where(shop=shop).drop("shop").to_frame()
        pd.testing.assert_frame_equal(mine, alone.to_frame(), rtol=1e-9)
    assert "shop" in str(whole)


def test_collinear_and_constant_predictors_have_no_coefficients(answers):
    rng = np.random.default_rng(5)
    data = answers.assign(a=rng.normal(size=len(answers)), c=1.0)
    data["b"] = 2 * data["a"] - 1
    for predictors in ({"a": "a", "b": "b"}, {"a": "a", "c": "c"}):
        found = sat.quality.expectation_drivers(
            data, expectation=["e1"], predictors=predictors
        )
        assert np.isnan(found.rows("coefficient")["estimate"]).all()
        assert "collinear" in str(found)


def test_drivers_by_a_column_of_the_result_are_refused(answers):
    data = answers.assign(term=answers["shop"], x=np.arange(len(answers)) % 7)
    with pytest.raises(errors.OptionError, match="'term'"):
        sat.quality.expectation_drivers(
            data, expectation=["e1"], predictors={"x": "x"}, by="term"
        )


@pytest.mark.slow
def test_limits_of_the_benchmark_hold_where_the_same_people_rate_all():
    """Four firms rated by the same 40 people, equal and apart."""
    rng = np.random.default_rng(8)
    times = 400
    for truth in ([0.0, 0.0, 0.0, 0.0], [0.3, 0.0, 0.5, -1.0]):
        mean = np.asarray(truth)
        covered = 0
        for _ in range(times):
            mood = rng.normal(size=(40, 1)) * 2
            y = (mean + mood + rng.normal(size=(40, 4))).T.ravel()
            data = pd.DataFrame({"e": 0.0, "p": y, "shop": np.repeat(np.arange(4), 40)})
            data["who"] = np.tile(np.arange(40), 4)
            survey = sat.Survey(data, unit="shop", respondent="who", items=["e", "p"])
            found = sat.quality.benchmark(
                *(survey,),
                own="0",
                expectation=["e"],
                perception=["p"],
                n_draws=1,
                rng=1,
            )
            row = next(found.rows("best", "item").rows())
            true = mean[0] - mean[1:].max()
            covered += row["conf_low"] <= true <= row["conf_high"]
            assert row["std_error"] < 0.4  # paired: 2 would be that of strangers
        assert covered / times > 0.925, (truth, covered / times)
