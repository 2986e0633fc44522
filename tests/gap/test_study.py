"""The eight steps, each against what it should come to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

POINTS = {
    "tangibles": 10,
    "reliability": 30,
    "responsiveness": 25,
    "assurance": 20,
    "empathy": 15,
}


@pytest.fixture(scope="module")
def bank() -> sat.Survey:
    return sat.datasets.load("bank_servqual")


@pytest.fixture(scope="module")
def study(bank) -> sat.Result:
    return sat.servqual_study(bank, industry="bank")


def test_every_step_has_a_name_in_both_languages_and_an_output(study):
    frame = study.to_frame()
    assert frame["step"].tolist() == list(range(1, 9))
    assert (frame[["name", "name_zh", "result"]] != "").all(axis=None)
    for number in range(1, 9):
        assert len(study.step(number)), number
    shown = str(study)
    for number, name in enumerate(frame["name"], 1):
        assert f"Step {number}: {name}" in shown


def test_a_plan_needs_no_answers():
    plan = sat.servqual_study(instrument="servqual")
    assert len(plan.questionnaire) == 49
    assert plan.gaps is None
    assert (plan.to_frame()["result"] == "no answers yet").sum() == 4
    assert plan.weights["estimate"].tolist() == [0.2] * 5
    assert "equal weights" in plan.weights["source"][0]


def test_weights_come_from_points_that_respondents_shared_out(study, bank):
    own = sat.quality.point_weights(bank)
    np.testing.assert_allclose(study.weights["estimate"], own.table["estimate"])
    assert np.isfinite(study.weights["std_error"].astype(float)).all()


def test_given_weights_are_stored_for_the_industry_and_found_again(bank, tmp_path):
    first = sat.servqual_study(bank, industry="bank", weights=POINTS)
    file = first.instrument.save_toml(tmp_path / "bank.toml")
    again = sat.servqual_study(bank, sat.instruments.read(file), industry="bank")
    np.testing.assert_allclose(again.weights["estimate"], [0.1, 0.3, 0.25, 0.2, 0.15])
    assert "stored for bank" in again.weights["source"][0]
    one, other = (s.gaps.rows("overall")["estimate"][-1] for s in (first, again))
    assert one == pytest.approx(other, abs=1e-12)


def test_order_of_given_weights_does_not_matter(bank):
    turned = dict(reversed(POINTS.items()))
    one, other = (sat.servqual_study(bank, weights=w) for w in (POINTS, turned))
    assert one.weights["dimension"].tolist() == other.weights["dimension"].tolist()
    np.testing.assert_allclose(
        one.scores["estimate"], other.scores["estimate"], rtol=1e-14
    )


def test_weighted_gap_is_perceived_less_expected_quality(bank):
    study = sat.servqual_study(bank, weights=POINTS)
    overall = {r["term"]: r for r in study.scores.where(level="overall").rows()}
    row = study.gaps.rows("overall").to_frame().iloc[-1]
    differ = overall["perception"]["estimate"] - overall["expectation"]["estimate"]
    assert row["estimate"] == pytest.approx(differ, abs=1e-12)
    assert row["n"] == overall["perception"]["n"]


def test_tabulation_against_pandas(study, bank):
    frame = bank.frame
    w = bank.weights
    for row in study.tabulation.rows():
        x = frame[row["column"]].to_numpy(dtype=float, na_value=np.nan)
        seen = np.isfinite(x)
        weight = np.ones(len(x)) if w is None else w
        assert row["n"] == seen.sum()
        assert row["missing"] == (~seen).sum()
        mean = np.average(x[seen], weights=weight[seen])
        assert row["mean"] == pytest.approx(mean, abs=1e-12)
        top = np.average(x[seen] == 7, weights=weight[seen])
        assert row["share_highest"] == pytest.approx(top, abs=1e-12)


def test_scores_by_unit_are_those_of_the_units_alone(bank):
    study = sat.servqual_study(bank, by="unit", weights=POINTS)
    name = study.by[0]
    codes, keys = bank.groups("unit")
    alone = sat.servqual_study(bank.take(codes == 1), weights=POINTS)
    own = study.scores.where(**{name: keys[name][1]})
    for column in ("estimate", "std_error", "conf_low", "n"):
        np.testing.assert_allclose(own[column], alone.scores[column])


def test_ends_of_the_scale_are_unknown_without_a_scale():
    spec = sat.instruments.load("servqual")
    rng = np.random.default_rng(0)
    columns = [*spec.columns("expectation"), *spec.columns("perception")]
    frame = pd.DataFrame({c: rng.integers(3, 8, 30) for c in columns})
    study = sat.servqual_study(frame, spec)
    assert (study.tabulation["share_lowest"] == 0).all()
    assert study.answers["missing"].tolist() == [0, 0]


def test_few_items_are_remarked_upon():
    spec = sat.Instrument(
        id="mine",
        label=sat.Label("mine", "我的"),
        dimensions=sat.instruments.load("servqual").dimensions[:1],
        items=(sat.Item("a", sat.Label("a", "甲"), "tangibles"),),
        forms=sat.instruments.load("servqual").forms[:2],
        scale=sat.Scale(1, 7),
    )
    plan = sat.servqual_study(instrument=spec)
    assert "four or five" in plan.items["remark"][0]
    assert "four or five" in str(plan)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda b: sat.servqual_study("servqual", b), errors.OptionError, "swapped"),
        (lambda b: sat.servqual_study(), errors.OptionError, "instrument"),
        (lambda b: sat.servqual_study(b, "servperf"), errors.OptionError, "expect"),
        (
            lambda b: sat.servqual_study(b, weights={**POINTS, "empathy": -1}),
            errors.SpecificationError,
            "empathy|negative",
        ),
        (
            lambda b: sat.servqual_study(b, weights={"reliability": 1.0}),
            errors.SpecificationError,
            "tangibles",
        ),
        (
            lambda b: sat.servqual_study(b, weights={**POINTS, "reliabilty": 1}),
            errors.SpecificationError,
            "did you mean 'reliability'",
        ),
        (lambda b: sat.servqual_study(b, industy="x"), errors.OptionError, "industry"),
        (lambda b: sat.servqual_study(b).step(9), errors.OptionError, "no step 9"),
    ],
)
def test_wrong_input_is_told_what_would_be_right(bank, call, error, message):
    with pytest.raises(error, match=message):
        call(bank)
