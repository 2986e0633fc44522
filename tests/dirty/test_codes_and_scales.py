"""Codes for "no answer", mixed scales, infinite values: never a silent number."""

import numpy as np
import pandas as pd
import pytest

from satmetrics.errors import DataError, OptionError, ScaleWarning
from satmetrics.survey import Scale, Survey, as_survey


def ratings(n=60, high=10, seed=3):
    return np.random.default_rng(seed).integers(1, high + 1, n)


def test_dont_know_codes_on_a_declared_scale_raise_with_counts_and_cure():
    frame = pd.DataFrame({"q1": [7, 98, 99, 99, 10]})
    with pytest.raises(DataError, match=r"q1.*1-10: 98 \(1x\), 99 \(2x\)") as caught:
        Survey(frame, scale=(1, 10)).answers(["q1"])
    assert "missing_codes=(98, 99,)" in caught.value.remedy
    assert caught.value.code == "off-scale"
    assert caught.value.value == (98.0, 99.0)


def test_declared_missing_codes_are_counted_exclusions():
    frame = pd.DataFrame({"q1": [7, 98, 99, 99, 10], "q2": [1, 2, 3, 4, 98]})
    survey = Survey(frame, scale=(1, 10), missing_codes=(98, 99))
    expected = [[7, 1], [np.nan, 2], [np.nan, 3], [np.nan, 4], [10, np.nan]]
    np.testing.assert_array_equal(survey.answers(["q1", "q2"]), expected)
    counted = {(e.where, e.reason): (e.n, e.what) for e in survey.context.exclusions}
    assert counted == {
        ("q1", "missing code 98"): (1, "answers"),
        ("q1", "missing code 99"): (2, "answers"),
        ("q2", "missing code 98"): (1, "answers"),
    }


def test_exclusions_of_a_result_are_those_of_its_items():
    frame = pd.DataFrame({"q1": [7, 99], "q2": [99, 99]})
    survey = Survey(frame, scale=(1, 10), missing_codes=(99,))
    assert [e.n for e in survey.context_for(["q1"]).exclusions] == [1]
    assert [e.n for e in survey.context_for(["q2"]).exclusions] == [2]


@pytest.mark.parametrize("code", [88, 98, 99, 999, -1, -9])
def test_suspicious_codes_without_a_scale_raise(code):
    frame = pd.DataFrame({"q1": [*ratings(), code]})
    with pytest.raises(DataError, match=rf"{code} \(1x\) far from") as caught:
        as_survey(frame).answers(["q1"])
    assert f"missing_codes=({code},)" in caught.value.remedy


def test_eight_and_nine_beyond_a_full_five_point_item_raise():
    frame = pd.DataFrame({"q1": [*ratings(high=5), 9, 9]})
    with pytest.raises(DataError, match=r"9 \(2x\) far from"):
        as_survey(frame).answers(["q1"])


@pytest.mark.parametrize(
    "values",
    [
        list(range(18, 100)),
        [*range(0, 101, 5), 99, 98],
        [-2, -1, 0, 1, 2],
        [0.5, -1.0, 1.5, 3.2, 7.0],
        list(range(1, 11)) * 4,
        [98, 99, 99],
    ],
)
def test_ordinary_values_are_not_taken_for_codes(values):
    frame = pd.DataFrame({"x": values})
    np.testing.assert_array_equal(as_survey(frame).answers(["x"])[:, 0], values)


def test_a_common_code_that_is_an_answer_elsewhere_has_to_be_placed():
    frame = pd.DataFrame({"five": [1, 5, 9], "ten": [1, 9, 10]})
    scales = {"five": (1, 5), "ten": (1, 10)}
    with pytest.raises(DataError, match=r"code 9 is an answer on the scale 1-10"):
        Survey(frame, scale=scales, missing_codes=(9,))
    survey = Survey(frame, scale=scales, missing_codes={"five": [9]})
    np.testing.assert_array_equal(survey.answers(["ten"])[:, 0], [1, 9, 10])
    np.testing.assert_array_equal(survey.answers(["five"])[:, 0], [1, 5, np.nan])


def test_zero_within_one_to_ten_raises():
    frame = pd.DataFrame({"q1": [0, 5, 10]})
    with pytest.raises(DataError, match=r"off its scale 1-10: 0 \(1x\)") as caught:
        Survey(frame, scale=(1, 10)).answers(["q1"])
    assert "scale={'q1': (lowest, highest)}" in caught.value.remedy
    mended = Survey(frame, scale={"*": (1, 10), "q1": (0, 10)})
    assert mended.scale("q1") == Scale(0, 10)
    assert mended.answers(["q1"])[0, 0] == 0


@pytest.mark.parametrize(
    ("off", "codes"), [([98, 99], "98, 99"), ([97, 98, 99], "97, 98, 99"), ([11], "11")]
)
def test_the_cure_of_values_off_a_scale_names_argument_and_study(off, codes):
    with pytest.raises(DataError) as caught:
        Survey(pd.DataFrame({"q 1": [5, *off]}), scale=(1, 10)).answers(["q 1"])
    remedy = caught.value.remedy
    assert f"missing_codes=({codes},), or missing_codes = [{codes}] in study" in remedy
    assert '"q 1" = [lowest, highest] under [scale] in study.toml' in remedy


def test_many_values_off_a_scale_are_no_missing_codes():
    with pytest.raises(DataError) as caught:
        Survey(pd.DataFrame({"q1": [5, 20, 50, 99]}), scale=(1, 10)).answers(["q1"])
    assert "missing_codes" not in caught.value.remedy
    assert "q1 = [lowest, highest] under [scale]" in caught.value.remedy


def test_five_point_item_among_ten_point_items_warns():
    frame = pd.DataFrame(
        {"q1": ratings(), "q2": ratings(seed=4), "q3": ratings(high=5)}
    )
    with pytest.warns(ScaleWarning, match=r"'q3' is above 5.*scale=\{'q3': \(1, 5\)\}"):
        Survey(frame, scale=(1, 10))


def test_low_answers_everywhere_do_not_warn():
    frame = pd.DataFrame({"q1": ratings(high=5), "q2": ratings(high=5, seed=5)})
    assert Survey(frame, scale=(1, 10)).n == 60


@pytest.mark.parametrize("top", [5, 7])
def test_three_items_that_all_end_at_a_usual_top_warn(top):
    frame = pd.DataFrame({f"q{k}": ratings(high=top, seed=k) for k in range(3)})
    says = rf"any of 3 items is above {top}, .* 1-10; .*scale=\(1, {top}\)"
    with pytest.warns(ScaleWarning, match=says):
        Survey(frame, scale=(1, 10))


@pytest.mark.parametrize(("n", "high", "ends"), [(49, 5, 10), (60, 6, 10), (60, 5, 8)])
def test_few_answers_an_odd_top_or_a_short_scale_do_not_warn(n, high, ends):
    made = {f"q{k}": ratings(high=high, seed=k)[:n] for k in range(3)}
    assert Survey(pd.DataFrame(made), scale=(1, ends)).n == n


def test_a_models_scale_is_checked_when_it_arrives():
    frame = pd.DataFrame({"q1": [0, 5, 10]})
    with pytest.raises(DataError, match="off its scale 1-10"):
        as_survey(frame).with_scale((1, 10), ["q1"])
    scaled = as_survey(frame).with_scale(Scale(0, 10), ["q1"])
    assert scaled.scale("q1") == Scale(0, 10)
    declared = Survey(frame, scale=(0, 10))
    assert declared.with_scale((1, 10), ["q1"]) is declared


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_raise(bad):
    frame = pd.DataFrame({"q1": [1.0, bad, 3.0]})
    with pytest.raises(DataError, match="'q1' holds 1 infinite"):
        as_survey(frame).answers(["q1"])


def test_values_between_points_are_kept_and_noted():
    frame = pd.DataFrame({"q1": [1, 2.5, 10]})
    survey = Survey(frame, scale=(1, 10))
    assert survey.answers(["q1"])[1, 0] == 2.5
    assert "1 answers of 'q1' lie between the points of 1-10" in survey.context.notes


def test_swapped_model_and_data_are_named():
    class Model:
        constructs = ()

    with pytest.raises(OptionError, match="swapped"):
        as_survey(Model())


def test_a_path_is_not_data():
    with pytest.raises(OptionError, match=r"sat\.read"):
        as_survey("answers.csv")
