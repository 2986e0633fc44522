"""What is true of every number, said once: weights, order, units, groups."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics.models.terms import HigherOrder, Interaction

BLOCKS = {
    "Image": ("i1", "i2", "i3"),
    "Quality": ("q1", "q2", "q3"),
    "Value": ("v1", "v2"),
    "Satisfaction": ("s1", "s2", "s3"),
}
PATHS = {"Image": ["Value", "Satisfaction"], "Quality": ["Satisfaction"]}
PATHS |= {"Value": ["Satisfaction"]}
ABOVE = {"Over": ["Satisfaction"], "Value": ["Satisfaction"]}
KEYS = ("term", "form", "name", "indicator", "construct", "source", "target", "via")
KEYS += ("level", "method", "sample", "at", "group_a", "group_b", "interaction")
MUTUAL = ("htmt", "htmt_signed", "htmt2", "fornell_larcker")
"""Terms whose source and target may change places."""
DIVISORS = ("moderation", "slope", "mean", "variance")
"""Terms in units of scores, whose variance has the divisor Σw − Σw²/Σw."""


def model(name: str, **more: object) -> sat.StructuralModel:
    given: dict = {"constructs": BLOCKS, "paths": PATHS, "target": "Satisfaction"}
    return sat.StructuralModel.from_blocks(name, **(given | {"scale": (1, 9)} | more))


def moderated(approach: str) -> sat.StructuralModel:
    term = Interaction("IxV", ("Image", "Value"), approach=approach)
    paths = PATHS | {"IxV": ["Satisfaction"]}
    return model(approach, paths=paths, interactions=[term])


def composed(approach: str) -> sat.StructuralModel:
    above = HigherOrder("Over", ("Image", "Quality"), approach=approach)
    return model(f"higher {approach}", paths=ABOVE, higher=[above])


MODELS = [
    model("composites", modes={"Image": "B", "Quality": "sum"}),
    model("factors", kinds={"Image": "factor", "Satisfaction": "factor"}),
    *map(moderated, ("two-stage", "product", "orthogonal")),
    *map(composed, ("two-stage", "embedded", "repeated")),
]
every_model = pytest.mark.parametrize("spec", MODELS, ids=lambda m: m.name)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Return 120 respondents on 1–9, with integer weights and groups."""
    rng = np.random.default_rng(7)
    n = 120
    image = rng.normal(size=n)
    quality = 0.5 * image + rng.normal(size=n)
    value = 0.5 * image + rng.normal(size=n)
    liked = 0.4 * image + 0.4 * quality + 0.3 * value + 0.2 * image * value
    scores = (image, quality, value, liked + rng.normal(size=n))
    columns = {
        item: np.clip(np.rint(5 + 1.3 * s + rng.normal(size=n)), 1, 9)
        for s, items in zip(scores, BLOCKS.values(), strict=True)
        for item in items
    }
    frame = pd.DataFrame(columns)
    frame.iloc[:2], frame.iloc[2:4] = 1.0, 9.0  # either group uses the whole scale
    frame["w"] = rng.integers(1, 4, n).astype(float)
    frame["person"] = np.arange(n)
    frame["group"] = np.where(np.arange(n) % 2, "a", "b")
    return frame


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every row as often as its weight says."""
    rows = np.repeat(np.arange(len(frame)), frame["w"].astype(int))
    return frame.iloc[rows].drop(columns="w").reset_index(drop=True)


def keyed(result: object, column: str = "estimate") -> pd.Series:
    """Return a column of a result by its keys."""
    frame = result.to_frame()
    if "term" in frame and "source" in frame:
        mutual = frame["term"].isin(MUTUAL)
        ends = np.sort(frame.loc[mutual, ["source", "target"]].to_numpy(str), axis=1)
        frame.loc[mutual, ["source", "target"]] = ends
    keys = [k for k in KEYS if k in frame]
    values = frame.set_index(keys)[column].astype(float)
    assert values.index.is_unique
    return values.sort_index()


def same(one: object, other: object, column: str = "estimate", tol: float = 1e-8):
    a, b = keyed(one, column), keyed(other, column)
    assert a.index.equals(b.index)
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def all_results(spec: sat.StructuralModel, data: object, **how: object) -> dict:
    """Return everything that is computed from a fit, errors by leaving out too."""
    fit = sat.pls(spec, data, **how)
    found = {
        "fit": fit,
        "assess": sat.assess(fit),
        "effects": sat.effects(fit),
        "index": sat.index(fit, data),
        "priorities": sat.priorities(fit),
        "importance": sat.drivers.importance_performance(fit, data, n_draws=0),
    }
    if spec.interactions:
        found["slopes"] = sat.assessment.simple_slopes(fit)
    return found


def without(result: object, *terms: str) -> pd.Series:
    values = keyed(result)
    if "term" not in values.index.names:
        return values
    return values[~values.index.get_level_values("term").isin(terms)]


@every_model
def test_integer_weights_are_repeated_rows(spec, answers):
    own = all_results(spec, answers.drop(columns=["person", "group"]), weights="w")
    other = all_results(spec, repeated(answers).drop(columns=["person", "group"]))
    for name, result in own.items():
        a = without(result, "r2_adjusted", *DIVISORS)
        b = without(other[name], "r2_adjusted", *DIVISORS)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8, err_msg=name)


@every_model
def test_integer_weights_are_repeated_rows_in_groups(spec, answers):
    rows = answers.drop(columns="person")
    for function, kept in (
        (sat.assessment.micom, ("composition",)),
        (sat.assessment.compare_groups, None),
    ):
        how = {"by": "group", "n_draws": 2, "rng": 1}
        own = function(spec, rows, weights="w", **how)
        other = function(spec, repeated(rows), **how)
        a, b = without(own, "moderation"), without(other, "moderation")
        if kept is None:
            np.testing.assert_allclose(a, b, atol=1e-8)
            continue
        exact = a.index.get_level_values("term").isin(kept)
        np.testing.assert_allclose(a[exact], b[exact], atol=1e-8)
        np.testing.assert_allclose(a, b, rtol=0.02, atol=1e-3)


@every_model
@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_weighted_clusters_are_drawn_as_repeated_rows(spec, interval, answers):
    # One cluster per respondent: the copies of a row are drawn together, as it is.
    rows = answers.drop(columns="group")
    own = sat.Survey(rows, weight="w", cluster="person")
    other = sat.Survey(repeated(rows), cluster="person")
    boots = [
        sat.bootstrap(
            sat.pls(spec, s),
            s,
            n_draws=20,
            rng=1,
            interval=interval,
            inadmissible="keep",
        )
        for s in (own, other)
    ]
    assert boots[0].failures == boots[1].failures
    free = boots[0].table["term"] != "moderation"
    for a, b in zip(*((x.draws, x.drawing().std_error) for x in boots), strict=True):
        np.testing.assert_allclose(a[..., free], b[..., free], atol=1e-7)
    if interval == "bca":
        a, b = (x.acceleration[free] for x in boots)
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_weighted_clusters_are_predicted_as_repeated_rows(answers):
    rows = answers.drop(columns="group")
    surveys = (
        sat.Survey(rows, weight="w", cluster="person"),
        sat.Survey(repeated(rows), cluster="person"),
    )
    own, other = (
        sat.assessment.predict(sat.pls(MODELS[0], s), s, folds=5, repeats=2, rng=1)
        for s in surveys
    )
    items = [p.table.where(level="indicator")["estimate"] for p in (own, other)]
    np.testing.assert_allclose(*items, atol=1e-8)
    tests = [sat.assessment.cvpat(p) for p in (own, other)]
    for column in ("estimate", "std_error", "p_value", "conf_low"):
        same(*tests, column, tol=1e-7)


def test_the_exact_fit_of_weighted_clusters_is_that_of_repeated_rows(answers):
    rows = answers.drop(columns="group")
    tests = [
        sat.assessment.exact_fit(sat.pls(MODELS[0], s), s, n_draws=20, rng=1)
        for s in (
            sat.Survey(rows, weight="w", cluster="person"),
            sat.Survey(repeated(rows), cluster="person"),
        )
    ]
    np.testing.assert_allclose(tests[0].draws, tests[1].draws, atol=1e-8)


@every_model
def test_order_and_library_change_nothing(spec, answers):
    items = answers.drop(columns=["w", "person", "group"])
    own = all_results(spec, items)
    mixed = items.sample(frac=1, random_state=1).reset_index(drop=True)
    for data in (mixed[mixed.columns[::-1]], pl.from_pandas(items)):
        for name, result in all_results(spec, data).items():
            same(own[name], result)
    left = sat.assessment.jackknife(own["fit"], items)
    again = sat.pls(spec, pa.Table.from_pandas(mixed))
    same(left, sat.assessment.jackknife(again, mixed), "std_error", tol=1e-6)


@every_model
def test_the_order_of_constructs_and_indicators_changes_nothing(spec, answers):
    items = answers.drop(columns=["w", "person", "group"])
    turned = dataclasses.replace(
        spec,
        constructs=tuple(
            dataclasses.replace(c, indicators=c.indicators[::-1])
            for c in spec.constructs[::-1]
        ),
        paths=spec.paths[::-1],
    )
    own = all_results(spec, items)
    for name, result in all_results(turned, items).items():
        same(own[name], result, tol=1e-6)


@every_model
def test_units_of_the_answers_change_no_standardised_number(spec, answers):
    items = answers.drop(columns=["w", "person", "group"])
    free = dataclasses.replace(spec, scale=None)
    rng = np.random.default_rng(3)
    k = items.shape[1]
    other = items * rng.uniform(0.3, 20, k) + rng.normal(size=k)
    own, moved = (sat.pls(free, data) for data in (items, other))
    same(own, moved)
    one, two = (without(sat.assess(f), "alpha") for f in (own, moved))
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


@every_model
def test_doubled_answers_have_the_same_estimates(spec, answers):
    items = answers.drop(columns=["w", "person", "group"])
    own = all_results(spec, items)
    double = all_results(spec, pd.concat([items, items], ignore_index=True))
    for name, result in own.items():
        a = without(result, "r2_adjusted", *DIVISORS)
        b = without(double[name], "r2_adjusted", *DIVISORS)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8, err_msg=name)


@every_model
def test_items_turned_and_declared_change_nothing(spec, answers):
    items = answers.drop(columns=["w", "person", "group"])
    turned = ["i1", "v2", "s3"]
    against = items.assign(**{item: 10 - items[item] for item in turned})
    declared = dataclasses.replace(
        spec,
        constructs=tuple(
            dataclasses.replace(
                c, reverse=tuple(i for i in c.indicators if i in turned)
            )
            for c in spec.constructs
        ),
    )
    own = all_results(spec, items)
    for name, result in all_results(declared, against).items():
        same(own[name], result)


@pytest.mark.parametrize(
    ("spec", "how"),
    [
        *((spec, {"weights": "w"}) for spec in MODELS),
        (MODELS[0], {"missing": "em", "weights": "w"}),
        (MODELS[1], {"missing": "pairwise"}),
        (MODELS[0], {"ordinal": True}),
    ],
    ids=lambda x: (
        x.name if isinstance(x, sat.StructuralModel) else "-".join(map(str, x))
    ),
)
def test_a_batch_is_its_groups_one_by_one(spec, how, answers):
    rows = answers.drop(columns="person")
    if "missing" in how:
        holes = np.random.default_rng(1).random((len(rows), 3)) < 0.1
        holes[:4] = False
        rows = rows.assign(
            **{
                c: rows[c].mask(h)
                for c, h in zip(("i1", "q1", "s1"), holes.T, strict=True)
            }
        )
    batch = sat.pls(spec, rows, by="group", **how)
    faces = [lambda f: f, sat.assess, sat.effects, sat.index]
    if spec.interactions:
        faces.append(sat.assessment.simple_slopes)
    for group in ("a", "b"):
        one = sat.pls(spec, rows[rows["group"] == group].drop(columns="group"), **how)
        for face in faces:
            frame = face(batch).to_frame()
            part = frame[frame["group"] == group]["estimate"].to_numpy(float)
            alone = face(one).to_frame()["estimate"].to_numpy(float)
            np.testing.assert_allclose(part, alone, rtol=1e-7, atol=1e-7)
