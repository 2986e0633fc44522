"""Pairwise and mean-filled moments: resamples are treated as the sample was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _resample, left_out
from satmetrics.moment import _pairs
from satmetrics.moment.pairs import PairUnits
from satmetrics.moment.respondents import respondents

POLICIES = ("pairwise", "mean")


@pytest.fixture(scope="module")
def holes(mobi):
    cells = np.random.default_rng(5).random(mobi.shape) < 0.08
    return mobi.astype(float).mask(cells)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_resamples_equal_moments_of_repeated_rows(holes, policy, weighted):
    frame = holes.iloc[:, :6]
    w = 1.0 + np.arange(250) % 4 if weighted else np.ones(250)
    items = tuple(frame.columns)
    survey = (
        sat.Survey(frame.assign(w=w), weight="w") if weighted else sat.Survey(frame)
    )
    units = respondents(survey, items, missing=policy)
    assert isinstance(units, PairUnits)
    counts = next(_resample.bootstrap_counts(units.n_units, 7, 2))
    batch = units.moments(counts)
    for k, times in enumerate(counts.astype(int)):
        rows = survey.frame.loc[np.repeat(np.arange(250), times)]
        one = sat.Moments.from_frame(
            rows, items, weights="w" if weighted else None, missing=policy
        )
        np.testing.assert_allclose(batch.mean[k], one.mean, rtol=1e-12)
        np.testing.assert_allclose(batch.cov[k], one.cov, atol=1e-10)
        assert batch.n[k] == one.n
        assert batch.n_eff[k] == pytest.approx(one.n_eff)
        if policy == "pairwise":
            np.testing.assert_array_equal(batch.pair_n[k], one.pair_n)


@pytest.mark.parametrize("policy", POLICIES)
def test_draws_equal_refits_of_resampled_rows(holes, policy):
    options = sat.PlsOptions(tol=1e-12)
    fit = sat.pls("ecsi", holes, options, missing=policy)
    boot = sat.bootstrap(fit, holes, n_draws=4, rng=11)
    counts = next(_resample.bootstrap_counts(250, 4, 11)).astype(int)
    paths = (boot.table["term"] == "path").nonzero()[0]
    for k in range(4):
        rows = holes.loc[np.repeat(np.arange(250), counts[k])]
        again = sat.pls("ecsi", rows, options, missing=policy)
        np.testing.assert_allclose(
            boot.draws[k, paths], again.paths()["estimate"], atol=1e-9
        )


def test_chunks_do_not_matter(holes, rng):
    X = holes.to_numpy()
    w = rng.random(250) + 0.5
    counts = rng.integers(0, 3, size=(5, 250)).astype(float)
    one = _pairs.pair_sums(X, w, counts, 2**22)
    other = _pairs.pair_sums(X, w, counts, 2**12)
    np.testing.assert_allclose(one.second, other.second, rtol=1e-12)
    np.testing.assert_allclose(one.both, other.both, rtol=1e-12)
    np.testing.assert_allclose(one.pairwise(), other.pairwise(), rtol=1e-9)


def test_items_nobody_answers_together_are_named():
    X = np.array([[1.0, 2.0], [2.0, np.nan], [np.nan, 3.0], [4.0, 1.0], [2.0, 2.0]])
    counts = np.array([[1, 1, 1, 1, 1], [0, 2, 3, 0, 0], [0, 5, 0, 0, 0]])
    pairwise = PairUnits(("a", "b"), np.zeros(2), X, np.ones(5)).moments(counts)
    assert pairwise.reasons == (
        "",
        "fewer than two rows answer both a and b",
        "no answers to b",
    )
    filled = PairUnits(("a", "b"), np.zeros(2), X, np.ones(5), policy="mean")
    assert filled.moments(counts).reasons == ("", "", "no answers to b")


def test_clusters_are_drawn_whole(holes):
    frame = holes.assign(shop=np.arange(250) // 5)
    survey = sat.Survey(frame, items=list(holes.columns), cluster="shop")
    fit = sat.pls("ecsi", survey, missing="em")
    boot = sat.bootstrap(fit, survey, n_draws=20, rng=1)
    assert boot.resampled == "clusters"
    assert np.isfinite(boot.table["std_error"]).all()
    units = respondents(survey, fit.source.names, missing="em")
    counts = np.ones((1, 50))
    counts[0, 7] = 0
    left = units.moments(counts).group(0)
    rows = sat.Moments.from_frame(
        frame[frame["shop"] != 7], fit.source.names, missing="em"
    )
    np.testing.assert_allclose(left.cov, rows.cov, atol=1e-8)


def test_shards_and_sums_are_refused_by_name(holes):
    fit = sat.pls("ecsi", holes, missing="em")
    with pytest.raises(errors.OptionError, match="do not go together"):
        sat.bootstrap(fit, holes, n_draws=10, units="shards")
    units = respondents(sat.Survey(holes), tuple(holes.columns), missing="em")
    with pytest.raises(errors.DataError, match="not sums over respondents"):
        units.parts(np.arange(3))
    with pytest.raises(errors.DataError, match="pass the answers"):
        sat.bootstrap(fit, n_draws=10)


def test_other_answers_are_noticed(holes):
    fit = sat.pls("ecsi", holes, missing="pairwise")
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        sat.bootstrap(fit, holes.assign(CUSA1=holes["CUSA1"][::-1].to_numpy()))


def test_complete_answers_are_sums(mobi):
    for policy in ("pairwise", "mean", "em"):
        units = respondents(sat.Survey(mobi), tuple(mobi.columns), missing=policy)
        assert not isinstance(units, PairUnits)
        assert isinstance(mobi, pd.DataFrame)


@pytest.mark.parametrize("policy", [*POLICIES, "em"])
def test_respondents_are_left_out_by_estimating_again(holes, policy):
    """The jackknife's moments without a unit are those of the other rows."""
    items = ("CUSA1", "CUSA2", "CUSA3", "PERV1")
    frame = holes[list(items)][:40].assign(
        shop=np.arange(40) % 10, region=np.arange(40) % 10 // 4
    )
    survey = sat.Survey(frame, items=list(items))
    units = respondents(survey, items, missing=policy)
    batch = next(left_out.groups_of(units).batches(units))
    assert len(batch.n) == units.n_units
    rows = np.flatnonzero(frame[list(items)].notna().any(axis=1))
    for g in (0, 17):
        rest = frame.drop(index=rows[g])
        one = sat.Moments.from_frame(rest, items, missing=policy)
        np.testing.assert_allclose(batch.cov[g], one.cov, atol=1e-8)
    layered = sat.Survey(frame, items=list(items), cluster="shop", stratum="region")
    units = respondents(layered, items, missing=policy)
    groups = left_out.groups_of(units)
    batch = next(groups.batches(units))
    w = np.where(frame["region"] == 0, 4 / 3, 1.0)
    rest = frame.assign(w=w)[frame["shop"] != 0]
    one = sat.Moments.from_frame(rest, items, weights="w", missing=policy)
    np.testing.assert_allclose(batch.mean[0], one.mean, atol=1e-8)
