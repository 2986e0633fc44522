"""Entropy and CRITIC weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors


def weights(found: object) -> np.ndarray:
    return found.to_frame()["estimate"].to_numpy(float)


def entropy(X: np.ndarray) -> np.ndarray:
    """Return entropy weights column by column, from the definition."""
    d = []
    for x in X.T:
        p = x[x > 0] / x.sum()
        d.append(1 + np.sum(p * np.log(p)) / np.log(len(X)))
    return np.array(d) / np.sum(d)


def critic(X: np.ndarray) -> np.ndarray:
    Z = pd.DataFrame((X - X.min(axis=0)) / np.ptp(X, axis=0))
    C = Z.std() * (1 - Z.corr()).sum()
    return (C / C.sum()).to_numpy()


@pytest.fixture
def levels(rng) -> np.ndarray:
    return rng.uniform(1, 7, size=(12, 4))


def test_both_equal_their_definitions(levels):
    names = ["a", "b", "c", "d"]
    found = sat.quality.entropy_weights(levels, names)
    np.testing.assert_allclose(weights(found), entropy(levels), rtol=1e-10)
    assert found.dimensions == tuple(names)
    p = levels[:, 0] / levels[:, 0].sum()
    own = -(p * np.log(p)).sum() / np.log(12)
    assert found.table["entropy"][0] == pytest.approx(own)
    found = sat.quality.critic_weights(levels, names)
    np.testing.assert_allclose(weights(found), critic(levels), rtol=1e-10)
    assert found.table["n"].tolist() == [12] * 4


def test_a_level_of_zero_adds_nothing_to_the_entropy(levels):
    levels[0, 0] = 0.0
    found = sat.quality.entropy_weights(levels)
    np.testing.assert_allclose(weights(found), entropy(levels), rtol=1e-10)


def test_what_does_not_differ_has_no_weight_and_is_counted(levels):
    rest = levels.copy()
    levels[:, 2] = 4.1
    kept = [0, 1, 3]
    for function, definition in (
        (sat.quality.entropy_weights, entropy),
        (sat.quality.critic_weights, critic),
    ):
        found = function(levels, ["a", "b", "c", "d"])
        assert weights(found)[2] == 0
        np.testing.assert_allclose(weights(found)[kept], definition(rest[:, kept]))
        said = "1 criteria left out: the same in all units: weight 0 (c)"
        assert said in found.context.sentences()
        with pytest.raises(errors.DataError, match="no criterion differs"):
            function(np.full((3, 2), 5.0))


def test_costs_are_turned(levels):
    found = sat.quality.critic_weights(levels, list("abcd"), cost=["b"])
    turned = levels * [1, -1, 1, 1]
    np.testing.assert_allclose(weights(found), critic(turned))
    assert not np.allclose(weights(found), critic(levels))


def test_units_of_a_survey_are_groups_of_weighted_respondents(bank):
    found = sat.quality.entropy_weights(bank, by="unit")
    frame = bank.frame
    spec = bank.instrument
    columns = {}
    for d in spec.dimensions:
        items = [spec.column(i.id, "perception") for i in spec.items]
        own = [c for c, i in zip(items, spec.items, strict=True) if i.dimension == d.id]
        means = []
        for _, part in frame.groupby("branch"):
            answers = pd.DataFrame(
                bank.take(part.index.to_numpy()).answers(own), columns=own
            )
            w = part["weight"].to_numpy()
            by_item = [
                np.average(answers[c].dropna(), weights=w[answers[c].notna()])
                for c in own
            ]
            means.append(np.mean(by_item))
        columns[d.id] = means
    np.testing.assert_allclose(
        weights(found), entropy(np.column_stack(list(columns.values()))), rtol=1e-8
    )
    assert found.dimensions == tuple(columns)


def test_rows_of_a_frame_are_units_and_incomplete_ones_counted():
    frame = pd.DataFrame({"x": [1.0, 2, 3, np.nan], "y": [2.0, 2, 5, 1]})
    found = sat.quality.entropy_weights(frame)
    np.testing.assert_allclose(weights(found), entropy(frame.to_numpy()[:3]))
    assert "1 units left out: a criterion has no level" in found.context.sentences()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sat.quality.entropy_weights([[1, -2], [2, 1]]), "are negative"),
        (lambda: sat.quality.entropy_weights([[1, 2]]), "1 units"),
        (lambda: sat.quality.entropy_weights([[1, 2], [2, 1]], ["a"]), "1 names"),
        (lambda: sat.quality.entropy_weights([[1, 2]], by="u"), "row per unit"),
        (lambda: sat.quality.critic_weights([[1, 2], [2, 4]]), "say the same"),
        (
            lambda: sat.quality.critic_weights([[1, 2], [2, 1]], cost=["z"]),
            "no criterion",
        ),
    ],
)
def test_what_cannot_be_weighed_is_refused(call, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        call()
