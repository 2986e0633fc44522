"""Errors of indices over clusters, strata and repeated respondents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

QUALITY, BLOCK = ["q1", "q2"], ["s1", "s2", "s3"]
MODEL = sat.StructuralModel.from_blocks(
    "m",
    {"Quality": QUALITY, "Satisfaction": BLOCK},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
    scale=(1, 10),
)
COMPANIES = ["a", "b", "c"]


def answers(seed=1, sites=24, per=15):
    """Sites of six regions; customers of three companies at each site."""
    rng = np.random.default_rng(seed)
    n = sites * per
    site = np.repeat(np.arange(sites), per)
    region = site // 4
    common = rng.normal(size=sites)[site] + 0.4 * region
    eta = common + rng.normal(size=n)
    latent = 5.5 + 0.9 * (eta[:, None] + 0.7 * rng.normal(size=(n, 5)))
    frame = pd.DataFrame(latent.round().clip(1, 10), columns=QUALITY + BLOCK)
    return frame.assign(
        site=site,
        region=region,
        company=rng.choice(COMPANIES, size=n),
        w=rng.uniform(0.5, 2, size=n),
    )


FRAME = answers()
W = "w"


def survey(frame=FRAME, **roles):
    return sat.Survey(frame, scale=(1, 10), unit="company", **roles)


def scored(fit, frame, construct="Satisfaction"):
    """Scores of respondents on 0-100."""
    at = slice(0, 2) if construct == "Quality" else slice(2, 5)
    w = fit.raw_weights()[at]
    items = np.array(QUALITY + BLOCK)[at]
    return (frame[items] - 1).to_numpy() @ w / (9 * w.sum()) * 100


def woodruff(y, w, groups, unit, strata):
    """Covariance of weighted means of groups over sampled units, unit by unit.

    Means of domains of one stratified sample of units, written with loops.
    """
    labels = sorted(set(groups))
    influence = np.zeros((len(y), len(labels)))
    for g, label in enumerate(labels):
        here = groups == label
        mean = np.average(y[here], weights=w[here])
        influence[here, g] = w[here] * (y[here] - mean) / w[here].sum()
    V = np.zeros((len(labels), len(labels)))
    for h in set(strata):
        names = sorted(set(unit[strata == h]))
        U = np.array([influence[unit == name].sum(axis=0) for name in names])
        D = U - U.mean(axis=0)
        V += len(names) / (len(names) - 1) * D.T @ D
    return V


def whole(frame):
    return np.zeros(len(frame), dtype=int)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("stratified", [False, True])
def test_groups_that_share_clusters(weighted, stratified):
    roles = {"cluster": "site"}
    if weighted:
        roles["weight"] = "w"
    if stratified:
        roles["stratum"] = "region"
    data = survey(**roles)
    fit = sat.pls(MODEL, data)
    w = FRAME["w"].to_numpy() if weighted else np.ones(len(FRAME))
    strata = FRAME["region"].to_numpy() if stratified else whole(FRAME)
    found = sat.index(fit, data, by="company")
    for construct in ("Quality", "Satisfaction"):
        V = woodruff(
            scored(fit, FRAME, construct),
            w,
            FRAME["company"].to_numpy(),
            FRAME["site"].to_numpy(),
            strata,
        )
        joint = found.of(construct).errors()
        np.testing.assert_allclose(joint.std_error, np.sqrt(np.diag(V)), rtol=1e-9)
        np.testing.assert_allclose(joint.cov(), V, rtol=1e-8, atol=1e-12)
        assert (joint.df == (18 if stratified else 23)).all()
    gap = (
        found.of()
        .errors()
        .combined(np.zeros(2, int), np.array([0, 2]), np.array([1.0, -1.0]))
    )
    assert gap.std_error[0] == pytest.approx(
        np.sqrt(V[0, 0] + V[2, 2] - 2 * V[0, 2]), rel=1e-9
    )
    if not stratified:
        assert V[0, 2] > 0.3 * V[0, 0]


def test_clusters_of_one_group_each_as_statsmodels_says():
    """Regression on a constant with errors clustered by site, company by company."""
    statsmodels = pytest.importorskip("statsmodels.api")
    frame = FRAME.assign(company=np.array(COMPANIES)[FRAME["site"] % 3])
    data = survey(frame, cluster="site")
    fit = sat.pls(MODEL, data)
    found = sat.index(fit, data, by="company").of()
    assert not len(found.errors().pairs)
    frame = frame.assign(y=scored(fit, frame))
    for row, (_, own) in zip(
        found.to_frame().itertuples(), frame.groupby("company"), strict=True
    ):
        ols = statsmodels.OLS(own["y"].to_numpy(), np.ones(len(own)))
        n, G = len(own), own["site"].nunique()
        clustered = ols.fit(
            cov_type="cluster",
            cov_kwds={"groups": own["site"].to_numpy()},
            use_t=True,
        )
        error = clustered.bse[0] * np.sqrt((n - 1) / n)  # statsmodels: (n-1)/(n-k)
        np.testing.assert_allclose(row.estimate, clustered.params[0])
        np.testing.assert_allclose(row.std_error, clustered.bse[0], rtol=1e-9)
        low, high = clustered.conf_int()[0]
        np.testing.assert_allclose([row.conf_low, row.conf_high], [low, high])
        assert G == 8
        assert error < clustered.bse[0]


def test_strata_alone():
    """Groups that share no unit are samples of their own, each within its strata."""
    data = survey(stratum="region")
    fit = sat.pls(MODEL, data)
    joint = sat.index(fit, data, by="company").of().errors()
    y = scored(fit, FRAME)
    for g, company in enumerate(COMPANIES):
        here = (FRAME["company"] == company).to_numpy()
        V = woodruff(
            y[here],
            np.ones(here.sum()),
            FRAME["company"][here].to_numpy(),
            np.arange(here.sum()),
            FRAME["region"][here].to_numpy(),
        )
        assert joint.std_error[g] == pytest.approx(np.sqrt(V[0, 0]))
    assert not len(joint.pairs)


@pytest.mark.parametrize(
    "roles", [{}, {"cluster": "site"}, {"stratum": "region"}, {"weight": "w"}]
)
def test_one_group_is_the_index_of_the_moments(roles):
    data = survey(**roles)
    fit = sat.pls(MODEL, data)
    bare, given = sat.index(fit), sat.index(fit, data)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(bare.table[name], given.table[name], rtol=1e-9)


def test_all_rows_of_a_person_are_one_unit():
    frame = FRAME.assign(who=np.arange(len(FRAME)) % 130)
    frame = frame.drop_duplicates(["who", "company"])
    data = survey(frame, respondent="who", weight="w")
    fit = sat.pls(MODEL, data)
    found = sat.index(fit, data, by="company")
    V = woodruff(
        scored(fit, frame),
        frame["w"].to_numpy(),
        frame["company"].to_numpy(),
        frame["who"].to_numpy(),
        whole(frame),
    )
    np.testing.assert_allclose(found.of().errors().cov(), V, rtol=1e-8, atol=1e-12)
    people = frame["who"].nunique()
    assert f"{people} respondents, some with several rows" in str(found)


def test_rows_without_a_name_are_people_of_their_own():
    who = pd.Series(np.arange(len(FRAME)) % 130, dtype="Int64")
    frame = FRAME.assign(who=who).drop_duplicates(["who", "company"])
    frame.loc[frame.index[:40], "who"] = pd.NA
    data = survey(frame, respondent="who")
    fit = sat.pls(MODEL, data)
    names = frame["who"].astype(object).to_numpy()
    gone = frame["who"].isna().to_numpy()
    unit = np.array(
        [
            f"row{i}" if g else str(x)
            for i, (g, x) in enumerate(zip(gone, names, strict=True))
        ]
    )
    V = woodruff(
        scored(fit, frame),
        np.ones(len(frame)),
        frame["company"].to_numpy(),
        unit,
        whole(frame),
    )
    joint = sat.index(fit, data, by="company").of().errors()
    np.testing.assert_allclose(joint.cov(), V, rtol=1e-8, atol=1e-12)


def test_people_within_clusters_and_across_them():
    frame = FRAME.assign(who=[f"{s}-{i % 7}" for i, s in enumerate(FRAME["site"])])
    frame = frame.drop_duplicates(["who", "company"])
    data = survey(frame, respondent="who", cluster="site")
    fit = sat.pls(MODEL, data)
    both = sat.index(fit, data, by="company").of().errors().cov()
    alone = survey(frame, cluster="site")
    np.testing.assert_allclose(
        both, sat.index(fit, alone, by="company").of().errors().cov(), rtol=1e-9
    )
    wandering = frame.assign(who=np.arange(len(frame)) % 200)
    wandering = wandering.drop_duplicates(["who", "company"])
    data = survey(wandering, respondent="who", cluster="site")
    with pytest.raises(errors.DataError, match="several clusters") as caught:
        sat.index(fit, data, by="company")
    assert caught.value.code == "respondent-scattered"
    data = survey(wandering, respondent="who", stratum="region")
    with pytest.raises(errors.DataError, match="several strata"):
        sat.index(fit, data, by="company")


def test_reversed_items_and_weights_per_company():
    turned = FRAME.assign(s2=11 - FRAME["s2"])
    plain = survey(cluster="site")
    other = survey(turned, cluster="site", reverse=["s2"])
    for by in (None, "company"):
        found = [
            sat.index(sat.pls(MODEL, data, by=by), data, by="company").errors()
            for data in (plain, other)
        ]
        np.testing.assert_allclose(found[0].std_error, found[1].std_error, rtol=1e-9)
        np.testing.assert_allclose(found[0].cov(), found[1].cov(), atol=1e-9)
    fit = sat.pls(MODEL, plain, by="company")
    found = sat.index(fit, plain, by="company").of().errors()
    y = np.empty(len(FRAME))
    for g, name in enumerate(COMPANIES):
        here = (FRAME["company"] == name).to_numpy()
        y[here] = scored(fit.group(g), FRAME[here])
    V = woodruff(
        y,
        np.ones(len(y)),
        FRAME["company"].to_numpy(),
        FRAME["site"].to_numpy(),
        whole(FRAME),
    )
    np.testing.assert_allclose(found.cov(), V, rtol=1e-8, atol=1e-12)


def test_missing_answers_leave_rows_out_of_the_design():
    gone = FRAME.astype({"s1": float})
    gone.loc[::9, "s1"] = np.nan
    data = survey(gone, cluster="site", weight="w")
    fit = sat.pls(MODEL, data)
    left = gone.dropna()
    V = woodruff(
        scored(fit, left),
        left["w"].to_numpy(),
        left["company"].to_numpy(),
        left["site"].to_numpy(),
        whole(left),
    )
    joint = sat.index(fit, data, by="company").of().errors()
    np.testing.assert_allclose(joint.cov(), V, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("n_draws", [0, 30])
def test_a_company_at_one_site_has_no_error(n_draws):
    frame = FRAME.assign(company=np.where(FRAME["site"] == 0, "lone", FRAME["company"]))
    data = survey(frame, cluster="site")
    fit = sat.pls(MODEL, data)
    found = sat.index(fit, data, by="company", n_draws=n_draws, rng=1).of()
    found = found.to_frame().set_index("company")
    assert np.isnan(found.loc["lone", ["std_error", "conf_low"]].astype(float)).all()
    assert np.isfinite(found.loc["lone", "estimate"])
    assert np.isfinite(found.loc[COMPANIES, "std_error"]).all()
    assert "one sampled unit" in found.loc["lone", "reason"]


@pytest.mark.parametrize("n_draws", [0, 30])
def test_a_company_of_one_answer_has_no_error(n_draws):
    frame = FRAME.assign(company=["lone", *FRAME["company"][1:]])
    fit = sat.pls(MODEL, frame)
    found = sat.index(fit, frame, by="company", n_draws=n_draws, rng=1).of().to_frame()
    found = found.set_index("company")
    assert list(found["std_error"].isna()) == [False, False, False, True]
    assert "one answer" in found.loc["lone", "reason"]


def test_errors_of_other_moments_are_said_to_be_independent():
    gone = FRAME.astype({"s1": float})
    gone.loc[::9, "s1"] = np.nan
    frame = gone.assign(who=np.arange(len(gone)) % 130)
    frame = frame.drop_duplicates(["who", "company"])
    data = survey(frame, respondent="who")
    fit = sat.pls(MODEL, data, missing="pairwise")
    found = sat.index(fit, data, by="company")
    assert "errors of groups are taken as independent" in str(found)
    assert not len(found.errors().pairs)


def test_draws_of_clusters_have_the_linearised_covariance():
    data = survey(cluster="site", stratum="region", weight="w")
    fit = sat.pls(MODEL, data)
    fixed = sat.index(fit, data, by="company", metric="equal").of().errors()
    drawn = (
        sat.index(fit, data, by="company", metric="equal", n_draws=4000, rng=1)
        .of()
        .errors()
    )
    np.testing.assert_allclose(drawn.std_error, fixed.std_error, rtol=0.06)
    expected = fixed.cov()[np.triu_indices(3, 1)]
    found = drawn.cov()[np.triu_indices(3, 1)]
    np.testing.assert_allclose(found, expected, atol=0.07 * fixed.cov().max())
