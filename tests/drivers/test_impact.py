"""Impact and scenarios against a population computed by hand, and each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

impact, scenario = sat.drivers.impact, sat.drivers.scenario
NAMES = ("Quality", "Value", "Satisfaction", "Loyalty")
ENDS = np.array([[1, 10], [1, 10], [0, 10], [0, 10], [1, 7], [1, 7], [1, 5], [1, 5.0]])


class Population:
    """Four composites of two items each, all of it known.

    Attributes
    ----------
    moments : of the eight items.
    B : (4, 4) paths between the indices in points, at [source, target].
    level : (4,) the indices.
    """

    def __init__(self) -> None:
        inner = np.zeros((4, 4))
        inner[0, 1], inner[0, 2], inner[1, 2], inner[2, 3] = 0.5, 0.4, 0.3, 0.6
        C = np.eye(4)
        for k in range(1, 4):  # correlations that the paths imply, from first to last
            C[:k, k] = C[k, :k] = C[:k, :k] @ inner[:k, k]
        within = [0.3, 0.5, 0.6, 0.4]
        weight, loading = np.zeros((4, 8)), np.zeros((4, 8))
        R = np.zeros((8, 8))
        for j, r in enumerate(within):
            at = slice(2 * j, 2 * j + 2)
            own = np.array([[1, r], [r, 1.0]])
            w = np.array([0.6, 0.4 + 0.1 * j])
            weight[j, at] = w / np.sqrt(w @ own @ w)
            loading[j, at] = own @ weight[j, at]
            R[at, at] = own
        between = loading.T @ C @ loading
        R = np.where(R == 0, between, R)
        sd = np.array([1.5, 2.0, 1.8, 1.2, 1.1, 0.9, 0.8, 0.7])
        mean = np.array([7.0, 8.0, 6.5, 7.2, 5.1, 4.9, 3.9, 4.1])
        self.items = [f"x{i}" for i in range(8)]
        self.moments = sat.Moments.from_table(mean, sd, R, n=400, names=self.items)
        # every index is a weighted mean of items on 0-100
        width = ENDS[:, 1] - ENDS[:, 0]
        share = weight / sd * width
        share /= share.sum(axis=1, keepdims=True)
        hundred = share * 100 / width
        cov = hundred @ (R * np.outer(sd, sd)) @ hundred.T
        self.level = hundred @ (mean - ENDS[:, 0])
        self.B = np.zeros((4, 4))
        for target in range(1, 4):
            at = np.flatnonzero(inner[:, target])
            own = cov[np.ix_(at, at)]
            self.B[at, target] = np.linalg.solve(own, cov[at, target])
        self.total = np.linalg.inv(np.eye(4) - self.B) - np.eye(4)

    def fit(self) -> sat.PlsFit:
        constructs = tuple(
            sat.Construct(
                name,
                tuple(self.items[2 * j : 2 * j + 2]),
                mode="B",
                scale=tuple(ENDS[2 * j]),
            )
            for j, name in enumerate(NAMES)
        )
        paths = (
            sat.Path("Quality", "Value"),
            sat.Path("Quality", "Satisfaction"),
            sat.Path("Value", "Satisfaction"),
            sat.Path("Satisfaction", "Loyalty"),
        )
        model = sat.StructuralModel("chain", constructs, paths, target="Satisfaction")
        return sat.pls(model, self.moments, sat.PlsOptions(tol=1e-14, max_iter=5000))


@pytest.fixture(scope="module")
def population() -> Population:
    return Population()


@pytest.fixture(scope="module")
def chain(population):
    return population.fit()


@pytest.fixture(scope="module")
def ecsi(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-12))


def test_points_times_the_effects_of_the_population(population, chain):
    found = impact(chain, points=(1, 5, -2), n_draws=0).to_frame()
    assert len(found) == 5 * 3 * 3
    at = {name: k for k, name in enumerate(NAMES)}
    i, j = (found[name].map(at) for name in ("source", "target"))
    for term, effect in (
        ("direct", population.B),
        ("indirect", population.total - population.B),
        ("total", population.total),
    ):
        rows = found["term"] == term
        expected = effect[i[rows], j[rows]] * found.loc[rows, "points"]
        np.testing.assert_allclose(
            found.loc[rows, "estimate"], expected, rtol=1e-8, atol=1e-12
        )
    np.testing.assert_allclose(found["performance"], population.level[i], rtol=1e-9)
    up = found["points"] > 0
    np.testing.assert_allclose(found["room"][up], 100 - found["performance"][up])
    np.testing.assert_allclose(found["room"][~up], found["performance"][~up])
    assert found["conf_low"].isna().all()
    assert set(zip(found["source"], found["target"], strict=True)) == {
        ("Quality", "Satisfaction"),
        ("Value", "Satisfaction"),
        ("Quality", "Loyalty"),
        ("Value", "Loyalty"),
        ("Satisfaction", "Loyalty"),
    }


def by_hand(population, changes, *, hold=False) -> np.ndarray:
    """Walk through the constructs in order, each plus what flows in."""
    change = np.zeros(4)
    for k, name in enumerate(NAMES):
        inflow = change @ population.B[:, k]
        own = changes.get(name, 0.0)
        change[k] = own if hold and name in changes else inflow + own
    return change


@pytest.mark.parametrize("hold", [False, True])
def test_changes_flow_along_the_paths_once(population, chain, hold):
    changes = {"Value": -2, "Quality": 5, "Satisfaction": 1.5}
    found = scenario(chain, changes=changes, hold=hold, n_draws=0).to_frame()
    change = found[found["term"] == "change"].set_index("construct")["estimate"]
    truth = by_hand(population, changes, hold=hold)
    np.testing.assert_allclose(change[list(NAMES)], truth, rtol=1e-8)
    if hold:
        np.testing.assert_allclose(change[list(changes)], list(changes.values()))
    level = found[found["term"] == "level"].set_index("construct")
    np.testing.assert_allclose(
        level.loc[list(NAMES), "estimate"], population.level + truth, rtol=1e-9
    )
    np.testing.assert_allclose(level.loc[list(NAMES), "now"], population.level)
    assert level.loc["Value", "stated"] == -2
    assert np.isnan(level.loc["Loyalty", "stated"])


def test_scenarios_add_up(chain):
    def change(**changes):
        found = scenario(chain, changes=changes, on=NAMES, n_draws=0).to_frame()
        return found.query("term == 'change'")["estimate"].to_numpy()

    both = change(Quality=5, Value=-2)
    np.testing.assert_allclose(both, change(Quality=5) + change(Value=-2))
    np.testing.assert_allclose(5 * both, change(Quality=25, Value=-10))


def test_one_effect_in_four_places(ecsi, mobi):
    """Impact, scenario, priorities, importance: one definition, one number."""
    for target in ("Satisfaction", "Loyalty"):
        found = impact(ecsi, mobi, on=target, points=1, n_draws=0).to_frame()
        total = found.query("term == 'total'").set_index("source")
        map_ = sat.drivers.importance_performance(
            ecsi, mobi, target=target, n_draws=0
        ).to_frame()
        map_ = map_[map_["level"] == "construct"].set_index(["term", "construct"])
        own = map_.loc["importance"].loc[total.index, "estimate"]
        np.testing.assert_allclose(total["estimate"], own, rtol=1e-12)
        now = map_.loc["performance"].loc[total.index, "estimate"]
        np.testing.assert_allclose(total["performance"], now, rtol=1e-12)
        ranked = sat.priorities(ecsi, mobi, target=target).to_frame()
        ranked = ranked.set_index("construct").loc[total.index]
        np.testing.assert_allclose(total["estimate"], ranked["effect"], rtol=1e-12)
        gain = total["estimate"] * total["room"]
        np.testing.assert_allclose(gain, ranked["estimate"], rtol=1e-12)
        for name, row in total.iterrows():
            moved = scenario(ecsi, changes={name: 1}, on=target, n_draws=0)
            assert moved.table["estimate"][0] == pytest.approx(row["estimate"])


@pytest.mark.parametrize("interval", ["percentile", "normal", "bca"])
def test_intervals_are_those_of_the_importance(ecsi, mobi, interval):
    asked = {"n_draws": 150, "rng": 7, "level": 0.9, "interval": interval}
    map_ = sat.drivers.importance_performance(ecsi, mobi, **asked).to_frame()
    one = map_.query("level == 'construct' and term == 'importance'")
    found = impact(ecsi, mobi, on="Satisfaction", points=[5, -5], **asked).to_frame()
    total = found.query("term == 'total'").set_index(["points", "source"])
    up = total.loc[5].loc[one["construct"]]
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    np.testing.assert_allclose(up[columns], 5 * one[columns], rtol=1e-9)
    down = total.loc[-5].loc[one["construct"]]
    np.testing.assert_allclose(down["conf_low"], -5 * one["conf_high"], rtol=1e-9)
    np.testing.assert_allclose(down["conf_high"], -5 * one["conf_low"], rtol=1e-9)
    moved = scenario(ecsi, mobi, changes={"Quality": 5}, **asked).to_frame()
    moved = moved.set_index(["term", "construct"])
    np.testing.assert_allclose(
        moved.loc[("change", "Satisfaction"), columns].astype(float),
        up.loc["Quality", columns].astype(float),
        rtol=1e-9,
    )
    level = moved.loc["level"].loc["Quality"]
    performance = map_.query("construct == 'Quality' and term == 'performance'")
    np.testing.assert_allclose(
        level[["conf_low", "conf_high"]].astype(float) - 5,
        performance[["conf_low", "conf_high"]].iloc[0].astype(float),
        rtol=1e-9,
    )
    assert moved.loc[("change", "Quality"), "std_error"] == pytest.approx(0, abs=1e-12)


def test_no_more_than_the_scale_holds(population, chain):
    room = 100 - population.level[0]
    asked = {"drivers": "Quality", "on": "Satisfaction", "n_draws": 0}
    within = impact(chain, points=room - 0.01, **asked)
    assert not any(within.table["reason"])
    beyond = impact(chain, points=room + 0.01, **asked)
    assert f"the driver has room for {room:.1f} points only" in str(beyond)
    fall = impact(chain, points=-population.level[0] - 1, **asked)
    assert all(f"room for {population.level[0]:.1f}" in r for r in fall.table["reason"])
    moved = scenario(chain, changes={"Quality": room + 1}, n_draws=0).to_frame()
    off = moved[moved["construct"] == "Quality"]
    assert (off["reason"] == "would be at 101.0, off 0–100").all()
    assert (moved.loc[moved["construct"] == "Loyalty", "reason"] == "").all()


def test_a_target_pushed_off_the_scale_is_said():
    """An effect above 1 takes the target past 100 before its driver is there."""
    R = np.full((2, 2), 0.9)
    np.fill_diagonal(R, 1.0)
    data = sat.Moments.from_table([50, 95], [5, 10], R, n=200, names=["a", "b"])
    model = sat.StructuralModel.from_blocks(
        "two", {"A": ["a"], "B": ["b"]}, {"A": "B"}, target="B", scale=(0, 100)
    )
    found = impact(sat.pls(model, data), points=5, n_draws=0).to_frame()
    reason = found.set_index("term")["reason"]
    assert reason["total"] == "B would be at 104.0, off 0–100"
    assert reason["direct"] == ""


def test_normal_theory_without_answers_and_the_caveat(chain):
    for found in (
        impact(chain, n_draws=40, rng=1),
        scenario(chain, changes={"Quality": 1}, n_draws=40, rng=1),
    ):
        assert found.resampled == "normal theory"
        assert "normal theory, no answers" in str(found)
        assert "association in one survey, not proof of cause" in str(found)


def test_rules_are_said(chain):
    added = scenario(chain, changes={"Quality": 1}, n_draws=0)
    held = scenario(chain, changes={"Quality": 1}, n_draws=0, hold=True)
    assert "is added to what flows in" in str(added)
    assert "is held at its stated change" in str(held)
    assert "changes: Quality +1" in str(held)


@pytest.fixture(scope="module")
def moderated():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 1)) + rng.normal(size=(300, 6))
    X[:, 4:] += 0.3 * X[:, :2] * X[:, 2:4]
    frame = pd.DataFrame(np.clip(np.rint(5.5 + 1.5 * X), 1, 10), columns=list("abcdef"))
    model = sat.StructuralModel.from_blocks(
        "moderated",
        {"Q": ["a", "b"], "M": ["c", "d"], "S": ["e", "f"]},
        {"Q": ["S"], "M": ["S"], "P": ["S"]},
        target="S",
        scale=(1, 10),
        interactions={"P": ("Q", "M")},
    )
    return sat.pls(model, frame)


def test_products_are_no_drivers(moderated):
    found = impact(moderated, n_draws=0)
    assert set(found.table["source"]) == {"Q", "M"}
    assert "products and no drivers: P" in str(found)
    with pytest.raises(errors.DataError, match="product of constructs"):
        scenario(moderated, changes={"P": 1})
    with pytest.raises(errors.DataError, match="product of constructs"):
        impact(moderated, drivers="P")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": 0}, "give points on 0–100"),
        ({"points": [1, 500]}, "give points on 0–100"),
        ({"points": "5"}, "give points on 0–100"),
        ({"on": "Satisfactoin"}, "did you mean 'Satisfaction'"),
        ({"on": "Quality"}, "nothing leads to 'Quality'"),
        ({"drivers": "Loyalty"}, "'Loyalty' leads to none of Satisfaction, Loyalty"),
        ({"n_draws": -1}, "too small"),
        ({"interval": "bcs"}, "'bca'"),
        ({"target": "Loyalty"}, "no argument 'target'"),
    ],
)
def test_wrong_impacts_are_named(chain, change, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        impact(chain, **change)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "give {construct: points}"),
        (5, "5 as changes=; give a dict .changes: {construct: points}"),
        ({"Qualty": 5}, "did you mean 'Quality'"),
        ({"Quality": 0}, "'Quality' by 0"),
        ({"Quality": float("nan")}, "'Quality' by nan"),
        ({"Quality": "5"}, "'Quality' by '5'"),
    ],
)
def test_wrong_scenarios_are_named(chain, changes, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        scenario(chain, changes=changes, n_draws=0)


def test_one_group_a_target_and_the_data_of_the_fit(mobi):
    half = mobi.assign(half=np.arange(len(mobi)) % 2)
    batch = sat.pls("ecsi", half, by="half")
    for function, asked in ((impact, {}), (scenario, {"changes": {"Quality": 1}})):
        with pytest.raises(errors.OptionError, match="holds a batch"):
            function(batch, **asked)
        with pytest.raises(errors.OptionError, match="needs a fit"):
            function(mobi, **asked)
        with pytest.raises(errors.DataError, match="not the data of the fit"):
            function(sat.pls("ecsi", mobi), mobi.iloc[1:], n_draws=10, **asked)
    bare = sat.StructuralModel.from_blocks(
        "bare", {"A": ["IMAG1"], "B": ["CUSA1"]}, {"A": "B"}, scale=(1, 10)
    )
    fit = sat.pls(bare, mobi)
    with pytest.raises(errors.DataError, match='pass on="Satisfaction"'):
        impact(fit)
    assert len(impact(fit, on="B", n_draws=0).table) == 6


@pytest.mark.slow
def test_intervals_cover_the_effects_of_the_population(population, chain):
    """Direct, indirect and total effects of three pairs on two targets."""
    rng = np.random.default_rng(11)
    truth = impact(chain, points=5, n_draws=0).table["estimate"]
    mean, cov = population.moments.mean, population.moments.cov
    hits, samples = np.zeros(len(truth)), 250
    for _ in range(samples):
        rows = rng.multivariate_normal(mean, cov, 300)
        frame = pd.DataFrame(rows, columns=population.items)
        moments = sat.Moments.from_frame(frame)
        fit = sat.pls(chain.model, moments)
        found = impact(fit, points=5, n_draws=400, rng=rng).table
        hits += (found["conf_low"] <= truth) & (truth <= found["conf_high"])
    exists = np.abs(truth) > 1e-9
    covered = hits[exists] / samples
    assert 0.93 < covered.mean() < 0.97, covered
    assert ((covered > 0.90) & (covered < 0.99)).all(), covered
