"""Importance and performance against cSEM, and against regressions of scores."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

importance_performance = sat.drivers.importance_performance


def values(found, level, term) -> pd.Series:
    frame = found.to_frame().query("level == @level and term == @term")
    return frame.set_index(level)["estimate"]


@pytest.fixture(scope="module")
def ecsi(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-12))


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """120 answers on three scales, one item turned."""
    rng = np.random.default_rng(8)
    F = rng.standard_normal((120, 3)) @ np.array(
        [[1, 0.6, 0.4], [0, 0.8, 0.5], [0, 0, 0.7]]
    )
    owner = [0, 0, 1, 1, 1, 2, 2]
    X = F[:, owner] + 0.6 * rng.standard_normal((120, 7))
    frame = pd.DataFrame(X, columns=["a1", "a2", "b1", "b2", "b3", "c1", "c2"])
    for names, middle, width, low, high in (
        (["a1", "a2"], 3, 0.7, 1, 5),
        (["b1", "b2", "b3"], 5.5, 1.5, 1, 10),
        (["c1", "c2"], 50, 14, 0, 100),
    ):
        frame[names] = np.clip(np.rint(middle + width * frame[names]), low, high)
    frame["b2"] = 11 - frame["b2"]
    return frame


def three(**change) -> sat.StructuralModel:
    return sat.StructuralModel(
        "three",
        (
            sat.Construct("A", ("a1", "a2"), scale=(1, 5)),
            sat.Construct("B", ("b1", "b2", "b3"), scale=(1, 10), reverse=("b2",)),
            sat.Construct("C", ("c1", "c2"), scale=(0, 100), mode="B"),
        ),
        (sat.Path("A", "B"), sat.Path("B", "C"), sat.Path("A", "C")),
        **({"target": "C"} | change),
    )


@pytest.mark.parametrize("target", ["Loyalty", "Satisfaction"])
def test_as_csem(ecsi, mobi, reference, target):
    golden = reference("ipma_csem")
    found = importance_performance(ecsi, mobi, target=target, n_draws=0)
    for level in ("construct", "indicator"):
        names = golden[f"{level}s"]
        ours = values(found, level, "importance")
        expected = pd.Series(golden["importance"][target][f"{level}s"], index=names)
        np.testing.assert_allclose(ours, expected[ours.index], atol=1e-10)
        ours = values(found, level, "performance")
        expected = pd.Series(golden["performance"][f"{level}s"], index=names)
        expected = (expected - 1) / 9 * 100
        np.testing.assert_allclose(ours, expected[ours.index], atol=1e-10)


def test_as_regressions_of_scores_on_0_100(mixed):
    """Three scales: scores by hand, least squares, effects added up along the paths."""
    fit = sat.pls(three(), mixed, sat.PlsOptions(tol=1e-12))
    found = importance_performance(fit, n_draws=0)
    hundred = pd.DataFrame(
        {
            **{i: (mixed[i] - 1) / 4 * 100 for i in ("a1", "a2")},
            **{i: (mixed[i] - 1) / 9 * 100 for i in ("b1", "b3")},
            "b2": (10 - mixed["b2"]) / 9 * 100,
            **{i: mixed[i] for i in ("c1", "c2")},
        }
    )
    weight = fit.measurement().set_index("indicator")["weight"]
    share, score = {}, {}
    for name, items in {
        "A": ["a1", "a2"],
        "B": ["b1", "b2", "b3"],
        "C": ["c1", "c2"],
    }.items():
        raw = weight[items] / hundred[items].std()
        share[name] = raw / raw.sum()
        score[name] = hundred[items] @ share[name]
    one = np.ones(120)
    ab = np.linalg.lstsq(np.column_stack([one, score["A"]]), score["B"])[0][1]
    ac, bc = np.linalg.lstsq(
        np.column_stack([one, score["A"], score["B"]]), score["C"]
    )[0][1:]
    effect = {"A": ac + ab * bc, "B": bc}
    importance = values(found, "construct", "importance")
    np.testing.assert_allclose(
        importance[["A", "B"]], [effect["A"], effect["B"]], rtol=1e-8
    )
    performance = values(found, "construct", "performance")
    for name in effect:
        np.testing.assert_allclose(performance[name], score[name].mean())
        items = values(found, "indicator", "importance")[share[name].index]
        np.testing.assert_allclose(items, effect[name] * share[name], rtol=1e-8)
        means = values(found, "indicator", "performance")[share[name].index]
        np.testing.assert_allclose(means, hundred[share[name].index].mean())
    assert "different scales" in str(found)


def test_agrees_with_priorities(ecsi, mobi):
    found = importance_performance(ecsi, mobi, n_draws=0)
    ranked = sat.priorities(ecsi, mobi).to_frame().set_index("construct")
    importance = values(found, "construct", "importance")
    np.testing.assert_allclose(importance, ranked.loc[importance.index, "effect"])
    performance = values(found, "construct", "performance")
    np.testing.assert_allclose(performance, ranked.loc[importance.index, "performance"])


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_intervals_are_those_of_the_bootstrap(ecsi, mobi, interval):
    """Performance is the index; importance is recomputed draw by draw."""
    asked = {"n_draws": 150, "rng": 7, "level": 0.9, "interval": interval}

    def again(fits):
        names, owner = fits.model.names, fits.model.owner()
        weights = fits.weights / np.sqrt(
            np.diagonal(fits.moments.cov, axis1=1, axis2=2)
        )
        span = np.stack([weights[:, owner == k].sum(axis=1) for k in range(7)], axis=1)
        inverse = np.linalg.inv(np.eye(7) - fits.path_matrix)
        i, j = names.index("Quality"), names.index("Satisfaction")
        effect = inverse[:, i, j] * span[:, i] / span[:, j]
        item = list(fits.model.indicators).index("PERQ3")
        return {"construct": effect, "item": effect * weights[:, item] / span[:, i]}

    found = importance_performance(ecsi, mobi, **asked).to_frame()
    boot = sat.bootstrap(ecsi, mobi, statistic=again, **asked).to_frame()
    columns = ["estimate", "std_error", "conf_low", "conf_high"]
    ours = found.query("level == 'construct' and term == 'performance'")
    index = boot.query("term == 'index'").set_index("construct").loc[ours["construct"]]
    np.testing.assert_allclose(ours[columns], index[columns], rtol=1e-9)
    rows = {
        "construct": "level == 'construct' and construct == 'Quality'",
        "item": "indicator == 'PERQ3'",
    }
    for name, where in rows.items():
        one = found.query(where + " and term == 'importance'")[columns]
        other = boot[(boot["term"] == "statistic") & (boot["name"] == name)][columns]
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_without_answers_by_normal_theory(mobile):
    fit = sat.pls("ecsi", mobile)
    found = importance_performance(fit, n_draws=50, rng=1)
    assert found.resampled == "normal theory"
    assert "normal theory, no answers" in str(found)
    bare = importance_performance(fit, n_draws=0)
    assert bare.to_frame()["conf_low"].isna().all()
    np.testing.assert_allclose(bare.table["estimate"], found.table["estimate"])


def test_indicators_add_up_to_their_construct(ecsi):
    frame = importance_performance(ecsi, n_draws=0, target="Loyalty").to_frame()
    frame = frame[frame["term"] == "importance"]
    items = frame[frame["level"] == "indicator"].groupby("construct")["estimate"].sum()
    blocks = frame[frame["level"] == "construct"].set_index("construct")["estimate"]
    np.testing.assert_allclose(items[blocks.index], blocks)


def test_a_negative_weight_is_said(mixed):
    constructs = tuple(dataclasses.replace(c, reverse=()) for c in three().constructs)
    with pytest.warns(errors.ReversalWarning):
        fit = sat.pls(dataclasses.replace(three(), constructs=constructs), mixed)
    found = importance_performance(fit, n_draws=0)
    assert "negative weight: b2" in str(found)
    assert values(found, "indicator", "importance")["b2"] < 0


def test_drawn_as_priorities_are(ecsi, mobi):
    found = importance_performance(ecsi, mobi, n_draws=0)
    ours = sat.plot.priorities(found)
    (one,) = [line for line in ours.lines if line.get_gid() == "estimate"]
    theirs = sat.plot.priorities(sat.priorities(ecsi, mobi))
    (other,) = [line for line in theirs.lines if line.get_gid() == "estimate"]
    np.testing.assert_allclose(one.get_xydata(), other.get_xydata())
    assert [t.get_text() for t in ours.texts] == [t.get_text() for t in theirs.texts]


def test_wrong_input(mixed, mobi):
    fit = sat.pls(three(), mixed)
    with pytest.raises(errors.DataError, match="nothing leads to 'A'"):
        importance_performance(fit, target="A")
    with pytest.raises(errors.DataError, match="names no target"):
        importance_performance(sat.pls(three(target=None), mixed))
    with pytest.raises(errors.SpecificationError, match="did you mean 'C'"):
        importance_performance(fit, target="c")
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        importance_performance(fit, mixed.iloc[1:], n_draws=10)
    bare = sat.StructuralModel.from_blocks(
        "bare", {"A": ["a1", "a2"], "C": ["c1", "c2"]}, {"A": "C"}, target="C"
    )
    with pytest.raises(errors.DataError, match="'a1' has no scale"):
        importance_performance(sat.pls(bare, mixed))
    scaled = importance_performance(sat.pls(bare, mixed), scale=(0, 100), n_draws=0)
    np.testing.assert_allclose(
        values(scaled, "indicator", "performance")["a1"], mixed["a1"].mean()
    )
    with pytest.raises(errors.OptionError, match="needs a fit"):
        importance_performance(mixed, fit)
    with pytest.raises(errors.OptionError, match="did you mean 'n_draws'"):
        importance_performance(fit, nboot=10)
    with pytest.raises(errors.OptionError, match="'percentile'"):
        importance_performance(fit, interval="percentil")
    halves = mixed.assign(half=np.arange(120) % 2)
    batch = sat.pls(three(), halves, by="half")
    with pytest.raises(errors.OptionError, match="holds a batch"):
        importance_performance(batch)


@pytest.mark.parametrize("kinds", [("factor", "factor"), ("composite", "factor")])
def test_points_of_factors_are_free_of_measurement_error(kinds):
    """η in points: a point more goes with a point more of the composite, on average."""
    loading = {"a": np.array([0.9, 0.7, 0.5]), "b": np.array([0.8, 0.6, 0.6])}
    path, sd = 0.6, np.array([1.0, 2.0, 1.5, 0.8, 1.2, 3.0])
    both = np.concatenate([*loading.values()])
    owner = np.repeat([0, 1], 3)
    inner = np.array([[1.0, path], [path, 1.0]])
    R = inner[np.ix_(owner, owner)] * np.outer(both, both)
    np.fill_diagonal(R, 1.0)
    names = [f"{b}{i}" for b in "ab" for i in range(3)]
    data = sat.Moments.from_table(
        mean=np.full(6, 5.0), sd=sd, corr=R, n=500, names=names
    )
    model = sat.StructuralModel.from_blocks(
        "m",
        {"A": names[:3], "B": names[3:]},
        {"A": "B"},
        target="B",
        scale=(0, 10),
        kinds=dict(zip("AB", kinds, strict=True)),
    )
    fit = sat.pls(model, data, sat.PlsOptions(tol=1e-13))
    # Composites in points, and what part of their variance is the factor's.
    w = fit.raw_weights()
    share = [w[owner == k] / w[owner == k].sum() for k in (0, 1)]
    cov = R * np.outer(sd, sd) * 100
    spans = [10 * share[k] @ (both * sd)[owner == k] for k in (0, 1)]
    variance = share[0] @ cov[:3, :3] @ share[0]
    if kinds[0] == "factor":
        truth = path * spans[1] / spans[0]
    else:  # least squares on the composite: error in B takes nothing from the slope
        truth = share[0] @ cov[:3, 3:] @ share[1] / variance
    found = importance_performance(fit, n_draws=0)
    assert values(found, "construct", "importance")["A"] == pytest.approx(
        truth, abs=1e-8
    )
    assert sat.priorities(fit).table["effect"][0] == pytest.approx(truth, abs=1e-8)
