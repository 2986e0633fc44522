"""Service blueprints: steps, fail points, standards and how often they are met."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

import satmetrics as sat
from satmetrics.errors import DataError, SpecificationError
from satmetrics.survey.label import Label

Blueprint, Step, StepStandard = (
    sat.quality.Blueprint,
    sat.quality.Step,
    sat.quality.StepStandard,
)

DESK = Blueprint(
    "desk",
    (
        Step("arrive", "customer", Label("guest arrives", "客人到店")),
        Step(
            "greet",
            "front stage",
            dimension="empathy",
            fail_point=True,
            standard=StepStandard("greeted within 5 steps", "steps", "<=", 5),
            evidence=("uniform", "counter"),
            minutes=0.5,
        ),
        Step(
            "key",
            "front stage",
            dimension="responsiveness",
            fail_point=True,
            standard=StepStandard("", "wait", "<", 3.0),
            evidence=("key card",),
            minutes=3,
        ),
        Step("clean", "back stage", dimension="reliability", fail_point=True),
        Step("system", "support", standard=StepStandard("backed up daily")),
    ),
    label=Label("Check-in", "入住"),
    source="drawn by us",
    notes=("an example",),
)


def encounters(n=60, seed=4):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "steps": rng.integers(3, 8, size=n),
            "wait": rng.gamma(2.0, 1.2, size=n),
            "shop": np.where(np.arange(n) % 3, "a", "b"),
            "day": np.arange(n) // 5,
            "w": rng.uniform(0.5, 2.0, size=n),
        }
    )
    frame.loc[[3, 9], "wait"] = np.nan
    return frame


def row(result, **keys):
    frame = result.to_frame()
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_toml_brings_it_back_unchanged(tmp_path):
    assert Blueprint.from_toml(DESK.to_toml()) == DESK
    assert Blueprint.read(DESK.save_toml(tmp_path / "desk.toml")) == DESK


def test_a_frame_of_steps_is_the_same_blueprint():
    frame = pd.DataFrame(
        {
            "id": [s.id for s in DESK.steps],
            "lane": [s.lane for s in DESK.steps],
            "label_en": [s.label.en for s in DESK.steps],
            "label_zh": [s.label.zh for s in DESK.steps],
            "dimension": [s.dimension for s in DESK.steps],
            "fail_point": ["no", "yes", "yes", "yes", ""],
            "standard": ["", "greeted within 5 steps", "", "", "backed up daily"],
            "column": ["", "steps", "wait", "", ""],
            "comparison": ["", "<=", "<", "", ""],
            "target": [math.nan, 5, 3, math.nan, math.nan],
            "evidence": ["", "uniform; counter", "key card", None, None],
            "minutes": [None, 0.5, 3, None, None],
        }
    )
    assert Blueprint.from_frame(frame).steps == DESK.steps
    polars = pytest.importorskip("polars")
    assert Blueprint.from_frame(polars.from_pandas(frame)).steps == DESK.steps


def test_counts_of_fail_points_touchpoints_and_standards():
    lanes = DESK.fail_points().to_frame().set_index("lane")
    assert lanes.loc["front stage"].tolist() == [2, 2, 0, 3.5]
    assert lanes.loc["back stage"].tolist() == [1, 1, 1, 0.0]
    assert DESK.touchpoints()["evidence"].tolist() == ["uniform", "counter", "key card"]
    assert DESK.without_standard() == ("clean",)
    checklist = DESK.checklist().to_frame().set_index("dimension")
    assert checklist.loc["reliability"].tolist() == [1, 0]
    assert checklist["required"].sum() == 4
    assert len(DESK.checklist(fail_points_only=True)) == 3
    assert "no standard is set for clean" in str(DESK)


def test_conformance_of_a_step_has_wilsons_limits():
    frame = encounters()
    found = DESK.conformance(frame)
    met = (frame["steps"] <= 5).sum()
    own = row(found, step="greet")
    limits = proportion_confint(met, len(frame), method="wilson")
    assert own["estimate"] == pytest.approx(met / len(frame))
    assert (own["conf_low"], own["conf_high"]) == pytest.approx(limits)
    wait = row(found, step="key")
    assert wait["n"] == 58
    assert wait["successes"] == pytest.approx((frame["wait"] < 3).sum())
    assert any(
        e.where == "key" and e.n == 2 and e.what == "encounters"
        for e in found.context.exclusions
    )


def test_published_wilson_limits_are_reproduced(reference):
    for case in reference("wilson_limits")["case"]:
        ok = np.arange(case["n"]) < case["successes"]
        frame = pd.DataFrame({"steps": np.where(ok, 1, 9), "wait": 1.0})
        own = row(DESK.conformance(frame), step="greet")
        assert own["conf_low"] == pytest.approx(case["low"], abs=5e-5)
        assert own["conf_high"] == pytest.approx(case["high"], abs=5e-5)


def test_groups_are_those_of_their_own_rows():
    frame = encounters()
    whole = DESK.conformance(frame, by="shop")
    part = DESK.conformance(frame[frame["shop"] == "b"])
    for level in ("dimension", "overall"):
        a = whole.table.where(shop="b", level=level).to_frame()
        b = part.table.where(level=level).to_frame()
        for column in ("n", "estimate", "n_eff", "conf_low", "std_error"):
            assert a[column].to_numpy() == pytest.approx(b[column].to_numpy())


def test_the_share_of_pooled_steps_has_the_error_of_a_ratio():
    frame = encounters(200)
    survey = sat.Survey(frame, weight="w", cluster="day")
    own = row(DESK.conformance(survey), level="overall")
    ok = np.column_stack([frame["steps"] <= 5, frame["wait"] < 3]).astype(float)
    ok[frame["wait"].isna(), 1] = np.nan
    w, m, s = frame["w"], np.isfinite(ok).sum(axis=1), np.nansum(ok, axis=1)
    p = (w * s).sum() / (w * m).sum()
    u = (w * (s - p * m) / (w * m).sum()).groupby(frame["day"]).sum()
    error = np.sqrt(len(u) / (len(u) - 1) * ((u - u.mean()) ** 2).sum())
    assert own["estimate"] == pytest.approx(p, rel=1e-12)
    assert own["std_error"] == pytest.approx(error, rel=1e-10)
    assert own["n_eff"] < own["n"]


def test_weights_reduce_the_effective_n_as_kish_says():
    frame = encounters()
    own = row(DESK.conformance(sat.Survey(frame, weight="w")), step="greet")
    w = frame["w"]
    assert own["n_eff"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
    share = w[frame["steps"] <= 5].sum() / w.sum()
    assert own["estimate"] == pytest.approx(share)


def test_answers_of_yes_and_no_are_read():
    drawn = Blueprint(
        "x", (Step("a", "support", standard=StepStandard("", "ok", "==", 1)),)
    )
    found = drawn.conformance(pd.DataFrame({"ok": [True, False, True, True]}))
    assert row(found, step="a")["estimate"] == 0.75


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Step("a", "frontstage"), "did you mean 'front stage'"),
        (lambda: Step("a", "support", minutes=-1), "0 or more"),
        (lambda: StepStandard(), "says nothing"),
        (lambda: StepStandard("x", "wait"), "go together"),
        (lambda: StepStandard("x", "wait", "=<", 3), "one of"),
        (lambda: StepStandard("x", "wait", "<", math.inf), "finite"),
        (lambda: Blueprint("x", ()), "no steps"),
        (lambda: Blueprint("x", (Step("a", "support"),) * 2), "occurs twice"),
        (lambda: Blueprint.from_toml("schema = 1\nid = 'x'"), r"\[\[step\]\]"),
        (
            lambda: Blueprint.from_toml(DESK.to_toml().replace("lane", "lain", 1)),
            "did you mean 'lane'",
        ),
        (
            lambda: Blueprint.from_frame(pd.DataFrame({"id": ["a"], "lanes": ["x"]})),
            "did you mean 'lane'",
        ),
        (
            lambda: Blueprint.from_frame(
                pd.DataFrame({"id": ["a"], "lane": ["support"], "fail_point": ["?"]})
            ),
            "true or false",
        ),
        (lambda: DESK.step("kee"), "did you mean 'key'"),
        (
            lambda: Blueprint("x", (Step("a", "support"),)).conformance(encounters()),
            "names a column",
        ),
    ],
)
def test_wrong_blueprints_say_what_would_be_right(make, words):
    with pytest.raises(SpecificationError, match=words):
        make()


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match="'wait'"):
        DESK.conformance(encounters().drop(columns="wait"))


def test_its_measured_standards_give_the_same_shares_as_a_checklist():
    frame = encounters()
    ours = DESK.standards()
    assert [(s.id, s.column) for s in ours.standards] == [
        ("greet", "steps"),
        ("key", "wait"),
    ]
    listed = sat.quality.standards(frame, ours, by="shop").rows("standard")
    drawn = DESK.conformance(frame, by="shop").table.where(level="step")
    for name in ("shop", "n", "estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_array_equal(listed[name], drawn[name])
    with pytest.raises(SpecificationError, match="names a column"):
        Blueprint("x", (Step("a", "support"),)).standards()
