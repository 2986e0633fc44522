"""Derivatives, recovery and refusals of covariance structure models."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_curvature import observed_hessian
from satmetrics.estimation._sem_point import Fixed, points_at
from satmetrics.estimation.sem_sample import sample_of


@pytest.fixture(params=["pd", "pd means", "pd equal", "hs GLS", "hs ULS"])
def place(request, lavaan, lavaan_answers):
    """Return layout, sample and weight, and parameters near a solution."""
    name, _, what = request.param.partition(" ")
    options = {"means": True} if what == "means" else {}
    if what in ("GLS", "ULS"):
        options["estimator"] = what
    fit = lavaan.case(name, lavaan_answers[name], **options)
    table = fit.table
    if what == "equal":
        loads = [k for k, r in enumerate(table.rows) if r.op == "=~" and not r.value]
        rows = list(table.rows)
        for k in loads[1:4]:
            rows[k] = dataclasses.replace(rows[k], label="same")
        table = dataclasses.replace(table, rows=tuple(rows))
    sample = sample_of(fit)[0]
    if sample.mean is not None:
        sample = dataclasses.replace(sample, mean=sample.mean + 0.3)
    at = np.random.default_rng(5).uniform(0.9, 1.1, (2, table.n_free))
    names, own = fit.table.names(), table.names()
    theta = fit.theta[[names.index(name) for name in own]] * at
    twice = kernel.Sample(
        np.repeat(sample.S, 2, axis=0),
        None if sample.mean is None else np.repeat(sample.mean, 2, axis=0),
        np.ones((2, 1)),
    )
    return table.layout, twice, theta, fit.options.estimator


def numerically(function, theta, step=1e-5):
    """Return central differences of a function of (b, t), on a last axis."""
    moves = step * np.eye(theta.shape[1])
    return np.stack(
        [(function(theta + e) - function(theta - e)) / (2 * step) for e in moves],
        axis=-1,
    )


def test_gradient_and_second_derivatives(place):
    layout, sample, theta, weight = place
    one = np.arange(len(theta))
    value, points = points_at(layout, Fixed.of(sample, weight), one, theta)
    np.testing.assert_allclose(
        value, kernel.discrepancy(layout, sample, theta, weight), rtol=1e-12
    )

    def slopes(at):
        return kernel.derivatives(layout, sample, at, weight)[0]

    by_hand = numerically(
        lambda at: kernel.discrepancy(layout, sample, at, weight), theta
    )
    np.testing.assert_allclose(points[0].gradient(), by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(points[0].gradient(), slopes(theta), rtol=1e-10)
    expected = kernel.derivatives(layout, sample, theta, weight)[1]
    np.testing.assert_allclose(points[0].expected(), expected, atol=1e-11)
    np.testing.assert_allclose(
        points[0].curvature(), np.diagonal(expected, axis1=1, axis2=2), rtol=1e-10
    )
    if weight == "ML":
        found = observed_hessian(layout, sample, theta)
        np.testing.assert_allclose(found, numerically(slopes, theta), atol=1e-5)
