"""What is true of every number on service quality, said once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import satmetrics as sat
from satmetrics._frames import KEYS
from satmetrics.survey.item import Dimension, Form

DIMENSIONS = {"care": ("a", "b", "c"), "speed": ("d", "e", "f", "g")}
ITEMS = tuple(item for items in DIMENSIONS.values() for item in items)
GROUPS = ("north", "south", "east", "west", "port")
TURNED = ("b", "g")
ERRORS = ("std_error", "conf_low", "conf_high", "p_value")
LABELS = (*KEYS, "kind", "forms", "form", "state", "variant", "gap", "sources")
LABELS += ("items", "factor", "other", "component", "rule", "part", "number", "step")
Sample = sat.Survey | pd.DataFrame


def instrument(
    scale: tuple[float, float] = (1, 7),
    reverse: tuple[str, ...] = (),
    dimensions: dict[str, tuple[str, ...]] = DIMENSIONS,
) -> sat.Instrument:
    """Return two dimensions of three and four items, asked for E and P."""
    return sat.Instrument(
        id="small",
        label=sat.Label("Small"),
        dimensions=tuple(Dimension(name) for name in dimensions),
        items=tuple(
            sat.Item(item, dimension=name, reverse=item in reverse)
            for name, items in dimensions.items()
            for item in items
        ),
        forms=(
            Form("expectation", "e_{item}", "expectation"),
            Form("perception", "p_{item}", "perception"),
        ),
        scale=sat.Scale(*scale),
    )


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Return 150 respondents of five branches on 1–7, with integer weights."""
    rng = np.random.default_rng(11)
    n = 150
    shop = np.arange(n) % len(GROUPS)
    level = np.linspace(-0.8, 0.8, len(GROUPS))[shop]
    core = {d: level + rng.normal(size=n) for d in DIMENSIONS}
    frame = {}
    for form, centre, spread in (("e", 5.0, 0.7), ("p", 4.0, 1.0)):
        for name, items in DIMENSIONS.items():
            for item in items:
                raw = centre + spread * core[name] + rng.normal(size=n)
                frame[f"{form}_{item}"] = np.clip(np.rint(raw), 1, 7)
    liked = 4 + 0.5 * (core["care"] + core["speed"]) + rng.normal(size=n)
    out = pd.DataFrame(frame)
    out["liked"] = np.clip(np.rint(liked), 1, 7)
    first = rng.integers(20, 81, n)
    out["pts_care"], out["pts_speed"] = first, 100 - first
    out["shop"] = np.array(GROUPS)[shop]
    out["seller"] = np.arange(n) // 3
    out["person"] = np.arange(n)
    out["w"] = rng.integers(1, 4, n).astype(float)
    return out


def columns(form: str) -> list[str]:
    return [f"{form}_{item}" for item in ITEMS]


def blocks(form: str) -> dict[str, list[str]]:
    return {d: [f"{form}_{i}" for i in items] for d, items in DIMENSIONS.items()}


def pairs() -> dict[str, list[tuple[str, str]]]:
    return {d: [(f"e_{i}", f"p_{i}") for i in v] for d, v in DIMENSIONS.items()}


def hierarchy() -> sat.quality.IndexHierarchy:
    return sat.quality.IndexHierarchy.from_dict("small", blocks("p"))


def five(data: Sample, by: str | None) -> sat.Result:
    managers = pd.DataFrame({c: [6.0, 7, 5, 7] for c in columns("e")})
    managers["e_a"] = [4.0, 7, 5, 6]
    how = {"standards": "e_{item}", "against": "stage", "few": 0, "rng": 1}
    groups = {"by": by, "shared": ("managers",)} if by else {}
    return sat.five_gaps(data, managers, instrument=spec_of(data), **how, **groups)


def spec_of(data: Sample) -> sat.Instrument | None:
    own = data.instrument if isinstance(data, sat.Survey) else None
    return None if own else instrument()


BATCH: dict[str, Callable[..., sat.Result]] = {
    "gaps": lambda s, by: sat.gaps(s, by=by),
    "five gaps": five,
    "psychometrics": lambda s, by: sat.quality.psychometrics(s, None, "liked", by=by),
    "surface": lambda s, by: sat.quality.response_surface(
        s, outcome="liked", by=by, n_draws=0
    ),
    "reliability": lambda s, by: sat.assessment.reliability(s, blocks("p"), by=by),
    "points": lambda s, by: sat.quality.point_weights(
        s, {"care": "pts_care", "speed": "pts_speed"}, by=by
    ),
    "grades": lambda s, by: sat.quality.grade_shares(
        s, blocks("p"), grades={"good": (5, 7), "poor": (1, 4)}, by=by
    ),
    "hierarchy": lambda s, by: sat.quality.hierarchy_scores(hierarchy(), s, by=by),
    "standards": lambda s, by: sat.quality.standards(
        s, {"a": ("p_a", ">=", 4, "care"), "d": ("p_d", ">=", 5, "speed")}, by=by
    ),
    "performance": lambda s, by: sat.quality.performance(s, by=by),
    "states": lambda s, by: sat.quality.three_states(s, by=by),
    "disconfirmation": lambda s, by: sat.quality.disconfirmation(
        s, columns=columns("p"), neutral=4, by=by
    ),
}
"""Functions with by=: each group is what it is alone."""
WHOLE: dict[str, Callable[[Sample], sat.Result]] = {
    **{name: (lambda s, f=f: f(s, None)) for name, f in BATCH.items()},
    "dimensionality": lambda s: sat.assessment.dimensionality(
        s, columns("p"), n_draws=20, rng=1
    ),
    "factors": lambda s: sat.assessment.explore_factors(s, 2, columns("p")),
    "agreement": lambda s: sat.quality.agreement(s, blocks("p"), by="shop"),
    "shrunken": lambda s: sat.quality.shrunken_means(s, blocks("p"), by="shop"),
    "regression": lambda s: sat.quality.regression_weights(
        s, blocks("p"), outcome="liked", n_draws=0
    ),
    "entropy": lambda s: sat.quality.entropy_weights(s, blocks("p")),
    "critic": lambda s: sat.quality.critic_weights(s, blocks("p")),
}
each_batch = pytest.mark.parametrize("name", list(BATCH))
each = pytest.mark.parametrize("name", list(WHOLE))


def survey(frame: pd.DataFrame, **roles: object) -> sat.Survey:
    spec = roles.pop("spec", None) or instrument()
    return sat.Survey(frame, spec, **roles)


TEXTS = ("reason", "method", "interval", "parent", "target", "verdict")
OWN_DIVISOR = ("n_later", "n_earlier", "sd", "sd_gap", "d_z", "successes", "n_eff")
"""Figures that have the number of rows in them."""
OWN_TERMS = ("sd", "r2_adjusted", "bartlett", "fit", "retained")
"""Terms that have it, or rest on random numbers of as many rows."""
UNWEIGHTED = ("agreement", "shrunken", "entropy", "critic")
"""Agreement of those who answered; n of units; rows as units."""


def keyed(result: object) -> pd.DataFrame:
    """Return the numbers of a result by what they are of, in a fixed order."""
    frame = result if isinstance(result, pd.DataFrame) else result.to_frame()
    keys = [c for c in frame if c in LABELS or c == "shop"]
    numbers = [
        c for c in frame if c not in keys and pd.api.types.is_numeric_dtype(frame[c])
    ]
    out = frame.set_index(keys)[numbers]
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


def without_terms(result: sat.Result, *terms: str) -> pd.DataFrame:
    frame = result.to_frame()
    return frame[~frame["term"].isin(terms)] if "term" in frame else frame


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Return every row as often as its weight says."""
    rows = np.repeat(np.arange(len(frame)), frame["w"].astype(int))
    return frame.iloc[rows].drop(columns="w").reset_index(drop=True)


def group(result: sat.Result, name: str) -> pd.DataFrame:
    frame = result.to_frame()
    return frame[frame["shop"] == name].drop(columns="shop")


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in UNWEIGHTED])
def test_integer_weights_are_repeated_rows(name, answers):
    # one cluster per respondent: the copies of a row are one respondent still
    weighted = WHOLE[name](survey(answers, weight="w", cluster="person"))
    copies = WHOLE[name](survey(repeated(answers), cluster="person"))
    one, two = (without_terms(r, *OWN_TERMS) for r in (weighted, copies))
    tests = ("n", "statistic", "p_value", "df", "random_mean", "random_quantile")
    counts = ("n", *OWN_DIVISOR)
    if name in ("dimensionality", "factors"):
        # their tests suppose respondents sampled singly
        same(one, two, skip=(*counts, *tests))
    elif name in ("psychometrics", "reliability"):
        # derivatives of an unbiased covariance carry 1 − 1/n effective
        same(one, two, skip=(*counts, *ERRORS, *tests))
        same(one, two, skip=(*counts, *ERRORS[1:], *tests), tol=0.02)
    else:
        # a single standard has Kish's n, and no n is above that of the rows
        wilson = [c for c in one if c.endswith(("_low", "_high"))]
        wilson = wilson if name == "standards" else []
        same(one, two, skip=(*counts, *wilson))
        same(one, two, skip=counts, tol=0.02)


@each
def test_the_order_of_rows_and_columns_changes_nothing(name, answers):
    mixed = answers.sample(frac=1, random_state=1).reset_index(drop=True)
    turned = mixed[mixed.columns[::-1]]
    one, other = (WHOLE[name](survey(d, weight="w")) for d in (answers, turned))
    same(one, other, tol=1e-6)


@each
@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_the_library_of_the_frame_changes_nothing(name, library, answers):
    one, other = (WHOLE[name](survey(d)) for d in (answers, library(answers)))
    same(one, other, tol=1e-9)


@each
def test_the_order_of_the_instrument_changes_nothing(name, answers):
    turned = {d: items[::-1] for d, items in reversed(DIMENSIONS.items())}
    other = survey(answers, spec=instrument(dimensions=turned))
    same(WHOLE[name](survey(answers)), WHOLE[name](other), tol=1e-6)


@pytest.mark.parametrize(
    "name", [n for n in WHOLE if n not in ("five gaps", "disconfirmation")]
)
def test_items_turned_and_declared_change_nothing(name, answers):
    against = answers.copy()
    for column in (f"{form}_{item}" for form in "ep" for item in TURNED):
        against[column] = 8 - against[column]
    declared = WHOLE[name](survey(against, spec=instrument(reverse=TURNED)))
    plain = keyed(WHOLE[name](survey(answers)))
    turned = keyed(declared)
    # with reversed items there is a second set of figures without them
    common = turned.loc[plain.index]
    np.testing.assert_allclose(common, plain, rtol=1e-6, atol=1e-7)


@each_batch
@pytest.mark.parametrize("roles", [{}, {"weight": "w"}], ids=["plain", "weighted"])
def test_a_batch_is_its_groups_one_by_one(name, roles, answers):
    batch = BATCH[name](survey(answers, **roles), "shop")
    for shop in GROUPS[:2]:
        alone = BATCH[name](survey(answers[answers["shop"] == shop], **roles), None)
        part = group(batch, shop)
        same(part, alone)
        for word in TEXTS:
            if word in part:
                assert part[word].tolist() == alone.to_frame()[word].tolist()


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in UNWEIGHTED])
def test_copies_of_respondents_say_no_more_than_once(name, answers):
    double = pd.concat([answers, answers], ignore_index=True)
    once, twice = (
        without_terms(WHOLE[name](survey(d, cluster="person")), *OWN_TERMS)
        for d in (answers, double)
    )
    tests = ("statistic", "p_value", "random_mean", "random_quantile")
    counts = ("n", *OWN_DIVISOR)
    if name in ("dimensionality", "factors"):
        same(once, twice, skip=(*counts, *tests))
    elif name in ("psychometrics", "reliability"):
        same(once, twice, skip=(*counts, *ERRORS, "statistic"))
        same(once, twice, skip=(*counts, *ERRORS[1:], "statistic"), tol=0.02)
    else:
        same(once, twice, skip=counts)


FREE = ("reliability", "psychometrics", "dimensionality", "factors", "regression")


def rescaled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return answers on 0–100."""
    own = [*columns("e"), *columns("p"), "liked"]
    return frame.assign(**{c: (frame[c] - 1) / 6 * 100 for c in own})


@pytest.mark.parametrize("name", [*FREE, "critic"])
def test_what_has_no_unit_does_not_change_with_it(name, answers):
    other = survey(rescaled(answers), spec=instrument((0, 100)))
    one, two = (without_terms(WHOLE[name](s), "sd") for s in (survey(answers), other))
    same(one, two, tol=1e-6)


@pytest.mark.parametrize("name", ["gaps", "shrunken"])
def test_what_is_in_units_of_the_scale_changes_with_it(name, answers):
    other = survey(rescaled(answers), spec=instrument((0, 100)))
    one, two = (keyed(WHOLE[name](s)) for s in (survey(answers), other))
    factor, shift = 100 / 6, {"gaps": 0.0, "shrunken": 1.0}[name]
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(
            two[column], (one[column] - shift) * factor, rtol=1e-8, atol=1e-8
        )
    np.testing.assert_allclose(two["std_error"], one["std_error"] * factor, rtol=1e-8)
    for column in ("p_value", "d_z", "share_better", "weight"):
        if column in one:
            np.testing.assert_allclose(two[column], one[column], rtol=1e-7)


def test_a_surface_changes_with_the_units_of_its_parts(answers):
    other = survey(rescaled(answers), spec=instrument((0, 100)))
    one, two = (
        WHOLE["surface"](s).to_frame().set_index(["dimension", "kind", "term"])
        for s in (survey(answers), other)
    )
    f = 100 / 6
    power = {"b0": 1, "b3": -1, "b4": -1, "b5": -1, "a2": -1, "a4": -1, "a5": -1}
    for (_, kind, term), row in one.iterrows():
        new = two.loc[(row.name[0], kind, term)]
        if kind in ("coefficient", "line") and term != "b0":
            scale = f ** power.get(term, 0)
            assert new["estimate"] == pytest.approx(row["estimate"] * scale)
            assert new["std_error"] == pytest.approx(row["std_error"] * scale)
        elif kind == "test":
            assert new["statistic"] == pytest.approx(row["statistic"])
            assert new["p_value"] == pytest.approx(row["p_value"], rel=1e-6)
        elif kind in ("fit", "share") and term != "condition":
            assert new["estimate"] == pytest.approx(row["estimate"])
        elif term == "b0":
            assert new["estimate"] == pytest.approx((row["estimate"] - 1) * f)


def constant(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**dict.fromkeys([*columns("e"), *columns("p"), "liked"], 4.0))


HARD: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "no row": lambda f: f.iloc[:0],
    "one row": lambda f: f.iloc[:1],
    "two rows": lambda f: f.iloc[:2],
    "seven rows": lambda f: f.iloc[:7],
    "one group": lambda f: f.assign(shop="north"),
    "a group of one": lambda f: f.assign(shop=["alone", *f["shop"][1:]]),
    "all alike": constant,
    "expectations alike": lambda f: f.assign(**dict.fromkeys(columns("e"), 7.0)),
    "no gap": lambda f: f.assign(**{f"p_{i}": f[f"e_{i}"] for i in ITEMS}),
    "an empty column": lambda f: f.assign(p_a=np.nan),
    "no answer": lambda f: constant(f).assign(
        **dict.fromkeys([*columns("e"), *columns("p")], np.nan)
    ),
    "the same column twice": lambda f: f.assign(p_b=f["p_a"], e_b=f["e_a"]),
    "an item against the others": lambda f: f.assign(p_b=8 - f["p_a"]),
    "large numbers as labels": lambda f: f.assign(shop=2**62 + np.arange(len(f)) % 5),
    "hostile labels": lambda f: f.assign(shop="<b>=1+1\n</b>"),
    "no points": lambda f: f.assign(pts_care=0, pts_speed=0),
    "no outcome": lambda f: f.assign(liked=np.nan),
}
NO_FIGURE = ("test_gap", "test_quadratic", "test_perception", "bartlett", "fit")
"""Terms that are tests alone."""


@pytest.mark.parametrize("case", list(HARD))
def test_what_cannot_be_computed_is_said(case, answers):
    """Every outcome is an error with a remedy, or a figure, or a reason for none."""
    data = survey(HARD[case](answers))
    unsaid: list[str] = []
    calls = {
        **WHOLE,
        **{f"{n} by": (lambda s, f=f: f(s, "shop")) for n, f in BATCH.items()},
    }
    for name, function in calls.items():
        try:
            result = function(data)
        except sat.errors.SatmetricsError as error:
            unsaid += [name] * (not error.remedy)
            continue
        except sat.errors.MissingDataWarning:
            continue
        frame = result.to_frame()
        str(result)
        numbers = frame.select_dtypes("number").to_numpy(dtype=float)
        assert not np.isinf(numbers).any(), name
        if "reason" in frame:
            figures = (
                frame[~frame["term"].isin(NO_FIGURE)] if "term" in frame else frame
            )
            absent = figures[figures["estimate"].isna()]
            assert (absent["reason"] != "").all(), name
    assert not unsaid
