"""Prediction of models in stages, against fits made fold by fold."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.assessment import _prediction as kernel
from satmetrics.models import HigherOrder, Interaction

predict = sat.assessment.predict
TIGHT = sat.PlsOptions(tol=1e-13, max_iter=3000)
BLOCKS = {
    "Expectation": ["CUEX1", "CUEX2", "CUEX3"],
    "Image": ["IMAG1", "IMAG2", "IMAG3", "IMAG4"],
    "Value": ["PERV1", "PERV2"],
    "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
}
FOLDS = 5


def second_order(approach="two-stage", mode="A"):
    return sat.StructuralModel.from_blocks(
        "second order",
        BLOCKS,
        {"Expectation": ["Offer"], "Offer": ["Satisfaction"]},
        higher=[HigherOrder("Offer", ("Image", "Value"), mode, approach=approach)],
        target="Satisfaction",
    )


def moderated(approach="two-stage", inner=False):
    paths = {"Image": ["Satisfaction"], "Value": "Satisfaction", "both": "Satisfaction"}
    if inner:
        paths["Image"] = ["Value", "Satisfaction"]
    return sat.StructuralModel.from_blocks(
        "moderated",
        {name: BLOCKS[name] for name in ("Image", "Value", "Satisfaction")},
        paths,
        interactions=[Interaction("both", ("Image", "Value"), approach)],
    )


def joint():
    return sat.StructuralModel.from_blocks(
        "joint",
        BLOCKS,
        dict.fromkeys(("Expectation", "Offer", "both"), "Satisfaction"),
        higher=[HigherOrder("Offer", ("Image", "Value"))],
        interactions=[Interaction("both", ("Expectation", "Offer"))],
    )


MODELS = {
    **{a: second_order(a) for a in ("two-stage", "saturated", "embedded")},
    "two-stage B": second_order(mode="B"),
    **{f"moderated {a}": moderated(a) for a in ("two-stage", "product", "orthogonal")},
    "moderated inner": moderated(inner=True),
    "joint": joint(),
}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ReversalWarning)
        yield


def by_hand(fit, frame, codes, approach):
    """Fit every training set from its rows; return errors of items, constructs, lm."""
    spec, names = fit.spec, list(fit.model.names)
    out = {i: np.full((2, len(frame)), np.nan) for i in spec.indicators}
    made = {c: np.full(len(frame), np.nan) for c in names}
    inner = [c for c in names if any(p.target == c for p in spec.paths)]
    # Items on which an item hangs: through its component, where it has one.
    parts = {c: h.name for h in spec.higher for c in h.components}
    truth = fit.scores(frame)
    for k in np.unique(codes):
        train, test = frame[codes != k], frame[codes == k]
        part = sat.pls(spec, train, fit.options)
        loading = part.measurement().set_index(["construct", "indicator"])["loading"]
        if "saturated" in str(spec.higher) or "embedded" in str(spec.higher):
            first = part.earlier[0].measurement()
            own = first.set_index(["construct", "indicator"])["loading"]
            loading = own.combine_first(loading)
        scores = {k: v.to_numpy() for k, v in part.scores(test).items()}
        beta = {(p.source, p.target): p.estimate for p in part.paths().itertuples()}
        guess = {}
        for c in part.model.order:
            sources = [s for s, t in beta if t == c]
            known = scores if approach == "direct" else guess
            guess[c] = (
                sum(beta[s, c] * known[s] for s in sources) if sources else scores[c]
            )
        outer = [
            i
            for c in spec.constructs
            if parts.get(c.name, c.name) not in inner
            for i in c.indicators
        ]
        Q, R = (np.column_stack([np.ones(len(f)), f[outer]]) for f in (train, test))
        for c in inner:
            made[c][codes == k] = truth[c].to_numpy()[codes == k] - guess[c]
        for c in spec.constructs:
            above = parts.get(c.name, c.name)
            if above not in inner:
                continue
            chain = loading[above, c.name] if above != c.name else 1.0
            for i in c.indicators:
                slope = train[i].std(ddof=1) * loading[c.name, i] * chain
                value = train[i].mean() + slope * guess[above]
                b = np.linalg.lstsq(Q, train[i], rcond=None)[0]
                out[i][0, codes == k] = test[i].to_numpy() - value
                out[i][1, codes == k] = test[i].to_numpy() - R @ b
    return out, {c: made[c] for c in inner}


@pytest.mark.parametrize("approach", ["earliest", "direct"])
@pytest.mark.parametrize("name", MODELS)
def test_against_fits_of_the_rows(name, approach, mobi):
    fit = sat.pls(MODELS[name], mobi, TIGHT)
    found = predict(
        fit,
        mobi,
        folds=FOLDS,
        repeats=1,
        approach=approach,
        linear="exogenous",
        rng=4,
    )
    codes = kernel.fold_codes(len(mobi), FOLDS, np.random.default_rng(4).spawn(1)[0])
    items, constructs = by_hand(fit, mobi, codes, approach)
    expected = [i for i in fit.spec.indicators if np.isfinite(items[i]).all()]
    assert list(found.indicators) == expected
    for k in (0, 1):
        wanted = np.stack([items[i][k] ** 2 for i in expected], axis=1)
        np.testing.assert_allclose(found.losses[k], wanted, atol=1e-7, rtol=0)
    rows = found.to_frame().query(
        "level == 'construct' and term == 'rmse' and sample == 'out' and "
        "method == 'pls'"
    )
    assert list(rows["construct"]) == list(constructs)
    wanted = [np.sqrt(np.mean(constructs[c] ** 2)) for c in rows["construct"]]
    np.testing.assert_allclose(rows["estimate"], wanted, atol=1e-8, rtol=0)


def test_a_product_of_those_left_out_is_about_the_training_means(mobi):
    """Two-stage by plain fits: scores, their products, standardised as in training."""
    fit = sat.pls(moderated(), mobi, TIGHT)
    found = predict(fit, mobi, folds=FOLDS, repeats=1, approach="direct", rng=4)
    codes = kernel.fold_codes(len(mobi), FOLDS, np.random.default_rng(4).spawn(1)[0])
    names = ("Image", "Value", "Satisfaction")
    blocks = {name: BLOCKS[name] for name in names}
    plain = sat.StructuralModel.from_blocks(
        "main", blocks, dict.fromkeys(names[:2], "Satisfaction")
    )
    more = sat.StructuralModel.from_blocks(
        "more",
        blocks | {"both": ["product"]},
        dict.fromkeys((*names[:2], "both"), "Satisfaction"),
    )
    wanted = np.empty((len(mobi), 3))
    for k in range(FOLDS):
        train, test = mobi[codes != k], mobi[codes == k]
        first = sat.pls(plain, train, TIGHT)
        multiply = [first.scores(part) for part in (train, test)]
        train = train.assign(
            product=(multiply[0]["Image"] * multiply[0]["Value"]).values
        )
        test = test.assign(product=(multiply[1]["Image"] * multiply[1]["Value"]).values)
        second = sat.pls(more, train, TIGHT)
        scores = second.scores(test)
        beta = second.paths().set_index("source")["estimate"]
        y = sum(beta[n] * scores[n] for n in beta.index).to_numpy()
        loading = second.measurement().set_index("indicator")["loading"]
        for j, item in enumerate(BLOCKS["Satisfaction"]):
            slope = train[item].std(ddof=1) * loading[item]
            error = test[item].to_numpy() - train[item].mean() - slope * y
            wanted[codes == k, j] = error**2
    np.testing.assert_allclose(found.losses[0], wanted, atol=1e-7, rtol=0)


def test_what_is_made_of_itself_is_not_predicted(mobi):
    """Repeated indicators: components are explained by a construct of their items."""
    fit = sat.pls(second_order("repeated"), mobi)
    direct = predict(fit, mobi, approach="direct", repeats=1, rng=1)
    assert set(direct.constructs) == {"Offer", "Satisfaction"}
    note = next(n for n in direct.context.notes if "own items" in n)
    assert "Image" in note
    assert "Value" in note
    assert "Satisfaction" not in note
    earliest = predict(fit, mobi, approach="earliest", repeats=1, rng=1)
    assert "own items" not in str(earliest.context.notes)
    assert set(earliest.constructs) == {"Image", "Value", "Satisfaction"}
    alone = sat.StructuralModel.from_blocks(
        "alone",
        {k: BLOCKS[k] for k in ("Expectation", "Image", "Value")},
        {"Expectation": "Offer"},
        higher=[HigherOrder("Offer", ("Image", "Value"), "B", approach="repeated")],
    )
    with pytest.raises(errors.SpecificationError, match="items it is made of") as fault:
        predict(sat.pls(alone, mobi), mobi)
    assert fault.value.code == "self-predicted"


def test_models_of_either_kind_are_compared(mobi):
    """The same folds; a term without effect costs little, and lm is the same."""
    blocks = {name: BLOCKS[name] for name in ("Image", "Value", "Satisfaction")}
    plain = sat.StructuralModel.from_blocks(
        "plain", blocks, dict.fromkeys(("Image", "Value"), "Satisfaction")
    )
    one, other = (
        predict(sat.pls(m, mobi), mobi, folds=5, repeats=2, rng=7)
        for m in (plain, moderated())
    )
    np.testing.assert_allclose(one.losses[1:], other.losses[1:], atol=1e-10)
    assert np.abs(one.losses[0] - other.losses[0]).max() > 1e-3
    test = sat.assessment.cvpat(other, one).to_frame()
    assert list(test["construct"]) == ["Satisfaction", ""]
    assert any("not on their products" in n for n in other.context.notes)


def test_a_product_with_an_endogenous_factor_is_said(mobi):
    fit = sat.pls(moderated(inner=True), mobi)
    notes = predict(fit, mobi, repeats=1, rng=1).context.notes
    assert any("own answers to it" in n for n in notes)
    direct = predict(fit, mobi, approach="direct", repeats=1, rng=1).context.notes
    assert not any("own answers to it" in n for n in direct)


def test_two_components_of_one_item_each_predict_as_a_plain_construct(mobi):
    """Scores of single items are the items: the model of the items themselves."""
    blocks = {name: BLOCKS[name] for name in ("Expectation", "Satisfaction")}
    paths = {"Expectation": ["Offer"], "Offer": ["Satisfaction"]}
    parts = {"One": ["PERV1"], "Two": ["PERV2"]}
    staged = sat.StructuralModel.from_blocks(
        "staged", blocks | parts, paths, higher={"Offer": ["One", "Two"]}
    )
    plain = sat.StructuralModel.from_blocks(
        "plain", blocks | {"Offer": ["PERV1", "PERV2"]}, paths
    )
    one, other = (
        predict(sat.pls(m, mobi, TIGHT), mobi, folds=7, repeats=2, rng=2)
        for m in (staged, plain)
    )
    at = [one.indicators.index(item) for item in other.indicators]
    np.testing.assert_allclose(one.losses[:, :, at], other.losses, atol=1e-8)


def test_weights_and_clusters_reach_every_stage(mobi, rng):
    frame = mobi.assign(w=rng.uniform(0.5, 2, len(mobi)), c=np.arange(len(mobi)) // 5)
    survey = sat.Survey(frame, weight="w", cluster="c")
    fit = sat.pls(moderated(), survey, TIGHT)
    found = predict(fit, survey, folds=5, repeats=1, rng=4)
    codes = kernel.fold_codes(50, 5, np.random.default_rng(4).spawn(1)[0])[frame["c"]]
    error = np.empty(len(mobi))
    for k in range(5):
        train, test = frame[codes != k], frame[codes == k]
        part = sat.pls(moderated(), train, TIGHT, weights="w")
        y = sum(
            p.estimate * part.scores(test)[p.source].to_numpy()
            for p in part.paths().itertuples()
        )
        moments = sat.Moments.from_frame(train, ["CUSA1"], weights="w")
        loading = part.measurement().set_index("indicator")["loading"]["CUSA1"]
        value = moments.mean[0] + moments.sd[0] * loading * y
        error[codes == k] = test["CUSA1"] - value
    at = found.indicators.index("CUSA1")
    np.testing.assert_allclose(found.losses[0][:, at], error**2, atol=1e-7)
