"""Weights from a regression on dimension scores."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.drivers import _relative as kernel


@pytest.fixture(scope="module")
def published(reference):
    return reference("relative_importance")


@pytest.fixture
def answers(rng) -> pd.DataFrame:
    """Return 200 respondents with two items for each of three criteria."""
    common = rng.normal(size=(200, 1))
    true = 0.6 * common + rng.normal(size=(200, 3))
    items = np.repeat(true, 2, axis=1) + 0.5 * rng.normal(size=(200, 6))
    frame = pd.DataFrame(items, columns=["a1", "a2", "b1", "b2", "c1", "c2"])
    frame["sat"] = true @ [0.6, 0.3, 0.1] + rng.normal(size=200)
    frame["w"] = rng.integers(1, 4, 200).astype(float)
    return frame


BLOCKS = {"A": ["a1", "a2"], "B": ["b1", "b2"], "C": ["c1", "c2"]}


def column(found: object, name: str) -> np.ndarray:
    return found.to_frame()[name].to_numpy(float)


def r_squared(frame: pd.DataFrame, names: tuple[str, ...], outcome: str) -> float:
    """Return R² by least squares on the rows."""
    X = np.column_stack([np.ones(len(frame)), *(frame[n] for n in names)])
    y = frame[outcome].to_numpy(float)
    r = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return 1 - r @ r / ((y - y.mean()) ** 2).sum()


@pytest.mark.parametrize(
    ("case", "outcome"), [("mtcars", "mpg"), ("attitude", "rating")]
)
@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_published_shares_are_reproduced(published, case, outcome, method):
    frame = pd.DataFrame(published[case])
    predictors = [name for name in frame if name != outcome]
    found = sat.quality.regression_weights(
        frame, predictors, outcome=outcome, method=method, n_draws=0
    )
    own = published[f"{case}_found"]
    np.testing.assert_allclose(column(found, "share"), own[method], atol=6e-7)
    assert column(found, "share").sum() == pytest.approx(own["r2"], abs=6e-7)
    if method == "johnson" and case == "mtcars":
        percent = own["johnson_percent"]
        np.testing.assert_allclose(column(found, "points"), percent, atol=6e-6)


def test_lmg_is_the_mean_gain_over_all_orders_of_entry(published):
    frame = pd.DataFrame(published["attitude"])
    names = [name for name in frame if name != "rating"][:4]
    gains = dict.fromkeys(names, 0.0)
    orders = list(itertools.permutations(names))
    for order in orders:
        for k, name in enumerate(order):
            after = r_squared(frame, order[: k + 1], "rating")
            before = r_squared(frame, order[:k], "rating") if k else 0.0
            gains[name] += (after - before) / len(orders)
    found = sat.quality.regression_weights(frame, names, outcome="rating", n_draws=0)
    np.testing.assert_allclose(column(found, "share"), list(gains.values()), atol=1e-9)


def test_scores_are_means_of_items_and_betas_those_of_statsmodels(answers):
    import statsmodels.api as sm

    found = sat.quality.regression_weights(
        answers, BLOCKS, outcome="sat", method="beta", n_draws=0
    )
    scores = pd.DataFrame({k: answers[v].mean(axis=1) for k, v in BLOCKS.items()})
    scores["sat"] = answers["sat"]
    z = (scores - scores.mean()) / scores.std()
    beta = sm.OLS(z["sat"], z[list(BLOCKS)]).fit().params.to_numpy()
    np.testing.assert_allclose(column(found, "beta"), beta)
    np.testing.assert_allclose(column(found, "estimate"), beta / beta.sum())


@pytest.mark.parametrize("method", ["lmg", "johnson", "beta"])
def test_moments_and_weights_tell_the_same_story(answers, method):
    how = {"outcome": "sat", "method": method, "n_draws": 0}
    own = sat.quality.regression_weights(answers, BLOCKS, **how)
    items = [*itertools.chain(*BLOCKS.values()), "sat"]
    moments = sat.Moments.from_frame(answers, items)
    other = sat.quality.regression_weights(moments, BLOCKS, **how)
    pd.testing.assert_frame_equal(own.to_frame(), other.to_frame())
    weighted = sat.quality.regression_weights(
        sat.Survey(answers, weight="w"), BLOCKS, **how
    )
    rows = np.repeat(np.arange(200), answers["w"].astype(int))
    copied = answers.iloc[rows].reset_index(drop=True)
    repeated = sat.quality.regression_weights(copied, BLOCKS, **how)
    np.testing.assert_allclose(
        column(weighted, "estimate"), column(repeated, "estimate"), rtol=1e-9
    )


def test_uncorrelated_criteria_share_by_squared_correlations():
    moments = sat.Moments.from_table(
        [0, 0, 0], [1, 2, 3], [[1, 0, 0.3], [0, 1, 0.4], [0.3, 0.4, 1]], n=100
    )
    for method in ("lmg", "johnson"):
        found = sat.quality.regression_weights(
            moments, ["x1", "x2"], outcome="x3", method=method, n_draws=0
        )
        np.testing.assert_allclose(column(found, "share"), [0.09, 0.16])


def test_negative_coefficients_are_counted_not_hidden(published):
    frame = pd.DataFrame(published["attitude"])
    names = [name for name in frame if name != "rating"]
    found = sat.quality.regression_weights(
        frame, names, outcome="rating", method="beta", n_draws=50, rng=1
    )
    beta, weight = column(found, "beta"), column(found, "estimate")
    assert (beta < 0).sum() == 2
    assert (weight[beta < 0] == 0).all()
    np.testing.assert_allclose(weight[beta > 0], beta[beta > 0] / beta[beta > 0].sum())
    text = str(found)
    assert "2 criteria left out: coefficient is negative: weight 0" in text
    assert "privileges, advance" in text
    assert "draws some coefficient is negative" in text


def test_the_bootstrap_repeats_the_estimate_on_resampled_rows(answers):
    found = sat.quality.regression_weights(
        answers, BLOCKS, outcome="sat", n_draws=400, rng=1
    )
    again = sat.quality.regression_weights(
        answers, BLOCKS, outcome="sat", n_draws=400, rng=1
    )
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())
    rng = np.random.default_rng(2)
    drawn = np.array(
        [
            column(
                sat.quality.regression_weights(
                    answers.iloc[rng.integers(0, 200, 200)].reset_index(drop=True),
                    BLOCKS,
                    outcome="sat",
                    n_draws=0,
                ),
                "estimate",
            )
            for _ in range(400)
        ]
    )
    # two Monte Carlo standard deviations differ by 5 % (one s.e. each: 1/√800)
    np.testing.assert_allclose(
        column(found, "std_error"), drawn.std(axis=0, ddof=1), rtol=0.2
    )
    np.testing.assert_allclose(found.cov.sum(axis=0), 0, atol=1e-15)


def test_moments_alone_draw_by_normal_theory(answers):
    items = [*itertools.chain(*BLOCKS.values()), "sat"]
    moments = sat.Moments.from_frame(answers, items)
    found = sat.quality.regression_weights(
        moments, BLOCKS, outcome="sat", n_draws=400, rng=1
    )
    assert "normal theory, no answers" in str(found)
    assert (column(found, "std_error") > 0).all()


def test_one_singular_member_of_a_batch_spoils_no_other():
    R = np.array([[[1, 0.5], [0.5, 1]], [[1, 1], [1, 1.0]]])
    r = np.array([[0.3, 0.4], [0.3, 0.3]])
    for function in (kernel.lmg, kernel.johnson, kernel.betas):
        found = function(R, r)
        np.testing.assert_allclose(found[:1], function(R[:1], r[:1]))
        assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"outcome": "sad"}, "did you mean 'sat'"),
        ({"outcome": "a1"}, "'a1' is both outcome and criterion"),
        ({"outcome": "sat", "method": "shapley"}, "options are 'lmg'"),
        ({"outcome": "sat", "n_draws": -1}, "too small"),
        ({"outcome": "sat", "seed": 1}, "did you mean 'rng'"),
    ],
)
def test_wrong_arguments_are_named(answers, more, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.regression_weights(answers, BLOCKS, **more)


def test_dependent_constant_and_many_criteria_are_refused(answers):
    frame = answers.assign(d=answers["a1"] + answers["b1"], e=1.0)
    for names, said in ((["a1", "b1", "d"], "dependent"), (["a1", "e"], "not vary")):
        with pytest.raises(errors.DataError, match=said):
            sat.quality.regression_weights(frame, names, outcome="sat", n_draws=0)
    many = [f"x{i}" for i in range(13)]
    with pytest.raises(errors.OptionError, match="8,192 regressions"):
        sat.quality.regression_weights(answers, many, outcome="sat")


@pytest.mark.slow
def test_intervals_cover_the_shares_of_the_population():
    rng = np.random.default_rng(3)
    R = np.array([[1, 0.5, 0.4], [0.5, 1, 0.3], [0.4, 0.3, 1.0]])
    beta = np.array([0.4, 0.3, 0.2])
    r = R @ beta
    truth, _ = kernel.shares(kernel.lmg(R[None], r[None]))
    S = np.block([[R, r[:, None]], [r[None], np.ones((1, 1))]])
    names = ["x1", "x2", "x3", "y"]
    hits = np.zeros(3)
    for _ in range(400):
        frame = pd.DataFrame(rng.multivariate_normal(np.zeros(4), S, 300))
        frame.columns = names
        found = sat.quality.regression_weights(
            frame, names[:3], outcome="y", n_draws=500, rng=rng
        )
        low, high = column(found, "conf_low"), column(found, "conf_high")
        hits += (low <= truth[0]) & (truth[0] <= high)
    assert ((hits / 400 > 0.91) & (hits / 400 < 0.98)).all(), hits
