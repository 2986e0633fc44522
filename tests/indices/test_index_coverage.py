"""Coverage of intervals of indices and of changes; truth is the same functional.

Answers are cut to 1-10. Items have means alike, or very different ones, so that it
matters which of them weighs more. The truth is the index of two million answers, with
the weights that these have.
"""

from __future__ import annotations

import functools
import sys

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat

ITEMS = ["q1", "q2", "q3", "s1", "s2", "s3"]
MODEL = sat.StructuralModel.from_blocks(
    "m",
    {"Quality": ITEMS[:3], "Satisfaction": ITEMS[3:]},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
    scale=(1, 10),
)
UNITS = 4
LEVEL = 0.95


def cut(eta, rng, move, spread):
    """Answers (n, 6) from scores (n, 2); means of items differ by `spread`."""
    load = np.array([0.8, 0.7, 0.9, 0.85, 0.6, 0.8])
    mean = 6.4 + spread * np.array([0.6, -1.4, -0.4, 1.8, -1.9, 0.1])
    own = np.sqrt(1 - load**2) * rng.standard_normal((len(eta), 6))
    latent = mean + 2.0 * (load * (eta[:, [0, 0, 0, 1, 1, 1]] + move[:, None]) + own)
    return np.clip(np.rint(latent), 1, 10)


def scores(common, rng):
    """Quality and what follows from it, of unit variance but for what is common."""
    n = len(common)
    quality = 0.9 * rng.standard_normal(n) + common
    return np.column_stack([quality, 0.75 * quality + 0.6 * rng.standard_normal(n)])


def moves(unit, wave):
    return 0.25 * unit + 0.2 * wave * (unit % 2)


def independent(rng, n, waves=1, spread=0.2):
    unit = np.repeat(np.arange(UNITS), n * waves)
    wave = np.tile(np.repeat(np.arange(waves), n), UNITS)
    common = 0.4 * rng.standard_normal(len(unit))
    values = cut(scores(common, rng), rng, moves(unit, wave), spread)
    return pd.DataFrame(values, columns=ITEMS).assign(unit=unit, wave=wave)


def clustered(rng, sites, per):
    unit = np.repeat(np.arange(UNITS), sites * per)
    site = np.repeat(np.arange(UNITS * sites), per)
    common = 0.4 * rng.standard_normal(UNITS * sites)[site]
    values = cut(scores(common, rng), rng, moves(unit, 0), 0.2)
    return pd.DataFrame(values, columns=ITEMS).assign(unit=unit, site=site)


def panel(rng, n):
    """The same n people of each unit in two waves."""
    unit = np.tile(np.repeat(np.arange(UNITS), n), 2)
    who = np.tile(np.arange(UNITS * n), 2)
    wave = np.repeat([0, 1], UNITS * n)
    lasting = np.tile(0.8 * rng.standard_normal(UNITS * n), 2)
    quality = lasting + 0.59 * rng.standard_normal(len(unit))
    eta = np.column_stack(
        [quality, 0.75 * quality + 0.6 * rng.standard_normal(len(unit))]
    )
    values = cut(eta, rng, moves(unit, wave), 0.2)
    return pd.DataFrame(values, columns=ITEMS).assign(unit=unit, wave=wave, who=who)


@functools.cache
def truth(waves=1, per_unit=False, spread=0.2):
    """Index of satisfaction per unit and wave in the population."""
    n = 500_000 // waves
    frame = independent(np.random.default_rng(99), n, waves, spread)
    fit = sat.pls(MODEL, frame, by="unit" if per_unit else None)
    return sat.index(fit, frame, by=["unit", "wave"]).of().table["estimate"]


def coverage(samples, make, true, seed=1):
    """Share of intervals that hold the truth, per figure; and how often below."""
    held, below = [], []
    for k in range(samples):
        table = make(np.random.default_rng([seed, k])).table
        held.append((table["conf_low"] <= true) & (true <= table["conf_high"]))
        below.append(true < table["conf_low"])
    share, under = np.mean(held, axis=0), np.mean(below)
    sys.stdout.write(f"\ncoverage {share.mean():.4f} {share}, {under:.4f} below")
    return share


@pytest.mark.slow
def test_items_alike():
    """250 answers per unit, pooled weights taken as fixed."""

    def make(rng):
        frame = independent(rng, 250)
        return sat.index(sat.pls(MODEL, frame), frame, by="unit").of()

    share = coverage(2000, make, truth())
    assert 0.935 < share.mean() < 0.962
    assert share.min() > 0.925


DRAWN = {"construct": "Satisfaction", "n_draws": 250}
FIXED = {"construct": "Satisfaction"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "per_unit", "samples"), [(250, False, 500), (60, True, 700)]
)
def test_weights_drawn_anew(n, per_unit, samples):
    """Items of very different means, weights of all units or of each unit.

    With weights taken as fixed too few intervals hold the truth.
    """
    true = truth(per_unit=per_unit, spread=1.0)

    def make(rng, how):
        frame = independent(rng, n, spread=1.0)
        fit = sat.pls(MODEL, frame, by="unit" if per_unit else None)
        return sat.index(fit, frame, by="unit", rng=rng, **how).of()

    share = coverage(samples, lambda rng: make(rng, DRAWN), true)
    fixed = coverage(samples, lambda rng: make(rng, FIXED), true)
    assert 0.925 < share.mean() < 0.965
    assert fixed.mean() < share.mean()


@pytest.mark.slow
def test_few_clusters():
    """12 sites of 15 customers per unit: Student's t with 11 degrees of freedom."""

    def make(rng):
        frame = clustered(rng, 12, 15)
        survey = sat.Survey(frame, unit="unit", cluster="site", scale=(1, 10))
        return sat.index(sat.pls(MODEL, survey), survey, by="unit").of()

    share = coverage(1500, make, truth())
    assert 0.93 < share.mean() < 0.965


@pytest.mark.slow
@pytest.mark.parametrize("repeated", [True, False])
def test_changes(repeated):
    level = truth(waves=2).reshape(UNITS, 2)
    true = level[:, 1] - level[:, 0]

    def make(rng):
        roles = {"unit": "unit", "wave": "wave", "scale": (1, 10)}
        frame = panel(rng, 120) if repeated else independent(rng, 120, 2)
        if repeated:
            roles["respondent"] = "who"
        survey = sat.Survey(frame, **roles)
        fit = sat.pls(MODEL, survey)
        return sat.changes(sat.index(fit, survey, by=["unit", "wave"]).of())

    share = coverage(1500, make, true)
    assert 0.935 < share.mean() < 0.962
