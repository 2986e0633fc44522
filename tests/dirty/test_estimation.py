"""Messy input that only shows when something is estimated."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

BLOCKS = {"Quality": ["q1", "q2", "q3"], "Satisfaction": ["s1", "s2"]}
PATHS = {"Quality": ["Satisfaction"]}
MODEL = sat.StructuralModel.from_blocks(
    "small", BLOCKS, PATHS, target="Satisfaction", scale=(1, 10)
)
ITEMS = list(MODEL.indicators)


@pytest.fixture
def answers():
    rng = np.random.default_rng(3)
    base = rng.integers(3, 9, size=(120, 1))
    values = np.clip(base + rng.integers(-2, 3, size=(120, 5)), 1, 10)
    return pd.DataFrame(values, columns=ITEMS)


def estimates(data):
    fit = sat.pls(MODEL, data)
    return np.concatenate([fit.weights, fit.paths()["estimate"], index_of(fit)])


def index_of(fit):
    return sat.index(fit).to_frame()["estimate"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: c.astype("Int64"), id="Int64"),
        pytest.param(lambda c: c.astype(float), id="float"),
        pytest.param(lambda c: c.astype(str), id="text"),
        pytest.param(lambda c: c.map(decimal.Decimal), id="Decimal"),
        pytest.param(lambda c: c.astype(str).astype("category"), id="category"),
        pytest.param(lambda c: c.map(lambda v: f"{v}分"), id="7分"),
        pytest.param(
            lambda c: c.map(lambda v: "".join(chr(ord(d) + 0xFEE0) for d in str(v))),
            id="full-width",
        ),
    ],
)
def test_types_do_not_change_the_numbers(change, answers):
    other = answers.apply(change)
    assert np.array_equal(estimates(other), estimates(answers))


def test_ordered_categories_with_numbers(answers):
    kind = pd.CategoricalDtype([str(v) for v in range(1, 11)], ordered=True)
    other = answers.astype(str).astype(kind)
    assert np.array_equal(estimates(other), estimates(answers))


def test_libraries_agree_bit_for_bit(answers):
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    answers = answers.assign(shop=np.where(np.arange(120) % 2, "a", "b"))
    encoded = pa.Table.from_pandas(answers)
    column = encoded.schema.get_field_index("shop")
    encoded = encoded.set_column(column, "shop", encoded["shop"].dictionary_encode())
    frames = []
    for data in (answers, pl.from_pandas(answers), encoded):
        fit = sat.pls(MODEL, data)
        levels = sat.index(fit, data, by="shop")
        boot = sat.bootstrap(fit, data, n_draws=60, rng=1)
        gaps = sat.gaps(data, expectation=["q1", "q2"], perception=["s1", "s2"])
        frames.append([r.to_frame() for r in (fit, levels, boot, gaps)])
    for other in frames[1:]:
        for one, two in zip(frames[0], other, strict=True):
            pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_dont_know_codes_are_an_error_or_counted(answers):
    spoiled = answers.copy()
    spoiled.loc[[2, 5], "q1"] = 99
    with pytest.raises(errors.DataError, match="99") as caught:
        sat.pls(MODEL, spoiled)
    assert "missing_codes" in str(caught.value)
    fit = sat.pls(MODEL, sat.Survey(spoiled, missing_codes=(99,)))
    assert fit.moments.n == 118
    assert any(e.n == 2 and "99" in e.reason for e in fit.context.exclusions)
    np.testing.assert_allclose(estimates(answers.drop(index=[2, 5])), estimates_of(fit))


def estimates_of(fit):
    return np.concatenate([fit.weights, fit.paths()["estimate"], index_of(fit)])


def test_zero_on_a_scale_from_one(answers):
    answers.loc[0, "q2"] = 0
    with pytest.raises(errors.DataError, match="q2"):
        sat.pls(MODEL, answers)


def test_a_five_point_item_among_ten_point_items_warns(answers):
    answers["q3"] = (answers["q3"] + 1) // 2
    with pytest.warns(errors.ScaleWarning, match="q3"):
        sat.pls(MODEL, answers)


def test_infinite_values(answers):
    spoiled = answers.astype(float)
    spoiled.loc[4, "s1"] = np.inf
    with pytest.raises(errors.DataError, match="s1"):
        sat.pls(MODEL, spoiled)


def test_all_ten_respondents_count_like_any_other(answers):
    tens = pd.DataFrame(np.full((30, 5), 10), columns=ITEMS)
    both = pd.concat([answers, tens], ignore_index=True)
    fit = sat.pls(MODEL, both)
    assert fit.moments.n == 150
    alike = int((both.nunique(axis=1) == 1).sum())
    assert alike >= 30
    summary = str(sat.Survey(both, scale=(1, 10)).summary())
    assert f"{alike} rows answer everything alike" in summary
    with pytest.raises(errors.DataError, match="zero variance"):
        sat.pls(MODEL, tens)


def test_duplicate_columns(answers):
    twice = pd.concat([answers, answers[["q1"]]], axis=1)
    with pytest.raises(errors.DataError, match="q1"):
        sat.pls(MODEL, twice)


def test_long_format_is_recognised(answers):
    long = answers.reset_index().melt("index", var_name="item", value_name="answer")
    with pytest.raises(errors.DataError, match="from_long"):
        sat.pls(MODEL, long)
    survey = sat.Survey.from_long(long, respondent="index", item="item", value="answer")
    np.testing.assert_allclose(estimates(survey), estimates(answers))


def test_unit_names_with_stray_blanks(answers):
    answers["shop"] = np.where(np.arange(120) % 2, "North", "North　 ")
    survey = sat.Survey(answers, unit="shop", scale=(1, 10))
    fit = sat.pls(MODEL, survey)
    assert len(sat.index(fit, survey, by="unit", construct="Quality").to_frame()) == 1


def test_dates_as_waves_in_order_of_time(answers):
    days = pd.to_datetime(["2026-10-01", "2026-02-01", "2025-12-01"])
    answers["day"] = np.repeat(days, 40)
    survey = sat.Survey(answers, wave="day", scale=(1, 10))
    fit = sat.pls(MODEL, survey)
    levels = sat.index(fit, survey, by="wave", construct="Satisfaction").to_frame()
    assert list(levels["day"]) == ["2025-12-01", "2026-02-01", "2026-10-01"]


def test_weights(answers):
    answers["w"] = 1.0
    answers.loc[:9, "w"] = 0
    survey = sat.Survey(answers, weight="w", scale=(1, 10))
    fit = sat.pls(MODEL, survey)
    assert fit.moments.n == 110
    assert any(e.n == 10 for e in fit.context.exclusions)
    np.testing.assert_allclose(estimates(answers[10:]), estimates_of(fit))
    with pytest.raises(errors.DataError, match="negative"):
        sat.pls(MODEL, answers.assign(w=-1.0), weights="w")


def test_misspelt_column(answers):
    with pytest.raises(errors.DataError, match="did you mean 'Q1'"):
        sat.pls(MODEL, answers.rename(columns={"q1": "Q1"}))


def test_expectation_and_perception_in_different_order():
    rng = np.random.default_rng(1)
    names = [f"{f}{i:02d}" for f in "ep" for i in range(1, 5)]
    frame = pd.DataFrame(rng.integers(1, 8, size=(40, 8)), columns=names)
    with pytest.raises(errors.DataError, match="e02"):
        sat.gaps(
            frame,
            expectation=["e01", "e02", "e03", "e04"],
            perception=["p01", "p03", "p02", "p04"],
            dimensions={"all": [0, 1, 2, 3]},
        )
    paired = sat.gaps(
        frame, dimensions={"all": [(f"e0{i}", f"p0{i}") for i in (1, 3, 2, 4)]}
    )
    straight = sat.gaps(
        frame,
        expectation=names[:4],
        perception=names[4:],
        dimensions={"all": [0, 1, 2, 3]},
    )
    np.testing.assert_allclose(
        paired.to_frame().query("level == 'overall'")["estimate"],
        straight.to_frame().query("level == 'overall'")["estimate"],
    )


def test_an_item_without_answers_in_one_unit_spoils_no_other(answers):
    answers["shop"] = np.where(np.arange(120) < 60, "a", "b")
    answers.loc[answers["shop"] == "b", "s2"] = np.nan
    with pytest.warns(errors.MissingDataWarning):
        fit = sat.pls(MODEL, answers, by="shop")
    status = fit.status()
    assert list(status["reason"]) == ["", "no answers to s2"]
    assert list(status["converged"]) == [True, False]


def test_a_five_point_item_on_a_seven_point_scale_warns(answers):
    seven = (answers * 0.7).round().clip(1, 7).astype(int)
    seven.loc[0, ["q1", "s1"]] = 7
    seven["s2"] = seven["s2"].clip(1, 5)
    model = sat.StructuralModel.from_blocks("m", BLOCKS, PATHS, target="Satisfaction")
    fit = sat.pls(model, seven)
    with pytest.warns(errors.ScaleWarning, match=r"'s2'.*\(1, 5\)"):
        sat.index(fit, seven, scale=(1, 7))
