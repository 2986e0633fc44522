"""Gaps from answers against scipy, statsmodels and hand-made algebra."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from satmetrics._result import read_result
from satmetrics.gap.gaps import gaps
from satmetrics.survey.survey import Survey

DIMENSIONS = {"a": [0, 1, 2], "b": [3, 4]}
E_COLUMNS = [f"e{j}" for j in range(5)]
P_COLUMNS = [f"p{j}" for j in range(5)]
LISTS = {
    "expectation": E_COLUMNS,
    "perception": P_COLUMNS,
    "dimensions": DIMENSIONS,
}


def answers(n=80, missing=0.0, seed=3):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    E = np.clip(np.rint(5.5 + base + rng.normal(size=(n, 5))), 1, 7)
    P = np.clip(np.rint(5.0 + base + rng.normal(size=(n, 5))), 1, 7)
    X = np.hstack([E, P])
    X[rng.random(X.shape) < missing] = np.nan
    frame = pd.DataFrame(X, columns=E_COLUMNS + P_COLUMNS)
    frame["shop"] = rng.choice(["north", "south", "west"], n)
    frame["w"] = np.round(rng.uniform(0.5, 3, n), 2)
    return frame


def rows(result, level):
    return result.rows(level).to_frame()


def test_items_equal_scipy_paired_t_on_complete_pairs():
    frame = answers(missing=0.1)
    found = rows(gaps(frame, **LISTS), "item")
    for j, row in found.iterrows():
        pair = frame[[f"e{j}", f"p{j}"]].dropna()
        test = stats.ttest_rel(pair[f"p{j}"], pair[f"e{j}"])
        low, high = test.confidence_interval(0.95)
        assert row["n"] == len(pair)
        assert row["statistic"] == pytest.approx(test.statistic, rel=1e-12)
        assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-10)
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))
        assert row["df"] == test.df
        difference = pair[f"p{j}"] - pair[f"e{j}"]
        assert row["d_z"] == pytest.approx(difference.mean() / difference.std())


def dimension_scores(frame, at_least):
    """The rule of the definition, respondent by respondent."""
    scores = {}
    for name, members in DIMENSIONS.items():
        values = []
        for _, row in frame.iterrows():
            pairs = [row[f"p{j}"] - row[f"e{j}"] for j in members]
            answered = [g for g in pairs if not np.isnan(g)]
            enough = answered and len(answered) >= at_least * len(members)
            values.append(np.mean(answered) if enough else np.nan)
        scores[name] = np.array(values)
    return scores


@pytest.mark.parametrize("at_least", [0.01, 0.5, 0.6, 1.0])
def test_dimensions_follow_the_minimum_answered_rule(at_least):
    frame = answers(missing=0.25)
    result = gaps(frame, **LISTS, min_answered=at_least)
    for _, row in rows(result, "dimension").iterrows():
        scores = dimension_scores(frame, at_least)[row["dimension"]]
        kept = scores[~np.isnan(scores)]
        assert row["n"] == len(kept)
        assert row["estimate"] == pytest.approx(kept.mean(), abs=1e-12)
        assert row["std_error"] == pytest.approx(stats.sem(kept), rel=1e-12)


def test_overall_variants_are_named_and_differ_as_defined():
    frame = answers()
    overall = rows(gaps(frame, **LISTS), "overall").set_index("variant")
    g = frame[P_COLUMNS].to_numpy() - frame[E_COLUMNS].to_numpy()
    by_item = g.mean(axis=1)
    by_dimension = (g[:, :3].mean(axis=1) + g[:, 3:].mean(axis=1)) / 2
    for variant, scores in (
        ("mean of items", by_item),
        ("mean of dimensions", by_dimension),
    ):
        assert overall.loc[variant, "estimate"] == pytest.approx(scores.mean())
        assert overall.loc[variant, "std_error"] == pytest.approx(stats.sem(scores))
    assert abs(by_item.mean() - by_dimension.mean()) > 1e-3


def overall_scores(frame, at_least):
    """Both unweighted overall scores by their definition, NaN for the dropped."""
    by_dimension = np.column_stack(list(dimension_scores(frame, at_least).values()))
    by_item = frame[P_COLUMNS].to_numpy() - frame[E_COLUMNS].to_numpy()
    scores = {}
    for name, parts in (
        ("mean of dimensions", by_dimension),
        ("mean of items", by_item),
    ):
        kept = [row[~np.isnan(row)] for row in parts]
        scores[name] = np.array(
            [
                row.mean()
                if len(row) and len(row) >= at_least * parts.shape[1]
                else np.nan
                for row in kept
            ]
        )
    return scores


@pytest.mark.parametrize("at_least", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("missing", ["pairwise", "listwise"])
def test_overall_rows_count_whom_they_leave_out(at_least, missing):
    frame = answers(missing=0.3)
    frame.loc[0, E_COLUMNS] = np.nan
    used = frame.dropna() if missing == "listwise" else frame
    result = gaps(frame, **LISTS, min_answered=at_least, missing=missing)
    said = {e.where: e for e in result.context.exclusions if e.what == "respondents"}
    expected = overall_scores(used, at_least)
    for _, row in rows(result, "overall").iterrows():
        scores = expected[row["variant"]]
        kept = scores[~np.isnan(scores)]
        assert row["n"] == len(kept)
        assert row["estimate"] == pytest.approx(kept.mean(), abs=1e-12)
        left_out = len(used) - len(kept)
        assert (row["variant"] in said) == (left_out > 0)
        if left_out:
            assert said[row["variant"]].n == left_out


def test_the_mean_of_dimensions_is_said_to_be_over_respondents():
    """With one dimension missing for some it is not the mean of dimension gaps."""
    frame = answers()
    frame.loc[:29, ["p3", "p4"]] = np.nan
    result = gaps(frame, **LISTS)
    overall = rows(result, "overall")["estimate"].iloc[0]
    assert abs(overall - rows(result, "dimension")["estimate"].mean()) > 1e-3
    text = str(result.summary())
    assert "mean over respondents of the mean of the dimensions each answered" in text
    assert "from 50 % of them on" in text
    assert "counts each dimension once" not in text
    whole = gaps(answers(), **LISTS)
    assert rows(whole, "overall")["estimate"].iloc[0] == pytest.approx(
        rows(whole, "dimension")["estimate"].mean()
    )


def test_holm_equals_statsmodels_within_level():
    result = gaps(answers(n=25), **LISTS)
    for level in ("item", "dimension"):
        found = rows(result, level)
        adjusted = multipletests(found["p_value"], method="holm")[1]
        assert found["p_holm"].to_numpy() == pytest.approx(adjusted, rel=1e-12)
    overall = rows(result, "overall")
    assert (overall["p_holm"] == overall["p_value"]).all()


def test_three_states_have_wilson_limits():
    frame = answers(missing=0.1)
    found = rows(gaps(frame, **LISTS, level=0.9), "item")
    for j, row in found.iterrows():
        g = (frame[f"p{j}"] - frame[f"e{j}"]).dropna()
        for state, count in (
            ("better", (g > 0).sum()),
            ("equal", (g == 0).sum()),
            ("worse", (g < 0).sum()),
        ):
            low, high = proportion_confint(count, len(g), alpha=0.1, method="wilson")
            assert row[f"share_{state}"] == pytest.approx(count / len(g))
            assert row[f"share_{state}_low"] == pytest.approx(max(low, 0), abs=1e-12)
            assert row[f"share_{state}_high"] == pytest.approx(min(high, 1))


def test_a_mean_of_thirds_that_is_zero_counts_as_equal():
    frame = pd.DataFrame(
        {
            "e0": [1, 3],
            "e1": [1, 3],
            "e2": [1, 3],
            "p0": [2, 3],
            "p1": [2, 2],
            "p2": [-1, 4],
        }
    )
    found = gaps(
        frame,
        expectation=["e0", "e1", "e2"],
        perception=["p0", "p1", "p2"],
        dimensions={"d": [0, 1, 2]},
    )
    assert rows(found, "dimension")["share_equal"].tolist() == [1.0]


def weighted(frame):
    return Survey(frame, weight="w", unit="shop")


def test_weighted_mean_and_taylor_error():
    frame = answers(missing=0.1)
    found = rows(gaps(weighted(frame), **LISTS), "item")
    for j, row in found.iterrows():
        part = frame[[f"e{j}", f"p{j}", "w"]].dropna()
        g, w = (part[f"p{j}"] - part[f"e{j}"]).to_numpy(), part["w"].to_numpy()
        mean = DescrStatsW(g, weights=w).mean
        n = len(g)
        variance = n / (n - 1) * (w**2 * (g - mean) ** 2).sum() / w.sum() ** 2
        assert row["estimate"] == pytest.approx(mean, rel=1e-12)
        assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-12)
        assert row["n_eff"] == pytest.approx(w.sum() ** 2 / (w**2).sum())
        assert row["share_better"] == pytest.approx(w[g > 0].sum() / w.sum())
        low, high = proportion_confint(
            row["share_better"] * row["n_eff"], row["n_eff"], method="wilson"
        )
        assert (row["share_better_low"], row["share_better_high"]) == pytest.approx(
            (low, high)
        )


def test_constant_weights_change_nothing():
    frame = answers(missing=0.1).assign(w=2.5)
    plain, same = gaps(frame, **LISTS), gaps(weighted(frame), **LISTS)
    for name in ("estimate", "std_error", "p_value", "sd_gap", "share_better_low"):
        assert same.table[name] == pytest.approx(plain.table[name], rel=1e-12)


def test_a_row_twice_is_a_weight_of_two_for_estimates():
    frame = answers(missing=0.1).assign(w=1.0)
    frame.loc[:9, "w"] = 2.0
    twice = pd.concat([frame, frame.iloc[:10]], ignore_index=True)
    found, reference = gaps(weighted(frame), **LISTS), gaps(twice, **LISTS)
    for name in ("estimate", "expectation", "perception", "share_worse"):
        assert found.table[name] == pytest.approx(reference.table[name], rel=1e-12)


def test_groups_equal_each_group_alone():
    frame = answers(missing=0.1)
    together = gaps(weighted(frame), **LISTS, by="unit")
    assert together.by == ("shop",)
    for shop in ("north", "south", "west"):
        alone = gaps(weighted(frame[frame["shop"] == shop]), **LISTS)
        part = together.table.where(shop=shop)
        for name in alone.table.names:
            if alone.table[name].dtype.kind == "f":
                assert part[name] == pytest.approx(
                    alone.table[name], rel=1e-9, abs=1e-12, nan_ok=True
                )
            else:
                assert part[name].tolist() == alone.table[name].tolist()


def test_holm_is_adjusted_within_each_group():
    found = gaps(answers(n=40), **LISTS, by="shop").to_frame()
    items = found[found["level"] == "item"]
    for _, group in items.groupby("shop"):
        adjusted = multipletests(group["p_value"], method="holm")[1]
        assert group["p_holm"].to_numpy() == pytest.approx(adjusted, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_and_items_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    frame = answers(n=30, missing=0.1, seed=seed)
    shuffled = frame.iloc[rng.permutation(len(frame))]
    turn = rng.permutation(5)
    other = gaps(
        shuffled,
        dimensions={
            name: [(f"e{j}", f"p{j}") for j in turn if j in members]
            for name, members in reversed(DIMENSIONS.items())
        },
    ).to_frame()
    mine = gaps(frame, **LISTS).to_frame()
    labels = ["level", "dimension", "item", "variant"]
    pd.testing.assert_frame_equal(
        mine.sort_values(labels, ignore_index=True),
        other.sort_values(labels, ignore_index=True),
        rtol=1e-9,
        atol=1e-12,
    )


def test_swapping_expectation_and_perception_turns_the_sign():
    frame = answers(missing=0.1)
    mine = gaps(frame, **LISTS).table
    other = gaps(
        frame, expectation=P_COLUMNS, perception=E_COLUMNS, dimensions=DIMENSIONS
    ).table
    assert other["estimate"] == pytest.approx(-mine["estimate"])
    assert other["conf_low"] == pytest.approx(-mine["conf_high"])
    assert other["share_better"] == pytest.approx(mine["share_worse"])


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_every_dataframe_library_gives_identical_results(library):
    frame = answers(missing=0.1)
    mine, other = gaps(frame, **LISTS), gaps(library(frame), **LISTS)
    pd.testing.assert_frame_equal(mine.to_frame(), other.to_frame(), check_exact=True)
    assert mine.context == other.context


def test_exclusions_are_counted():
    frame = answers(n=60, missing=0.2)
    frame.loc[:4, "shop"] = None
    context = gaps(frame, **LISTS, by="shop").context
    said = {e.reason.split(",")[0]: e.n for e in context.exclusions}
    kept = frame.iloc[5:]
    lost = np.isnan(kept[P_COLUMNS].to_numpy() - kept[E_COLUMNS].to_numpy()).sum()
    assert said["expectation or perception missing"] == lost
    assert said["no value of shop"] == 5


def test_listwise_keeps_complete_respondents_only():
    frame = answers(missing=0.1)
    complete = frame.dropna()
    found = gaps(frame, **LISTS, missing="listwise")
    reference = gaps(complete, **LISTS)
    assert found.table["estimate"] == pytest.approx(reference.table["estimate"])
    assert (found.table["n"] == len(complete)).all()
    assert found.context.exclusions[0].n == len(frame) - len(complete)


def test_one_respondent_has_an_estimate_and_a_reason():
    found = gaps(answers(n=1), **LISTS).to_frame()
    assert found["estimate"].notna().all()
    assert (
        found[["std_error", "statistic", "p_value", "conf_low"]].isna().all(axis=None)
    )
    assert set(found["reason"]) == {"one respondent: no standard error"}


def test_a_constant_gap_has_no_t_and_a_reason():
    frame = answers(n=12)
    frame["p3"], frame["p4"] = frame["e3"] + 0.1, frame["e4"] + 0.1
    found = gaps(frame, **LISTS).to_frame()
    constant = found[found["dimension"] == "b"]
    assert constant["estimate"].to_numpy() == pytest.approx([0.1] * 3)
    assert (constant["std_error"] == 0).all()
    assert constant["statistic"].isna().all()
    assert constant["reason"].str.contains("same for every respondent").all()
    assert found.loc[found["dimension"] == "a", "p_holm"].notna().all()


def test_an_item_nobody_answered_is_a_row_with_a_reason():
    frame = answers(n=10)
    frame["p0"] = np.nan
    item = rows(gaps(frame, **LISTS), "item").iloc[0]
    assert item["n"] == 0
    assert np.isnan(item["estimate"])
    assert "nobody" in item["reason"]


def test_the_result_says_direction_variant_and_origin():
    text = str(gaps(answers(), **LISTS).summary())
    assert "gap = perception − expectation; positive is good" in text
    assert "mean of dimensions" in text
    assert "mean of items" in text
    assert "REAL (as supplied)" in text
    assert "Holm" in text


def test_the_result_survives_json_and_escapes_labels():
    frame = answers(n=12).rename(columns={"p0": "<b>p0"})
    result = gaps(
        frame,
        expectation=E_COLUMNS,
        perception=["<b>p0", *P_COLUMNS[1:]],
        by="shop",
    )
    assert "<b>" not in result._repr_html_()
    again = read_result(result.to_json())
    pd.testing.assert_frame_equal(again.to_frame(), result.to_frame(), check_exact=True)
    assert again.by == result.by
