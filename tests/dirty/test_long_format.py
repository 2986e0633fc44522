"""One row per answer: recognised, named, and widened on request."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from satmetrics.errors import DataError
from satmetrics.survey import Survey, as_survey


def long():
    return pd.DataFrame(
        {
            "id": [1, 1, 2, 2, 3],
            "shop": ["A", "A", "B", "B", "A"],
            "question": ["q1", "q2", "q1", "q2", "q2"],
            "answer": [7, 8, 99, 5, 6],
            "w": [1.0, 1.0, 2.0, 2.0, 3.0],
        }
    )


def test_items_found_as_values_name_the_long_format():
    with pytest.raises(DataError, match="values of column 'question'") as caught:
        as_survey(long()).answers(["q1", "q2"])
    assert caught.value.code == "long-format"
    assert "Survey.from_long" in caught.value.remedy
    assert "item='question'" in caught.value.remedy


def test_an_instruments_items_found_as_values():
    frame = pd.DataFrame({"item": [f"p_tan{k}" for k in (1, 2, 3, 4)], "x": 1})
    with pytest.raises(DataError, match="one row per answer"):
        as_survey(frame).answers(["p_tan1", "p_tan2"])


@pytest.mark.parametrize("library", [pd.DataFrame, lambda f: pl.from_pandas(f)])
def test_from_long_gives_one_row_per_respondent(library):
    survey = Survey.from_long(
        library(long()),
        respondent="id",
        item="question",
        value="answer",
        unit="shop",
        weight="w",
        scale=(1, 10),
        missing_codes=(99,),
    )
    expected = [[7, 8], [np.nan, 5], [np.nan, 6]]
    np.testing.assert_array_equal(survey.answers(["q1", "q2"]), expected)
    np.testing.assert_array_equal(survey.weights, [1, 2, 3])
    assert survey.groups("unit")[1]["shop"].tolist() == ["A", "B"]
    assert [(e.where, e.n) for e in survey.context.exclusions] == [("q1", 1)]


def test_an_answer_given_twice_raises():
    frame = pd.concat([long(), long().iloc[[0]]])
    with pytest.raises(DataError, match="answers item 'q1' more than once"):
        Survey.from_long(frame, respondent="id", item="question", value="answer")


def test_a_role_that_differs_within_a_respondent_raises():
    frame = long().assign(w=[1.0, 2.0, 2.0, 2.0, 3.0])
    with pytest.raises(DataError, match="'w' differs"):
        Survey.from_long(
            frame, respondent="id", item="question", value="answer", weight="w"
        )


def test_an_answer_without_its_item_raises():
    frame = long().assign(question=["q1", None, "q1", "q2", "q2"])
    with pytest.raises(DataError, match="1 rows have no 'question'"):
        Survey.from_long(frame, respondent="id", item="question", value="answer")
