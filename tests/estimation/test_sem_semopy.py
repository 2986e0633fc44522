"""semopy as a second engine, and what a comparison says of it."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_engines import compare_engines
from satmetrics.estimation.sem_options import SemOptions

semopy = pytest.importorskip("semopy")

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
PD = """
ind60 =~ x1 + x2 + x3
dem60 =~ y1 + a*y2 + b*y3 + y4
dem65 =~ y5 + a*y6 + b*y7 + 1.2*y8
dem60 ~ ind60
dem65 ~ ind60 + dem60
y1 ~~ y5
y2 ~~ y4 + y6
"""
pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")


@pytest.mark.parametrize(("text", "data"), [(HS, "hs"), (PD, "pd")])
def test_semopy_is_asked_the_same_model(text, data, lavaan_answers):
    answers = lavaan_answers[data]
    ours = sem(text, answers)
    theirs = sem(text, answers, SemOptions(engine="semopy"))
    assert theirs.df == ours.df
    assert float(theirs.chi2) == pytest.approx(float(ours.chi2), abs=0.01)
    assert float(theirs.chi2) >= float(ours.chi2) - 1e-6
    error = np.sqrt(np.diagonal(ours.vcov))
    assert np.abs(theirs.theta - ours.theta) / error == pytest.approx(0, abs=0.05)
    other = np.sqrt(np.diagonal(theirs.vcov))
    assert other / error == pytest.approx(np.ones(len(error)), rel=0.01)


def test_it_is_semopy_that_answers(lavaan_answers):
    answers = lavaan_answers["hs"]
    direct = semopy.Model(HS)
    direct.fit(answers[[f"x{k}" for k in range(1, 10)]])
    mine = sem(HS, answers, SemOptions(engine="semopy"))
    assert float(mine.chi2) == pytest.approx(301 * direct.last_result.fun, abs=1e-3)
    rows = mine.estimates().set_index(["lhs", "op", "rhs"])["estimate"]
    shown = direct.inspect().query("op == '~'")
    loading = {(r.rval, "=~", r.lval): float(r.Estimate) for r in shown.itertuples()}
    for key, value in loading.items():
        assert rows[key] == pytest.approx(value, abs=2e-3), key


def test_observed_variables_in_paths(mobile):
    text = "Value =~ PERV1 + PERV2\nValue ~ CUEX1 + CUEX2\nCUSCO ~ Value"
    made = compare_engines(text, mobile).to_frame()
    assert ("CUSCO", "~", "Value") in list(
        zip(made["lhs"], made["op"], made["rhs"], strict=True)
    )
    assert made["difference"].abs().max() < 0.05


def test_a_comparison_says_why(lavaan_answers):
    answers = lavaan_answers["hs"]
    made = compare_engines(HS, answers)
    measures = made.measures.to_frame().set_index("term")
    assert measures["ours"]["largest gradient"] < 1e-8
    assert measures["other"]["largest gradient"] > 1e-6
    assert measures["other"]["F"] >= measures["ours"]["F"]
    text = str(made)
    assert "above the minimum of F" in text
    assert "the NFI" in text
    worst = compare_engines(HS, answers.assign(x1=answers["x1"] * 1000))
    assert float(worst.measures["ours"][0]) == pytest.approx(
        float(made.measures["ours"][0]), abs=1e-6
    )
    assert worst.to_frame()["difference"].abs().max() > 1
    assert "reports convergence" in str(worst)
    gls = compare_engines(HS, answers, SemOptions(estimator="GLS"))
    assert "factor ½" in str(gls)
    assert sat.read_result(gls.to_json()).remarks == gls.remarks


def test_a_batch_by_semopy(lavaan_answers):
    batch = sem(HS, lavaan_answers["hs"], SemOptions(engine="semopy"), by="school")
    ours = sem(HS, lavaan_answers["hs"], by="school")
    assert batch.theta.shape == ours.theta.shape
    assert batch.chi2 == pytest.approx(ours.chi2, abs=0.05)


@pytest.mark.parametrize(
    ("options", "more", "message"),
    [
        ({"means": True}, {}, "means do not go together"),
        ({"estimator": "MLM"}, {}, "MLM"),
        ({}, {"groups": "school"}, "several groups"),
        ({}, {"missing": "fiml"}, "complete answers"),
        ({"estimator": "ULS"}, {"ordinal": True}, "complete answers"),
        ({"engine": "lavaan"}, {}, "not an option"),
    ],
)
def test_what_semopy_is_not_asked(options, more, message, lavaan_answers):
    with pytest.raises(errors.OptionError, match=message):
        sem(
            HS,
            lavaan_answers["hs"],
            SemOptions(**{"engine": "semopy"} | options),
            **more,
        )
