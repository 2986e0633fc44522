"""Residuals and modification indices against what they are defined as."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from satmetrics.errors import OptionError
from satmetrics.estimation.sem import fit_covariances
from satmetrics.estimation.sem_table import Parameter


@pytest.fixture(scope="module")
def hs(lavaan, lavaan_answers):
    return lambda **options: lavaan.case("hs", lavaan_answers["hs"], **options)


def moments_at(fit, theta):
    """Return the implied lower triangle, then the means."""
    M = fit.table.layout.groups[0].matrices(theta[None])
    low = M.Sigma[0][np.tril_indices(len(fit.table.observed))]
    return np.concatenate([low, M.mu[0]]) if fit.table.means else low


def errors_by_hand(fit):
    """Return the errors of residuals from numerical derivatives and full matrices."""
    theta, step = np.array(fit.theta), 1e-6
    J = np.array(
        [
            (moments_at(fit, theta + e) - moments_at(fit, theta - e)) / (2 * step)
            for e in step * np.eye(len(theta))
        ]
    ).T
    M = fit.table.layout.groups[0].matrices(theta[None])
    S = M.Sigma[0]
    i, j = np.tril_indices(len(S))
    k = len(J)
    gamma = np.zeros((k, k))
    for a in range(len(i)):
        for b in range(len(i)):
            gamma[a, b] = S[i[a], i[b]] * S[j[a], j[b]] + S[i[a], j[b]] * S[j[a], i[b]]
    gamma[len(i) :, len(i) :] = S[: k - len(i), : k - len(i)]
    weight = np.linalg.inv(gamma)
    if fit.options.estimator == "ULS":
        weight = np.diag(np.where(i == j, 0.5, 1.0))
    P = J @ np.linalg.solve(J.T @ weight @ J, J.T @ weight)
    rest = (np.eye(k) - P) @ gamma @ (np.eye(k) - P).T
    n = int(fit.moments.n)
    total = n if fit.options.estimator == "ML" else n - 1
    return np.sqrt(np.diag(rest) / total), np.sqrt(np.diag(gamma) / total)


@pytest.mark.parametrize(
    "options", [{}, {"means": True}, {"estimator": "GLS"}, {"estimator": "ULS"}]
)
def test_residuals(hs, options):
    fit = hs(**options)
    frame = fit.residuals()
    error, whole = errors_by_hand(fit)
    known = frame["std_error"].notna()
    assert known.sum() >= 36
    np.testing.assert_allclose(frame["std_error"][known], error[known], rtol=1e-5)
    assert (error[~known] < 1e-4 * whole[~known]).all()
    np.testing.assert_allclose(
        frame["normalized"], frame["estimate"] / whole, rtol=1e-6, atol=1e-9
    )
    n = int(fit.moments.n)
    S = fit.moments.cov * ((n - 1) / n if not options.get("estimator") else 1)
    i, j = np.tril_indices(9)
    rest = S[i, j] - moments_at(fit, fit.theta)[: len(i)]
    np.testing.assert_allclose(frame["estimate"][: len(i)], rest, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"estimator": "GLS"}, {"means": True}])
def test_a_freed_parameter_does_what_its_index_says_where_misfit_is_small(hs, options):
    far = hs(**options)
    cov = far.implied().set_index("indicator").to_numpy()
    cov = cov + 0.01 * (far.moments.cov - cov)
    near = dataclasses.replace(far.moments, cov=cov, n=100_000)
    fit = far.refit(near)
    frame = fit.modification_indices()
    for at in (0, 3, 8):
        row = frame.iloc[at]
        freed = Parameter(row["lhs"], row["op"], row["rhs"])
        table = dataclasses.replace(fit.table, rows=(*fit.table.rows, freed))
        wider = fit_covariances(
            fit.model, table, near, fit.options, fit.ends, fit.sampling
        )
        assert fit.chi2 - wider.chi2 == pytest.approx(row["statistic"], rel=0.02)
        assert wider.theta[-1] == pytest.approx(row["expected_change"], rel=0.02)


def test_what_would_not_be_identified_has_no_index(hs):
    frame = hs().modification_indices()
    named = set(zip(frame["lhs"], frame["op"], frame["rhs"], strict=True))
    assert ("visual", "=~", "x1") not in named
    assert ("visual", "=~", "x4") in named


def test_uls_has_no_indices(hs):
    with pytest.raises(OptionError) as caught:
        hs(estimator="ULS").modification_indices()
    assert caught.value.code == "no-tests"
