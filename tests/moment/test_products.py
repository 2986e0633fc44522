"""Columns of products, and linear maps of single moments and of batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.moment.answers import from_answers
from satmetrics.moment.contributions import contributions
from satmetrics.moment.products import Products

ITEMS = ("a", "b", "c")


@pytest.fixture
def frame(rng):
    return pd.DataFrame(rng.integers(1, 8, size=(60, 3)), columns=list(ITEMS))


def test_products_are_about_the_stored_centre(frame):
    made = Products(ITEMS, (4.0, 3.0, 2.0), (("a", "b"), ("c", "c")))
    assert made.names == ("a*b", "c*c")
    X = frame.to_numpy(dtype=float)
    known = np.column_stack(
        [X, (frame.a - 4) * (frame.b - 3), (frame.c - 2) * (frame.c - 2)]
    )
    np.testing.assert_array_equal(made.beside(X, ITEMS), known)
    shuffled = made.beside(X[:, [2, 0, 1]], ("c", "a", "b"))
    np.testing.assert_array_equal(shuffled[:, 3:], known[:, 3:])


def test_answers_and_units_hold_the_same_products(frame):
    X = frame.to_numpy(dtype=float)
    made = Products.about_means(X, ITEMS, [("a", "b"), ("a", "c")])
    np.testing.assert_allclose(made.centre, X.mean(axis=0))
    kept = {"by": None, "weights": None, "missing": "listwise", "acov": False}
    moments = from_answers(frame, ITEMS, **kept, products=made)
    units = contributions(frame, ITEMS, products=made).moments()
    assert moments.names == units.names == (*ITEMS, "a*b", "a*c")
    rows = made.beside(X, ITEMS)
    for found in (moments, units):
        np.testing.assert_allclose(found.mean, rows.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(found.cov, np.cov(rows.T), atol=1e-12)


def test_a_batch_has_a_map_for_each_group(frame, rng):
    survey = frame.assign(g=np.where(np.arange(60) < 25, "x", "y"))
    batch = sat.Moments.from_frame(survey, list(ITEMS), by="g")
    A, b = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4))
    names = ("w", "x", "y", "z")
    mapped = batch.linear(A, names, b)
    for g, (_, rows) in enumerate(survey.groupby("g")):
        Y = rows[list(ITEMS)].to_numpy() @ A[g].T + b[g]
        np.testing.assert_allclose(mapped.mean[g], Y.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(mapped.cov[g], np.cov(Y.T), atol=1e-12)
        one = batch.group(g).linear(A[g], names, b[g])
        np.testing.assert_allclose(one.cov, mapped.cov[g], atol=1e-14)


def test_what_cancels_has_no_variance(frame):
    frame = frame.assign(d=0.1 * frame.a + 0.7 * frame.b)
    moments = sat.Moments.from_frame(frame, ["a", "b", "d"])
    mapped = moments.linear(np.array([[0.1, 0.7, -1.0], [1, 0, 0]]), ("zero", "a"))
    assert mapped.cov[0, 0] == 0
    assert mapped.cov[1, 1] > 0
