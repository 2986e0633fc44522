"""Bootstrap draws of indices: weights estimated anew in each, draw by draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.indices import resampled
from satmetrics.indices.streams import Stream, seeds
from satmetrics.inference import _resample

QUALITY, BLOCK = ["q1", "q2", "q3"], ["s1", "s2", "s3"]
MODEL = sat.StructuralModel.from_blocks(
    "m",
    {"Quality": QUALITY, "Satisfaction": BLOCK},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
    scale=(1, 10),
)
LOADINGS = np.array([0.9, 0.5, 0.8, 0.8, 0.5, 0.9]) * 2


def answers(seed=1, per=80):
    """Four companies of two industries."""
    rng = np.random.default_rng(seed)
    n = 4 * per
    eta = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.7], [0.0, 0.7]])
    company = np.repeat(np.arange(4), per)
    latent = eta[:, [0, 0, 0, 1, 1, 1]] * LOADINGS + rng.normal(size=(n, 6))
    latent = latent + 6.5 + 0.3 * company[:, None]
    frame = pd.DataFrame(latent.round().clip(1, 10), columns=[*QUALITY, *BLOCK])
    return frame.assign(
        company=np.array(["a", "b", "c", "d"])[company],
        industry=np.where(company < 2, "banks", "shops"),
    )


FRAME = answers()


def counts_of(rng, groups, n_draws):
    """The counts (B, N) that `index` uses for rows drawn singly within groups."""
    codes = np.asarray(groups)
    made = np.zeros((n_draws, len(codes)))
    for g, seed in enumerate(seeds(np.random.default_rng(rng), codes.max() + 1)):
        at = np.flatnonzero(codes == g)
        made[:, at] = np.vstack([*Stream(len(at), seed).between(0, n_draws)])
    return made


def again(frame, counts, unit, **options):
    """Indices of satisfaction per unit of one resample, its rows written out."""
    rows = frame.loc[np.repeat(frame.index, counts.astype(int))]
    fit = sat.pls(MODEL, rows, sat.PlsOptions(**options))
    w = fit.raw_weights()[3:]
    scores = (rows[BLOCK] - 1).to_numpy() @ w / (9 * w.sum()) * 100
    return pd.Series(scores).groupby(rows[unit].to_numpy()).mean().to_numpy()


@pytest.mark.parametrize("metric", ["raw", "standardized"])
def test_each_draw_is_the_index_of_a_resample(metric):
    fit = sat.pls(MODEL, FRAME, sat.PlsOptions(metric=metric))
    drawn = sat.index(fit, FRAME, by="company", n_draws=5, rng=7).of().errors().draws
    codes = FRAME["company"].factorize(sort=True)[0]
    for b, counts in enumerate(counts_of(7, codes, 5)):
        expected = again(FRAME, counts, "company", metric=metric)
        np.testing.assert_allclose(drawn[b], expected, rtol=1e-6)


def test_each_draw_with_weights_per_industry():
    fit = sat.pls(MODEL, FRAME, by="industry")
    found = sat.index(fit, FRAME, by=["industry", "company"], n_draws=3, rng=7).of()
    codes = FRAME["company"].factorize(sort=True)[0]
    shops = FRAME["industry"] == "shops"
    for b, counts in enumerate(counts_of(7, codes, 3)):
        parts = [
            again(FRAME[keep], counts[keep], "company") for keep in (~shops, shops)
        ]
        np.testing.assert_allclose(
            found.errors().draws[b], np.concatenate(parts), rtol=1e-6
        )


def test_draws_of_a_higher_order_model():
    model = sat.StructuralModel.from_blocks(
        "h",
        {"Technical": ["q1", "q2"], "Functional": ["q3", "s3"], "Sat": ["s1", "s2"]},
        {"Quality": "Sat"},
        scale=(1, 10),
        higher={"Quality": ["Technical", "Functional"]},
    )
    fit = sat.pls(model, FRAME)
    found = sat.index(fit, FRAME, by="company", n_draws=2, rng=7)
    codes = FRAME["company"].factorize(sort=True)[0]
    for b, counts in enumerate(counts_of(7, codes, 2)):
        rows = FRAME.loc[np.repeat(FRAME.index, counts.astype(int))]
        expected = sat.index(sat.pls(model, rows), rows, by="company")
        np.testing.assert_allclose(
            found.errors().draws[b], expected.table["estimate"], rtol=1e-6
        )


def test_reversed_items_in_draws():
    spoiled = FRAME.assign(s2=11 - FRAME["s2"])
    plain = sat.pls(MODEL, FRAME)
    turned = sat.Survey(spoiled, scale=(1, 10), reverse=["s2"])
    fit = sat.pls(MODEL, turned)
    draws = [
        sat.index(f, d, by="company", n_draws=4, rng=1).errors().draws
        for f, d in ((plain, FRAME), (fit, turned))
    ]
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-9)


def test_weighted_draws_count_the_weights():
    rng = np.random.default_rng(3)
    frame = FRAME.assign(w=rng.uniform(0.5, 3, len(FRAME)))
    survey = sat.Survey(frame, weight="w", scale=(1, 10))
    fit = sat.pls(MODEL, survey)
    found = sat.index(fit, survey, by="company", n_draws=3, rng=7).of()
    codes = FRAME["company"].factorize(sort=True)[0]
    for b, counts in enumerate(counts_of(7, codes, 3)):
        rows = frame.loc[np.repeat(frame.index, counts.astype(int))]
        resample = sat.Survey(rows, weight="w", scale=(1, 10))
        expected = sat.index(sat.pls(MODEL, resample), resample, by="company").of()
        np.testing.assert_allclose(
            found.errors().draws[b], expected.table["estimate"], rtol=1e-6
        )


def test_one_group_agrees_with_the_bootstrap_of_a_fit():
    """Other draws of the same distribution: sd within 4 Monte Carlo errors."""
    fit = sat.pls(MODEL, FRAME)
    boot = sat.bootstrap(fit, FRAME, n_draws=2000, rng=1).to_frame()
    known = boot[boot["term"] == "index"].set_index("construct")
    found = sat.index(fit, FRAME, n_draws=2000, rng=2).to_frame().set_index("construct")
    noise = np.sqrt(2 / (2 * 2000))
    ratio = found["std_error"] / known["std_error"]
    assert (np.abs(np.log(ratio)) < 4 * noise).all()
    for end in ("conf_low", "conf_high"):
        gap = (found[end] - known[end]) / known["std_error"]
        assert (gap.abs() < 4 * np.sqrt(2) * 0.06).all()


def test_weight_uncertainty_counts_where_items_differ():
    """Items of very different means: which of them weighs more moves the index."""
    frame = FRAME.assign(s1=(FRAME["s1"] - 4).clip(1, 10))
    fit = sat.pls(MODEL, frame, by="company")
    fixed = sat.index(fit, frame, by="company").of().table["std_error"]
    renewed = sat.index(fit, frame, by="company", n_draws=1000, rng=1).of()
    assert (renewed.table["std_error"] > 1.1 * fixed).all()
    equal = {"by": "company", "metric": "equal"}
    alike = sat.index(fit, frame, n_draws=1000, rng=1, **equal).of()
    np.testing.assert_allclose(
        alike.table["std_error"],
        sat.index(fit, frame, **equal).of().table["std_error"],
        rtol=0.1,
    )


def test_shared_weights_correlate_groups_and_their_own_do_not():
    frame = FRAME.assign(s1=(FRAME["s1"] - 4).clip(1, 10))
    by = ["industry", "company"]

    def correlations(fit):
        drawn = sat.index(fit, frame, by=by, n_draws=2000, rng=1).of().errors()
        return np.corrcoef(drawn.draws, rowvar=False)

    pooled = correlations(sat.pls(MODEL, frame))
    off = pooled[np.triu_indices(4, 1)]
    assert (off > 0.1).all()
    own = correlations(sat.pls(MODEL, frame, by="industry"))
    assert np.abs(own[:2, 2:]).max() < 4 / np.sqrt(2000)
    assert own[2, 3] > 0.1
    assert np.abs(correlations(sat.pls(MODEL, frame, by="company"))[0, 1]) < 0.09


@pytest.mark.parametrize("role", [None, "cluster", "respondent"])
def test_draws_are_the_same_in_any_portions(monkeypatch, role):
    frame = FRAME.assign(place=np.arange(len(FRAME)) % 23)
    roles = {} if role is None else {role: "place"}
    if role == "respondent":
        frame["place"] = np.arange(len(FRAME)) % 160
        roles |= {"unit": "company"}
    survey = sat.Survey(frame, scale=(1, 10), **roles)
    fit = sat.pls(MODEL, survey)

    def draws(n_draws=130):
        found = sat.index(fit, survey, by="company", n_draws=n_draws, rng=5)
        return found.errors().draws

    whole = draws()
    np.testing.assert_allclose(draws(71), whole[:71], rtol=1e-10)
    for cells in (1, 1000, 4000, 30_000):
        monkeypatch.setattr(resampled, "CELLS", cells)
        np.testing.assert_allclose(draws(), whole, rtol=1e-10)


def test_a_stream_makes_any_of_its_draws_again(monkeypatch):
    monkeypatch.setattr(_resample, "BLOCK_CELLS", 70)
    stream = Stream(10, np.random.SeedSequence(4))
    assert stream.block == 7
    whole = np.vstack([*stream.between(0, 40)])
    assert whole.shape == (40, 10)
    assert (whole.sum(axis=1) == 10).all()
    assert len(np.unique(whole, axis=0)) == 40
    for first, last in ((0, 7), (3, 5), (6, 29), (28, 40), (35, 36)):
        part = np.vstack([*stream.between(first, last)])
        np.testing.assert_array_equal(part, whole[first:last])


def test_seeds():
    fit = sat.pls(MODEL, FRAME)

    def draws(rng):
        return sat.index(fit, FRAME, by="company", n_draws=4, rng=rng).errors().draws

    np.testing.assert_array_equal(draws(1), draws(1))
    np.testing.assert_array_equal(draws(1), draws(np.random.default_rng(1)))
    assert not np.allclose(draws(1), draws(2))
    one = np.random.default_rng(1)
    assert not np.allclose(draws(one), draws(one))
    assert len(np.unique(draws(1)[:, 0])) == 4


def test_failed_draws_are_counted():
    """Of four rows a resample often holds too few different ones for weights."""
    keep = np.r_[0:4, 80:320]
    frame = FRAME.iloc[keep]
    fit = sat.pls(MODEL, frame, by="company")
    found = sat.index(fit, frame, by="company", n_draws=200, rng=1)
    draws = found.of().errors().draws
    failed = np.isnan(draws).sum(axis=0)
    assert failed[0] > 0
    assert (failed[1:] == 0).all()
    assert sum(n for _, n in found.failures) == failed[0]
    assert f"failed: {failed[0]}" in str(found)
    sd = np.nanstd(draws[:, 0], ddof=1)
    assert found.of().table["std_error"][0] == pytest.approx(sd)


def test_negative_weights_within_draws():
    """The second item of a mode B block says nearly nothing beside the first."""
    rng = np.random.default_rng(5)
    q1 = rng.normal(size=60)
    q2 = 0.6 * q1 + rng.normal(size=60)
    items = [q1, q2, *(q1 + 0.15 * q2 + 0.8 * rng.normal(size=(3, 60)))]
    columns = ["q1", "q2", *BLOCK]
    data = pd.DataFrame(
        (5.5 + 1.3 * np.array(items).T).round().clip(1, 10), columns=columns
    )
    model = sat.StructuralModel.from_blocks(
        "b",
        {"Quality": ["q1", "q2"], "Satisfaction": BLOCK},
        {"Quality": "Satisfaction"},
        modes={"Quality": "B"},
        scale=(1, 10),
    )
    fit = sat.pls(model, data)
    assert (fit.raw_weights() > 0).all()
    how = {"construct": "Quality", "n_draws": 200, "rng": 1}
    kept = sat.index(fit, data, **how).errors().draws[:, 0]
    zero = sat.index(fit, data, negative="zero", **how).errors().draws[:, 0]
    strict = sat.index(fit, data, negative="error", **how)
    gone = np.isnan(strict.errors().draws[:, 0])
    assert 10 < gone.sum() < 150
    assert strict.failures == (("negative weight", gone.sum()),)
    np.testing.assert_allclose(zero[~gone], kept[~gone])
    assert np.isclose(zero[gone], kept[gone]).mean() < 0.2
    other = sat.index(
        fit, data, construct="Satisfaction", negative="error", n_draws=200, rng=1
    )
    assert np.isfinite(other.errors().draws).all()
    assert other.failures == ()


def test_pooled_weights_and_a_group_without_answers():
    gone = FRAME.astype({"s2": float})
    gone.loc[gone["company"] == "b", "s2"] = np.nan
    with pytest.warns(errors.MissingDataWarning):
        fit = sat.pls(MODEL, gone)
    with pytest.warns(errors.MissingDataWarning):
        found = sat.index(fit, gone, by="company", n_draws=10, rng=1)
    frame = found.of().to_frame()
    assert list(frame["estimate"].isna()) == [False, True, False, False]
    assert list(frame["std_error"].isna()) == [False, True, False, False]


@pytest.mark.parametrize("other", ["fewer", "changed"])
def test_other_rows_than_the_fits_are_refused(other):
    fit = sat.pls(MODEL, FRAME)
    data = FRAME.iloc[1:] if other == "fewer" else FRAME.assign(q1=FRAME["q2"])
    with pytest.raises(errors.DataError, match="weights cannot be") as caught:
        sat.index(fit, data, by="company", n_draws=10)
    assert caught.value.code == "other-data"
    said = "hold 319" if other == "fewer" else "other answers"
    assert said in str(caught.value)
    equal = sat.index(fit, data, by="company", metric="equal", n_draws=10, rng=1)
    assert np.isfinite(equal.table["std_error"]).all()


def test_what_has_no_rows_has_no_draws():
    fit = sat.pls(MODEL, FRAME)
    with pytest.raises(errors.OptionError, match="needs the answers") as caught:
        sat.index(fit, n_draws=10)
    assert caught.value.code == "no-answers"
    gone = FRAME.astype({"s2": float})
    gone.loc[:50, "s2"] = np.nan
    pairs = sat.pls(MODEL, gone, missing="pairwise")
    with pytest.raises(errors.OptionError, match="pairwise") as caught:
        sat.index(pairs, gone, n_draws=10)
    assert caught.value.code == "no-rows"
    for wrong in (-1, 2.5, "many"):
        with pytest.raises(errors.OptionError, match="n_draws"):
            sat.index(fit, FRAME, n_draws=wrong)


def test_draws_come_back_from_json():
    fit = sat.pls(MODEL, FRAME)
    found = sat.index(fit, FRAME, by="company", n_draws=4, rng=1)
    back = sat.read_result(found.to_json())
    np.testing.assert_array_equal(back.errors().draws, found.errors().draws)
    pd.testing.assert_frame_equal(back.to_frame(), found.to_frame())
