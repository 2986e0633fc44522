"""Pairs are checked before anything is computed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from satmetrics import datasets
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.design import check_order, item_keys
from satmetrics.gap.gaps import gaps
from satmetrics.survey import instruments
from satmetrics.survey.survey import Survey

E = ["e01", "e02", "e03", "e10"]
P = ["p01", "p02", "p03", "p10"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.integers(1, 8, (20, 8)), columns=E + P)


def test_another_order_is_an_error_that_names_the_pair_and_the_cure(frame):
    with pytest.raises(
        DataError, match=r"'e02' with 'p03'.*dimensions=\{name: \[\(E"
    ) as e:
        gaps(frame, expectation=E, perception=["p01", "p03", "p02", "p10"])
    assert e.value.code == "order-differs"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["q1", "q2", "q3"], ["q4", "q5", "q6"]),
        (["tan1_e", "rel1_e"], ["tan1_p", "rel1_p"]),
        (["q1", "q2", "q3", "q4"], ["q12", "q13", "q14", "q15"]),
        (["quick", "clean"], ["speed", "tidy"]),
        (["only"], ["one"]),
    ],
)
def test_orders_that_do_not_contradict_pass(first, second):
    check_order(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["tan1_e", "rel1_e"], ["rel1_p", "tan1_p"]),
        (["E_Tan1", "E_Rel1"], ["P_rel1", "P_tan1"]),
        (["q1a", "q2a", "q3a"], ["q1b", "q3b", "q2b"]),
    ],
)
def test_orders_that_contradict_raise(first, second):
    with pytest.raises(DataError, match="order"):
        check_order(first, second)


def test_numbers_are_not_cut_apart():
    assert item_keys(["e01", "e02", "e10"]) == ["01", "02", "10"]
    assert item_keys(["x10_p", "x11_p"]) == ["10", "11"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"expectation": E, "perception": P[:3]}, "unequal-lists"),
        ({"expectation": E}, "missing-argument"),
        ({}, "missing-argument"),
        ({"expectation": E, "perception": [*P[:3], "e01"]}, "same-column"),
        ({"expectation": E, "perception": [*P[:3], "p01"]}, "duplicate-columns"),
        (
            {"expectation": E, "perception": P, "dimensions": {"a": [1, 2, 3, 4]}},
            "unknown-position",
        ),
        (
            {
                "expectation": E,
                "perception": P,
                "dimensions": {"a": [0, 1], "b": [1, 2, 3]},
            },
            "item-in-two-dimensions",
        ),
        (
            {"expectation": E, "perception": P, "dimensions": {"a": [0, 1], "b": []}},
            "empty-dimension",
        ),
        (
            {"expectation": E, "perception": P, "dimensions": {"a": [0, 1, 2]}},
            "item-without-dimension",
        ),
        (
            {"expectation": E, "perception": P, "dimensions": {"a": ["e01"]}},
            "bad-position",
        ),
        ({"dimensions": {"a": [0, 1]}}, "bad-pair"),
        (
            {"dimensions": {"a": [("e01", "p01")], "b": [("e01", "p02")]}},
            "duplicate-columns",
        ),
        (
            {"expectation": E, "perception": ["p01", "p02", "p03", "p11"]},
            "columns-not-found",
        ),
        ({"expectation": E, "perception": P, "missing": "drop"}, "unknown-option"),
        ({"expectation": E, "perception": P, "min_answered": 0}, "bad-share"),
        ({"expectation": E, "perception": P, "level": 0.05}, "bad-level"),
        ({"expectation": E, "perception": P, "instrument": "servqual"}, "two-designs"),
        ({"instrument": "servperf"}, "no-form"),
    ],
)
def test_faults_have_a_code_and_a_remedy(frame, arguments, code):
    with pytest.raises((DataError, OptionError)) as error:
        gaps(frame, **arguments)
    assert error.value.code == code
    assert str(error.value)


def test_missing_error_policy_names_the_column(frame):
    frame = frame.astype(float)
    frame.loc[3, "p02"] = np.nan
    with pytest.raises(DataError, match="'p02'"):
        gaps(frame, expectation=E, perception=P, missing="error")


def test_swapped_arguments_are_recognised(frame):
    with pytest.raises(OptionError, match="swapped"):
        gaps("servqual", frame)


def test_a_near_miss_keyword_is_answered(frame):
    with pytest.raises(OptionError, match="did you mean 'by'"):
        gaps(frame, expectation=E, perception=P, group="x")


def test_a_key_with_the_name_of_a_column_of_the_result_is_refused(frame):
    frame["item"] = "x"
    with pytest.raises(OptionError, match="rename"):
        gaps(frame, expectation=E, perception=P, by="item")


def test_an_instrument_by_name_gives_its_items_and_expectation():
    survey = datasets.load("bank_servqual")
    own, named = gaps(survey), gaps(survey.frame, "servqual")
    spec = instruments.load("servqual")
    assert own.rows("item")["item"].tolist() == [item.id for item in spec.items]
    assert own.rows("dimension")["dimension"].tolist() == [
        d.id for d in spec.dimensions
    ]
    assert own.expectation_type == spec.expectation
    assert (own.table["n"] == named.table["n"]).all()
    assert not named.weighted


def test_a_survey_without_the_instrument_is_not_left_unturned():
    """Reversed items of the instrument must have been turned by the survey."""
    spec = instruments.load("servqual")
    first = dataclasses.replace(spec.items[0], reverse=True)
    reverse = dataclasses.replace(spec, items=(first, *spec.items[1:]))
    survey = Survey(datasets.load("bank_servqual").frame, scale=(1, 7))
    with pytest.raises(DataError, match="reversed"):
        gaps(survey, reverse)
