"""Whose weights make an index: pooled, per industry, per unit; negative ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

ITEMS = {"Quality": ["q1", "q2", "q3"], "Satisfaction": ["s1", "s2", "s3"]}
MODEL = sat.StructuralModel.from_blocks(
    "m", ITEMS, {"Quality": "Satisfaction"}, target="Satisfaction", scale=(1, 10)
)
BLOCK = ITEMS["Satisfaction"]


def answers(seed=1, per=80, units=("a", "b", "c", "d")):
    """Units of two industries whose items load differently."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, unit in enumerate(units):
        industry = "banks" if k < 2 else "shops"
        own = np.array([0.9, 0.5, 0.8]) if k < 2 else np.array([0.4, 0.9, 0.7])
        eta = rng.normal(size=(per, 2)) @ np.array([[1.0, 0.7], [0.0, 0.7]])
        load = np.concatenate([own[::-1], own])
        latent = eta[:, [0, 0, 0, 1, 1, 1]] * load * 2
        latent = latent + rng.normal(size=(per, 6)) * (1 + 0.2 * k) + 6.5 + 0.3 * k
        frame = pd.DataFrame(
            latent.round().clip(1, 10), columns=[*ITEMS["Quality"], *BLOCK]
        )
        parts.append(frame.assign(industry=industry, company=unit))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(wave=np.arange(len(frame)) % 2 + 2025)


FRAME = answers()


def by_hand(frame, w):
    """Index and standard error of the satisfaction items with fixed weights."""
    scores = (frame[BLOCK].to_numpy() - 1) @ w / (9 * w.sum()) * 100
    return scores.mean(), scores.std(ddof=1) / np.sqrt(len(scores))


def own_weights(frame, **options):
    fit = sat.pls(MODEL, frame, sat.PlsOptions(**options))
    return fit.raw_weights()[3:]


def check(found, frame, weights_of):
    """Compare an index with hand computation, group by group."""
    table = found.of().to_frame()
    assert len(table) == len(frame.groupby(list(found.by)))
    for _, row in table.iterrows():
        keep = np.logical_and.reduce([frame[k] == row[k] for k in found.by])
        value, error = by_hand(frame[keep], weights_of(row))
        assert row["estimate"] == pytest.approx(value, rel=1e-9)
        assert row["std_error"] == pytest.approx(error, rel=1e-9)
        assert row["n"] == keep.sum()


@pytest.mark.parametrize("metric", ["raw", "standardized"])
def test_pooled(metric):
    fit = sat.pls(MODEL, FRAME, sat.PlsOptions(metric=metric))
    found = sat.index(fit, FRAME, by=["company", "wave"])
    w = own_weights(FRAME, metric=metric)
    check(found, FRAME, lambda row: w)
    assert found.weighting == ()
    assert "pooled" in str(found)


@pytest.mark.parametrize("by", [["industry", "company"], ["company", "industry"]])
@pytest.mark.parametrize("metric", ["raw", "standardized"])
def test_per_industry(metric, by):
    fit = sat.pls(MODEL, FRAME, sat.PlsOptions(metric=metric), by="industry")
    found = sat.index(fit, FRAME, by=by)
    w = {k: own_weights(g, metric=metric) for k, g in FRAME.groupby("industry")}
    assert np.abs(w["banks"] / w["shops"] - 1).max() > 0.2
    check(found, FRAME, lambda row: w[row["industry"]])
    assert list(found.by) == by
    assert "per industry" in str(found)


def test_per_unit_of_several_keys_in_another_order():
    fit = sat.pls(MODEL, FRAME, by=["company", "wave"])
    found = sat.index(fit, FRAME, by=["wave", "industry", "company"])
    w = {k: own_weights(g) for k, g in FRAME.groupby(["company", "wave"])}
    check(found, FRAME, lambda row: w[row["company"], row["wave"]])
    assert found.weighting == ("company", "wave")


def test_another_metric_than_the_fits():
    fit = sat.pls(MODEL, FRAME, by="industry")
    found = sat.index(fit, FRAME, by=["industry", "company"], metric="raw")
    w = {k: own_weights(g, metric="raw") for k, g in FRAME.groupby("industry")}
    check(found, FRAME, lambda row: w[row["industry"]])
    assert found.metric == "raw"


def test_equal_weights_need_no_estimates():
    fit = sat.pls(MODEL, FRAME[FRAME["industry"] == "banks"], by="industry")
    found = sat.index(fit, FRAME, by=["industry", "company"], metric="equal")
    check(found, FRAME, lambda row: np.ones(3))
    assert not any(found.table["reason"])


def test_a_batch_alone_has_the_index_of_each_member():
    fit = sat.pls(MODEL, FRAME, by="industry")
    w = {k: own_weights(g) for k, g in FRAME.groupby("industry")}
    check(sat.index(fit), FRAME, lambda row: w[row["industry"]])


def test_an_industry_without_a_fit_is_blank_with_its_reason():
    fit = sat.pls(MODEL, FRAME[FRAME["industry"] == "banks"], by="industry")
    found = sat.index(fit, FRAME, by=["industry", "company"])
    frame = found.to_frame()
    none = frame["industry"] == "shops"
    assert none.any()
    assert frame.loc[none, ["estimate", "std_error", "conf_low"]].isna().all(axis=None)
    assert set(frame.loc[none, "reason"]) == {
        "no weights: the fit has no such industry"
    }
    w = own_weights(FRAME[FRAME["industry"] == "banks"])
    banks = FRAME[FRAME["industry"] == "banks"]
    for _, row in frame[~none & (frame["construct"] == "Satisfaction")].iterrows():
        value, _ = by_hand(banks[banks["company"] == row["company"]], w)
        assert row["estimate"] == pytest.approx(value)
        assert row["reason"] == ""


@pytest.mark.parametrize("n_draws", [0, 20])
def test_an_industry_whose_fit_failed_fails_alone(n_draws):
    """An item without variance has no weights; the other industry is as it was."""
    spoiled = FRAME.copy()
    shops = spoiled["industry"] == "shops"
    spoiled.loc[shops, BLOCK] = 7.0
    fit = sat.pls(MODEL, spoiled, by="industry")
    assert list(fit.status()["converged"]) == [True, False]
    by = ["industry", "company"]
    found = sat.index(fit, spoiled, by=by, n_draws=n_draws, rng=1)
    frame = found.of().to_frame()
    failed = frame["industry"] == "shops"
    assert frame.loc[failed, ["estimate", "std_error"]].isna().all(axis=None)
    assert set(frame.loc[failed, "reason"]) == {fit.reasons[1]}
    good = sat.index(
        sat.pls(MODEL, FRAME, by="industry"), FRAME, by=by, n_draws=n_draws, rng=1
    )
    same = good.of().to_frame()
    pd.testing.assert_frame_equal(frame[~failed], same[~failed.to_numpy()])


@pytest.mark.parametrize("n_draws", [0, 20])
def test_a_company_without_answers_fails_alone(n_draws):
    gone = FRAME.copy()
    gone.loc[gone["company"] == "b", "s2"] = np.nan
    with pytest.warns(errors.MissingDataWarning):
        fit = sat.pls(MODEL, gone, by="company")
    with pytest.warns(errors.MissingDataWarning):
        found = sat.index(fit, gone, by="company", n_draws=n_draws, rng=1)
    frame = found.of().to_frame().set_index("company")
    assert frame["estimate"].isna().to_dict() == {
        "a": False,
        "b": True,
        "c": False,
        "d": False,
    }
    assert frame["std_error"].isna().sum() == 1
    assert "s2" in frame.loc["b", "reason"]


@pytest.mark.parametrize("by", [None, "company", ["company", "wave"]])
def test_groups_that_mix_members_of_the_fit_are_refused(by):
    fit = sat.pls(MODEL, FRAME, by="industry")
    with pytest.raises(errors.OptionError, match="industry") as caught:
        sat.index(fit, FRAME, by=by)
    assert caught.value.code == "other-groups"
    assert caught.value.column == "by"


def test_an_unknown_column_is_named():
    fit = sat.pls(MODEL, FRAME, by="industry")
    with pytest.raises(errors.DataError, match="did you mean 'company'"):
        sat.index(fit, FRAME, by=["industry", "compani"])


def test_higher_orders_take_the_stages_of_their_own_industry():
    blocks = {
        "Technical": ["q1", "q2"],
        "Functional": ["q3", "s3"],
        "Satisfaction": ["s1", "s2"],
    }
    model = sat.StructuralModel.from_blocks(
        "h",
        blocks,
        {"Quality": "Satisfaction"},
        target="Satisfaction",
        scale=(1, 10),
        higher={"Quality": ["Technical", "Functional"]},
    )
    fit = sat.pls(model, FRAME, by="industry")
    found = sat.index(fit, FRAME, by=["industry", "company"])
    for industry, rows in FRAME.groupby("industry"):
        alone = sat.pls(model, rows)
        frame = sat.index(alone, rows, by="company").to_frame()
        own = found.to_frame()
        own = own[own["industry"] == industry].drop(columns="industry")
        pd.testing.assert_frame_equal(
            own.reset_index(drop=True), frame.reset_index(drop=True), rtol=1e-9
        )


NEGATIVE = sat.StructuralModel.from_blocks(
    "b",
    {"Quality": ["q1", "q2"], "Satisfaction": ["s1", "s2", "s3"]},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
    modes={"Quality": "B"},
    scale=(1, 10),
)


def opposed(seed=2, n=300):
    """Data whose mode B weight of q2 is negative: a suppressor."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    q1 = common + 0.6 * rng.normal(size=n)
    q2 = common + 0.6 * rng.normal(size=n)
    sat_ = 1.2 * q1 - 0.5 * q2
    items = [q1, q2, *(sat_ + 0.7 * rng.normal(size=(3, n)))]
    latent = 5.5 + 1.3 * np.array(items).T
    columns = ["q1", "q2", "s1", "s2", "s3"]
    return pd.DataFrame(latent.round().clip(1, 10), columns=columns)


def quality(fit, data, **how):
    row = sat.index(fit, data, construct="Quality", **how)
    return row.to_frame().iloc[0], row


def test_negative_weights_kept_zero_or_an_error():
    data = opposed()
    fit = sat.pls(NEGATIVE, data)
    w = fit.raw_weights()[:2]
    assert w[1] < 0 < w[0]
    scores = (data[["q1", "q2"]].to_numpy() - 1) @ w / (9 * w.sum()) * 100
    kept, said = quality(fit, data)
    assert kept["estimate"] == pytest.approx(scores.mean())
    assert kept["std_error"] == pytest.approx(scores.std(ddof=1) / np.sqrt(len(data)))
    assert "negative weight: q2" in str(said)
    zero, said = quality(fit, data, negative="zero")
    assert zero["estimate"] == pytest.approx((data["q1"].mean() - 1) / 9 * 100)
    assert zero["std_error"] == pytest.approx(
        data["q1"].std() / 9 * 100 / np.sqrt(len(data))
    )
    assert "set to zero: q2" in str(said)
    with pytest.raises(errors.DataError, match="negative weight: q2") as caught:
        quality(fit, data, negative="error")
    assert caught.value.code == "negative-weight"
    assert caught.value.column == "q2"
    assert "zero" in caught.value.remedy


def test_negative_weights_of_a_construct_not_asked_for_do_not_matter():
    data = opposed()
    fit = sat.pls(NEGATIVE, data)
    found = sat.index(fit, data, construct="Satisfaction", negative="error")
    assert np.isfinite(found.table["estimate"]).all()
    assert "negative" not in str(found)


def test_an_unknown_rule_is_refused():
    fit = sat.pls(MODEL, FRAME)
    with pytest.raises(errors.OptionError, match="keep"):
        sat.index(fit, FRAME, negative="drop")
    with pytest.raises(errors.OptionError, match="raw"):
        sat.index(fit, FRAME, metric="rwa")
