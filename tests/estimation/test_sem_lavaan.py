"""Single-group covariance structure models against lavaan 0.6-14."""

from __future__ import annotations

import numpy as np
import pytest

from satmetrics.estimation.sem import sem

CASES = {
    "hs_ml": ("hs", {}),
    "hs_gls": ("hs", {"estimator": "GLS"}),
    "hs_uls": ("hs", {"estimator": "ULS"}),
    "hs_ml_meanstructure": ("hs", {"means": True}),
    "hs_ml_observed_info": ("hs", {"information": "observed"}),
    "hs_ml_std_lv": ("hs", {"identification": "variance"}),
    "hs_ml_wishart": ("hs", {"likelihood": "wishart"}),
    "pd_ml": ("pd", {}),
    "pd_ml_meanstructure": ("pd", {"means": True}),
    "ecsi_cfa_ml": ("mobile", {}),
}

WHOLE = ("hs_ml", "hs_gls", "hs_uls", "pd_ml", "ecsi_cfa_ml")
"""Cases of which lavaan's standardised solution and R² are recorded."""

MEASURES = {
    "chi2": "chisq",
    "df": "df",
    "p_value": "pvalue",
    "baseline_chi2": "baseline.chisq",
    "baseline_df": "baseline.df",
    "baseline_p_value": "baseline.pvalue",
    "rmsea_close_p": "rmsea.pvalue",
    "rmsea_poor_p": "rmsea.notclose.pvalue",
    "log_likelihood": "logl",
    "log_likelihood_unrestricted": "unrestricted.logl",
    "bic_adjusted": "bic2",
    "hoelter_05": "cn_05",
    "hoelter_01": "cn_01",
    "n_parameters": "npar",
}
"""Our terms of lavaan's measures, where they differ."""


@pytest.fixture(params=CASES)
def known(request, lavaan, lavaan_answers, reference):
    """Return a fit and lavaan's numbers."""
    name, options = CASES[request.param]
    fit = lavaan.case(name, lavaan_answers[name], **options)
    return fit, reference(f"lavaan_{request.param}")


def close(ours, theirs, tol=1e-5):
    theirs = np.asarray(theirs, dtype=np.float64)
    error = np.abs(np.asarray(ours) - theirs) / np.maximum(np.abs(theirs), 1.0)
    assert error.max() < tol, error.max()


def names_of(rows):
    return zip(rows["lhs"], rows["op"], rows["rhs"], strict=True)


def in_their_order(frame, theirs, key):
    """Return the rows of our frame in the order of lavaan's, without its zero means."""
    own = [key(*row) for row in names_of(frame)]
    order = [key(*row) for row in names_of(theirs)]
    assert set(own) <= set(order)
    keep = [k for k, name in enumerate(order) if name in own]
    lost = [theirs["se"][k] for k in range(len(order)) if k not in keep]
    assert not any(lost)  # what we do not print is fixed
    return frame.iloc[[own.index(order[k]) for k in keep]], keep


def test_estimates_errors_tests_and_intervals(known, lavaan):
    fit, theirs = known
    theirs = theirs["parameters"]
    frame, keep = in_their_order(fit.estimates(), theirs, lavaan.key)
    close(frame["estimate"], np.take(theirs["est"], keep))
    error = np.take(theirs["se"], keep)
    free = error > 0
    assert np.isnan(frame["std_error"][~free]).all()
    for ours, column in (
        ("std_error", "se"),
        ("statistic", "z"),
        ("p_value", "pvalue"),
        ("conf_low", "lower"),
        ("conf_high", "upper"),
    ):
        close(frame[ours][free], np.take(theirs[column], keep)[free], 5e-5)


def test_size_and_chi_square(known):
    fit, theirs = known
    assert fit.df == theirs["fit"]["df"]
    assert fit.table.n_free == theirs["npar"]
    assert fit.moments.n == theirs["n"]
    close(fit.chi2, theirs["fit"]["chisq"], 1e-7)


def test_fit_measures(known):
    fit, theirs = known
    frame, theirs = fit.fit_measures().set_index("term"), theirs["fit"]
    assert ("log_likelihood" in frame.index) == (fit.options.estimator == "ML")
    for term, row in frame.iterrows():
        value = theirs[MEASURES.get(term, term)]
        if np.isnan(value):
            assert np.isnan(row["estimate"]), term
        else:
            close(row["estimate"], value, 1e-5)
    limits = frame.loc["rmsea", ["conf_low", "conf_high"]]
    close(limits, [theirs["rmsea.ci.lower"], theirs["rmsea.ci.upper"]])


@pytest.mark.parametrize("known", WHOLE, indirect=True)
def test_standardised(known, lavaan):
    fit, theirs = known
    both = {**theirs["parameters"], **theirs["standardized"]}
    frame, keep = in_their_order(fit.standardized(), both, lavaan.key)
    close(frame["estimate"], np.take(both["est"], keep))
    free = np.take(both["se"], keep) > 1e-9
    close(frame["std_error"][free], np.take(both["se"], keep)[free])
    assert np.isnan(frame["std_error"][~free]).all()


@pytest.mark.parametrize("known", WHOLE, indirect=True)
def test_explained(known):
    fit, theirs = known
    found = fit.measurement().set_index("indicator")["r2"].to_dict()
    found |= fit.r2().set_index("construct")["estimate"].to_dict()
    assert set(found) == set(theirs["r2"])
    close(list(found.values()), [theirs["r2"][name] for name in found])


@pytest.mark.parametrize("what", ["implied", "latent"])
def test_implied_covariances(known, what):
    fit, theirs = known
    frame = fit.implied() if what == "implied" else fit.construct_cov()
    names = theirs[what]["names"]
    found = frame.set_index(frame.columns[0]).loc[names, names].to_numpy()
    close(found[np.tril_indices(len(names))], theirs[what]["lower"])


def test_full_ecsi_of_the_mobile_data(mobi, mobile, reference):
    theirs = reference("lavaan_ecsi")
    for data in (mobi, mobile):
        fit = sem("ecsi", data)
        assert abs(fit.chi2 - theirs["chisq"]) < 1e-3
        assert (fit.df, fit.table.n_free) == (theirs["df"], theirs["npar"])
        measured = fit.measurement()
        for stem, loadings in theirs["loadings"].items():
            rows = measured[measured["indicator"].str.startswith(stem)]
            np.testing.assert_allclose(rows["loading"], loadings, atol=5.01e-4)
        measures = fit.fit_measures().set_index("term")
        for term in ("cfi", "tli", "rmsea", "srmr"):
            assert abs(measures.loc[term, "estimate"] - theirs[term]) < 5.01e-4
        for term, name in (("log_likelihood", "logl"), ("aic", "aic"), ("bic", "bic")):
            assert abs(measures.loc[term, "estimate"] - theirs[name]) < 1e-3
        for end, name in (("conf_low", "rmsea_lower"), ("conf_high", "rmsea_upper")):
            assert abs(measures.loc["rmsea", end] - theirs[name]) < 5.01e-4
        corr = fit.construct_corr().set_index("construct")
        for pair, value in theirs["correlations"].items():
            one, other = pair.split("-")
            assert abs(corr.loc[one, other] - value) < 5.01e-4


@pytest.mark.parametrize("known", ["hs_ml", "pd_ml", "ecsi_cfa_ml"], indirect=True)
def test_modification_indices(known, lavaan):
    fit, theirs = known
    theirs = theirs["modification"]
    frame = fit.modification_indices()
    own = [lavaan.key(*row) for row in names_of(frame)]
    assert (np.diff(frame["statistic"]) <= 0).all()
    order = [lavaan.key(*row) for row in names_of(theirs)]
    assert own[: len(order)] == order
    top = frame.head(len(order))
    for column, name in (
        ("statistic", "mi"),
        ("expected_change", "epc"),
        ("change_lv", "sepc_lv"),
        ("change_all", "sepc_all"),
    ):
        close(top[column], theirs[name], 5e-5)
