"""Missing policies: what is left, and that everything else is counted."""

import numpy as np
import pytest

from satmetrics.errors import DataError, OptionError
from satmetrics.survey import treat_missing

NAN = np.nan
X = np.array([[1.0, 2, 3], [NAN, 5, 6], [NAN, NAN, NAN], [7, NAN, 9], [4, 4, 4]])
NAMES = ["a", "b", "c"]


def test_listwise():
    treated = treat_missing(X, NAMES, "listwise")
    np.testing.assert_array_equal(treated.values, X[[0, 4]])
    np.testing.assert_array_equal(treated.keep, [True, False, False, False, True])
    np.testing.assert_array_equal(treated.missing, [2, 2, 1])
    (only,) = treated.exclusions
    assert (only.n, only.what) == (3, "rows")
    assert only.reason.endswith("by item: a 2, b 2, c 1")


def test_pairwise_keeps_what_there_is():
    treated = treat_missing(X, NAMES, "pairwise")
    np.testing.assert_array_equal(treated.values, X[[0, 1, 3, 4]])
    assert [(e.n, e.what) for e in treated.exclusions] == [(1, "rows")]


@pytest.mark.parametrize("weights", [None, np.array([1.0, 3, 1, 2, 5])])
def test_mean(weights):
    treated = treat_missing(X, NAMES, "mean", weights)
    rows = [0, 1, 3, 4]
    w = np.ones(4) if weights is None else weights[rows]
    kept = X[rows]
    for j in range(3):
        there = ~np.isnan(kept[:, j])
        mean = np.average(kept[there, j], weights=w[there])
        np.testing.assert_allclose(treated.values[~there, j], mean, rtol=1e-15)
        np.testing.assert_array_equal(treated.values[there, j], kept[there, j])
    counted = {(e.where, e.n, e.what) for e in treated.exclusions}
    assert counted == {("", 1, "rows"), ("a", 1, "answers"), ("b", 1, "answers")}


@pytest.mark.parametrize("policy", ["listwise", "pairwise", "mean", "error"])
def test_complete_answers_are_left_alone(policy):
    treated = treat_missing(X[[0, 4]], NAMES, policy)
    np.testing.assert_array_equal(treated.values, X[[0, 4]])
    assert treated.exclusions == ()


def test_error_names_the_items_and_the_cure():
    with pytest.raises(DataError, match="a 2, b 2, c 1") as caught:
        treat_missing(X, NAMES, "error")
    assert '"listwise"' in caught.value.remedy


def test_an_unknown_policy_names_the_nearest():
    with pytest.raises(OptionError, match="did you mean 'listwise'"):
        treat_missing(X, NAMES, "list-wise")


def test_no_row_left_raises():
    with pytest.raises(DataError, match="no row of 2 is left"):
        treat_missing(X[1:3], NAMES, "listwise")


def test_an_item_without_answers_has_no_mean():
    with pytest.raises(DataError, match="item 'b' has no answer"):
        treat_missing(np.array([[1.0, NAN], [2.0, NAN]]), ["a", "b"], "mean")


def test_results_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        treat_missing(X, NAMES, "listwise").values[0, 0] = 1
