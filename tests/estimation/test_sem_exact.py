"""Populations are recovered exactly; what cannot be estimated is refused by name."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.errors import DataError, InadmissibleWarning, NotIdentifiedError
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.simulate import model_coefficients, model_loadings, model_population


@pytest.mark.parametrize("name", sat.models.names())
def test_populations_of_the_catalogue(name):
    fit = sem(name, model_population(name))
    paths, loadings = model_coefficients(name), model_loadings(name)
    assert abs(fit.chi2) < 1e-8
    found = fit.paths()
    truth = [paths[r.source][r.target] for r in found.itertuples()]
    np.testing.assert_allclose(found["standardized"], truth, atol=1e-8)
    measured = fit.measurement()
    for row in measured.itertuples():
        alone = (measured["construct"] == row.construct).sum() == 1
        truth = 1.0 if alone else loadings.get(row.indicator)
        if truth is not None:  # components of higher orders have none
            assert row.loading == pytest.approx(truth, abs=1e-8)


@pytest.mark.parametrize("estimator", ["ML", "GLS", "ULS"])
@pytest.mark.parametrize("identification", ["marker", "variance"])
def test_every_estimator_recovers_a_population(estimator, identification):
    options = SemOptions(estimator=estimator, identification=identification)
    fit = sem("ecsi", model_population("ecsi"), options)
    paths = model_coefficients("ecsi")
    found = fit.paths()
    truth = [paths[r.source][r.target] for r in found.itertuples()]
    np.testing.assert_allclose(found["standardized"], truth, atol=1e-8)
    assert abs(fit.chi2) < 1e-8
    measures = fit.fit_measures().set_index("term")["estimate"]
    assert measures["cfi"] == pytest.approx(1)
    assert measures["srmr"] == pytest.approx(0, abs=1e-8)


def test_units_of_the_data_do_not_matter(lavaan_answers):
    data = lavaan_answers["hs"]
    text = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
    scaled = data.copy()
    items = [f"x{k}" for k in range(1, 10)]
    scaled[items] = data[items] * 10.0 ** np.array([-5, 4, 0, 3, -2, 5, 1, -4, 2])
    one, other = sem(text, data), sem(text, scaled)
    assert other.chi2 == pytest.approx(one.chi2, rel=1e-9)
    np.testing.assert_allclose(
        one.standardized()["estimate"], other.standardized()["estimate"], rtol=1e-7
    )
    np.testing.assert_allclose(
        one.estimates()["statistic"], other.estimates()["statistic"], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("text", "named", "not_named"),
    [
        ("visual =~ x1 + x2", "visual =~ x2", "x3"),
        ("visual =~ NA*x1 + x2 + x3", "visual ~~ visual", "x1 ~~ x1"),
        (
            "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5\nvisual ~~ 0*textual",
            "textual =~ x5",
            "visual =~ x2",
        ),
        (
            "visual =~ x1 + x2 + x3\nspeed =~ x7 + x8 + x9\n"
            "visual ~ speed\nspeed ~ visual",
            "speed ~ visual",
            "speed =~ x8",
        ),
    ],
)
def test_what_is_not_identified_is_named(text, named, not_named, lavaan_answers):
    with pytest.raises(NotIdentifiedError) as caught:
        sem(text, lavaan_answers["hs"])
    assert named in str(caught.value)
    assert not_named not in str(caught.value)


def test_dependent_indicators_are_named(lavaan_answers):
    data = lavaan_answers["hs"][[f"x{k}" for k in range(1, 7)]].copy()
    data["x2"] = data["x1"] + data["x3"]
    with pytest.raises(DataError, match="x1, x2, x3") as caught:
        sem("visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6", data)
    assert "x5" not in str(caught.value)


def test_too_few_respondents(lavaan_answers):
    text = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
    with pytest.raises(DataError, match="6 respondents are too few for 6 indicators"):
        sem(text, lavaan_answers["hs"].head(6))


def test_a_negative_variance_is_kept_and_named():
    corr = np.array([[1, 0.9, 0.9], [0.9, 1, 0.7], [0.9, 0.7, 1]])
    moments = sat.Moments.from_table(
        np.zeros(3), np.ones(3), corr, n=200, names=["a", "b", "c"]
    )
    with pytest.warns(InadmissibleWarning, match="negative variance: a"):
        fit = sem("f =~ a + b + c", moments)
    assert bool(fit.converged)
    assert not bool(fit.admissible)
    frame = fit.estimates().set_index(["lhs", "op", "rhs"])["estimate"]
    # three indicators are just identified: loadings² are r_ij r_ik / r_jk
    assert frame["f", "~~", "f"] == pytest.approx(199 / 200 * 0.81 / 0.7, rel=1e-8)
    assert frame["a", "~~", "a"] < 0


def test_one_bad_member_does_not_spoil_a_batch(mobile):
    cov = np.repeat(mobile.cov[None], 3, axis=0)
    cov[1, 0] = cov[1, 1]
    cov[1, :, 0] = cov[1, :, 1]
    keys = sat.Moments.from_frame(
        pd.DataFrame({"g": [1, 1, 2, 2, 3, 3], "x": [1.0, 2, 1, 3, 1, 4]}),
        ["x"],
        by="g",
    ).keys
    batch = dataclasses.replace(
        mobile,
        cov=cov,
        mean=np.repeat(mobile.mean[None], 3, axis=0),
        n=np.full(3, 250),
        n_eff=None,
        weight_sum=None,
        keys=keys,
        reasons=(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = sem("ecsi", batch)
    single = sem("ecsi", mobile)
    assert "IMAG1" in fit.reasons[1]
    np.testing.assert_allclose(fit.chi2[[0, 2]], single.chi2, rtol=1e-10)
    assert np.isnan(fit.chi2[1])
    frame = fit.fit_measures()
    assert frame.loc[frame["g"] == 2, "estimate"].isna().all()
    assert set(frame["g"]) == set(fit.modification_indices()["g"]) | {2}
    assert (fit.residuals()["g"].value_counts() == 300).all()
