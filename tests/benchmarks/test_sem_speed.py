"""Covariance structure models beside the peers that install and run, in one run.

``pytest tests/benchmarks/test_sem_speed.py --benchmark-only -p no:warnings``; the table
of the run is printed last. No check depends on the clock.
"""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.estimation.sem import sem

FIT = "six-factor CFA by ML, one fit, n = 250"
FULL = "ECSI by ML, one fit, n = 250"
BOOT = "six-factor CFA by ML, 1,000 draws"
US = "satmetrics"
MODEL = sat.models.load("ecsi")
BLOCKS = {c.name: c.indicators for c in MODEL.constructs if len(c.indicators) > 1}
TEXT = "\n".join(f"{name} =~ {' + '.join(items)}" for name, items in BLOCKS.items())
ITEMS = [item for items in BLOCKS.values() for item in items]
DRAWS = 1_000


@pytest.fixture(scope="module")
def moments(mobi):
    return sat.Moments.from_frame(mobi, ITEMS)


@pytest.fixture(scope="module")
def draws(mobi):
    """Moments of resamples, a batch."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(mobi), size=(DRAWS, len(mobi)))
    stacked = mobi[ITEMS].iloc[rows.ravel()].reset_index(drop=True)
    stacked = stacked.assign(draw=np.repeat(np.arange(DRAWS), len(mobi)))
    return sat.Moments.from_frame(stacked, ITEMS, by="draw")


def test_fit_from_moments(timed, moments):
    fit = timed(FIT, f"{US}, from Moments", lambda: sem(TEXT, moments), rounds=30)
    assert fit.converged


def test_refit(timed, moments):
    fit = sem(TEXT, moments)
    timed(FIT, f"{US}, refit", lambda: fit.refit(moments), rounds=30)


def test_full_model(timed, mobile):
    timed(FULL, US, lambda: sem("ecsi", mobile), rounds=30)


def test_draws(timed, moments, draws):
    fit = sem(TEXT, moments)
    made = timed(BOOT, US, lambda: fit.refit(draws), rounds=3)
    assert made.converged.mean() >= 0.99


def test_fit_semopy(timed, mobi):
    semopy = pytest.importorskip("semopy")

    def fit():
        model = semopy.Model(TEXT)
        model.fit(mobi)
        return model

    timed(FIT, "semopy (estimates only)", fit, rounds=5)


def test_fit_omnisem(timed, mobi):
    omnisem = pytest.importorskip("omnisem")
    timed(FIT, "omnisem", lambda: omnisem.cfa(TEXT, mobi), rounds=5)


def test_fit_seminr(timed, peers):
    seminr = pytest.importorskip("seminr")
    data = peers.seminr_data()
    blocks = [seminr.reflective(name, list(items)) for name, items in BLOCKS.items()]
    measured = seminr.constructs(*blocks)
    timed(FIT, "seminr (Python)", lambda: seminr.estimate_cfa(data, measured), rounds=3)


def test_fit_pysemforge(timed, mobi):
    pysemforge = pytest.importorskip("pysemforge")
    timed(FIT, "pysemforge", lambda: pysemforge.Model(TEXT).fit(mobi), rounds=3)
