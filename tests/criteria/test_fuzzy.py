"""Shares of grades and fuzzy comprehensive evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.quality import IndexHierarchy

GRADES = {"good": (6, 7), "fair": (4, 5), "poor": (1, 3)}
BLOCKS = {"A": ["a1", "a2"], "B": ["b1"]}
OPERATORS = ("weighted_mean", "max_min", "max_product", "min_bounded_sum")


@pytest.fixture(scope="module")
def restaurant(reference):
    return reference("fuzzy_restaurant")


@pytest.fixture
def answers(rng) -> pd.DataFrame:
    frame = pd.DataFrame(rng.integers(1, 8, (150, 3)).astype(float))
    frame.columns = ["a1", "a2", "b1"]
    frame["shop"] = np.where(np.arange(150) % 3, "x", "y")
    frame["branch"] = np.arange(150) % 15
    frame["w"] = rng.integers(1, 4, 150).astype(float)
    return frame


def given(case: dict, **more: object) -> object:
    names = case["criteria"]
    return sat.quality.fuzzy_evaluation(
        dict(zip(names, case["weights"], strict=True)),
        dict(zip(names, case["shares"], strict=True)),
        grades=case["grades"],
        **more,
    )


@pytest.mark.parametrize("operator", ["weighted_mean", "max_min"])
def test_the_worked_example_is_reproduced(restaurant, operator):
    found = given(restaurant, operator=operator)
    rows = found.rows("membership", level="overall")
    np.testing.assert_allclose(
        rows["estimate"].astype(float), restaurant[operator]["B"], atol=1e-12
    )
    assert set(rows["verdict"]) == {restaurant[operator]["verdict"]}
    assert ("information is lost" in str(found)) == (operator == "max_min")
    assert found.operator == operator
    text = str(found)
    assert ("M(·,+)" if operator == "weighted_mean" else "M(∧,∨)") in text


def test_operators_equal_their_definitions(restaurant):
    a, R = np.array(restaurant["weights"]), np.array(restaurant["shares"])
    for operator in OPERATORS:
        found = given(restaurant, operator=operator, scores=[95, 80, 65, 50])
        B = []
        for k in range(4):
            pairs = [(a[j], R[j, k]) for j in range(4)]
            B.append(
                {
                    "weighted_mean": sum(x * r for x, r in pairs),
                    "max_min": max(min(x, r) for x, r in pairs),
                    "max_product": max(x * r for x, r in pairs),
                    "min_bounded_sum": min(1, sum(min(x, r) for x, r in pairs)),
                }[operator]
            )
        rows = found.rows("membership", level="overall")
        np.testing.assert_allclose(rows["estimate"].astype(float), B)
        norm = np.array(B) / sum(B)
        np.testing.assert_allclose(rows["normalised"].astype(float), norm)
        score = found.rows("score", level="overall")["estimate"][0]
        assert score == pytest.approx(norm @ [95, 80, 65, 50])


def test_ties_are_told():
    found = sat.quality.fuzzy_evaluation(
        {"a": 0.5, "b": 0.5},
        {"a": [0.7, 0.3], "b": [0.3, 0.7]},
        grades=["good", "bad"],
    )
    rows = found.rows("membership", level="overall")
    assert rows["verdict"].tolist() == ["tie: good, bad"] * 2
    assert rows["highest"].tolist() == [True, True]


def test_memberships_climb_the_hierarchy():
    tree = IndexHierarchy.from_dict(
        "i",
        {"f": {"x": 0.6, "y": 0.4}, "g": ["z"]},
        weights={"f": 0.3, "g": 0.7},
    )
    R = {"x": [0.2, 0.8], "y": [0.5, 0.5], "z": [0.9, 0.1]}
    mean = sat.quality.fuzzy_evaluation(tree, R)
    flat = sat.quality.fuzzy_evaluation(tree.item_weights(), R)
    one = mean.rows("membership", level="index")["estimate"]
    two = flat.rows("membership", level="overall")["estimate"]
    np.testing.assert_allclose(one.astype(float), two.astype(float))
    assert set(mean.table["level"]) == {"index", "factor", "item"}
    lossy = sat.quality.fuzzy_evaluation(tree, R, operator="max_min")
    f = [max(min(0.6, R["x"][k]), min(0.4, R["y"][k])) for k in range(2)]
    top = [max(min(0.3, f[k]), min(0.7, R["z"][k])) for k in range(2)]
    rows = lossy.rows("membership", level="index")["estimate"]
    np.testing.assert_allclose(rows.astype(float), top)


def test_shares_are_means_of_respondents_shares(answers):
    survey = sat.Survey(answers, weight="w")
    found = sat.quality.grade_shares(survey, BLOCKS, grades=GRADES)
    w = answers["w"].to_numpy()
    columns = []
    for items in BLOCKS.values():
        for low, high in GRADES.values():
            own = ((answers[items] >= low) & (answers[items] <= high)).mean(axis=1)
            columns.append(own.to_numpy())
    X = np.column_stack(columns)
    mean = np.average(X, axis=0, weights=w)
    np.testing.assert_allclose(found.table["estimate"].astype(float), mean)
    U = (w[:, None] * (X - mean)) / w.sum()
    np.testing.assert_allclose(found.cov[0], 150 / 149 * U.T @ U, atol=1e-15)


@pytest.mark.parametrize("roles", [{}, {"weight": "w"}, {"cluster": "branch"}])
def test_the_score_of_a_weighted_mean_is_a_mean_of_respondents(answers, roles):
    survey = sat.Survey(answers, **roles)
    shares = sat.quality.grade_shares(survey, BLOCKS, grades=GRADES)
    found = sat.quality.fuzzy_evaluation(
        {"A": 0.7, "B": 0.3}, shares, scores={"poor": 0, "fair": 50, "good": 100}
    )
    value = answers[["a1", "a2", "b1"]].apply(
        lambda x: np.select([x >= 6, x >= 4], [100.0, 50.0], 0.0)
    )
    own = 0.35 * value["a1"] + 0.35 * value["a2"] + 0.3 * value["b1"]
    tree = IndexHierarchy.from_dict("own", {"score": 1})
    mean = sat.quality.hierarchy_scores(
        tree, sat.Survey(answers.assign(score=own), **roles), metric="raw"
    )
    row = found.rows("score", level="overall")
    for column in ("estimate", "std_error", "conf_low"):
        assert row[column][0] == pytest.approx(mean.table[column][0], rel=1e-9)


def test_groups_are_evaluated_one_by_one(answers):
    how = {"operator": "max_product", "scores": [100, 50, 0], "n_draws": 0}
    weights = {"A": 0.7, "B": 0.3}
    shares = sat.quality.grade_shares(answers, BLOCKS, grades=GRADES, by="shop")
    batch = sat.quality.fuzzy_evaluation(weights, shares, **how).to_frame()
    for shop in "xy":
        part = answers[answers["shop"] == shop].reset_index(drop=True)
        alone = sat.quality.fuzzy_evaluation(
            weights, sat.quality.grade_shares(part, BLOCKS, grades=GRADES), **how
        )
        own = batch[batch["shop"] == shop].drop(columns="shop").reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone.to_frame())


def test_linear_errors_and_draws_agree_where_both_are_right(answers):
    shares = sat.quality.grade_shares(answers, BLOCKS, grades=GRADES)
    weights = {"A": 0.5, "B": 0.5}
    scores = [100, 50, 0]
    linear = sat.quality.fuzzy_evaluation(weights, shares, scores=scores)
    from satmetrics.criteria import _fuzzy as kernel

    rng = np.random.default_rng(1)
    R = kernel.drawn_shares(shares.matrix()[0], shares.cov[0], 20_000, rng)
    B = np.array([0.5, 0.5]) @ R
    spread = (B @ scores).std(ddof=1)
    own = linear.rows("score", level="overall")["std_error"][0]
    assert own == pytest.approx(spread, rel=0.03)
    drawn = sat.quality.fuzzy_evaluation(
        weights, shares, scores=scores, operator="max_min", rng=1
    )
    assert drawn.n_draws == 2000
    assert (drawn.table["std_error"].astype(float) >= 0).all()
    assert "draws of the shares by normal theory" in str(drawn)
    again = sat.quality.fuzzy_evaluation(
        weights, shares, scores=scores, operator="max_min", rng=1
    )
    pd.testing.assert_frame_equal(drawn.to_frame(), again.to_frame())


def test_answers_in_no_grade_are_counted_and_missing_passed_over():
    frame = pd.DataFrame({"a": [1, 2, 3, np.nan, 5], "b": [5, 5, np.nan, np.nan, 1]})
    grades = {"low": 1, "high": (3, 5)}
    found = sat.quality.grade_shares(frame, {"X": ["a", "b"]}, grades=grades)
    # respondents: (low, high), (–, high), (high, –), nothing, (high, low)
    np.testing.assert_allclose(found.matrix()[0, 0], [1 / 4, 3 / 4])
    assert found.table["n"].tolist() == [4, 4]
    assert "1 answers left out in X: in no grade" in found.context.sentences()


def test_dimensions_of_an_instrument_are_criteria(bank):
    found = sat.quality.grade_shares(bank, grades=GRADES)
    spec = bank.instrument
    assert found.dimensions == tuple(d.id for d in spec.dimensions)
    items = [spec.column(f"tan{k}", "perception") for k in range(1, 5)]
    alone = sat.quality.grade_shares(bank, {"tangibles": items}, grades=GRADES)
    np.testing.assert_allclose(found.matrix()[0, 0], alone.matrix()[0, 0])


def test_libraries_change_nothing(answers):
    own = sat.quality.grade_shares(answers, BLOCKS, grades=GRADES, by="shop")
    other = sat.quality.grade_shares(
        pl.from_pandas(answers), BLOCKS, grades=GRADES, by="shop"
    )
    pd.testing.assert_frame_equal(own.to_frame(), other.to_frame())


@pytest.mark.parametrize(
    ("grades", "said"),
    [
        ({"good": (5, 7), "fair": (3, 5)}, "overlap at 5"),
        ({"good": (7, 5), "fair": 3}, "grade 'good' is"),
        ({"good": 7}, "at least two"),
        (["good", "bad"], "as grades=; give a dict"),
        ({"good": (8, 9), "best": 10}, "no answer to 'A' lies in a grade"),
    ],
)
def test_grades_that_make_no_sense(answers, grades, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.grade_shares(answers, BLOCKS, grades=grades)


@pytest.mark.parametrize(
    ("weights", "shares", "more", "said"),
    [
        ({"a": 1}, {"a": [0.5, 0.7]}, {}, "memberships of 'a' are"),
        ({"a": 1}, {"a": [1.5, -0.5]}, {}, "memberships of 'a' are"),
        ({"a": 1}, {"b": [1, 0]}, {}, "names the unknown 'b'"),
        ({"a": 1, "b": 1}, {"a": [1, 0]}, {}, "has nothing for 'b'"),
        ({"a": -1}, {"a": [1, 0]}, {}, "weight of 'a' is -1"),
        ({"a": 1}, {"a": [1, 0]}, {"operator": "maxmin"}, "did you mean 'max_min'"),
        ({"a": 1}, {"a": [1, 0]}, {"scores": [1]}, "for 2 grades"),
        ({"a": 1}, {"a": [1, 0]}, {"grades": ["x"]}, "memberships of 'a'"),
        ({"a": 1}, [[1, 0]], {}, "memberships are a list"),
    ],
)
def test_evaluations_that_make_no_sense(weights, shares, more, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.fuzzy_evaluation(weights, shares, **more)


def test_weights_that_do_not_sum_are_divided_and_said_so():
    shares = {"a": [1, 0], "b": [0, 1]}
    found = sat.quality.fuzzy_evaluation({"a": 3, "b": 1}, shares)
    rows = found.rows("membership", level="overall")
    assert rows["estimate"].tolist() == [0.75, 0.25]
    assert any("sum to 4" in note for note in found.context.notes)


@pytest.mark.slow
def test_intervals_of_scores_cover_the_population():
    rng = np.random.default_rng(4)
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
    v, a = np.array([100.0, 50.0, 0.0]), np.array([0.6, 0.4])
    truth = a @ p @ v
    hits = 0
    for _ in range(1000):
        columns = {k: rng.choice([7, 5, 1], 80, p=q) for k, q in zip("AB", p)}  # noqa: B905
        shares = sat.quality.grade_shares(
            pd.DataFrame(columns), ["A", "B"], grades={"g": 7, "f": 5, "p": 1}
        )
        found = sat.quality.fuzzy_evaluation({"A": 0.6, "B": 0.4}, shares, scores=v)
        row = found.rows("score", level="overall")
        hits += row["conf_low"][0] <= truth <= row["conf_high"][0]
    assert 925 < hits < 970, hits
