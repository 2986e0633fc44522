"""Figures estimated together against dense matrices and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.joint import Joint

SEEDS = range(12)


def dense(joint):
    V = np.diag(joint.std_error**2)
    for (i, j), value in zip(joint.pairs, joint.covariance, strict=True):
        V[i, j] = V[j, i] = value
    return V


def some(rng, R=9):
    """Figures of which about a third of all pairs covary."""
    root = rng.normal(size=(R, R)) * (rng.random((R, R)) < 0.4) + np.eye(R)
    V = root @ root.T
    i, j = np.nonzero(np.triu(V, 1))
    return Joint(
        rng.normal(size=R),
        np.sqrt(np.diag(V)),
        rng.integers(2, 40, size=R).astype(float),
        np.column_stack([i, j]),
        V[i, j],
    )


def sparse(L):
    rows, columns = np.nonzero(L)
    return rows, columns, L[rows, columns]


def matrix(rng, k, R):
    L = rng.normal(size=(k, R)) * (rng.random((k, R)) < 0.4)
    L[:, 0] += 1.0
    return L


@pytest.mark.parametrize("seed", SEEDS)
def test_combinations_are_those_of_dense_matrices(seed):
    rng = np.random.default_rng(seed)
    joint = some(rng)
    L = matrix(rng, 5, 9)
    made = joint.combined(*sparse(L))
    V = L @ dense(joint) @ L.T
    np.testing.assert_allclose(made.estimate, L @ joint.estimate, atol=1e-12)
    np.testing.assert_allclose(made.std_error, np.sqrt(np.diag(V)), rtol=1e-12)
    np.testing.assert_allclose(made.cov(), V, atol=1e-12)
    assert (made.pairs[:, 0] < made.pairs[:, 1]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_combinations_of_combinations(seed):
    rng = np.random.default_rng(seed)
    joint = some(rng)
    first, second = matrix(rng, 6, 9), matrix(rng, 3, 6)
    twice = joint.combined(*sparse(first)).combined(*sparse(second))
    once = joint.combined(*sparse(second @ first))
    np.testing.assert_allclose(twice.estimate, once.estimate, atol=1e-10)
    np.testing.assert_allclose(twice.cov(), once.cov(), atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_some_figures_in_any_order(seed):
    rng = np.random.default_rng(seed)
    joint = some(rng)
    at = rng.permutation(9)[:5]
    taken = joint.take(at)
    np.testing.assert_array_equal(taken.estimate, joint.estimate[at])
    np.testing.assert_array_equal(taken.df, joint.df[at])
    np.testing.assert_allclose(taken.cov(), dense(joint)[np.ix_(at, at)], atol=1e-15)
    assert (taken.pairs[:, 0] < taken.pairs[:, 1]).all()


def test_degrees_of_freedom_after_satterthwaite():
    """Welch's of a difference, and the general formula."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=8), 3 * rng.normal(size=21)
    error = np.array([x.std(ddof=1) / np.sqrt(len(x)) for x in (a, b)])
    joint = Joint(np.array([a.mean(), b.mean()]), error, np.array([7.0, 20.0]))
    made = joint.combined(np.zeros(2, int), np.arange(2), np.array([1.0, -1.0]))
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert made.df[0] == pytest.approx(welch.df, rel=1e-12)
    assert made.test_columns(0.9)["p_value"][0] == pytest.approx(welch.pvalue)
    interval = welch.confidence_interval(0.9)
    assert made.limits(0.9)[0][0] == pytest.approx(interval.low)
    assert made.limits(0.9)[1][0] == pytest.approx(interval.high)
    weights = np.array([2.0, 0.5])
    mixed = joint.combined(np.zeros(2, int), np.arange(2), weights)
    parts = weights**2 * error**2
    expected = parts.sum() ** 2 / (parts**2 / joint.df).sum()
    assert mixed.df[0] == pytest.approx(expected)


def degrees(L, V, df):
    """Satterthwaite over linked parts, one combination at a time, with loops."""
    R = len(V)
    reach = np.linalg.matrix_power((V != 0).astype(float) + np.eye(R), R) > 0
    parts = sorted({tuple(np.flatnonzero(row)) for row in reach})
    found = []
    for row in L:
        top, bottom = 0.0, 0.0
        for at in map(list, parts):
            v = row[at] @ V[np.ix_(at, at)] @ row[at]
            each = row[at] ** 2 * np.diag(V)[at]
            if each.sum() > 0:
                root = (each / np.sqrt(df[at])).sum() / each.sum()
                top, bottom = top + v, bottom + v**2 * root**2
        found.append(top**2 / bottom)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_degrees_of_linked_figures(seed):
    rng = np.random.default_rng(seed)
    R = 12
    root = np.kron(np.eye(4), np.ones((3, 3))) * rng.normal(size=(R, R))
    at = rng.permutation(R)
    V = (root @ root.T)[np.ix_(at, at)]
    i, j = np.nonzero(np.triu(V, 1))
    df = rng.integers(2, 40, size=R).astype(float)
    pairs = np.column_stack([i, j])
    joint = Joint(rng.normal(size=R), np.sqrt(np.diag(V)), df, pairs, V[i, j])
    L = matrix(rng, 6, R)
    made = joint.combined(*sparse(L))
    np.testing.assert_allclose(made.df, degrees(L, V, df), rtol=1e-9)


@pytest.mark.parametrize("shared", [0.5, -0.9, 0.999])
def test_two_figures_of_the_same_clusters_have_theirs(shared):
    joint = Joint(
        np.zeros(3),
        np.ones(3),
        np.array([19.0, 19.0, 19.0]),
        np.array([[0, 1]]),
        np.array([shared]),
    )
    moved = joint.combined(np.zeros(2, int), np.arange(2), np.array([1.0, -1.0]))
    assert moved.df[0] == pytest.approx(19)
    apart = joint.combined(np.zeros(2, int), np.array([0, 2]), np.array([1.0, -1.0]))
    assert apart.df[0] == pytest.approx(38)
    # a figure of next to no weight does not take the degrees of the others
    few = Joint(np.zeros(2), np.ones(2), np.array([1.0, 30.0]), joint.pairs, np.ones(1))
    mean = few.combined(np.zeros(2, int), np.arange(2), np.array([0.01, 0.99]))
    assert 29 < mean.df[0] < 30


def test_what_is_known_for_certain_takes_no_degrees():
    """A carried figure cancels; what is left has its own degrees."""
    joint = Joint(
        np.zeros(3),
        np.array([2.0, 2.0, 1.0]),
        np.array([3.0, 3.0, 11.0]),
        np.array([[0, 1]]),
        np.array([4.0]),
    )
    made = joint.combined(np.zeros(3, int), np.arange(3), np.array([1.0, -1.0, 1.0]))
    assert made.std_error[0] == 1
    assert made.df[0] == pytest.approx(11)


def test_known_errors_have_no_degrees_of_freedom():
    """With one part known for certain, the other's are stretched; with both, none."""
    error, one = np.array([2.0, 1.0]), np.ones(2)
    entry = (np.zeros(2, int), np.arange(2), one)
    half = Joint(one, error, np.array([6.0, np.inf])).combined(*entry)
    assert half.df[0] == pytest.approx(25 / (16 / 6))
    whole = Joint.independent(one, error).combined(*entry)
    assert np.isinf(whole.df[0])
    assert whole.p_value()[0] == pytest.approx(2 * stats.norm.sf(2 / np.sqrt(5)))


def test_limits_and_p_values_with_each_df():
    joint = Joint(np.array([1.5, 1.5]), np.array([0.7, 0.7]), np.array([4.0, np.inf]))
    t = 1.5 / 0.7
    np.testing.assert_allclose(
        joint.p_value(), [2 * stats.t.sf(t, 4), 2 * stats.norm.sf(t)], rtol=1e-10
    )
    low, high = joint.limits(0.95)
    half = np.array([stats.t.ppf(0.975, 4), stats.norm.ppf(0.975)]) * 0.7
    np.testing.assert_allclose(low, 1.5 - half)
    np.testing.assert_allclose(high, 1.5 + half)


def test_a_figure_that_is_absent_spoils_only_its_own_combinations():
    joint = Joint(
        np.array([1.0, np.nan, 3.0]),
        np.array([0.5, np.nan, 0.5]),
        np.full(3, np.inf),
        np.array([[0, 1], [0, 2]]),
        np.array([np.nan, 0.1]),
    )
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 1])
    made = joint.combined(rows, columns, np.array([1.0, 0.0, -1.0, 1.0, 1.0]))
    np.testing.assert_allclose(made.estimate, [-2.0, np.nan])
    np.testing.assert_allclose(made.std_error, [np.sqrt(0.5 - 0.2), np.nan])
    assert np.isfinite(made.limits(0.95)[0][0])
    assert np.isnan(made.p_value()[1])


def test_absent_draws_spoil_only_their_own_combinations():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(400, 3))
    draws[:, 1] = np.nan
    draws[7, 2] = np.nan
    joint = Joint.drawn(np.array([0.0, np.nan, 0.0]), draws)
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 1])
    made = joint.combined(rows, columns, np.array([1.0, 0.0, -1.0, 1.0, 1.0]))
    seen = np.delete(draws, 7, axis=0)
    difference = seen[:, 0] - seen[:, 2]
    assert made.std_error[0] == pytest.approx(difference.std(ddof=1))
    np.testing.assert_allclose(
        [made.limits(0.9)[0][0], made.limits(0.9)[1][0]],
        np.quantile(difference, [0.05, 0.95]),
    )
    assert np.isnan(made.std_error[1])
    assert np.isnan(made.limits(0.9)[0][1])


@pytest.mark.parametrize("seed", SEEDS)
def test_combined_draws(seed):
    rng = np.random.default_rng(seed)
    draws = rng.normal(size=(301, 9)) @ rng.normal(size=(9, 9))
    joint = Joint.drawn(rng.normal(size=9), draws)
    L = matrix(rng, 4, 9)
    made = joint.combined(*sparse(L))
    V = np.cov(draws @ L.T, rowvar=False)
    np.testing.assert_allclose(made.estimate, L @ joint.estimate, atol=1e-12)
    np.testing.assert_allclose(made.std_error, np.sqrt(np.diag(V)))
    np.testing.assert_allclose(made.cov(), V, atol=1e-10)
    low, high = made.limits(0.8)
    np.testing.assert_allclose([low, high], np.quantile(draws @ L.T, [0.1, 0.9], 0))
    z = np.abs(made.estimate / made.std_error)
    np.testing.assert_allclose(made.p_value(), 2 * stats.norm.sf(z))


def test_the_covariance_of_draws_passes_over_what_failed():
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(50, 3))
    draws[4, 0] = np.nan
    draws[:, 1] = np.nan
    V = Joint.drawn(np.array([1.0, np.nan, 2.0]), draws).cov()
    known = np.delete(draws, 4, axis=0)[:, [0, 2]]
    np.testing.assert_allclose(V[np.ix_([0, 2], [0, 2])], np.cov(known, rowvar=False))
    assert np.isnan(V[1]).all()
    assert np.isnan(V[:, 1]).all()


def test_a_figure_that_cannot_be_had_has_no_error_whatever_the_draws():
    joint = Joint.drawn(np.array([np.nan, 1.0]), np.arange(10.0).reshape(5, 2))
    assert np.isnan(joint.std_error[0])
    assert np.isnan(joint.limits(0.9)[1][0])
    assert joint.std_error[1] == pytest.approx(np.std(np.arange(1, 10, 2), ddof=1))


@pytest.mark.parametrize("with_draws", [False, True])
def test_shrunk_variances(with_draws):
    rng = np.random.default_rng(4)
    joint = some(rng, R=3)
    if with_draws:
        joint = Joint.drawn(joint.estimate, rng.normal(size=(60, 3)))
    share = np.array([0.25, 1.0, 0.0])
    made = joint.shrunk(share)
    root = np.diag(np.sqrt(share))
    np.testing.assert_allclose(made.std_error, joint.std_error * [0.5, 1, 0])
    np.testing.assert_allclose(made.cov(), root @ joint.cov() @ root, atol=1e-12)
    low, high = made.limits(0.9)
    assert low[2] == pytest.approx(joint.estimate[2])
    assert high[2] == pytest.approx(joint.estimate[2])


@pytest.mark.parametrize("with_draws", [False, True])
def test_comes_back_from_json(with_draws):
    rng = np.random.default_rng(5)
    joint = some(rng)
    if with_draws:
        joint = Joint.drawn(joint.estimate, rng.normal(size=(7, 9)))
    table = Table.of({"estimate": joint.estimate})
    again = sat.read_result(IndexResult(table, Context(), joint=joint).to_json()).joint
    for name in ("estimate", "std_error", "df", "pairs", "covariance", "draws"):
        np.testing.assert_array_equal(getattr(again, name), getattr(joint, name))
    assert again.pairs.dtype == joint.pairs.dtype
    assert again.n_draws == joint.n_draws
