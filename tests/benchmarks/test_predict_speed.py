"""10 × 10-fold prediction of ECSI beside seminr, in one run.

Run with ``pytest tests/benchmarks --benchmark-only -p no:warnings``; the table of the
run is printed last. No check depends on the clock. Both sides give errors of PLS and
the linear model, in and out of sample.
"""

from __future__ import annotations

import pytest

import satmetrics as sat

TEN = "10 × 10-fold prediction, n = 250"
ONE = "leave-one-out prediction, n = 250"
US = "satmetrics"


@pytest.fixture(scope="module")
def fit(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-7))


def test_ten_by_ten(timed, fit, mobi):
    found = timed(TEN, US, lambda: sat.assessment.predict(fit, mobi, rng=1), rounds=9)
    assert found.losses.shape == (3, 250, 19)


def test_leave_one_out(timed, fit, mobi):
    call = lambda: sat.assessment.predict(fit, mobi, folds="loo")  # noqa: E731
    assert timed(ONE, US, call, rounds=9).folds == 250


def test_ten_by_ten_seminr(timed, peers):
    seminr, model = peers.seminr_fit(peers.seminr_data())
    timed(
        TEN,
        "seminr (Python)",
        lambda: seminr.predict_pls(
            model, technique=seminr.predict_EA, no_folds=10, seed=1
        ),
        rounds=2,
        times=10,
        note="from one repeat",
    )


def test_leave_one_out_seminr(timed, peers):
    seminr, model = peers.seminr_fit(peers.seminr_data())
    timed(
        ONE,
        "seminr (Python)",
        lambda: seminr.predict_pls(model, technique=seminr.predict_EA),
        rounds=1,
    )
