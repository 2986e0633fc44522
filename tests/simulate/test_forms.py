"""Surveys of instruments other than expectation and perception."""

import numpy as np
import pytest

from satmetrics.errors import SpecificationError
from satmetrics.simulate import GapPopulation, simulate_servqual
from satmetrics.survey import Dimension, Form, Instrument, Item, Scale, Survey
from satmetrics.survey.label import Label

LEVELS = {"a": 7.0, "b": 6.0}


def instrument(*forms, reverse=(), scale=(1, 9)):
    items = [
        Item(f"{d}{k}", dimension=d, reverse=f"{d}{k}" in reverse)
        for d in LEVELS
        for k in (1, 2)
    ]
    return Instrument(
        id="own",
        label=Label("Own", "自定"),
        dimensions=tuple(Dimension(d) for d in LEVELS),
        items=tuple(items),
        forms=forms,
        scale=Scale(*scale),
    )


MINIMUM, DESIRED, PERCEIVED = (
    Form(kind, f"{kind[0]}_{{item}}") for kind in ("minimum", "desired", "perception")
)


def zones(**changes):
    stated = {
        "expectation": {"a": 7.5, "b": 7.0},
        "perception": {"a": 6.5, "b": 5.0},
        "minimum": {"a": 5.5, "b": 5.5},
        "units": {"north": 0.5, "south": -0.5},
        "instrument": instrument(MINIMUM, DESIRED, PERCEIVED),
        "sd": (0.8, 1.2, 1.5),
    }
    return GapPopulation(**{**stated, **changes})


def test_three_columns_agree_with_the_stated_truth():
    population, n = zones(), 4000
    survey = Survey(
        simulate_servqual(population, n, rng=3), population.spec, unit="unit"
    )
    truth = population.truth().to_frame()
    codes, keys = survey.groups("unit")
    for unit, rows in truth[truth["level"] == "item"].groupby("unit"):
        own = codes == keys["unit"].tolist().index(unit)
        for mean, prefix, sd in (
            ("expectation", "d", 0.8),
            ("perception", "p", 1.2),
            ("minimum", "m", 1.5),
        ):
            found = survey.answers([f"{prefix}_{name}" for name in rows["item"]])[own]
            assert np.abs(found.mean(axis=0) - rows[mean]).max() < 5 * sd / np.sqrt(n)
            assert found.std(axis=0) == pytest.approx(sd, rel=0.15)
    estimate = truth["perception"] - truth["expectation"]
    assert truth["estimate"].to_numpy() == pytest.approx(estimate.to_numpy())
    assert truth["minimum"].nunique() < truth["perception"].nunique()


def test_performance_only_and_item_importance():
    only = GapPopulation({}, LEVELS, instrument=instrument(PERCEIVED))
    frame = simulate_servqual(only, 50, rng=1)
    assert list(frame) == ["respondent", "unit", "p_a1", "p_a2", "p_b1", "p_b2"]
    assert "estimate" not in only.truth()
    rated = GapPopulation(
        {},
        LEVELS,
        instrument=instrument(PERCEIVED, Form("importance", "i_{item}")),
        importance={"a": 8.0, "b": 3.0},
    )
    frame = simulate_servqual(rated, 3000, rng=1)
    truth = rated.truth().where(level="item")
    found = frame[[f"i_{name}" for name in truth["item"]]].mean().to_numpy(float)
    assert found == pytest.approx(truth["importance"].astype(float), abs=0.1)


def test_reversed_items_come_as_respondents_answer_them():
    plain = zones()
    turned = zones(
        instrument=instrument(MINIMUM, DESIRED, PERCEIVED, reverse=("a1", "b2"))
    )
    one, two = (simulate_servqual(p, 300, rng=5) for p in (plain, turned))
    reverse = [f"{f}_{i}" for f in "mdp" for i in ("a1", "b2")]
    assert (one[reverse] + two[reverse] == 10).all(axis=None)
    rest = [c for c in one if c not in reverse]
    assert one[rest].equals(two[rest])
    assert (plain.truth()["minimum"] == turned.truth()["minimum"]).all()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"minimum": {"a": 5.0}}, "minimum and dimensions"),
        ({"importance": LEVELS}, "does not ask importance"),
        ({"points": LEVELS}, "importance points by dimension"),
        ({"perception": {}}, "perception and dimensions"),
        ({"sd": (1.0, 0.0)}, "sd="),
        ({"instrument": instrument(MINIMUM, PERCEIVED)}, "expectation or desired"),
    ],
)
def test_what_the_instrument_does_not_ask_is_refused(changes, match):
    with pytest.raises(SpecificationError, match=match):
        zones(**changes)
