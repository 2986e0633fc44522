"""Effect sizes, collinearity, fit and admissibility, computed another way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import _fit_measures as measures

THREE = {
    "Image": [f"IMAG{k}" for k in range(1, 6)],
    "Expectation": ["CUEX1", "CUEX2", "CUEX3"],
    "Value": ["PERV1", "PERV2"],
    "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
}


def star(modes=None, kinds=None, drop=()):
    sources = [name for name in THREE if name not in ("Satisfaction", *drop)]
    blocks = {name: THREE[name] for name in (*sources, "Satisfaction")}

    def named(given):
        return {k: v for k, v in (given or {}).items() if k in blocks}

    return sat.StructuralModel.from_blocks(
        "star",
        blocks,
        {name: ["Satisfaction"] for name in sources},
        modes=named(modes),
        kinds=named(kinds),
    )


def rows(result, term):
    frame = result.to_frame()
    return frame[frame["term"] == term]


@pytest.mark.parametrize("scheme", ["path", "factorial", "centroid"])
@pytest.mark.parametrize(
    "kwargs",
    [{}, {"modes": {"Value": "B"}}, {"kinds": {"Expectation": "factor"}}],
    ids=["A", "B", "factor"],
)
def test_f2_refit_is_a_fit_of_the_smaller_model(scheme, kwargs, mobi):
    """A source left without neighbours is out of the model, as if it were not there."""
    options = sat.PlsOptions(scheme=scheme, tol=1e-12)
    fit = sat.pls(star(**kwargs), mobi, options)
    whole = fit.r_squared[3]
    found = rows(sat.assess(fit), "f2_refit").set_index("source")["estimate"]
    for name in ("Image", "Expectation", "Value"):
        smaller = sat.pls(star(**kwargs, drop=(name,)), mobi, options)
        without = smaller.r_squared[-1]
        expected = (whole - without) / (1 - whole)
        assert found[name] == pytest.approx(expected, abs=1e-9)


def test_f2_fixed_is_a_regression_of_the_scores(mobi):
    linear = pytest.importorskip("statsmodels.regression.linear_model")
    fit = sat.pls("ecsi", mobi)
    scores = fit.scores(mobi)
    sources = ["Image", "Expectation", "Quality", "Value"]
    y = scores["Satisfaction"].to_numpy()
    whole = linear.OLS(y, scores[sources].to_numpy()).fit().rsquared
    found = rows(sat.assess(fit), "f2_fixed").query("target == 'Satisfaction'")
    for source, value in zip(found["source"], found["estimate"], strict=True):
        others = [s for s in sources if s != source]
        without = linear.OLS(y, scores[others].to_numpy()).fit().rsquared
        assert value == pytest.approx((whole - without) / (1 - whole), rel=1e-9)


def test_item_and_full_vif_are_inverse_correlations(mobi):
    fit = sat.pls("ecsi", mobi)
    found = sat.assess(fit)
    quality = [f"PERQ{k}" for k in range(1, 8)]
    expected = np.diag(np.linalg.inv(mobi[quality].corr()))
    values = rows(found, "vif_item").set_index("indicator")["estimate"]
    np.testing.assert_allclose(values[quality], expected, rtol=1e-9)
    scores = fit.scores(mobi)
    expected = np.diag(np.linalg.inv(scores.corr()))
    full = rows(found, "vif_full").set_index("construct")["estimate"]
    np.testing.assert_allclose(full[list(scores)], expected, rtol=1e-9)


def test_a_batch_is_its_groups_one_by_one(mobi):
    data = mobi.assign(shop=np.arange(250) % 3)
    fit = sat.pls("ecsi", data, by="shop")
    frame = sat.assess(fit).to_frame()
    for shop in range(3):
        one = sat.assess(fit.group(shop)).to_frame()
        part = frame[frame["shop"] == shop].drop(columns="shop").reset_index(drop=True)
        pd.testing.assert_frame_equal(part[one.columns], one, rtol=1e-8)


def test_a_failed_group_says_why_in_every_row(mobi):
    data = mobi.assign(shop=np.arange(250) % 2)
    data.loc[data["shop"] == 1, "CUSA2"] = 7
    fit = sat.pls("ecsi", data, by="shop")
    frame = sat.assess(fit).to_frame()
    lost = frame.query("shop == 1 and term in ('srmr', 'f2_refit', 'f2_fixed', 'gof')")
    assert lost["estimate"].isna().all()
    told = lost[lost["term"] != "gof"]["reason"]
    assert (told == "zero variance: CUSA2").all()
    verdict = frame.query("term == 'admissible'").set_index("shop")
    assert list(verdict["estimate"]) == [1.0, 0.0]
    assert verdict.loc[1, "reason"] == "zero variance: CUSA2"
    assert frame.query("shop == 0 and term == 'srmr'")["estimate"].notna().all()


def test_distances_of_a_population_that_fits_are_zero():
    """Two factors: consistent PLS reproduces their correlations exactly."""
    lam, rho = np.array([0.9, 0.8, 0.7, 0.85, 0.75, 0.65]), 0.6
    L = np.zeros((6, 2))
    L[:3, 0], L[3:, 1] = lam[:3], lam[3:]
    R = L @ np.array([[1, rho], [rho, 1]]) @ L.T
    np.fill_diagonal(R, 1)
    items = [f"x{k}" for k in range(6)]
    model = sat.StructuralModel.from_blocks(
        "two",
        {"a": items[:3], "b": items[3:]},
        {"a": ["b"]},
        kinds={"a": "factor", "b": "factor"},
    )
    m = sat.Moments.from_table(np.zeros(6), np.ones(6), R, n=200, names=items)
    frame = sat.assess(sat.pls(model, m)).to_frame()
    for term in ("srmr", "d_uls", "d_g"):
        values = frame.loc[frame["term"] == term, "estimate"]
        assert len(values) == 2
        np.testing.assert_allclose(values, 0, atol=1e-8)
    assert frame.query("term == 'largest_rho_a'")["estimate"].item() < 1
    assert frame.query("term == 'admissible'")["estimate"].item() == 1


def test_fit_measures_by_their_definitions(rng):
    A, B = rng.normal(size=(2, 40, 5))
    S, T = np.corrcoef(A.T), np.corrcoef(B.T)
    entries = [(S[i, j] - T[i, j]) ** 2 for i in range(5) for j in range(i + 1)]
    assert measures.srmr(S, T) == pytest.approx(np.sqrt(np.mean(entries)))
    assert measures.d_uls(S, T) == pytest.approx(0.5 * np.sum((S - T) ** 2))
    phi = np.linalg.eigvals(np.linalg.solve(S, T)).real
    assert measures.d_g(S, T) == pytest.approx(0.5 * np.sum(np.log(phi) ** 2))
    assert measures.d_g(T, S) == pytest.approx(measures.d_g(S, T))
    singular = np.ones((5, 5))
    assert np.isnan(measures.d_g(singular, T))
    assert np.isnan(measures.d_g(S, singular))
    both = measures.d_g(np.stack([S, singular]), np.stack([T, T]))
    assert both[0] == pytest.approx(float(measures.d_g(S, T)))
    assert np.isnan(both[1])


def test_reversed_indicators_do_not_change_an_assessment(mobi):
    ecsi = sat.models.load("ecsi")
    turned = dataclasses.replace(
        ecsi,
        status="own",
        constructs=tuple(
            dataclasses.replace(c, reverse=("CUSA2",))
            if c.name == "Satisfaction"
            else c
            for c in ecsi.constructs
        ),
    )
    data = mobi.assign(CUSA2=11 - mobi["CUSA2"])
    one = sat.assess(sat.pls("ecsi", mobi)).to_frame()
    other = sat.assess(sat.pls(turned, data)).to_frame()
    np.testing.assert_allclose(one["estimate"], other["estimate"], atol=1e-8)


def test_inadmissible_solution_is_named(mobi):
    ecsi = sat.models.load("ecsi")
    factors = dataclasses.replace(
        ecsi,
        constructs=tuple(
            dataclasses.replace(c, kind="factor") for c in ecsi.constructs
        ),
    )
    with pytest.warns(errors.InadmissibleWarning):
        fit = sat.pls(factors, mobi)
    frame = sat.assess(fit).to_frame().set_index("term")
    assert frame.loc["admissible", "estimate"] == 0
    assert "not positive semi-definite" in frame.loc["admissible", "reason"]
    lowest = np.linalg.eigvalsh(fit.corr)[0]
    assert frame.loc["lowest_eigenvalue", "estimate"] == pytest.approx(lowest)
    assert lowest < 0
    full = frame.loc["vif_full"]
    assert full["estimate"].isna().all()
    assert (full["reason"] == "construct correlations are not positive definite").all()


def test_constructs_made_of_constructs_are_assessed_stage_by_stage(mobi):
    model = sat.StructuralModel.from_blocks(
        "higher",
        THREE,
        {"Both": ["Satisfaction"], "Value": ["Satisfaction"]},
        higher={"Both": ["Image", "Expectation"]},
    )
    fit = sat.pls(model, mobi)
    last = sat.assess(fit)
    assert set(rows(last, "alpha")["construct"]) == {"Both", "Value", "Satisfaction"}
    assert "fit.earlier[0]" in str(last)
    first = rows(sat.assess(fit.earlier[0]), "alpha").set_index("construct")
    plain = rows(sat.assess(sat.pls("ecsi", mobi)), "alpha").set_index("construct")
    for name in ("Image", "Expectation"):
        expected = plain.loc[name, "estimate"]
        assert first.loc[name, "estimate"] == pytest.approx(expected)
    with pytest.raises(errors.SpecificationError, match="higher-order"):
        sat.assessment.exact_fit(fit, mobi)


def test_gof_is_legacy_wherever_it_is_read(mobi):
    result = sat.assess(sat.pls("ecsi", mobi))
    assert rows(result, "gof")["reason"].item().startswith("legacy")
    assert "legacy" in str(result)


def test_rules_of_thumb_are_data_and_say_so(mobi):
    rules = sat.assessment.guidance().to_frame()
    assert rules["term"].is_unique
    assert (rules["source"] != "").all()
    assert set(rules["status"]) == {"read", "read second-hand"}
    text = str(sat.assess(sat.pls("ecsi", mobi)))
    assert text.count("rule of thumb") >= 8
    assert "passed" not in text
    assert "failed" not in text


def test_summary_shows_the_variants_of_the_options(mobi):
    own = str(sat.assess(sat.pls("ecsi", mobi)))
    assert "HTMT (mean of |r|)" in own
    assert "variants as in" not in own
    like = str(sat.assess(sat.pls("ecsi", mobi, sat.PlsOptions.like("csem"))))
    assert "HTMT (mean of r)" in like
    assert "scores held" in like
    assert "variants as in: cSEM 0.6.1.9000" in like


def test_adjusted_r2_counts_the_effective_respondents(mobi, rng):
    """Weights do not make respondents: scaling them all changes nothing."""
    w = rng.uniform(0.2, 5, len(mobi))
    adjusted = []
    for weights in (w, 10 * w):
        fit = sat.pls("ecsi", mobi.assign(w=weights), weights="w")
        frame = sat.assess(fit).to_frame().query("term == 'r2_adjusted'")
        adjusted.append(frame.set_index("construct")["estimate"])
    n = w.sum() ** 2 / (w**2).sum()
    r2 = fit.r2().set_index("construct")["estimate"]
    for name in adjusted[0].index:
        predictors = int(fit.model.adjacency()[:, fit.model.names.index(name)].sum())
        expected = 1 - (1 - r2[name]) * (n - 1) / (n - predictors - 1)
        assert adjusted[0][name] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(*adjusted, atol=1e-12)
