"""Weights from pairwise comparisons."""

from __future__ import annotations

import builtins

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

SAID = {("a", "b"): 3, ("a", "c"): 5, ("b", "c"): 2}
MATRIX = [[1, 3, 5], [1 / 3, 1, 2], [1 / 5, 1 / 2, 1]]


def weights(found: object) -> np.ndarray:
    return found.to_frame()["estimate"].to_numpy(float)


def eigenvector(matrix: object) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eig(np.asarray(matrix, dtype=float))
    at = values.real.argmax()
    own = vectors[:, at].real
    return own / own.sum(), float(values.real[at])


def test_the_worked_example_is_reproduced():
    found = sat.quality.ahp_weights(SAID, industry="hotels")
    np.testing.assert_allclose(weights(found), [0.6483, 0.2297, 0.1220], atol=5e-5)
    own, largest = eigenvector(MATRIX)
    np.testing.assert_allclose(weights(found), own, atol=1e-11)
    row = found.consistency.to_frame().iloc[0]
    assert row["consistency_ratio"] == pytest.approx(0.0038, abs=5e-5)
    assert row["largest_eigenvalue"] == pytest.approx(largest)
    assert row["consistency_index"] == pytest.approx((largest - 3) / 2)
    assert found.industry == "hotels"
    assert "Donegan and Dodd" in str(found)
    assert np.isnan(found.table["std_error"].astype(float)).all()


def test_matrices_frames_and_pairs_are_one():
    frame = pd.DataFrame(MATRIX, index=list("abc"), columns=list("abc"))
    own = weights(sat.quality.ahp_weights(SAID))
    turned = {("b", "a"): 1 / 3, ("c", "a"): 0.2, ("c", "b"): 0.5, ("a", "a"): 1}
    for given in (frame, turned, {**SAID, ("b", "a"): 1 / 3}):
        found = sat.quality.ahp_weights(given, ["a", "b", "c"])
        np.testing.assert_allclose(weights(found), own, atol=1e-11)
    for given in (MATRIX, np.array(MATRIX)):
        found = sat.quality.ahp_weights(given, ["a", "b", "c"])
        np.testing.assert_allclose(weights(found), own, atol=1e-11)


def test_the_index_of_saaty_is_another_one():
    dd, saaty = (
        sat.quality.ahp_weights(SAID, random_index=k).consistency
        for k in ("dd", "saaty")
    )
    assert saaty["consistency_ratio"][0] < dd["consistency_ratio"][0]
    assert saaty["consistency_index"][0] == dd["consistency_index"][0]


def test_judges_are_joined_by_geometric_means():
    one, two = {("a", "b"): 2}, {("b", "a"): 2}
    found = sat.quality.ahp_weights({"Ann": one, "Bo": two})
    np.testing.assert_allclose(weights(found), [0.5, 0.5])
    other = {("a", "b"): 1, ("a", "c"): 2, ("b", "c"): 3}
    found = sat.quality.ahp_weights([SAID, other])
    A = np.sqrt(np.array(MATRIX) * [[1, 1, 2], [1, 1, 3], [1 / 2, 1 / 3, 1]])
    np.testing.assert_allclose(weights(found), eigenvector(A)[0], atol=1e-11)
    assert found.consistency["name"].tolist() == ["judge 1", "judge 2", "all judges"]
    assert found.table["n"].tolist() == [2, 2, 2]


def test_missing_comparisons_of_a_consistent_judge_are_filled():
    found = sat.quality.ahp_weights({("a", "b"): 2, ("b", "c"): 3, ("a", "c"): None})
    np.testing.assert_allclose(weights(found), np.array([6, 3, 1]) / 10, atol=1e-5)
    assert "1 comparisons are missing" in str(found)
    assert found.consistency["missing"][0] == 1
    holes = np.array(MATRIX)
    holes[0, 2] = holes[2, 0] = np.nan
    found = sat.quality.ahp_weights(holes, ["a", "b", "c"])
    assert found.consistency["consistency_ratio"][0] < 1e-6


def test_inconsistent_judges_are_warned_of():
    round_about = {("a", "b"): 3, ("b", "c"): 3, ("c", "a"): 3}
    with pytest.warns(errors.SatmetricsWarning, match=r"rule of thumb.*judge 1"):
        found = sat.quality.ahp_weights(round_about)
    np.testing.assert_allclose(weights(found), 1 / 3)
    assert found.consistency["consistency_ratio"][0] > 0.1


@pytest.mark.parametrize(
    ("given", "criteria", "said"),
    [
        ({("a", "b"): 3, ("b", "a"): 3}, None, "the other way round"),
        ({("a", "a"): 2}, None, "must be 1"),
        ({("a", "b"): -1}, None, "positive ratio"),
        ({("a", "b"): "3"}, None, "positive ratio"),
        ({("a", "b"): 3, ("c", "d"): 2}, None, "no chain of comparisons joins"),
        ({("a", "b"): 3, ("a", "cc"): 2}, ["a", "b", "c"], "'cc' is compared"),
        ([[1, 3], [1, 1]], ["a", "b"], "the other way round"),
        ([[1, 3], [1 / 3, 1]], ["a", "b", "c"], "matrix of shape"),
        ("a > b", None, "comparisons are a str"),
        ({("a", "b"): None}, None, "compares nothing"),
    ],
)
def test_contradictions_are_named(given, criteria, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.ahp_weights(given, criteria)


def test_without_the_package_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.split(".")[0] in ("ahpy", "pymcdm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    for call in (
        lambda: sat.quality.ahp_weights(SAID),
        lambda: sat.quality.entropy_weights([[1, 2], [2, 1]]),
    ):
        with pytest.raises(errors.MissingDependencyError, match=r"satmetrics\[weights"):
            call()
