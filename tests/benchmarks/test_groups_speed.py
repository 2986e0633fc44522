"""1,000 permutations of MICOM and of a group comparison, ECSI in two groups.

Run with ``pytest tests/benchmarks --benchmark-only``. No check depends on the clock.
"""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat

DRAWS = 1_000


@pytest.fixture(scope="module")
def halves(mobi):
    return mobi.assign(half=np.where(np.arange(len(mobi)) < 120, "a", "b"))


def test_micom(benchmark, halves):
    """Two fits per permutation: 2,000 in all."""
    found = benchmark.pedantic(
        sat.assessment.micom,
        args=("ecsi", halves, "half"),
        kwargs={"n_draws": DRAWS, "rng": 1},
        rounds=5,
        warmup_rounds=1,
    )
    assert (found.table["draws"] == DRAWS).all()


@pytest.mark.parametrize("method", ["permutation", "welch", "henseler"])
def test_comparison(benchmark, halves, method):
    found = benchmark.pedantic(
        sat.assessment.compare_groups,
        args=("ecsi", halves, "half"),
        kwargs={"n_draws": DRAWS, "rng": 1, "method": method},
        rounds=5,
        warmup_rounds=1,
    )
    paths = found.table.where(term="path")
    assert (paths["draws"] == DRAWS).all()
