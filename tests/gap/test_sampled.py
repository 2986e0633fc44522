"""Means of scores over weights, clusters and strata, against the moments' way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.moment._column_means import Rows, column_means, mean_cov

ROLES = {
    "plain": {},
    "weight": {"weight": "w"},
    "cluster": {"cluster": "site"},
    "stratum": {"stratum": "area"},
    "all": {"weight": "w", "cluster": "site", "stratum": "area"},
}


def survey(roles: dict[str, str], n: int = 240) -> sat.Survey:
    rng = np.random.default_rng(3)
    site = rng.integers(0, 24, n)
    shift = rng.normal(size=24)[site]
    frame = pd.DataFrame(
        {
            name: np.clip(np.rint(4 + shift + rng.normal(size=n)), 1, 7)
            for name in ("e1", "e2", "p1", "p2")
        }
    )
    frame["site"], frame["area"] = site, site % 4
    frame["w"] = rng.uniform(0.5, 3, n)
    frame["shop"] = np.where(np.arange(n) % 3 == 0, "A", "B")
    return sat.Survey(frame, scale=(1, 7), **roles)


PAIRS = {"staff": [("e1", "p1"), ("e2", "p2")]}


@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize("by", [None, "shop"])
def test_errors_of_gaps_are_those_of_the_moments(roles, by):
    answers = survey(roles)
    own = sat.gaps(answers, dimensions=PAIRS, by=by)
    moments = sat.Moments.from_frame(answers, ["e1", "e2", "p1", "p2"], by=by)
    other = sat.gaps(moments, dimensions=PAIRS, by=by)
    for column in ("estimate", "expectation", "perception", "n_eff"):
        np.testing.assert_allclose(own.table[column], other.table[column], rtol=1e-9)
    sampled = {"cluster", "stratum"} & set(roles)
    rtol = 1e-9 if sampled or not roles else 2e-2  # weighted moments: cov over n_eff
    np.testing.assert_allclose(
        own.table["std_error"], other.table["std_error"], rtol=rtol
    )


@pytest.mark.parametrize(
    ("roles", "df"),
    [({}, 239), (ROLES["cluster"], 23), (ROLES["stratum"], 236), (ROLES["all"], 20)],
)
def test_degrees_of_freedom_are_sampled_units_less_strata(roles, df):
    table = sat.gaps(survey(roles), dimensions=PAIRS).table
    assert set(table["df"]) == {df}


def test_summary_says_how_errors_were_made():
    said = str(sat.gaps(survey(ROLES["all"]), dimensions=PAIRS))
    assert "24 clusters in 4 strata, linearised" in said


def rows(n: int, **more) -> Rows:
    codes = np.arange(n) % 3
    return Rows(codes, 3, **more)


def test_column_means_against_pandas():
    rng = np.random.default_rng(1)
    X = rng.normal(5, 2, size=(90, 4))
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    found = column_means(list(X.T), rows(90))
    frame = pd.DataFrame(X).groupby(np.arange(90) % 3)
    np.testing.assert_allclose(found.mean, frame.mean())
    np.testing.assert_allclose(found.sd, frame.std())
    np.testing.assert_allclose(found.std_error, frame.sem())
    np.testing.assert_array_equal(found.n, frame.count())
    np.testing.assert_array_equal(found.df, frame.count() - 1)


def test_covariance_of_means_has_the_errors_on_its_diagonal():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 3))
    holed = np.where(rng.uniform(size=X.shape) < 0.2, np.nan, X)
    w = rng.uniform(1, 2, 60)
    for more in ({}, {"w": w}):
        own = column_means(list(holed.T), rows(60, **more)).std_error
        V = mean_cov(list(holed.T), rows(60, **more))
        np.testing.assert_allclose(np.sqrt(V[:, range(3), range(3)]), own)
        made = rows(60, **more)
        V = mean_cov(list(X.T), made)
        error = column_means(list(X.T), made).std_error
        np.testing.assert_allclose(np.sqrt(V[:, range(3), range(3)]), error)
        np.testing.assert_allclose(V, np.swapaxes(V, 1, 2))
    one = X[np.arange(60) % 3 == 1]
    np.testing.assert_allclose(
        mean_cov(list(X.T), rows(60))[1], np.cov(one.T) / len(one)
    )


def test_a_constant_column_and_a_lone_row():
    X = [np.array([4.0, 2.0, 4.1, 4.0, 4.0, np.nan])]
    where = Rows(np.array([0, 1, 2, 0, 0, 1]), 3)
    found = column_means(X, where)
    assert mean_cov(X, where)[0, 0, 0] == 0
    assert found.std_error[0, 0] == 0
    assert np.isnan(found.std_error[1:, 0]).all()
    np.testing.assert_array_equal(found.n[:, 0], [3, 1, 1])


def test_limits_of_states_have_the_n_of_their_error_over_clusters():
    sm = pytest.importorskip("statsmodels.api")
    from scipy.stats import norm, t
    from statsmodels.stats.proportion import proportion_confint

    rng = np.random.default_rng(5)
    shop = np.repeat(np.arange(30), 8)
    base = rng.normal(size=30)[shop]
    frame = pd.DataFrame({"e": np.clip(np.rint(5 + rng.normal(size=240)), 1, 7)})
    frame["p"] = np.clip(np.rint(4.7 + base + rng.normal(size=240)), 1, 7)
    frame["shop"], frame["w"] = shop, rng.uniform(0.5, 2, 240)
    survey = sat.Survey(frame, scale=(1, 7), weight="w", cluster="shop")
    row = sat.gaps(survey, expectation=["e"], perception=["p"]).to_frame().iloc[0]
    for state, hit in {
        "better": frame["p"] > frame["e"],
        "equal": frame["p"] == frame["e"],
        "worse": frame["p"] < frame["e"],
    }.items():
        fit = sm.WLS(hit.astype(float), np.ones(240), weights=frame["w"]).fit(
            cov_type="cluster", cov_kwds={"groups": shop, "use_correction": False}
        )
        p, variance = fit.params.iloc[0], fit.bse.iloc[0] ** 2 * 30 / 29
        n = min(1 + p * (1 - p) / variance, 240)
        n *= (norm.ppf(0.975) / t.ppf(0.975, 29)) ** 2
        limits = proportion_confint(p * n, n, method="wilson")
        shown = [row[f"share_{state}_{end}"] for end in ("low", "high")]
        assert shown == pytest.approx(limits, rel=1e-9)
        assert n < 200 or state == "equal"


def test_the_three_states_have_the_limits_gaps_gives_them():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"e": rng.integers(3, 8, 90), "p": rng.integers(2, 8, 90)})
    frame["shop"], frame["w"] = np.arange(90) // 6, rng.uniform(0.5, 2, 90)
    survey = sat.Survey(frame, scale=(1, 7), weight="w", cluster="shop")
    how = {"expectation": ["e"], "perception": ["p"]}
    row = sat.gaps(survey, **how).to_frame().iloc[0]
    states = sat.quality.three_states(survey, **how).to_frame().set_index("term")
    for state in ("better", "equal", "worse"):
        shown = states[states["level"] == "item"].loc[state]
        assert shown["estimate"] == pytest.approx(row[f"share_{state}"])
        assert shown["conf_low"] == pytest.approx(row[f"share_{state}_low"])
        assert shown["conf_high"] == pytest.approx(row[f"share_{state}_high"])
