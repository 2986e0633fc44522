"""Strata, clusters and weights in the bootstrap."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _resample, source
from satmetrics.moment.contributions import contributions


def counts(n_units, strata, n_draws, rng=1):
    blocks = _resample.rescaled_counts(n_units, strata, n_draws, rng)
    return np.concatenate(list(blocks))


def enumerated(sizes):
    """Every equally likely vector of rescaled counts, one row per draw."""
    parts = []
    for size in sizes:
        draws = itertools.product(range(size), repeat=size - 1)
        scale = size / (size - 1)
        parts.append([np.bincount(d, minlength=size) * scale for d in draws])
    return np.array([np.concatenate(c) for c in itertools.product(*parts)])


def test_the_enumerated_design_has_the_mean_and_variance_of_the_usual_estimator(rng):
    sizes = (2, 3, 4)
    every = enumerated(sizes)
    y = rng.normal(size=9)
    totals = every @ y
    np.testing.assert_allclose(every.mean(axis=0), 1, atol=1e-12)
    parts = np.split(y, np.cumsum(sizes)[:-1])
    usual = sum(len(part) * part.var(ddof=1) for part in parts)
    assert totals.var() == pytest.approx(usual, rel=1e-12)


def test_drawn_counts_are_those_of_the_design_and_equally_often():
    strata = np.array([1, 0, 1, 0, 1])  # in any order
    every = enumerated((2, 3))[:, [2, 0, 3, 1, 4]]
    B = 24_000
    drawn = counts(5, strata, B)
    ways = {tuple(np.round(row, 9)): 0.0 for row in every}
    for row in every:
        ways[tuple(np.round(row, 9))] += 1 / len(every)
    seen, times = np.unique(np.round(drawn, 9), axis=0, return_counts=True)
    assert {tuple(row) for row in seen} == set(ways)
    for row, k in zip(seen, times, strict=True):
        p = ways[tuple(row)]
        assert abs(k - B * p) < 5 * np.sqrt(B * p * (1 - p))


def test_each_stratum_keeps_its_size_in_every_draw():
    strata = np.repeat([0, 1, 2], [2, 5, 30])
    drawn = counts(37, strata, 120)
    for h, size in enumerate((2, 5, 30)):
        np.testing.assert_allclose(drawn[:, strata == h].sum(axis=1), size)


@pytest.mark.parametrize("strata", [None, np.repeat([0, 1, 2], 40)])
def test_first_draws_do_not_depend_on_how_many_follow(strata):
    many, few = counts(120, strata, 301), counts(120, strata, 60)
    assert np.array_equal(many[:60], few)
    assert not np.array_equal(many[:60], counts(120, strata, 60, rng=2))


COUNTS_DIGEST = """
import hashlib, numpy as np
from satmetrics.inference import _resample
found = hashlib.sha256()
for n in (250, 70_000):
    for block in _resample.bootstrap_counts(n, 70, 5):
        found.update(np.ascontiguousarray(block))
for block in _resample.rescaled_counts(90, np.repeat([0, 1], 45), 200, 5):
    found.update(np.ascontiguousarray(block))
print(found.hexdigest())
"""


def test_counts_do_not_depend_on_the_number_of_threads():
    def digest(threads):
        import os

        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads)}
        run = [sys.executable, "-c", COUNTS_DIGEST]
        return subprocess.run(run, env=env, capture_output=True, check=True).stdout

    assert digest("1") == digest("2")


MODEL = sat.StructuralModel.from_blocks(
    "m", {"A": ["a1", "a2", "a3"], "B": ["b1", "b2"]}, {"A": ["B"]}
)


def sampled(rng, strata=3, clusters=12, size=8, icc=0.4, loadings=0.8):
    """Clustered answers to MODEL: cluster effects enter the constructs."""
    site = np.repeat(np.arange(strata * clusters), size)
    region = site // clusters
    n = len(site)

    def mixed():
        between = rng.normal(size=strata * clusters)[site]
        return np.sqrt(icc) * between + np.sqrt(1 - icc) * rng.normal(size=n)

    a = mixed() + 0.5 * region
    b = 0.6 * a + 0.8 * mixed()
    items = {
        name: loadings * (a if name[0] == "a" else b) + 0.6 * rng.normal(size=n)
        for name in MODEL.indicators
    }
    weight = rng.uniform(0.5, 2.0, size=n)
    return pd.DataFrame({"region": region, "site": site, "w": weight, **items})


def design(frame, **roles):
    return sat.Survey(frame, scale=(-50, 50, 0), **roles)


FULL = {"weight": "w", "cluster": "site", "stratum": "region"}


def linearised(frame, item, cluster="site", stratum="region"):
    """Standard error of a weighted mean of a stratified cluster sample, by hand."""
    w, x = frame["w"], frame[item]
    u = w * (x - np.average(x, weights=w)) / w.sum()
    total = u.groupby([frame[stratum], frame[cluster]]).sum()
    per = total.groupby(level=0)
    return np.sqrt((per.size() * per.var(ddof=1)).sum())


@pytest.mark.parametrize(
    ("roles", "columns"),
    [
        (FULL, ("site", "region")),
        ({"weight": "w", "cluster": "site"}, ("site", "one")),
        ({"weight": "w", "stratum": "region"}, ("row", "region")),
    ],
)
def test_bootstrap_errors_of_means_are_the_linearised_ones(rng, roles, columns):
    frame = sampled(rng, clusters=40).assign(one=0)
    frame["row"] = np.arange(len(frame))
    survey = design(frame[["region", "site", "w", *MODEL.indicators]], **roles)
    units = contributions(survey, MODEL.indicators)
    batches = [units.moments(c) for c in source.counts_of(units, 8000, 1)]
    means = np.concatenate([b.mean for b in batches])
    for j, item in enumerate(MODEL.indicators):
        known = linearised(frame, item, *columns)
        assert means[:, j].std(ddof=1) == pytest.approx(known, rel=0.04)


def test_draws_equal_fits_with_the_counts_as_weights(rng):
    frame = sampled(rng)
    survey = design(frame, **FULL)
    fit = sat.pls(MODEL, survey, sat.PlsOptions(tol=1e-12))
    boot = sat.bootstrap(fit, survey, n_draws=4, rng=3)
    strata = np.repeat([0, 1, 2], 12)
    drawn = counts(36, strata, 4, rng=3)
    paths = (boot.table["term"] == "path").nonzero()[0]
    for k in range(4):
        again = frame.assign(w=frame["w"] * drawn[k][frame["site"]])
        known = sat.pls(
            MODEL, design(again, weight="w"), sat.PlsOptions(tol=1e-12)
        ).paths()["estimate"]
        np.testing.assert_allclose(boot.draws[k, paths], known, atol=1e-9)


def test_what_was_drawn_is_said(rng):
    frame = sampled(rng)
    survey = design(frame, **FULL)
    boot = sat.bootstrap(sat.pls(MODEL, survey), survey, n_draws=20, rng=1)
    assert boot.resampled == "clusters"
    text = str(boot.summary())
    assert "36 clusters were drawn within 3 strata by the rescaled bootstrap" in text
    assert "normal theory" not in text
    plain = design(frame.drop(columns=["site", "region", "w"]))
    boot = sat.bootstrap(sat.pls(MODEL, plain), plain, n_draws=20, rng=1)
    assert boot.resampled == "respondents"
    assert "rescaled" not in str(boot.summary())


def test_whole_weights_equal_repeated_rows_in_the_fit(rng):
    frame = sampled(rng)
    k = rng.integers(1, 4, size=len(frame))
    weighted = sat.pls(MODEL, design(frame.assign(w=k), weight="w"))
    repeated = frame.loc[np.repeat(frame.index, k)]
    known = sat.pls(MODEL, design(repeated[list(MODEL.indicators)]))
    np.testing.assert_allclose(
        weighted.paths()["estimate"], known.paths()["estimate"], atol=1e-9
    )
    np.testing.assert_allclose(weighted.loadings, known.loadings, atol=1e-8)


def test_a_stratum_that_missing_answers_leave_with_one_cluster_raises(rng):
    frame = sampled(rng, clusters=2)
    frame.loc[frame["site"] == 0, "a1"] = np.nan
    survey = design(frame, cluster="site", stratum="region")
    fit = sat.pls(MODEL, survey)
    with pytest.raises(errors.DataError, match="with one cluster only: '0'"):
        sat.bootstrap(fit, survey, n_draws=10, rng=1)


def test_other_units_than_there_are_raise(rng):
    survey = design(sampled(rng))
    fit = sat.pls(MODEL, survey)
    with pytest.raises(errors.OptionError, match="did you mean 'shards'"):
        sat.bootstrap(fit, survey, units="shard")
    with pytest.raises(errors.DataError, match="288 respondents are too few") as e:
        sat.bootstrap(fit, survey, units="shards")
    assert "4,000" in e.value.remedy


@pytest.mark.slow
def test_clusters_cover_where_respondents_do_not(rng, capsys):
    """Intervals of an item mean and a correlation, 40 clusters of 10, icc 0.4."""
    samples, draws = 1000, 400
    item = ("a1", "b1")
    hits = {"clusters": np.zeros(2), "respondents": np.zeros(2)}
    big = sampled(rng, strata=1, clusters=200_000, size=2)
    truth = np.array([0.0, np.corrcoef(big["a1"], big["b1"])[0, 1]])
    for k in range(samples):
        frame = sampled(rng, strata=1, clusters=40, size=10)
        for word, roles in (("clusters", {"cluster": "site"}), ("respondents", {})):
            columns = ["site", *item] if roles else list(item)
            survey = design(frame[columns], **roles)
            units = contributions(survey, item)
            found = [units.moments(c) for c in source.counts_of(units, draws, k)]
            mean = np.concatenate([m.mean[:, 0] for m in found])
            corr = np.concatenate([m.corr()[:, 0, 1] for m in found])
            both = np.stack([mean, corr], axis=1)
            low, high = np.quantile(both, [0.025, 0.975], axis=0)
            hits[word] += (low <= truth) & (truth <= high)
    with capsys.disabled():
        for word, k in hits.items():
            mean, corr = k / samples
            sys.stdout.write(f"\n{word}: mean {mean:.3f}, correlation {corr:.3f}")
    assert (hits["clusters"] / samples > 0.91).all()
    assert (hits["respondents"] / samples < 0.88).all()
