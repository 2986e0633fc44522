"""Reversed items: turned once, and a second turn is noticed."""

import warnings

import numpy as np
import pandas as pd
import pytest

from satmetrics.errors import DataError, ReversalWarning, SpecificationError
from satmetrics.survey import Instrument, Survey, instruments


def battery(n=200, seed=7):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    raw = 4 + 1.2 * common[:, None] + rng.normal(scale=0.8, size=(n, 4))
    return pd.DataFrame(np.clip(np.round(raw), 1, 7), columns=list("abcd"))


def test_reversed_items_come_turned():
    frame = battery()
    frame["d"] = 8 - frame["d"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survey = Survey(frame, scale=(1, 7), reverse=["d"])
    np.testing.assert_array_equal(survey.answers(["d"])[:, 0], 8 - frame["d"])
    np.testing.assert_array_equal(survey.frame["d"], frame["d"])


def test_an_item_that_came_turned_warns_with_the_cure():
    with pytest.warns(ReversalWarning, match=r"already_reversed=\['d'\]"):
        Survey(battery(), scale=(1, 7), reverse=["d"])


def test_already_reversed_items_are_left_alone():
    frame = battery()
    survey = Survey(frame, scale=(1, 7), reverse=["d"], already_reversed=["d"])
    np.testing.assert_array_equal(survey.answers(["d"])[:, 0], frame["d"])


def test_few_answers_do_not_warn():
    survey = Survey(battery(n=20), scale=(1, 7), reverse=["d"])
    assert survey.n == 20


def test_turning_needs_a_scale():
    survey = Survey(battery(), reverse=["d"])
    with pytest.raises(DataError, match="'d' is reversed and has no scale"):
        survey.answers(["d"])


def test_an_instrument_turns_its_items_in_every_form():
    text = instruments.load("servqual").to_toml()
    turned = text.replace('id = "emp1"', 'id = "emp1"\nreverse = true', 1)
    turned = turned.replace("reverse = true\n", "reverse = true\n", 1)
    lines, seen = [], False
    for line in turned.splitlines():
        if line == "reverse = true":
            seen = True
        elif line == "reverse = false" and seen:
            seen = False
            continue
        lines.append(line)
    spec = Instrument.from_toml("\n".join(lines))
    assert spec.reverse_columns() == ("e_emp1", "p_emp1")
    frame = pd.DataFrame({"e_emp1": [1, 7], "p_emp1": [2, 3]})
    survey = Survey(frame, spec)
    np.testing.assert_array_equal(
        survey.answers(["e_emp1", "p_emp1"]), [[7, 6], [1, 5]]
    )
    left = Survey(frame, spec, already_reversed=["emp1"])
    np.testing.assert_array_equal(left.answers(["p_emp1"])[:, 0], [2, 3])


def test_a_scale_without_points_raises():
    with pytest.raises(SpecificationError, match="from 7 to 1 has no points"):
        Survey(battery(), scale=(7, 1))
