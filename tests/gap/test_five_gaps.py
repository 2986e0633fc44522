"""The five gaps: each with the error of its sources."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import satmetrics as sat
from satmetrics import errors
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five._two_samples import _subsets, permutation_test
from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps
from satmetrics.survey.item import Dimension, Form

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


def test_ratings_are_compared_with_the_maximum_or_the_stage_before(drawn, found):
    S = drawn.managers.query("unit == 'unit 03'")["s_empathy"].astype(float)
    top = stats.ttest_1samp(S, 7)
    row = one(found, 2, unit="unit 03")
    assert row["estimate"] == pytest.approx(S.mean() - 7)
    assert row["p_value"] == pytest.approx(top.pvalue, rel=1e-8)
    staged = sat.five_gaps(
        *(drawn.customers, drawn.managers, drawn.employees),
        instrument="servqual",
        **RATED,
        by="unit",
        against="stage",
        rng=1,
    )
    M = score(drawn.managers, "e", "unit 03")
    pair = stats.ttest_rel(S, M)
    row = one(staged, 2, unit="unit 03")
    assert row["method"] == "paired t"
    assert row["p_value"] == pytest.approx(pair.pvalue, rel=1e-8)
    D = drawn.employees.query("unit == 'unit 03'")["d_empathy"].astype(float)
    row = one(staged, 3, unit="unit 03")
    assert row["p_value"] == pytest.approx(
        stats.ttest_ind(D, S, equal_var=False).pvalue, rel=1e-8
    )


def test_gap_four_is_paired_over_those_who_rated_both(drawn, found):
    own = drawn.employees.query("unit == 'unit 01'")
    D, C = own["d_empathy"].astype(float), own["c_empathy"].astype(float)
    row = one(found, 4, unit="unit 01")
    assert row["estimate"] == pytest.approx((D - C).mean())
    assert row["p_value"] == pytest.approx(stats.ttest_rel(D, C).pvalue, rel=1e-8)


def test_holm_adjusts_among_the_dimensions_of_one_gap_in_one_group(found):
    from statsmodels.stats.multitest import multipletests

    frame = found.to_frame().query("level == 'dimension'")
    for _, part in frame.groupby(["unit", "gap"]):
        told = multipletests(part["p_value"], method="holm")[1]
        assert part["p_holm"].to_numpy() == pytest.approx(told)


def test_the_sum_of_the_steps_is_gap_five(drawn):
    staged = sat.five_gaps(
        *(drawn.customers, drawn.managers, drawn.employees),
        instrument="servqual",
        **RATED,
        by="unit",
        against="stage",
        rng=1,
    )
    steps = staged.decomposition().to_frame()
    keys = ["unit", "level", "dimension"]
    wide = steps.pivot_table(index=keys, columns="term", values="estimate")
    parts = wide.drop(columns="gap 5").sum(axis=1)
    assert np.allclose(parts, wide["gap 5"], atol=1e-12)
    table = staged.to_frame().query("level != 'item'").set_index(keys)
    for term, gap, sign in (("gap 1", 1, 1), ("− gap 4", 4, -1), ("gap 5", 5, 1)):
        own = table.loc[table["gap"] == gap, "estimate"]
        assert np.allclose(sign * own, wide[term].loc[own.index], atol=1e-12)


def small(n=5, m=30, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    spec = sat.Instrument(
        id="small",
        label=sat.Label("small"),
        dimensions=(Dimension("staff"), Dimension("rooms")),
        items=tuple(
            sat.Item(f"q{k}", dimension="staff" if k < 3 else "rooms")
            for k in range(1, 5)
        ),
        forms=(
            Form("expectation", "e_{item}"),
            Form("perception", "p_{item}"),
            Form("importance", "w_{dimension}", scale=sat.Scale(0, 100)),
        ),
        scale=sat.Scale(1, 7),
    )
    E = [f"e_q{k}" for k in range(1, 5)]
    customers = pd.DataFrame(
        rng.integers(3, 8, size=(m, 8)), columns=[*E, *(c.replace("e", "p") for c in E)]
    )
    managers = pd.DataFrame(
        np.clip(np.round(rng.normal(4.5, spread, size=(n, 4))), 1, 7), columns=E
    )
    return spec, customers, managers


def gap_one(*args, dimension="staff", **kwargs):
    return one(sat.five_gaps(*args, **kwargs), 1, dimension)


def test_few_managers_are_tested_by_all_permutations():
    spec, customers, managers = small(n=3, m=11)
    row = gap_one(customers, managers, instrument=spec)
    M, E = (f[["e_q1", "e_q2"]].mean(axis=1).to_numpy() for f in (managers, customers))

    def studentised(x, y, axis):
        spread = x.var(axis=axis, ddof=1) / x.shape[axis]
        spread = spread + y.var(axis=axis, ddof=1) / y.shape[axis]
        return np.abs(x.mean(axis=axis) - y.mean(axis=axis)) / np.sqrt(spread)

    told = stats.permutation_test(
        (M, E), studentised, vectorized=True, n_resamples=np.inf, alternative="greater"
    )
    assert row["method"].startswith("permutation, studentised (all 363)")
    assert row["p_value"] == pytest.approx(told.pvalue, abs=1e-12)
    welch = stats.ttest_ind(M, E, equal_var=False)
    assert row["statistic"] == pytest.approx(welch.statistic)
    assert row["df"] == pytest.approx(welch.df)


def test_drawn_permutations_come_near_all_of_them():
    Z = np.random.default_rng(5).normal(size=(18, 3))
    Z[:4] += 0.8
    w = np.random.default_rng(6).uniform(0.5, 2, size=18)
    every = permutation_test(Z, w, 4, 10**6, np.random.default_rng(1))
    drawn = permutation_test(Z, w, 4, 2900, np.random.default_rng(1))
    assert every.every
    assert not drawn.every
    assert every.draws.tolist() == [3059] * 3
    assert drawn.p == pytest.approx(every.p, abs=0.03)
    subsets = _subsets(40, 3, 5000, np.random.default_rng(2))
    assert len(np.unique(np.sort(subsets, axis=1), axis=0)) > 3000
    assert (np.diff(np.sort(subsets, axis=1), axis=1) > 0).all()
    assert np.bincount(subsets.ravel()) == pytest.approx(375, abs=90)


def test_samples_without_variance_that_differ_are_the_most_extreme():
    y = np.array([1.0, 1, 2, 2, 1, 2])
    rng = np.random.default_rng(1)
    found = permutation_test(y[:, None], np.ones(6), 3, 10**4, rng)
    T = []
    for chosen in itertools.combinations(range(6), 3):
        a, b = y[list(chosen)], np.delete(y, chosen)
        variance = (a.var(ddof=1) + b.var(ddof=1)) / 3
        T.append(abs(a.mean() - b.mean()) / variance**0.5 if variance else np.inf)
    assert np.isinf(T).sum() == 2  # {1, 1, 1} against {2, 2, 2}
    assert found.draws[0] == 19
    assert found.p[0] == np.mean(np.array(T) >= T[0] - 1e-9)


@pytest.mark.parametrize("number", [0, -8])
def test_a_census_counts_people(drawn, number):
    with pytest.raises(OptionError, match=f"census={number}"):
        sat.five_gaps(
            drawn.customers,
            drawn.managers,
            instrument="servqual",
            census={"managers": number},
        )


def test_managers_alone_have_nobody_to_be_compared_with(drawn):
    with pytest.raises(DataError, match="nothing to compare"):
        sat.five_gaps(managers=drawn.managers, instrument="servqual")


@pytest.mark.parametrize(
    ("counts", "match"),
    [
        ({"n": [1e20], "successes": [5]}, "1e\\+20"),
        ({"n": [2.5], "successes": [0.5]}, "counts 2.5"),
        ({"n": [10], "successes": [5], "n_eff": [0.0]}, "n_eff of 0"),
        ({"n": [10], "successes": [5], "n_eff": [-3.0]}, "n_eff of -3"),
        ({"n": [10], "successes": [5], "n_eff": [1000.0]}, "n_eff of 1000"),
    ],
)
def test_counts_that_cannot_be(drawn, counts, match):
    frame = pd.DataFrame({"dimension": ["empathy"], **counts})
    with pytest.raises(DataError, match=match):
        sat.five_gaps(drawn.customers, instrument="servqual", delivery=frame)


def test_the_seed_fixes_the_permutations_and_few_sets_who_is_few():
    spec, customers, managers = small(n=6, m=60)
    a, b = (gap_one(customers, managers, instrument=spec, rng=3) for _ in range(2))
    assert a["p_value"] == b["p_value"]
    plain = gap_one(customers, managers, instrument=spec, few=6)
    assert plain["method"] == "Welch t"


def test_a_census_of_managers_leaves_the_error_of_the_customers_alone():
    spec, customers, managers = small(n=4)
    row = gap_one(customers, managers, instrument=spec, census=True)
    E = customers[["e_q1", "e_q2"]].mean(axis=1)
    told = stats.ttest_1samp(E, managers[["e_q1", "e_q2"]].mean(axis=1).mean())
    assert row["method"] == "Welch t, census of managers"
    assert row["p_value"] == pytest.approx(told.pvalue, rel=1e-8)
    assert row["df"] == pytest.approx(len(E) - 1)


def test_a_finite_population_shrinks_the_managers_variance():
    spec, customers, managers = small(n=6)
    row = gap_one(customers, managers, instrument=spec, census={"managers": 8})
    M, E = (f[["e_q1", "e_q2"]].mean(axis=1) for f in (managers, customers))
    v1, v2 = M.var() / 6 * (1 - 6 / 8), E.var() / len(E)
    assert row["std_error"] == pytest.approx(np.sqrt(v1 + v2))
    df = (v1 + v2) ** 2 / (v1**2 / 5 + v2**2 / (len(E) - 1))
    assert row["df"] == pytest.approx(df)
    with pytest.raises(DataError, match="says 5 managers and 6 answered"):
        gap_one(customers, managers, instrument=spec, census={"managers": 5})
    with pytest.raises(OptionError, match="managers"):
        gap_one(customers, managers, instrument=spec, census={"manager": 9})


def test_one_manager_has_no_error_unless_all_were_asked():
    spec, customers, managers = small(n=1)
    row = gap_one(customers, managers, instrument=spec)
    assert np.isfinite(row["estimate"])
    assert np.isnan([row["std_error"], row["p_value"], row["conf_low"]]).all()
    assert row["reason"].startswith("one manager")
    assert gap_one(customers, managers, instrument=spec, census=True)["std_error"] > 0


def test_weights_and_clusters_of_customers_are_honoured():
    spec, customers, managers = small(n=12, m=60, seed=4)
    rng = np.random.default_rng(1)
    customers["w"] = rng.uniform(0.5, 3, size=60)
    customers["site"] = np.arange(60) // 5
    survey = sat.Survey(customers, spec, weight="w", cluster="site")
    row = gap_one(survey, managers)
    E, w = customers[["e_q1", "e_q2"]].mean(axis=1), customers["w"]
    mean = np.average(E, weights=w)
    u = (w * (E - mean) / w.sum()).groupby(customers["site"]).sum()
    v2 = 12 / 11 * (u**2).sum()
    M = managers[["e_q1", "e_q2"]].mean(axis=1)
    v1 = M.var() / 12
    assert row["estimate"] == pytest.approx(M.mean() - mean)
    assert row["std_error"] == pytest.approx(np.sqrt(v1 + v2))
    assert row["df"] == pytest.approx((v1 + v2) ** 2 / (v1**2 / 11 + v2**2 / 11))
    lone = gap_one(survey, managers[:5])
    assert lone["method"].endswith("clusters or strata: not permuted")


def test_counted_forms_are_shares_that_fail_with_wilsons_limits():
    spec, customers, managers = small()
    required = pd.DataFrame(
        {"dimension": ["staff", "rooms"], "required": [10, 8], "covered": [9, 8]}
    )
    met = pd.DataFrame({"dimension": ["staff"], "n": [100], "successes": [85]})
    kept = pd.DataFrame({"made": [10], "kept": [0]})
    result = sat.five_gaps(
        *(customers, managers),
        instrument=spec,
        standards=required,
        delivery=met,
        communication=kept,
    )
    low, high = proportion_confint(9, 10, method="wilson")
    row = one(result, 2, "staff")
    assert row["estimate"] == pytest.approx(0.1)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((1 - high, 1 - low))
    assert row["form"] == "checklist"
    assert result.rows(2, "overall")["estimate"][0] == pytest.approx(1 / 18)
    assert one(result, 3, "staff")["conf_high"] == pytest.approx(1 - 0.7672, abs=5e-5)
    promises = result.rows(4, "overall")
    assert promises["estimate"].tolist() == [1.0]
    assert promises["conf_low"][0] == pytest.approx(1 - 0.2775, abs=5e-5)
    assert not len(result.rows(4))
    assert "positive is bad" in str(result)


def test_a_blueprint_feeds_gaps_two_and_three():
    spec, customers, _ = small()
    standard = sat.quality.StepStandard("", "wait", "<=", 3)
    drawn = sat.quality.Blueprint(
        "desk",
        (
            sat.quality.Step("a", "front stage", dimension="staff", standard=standard),
            sat.quality.Step("b", "front stage", dimension="staff"),
        ),
    )
    met = drawn.conformance(pd.DataFrame({"wait": [1, 2, 3, 4, 5]}))
    result = sat.five_gaps(
        customers, instrument=spec, standards=drawn.checklist(), delivery=met
    )
    assert one(result, 2, "staff")["estimate"] == 0.5
    row = one(result, 3, "staff")
    assert row["estimate"] == pytest.approx(0.4)
    low, high = proportion_confint(3, 5, method="wilson")
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((1 - high, 1 - low))
    assert len(result.rows(3, "overall")) == 1


def test_standards_met_feed_gap_three_by_unit():
    spec, customers, _ = small(m=40)
    customers["shop"] = np.where(np.arange(40) % 2, "a", "b")
    rng = np.random.default_rng(8)
    calls = pd.DataFrame(
        {
            "rings": rng.integers(1, 7, size=50),
            "shop": np.where(np.arange(50) < 30, "a", "b"),
        }
    )
    ring = sat.quality.Standard(
        id="ring", column="rings", comparison="<=", target=3, dimension="staff"
    )
    checked = sat.quality.standards(
        calls, sat.quality.Standards("calls", (ring,)), by="shop"
    )
    result = sat.five_gaps(customers, instrument=spec, delivery=checked, by="shop")
    for shop, part in calls.groupby("shop"):
        met, n = (part["rings"] <= 3).sum(), len(part)
        low, high = proportion_confint(met, n, method="wilson")
        row = one(result, 3, "staff", shop=shop)
        assert row["estimate"] == pytest.approx(1 - met / n)
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((1 - high, 1 - low))
    assert result.rows(3, "overall")["n"].tolist() == [30, 20]


def test_importance_points_are_compared_as_shares_of_100():
    spec, customers, managers = small(n=12)
    rng = np.random.default_rng(1)
    for frame in (customers, managers):
        frame["w_staff"] = rng.integers(20, 80, size=len(frame))
        frame["w_rooms"] = 100 - frame["w_staff"]
    result = sat.five_gaps(customers, managers, instrument=spec, points="importance")
    row = one(result, 1, "staff", form="importance points")
    told = stats.ttest_ind(managers["w_staff"], customers["w_staff"], equal_var=False)
    assert row["statistic"] == pytest.approx(told.statistic)
    assert row["p_value"] == pytest.approx(told.pvalue)
    with pytest.raises(DataError, match="w_staff"):
        sat.five_gaps(
            *(customers, managers.drop(columns="w_staff")),
            instrument=spec,
            points="importance",
        )


def test_items_only_some_were_asked_are_counted_and_left_out_of_dimensions():
    spec, customers, managers = small(n=12)
    result = sat.five_gaps(customers, managers.drop(columns="e_q2"), instrument=spec)
    frame = result.to_frame().query("gap == 1 and level == 'item'")
    assert frame["item"].tolist() == ["q1", "q3", "q4"]
    told = managers["e_q1"].mean() - customers["e_q1"].mean()
    assert one(result, 1, "staff")["estimate"] == pytest.approx(told)
    assert any(e.n == 1 and e.what == "items" for e in result.context.exclusions)
    five = (
        customers[["p_q1", "p_q2"]].mean() - customers[["e_q1", "e_q2"]].mean().values
    )
    assert one(result, 5, "staff")["estimate"] == pytest.approx(five.mean())


def test_beliefs_may_be_asked_by_dimension_or_in_other_columns():
    spec, customers, managers = small(n=12)
    other = managers.rename(columns=lambda c: c.replace("e_", "they_want_"))
    a = gap_one(customers, managers, instrument=spec)
    b = gap_one(customers, other, instrument=spec, managers_expect="they_want_{item}")
    assert a["estimate"] == b["estimate"]
    per = pd.DataFrame({"staff": [5] * 6 + [6] * 6, "rooms": 4})
    result = sat.five_gaps(
        *(customers, per),
        instrument=spec,
        managers_expect={"staff": "staff", "rooms": "rooms"},
    )
    told = 5.5 - customers[["e_q1", "e_q2"]].mean(axis=1).mean()
    assert one(result, 1, "staff")["estimate"] == pytest.approx(told)
    assert not len(result.rows(1, "item"))


def test_scales_must_match_unless_all_are_rescaled():
    spec, customers, managers = small(n=12)
    five = (managers - 1) * (4 / 6) + 1
    survey = sat.Survey(five, scale=(1, 5))
    with pytest.raises(DataError, match="is on 1-5, expectation"):
        sat.five_gaps(customers, survey, instrument=spec)
    a = gap_one(customers, survey, instrument=spec, rescale=True)
    b = gap_one(customers, managers, instrument=spec)
    assert a["estimate"] == pytest.approx(b["estimate"] * 100 / 6)
    assert a["p_value"] == pytest.approx(b["p_value"])
    with pytest.raises(DataError, match="scale"):
        sat.five_gaps(customers, managers + 3, instrument=spec)


def test_sources_name_their_units_each_in_its_own_column():
    spec, customers, managers = small(n=24, m=60)
    customers["branch"] = np.where(np.arange(60) % 2, "A", "B")
    managers["site"] = np.where(np.arange(24) % 2, "B", "C")
    result = sat.five_gaps(
        sat.Survey(customers, spec, unit="branch"),
        sat.Survey(managers, scale=(1, 7), unit="site"),
        by="unit",
    )
    assert result.by == ("branch",)
    frame = result.to_frame().query("gap == 1 and level == 'overall'")
    assert frame["branch"].tolist() == ["A", "B", "C"]
    reasons = frame["reason"].tolist()
    assert reasons == ["no managers here", "", "no customers here"]
    b = managers[managers["site"] == "B"].drop(columns="site").mean(axis=1).mean()
    E = customers[customers["branch"] == "B"].filter(like="e_q").mean(axis=1).mean()
    assert frame["estimate"].iloc[1] == pytest.approx(b - E)


def test_managers_of_the_whole_firm_are_shared_by_its_units():
    spec, customers, managers = small(n=4, m=60)
    customers["branch"] = np.where(np.arange(60) % 2, "A", "B")
    with pytest.raises(DataError, match="shared="):
        sat.five_gaps(customers, managers, instrument=spec, by="branch")
    result = sat.five_gaps(
        *(customers, managers),
        instrument=spec,
        by="branch",
        shared="managers",
        rng=1,
    )
    alone = gap_one(customers[customers["branch"] == "A"], managers, instrument=spec)
    row = one(result, 1, "staff", branch="A")
    for name in ("estimate", "std_error", "df", "statistic"):
        assert row[name] == pytest.approx(alone[name])
    assert row["method"].startswith("permutation")
    assert "not independent" in str(result)


def test_names_change_with_the_naming_and_nothing_else(drawn, found):
    later = sat.five_gaps(
        *(drawn.customers, drawn.managers, drawn.employees),
        instrument="servqual",
        **RATED,
        by="unit",
        naming="1996",
        rng=1,
    )
    labels = ["name", "name_zh"]
    a, b = (r.to_frame().drop(columns=labels) for r in (found, later))
    pd.testing.assert_frame_equal(a, b)
    zh = {1: "管理者认识的差距", 2: "质量标准差距", 3: "服务交易差距"}
    zh |= {4: "营销沟通的差距", 5: "感知服务质量差距"}
    first = found.to_frame().drop_duplicates("gap").set_index("gap")["name_zh"]
    assert first.loc[:5].to_dict() == zh
    names = later.names.to_frame().set_index("gap")["name_1996_zh"]
    assert names.loc[1] == "不了解顾客期望"
    assert later.to_frame().query("gap == 1")["name_zh"].unique() == [names.loc[1]]


def test_a_gap_without_material_is_absent_and_says_why(drawn):
    result = sat.five_gaps(drawn.customers, instrument="servqual")
    assert set(result.to_frame()["gap"]) == {5}
    assert [gap for gap, _ in result.absent] == [1, 2, 3, 4, 6, 7]
    assert "gap 1 is absent: managers were not asked" in str(result)
    counted = sat.five_gaps(
        *(drawn.customers, None, drawn.employees),
        instrument="servqual",
        delivery=pd.DataFrame({"n": [10], "successes": [4]}),
        communication="c_{dimension}",
    )
    why = dict(counted.absent)[4]
    assert "delivery is counted" in why
    with pytest.raises(DataError, match="cannot be added up"):
        counted.decomposition()


def test_the_sum_is_refused_where_stages_are_not_on_one_scale(drawn):
    sources = (drawn.customers, drawn.managers, drawn.employees)
    common = {"instrument": "servqual", **RATED}
    with pytest.raises(DataError, match="against the maximum"):
        sat.five_gaps(*sources, **common).decomposition()
    with pytest.raises(DataError, match="0-100"):
        sat.five_gaps(*sources, **common, against="stage", rescale=True).decomposition()
    counted = {**common, "standards": pd.DataFrame({"required": [3], "covered": [2]})}
    with pytest.raises(DataError, match="standards is counted"):
        sat.five_gaps(*sources, **counted).decomposition()


def test_order_of_rows_and_frame_library_do_not_matter(drawn, found):
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    shuffled = drawn.customers.sample(frac=1, random_state=1)
    again = sat.five_gaps(
        shuffled,
        polars.from_pandas(drawn.managers),
        pyarrow.Table.from_pandas(drawn.employees),
        instrument="servqual",
        **RATED,
        by="unit",
        rng=1,
    )
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame(), rtol=1e-10)


def test_missing_answers_are_left_to_the_share_answered():
    spec, customers, managers = small(n=12)
    customers = customers.astype(float)
    customers.loc[0, "e_q1"] = np.nan
    customers.loc[1, ["e_q1", "e_q2"]] = np.nan
    row = gap_one(customers, managers, instrument=spec)
    E = customers[["e_q1", "e_q2"]].mean(axis=1)
    assert row["n_earlier"] == len(customers) - 1
    assert row["earlier"] == pytest.approx(E.mean())
    strict = sat.five_gaps(customers, managers, instrument=spec, min_answered=1)
    assert one(strict, 1, "staff")["n_earlier"] == len(customers) - 2
    assert any("too few" in e.reason for e in strict.context.exclusions)


def test_sample_sizes_and_aggregation_are_printed(found):
    text = str(found)
    assert "n = 6 groups by unit, 240 customers, 72 managers, 90 employees" in text
    assert "rule of thumb of ours: 30 customers per unit" in text
    assert "negative is bad" in text
    assert "employees (delivery − communication)" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"standards": "s_dimension"}, "pattern holds"),
        ({"standards": "x_{dimension}"}, "x_staff"),
        ({"standards": {"staf": "e_q1"}}, "did you mean 'staff'"),
        ({"standards": {"staff": "e_q1", "q2": "e_q2"}}, "mixes items and dim"),
        ({"delivery": "d_{dimension}"}, "no employees are given"),
        ({"raters": {"standard": "managers"}}, "did you mean 'standards'"),
        ({"raters": {"standards": "customers"}}, "managers"),
        ({"shared": ("manager",)}, "did you mean 'managers'"),
        ({"naming": "1988"}, "1985"),
        ({"against": "max"}, "did you mean 'maximum'"),
        ({"census": 0.5}, "census"),
        ({"by": "branch"}, "branch"),
        ({"points": {"staff": 40, "rooms": 60}}, "fixed numbers"),
        ({"min_answered": 0}, "share above 0"),
        ({"boot_n": 10}, "did you mean 'n_draws'"),
        ({"standards": pd.DataFrame({"required": [3]})}, "covered"),
        (
            {"standards": pd.DataFrame({"required": [3], "covered": [4]})},
            "swapped",
        ),
        (
            {
                "delivery": pd.DataFrame(
                    {"dimension": ["stuff"], "n": [3], "successes": [2]}
                )
            },
            "did you mean 'staff'",
        ),
        ({"delivery": pd.DataFrame({"n": [-1], "successes": [0]})}, "0 or more"),
    ],
)
def test_wrong_input_says_what_would_be_right(change, words):
    spec, customers, managers = small()
    with pytest.raises(errors.SatmetricsError, match=words):
        sat.five_gaps(customers, managers, **{"instrument": spec, **change})


def test_sources_and_instrument_must_be_known():
    spec, customers, managers = small()
    with pytest.raises(OptionError, match="nobody is given"):
        sat.five_gaps(instrument=spec)
    with pytest.raises(OptionError, match="does not know the instrument"):
        sat.five_gaps(customers, managers)
    with pytest.raises(DataError, match="e_q1"):
        sat.five_gaps(customers, managers[["e_q1"]].add_suffix("x"), instrument=spec)
    customers["unit"], managers["unit"] = "A", "B"
    with pytest.raises(DataError, match="in common"):
        sat.five_gaps(customers, managers, instrument=spec, by="unit")


NO_GAPS = {
    "gap_means": (0, 0, 0, 0),
    "gap_sds": (0, 0, 0, 0),
    "gap_6": (0, 0),
    "intercept": 0.0,
    "unit_sd": 0,
    "residual_sd": 0,
    "expectation": 4.0,
}
"""Mid-scale, where the mean of rounded answers is 4 whatever their spread."""


def covered(frame, truth=0.0):
    return ((frame["conf_low"] <= truth) & (frame["conf_high"] >= truth)).mean()


@pytest.mark.slow
def test_limits_of_gap_one_cover_with_ten_managers_of_other_spread():
    population = FiveGapPopulation(units=1500, sds=(1.3, 1.0, 0.5, 0.8), **NO_GAPS)
    drawn = simulate_five_gaps(population, 200, 10, 1, rng=11)
    result = sat.five_gaps(
        drawn.customers, drawn.managers, instrument="servqual", by="unit"
    )
    for level in ("dimension", "overall"):
        frame = result.rows(1, level).to_frame()
        assert covered(frame) == pytest.approx(0.95, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("customers", "managers", "highest"), [(0.9, 0.9, 0.065), (1.3, 0.5, 0.065)]
)
def test_permutation_keeps_its_size_with_few_managers(customers, managers, highest):
    sds = (customers, 1.0, managers, 0.8)
    population = FiveGapPopulation(units=600, sds=sds, **NO_GAPS)
    drawn = simulate_five_gaps(population, 60, 5, 1, rng=12)
    result = sat.five_gaps(
        *(drawn.customers, drawn.managers),
        instrument="servqual",
        by="unit",
        n_draws=399,
        rng=1,
    )
    frame = result.rows(1).to_frame()
    assert frame["method"].str.startswith("permutation").all()
    assert 0.01 < (frame["p_value"] <= 0.05).mean() < highest


@pytest.mark.slow
def test_limits_under_a_census_cover_the_gap_of_those_managers():
    population = FiveGapPopulation(units=1500, sds=(1.0, 1.0, 0.9, 0.8), **NO_GAPS)
    drawn = simulate_five_gaps(population, 60, 2, 1, rng=13)
    result = sat.five_gaps(
        *(drawn.customers, drawn.managers),
        instrument="servqual",
        by="unit",
        census=True,
    )
    frame = result.rows(1).to_frame()
    truth = frame["later"] - 4.0
    assert covered(frame, truth) == pytest.approx(0.95, abs=0.01)
