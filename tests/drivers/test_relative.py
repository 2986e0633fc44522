"""Relative importance: published shares, definitions, groups, resamples."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.drivers import _relative as kernel

relative_importance = sat.drivers.relative_importance
BLOCKS = {"A": ["a1", "a2"], "B": ["b1", "b2"], "C": ["c1", "c2"]}


def by_name(found, column: str) -> pd.Series:
    return found.to_frame().set_index("name")[column]


@pytest.fixture
def answers(rng) -> pd.DataFrame:
    """Return 300 respondents of three shops: two items for each of three drivers."""
    common = rng.normal(size=(300, 1))
    true = 0.6 * common + rng.normal(size=(300, 3))
    items = np.repeat(true, 2, axis=1) + 0.5 * rng.normal(size=(300, 6))
    frame = pd.DataFrame(items, columns=["a1", "a2", "b1", "b2", "c1", "c2"])
    frame["sat"] = true @ [0.2, 0.6, 0.1] + rng.normal(size=300)
    frame["w"] = rng.integers(1, 4, 300).astype(float)
    frame["shop"] = np.repeat(["x", "y", "z"], 100)
    return frame


@pytest.mark.parametrize(
    ("case", "outcome"), [("mtcars", "mpg"), ("attitude", "rating")]
)
@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_published_shares_come_in_order(reference, case, outcome, method):
    published = reference("relative_importance")
    frame = pd.DataFrame(published[case])
    names = [name for name in frame if name != outcome]
    found = relative_importance(frame, names, outcome=outcome, method=method, n_draws=0)
    own = published[f"{case}_found"]
    share = by_name(found, "estimate")
    np.testing.assert_allclose(share[names], own[method], atol=6e-7)
    assert share.is_monotonic_decreasing
    assert by_name(found, "rank").tolist() == list(range(1, len(names) + 1))
    np.testing.assert_allclose(found.table["r2"], own["r2"], atol=6e-7)
    np.testing.assert_allclose(
        by_name(found, "correlation")[names], frame[names].corrwith(frame[outcome])
    )
    if method == "johnson" and case == "mtcars":
        percent = by_name(found, "percent")[names]
        np.testing.assert_allclose(percent, own["johnson_percent"], atol=6e-6)


def test_every_subset_is_the_regression_on_it(rng):
    """R² of all 63 subsets by solving, and shares by all 720 orders of entry."""
    X = rng.normal(size=(2, 50, 7)) @ rng.normal(size=(7, 7))
    C = np.stack([np.corrcoef(x.T) for x in X])
    R, r = C[:, :-1, :-1], C[:, :-1, -1]

    def r2(g, chosen):
        at = np.array(chosen, dtype=int)
        if not len(at):
            return 0.0
        return r[g, at] @ np.linalg.solve(R[g][np.ix_(at, at)], r[g, at])

    truth = np.zeros((2, 6))
    for g, order in itertools.product((0, 1), itertools.permutations(range(6))):
        known = [r2(g, sorted(order[:k])) for k in range(7)]
        truth[g, list(order)] += np.diff(known) / 720
    np.testing.assert_allclose(kernel.lmg(R, r), truth, atol=1e-12)


def test_chunks_and_a_singular_member_spoil_nothing(rng, monkeypatch):
    X = rng.normal(size=(9, 30, 5))
    C = np.stack([np.corrcoef(x.T) for x in X])
    R, r = C[:, :-1, :-1].copy(), C[:, :-1, -1].copy()
    R[4, 1], R[4, :, 1], r[4, 1] = R[4, 0], R[4, :, 0], r[4, 0]
    whole = kernel.lmg(R, r)
    monkeypatch.setattr(kernel, "CELLS", 100)
    np.testing.assert_allclose(kernel.lmg(R, r), whole, atol=1e-14)
    assert np.isnan(whole[4]).all()
    assert np.isfinite(np.delete(whole, 4, axis=0)).all()


def test_fifteen_drivers_exactly_and_no_more():
    """Equicorrelated drivers of equal weight share alike, whatever their number."""
    p = 15
    R = np.full((p + 1, p + 1), 0.4)
    R[:-1, -1] = R[-1, :-1] = 0.5
    np.fill_diagonal(R, 1.0)
    names = [f"x{i}" for i in range(p)]
    moments = sat.Moments.from_table(
        np.zeros(p + 1), np.ones(p + 1), R, n=500, names=[*names, "y"]
    )
    found = relative_importance(moments, names, outcome="y", n_draws=0)
    r2 = 0.5**2 * p / (1 + (p - 1) * 0.4)
    np.testing.assert_allclose(found.table["estimate"], r2 / p)
    with pytest.raises(errors.OptionError, match=r"65,536 regressions.*johnson"):
        relative_importance(moments, [*names, "z"], outcome="y")


def test_blocks_are_means_and_beside_them_stand_coefficients(answers):
    import statsmodels.api as sm

    found = relative_importance(answers, BLOCKS, outcome="sat", n_draws=0)
    scores = pd.DataFrame({k: answers[v].mean(axis=1) for k, v in BLOCKS.items()})
    scores["sat"] = answers["sat"]
    z = (scores - scores.mean()) / scores.std()
    ols = sm.OLS(z["sat"], z[list(BLOCKS)]).fit()
    np.testing.assert_allclose(by_name(found, "beta")[list(BLOCKS)], ols.params)
    np.testing.assert_allclose(found.table["r2"], ols.rsquared)
    np.testing.assert_allclose(found.table["percent"].sum(), 100)
    same = sat.quality.regression_weights(answers, BLOCKS, outcome="sat", n_draws=0)
    weights = same.to_frame().set_index("dimension")["estimate"] * 100
    np.testing.assert_allclose(by_name(found, "percent")[weights.index], weights)


def test_groups_are_each_computed_alone(answers):
    how = {"outcome": "sat", "n_draws": 100}
    found = relative_importance(answers, BLOCKS, by="shop", rng=1, **how).to_frame()
    assert found.columns[0] == "shop"
    assert len(found) == 9
    for shop, part in answers.groupby("shop"):
        alone = relative_importance(part, BLOCKS, rng=2, **how).to_frame()
        own = found[found["shop"] == shop].reset_index(drop=True)
        columns = ["name", "n", "estimate", "percent", "beta", "correlation", "rank"]
        pd.testing.assert_frame_equal(own[columns], alone[columns])
        # two Monte Carlo standard errors of 100 draws each
        np.testing.assert_allclose(own["std_error"], alone["std_error"], rtol=0.5)
    moments = sat.Moments.from_frame(
        answers, [*itertools.chain(*BLOCKS.values()), "sat"], by="shop"
    )
    again = relative_importance(moments, BLOCKS, outcome="sat", n_draws=0).to_frame()
    pd.testing.assert_frame_equal(
        found[["shop", "name", "estimate"]], again[["shop", "name", "estimate"]]
    )


def test_a_broken_group_fails_no_other(answers):
    frame = answers.copy()
    frame.loc[frame["shop"] == "y", "sat"] = 3.0
    few = frame[(frame["shop"] != "z") | (frame.index > 296)]
    found = relative_importance(few, BLOCKS, outcome="sat", by="shop", n_draws=20)
    table = found.to_frame().set_index("shop")
    assert table.loc["x", "estimate"].notna().all()
    assert table.loc[["y", "z"], "estimate"].isna().all()
    assert "does not vary" in table.loc["y", "reason"].iloc[0]
    assert table.loc["z", "reason"].iloc[0] == "3 complete rows"
    assert "3 rows: 3 complete rows" in str(found)


def test_weights_count_respondents(answers):
    weighted = relative_importance(
        answers, BLOCKS, outcome="sat", weights="w", n_draws=0
    )
    copies = answers.loc[np.repeat(answers.index, answers["w"].astype(int))]
    repeated = relative_importance(
        copies.reset_index(drop=True), BLOCKS, outcome="sat", n_draws=0
    )
    np.testing.assert_allclose(weighted.table["estimate"], repeated.table["estimate"])
    role = relative_importance(
        sat.Survey(answers, weight="w"), BLOCKS, outcome="sat", n_draws=0
    )
    np.testing.assert_array_equal(weighted.table["estimate"], role.table["estimate"])


def test_the_bootstrap_is_of_rows_and_ranks_are_counted(answers):
    found = relative_importance(answers, BLOCKS, outcome="sat", n_draws=500, rng=1)
    again = relative_importance(answers, BLOCKS, outcome="sat", n_draws=500, rng=1)
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(500):
        rows = answers.iloc[rng.integers(0, 300, 300)]
        scores = np.column_stack(
            [*(rows[v].mean(axis=1) for v in BLOCKS.values()), rows["sat"]]
        )
        C = np.corrcoef(scores.T)[None]
        shares.append(kernel.lmg(C[:, :-1, :-1], C[:, :-1, -1])[0])
    drawn = pd.DataFrame(shares, columns=list(BLOCKS))
    # two Monte Carlo standard deviations: each within 1/√1000 of the truth, about
    order = found.table["name"]
    np.testing.assert_allclose(found.table["std_error"], drawn[order].std(), rtol=0.15)
    first = (drawn.idxmax(axis=1).value_counts(normalize=True)).reindex(order).fillna(0)
    np.testing.assert_allclose(found.table["first"], first, atol=0.1)
    assert found.table["first"].sum() == pytest.approx(1)
    low, high = found.table["percent_low"], found.table["percent_high"]
    assert ((low < found.table["percent"]) & (found.table["percent"] < high)).all()


def test_clusters_are_drawn_whole(answers):
    """Every respondent copied into a cluster of four: errors must not halve."""
    copies = answers.loc[np.repeat(answers.index, 4)].reset_index(drop=True)
    copies["home"] = np.repeat(np.arange(300), 4)
    how = {"outcome": "sat", "n_draws": 400, "rng": 1}
    whole = relative_importance(answers, BLOCKS, **how)
    clustered = relative_importance(sat.Survey(copies, cluster="home"), BLOCKS, **how)
    assert clustered.resampled == "clusters"
    np.testing.assert_allclose(
        clustered.table["std_error"], whole.table["std_error"], rtol=0.2
    )


def test_moments_alone_draw_by_normal_theory(answers):
    moments = sat.Moments.from_frame(
        answers, [*itertools.chain(*BLOCKS.values()), "sat"]
    )
    found = relative_importance(moments, BLOCKS, outcome="sat", n_draws=100, rng=1)
    assert "normal theory, no answers" in str(found)
    assert (found.table["std_error"] > 0).all()
    pairs = answers.copy()
    pairs.loc[:9, "a1"] = np.nan
    pairwise = sat.Moments.from_frame(
        pairs, [*itertools.chain(*BLOCKS.values()), "sat"], missing="pairwise"
    )
    with pytest.raises(errors.DataError, match="no one sample size"):
        relative_importance(pairwise, BLOCKS, outcome="sat", n_draws=10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "sad"}, "did you mean 'sat'"),
        ({"outcome": "a1"}, "'a1' is both outcome and driver"),
        ({"drivers": {"A": []}}, "'A' has no columns"),
        ({"drivers": ["a1", "a1"]}, "'a1' occurs twice"),
        ({"drivers": []}, "there are no drivers"),
        ({"method": "beta"}, "options are 'lmg'"),
        ({"weights": "v"}, "did you mean 'w'|'v'"),
        ({"by": "shops"}, "did you mean 'shop'"),
        ({"drivers": ["a1", "a2", "both"]}, "the drivers are linearly dependent"),
        ({"drivers": ["a1", "flat"]}, "score flat does not vary"),
        ({"seed": 1}, "did you mean 'rng'"),
    ],
)
def test_wrong_arguments_are_named(answers, change, said):
    frame = answers.assign(both=answers["a1"] + answers["a2"], flat=1.0)
    asked = {"drivers": BLOCKS, "outcome": "sat", "n_draws": 0} | change
    with pytest.raises(errors.SatmetricsError, match=said):
        relative_importance(frame, **asked)


def test_moments_take_no_weights_and_no_other_groups(answers):
    columns = [*itertools.chain(*BLOCKS.values()), "sat"]
    moments = sat.Moments.from_frame(answers, columns)
    with pytest.raises(errors.DataError, match="needs answers"):
        relative_importance(moments, BLOCKS, outcome="sat", weights="w")
    with pytest.raises(errors.OptionError, match="grouped by"):
        relative_importance(moments, BLOCKS, outcome="sat", by="shop")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_intervals_cover_the_shares_of_the_population(method):
    rng = np.random.default_rng(3)
    R = np.array([[1, 0.5, 0.4], [0.5, 1, 0.3], [0.4, 0.3, 1.0]])
    r = R @ np.array([0.4, 0.3, 0.2])
    truth = getattr(kernel, method)(R[None], r[None])[0]
    percent = 100 * truth / truth.sum()
    S = np.block([[R, r[:, None]], [r[None], np.ones((1, 1))]])
    names = ["x1", "x2", "x3", "y"]
    hits = np.zeros((2, 3))
    for _ in range(400):
        X = rng.multivariate_normal(np.zeros(4), S, 300)
        found = relative_importance(
            pd.DataFrame(X, columns=names),
            names[:3],
            outcome="y",
            method=method,
            n_draws=500,
            rng=rng,
        ).to_frame()
        own = found.set_index("name").loc[names[:3]]
        hits[0] += (own["conf_low"] <= truth) & (truth <= own["conf_high"])
        hits[1] += (own["percent_low"] <= percent) & (percent <= own["percent_high"])
    assert ((hits / 400 > 0.91) & (hits / 400 < 0.98)).all(), hits / 400
