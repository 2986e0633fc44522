"""What stands behind an index, against scipy, statsmodels and the index itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

diagnostics = sat.indices.diagnostics


@pytest.fixture(scope="module")
def fit(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-12))


@pytest.fixture(scope="module")
def found(fit, mobi):
    return diagnostics(fit, mobi)


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """240 answers on 1-5 to four items, the second one turned, some missing."""
    rng = np.random.default_rng(4)
    F = rng.normal(size=(240, 2)) @ np.array([[1, 0.6], [0, 0.8]])
    X = np.repeat(F, 2, axis=1) + 0.6 * rng.normal(size=(240, 4))
    frame = pd.DataFrame(np.clip(np.rint(3.8 + X), 1, 5), columns=list("abcd"))
    frame["b"] = 6 - frame["b"]
    frame.loc[:9, "c"] = np.nan
    frame["w"] = rng.integers(1, 4, 240).astype(float)
    frame["shop"] = np.repeat(["x", "y", "z"], 80)
    return frame


def two(**change) -> sat.StructuralModel:
    return sat.StructuralModel(
        "two",
        (
            sat.Construct("Q", ("a", "b"), reverse=("b",), scale=(1, 5)),
            sat.Construct("S", ("c", "d"), scale=(1, 5)),
        ),
        (sat.Path("Q", "S"),),
        **({"target": "S"} | change),
    )


def term(found, name: str) -> pd.Series:
    rows = found.of(name).to_frame()
    return rows.set_index("indicator" if rows["indicator"].any() else "construct")[
        "estimate"
    ]


def test_answers_as_scipy_and_pandas_see_them(found, mobi):
    from scipy import stats

    for name, expected in (
        ("skewness", lambda x: stats.skew(x, bias=True)),
        ("ceiling", lambda x: (x == 10).mean()),
        ("floor", lambda x: (x == 1).mean()),
        ("distinct", lambda x: x.nunique()),
    ):
        own = term(found, name)
        assert len(own) == 24
        np.testing.assert_allclose(own, [expected(mobi[i]) for i in own.index])


def test_collinearity_and_r2_as_regressions_of_scores(found, fit, mobi):
    import statsmodels.api as sm
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    scores = fit.scores(mobi)
    vif = term(found, "vif")
    X = sm.add_constant(scores[list(vif.index)])
    expected = [variance_inflation_factor(X.to_numpy(), k + 1) for k in range(len(vif))]
    np.testing.assert_allclose(vif, expected, rtol=1e-8)
    r2 = sm.OLS(scores["Satisfaction"], X).fit().rsquared
    np.testing.assert_allclose(term(found, "r2"), [r2], rtol=1e-8)
    assert list(vif.index) == ["Image", "Expectation", "Quality", "Value"]


def test_shares_make_the_index(found, fit, mobi):
    share = term(found, "share")
    levels = sat.index(fit, mobi).to_frame().set_index("construct")["estimate"]
    for construct in fit.model.constructs:
        items = list(construct.indicators)
        assert share[items].sum() == pytest.approx(1)
        hundred = (mobi[items].mean() - 1) / 9 * 100
        assert share[items] @ hundred == pytest.approx(levels[construct.name])


def test_rules_of_thumb_have_their_source(found):
    text = str(found)
    assert "about two thirds of it (R. van Haaften on EPSI" in text
    assert "at least 250 a unit" in text
    assert text.count("rule of thumb") >= 4
    assert "not a verdict" in text
    frame = found.to_frame()
    ruled = frame[frame["rule"] != ""]
    assert set(ruled["term"]) == {"vif", "r2"}
    assert ruled["rule"].str.contains("rule of thumb").all()
    assert not {"pass", "fail", "ok"} & set(frame.columns)


def test_turned_items_have_their_ceiling_at_the_good_end(small):
    found = diagnostics(sat.pls(two(), small), small)
    assert term(found, "ceiling")["b"] == pytest.approx((small["b"] == 1).mean())
    assert term(found, "floor")["b"] == pytest.approx((small["b"] == 5).mean())
    from scipy import stats

    assert term(found, "skewness")["b"] == pytest.approx(-stats.skew(small["b"]))
    n = found.of("ceiling").to_frame().set_index("indicator")["n"]
    assert n.to_dict() == {"a": 240, "b": 240, "c": 230, "d": 240}
    assert found.of("r2")["n"].tolist() == [230]
    assert (term(found, "share") > 0).all()


def test_weights_count_respondents(small):
    survey = sat.Survey(small, weight="w")
    copies = small.loc[np.repeat(small.index, small["w"].astype(int))]
    copies = copies.reset_index(drop=True)
    one = diagnostics(sat.pls(two(), survey), survey)
    other = diagnostics(sat.pls(two(), copies), copies)
    for name in ("skewness", "ceiling", "floor", "distinct", "share", "vif", "r2"):
        np.testing.assert_allclose(term(one, name), term(other, name), rtol=1e-9)
    named = diagnostics(sat.pls(two(), small, weights="w"), small)
    np.testing.assert_array_equal(named.table["estimate"], one.table["estimate"])


def test_groups_are_each_looked_at_alone(small):
    whole = sat.pls(two(), small)
    found = diagnostics(whole, small, by="shop").to_frame()
    assert found.columns[0] == "shop"
    for shop, part in small.groupby("shop"):
        part = part.reset_index(drop=True)
        alone = diagnostics(sat.pls(two(), part), part).to_frame()
        own = found[found["shop"] == shop].drop(columns="shop").reset_index(drop=True)
        merged = own.merge(alone, on=["construct", "indicator", "term"])
        assert len(merged) == len(own) == len(alone)
        np.testing.assert_allclose(merged["estimate_x"], merged["estimate_y"])
        np.testing.assert_array_equal(merged["n_x"], merged["n_y"])
    batch = sat.pls(two(), small, by="shop")
    again = diagnostics(batch, small).to_frame()
    pd.testing.assert_frame_equal(again, found)


def test_what_cannot_be_computed_has_a_reason(small):
    frame = small.copy()
    frame.loc[frame["shop"] == "y", "a"] = 4.0
    frame.loc[frame["shop"] == "z", "d"] = np.nan
    with pytest.warns(errors.MissingDataWarning):
        whole = sat.pls(two(), frame)
    with pytest.warns(errors.MissingDataWarning):
        found = diagnostics(whole, frame, by="shop")
    table = found.to_frame().set_index(["shop", "term", "indicator"])
    assert table.loc[("y", "skewness", "a"), "reason"] == "all answers alike"
    assert table.loc[("z", "ceiling", "d"), "reason"] == "no answers"
    assert table.loc[("z", "ceiling", "d"), "n"] == 0
    assert table.loc[("x", "skewness", "a"), "reason"] == ""
    for shop in "yz":
        assert np.isnan(table.loc[(shop, "r2", ""), "estimate"])
        assert table.loc[(shop, "r2", ""), "reason"] != ""
    assert np.isfinite(table.loc[("x", "r2", ""), "estimate"])
    assert "rows: all answers alike" in str(found)


def test_a_scale_that_is_not_known_is_said(small):
    bare = sat.StructuralModel.from_blocks(
        "bare", {"Q": ["a"], "S": ["c", "d"]}, {"Q": "S"}, target="S"
    )
    fit = sat.pls(bare, small)
    found = diagnostics(fit, small)
    assert set(found.of("ceiling")["reason"]) == {"no scale"}
    assert found.of("skewness")["reason"].tolist() == ["", "", ""]
    scaled = diagnostics(fit, small, scale=(1, 5))
    assert term(scaled, "ceiling")["a"] == pytest.approx((small["a"] == 5).mean())


def test_a_negative_weight_is_said(small):
    model = sat.StructuralModel.from_blocks(
        "unturned",
        {"Q": ["a", "b", "e"], "S": ["c", "d"]},
        {"Q": "S"},
        target="S",
        scale=(1, 5),
    )
    frame = small.assign(e=small["a"].clip(2, 4))
    with pytest.warns(errors.ReversalWarning):
        fit = sat.pls(model, frame)
    found = diagnostics(fit, frame)
    assert (term(found, "share") < 0).to_dict()["b"]
    assert "negative weight: b;" in str(found)


def test_higher_orders_show_items_and_components():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 1)) + rng.normal(size=(300, 6))
    frame = pd.DataFrame(np.clip(np.rint(6 + 1.5 * X), 1, 10), columns=list("abcdef"))
    model = sat.StructuralModel.from_blocks(
        "staged",
        {"Q1": ["a", "b"], "Q2": ["c", "d"], "S": ["e", "f"]},
        {"Q": "S"},
        target="S",
        scale=(1, 10),
        higher={"Q": ["Q1", "Q2"]},
    )
    found = diagnostics(sat.pls(model, frame), frame).to_frame()
    answers = found[found["term"] == "ceiling"]
    assert answers["indicator"].tolist() == list("abcdef")
    share = found[found["term"] == "share"].groupby("construct")["estimate"].sum()
    np.testing.assert_allclose(share[["Q", "Q1", "Q2", "S"]], 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "Satisfactoin"}, "did you mean 'Satisfaction'"),
        ({"by": "IMAG"}, "IMAG"),
        ({"groupby": "x"}, "did you mean 'by'"),
    ],
)
def test_wrong_arguments_are_named(fit, mobi, change, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        diagnostics(fit, mobi, **change)


def test_answers_are_needed_and_groups_agree(fit, mobi, mobile, small):
    for data in (None, mobile):
        with pytest.raises(errors.DataError, match="needs the answers"):
            diagnostics(fit, data)
    with pytest.raises(errors.OptionError, match="needs a fit"):
        diagnostics(mobi, fit)
    batch = sat.pls(two(), small, by="shop")
    with pytest.raises(errors.OptionError, match="holds groups by"):
        diagnostics(batch, small, by="w")
    with pytest.raises(errors.DataError, match="no target"):
        diagnostics(sat.pls(two(target=None), small), small)
