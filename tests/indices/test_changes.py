"""Changes between waves: panels, draws, waves missed, what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

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


def panel(n=60, waves=(2023, 2024, 2025), companies=("a", "b")):
    """The same people in each wave; what they answer goes together over time."""
    rng = np.random.default_rng(1)
    parts = []
    for c, company in enumerate(companies):
        person = rng.normal(size=(n, 1))
        for wave in waves:
            eta = person + 0.6 * rng.normal(size=(n, 1))
            latent = 6 + 0.2 * c + 1.2 * (eta + 0.7 * rng.normal(size=(n, 5)))
            frame = pd.DataFrame(latent.round().clip(1, 10), columns=QUALITY + BLOCK)
            who = [f"{company}{i}" for i in range(n)]
            parts.append(frame.assign(company=company, wave=wave, who=who))
    return pd.concat(parts, ignore_index=True)


FRAME = panel()
PLAIN = sat.Survey(FRAME, unit="company", wave="wave", scale=(1, 10))
PANEL = sat.Survey(FRAME, unit="company", wave="wave", respondent="who", scale=(1, 10))
FIT = sat.pls(MODEL, PLAIN)
KEYS = ["company", "wave"]


def scores(frame=FRAME):
    w = FIT.raw_weights()[2:]
    return (frame[BLOCK] - 1).to_numpy() @ w / (9 * w.sum()) * 100


def moved(survey, frame=None, **how):
    changes = sat.changes(sat.index(FIT, survey, by=KEYS, **how).of())
    return changes, changes.to_frame().set_index(KEYS)


def test_a_panel_is_a_paired_test():
    """People of one company only make it a sample of its own."""
    changes, frame = moved(PANEL)
    wide = FRAME.assign(y=scores()).pivot(index="who", columns="wave", values="y")
    for company in "ab":
        own = wide[wide.index.str.startswith(company)]
        for since, wave in ((2023, 2024), (2024, 2025)):
            paired = stats.ttest_rel(own[wave], own[since])
            row = frame.loc[(company, wave)]
            assert row["estimate"] == pytest.approx((own[wave] - own[since]).mean())
            assert row["statistic"] == pytest.approx(paired.statistic, rel=1e-9)
            assert row["p_value"] == pytest.approx(paired.pvalue, rel=1e-7)
            low, high = paired.confidence_interval()
            assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))
            assert row["since"] == since
            assert row["n"] == 120
    assert changes.shared
    assert "waves share" in str(changes)


def test_a_panel_tells_more_than_independent_samples():
    _, paired = moved(PANEL)
    independent, frame = moved(PLAIN)
    assert (paired["std_error"] < 0.8 * frame["std_error"]).all()
    y = FRAME.assign(y=scores()).groupby(KEYS)["y"]
    error = y.std() / np.sqrt(y.count())
    for company in "ab":
        expected = np.hypot(error[company, 2023], error[company, 2024])
        assert frame.loc[(company, 2024), "std_error"] == pytest.approx(expected)
    assert not independent.shared
    assert "independent samples" in str(independent)


def test_neighbouring_changes_share_a_wave():
    changes, _ = moved(PLAIN)
    V = changes.joint.cov()
    levels = sat.index(FIT, PLAIN, by=KEYS).of().errors()
    assert V[0, 1] == pytest.approx(-(levels.std_error[1] ** 2))
    assert V[0, 2] == 0


def test_respondents_who_answer_once_are_no_panel():
    once = FRAME.assign(who=[f"p{i}" for i in range(len(FRAME))])
    survey = sat.Survey(
        once, unit="company", wave="wave", respondent="who", scale=(1, 10)
    )
    changes, frame = moved(survey)
    _, plain = moved(PLAIN)
    pd.testing.assert_frame_equal(frame, plain)
    assert "independent samples" in str(changes)


@pytest.mark.parametrize("survey", [PLAIN, PANEL], ids=["plain", "panel"])
def test_changes_of_draws_are_those_of_each_draw(survey):
    levels = sat.index(FIT, survey, by=KEYS, n_draws=400, rng=1).of()
    changes = sat.changes(levels)
    draws = levels.errors().draws.reshape(400, 2, 3)
    differences = np.diff(draws, axis=2).reshape(400, 4)
    np.testing.assert_allclose(changes.joint.draws, differences, atol=1e-9)
    frame = changes.to_frame()
    np.testing.assert_allclose(frame["std_error"], differences.std(axis=0, ddof=1))
    np.testing.assert_allclose(
        frame[["conf_low", "conf_high"]].T, np.quantile(differences, [0.025, 0.975], 0)
    )
    z = np.abs(frame["estimate"] / frame["std_error"])
    np.testing.assert_allclose(frame["p_value"], 2 * stats.norm.sf(z), rtol=1e-9)
    _, delta = moved(survey)
    np.testing.assert_allclose(
        frame["std_error"], delta["std_error"].to_numpy(), rtol=0.15
    )
    assert "bootstrap draws" in str(changes)


def test_a_unit_may_miss_a_wave():
    keep = ~((FRAME["company"] == "b") & (FRAME["wave"] == 2024))
    part = FRAME[keep]
    survey = sat.Survey(
        part, unit="company", wave="wave", respondent="who", scale=(1, 10)
    )
    changes, frame = moved(survey)
    assert list(frame.index) == [("a", 2024), ("a", 2025), ("b", 2025)]
    assert list(frame["since"]) == [2023, 2024, 2023]
    wide = part.assign(y=scores(part)).pivot(index="who", columns="wave", values="y")
    own = wide.loc[wide.index.str.startswith("b"), [2023, 2025]]
    difference = own[2025] - own[2023]
    row = frame.loc[("b", 2025)]
    assert row["estimate"] == pytest.approx(difference.mean())
    assert row["std_error"] == pytest.approx(difference.std() / np.sqrt(60))
    assert changes.shared


def test_waves_are_numbers_in_order_of_size():
    frame = FRAME.assign(wave=FRAME["wave"].map({2023: 9, 2024: 10, 2025: 11}))
    survey = sat.Survey(frame, unit="company", wave="wave", scale=(1, 10))
    found = sat.changes(sat.index(FIT, survey, by=KEYS).of()).to_frame()
    assert list(found["wave"]) == [10, 11, 10, 11]
    assert list(found["since"]) == [9, 10, 9, 10]


def test_the_order_of_keys_does_not_matter():
    one = sat.changes(sat.index(FIT, PANEL, by=["wave", "company"]).of()).to_frame()
    two = sat.changes(sat.index(FIT, PANEL, by=KEYS).of()).to_frame()
    one = one.sort_values(KEYS).reset_index(drop=True)[list(two.columns)]
    pd.testing.assert_frame_equal(one, two)


def test_along_another_key():
    found = sat.changes(sat.index(FIT, PLAIN, by=KEYS).of(), over="company")
    frame = found.to_frame()
    assert list(frame["since"]) == ["a"] * 3
    levels = sat.index(FIT, PLAIN, by=KEYS).of().table["estimate"].reshape(2, 3)
    np.testing.assert_allclose(frame["estimate"], levels[1] - levels[0])
    assert "Change by company" in str(found)


def test_weights_per_wave_are_said():
    fit = sat.pls(MODEL, PLAIN, by="wave")
    said = str(sat.changes(sat.index(fit, PLAIN, by=KEYS)))
    assert "estimated per wave: a change is one of weights too" in said
    assert "one of weights" not in str(sat.changes(sat.index(FIT, PLAIN, by=KEYS)))
    per_company = sat.pls(MODEL, PLAIN, by="company")
    found = sat.changes(sat.index(per_company, PLAIN, by=KEYS))
    assert "one of weights" not in str(found)


def test_effective_numbers_are_of_both_waves():
    w = np.random.default_rng(2).uniform(0.5, 2, len(FRAME))
    survey = sat.Survey(
        FRAME.assign(w=w), unit="company", wave="wave", weight="w", scale=(1, 10)
    )
    fit = sat.pls(MODEL, survey)
    levels = sat.index(fit, survey, by=KEYS).of().to_frame()
    frame = sat.changes(sat.index(fit, survey, by=KEYS).of()).to_frame()
    n_eff = levels["n_eff"].to_numpy().reshape(2, 3)
    expected = (n_eff[:, 1:] + n_eff[:, :-1]).ravel()
    np.testing.assert_allclose(frame["n_eff"], expected)


def test_what_cannot_be_compared():
    with pytest.raises(errors.DataError, match="one wave only") as caught:
        sat.changes(
            sat.index(FIT, FRAME[FRAME["wave"] == 2023], by=["company", "wave"])
        )
    assert caught.value.code == "one-wave"
    with pytest.raises(errors.DataError, match=r"'wav'.*did you mean 'wave'"):
        sat.changes(sat.index(FIT, PLAIN, by=KEYS), over="wav")
    with pytest.raises(errors.SatmetricsError, match=r"sat\.index"):
        sat.changes(FIT)


def test_published_forms_keep_their_credit():
    survey = sat.datasets.load("airline_waves")
    fit = sat.pls("ecsi", survey)
    changes = sat.changes(sat.index(fit, survey, by=KEYS))
    assert "not an official score" in str(changes)
    back = sat.read_result(changes.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), changes.to_frame())
    np.testing.assert_array_equal(back.joint.cov(), changes.joint.cov())
    assert str(back) == str(changes)


def test_a_panel_of_many_units_is_paired_in_every_construct():
    """600 groups: what goes together is kept for all constructs, not the target's."""
    frame = panel(n=4, waves=(1, 2), companies=[f"c{i}_" for i in range(300)])
    survey = sat.Survey(
        frame, unit="company", wave="wave", respondent="who", scale=(1, 10)
    )
    levels = sat.index(FIT, survey, by=KEYS, construct=["Quality", "Satisfaction"])
    w = FIT.raw_weights()[:2]
    y = (frame[QUALITY] - 1).to_numpy() @ w / (9 * w.sum()) * 100
    wide = frame.assign(y=y).pivot(index=["company", "who"], columns="wave", values="y")
    change = (wide[2] - wide[1]).groupby("company").std(ddof=1) / 2
    found = sat.changes(levels.of("Quality")).to_frame().set_index("company")
    np.testing.assert_allclose(found["std_error"], change.loc[found.index])
