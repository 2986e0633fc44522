"""Figures added up by wave: rolling updates, changes, what members gave to them."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.indices.index_result import IndexResult
from satmetrics.indices.joint import Joint

aggregate = sat.indices.aggregate
MEASURED = "sector"
FLAT = {"levels": ["sector"], "shares": "gdp", "over": "wave"}


def sectors():
    """Two sectors, each measured every other wave; B comes first in wave 2."""
    figures = pd.DataFrame(
        {
            "sector": ["A", "A", "A", "B", "B"],
            "wave": [1, 3, 4, 2, 4],
            "estimate": [70.0, 76.0, 75.0, 60.0, 64.0],
            "std_error": [1.0, 2.0, 0.5, 3.0, 1.5],
            "n": [100, 50, 400, 30, 60],
        }
    )
    members = pd.DataFrame({"sector": ["A", "B"], "gdp": [3.0, 1.0]})
    return figures, members


def economy(rng, waves=4, gaps=True):
    """Companies that come and go, weights that change, some waves not measured."""
    full = pd.DataFrame(
        [(f"c{i}", f"i{i % 6}", f"s{i % 3}") for i in range(24)],
        columns=["company", "industry", "sector"],
    )
    quarters = pd.DataFrame({"wave": [f"2025Q{q + 1}" for q in range(waves)]})
    members = full.merge(quarters, how="cross")
    members["revenue"] = rng.uniform(1, 20, size=len(members))
    keys = members.groupby(["sector", "wave"], as_index=False)[[]].first()
    keys["gdp"] = rng.uniform(1, 9, size=len(keys))
    members = members.merge(keys, on=["sector", "wave"])
    if gaps:
        members = members[rng.uniform(size=len(members)) > 0.15]
    figures = members[["company", "wave"]].copy()
    figures["estimate"] = rng.normal(75, 5, size=len(figures))
    figures["std_error"] = rng.uniform(0.5, 2, size=len(figures))
    figures["n"] = rng.integers(20, 300, size=len(figures))
    if gaps:
        figures = figures[rng.uniform(size=len(figures)) > 0.15]
    return figures.sample(frac=1, random_state=1), members


def nation(result):
    frame = result.to_frame()
    return frame[frame["level"] == result.top].set_index(result.over)


def correlated(figures, V):
    """Figures of companies as an index whose errors go together."""
    pairs = np.argwhere(np.triu(np.ones(V.shape), 1))
    joint = Joint(
        figures["estimate"].to_numpy(),
        np.sqrt(np.diag(V)),
        np.full(len(V), np.inf),
        pairs,
        V[tuple(pairs.T)],
    )
    frame = figures.assign(construct="Satisfaction", reason="")
    plain = aggregate(
        figures,
        pd.DataFrame({"company": figures["company"].unique()}),
        levels="company",
        shares="equal",
        over="wave",
    )
    table = plain.of_level("company").table
    key = list(zip(table["company"], table["wave"], strict=True))
    order = [key.index(k) for k in zip(frame["company"], frame["wave"], strict=True)]
    return IndexResult(table.take(np.array(order)), by=("company", "wave"), joint=joint)


def test_each_wave_has_its_own_weights(rng):
    figures, members = economy(rng)
    result = aggregate(figures, members, over="wave")
    wide = members.merge(figures, on=["company", "wave"])
    for wave, own in wide.groupby("wave"):
        listed = members[members["wave"] == wave]
        total, weight = 0.0, 0.0
        for sector, part in own.groupby("sector"):
            industries = part.groupby("industry").apply(
                lambda g: np.average(g["estimate"], weights=g["revenue"]),
                include_groups=False,
            )
            revenue = listed.groupby("industry")["revenue"].sum()[industries.index]
            gdp = listed[listed["sector"] == sector]["gdp"].iloc[0]
            total += gdp * np.average(industries, weights=revenue)
            weight += gdp
        got = nation(result).loc[wave]
        assert got["estimate"] == pytest.approx(total / weight, rel=1e-12)
        assert got["n"] == own["n"].sum()
    lost = len(members) - len(figures)
    assert f"{lost} units left out in company: no figure to add up" in str(result)


def test_rolling_by_hand():
    result = aggregate(*sectors(), **FLAT, rolling=True)
    top = nation(result)
    assert top["estimate"].tolist() == [70.0, 67.5, 72.0, 72.25]
    assert top["std_error"].tolist() == pytest.approx(
        [
            1.0,
            np.hypot(0.75 * 1, 0.25 * 3),
            np.hypot(0.75 * 2, 0.25 * 3),
            np.hypot(0.75 * 0.5, 0.25 * 1.5),
        ]
    )
    assert top["covered"].tolist() == [0.75, 1.0, 1.0, 1.0]
    assert top["missing"].tolist() == [1, 0, 0, 0]
    assert top["carried"].tolist() == [0.0, 0.75, 0.25, 0.0]
    assert top["age"].tolist() == [0.0, 0.75, 0.25, 0.0]
    assert top["n"].tolist() == [100, 130, 80, 460]
    frame = result.to_frame().set_index(["level", "name", "wave"])
    kept = frame.loc[("sector", "A", 2)]
    assert (kept["estimate"], kept["carried"], kept["age"]) == (70.0, 1.0, 1.0)
    assert frame.loc[("sector", "B", 1), "reason"] == "no figure"


def test_what_is_carried_stands_in_both_waves_and_cancels():
    result = aggregate(*sectors(), **FLAT, rolling=True)
    moved = result.changes().to_frame().set_index(["level", "name", "wave"])
    third = moved.loc[("nation", "nation", 3)]
    assert third["estimate"] == pytest.approx(4.5)
    assert third["std_error"] == pytest.approx(0.75 * np.hypot(1, 2), rel=1e-12)
    assert third["since"] == 2
    second = moved.loc[("nation", "nation", 2)]
    # A: 1/1 before, 3/4 after, the same figure; B is new
    assert second["std_error"] == pytest.approx(np.hypot(0.25 * 1, 0.25 * 3), rel=1e-12)
    still = moved.loc[("sector", "A", 2)]
    assert (still["estimate"], still["std_error"]) == (0.0, 0.0)
    assert still["reason"] == "carried from an earlier wave, not measured again"
    fresh = moved.loc[("sector", "A", 3)]
    assert (fresh["estimate"], fresh["since"]) == (6.0, 2)
    assert fresh["std_error"] == pytest.approx(np.hypot(1, 2))


def test_without_rolling_a_change_is_since_the_last_figure():
    result = aggregate(*sectors(), **FLAT)
    assert nation(result)["estimate"].tolist() == [70.0, 60.0, 76.0, 72.25]
    moved = result.changes().to_frame().set_index(["level", "name", "wave"])
    row = moved.loc[("sector", "A", 3)]
    assert (row["since"], row["estimate"]) == (1, 6.0)
    assert row["n"] == 150
    assert ("sector", "A", 2) not in moved.index


@pytest.mark.parametrize("measured", ["company", "industry", "sector"])
def test_the_level_that_is_measured_is_replaced_as_a_whole(measured):
    """In wave 2 only c1 is measured, of an industry of two in a sector of two."""
    figures = pd.DataFrame(
        {
            "company": ["c1", "c2", "c3", "c1"],
            "wave": ["W1", "W1", "W1", "W2"],
            "estimate": [60.0, 80.0, 50.0, 64.0],
        }
    )
    members = pd.DataFrame(
        {
            "company": ["c1", "c2", "c3"],
            "industry": ["x", "x", "y"],
            "sector": ["s", "s", "s"],
        }
    )
    result = aggregate(
        figures, members, shares="equal", over="wave", rolling=True, measured=measured
    )
    want = {
        "company": ((64 + 80) / 2 + 50) / 2,
        "industry": (64 + 50) / 2,
        "sector": 64,
    }
    assert nation(result)["estimate"].tolist() == [60.0, want[measured]]
    frame = result.to_frame().set_index(["level", "name", "wave"])
    known = np.isfinite(frame.loc[("company", "c2", "W2"), "estimate"])
    assert known == (measured == "company")
    covered = {"company": 1.0, "industry": 0.75, "sector": 0.25}
    assert nation(result)["covered"].tolist() == [1.0, covered[measured]]


def test_never_measured_is_counted_once_when_rolling():
    figures, members = sectors()
    more = pd.concat([members, pd.DataFrame({"sector": ["C"], "gdp": [4.0]})])
    result = aggregate(figures, more, **FLAT, rolling=True)
    assert "1 units left out in sector: never measured" in str(result)
    assert nation(result)["covered"].tolist() == [3 / 8, 0.5, 0.5, 0.5]


def test_every_covariance_between_waves_is_kept(rng):
    figures, members = economy(rng)
    A = rng.normal(size=(len(figures), len(figures) + 4))
    V = A @ A.T / len(figures)
    plain = aggregate(figures, members, over="wave", rolling=True)
    L = np.empty((4, len(figures)))
    for i in range(len(figures)):  # the weight of a figure: what a point more does
        more = figures.copy()
        more.iloc[i, more.columns.get_loc("estimate")] += 1
        up = aggregate(more, members, over="wave", rolling=True)
        L[:, i] = nation(up)["estimate"] - nation(plain)["estimate"]
    result = aggregate(correlated(figures, V), members, over="wave", rolling=True)
    D = np.diff(np.eye(4), axis=0) @ L
    moved = result.changes()
    frame = moved.to_frame()
    own = frame[frame["level"] == "nation"]
    np.testing.assert_allclose(
        own["std_error"], np.sqrt(np.diag(D @ V @ D.T)), rtol=1e-7
    )
    np.testing.assert_allclose(own["estimate"], D @ figures["estimate"], rtol=1e-9)
    at = np.flatnonzero(frame["level"] == "nation")
    C = moved.joint.cov()[np.ix_(at, at)]
    np.testing.assert_allclose(C, D @ V @ D.T, rtol=1e-7)
    z = own["estimate"] / own["std_error"]
    np.testing.assert_allclose(own["statistic"], z)


@pytest.mark.parametrize("rolling", [False, True])
@pytest.mark.parametrize("level", ["nation", "sector", "industry"])
def test_contributions_add_up_to_the_change(rng, level, rolling):
    figures, members = economy(rng)
    result = aggregate(figures, members, over="wave", rolling=rolling)
    frame = result.contributions(level).to_frame()
    keys = ["name", "wave"]
    parts = frame[frame["term"] != "all"].groupby(keys)["estimate"].sum()
    whole = frame[frame["term"] == "all"].set_index(keys)["estimate"]
    np.testing.assert_allclose(parts, whole.loc[parts.index], rtol=0, atol=1e-10)
    moved = result.changes().to_frame()
    moved = moved[moved["level"] == level].set_index(keys)["estimate"]
    np.testing.assert_allclose(whole, moved.loc[whole.index], rtol=0, atol=1e-10)
    assert {"change", "shift"} <= set(frame["term"])
    if level == "industry":
        assert {"entered", "left"} <= set(frame["term"])


def test_contributions_by_hand():
    """One stays and moves, one changes its weight, one comes, one goes."""
    figures = pd.DataFrame(
        {
            "sector": ["A", "A", "B", "B", "C", "D"],
            "wave": [1, 2, 1, 2, 1, 2],
            "estimate": [70.0, 74, 60, 60, 50, 90],
            "std_error": [1.0, 2, 3, 4, 5, 6],
        }
    )
    members = figures[["sector", "wave"]].assign(gdp=[5.0, 4, 3, 4, 2, 2])
    result = aggregate(figures, members, **FLAT)
    before, after = 0.5 * 70 + 0.3 * 60 + 0.2 * 50, 0.4 * 74 + 0.4 * 60 + 0.2 * 90
    c = (before + after) / 2
    frame = result.contributions().to_frame().set_index(["member", "term"])
    want = {
        ("", "all"): after - before,
        ("A", "change"): 0.45 * 4,
        ("A", "shift"): -0.1 * (72 - c),
        ("B", "change"): 0.0,
        ("B", "shift"): 0.1 * (60 - c),
        ("C", "left"): -0.2 * (50 - c),
        ("D", "entered"): 0.2 * (90 - c),
    }
    assert frame["estimate"].to_dict() == pytest.approx(want)
    # D enters: 0.2 D − 0.1 (0.5 A1 + 0.3 B1 + 0.2 C1 + 0.4 A2 + 0.4 B2 + 0.2 D)
    parts = [0.05 * 1, 0.03 * 3, 0.02 * 5, 0.04 * 2, 0.04 * 4, 0.18 * 6]
    error = frame.loc[("D", "entered"), "std_error"]
    assert error == pytest.approx(np.sqrt(np.sum(np.square(parts))))
    assert frame.loc[("A", "change"), "std_error"] == pytest.approx(
        0.45 * np.hypot(1, 2)
    )
    assert "Griliches and Regev" in str(result.contributions())


def test_hidden_figures_stay_hidden_when_carried_and_in_changes():
    """A hidden figure that is carried would be told by the wave it is carried to."""
    figures = pd.DataFrame(
        {
            "sector": ["A", "B", "C", "A", "C"],
            "wave": [1, 1, 1, 2, 2],
            "estimate": [70.5, 61.25, 80.0, 71.0, 81.0],
            "std_error": 1.0,
            "n": [5, 40, 90, 60, 90],
        }
    )
    members = pd.DataFrame({"sector": ["A", "B", "C"], "gdp": [3.0, 2.0, 1.0]})
    result = aggregate(figures, members, **FLAT, rolling=True, min_n=10)
    frame = result.to_frame().set_index(["level", "name", "wave"])["estimate"]
    assert np.isnan(frame[("sector", "A", 1)])
    assert np.isnan(frame[("sector", "B", 1)])
    # B is carried to wave 2: shown there, it would tell A of wave 1
    assert np.isnan(frame[("sector", "B", 2)])
    assert not any(v in result.to_json() for v in ("70.5", "61.25"))
    # the nation less A and C would tell B
    assert (
        np.isnan(
            frame[[("sector", n, 2) for n in "ABC"] + [("nation", "nation", 2)]]
        ).sum()
        >= 2
    )
    terms = result.contributions().to_frame()
    own = terms[terms["member"] == "B"].set_index("term")["estimate"]
    assert np.isnan(own["change"])
    assert own["shift"] == 0, "the same weight twice: it tells nothing of the figure"
    assert set(terms.loc[terms["estimate"].isna(), "reason"]) == {
        "not shown: a figure it rests on is hidden"
    }
    known = result.changes().to_frame()
    assert not ((known["level"] == "sector") & (known["name"] == "B")).any()


def equations(frame, levels, over):
    """What a reader knows: means of members, and figures that were carried."""
    found = []
    place = {
        key: i
        for i, key in enumerate(
            zip(frame["level"], frame["name"], frame[over], strict=True)
        )
    }
    waves = list(dict.fromkeys(frame[over]))
    for lower, upper in pairwise(levels):
        own = frame[(frame["level"] == lower) & (frame["weight"] > 0)]
        for (parent, wave), members in own.groupby(["parent", over]):
            line = np.zeros(len(frame))
            line[members.index] = members["weight"]
            line[place[(upper, parent, wave)]] = -1
            found.append(line)
    kept = frame[(frame["carried"] == 1) & (frame["age"] > 0)]
    for i, row in kept.iterrows():
        before = waves[waves.index(row[over]) - 1]
        j = place.get((row["level"], row["name"], before))
        if row["level"] == MEASURED and j is not None:
            line = np.zeros(len(frame))
            line[[i, j]] = 1, -1
            found.append(line)
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rolling", [False, True])
def test_no_hidden_figure_follows_from_those_shown(seed, rolling):
    rng = np.random.default_rng(seed)
    figures, members = economy(rng)
    figures["n"] = rng.integers(3, 40, size=len(figures))
    open_ = aggregate(figures, members, over="wave", rolling=rolling).to_frame()
    shut = aggregate(figures, members, over="wave", rolling=rolling, min_n=10)
    frame = shut.to_frame()
    A = equations(frame, ["company", "industry", "sector", "nation"], "wave")
    np.testing.assert_allclose(A @ open_["estimate"].fillna(0), 0, atol=1e-9)
    hidden = np.flatnonzero(open_["estimate"].notna() & frame["estimate"].isna())
    few = np.flatnonzero((open_["n"] < 10) & open_["estimate"].notna())
    assert set(few) <= set(hidden)
    assert len(hidden) < len(frame) / 2
    U = A[:, hidden]
    rank = np.linalg.matrix_rank(U)
    for k in range(len(hidden)):  # one that is determined adds to the rank
        assert np.linalg.matrix_rank(np.delete(U, k, axis=1)) == rank


def test_changes_of_a_level_are_those_of_the_index(rng):
    figures, members = economy(rng, gaps=False)
    result = aggregate(figures, members, over="wave")
    own = result.changes().to_frame()
    own = own[own["level"] == "sector"].reset_index(drop=True)
    other = sat.changes(result.of_level("sector")).to_frame()
    for column in ("estimate", "std_error", "p_value", "conf_low", "since"):
        pd.testing.assert_series_equal(own[column], other[column], check_names=False)


def test_draws_carry_the_change():
    rng = np.random.default_rng(3)
    figures, members = sectors()
    draws = figures["estimate"].to_numpy() + rng.normal(size=(400, 5)) @ rng.normal(
        size=(5, 5)
    )
    table = correlated(figures.rename(columns={"sector": "company"}), np.eye(5)).table
    index = IndexResult(
        table,
        by=("company", "wave"),
        joint=Joint.drawn(figures["estimate"].to_numpy(), draws),
    )
    result = aggregate(
        index,
        members.rename(columns={"sector": "company"}),
        levels="company",
        shares="gdp",
        over="wave",
        rolling=True,
    )
    moved = result.changes().to_frame()
    row = moved[(moved["level"] == "nation") & (moved["wave"] == 3)].iloc[0]
    by_hand = 0.75 * (draws[:, 1] - draws[:, 0])
    assert row["std_error"] == pytest.approx(by_hand.std(ddof=1))
    assert row["conf_low"] == pytest.approx(np.quantile(by_hand, 0.025))


def test_waves_are_in_the_order_of_time_whatever_comes_first():
    figures = pd.DataFrame(
        {
            "sector": ["A", "A", "B", "B"],
            "wave": ["Oct 2025", "Jan 2026", "Mar 2025", "Oct 2025"],
            "estimate": [2.0, 3.0, 1.0, 2.0],
        }
    )
    members = pd.DataFrame({"sector": ["A", "B"], "gdp": [1.0, 1.0]})
    result = aggregate(figures, members, **FLAT)
    assert nation(result).index.tolist() == ["Mar 2025", "Oct 2025", "Jan 2026"]


def test_declared_order_of_waves_is_kept():
    waves = ["pre", "mid", "aft"]
    figures = pd.DataFrame(
        {
            "sector": ["A", "B", "A", "B"],
            "wave": pd.Categorical(["pre", "mid", "aft", "aft"], waves, ordered=True),
            "estimate": [1.0, 2.0, 3.0, 4.0],
        }
    )
    members = pd.DataFrame({"sector": ["A", "B"], "gdp": [1.0, 1.0]})
    result = aggregate(figures, members, **FLAT)
    assert nation(result).index.tolist() == waves
    again = aggregate(result.of_level("sector"), members, **FLAT)
    assert nation(again).index.tolist() == waves


def test_wrong_waves_say_what_is_wrong():
    figures, members = sectors()
    with pytest.raises(errors.DataError, match="3 figures of one construct"):
        aggregate(figures, members, levels=["sector"], shares="gdp")
    dated = members.assign(wave=1)
    with pytest.raises(errors.DataError, match="but no row in members then"):
        aggregate(figures, dated, **FLAT)
    with pytest.raises(errors.DataError, match="no wave of members is one"):
        aggregate(figures, members.assign(wave=9), **FLAT)
    later = pd.concat([members.assign(wave=w) for w in (1, 2, 3, 4, 5)])
    assert "members of wave 5 not used" in str(aggregate(figures, later, **FLAT))
    with pytest.raises(errors.OptionError, match="did you mean 'sector'"):
        aggregate(figures, members, **FLAT, rolling=True, measured="sektor")
    one = aggregate(figures[figures["wave"] == 4], members, **FLAT)
    with pytest.raises(errors.DataError, match="one wave only"):
        one.changes()
    with pytest.raises(errors.DataError, match="one wave only"):
        one.contributions()
    still = aggregate(
        figures[figures["wave"] == 4], members, levels=["sector"], shares="gdp"
    )
    with pytest.raises(errors.DataError, match="have no waves"):
        still.changes()
    result = aggregate(figures, members, **FLAT)
    with pytest.raises(errors.OptionError, match="the options are 'nation'"):
        result.contributions("sector")


def test_figures_of_a_survey_of_waves():
    survey = sat.datasets.load("airline_waves")
    fit = sat.pls("ecsi", survey)
    figures = sat.index(fit, survey, by=["company", "wave"])
    companies = sorted(set(figures.table["company"]))
    members = pd.DataFrame(
        {"company": companies, "passengers": np.arange(1.0, len(companies) + 1)}
    )
    result = aggregate(
        figures,
        members,
        levels="company",
        shares="passengers",
        over="wave",
        top="airlines",
    )
    frame = figures.of().to_frame().merge(members)
    for wave, own in frame.groupby("wave"):
        got = nation(result)
        got = got[got["construct"] == figures.target].loc[wave]
        w = own["passengers"] / own["passengers"].sum()
        assert got["estimate"] == pytest.approx(w @ own["estimate"])
        assert got["std_error"] == pytest.approx(np.sqrt(w**2 @ own["std_error"] ** 2))
    assert "not an official score" in str(result)
    for made in (result.changes(), result.contributions()):
        again = sat.read_result(made.to_json())
        pd.testing.assert_frame_equal(made.to_frame(), again.to_frame())


def test_clusters_of_customers_of_several_companies(rng):
    """Districts in which customers of all companies were asked."""
    model = sat.StructuralModel.from_blocks(
        "two", {"Satisfaction": ["a"], "Loyalty": ["b"]}, {"Satisfaction": ["Loyalty"]}
    )
    district = np.repeat(np.arange(30), 12)
    company = np.tile(np.repeat(["x", "y", "z"], 4), 30)
    mood = rng.normal(0, 1, size=30)[district]
    draw = lambda: np.clip(np.round(7 + mood + rng.normal(0, 1.5, 360)), 1, 10)  # noqa: E731
    frame = pd.DataFrame(
        {"company": company, "district": district, "a": draw(), "b": draw()}
    )
    survey = sat.Survey(frame, unit="company", cluster="district", scale=(1, 10))
    fit = sat.pls(model, survey)
    figures = sat.index(fit, survey, by="company", construct="Satisfaction")
    members = pd.DataFrame({"company": ["x", "y", "z"], "revenue": [5.0, 3, 2]})
    result = aggregate(figures, members, levels="company")
    w = frame["company"].map({"x": 0.5, "y": 0.3, "z": 0.2})
    mean = frame.groupby("company")["a"].transform("mean")
    u = (w * (frame["a"] - mean) / 120 / 9 * 100).groupby(frame["district"]).sum()
    error = np.sqrt(30 / 29 * np.sum((u - u.mean()) ** 2))
    top = result.to_frame().iloc[0]
    assert top["std_error"] == pytest.approx(error, rel=1e-9)
    apart = np.sqrt(
        np.sum([0.5, 0.3, 0.2] * figures.table["std_error"] ** 2 * [0.5, 0.3, 0.2])
    )
    assert top["std_error"] > 1.2 * apart


def test_weights_of_the_index_are_told_on():
    survey = sat.datasets.load("airline_waves")
    fit = sat.pls("ecsi", survey, by="unit")
    figures = sat.index(fit, survey, by=["company", "wave"])
    members = pd.DataFrame({"company": sorted(set(figures.table["company"]))})
    result = aggregate(figures, members, levels="company", shares="equal", over="wave")
    assert result.of_level("nation").weighting == ("company",)
    assert "index weights: per company" in str(result)


def test_documents_are_read_where_nothing_was_imported_yet(tmp_path):
    result = aggregate(*sectors(), **FLAT)
    made = (result.contributions(), result.changes(), result)
    paths = [str(one.save_json(tmp_path / f"{i}.json")) for i, one in enumerate(made)]
    code = (
        "import satmetrics as sat, sys; "
        "print([type(sat.read_result(path)).__name__ for path in sys.argv[1:]])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == str([type(one).__name__ for one in made])
