"""What explains gaps of units: regression where units allow, and honest otherwise."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five import _explaining as kernel
from satmetrics.simulate import FiveGapPopulation, simulate_five_gaps

BETA = (0.15, 0.25, 0.6, 0.35)


def units(n=60, seed=1, noise=0.15):
    rng = np.random.default_rng(seed)
    X = rng.normal([-0.5, -0.8, -0.6, -0.3], 0.4, (n, 4))
    frame = pd.DataFrame(X, columns=["gap1", "gap2", "gap3", "gap4"])
    frame["gap5"] = -0.1 + X @ np.array(BETA) + rng.normal(0, noise, n)
    return frame.assign(unit=[f"u{k:03d}" for k in range(n)])


def pick(result, term, **where):
    return result.table.where(term=term, **where)


def test_coefficients_errors_and_limits_are_those_of_statsmodels():
    frame = units()
    found = sat.quality.explain_gap5(frame, n_draws=0)
    fit = sm.OLS.from_formula("gap5 ~ gap1 + gap2 + gap3 + gap4", frame).fit(
        cov_type="HC3", use_t=True
    )
    rows = pick(found, "coefficient")
    assert rows["source"].tolist() == ["constant", "gap 1", "gap 2", "gap 3", "gap 4"]
    for name, expected in (
        ("estimate", fit.params),
        ("std_error", fit.bse),
        ("p_value", fit.pvalues),
        ("conf_low", fit.conf_int()[0]),
        ("conf_high", fit.conf_int()[1]),
    ):
        assert rows[name] == pytest.approx(expected.to_numpy()), name
    assert pick(found, "r2")["estimate"][0] == pytest.approx(fit.rsquared)
    adjusted = pick(found, "r2_adjusted")["estimate"][0]
    assert adjusted == pytest.approx(fit.rsquared_adj)
    change = pick(found, "change")
    means = frame[["gap1", "gap2", "gap3", "gap4"]].mean().to_numpy()
    assert change["estimate"] == pytest.approx(-fit.params.to_numpy()[1:] * means)
    assert change["rank"].tolist() == [4, 2, 1, 3]
    one = pick(sat.quality.explain_gap5(frame, n_draws=0, move=0.5), "change")
    assert one["estimate"] == pytest.approx(0.5 * fit.params.to_numpy()[1:])
    assert one["conf_low"] == pytest.approx(0.5 * fit.conf_int()[0].to_numpy()[1:])


def test_hc3_written_out():
    frame = units(45, seed=3)
    rows = pick(sat.quality.explain_gap5(frame, n_draws=0), "coefficient")
    X = np.column_stack([np.ones(45), frame[["gap1", "gap2", "gap3", "gap4"]]])
    y = frame["gap5"].to_numpy()
    inverse = np.linalg.inv(X.T @ X)
    b = inverse @ X.T @ y
    h = np.einsum("ij,jk,ik->i", X, inverse, X)
    u = (y - X @ b) / (1 - h)
    V = inverse @ (X.T * u**2) @ X @ inverse
    assert rows["std_error"] == pytest.approx(np.sqrt(np.diag(V)))


def test_shares_add_up_and_are_those_of_all_orders():
    from itertools import permutations

    frame = units()
    found = sat.quality.explain_gap5(frame, n_draws=0)
    r2 = pick(found, "r2")["estimate"][0]
    for term in ("lmg", "johnson"):
        assert pick(found, term)["estimate"].sum() == pytest.approx(r2)
    names = ["gap1", "gap2", "gap3", "gap4"]

    def fit(chosen):
        if not chosen:
            return 0.0
        return (
            sm.OLS(frame["gap5"], sm.add_constant(frame[list(chosen)])).fit().rsquared
        )

    gain = dict.fromkeys(names, 0.0)
    for order in permutations(names):
        for k, name in enumerate(order):
            gain[name] += (fit(order[: k + 1]) - fit(order[:k])) / 24
    assert pick(found, "lmg")["estimate"] == pytest.approx(list(gain.values()))


def test_few_units_get_correlations_and_the_reason():
    frame = units(39)
    found = sat.quality.explain_gap5(frame, n_draws=200, rng=1)
    assert set(found.table["term"]) == {"pearson", "spearman"}
    assert found.method == (("gap 5", "correlations"),)
    assert found.verdict() == ""
    assert "no regression, 39 units for 4 predictors where 40 are needed" in str(found)
    r = pick(found, "pearson")["estimate"]
    assert r == pytest.approx(frame.corr(numeric_only=True)["gap5"].to_numpy()[:4])
    rho = frame.drop(columns="unit").corr("spearman")["gap5"].to_numpy()[:4]
    assert pick(found, "spearman")["estimate"] == pytest.approx(rho)
    assert (pick(found, "pearson")["conf_low"] < r).all()
    enough = sat.quality.explain_gap5(units(40), n_draws=20, rng=1)
    assert enough.method == (("gap 5", "regression"),)


def test_resamples_are_those_of_pandas():
    """Ties in ranks, weights and counts against samples written out."""
    rng = np.random.default_rng(0)
    Z = np.round(rng.normal(size=(30, 4)), 1)
    Z[:, 3] += Z[:, 0]
    counts = rng.multinomial(30, np.ones(30) / 30, size=5).astype(float)
    got = kernel.figures(Z, np.ones(30), counts, shares=True)
    for b in range(5):
        drawn = pd.DataFrame(np.repeat(Z, counts[b].astype(int), axis=0))
        assert got[b, :3] == pytest.approx(drawn.corr().iloc[:3, 3])
        assert got[b, 3:6] == pytest.approx(drawn.corr("spearman").iloc[:3, 3])
        fit = sm.OLS(drawn[3], sm.add_constant(drawn[[0, 1, 2]])).fit()
        assert got[b, 6:9].sum() == pytest.approx(fit.rsquared)
        assert got[b, 9:12].sum() == pytest.approx(fit.rsquared)


def test_draws_are_seeded_and_errors_near_those_of_fisher():
    frame = units(200, noise=0.6)
    found = sat.quality.explain_gap5(frame, n_draws=2000, rng=4)
    again = sat.quality.explain_gap5(frame, n_draws=2000, rng=4)
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())
    rows = pick(found, "pearson")
    fisher = (1 - rows["estimate"] ** 2) / np.sqrt(199)
    assert rows["std_error"] == pytest.approx(fisher, rel=0.15)


def test_rows_of_dimensions_are_clustered_by_unit():
    truth = FiveGapPopulation(units=45, seed=2).truth().to_frame()
    found = sat.quality.explain_gap5(truth, rows="dimension", n_draws=50, rng=1)
    wide = (
        truth[truth["level"] == "dimension"]
        .pivot_table(index=["unit", "dimension"], columns="gap", values="estimate")
        .reset_index()
    )
    X = sm.add_constant(wide[[1, 2, 3, 4]])
    groups = wide["unit"].astype("category").cat.codes
    fit = sm.OLS(wide[5], X).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    rows = pick(found, "coefficient")
    assert rows["estimate"] == pytest.approx(fit.params.to_numpy())
    assert rows["std_error"] == pytest.approx(fit.bse.to_numpy())
    assert rows["df"][0] == 44
    assert type(found) is type(sat.quality.explain_gap5(truth, n_draws=0))
    assert "45 units (unit) × dimensions = 225 rows" in found.aggregation
    few = FiveGapPopulation(units=20).truth().to_frame()
    alone = sat.quality.explain_gap5(few, rows="dimension", n_draws=0)
    assert alone.method == (("gap 5", "correlations"),)  # 100 rows of 20 units


def test_long_wide_and_every_library_say_the_same():
    truth = FiveGapPopulation(units=41).truth().to_frame()
    overall = truth[truth["level"] == "overall"]
    wide = overall.pivot_table(index="unit", columns="gap", values="estimate")
    wide = wide.rename(columns=lambda k: f"Gap {k}").reset_index()
    wide.columns.name = None
    base = sat.quality.explain_gap5(truth, n_draws=40, rng=1).to_frame()
    mixed = truth.sample(frac=1, random_state=0)
    for other in (wide, mixed, pl.from_pandas(truth), pl.from_pandas(wide).to_arrow()):
        again = sat.quality.explain_gap5(other, n_draws=40, rng=1).to_frame()
        pd.testing.assert_frame_equal(base, again)


def test_dimensions_are_averaged_where_nothing_is_overall():
    truth = FiveGapPopulation(units=12).truth().to_frame()
    parts = truth[truth["level"] == "dimension"]
    found = sat.quality.unit_gaps(parts)
    whole = sat.quality.unit_gaps(truth)
    assert found.column("gap3") == pytest.approx(whole.column("gap3"))
    assert "mean of its dimensions" in str(found)


def test_forms_of_a_gap_must_be_chosen():
    frame = units(8).melt("unit", var_name="gap", value_name="estimate")
    frame["form"] = "rating"
    more = frame[frame["gap"] == "gap2"].assign(form="checklist", estimate=0.5)
    both = pd.concat([frame, more])
    with pytest.raises(DataError, match="more than one row for gap 2"):
        sat.quality.unit_gaps(both)
    found = sat.quality.unit_gaps(both, forms={2: "checklist"})
    assert (found.column("gap2") == 0.5).all()
    with pytest.raises(OptionError, match="did you mean 'rating'"):
        sat.quality.unit_gaps(both, forms={2: "ratings"})


def test_weights_by_precision_and_customers():
    frame = units(50)
    rng = np.random.default_rng(3)
    frame["gap5_std_error"] = rng.uniform(0.05, 0.4, 50)
    frame["gap5_n"] = rng.integers(20, 90, 50)
    names = ["gap1", "gap2", "gap3", "gap4"]
    for weights, w in (
        ("precision", 1 / frame["gap5_std_error"] ** 2),
        ("respondents", frame["gap5_n"]),
    ):
        found = sat.quality.explain_gap5(frame, weights=weights, n_draws=0)
        X = sm.add_constant(frame[names])
        fit = sm.WLS(frame["gap5"], X, weights=w).fit(cov_type="HC3", use_t=True)
        rows = pick(found, "coefficient")
        assert rows["estimate"] == pytest.approx(fit.params.to_numpy())
        assert rows["std_error"] == pytest.approx(fit.bse.to_numpy())
        assert pick(found, "lmg")["estimate"].sum() == pytest.approx(fit.rsquared)
    assert f"n = 50 units (unit), {frame['gap5_n'].sum():,} customers" in str(found)
    reliable = pick(found, "reliability")
    expected = 1 - (frame["gap5_std_error"] ** 2).mean() / frame["gap5"].var()
    assert reliable["estimate"].tolist() == pytest.approx([expected])
    with pytest.raises(DataError, match="gap5_std_error"):
        sat.quality.explain_gap5(units(50), weights="precision")


def test_missing_constant_and_collinear_figures_are_said():
    frame = units(45)
    frame.loc[[1, 5], "gap2"] = np.nan
    found = sat.quality.explain_gap5(frame, n_draws=20, rng=1)
    assert found.table["n"][0] == 43
    assert "2 rows left out in gap 5" in str(found)
    still = sat.quality.explain_gap5(units(45).assign(gap2=1.0), n_draws=20, rng=1)
    assert still.method == (("gap 5", "correlations"),)
    assert "gap 2 is constant" in str(still)
    assert pick(still, "pearson", source="gap 2")["reason"][0] == "a column is constant"
    both = units(45)
    both["gap2"] = 2 * both["gap1"]
    assert "collinear" in str(sat.quality.explain_gap5(both, n_draws=20, rng=1))
    part = sat.quality.explain_gap5(units(45).drop(columns="gap4"), n_draws=0)
    assert "gaps not among the data: 4" in str(part)


def test_the_result_of_five_gaps_is_read_with_its_errors_and_forms():
    drawn = simulate_five_gaps(FiveGapPopulation(units=6), 12, 3, 4, rng=1)
    met = pd.DataFrame({"unit": sorted(set(drawn.customers["unit"])), "n": 40})
    met["successes"] = np.arange(30, 36)
    met = met.merge(pd.DataFrame({"dimension": ["reliability"]}), how="cross")
    five = sat.five_gaps(
        drawn.customers,
        drawn.managers,
        drawn.employees,
        instrument="servqual",
        standards="s_{dimension}",
        delivery=met,
        by="unit",
        n_draws=19,
        rng=1,
    )
    found = sat.quality.unit_gaps(five)
    own = five.table.where(gap=5, level="overall")
    assert found.column("gap5") == pytest.approx(own["estimate"].astype(float))
    assert found.column("gap5_std_error") == pytest.approx(
        own["std_error"].astype(float)
    )
    assert found.aggregation == "n = 6 units (unit), 72 customers"
    assert "gap 3 is counted (conformance)" in str(found)
    explained = sat.quality.explain_gap5(five, n_draws=50, rng=1)
    assert pick(explained, "reliability")["source"][-1] == "gap 5"
    assert "Reliability between units" in str(explained)
    assert "customers" in explained.aggregation


@pytest.mark.slow
def test_many_answers_give_the_coefficients_of_the_units_and_few_shrink_them():
    """80 units whose gaps are known, as measured from few and from many people."""
    population = FiveGapPopulation(units=80, seed=3)
    truth = sat.quality.explain_gap5(population.truth().to_frame(), n_draws=0)
    goal = pick(truth, "coefficient")["estimate"][1:]
    found = []
    for sizes in ((40, 4, 10), (300, 60, 120)):
        drawn = simulate_five_gaps(population, *sizes, rng=1)
        five = sat.five_gaps(
            drawn.customers,
            drawn.managers,
            drawn.employees,
            instrument="servqual",
            standards="s_{dimension}",
            delivery="d_{dimension}",
            communication="c_{dimension}",
            against="stage",
            by="unit",
            few=2,
            n_draws=19,
            rng=1,
        )
        found.append(sat.quality.explain_gap5(five, n_draws=0))
    few, many = found
    assert pick(many, "coefficient")["estimate"][1:] == pytest.approx(goal, abs=0.06)
    assert (pick(many, "reliability")["estimate"] > 0.9).all()
    assert (pick(few, "reliability")["estimate"] < 0.85).all()
    three = pick(few, "coefficient")["estimate"][3]
    assert three < 0.85 * goal[2]


def test_closing_a_gap_beyond_the_data_is_called_extrapolation():
    frame = units(60).assign(gap3=lambda f: f["gap3"] - 3)
    found = str(sat.quality.explain_gap5(frame, n_draws=0))
    assert "gap 3: zero lies outside what these units show" in found
    assert "gap 1: zero lies outside" not in found


def test_unsuitable_input_is_named():
    frame = units(45)
    with pytest.raises(DataError, match="without gap 5"):
        sat.quality.explain_gap5(frame.drop(columns="gap5"))
    with pytest.raises(DataError, match="even a correlation needs 4"):
        sat.quality.explain_gap5(frame.head(3))
    with pytest.raises(DataError, match="did you mean 'unit'"):
        sat.quality.explain_gap5(frame, by="units")
    with pytest.raises(OptionError, match="move="):
        sat.quality.explain_gap5(frame, move="half")
    with pytest.raises(DataError, match="gap 6 cannot"):
        sat.quality.explain_gap5(frame, predictors=[1, 6])
    with pytest.raises(DataError, match="more than one row"):
        sat.quality.explain_gap5(pd.concat([frame, frame]))
    with pytest.raises(OptionError, match="holds no gaps"):
        sat.quality.explain_gap5(sat.datasets.load("bank_servqual"))
    with pytest.raises(OptionError, match="did you mean 'level'"):
        sat.quality.explain_gap5(frame, alpha=0.05)


def staff(n=80, seed=2):
    """Draw scores of all antecedents per unit and gaps that follow from some."""
    rng = np.random.default_rng(seed)
    plan = sat.quality.antecedents_of()
    names = [name for group in plan.values() for name in group]
    X = pd.DataFrame(rng.normal(4.5, 1, (n, len(names))), columns=names)
    unit = [f"u{k}" for k in range(n)]
    gaps = pd.DataFrame({"unit": unit})
    gaps["gap3"] = -3 + 0.5 * X["teamwork"] - 0.2 * X["role_conflict"]
    gaps["gap3"] += rng.normal(0, 0.3, n)
    gaps["gap4"] = -2 + 0.4 * X["horizontal_communication"] + rng.normal(0, 0.3, n)
    gaps["gap5"] = 0.6 * gaps["gap3"] + 0.3 * gaps["gap4"] + rng.normal(0, 0.2, n)
    return X.assign(unit=unit), gaps


def test_each_gap_on_its_own_antecedents():
    X, gaps = staff()
    found = sat.quality.explain_gaps(gaps, X, n_draws=100, rng=1)
    assert found.method == (("gap 3", "regression"), ("gap 4", "regression"))
    plan = sat.quality.antecedents_of()
    own = pick(found, "coefficient", target="gap 3")
    assert own["source"].tolist() == ["constant", *plan[3]]
    fit = sm.OLS(gaps["gap3"], sm.add_constant(X[list(plan[3])])).fit(
        cov_type="HC3", use_t=True
    )
    assert own["estimate"] == pytest.approx(fit.params.to_numpy())
    assert own["std_error"] == pytest.approx(fit.bse.to_numpy())
    assert "shared method" in str(found)
    few = sat.quality.explain_gaps(gaps.head(69), X, n_draws=20, rng=1)
    assert few.method == (("gap 3", "correlations"), ("gap 4", "regression"))
    assert "69 units for 7 predictors where 70 are needed" in str(few)
    assert "11 units left out: units of the antecedents without gaps" in str(few)


def test_a_survey_of_antecedents_is_averaged_turned_and_checked():
    spec = sat.instruments.load("gap_antecedents")
    rng = np.random.default_rng(8)
    unit = np.repeat([f"u{k}" for k in range(15)], 4)
    answers = rng.integers(1, 8, (60, len(spec.columns())))
    frame = pd.DataFrame(answers, columns=list(spec.columns())).assign(unit=unit)
    gaps = units(15).assign(unit=[f"u{k}" for k in range(15)])
    found = sat.quality.explain_gaps(gaps, frame, n_draws=20, rng=1)
    table = sat.quality.unit_gaps(gaps, frame).to_frame().set_index("unit")
    conflict = frame[["role_conflict_1", "role_conflict_2"]].mean(axis=1)
    by_hand = 8 - conflict.groupby(frame["unit"]).mean()
    assert table["role_conflict"].to_numpy() == pytest.approx(by_hand[table.index])
    work = (
        frame[["teamwork_1", "teamwork_2"]].mean(axis=1).groupby(frame["unit"]).mean()
    )
    assert table["teamwork"].to_numpy() == pytest.approx(work[table.index])
    values = np.linalg.eigvalsh(np.corrcoef(answers, rowvar=False))
    share = pick(found, "first_factor_share")
    assert share["estimate"][0] == pytest.approx(values[-1] / len(values))
    assert share["n"][0] == 60
    assert "Harman" in str(found)
    assert "turned around: levels_of_management, role_conflict" in str(found)
    survey = sat.Survey(frame, spec, unit="unit")
    again = sat.quality.explain_gaps(gaps, survey, n_draws=20, rng=1)
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())


def test_antecedents_that_do_not_fit_are_named():
    X, gaps = staff(20)
    with pytest.raises(DataError, match="no unit of the gaps is among"):
        sat.quality.explain_gaps(gaps, X.assign(unit="other"))
    with pytest.raises(DataError, match="no gap has antecedents"):
        sat.quality.explain_gaps(gaps, X[["unit"]].assign(morale=1.0))
    own = sat.quality.explain_gaps(
        gaps,
        X.rename(columns={"teamwork": "morale"}),
        predictors={3: ["morale"]},
        n_draws=0,
    )
    assert own.method == (("gap 3", "regression"),)
    with pytest.raises(DataError, match="did you mean 'teamwork'"):
        sat.quality.explain_gaps(gaps, X, predictors={3: ["team_work"]})
    with pytest.raises(DataError, match="no instrument"):
        sat.quality.explain_gaps(gaps, sat.Survey(X))


def test_the_path_model_of_units_recovers_the_simulated_chain():
    X, gaps = staff(2000)
    names = ["teamwork", "role_conflict", "horizontal_communication"]
    frame = sat.quality.unit_gaps(gaps, X).to_frame()
    model = sat.quality.gap_model(names, gaps=[3, 4])
    fit = sat.pls(model, frame)
    paths = fit.paths().set_index(["source", "target"])["estimate"]
    sd = frame[[*names, "gap3", "gap4", "gap5"]].std()
    for source, target, slope in (
        ("teamwork", "gap3", 0.5),
        ("role_conflict", "gap3", -0.2),
        ("horizontal_communication", "gap4", 0.4),
        ("gap3", "gap5", 0.6),
        ("gap4", "gap5", 0.3),
    ):
        words = [
            w.replace("gap", "gap ") if w.startswith("gap") else w
            for w in (source, target)
        ]
        raw = paths[tuple(words)] * sd[target] / sd[source]
        assert raw == pytest.approx(slope, abs=0.03), words
    with pytest.raises(DataError, match="did you mean 'teamwork'"):
        sat.quality.gap_model(["team work"])


def test_the_sixteen_antecedents_are_one_map():
    plan = sat.quality.antecedents_of()
    assert [len(names) for names in plan.values()] == [3, 4, 7, 2]
    spec = sat.instruments.load("gap_antecedents")
    assert [d.id for d in spec.dimensions] == [n for g in plan.values() for n in g]
    assert all(item.status == "unverified" for item in spec.items)
    assert spec.status == "recalled"


@pytest.mark.slow
def test_coefficients_of_80_units_are_recovered_at_the_level_they_say():
    """Five gaps of 80 units each, 400 times: the populations differ by their seed."""
    inside, closed = [], []
    for seed in range(400):
        truth = FiveGapPopulation(units=80, seed=seed).truth().to_frame()
        found = sat.quality.explain_gap5(truth, n_draws=0)
        rows = pick(found, "coefficient")
        low, high = rows["conf_low"][1:], rows["conf_high"][1:]
        inside.append((low <= BETA) & (high >= BETA))
        change = pick(found, "change")
        wide = truth[truth["level"] == "overall"]
        means = wide.groupby("gap")["estimate"].mean().to_numpy()[:4]
        goal = -np.array(BETA) * means
        closed.append((change["conf_low"] <= goal) & (change["conf_high"] >= goal))
    share = np.mean(inside, axis=0)
    assert 0.93 < np.mean(share) < 0.97, share
    assert np.all(share > 0.91), share
    assert 0.93 < np.mean(closed) < 0.97, np.mean(closed, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 30])
def test_limits_of_correlations_of_few_units(n):
    """ρ = 0.5: percentile limits of few units cover a little less than they say."""
    from satmetrics.inference._intervals import percentile
    from satmetrics.inference._resample import bootstrap_counts

    rng = np.random.default_rng(6)
    inside = []
    for _ in range(600):
        x = rng.normal(size=n)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=n)
        draws = kernel.drawn(
            np.column_stack([x, y]),
            np.ones(n),
            bootstrap_counts(n, 1000, rng),
            shares=False,
        )
        low, high = percentile(draws[:, :1], 0.95)
        inside.append(low[0] <= 0.5 <= high[0])
    assert 0.89 < np.mean(inside) < 0.97, np.mean(inside)
