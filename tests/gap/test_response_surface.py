"""Response surfaces against statsmodels, exact populations and plain algebra."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _surface_axes as axes
from satmetrics.gap._surface import GAP, PERCEPTION, QUADRATIC
from satmetrics.survey.survey import Survey

surface = sat.quality.response_surface
LISTS = {"expectation": ["e1", "e2"], "perception": ["p1", "p2"]}
SCALE = dict.fromkeys(("e1", "e2", "p1", "p2"), (1, 7))
B = np.array([4.5, -0.3, 0.7, -0.05, 0.2, -0.15])


def terms(E, P):
    return np.column_stack([np.ones_like(E), E, P, E * E, E * P, P * P])


def sample(n=300, seed=1, spread=0.4):
    """Draw answers whose outcome has errors that grow with the expectation."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    E = np.clip(np.rint(5.0 + base + rng.normal(size=(n, 2))), 1, 7)
    P = np.clip(np.rint(4.5 + base + rng.normal(size=(n, 2))), 1, 7)
    e, p = E.mean(axis=1) - 4, P.mean(axis=1) - 4
    noise = rng.normal(size=n) * (0.5 + spread * np.abs(e))
    frame = pd.DataFrame(np.hstack([E, P]), columns=["e1", "e2", "p1", "p2"])
    frame["z"] = terms(e, p) @ B + noise
    frame["shop"] = rng.choice(["north", "south"], n)
    frame["w"] = rng.uniform(0.5, 2.5, n).round(2)
    frame["district"] = [f"d{k}" for k in rng.integers(0, 25, n)]
    frame["region"] = frame["district"].str[1:].astype(int) % 2
    return frame


def of(frame, **roles):
    return Survey(frame, scale=SCALE, **roles)


def scores(frame, centre=4.0):
    E = frame[["e1", "e2"]].mean(axis=1).to_numpy() - centre
    P = frame[["p1", "p2"]].mean(axis=1).to_numpy() - centre
    return E, P


def term(result, name, column="estimate", **where):
    table = result.table.where(term=name, **where)
    assert len(table) == 1
    return table[column][0]


def column(result, names, what="estimate"):
    return np.array([term(result, name, what) for name in names])


COEFFICIENTS = [f"b{k}" for k in range(6)]
LINES = ["a1", "a2", "a3", "a4", "a5"]


def exact(b=B):
    grid = np.array([(e, p) for e in range(1, 8) for p in range(1, 8)], dtype=float)
    frame = pd.DataFrame({"e": grid[:, 0], "p": grid[:, 1]})
    frame["z"] = terms(*(grid.T - 4)) @ b
    survey = Survey(frame, scale={"e": (1, 7), "p": (1, 7)})
    return surface(
        survey, outcome="z", expectation=["e"], perception=["p"], n_draws=20, rng=1
    )


def test_an_exact_surface_is_recovered():
    found = exact()
    np.testing.assert_allclose(column(found, COEFFICIENTS), B, atol=1e-10)
    lines = [B[1] + B[2], B[3] + B[4] + B[5], B[1] - B[2], B[3] - B[4] + B[5]]
    np.testing.assert_allclose(column(found, LINES), [*lines, B[3] - B[5]], atol=1e-10)
    assert term(found, "r2") == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(column(found, ["b1"], "std_error"), 0, atol=1e-10)


def test_the_stationary_point_has_no_slope_and_the_axes_are_eigenvectors():
    found = exact()
    e0, p0, z0, p10, p11, p20, p21, l1, l2 = column(
        found,
        ["e0", "p0", "z0", "p10", "p11", "p20", "p21", "curvature_1", "curvature_2"],
    )
    H = np.array([[B[3], B[4] / 2], [B[4] / 2, B[5]]])
    x0 = np.linalg.solve(-2 * H, B[1:3])
    np.testing.assert_allclose([e0, p0], x0, atol=1e-9)
    assert z0 == pytest.approx((terms(*x0[:, None]) @ B)[0], abs=1e-9)
    values, vectors = np.linalg.eigh(H)
    np.testing.assert_allclose([l2, l1], values, atol=1e-10)
    for slope, intercept, v in ((p11, p10, vectors[:, 1]), (p21, p20, vectors[:, 0])):
        assert slope == pytest.approx(v[1] / v[0], abs=1e-9)
        assert intercept == pytest.approx(x0[1] - slope * x0[0], abs=1e-8)


def test_axes_follow_the_formulas_of_edwards_and_parry():
    rng = np.random.default_rng(4)
    b = rng.normal(size=(500, 6))
    x, y, x2, xy, y2 = b[:, 1:].T
    det = 4 * x2 * y2 - xy**2
    e0, p0 = (y * xy - 2 * x * y2) / det, (x * xy - 2 * y * x2) / det
    root = np.sqrt((x2 - y2) ** 2 + xy**2)
    p11, p21 = (y2 - x2 + root) / xy, (y2 - x2 - root) / xy
    wanted = np.column_stack([e0, p0, p0 - p11 * e0, p11, p0 - p21 * e0, p21])
    found = axes.curved(b)[:, [0, 1, 3, 4, 5, 6]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_a_ridge_has_an_axis_and_no_stationary_point():
    """Z = −(P − E − 1)²: best where P is one above E, all along a line."""
    b = np.array([[-1.0, -2, 2, -1, 2, -1]])
    e0, p0, _, p10, p11, _, p21, l1, l2 = axes.curved(b)[0]
    assert np.isnan([e0, p0]).all()
    np.testing.assert_allclose([p10, p11, p21, l1, l2], [1, 1, -1, 0, -2], atol=1e-12)


@pytest.mark.parametrize("b4", [0.0, 1e-9, -1e-9])
def test_axes_without_an_interaction_are_those_of_the_scores(b4):
    flat_in_e = axes.curved(np.array([0.0, 0, 0, 1, b4, -1]))
    assert flat_in_e[axes.P11] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("weight", [None, "w"])
def test_hc3_equals_statsmodels(weight):
    frame = sample()
    found = surface(of(frame, weight=weight), outcome="z", **LISTS, n_draws=0)
    X, w = terms(*scores(frame)), frame["w"] if weight else np.ones(len(frame))
    ols = sm.WLS(frame["z"].to_numpy(), X, weights=np.asarray(w))
    fit = ols.fit(cov_type="HC3", use_t=True)
    limits = fit.conf_int()
    for what, wanted in (
        ("estimate", fit.params),
        ("std_error", fit.bse),
        ("p_value", fit.pvalues),
        ("conf_low", limits[:, 0]),
        ("conf_high", limits[:, 1]),
    ):
        np.testing.assert_allclose(
            column(found, COEFFICIENTS, what), wanted, rtol=1e-9, atol=1e-13
        )
    L = np.array([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 1, -1, 0, 0, 0]])
    test = fit.t_test(np.vstack([L, [0, 0, 0, 1, -1, 1], [0, 0, 0, 1, 0, -1]]))
    np.testing.assert_allclose(column(found, LINES, "std_error"), test.sd)
    np.testing.assert_allclose(column(found, LINES, "p_value"), test.pvalue, atol=1e-13)
    for name, R in (
        ("test_gap", GAP),
        ("test_quadratic", QUADRATIC),
        ("test_perception", PERCEPTION),
    ):
        F = fit.f_test(R)
        assert term(found, name, "statistic") == pytest.approx(float(F.fvalue))
        assert term(found, name, "p_value") == pytest.approx(float(F.pvalue))
        assert term(found, name, "df") == len(frame) - 6
    assert term(found, "r2") == pytest.approx(fit.rsquared)
    assert term(found, "r2_adjusted") == pytest.approx(fit.rsquared_adj)


def test_classical_f_tests_compare_sums_of_squares():
    frame = sample()
    found = surface(of(frame), outcome="z", **LISTS, n_draws=0, errors="classical")
    E, P = scores(frame)
    full = sm.OLS(frame["z"].to_numpy(), terms(E, P)).fit()
    smaller = {
        "gap": np.column_stack([np.ones_like(E), P - E]),
        "quadratic": terms(E, P)[:, :3],
        "perception": np.column_stack([np.ones_like(E), P]),
    }
    named = {"gap": "r2_gap", "quadratic": "r2_linear", "perception": "r2_perception"}
    for name, X in smaller.items():
        fit = sm.OLS(frame["z"].to_numpy(), X).fit()
        F, p, _ = full.compare_f_test(fit)
        assert term(found, f"test_{name}", "statistic") == pytest.approx(F)
        assert term(found, f"test_{name}", "p_value") == pytest.approx(p)
        assert term(found, named[name]) == pytest.approx(fit.rsquared)
    np.testing.assert_allclose(column(found, COEFFICIENTS, "std_error"), full.bse)


def test_clusters_equal_statsmodels_but_for_its_factor():
    frame = sample()
    found = surface(of(frame, cluster="district"), outcome="z", **LISTS, n_draws=0)
    codes = frame["district"].astype("category").cat.codes.to_numpy()
    model = sm.OLS(frame["z"].to_numpy(), terms(*scores(frame)))
    fit = model.fit(
        cov_type="cluster",
        cov_kwds={"groups": codes, "use_correction": False},
        use_t=True,
    )
    G = codes.max() + 1
    wanted = fit.bse * np.sqrt(G / (G - 1))
    np.testing.assert_allclose(column(found, COEFFICIENTS, "std_error"), wanted)
    assert term(found, "b1", "df") == G - 1
    W = float(fit.f_test(GAP).fvalue) * 4 * (G - 1) / G
    df = G - 1
    assert term(found, "test_gap", "statistic") == pytest.approx(W / 4 * (df - 3) / df)
    assert term(found, "test_gap", "df") == df - 3


def test_strata_take_their_degrees_of_freedom_and_their_means():
    frame = sample()
    found = surface(
        of(frame, cluster="district", stratum="region", weight="w"),
        outcome="z",
        **LISTS,
        n_draws=0,
    )
    X, w = terms(*scores(frame)), frame["w"].to_numpy()
    bread = np.linalg.inv((X * w[:, None]).T @ X)
    b = bread @ (X * w[:, None]).T @ frame["z"].to_numpy()
    u = (X * (w * (frame["z"].to_numpy() - X @ b))[:, None]) @ bread
    V = np.zeros((6, 6))
    for _, part in frame.groupby("region"):
        sums = np.array(
            [u[own.index].sum(axis=0) for _, own in part.groupby("district")]
        )
        off = sums - sums.mean(axis=0)
        V += len(sums) / (len(sums) - 1) * off.T @ off
    np.testing.assert_allclose(
        column(found, COEFFICIENTS, "std_error"), np.sqrt(np.diag(V))
    )
    assert term(found, "b1", "df") == frame["district"].nunique() - 2


def test_collinearity_is_told():
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    frame = sample()
    found = surface(of(frame), outcome="z", **LISTS, n_draws=0)
    X = terms(*scores(frame))
    wanted = [variance_inflation_factor(X, k) for k in range(1, 6)]
    np.testing.assert_allclose(column(found, COEFFICIENTS[1:], "vif"), wanted)
    scaled = X / np.linalg.norm(X, axis=0)
    assert term(found, "condition") == pytest.approx(np.linalg.cond(scaled))


def test_shares_of_discrepant_respondents():
    frame = sample()
    found = surface(of(frame), outcome="z", **LISTS, n_draws=0)
    E, P = scores(frame)
    z = P / P.std(ddof=1) - E / E.std(ddof=1)
    z -= z.mean()
    wanted = [(z >= 0.5).mean(), (np.abs(z) < 0.5).mean(), (z <= -0.5).mean()]
    names = ["share_p_above", "share_agree", "share_e_above"]
    np.testing.assert_allclose(column(found, names), wanted)
    assert sum(column(found, names)) == pytest.approx(1)


def test_groups_and_dimensions_are_separate_surfaces():
    frame = sample()
    lists = {**LISTS, "dimensions": {"one": [0], "two": [1]}}
    found = surface(of(frame), outcome="z", **lists, by="shop", n_draws=0)
    assert len(found.table) == 2 * 3 * 32
    for shop, own in frame.groupby("shop"):
        alone = surface(of(own.reset_index(drop=True)), outcome="z", **lists, n_draws=0)
        part = found.table.where(shop=shop).drop("shop").to_frame()
        pd.testing.assert_frame_equal(part, alone.to_frame())
    E, P = (frame[c].to_numpy() - 4 for c in ("e2", "p2"))
    fit = sm.OLS(frame["z"].to_numpy(), terms(E, P)).fit()
    whole = surface(of(frame), outcome="z", **lists, n_draws=0)
    row = whole.table.where(term="b4", dimension="two")
    assert row["estimate"][0] == pytest.approx(fit.params[4])


def test_weights_of_two_are_repeated_rows():
    frame = sample(120)
    frame["twice"] = np.where(np.arange(120) % 3 == 0, 2.0, 1.0)
    repeated = frame.loc[frame.index.repeat(frame["twice"].astype(int))]
    one = surface(of(frame, weight="twice"), outcome="z", **LISTS, n_draws=0)
    two = surface(of(repeated.reset_index(drop=True)), outcome="z", **LISTS, n_draws=0)
    for names in (COEFFICIENTS, LINES, ["r2", "r2_gap", "condition"]):
        np.testing.assert_allclose(column(one, names), column(two, names))


def test_order_of_rows_and_kind_of_frame_do_not_matter():
    frame = sample()
    whole = surface(of(frame), outcome="z", **LISTS, n_draws=0).to_frame()
    shuffled = frame.sample(frac=1, random_state=1)
    for other in (shuffled, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        again = surface(of(other), outcome="z", **LISTS, n_draws=0).to_frame()
        pd.testing.assert_frame_equal(whole, again, rtol=1e-9)


def test_another_centre_moves_coefficients_but_not_the_surface():
    frame = sample()
    first = surface(of(frame), outcome="z", **LISTS, n_draws=0)
    other = surface(of(frame), outcome="z", **LISTS, n_draws=0, centre=6)
    assert term(first, "b1") != pytest.approx(term(other, "b1"))
    assert term(first, "b4") == pytest.approx(term(other, "b4"))
    assert term(first, "e0") + 4 == pytest.approx(term(other, "e0") + 6)
    points = [(6.5, 5), (3, 6), (7, 7)]
    pd.testing.assert_frame_equal(first.surface(points), other.surface(points))


def test_points_on_the_surface_equal_predictions_of_statsmodels():
    frame = sample()
    found = surface(of(frame), outcome="z", **LISTS, n_draws=0, errors="classical")
    fit = sm.OLS(frame["z"].to_numpy(), terms(*scores(frame))).fit()
    grid = found.surface(5)
    assert grid[["expectation", "perception"]].min().tolist() == [1, 1]
    assert grid[["expectation", "perception"]].max().tolist() == [7, 7]
    X = terms(grid["expectation"].to_numpy() - 4, grid["perception"].to_numpy() - 4)
    wanted = fit.get_prediction(X)
    np.testing.assert_allclose(grid["estimate"], wanted.predicted_mean)
    np.testing.assert_allclose(grid["std_error"], wanted.se_mean)


def curved_sample(n=4000, seed=2):
    """Draw wide scores on a clear ridge-free surface."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"e": rng.uniform(1, 7, n), "p": rng.uniform(1, 7, n)})
    b = np.array([5.0, 0.1, 0.5, -0.2, 0.3, -0.4])
    frame["z"] = terms(frame["e"] - 4, frame["p"] - 4) @ b + rng.normal(size=n) * 0.5
    return Survey(frame, scale={"e": (1, 7), "p": (1, 7)}), b


def test_bootstrap_limits_of_axes_agree_with_the_delta_method():
    survey, _ = curved_sample()
    found = surface(
        survey, outcome="z", expectation=["e"], perception=["p"], n_draws=2000, rng=3
    )
    b, V = found.coefficients[0, 0], found.covariance[0, 0]
    step = 1e-6
    J = np.array(
        [
            (axes.curved(b + step * d) - axes.curved(b - step * d)) / (2 * step)
            for d in np.eye(6)
        ]
    ).T
    wanted = np.sqrt(np.diag(J @ V @ J.T))
    rows = found.rows("axis")
    np.testing.assert_allclose(rows["std_error"], wanted, rtol=0.08)
    half = (rows["conf_high"] - rows["conf_low"]) / 2
    np.testing.assert_allclose(half, 1.96 * wanted, rtol=0.1)
    assert (rows["conf_low"] < rows["estimate"]).all()


def test_a_plane_has_no_limits_for_its_stationary_point():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"e": rng.uniform(1, 7, 400), "p": rng.uniform(1, 7, 400)})
    frame["z"] = frame["p"] - frame["e"] + rng.normal(size=400)
    survey = Survey(frame, scale={"e": (1, 7), "p": (1, 7)})
    found = surface(
        survey, outcome="z", expectation=["e"], perception=["p"], n_draws=300, rng=1
    )
    lost = found.table.where(term="e0")
    assert np.isnan(lost["conf_low"]).all()
    assert "may be flat" in lost["reason"][0]
    assert np.isfinite(found.table.where(term="curvature_1")["conf_low"]).all()
    assert term(found, "test_quadratic", "p_value") > 0.01
    assert "undefined within sampling error" in str(found)


def test_draws_are_those_of_the_seed_and_groups_keep_theirs():
    survey, _ = curved_sample(500)
    lists = {"outcome": "z", "expectation": ["e"], "perception": ["p"]}
    one = surface(survey, **lists, n_draws=100, rng=7).to_frame()
    two = surface(survey, **lists, n_draws=100, rng=7).to_frame()
    pd.testing.assert_frame_equal(one, two)
    clustered = sample()
    found = surface(
        of(clustered, cluster="district"), outcome="z", **LISTS, n_draws=50, rng=1
    )
    assert any("rescaled bootstrap" in note for note in found.context.notes)


def test_many_rows_are_drawn_as_shards():
    survey, _ = curved_sample(20_000)
    found = surface(
        survey, outcome="z", expectation=["e"], perception=["p"], n_draws=400, rng=1
    )
    assert any("1,000 shards" in note for note in found.context.notes)
    b, V = found.coefficients[0, 0], found.covariance[0, 0]
    H = np.array([[b[3], b[4] / 2], [b[4] / 2, b[5]]])
    _, vectors = np.linalg.eigh(H)
    v = vectors[:, 1]
    gradient = np.array([0, 0, 0, v[0] ** 2, v[0] * v[1], v[1] ** 2])
    wanted = np.sqrt(gradient @ V @ gradient)
    assert term(found, "curvature_1", "std_error") == pytest.approx(wanted, rel=0.15)


def test_missing_answers_are_counted():
    frame = sample()
    frame.loc[:9, "z"] = np.nan
    frame.loc[10:14, ["e1", "e2"]] = np.nan
    found = surface(of(frame), outcome="z", **LISTS, n_draws=0)
    assert term(found, "b0", "n") == 300 - 15
    said = str(found)
    assert "10 rows left out: no answer to 'z'" in said
    assert "5 respondents left out in overall" in said


def test_a_group_that_cannot_be_fitted_says_why_and_spoils_no_other():
    frame = sample()
    frame.loc[:4, "shop"] = "tiny"
    ceiling = frame["shop"] == "south"
    frame.loc[ceiling, ["e1", "e2"]] = 7
    found = surface(of(frame), outcome="z", **LISTS, by="shop", n_draws=30, rng=1)
    reasons = found.table.where(term="b1")
    said = dict(zip(reasons["shop"], reasons["reason"], strict=True))
    assert said["tiny"] == "fewer than 7 respondents"
    assert "collinear" in said["south"]
    assert said["north"] == ""
    assert np.isfinite(term(found, "b1", shop="north"))
    assert np.isnan(term(found, "b1", shop="south"))


def test_a_respondent_who_alone_determines_the_surface_leaves_no_robust_error():
    frame = pd.DataFrame(
        {"e": [4.0, 4, 4, 5, 5, 5, 4, 4, 4, 7], "p": [3.0, 4, 5, 3, 4, 5, 3, 4, 5, 7]}
    )
    frame["z"] = np.arange(10.0) ** 1.5
    survey = Survey(frame, scale={"e": (1, 7), "p": (1, 7)})
    found = surface(survey, outcome="z", expectation=["e"], perception=["p"], n_draws=0)
    row = found.table.where(term="b1")
    assert np.isfinite(row["estimate"][0])
    assert np.isnan(row["std_error"][0])
    assert "alone determines" in row["reason"][0]


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"outcome": "e1"}, DataError, "is one of the expectations"),
        ({"outcome": "q"}, DataError, "columns not found"),
        ({"errors": "hc0"}, OptionError, "errors='hc0'"),
        ({"centre": "mid"}, OptionError, "centre='mid'"),
        ({"perception": ["p2", "p1"]}, DataError, "different order"),
        ({"instrument": "servqual"}, OptionError, "both an instrument"),
        ({"n_draws": -1}, OptionError, "n_draws=-1"),
        ({"min_answered": 0}, OptionError, "min_answered=0"),
        ({"seed": 1}, OptionError, "did you mean 'rng'"),
    ],
)
def test_wrong_arguments_say_what_would_be_right(change, error, match):
    given = {"outcome": "z", **LISTS, **change}
    with pytest.raises(error, match=match):
        surface(of(sample(60)), **given)


def test_a_frame_without_a_scale_needs_a_centre():
    frame = sample(80)
    with pytest.raises(DataError, match="no midpoint"):
        surface(frame, outcome="z", **LISTS, n_draws=0)
    found = surface(frame, outcome="z", **LISTS, n_draws=0, centre=4)
    with_scale = surface(of(frame), outcome="z", **LISTS, n_draws=0)
    np.testing.assert_array_equal(
        column(found, COEFFICIENTS), column(with_scale, COEFFICIENTS)
    )
    with pytest.raises(OptionError, match="points='many'"):
        found.surface("many")


def test_instrument_and_data_swapped():
    with pytest.raises(OptionError, match="swapped"):
        surface("servqual", sample(60), outcome="z")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["homoscedastic", "heteroscedastic", "clustered"])
def test_limits_of_the_lines_cover_at_the_nominal_rate(kind):
    """2,000 samples of 250; a1 to a4 on average 93-97 %, each 92-98 %."""
    rng = np.random.default_rng(11)
    samples, n, clusters = 2000, 250, 50
    E = rng.normal(1, 1, size=(samples, n))
    P = 0.5 * E + rng.normal(0, 1, size=(samples, n))
    noise = rng.normal(size=(samples, n))
    place = np.tile(np.arange(n) % clusters, samples)
    if kind == "heteroscedastic":
        noise *= 0.5 + 0.7 * np.abs(E)
    if kind == "clustered":
        shared = rng.normal(size=(samples, clusters))
        noise = 0.8 * noise + 0.6 * shared[:, np.arange(n) % clusters]
    frame = pd.DataFrame({"e": E.ravel() + 4, "p": P.ravel() + 4})
    frame["z"] = terms(E.ravel(), P.ravel()) @ B + noise.ravel()
    frame["sample"] = np.repeat(np.arange(samples), n)
    frame["place"] = frame["sample"] * clusters + place
    cluster = {"cluster": "place"} if kind == "clustered" else {}
    found = surface(
        Survey(frame, **cluster),
        outcome="z",
        expectation=["e"],
        perception=["p"],
        by="sample",
        centre=4,
        n_draws=0,
    )
    truth = {
        "a1": B[1] + B[2],
        "a2": B[3] + B[4] + B[5],
        "a3": B[1] - B[2],
        "a4": B[3] - B[4] + B[5],
    }
    covered = []
    for name, value in truth.items():
        rows = found.table.where(term=name)
        inside = (rows["conf_low"] <= value) & (value <= rows["conf_high"])
        covered.append(inside.mean())
    assert 0.93 <= np.mean(covered) <= 0.97, covered
    assert all(0.92 <= share <= 0.98 for share in covered), covered
