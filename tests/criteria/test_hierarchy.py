"""The index hierarchy: expansion, aggregation, contributions, changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.quality import IndexHierarchy, IndexNode

ITEMS = ["q1", "q2", "q3", "v1", "v2"]
NESTED = {
    "quality": {"speed": {"q1": 0.6, "q2": 0.4}, "care": ["q3"]},
    "value": {"price": ["v1", "v2"]},
}
WEIGHTS = {"quality": 0.7, "value": 0.3, "speed": 0.25, "care": 0.75}
PRODUCTS = [0.7 * 0.25 * 0.6, 0.7 * 0.25 * 0.4, 0.7 * 0.75, 0.15, 0.15]


@pytest.fixture
def tree() -> IndexHierarchy:
    labels = {"csi": sat.Label("satisfaction", "满意度")}
    return IndexHierarchy.from_dict(
        "csi", NESTED, weights=WEIGHTS, labels=labels, scale=(1, 7)
    )


@pytest.fixture
def answers(rng) -> pd.DataFrame:
    frame = pd.DataFrame(rng.integers(1, 8, (120, 5)).astype(float), columns=ITEMS)
    frame["wave"] = np.where(np.arange(120) < 50, "2025", "2026")
    frame["shop"] = np.arange(120) % 10
    frame["w"] = rng.integers(1, 4, 120).astype(float)
    return frame


def node(found: object, name: str, column: str = "estimate", **where: object) -> float:
    rows = found.table.where(name=name, **where)
    assert len(rows) == 1
    return float(rows[column][0])


def test_expansion_and_aggregation_are_one(tree):
    assert sorted(tree.items) == ITEMS
    table = tree.expand().set_index("name")
    np.testing.assert_allclose(table.loc[ITEMS, "product_weight"], PRODUCTS)
    below = tree.item_weights()
    np.testing.assert_allclose([below[i] for i in ITEMS], PRODUCTS)
    assert sum(below.values()) == pytest.approx(1)
    assert table.loc["q1", "path"] == "csi / quality / speed / q1"
    assert table["level"].tolist()[:3] == ["index", "factor", "factor"]
    assert set(table.loc[["speed", "care", "price"], "level"]) == {"indicator"}
    assert set(table.loc[ITEMS, "level"]) == {"item"}
    by_level = table.groupby("level")["product_weight"].sum()
    np.testing.assert_allclose(by_level, 1)
    assert table.loc["csi", "label_zh"] == "满意度"


@pytest.mark.parametrize("seed", range(5))
def test_products_down_equal_sums_up_for_any_tree(seed):
    rng = np.random.default_rng(seed)
    nodes = [IndexNode("root")]
    for k in range(60):
        above = nodes[int(rng.integers(0, len(nodes)))].id
        nodes.append(IndexNode(f"n{k}", above, float(rng.uniform(0, 5))))
    order = rng.permutation(len(nodes))
    tree = IndexHierarchy("root", tuple(nodes[i] for i in order))
    table = tree.expand().set_index("name")["product_weight"]
    below = tree.item_weights()
    assert sum(below.values()) == pytest.approx(1)
    for name, weight in below.items():
        assert weight == pytest.approx(table[name])


def test_other_depths_have_names_too():
    flat = IndexHierarchy.from_dict("i", {"a": 1, "b": 3})
    assert flat.level_of() == ("index", "item", "item")
    assert flat.item_weights() == {"a": 0.25, "b": 0.75}
    assert "sum to 4 and were divided" in flat.notes[0]
    ragged = IndexHierarchy.from_dict("i", {"f": {"g": {"h": {"k": "x"}}}, "y": 1})
    levels = dict(zip(ragged.names, ragged.level_of(), strict=True))
    assert levels == {
        "i": "index",
        "f": "factor",
        "y": "item",
        "g": "indicator",
        "h": "indicator 2",
        "k": "indicator 3",
        "x": "item",
    }
    named = IndexHierarchy.from_dict("i", {"a": ["x"]}, levels=["top", "mid", "leaf"])
    assert named.level_of() == ("top", "mid", "leaf")


def test_a_hierarchy_comes_back_from_its_file(tree, tmp_path):
    assert IndexHierarchy.read(tree.save(tmp_path / "tree.toml")) == tree
    named = dataclasses.replace(
        tree, levels=("A", "B", "C", "D"), scale=sat.Scale(1, 2, 1, ("no", "yes"))
    )
    assert IndexHierarchy.from_toml(named.to_toml()) == named
    assert "满意度" in str(tree)


def test_criteria_weights_are_taken_as_weights(tree):
    judged = sat.quality.ahp_weights({("quality", "value"): 3})
    own = IndexHierarchy.from_dict("csi", NESTED, weights=judged)
    table = own.expand().set_index("name")
    assert table.loc["quality", "weight"] == pytest.approx(0.75)


def test_an_instrument_is_a_hierarchy(bank):
    points = sat.quality.point_weights(bank)
    tree = IndexHierarchy.from_instrument("servqual", weights=points)
    found = sat.quality.hierarchy_scores(tree, bank)
    share = {k: v / 100 for k, v in points.as_points().items()}
    total = 0.0
    for d in bank.instrument.dimensions:
        items = [
            bank.instrument.column(i.id, "perception")
            for i in bank.instrument.items_of(d.id)
        ]
        assert tree.item_weights()[items[0]] == pytest.approx(share[d.id] / len(items))
        part = found.table.where(name=d.id)
        total += share[d.id] * float(part["contribution"][0] / part["weight"][0])
    assert total == pytest.approx(node(found, "servqual"))
    parts = IndexHierarchy.from_instrument("brady_cronin")
    assert parts.level_of()[1] == "factor"
    assert parts.level_of()[4] == "indicator"
    assert set(parts.items) == set(
        sat.instruments.load("brady_cronin").columns("perception")
    )
    with pytest.raises(errors.SpecificationError, match="did you mean 'empathy'"):
        IndexHierarchy.from_instrument("servqual", weights={"empaty": 1})


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([("i", ""), ("a", "i"), ("a", "i")], "'a' occurs twice"),
        ([("i", ""), ("j", ""), ("a", "i")], "2 nodes have no parent"),
        ([("i", "a"), ("a", "i")], "0 nodes have no parent"),
        ([("i", ""), ("x", "i"), ("a", "b"), ("b", "a")], "its own ancestor"),
        ([("i", ""), ("a", "ii")], "parent 'ii' of 'a' does not exist"),
        ([("i", "")], "nothing is below it"),
        ([("i", ""), ("a", "i", -1.0)], "weight of 'a' is -1.0"),
        ([("i", ""), ("a", "i", float("nan"))], "weight of 'a' is nan"),
        ([("i", ""), ("a", "i", 0.0), ("b", "i", 0.0)], "all weights below 'i'"),
    ],
)
def test_trees_at_odds_with_themselves(nodes, said):
    with pytest.raises(errors.SpecificationError, match=said):
        IndexHierarchy("x", tuple(IndexNode(*entry) for entry in nodes))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: IndexHierarchy.from_dict("i", {"a": 3.5, "b": None}), "stands None"),
        (
            lambda: IndexHierarchy.from_dict("i", {"a": ["x"]}, weights={"aa": 1}),
            "weights of 'aa', which is no node",
        ),
        (
            lambda: IndexHierarchy.from_dict("i", {"a": ["x"]}, levels=["one"]),
            "1 names for 3 levels",
        ),
        (lambda: IndexHierarchy.from_dict("i", {"a": ["x"]}, level=3), "no argument"),
        (lambda: IndexHierarchy.from_toml('schema = 1\nid = "i"'), "node = None"),
        (
            lambda: IndexHierarchy.from_toml(
                'schema = 1\nid = "i"\n[[node]]\nid = "i"\nparnt = "x"'
            ),
            "did you mean 'parent'",
        ),
    ],
)
def test_specs_that_cannot_be_read(call, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        call()


def test_scores_are_weighted_means_of_items(tree, answers):
    found = sat.quality.hierarchy_scores(tree, answers)
    points = (answers[ITEMS] - 1) / 6 * 100
    score = points.to_numpy() @ PRODUCTS
    assert node(found, "csi") == pytest.approx(score.mean())
    se = score.std(ddof=1) / np.sqrt(120)
    assert node(found, "csi", "std_error") == pytest.approx(se)
    speed = points["q1"] * 0.6 + points["q2"] * 0.4
    assert node(found, "speed") == pytest.approx(speed.mean())
    assert node(found, "speed", "std_error") == pytest.approx(
        speed.std() / np.sqrt(120)
    )
    high = node(found, "csi", "conf_high")
    assert high == pytest.approx(score.mean() + 1.959963985 * se)
    assert node(found, "csi", "n") == 120
    raw = sat.quality.hierarchy_scores(tree, answers, metric="raw")
    assert node(raw, "csi") == pytest.approx(
        (answers[ITEMS].to_numpy() @ PRODUCTS).mean()
    )


@pytest.mark.parametrize("holes", [False, True])
def test_contributions_sum_exactly(tree, answers, rng, holes):
    if holes:
        answers.loc[rng.random(120) < 0.2, "q1"] = np.nan
        answers.loc[rng.random(120) < 0.2, ["v1", "v2"]] = np.nan
    found = sat.quality.hierarchy_scores(tree, answers, by="wave")
    moved = sat.quality.hierarchy_changes(found)
    for result in (found, moved):
        frame = result.to_frame()
        for _, part in frame.groupby("wave"):
            estimate = part.set_index("name")["estimate"]
            sums = part[part["parent"] != ""].groupby("parent")["contribution"].sum()
            np.testing.assert_allclose(sums, estimate[sums.index], atol=1e-10)
            for _, level in part.groupby("level"):
                assert level["to_index"].sum() == pytest.approx(estimate["csi"])
    assert (moved.to_frame()["since"] == "2025").all()


@pytest.mark.parametrize("roles", [{}, {"weight": "w"}, {"cluster": "shop"}])
def test_answers_moments_and_respondents_agree(tree, answers, roles):
    survey = sat.Survey(answers, **roles)
    own = sat.quality.hierarchy_scores(tree, survey, by="wave")
    moments = sat.Moments.from_frame(survey, ITEMS, by="wave")
    other = sat.quality.hierarchy_scores(tree, moments)
    pd.testing.assert_frame_equal(own.to_frame(), other.to_frame())
    # one respondent of no wave misses an answer: rows instead of moments
    extra = pd.concat([answers, answers.iloc[:1].assign(wave=None)], ignore_index=True)
    extra.loc[120, "q1"] = np.nan
    by_rows = sat.quality.hierarchy_scores(tree, sat.Survey(extra, **roles), by="wave")
    numbers = ["estimate", "conf_low", "contribution", "to_index", "n"]
    if "cluster" not in roles:
        numbers.append("std_error")
    np.testing.assert_allclose(
        by_rows.to_frame()[numbers].to_numpy(float),
        own.to_frame()[numbers].to_numpy(float),
        rtol=1e-9,
    )
    assert "moments" not in str(by_rows)
    assert any("no value of wave" in s for s in by_rows.context.sentences())


def test_a_lazy_frame_is_summed_where_it_is(tree, answers):
    lazy = pl.from_pandas(answers[[*ITEMS, "wave"]]).lazy()
    own = sat.quality.hierarchy_scores(tree, answers, by="wave").to_frame()
    other = sat.quality.hierarchy_scores(tree, lazy, by="wave").to_frame()
    np.testing.assert_allclose(own["std_error"], other["std_error"], rtol=1e-9)
    np.testing.assert_allclose(own["estimate"], other["estimate"], rtol=1e-9)


def test_missing_answers_are_passed_over_and_counted(tree, answers):
    answers.loc[:9, "q1"] = np.nan  # speed then has 0.4 of its weight
    found = sat.quality.hierarchy_scores(tree, answers)
    points = (answers[ITEMS] - 1) / 6 * 100
    speed = (points["q1"] * 0.6 + points["q2"] * 0.4)[10:]
    assert node(found, "speed") == pytest.approx(speed.mean())
    assert node(found, "speed", "n") == 110
    quality = np.where(
        answers["q1"].isna(),
        points["q3"],
        0.25 * (points["q1"] * 0.6 + points["q2"] * 0.4) + 0.75 * points["q3"],
    )
    assert node(found, "quality") == pytest.approx(quality.mean())
    said = "10 respondents left out in speed: fewer than 50 % of the weight answered"
    assert said in found.context.sentences()
    lax = sat.quality.hierarchy_scores(tree, answers, min_answered=0.4)
    assert node(lax, "speed", "n") == 120
    strict = sat.quality.hierarchy_scores(tree, answers, min_answered=1)
    assert node(strict, "csi", "n") == 110


def test_weights_are_repeated_rows_with_missing_answers(tree, answers):
    answers.loc[:9, "q1"] = np.nan
    person = answers.assign(person=range(120))
    rows = np.repeat(np.arange(120), answers["w"].astype(int))
    copied = person.iloc[rows].drop(columns="w").reset_index(drop=True)
    own, other = (
        sat.quality.hierarchy_scores(tree, survey, by="wave").to_frame()
        for survey in (
            sat.Survey(person, weight="w", cluster="person"),
            sat.Survey(copied, cluster="person"),
        )
    )
    for name in ("estimate", "std_error", "to_index"):
        np.testing.assert_allclose(own[name], other[name], rtol=1e-9)


def test_a_batch_is_its_groups_one_by_one(tree, answers):
    for hole in (False, True):
        if hole:
            answers.loc[::7, "v1"] = np.nan
        batch = sat.quality.hierarchy_scores(tree, answers, by="wave").to_frame()
        for wave in ("2025", "2026"):
            part = answers[answers["wave"] == wave].reset_index(drop=True)
            alone = sat.quality.hierarchy_scores(tree, part).to_frame()
            own = batch[batch["wave"] == wave].drop(columns="wave")
            pd.testing.assert_frame_equal(own.reset_index(drop=True), alone)


def test_published_means_without_correlations_have_no_errors_above_items():
    tree = IndexHierarchy.from_dict("i", {"a": 0.5, "b": 0.5})
    moments = sat.Moments.from_table([3, 5], [1, 1], n=25, names=["a", "b"])
    found = sat.quality.hierarchy_scores(tree, moments, metric="raw")
    assert node(found, "i") == 4
    assert np.isnan(node(found, "i", "std_error"))
    assert node(found, "a", "std_error") == pytest.approx(0.2)


def test_changes_are_differences_of_independent_samples(tree, answers):
    found = sat.quality.hierarchy_scores(tree, answers, by="wave")
    moved = sat.quality.hierarchy_changes(found)
    a, b = (node(found, "csi", wave=w) for w in ("2025", "2026"))
    ea, eb = (node(found, "csi", "std_error", wave=w) for w in ("2025", "2026"))
    assert node(moved, "csi") == pytest.approx(b - a)
    assert node(moved, "csi", "std_error") == pytest.approx(np.hypot(ea, eb))
    assert node(moved, "csi", "n") == 120


def test_waves_are_walked_within_each_shop_in_order_of_time(tree, answers):
    answers["wave"] = np.array([2023, 2024, 2025])[np.arange(120) % 3]
    answers["shop"] = np.where(np.arange(120) % 2, "A", "B")
    gone = (answers["shop"] == "A") & (answers["wave"] == 2023)
    survey = sat.Survey(answers[~gone].reset_index(drop=True), wave="wave")
    for by in (["shop", "wave"], ["wave", "shop"]):
        found = sat.quality.hierarchy_scores(tree, survey, by=by)
        moved = sat.quality.hierarchy_changes(found, over="wave").to_frame()
        pairs = moved.loc[moved["name"] == "csi", ["shop", "since", "wave"]]
        assert sorted(map(tuple, pairs.to_numpy().tolist())) == [
            ("A", 2024, 2025),
            ("B", 2023, 2024),
            ("B", 2024, 2025),
        ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metric": "percent"}, "the options are '0-100', 'raw'"),
        ({"min_answered": 0}, "min_answered=0"),
        ({"by": "wavee"}, "did you mean 'wave'"),
        ({"level": 95}, "level=95"),
    ],
)
def test_wrong_options_are_named(tree, answers, more, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.hierarchy_scores(tree, answers, **more)


def test_scales_are_needed_and_checked(answers):
    tree = IndexHierarchy.from_dict("i", NESTED)
    with pytest.raises(errors.DataError, match="has no scale"):
        sat.quality.hierarchy_scores(tree, answers)
    scaled = sat.Survey(answers[ITEMS], scale={"q1": (1, 7), "v1": (0, 10)})
    with pytest.raises(errors.DataError, match="2 different scales"):
        sat.quality.hierarchy_scores(tree, scaled, metric="raw")
    with pytest.raises(errors.DataError, match="off its scale 1-2"):
        sat.quality.hierarchy_scores(tree, answers, scale=(1, 2))
    moments = sat.Moments.from_frame(answers, ITEMS)
    with pytest.raises(errors.DataError, match="lies off its scale 1-2"):
        sat.quality.hierarchy_scores(tree, moments, scale=(1, 2))
    other = dataclasses.replace(tree, scale=sat.Scale(1, 7))
    with pytest.raises(errors.DataError, match="on 0-10 in the survey and on 1-7"):
        sat.quality.hierarchy_scores(other, scaled)
    with pytest.raises(errors.OptionError, match="needs an index hierarchy"):
        sat.quality.hierarchy_scores(answers, tree)


def test_changes_need_groups(tree, answers):
    with pytest.raises(errors.OptionError, match="one group only"):
        sat.quality.hierarchy_changes(sat.quality.hierarchy_scores(tree, answers))
    one = sat.quality.hierarchy_scores(tree, answers.assign(wave="x"), by="wave")
    with pytest.raises(errors.DataError, match="one wave only"):
        sat.quality.hierarchy_changes(one)


@pytest.mark.slow
def test_intervals_of_the_index_cover_its_mean():
    rng = np.random.default_rng(9)
    tree = IndexHierarchy.from_dict("csi", NESTED, weights=WEIGHTS, scale=(1, 7))
    mean = np.array([4.0, 4.5, 5.0, 3.5, 4.0])
    truth = (mean - 1) / 6 * 100 @ np.array(PRODUCTS)
    hits = np.zeros(2)
    for _ in range(1000):
        X = mean + rng.normal(size=(60, 1)) * 0.5 + rng.normal(size=(60, 5)) * 0.5
        frame = pd.DataFrame(np.clip(X, 1, 7), columns=ITEMS)
        for k in range(2):
            if k:
                frame = frame.mask(rng.random(frame.shape) < 0.1)
            found = sat.quality.hierarchy_scores(tree, frame)
            low, high = (node(found, "csi", f"conf_{end}") for end in ("low", "high"))
            hits[k] += low <= truth <= high
    assert ((hits / 1000 > 0.925) & (hits / 1000 < 0.97)).all(), hits
