"""Nested covariance models and steps of invariance, against lavaan's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics import errors
from satmetrics.estimation.sem import sem
from satmetrics.estimation.sem_options import SemOptions

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
STEPS = (
    "configural",
    "loadings",
    "loadings_intercepts",
    "loadings_intercepts_residuals",
)


@pytest.fixture(scope="module")
def hs():
    return pytest.importorskip("semopy.examples").holzinger39.get_data()


def test_the_ladder_of_lavaan(hs, reference):
    values = [reference("lavaan_hs_groups")[step]["fit"] for step in STEPS]
    ladder = sat.assessment.invariance_steps(HS, hs, by="school")
    rows = ladder.to_frame()
    assert list(rows["name"]) == ["configural", "metric", "scalar", "strict"]
    for term, word in (("chi2", "chisq"), ("df", "df"), ("cfi", "cfi")):
        theirs = [value[word] for value in values]
        assert rows[term].to_numpy() == pytest.approx(theirs, abs=1e-7)
    assert rows["rmsea"].to_numpy() == pytest.approx(
        [value["rmsea"] for value in values], abs=1e-7
    )
    for k in (1, 2, 3):
        below, above = values[k], values[k - 1]
        difference = below["chisq"] - above["chisq"]
        df = below["df"] - above["df"]
        assert rows["statistic"][k] == pytest.approx(difference, abs=1e-6)
        assert rows["delta_df"][k] == df
        assert rows["p_value"][k] == pytest.approx(
            stats.chi2.sf(difference, df), abs=1e-7
        )
        assert rows["delta_cfi"][k] == pytest.approx(
            below["cfi"] - above["cfi"], abs=1e-7
        )
    assert np.isnan(rows["p_value"][0])
    text = str(ladder)
    assert "rule of thumb" in text
    assert "Grant-White, Pasteur" in text


def test_partial_invariance_is_said(hs):
    whole, part = (
        sat.assessment.invariance_steps(HS, hs, by="school", free=free)
        for free in ((), ["x3 ~1", "x7 ~1"])
    )
    ours, theirs = part.to_frame(), whole.to_frame()
    assert ours["df"][2] == theirs["df"][2] - 2
    assert ours["cfi"][2] > theirs["cfi"][2] + 0.02
    assert "x3 ~1, x7 ~1" in str(part)


@pytest.mark.parametrize("estimator", ["ML", "MLM", "MLR"])
def test_differences_of_two_fits(hs, estimator):
    options = SemOptions(estimator=estimator)
    free = sem(HS, hs, options)
    restricted = sem(HS.replace("x2 + x3", "a*x2 + a*x3"), hs, options)
    for pair in ((free, restricted), (restricted, free)):
        rows = sat.assessment.compare_fits(*pair, names=("one", "two")).to_frame()
        assert list(rows["df"]) == [24, 25]
        found = [
            f.fit_measures().set_index("term")["estimate"] for f in (free, restricted)
        ]
        if estimator == "ML":
            value = found[1]["chi2"] - found[0]["chi2"]
        else:
            # from what is printed: scaled chi-squares and their scalings
            c = [m["scaling"] for m in found]
            T = [m["chi2_scaled"] for m in found]
            value = (T[1] * c[1] - T[0] * c[0]) / (25 * c[1] - 24 * c[0])
        assert rows["statistic"][1] == pytest.approx(value, rel=1e-8)
        assert rows["p_value"][1] == pytest.approx(stats.chi2.sf(value, 1), rel=1e-7)
    assert list(rows["name"]) == ["two", "one"]


def test_a_difference_of_one_restriction_is_the_squared_z_of_many():
    """The likelihood ratio and the Wald test of one small parameter agree."""
    loading = np.array([0.8, 0.7, 0.6, 0.75])
    R = np.outer(loading, loading)
    R[0, 1] = R[1, 0] = R[0, 1] + 0.004
    np.fill_diagonal(R, 1.0)
    names = ["a", "b", "c", "d"]
    many = sat.Moments.from_table(np.zeros(4), np.ones(4), R, n=200_000, names=names)
    text = "f =~ a + b + c + d"
    free, restricted = sem(f"{text}\na ~~ b", many), sem(text, many)
    rows = sat.assessment.compare_fits(free, restricted).to_frame()
    last = free.estimates().query("lhs == 'a' and rhs == 'b'").iloc[0]
    assert last["estimate"] == pytest.approx(0.004, abs=1e-5)
    assert rows["statistic"][1] > 1
    assert rows["statistic"][1] == pytest.approx(last["statistic"] ** 2, rel=0.02)


def test_what_cannot_be_compared(hs):
    fit = sem(HS, hs)
    equal = sem(HS.replace("x2 + x3", "a*x2 + a*x3"), hs)
    for pair, kind, message in (
        ((fit, fit), errors.OptionError, "both models have 24"),
        ((fit, sem(HS, hs, SemOptions("GLS"))), errors.OptionError, "ML and GLS"),
        (
            [sem(HS, hs, SemOptions("ULS"))] * 2,
            errors.OptionError,
            "no difference",
        ),
        (
            (sem(HS, hs.iloc[:200]), equal),
            errors.DataError,
            "not of the same answers",
        ),
        ((fit, "f"), errors.OptionError, "needs a fit, got str"),
    ):
        with pytest.raises(kind, match=message):
            sat.assessment.compare_fits(*pair)
    tight = sem(HS.replace("x2 + x3", "a*x2 + a*x3"), hs)
    text = "g =~ x1 + x2 + x3 + x4 + x5 + x6\nh =~ x7 + x8 + x9\nx1 ~~ x4; x2 ~~ x5"
    more = sem(text, hs)
    assert more.df < tight.df
    with pytest.raises(errors.DataError, match="does not contain"):
        sat.assessment.compare_fits(more, tight)
