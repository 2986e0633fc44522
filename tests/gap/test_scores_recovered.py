"""Stated populations are found again; intervals cover as often as they say."""

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics.simulate import GapPopulation, simulate_servqual

DRAWS = 500
# A share of 500 samples has a standard error of 0.01 at 0.95; what is averaged below
# stands for several estimates of each sample, which are correlated.
NEAR = pytest.approx(0.95, abs=0.025)

ZONES = GapPopulation(
    instrument="libqual",
    minimum={"affect": 5.2, "control": 5.0, "place": 4.8},
    expectation={"affect": 7.6, "control": 7.8, "place": 7.0},
    perception={"affect": 6.6, "control": 5.4, "place": 4.2},
    units={"main": 0.4, "branch": -0.4},
    sd=(1.2, 1.6, 1.5),
)


def coverage(table, truth):
    low, high = (table[end].to_numpy() for end in ("conf_low", "conf_high"))
    right = np.asarray(truth)
    return np.mean((low <= right) & (right <= high))


@pytest.mark.slow
def test_zones_of_units_cover_the_truth():
    """Every sample of 60 customers of each unit is a group of one call."""
    spec = sat.instruments.load("libqual")
    frame = simulate_servqual(ZONES, n=60 * DRAWS, missing=0.03, rng=20)
    frame["draw"] = frame.groupby("unit").cumcount() // 60
    lists = {
        form: [c for d in spec.dimensions for c in _columns(spec, d.id, form)]
        for form in ("minimum", "desired", "perception")
    }
    found = sat.quality.zones(
        frame, **lists, dimensions=_positions(spec), by=["draw", "unit"]
    )
    truth = ZONES.truth().where(level="dimension").to_frame()
    A, D, P = (truth[name] for name in ("minimum", "expectation", "perception"))
    truth["adequacy"], truth["superiority"], truth["width"] = P - A, P - D, D - A
    truth["position"] = (P - A) / (D - A)
    table = (
        found.rows("dimension")
        .to_frame()
        .merge(
            truth.drop(columns=["n"], errors="ignore"),
            on=["unit", "dimension"],
            suffixes=("", "_truth"),
        )
    )
    for term in ("adequacy", "superiority", "width", "position"):
        rows = table[table["term"] == term]
        assert len(rows) == DRAWS * len(truth)
        assert coverage(rows, rows[term]) == NEAR, term
        error = (rows["estimate"] - rows[term]).groupby(
            [rows["unit"], rows["dimension"]]
        )
        bound = 4 * error.std() / np.sqrt(DRAWS)
        assert (error.mean().abs() < bound + 0.002).all(), term


def _columns(spec, dimension, form):
    return [spec.column(item.id, form) for item in spec.items_of(dimension)]


def _positions(spec):
    at, found = 0, {}
    for d in spec.dimensions:
        k = len(spec.items_of(d.id))
        found[d.id], at = range(at, at + k), at + k
    return found


def clustered_samples(rng, visits=40, per_visit=6):
    """DRAWS samples of two branches; half of all customers are regulars.

    Regulars are drawn four times as often; weights undo that. Gaps are −1 (north) and
    −0.5 (south) for regulars, 0.6 more for the others; the customers of one hour share
    an effect.
    """
    hours = DRAWS * visits
    hour = np.repeat(np.arange(hours), per_visit)
    north = hour % 2 == 0
    regular = rng.random(len(hour)) < 0.8
    shared = 0.5 * rng.normal(size=hours)[hour]
    gap = np.where(north, -1.0, -0.5) + 0.6 * ~regular + shared
    E = 6 + rng.normal(size=(len(hour), 2))
    P = E + gap[:, None] + rng.normal(size=E.shape)
    frame = pd.DataFrame(np.hstack([E, P]), columns=["e1", "e2", "p1", "p2"])
    frame["branch"] = np.where(north, "north", "south")
    frame["hour"], frame["draw"] = hour, hour // visits
    frame["layer"] = frame["draw"].astype(str) + frame["branch"]
    frame["w"] = np.where(regular, 0.5 / 0.8, 0.5 / 0.2)
    return frame


@pytest.mark.slow
def test_gaps_of_units_with_clusters_and_weights_cover_the_truth():
    lists = {"expectation": ["e1", "e2"], "perception": ["p1", "p2"]}
    frame = clustered_samples(np.random.default_rng(21))
    survey = sat.Survey(frame, weight="w", cluster="hour", stratum="layer")
    by = ["draw", "branch"]
    rows = sat.gaps(survey, **lists, by=by).rows("overall").to_frame()
    truth = rows["branch"].map({"north": -1.0 + 0.3, "south": -0.5 + 0.3})
    assert len(rows) == 2 * DRAWS
    assert set(rows["df"]) == {19}
    assert coverage(rows, truth) == NEAR
    assert abs((rows["estimate"] - truth).mean()) < 0.02
    plain = sat.gaps(sat.Survey(frame, weight="w"), **lists, by=by)
    assert coverage(plain.rows("overall").to_frame(), truth) < 0.9
    states = sat.quality.three_states(survey, **lists, by=by)
    better = states.rows("item").where(term="better", item="p1").to_frame()
    assert coverage(better, better["branch"].map(share_better())) == NEAR


def share_better():
    """P(g > 0) of item 1 among all customers: two normals, half of each."""
    from scipy.stats import norm

    spread = np.sqrt(0.5**2 + 1)
    return {
        branch: np.mean(norm.cdf(np.array([low, low + 0.6]) / spread))
        for branch, low in (("north", -1.0), ("south", -0.5))
    }


@pytest.mark.slow
def test_weighted_performance_covers_the_truth():
    """Importance and performance that go together: respondent and aggregate differ."""
    I, P = np.array([6.0, 8.0]), np.array([5.0, 3.0])  # noqa: E741
    joint = [[0.8, 0.4], [0.4, 1.0]]
    rng = np.random.default_rng(22)
    pairs = [rng.multivariate_normal(m, joint, size=120 * DRAWS) for m in zip(I, P)]  # noqa: B905
    names = ["imp_a", "seen_a", "imp_b", "seen_b"]
    frame = pd.DataFrame(np.hstack(pairs), columns=names)
    frame["draw"] = np.arange(len(frame)) // 120
    lists = {"perception": ["seen_a", "seen_b"], "importance": ["imp_a", "imp_b"]}
    rows = sat.quality.performance(frame, **lists, by="draw").rows("overall").to_frame()
    for variant, truth in {
        "sum weighted by importance (respondent)": I @ P + 2 * 0.4,
        "sum weighted by importance (aggregate)": I @ P,
        "weighted by importance (aggregate)": I @ P / I.sum(),
    }.items():
        own = rows[rows["variant"] == variant]
        assert len(own) == DRAWS
        assert coverage(own, truth) == NEAR, variant
