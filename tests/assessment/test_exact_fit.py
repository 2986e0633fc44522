"""The bootstrap test of exact fit: cSEM's statistics, transformation, size, faults."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import _fit_measures as measures

TIGHT = dataclasses.replace(sat.PlsOptions.like("csem"), tol=1e-12)
ITEMS = [f"x{k}" for k in range(1, 7)]
LOADINGS = np.array([0.9, 0.8, 0.7, 0.85, 0.75, 0.65])


def population(rho=0.5):
    L = np.zeros((6, 2))
    L[:3, 0], L[3:, 1] = LOADINGS[:3], LOADINGS[3:]
    R = L @ np.array([[1, rho], [rho, 1]]) @ L.T
    np.fill_diagonal(R, 1)
    return R


def two_factors():
    return sat.StructuralModel.from_blocks(
        "two",
        {"a": ITEMS[:3], "b": ITEMS[3:]},
        {"a": ["b"]},
        kinds={"a": "factor", "b": "factor"},
    )


def sample(rng, n, R):
    X = rng.normal(size=(n, len(R))) @ np.linalg.cholesky(R).T
    return pd.DataFrame(X * [1, 2, 1, 3, 1, 1] + 4, columns=ITEMS)


@pytest.mark.parametrize("form", ["estimated", "saturated"])
def test_statistics_and_quantiles_of_csem(form, mobi, reference):
    """Disturbances 1 − R²; d_G there with base 10; mode A, path scheme."""
    known = reference("ecsi_exact_fit_csem")[form]
    fit = sat.pls("ecsi", mobi, TIGHT)
    test = sat.assessment.exact_fit(fit, mobi, form=form, n_draws=999, rng=7)
    rows = test.to_frame().set_index("term")
    base = {"srmr": 1.0, "d_uls": 1.0, "d_g": np.log(10) ** 2}
    for term, factor in base.items():
        name = term if term != "d_g" else "d_g_base10"
        expected = known["statistic"][name] * factor
        assert rows.loc[term, "estimate"] == pytest.approx(expected, rel=1e-9)
        expected = known["critical"][name] * factor
        assert rows.loc[term, "critical"] == pytest.approx(expected, rel=0.06)
    assert (rows["form"] == form).all()


def test_transformed_answers_have_the_implied_covariances(mobi):
    """Computed on rows here: X S^(−½) Σ^(½) by an eigendecomposition of our own."""
    fit = sat.pls("ecsi", mobi, TIGHT)
    X = mobi[list(fit.model.indicators)]
    Z = ((X - X.mean()) / X.std()).to_numpy()
    R, T = np.corrcoef(Z.T), fit.implied_matrix()
    A, ok = measures.imposing(R, T)
    assert ok
    np.testing.assert_allclose(np.cov((Z @ A).T), T, atol=1e-12)
    np.testing.assert_allclose(A.T @ R @ A, T, atol=1e-12)


def test_draws_are_fits_of_resampled_transformed_rows(rng):
    """One draw, done on rows: the moment route gives the same distances."""
    from satmetrics.inference.source import source_of

    data = sample(rng, 200, population())
    fit = sat.pls(two_factors(), data)
    test = sat.assessment.exact_fit(fit, data, n_draws=3, rng=5)
    drawn = next(source_of(fit, data).batches(3, np.random.default_rng(5)))
    Z = ((data - data.mean()) / data.std()).to_numpy()
    A, _ = measures.imposing(np.corrcoef(Z.T), fit.implied_matrix())
    for counts, values in zip(drawn.counts, test.draws, strict=True):
        rows = np.repeat(Z @ A, counts.astype(int), axis=0)
        again = sat.pls(two_factors(), pd.DataFrame(rows, columns=ITEMS))
        S, T = np.corrcoef(rows.T), again.implied_matrix()
        expected = [float(f(S, T)) for f in (measures.srmr, measures.d_uls)]
        np.testing.assert_allclose(values[:2], expected, rtol=1e-6)


def test_a_wrong_model_is_rejected_and_the_right_one_is_not(rng):
    data = sample(rng, 400, population())
    right = sat.assessment.exact_fit(
        sat.pls(two_factors(), data), data, n_draws=499, rng=1
    )
    assert (right.to_frame()["p_value"] > 0.05).all()
    R = population()
    R[0, 1] = R[1, 0] = 0.35
    other = sample(rng, 400, R)
    wrong = sat.assessment.exact_fit(
        sat.pls(two_factors(), other), other, n_draws=499, rng=1
    )
    assert (wrong.to_frame()["p_value"] < 0.05).all()


def test_p_value_and_quantile_are_those_of_the_draws(rng):
    data = sample(rng, 300, population())
    fit = sat.pls(two_factors(), data)
    test = sat.assessment.exact_fit(fit, data, n_draws=199, level=0.9, rng=3)
    rows = test.to_frame()
    far = (test.draws >= rows["estimate"].to_numpy()).sum(axis=0)
    np.testing.assert_allclose(rows["p_value"], (far + 1) / (len(test.draws) + 1))
    np.testing.assert_allclose(rows["critical"], np.quantile(test.draws, 0.9, axis=0))
    again = sat.assessment.exact_fit(fit, data, n_draws=199, level=0.9, rng=3)
    np.testing.assert_array_equal(test.draws, again.draws)


def test_reversed_items_and_units_do_not_matter(rng):
    data = sample(rng, 300, population()).round(2)
    plain = sat.assessment.exact_fit(
        sat.pls(two_factors(), data), data, n_draws=20, rng=2
    )
    model = two_factors()
    first = dataclasses.replace(model.constructs[0], reverse=("x2",), scale=(-8, 12.5))
    model = dataclasses.replace(model, constructs=(first, model.constructs[1]))
    turned = data.assign(x2=4.5 - data["x2"])
    other = sat.assessment.exact_fit(sat.pls(model, turned), turned, n_draws=20, rng=2)
    np.testing.assert_allclose(plain.draws, other.draws, rtol=1e-6)
    wider = data * 10
    third = sat.assessment.exact_fit(
        sat.pls(two_factors(), wider), wider, n_draws=20, rng=2
    )
    np.testing.assert_allclose(plain.draws, third.draws, rtol=1e-6)


def test_from_moments_it_is_normal_theory(mobile):
    fit = sat.pls("ecsi", mobile)
    test = sat.assessment.exact_fit(fit, n_draws=50, rng=1)
    assert test.resampled == "normal theory"
    assert "normal theory, no answers" in str(test)
    assert "essentially arbitrary" in str(test)


def test_faults_have_names(mobi, mobile):
    fit = sat.pls("ecsi", mobi)
    with pytest.raises(errors.OptionError, match="form='both'"):
        sat.assessment.exact_fit(fit, mobi, form="both")
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        sat.assessment.exact_fit(fit, mobi.head(200))
    with pytest.raises(errors.OptionError, match=r"sat\.pls"):
        sat.assessment.exact_fit(mobi, mobi)
    batch = sat.pls("ecsi", mobi.assign(g=np.arange(250) % 2), by="g")
    with pytest.raises(errors.OptionError, match="one group at a time"):
        sat.assessment.exact_fit(batch, mobi)
    with pytest.raises(errors.OptionError, match="rng"):
        sat.assessment.exact_fit(fit, mobi, seed=1)


def test_no_transformation_of_too_few_rows(mobi):
    few = mobi.head(20)
    with pytest.warns(errors.SmallSampleWarning):
        fit = sat.pls("ecsi", few)
    with pytest.raises(errors.NotIdentifiedError, match="not positive definite"):
        sat.assessment.exact_fit(fit, few, n_draws=10, rng=1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::satmetrics.errors.InadmissibleWarning")
def test_size_of_the_test():
    """300 samples of a model that holds: the 5 % test rejects about 5 %."""
    p = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        data = sample(rng, 300, population())
        fit = sat.pls(two_factors(), data)
        test = sat.assessment.exact_fit(fit, data, n_draws=199, rng=seed)
        p.append(test.to_frame()["p_value"])
    rejected = (np.array(p) <= 0.05).mean(axis=0)
    assert (rejected < 0.09).all(), rejected
    assert (rejected > 0.01).all(), rejected
