"""Reliability and validity against other programs and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.moment import _blocks


@pytest.fixture(scope="module")
def fit(mobile):
    return sat.pls("ecsi", mobile, sat.PlsOptions(scheme="centroid"))


def lower(frame, term, names):
    rows = frame[frame["term"] == term].set_index(["source", "target"])["estimate"]
    return [rows[names[i], names[j]] for i in range(len(names)) for j in range(i)]


def test_htmt_both_variants(fit, reference):
    known = reference("ecsi_htmt")
    frame = sat.assess(fit).to_frame()
    names = known["constructs"]
    np.testing.assert_allclose(
        lower(frame, "htmt_signed", names), known["signed"], atol=5.01e-5
    )
    np.testing.assert_allclose(
        lower(frame, "htmt2", names), known["htmt2"], atol=5.01e-5, equal_nan=True
    )
    pair = frame.query("term == 'htmt' and source == 'Loyalty' and target == 'Quality'")
    assert pair["estimate"].item() == pytest.approx(
        known["loyalty_quality"], abs=5.01e-5
    )


def test_undefined_htmt2_says_why(fit):
    frame = sat.assess(fit).to_frame().query("term == 'htmt2'")
    undefined = frame[frame["estimate"].isna()]
    assert list(zip(undefined["source"], undefined["target"], strict=True)) == [
        ("Loyalty", "Quality")
    ]
    assert "not positive" in undefined["reason"].item()
    assert (frame.loc[frame["estimate"].notna(), "reason"] == "").all()
    assert "not positive" in str(sat.assess(fit))


@pytest.mark.parametrize("term", ["alpha", "alpha_standardized"])
def test_alpha_raw_and_standardised(term, fit, reference):
    known = reference("ecsi_htmt")[term]
    rows = sat.assess(fit).to_frame().query("term == @term").set_index("construct")
    for construct, value in known.items():
        assert rows.loc[construct, "estimate"] == pytest.approx(value, abs=5.01e-7)
    assert np.isnan(rows.loc["Complaints", "estimate"])
    assert rows.loc["Complaints", "reason"] == "not defined for one indicator"


def test_rho_a_recovers_a_factor_population():
    """With weights proportional to loadings rho_A is the composite's reliability."""
    loadings = np.array([0.9, 0.7, 0.6, 0.5])
    sigma = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    w = loadings / np.sqrt(loadings @ sigma @ loadings)
    expected = (w @ loadings) ** 2
    owner = np.zeros(4, dtype=np.int64)
    assert _blocks.rho_a(sigma, w, owner, 1)[0] == pytest.approx(expected, abs=1e-12)


def test_parallel_items_give_spearman_brown():
    r = 0.4
    R = np.full((5, 5), r) + (1 - r) * np.eye(5)
    owner = np.zeros(5, dtype=np.int64)
    expected = 5 * r / (1 + 4 * r)
    assert _blocks.cronbach_alpha(R, owner, 1)[0] == pytest.approx(expected)
    loading = np.full(5, np.sqrt(r))
    assert _blocks.rho_c(loading, owner, 1)[0] == pytest.approx(expected)
    assert _blocks.ave(loading, owner, 1)[0] == pytest.approx(r)


def test_htmt_is_the_construct_correlation_of_parallel_items():
    lam, rho = 0.8, 0.55
    L = np.kron(np.eye(2), np.full((3, 1), lam))
    phi = np.array([[1, rho], [rho, 1]])
    R = L @ phi @ L.T
    np.fill_diagonal(R, 1)
    owner = np.repeat([0, 1], 3)
    for value in (
        _blocks.htmt(R, owner, 2),
        _blocks.htmt(R, owner, 2, signed=True),
        _blocks.htmt2(R, owner, 2),
    ):
        assert value[1, 0] == pytest.approx(rho, abs=1e-12)


def test_htmt2_is_exact_for_congeneric_items_and_htmt_is_not():
    lam, rho = np.array([0.9, 0.7, 0.5]), 0.55
    L = np.zeros((6, 2))
    L[:3, 0] = L[3:, 1] = lam
    R = L @ np.array([[1, rho], [rho, 1]]) @ L.T
    np.fill_diagonal(R, 1)
    owner = np.repeat([0, 1], 3)
    assert _blocks.htmt2(R, owner, 2)[1, 0] == pytest.approx(rho, abs=1e-12)
    assert abs(_blocks.htmt(R, owner, 2)[1, 0] - rho) > 1e-3


def test_vif_equals_statsmodels(mobi):
    influence = pytest.importorskip("statsmodels.stats.outliers_influence")
    ecsi = sat.models.load("ecsi")
    fit = sat.pls(ecsi, mobi)
    scores = fit.scores(mobi)
    frame = (
        sat.assess(fit).to_frame().query("term == 'vif' and target == 'Satisfaction'")
    )
    sources = list(frame["source"])
    X = np.column_stack([np.ones(250), scores[sources]])
    for k, value in enumerate(frame["estimate"]):
        expected = influence.variance_inflation_factor(X, k + 1)
        assert value == pytest.approx(expected, rel=1e-9)


def test_r2_adjusted_equals_ols(mobi):
    linear = pytest.importorskip("statsmodels.regression.linear_model")
    fit = sat.pls("ecsi", mobi)
    scores = fit.scores(mobi)
    X = np.column_stack([np.ones(250), scores[["Image", "Satisfaction", "Complaints"]]])
    other = linear.OLS(scores["Loyalty"].to_numpy(), X).fit()
    rows = sat.assess(fit).to_frame().query("construct == 'Loyalty'").set_index("term")
    assert rows.loc["r2", "estimate"] == pytest.approx(other.rsquared, rel=1e-9)
    assert rows.loc["r2_adjusted", "estimate"] == pytest.approx(
        other.rsquared_adj, rel=1e-9
    )


def test_fornell_larcker_and_cross_loadings(mobi):
    fit = sat.pls("ecsi", mobi)
    frame = sat.assess(fit).to_frame()
    table = frame.query("term == 'fornell_larcker'").set_index(["source", "target"])
    scores = fit.scores(mobi)
    expected = np.corrcoef(scores["Value"], scores["Image"])[0, 1]
    assert table.loc[("Value", "Image"), "estimate"] == pytest.approx(expected)
    ave = frame.query("term == 'ave' and construct == 'Value'")["estimate"].item()
    assert table.loc[("Value", "Value"), "estimate"] == pytest.approx(np.sqrt(ave))
    cross = frame.query("term == 'cross_loading' and indicator == 'CUSA1'")
    for construct, value in zip(cross["construct"], cross["estimate"], strict=True):
        expected = np.corrcoef(mobi["CUSA1"], scores[construct])[0, 1]
        assert value == pytest.approx(expected, abs=1e-10)


def test_batch_has_keys_first(mobi):
    fit = sat.pls("ecsi", mobi.assign(shop=np.arange(250) % 2), by="shop")
    frame = sat.assess(fit).to_frame()
    assert frame.columns[0] == "shop"
    one = sat.assess(fit.group(1)).to_frame()
    part = frame[frame["shop"] == 1].drop(columns="shop").reset_index(drop=True)
    pd.testing.assert_frame_equal(part[one.columns], one)


def test_wrong_argument_is_named():
    with pytest.raises(errors.OptionError, match=r"sat\.pls"):
        sat.assess("ecsi")
