"""Three states and direct disconfirmation against published figures and statsmodels."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import satmetrics as sat
from satmetrics.errors import DataError, SatmetricsError
from satmetrics.gap.gap_table import gap_table
from satmetrics.gap.states import disconfirmation, three_states
from satmetrics.survey.item import Dimension, Form
from satmetrics.survey.survey import Survey

REFERENCE = Path(__file__).parents[1] / "reference"
STATES = ["better", "equal", "worse"]
LISTS = {
    "expectation": [f"e{j}" for j in range(4)],
    "perception": [f"p{j}" for j in range(4)],
    "dimensions": {"a": [0, 1], "b": [2, 3]},
}


def values(case):
    return tomllib.loads((REFERENCE / case / "values.toml").read_text(encoding="utf-8"))


def answers(n=120, missing=0.0, seed=4):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 8, (n, 8)).astype(float)
    X[:, 4:] = np.clip(X[:, :4] + rng.integers(-2, 3, (n, 4)), 1, 7)
    X[rng.random(X.shape) < missing] = np.nan
    frame = pd.DataFrame(X, columns=[*LISTS["expectation"], *LISTS["perception"]])
    frame["shop"] = rng.choice(["north", "south"], n)
    frame["w"] = np.round(rng.uniform(0.5, 2, n), 2)
    frame["block"] = np.arange(n) // 4
    return frame


def test_the_three_states_of_the_hotels():
    printed = values("three_states_hotels")
    better, equal, worse = printed["counts"]
    P = np.repeat([5.0, 4.0, 3.0], [better, equal, worse])
    frame = pd.DataFrame({"e": np.full(len(P), 4.0), "p": P})
    result = three_states(frame, expectation=["e"], perception=["p"])
    rows = result.rows("item")
    shares = [100 * rows.where(term=state)["estimate"][0] for state in STATES]
    assert len(P) == printed["n"]
    assert [round(share, 1) for share in shares] == printed["shares"]
    assert sum(shares) == pytest.approx(100)
    for state, count in zip(STATES, printed["counts"], strict=True):
        row = rows.where(term=state)
        limits = proportion_confint(count, printed["n"], method="wilson")
        assert (row["conf_low"][0], row["conf_high"][0]) == pytest.approx(limits)


def test_the_paired_test_of_the_hotels_is_that_of_its_own_figures():
    printed = values("three_states_hotels")
    row = {
        "dimension": "overall score",
        "expectation_mean": "0.00000",
        "perception_mean": f"{printed['mean']:.5f}",
        "n": printed["n"],
        "gap": f"{printed['mean']:.5f}",
        "statistic": f"{printed['t']:.3f}",
    }
    found = gap_table(pd.DataFrame([row]))
    first = found.table
    assert found.flagged == ()
    assert first["p_value"][0] == pytest.approx(printed["p"], abs=5e-4)
    assert first["conf_low"][0] == pytest.approx(printed["low"], abs=5e-4)
    assert first["conf_high"][0] == pytest.approx(printed["high"], abs=5e-4)
    spread = printed["mean"] / printed["t"] * np.sqrt(printed["n"])
    g = np.random.default_rng(1).normal(size=printed["n"])
    g = printed["mean"] + spread * (g - g.mean()) / g.std(ddof=1)
    frame = pd.DataFrame({"e": 4.0, "p": 4.0 + g})
    mean = three_states(frame, expectation=["e"], perception=["p"]).rows("item")
    assert mean["term"][0] == "mean"
    assert mean["statistic"][0] == pytest.approx(printed["t"], abs=5e-4)
    assert mean["p_value"][0] == pytest.approx(printed["p"], abs=5e-4)
    assert mean["conf_low"][0] == pytest.approx(printed["low"], abs=5e-4)
    assert mean["conf_high"][0] == pytest.approx(printed["high"], abs=5e-4)


@pytest.mark.parametrize(
    "row", values("gap_abstracts")["row"], ids=lambda r: r["study"]
)
def test_gaps_of_abstracts(row):
    columns = ("n", "dimension", "expectation_mean", "expectation_sd")
    columns += ("perception_mean", "perception_sd")
    found = gap_table(pd.DataFrame([{name: row[name] for name in columns}]))
    assert found.flagged == ()
    assert found.table["estimate"][0] == pytest.approx(row["gap"], abs=row["tolerance"])
    assert found.table["estimate"][0] < 0


def test_shares_and_means_by_level_equal_plain_counting():
    frame = answers(missing=0.1)
    result = three_states(frame, **LISTS, tolerance=1)
    for j in range(4):
        g = (frame[f"p{j}"] - frame[f"e{j}"]).dropna()
        counts = [(g > 1).sum(), (g.abs() <= 1).sum(), (g < -1).sum()]
        rows = result.rows("item").where(item=f"p{j}")
        for state, count in zip(STATES, counts, strict=True):
            row = rows.where(term=state)
            low, high = proportion_confint(count, len(g), method="wilson")
            assert row["estimate"][0] == pytest.approx(count / len(g))
            assert row["conf_low"][0] == pytest.approx(low, abs=1e-12)
            assert row["conf_high"][0] == pytest.approx(high, abs=1e-12)
            assert row["n"][0] == len(g)
        test = stats.ttest_1samp(g, 0)
        assert rows.where(term="mean")["statistic"][0] == pytest.approx(test.statistic)


def test_dimension_and_overall_means_are_those_of_gaps():
    frame = answers(missing=0.15)
    survey = Survey(frame, weight="w", cluster="block", unit="shop")
    states = three_states(survey, **LISTS, by="unit").table.where(term="mean")
    gaps = sat.gaps(survey, **LISTS, by="unit").table
    for name in ("n", "estimate", "std_error", "p_value", "p_holm", "conf_low", "df"):
        assert states[name] == pytest.approx(gaps[name], rel=1e-9, nan_ok=True)
    assert states["variant"].tolist() == gaps["variant"].tolist()


def test_several_tolerances_are_rows_and_change_no_type():
    frame = answers()
    several = three_states(frame, **LISTS, tolerance=[1, 0, 0.5])
    assert type(several) is type(three_states(frame, **LISTS))
    assert several.tolerances == (0.0, 0.5, 1.0)
    table = several.to_frame()
    equal = table[(table["level"] == "overall") & (table["term"] == "equal")]
    for _, rows in equal.groupby("variant"):
        assert rows["estimate"].is_monotonic_increasing
    for width in several.tolerances:
        single = three_states(frame, **LISTS, tolerance=width).to_frame()
        part = table[(table["tolerance"] == width) | (table["term"] == "mean")]
        pd.testing.assert_frame_equal(part.reset_index(drop=True), single)


def test_a_difference_equal_to_the_tolerance_is_within_it():
    frame = pd.DataFrame({"e": [1.0, 1.0, 1.0], "p": [1.1, 1.3, 0.9]})
    rows = three_states(frame, expectation=["e"], perception=["p"], tolerance=0.1).rows(
        "item"
    )
    shares = [rows.where(term=state)["estimate"][0] for state in STATES]
    assert shares == pytest.approx([1 / 3, 2 / 3, 0])


def test_clusters_make_the_effective_n_that_of_the_linearised_error():
    frame = answers(n=160)
    frame[LISTS["perception"]] = frame.groupby("block")[LISTS["perception"]].transform(
        "first"
    )
    frame[LISTS["expectation"]] = 4.0
    alone = three_states(frame, **LISTS).rows("item").where(item="p0", term="better")
    grouped = three_states(Survey(frame, cluster="block"), **LISTS)
    row = grouped.rows("item").where(item="p0", term="better")
    better = (frame["p0"] > 4).groupby(frame["block"]).mean()
    clusters = len(better)
    error = better.std(ddof=1) / np.sqrt(clusters)
    share = better.mean()
    n_eff = 1 + share * (1 - share) / error**2
    assert n_eff == pytest.approx(clusters)
    n_eff *= (stats.norm.ppf(0.975) / stats.t.ppf(0.975, clusters - 1)) ** 2
    assert row["std_error"][0] == pytest.approx(error)
    assert row["n_eff"][0] == pytest.approx(n_eff)
    limits = proportion_confint(share * n_eff, n_eff, method="wilson")
    assert (row["conf_low"][0], row["conf_high"][0]) == pytest.approx(limits)
    assert row["conf_low"][0] < alone["conf_low"][0]


def test_where_all_clusters_agree_they_count_as_the_sample():
    frame = answers(n=80)
    frame[LISTS["expectation"]], frame[LISTS["perception"]] = 4.0, 5.0
    rows = three_states(Survey(frame, cluster="block"), **LISTS).rows("overall")
    row = rows.where(variant="mean of items", term="better")
    n_eff = 20 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 19)) ** 2
    low, _ = proportion_confint(n_eff, n_eff, method="wilson")
    assert row["estimate"][0] == 1
    assert row["n_eff"][0] == pytest.approx(n_eff)
    assert row["conf_low"][0] == pytest.approx(low)


def test_states_carry_the_words_of_the_sources():
    table = three_states(answers(), **LISTS).table
    labels = dict(zip(table["term"], table["label_zh"], strict=True))
    assert labels["better"].startswith("大于")
    assert labels["equal"].startswith("等于")
    assert labels["worse"].startswith("小于")
    assert labels["mean"] == ""


def test_the_same_service_after_another_expectation():
    """A plain cut for 15 and for 300: what differs is what was expected."""
    cuts = pd.DataFrame({"price": [15] * 3 + [300] * 3, "e": [3] * 3 + [7] * 3})
    cuts["p"] = [5, 5, 4, 5, 5, 4]
    found = three_states(cuts, expectation=["e"], perception=["p"], by="price")
    better = found.rows("item").where(term="better")
    assert better["estimate"].tolist() == [1.0, 0.0]


def direct(n=100, missing=0.0, seed=6):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, (n, 3)).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    return pd.DataFrame(X, columns=["d1", "d2", "d3"])


COLUMNS = {"columns": ["d1", "d2", "d3"], "dimensions": {"a": [0, 1], "b": [2]}}


def test_direct_disconfirmation_is_tested_against_the_neutral_point():
    frame = direct(missing=0.1)
    result = disconfirmation(Survey(frame, scale=(1, 5)), **COLUMNS)
    for name in frame:
        x = frame[name].dropna()
        rows = result.rows("item").where(item=name)
        test = stats.ttest_1samp(x, 3)
        mean = rows.where(term="mean")
        assert mean["estimate"][0] == pytest.approx(x.mean() - 3)
        assert mean["p_value"][0] == pytest.approx(test.pvalue)
        counts = [(x > 3).sum(), (x == 3).sum(), (x < 3).sum()]
        shares = [rows.where(term=state)["estimate"][0] for state in STATES]
        assert shares == pytest.approx(np.array(counts) / len(x))
    assert result.neutral == (3.0, 3.0, 3.0)
    assert "better than expected" in str(result.summary())
    assert "neutral point: 3" in str(result.summary())


def test_a_neutral_point_may_be_given_and_must_lie_on_the_scale():
    frame = direct()
    bare = disconfirmation(frame, **COLUMNS, neutral=3)
    scaled = disconfirmation(Survey(frame, scale=(1, 5)), **COLUMNS)
    assert bare.table["estimate"] == pytest.approx(scaled.table["estimate"])
    with pytest.raises(DataError, match="not on the scale 1-5"):
        disconfirmation(Survey(frame, scale=(1, 5)), **COLUMNS, neutral=6)
    with pytest.raises(DataError, match="has no scale, hence no midpoint"):
        disconfirmation(frame, **COLUMNS)


def test_a_scale_without_a_middle_answer_is_said():
    frame = direct().clip(upper=4)
    result = disconfirmation(Survey(frame, scale=(1, 4)), **COLUMNS)
    assert "midpoint 2.5 of the scale is no answer" in str(result.summary())
    items = result.rows("item").where(term="equal")
    assert items["estimate"].tolist() == [0, 0, 0]


def test_an_instrument_may_ask_disconfirmation():
    spec = sat.Instrument(
        id="direct",
        label=sat.Label("direct", "直接"),
        dimensions=(Dimension("a"), Dimension("b")),
        items=tuple(sat.Item(f"i{k}", dimension="aab"[k]) for k in range(3)),
        forms=(Form("direct", "d{item}", "disconfirmation"),),
        scale=sat.Scale(1, 5),
    )
    frame = direct()
    frame.columns = ["di0", "di1", "di2"]
    by_name = disconfirmation(frame, spec)
    plain = disconfirmation(Survey(direct(), scale=(1, 5)), **COLUMNS)
    assert by_name.table["estimate"] == pytest.approx(plain.table["estimate"])
    assert by_name.table["item"][0] == "i0"


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_every_dataframe_library_gives_identical_results(library):
    frame = answers(missing=0.1)
    mine, other = three_states(frame, **LISTS), three_states(library(frame), **LISTS)
    pd.testing.assert_frame_equal(mine.to_frame(), other.to_frame(), check_exact=True)


def test_order_of_rows_and_swapped_roles():
    frame = answers(missing=0.1)
    mine = three_states(frame, **LISTS).table
    turned = three_states(frame.iloc[::-1], **LISTS).table
    assert mine["estimate"] == pytest.approx(turned["estimate"], rel=1e-12)
    swapped = three_states(
        frame,
        expectation=LISTS["perception"],
        perception=LISTS["expectation"],
        dimensions=LISTS["dimensions"],
    ).table
    assert swapped.where(term="better")["estimate"] == pytest.approx(
        mine.where(term="worse")["estimate"]
    )


@pytest.mark.parametrize(
    "tolerance", [-0.1, "wide", True, [0, None], [], float("nan"), float("inf")]
)
def test_wrong_tolerances_are_refused(tolerance):
    with pytest.raises(SatmetricsError) as caught:
        three_states(answers(), **LISTS, tolerance=tolerance)
    assert caught.value.code in ("bad-tolerance", "wrong-kind")
    assert caught.value.column == "tolerance"


def test_wrong_data_are_refused():
    frame = answers()
    with pytest.raises(SatmetricsError) as caught:
        three_states(frame, "servperf")
    assert caught.value.code == "no-form"
    with pytest.raises(SatmetricsError) as caught:
        disconfirmation(frame, dimensions={"a": [0]})
    assert caught.value.code == "missing-argument"
    with pytest.raises(SatmetricsError) as caught:
        disconfirmation(frame, "servqual")
    assert caught.value.code == "no-form"
    with pytest.raises(SatmetricsError) as caught:
        three_states(frame, **LISTS, by="term")
    assert caught.value.code == "columns-not-found"
    scales = dict.fromkeys(LISTS["expectation"], (1, 7))
    scales |= dict.fromkeys(LISTS["perception"], (1, 8))
    mixed = Survey(frame.assign(p0=frame["p0"].where(frame.index > 0, 7)), scale=scales)
    for function in (three_states, sat.gaps):
        with pytest.raises(DataError) as caught:
            function(mixed, **LISTS)
        assert caught.value.code == "scales-differ"


def test_nobody_and_one_respondent_have_reasons():
    frame = pd.DataFrame({"e": [4.0, 5, np.nan], "p": [5.0, 5, 6]})
    frame["shop"] = ["one", "two", "none"]
    table = three_states(frame, expectation=["e"], perception=["p"], by="shop").rows(
        "item"
    )
    assert set(table.where(shop="none")["reason"]) == {
        "nobody answered all that is needed"
    }
    one = table.where(shop="one")
    assert one.where(term="mean")["reason"][0] == "one respondent: no standard error"
    assert one.where(term="better")["estimate"][0] == 1
    assert np.isfinite(one.where(term="better")["conf_low"][0])


def test_moments_are_refused_where_the_instrument_mixes_scales():
    spec = sat.Instrument(
        id="mixed",
        label=sat.Label("mixed", "混合"),
        dimensions=(Dimension("a"),),
        items=(sat.Item("i0", dimension="a"), sat.Item("i1", dimension="a")),
        forms=(
            Form("expectation", "e_{item}"),
            Form("perception", "p_{item}", scale=sat.Scale(1, 5)),
        ),
        scale=sat.Scale(1, 7),
    )
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({c: rng.integers(1, 6, 50) for c in spec.columns()})
    moments = sat.Moments.from_frame(frame, list(spec.columns()))
    frame.loc[0] = [7, 7, 5, 5]
    for data in (moments, frame):
        with pytest.raises(DataError, match="'e_i0' is answered on 1-7 and 'p_i0' on"):
            sat.gaps(data, spec)
