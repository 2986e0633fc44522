"""Model text in lavaan's syntax: what it becomes, and what lavaan makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation import sem_formula
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_elements import ModelText
from satmetrics.estimation.sem_formula import Dual
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_syntax import derived_model, is_text, table_of_text

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
PD = """
ind60 =~ x1 + x2 + x3
dem60 =~ y1 + y2 + y3 + y4
dem65 =~ y5 + y6 + y7 + y8
dem60 ~ ind60
dem65 ~ ind60 + dem60
y1 ~~ y5
y2 ~~ y4 + y6
y3 ~~ y7
y4 ~~ y8
y6 ~~ y8
"""
PD_EQUAL = """
ind60 =~ x1 + x2 + x3
dem60 =~ y1 + a*y2 + b*y3 + c*y4
dem65 =~ y5 + a*y6 + b*y7 + c*y8
dem60 ~ p1*ind60
dem65 ~ p2*ind60 + p3*dem60
y1 ~~ y5
y2 ~~ y4 + y6
y3 ~~ y7
y4 ~~ y8
y6 ~~ y8
indirect := p1*p3
total := p2 + p1*p3
ratio := indirect / total
"""


@pytest.fixture(scope="module")
def regression_answers():
    rng = np.random.default_rng(5)
    x, z = rng.multivariate_normal([1, 2], [[1, 0.4], [0.4, 2]], 200).T
    y = 3 + 0.5 * x - 0.3 * z + rng.normal(size=200)
    w = -1 + 0.7 * y + 0.2 * x + rng.normal(size=200)
    return pd.DataFrame({"x": x, "z": z, "y": y, "w": w})


def found(fit):
    rows = fit.estimates()
    return {(r.lhs, r.op, r.rhs): (r.estimate, r.std_error) for r in rows.itertuples()}


@pytest.mark.parametrize(
    ("text", "data", "case"),
    [(HS, "hs", "lavaan_hs_ml"), (PD, "pd", "lavaan_pd_ml")],
)
def test_text_gives_what_lavaan_gives(
    text, data, case, lavaan, lavaan_answers, reference
):
    fit = sem(text, lavaan_answers[data])
    values = reference(case)
    ours = {lavaan.key(*k): v for k, v in found(fit).items()}
    assert float(fit.chi2) == pytest.approx(values["fit"]["chisq"], abs=1e-6)
    assert fit.df == values["fit"]["df"]
    rows = values["parameters"]
    keys = list(zip(rows["lhs"], rows["op"], rows["rhs"], strict=True))
    assert len(keys) == len(ours)
    for name, est, se in zip(keys, rows["est"], rows["se"], strict=True):
        estimate, error = ours[lavaan.key(*name)]
        assert estimate == pytest.approx(est, rel=1e-5, abs=1e-5), name
        assert np.nan_to_num(error) == pytest.approx(se, rel=1e-5, abs=1e-5), name


def test_labels_are_equal_and_defined_parameters_follow(lavaan_answers):
    free, fit = (sem(t, lavaan_answers["pd"]) for t in (PD, PD_EQUAL))
    rows = found(fit)
    assert fit.df == free.df + 3
    assert float(fit.chi2) > float(free.chi2)
    for one, other in (("y2", "y6"), ("y3", "y7"), ("y4", "y8")):
        assert rows["dem60", "=~", one] == rows["dem65", "=~", other]
    p1, p2, p3 = (
        rows[k][0]
        for k in (
            ("dem60", "~", "ind60"),
            ("dem65", "~", "ind60"),
            ("dem65", "~", "dem60"),
        )
    )
    assert rows["indirect", ":=", "p1*p3"][0] == pytest.approx(p1 * p3, abs=1e-12)
    total = p2 + p1 * p3
    assert rows["total", ":=", "p2 + p1*p3"][0] == pytest.approx(total, abs=1e-12)
    # the delta method by hand, from the covariance of the three paths
    at = [
        fit.table.names().index(n)
        for n in ("dem60 ~ ind60", "dem65 ~ ind60", "dem65 ~ dem60")
    ]
    V = fit.vcov[np.ix_(at, at)]
    for gradient, key in (
        ([p3, 0, p1], ("indirect", ":=", "p1*p3")),
        ([p3, 1, p1], ("total", ":=", "p2 + p1*p3")),
        (
            [p3 * p2 / total**2, -p1 * p3 / total**2, p1 * p2 / total**2],
            ("ratio", ":=", "indirect / total"),
        ),
    ):
        g = np.array(gradient)
        assert rows[key][1] == pytest.approx(np.sqrt(g @ V @ g), rel=1e-9)


def test_equal_labels_and_numbers_by_constraint(lavaan_answers):
    text = PD_EQUAL.replace("a*y6 + b*y7 + c*y8", "d*y6 + e*y7 + f*y8")
    by_name = sem(PD_EQUAL, lavaan_answers["pd"])
    by_line = sem(f"{text}\na == d; b == e; f == c", lavaan_answers["pd"])
    assert float(by_line.chi2) == pytest.approx(float(by_name.chi2), abs=1e-8)
    assert by_line.df == by_name.df
    fixed = sem(f"{text}\na == 2/2", lavaan_answers["pd"])
    assert found(fixed)["dem60", "=~", "y2"][0] == 1.0
    same = sem(HS.replace("x1 + x2", "a*x1 + a*x2"), lavaan_answers["hs"])
    written = sem(HS.replace("x1 + x2", "x1 + 1*x2"), lavaan_answers["hs"])
    assert float(same.chi2) == pytest.approx(float(written.chi2), abs=1e-9)
    assert same.df == written.df == 25


def test_identification_by_variance_and_by_text_agree(lavaan_answers):
    by_option = sem(HS, lavaan_answers["hs"], SemOptions(identification="variance"))
    text = "visual =~ NA*x1 + x2 + x3; visual ~~ 1*visual\n" + HS.split("\n", 1)[1]
    by_text = sem(text, lavaan_answers["hs"])
    marker = sem(HS, lavaan_answers["hs"])
    assert by_option.df == by_text.df == marker.df == 24
    for fit in (by_option, by_text):
        assert float(fit.chi2) == pytest.approx(float(marker.chi2), abs=1e-9)
    key = ("visual", "=~", "x2")
    assert found(by_option)[key] == pytest.approx(found(by_text)[key], abs=1e-8)


def test_regressions_of_observed_variables_are_least_squares(regression_answers):
    statsmodels = pytest.importorskip("statsmodels.api")
    answers = regression_answers
    fit = sem("y ~ x + z\nw ~ y + x\ny ~ 1; w ~ 1", answers)
    rows = found(fit)
    for target, sources in (("y", ["x", "z"]), ("w", ["y", "x"])):
        by = statsmodels.OLS(
            answers[target], statsmodels.add_constant(answers[sources])
        ).fit()
        n = len(answers)
        shrunk = np.sqrt((n - len(sources) - 1) / n)
        for source in sources:
            assert rows[target, "~", source] == pytest.approx(
                (by.params[source], by.bse[source] * shrunk), abs=1e-8
            )
        assert rows[target, "~1", ""][0] == pytest.approx(by.params["const"], abs=1e-8)
    assert fit.df == 1
    # x and z are random, with the covariances of the sample
    cov = np.cov(answers[["x", "z"]].T, ddof=0)
    assert rows["x", "~~", "z"][0] == pytest.approx(cov[0, 1], abs=1e-10)


def test_an_indicator_may_be_led_to(lavaan_answers):
    """A direct path to an indicator: the population is recovered exactly."""
    lam, beta, direct = np.array([1.0, 0.8, 1.2]), 0.6, 0.5
    var_x, psi, theta = 2.0, 0.7, np.array([0.5, 0.4, 0.6])
    to_eta = lam * beta + np.array([0, 0, direct])
    S = np.zeros((4, 4))
    S[0, 0] = var_x
    S[0, 1:] = S[1:, 0] = var_x * to_eta
    S[1:, 1:] = var_x * np.outer(to_eta, to_eta) + psi * np.outer(lam, lam)
    S[1:, 1:] += np.diag(theta)
    sd = np.sqrt(np.diag(S))
    names = ["x", "a", "b", "c"]
    moments = sat.Moments.from_table(
        np.zeros(4), sd, S / np.outer(sd, sd), n=500, names=names
    )
    fit = sem("f =~ a + b + c\nf ~ x\nc ~ x", moments, SemOptions(likelihood="wishart"))
    rows = found(fit)
    assert float(fit.chi2) == pytest.approx(0, abs=1e-9)
    for key, value in (
        (("f", "=~", "b"), 0.8),
        (("f", "=~", "c"), 1.2),
        (("f", "~", "x"), beta),
        (("c", "~", "x"), direct),
        (("c", "~~", "c"), 0.6),
        (("x", "~~", "x"), var_x),
    ):
        assert rows[key][0] == pytest.approx(value, abs=1e-8), key


def test_second_order_text_is_the_second_order_model(lavaan_answers):
    text = f"{HS}\nable =~ visual + textual + speed"
    blocks = {
        "visual": ["x1", "x2", "x3"],
        "textual": ["x4", "x5", "x6"],
        "speed": ["x7", "x8", "x9"],
    }
    model = sat.StructuralModel.from_blocks(
        "m", blocks, {}, higher={"able": list(blocks)}
    )
    ours, theirs = (sem(m, lavaan_answers["hs"]) for m in (text, model))
    assert float(ours.chi2) == pytest.approx(float(theirs.chi2), abs=1e-9)
    # three first-order covariances against three loadings: the same fit as the CFA
    assert float(ours.chi2) == pytest.approx(
        float(sem(HS, lavaan_answers["hs"]).chi2), abs=1e-7
    )
    assert derived_model(ModelText.of(text)).higher[0].components == tuple(blocks)


def test_a_model_keeps_what_it_can_hold():
    text = "f =~ a + b\ng =~ b + c + d\ng ~ f + x\nx ~ g\nh =~ e + f"
    model = derived_model(ModelText.of(text))
    assert model.construct("f").indicators == ("a", "b")
    assert model.construct("g").indicators == ("c", "d")
    assert {(p.source, p.target) for p in model.paths} == {("f", "g"), ("x", "g")}
    table = table_of_text(ModelText.of(text))
    assert set(table.observed) == set("abcdex")
    assert ("x", "~", "g") in [(r.lhs, r.op, r.rhs) for r in table.rows]


def test_start_values_do_not_change_the_answer(lavaan_answers):
    text = HS.replace("+ x2", "+ start(0.1)*x2").replace("+ x5", "+ 2?x5")
    ours, plain = (sem(t, lavaan_answers["hs"]) for t in (text, HS))
    table = ours.table
    assert [r.start for r in table.rows if r.rhs in ("x2", "x5")][:2] == [0.1, 2.0]
    assert float(ours.chi2) == pytest.approx(float(plain.chi2), abs=1e-9)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("f =~ a + b + c\ng <~ d + e", 2, "composite"),
        ("f =~ p*a + b + c\n\np > 0", 3, "inequality"),
        ("f =~ a + b + c\na | t1", 2, "thresholds"),
        ("f =~ a + b + c\nf ~~ f\nf ~~ 1*f", 3, "stands on line 2"),
        ("f =~ p*a + q*b + c\np == 2*q", 2, "neither a == b"),
        ("f =~ p*a + q*b + c\np == r", 2, "no parameter has the label 'r'"),
        ("f =~ p*a + b + c\ni := p*q", 2, "no label 'q'"),
        ("f =~ p*a + b + c\ni := p.real(2)", 2, "is not arithmetic"),
        ("f =~ p*a + b + c\ni := p if p else p", 2, "cannot be read"),
        ("f =~ p*a + b + c\ni := [p]", 2, "no arithmetic"),
        ("f =~ p*a + b + c\ni := exp(p, p)", 2, "no arithmetic"),
        ("f =~ p*a + b + c\np := 2*p", 2, "'p' is a label"),
        ("f =~ a + b + c\ng ~ f:x", 2, "sat.pls"),
        ("f =~ efa('x')*a + b + c", 1, "not understood"),
        ("f =~ c(1, 2)*a + b + c", 1, "for 1 group"),
        ("f =~ g + a\ng =~ f + b", 1, "measure each other"),
        ("f =~ a + b + c\nf ~ f", 2, "by itself"),
    ],
)
def test_faults_name_the_line(text, line, message):
    with pytest.raises(errors.SpecificationError, match=f"line {line}:") as caught:
        table_of_text(ModelText.of(text))
    assert message in str(caught.value)
    assert caught.value.code


def test_contradicting_labels_are_an_error(lavaan_answers):
    with pytest.raises(errors.SpecificationError, match="fixed at 1, and fixed at 2"):
        sem("f =~ 1*x1 + a*x1 + 2*x2 + a*x2 + x3", lavaan_answers["hs"])


def test_absent_columns_are_named(lavaan_answers):
    with pytest.raises(errors.DataError, match="did you mean 'x3'"):
        sem("f =~ x1 + x2 + x33", lavaan_answers["hs"])


def test_catalogue_names_are_no_text():
    assert not any(is_text(name) for name in sat.models.names())
    with pytest.raises(errors.SpecificationError, match="did you mean 'ecsi'"):
        sem("esci", sat.datasets.moments("ecsi_mobile"))


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("a*b - 2", lambda a, b: a * b - 2),
        ("(a + b)/a^2", lambda a, b: (a + b) / a**2),
        ("exp(-a)*log(b)", lambda a, b: np.exp(-a) * np.log(b)),
        ("sqrt(a) + b**a", lambda a, b: np.sqrt(a) + b**a),
        ("+1e-1*a/.5", lambda a, b: 0.2 * a),
    ],
)
def test_formulas_and_their_gradients(text, function):
    a, b = np.array([0.7, 1.9]), np.array([1.3, 0.4])
    known = {
        "a": Dual(a, np.tile([1.0, 0.0], (2, 1))),
        "b": Dual(b, np.tile([0.0, 1.0], (2, 1))),
    }
    made = sem_formula.read(text).at(known)
    assert made.value == pytest.approx(function(a, b), rel=1e-12)
    h = 1e-6
    numeric = np.stack(
        [
            (function(a + h, b) - function(a - h, b)) / (2 * h),
            (function(a, b + h) - function(a, b - h)) / (2 * h),
        ],
        axis=-1,
    )
    assert made.slope == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_labels_may_be_words_of_python():
    formula = sem_formula.read("lambda*is.in + exp")
    assert formula.labels == ("lambda", "is.in", "exp")
    known = {
        n: Dual(np.array(2.0 + k), np.eye(3)[k]) for k, n in enumerate(formula.labels)
    }
    assert float(formula.at(known).value) == 10.0


def test_formulas_are_not_programs():
    for text in (
        "__import__('os')",
        "a.__class__",
        "(" * 900 + "a" + ")" * 900,
        "a" * 3000,
    ):
        if text.startswith("a."):
            assert sem_formula.read(text).labels == ("a.__class__",)
            continue
        with pytest.raises(ValueError, match=r"^(it|.*arithmetic)"):
            sem_formula.read(text)
