"""Errors of means of stratified and clustered surveys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.moment.designs import IGNORED, LONE

ITEMS = ["x", "y"]


def sampled(rng, sites=12, size=5):
    site = np.repeat(np.arange(3 * sites), size)
    region = site // sites
    effect = rng.normal(size=3 * sites)[site] + region
    frame = pd.DataFrame({"site": site, "region": region})
    for item in ITEMS:
        frame[item] = effect + rng.normal(size=len(site))
    frame["w"] = rng.uniform(0.5, 2, size=len(site))
    frame["shop"] = rng.choice(["a", "b"], size=len(site))
    return frame


def survey_of(frame, **roles):
    return sat.Survey(frame, items=ITEMS, scale=(-50, 50, 0), **roles)


def by_hand(frame, of, cluster, stratum):
    """Covariance of weighted means of the rows `of`, cluster by cluster."""
    w = frame["w"].where(of, 0.0)
    u = pd.DataFrame(
        {x: w * (frame[x] - np.average(frame[x], weights=w)) / w.sum() for x in ITEMS}
    )
    total = u.groupby([stratum, cluster]).sum()
    out = np.zeros((2, 2))
    for _, part in total.groupby(level=0):
        n = len(part)
        out += n * np.cov(part.to_numpy().T) if n > 1 else np.nan
    return out


ROLES = [
    {"cluster": "site", "stratum": "region"},
    {"cluster": "site"},
    {"stratum": "region"},
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("roles", ROLES)
def test_errors_of_means_are_those_of_the_design(rng, roles, weighted):
    frame = sampled(rng)
    if not weighted:
        frame["w"] = 1.0
    more = {"weight": "w"} if weighted else {}
    survey = survey_of(frame, **roles, **more)
    row = pd.Series(np.arange(len(frame)))
    cluster = frame["site"] if "cluster" in roles else row
    stratum = frame["region"] if "stratum" in roles else row * 0
    all_ = sat.Moments.from_frame(survey)
    known = by_hand(frame, frame["site"] >= 0, cluster, stratum)
    np.testing.assert_allclose(all_.mean_cov, known, rtol=1e-9)
    shops = sat.Moments.from_frame(survey, by="shop")
    for g, shop in enumerate(["a", "b"]):
        known = by_hand(frame, frame["shop"] == shop, cluster, stratum)
        np.testing.assert_allclose(shops.mean_cov[g], known, rtol=1e-9)
    assert "linearised" in " ".join(all_.context.notes)


def test_covariances_of_all_entries_follow_the_design(rng):
    frame = sampled(rng)
    survey = survey_of(frame, weight="w", cluster="site", stratum="region")
    m = sat.Moments.from_frame(survey, acov=True)
    np.testing.assert_allclose(m.acov[:2, :2], m.mean_cov, rtol=1e-9)
    plain = sat.Moments.from_frame(survey_of(frame, weight="w"), acov=True)
    assert (np.diag(m.acov)[:2] > 2 * np.diag(plain.acov)[:2]).all()


def test_rows_as_clusters_give_the_errors_without_a_design(rng):
    frame = sampled(rng).assign(site=np.arange(180))
    known = sat.Moments.from_frame(survey_of(frame, weight="w"))
    m = sat.Moments.from_frame(survey_of(frame, weight="w", cluster="site"))
    np.testing.assert_allclose(m.mean_cov, known.mean_cov, rtol=1e-10)


def test_a_stratum_left_with_one_cluster_has_no_errors_and_says_so(rng):
    frame = sampled(rng, sites=2)
    frame.loc[frame["site"] == 0, "x"] = np.nan
    m = sat.Moments.from_frame(survey_of(frame, cluster="site", stratum="region"))
    assert np.isnan(m.mean_cov).all()
    assert LONE in m.context.notes
    assert np.isfinite(m.cov).all()


def test_pairwise_moments_say_that_they_ignore_the_design(rng):
    frame = sampled(rng)
    frame.loc[3, "x"] = np.nan
    m = sat.Moments.from_frame(survey_of(frame, cluster="site"), missing="pairwise")
    assert IGNORED in m.context.notes
