"""Every catalogue model is simulated from itself and recovered."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.models import HigherOrder
from satmetrics.simulate import (
    model_coefficients,
    model_loadings,
    model_population,
    simulate_model_survey,
)

TIGHT = sat.PlsOptions(tol=1e-12, max_iter=2000)
N = 2000


@pytest.fixture(params=sat.models.names())
def model(request):
    return sat.models.load(request.param).with_kinds("factor")


def uneven(model):
    """Return coefficients of different sizes, so that none can stand for another."""
    even = model_coefficients(model)
    sizes = iter(np.linspace(0.95, 0.45, len(model.paths)))
    return {s: {t: b * next(sizes) for t, b in to.items()} for s, to in even.items()}


def of_paths(fit, coefficients):
    rows = zip(fit.paths()["source"], fit.paths()["target"], strict=True)
    return np.array([coefficients[source][target] for source, target in rows])


def test_consistent_pls_recovers_every_model_exactly(model):
    truth, loadings = uneven(model), model_loadings(model)
    fit = sat.pls(model, model_population(model, truth), TIGHT)
    np.testing.assert_allclose(
        fit.paths()["estimate"], of_paths(fit, truth), rtol=0, atol=1e-8
    )
    rows = fit.measurement()
    known = [loadings[item] for item in rows["indicator"]]
    np.testing.assert_allclose(rows["loading"], known, rtol=0, atol=1e-8)


def test_population_is_what_the_equations_say(model):
    """Σ = Λ (I − B)⁻¹ Ψ (I − B)⁻ᵀ Λᵀ + Θ, with Ψ such that variances are 1."""
    truth, loadings = uneven(model), model_loadings(model)
    names = list(model.names)
    B = np.zeros((len(names), len(names)))
    for source, targets in truth.items():
        for target, value in targets.items():
            B[names.index(target), names.index(source)] = value
    moments = model_population(model, truth)
    lam = np.zeros((len(model.indicators), len(names)))
    for row, item in enumerate(model.indicators):
        lam[row, model.owner()[row]] = loadings[item]
    psi = np.ones(len(names))
    inverse = np.linalg.inv(np.eye(len(names)) - B)
    for _ in names:
        psi += 1 - np.diag(inverse @ np.diag(psi) @ inverse.T)
    sigma = lam @ inverse @ np.diag(psi) @ inverse.T @ lam.T
    np.fill_diagonal(sigma, 1.0)
    np.testing.assert_allclose(moments.corr(), sigma, atol=1e-12)
    assert (psi > 0.05).all()


def test_answers_lie_on_the_scales_and_give_the_truth_back(model):
    answers = simulate_model_survey(model, N, rng=5)
    for item in model.indicators:
        low, high = model.scale_of(item)
        column = answers[item].to_numpy()
        assert set(column) <= set(range(int(low), int(high) + 1))
        assert {low, high} == {column.min(), column.max()}
    fit = sat.pls(model, answers)
    population = sat.pls(model, model_population(model, n=N))
    spread = sat.bootstrap(population, n_draws=200, rng=1).to_frame()
    spread = spread.query("term == 'path'")
    truth = of_paths(fit, model_coefficients(model))
    error = np.abs(fit.paths()["estimate"].to_numpy() - truth)
    # A yes or no carries less of the construct than a point on a scale does.
    clear = np.array([not blurred(model, path.target) for path in model.paths])
    allowed = 4.5 * spread["std_error"].to_numpy() + 0.02
    assert (error < allowed)[clear].all()
    assert clear.sum() >= len(clear) / 2


def blurred(model, target):
    into = {p.source for p in model.paths if p.target == target} | {target}
    return any(model.construct(name).scale == (0, 1) for name in into)


def test_the_same_seed_gives_the_same_answers():
    one, same, other = (simulate_model_survey("scsb", 50, rng=r) for r in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
    gaps = simulate_model_survey("scsb", 2000, missing=0.2, rng=1)
    assert gaps.drop(columns="respondent").isna().to_numpy().mean() == pytest.approx(
        0.2, abs=0.02
    )
    assert not gaps["respondent"].isna().any()


def test_open_signs_follow_the_stated_ones():
    acsi = model_coefficients("acsi", r2=0.36)
    assert acsi["Satisfaction"]["Complaints"] == pytest.approx(-0.6)
    assert acsi["Complaints"]["Loyalty"] == -acsi["Satisfaction"]["Loyalty"]
    fit = sat.pls("acsi", model_population("acsi"))
    assert (fit.r2()["estimate"] < 0.5).all(), "composites are attenuated"


def test_chosen_loadings_reversed_items_and_no_scale():
    blocks = {"A": ["a1", "a2"], "B": ["b1", "b2", "b3"]}
    model = sat.StructuralModel.from_blocks("m", blocks, {"A": ["B"]})
    moments = model_population(model, {"A": {"B": 0.5}}, {"a1": 0.6, "b2": 0.9})
    assert moments.mean.tolist() == [0.0] * 5
    assert moments.cov[0, 3] == pytest.approx(0.6 * 0.5 * 0.9)
    turned = dataclasses.replace(
        model,
        constructs=(
            model.constructs[0],
            dataclasses.replace(model.constructs[1], reverse=("b2",)),
        ),
    )
    assert model_population(turned).cov[0, 3] == -model_population(model).cov[0, 3]
    answers = simulate_model_survey(turned, 3000, scale=(1, 7), rng=1)
    assert answers[["a1", "b2"]].astype(float).corr().iloc[0, 1] < -0.2
    with pytest.raises(SpecificationError, match=r"scale=\(1, 10\)"):
        simulate_model_survey(model, 10)


def test_components_are_measured_by_the_higher_order():
    blocks = {k: [f"{k}{i}" for i in "123"] for k in "EPSL"}
    model = sat.StructuralModel.from_blocks(
        "m",
        blocks,
        {"E": ["Q"], "Q": ["L"]},
        higher=[HigherOrder("Q", ("P", "S"))],
        scale=(1, 10),
    )
    lam = model_loadings(model)
    moments = model_population(model, {"E": {"Q": 0.6}, "Q": {"L": 0.5}})
    at = {item: k for k, item in enumerate(moments.names)}
    corr = moments.corr()
    assert corr[at["P1"], at["S1"]] == pytest.approx(
        lam["P1"] * lam["S1"] * lam["P"] * lam["S"]
    )
    assert corr[at["E1"], at["L2"]] == pytest.approx(lam["E1"] * lam["L2"] * 0.3)
    answers = simulate_model_survey(model, 5000, rng=1).drop(columns="respondent")
    even = model_population(model).corr()
    np.testing.assert_allclose(answers.astype(float).corr(), even, atol=0.06)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficients": {"Satisfaction": {"Dialogue": 0.5}}}, "differ: Dialogue"),
        (
            {
                "coefficients": {
                    "Satisfaction": {"Dialogue": 0.9, "Loyalty": 0.8},
                    "Dialogue": {"Loyalty": 0.8},
                }
            },
            "explain 2.43 of its variance",
        ),
        ({"loadings": {"SATOVV": 0.5}}, "did you mean 'SATOV'"),
        ({"loadings": {"SATOV": 1.5}}, "loading of 'SATOV' is 1.5"),
        ({"coeficients": {}}, "did you mean 'coefficients'"),
    ],
)
def test_faults_are_named(change, message):
    with pytest.raises((SpecificationError, OptionError), match=message):
        model_population("swics", **change)


def test_models_that_cannot_be_simulated():
    blocks = {"A": ["a1", "a2"], "B": ["b1", "b2"], "C": ["c1", "c2"]}
    product = sat.StructuralModel.from_blocks(
        "m",
        blocks,
        {"A": ["C"], "B": ["C"], "AB": ["C"]},
        interactions={"AB": ("A", "B")},
    )
    with pytest.raises(SpecificationError, match="product is not normal"):
        model_population(product)
    repeated = sat.StructuralModel.from_blocks(
        "m",
        blocks,
        {"H": ["C"], "A": ["C"]},
        higher=[HigherOrder("H", ("A", "B"), approach="repeated")],
    )
    with pytest.raises(SpecificationError, match="path of its own"):
        model_population(repeated)
    with pytest.raises(OptionError, match="above 0 and below 1"):
        model_coefficients("ecsi", r2=1.0)
