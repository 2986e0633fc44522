"""Large frames: no copy, no check left out, the same bits whatever library they are."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics._frames import read_only
from satmetrics.survey import Survey
from satmetrics.survey._suspects import _suspects, may_hold_codes

NAMES = [f"x{i}" for i in range(5)]
N = 40_000


def by_row(X):
    return pd.DataFrame(np.ascontiguousarray(X), columns=NAMES, copy=False)


def by_column(X):
    return pd.DataFrame(np.asfortranarray(X), columns=NAMES, copy=False)


def by_series(X):
    return pd.DataFrame({name: X[:, j].copy() for j, name in enumerate(NAMES)})


def as_polars(X):
    return pl.DataFrame(X, schema=NAMES)


def as_arrow(X):
    return pa.table({name: X[:, j] for j, name in enumerate(NAMES)})


MAKERS = [by_row, by_column, by_series, as_polars, as_arrow]


def normals(rng, n=N):
    return rng.normal(size=(n, 5)) @ rng.normal(size=(5, 5)) + 5


def moments_by_hand(X, w=None):
    X = X.astype(np.longdouble)
    w = np.ones(len(X)) if w is None else w
    mean = w @ X / w.sum()
    Z = X - mean
    cov = (Z.T * w) @ Z / (w.sum() - w @ w / w.sum())
    return mean.astype(float), cov.astype(float)


@pytest.mark.parametrize("gaps", [False, True])
def test_every_library_and_layout_gives_the_same_bits(rng, gaps):
    X = normals(rng)
    if gaps:
        X[rng.random(X.shape) < 0.01] = np.nan
    found = [sat.Moments.from_frame(make(X)) for make in MAKERS]
    complete = X[~np.isnan(X).any(axis=1)]
    mean, cov = moments_by_hand(complete)
    for m in found:
        assert np.array_equal(m.mean, found[0].mean)
        assert np.array_equal(m.cov, found[0].cov)
        assert m.n == len(complete)
        assert m.context.exclusions == found[0].context.exclusions
    np.testing.assert_allclose(found[0].mean, mean, rtol=1e-13)
    np.testing.assert_allclose(found[0].cov, cov, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_one_group_of_all_rows_has_the_moments_of_no_groups(rng, weighted):
    frame = by_series(normals(rng)).assign(all="one")
    frame.loc[7, "x0"] = np.nan
    roles = {}
    if weighted:
        frame["w"] = rng.uniform(0.1, 4, size=N)
        roles = {"weight": "w"}
    survey = Survey(frame, items=NAMES, **roles)
    one = sat.Moments.from_frame(survey, by="all").group(0)
    all_ = sat.Moments.from_frame(survey)
    for name in ("n", "n_eff", "weight_sum", "mean", "cov", "mean_cov"):
        known, value = getattr(one, name), getattr(all_, name)
        np.testing.assert_allclose(value, known, rtol=1e-11, atol=1e-15)
    assert [(e.reason, e.n) for e in all_.context.exclusions] == [
        (e.reason, e.n) for e in one.context.exclusions
    ]
    w = frame["w"].drop(index=7).to_numpy() if weighted else None
    mean, cov = moments_by_hand(frame[NAMES].drop(index=7).to_numpy(), w)
    np.testing.assert_allclose(all_.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(all_.cov, cov, rtol=1e-10, atol=1e-13)


def test_nothing_cancels_far_from_zero_or_where_means_drift(rng):
    X = normals(rng) + 1e8
    m = sat.Moments.from_frame(by_column(X))
    np.testing.assert_allclose(m.cov, moments_by_hand(X)[1], rtol=1e-7, atol=1e-7)
    X = normals(rng) + np.linspace(0, 1000, N)[:, None]
    m = sat.Moments.from_frame(by_column(X))
    np.testing.assert_allclose(m.cov, moments_by_hand(X)[1], rtol=1e-10)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("value", "code"), [(np.inf, "infinite"), (-np.inf, "infinite")]
)
def test_an_infinite_answer_in_the_last_row_raises(rng, make, value, code):
    X = normals(rng)
    X[-1, 3] = value
    with pytest.raises(errors.DataError, match="column 'x3' holds 1 infinite") as e:
        sat.Moments.from_frame(make(X), NAMES)
    assert e.value.code == code


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", [99.0, -9.0])
def test_a_suspect_code_in_the_last_row_raises(rng, make, value):
    X = rng.integers(1, 11, size=(N, 5)).astype(float)
    X[-1, 4] = value
    with pytest.raises(errors.DataError, match=rf"'x4' holds {value:g} \(1x\)"):
        sat.Moments.from_frame(make(X), NAMES)


@pytest.mark.parametrize("make", MAKERS)
def test_an_answer_off_the_models_scale_in_the_last_row_raises(rng, make):
    X = rng.integers(1, 11, size=(N, 5)).astype(float)
    X[-1, 4] = 98.0
    model = sat.StructuralModel.from_blocks(
        "m", {"A": NAMES[:2], "B": NAMES[2:]}, {"A": ["B"]}, scale=(1, 10)
    )
    with pytest.raises(errors.DataError, match=r"off its scale 1-10: 98 \(1x\)"):
        sat.pls(model, make(X))


def test_answers_between_the_points_are_counted(rng):
    X = rng.integers(1, 11, size=(N, 5)).astype(float)
    X[[5, -1], 2] += 0.5 * np.where(X[[5, -1], 2] < 10, 1, -1)
    X[9, 2] = np.nan
    survey = Survey(by_column(X), scale=(1, 10))
    assert "2 answers of 'x2' lie between the points of 1-10" in survey.context.notes


def test_numbers_that_rule_codes_out_hold_none(rng):
    """What the quick look lets pass, the long one finds nothing in."""
    pools = [
        np.arange(1, 6),
        np.arange(0, 11),
        np.array([1, 2, 3, 4, 5, 8, 9]),
        np.array([-1, -9, 1, 2, 3, 4, 5, 6]),
        np.array([98, 99, 1, 2, 5, 7, 100]),
        np.array([0.5, 1, 2, 3, 4, 8, -1, 99]),
        np.array([99, -8, 21, 3]),
    ]
    passed = 0
    for _ in range(3000):
        pool = pools[rng.integers(len(pools))]
        some = rng.choice(pool, size=rng.integers(1, len(pool) + 1), replace=False)
        values = rng.choice(some, size=rng.integers(1, 80)).astype(float)
        span = (float(values.min()), float(values.max()))
        if not may_hold_codes(values, span):
            passed += 1
            assert _suspects(values).size == 0
    assert passed > 500


@pytest.mark.parametrize("make", [by_row, by_column, by_series])
def test_a_survey_does_not_change_with_the_frame_it_was_read_from(rng, make):
    X = rng.integers(1, 11, size=(N, 5)).astype(float)
    frame = make(X)
    survey = Survey(frame)
    before = survey.answers(NAMES)
    frame.iloc[:, :] = 3.0
    np.testing.assert_array_equal(survey.answers(NAMES), before)
    with pytest.raises(ValueError, match="read-only"):
        survey.answer_columns(NAMES)[0][0] = 1.0


@pytest.mark.parametrize("make", [by_row, by_column])
def test_a_frame_is_not_changed_by_reading_it(rng, make):
    X = normals(rng)
    frame = make(X)
    sat.Moments.from_frame(frame)
    np.testing.assert_array_equal(frame.to_numpy(), X)
    frame.iloc[0, 0] = 3.0  # and can still be written to
    assert frame.iloc[0, 0] == 3.0


@pytest.mark.parametrize("make", [by_row, by_column])
def test_moments_fit_and_shards_need_little_memory_beside_the_frame(rng, make):
    n = 150_000
    a = rng.normal(size=(n, 1))
    X = np.clip(np.rint(6 + 1.5 * (a + rng.normal(size=(n, 5)))), 1, 10)
    frame = make(X)
    model = sat.StructuralModel.from_blocks(
        "m", {"A": NAMES[:2], "B": NAMES[2:]}, {"A": ["B"]}, scale=(1, 10)
    )
    fit = sat.pls(model, frame)

    def peak(function):
        tracemalloc.start()
        try:
            function()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(lambda: sat.Moments.from_frame(frame)) < 0.5 * X.nbytes
    assert peak(lambda: sat.pls(model, frame)) < 0.5 * X.nbytes
    shards = peak(lambda: sat.bootstrap(fit, frame, n_draws=20, rng=1))
    assert shards < 50e6  # order of the rows, and pieces of bounded size


def test_only_what_nobody_can_write_to_is_taken_without_a_copy():
    owned = np.arange(6.0).reshape(2, 3).copy()
    assert read_only(owned) is not owned
    owned.setflags(write=False)
    assert read_only(owned) is owned
    turned = owned.T
    assert read_only(turned) is turned
    part = owned[0]
    assert read_only(part).base is None
    writable = np.arange(6.0)
    seen = writable.view()
    seen.setflags(write=False)
    kept = read_only(seen)
    writable[0] = 9
    assert kept[0] == 0


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_large_groups_have_the_moments_of_their_rows(rng, gaps, weighted, monkeypatch):
    """Summed group by group, or all groups at once where they are small: the same."""
    frame = by_series(normals(rng, 9000))
    shops = rng.choice(["a", "b", "c", None], size=9000, p=[0.5, 0.3, 0.1, 0.1])
    if gaps:
        frame = frame.mask(rng.random(frame.shape) < 0.01)
        frame.loc[shops == "c", "x2"] = np.nan
    frame = frame.assign(shop=shops)
    if weighted:
        frame["w"] = rng.uniform(0.1, 4, size=9000)
    survey = Survey(frame, items=NAMES, weight="w" if weighted else None)
    monkeypatch.setattr("satmetrics.moment.answers.LARGE", 10_000)
    known = sat.Moments.from_frame(survey, by="shop")
    monkeypatch.setattr("satmetrics.moment.answers.LARGE", 10)
    found = sat.Moments.from_frame(survey, by="shop")
    for name in ("n", "n_eff", "weight_sum", "mean", "cov", "mean_cov"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(known, name), rtol=1e-10, atol=1e-14
        )
    assert found.reasons == known.reasons
    assert found.context == known.context
    assert found.keys["shop"].tolist() == known.keys["shop"].tolist()
    assert found.reasons[2] == ("no answers to x2" if gaps else "")
    here = (frame["shop"] == "b") & frame[NAMES].notna().all(axis=1)
    w = frame.loc[here, "w"].to_numpy() if weighted else None
    mean, cov = moments_by_hand(frame.loc[here, NAMES].to_numpy(), w)
    np.testing.assert_allclose(found.mean[1], mean, rtol=1e-12)
    np.testing.assert_allclose(found.cov[1], cov, rtol=1e-10, atol=1e-13)


def test_large_groups_follow_clusters_too(rng, monkeypatch):
    frame = by_series(normals(rng, 6000)).assign(
        shop=rng.choice(["a", "b"], size=6000), site=rng.integers(0, 60, size=6000)
    )
    survey = Survey(frame, items=NAMES, cluster="site")
    found = sat.Moments.from_frame(survey, by="shop")
    monkeypatch.setattr("satmetrics.moment.answers.LARGE", 10_000)
    known = sat.Moments.from_frame(survey, by="shop")
    np.testing.assert_allclose(found.mean_cov, known.mean_cov, rtol=1e-9)
    assert found.context == known.context
