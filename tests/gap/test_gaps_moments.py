"""Gaps from moments equal gaps from complete answers."""

import numpy as np
import pandas as pd
import pytest

from satmetrics._result import Context
from satmetrics.errors import DataError, MissingMomentsError, OptionError
from satmetrics.gap.gaps import gaps
from satmetrics.moment.moments import Moments
from satmetrics.simulate import exact_sample
from satmetrics.survey.survey import Survey

ITEMS = [f"{form}{j}" for form in "ep" for j in range(4)]
LISTS = {
    "expectation": ITEMS[:4],
    "perception": ITEMS[4:],
    "dimensions": {"a": [0, 1, 2], "b": [3]},
}
ROWS_ONLY = [f"share_{state}" for state in ("better", "equal", "worse")]


@pytest.fixture
def frame():
    rng = np.random.default_rng(5)
    root = rng.normal(size=(8, 8))
    X = exact_sample(rng.uniform(3, 6, 8), root @ root.T, 60, rng)
    data = pd.DataFrame(X, columns=ITEMS)
    return data.assign(shop=np.repeat(["b", "a", "c"], 20), w=rng.uniform(1, 2, 60))


def same(moments, rows):
    assert not moments.from_answers
    for name in rows.table.names:
        if name.startswith("share_"):
            assert np.isnan(moments.table[name]).all()
        elif rows.table[name].dtype.kind in "fi":
            assert moments.table[name] == pytest.approx(
                rows.table[name], rel=1e-12, abs=1e-12, nan_ok=True
            )
        else:
            assert moments.table[name].tolist() == rows.table[name].tolist()


@pytest.mark.parametrize("points", [None, {"a": 30, "b": 70}])
def test_moments_equal_rows(frame, points):
    found = gaps(Moments.from_frame(frame, ITEMS), **LISTS, points=points)
    same(found, gaps(frame, **LISTS, points=points))
    assert "absent" in str(found.summary())


def test_weighted_batch_of_moments_equals_weighted_groups_of_rows(frame):
    survey = Survey(frame, weight="w", unit="shop")
    found = gaps(Moments.from_frame(survey, ITEMS, by="shop"), **LISTS, by="shop")
    rows = gaps(survey, **LISTS, by="unit")
    assert found.table["shop"].tolist() == rows.table["shop"].tolist()
    same(found, rows)


def test_the_summary_says_whether_moments_are_weighted(frame):
    def said(data):
        result = gaps(Moments.from_frame(data, ITEMS), **LISTS)
        return result.weighted, dict(result.summary().facts)["weights"]

    assert said(frame) == (False, "none")
    assert said(Survey(frame, weight="w")) == (True, "sampling weights")
    weighted = gaps(Moments.from_frame(Survey(frame, weight="w"), ITEMS), **LISTS)
    assert "Taylor" in str(weighted.summary())
    assert "Wilson" not in str(weighted.summary())


def test_notes_of_the_moments_are_in_the_summary():
    note = "12 missing answers were filled with means: standard errors are too small"
    table = Moments.from_table(
        [6.0, 5.0],
        [1.0, 2.0],
        [[1, 0.5], [0.5, 1]],
        n=50,
        context=Context(notes=(note,)),
    )
    found = gaps(table, expectation=["x1"], perception=["x2"])
    assert note in found.context.notes
    assert note in str(found.summary())


def test_a_table_of_two_items_by_hand():
    table = Moments.from_table([6.0, 5.0], [1.0, 2.0], [[1, 0.5], [0.5, 1]], n=50)
    found = gaps(table, expectation=["x1"], perception=["x2"]).rows("item")
    variance = 1 + 4 - 2 * 0.5 * 1 * 2
    assert found["estimate"][0] == -1
    assert found["sd_gap"][0] == pytest.approx(np.sqrt(variance))
    assert found["std_error"][0] == pytest.approx(np.sqrt(variance / 50))
    assert found["df"][0] == 49


def test_without_correlations_it_raises():
    table = Moments.from_table([6.0, 5.0], [1.0, 2.0], n=50)
    with pytest.raises(MissingMomentsError, match="correlations"):
        gaps(table, expectation=["x1"], perception=["x2"])


def test_identical_forms_have_a_zero_gap_and_a_reason():
    table = Moments.from_table([5.0, 5.0], [1.0, 1.0], np.ones((2, 2)), n=50)
    found = gaps(table, expectation=["x1"], perception=["x2"]).rows("item")
    assert found["std_error"][0] == 0
    assert np.isnan(found["statistic"][0])
    assert "same for every respondent" in found["reason"][0]


def test_pairwise_moments_are_refused(frame):
    frame.loc[0, "e0"] = np.nan
    pairwise = Moments.from_frame(frame, ITEMS, missing="pairwise")
    with pytest.raises(DataError, match="listwise"):
        gaps(pairwise, **LISTS)


def test_points_of_respondents_need_respondents(frame):
    with pytest.raises(OptionError, match="answers"):
        gaps(Moments.from_frame(frame, ITEMS), **LISTS, points={"a": "w", "b": "w"})


def test_by_must_be_that_of_the_moments(frame):
    with pytest.raises(OptionError, match="grouped by"):
        gaps(Moments.from_frame(frame, ITEMS), **LISTS, by="shop")
