"""Zones of tolerance against scipy, statsmodels and hand-made algebra."""

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

import satmetrics as sat
from satmetrics.errors import DataError, OptionError, SatmetricsError
from satmetrics.gap.tolerance_zones import zones
from satmetrics.survey.survey import Survey

DIMENSIONS = {"a": [0, 1, 2], "b": [3, 4]}
A, D, P = ([f"{form}{j}" for j in range(5)] for form in ("min", "des", "per"))
LISTS = {"minimum": A, "desired": D, "perception": P, "dimensions": DIMENSIONS}
PAIRS = {"adequacy": ("per", "min"), "superiority": ("per", "des")}
PAIRS["width"] = ("des", "min")


def answers(n=90, missing=0.0, seed=5):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 1))
    columns = {}
    for names, centre in ((A, 4.8), (D, 7.6), (P, 6.1)):
        X = np.clip(np.rint(centre + base + 1.2 * rng.normal(size=(n, 5))), 1, 9)
        X[rng.random(X.shape) < missing] = np.nan
        columns |= dict(zip(names, X.T, strict=True))
    frame = pd.DataFrame(columns)
    frame["shop"] = rng.choice(["north", "south", "west"], n)
    frame["w"] = np.round(rng.uniform(0.5, 3, n), 2)
    frame["block"] = np.arange(n) // 3
    frame["region"] = np.arange(n) // 30
    return frame


def item(result, j, term):
    rows = result.rows("item").to_frame()
    return rows[(rows["item"] == f"per{j}") & (rows["term"] == term)].iloc[0]


def triples(frame, j):
    return frame[[f"min{j}", f"des{j}", f"per{j}"]].dropna()


def test_adequacy_superiority_and_width_equal_scipy_on_complete_triples():
    frame = answers(missing=0.1)
    result = zones(frame, **LISTS)
    for j in range(5):
        whole = triples(frame, j)
        for term, (one, other) in PAIRS.items():
            row = item(result, j, term)
            test = stats.ttest_rel(whole[f"{one}{j}"], whole[f"{other}{j}"])
            low, high = test.confidence_interval(0.95)
            assert row["n"] == len(whole)
            assert row["estimate"] == pytest.approx(
                (whole[f"{one}{j}"] - whole[f"{other}{j}"]).mean(), abs=1e-12
            )
            assert row["statistic"] == pytest.approx(test.statistic, rel=1e-10)
            assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-8)
            assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))


def test_adequacy_less_superiority_is_the_width_everywhere():
    table = zones(answers(missing=0.2), **LISTS, by="shop").table
    parts = {term: table.where(term=term)["estimate"] for term in PAIRS}
    assert parts["adequacy"] - parts["superiority"] == pytest.approx(
        parts["width"], abs=1e-12
    )


def position(X):
    """Position and delta error from the covariance matrix of three means."""
    a, d, p = X.mean(axis=0)
    r = (p - a) / (d - a)
    slope = np.array([(r - 1) / (d - a), -r / (d - a), 1 / (d - a)])
    return r, np.sqrt(slope @ np.cov(X.T) @ slope / len(X))


def test_position_has_the_delta_error_of_the_three_means():
    frame = answers(missing=0.1)
    result = zones(frame, **LISTS)
    for j in range(5):
        r, error = position(triples(frame, j).to_numpy())
        row = item(result, j, "position")
        assert row["estimate"] == pytest.approx(r, rel=1e-10)
        assert row["std_error"] == pytest.approx(error, rel=1e-10)
        half = stats.t.ppf(0.975, row["df"]) * error
        assert (row["conf_low"], row["conf_high"]) == pytest.approx(
            (r - half, r + half)
        )
        assert np.isnan(row["p_value"])


def scores(frame, members, at_least):
    """Means of (A, D, P) over complete triples, respondent by respondent."""
    found = []
    for _, row in frame.iterrows():
        cells = [[row[f"{f}{j}"] for f in ("min", "des", "per")] for j in members]
        whole = [cell for cell in cells if not np.isnan(cell).any()]
        enough = whole and len(whole) >= at_least * len(members)
        found.append(np.mean(whole, axis=0) if enough else [np.nan] * 3)
    return np.array(found)


@pytest.mark.parametrize("at_least", [0.01, 0.5, 1.0])
def test_dimensions_and_overall_follow_the_minimum_answered_rule(at_least):
    frame = answers(missing=0.15)
    result = zones(frame, **LISTS, min_answered=at_least)
    overall = result.rows("overall").where(variant="mean of items", term="adequacy")
    whole = scores(frame, range(5), at_least)
    kept = whole[~np.isnan(whole[:, 0])]
    assert overall["n"][0] == len(kept)
    assert overall["estimate"][0] == pytest.approx((kept[:, 2] - kept[:, 0]).mean())
    for name, members in DIMENSIONS.items():
        own = scores(frame, members, at_least)
        own = own[~np.isnan(own[:, 0])]
        rows = result.rows("dimension").where(dimension=name)
        assert rows["n"].tolist() == [len(own)] * 8
        assert rows.where(term="position")["estimate"][0] == pytest.approx(
            position(own)[0]
        )
        assert rows.where(term="superiority")["std_error"][0] == pytest.approx(
            stats.sem(own[:, 2] - own[:, 1])
        )


def test_respondents_are_below_inside_above_or_without_a_zone():
    frame = answers(missing=0.1)
    result = zones(frame, **LISTS, level=0.9)
    for j in range(5):
        a, d, p = triples(frame, j).to_numpy().T
        no_zone = a > d
        counts = {
            "below": ((p < a) & ~no_zone).sum(),
            "inside": ((a <= p) & (p <= d)).sum(),
            "above": ((p > d) & ~no_zone).sum(),
            "inverted": no_zone.sum(),
        }
        assert sum(counts.values()) == len(a)
        for term, count in counts.items():
            row = item(result, j, term)
            low, high = proportion_confint(count, len(a), alpha=0.1, method="wilson")
            assert row["estimate"] == pytest.approx(count / len(a), abs=1e-12)
            assert row["conf_low"] == pytest.approx(max(low, 0), abs=1e-12)
            assert row["conf_high"] == pytest.approx(min(high, 1), abs=1e-12)


def test_inversions_are_counted_per_item_and_respondent():
    frame = answers(missing=0.1)
    result = zones(frame, **LISTS)
    flags = np.column_stack(
        [
            (frame[f"min{j}"] > frame[f"des{j}"]) & frame[f"per{j}"].notna()
            for j in range(5)
        ]
    )
    assert flags.any()
    assert result.inverted_items["inversions"].tolist() == flags.sum(axis=0).tolist()
    per_row = pd.Series(flags.sum(axis=1)).value_counts().sort_index()
    assert result.inverted_respondents["inversions"].tolist() == per_row.index.tolist()
    assert result.inverted_respondents["respondents"].tolist() == per_row.tolist()
    text = str(result.summary())
    people = (flags.any(axis=1)).sum()
    assert f"{flags.sum()} answers of {people} respondents" in text


def test_excluded_inversions_are_missing_answers_that_are_counted():
    frame = answers(missing=0.1)
    blank = frame.copy()
    lost = 0
    for j in range(5):
        turned = (frame[f"min{j}"] > frame[f"des{j}"]) & frame[f"per{j}"].notna()
        blank.loc[turned, f"min{j}"] = np.nan
        lost += int(turned.sum())
    found, by_hand = zones(frame, **LISTS, inversions="exclude"), zones(blank, **LISTS)
    pd.testing.assert_frame_equal(found.to_frame(), by_hand.to_frame())
    said = {e.reason: e.n for e in found.context.exclusions}
    assert said["the minimum exceeds the desired level"] == lost
    assert "left out" in str(found.summary())
    assert (found.rows("item").where(term="inverted")["estimate"] == 0).all()


def test_weighted_means_and_taylor_errors():
    frame = answers(missing=0.1)
    result = zones(Survey(frame, weight="w"), **LISTS)
    for j in range(5):
        whole = frame[[f"min{j}", f"des{j}", f"per{j}", "w"]].dropna().to_numpy()
        X, w = whole[:, :3], whole[:, 3]
        means = w @ X / w.sum()
        residual = (X - means) * w[:, None]
        V = len(w) / (len(w) - 1) * residual.T @ residual / w.sum() ** 2
        a, d, p = means
        r = (p - a) / (d - a)
        slopes = {
            "adequacy": [-1, 0, 1],
            "superiority": [0, -1, 1],
            "width": [-1, 1, 0],
            "position": np.array([r - 1, -r, 1]) / (d - a),
        }
        for term, slope in slopes.items():
            row = item(result, j, term)
            error = np.sqrt(np.asarray(slope) @ V @ np.asarray(slope))
            assert row["std_error"] == pytest.approx(error, rel=1e-10)
        inside = (X[:, 0] <= X[:, 2]) & (X[:, 2] <= X[:, 1])
        share = w[inside].sum() / w.sum()
        n_eff = w.sum() ** 2 / (w**2).sum()
        row = item(result, j, "inside")
        assert row["estimate"] == pytest.approx(share)
        assert row["n_eff"] == pytest.approx(n_eff)
        low, high = proportion_confint(share * n_eff, n_eff, method="wilson")
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))
        spread = w * (inside - share)
        error = np.sqrt(len(w) / (len(w) - 1) * (spread**2).sum()) / w.sum()
        assert row["std_error"] == pytest.approx(error, rel=1e-10)


def clustered_error(values, w, frame):
    """Standard error of a weighted mean, stratum by stratum, cluster by cluster."""
    mean = (w * values).sum() / w.sum()
    pieces = pd.Series(w * (values - mean) / w.sum(), index=frame.index)
    variance = 0.0
    for _, stratum in frame.groupby("region"):
        totals = pieces[stratum.index].groupby(stratum["block"]).sum()
        n = len(totals)
        variance += n / (n - 1) * ((totals - totals.mean()) ** 2).sum()
    return np.sqrt(variance)


def test_clusters_and_strata_count_in_errors_and_limits():
    frame = answers()
    survey = Survey(frame, weight="w", cluster="block", stratum="region")
    result = zones(survey, **LISTS)
    w = frame["w"]
    a, d, p = (frame[f"{form}2"] for form in ("min", "des", "per"))
    row = item(result, 2, "position")
    u, v = p - a, d - a
    r, width = row["estimate"], (w * v).sum() / w.sum()
    assert row["std_error"] == pytest.approx(
        clustered_error((u - r * v) / width, w, frame), rel=1e-9
    )
    assert row["df"] == 30 - 3
    assert item(result, 2, "superiority")["std_error"] == pytest.approx(
        clustered_error(p - d, w, frame), rel=1e-9
    )
    inside = ((a <= p) & (p <= d)).astype(float)
    row = item(result, 2, "inside")
    error = clustered_error(inside, w, frame)
    assert row["std_error"] == pytest.approx(error, rel=1e-9)
    share = row["estimate"]
    n_eff = min(1 + share * (1 - share) / error**2, len(frame))
    n_eff *= (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 27)) ** 2
    assert row["n_eff"] == pytest.approx(n_eff)
    low, high = proportion_confint(share * n_eff, n_eff, method="wilson")
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high))


def test_groups_equal_each_group_alone():
    frame = answers(missing=0.1)
    together = zones(Survey(frame, weight="w", unit="shop"), **LISTS, by="unit")
    for shop in ("north", "south", "west"):
        alone = zones(Survey(frame[frame["shop"] == shop], weight="w"), **LISTS).table
        part = together.table.where(shop=shop)
        for name in alone.names:
            if alone[name].dtype.kind == "f":
                assert part[name] == pytest.approx(
                    alone[name], rel=1e-9, abs=1e-12, nan_ok=True
                )
            else:
                assert part[name].tolist() == alone[name].tolist()


def test_holm_is_within_a_term_and_level():
    frame = zones(answers(n=25), **LISTS).to_frame()
    for term in PAIRS:
        items = frame[(frame["level"] == "item") & (frame["term"] == term)]
        adjusted = multipletests(items["p_value"], method="holm")[1]
        assert items["p_holm"].to_numpy() == pytest.approx(adjusted, rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_and_items_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    frame = answers(n=40, missing=0.1, seed=seed)
    turn = rng.permutation(5)
    place = {int(j): k for k, j in enumerate(turn)}
    other = zones(
        frame.iloc[rng.permutation(len(frame))],
        minimum=[f"min{j}" for j in turn],
        desired=[f"des{j}" for j in turn],
        perception=[f"per{j}" for j in turn],
        dimensions={d: [place[j] for j in own] for d, own in DIMENSIONS.items()},
    ).to_frame()
    labels = ["level", "dimension", "item", "variant", "term"]
    pd.testing.assert_frame_equal(
        zones(frame, **LISTS).to_frame().sort_values(labels, ignore_index=True),
        other.sort_values(labels, ignore_index=True),
        rtol=1e-8,
        atol=1e-11,
    )


def test_a_row_twice_is_a_weight_of_two_for_estimates():
    frame = answers(missing=0.1).assign(w=1.0)
    frame.loc[:9, "w"] = 2.0
    twice = pd.concat([frame, frame.iloc[:10]], ignore_index=True)
    found, reference = zones(Survey(frame, weight="w"), **LISTS), zones(twice, **LISTS)
    assert found.table["estimate"] == pytest.approx(
        reference.table["estimate"], rel=1e-12, abs=1e-15
    )


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_every_dataframe_library_gives_identical_results(library):
    frame = answers(missing=0.1)
    mine, other = zones(frame, **LISTS), zones(library(frame), **LISTS)
    pd.testing.assert_frame_equal(mine.to_frame(), other.to_frame(), check_exact=True)
    assert mine.context == other.context


def one_item(a, d, p):
    frame = pd.DataFrame({"a": a, "d": d, "p": p}, dtype=float)
    result = zones(frame, minimum=["a"], desired=["d"], perception=["p"])
    return result.rows("item")


def test_a_negative_zone_has_no_position_and_no_class():
    rows = one_item([6, 7, 5], [4, 5, 5], [5, 6, 4])
    assert np.isnan(rows.where(term="position")["estimate"][0])
    assert "negative zone" in rows.where(term="position")["reason"][0]
    assert set(rows["zone"]) == {""}
    assert rows.where(term="inverted")["estimate"][0] == pytest.approx(2 / 3)
    assert rows.where(term="width")["estimate"][0] == pytest.approx(-4 / 3)


def test_a_zone_without_width_has_no_position():
    rows = one_item([5, 6, 4], [5, 6, 4], [6, 6, 3])
    place = rows.where(term="position")
    assert np.isnan(place["estimate"][0])
    assert place["reason"][0] == "the zone has no width: no position"


def test_a_width_that_cannot_be_told_from_zero_leaves_no_limits():
    rows = one_item([5, 6, 4, 7], [6, 5, 6, 7], [6, 6, 3, 5])
    width, place = rows.where(term="width"), rows.where(term="position")
    assert width["estimate"][0] > 0 > width["conf_low"][0]
    assert np.isfinite(place["estimate"][0])
    assert np.isnan([place["conf_low"][0], place["conf_high"][0]]).all()
    assert "Fieller" in place["reason"][0]


@pytest.mark.parametrize(
    ("p", "zone"), [(3, "below"), (4, "inside"), (7, "inside"), (8, "above")]
)
def test_the_class_of_the_means_has_its_ends_inside(p, zone):
    rows = one_item([4, 4, 4], [7, 7, 7], [p - 1, p, p + 1])
    assert set(rows["zone"]) == {zone}


def test_instruments_of_three_columns_are_read_by_name():
    spec = sat.instruments.load("libqual")
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({c: rng.integers(1, 10, 30) for c in spec.columns()})
    by_name = zones(frame, "libqual")
    order = [i.id for d in spec.dimensions for i in spec.items_of(d.id)]
    blocks, at = {}, 0
    for d in spec.dimensions:
        k = len(spec.items_of(d.id))
        blocks[d.id], at = range(at, at + k), at + k
    listed = zones(
        frame,
        minimum=[f"m_{i}" for i in order],
        desired=[f"d_{i}" for i in order],
        perception=[f"p_{i}" for i in order],
        dimensions=blocks,
    )
    assert by_name.table["estimate"] == pytest.approx(
        listed.table["estimate"], nan_ok=True
    )
    assert by_name.rows("item")["item"][0] == order[0]


def test_a_summary_is_short_and_says_which_way_is_good():
    frame = answers(n=200)
    frame["shop"] = [f"shop {i % 40}" for i in range(200)]
    summary = zones(frame, **LISTS, by="shop").summary()
    assert all(len(part.rows) <= 31 for part in summary.sections)
    text = str(summary)
    assert "positive is good" in text
    assert "more rows" in text
    assert "neutral" not in text
    assert "advantage" not in text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"minimum": None}, "missing-argument"),
        ({"minimum": A[:4]}, "unequal-lists"),
        ({"minimum": A[::-1]}, "order-differs"),
        ({"desired": A}, "same-column"),
        ({"inversions": "drop"}, "unknown-option"),
        ({"min_answered": 0}, "bad-share"),
        ({"instrument": "libqual"}, "two-designs"),
        ({"level": 0.05}, "bad-level"),
        ({"by": "term"}, "columns-not-found"),
        ({"minimum": [*A[:4], "nin4"]}, "columns-not-found"),
    ],
)
def test_wrong_arguments_are_named(change, code):
    with pytest.raises(SatmetricsError) as caught:
        zones(answers(), **{**LISTS, **change})
    assert caught.value.code == code


def test_instruments_without_the_three_forms_are_refused():
    with pytest.raises(OptionError, match="has no minimum form") as caught:
        zones(answers(), "servqual")
    assert caught.value.code == "no-form"
    with pytest.raises(OptionError) as caught:
        zones(answers())
    assert caught.value.code == "no-instrument"
    with pytest.raises(OptionError) as caught:
        zones("libqual", answers())
    assert caught.value.code == "swapped-arguments"


def test_forms_on_different_scales_are_refused():
    frame = answers()
    frame.loc[0, A + D + P] = 9
    scales = {**dict.fromkeys(A + D, (1, 9)), **dict.fromkeys(P, (1, 10))}
    with pytest.raises(DataError, match="'min0' is answered on 1-9 and 'per0' on 1-10"):
        zones(Survey(frame, scale=scales), **LISTS)
    known = dict.fromkeys(A, (1, 9))
    assert len(zones(Survey(frame, scale=known), **LISTS).table)


@pytest.mark.parametrize("missing", ["listwise", "error"])
def test_missing_policies(missing):
    frame = answers(missing=0.05)
    if missing == "error":
        with pytest.raises(DataError, match="answers are missing"):
            zones(frame, **LISTS, missing=missing)
        return
    whole = frame.dropna(subset=A + D + P)
    assert zones(frame, **LISTS, missing=missing).table["n"].tolist() == (
        zones(whole, **LISTS).table["n"].tolist()
    )
