"""Incomplete answers: the casewise likelihood, and the two stages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions

ITEMS = [f"x{k}" for k in range(1, 10)]


@pytest.fixture(scope="module")
def three_factors():
    return sat.StructuralModel.from_blocks(
        "three",
        constructs={
            "visual": ITEMS[:3],
            "textual": ITEMS[3:6],
            "speed": ITEMS[6:],
        },
        paths={},
        target="speed",
    )


@pytest.fixture(scope="module")
def holes(lavaan_answers, reference):
    """Holzinger and Swineford's answers without those that lavaan did not see."""
    frame = lavaan_answers["hs"][ITEMS].astype(float).reset_index(drop=True)
    for item, rows in reference("hs_fiml")["missing"].items():
        frame.loc[rows, item] = np.nan
    assert int(frame.isna().sum().sum()) == 407
    return frame


@pytest.fixture(scope="module")
def complete(lavaan_answers):
    return lavaan_answers["hs"][ITEMS].astype(float).reset_index(drop=True)


def close(ours, theirs, tol=1e-5):
    theirs = np.asarray(theirs, dtype=np.float64)
    error = np.abs(np.asarray(ours) - theirs) / np.maximum(np.abs(theirs), 1.0)
    assert error.max() < tol, error.max()


@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_estimates_errors_and_measures_are_lavaans(
    holes, three_factors, reference, lavaan, estimator
):
    known = reference(f"lavaan_hs_fiml_{estimator.lower()}")
    fit = sem(three_factors, holes, SemOptions(estimator), missing="fiml")
    theirs = known["parameters"]
    rows = zip(theirs["lhs"], theirs["op"], theirs["rhs"], strict=True)
    order = [lavaan.key(*row) for row in rows]
    frame = fit.estimates()
    own = [lavaan.key(*row) for row in zip(frame.lhs, frame.op, frame.rhs, strict=True)]
    at = [order.index(name) for name in own]
    free = frame["free"].to_numpy()
    assert free.sum() == 30
    close(frame["estimate"], np.take(theirs["est"], at))
    close(frame["std_error"][free], np.take(theirs["se"], at)[free])
    close(frame["statistic"][free], np.take(theirs["z"], at)[free], 5e-5)
    found = fit.fit_measures().set_index("term").estimate
    words = {
        "chi2": "chisq",
        "df": "df",
        "baseline_chi2": "baseline.chisq",
        "cfi": "cfi",
        "tli": "tli",
        "rmsea": "rmsea",
        "log_likelihood": "logl",
        "log_likelihood_unrestricted": "unrestricted.logl",
        "aic": "aic",
        "bic": "bic",
        "srmr": "srmr",
    }
    if estimator == "MLR":
        words |= {
            "chi2_scaled": "chisq.scaled",
            "scaling": "chisq.scaling.factor",
            "baseline_chi2_scaled": "baseline.chisq.scaled",
            "cfi_scaled": "cfi.scaled",
            "tli_scaled": "tli.scaled",
            "rmsea_scaled": "rmsea.scaled",
        }
    for ours, word in words.items():
        close(found[ours], known["fit"][word])


def test_log_likelihood_is_the_sum_of_each_respondents(holes, three_factors):
    fit = sem(three_factors, holes, missing="fiml")
    mu, Sigma = fit.matrices.mu[0], fit.matrices.Sigma[0]
    total = 0.0
    for row in holes.to_numpy():
        o = np.flatnonzero(np.isfinite(row))
        if len(o):
            part = multivariate_normal(mu[o], Sigma[np.ix_(o, o)])
            total += part.logpdf(row[o])
    assert float(fit.casewise.log_likelihood) == pytest.approx(total, abs=1e-8)


def deviance_by_hand(fit, holes, theta):
    M = fit.table.layout.groups[0].matrices(theta[None])
    total = 0.0
    for row in holes.to_numpy():
        o = np.flatnonzero(np.isfinite(row))
        if len(o):
            S, d = M.Sigma[0][np.ix_(o, o)], row[o] - M.mu[0][o]
            total += 0.5 * (np.linalg.slogdet(S)[1] + d @ np.linalg.solve(S, d))
    return total


def test_errors_are_of_the_likelihoods_own_curvature(holes, three_factors):
    fit = sem(three_factors, holes, missing="fiml")
    k, step = [0, 7, 20, 25], 1e-3
    inverse = np.linalg.inv(fit.vcov)
    for a in k:
        for b in k:
            u, v = step * np.eye(len(fit.theta))[[a, b]]
            found = sum(
                s * t * deviance_by_hand(fit, holes, fit.theta + s * u + t * v)
                for s in (-1, 1)
                for t in (-1, 1)
            )
            made = found / (4 * step**2)
            assert made == pytest.approx(inverse[a, b], rel=1e-4, abs=1e-2)


@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_of_complete_answers_it_is_maximum_likelihood_with_means(
    complete, three_factors, estimator
):
    weighted = complete.assign(w=np.linspace(0.5, 2, len(complete)))
    for frame, weights in ((complete, None), (weighted, "w")):
        options = SemOptions(estimator, means=True, information="observed")
        plain = sem(three_factors, frame, options, weights=weights)
        fit = sem(
            three_factors, frame, SemOptions(estimator), missing="fiml", weights=weights
        )
        np.testing.assert_allclose(fit.theta, plain.theta, rtol=1e-8, atol=1e-8)
        assert fit.chi2 == pytest.approx(float(plain.chi2), rel=1e-8)
        np.testing.assert_allclose(fit.vcov, plain.vcov, rtol=1e-6, atol=1e-8)
        if estimator == "MLR":
            assert fit.chi2_scaled == pytest.approx(float(plain.chi2_scaled), rel=1e-8)
        ours, theirs = (
            f.fit_measures().set_index("term").estimate for f in (fit, plain)
        )
        assert ours["cfi"] == pytest.approx(theirs["cfi"], rel=1e-8)


def test_groups_are_the_fits_of_each(holes, three_factors):
    frame = holes.assign(school=np.arange(len(holes)) % 2)
    both = sem(three_factors, frame, SemOptions("MLR"), by="school", missing="fiml")
    for g in (0, 1):
        alone = sem(
            three_factors,
            frame[frame.school == g],
            SemOptions("MLR"),
            missing="fiml",
        )
        np.testing.assert_allclose(both.theta[g], alone.theta, atol=1e-7)
        np.testing.assert_allclose(both.vcov[g], alone.vcov, rtol=1e-6, atol=1e-8)
        assert both.chi2_scaled[g] == pytest.approx(float(alone.chi2_scaled))
        one = both.take(np.array([g])).casewise
        theirs = float(alone.casewise.baseline_chi2)
        assert float(np.ravel(one.baseline_chi2)[0]) == pytest.approx(theirs)


def test_a_row_without_answers_and_one_of_weight_zero_add_nothing(holes, three_factors):
    more = pd.concat([holes, holes.iloc[:2] * np.nan]).reset_index(drop=True)
    fit, other = (sem(three_factors, f, missing="fiml") for f in (holes, more))
    np.testing.assert_allclose(fit.theta, other.theta, atol=1e-9)
    assert float(fit.chi2) == pytest.approx(float(other.chi2))


def test_reversed_answers_are_turned(holes, three_factors):
    turned = holes.assign(x2=20 - holes.x2)
    blocks = [
        dataclasses.replace(c, reverse=("x2",), scale=(0.0, 20.0))
        if c.name == "visual"
        else c
        for c in three_factors.constructs
    ]
    model = dataclasses.replace(three_factors, constructs=tuple(blocks))
    fit = sem(three_factors, holes, SemOptions("MLR"), missing="fiml")
    other = sem(model, turned, SemOptions("MLR"), missing="fiml")
    np.testing.assert_allclose(fit.theta, other.theta, atol=1e-7)
    np.testing.assert_allclose(fit.vcov, other.vcov, atol=1e-7)


def test_what_does_not_go_together_is_said(holes, three_factors):
    moments = sat.Moments.from_frame(holes, ITEMS, missing="em")
    with pytest.raises(OptionError, match="needs the answers"):
        sem(three_factors, moments, missing="fiml")
    for options, word in (
        (SemOptions("GLS"), "maximum likelihood"),
        (SemOptions("MLM"), "complete answers"),
        (SemOptions("ML", means=False), "estimates means"),
    ):
        with pytest.raises(OptionError, match=word):
            sem(three_factors, holes, options, missing="fiml")
    with pytest.raises(OptionError, match="moments of EM"):
        sem(three_factors, holes, SemOptions("GLS"), missing="two-stage")
    with pytest.raises(OptionError, match="groups="):
        sem(three_factors, holes.assign(g=1), missing="fiml", groups="g")
    fit = sem(three_factors, holes, missing="fiml")
    with pytest.raises(OptionError, match="not refitted") as e:
        fit.refit(fit.moments)
    assert "two-stage" in e.value.remedy
    with pytest.raises(OptionError, match="modification indices"):
        fit.modification_indices()
    assert "FIML" in str(fit.summary())


def test_an_unknown_policy_is_named(holes, three_factors):
    with pytest.raises((OptionError, DataError), match="fimll"):
        sem(three_factors, holes, missing="fimll")


def test_two_stages_are_ml_of_em_moments_with_larger_errors(holes, three_factors):
    moments = sat.Moments.from_frame(holes, ITEMS, missing="em")
    naive = sem(three_factors, moments)
    fit = sem(three_factors, holes, missing="two-stage")
    same = sem(three_factors, holes, missing="em")
    np.testing.assert_allclose(fit.theta, naive.theta, atol=1e-8)
    np.testing.assert_allclose(fit.vcov, same.vcov)
    assert "two stages" in str(fit.summary())
    full = sem(three_factors, holes, SemOptions("MLR"), missing="fiml")
    cov = full.table.free[[r.op != "~1" for r in full.table.rows]]
    at = cov[cov >= 0]
    ratio = np.sqrt(np.diag(fit.vcov) / np.diag(full.vcov)[at])
    assert 0.9 < np.median(ratio) < 1.2
    wider = np.sqrt(np.diag(fit.vcov) / np.diag(naive.vcov))
    assert np.median(wider) > 1.05


def answers(rng, draws, n):
    """Two factors of three items; two later items are missing by the first (MAR)."""
    f = rng.standard_normal((draws * n, 2))
    f[:, 1] = 0.6 * f[:, 0] + 0.8 * f[:, 1]
    e = 0.7 * rng.standard_normal((draws * n, 6))
    X = np.repeat(f, 3, axis=1) + e
    for k in (2, 4):
        lost = rng.random(len(X)) < 1 / (1 + np.exp(-1.5 * X[:, 0] + 0.7))
        X[lost, k] = np.nan
    frame = pd.DataFrame(X, columns=["a1", "a2", "a3", "b1", "b2", "b3"])
    return frame.assign(draw=np.repeat(np.arange(draws), n))


@pytest.mark.slow
def test_coverage_when_answers_are_missing_by_other_answers():
    """FIML and two stages cover the truth, listwise does not."""
    model = sat.StructuralModel.from_blocks(
        "two",
        constructs={"A": ["a1", "a2", "a3"], "B": ["b1", "b2", "b3"]},
        paths={"A": ["B"]},
        target="B",
    )
    frame = answers(np.random.default_rng(8), 200, 400)
    truth = {"A ~~ A": 1.0, "B ~ A": 0.6, "A =~ a3": 1.0}
    share = {}
    whole = frame.dropna()
    for missing in ("fiml", "two-stage", "listwise"):
        rows = whole if missing == "listwise" else frame
        fit = sem(model, rows, by="draw", missing=missing)
        rows = fit.estimates()
        name = rows.lhs + " " + rows.op + " " + rows.rhs
        for key, value in truth.items():
            part = rows[name == key]
            inside = (part.conf_low <= value) & (value <= part.conf_high)
            share[missing, key] = inside.mean()
        if missing == "fiml":
            assert fit.chi2.mean() / fit.df == pytest.approx(1, abs=0.12)
        if missing == "two-stage":
            assert fit.chi2_scaled.mean() / fit.df == pytest.approx(1, abs=0.12)
    for missing in ("fiml", "two-stage"):
        assert all(0.90 < share[missing, key] < 0.99 for key in truth), share
    assert share["listwise", "A ~~ A"] < 0.8, share


def test_a_fit_is_read_back(holes, three_factors):
    fit = sem(three_factors, holes, SemOptions("MLR"), missing="fiml")
    again = sat.read_result(fit.to_json())
    assert again.chi2_scaled == fit.chi2_scaled
    assert again.casewise.log_likelihood == fit.casewise.log_likelihood
    pd.testing.assert_frame_equal(again.fit_measures(), fit.fit_measures())


@pytest.mark.parametrize("missing", ["fiml", "two-stage"])
def test_doubled_rows_in_clusters_are_known_as_one(holes, three_factors, missing):
    twice = pd.concat([holes, holes]).reset_index(drop=True)
    twice["pair"] = np.tile(np.arange(len(holes)), 2)
    survey = sat.Survey(twice, cluster="pair")
    once = sem(three_factors, holes, SemOptions("MLR"), missing=missing)
    told = sem(three_factors, survey, SemOptions("MLR"), missing=missing)
    np.testing.assert_allclose(told.theta, once.theta, atol=1e-6)
    np.testing.assert_allclose(told.vcov, once.vcov, rtol=0.02, atol=1e-5)
    assert told.chi2_scaled == pytest.approx(float(once.chi2_scaled), rel=0.02)


def test_a_group_that_cannot_be_fitted_says_why_and_leaves_the_others(
    holes, three_factors
):
    frame = holes.assign(school=np.arange(len(holes)) % 2)
    frame.loc[frame.school == 1, "x4"] = np.nan
    fit = sem(three_factors, frame, by="school", missing="fiml")
    assert "x4" in fit.reasons[1]
    assert np.isnan(fit.theta[1]).all()
    assert np.isnan(fit.chi2[1])
    alone = sem(three_factors, frame[frame.school == 0], missing="fiml")
    np.testing.assert_allclose(fit.theta[0], alone.theta, atol=1e-7)


def test_resamples_are_those_of_two_stages_not_of_fiml(holes, three_factors):
    fit = sem(three_factors, holes, missing="fiml")
    with pytest.raises(OptionError, match="not refitted"):
        sat.bootstrap(fit, holes, n_draws=20, rng=1)
    staged = sem(three_factors, holes, missing="two-stage")
    drawn = sat.bootstrap(staged, holes, n_draws=60, rng=1)
    assert drawn.n_draws >= 50
