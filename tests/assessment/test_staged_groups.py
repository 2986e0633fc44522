"""Groups of models with higher-order constructs and interactions, against rows."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import compare_groups, micom
from satmetrics.inference import _permute
from satmetrics.models import HigherOrder, Interaction

TIGHT = sat.PlsOptions(tol=1e-13, max_iter=3000)
BLOCKS = {
    "Expectation": ["CUEX1", "CUEX2", "CUEX3"],
    "Image": ["IMAG1", "IMAG2", "IMAG3", "IMAG4"],
    "Value": ["PERV1", "PERV2"],
    "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
}


def second_order(approach="two-stage", mode="A"):
    return sat.StructuralModel.from_blocks(
        "second order",
        BLOCKS,
        {"Expectation": ["Offer"], "Offer": ["Satisfaction"]},
        higher=[HigherOrder("Offer", ("Image", "Value"), mode, approach=approach)],
        target="Satisfaction",
        scale=(1, 10),
    )


def moderated(approach="two-stage"):
    return sat.StructuralModel.from_blocks(
        "moderated",
        {name: BLOCKS[name] for name in ("Image", "Value", "Satisfaction")},
        dict.fromkeys(("Image", "Value", "both"), "Satisfaction"),
        interactions=[Interaction("both", ("Image", "Value"), approach)],
        scale=(1, 10),
    )


MODELS = {
    **{a: second_order(a) for a in ("two-stage", "saturated", "embedded", "repeated")},
    "two-stage B": second_order(mode="B"),
    **{f"moderated {a}": moderated(a) for a in ("two-stage", "product", "orthogonal")},
}
every = pytest.mark.parametrize("name", [m for m in MODELS if m != "embedded"])


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ReversalWarning)
        yield


@pytest.fixture(scope="module")
def halves(mobi):
    return mobi.assign(half=np.where(np.arange(len(mobi)) < 120, "a", "b"))


def permutations(frame, draws, seed, last=False):
    labels = (frame["half"] == "b").to_numpy().astype(int)
    child = np.random.default_rng(seed).spawn(2 if last else 1)[0]
    return labels, np.concatenate(list(_permute.permuted_codes(labels, draws, child)))


def paths_of(fit):
    return fit.paths()["estimate"].to_numpy()


def lower(fit):
    """Return weights of what items measure in earlier stages."""
    frame = fit.measurement()
    return frame[~frame["construct"].isin(fit.model.names)]


@every
def test_permuted_groups_are_fits_of_permuted_rows(name, halves):
    """Identical permutations, once as moments and once as rows."""
    model, draws = MODELS[name], 5
    found = compare_groups(
        model, halves, "half", TIGHT, n_draws=draws, rng=5, inadmissible="keep"
    ).to_frame()
    rows = found.query("term == 'path'")
    labels, permuted = permutations(halves, draws, 5, last=True)

    def difference(codes):
        one, two = (sat.pls(model, halves[codes == g], TIGHT) for g in (0, 1))
        return paths_of(one) - paths_of(two)

    observed = difference(labels)
    null = np.array([difference(codes) for codes in permuted])
    np.testing.assert_allclose(rows["estimate"], observed, atol=1e-9, rtol=0)
    p = (1 + (np.abs(null) >= np.abs(observed) - 1e-10).sum(axis=0)) / (draws + 1)
    np.testing.assert_allclose(rows["p_value"], p, rtol=1e-12)
    np.testing.assert_allclose(rows["std_error"], null.std(axis=0, ddof=1), atol=1e-8)
    fit = sat.pls(model, halves[labels == 0], TIGHT)
    keys = ["construct", "indicator"]
    made = found.query("term == 'weight'").set_index(keys)["estimate_a"]
    below = lower(fit).set_index(keys)["weight"]
    np.testing.assert_allclose(made[below.index], below, atol=1e-9, rtol=0)


@pytest.mark.parametrize("method", ["parametric", "welch", "henseler"])
def test_every_method_knows_the_terms_of_stages(method, halves):
    found = compare_groups(
        moderated(), halves, "half", method=method, n_draws=40, rng=1
    ).to_frame()
    rows = found.query("term in ('moderation', 'slope')")
    assert list(rows["term"]) == ["moderation", "slope", "slope"]
    assert rows["p_value"].between(0, 1).all()


def composed(fit, frame):
    """Return, per construct, what weights of standardised items its scores have."""
    items = list(fit.spec.indicators)
    X = frame[items].to_numpy(dtype=float)
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    scores = fit.scores(frame)
    made = {name: np.linalg.lstsq(X, scores[name], rcond=None)[0] for name in scores}
    return {k: w for k, w in made.items() if k != "both"}


@every
def test_invariance_is_that_of_composed_weights(name, halves):
    model, draws = MODELS[name], 4
    found = micom(model, halves, "half", TIGHT, n_draws=draws, rng=3).to_frame()
    labels, permuted = permutations(halves, draws, 3)
    items = list(model.indicators)
    X = halves[items].to_numpy(dtype=float)
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    together = composed(sat.pls(model, halves, TIGHT), halves)

    def three(codes):
        groups = [halves[codes == g] for g in (0, 1)]
        a, b = (composed(sat.pls(model, g, TIGHT), g) for g in groups)
        out = {}
        for name, w in together.items():
            one, two = X[codes == 0] @ w, X[codes == 1] @ w
            out[name] = (
                np.corrcoef(X @ a[name], X @ b[name])[0, 1],
                one.mean() - two.mean(),
                np.log(one.var(ddof=1) / two.var(ddof=1)),
            )
        return out

    observed, null = three(labels), [three(codes) for codes in permuted]
    products = {term.name for term in model.interactions}
    assert set(found["construct"]) == {*together, *products}
    for k, term in enumerate(("composition", "mean", "variance")):
        rows = found[found["term"] == term].set_index("construct")
        for construct, values in observed.items():
            row, drawn = rows.loc[construct], [one[construct][k] for one in null]
            np.testing.assert_allclose(row["estimate"], values[k], atol=1e-9)
            np.testing.assert_allclose(
                row["std_error"], np.std(drawn, ddof=1), atol=1e-8
            )


def test_interactions_have_no_composition(halves):
    found = micom(moderated(), halves, "half", n_draws=19, rng=1)
    rows = found.to_frame().query("construct == 'both'")
    numbers = rows[["estimate", "std_error", "p_value", "conf_low", "conf_high"]]
    assert numbers.isna().all(axis=None)
    assert rows["reason"].str.contains("no composition of its own").all()
    verdict = found.conclusions().set_index("construct")["invariance"]
    assert verdict["both"] == ""
    assert verdict["Image"]


def test_scores_that_stand_for_items_are_composed_too(halves):
    """Saturated: every construct is one score, whose items' weights still differ."""
    found = micom(second_order("saturated"), halves, "half", n_draws=19, rng=1)
    rows = found.to_frame().query("term == 'composition'").set_index("construct")
    assert (rows["estimate"] < 1 - 1e-6).all()
    assert set(rows.index) == {*BLOCKS, "Offer"}


def test_alike_groups_are_alike(mobi):
    frame = pd.concat([mobi.assign(half="a"), mobi.assign(half="b")])
    for model in (second_order(), moderated("product")):
        found = compare_groups(model, frame, "half", n_draws=9, rng=1).to_frame()
        np.testing.assert_allclose(found["estimate"].dropna(), 0, atol=1e-12)
        steps = micom(model, frame, "half", n_draws=9, rng=1).to_frame()
        assert (steps["p_value"].dropna() == 1).all()


def test_interactions_of_groups_need_complete_answers(halves):
    with pytest.raises(errors.OptionError, match="both of its answers"):
        compare_groups(moderated(), halves, "half", missing="mean", n_draws=9)


@pytest.mark.parametrize("name", ["two-stage", "moderated product"])
def test_weights_and_clusters_are_those_of_each_group(name, halves, rng):
    model = MODELS[name]
    frame = halves.assign(
        w=rng.uniform(0.5, 2, len(halves)), c=np.arange(len(halves)) // 5
    )
    one, two = (
        paths_of(sat.pls(model, frame[frame["half"] == g], TIGHT, weights="w"))
        for g in "ab"
    )
    survey = sat.Survey(frame, weight="w", cluster="c")
    found = compare_groups(model, survey, "half", TIGHT, n_draws=9, rng=1)
    rows = found.to_frame().query("term == 'path'")
    np.testing.assert_allclose(rows["estimate_a"], one, atol=1e-9, rtol=0)
    np.testing.assert_allclose(rows["estimate_b"], two, atol=1e-9, rtol=0)
    assert "clusters changed groups as a whole" in found.context.notes
    twice = frame.loc[frame.index.repeat(1 + frame["c"] % 2)]
    integer = frame.assign(w=1.0 + frame["c"] % 2)
    a = micom(model, integer, "half", TIGHT, weights="w", n_draws=9, rng=1)
    b = micom(model, twice, "half", TIGHT, n_draws=9, rng=1)
    for word, tolerance in (("composition", 1e-9), ("mean", 2e-3)):
        one, two = (made.table.where(term=word)["estimate"] for made in (a, b))
        np.testing.assert_allclose(one, two, atol=tolerance, rtol=0)
