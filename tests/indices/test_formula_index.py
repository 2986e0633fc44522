"""Indices that are formulas, against numpy, plain figures and each other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.errors import DataError, OptionError, SpecificationError

KCSI = {
    "Overall": "o",
    "Elements": ["product", "service", "image"],
    "Repurchase": ["again"],
}
FLAT = ["o", "product", "service", "image", "again"]


def answers(n: int = 240, seed: int = 1, points: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = rng.normal(points * 0.75, 1, n)[:, None]
    X = np.clip(np.rint(base + rng.normal(0, 1, (n, 5))), 1, points)
    frame = pd.DataFrame(X, columns=FLAT)
    frame["i1"], frame["i2"] = rng.integers(3, 8, n), rng.integers(1, 5, n)
    frame["i3"] = rng.integers(2, 7, n)
    frame["firm"] = rng.choice(["A", "B", "C"], n, p=[0.6, 0.3, 0.1])
    frame["site"], frame["w"] = rng.integers(0, 20, n), rng.uniform(0.5, 2, n)
    return frame


def value(found, construct=None, column="estimate"):
    return float(found.of(construct).table[column][0])


def test_kcsi_is_its_weighted_sum_with_the_error_of_whole_respondents():
    frame = answers()
    found = sat.indices.formula_index(
        "kcsi", frame, items=KCSI, importance={"Elements": [5, 3, 2]}
    )
    top = 100.0 * (frame[FLAT] >= 6).to_numpy()
    share = np.array([0.30, 0.25, 0.15, 0.10, 0.20])  # 0.5 × 0.5, 0.3, 0.2
    own = top @ share
    assert value(found) == pytest.approx(own.mean())
    assert value(found, column="std_error") == pytest.approx(stats.sem(own))
    low, high = stats.t.interval(0.95, 239, own.mean(), stats.sem(own))
    assert value(found, column="conf_low") == pytest.approx(low)
    assert value(found, column="conf_high") == pytest.approx(high)
    elements = top[:, 1:4] @ [0.5, 0.3, 0.2]
    assert value(found, "Elements") == pytest.approx(elements.mean())
    assert value(found, "Elements", "std_error") == pytest.approx(stats.sem(elements))
    assert found.scale == (0.0, 100.0)


def test_components_go_together_as_their_answers_do():
    frame = answers()
    found = sat.indices.formula_index(
        "kcsi", frame, items=KCSI, importance={"Elements": [1, 1, 1]}
    )
    top = 100.0 * (frame[FLAT] >= 6).to_numpy()
    parts = np.stack([top[:, 0], top[:, 1:4].mean(axis=1), top[:, 4]])
    V = np.cov(np.vstack([parts, np.array([0.3, 0.5, 0.2]) @ parts])) / 240
    np.testing.assert_allclose(found.errors().cov(), V)


def test_importance_is_rated_by_customers_pooled_over_groups():
    frame = answers()
    how = {"items": KCSI, "by": "firm"}
    rated = sat.indices.formula_index(
        "kcsi", frame, **how, importance={"Elements": ["i1", "i2", "i3"]}
    )
    numbers = frame[["i1", "i2", "i3"]].mean()
    fixed = sat.indices.formula_index(
        "kcsi", frame, **how, importance={"Elements": list(numbers)}
    )
    np.testing.assert_allclose(rated.table["estimate"], fixed.table["estimate"])
    shares = [share for name, _, share in rated.importance if name == "Elements"]
    np.testing.assert_allclose(shares, numbers / numbers.sum())
    assert "mean importance over all rows" in str(rated)
    alike = sat.indices.formula_index("kcsi", frame, **how)
    assert "no importance given" in str(alike)


def test_the_weights_of_2002_are_flagged():
    found = sat.indices.formula_index("kcsi_2002", answers(), items=KCSI)
    top = 100.0 * (answers()[FLAT] >= 6).mean().to_numpy()
    assert value(found) == pytest.approx(
        0.4 * top[0] + 0.4 * top[1:4].mean() + 0.2 * top[4]
    )
    said = str(found)
    assert "status of the formula: unverified" in said
    assert "is not verified" in said
    assert "not an official score" in said


def test_ukcsi_runs_from_10_to_100_and_a_sector_weighs_responses():
    frame = answers(points=10)
    found = sat.indices.formula_index("ukcsi", frame, items=FLAT, by="firm")
    assert found.scale == (10.0, 100.0)
    said = str(found)
    assert "10 = the lowest, 100 = the highest" in said
    assert "not comparable" in said
    sector = sat.indices.formula_index("ukcsi", frame, items=FLAT)
    assert value(sector) == pytest.approx(10 * frame[FLAT].to_numpy().mean())
    firms = found.of().table
    weighted = np.average(firms["estimate"], weights=firms["n"])
    assert value(sector) == pytest.approx(weighted)
    assert abs(value(sector) - firms["estimate"].mean()) > 1e-3
    plain = sat.indices.formula_index(
        "equal_weights", frame, items=FLAT, by="firm", scale=(1, 10)
    )
    np.testing.assert_allclose(
        (firms["estimate"] - 10) / 90 * 100, plain.of().table["estimate"]
    )


def test_groups_of_items_do_not_move_a_mean_of_items():
    frame = answers(points=10)
    flat = sat.indices.formula_index("ukcsi", frame, items=FLAT)
    parts = {"ease": ["o"], "people": ["product", "service", "image", "again"]}
    grouped = sat.indices.formula_index("ukcsi", frame, items=parts)
    assert value(grouped) == pytest.approx(value(flat))
    assert value(grouped, "people") == pytest.approx(
        10 * frame[parts["people"]].to_numpy().mean()
    )
    assert grouped.table["construct"].tolist() == ["ease", "people", "Satisfaction"]


def test_equal_weights_of_one_item_are_the_mean_score():
    frame = answers()
    frame.loc[:20, "o"] = np.nan
    survey = sat.Survey(
        frame, weight="w", cluster="site", items=FLAT, scale=dict.fromkeys(FLAT, (1, 7))
    )
    one = sat.indices.formula_index("equal_weights", survey, items=["o"], by="firm")
    other = sat.metrics.mean_score(survey, "o", by="firm").rows("mean_100")
    for name in ("n", "estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(one.table[name], other[name])


def test_errors_over_clusters_by_hand():
    frame = answers()
    survey = sat.Survey(
        frame, weight="w", cluster="site", items=FLAT, scale=dict.fromkeys(FLAT, (1, 7))
    )
    found = sat.indices.formula_index("equal_weights", survey, items=FLAT)
    x = ((frame[FLAT] - 1) / 6 * 100).mean(axis=1).to_numpy()
    w = frame["w"].to_numpy()
    mean = np.average(x, weights=w)
    u = pd.Series(w * (x - mean) / w.sum()).groupby(frame["site"]).sum()
    assert value(found) == pytest.approx(mean)
    assert value(found, column="std_error") == pytest.approx(
        np.sqrt(20 / 19 * (u**2).sum())
    )
    assert found.errors().df[-1] == 19


def test_missing_answers_leave_the_mean_of_those_given():
    frame = answers(points=10)
    frame.loc[:59, "o"] = np.nan
    found = sat.indices.formula_index("ukcsi", frame, items=["o", "again"])
    assert value(found) == pytest.approx(
        10 * (frame["o"].mean() + frame["again"].mean()) / 2
    )
    assert value(found, column="n") == 180
    u = np.where(frame["o"].isna(), 0, (frame["o"] - frame["o"].mean()) / 180)
    u = u * np.sqrt(180 / 179)
    v = (frame["again"] - frame["again"].mean()) / 240 * np.sqrt(240 / 239)
    error = 10 * np.sqrt(((u + v) ** 2).sum()) / 2
    assert value(found, column="std_error") == pytest.approx(error)
    assert "60 answers left out in o" in str(found)


def test_a_panel_changes_with_the_error_of_the_same_people():
    frame = answers(100, points=10)
    later = frame.copy()
    rng = np.random.default_rng(2)
    later[FLAT] = np.clip(later[FLAT] + rng.integers(-1, 3, (100, 5)), 1, 10)
    both = pd.concat([frame, later], ignore_index=True)
    both["id"], both["wave"] = np.tile(np.arange(100), 2), np.repeat([1, 2], 100)
    survey = sat.Survey(
        both,
        respondent="id",
        wave="wave",
        items=FLAT,
        scale=dict.fromkeys(FLAT, (1, 10)),
    )
    levels = sat.indices.formula_index("ukcsi", survey, items=FLAT, by="wave")
    moved = sat.changes(levels).table.where(construct="Satisfaction")
    change = 10 * (later[FLAT] - frame[FLAT]).mean(axis=1)
    assert moved["estimate"][0] == pytest.approx(change.mean())
    assert moved["std_error"][0] == pytest.approx(stats.sem(change))


def test_it_is_ranked_and_reported_as_any_index(tmp_path):
    frame = answers()
    found = sat.indices.formula_index("kcsi", frame, items=KCSI, by="firm")
    order = sat.indices.ranking(found).to_frame()
    assert set(order["firm"]) == {"A", "B", "C"}
    page = sat.report("x", [found]).save(tmp_path / "x.html")
    assert "0.30 Overall" in page.read_text(encoding="utf-8")
    again = sat.read_result(found.to_json())
    assert again.formula == found.formula
    assert again.of().scale == found.scale


def test_small_groups_and_finite_populations():
    frame = answers()
    how = {"items": FLAT, "scale": (1, 7), "by": "firm"}
    plain = sat.indices.formula_index("equal_weights", frame, **how)
    n = plain.of().table["n"]
    shut = sat.indices.formula_index(
        "equal_weights", frame, **how, min_n=int(n.min()) + 1
    )
    assert isinstance(shut, sat.indices.FormulaResult)
    assert np.isnan(shut.of().table["estimate"]).sum() == 2  # and a complementary one
    finite = sat.indices.formula_index("equal_weights", frame, **how, population=1000)
    np.testing.assert_allclose(
        finite.of().table["std_error"],
        plain.of().table["std_error"] * np.sqrt(1 - n / 1000),
    )


def test_a_formula_of_ones_own_from_a_file(tmp_path):
    own = sat.indices.FormulaIndex(
        "mine",
        "top_box",
        "components",
        (
            sat.indices.FormulaComponent("Now", 0.75),
            sat.indices.FormulaComponent("Next", 0.25),
        ),
        boxes=3,
        label=sat.Label("Mine", "我的"),
    )
    path = tmp_path / "mine.toml"
    path.write_text(own.to_toml(), encoding="utf-8")
    again = sat.indices.read_formula(path)
    assert again == own
    frame = answers()
    found = sat.indices.formula_index(
        again,
        pl.from_pandas(frame),
        items={"Now": "o", "Next": "again"},
        scale=(1, 7),
    )
    share = (frame[["o", "again"]] >= 5).mean() * 100
    assert value(found) == pytest.approx(0.75 * share["o"] + 0.25 * share["again"])
    assert found.credit == ""


@pytest.mark.parametrize("name", sat.indices.formulas())
def test_every_formula_of_the_catalogue(name):
    spec = sat.indices.load_formula(name)
    assert spec.name == name
    assert spec.label.en
    assert spec.label.zh
    assert all(part.label.en and part.label.zh for part in spec.components)
    assert (spec.status == "own") == (not spec.citation)
    items = {c.name: [FLAT[i]] for i, c in enumerate(spec.components)} or FLAT
    scale = spec.scale or (1, 7)
    for answer, end in ((scale[0], 0), (scale[1], 1)):
        frame = pd.DataFrame({item: [float(answer)] * 30 for item in FLAT})
        found = sat.indices.formula_index(spec, frame, items=items, scale=scale)
        assert value(found) == pytest.approx(found.scale[end])
        assert "no certainty" in found.of().table["reason"][0]
        assert ("not an official score" in str(found)) == (spec.status != "own")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"formula": "kcsy"}, SpecificationError, "did you mean 'kcsi'"),
        ({"items": {"Overal": "o"}}, OptionError, "did you mean 'Overall'"),
        ({"items": {"Overall": "o"}}, OptionError, "lacks 'Elements'"),
        ({"items": FLAT}, OptionError, "Overall, Elements, Repurchase"),
        ({"items": {**KCSI, "Overall": ["again"]}}, OptionError, "named twice"),
        ({"items": {**KCSI, "Overall": ["nope"]}}, DataError, "not found: 'nope'"),
        ({"importance": {"Overall": [1]}}, OptionError, "does not weigh"),
        ({"items": {}}, OptionError, "lacks 'Overall'"),
        ({"formula": "ukcsi", "items": {}}, OptionError, "names none"),
        ({"importance": [1, 2]}, OptionError, r"\[1, 2\] as importance=; give a dict"),
        ({"importance": {"Elements": [1, 2]}}, OptionError, "for the 3 items"),
        ({"importance": {"Elements": [1, 2, -1]}}, DataError, "not be negative"),
        ({"formula": "ukcsi", "items": {"Satisfaction": FLAT}}, OptionError, "own"),
        ({"formula": "equal_weights", "items": FLAT}, DataError, "has no scale"),
        ({"min_n": 0}, OptionError, "min_n"),
        ({"by": "construct"}, OptionError, "name of a column"),
    ],
)
def test_wrong_input_is_answered(change, error, words):
    frame = answers().assign(construct="x")
    given = {"formula": "kcsi", "data": frame, "items": KCSI} | change
    with pytest.raises(error, match=words):
        sat.indices.formula_index(**given)


def test_other_scales_and_swapped_arguments_are_named():
    frame = answers(points=10)
    survey = sat.Survey(frame, items=FLAT, scale=dict.fromkeys(FLAT, (1, 10)))
    with pytest.raises(
        DataError, match="is answered on 1-10, and 'kcsi' is defined on"
    ):
        sat.indices.formula_index("kcsi", survey, items=KCSI)
    with pytest.raises(OptionError, match="formula is a DataFrame"):
        sat.indices.formula_index(answers(), "kcsi", items=KCSI)
    mixed = sat.Survey(
        answers(points=5), items=["o", "again"], scale={"o": (1, 5), "again": (1, 7)}
    )
    own = dataclasses.replace(
        sat.indices.load_formula("ukcsi"), scale=None, status="own", citation=""
    )
    with pytest.raises(DataError, match="on different scales"):
        sat.indices.formula_index(own, mixed, items=["o", "again"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema = 2", "schema = 2"),
        ('schema = 1\nid = "a"\nscores = "times"', "did you mean 'score'"),
        ('schema = 1\nid = "a"\nscore = "time"', "did you mean 'times'"),
        (
            'schema = 1\nid = "a"\nweighting = "components"\n'
            '[[component]]\nid = "b"\nweight = 0.4',
            "add up to 1",
        ),
        (
            'schema = 1\nid = "a"\nweighting = "components"\n[[component]]\nid = "b"',
            "weight is missing",
        ),
        ('schema = 1\nid = "a"\nweighting = "components"', "needs some"),
        ('schema = 1\nid = "a"\nscale = 7', "minimum, maximum"),
        ('schema = 1\nid = "a"\nfactor = "ten"', "a number"),
    ],
)
def test_a_faulty_file_is_named(tmp_path, text, words):
    path = tmp_path / "faulty.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((SpecificationError, OptionError), match=words):
        sat.indices.read_formula(path)


@pytest.mark.slow
def test_coverage_of_a_formula_in_a_clustered_and_weighted_sample():
    rng = np.random.default_rng(21)
    sites, size, drawn, times = 300, 50, 40, 300
    site = np.repeat(np.arange(sites), size)
    base = (rng.normal(5.2, 0.8, sites)[site] + rng.normal(0, 0.8, sites * size))[
        :, None
    ]
    X = np.clip(np.rint(base + rng.normal(0, 0.9, (len(site), 5))), 1, 7)
    chance = np.where(X[:, 0] >= 6, 0.6, 0.25)
    truth = (100 * (X >= 6).mean(axis=0)) @ [0.3, 0.2, 0.15, 0.15, 0.2]
    importance, hits, made = {"Elements": [4, 3, 3]}, 0, []
    for _ in range(times):
        kept = np.isin(site, rng.choice(sites, drawn, replace=False))
        kept &= rng.random(len(site)) < chance
        frame = pd.DataFrame(X[kept], columns=FLAT)
        frame["site"], frame["w"] = site[kept], 1 / chance[kept]
        survey = sat.Survey(
            *(frame,),
            weight="w",
            cluster="site",
            items=FLAT,
            scale=dict.fromkeys(FLAT, (1, 7)),
        )
        found = sat.indices.formula_index(
            "kcsi", survey, items=KCSI, importance=importance
        )
        (row,) = found.of().table.rows()
        hits += row["conf_low"] <= truth <= row["conf_high"]
        made.append((row["estimate"], row["std_error"]))
    estimate, error = np.array(made).T
    assert 0.915 <= hits / times <= 0.985
    assert abs(estimate.mean() - truth) < 3.5 * estimate.std() / np.sqrt(times)
    assert estimate.std() / np.sqrt((error**2).mean()) == pytest.approx(1, abs=0.12)
