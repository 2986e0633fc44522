"""Comparison of two groups, ECSI on 250 respondents, beside seminr, in one run.

Run with ``pytest tests/benchmarks --benchmark-only``; the table of the run is printed
last. No check depends on the clock.
"""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat

DRAWS = 1_000
PEER_DRAWS = 100
SPLIT = 120
MICOM = "MICOM, 1,000 permutations of two groups"
COMPARED = "two groups, 1,000 draws"
US = "satmetrics"


@pytest.fixture(scope="module")
def halves(mobi):
    return mobi.assign(half=np.where(np.arange(len(mobi)) < SPLIT, "a", "b"))


def test_micom(timed, halves):
    """Two fits per permutation: 2,000 in all."""
    found = timed(
        MICOM,
        US,
        lambda: sat.assessment.micom("ecsi", halves, "half", n_draws=DRAWS, rng=1),
    )
    assert (found.table["draws"] == DRAWS).all()


@pytest.mark.parametrize("method", ["permutation", "welch", "henseler"])
def test_comparison(timed, halves, method):
    found = timed(
        COMPARED,
        f"{US}, {method}",
        lambda: sat.assessment.compare_groups(
            "ecsi", halves, "half", method=method, n_draws=DRAWS, rng=1
        ),
    )
    assert (found.table.where(term="path")["draws"] == DRAWS).all()


def test_comparison_seminr(timed, peers):
    seminr, model = peers.seminr_fit(peers.seminr_data())
    first = np.arange(250) < SPLIT
    timed(
        COMPARED,
        "seminr (Python), PLS-MGA, one core",
        lambda: seminr.estimate_pls_mga(
            model, first, nboot=PEER_DRAWS, seed=1, cores=1
        ),
        rounds=1,
        times=DRAWS / PEER_DRAWS,
        note=f"from {PEER_DRAWS} draws",
    )
