"""Draws that cannot be fitted end in a counted failure or a clear error."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _resample, source


def three(mode: str = "A", kind: str = "composite") -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "m",
        {"X": ["a", "b", "c"], "Y": ["d", "e", "f"]},
        {"X": "Y"},
        modes={"X": mode},
        kinds={"X": kind, "Y": kind},
    )


def normal(n: int, seed: int = 1, noise: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, 6))
    return pd.DataFrame(values, columns=list("abcdef"))


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_constant_indicator(kind):
    """An indicator two rows hold up is constant in about e⁻² of the draws."""
    data = normal(60).assign(f=np.r_[1.0, 1.0, np.zeros(58)])
    fit = sat.pls(three(), data)
    boot = sat.bootstrap(fit, data, n_draws=1500, rng=1, interval=kind)
    assert [why for why, _ in boot.failures] == ["zero variance: f"]
    assert boot.n_failed == pytest.approx(1500 * np.exp(-2), rel=0.2)
    assert np.isfinite(boot.draws[:, boot.table["term"] == "path"]).all()


def test_singular_mode_b_block():
    """Two items of a mode B block differ in one row: alike in e⁻¹ of the draws."""
    data = normal(50)
    data["b"] = data["a"]
    data.loc[0, "b"] += 3.0
    fit = sat.pls(three("B"), data)
    boot = sat.bootstrap(fit, data, n_draws=1500, rng=1)
    singular = dict(boot.failures)["mode B block X has no inverse"]
    assert singular == pytest.approx(1500 * np.exp(-1), rel=0.15)
    data.loc[0, "b"] = data.loc[0, "a"]
    with pytest.raises(errors.NotIdentifiedError, match="no inverse"):
        sat.pls(three("B"), data)


def test_heywood_cases_of_consistent_pls():
    """Weak items and few rows: reliabilities out of bounds in part of the draws."""
    data = normal(40, seed=3, noise=1.2)
    fit = sat.pls(three(kind="factor"), data)
    boot = sat.bootstrap(fit, data, n_draws=1000, rng=1)
    why = dict(boot.failures)
    assert any("loading lies above 1" in reason for reason in why)
    assert boot.n_failed + len(boot.draws) == 1000
    loadings = boot.draws[:, boot.table["term"] == "loading"]
    assert (np.abs(loadings) <= 1 + 1e-8).all()
    r2 = boot.draws[:, boot.table["term"] == "r2"]
    assert (r2 <= 1 + 1e-8).all()
    kept = sat.bootstrap(fit, data, n_draws=1000, rng=1, inadmissible="keep")
    assert (np.abs(kept.draws[:, kept.table["term"] == "loading"]) > 1).any()
    assert kept.n_failed < boot.n_failed


@pytest.mark.parametrize("kind", ["percentile", "bc", "bca", "studentized"])
def test_ten_respondents(mobi, kind):
    few = mobi[:10]
    with pytest.warns(errors.SmallSampleWarning, match="n = 10"):
        fit = sat.pls("ecsi", few)
    draws = 4 if kind == "studentized" else 150
    boot = sat.bootstrap(fit, few, n_draws=draws, rng=1, interval=kind)
    assert boot.n_failed + len(boot.draws) == draws
    assert np.isfinite(boot.table["std_error"][boot.table["term"] == "path"]).all()


def test_ten_respondents_in_mode_b():
    data = pd.DataFrame(
        np.random.default_rng(2).normal(size=(10, 9)), columns=list("abcdefghi")
    )
    model = sat.StructuralModel.from_blocks(
        "m", {"X": list("abcdefgh"), "Y": ["i"]}, {"X": "Y"}, modes={"X": "B"}
    )
    fit = sat.pls(model, data)
    boot = sat.bootstrap(fit, data, n_draws=4000, rng=1)
    assert boot.n_failed > 3500
    assert boot.failures[0][0] == "mode B block X has no inverse"


def test_nothing_left_names_the_reason():
    """Six items, each varying in a row of its own: a draw of eight rows loses one."""
    data = pd.DataFrame(np.eye(8)[:, :6], columns=list("abcdef"))
    data["g"] = np.arange(8.0) ** 2
    model = sat.StructuralModel.from_blocks(
        "m", {"X": list("abcdef"), "Y": ["g"]}, {"X": "Y"}
    )
    fit = sat.pls(model, data)
    with pytest.raises(errors.ConvergenceError, match="zero variance"):
        sat.bootstrap(fit, data, n_draws=12, rng=1)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_the_same_draws_however_they_are_cut(mobi, monkeypatch, interval):
    fit = sat.pls("ecsi", mobi)
    whole = sat.bootstrap(fit, mobi, n_draws=330, rng=5, interval=interval)
    for size in (1, 77, 200, 10**6):
        monkeypatch.setattr(source, "BATCH", size)
        other = sat.bootstrap(fit, mobi, n_draws=330, rng=5, interval=interval)
        np.testing.assert_allclose(other.draws, whole.draws, atol=1e-10)
        for limit in ("conf_low", "conf_high"):
            np.testing.assert_allclose(
                other.table[limit], whole.table[limit], atol=1e-10
            )


def test_counts_are_the_same_in_any_company():
    whole = np.concatenate(list(_resample.bootstrap_counts(30, 170, 9)))
    part = np.concatenate(list(_resample.bootstrap_counts(30, 60, 9)))
    np.testing.assert_array_equal(whole[:60], part)


SCRIPT = """
import hashlib, sys
import numpy as np, pandas as pd
import satmetrics as sat
from satmetrics.inference import _resample
counts = np.concatenate(list(_resample.bootstrap_counts(500, 400, 3)))
rng = np.random.default_rng(1)
data = pd.DataFrame(rng.normal(size=(500, 1)) + rng.normal(size=(500, 6)))
data.columns = list("abcdef")
model = sat.StructuralModel.from_blocks(
    "m", {"X": ["a", "b", "c"], "Y": ["d", "e", "f"]}, {"X": "Y"}
)
boot = sat.bootstrap(sat.pls(model, data), data, n_draws=400, rng=3)
print(hashlib.sha256(counts.tobytes()).hexdigest())
print(" ".join(float(v).hex() for v in np.ravel(boot.draws[:, :4])))
"""


def test_the_same_draws_for_any_number_of_threads():
    found = []
    for threads in ("1", "4"):
        words = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, **dict.fromkeys(words, threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        digest, draws = run.stdout.splitlines()
        found.append((digest, [float.fromhex(v) for v in draws.split()]))
    assert len({digest for digest, _ in found}) == 1
    for _, draws in found[1:]:
        np.testing.assert_allclose(draws, found[0][1], atol=1e-10)
