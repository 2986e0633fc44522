"""What is true of every number on satisfaction indices, said once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import satmetrics as sat

BLOCKS = {
    "Quality": ["q1", "q2", "q3"],
    "Value": ["v1", "v2"],
    "Satisfaction": ["s1", "s2", "s3"],
    "Loyalty": ["l1", "l2"],
}
PATHS = {
    "Quality": ["Value", "Satisfaction"],
    "Value": ["Satisfaction"],
    "Satisfaction": ["Loyalty"],
}
ITEMS = [item for items in BLOCKS.values() for item in items]
MEMBERS = pd.DataFrame(
    {
        "company": ["ada", "bee", "cap", "dot", "elk", "fig"],
        "industry": ["food", "food", "food", "rail", "rail", "post"],
        "sector": ["goods", "goods", "goods", "services", "services", "services"],
        "revenue": [5.0, 3.0, 1.0, 7.0, 2.0, 4.0],
        "gdp": [40.0, 40.0, 40.0, 25.0, 25.0, 25.0],
    }
)
WAVES = ("2024", "2025", "2026")
KEYS = ["company", "wave"]
DRAWN = {"n_draws": 200, "rng": 1}
NONE = {"n_draws": 0}
Sample = sat.Survey
Frame = pd.DataFrame


def model() -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "small", BLOCKS, PATHS, target="Satisfaction"
    )


@pytest.fixture(scope="module")
def answers() -> Frame:
    """Return 40 customers of six companies, the same in three waves, on 1–10."""
    rng = np.random.default_rng(5)
    people = np.arange(6 * 40)
    lasting = rng.normal(size=len(people))
    parts = []
    for t, wave in enumerate(WAVES):
        quality = 0.7 * lasting + 0.6 * rng.normal(size=len(people))
        quality += 0.25 * (people // 40) + 0.2 * t
        value = 0.6 * quality + 0.7 * rng.normal(size=len(people))
        liked = 0.5 * quality + 0.4 * value + 0.5 * rng.normal(size=len(people))
        loyal = 0.8 * liked + 0.6 * rng.normal(size=len(people))
        parts.append(
            pd.DataFrame(
                {
                    item: np.rint(5.5 + 1.6 * x + 0.9 * rng.normal(size=len(x)))
                    for x, name in zip(
                        (quality, value, liked, loyal), BLOCKS, strict=True
                    )
                    for item in BLOCKS[name]
                }
            )
            .clip(1, 10)
            .assign(
                company=MEMBERS["company"].to_numpy()[people // 40],
                industry=MEMBERS["industry"].to_numpy()[people // 40],
                wave=wave,
                site=people // 5,
                person=people,
                recommend=np.clip(np.rint(6 + 2 * loyal), 0, 10),
                w=1.0 + people % 3,
            )
        )
    return pd.concat(parts, ignore_index=True)


def survey(frame: object, scale: tuple[float, float] = (1, 10), **roles: str) -> Sample:
    own = dict.fromkeys(ITEMS, scale)
    return sat.Survey(frame, scale=own, unit="company", wave="wave", **roles)


def pooled(s: Sample, **how: object) -> sat.Result:
    return sat.index(sat.pls(model(), s), s, by=KEYS, **how)


def added(s: Sample, **how: object) -> sat.Result:
    return sat.indices.aggregate(pooled(s), MEMBERS, over="wave", **how)


def boxes(s: Sample) -> sat.Result:
    return sat.metrics.top_box(s, ["s1", "s2"], by=KEYS)


def share(s: Sample, method: str) -> sat.Result:
    return sat.drivers.relative_importance(
        s, ["q1", "q2", "v1"], outcome="s1", method=method, by="company", **NONE
    )


def scored(s: Sample) -> sat.Result:
    blocks = {"quality": BLOCKS["Quality"], "liking": BLOCKS["Satisfaction"]}
    return sat.indices.formula_index("equal_weights", s, items=blocks, by=KEYS)


CALLS: dict[str, Callable[[Sample], sat.Result]] = {
    "index": pooled,
    "index, weights per industry": lambda s: sat.index(
        sat.pls(model(), s, by="industry"), s, by=["industry", *KEYS]
    ),
    "index, equal weights": lambda s: sat.index(
        sat.pls(model(), s), s, by=KEYS, metric="equal"
    ),
    "changes": lambda s: sat.changes(pooled(s)),
    "aggregate": added,
    "aggregate, rolling": lambda s: added(s, rolling=True),
    "changes of an aggregate": lambda s: added(s).changes(),
    "contributions": lambda s: added(s).contributions(),
    "chart": lambda s: sat.indices.control_chart(pooled(s), method="ewma"),
    "targets": lambda s: sat.indices.targets_met(pooled(s), target=55),
    "formula": scored,
    "net score": lambda s: sat.metrics.net_score(s, "recommend", by=KEYS),
    "top box": boxes,
    "mean score": lambda s: sat.metrics.mean_score(s, ["s1", "l1"], by=KEYS),
    "differences": lambda s: sat.metrics.differences(boxes(s)),
    "lmg": lambda s: share(s, "lmg"),
    "johnson": lambda s: share(s, "johnson"),
    "impact": lambda s: sat.drivers.impact(sat.pls(model(), s), s, **NONE),
    "scenario": lambda s: sat.drivers.scenario(
        sat.pls(model(), s), s, changes={"Quality": 2, "Value": -1}, **NONE
    ),
}
each = pytest.mark.parametrize("name", list(CALLS))
LABELS = (*KEYS, "industry", "level", "name", "member", "item", "construct", "term")
LABELS += ("source", "target", "since", "against", "parent", "scale", "points")


def keyed(result: object) -> Frame:
    """Return the numbers of a result by what they are of, in a fixed order."""
    frame = result if isinstance(result, pd.DataFrame) else result.to_frame()
    keys = [c for c in frame if c in LABELS]
    numbers = [
        c for c in frame if c not in keys and pd.api.types.is_numeric_dtype(frame[c])
    ]
    out = frame.assign(**{k: frame[k].astype(str) for k in keys})
    out = out.set_index(keys)[numbers]
    assert out.index.is_unique
    return out.sort_index()


def same(
    one: object, other: object, *, skip: tuple[str, ...] = (), tol: float = 1e-7
) -> None:
    """Compare all numbers of two results but the columns `skip`."""
    a, b = keyed(one), keyed(other)
    assert a.index.equals(b.index)
    for name in a.columns.difference(skip):
        x, y = a[name].to_numpy(float), b[name].to_numpy(float)
        np.testing.assert_allclose(x, y, rtol=tol, atol=tol, err_msg=name)


@each
def test_the_order_of_rows_and_columns_changes_nothing(name, answers):
    mixed = answers.sample(frac=1, random_state=1).reset_index(drop=True)
    turned = mixed[mixed.columns[::-1]]
    for roles in ({"weight": "w"}, {"cluster": "site"}, {"respondent": "person"}):
        one, other = (CALLS[name](survey(d, **roles)) for d in (answers, turned))
        same(one, other)


@each
@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_the_library_of_the_frame_changes_nothing(name, library, answers):
    one, other = (CALLS[name](survey(d)) for d in (answers, library(answers)))
    same(one, other, tol=1e-9)


def repeated(frame: Frame) -> Frame:
    """Return every row as often as its weight says."""
    rows = np.repeat(np.arange(len(frame)), frame["w"].astype(int))
    return frame.iloc[rows].drop(columns="w").reset_index(drop=True)


COUNTS = ("n", "n_eff", "df")
LIMITS = ("conf_low", "conf_high", "adjusted", "adjusted_error", "statistic")
ADJUSTED = ("net score", "top box", "differences")
"""Limits that rest on an effective n, which is at most that of the rows."""


@each
def test_integer_weights_are_repeated_rows(name, answers):
    """One cluster per person: the copies of an answer are one person still."""
    weighted = CALLS[name](survey(answers, weight="w", cluster="person"))
    copies = CALLS[name](survey(repeated(answers), cluster="person"))
    more = (*LIMITS, "p_value") if name in ADJUSTED else ()
    same(weighted, copies, skip=(*COUNTS, *more))


@each
def test_copies_of_respondents_say_no_more_than_once(name, answers):
    double = pd.concat([answers, answers], ignore_index=True)
    once, twice = (CALLS[name](survey(d, cluster="person")) for d in (answers, double))
    same(once, twice, skip=COUNTS)


@each
def test_answers_on_another_scale_change_nothing(name, answers):
    """On 0-100 instead of 1-10, but for what is in units of the answers."""
    wide = answers.assign(**{c: (answers[c] - 1) / 9 * 100 for c in ITEMS})
    one, other = CALLS[name](survey(answers)), CALLS[name](survey(wide, (0, 100)))
    if name in ("top box", "differences", "mean score"):
        one, other = (r.to_frame() for r in (one, other))
        if name == "mean score":
            one, other = (f[f["term"] == "mean_100"] for f in (one, other))
        else:
            pytest.skip("the highest points are other ones")
        one, other = (f.drop(columns="scale") for f in (one, other))
    same(one, other, tol=1e-6)


def table(result: sat.Result, **where: object) -> Frame:
    frame = result.to_frame()
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


def by_keys(frame: Frame, keys: list[str] = KEYS) -> Frame:
    return frame.set_index(keys).sort_index()


def test_the_order_of_companies_members_and_waves_changes_nothing(answers):
    figures = pooled(survey(answers))
    one = sat.indices.aggregate(figures, MEMBERS, over="wave")
    turned = sat.indices.aggregate(
        figures, MEMBERS[MEMBERS.columns[::-1]].iloc[::-1], over="wave"
    )
    same(one, turned, tol=1e-12)
    same(one.contributions("sector"), turned.contributions("sector"), tol=1e-12)
    # waves that are numbers, dates or texts; companies that are numbers
    number = {name: 100 + i for i, name in enumerate(MEMBERS["company"])}
    for waves in ([2024, 2025, 2026], [24.5, 25.0, 25.5], list(pd.to_datetime(WAVES))):
        other = answers.assign(
            wave=answers["wave"].map(dict(zip(WAVES, waves, strict=True))),
            company=answers["company"].map(number),
        )
        numbered = MEMBERS.assign(company=MEMBERS["company"].map(number))
        got = sat.indices.aggregate(pooled(survey(other)), numbered, over="wave")
        for level in ("nation", "sector", "industry"):
            a, b = (table(r, level=level, construct="Satisfaction") for r in (one, got))
            for column in ("estimate", "std_error"):
                np.testing.assert_allclose(a[column], b[column], rtol=1e-12)
        moved = sat.changes(pooled(survey(other)))
        plain = sat.changes(figures)
        np.testing.assert_allclose(
            moved.to_frame()["estimate"], plain.to_frame()["estimate"], rtol=1e-12
        )


def test_an_index_against_its_formula(answers):
    """From raw weights, written as in the text books; errors over persons by loops."""
    s = survey(answers, weight="w", respondent="person")
    fit = sat.pls(model(), s)
    found = by_keys(table(sat.index(fit, s, by=KEYS), construct="Satisfaction"))
    at = [ITEMS.index(item) for item in BLOCKS["Satisfaction"]]
    own = fit.raw_weights()[at]
    score = answers[BLOCKS["Satisfaction"]].to_numpy() @ own
    score = (score - own.sum()) / (9 * own.sum()) * 100
    data = answers.assign(y=score)
    for key, group in data.groupby(KEYS):
        w, y = group["w"].to_numpy(), group["y"].to_numpy()
        mean = (w * y).sum() / w.sum()
        u = w * (y - mean) / w.sum()
        error = np.sqrt(len(u) / (len(u) - 1) * (u**2).sum())
        row = found.loc[key]
        assert row["estimate"] == pytest.approx(mean, rel=1e-10)
        assert row["std_error"] == pytest.approx(error, rel=1e-10)
        half = stats.t.ppf(0.975, len(u) - 1) * error
        assert row["conf_high"] - row["estimate"] == pytest.approx(half, rel=1e-9)


def test_a_nation_of_one_company_is_the_company(answers):
    s = survey(answers[answers["company"] == "ada"])
    figures = pooled(s)
    tower = sat.indices.aggregate(figures, MEMBERS.iloc[:1], over="wave")
    own = table(figures).set_index(["wave", "construct"])
    for level in ("company", "industry", "sector", "nation"):
        rows = table(tower, level=level).set_index(["wave", "construct"])
        for column in ("n", "estimate", "std_error", "conf_low", "conf_high"):
            np.testing.assert_allclose(
                rows.loc[own.index, column], own[column], rtol=1e-12
            )
    moved = table(sat.changes(figures)).set_index(["wave", "construct"])
    rows = table(tower.changes(), level="nation").set_index(["wave", "construct"])
    for column in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(rows.loc[moved.index, column], moved[column])


def test_equal_weights_are_plain_means_and_nested_ones_products(answers):
    figures = pooled(survey(answers))
    levels = ["company"]
    flat = sat.indices.aggregate(
        figures, MEMBERS, levels=levels, shares="equal", over="wave"
    )
    own = table(figures, construct="Satisfaction")
    mean = own.groupby("wave")["estimate"].mean()
    error = own.groupby("wave")["std_error"].agg(lambda s: np.sqrt((s**2).sum()) / 6)
    top = table(flat, level="nation", construct="Satisfaction").set_index("wave")
    np.testing.assert_allclose(top["estimate"], mean)
    np.testing.assert_allclose(top["std_error"], error)
    # three levels at once are one mean with products of shares
    nested = sat.indices.aggregate(figures, MEMBERS, over="wave")
    revenue = MEMBERS.set_index("company")["revenue"]
    keys = MEMBERS.set_index("company")
    share = revenue / revenue.groupby(keys["industry"]).transform("sum")
    of_industry = revenue.groupby(keys["industry"]).transform("sum")
    share *= of_industry / revenue.groupby(keys["sector"]).transform("sum")
    gdp = keys["gdp"] / MEMBERS.groupby("sector")["gdp"].first().sum()
    whole = (share * gdp)[own["company"]].to_numpy()
    assert (share * gdp).sum() == pytest.approx(1)
    found = (own["estimate"] * whole).groupby(own["wave"]).sum()
    top = table(nested, level="nation", construct="Satisfaction").set_index("wave")
    np.testing.assert_allclose(top["estimate"], found)


@pytest.mark.parametrize("roles", [{}, {"respondent": "person"}, {"cluster": "site"}])
@pytest.mark.parametrize("draws", [NONE, DRAWN], ids=["delta", "draws"])
def test_changes_add_up_over_waves_and_contributions_to_changes(roles, draws, answers):
    figures = pooled(survey(answers, **roles), **draws, construct="Satisfaction")
    moved = by_keys(table(sat.changes(figures)))["estimate"].unstack()
    level = by_keys(table(figures))["estimate"].unstack()
    np.testing.assert_allclose(moved.sum(axis=1), level["2026"] - level["2024"])
    for rolling in (False, True):
        tower = sat.indices.aggregate(figures, MEMBERS, over="wave", rolling=rolling)
        whole = table(tower.changes()).set_index(["level", "name", "wave"])
        for level in ("nation", "sector", "industry"):
            parts = table(tower.contributions(level))
            parts = parts[parts["term"] != "all"]
            summed = parts.groupby(["level", "name", "wave"])["estimate"].sum()
            np.testing.assert_allclose(
                summed, whole.loc[summed.index, "estimate"], atol=1e-9
            )
        # a difference of the published levels, with the same error
        joint = tower.errors()
        frame = tower.to_frame()
        rows = frame[frame["level"] == "nation"].sort_values("wave").index
        last = joint.combined(
            np.zeros(2, int), rows[1:].to_numpy(), np.array([-1.0, 1])
        )
        row = whole.loc[("nation", "nation", "2026")]
        assert row["std_error"] == pytest.approx(last.std_error[0])
        assert row["estimate"] == pytest.approx(last.estimate[0])


@pytest.mark.parametrize("roles", [{}, {"cluster": "site"}])
def test_rank_sets_do_not_move_with_all_figures(roles, answers):
    figures = by_keys(table(pooled(survey(answers, **roles)), construct="Satisfaction"))
    frame = figures.loc[(slice(None), "2026"), :].reset_index()
    frame = frame[["company", "estimate", "std_error"]]
    plain, moved, stretched = (
        table(sat.indices.ranking(f, rng=1)).set_index("company").sort_index()
        for f in (
            frame,
            frame.assign(estimate=frame["estimate"] + 17.3),
            frame.assign(
                estimate=7 * frame["estimate"], std_error=7 * frame["std_error"]
            ),
        )
    )
    for name in ("rank", "rank_low", "rank_high", "own_low", "own_high", "letters"):
        assert plain[name].tolist() == moved[name].tolist() == stretched[name].tolist()
    np.testing.assert_allclose(plain["expected_rank"], moved["expected_rank"])
    # upside down: ranks from below
    under = table(
        sat.indices.ranking(frame.assign(estimate=-frame["estimate"]), rng=1)
    ).set_index("company")
    np.testing.assert_array_equal(
        7 - under["rank_high"].sort_index(), plain["rank_low"]
    )


def test_an_equal_formula_is_the_index_of_equal_weights(answers):
    for roles in ({}, {"weight": "w", "cluster": "site"}, {"respondent": "person"}):
        s = survey(answers, **roles)
        items = {"liking": BLOCKS["Satisfaction"]}
        formula = sat.indices.formula_index("equal_weights", s, items=items, by=KEYS)
        model_ = sat.index(sat.pls(model(), s), s, by=KEYS, metric="equal")
        one = by_keys(table(formula, construct=formula.target))
        other = by_keys(table(model_, construct="Satisfaction"))
        for column in ("n", "estimate", "std_error"):
            np.testing.assert_allclose(one[column], other[column], rtol=1e-10)


@pytest.mark.parametrize(
    "roles", [{}, {"weight": "w"}, {"cluster": "site"}, {"respondent": "person"}]
)
def test_a_net_score_is_the_mean_of_three_values(roles, answers):
    """Net score, and its changes, against the mean of -100, 0 and 100."""
    r = answers["recommend"]
    data = answers.assign(net=np.where(r >= 9, 100, np.where(r <= 6, -100, 0)))
    s = survey(data, **roles)
    net = sat.metrics.net_score(s, "recommend", by=KEYS, method="wald")
    mean = sat.metrics.mean_score(s, "net", by=KEYS, scale=(-100, 100))
    one = by_keys(table(net, term="net_score"))
    other = by_keys(table(mean, term="mean"))
    np.testing.assert_allclose(one["estimate"], other["estimate"], atol=1e-12)
    n = other["n"] if roles in ({}, {"weight": "w"}) else np.inf
    # of rows sampled singly the variance has n below, that of a mean n - 1
    np.testing.assert_allclose(
        one["std_error"], other["std_error"] * np.sqrt(1 - 1 / n), rtol=1e-9
    )
    a = by_keys(table(sat.metrics.differences(net), term="net_score"))
    b = by_keys(table(sat.metrics.differences(mean), term="mean"))
    np.testing.assert_allclose(a["estimate"], b["estimate"], atol=1e-12)
    parts = net.to_frame().pivot_table(
        index=KEYS, columns="term", values="estimate", sort=True
    )
    np.testing.assert_allclose(
        parts[["promoters", "passives", "detractors"]].sum(axis=1), 100
    )
    np.testing.assert_allclose(
        parts["promoters"] - parts["detractors"], parts["net_score"], atol=1e-12
    )


def test_top_and_bottom_boxes_are_complements(answers):
    for roles in ({}, {"weight": "w"}, {"cluster": "site"}):
        s = survey(answers, **roles)
        for k in (1, 3, 9):
            found = sat.metrics.top_box(s, "s1", top=k, bottom=10 - k, by=KEYS)
            top = by_keys(table(found, term=f"top_{k}"))
            bottom = by_keys(table(found, term=f"bottom_{10 - k}"))
            np.testing.assert_allclose(
                top["estimate"], 100 - bottom["estimate"], atol=1e-9
            )
            np.testing.assert_allclose(top["std_error"], bottom["std_error"], atol=1e-9)
            np.testing.assert_allclose(
                top["conf_low"], 100 - bottom["conf_high"], atol=1e-9
            )


@pytest.mark.parametrize("method", ["lmg", "johnson"])
def test_shares_add_up_to_r2_and_have_no_unit(method, answers):
    drivers = ["q1", "q2", "v1", "v2"]
    factors = dict(zip([*drivers, "s1"], (3.0, 0.2, 11.0, 1.0, 40.0), strict=True))
    wide = answers.assign(**{c: 5 + f * answers[c] for c, f in factors.items()})
    found = [
        sat.drivers.relative_importance(
            f, drivers, outcome="s1", method=method, **NONE
        ).to_frame()
        for f in (answers, wide)
    ]
    X = np.column_stack([np.ones(len(answers)), answers[drivers]])
    y = answers["s1"].to_numpy()
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    r2 = 1 - left @ left / ((y - y.mean()) ** 2).sum()
    for frame in found:
        assert frame["estimate"].sum() == pytest.approx(r2, rel=1e-10)
        assert frame["percent"].sum() == pytest.approx(100)
    np.testing.assert_allclose(found[0]["estimate"], found[1]["estimate"], rtol=1e-9)
    # orthogonal drivers have their squared correlations
    Q = np.linalg.qr(X[:, 1:] - X[:, 1:].mean(axis=0))[0]
    plain = pd.DataFrame(Q, columns=drivers).assign(s1=y)
    frame = sat.drivers.relative_importance(
        plain, drivers, outcome="s1", method=method, **NONE
    ).to_frame()
    r = plain.corr()["s1"][drivers]
    np.testing.assert_allclose(
        frame.set_index("name").loc[drivers, "estimate"], r**2, rtol=1e-8
    )


def test_impact_scenario_and_importance_are_one_thing(answers):
    s = survey(answers)
    fit = sat.pls(model(), s)
    importance = table(
        sat.drivers.importance_performance(fit, s, **NONE),
        level="construct",
        term="importance",
    ).set_index("construct")["estimate"]
    for points in (1, 5, -2):
        found = table(sat.drivers.impact(fit, s, points=points, **NONE), term="total")
        on = found[found["target"] == "Satisfaction"].set_index("source")["estimate"]
        np.testing.assert_allclose(on, points * importance[on.index], rtol=1e-9)
        for driver in ("Quality", "Value"):
            moved = table(
                sat.drivers.scenario(fit, s, changes={driver: points}, **NONE),
                term="change",
            ).set_index("construct")["estimate"]
            effects = found[found["source"] == driver].set_index("target")["estimate"]
            np.testing.assert_allclose(moved[effects.index], effects, rtol=1e-9)
            assert moved[driver] == pytest.approx(points)


def test_a_company_may_move_to_another_industry(answers):
    """It leaves one and enters the other; its own change goes on."""
    figures = pooled(survey(answers), construct="Satisfaction")
    members = MEMBERS.merge(pd.DataFrame({"wave": WAVES}), how="cross")
    moves = (members["company"] == "cap") & (members["wave"] > "2024")
    new = ["post", "services", 25.0]
    members.loc[moves, ["industry", "sector", "gdp"]] = new
    tower = sat.indices.aggregate(figures, members, over="wave", rolling=True)
    own = by_keys(table(figures))["estimate"]
    revenue = MEMBERS.set_index("company")["revenue"]
    for wave, there in (("2024", ["fig"]), ("2025", ["fig", "cap"])):
        mean = np.average([own[c, wave] for c in there], weights=revenue[there])
        row = table(tower, name="post", wave=wave)
        assert row["estimate"].item() == pytest.approx(mean)
    terms = table(tower.contributions("industry"), member="cap", wave="2025")
    assert dict(zip(terms["name"], terms["term"], strict=True)) == {
        "food": "left",
        "post": "entered",
    }
    for level in ("industry", "sector", "nation"):
        parts = table(tower.contributions(level))
        whole = parts[parts["term"] == "all"].set_index(["name", "wave"])["estimate"]
        parts = parts[parts["term"] != "all"].groupby(["name", "wave"])["estimate"]
        np.testing.assert_allclose(parts.sum(), whole.sort_index(), atol=1e-9)
    moved = table(tower.changes(), name="cap").set_index("wave")["estimate"]
    assert moved["2025"] == pytest.approx(own["cap", "2025"] - own["cap", "2024"])


def of_few_sites(rng: np.random.Generator, companies: int) -> Frame:
    """Return five customers of six sites per company in each of two waves, no change.

    Sites differ, and move on their own from wave to wave.
    """
    site = np.repeat(np.arange(6 * companies), 10)
    wave = np.tile(np.repeat([0, 1], 5), 6 * companies)
    lasting = rng.normal(size=6 * companies)[site]
    passing = 0.7 * rng.normal(size=(6 * companies, 2))[site, wave]
    common = 50 + 5 * (lasting + passing)[:, None]
    values = common + 6 * rng.normal(size=(len(site), len(ITEMS)))
    frame = pd.DataFrame(values, columns=ITEMS)
    return frame.assign(site=site, wave=wave, company=site // 6)


def test_intervals_of_few_clusters_hold_what_they_should():
    """Six sites in two waves have five degrees of freedom, not ten.

    Levels, changes, and both of pairs of companies. With normal limits 89 % of the
    changes would be held, with ten degrees of freedom 92 %. One standard error of the
    share is 0.4 points for companies, 0.6 for pairs.
    """
    held: dict[str, list[bool]] = {}
    for seed in range(3):
        frame = of_few_sites(np.random.default_rng(seed), 450)
        s = survey(frame, (0, 100), cluster="site")
        figures = sat.index(sat.pls(model(), s), s, by=KEYS, construct="Satisfaction")
        members = pd.DataFrame({"company": range(450), "pair": np.arange(450) // 2})
        tower = sat.indices.aggregate(
            figures, members, levels=["company", "pair"], shares="equal", over="wave"
        )
        for name, truth, found in (
            ("level", 50, tower),
            ("change", 0, tower.changes()),
        ):
            for level in ("company", "pair"):
                rows = table(found, level=level)
                inside = (rows["conf_low"] <= truth) & (rows["conf_high"] >= truth)
                held.setdefault(f"{name} of a {level}", []).extend(inside)
    for name, hits in held.items():
        error = np.sqrt(0.95 * 0.05 / len(hits))
        assert abs(np.mean(hits) - 0.95) < 4 * error, name


MORE: dict[str, Callable[[Sample], sat.Result]] = {
    **CALLS,
    "index with draws": lambda s: pooled(s, n_draws=20, rng=1),
    "index of few hidden": lambda s: pooled(s, min_n=10),
    "aggregate of few hidden": lambda s: added(s, min_n=10),
    "index, weights per unit": lambda s: sat.index(
        sat.pls(model(), s, by=KEYS), s, by=KEYS
    ),
    "ranking": lambda s: sat.indices.ranking(pooled(s), rng=1),
    "shewhart": lambda s: sat.indices.control_chart(pooled(s)),
    "cusum": lambda s: sat.indices.control_chart(pooled(s), method="cusum"),
    "diagnostics": lambda s: sat.indices.diagnostics(sat.pls(model(), s), s),
    "plan": lambda s: sat.indices.detectable_change(pooled(s)),
    "scoreboard": lambda s: sat.indices.scoreboard(model(), s, MEMBERS),
}


def dominated(f: Frame) -> Frame:
    return f.assign(w=np.where(np.arange(len(f)) == 3, 1e9, 1.0))


def without(f: Frame, company: str, wave: str) -> Frame:
    return f[~((f["company"] == company) & (f["wave"] == wave))]


LONG = "<b>=1+1</b>" * 60
HARD: dict[str, Callable[[Frame], Frame]] = {
    "one respondent": lambda f: f.iloc[:1],
    "two respondents": lambda f: f.iloc[:2],
    "constant": lambda f: f.assign(**dict.fromkeys([*ITEMS, "recommend"], 5.0)),
    "at the ceiling": lambda f: f.assign(**dict.fromkeys([*ITEMS, "recommend"], 10.0)),
    "a company at the ceiling": lambda f: f.assign(
        **{c: np.where(f["company"] == "ada", 10.0, f[c]) for c in ITEMS}
    ),
    "one row has all weight": dominated,
    "0/1 answers": lambda f: f.assign(**{c: 1.0 + 9 * (f[c] > 6) for c in ITEMS}),
    "one company": lambda f: f[f["company"] == "elk"],
    "one wave": lambda f: f[f["wave"] == "2025"],
    "a wave missing in the middle": lambda f: without(f, "ada", "2025"),
    "a company of one answer": lambda f: pd.concat([f[f["company"] != "fig"], f[-1:]]),
    "blank names": lambda f: f.assign(company=f["company"].replace("ada", "")),
    "no names": lambda f: f.assign(company=f["company"].replace("ada", np.nan)),
    "numbers as names": lambda f: f.assign(company=f["company"].factorize()[0] + 1.5),
    "long names": lambda f: f.assign(company=f["company"].replace("ada", LONG)),
    "an item is empty": lambda f: f.assign(s2=np.nan),
    "an item is empty in a company": lambda f: f.assign(
        s2=f["s2"].where(f["company"] != "dot")
    ),
    "two items are one": lambda f: f.assign(s2=f["s1"]),
    "an item against the others": lambda f: f.assign(s2=11 - f["s1"]),
}


SURE = ("impact", "scenario", "lmg", "johnson")
"""Estimates asked for without draws, which say nothing of their errors."""


def unsaid(name: str, result: sat.Result) -> list[str]:
    """Return what of a result is neither a figure nor explained."""
    frame = result.to_frame()
    numbers = frame.select_dtypes("number")
    numbers = numbers.drop(columns=["df", "population"], errors="ignore")
    found = [f"{name}: infinite"] * int(np.isinf(numbers.to_numpy(float)).any())
    if "reason" not in frame or "estimate" not in frame:
        return found
    silent = frame["reason"] == ""
    absent = frame["estimate"].isna() & silent
    found += [f"{name}: no figure, no reason"] * int(absent.any())
    if "std_error" in frame and name not in SURE:
        absent = frame["std_error"].isna() & frame["estimate"].notna() & silent
        found += [f"{name}: no error, no reason"] * int(absent.any())
    return found


@pytest.mark.filterwarnings("ignore::satmetrics.errors.ScaleWarning")
@pytest.mark.filterwarnings("ignore::satmetrics.errors.SmallSampleWarning")
@pytest.mark.filterwarnings("ignore::satmetrics.errors.ReversalWarning")
@pytest.mark.parametrize("case", list(HARD))
def test_what_cannot_be_computed_is_said(case, answers):
    """Every outcome is an error with a remedy, or a figure, or a reason for none."""
    data = survey(HARD[case](answers), weight="w")
    found: list[str] = []
    for name, function in MORE.items():
        try:
            result = function(data)
        except sat.errors.SatmetricsError as error:
            found += [f"{name}: {error}"] * (not error.remedy)
            continue
        assert str(result)
        found += unsaid(name, result)
    assert not found


def test_draws_of_few_clusters_have_the_right_error_and_say_what_they_lack():
    """Sites are drawn within their company: the variance is that of linearisation."""
    s = survey(of_few_sites(np.random.default_rng(0), 60), (0, 100), cluster="site")
    fit = sat.pls(model(), s)
    how = {"by": KEYS, "construct": "Satisfaction", "metric": "equal"}
    plain, drawn = sat.index(fit, s, **how), sat.index(fit, s, **how, **DRAWN)
    ratio = drawn.to_frame()["std_error"] ** 2 / plain.to_frame()["std_error"] ** 2
    assert ratio.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 200 / 120))
    moved = [sat.changes(r).to_frame()["std_error"] ** 2 for r in (plain, drawn)]
    assert (moved[1] / moved[0]).mean() == pytest.approx(1, abs=0.06)
    assert "too narrow" in str(drawn)
    assert "too narrow" not in str(plain)


def test_a_component_of_few_answers_is_not_told_by_the_others(answers):
    """An index that is a sum is hidden with its parts, in the same groups."""
    thin = answers.copy()
    here = (thin["company"] == "dot") & (thin["wave"] == "2025")
    thin.loc[thin.index[here][5:], BLOCKS["Value"]] = np.nan
    names = ("Quality", "Value", "Satisfaction")
    items = {f"of {name}": BLOCKS[name] for name in names}
    for by in (KEYS, None):
        frame = thin[here] if by is None else thin
        found = sat.indices.formula_index(
            "equal_weights", survey(frame), items=items, by=by, min_n=10
        ).to_frame()
        shut = found["estimate"].isna()
        if by is None:
            assert shut.all()
            continue
        whole = shut.groupby([found[k] for k in KEYS]).agg(["min", "max"])
        assert whole["min"].equals(whole["max"])
        assert whole.loc[("dot", "2025"), "min"]
        assert 4 <= whole["min"].sum() < 10
