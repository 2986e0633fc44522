"""Units, waves, weights, respondents and sources as they come."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from satmetrics.errors import DataError, MissingDataWarning, SourceWarning
from satmetrics.survey import Survey


def test_blanks_around_unit_names_do_not_make_units():
    shops = ["North", "North ", "\u3000North", "South\u00a0", "South"]
    survey = Survey(pd.DataFrame({"shop": shops, "q1": 1}), unit="shop")
    codes, keys = survey.groups("unit")
    assert keys["shop"].tolist() == ["North", "South"]
    assert codes.tolist() == [0, 0, 0, 1, 1]
    assert "blanks around 3 labels of 'shop' were removed" in survey.context.notes


def test_a_blank_unit_is_missing():
    survey = Survey(pd.DataFrame({"shop": ["A", " ", None], "q1": 1}), unit="shop")
    assert survey.groups("unit")[0].tolist() == [0, -1, -1]


STAMPS = [dt.datetime(2026, 3, 1), dt.datetime(2025, 12, 1), None]
DATES = [dt.date(2026, 3, 1), dt.date(2025, 12, 1), None]


@pytest.mark.parametrize(
    "wave",
    [
        pd.Series(pd.to_datetime(STAMPS)),
        pd.Series(STAMPS, dtype=object),
        pd.Series(DATES, dtype=object),
        pd.Series([pd.Timestamp(2026, 3, 1), pd.Timestamp(2025, 12, 1), pd.NaT]),
        pd.Series([46082, 45992, None]),
    ],
    ids=["datetime64", "datetime", "date", "Timestamp", "Excel day numbers"],
)
def test_dates_as_waves_are_iso_texts_in_order_of_time(wave):
    survey = Survey(pd.DataFrame({"when": wave, "q1": 1}), wave="when")
    codes, keys = survey.groups("wave")
    assert keys["when"].tolist() == ["2025-12-01", "2026-03-01"]
    assert codes.tolist() == [1, 0, -1]


def test_times_of_day_are_kept():
    frame = pl.DataFrame({"when": [dt.datetime(2026, 3, 1, 9, 30)], "q1": [1]})
    keys = Survey(frame, wave="when").groups("wave")[1]
    assert keys["when"].tolist() == ["2026-03-01T09:30:00"]


@pytest.mark.parametrize(
    "labels",
    [
        ["2025Q4", "2026Q1"],
        ["Q4 2025", "Q1 2026"],
        ["2025年第四季度", "2026年第一季度"],
        ["2025年9月", "2025年10月"],
        ["2025/9/1", "2025/10/1"],
        ["2025-9", "2025-10"],
        ["Sep 2025", "Feb 2026"],
        ["H2 2025", "H1 2026"],
        ["W2", "W10"],
        ["第2期", "第10期"],
        [9, 10],
    ],
)
def test_waves_are_in_order_of_time(labels):
    frame = pd.DataFrame({"wave": labels[::-1], "q1": 1})
    keys = Survey(frame, wave="wave").groups("wave")[1]
    assert keys["wave"].tolist() == labels


def waves_of(labels):
    frame = pd.DataFrame({"wave": labels, "q1": 1})
    return Survey(frame, wave="wave").groups("wave")[1]["wave"].tolist()


@pytest.mark.parametrize(
    "labels",
    [
        ["1/3/2025", "15/6/2025", "3/1/2026"],
        ["6/15/2024", "3/1/2025", "1/3/2026"],
        ["15-06-2025", "01-07-2025", "2025-08-01", "02-02-2026"],
        ["2/1/2025", "1/2/2025", "13/2/2025"],
        ["1/2/2025", "2/1/2025", "2/13/2025"],
        ["02.01.2025", "01.02.2025"],
        ["2.13.2025", "1.2.2026"],
        ["1/3/2025 10:00", "1/4/2025 09:00"],
    ],
)
def test_dates_that_end_in_the_year_are_in_order_of_time(labels):
    for order in (labels, labels[::-1], labels[1:] + labels[:1]):
        assert waves_of(order) == labels


@pytest.mark.parametrize(
    "labels", [["2/1/2025", "1/2/2025"], ["13/1/2025", "1/13/2025"]]
)
def test_dates_whose_day_cannot_be_told_raise(labels):
    with pytest.raises(DataError, match="which number is the day") as caught:
        waves_of(labels)
    assert "2025-03-01" in caught.value.remedy


def test_ordered_categories_keep_their_order_as_waves():
    wave = pd.Categorical(["before", "after"], ["before", "after"], ordered=True)
    survey = Survey(pd.DataFrame({"wave": wave, "q1": 1}), wave="wave")
    assert survey.groups("wave")[1]["wave"].tolist() == ["before", "after"]


def test_zero_and_missing_weights_are_counted():
    frame = pd.DataFrame({"w": [1.5, 0, None, 2], "q1": [1, 2, 3, 4]})
    with pytest.warns(MissingDataWarning, match="1 rows without a weight"):
        survey = Survey(frame, weight="w")
    np.testing.assert_array_equal(survey.weights, [1.5, 2])
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [1, 4])
    counted = {e.reason: e.n for e in survey.context.exclusions}
    assert counted == {"weight is missing": 1, "weight is zero": 1}
    assert (survey.n, survey.context.n_rows) == (2, 4)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1, -0.5], "1 negative values, such as -0.5"),
        (["1", "heavy"], "'heavy'"),
        ([1, np.inf], "infinite"),
        ([0, 0], "no row has a positive weight"),
    ],
)
def test_weights_that_are_none_raise(weights, says):
    with pytest.raises(DataError, match=says):
        Survey(pd.DataFrame({"w": weights, "q1": [1, 2]}), weight="w")


def test_small_weights_below_one_are_no_missing_codes():
    frame = pd.DataFrame({"w": [0.1, 98.0, 3.0], "q1": 1})
    np.testing.assert_array_equal(Survey(frame, weight="w").weights, [0.1, 98, 3])


def repeated():
    return pd.DataFrame(
        {
            "id": ["a", "a", "a ", "b"],
            "shop": ["N", "N", "S", "N"],
            "q1": [1, 2, 3, 4],
        }
    )


def test_duplicate_respondents_raise_with_the_cure():
    with pytest.raises(DataError, match=r"respondent 'a'.*1 repeated rows") as caught:
        Survey(repeated(), respondent="id", unit="shop")
    assert 'duplicates="first"' in caught.value.remedy


def test_the_first_of_duplicate_respondents_is_kept():
    survey = Survey(repeated(), respondent="id", unit="shop", duplicates="first")
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [1, 3, 4])
    assert [(e.n, e.what) for e in survey.context.exclusions] == [(1, "rows")]


def test_respondents_without_identifier_are_not_duplicates():
    frame = pd.DataFrame({"id": [None, None, "b"], "q1": [1, 2, 3]})
    assert Survey(frame, respondent="id").n == 3


def test_the_same_respondent_may_come_again_in_another_wave():
    frame = pd.DataFrame({"id": [1, 1], "wave": [1, 2], "q1": [1, 2]})
    assert Survey(frame, respondent="id", wave="wave").n == 2
    with pytest.raises(DataError, match="more than once"):
        Survey(frame, respondent="id")


def test_mixed_sources_warn():
    frame = pd.DataFrame({"mode": ["CATI", "CATI", "web panel"], "q1": [1, 2, 3]})
    with pytest.warns(SourceWarning, match=r"mixed: CATI \(2\), web panel \(1\)"):
        survey = Survey(frame, source="mode")
    assert any("mixed" in note for note in survey.context.notes)


@pytest.mark.parametrize("word", ["Comment card", "self_selected", "意见卡", "Opt-in"])
def test_self_selected_respondents_warn(word):
    frame = pd.DataFrame({"mode": [word, word], "q1": [1, 2]})
    with pytest.warns(SourceWarning, match="chose themselves") as caught:
        survey = Survey(frame, source="mode")
    assert len(caught) == 1
    assert any(word in note for note in survey.context.notes)


def test_one_sound_source_is_silent():
    frame = pd.DataFrame({"mode": ["CATI", "CATI "], "q1": [1, 2]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Survey(frame, source="mode").n == 2


def test_one_column_cannot_play_two_roles():
    with pytest.raises(DataError, match="both unit and wave"):
        Survey(pd.DataFrame({"a": [1]}), unit="a", wave="a")


def test_a_role_that_is_absent_names_the_nearest():
    with pytest.raises(DataError, match="did you mean 'company'"):
        Survey(pd.DataFrame({"company": ["A"], "q1": [1]}), unit="compny")


def test_unit_names_that_differ_by_case_or_width_are_noted_not_merged():
    frame = pd.DataFrame({"shop": ["A店", "Ａ店", "B店"], "q1": 1})
    survey = Survey(frame, unit="shop")
    assert len(survey.groups("unit")[1]) == 3
    note = "labels of 'shop' differ by case or width only: 'A店', 'Ａ店'"
    assert note in survey.context.notes
