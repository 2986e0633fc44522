"""Published tables: recomputed gaps, and contradictions beyond rounding."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from satmetrics import datasets
from satmetrics._result import read_result
from satmetrics.errors import DataError
from satmetrics.gap import _published as kernel
from satmetrics.gap.gap_table import gap_table

CASE = Path(__file__).parents[1] / "reference" / "patient_servqual"
PROVENANCE = tomllib.loads((CASE / "provenance.toml").read_text(encoding="utf-8"))
EXPECTED = pd.read_csv(CASE / "expected.csv")


@pytest.fixture
def patients():
    return datasets.table("patient_servqual")


def rows(result):
    frame = result.to_frame()
    return frame[frame["level"] != "overall"]


def test_the_patient_table_gives_its_gaps_and_errors(patients):
    result = gap_table(patients)
    found = rows(result)
    assert found["dimension"].tolist() == EXPECTED["dimension"].tolist()
    assert found["estimate"].round(2).tolist() == EXPECTED["gap"].tolist()
    assert (found["difference"] == 0).all()
    assert found["std_error"].to_numpy() == pytest.approx(
        EXPECTED["std_error_from_interval"].to_numpy(), abs=PROVENANCE["tolerance"]
    )
    overall = result.to_frame().iloc[-1]
    assert overall["variant"] == "mean of dimensions"
    assert round(overall["estimate"], 2) == PROVENANCE["overall_gap"]
    assert np.isnan(overall["std_error"])
    assert result.context.origin == "real"


def test_exactly_the_assurance_row_is_flagged(patients):
    result = gap_table(patients)
    assert result.flagged == ("Assurance",)
    row = rows(result).set_index("dimension").loc["Assurance"]
    assert row["statistic"] == pytest.approx(
        PROVENANCE["implied_t_of_assurance"], abs=0.05
    )
    assert row["statistic_low"] > 4.87
    assert "-4.87" in row["flag"]
    text = str(result.summary())
    assert "Assurance" in text
    assert "positive is good" in text
    assert "REAL" in text


def test_the_t_of_assurance_alone_would_need_a_negative_correlation(patients):
    """Without its interval the row is possible, at an implausible correlation."""
    alone = patients.drop(columns=["conf_low", "conf_high"])
    result = gap_table(alone)
    row = rows(result).set_index("dimension").loc["Assurance"]
    assert result.flagged == ()
    assert row["method"] == "from the statistic"
    assert row["correlation"] == pytest.approx(
        PROVENANCE["correlation_needed_by_printed_t_of_assurance"], abs=0.005
    )
    others = rows(result).query("dimension != 'Assurance'")["correlation"]
    assert others.between(0.34, 0.42).all()


def test_text_keeps_trailing_zeros_and_decimals_do_the_same(patients):
    texts = patients.map(lambda v: v if isinstance(v, (str, int)) else f"{v:.2f}")
    texts["gap"] = [t.replace("-0", "−") for t in texts["gap"]]
    one = patients.iloc[[2]]
    shortened = one.assign(expectation_mean=4.5, perception_mean=4.37)
    for other in (texts, pl.from_pandas(texts)):
        pd.testing.assert_frame_equal(
            gap_table(other).to_frame(), gap_table(patients).to_frame()
        )
    low, high = (
        gap_table(shortened, decimals=d).table["std_error_high"][0] for d in (2, 3)
    )
    assert low > high


def test_decimals_per_column_widen_one_range_only():
    table = pd.DataFrame(
        {"item": ["a"], "e": [4.0], "p": [4.3], "n": [100], "gap": [0.35]}
    )
    assert gap_table(table, decimals={"gap": 2}).flagged == ()
    strict = gap_table(table, decimals={"e": 2, "p": 2, "gap": 2})
    assert "P − E is 0.300" in strict.table["flag"][0]


def published(**changes):
    base = {
        "dimension": "x",
        "expectation_mean": "4.50",
        "expectation_sd": "1.00",
        "perception_mean": "4.00",
        "perception_sd": "1.00",
        "n": "101",
    }
    return pd.DataFrame([{**base, **changes}])


def test_methods_agree_with_hand_algebra():
    r, n = 0.28, 101
    error = np.sqrt((1 + 1 - 2 * r) / n)
    half = stats.t.ppf(0.975, n - 1) * error
    for changes, method in (
        ({"correlation": str(r)}, "from the SDs and the correlation"),
        ({"statistic": repr(float(-0.5 / error))}, "from the statistic"),
        (
            {
                "conf_low": repr(float(-0.5 - half)),
                "conf_high": repr(float(-0.5 + half)),
            },
            "from the interval",
        ),
    ):
        row = gap_table(published(**changes)).to_frame().iloc[0]
        assert row["method"] == method
        assert row["std_error"] == pytest.approx(error)
        assert row["correlation"] == pytest.approx(r)
        assert row["p_value"] == pytest.approx(2 * stats.t.sf(0.5 / error, n - 1))
        assert (row["conf_low"], row["conf_high"]) == pytest.approx(
            (-0.5 - half, -0.5 + half)
        )
        assert row["flag"] == ""


def test_sds_alone_give_bounds_and_no_test():
    row = gap_table(published(perception_sd="2.00")).to_frame().iloc[0]
    assert row["method"] == "bounds from the SDs alone"
    assert np.isnan(row["std_error"])
    assert np.isnan(row["statistic"])
    root = np.sqrt(101)
    assert row["std_error_low"] == pytest.approx((1.995 - 1.005) / root)
    assert row["std_error_high"] == pytest.approx((2.005 + 1.005) / root)


def test_means_alone_give_the_gap_only():
    table = published().drop(columns=["expectation_sd", "perception_sd"])
    row = gap_table(table).to_frame().iloc[0]
    assert row["estimate"] == -0.5
    assert row["method"] == "not available"
    assert len(gap_table(table).table) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gap": "-.52"}, "P − E is -0.500"),
        ({"gap": ".50"}, "expectation − perception"),
        ({"conf_low": "-.40", "conf_high": "-.20"}, "does not contain"),
        ({"conf_low": "-.60", "conf_high": "-.20"}, "not centred"),
        ({"statistic": "-1.00"}, "impossible"),
        ({"conf_low": "-1.50", "conf_high": ".50"}, "impossible"),
        ({"conf_low": "-.70", "conf_high": "-.30", "statistic": "-9.0"}, "allow |t|"),
    ],
)
def test_each_contradiction_is_named(changes, words):
    result = gap_table(published(**changes))
    assert words in result.table["flag"][0]
    assert result.flagged == ("x",)


@pytest.mark.parametrize(
    "changes",
    [
        {"gap": "-.51"},
        {"gap": "-.49"},
        {"conf_low": "-.70", "conf_high": "-.31"},
        {"conf_low": "-.70", "conf_high": "-.30", "statistic": "4.96"},
        {"statistic": "-5.02"},
    ],
)
def test_rounding_is_not_a_contradiction(changes):
    assert gap_table(published(**changes)).flagged == ()


def half_sds(**changes):
    return published(
        **{
            "expectation_sd": ".50",
            "perception_sd": ".50",
            "perception_mean": "4.20",
            "n": "100",
            **changes,
        }
    )


def test_a_gap_that_rounds_to_zero_gives_no_error_through_t():
    """0.00/0.10 is not an error of zero: the gap is anything up to .005."""
    table = half_sds(perception_mean="4.50", gap="0.00", statistic="0.10")
    row = gap_table(table).to_frame().iloc[0]
    assert row["method"] == "bounds from the SDs alone"
    assert row[["std_error", "conf_low", "p_value", "correlation"]].isna().all()
    assert row["std_error_high"] == pytest.approx(2 * 0.505 / 10)
    assert row["flag"] == ""
    known = gap_table(table.assign(correlation=".50")).to_frame().iloc[0]
    assert known["method"] == "from the SDs and the correlation"
    assert known["std_error"] == pytest.approx(0.05)
    bare = table.drop(columns=["expectation_sd", "perception_sd"])
    row = gap_table(bare).to_frame().iloc[0]
    assert row["method"] == "bounds from the gap and t alone"
    assert (row["std_error_low"], row["std_error_high"]) == pytest.approx(
        (0, 0.005 / 0.095)
    )


def test_an_unprinted_gap_that_may_be_zero_gives_no_error_either():
    row = gap_table(half_sds(perception_mean="4.50", statistic="0.10")).to_frame()
    assert row["std_error"].isna().all()


def test_an_interval_of_no_printed_width_gives_no_error():
    table = half_sds(conf_low="-.30", conf_high="-.30").drop(
        columns=["expectation_sd", "perception_sd"]
    )
    row = gap_table(table).to_frame().iloc[0]
    assert row["method"] == "bounds from the interval alone"
    assert np.isnan(row["std_error"])
    assert row["std_error_high"] == pytest.approx(0.005 / stats.t.ppf(0.975, 99))


def test_a_t_of_zero_beside_a_gap_is_a_contradiction():
    result = gap_table(half_sds(gap="-.30", statistic="0.00"))
    row = result.to_frame().iloc[0]
    assert "the gap and t would need a correlation" in row["flag"]
    assert "or less, which is impossible" in row["flag"]
    assert np.isnan(row["std_error"])
    assert row["std_error_high"] == pytest.approx(2 * 0.505 / 10)
    without = half_sds(gap="-.30", statistic="0.00").drop(columns="perception_sd")
    row = gap_table(without).to_frame().iloc[0]
    assert row["std_error_low"] == pytest.approx(0.295 / 0.005)
    assert row["std_error_high"] == np.inf


def test_nothing_is_said_of_the_error_where_gap_and_t_are_both_zero():
    table = half_sds(perception_mean="4.50", gap="0.00", statistic="0.00")
    assert gap_table(table).flagged == ()
    bare = table.drop(columns=["expectation_sd", "perception_sd"])
    row = gap_table(bare).to_frame().iloc[0]
    assert row["method"] == "not available"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"correlation": ".50", "gap": "-.30", "statistic": "-12.00"}, "the gap and t"),
        (
            {"correlation": ".90", "conf_low": "-.40", "conf_high": "-.20"},
            "the interval",
        ),
    ],
)
def test_a_printed_correlation_is_held_against_the_rest_of_its_row(changes, words):
    result = gap_table(half_sds(**changes))
    flag = result.table["flag"][0]
    assert f"the correlation is printed as {float(changes['correlation']):.2f}" in flag
    assert words in flag
    assert "impossible" not in flag


@pytest.mark.parametrize(
    "changes",
    [
        {"correlation": ".50", "gap": "-.30", "statistic": "-6.00"},
        {"correlation": ".49", "conf_low": "-.40", "conf_high": "-.20"},
        {"correlation": "1.00", "perception_mean": "4.50", "statistic": "0.10"},
    ],
)
def test_a_printed_correlation_that_fits_is_not_flagged(changes):
    assert gap_table(half_sds(**changes)).flagged == ()


def test_implied_correlations_stay_within_one():
    row = gap_table(half_sds()).to_frame().iloc[0]
    assert (row["correlation_low"], row["correlation_high"]) == (-1, 1)
    row = gap_table(half_sds(statistic="-3.00")).to_frame().iloc[0]
    assert row["flag"] == ""
    assert row["correlation"] == pytest.approx(-1)
    assert row["correlation_low"] == -1
    row = gap_table(half_sds(statistic="-1.00")).to_frame().iloc[0]
    assert "impossible" in row["flag"]
    assert np.isnan(row["correlation_low"])
    assert np.isnan(row["correlation_high"])


def test_a_standard_deviation_that_may_be_zero_allows_any_correlation():
    """s = .02 rounds to .0; r is then not bounded by the corners of ±.05."""
    s, r, n = 0.01, 0.9, 50
    bounds = (np.array([-0.05]), np.array([0.05])), (np.array([0.95]), np.array([1.05]))
    error = kernel.gap_error(
        np.array([s]), np.array([1.0]), np.array([r]), np.array([n])
    )
    low, high = kernel.correlation_range((error, error), *bounds, np.array([n]))
    assert low[0] <= r <= high[0]


def test_two_standard_deviations_that_may_be_zero_allow_an_error_of_zero():
    zero = np.array([-0.05]), np.array([0.05])
    r = np.array([0.5]), np.array([0.6])
    low, high = kernel.gap_error_range(zero, zero, r, np.array([25]))
    assert low[0] == 0
    assert high[0] == pytest.approx(0.05 / 5)


@pytest.mark.parametrize(
    "label", ["Overall", "TOTAL", " mean ", "总体", "合计", "总计"]
)
def test_a_printed_overall_row_is_not_one_more_dimension(patients, label):
    last = patients.iloc[[0]].assign(dimension=label)
    result = gap_table(pd.concat([last, patients], ignore_index=True))
    mine, plain = result.to_frame(), gap_table(patients).to_frame()
    assert mine["level"].tolist() == ["overall", *plain["level"]]
    assert mine["variant"].tolist() == ["as printed", *plain["variant"]]
    assert mine["dimension"][0] == label.strip()
    pd.testing.assert_frame_equal(
        mine.iloc[1:].reset_index(drop=True), plain, check_exact=True
    )
    assert mine["p_holm"][0] == mine["p_value"][0]
    assert mine["estimate"][0] == plain["estimate"][0]


def test_a_contradiction_in_a_printed_overall_row_is_named(patients):
    assurance = patients[patients["dimension"] == "Assurance"]
    table = pd.concat([patients, assurance.assign(dimension="Overall")])
    assert gap_table(table).flagged == ("Assurance", "Overall")


def test_a_table_of_an_overall_row_alone_keeps_it_as_a_row():
    assert gap_table(published(dimension="Overall")).table["level"][0] == "dimension"


def test_items_keep_the_dimension_printed_beside_them():
    rows = [("tangibles", "q1"), ("tangibles", "q2"), (None, "q3"), ("Overall", None)]
    table = pd.concat(
        [published(dimension=d, item=i, n=str(99 + len(i or ""))) for d, i in rows]
    )
    frame = gap_table(table).to_frame()
    assert frame["level"].tolist() == ["item"] * 3 + ["overall"] * 2
    assert frame["dimension"].tolist() == ["tangibles", "tangibles", "", "Overall", ""]
    assert frame["item"].tolist() == ["q1", "q2", "q3", "", ""]
    assert frame["variant"].tolist() == ["", "", "", "as printed", "mean of items"]
    assert frame["n"].tolist()[-2:] == [99, 101]


def test_division_by_what_may_be_zero_keeps_its_lower_end():
    def pair(low, high):
        return np.array([low]), np.array([high])

    for a, b, want in (
        (pair(1.0, 2.0), pair(0.0, 4.0), (0.25, np.inf)),
        (pair(0.0, 2.0), pair(0.0, 4.0), (0.0, np.inf)),
        (pair(1.0, 2.0), pair(2.0, 4.0), (0.25, 1.0)),
    ):
        low, high = kernel.over(a, b)
        assert (low[0], high[0]) == want
    assert np.isnan(kernel.over(pair(np.nan, np.nan), pair(0.0, 1.0))).all()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_true_table_is_never_flagged_however_it_is_rounded(seed, places):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    size, slope = rng.choice([0.04, 0.3, 1.0, 3.0]), rng.uniform(-1, 1.2)
    E = rng.normal(5, rng.choice([0.04, 1.0]), n)
    P = 5 + slope * (E - 5) + rng.normal(rng.choice([0, -0.3, -2]), size, n)
    test = stats.ttest_rel(P, E)
    interval = test.confidence_interval(0.95)
    figures = {
        "expectation_mean": E.mean(),
        "expectation_sd": E.std(ddof=1),
        "perception_mean": P.mean(),
        "perception_sd": P.std(ddof=1),
        "gap": (P - E).mean(),
        "conf_low": interval.low,
        "conf_high": interval.high,
        "statistic": test.statistic,
        "correlation": np.corrcoef(E, P)[0, 1],
    }
    optional = ("gap", "conf_low", "statistic", "correlation")
    dropped = {name for name in optional if rng.random() < 0.3}
    dropped |= {"conf_high"} if "conf_low" in dropped else set()
    printed = {
        name: f"{value:.{places}f}"
        for name, value in figures.items()
        if name not in dropped
    }
    result = gap_table(pd.DataFrame([{"item": "q", "n": n, **printed}]))
    assert result.table["flag"].tolist() == [""]
    row = result.to_frame().iloc[0]
    error = stats.sem(P - E)
    assert row["std_error_low"] - 1e-9 <= error <= row["std_error_high"] + 1e-9
    r = np.corrcoef(E, P)[0, 1]
    assert row["correlation_low"] - 1e-9 <= r <= row["correlation_high"] + 1e-9
    assert -1 <= row["correlation_low"] <= row["correlation_high"] <= 1
    slack = 1e-9
    if "conf_low" in dropped:
        assert np.isnan(row["statistic_low"])
    else:
        assert (
            row["statistic_low"] - slack
            <= abs(test.statistic)
            <= row["statistic_high"] + slack
        )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_ranges_hold_every_point_inside_and_are_attained(seed):
    rng = np.random.default_rng(seed)

    def interval(low, high):
        ends = np.sort(rng.uniform(low, high, 2))
        return np.array([ends[0]]), np.array([ends[1]])

    s, t, r, n = interval(0.2, 2), interval(0.2, 2), interval(-1, 1), np.array([50.0])
    axes = [np.linspace(a[0], b[0], 41) for a, b in (s, t, r)]
    S, T, C = np.meshgrid(*axes)
    errors = np.sqrt(np.maximum(S**2 + T**2 - 2 * C * S * T, 0) / 50)
    low, high = kernel.gap_error_range(s, t, r, n)
    assert low[0] <= errors.min() + 1e-12
    assert high[0] == pytest.approx(errors.max())
    assert low[0] == pytest.approx(errors.min(), abs=0.02)
    e = interval(0.05, 0.3)
    X, Y, G = np.meshgrid(*[np.linspace(a[0], b[0], 41) for a, b in (s, t, e)])
    R = (X**2 + Y**2 - 50 * G**2) / (2 * X * Y)
    low, high = kernel.correlation_range(e, s, t, n)
    assert low[0] <= R.min() + 1e-12
    assert high[0] >= R.max() - 1e-12
    assert low[0] == pytest.approx(R.min(), rel=0.02, abs=0.02)
    assert high[0] == pytest.approx(R.max(), rel=0.02, abs=0.02)


@pytest.mark.parametrize(
    ("printed", "value", "decimals"),
    [
        ("-.30", -0.3, 2),
        ("−0,3", None, 0),
        ("–.5", -0.5, 1),
        ("4", 4.0, 0),
        ("4.", 4, 0),
    ],
)
def test_figures_are_read_as_printed(printed, value, decimals):
    found = kernel.figure(printed)
    assert found == (None if value is None else (value, decimals))


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (published().drop(columns="n"), "no column 'n'"),
        (published().drop(columns="dimension"), "no column 'dimension'"),
        (
            published().rename(columns={"perception_mean": "percepton_mean"}),
            "did you mean",
        ),
        (published(statistics="-2"), "did you mean 'statistic'"),
        (published(t="-2", statistic="-2"), "both mean statistic"),
        (published(perception_mean="four"), "not a number"),
        (published(perception_mean=""), "empty in row 0"),
        (published(n="1"), "at least 2"),
        (published(n="100.5"), "whole number"),
        (published(expectation_sd="-1"), "not negative"),
        (published(correlation="1.2"), "at most 1"),
        (published(conf_low=".5", conf_high=".1"), "not above"),
        (published().iloc[:0], "no rows"),
    ],
)
def test_faults_are_named(table, match):
    with pytest.raises(DataError, match=match):
        gap_table(table)


def test_too_many_decimals_for_the_declared_ones(patients):
    with pytest.raises(DataError, match="2 decimals"):
        gap_table(patients, decimals=1)


def test_usual_names_are_understood_and_others_reported():
    table = pd.DataFrame(
        {
            "Question": ["a", "b"],
            "Mean expectation": [5.1, 5.2],
            "Mean perception": [4.1, 4.3],
            "N": [30, 40],
            "t-value": ["–", -3.2],
            "remark about the page": ["x", "y"],
        }
    )
    result = gap_table(table)
    frame = result.to_frame()
    assert frame["level"].tolist() == ["item", "item", "overall"]
    assert frame["variant"].tolist()[-1] == "mean of items"
    assert frame["method"].tolist()[:2] == ["not available", "from the statistic"]
    assert any("remark about the page" in note for note in result.context.notes)


def test_the_level_of_the_interval_matters(patients):
    ninety = rows(gap_table(patients, level=0.9))["std_error"]
    assert (ninety > rows(gap_table(patients))["std_error"]).all()


def test_the_result_survives_json(patients):
    result = gap_table(patients)
    again = read_result(result.to_json())
    pd.testing.assert_frame_equal(again.to_frame(), result.to_frame(), check_exact=True)
    assert again.flagged == ("Assurance",)


def test_labels_are_escaped():
    assert "<i>" not in gap_table(published(dimension="<i>x"))._repr_html_()
