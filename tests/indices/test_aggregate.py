"""Figures added up: by hand, with every error, and what may not be shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.indices import AggregateResult
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.joint import Joint

aggregate = sat.indices.aggregate


@pytest.fixture
def economy(rng):
    """Thirty companies in eight industries in three sectors, and figures of all."""
    industry = np.arange(30) % 8
    members = pd.DataFrame(
        {
            "company": [f"c{i}" for i in range(30)],
            "industry": [f"i{k}" for k in industry],
            "sector": [f"s{k % 3}" for k in industry],
            "revenue": rng.uniform(1, 50, size=30),
            "gdp": np.array([20.0, 30.0, 7.0])[industry % 3],
        }
    )
    figures = pd.DataFrame(
        {
            "company": members["company"].sample(frac=1, random_state=1),
            "estimate": rng.normal(75, 5, size=30),
            "std_error": rng.uniform(0.5, 2, size=30),
            "n": rng.integers(20, 300, size=30),
        }
    )
    return figures, members


def rows(result, level):
    frame = result.to_frame()
    return frame[frame["level"] == level].set_index("name")


def mean(frame, value, weight):
    return np.average(frame[value], weights=frame[weight])


def by_hand(figures, members):
    """The nation, its industries and sectors, and the weight of every company."""
    wide = members.merge(figures, on="company")
    industry = wide.groupby("industry").apply(
        lambda g: pd.Series(
            {
                "estimate": mean(g, "estimate", "revenue"),
                "revenue": g["revenue"].sum(),
                "sector": g["sector"].iloc[0],
                "gdp": g["gdp"].iloc[0],
            }
        ),
        include_groups=False,
    )
    sector = industry.groupby("sector").apply(
        lambda g: pd.Series(
            {"estimate": mean(g, "estimate", "revenue"), "gdp": g["gdp"].iloc[0]}
        ),
        include_groups=False,
    )
    of_sector = wide.groupby("sector")["revenue"].transform("sum")
    flat = wide["revenue"] / of_sector * wide["gdp"] / sector["gdp"].sum()
    return industry, sector, mean(sector, "estimate", "gdp"), wide.assign(flat=flat)


def test_every_level_by_hand(economy):
    figures, members = economy
    result = aggregate(figures, members)
    industry, sector, nation, wide = by_hand(figures, members)
    got = rows(result, "nation").loc["nation"]
    assert got["estimate"] == pytest.approx(nation, rel=1e-12)
    error = np.sqrt(np.sum(wide["flat"] ** 2 * wide["std_error"] ** 2))
    assert got["std_error"] == pytest.approx(error, rel=1e-12)
    assert got["conf_high"] - got["estimate"] == pytest.approx(1.959964 * error)
    assert got["n"] == figures["n"].sum()
    assert (got["members"], got["missing"], got["covered"]) == (3, 0, 1.0)
    for level, hand in (("industry", industry), ("sector", sector)):
        frame = rows(result, level).loc[hand.index]
        np.testing.assert_allclose(frame["estimate"], hand["estimate"].astype(float))
    below = rows(result, "company").loc[wide["company"]]
    np.testing.assert_allclose(below["estimate"], wide["estimate"])
    np.testing.assert_allclose(
        result.to_frame().groupby("parent")["weight"].sum(), 1, rtol=1e-12
    )
    assert result.to_frame()["level"].iloc[0] == "nation"


def test_any_level_may_be_the_lowest(economy):
    figures, members = economy
    whole = aggregate(figures, members)
    inner = members.groupby("industry", as_index=False).agg(
        {"sector": "first", "revenue": "sum", "gdp": "first"}
    )
    again = aggregate(whole, inner, levels=["industry", "sector"])
    of_level = aggregate(
        whole.of_level("industry"), inner, levels=["industry", "sector"]
    )
    for other in (again, of_level):
        for column in ("estimate", "std_error", "n"):
            np.testing.assert_allclose(
                rows(other, "nation")[column], rows(whole, "nation")[column]
            )


@pytest.mark.parametrize("kind", ["covariance", "draws"])
def test_errors_that_go_together_are_carried_up(economy, rng, kind):
    figures, members = economy
    R = len(figures)
    A = rng.normal(size=(R, R + 5))
    if kind == "draws":
        joint = Joint.drawn(figures["estimate"].to_numpy(), A.T + 70)
        V = np.cov(A)
    else:
        V = A @ A.T / R
        pairs = np.argwhere(np.triu(np.ones((R, R)), 1))
        joint = Joint(
            figures["estimate"].to_numpy(),
            np.sqrt(np.diag(V)),
            np.full(R, np.inf),
            pairs,
            V[tuple(pairs.T)],
        )
    table = sat.indices.aggregate(figures, members).of_level("company").table
    order = [table["company"].tolist().index(c) for c in figures["company"]]
    index = IndexResult(table.take(np.array(order)), by=("company",), joint=joint)
    result = aggregate(index, members)
    wide = by_hand(figures, members)[3].set_index("company")
    w = wide.loc[figures["company"], "flat"].to_numpy()
    top = rows(result, "nation").loc["nation"]
    assert top["std_error"] == pytest.approx(np.sqrt(w @ V @ w), rel=1e-9)
    if kind == "draws":
        low, high = np.quantile((A.T + 70) @ w, [0.025, 0.975])
        assert (top["conf_low"], top["conf_high"]) == pytest.approx((low, high))
    C = result.errors().cov()
    at = np.flatnonzero(result.table["level"] == "sector")
    of = wide.loc[figures["company"], "sector"].to_numpy()
    L = np.stack([np.where(of == s, w, 0) for s in result.table["name"][at]])
    L /= L.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(C[np.ix_(at, at)], L @ V @ L.T, rtol=1e-9)


def answers(rng, sizes=(40, 60, 90, 120), shift=0.0):
    """Answers of the customers of companies, two items on 1 to 10."""
    company = np.repeat([f"c{i}" for i in range(len(sizes))], sizes)
    level = np.repeat(np.linspace(6, 8, len(sizes)), sizes) + shift
    own = level + rng.normal(0, 1.5, size=len(level))
    items = [np.clip(np.round(own + rng.normal(size=len(own))), 1, 10) for _ in "ab"]
    return pd.DataFrame({"company": company, "a": items[0], "b": items[1]})


def model():
    return sat.StructuralModel.from_blocks(
        "two", {"Satisfaction": ["a"], "Loyalty": ["b"]}, {"Satisfaction": ["Loyalty"]}
    )


def test_answers_as_weights_are_the_pooled_mean(rng):
    frame = answers(rng)
    survey = sat.Survey(frame, unit="company", scale=(1, 10))
    fit = sat.pls(model(), survey)
    members = pd.DataFrame(
        {"company": ["c0", "c1", "c2", "c3"], "sector": ["x", "x", "y", "y"]}
    )
    figures = sat.index(fit, survey, by="company")
    result = aggregate(
        figures, members, levels=["company", "sector"], shares="responses"
    )
    pooled = frame.merge(members).groupby("sector")[["a", "b"]].mean()
    frame = result.to_frame()
    for construct, item in (("Satisfaction", "a"), ("Loyalty", "b")):
        own = frame[(frame["level"] == "sector") & (frame["construct"] == construct)]
        np.testing.assert_allclose(own["estimate"], (pooled[item] - 1) / 9 * 100)
    whole = sat.index(fit, survey).to_frame()
    top = frame[frame["level"] == "nation"]
    np.testing.assert_allclose(top["estimate"], whole["estimate"])
    assert top["n"].tolist() == [310, 310]


@pytest.mark.slow
def test_error_of_the_nation_against_a_bootstrap(rng):
    frame = answers(rng)
    survey = sat.Survey(frame, unit="company", scale=(1, 10))
    fit = sat.pls(model(), survey)
    members = pd.DataFrame(
        {
            "company": ["c0", "c1", "c2", "c3"],
            "sector": ["x", "x", "y", "y"],
            "revenue": [1.0, 3, 2, 2],
            "gdp": [2.0, 2, 5, 5],
        }
    )
    result = aggregate(
        sat.index(fit, survey, by="company", construct="Satisfaction"),
        members,
        levels=["company", "sector"],
    )
    w = np.array([1 / 4 * 2 / 7, 3 / 4 * 2 / 7, 1 / 2 * 5 / 7, 1 / 2 * 5 / 7])
    draws = np.zeros(20000)
    for k, (_, own) in enumerate(frame.groupby("company")["a"]):
        drawn = rng.choice(own.to_numpy(), size=(20000, len(own)))
        draws += w[k] * (drawn.mean(axis=1) - 1) / 9 * 100
    top = rows(result, "nation").loc["nation"]
    assert top["estimate"] == pytest.approx(draws.mean(), abs=0.05)
    assert top["std_error"] == pytest.approx(draws.std(), rel=0.03)


def test_missing_members_are_counted_and_the_rest_weighs_more(economy):
    figures, members = economy
    gone = ["c0", "c8"]
    nan = figures.assign(
        estimate=figures["estimate"].where(~figures["company"].isin(gone))
    )
    absent = figures[~figures["company"].isin(gone)]
    result, other = aggregate(nan, members), aggregate(absent, members)
    pd.testing.assert_frame_equal(result.to_frame(), other.to_frame())
    wide = members.merge(figures, on="company")
    own = wide[wide["industry"] == "i0"]
    left = own[~own["company"].isin(gone)]
    row = rows(result, "industry").loc["i0"]
    assert row["estimate"] == pytest.approx(mean(left, "estimate", "revenue"))
    assert row["covered"] == pytest.approx(left["revenue"].sum() / own["revenue"].sum())
    assert (row["members"], row["missing"]) == (len(left), 2)
    assert row["n"] == left["n"].sum()
    sector = members[members["sector"] == row["parent"]]
    lost = members[members["company"].isin(gone)]["revenue"].sum()
    assert rows(result, "sector").loc[row["parent"], "covered"] == pytest.approx(
        1 - lost / sector["revenue"].sum()
    )
    assert "2 units left out in company: no figure to add up" in str(result)
    assert rows(result, "company").loc["c0", "reason"] == "no figure"


def test_an_industry_without_figures_is_not_covered(economy):
    figures, members = economy
    whole = members[members["industry"] == "i0"]["company"]
    result = aggregate(figures[~figures["company"].isin(whole)], members)
    row = rows(result, "industry").loc["i0"]
    assert np.isnan(row["estimate"])
    assert (row["reason"], row["covered"], row["n"]) == (
        "no member has a figure",
        0.0,
        0,
    )
    above = rows(result, "sector").loc[row["parent"]]
    assert np.isfinite(above["estimate"])
    assert above["missing"] == 1


def test_weights_of_zero_and_figures_without_errors(economy):
    figures, members = economy
    members.loc[members["industry"] == "i1", "revenue"] = 0.0
    result = aggregate(figures.drop(columns=["std_error", "n"]), members)
    row = rows(result, "industry").loc["i1"]
    assert np.isnan(row["estimate"])
    assert row["reason"] == "the members with a figure have no weight"
    top = rows(result, "nation").loc["nation"]
    assert np.isfinite(top["estimate"])
    assert np.isnan(top["std_error"])
    assert top["reason"] == "no error known of a member"


def test_consumer_prices_weight_products():
    """As in Hong Kong: products in categories by their share of the price index."""
    figures = pd.DataFrame(
        {"product": ["rice", "clothes", "tram", "rent"], "estimate": [78.0, 74, 73, 66]}
    )
    members = pd.DataFrame(
        {
            "product": ["rice", "clothes", "tram", "rent"],
            "category": ["goods", "goods", "services", "services"],
            "cpi": [3.0, 4.0, 2.5, 30.5],
        }
    )
    weights = {"product": "cpi", "category": "cpi"}
    made = [
        aggregate(f, m, levels=["product", "category"], shares=weights)
        for f, m in (
            (figures, members),
            (pl.from_pandas(figures), pa.Table.from_pandas(members)),
        )
    ]
    pd.testing.assert_frame_equal(made[0].to_frame(), made[1].to_frame())
    flat = np.average(figures["estimate"], weights=members["cpi"])
    assert rows(made[0], "nation")["estimate"].item() == pytest.approx(flat)
    assert rows(made[0], "category")["weight"].tolist() == pytest.approx(
        [7 / 40, 33 / 40]
    )
    assert "category: weighted by cpi, summed over each product in it" in str(made[0])


def test_a_number_per_industry_or_the_sum_over_companies():
    figures = pd.DataFrame({"company": list("abcd"), "estimate": [60.0, 70, 80, 90]})
    members = pd.DataFrame(
        {
            "company": list("abcd"),
            "industry": ["x", "x", "y", "z"],
            "sector": ["s", "s", "s", "t"],
            "turnover": [10.0, 10, 30, 5],
            "staff": [1.0, 3, 2, 4],
        }
    )
    levels = ["company", "industry", "sector"]

    def top(**weights):
        return aggregate(figures, members, levels=levels, shares=weights)

    one = top(company="equal", industry="turnover", sector="turnover")
    assert rows(one, "industry")["weight"].tolist() == [0.25, 0.75, 1.0]
    # the sector's weight is the sum over industries of the number they share
    assert rows(one, "sector")["weight"].tolist() == pytest.approx([40 / 45, 5 / 45])
    two = top(company="equal", industry="staff", sector="equal")
    assert rows(two, "industry")["weight"].tolist() == pytest.approx([4 / 6, 2 / 6, 1])
    assert "industry: weighted by staff, summed over each company in it" in str(two)
    # weighted by it at the company already: a number of companies, so they add up
    three = top(company="turnover", industry="turnover", sector="equal")
    assert rows(three, "industry")["weight"].tolist() == pytest.approx([0.4, 0.6, 1])


def test_labels_are_matched_as_people_read_them():
    figures = pd.DataFrame({"company": [1, 2, 10], "estimate": [70.0, 80, 90]})
    members = pd.DataFrame({"company": [" 10", "1 ", "2"], "revenue": [1.0, 2, 3]})
    result = aggregate(figures, members, levels="company")
    frame = rows(result, "company")
    assert frame.index.tolist() == ["1", "2", "10"]
    assert frame["weight"].tolist() == pytest.approx([2 / 6, 3 / 6, 1 / 6])


def test_one_construct_or_several(economy):
    figures, members = economy
    two = pd.concat(
        [
            figures.assign(construct="Satisfaction"),
            figures.assign(construct="Loyalty", estimate=figures["estimate"] - 10),
        ]
    )
    both = aggregate(two, members)
    frame = both.to_frame()
    tops = frame[frame["level"] == "nation"].set_index("construct")["estimate"]
    assert tops["Satisfaction"] - tops["Loyalty"] == pytest.approx(10)
    one = aggregate(two, members, construct="Loyalty")
    assert set(one.to_frame()["construct"]) == {"Loyalty"}
    with pytest.raises(errors.OptionError, match="did you mean 'Loyalty'"):
        aggregate(two, members, construct="loyal")


def test_few_answers_are_not_shown_but_count(economy):
    figures, members = economy
    figures["n"] = 100
    figures.loc[figures["company"] == "c3", "n"] = 6
    figures.loc[figures["company"] == "c11", "n"] = 40
    open_, shut = aggregate(figures, members), aggregate(figures, members, min_n=10)
    for level in ("nation", "sector"):
        pd.testing.assert_frame_equal(rows(open_, level), rows(shut, level))
    frame = rows(shut, "company")
    hidden = frame[frame["estimate"].isna()]
    assert hidden["reason"].to_dict() == {
        "c3": "fewer than 10 answers: not shown",
        "c11": "not shown, since a hidden one could be computed from it",
    }
    assert hidden["n"].tolist() == [0, 0]
    assert np.isnan(shut.joint.estimate[shut.table["name"] == "c3"]).all()
    value = figures.set_index("company").loc[["c3", "c11"]]
    text = shut.to_json()
    for number in (*value["estimate"], *value["std_error"]):
        assert repr(float(number)) in open_.to_json()
        assert repr(float(number)) not in text


def test_the_only_company_of_an_industry_takes_it_along():
    figures = pd.DataFrame(
        {"company": list("abcde"), "estimate": [60.0, 70, 80, 90, 50], "std_error": 1.0}
    )
    figures["n"] = [5, 50, 60, 70, 80]
    members = pd.DataFrame(
        {"company": list("abcde"), "industry": ["x", "y", "y", "z", "z"]}
    )
    result = aggregate(
        figures, members, levels=["company", "industry"], shares="equal", min_n=10
    )
    # industries of 60, 75 and 70, each of the same weight
    assert rows(result, "nation")["estimate"].item() == pytest.approx(205 / 3)
    industry = rows(result, "industry")
    assert industry["estimate"].isna().tolist() == [True, True, False]
    company = rows(result, "company")
    assert company["estimate"].isna().tolist() == [True, True, False, False, False]


def test_weights_by_answers_do_not_say_how_many_were_hidden(economy):
    figures, members = economy
    figures["n"] = 100
    figures.loc[figures["company"] == "c3", "n"] = 6
    result = aggregate(figures, members, shares="responses", min_n=10)
    frame = result.to_frame()
    hidden = frame["estimate"].isna()
    assert hidden.sum() == 2
    assert frame.loc[hidden, "weight"].isna().all()


WRONG = {
    "unknown company": (
        {"figures": {"company": ["b", "bb"]}},
        "company 'bb' has a figure but is not in members; did you mean",
    ),
    "twice in members": (
        {"members": {"company": ["a", "b", "b"]}},
        "members has 2 rows for company 'b'",
    ),
    "two figures": (
        {"figures": {"company": ["a", "a"]}},
        "company 'a' has 2 figures of one construct and wave",
    ),
    "two parents": (
        {"members": {"industry": ["x", "x", "y"], "sector": ["s", "t", "t"]}},
        "industry 'x' lies in two: 's' and 't'",
    ),
    "no industry": (
        {"members": {"industry": ["x", None, "y"]}},
        "1 rows of members have no industry",
    ),
    "no revenue": (
        {"members": {"revenue": [1.0, np.nan, 2]}},
        "revenue of company 'b' is nan",
    ),
    "negative": (
        {"members": {"revenue": [1.0, -2, 2]}},
        "revenue of company 'b' is -2",
    ),
    "text": ({"members": {"gdp": ["1", "many", "2"]}}, "gdp of company 'a' is text"),
    "level absent": ({"levels": ["company", "industri"]}, "did you mean 'industry'"),
    "weight unsaid": (
        {"levels": ["company", "town"]},
        "the weight of each town is not said",
    ),
    "weight absent": ({"shares": {"company": "revenu"}}, "the weight of each"),
    "weight of no level": (
        {"shares": {"companies": "revenue"}},
        "did you mean 'company'",
    ),
    "weight column": ({"shares": "sales"}, "columns not found: 'sales'"),
    "waves absent": ({"over": "wave"}, "columns not found: 'wave'"),
    "rolling": ({"rolling": True}, "rolling=True needs waves"),
    "measured": ({"measured": "sector"}, "rolling=True only"),
    "min_n": ({"min_n": 10}, "needs the answers behind every figure"),
    "min_n of 0": ({"min_n": 0, "figures": {"n": [1, 2]}}, "give at least 1"),
    "level named twice": ({"top": "sector"}, "named twice"),
    "level of the result": ({"top": "name"}, "a column of the result"),
    "no levels": ({"levels": []}, "levels= is empty"),
    "level": ({"level": 95}, "not a confidence level"),
    "text as figures": ({"figures": {"estimate": ["high", "low"]}}, "holds text"),
    "no figures": ({"figures": None}, "columns not found: 'estimate'"),
    "not a frame": ({"members": None}, "not a survey or dataframe"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_inputs_say_what_is_wrong(name):
    changed, message = WRONG[name]
    changed = dict(changed)
    figures = pd.DataFrame({"company": ["a", "b"], "estimate": [70.0, 80]})
    members = pd.DataFrame(
        {
            "company": ["a", "b", "c"],
            "industry": ["x", "x", "y"],
            "town": ["u", "u", "v"],
            "sector": ["s", "s", "t"],
            "revenue": [1.0, 2, 3],
            "gdp": [4.0, 4, 5],
        }
    )
    if "figures" in changed:
        new = changed.pop("figures")
        figures = figures.drop(columns="estimate") if new is None else figures
        figures = figures if new is None else figures.assign(**new)
    if "members" in changed:
        new = changed.pop("members")
        members = 3 if new is None else members.assign(**new)
    with pytest.raises((errors.DataError, errors.OptionError)) as caught:
        aggregate(figures, members, **changed)
    assert message in str(caught.value)
    assert caught.value.code
    assert caught.value.remedy


def test_levels_of_a_result_and_json(economy):
    result = aggregate(*economy)
    again = sat.read_result(result.to_json())
    assert isinstance(again, AggregateResult)
    pd.testing.assert_frame_equal(result.to_frame(), again.to_frame())
    np.testing.assert_array_equal(result.joint.pairs, again.joint.pairs)
    level = result.of_level("sector")
    assert level.by == ("sector",)
    assert "Index, 0–100" in str(level)
    with pytest.raises(errors.OptionError, match="did you mean 'sector'"):
        result.of_level("sectors")


def test_the_nation_of_1997_with_stated_weights(reference):
    """Published sectors, and the nation they give by weights that are stated."""
    known = reference("us_1997")
    published = sat.datasets.series("acsi_1997")
    nation = published.of("nation").table["estimate"].item()
    members = pd.DataFrame(
        {
            "sector": list(known["gross_domestic_product"]),
            "gdp": [float(sum(v)) for v in known["gross_domestic_product"].values()],
        }
    )
    for weight, key in (("equal", "equal"), ("gdp", "by_product")):
        result = aggregate(published, members, levels=["sector"], shares=weight)
        got = rows(result, "nation")["estimate"].item()
        assert round(got, 1) == known["made"][key]
        assert round(got - nation, 1) == known["discrepancy"][key]


def test_figures_hidden_before_are_said_to_be_missing(economy):
    figures, members = economy
    figures["n"] = 100
    figures.loc[figures["company"] == "c3", "n"] = 6
    shut = aggregate(figures, members, min_n=10)
    again = aggregate(shut, members)
    assert "2 figures were hidden before they were added up" in str(again)
    assert rows(again, "industry").loc["i3", "missing"] == 2
