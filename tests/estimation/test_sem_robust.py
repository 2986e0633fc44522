"""Errors and tests that do not assume normal answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.errors import MissingMomentsError
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions

CASES = {
    "hs_mlm": ("hs", "MLM"),
    "hs_mlr": ("hs", "MLR"),
    "pd_mlr": ("pd", "MLR"),
    "ecsi_cfa_mlm": ("mobile", "MLM"),
    "ecsi_cfa_mlr": ("mobile", "MLR"),
}
MEASURES = {
    "chi2_scaled": "chisq.scaled",
    "scaling": "chisq.scaling.factor",
    "baseline_chi2_scaled": "baseline.chisq.scaled",
    "baseline_scaling": "baseline.chisq.scaling.factor",
    "cfi_scaled": "cfi.scaled",
    "tli_scaled": "tli.scaled",
    "cfi_robust": "cfi.robust",
    "tli_robust": "tli.robust",
    "rmsea_scaled": "rmsea.scaled",
    "rmsea_robust": "rmsea.robust",
}


@pytest.fixture(params=CASES)
def known(request, lavaan, lavaan_answers, reference):
    name, estimator = CASES[request.param]
    fit = lavaan.case(name, lavaan_answers[name], estimator=estimator)
    return fit, reference(f"lavaan_{request.param}")


def close(ours, theirs, tol=1e-5):
    theirs = np.asarray(theirs, dtype=np.float64)
    error = np.abs(np.asarray(ours) - theirs) / np.maximum(np.abs(theirs), 1.0)
    assert error.max() < tol, error.max()


def test_robust_errors_are_lavaans(known, lavaan):
    fit, theirs = known
    theirs = theirs["parameters"]
    names = zip(theirs["lhs"], theirs["op"], theirs["rhs"], strict=True)
    order = [lavaan.key(*row) for row in names]
    frame = fit.estimates()
    own = [lavaan.key(*row) for row in zip(frame.lhs, frame.op, frame.rhs, strict=True)]
    at = [order.index(name) for name in own]
    close(frame["estimate"], np.take(theirs["est"], at))
    free = frame["free"].to_numpy()
    assert free.sum() == fit.table.n_free
    for word, column, tol in (
        ("se", "std_error", 1e-5),
        ("z", "statistic", 5e-5),
        ("ci.lower", "conf_low", 2e-5),
        ("ci.upper", "conf_high", 2e-5),
    ):
        close(frame[column][free], np.take(theirs[word], at)[free], tol)


def test_scaled_chi_square_and_measures_are_lavaans(known):
    fit, theirs = known
    theirs = theirs["fit"]
    close(fit.chi2, theirs["chisq"])
    close(fit.chi2_scaled, theirs["chisq.scaled"])
    frame = fit.fit_measures().set_index("term")
    for ours, word in MEASURES.items():
        close(frame.estimate[ours], theirs[word])
    close(frame.conf_low["rmsea_robust"], theirs["rmsea.ci.lower.robust"])
    close(frame.conf_high["rmsea_robust"], theirs["rmsea.ci.upper.robust"])


def normal_acov(moments):
    """Return the covariance of (mean, vech cov), divisor n, of normal answers."""
    S, n = moments.cov * (moments.n - 1) / moments.n, int(moments.n)
    i, j = np.triu_indices(len(S))
    by_cov = S[np.ix_(i, i)] * S[np.ix_(j, j)] + S[np.ix_(i, j)] * S[np.ix_(j, i)]
    zero = np.zeros((len(S), len(i)))
    return np.block([[S, zero], [zero.T, by_cov]]) / (n - 1)


def at_the_model(fit):
    """Return moments the model implies exactly."""
    n = int(fit.moments.n)
    return dataclasses.replace(
        fit.moments, cov=fit.matrices.Sigma[0] * n / (n - 1), acov=None
    )


@pytest.mark.parametrize("estimator", ["MLM", "MLR"])
@pytest.mark.parametrize("means", [False, True])
def test_of_normal_moments_the_errors_are_those_of_ml(
    lavaan, lavaan_answers, estimator, means
):
    plain = lavaan.case("hs", lavaan_answers["hs"], means=means)
    moments = at_the_model(plain)
    moments = dataclasses.replace(moments, acov=normal_acov(moments))
    made = lavaan.case("hs", moments, estimator=estimator, means=means)
    again = lavaan.case("hs", dataclasses.replace(moments, acov=None), means=means)
    np.testing.assert_allclose(made.theta, again.theta, atol=1e-7)
    np.testing.assert_allclose(made.vcov, again.vcov, rtol=1e-5, atol=1e-9)
    assert float(made.scaled.scaling) == pytest.approx(1, abs=1e-7)


def scores(fit, X):
    """Return each row's score for the free parameters, by differences."""

    def log_density(theta):
        M = fit.table.layout.groups[0].matrices(theta[None])
        d = X - (M.mu[0] if fit.table.means else X.mean(axis=0))
        log = np.linalg.slogdet(M.Sigma[0])[1]
        return -0.5 * (log + (d * np.linalg.solve(M.Sigma[0], d.T).T).sum(axis=1))

    step = 1e-5
    units = step * np.eye(len(fit.theta))
    return np.stack(
        [
            (log_density(fit.theta + u) - log_density(fit.theta - u)) / (2 * step)
            for u in units
        ],
        axis=1,
    )


@pytest.mark.parametrize("means", [False, True])
def test_sandwich_is_that_of_the_rows_scores(lavaan, lavaan_answers, means):
    fit = lavaan.case("hs", lavaan_answers["hs"], estimator="MLR", means=means)
    X = lavaan_answers["hs"][list(fit.table.observed)].to_numpy(dtype=np.float64)
    plain = lavaan.case("hs", lavaan_answers["hs"], information="observed", means=means)
    s = scores(fit, X)
    made = plain.vcov @ (s.T @ s) @ plain.vcov
    np.testing.assert_allclose(fit.vcov, made, rtol=2e-5, atol=1e-8)


def test_meat_counts_means_that_the_model_restricts(lavaan, lavaan_answers):
    free = lavaan.case("hs", lavaan_answers["hs"], estimator="MLR", means=True)
    rows = [
        dataclasses.replace(r, label="level")
        if r.op == "~1" and r.lhs in "x1 x3 x8"
        else r
        for r in free.table.rows
    ]
    table = dataclasses.replace(free.table, rows=tuple(rows))
    from satmetrics.estimation.sem import fit_covariances

    fits = [
        fit_covariances(
            free.model, table, free.moments, options, free.ends, free.sampling
        )
        for options in (
            SemOptions("MLR", means=True),
            SemOptions("ML", information="observed", means=True),
        )
    ]
    X = lavaan_answers["hs"][list(table.observed)].to_numpy(dtype=np.float64)
    s = scores(fits[0], X)
    made = fits[1].vcov @ (s.T @ s) @ fits[1].vcov
    np.testing.assert_allclose(fits[0].vcov, made, rtol=5e-5, atol=1e-8)


def test_bare_moments_say_what_they_lack():
    mobile = sat.datasets.moments("ecsi_mobile")
    with pytest.raises(MissingMomentsError, match="covariance of the moments") as e:
        sem("ecsi", mobile, SemOptions("MLR"))
    assert "acov=True" in e.value.remedy


def test_moments_with_their_covariance_give_what_answers_give(
    waves_of_one, model_of_one
):
    answers = waves_of_one
    direct = sem(model_of_one, answers, SemOptions("MLM"))
    moments = sat.Moments.from_frame(answers, model_of_one.indicators, acov=True)
    bare = sem(model_of_one, moments, SemOptions("MLM"))
    np.testing.assert_allclose(direct.vcov, bare.vcov, rtol=1e-10)
    assert "Satorra-Bentler" in str(direct.summary())


@pytest.fixture
def model_of_one():
    return sat.StructuralModel.from_blocks(
        "two",
        constructs={"A": ["a1", "a2", "a3"], "B": ["b1", "b2", "b3"]},
        paths={"A": ["B"]},
        target="B",
    )


def skewed(rng, n, tail=1):
    """Answers of two factors with skewed latents and residuals, all loadings 1."""
    z = rng.chisquare(tail, size=(n, 8)) - tail
    z /= np.sqrt(2 * tail)
    a = z[:, 0]
    b = 0.6 * a + 0.8 * z[:, 1]
    return np.concatenate(
        [a[:, None] + 0.8 * z[:, 2:5], b[:, None] + 0.8 * z[:, 5:]], 1
    )


@pytest.fixture
def waves_of_one():
    import pandas as pd

    X = skewed(np.random.default_rng(4), 400)
    return pd.DataFrame(X, columns=["a1", "a2", "a3", "b1", "b2", "b3"])


def test_groups_are_the_fits_of_each(waves_of_one, model_of_one):
    frame = waves_of_one.assign(place=np.arange(400) % 2)
    both = sem(model_of_one, frame, SemOptions("MLR"), by="place")
    for g in (0, 1):
        alone = sem(model_of_one, frame[frame.place == g], SemOptions("MLR"))
        np.testing.assert_allclose(both.vcov[g], alone.vcov, rtol=1e-8)
        assert both.chi2_scaled[g] == pytest.approx(float(alone.chi2_scaled))


def test_doubled_rows_in_clusters_are_known_as_one(waves_of_one, model_of_one):
    import pandas as pd

    frame = pd.concat([waves_of_one, waves_of_one]).reset_index(drop=True)
    frame["pair"] = np.tile(np.arange(400), 2)
    survey = sat.Survey(frame, cluster="pair")
    once = sem(model_of_one, waves_of_one, SemOptions("MLR"))
    told = sem(model_of_one, survey, SemOptions("MLR"))
    untold = sem(model_of_one, frame, SemOptions("MLR"))
    np.testing.assert_allclose(told.vcov, once.vcov, rtol=0.01)
    np.testing.assert_allclose(untold.vcov, once.vcov / 2, rtol=0.01)
    assert told.chi2_scaled == pytest.approx(float(once.chi2_scaled), rel=0.02)


@pytest.mark.slow
def test_coverage_with_skewed_answers(model_of_one):
    """Residual variances and paths: ML covers too seldom, the sandwich nearly 95 %."""
    import pandas as pd

    rng = np.random.default_rng(11)
    draws, n = 400, 600
    X = np.concatenate([skewed(rng, n, tail=4) for _ in range(draws)])
    frame = pd.DataFrame(X, columns=["a1", "a2", "a3", "b1", "b2", "b3"])
    frame["draw"] = np.repeat(np.arange(draws), n)
    truth = {"a2 ~~ a2": 0.64, "A ~~ A": 1.0, "B ~ A": 0.6}
    share, tests = {}, {}
    for estimator in ("ML", "MLM", "MLR"):
        fit = sem(model_of_one, frame, SemOptions(estimator), by="draw")
        rows = fit.estimates()
        name = rows.lhs + " " + rows.op + " " + rows.rhs
        for key, value in truth.items():
            part = rows[name == key]
            inside = (part.conf_low <= value) & (value <= part.conf_high)
            share[estimator, key] = inside.mean()
        tests[estimator] = fit.chi2 if estimator == "ML" else fit.chi2_scaled
    for estimator in ("MLM", "MLR"):
        for key in truth:
            assert 0.90 < share[estimator, key] < 0.98, share
        assert tests[estimator].mean() / fit.df == pytest.approx(1, abs=0.12)
    assert share["ML", "a2 ~~ a2"] < 0.89, share
    assert share["ML", "A ~~ A"] < 0.925, share
