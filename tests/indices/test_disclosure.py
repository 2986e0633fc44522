"""Hidden figures cannot be computed back; shown ones are as they were."""

from __future__ import annotations

import numpy as np
import pytest

from satmetrics._frames import Table
from satmetrics.indices import _disclosure, disclosure
from satmetrics.indices.joint import Joint


def determined(shut, line, cell, value):
    """Which hidden cells the rest determines: by solving, cell by cell."""
    A = np.zeros((line.max() + 1, len(shut)))
    A[line, cell] = value
    A = A[:, shut]
    rank = np.linalg.matrix_rank
    found = [rank(np.delete(A, j, axis=1)) < rank(A) for j in range(A.shape[1])]
    return np.flatnonzero(shut)[np.array(found, dtype=bool)]


def test_small_ones_and_the_next_smallest_are_hidden():
    n = np.array([5, 50, 30, 40, 60, 70, 0])
    line = np.array([0, 0, 0, 1, 1, 1, 1])
    primary, other = _disclosure.hidden(n, [line], 10)
    assert primary.nonzero()[0].tolist() == [0]
    assert other.nonzero()[0].tolist() == [2]


def test_two_hidden_ones_protect_each_other_and_none_needs_none():
    n = np.array([5, 6, 30, 40])
    primary, other = _disclosure.hidden(n, [np.zeros(4, dtype=int)], 10)
    assert primary.tolist() == [True, True, False, False]
    assert not other.any()
    assert not np.any(_disclosure.hidden(n, [np.zeros(4, dtype=int)], 1))
    assert not _disclosure.hidden(n, [], 10)[1].any()


def test_a_table_with_both_margins():
    n = np.array([[5, 20, 30], [40, 25, 60], [70, 80, 90]])
    row, column = np.indices(n.shape)
    primary, other = _disclosure.hidden(n.ravel(), [row.ravel(), column.ravel()], 10)
    shut = (primary | other).reshape(n.shape)
    assert shut.sum() == 4
    assert not np.any(shut.sum(axis=0) == 1)
    assert not np.any(shut.sum(axis=1) == 1)


def test_a_bridge_between_two_blocks_is_not_left_alone():
    """Each of its lines has other hidden cells, and yet the blocks give it away."""
    n = np.full((6, 6), 50)
    n[:2, :2] = n[2:4, 2:4] = n[1, 2] = 5
    row, column = (axis.ravel() for axis in np.indices(n.shape))
    primary, other = _disclosure.hidden(n.ravel(), [row, column], 10)
    assert primary.sum() == 9
    line = np.concatenate([row, column + 6])
    cell, value = np.tile(np.arange(36), 2), np.ones(72)
    assert determined(primary, line, cell, value).tolist() == [8]
    assert other.any()
    assert len(determined(primary | other, line, cell, value)) == 0


@pytest.mark.parametrize("seed", range(10))
def test_random_tables_with_all_margins(seed):
    """Companies, waves and kinds of customers, totals over each, some cells empty."""
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 30, size=(5, 4, 3))
    n[rng.random(n.shape) < 0.15] = 0
    at = np.indices(n.shape).reshape(3, -1)
    lines = [at[0] * 4 + at[1], at[0] * 3 + at[2], at[1] * 3 + at[2]]
    primary, other = _disclosure.hidden(n.ravel(), lines, 8)
    there = np.flatnonzero(n.ravel() > 0)
    line = np.concatenate([x[there] + 99 * k for k, x in enumerate(lines)])
    cell = np.tile(there, 3)
    shut = primary | other
    for j in determined(shut, line, cell, np.ones(len(cell))):
        beside = cell[np.isin(line, line[cell == j])]
        assert shut[beside].all()  # nothing is left to hide beside it


def test_a_parent_of_one_member_is_hidden_with_it():
    # nation 0 of industries 1, 2, 3; industry 1 of company 4 alone, 2 of 5 and 6
    n = np.array([300, 5, 90, 205, 5, 40, 50])
    nation = np.array([0, 0, 0, 0, -1, -1, -1])
    industry = np.array([-1, 0, 1, -1, 0, 1, 1])
    primary, other = _disclosure.hidden(n, [nation, industry], 10)
    assert primary.nonzero()[0].tolist() == [1, 4]
    assert other.nonzero()[0].tolist() == [2, 5]


def test_equal_equations_hide_no_more_but_other_weights_do():
    n = np.array([5, 20, 30, 40])
    line, cell = np.repeat([0, 1], 4), np.tile(np.arange(4), 2)
    same = np.tile([0.2, 0.3, 0.4, -1.0], 2)
    assert _disclosure.protected(n, line, cell, same, 10)[1].sum() == 1
    other = np.array([0.2, 0.3, 0.4, -1.0, 0.3, 0.2, 0.4, -1.0])
    shut = np.logical_or(*_disclosure.protected(n, line, cell, other, 10))
    assert shut.sum() == 3
    assert len(determined(shut, line, cell, other)) == 0


@pytest.mark.parametrize("seed", range(20))
def test_random_tables_and_weights(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 40, size=40)
    lines = [rng.integers(-1, 8, size=40) for _ in range(3)]
    line = np.concatenate([x + 9 * k for k, x in enumerate(lines)])
    cell = np.tile(np.arange(40), 3)
    inside = (np.concatenate(lines) >= 0) & (n[cell] > 0)
    line, cell = line[inside], cell[inside]
    value = rng.uniform(0.5, 2, size=len(line))
    primary, other = _disclosure.protected(n, line, cell, value, 10)
    assert primary.tolist() == ((n > 0) & (n < 10)).tolist()
    assert not (primary & other).any()
    shown = ~(primary | other)
    left = determined(~shown, line, cell, value)
    for j in left:  # nothing is left to hide beside it
        beside = cell[np.isin(line, line[cell == j])]
        assert not shown[beside].any()


def test_nothing_of_a_hidden_figure_is_left():
    joint = Joint(
        np.array([70.0, 71.0, 72.0]),
        np.array([1.0, 2.0, 3.0]),
        np.full(3, 9.0),
        np.array([[0, 1], [0, 2]]),
        np.array([0.5, 0.6]),
        np.arange(12.0).reshape(4, 3),
    )
    table = Table.of(
        {"shop": ["a", "b", "c"], "n": [20, 5, 30], **joint.columns(0.95)}
        | {"reason": ["", "", ""]},
        keys=["shop"],
    )
    primary = np.array([False, True, False])
    other = np.array([False, False, True])
    made = disclosure.without(table, primary, other, 10)
    assert made.names == table.names
    assert made["n"].tolist() == [20, 0, 0]
    assert made["reason"].tolist() == [
        "",
        "fewer than 10 answers: not shown",
        disclosure.COMPUTABLE,
    ]
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert np.isnan(made[name][1:]).all()
        assert made[name][0] == table[name][0]
    left = disclosure.joint_without(joint, primary | other)
    assert np.isnan(left.estimate[1:]).all()
    assert np.isnan(left.draws[:, 1:]).all()
    assert left.draws[:, 0].tolist() == [0.0, 3.0, 6.0, 9.0]
    assert len(left.pairs) == 0
    assert disclosure.joint_without(joint, other).pairs.tolist() == [[0, 1]]
