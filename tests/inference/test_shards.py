"""Shards: large samples in the bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import source
from satmetrics.moment import _kernel, _shards, _stream
from satmetrics.moment.contributions import contributions

ITEMS = ("a1", "a2", "b1", "b2")
MODEL = sat.StructuralModel.from_blocks(
    "m", {"A": ITEMS[:2], "B": ITEMS[2:]}, {"A": ["B"]}
)


def answers(rng, n):
    a = rng.normal(size=n)
    b = 0.6 * a + 0.8 * rng.normal(size=n)
    X = np.column_stack([a, a, b, b]) + 0.6 * rng.normal(size=(n, 4))
    return pd.DataFrame(X + 5, columns=list(ITEMS))


@pytest.mark.parametrize("n", [4000, 20_000, 20_999, 123_457])
def test_every_unit_is_in_one_shard_and_sizes_differ_by_at_most_one(n):
    K = _shards.n_shards(n)
    order, sizes, of = _shards.deal(np.zeros(n, dtype=np.int64), K)
    assert len(sizes) == K == min(1000, n // 20)
    assert np.array_equal(np.sort(order), np.arange(n))
    assert (sizes.sum(), np.ptp(sizes) <= 1, of.max()) == (n, True, 0)


def test_shards_lie_within_strata_in_proportion(rng):
    strata = rng.permutation(np.repeat([0, 1, 2], [30_000, 9_000, 41]))
    order, sizes, of = _shards.deal(strata, 1000)
    assert np.bincount(of).tolist() == [768, 231, 2]
    assert np.array_equal(strata[order], np.repeat(of, sizes))
    for h in range(3):
        assert np.ptp(sizes[of == h]) <= 1


def test_neighbours_are_spread_over_the_shards():
    n = 40_000
    order, sizes, _ = _shards.deal(np.zeros(n, dtype=np.int64), 1000)
    shard = np.empty(n, dtype=np.int64)
    shard[order] = np.repeat(np.arange(1000), sizes)
    r = np.corrcoef(shard[:-1], shard[1:])[0, 1]
    half = np.bincount(shard[: n // 2], minlength=1000)
    assert abs(r) < 4 / np.sqrt(n)
    assert half.std() == pytest.approx(np.sqrt(40 / 4 * (1 - 39 / 39_999)), rel=0.1)


def test_clusters_are_never_split(rng):
    n = 30_000
    site = rng.integers(0, 6000, size=n)
    frame = answers(rng, n).assign(site=site, a1=site.astype(float))
    survey = sat.Survey(frame, cluster="site", scale=(-1e6, 1e6, 0))
    units = contributions(survey, ("a1",), units="shards")
    shift, first = units.shift[0], units.sums[:, _kernel.HEAD]
    totals = np.round(first + shift * units.sums[:, 0]).astype(int)
    sizes = np.bincount(site, minlength=6000)
    used = np.flatnonzero(sizes)
    order, per, _ = _shards.deal(
        np.zeros(len(used), dtype=np.int64), _shards.n_shards(len(used))
    )
    ends = np.cumsum(per)
    known = [
        (
            sizes[used[order[end - k : end]]].sum(),
            (sizes * np.arange(6000))[used[order[end - k : end]]].sum(),
        )
        for end, k in zip(ends, per, strict=True)
    ]
    assert units.sums[:, 0].astype(int).tolist() == [k for k, _ in known]
    assert totals.tolist() == [total for _, total in known]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("units", ["respondents", "shards"])
def test_all_units_once_are_the_moments_of_all_rows(rng, weighted, units):
    frame = answers(rng, 7321)
    roles = {"scale": (-50, 50, 0)}
    if weighted:
        frame["w"] = rng.uniform(0.2, 3, size=len(frame))
        roles["weight"] = "w"
    frame.loc[5, "a2"] = np.nan
    survey = sat.Survey(frame, **roles)
    found = contributions(survey, ITEMS, units=units).moments()
    known = frame.drop(index=5)
    w = known["w"].to_numpy() if weighted else np.ones(len(known))
    X = known[list(ITEMS)].to_numpy()
    mean = w @ X / w.sum()
    cov = ((X - mean).T * w) @ (X - mean) / (w.sum() - w @ w / w.sum())
    assert (found.n, found.weight_sum) == (7320, pytest.approx(w.sum()))
    assert found.n_eff == pytest.approx(w.sum() ** 2 / (w @ w))
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.cov, cov, rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_streamed_sums_are_sums_of_contributions(rng, weighted, monkeypatch):
    monkeypatch.setattr(_stream, "PIECE", 64)
    monkeypatch.setattr(_stream, "GATHERED", 700)
    n, p = 1000, 5
    X = rng.normal(size=(n, p))
    w = rng.uniform(1, 2, size=n) if weighted else None
    shift = rng.normal(size=p)
    rows = rng.permutation(n)[:801]
    parts = _kernel.contributions(X - shift, np.ones(n) if w is None else w)
    columns = tuple(X.T)
    for some in (None, rows):
        chosen = parts if some is None else parts[some]
        total = _stream.total_sums(columns, w, some, shift)
        np.testing.assert_allclose(total, chosen.sum(axis=0), rtol=1e-12, atol=1e-11)
    sizes = np.array([1, 30, 400, 370])
    sums = _stream.shard_sums(columns, w, rows, sizes, shift)
    known = np.add.reduceat(parts[rows], np.cumsum(sizes) - sizes, axis=0)
    np.testing.assert_allclose(sums, known, rtol=1e-12, atol=1e-11)


def test_large_samples_draw_shards_and_say_how_noisy_that_is(rng):
    frame = answers(rng, 20_000)
    fit = sat.pls(MODEL, frame)
    boot = sat.bootstrap(fit, frame, n_draws=50, rng=1)
    assert boot.resampled == "shards"
    text = str(boot.summary())
    assert "1,000 shards of 20 respondents were drawn" in text
    assert "relative noise of the standard errors from so many shards: about 2.2 %" in (
        " ".join(text.split())
    )
    again = sat.bootstrap(fit, frame, n_draws=50, rng=1)
    assert np.array_equal(boot.draws, again.draws)
    rows = sat.bootstrap(fit, frame, n_draws=50, rng=1, units="respondents")
    assert rows.resampled == "respondents"
    fewer = frame.iloc[1:]
    fit = sat.pls(MODEL, fewer)
    assert sat.bootstrap(fit, fewer, n_draws=5, rng=1).resampled == "respondents"
    asked = sat.bootstrap(fit, fewer, n_draws=5, rng=1, units="shards")
    assert "999 shards of 20.02 respondents" in str(asked.summary())


def test_large_samples_of_few_clusters_draw_clusters(rng):
    n = 30_000
    frame = answers(rng, n).assign(site=rng.integers(0, 50, size=n))
    survey = sat.Survey(frame, cluster="site", scale=(-50, 50, 0))
    units = contributions(survey, ITEMS, units="auto")
    assert (units.kind, units.n_units) == ("clusters", 50)
    with pytest.raises(errors.DataError, match="50 clusters are too few for shards"):
        contributions(survey, ITEMS, units="shards")


def test_shard_errors_are_those_of_respondents(rng):
    """Within the printed noise: four times 2.2 %, and 1 % of 5,000 draws."""
    n = 24_000
    frame = answers(rng, n).assign(region=rng.integers(0, 4, size=n))
    frame["a1"] += frame["region"]
    for roles in ({}, {"stratum": "region"}):
        columns = list(frame) if roles else list(ITEMS)
        survey = sat.Survey(frame[columns], scale=(-50, 50, 0), **roles)
        units = contributions(survey, ITEMS, units="auto")
        found = [units.moments(c) for c in source.counts_of(units, 5000, 2)]
        mean = np.concatenate([m.mean for m in found]).std(axis=0, ddof=1)
        r = np.concatenate([m.corr()[:, 1, 3] for m in found]).std(ddof=1)
        groups = frame["region"] if roles else np.zeros(n)
        per = frame[list(ITEMS)].groupby(groups)
        within = (per.var(ddof=1).mul(per.size(), axis=0)).sum() / n**2
        np.testing.assert_allclose(mean, np.sqrt(within), rtol=0.09)
        rho = np.corrcoef(frame["a2"], frame["b2"])[0, 1]
        assert r == pytest.approx((1 - rho**2) / np.sqrt(n), rel=0.09)


def test_shards_allow_percentile_and_normal_intervals_only(rng):
    frame = answers(rng, 4000)
    fit = sat.pls(MODEL, frame)
    boot = sat.bootstrap(fit, frame, n_draws=50, rng=1, units="shards")
    assert boot.kinds == ("percentile", "normal")
    assert set(boot.intervals().to_frame()["interval"]) == {"percentile", "normal"}
    for kind in ("basic", "bc", "bca", "studentized"):
        with pytest.raises(errors.OptionError, match="percentile and normal") as e:
            sat.bootstrap(fit, frame, n_draws=5, interval=kind, units="shards")
        assert 'units="respondents"' in e.value.remedy
        with pytest.raises(errors.OptionError, match="draws of shards"):
            boot.intervals(kind)
