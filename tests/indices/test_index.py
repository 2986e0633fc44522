"""Indices on 0-100 against published values and by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors


@pytest.fixture(params=["moments", "answers", "answers by group"])
def published(request, mobile):
    """The mobile data as figures, as answers, as answers in one group by name."""
    if request.param == "moments":
        return mobile, None
    mobi = request.getfixturevalue("mobi")
    if request.param == "answers":
        return mobi, None
    return mobi.assign(country="somewhere"), "country"


@pytest.mark.parametrize("scheme", ["centroid", "factorial", "path"])
@pytest.mark.parametrize("metric", ["raw", "standardized"])
def test_six_sets_of_index_values(metric, scheme, published, reference):
    known = reference("ecsi_index")
    data, by = published
    fit = sat.pls("ecsi", data, sat.PlsOptions(scheme=scheme, metric=metric))
    frame = sat.index(fit, data, by=by).to_frame().set_index("construct")
    np.testing.assert_allclose(
        frame.loc[known["constructs"], "estimate"], known[metric][scheme], atol=5.01e-5
    )


def test_standard_error_and_equal_weights(published, reference):
    known = reference("ecsi_index")["satisfaction_raw_centroid"]
    options = sat.PlsOptions(scheme="centroid", metric="raw")
    data, by = published
    fit = sat.pls("ecsi", data, options)
    row = sat.index(fit, data, by=by, construct="Satisfaction").to_frame().iloc[0]
    assert row["std_error"] == pytest.approx(known["std_error"], abs=5.01e-5)
    assert row["n"] == 250
    half = (row["conf_high"] - row["conf_low"]) / 2
    assert half == pytest.approx(known["half_width"], abs=5.01e-4)
    assert row["std_error"] * np.sqrt(250) == pytest.approx(known["sd"], abs=1e-3)
    equal = sat.index(fit, construct="Satisfaction", metric="equal").to_frame()
    assert equal["estimate"].item() == pytest.approx(
        known["equal_weights"], abs=5.01e-5
    )


def test_other_metric_refits(mobile):
    raw = sat.pls("ecsi", mobile, sat.PlsOptions(metric="raw"))
    standardized = sat.pls("ecsi", mobile)
    pd.testing.assert_frame_equal(
        sat.index(raw, metric="standardized").to_frame(),
        sat.index(standardized).to_frame(),
    )
    assert "raw answers" in str(sat.index(raw))
    assert "un-standardised" in str(sat.index(standardized))


def test_groups_by_hand(mobi):
    survey = sat.Survey(mobi.assign(shop=["a", "b"] * 125), unit="shop", scale=(1, 10))
    fit = sat.pls("ecsi", survey)
    frame = sat.index(fit, survey, by="unit", construct="Value").to_frame()
    assert list(frame["shop"]) == ["a", "b"]
    w = fit.raw_weights()[15:17]
    for k in range(2):
        block = mobi.iloc[k::2][["PERV1", "PERV2"]].to_numpy()
        scores = (block - 1) @ w / (9 * w.sum()) * 100
        assert frame["estimate"][k] == pytest.approx(scores.mean())
        assert frame["std_error"][k] == pytest.approx(scores.std(ddof=1) / np.sqrt(125))
        assert frame["n"][k] == 125


def test_weighted_standard_error_is_taylor(mobi, rng):
    w = rng.uniform(0.3, 2, size=250)
    survey = sat.Survey(mobi.assign(w=w), weight="w", scale=(1, 10))
    fit = sat.pls("ecsi", survey)
    row = sat.index(fit, survey, construct="Satisfaction").to_frame().iloc[0]
    v = fit.raw_weights()[17:20]
    y = (mobi[["CUSA1", "CUSA2", "CUSA3"]].to_numpy() - 1) @ v / (9 * v.sum()) * 100
    mean = np.average(y, weights=w)
    variance = 250 / 249 * np.sum(w**2 * (y - mean) ** 2) / w.sum() ** 2
    assert row["estimate"] == pytest.approx(mean)
    assert row["std_error"] == pytest.approx(np.sqrt(variance))


def test_extremes_are_0_and_100():
    items = ["a", "b", "c", "d"]
    model = sat.StructuralModel.from_blocks(
        "m",
        {"X": items[:2], "Y": items[2:]},
        {"X": "Y"},
        target="Y",
        scale=(1, 5),
    )
    rng = np.random.default_rng(1)
    base = rng.integers(2, 5, size=(60, 1))
    answers = pd.DataFrame(base + rng.integers(-1, 2, size=(60, 4)), columns=items)
    fit = sat.pls(model, answers)
    for value, expected in ((1, 0.0), (5, 100.0)):
        corner = pd.DataFrame(np.full((3, 4), value), columns=items)
        frame = sat.index(fit, corner).to_frame()
        np.testing.assert_allclose(frame["estimate"], expected, atol=1e-12)
        np.testing.assert_allclose(frame["std_error"], 0, atol=1e-12)


def test_scale_comes_from_model_survey_or_argument(mobi):
    block = {"Quality": ["PERQ1", "PERQ2"], "Satisfaction": ["CUSA1", "CUSA2"]}
    model = sat.StructuralModel.from_blocks("m", block, {"Quality": "Satisfaction"})
    fit = sat.pls(model, mobi)
    with pytest.raises(errors.DataError, match="'PERQ1' has no scale"):
        sat.index(fit, mobi)
    by_argument = sat.index(fit, mobi, scale=(1, 10)).to_frame()
    by_survey = sat.index(fit, sat.Survey(mobi, scale=(1, 10))).to_frame()
    pd.testing.assert_frame_equal(by_argument, by_survey)
    with pytest.raises(errors.DataError, match="PERQ1"):
        sat.index(fit, mobi, scale=(1, 5))
    figures = sat.datasets.moments("ecsi_mobile")
    with pytest.raises(errors.DataError, match="off its scale"):
        sat.index(sat.pls(model, figures), figures, scale=(1, 5))


def test_conflicting_scales_are_an_error(mobi):
    model = dataclasses.replace(SMALL, scale=(1, 10))
    with pytest.raises(errors.DataError, match="in the survey"):
        sat.pls(model, sat.Survey(mobi, scale=(0, 10)))


def test_a_survey_may_put_a_published_form_on_its_own_scale(mobi):
    """The same answers, stretched to 1-5 without rounding, give the same index."""
    five = 1 + (mobi - 1) / 9 * 4
    survey = sat.Survey(five, scale=sat.Scale(1, 5, step=0))
    fit = sat.pls("ecsi", survey)
    assert "answers on 1–5; the published form uses 1–10" in str(fit)
    np.testing.assert_allclose(
        sat.index(fit, survey).to_frame()["estimate"],
        sat.index(sat.pls("ecsi", mobi)).to_frame()["estimate"],
    )


def test_dont_know_codes_never_enter(mobi):
    spoiled = mobi.copy()
    spoiled.loc[3, "CUSA1"] = 98
    with pytest.raises(errors.DataError, match="98") as caught:
        sat.pls("ecsi", spoiled)
    assert "missing_codes" in str(caught.value)


def test_item_absent_in_one_wave_is_a_reason(mobi):
    answers = mobi.assign(wave=np.repeat(["2025", "2026"], 125))
    answers.loc[answers["wave"] == "2026", "CUSL2"] = np.nan
    with pytest.warns(errors.MissingDataWarning, match="125 of 250"):
        fit = sat.pls("ecsi", answers)
    assert sum(e.n for e in fit.context.exclusions if e.what == "rows") == 125
    with pytest.warns(errors.MissingDataWarning):
        frame = sat.index(fit, answers, by="wave", construct="Satisfaction").to_frame()
    assert list(frame["reason"]) == ["", "no answers to CUSL2"]
    assert np.isnan(frame["estimate"][1])
    assert frame["estimate"][0] > 0


def test_unit_with_one_answer(mobi):
    shops = np.where(np.arange(250) == 0, "tiny", "big")
    survey = sat.Survey(mobi.assign(shop=shops), unit="shop", scale=(1, 10))
    fit = sat.pls("ecsi", survey)
    rows = sat.index(fit, survey, by="shop", construct="Satisfaction").to_frame()
    tiny = rows[rows["shop"] == "tiny"].iloc[0]
    assert tiny["n"] == 1
    assert np.isfinite(tiny["estimate"])
    assert np.isnan(tiny["std_error"])
    assert "one answer" in tiny["reason"]


def test_changes_by_hand(mobi):
    answers = mobi.assign(wave=np.repeat(["2025", "2026"], 125))
    fit = sat.pls("ecsi", answers)
    levels = sat.index(fit, answers, by="wave")
    frame = sat.changes(levels).to_frame().set_index("construct")
    wide = levels.to_frame().pivot(index="construct", columns="wave")
    row = frame.loc["Satisfaction"]
    expected = wide["estimate"].loc["Satisfaction"]
    assert row["estimate"] == pytest.approx(expected["2026"] - expected["2025"])
    assert row["std_error"] == pytest.approx(
        np.hypot(*wide["std_error"].loc["Satisfaction"])
    )
    assert row["since"] == "2025"
    assert row["n"] == 250
    with pytest.raises(errors.DataError, match="columns not found: 'wave'"):
        sat.changes(sat.index(fit, answers))


def test_priorities_are_slopes_between_indices(mobi):
    """For one predictor the effect of a point is the slope between the two indices."""
    model = sat.StructuralModel.from_blocks(
        "m",
        {"Quality": [f"PERQ{i}" for i in range(1, 8)], "Sat": ["CUSA1", "CUSA2"]},
        {"Quality": ["Sat"]},
        target="Sat",
        scale=(1, 10),
    )
    fit = sat.pls(model, mobi)
    w, starts = fit.raw_weights(), [0, 7]
    spans = np.add.reduceat(w * 9, starts)
    X = mobi[list(model.indicators)].to_numpy() - 1
    indices = np.add.reduceat(X * w, starts, axis=1) / spans * 100
    slope = np.polyfit(indices[:, 0], indices[:, 1], 1)[0]
    row = sat.priorities(fit).to_frame().iloc[0]
    assert row["effect"] == pytest.approx(slope)
    assert row["performance"] == pytest.approx(indices[:, 0].mean())
    assert row["estimate"] == pytest.approx(slope * (100 - indices[:, 0].mean()))


SMALL = sat.StructuralModel.from_blocks(
    "small",
    {"Quality": ["PERQ1", "PERQ2", "PERQ3"], "Satisfaction": ["CUSA1", "CUSA2"]},
    {"Quality": "Satisfaction"},
    target="Satisfaction",
)


def test_a_survey_on_another_scale_than_the_fit_is_an_error(mobi):
    fit = sat.pls(SMALL, sat.Survey(mobi, scale=(1, 10)))
    seven = (1 + (mobi - 1) / 9 * 6).round()
    with pytest.raises(errors.DataError, match="when the model was fitted"):
        sat.index(fit, sat.Survey(seven, scale=(1, 7)))


def test_failed_groups_are_blank_with_their_reason_everywhere(mobi):
    answers = mobi.assign(shop=np.arange(250) % 2)
    fit = sat.pls("ecsi", answers, sat.PlsOptions(max_iter=3), by="shop")
    for result in (sat.index(fit), sat.assess(fit)):
        frame = result.to_frame()
        assert (
            frame.loc[frame["estimate"].isna(), "reason"]
            .str.contains("not converged after 3 iterations|not defined")
            .all()
        )
        assert "not converged" in str(result)
    assert np.isnan(sat.index(fit).to_frame()["estimate"]).all()


def test_one_row_with_nearly_all_weight_is_said(mobi):
    w = np.ones(250)
    w[3] = 1e6
    survey = sat.Survey(mobi.assign(w=w), weight="w", scale=(1, 10))
    with pytest.warns(errors.SmallSampleWarning, match="effective n = 1 "):
        fit = sat.pls(SMALL, survey)
    frame = sat.index(fit, survey).to_frame()
    assert (frame["n_eff"] < 1.01).all()
    assert frame["reason"].str.contains("nearly all weight").all()


def test_negative_weights_are_said(mobi):
    model = sat.StructuralModel.from_blocks(
        "m",
        {"Quality": ["PERQ1", "PERQ2", "PERQ3"], "Satisfaction": ["CUSA1", "CUSA2"]},
        {"Quality": "Satisfaction"},
        scale=(1, 10),
    )
    with pytest.warns(errors.ReversalWarning, match="PERQ3 goes against"):
        fit = sat.pls(model, mobi.assign(PERQ3=11 - mobi["PERQ3"]))
    assert "negative weight: PERQ3" in str(sat.index(fit))


def test_priorities_of_a_batch_are_refused_by_name(mobi):
    fit = sat.pls("ecsi", mobi.assign(shop=np.arange(250) % 2), by="shop")
    with pytest.raises(errors.OptionError, match="one group at a time"):
        sat.priorities(fit)
    assert sat.priorities(fit.group(0)).to_frame()["rank"].tolist() == [1, 2, 3, 4]


def test_changes_keep_the_reason(mobi):
    waves = np.where(np.arange(250) == 0, "2026", "2025")
    survey = sat.Survey(mobi.assign(wave=waves), wave="wave", scale=(1, 10))
    fit = sat.pls(SMALL, survey)
    frame = sat.changes(sat.index(fit, survey, by="wave")).to_frame()
    assert np.isnan(frame["std_error"]).all()
    assert frame["reason"].str.contains("one answer").all()


def test_which_constructs(mobi):
    fit = sat.pls("ecsi", mobi)
    with pytest.raises(errors.OptionError, match="no construct") as caught:
        sat.index(fit, mobi, construct=[])
    assert caught.value.code == "no-constructs"
    twice = sat.index(fit, mobi, construct=["Value", "Image", "Value"])
    assert list(twice.table["construct"]) == ["Value", "Image"]
    with pytest.raises(errors.OptionError, match="no rows of a target"):
        twice.of()
    with pytest.raises(errors.OptionError, match="did you mean 'Image'"):
        twice.of("Imag")
    alone = twice.of("Image")
    assert alone.target == "Image"
    assert len(alone.table) == len(alone.errors().estimate) == 1


def test_a_key_named_twice_counts_once(airlines, fit):
    once = sat.index(fit, airlines, by="company")
    twice = sat.index(fit, airlines, by=["unit", "company"])
    pd.testing.assert_frame_equal(once.to_frame(), twice.to_frame())
    assert twice.by == ("company",)


def test_one_draw_tells_nothing(airlines, fit):
    with pytest.raises(errors.OptionError, match="n_draws=1 is too small"):
        sat.index(fit, airlines, n_draws=1)


def test_wide_answers_from_moments_are_those_of_rows(airlines, fit):
    """Groups made elsewhere, as a batch of moments, have the same indices."""
    items = list(fit.model.indicators)
    batch = sat.Moments.from_frame(airlines, items, by=["company", "wave"])
    found = sat.index(fit, batch).to_frame()
    rows = sat.index(fit, airlines, by=["company", "wave"]).to_frame()
    pd.testing.assert_frame_equal(found, rows, rtol=1e-9)
