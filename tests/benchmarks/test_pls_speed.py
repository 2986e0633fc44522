"""PLS path modelling beside the peers that install and run, in one run.

``pip install -e ".[test,bench]"``, then
``pytest tests/benchmarks --benchmark-only -p no:warnings``; the table of the run is
printed last. No check depends on the clock.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat

DRAWS = 5_000
ROWS = 1_000_000
FIT = "one fit, n = 250"
BOOT = "5,000 draws, n = 250"
BIG = "one fit, n = 1,000,000"
US = "satmetrics"
TIGHT = sat.PlsOptions(tol=1e-7)


@pytest.fixture(scope="module")
def fit(mobi):
    return sat.pls("ecsi", mobi, TIGHT)


@pytest.fixture(scope="module")
def million(mobi):
    """One block of float64, column by column in memory, as pandas reads a file."""
    picked = np.random.default_rng(1).integers(0, len(mobi), size=ROWS)
    items = list(sat.models.load("ecsi").indicators)
    return pd.DataFrame(mobi[items].to_numpy(np.float64)[picked], columns=items)


def test_fit_from_moments(timed, mobi):
    model = sat.models.load("ecsi")
    moments = sat.Moments.from_frame(mobi, model.indicators)
    timed(FIT, f"{US}, from Moments", lambda: sat.pls(model, moments, TIGHT), rounds=50)


def test_fit_from_a_frame(timed, mobi):
    timed(FIT, f"{US}, from a dataframe", lambda: sat.pls("ecsi", mobi), rounds=30)


def test_fit_and_assess(timed, mobi):
    work = f"{US}, from a dataframe with assess"
    timed(FIT, work, lambda: sat.assess(sat.pls("ecsi", mobi)), rounds=30)


def test_fit_seminr(timed, peers):
    data = peers.seminr_data()
    timed(FIT, "seminr (Python)", lambda: peers.seminr_fit(data), rounds=5)


def test_fit_openpls(timed, mobi, peers):
    timed(FIT, "openpls-engine", lambda: peers.openpls_fit(mobi), rounds=3)


def test_fit_omnisem(timed, mobi, peers):
    timed(FIT, "omnisem", lambda: peers.omnisem_fit(mobi), rounds=5)


def test_fit_plspm(timed, mobi, peers):
    peers.plspm_fit(mobi)
    timed(FIT, "plspm (Python)", lambda: peers.plspm_fit(mobi), rounds=3)


def test_bootstrap(timed, fit, mobi):
    """Paths, weights, loadings, total effects, R², HTMT, percentile intervals."""
    boot = timed(
        BOOT, US, lambda: sat.bootstrap(fit, mobi, n_draws=DRAWS, rng=1), rounds=9
    )
    assert len(boot.draws) == DRAWS


def test_bootstrap_bca(timed, fit, mobi):
    timed(
        BOOT,
        f"{US}, BCa intervals",
        lambda: sat.bootstrap(fit, mobi, n_draws=DRAWS, rng=1, interval="bca"),
    )


def test_bootstrap_seminr(timed, peers):
    data = peers.seminr_data()
    seminr, model = peers.seminr_fit(data)
    timed(
        BOOT,
        "seminr (Python)",
        lambda: seminr.bootstrap_model(model, nboot=500, cores=2, seed=1),
        rounds=1,
        times=10,
        note="scaled from 500",
    )


def test_bootstrap_openpls(timed, mobi, peers):
    timed(
        BOOT,
        "openpls-engine",
        lambda: peers.openpls_fit(
            mobi, bootstrap=True, bootstrap_iterations=50, processes=2
        ),
        rounds=1,
        times=100,
        note="scaled from 50",
    )


def test_million_rows(timed, million):
    timed(BIG, US, lambda: sat.pls("ecsi", million, TIGHT), rounds=3)


def test_million_rows_product(timed, million):
    X = million.to_numpy()
    timed(BIG, "X.T @ X alone", lambda: X.T @ X, rounds=3, note="no fit: the yardstick")


def test_million_rows_omnisem(timed, million, peers):
    timed(BIG, "omnisem", lambda: peers.omnisem_fit(million), rounds=1)


def test_shards(timed, million):
    part = million.iloc[: ROWS // 4]
    fit = sat.pls("ecsi", part, TIGHT)
    boot = timed(
        "5,000 draws, n = 250,000",
        f"{US}, shards",
        lambda: sat.bootstrap(fit, part, n_draws=DRAWS, rng=1),
        rounds=3,
    )
    assert boot.resampled == "shards"


PEAK = """
import pathlib, re, sys
import numpy as np, pandas as pd, satmetrics as sat
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 1024
rng = np.random.default_rng(1)
model = sat.models.load("ecsi")
n = int(sys.argv[1])
base = rng.normal(size=(n, 1)) + rng.normal(size=(n, 24))
frame = pd.DataFrame(np.clip(np.rint(6 + 2 * base), 1, 10), columns=model.indicators)
del base
before = peak()
fit = sat.pls(model, frame)
sat.bootstrap(fit, frame, n_draws=5000, rng=1)
print(f"{before:.0f} {peak():.0f}")
"""


@pytest.mark.parametrize("n", [250, 10_000, 250_000])
def test_peak_memory(benchmark, n, capsys):
    """Peak resident memory of a process of its own: before, and after 5,000 draws."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the high-water mark is read from /proc")

    def run():
        command = [sys.executable, "-c", PEAK, str(n)]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    before, after = benchmark.pedantic(run, rounds=1).stdout.split()
    with capsys.disabled():
        sys.stdout.write(f"\nn = {n:,}: {before} MB before, {after} MB at the peak\n")
