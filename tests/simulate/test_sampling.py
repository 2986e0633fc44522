"""Exact samples, cuts and the populations' stated truth."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from satmetrics.errors import DataError, OptionError, SpecificationError
from satmetrics.gap.gaps import gaps
from satmetrics.simulate import (
    GapPopulation,
    IndexPopulation,
    exact_sample,
    ordinal_cut,
    shipped,
    simulate_index_survey,
    simulate_servqual,
)
from satmetrics.simulate import _draws as kernel

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("rank", [6, 3])
def test_exact_sample_has_exactly_the_moments(rank):
    rng = np.random.default_rng(2)
    root = rng.normal(size=(6, rank))
    mean, cov = rng.normal(size=6), root @ root.T
    X = exact_sample(mean, cov, 40, rng=1)
    assert X.mean(axis=0) == pytest.approx(mean, abs=1e-12)
    assert np.cov(X, rowvar=False) == pytest.approx(cov, abs=1e-11)
    assert (exact_sample(mean, cov, 40, rng=1) == X).all()
    assert (exact_sample(mean, cov, 40, rng=2) != X).any()


@pytest.mark.parametrize(
    ("cov", "n", "match"),
    [
        (np.eye(3), 3, "at least 4"),
        (np.eye(2), 10, "symmetric"),
        ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], 10, "eigenvalue"),
    ],
)
def test_exact_sample_names_its_faults(cov, n, match):
    with pytest.raises(DataError, match=match):
        exact_sample(np.zeros(3), cov, n)


def test_ordinal_cut_rounds_and_holds_the_ends():
    values = np.array([-9, 0.6, 1.4, 1.6, 6.7, 99, np.nan])
    expected = np.array([1, 1, 1, 2, 7, 7, np.nan])
    assert ordinal_cut(values) == pytest.approx(expected, nan_ok=True)
    assert ordinal_cut([-1.0, 0.0, 1.0], 1, 3, [-0.5, 0.5]).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "arguments", [(7, 1), (1, 3, [0.0]), (1, 3, [1.0, 0.0]), (1, 3, [0, 1, 2])]
)
def test_ordinal_cut_names_its_faults(arguments):
    with pytest.raises(DataError):
        ordinal_cut([1.0], *arguments)


def test_the_expected_cut_is_that_of_integrating_the_normal():
    tau = kernel.half_points(1, 5)
    grid = np.linspace(-12, 18, 200_001)
    density = stats.norm.pdf(grid, 3.7, 1.3)
    integral = np.trapezoid(ordinal_cut(grid, 1, 5) * density, grid)
    found = kernel.expected_cut(np.array([3.7]), np.array(1.3), tau, 1)
    assert found[0] == pytest.approx(integral, abs=1e-4)


def test_structural_scores_have_the_stated_covariance():
    B = np.array([[0, 0, 0], [0.5, 0, 0], [0.3, 0.4, 0.0]])
    cov, residual = kernel.structural_cov(B, np.arange(3))
    by_hand = np.array([[1, 0.5, 0.5], [0.5, 1, 0.55], [0.5, 0.55, 1]])
    assert cov == pytest.approx(by_hand)
    assert residual == pytest.approx([1, 0.75, 1 - (0.09 + 0.16 + 2 * 0.3 * 0.4 * 0.5)])
    inverse = np.linalg.inv(np.eye(3) - B)
    assert inverse @ np.diag(residual) @ inverse.T == pytest.approx(cov)


def test_points_sum_to_the_chips_and_follow_the_means():
    rng = np.random.default_rng(0)
    laid = kernel.allocate(np.array([10.0, 30, 60]), 1e-9, 20, rng, 4000)
    assert (laid.sum(axis=1) == 20).all()
    assert laid.mean(axis=0) == pytest.approx([2, 6, 12], abs=0.15)


def near(sample, truth, spread, n):
    """Whether means lie within five standard errors of the truth."""
    assert np.abs(np.asarray(sample) - np.asarray(truth)).max() < 5 * spread / np.sqrt(
        n
    )


def test_servqual_answers_agree_with_the_stated_truth():
    n = 3000
    frame = simulate_servqual(shipped.BANK, n, rng=4)
    truth = shipped.BANK.truth().to_frame()
    for unit, part in frame.groupby("unit"):
        found = gaps(part.drop(columns=["respondent", "unit"]), "servqual").to_frame()
        stated = truth[truth["unit"] == unit]
        rows = found[found["level"] != "overall"].merge(
            stated, on=["level", "dimension", "item"], suffixes=("", "_true")
        )
        assert len(rows) == 27
        z = (rows["estimate"] - rows["estimate_true"]) / rows["std_error"]
        assert z.abs().max() < 4.5
        near(rows["expectation"], rows["expectation_true"], 1, n)


def test_index_answers_agree_with_the_stated_truth():
    n = 3000
    frame = simulate_index_survey(shipped.AIRLINES, n, rng=4)
    truth = shipped.AIRLINES.truth().to_frame()
    items = truth[truth["level"] == "item"]
    stated = items.pivot(index=["unit", "wave"], columns="indicator", values="estimate")
    means = frame.drop(columns="respondent").groupby(["unit", "wave"]).mean()
    near(means[stated.columns].astype(float), stated, 2.8, n)
    constructs = truth[truth["level"] == "construct"].set_index(
        ["unit", "wave", "construct"]
    )["estimate"]
    by_hand = (stated[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1) - 1) / 9 * 100
    assert constructs.xs("Satisfaction", level="construct").to_numpy() == pytest.approx(
        by_hand.to_numpy()
    )


def test_airline_satisfaction_is_plausible_and_differs():
    truth = shipped.AIRLINES.truth().to_frame()
    rows = truth[truth["construct"].eq("Satisfaction") & truth["level"].eq("construct")]
    assert rows["estimate"].between(60, 80).all()
    table = rows.pivot(index="unit", columns="wave", values="estimate")
    assert table["2025-1"].max() - table["2025-1"].min() > 5
    change = table["2026-1"] - table["2025-1"]
    assert change["Birch Airways"] < -4
    assert change["Dunlin Air"] > 3


def test_a_seed_repeats_and_missing_is_the_share_asked():
    one, two = (simulate_servqual(shipped.BANK, 400, missing=0.1, rng=7) for _ in "ab")
    pd.testing.assert_frame_equal(one, two)
    share = one.filter(regex="^[ep]_").isna().to_numpy().mean()
    assert share == pytest.approx(0.1, abs=0.01)
    points = one.filter(regex="^w_")
    assert (points.sum(axis=1) == 100).all()


@pytest.mark.parametrize("name", ["bank_servqual", "airline_waves"])
def test_the_shipped_file_is_what_the_population_gives(name, tmp_path):
    written = {path.stem: path for path in shipped.write(tmp_path)}
    there = (DATA / name / f"{name}.csv").read_bytes()
    assert written[name].read_bytes() == there
    assert len(there) < 400_000


def test_readme_states_the_parameters_of_the_populations():
    bank = (DATA / "bank_servqual" / "README.md").read_text(encoding="utf-8")
    for part in (shipped.BANK.expectation, shipped.BANK.perception):
        assert " | ".join(str(v) for v in part.values()) in bank
    for seed, name in ((shipped.BANK_SEED, "bank"), (shipped.AIRLINE_SEED, "airline")):
        folder = next(DATA.glob(f"{name}_*"))
        assert str(seed) in (folder / "README.md").read_text(encoding="utf-8")
    airline = (DATA / "airline_waves" / "README.md").read_text(encoding="utf-8")
    for source, targets in shipped.AIRLINES.coefficients.items():
        said = ", ".join(f"{t} .{round(100 * v):02d}" for t, v in targets.items())
        assert f"| {source} | {said} |" in airline


DIMENSIONS = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"expectation": {"tangibles": 6}}, "dimensions"),
        ({"points": {"tangibles": 6}}, "points"),
        ({"loading": 1.0}, "loading"),
        ({"between_forms": -0.2}, "between_forms"),
    ],
)
def test_gap_populations_name_their_faults(changes, match):
    base = {
        "expectation": dict.fromkeys(DIMENSIONS, 6.0),
        "perception": dict.fromkeys(DIMENSIONS, 5.0),
    }
    GapPopulation(**base)
    with pytest.raises(SpecificationError, match=match):
        GapPopulation(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"coefficients": {"Image": {"Expectation": 0.5}}}, "one coefficient for each"),
        ({"units": {"a": {"Images": 1.0}}}, "did you mean 'Image'"),
        ({"mean": {"CUSA9": 5.0}}, "did you mean 'CUSA"),
    ],
)
def test_index_populations_name_their_faults(changes, match):
    base = {
        "coefficients": shipped.AIRLINES.coefficients,
        "units": {"a": {}},
        "waves": {"1": {}},
    }
    IndexPopulation(**base)
    with pytest.raises(SpecificationError, match=match):
        IndexPopulation(**{**base, **changes})


def test_paths_that_explain_more_than_everything_are_refused():
    coefficients = {k: dict(v) for k, v in shipped.AIRLINES.coefficients.items()}
    coefficients["Image"]["Expectation"] = 1.1
    with pytest.raises(SpecificationError, match=r"'Expectation' explain 1\.21"):
        IndexPopulation(coefficients, units={"a": {}}, waves={"1": {}})


def test_sizes_are_checked():
    with pytest.raises(SpecificationError, match="did you mean 'Harbour'"):
        simulate_servqual(shipped.BANK, {"Harbor": 5})
    with pytest.raises(OptionError, match="Market Square"):
        simulate_servqual(shipped.BANK, {"Harbour": 5})
    with pytest.raises(SpecificationError, match="Alder"):
        simulate_index_survey(shipped.AIRLINES, {("Alder", "2025-1"): 5})


def test_populations_are_plain_values():
    copy = GapPopulation(**json.loads(json.dumps(vars(shipped.BANK))))
    assert copy.truth()["estimate"] == pytest.approx(shipped.BANK.truth()["estimate"])
