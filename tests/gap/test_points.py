"""Weighting by importance points."""

import numpy as np
import pandas as pd
import pytest

from satmetrics.errors import DataError, OptionError
from satmetrics.gap.gaps import gaps
from satmetrics.survey.survey import Survey

PAIRS = {"a": [("e0", "p0"), ("e1", "p1")], "b": [("e2", "p2")]}
POINTS = {"a": "wa", "b": "wb"}


@pytest.fixture
def frame():
    rng = np.random.default_rng(8)
    n = 50
    data = {f"e{j}": rng.integers(3, 8, n).astype(float) for j in range(3)}
    data |= {f"p{j}": rng.integers(1, 8, n).astype(float) for j in range(3)}
    wa = rng.integers(0, 11, n) * 10
    weight = np.round(rng.uniform(0.5, 2, n), 3)
    return pd.DataFrame({**data, "wa": wa, "wb": 100 - wa, "weight": weight})


def variants(result):
    return result.rows("overall").to_frame().set_index("variant")


def test_the_two_ways_differ_by_the_sum_of_covariances(frame):
    found = variants(gaps(frame, dimensions=PAIRS, points=POINTS))
    G = np.column_stack(
        [
            (frame.p0 - frame.e0 + frame.p1 - frame.e1) / 2,
            frame.p2 - frame.e2,
        ]
    )
    v = frame[["wa", "wb"]].to_numpy() / 100
    by_respondent = found.loc["weighted by points (respondent)"]
    aggregate = found.loc["weighted by points (aggregate)"]
    covariances = sum(np.cov(v[:, d], G[:, d], bias=True)[0, 1] for d in range(2))
    assert by_respondent["estimate"] == pytest.approx((v * G).sum(axis=1).mean())
    assert aggregate["estimate"] == pytest.approx(v.mean(axis=0) @ G.mean(axis=0))
    difference = by_respondent["estimate"] - aggregate["estimate"]
    assert difference == pytest.approx(covariances, abs=1e-12)
    assert abs(covariances) > 1e-3


def test_the_identity_holds_with_sampling_weights(frame):
    found = variants(
        gaps(Survey(frame, weight="weight"), dimensions=PAIRS, points=POINTS)
    )
    G = np.column_stack(
        [(frame.p0 - frame.e0 + frame.p1 - frame.e1) / 2, frame.p2 - frame.e2]
    )
    v, w = frame[["wa", "wb"]].to_numpy() / 100, frame["weight"].to_numpy()
    covariances = sum(
        np.cov(v[:, d], G[:, d], aweights=w, ddof=0)[0, 1] for d in range(2)
    )
    difference = found["estimate"].iloc[-2] - found["estimate"].iloc[-1]
    assert difference == pytest.approx(covariances, abs=1e-12)


def test_the_error_of_the_aggregate_is_that_of_a_jackknife(frame):
    """Linearisation against leaving out one respondent at a time."""
    big = pd.concat([frame] * 6, ignore_index=True)
    G = np.column_stack([(big.p0 - big.e0 + big.p1 - big.e1) / 2, big.p2 - big.e2])
    v = big[["wa", "wb"]].to_numpy() / 100
    n = len(big)
    left = [
        np.delete(v, i, 0).mean(axis=0) @ np.delete(G, i, 0).mean(axis=0)
        for i in range(n)
    ]
    jackknife = np.sqrt((n - 1) / n * ((left - np.mean(left)) ** 2).sum())
    found = variants(gaps(big, dimensions=PAIRS, points=POINTS))
    error = found.loc["weighted by points (aggregate)", "std_error"]
    assert error == pytest.approx(jackknife, rel=1e-3)


def test_fixed_points_give_the_weighted_mean_of_dimension_gaps(frame):
    result = gaps(frame, dimensions=PAIRS, points={"a": 3, "b": 1})
    found = variants(result)
    assert list(found.index)[-1] == "weighted by points (aggregate)"
    a, b = result.rows("dimension")["estimate"]
    assert found["estimate"].iloc[-1] == pytest.approx(0.75 * a + 0.25 * b)
    assert "fixed" in str(result.summary())


def test_unusable_points_are_counted_and_odd_sums_normalised(frame):
    frame = frame.astype({"wa": float, "wb": float})
    frame.loc[0, "wa"] = np.nan
    frame.loc[1, ["wa", "wb"]] = 0
    frame.loc[2, ["wa", "wb"]] = [30, 20]
    result = gaps(frame, dimensions=PAIRS, points=POINTS)
    said = {e.reason: e.n for e in result.context.exclusions}
    assert said == {"points are missing": 1, "points are negative or all zero": 1}
    assert any("1 respondents do not sum to 100" in n for n in result.context.notes)
    assert variants(result)["n"].tolist() == [50, 50, 48, 48]
    scaled = frame.copy()
    scaled.loc[2, ["wa", "wb"]] = [60, 40]
    other = gaps(scaled, dimensions=PAIRS, points=POINTS)
    assert other.table["estimate"] == pytest.approx(result.table["estimate"])


@pytest.mark.parametrize(
    ("points", "error", "match"),
    [
        ({"a": "wa"}, DataError, "'b'"),
        ({"a": "wa", "B": "wb"}, DataError, "did you mean 'b'"),
        ({"a": "wa", "b": 3}, OptionError, "mixes"),
        ({"a": -1, "b": 3}, OptionError, "not negative"),
        ({"a": "wa", "b": "nowhere"}, DataError, "nowhere"),
        ("importance", OptionError, "form"),
    ],
)
def test_faults_are_named(frame, points, error, match):
    with pytest.raises(error, match=match):
        gaps(frame, dimensions=PAIRS, points=points)


def test_points_by_group(frame):
    frame["shop"] = np.where(np.arange(50) < 20, "x", "y")
    together = gaps(frame, dimensions=PAIRS, points=POINTS, by="shop")
    for shop, part in frame.groupby("shop"):
        alone = gaps(part, dimensions=PAIRS, points=POINTS)
        assert together.table.where(shop=shop)["std_error"] == pytest.approx(
            alone.table["std_error"], rel=1e-10
        )
