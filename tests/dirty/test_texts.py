"""Answers as text: full-width digits, units of points, answer words, categories."""

import numpy as np
import pandas as pd
import pytest

from satmetrics.errors import DataError
from satmetrics.survey import Scale, Survey, as_survey


def test_numbers_in_text_are_read_and_counted():
    frame = pd.DataFrame({"q1": ["７", "7分", " 7 ", "10", "８点", ""]})
    survey = Survey(frame, scale=(1, 10))
    expected = [7, 7, 7, 10, 8, np.nan]
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], expected)
    assert "5 numbers of 'q1' were read from text" in survey.context.notes


def test_number_texts_that_are_ambiguous_raise():
    frame = pd.DataFrame({"q1": ["1,000", "2"]})
    with pytest.raises(DataError, match=r"'1,000' \(1x\)"):
        as_survey(frame).answers(["q1"])


@pytest.mark.parametrize(
    "texts", [["A.非常满意", "B.满意"], ["very satisfied", "poor"]]
)
def test_answer_texts_without_numbers_raise_with_the_texts(texts):
    frame = pd.DataFrame({"q1": [*texts, texts[0]]})
    with pytest.raises(DataError) as caught:
        Survey(frame, scale=(1, 5)).answers(["q1"])
    assert caught.value.code == "answer-texts"
    assert f"{texts[0]!r} (2x)" in str(caught.value)
    assert "answers={text: number}" in caught.value.remedy
    assert "[answers]" in caught.value.remedy


def test_option_numbers_are_not_taken_for_answers():
    frame = pd.DataFrame({"q1": ["1.非常满意", "5.非常不满意"]})
    with pytest.raises(DataError, match="texts, not numbers"):
        Survey(frame, scale=(1, 5)).answers(["q1"])


def test_chinese_answer_texts_with_their_numbers():
    frame = pd.DataFrame({"q1": ["A.非常满意", "满意 ", "Ｃ.一般", "不知道"]})
    survey = Survey(
        frame,
        scale=(1, 5),
        answers={"非常满意": 5, "满意": 4, "一般": 3},
        missing_codes=("不知道",),
    )
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [5, 4, 3, np.nan])
    assert [str(e) for e in survey.context.exclusions] == [
        "1 answers left out in q1: missing code '不知道'"
    ]
    assert "3 answer texts of 'q1' were read as their numbers" in survey.context.notes


def test_answer_texts_of_single_items():
    frame = pd.DataFrame({"q1": ["yes", "no"], "q2": ["yes", "no"]})
    survey = Survey(
        frame, answers={"q1": {"yes": 5, "no": 1}, "q2": {"yes": 1, "no": 5}}
    )
    np.testing.assert_array_equal(survey.answers(["q1", "q2"]), [[5, 1], [1, 5]])


def test_labels_of_a_scale_are_answers():
    scale = Scale(1, 3, labels=("low", "middle", "high"))
    frame = pd.DataFrame({"q1": ["High", "low", "middle"]})
    survey = Survey(frame, scale={"q1": scale})
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [3, 1, 2])


def ordered(values, categories):
    return pd.DataFrame({"q1": pd.Categorical(values, categories, ordered=True)})


def test_ordered_categories_that_are_numbers():
    frame = ordered(["10", "2", "2"], ["2", "10"])
    np.testing.assert_array_equal(as_survey(frame).answers(["q1"])[:, 0], [10, 2, 2])


def test_ordered_categories_as_many_as_points():
    frame = ordered(["good", "bad", None], ["bad", "fair", "good"])
    survey = Survey(frame, scale=(1, 3))
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [3, 1, np.nan])
    assert any("'bad' = 1" in note for note in survey.context.notes)


@pytest.mark.parametrize("scale", [None, (1, 5)])
def test_ordered_categories_without_their_scale_raise(scale):
    frame = ordered(["good", "bad"], ["bad", "fair", "good"])
    with pytest.raises(DataError, match="3 ordered categories") as caught:
        Survey(frame, scale=scale).answers(["q1"])
    assert "declare a scale of 3 points" in caught.value.remedy


def test_unordered_text_categories_raise():
    frame = pd.DataFrame({"q1": pd.Categorical(["good", "bad"])})
    with pytest.raises(DataError, match="texts, not numbers"):
        Survey(frame, scale=(1, 2)).answers(["q1"])


def test_dates_are_not_answers():
    frame = pd.DataFrame({"q1": pd.to_datetime(["2026-03-01"])})
    with pytest.raises(DataError, match="holds dates") as caught:
        as_survey(frame).answers(["q1"])
    assert "wave=" in caught.value.remedy


def test_cells_that_say_they_are_empty_are_noted():
    frame = pd.DataFrame({"q1": ["7", "NA", "-", "8"]})
    survey = as_survey(frame)
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [7, np.nan, np.nan, 8])
    assert "2 cells of 'q1' were read as empty: 'NA', '-'" in survey.context.notes
