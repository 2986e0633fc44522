"""The template for industry variants."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat
from satmetrics.errors import OptionError
from satmetrics.models import template
from satmetrics.simulate import (
    model_coefficients,
    model_population,
    simulate_model_survey,
)

INDUSTRIES = ("durables", "nondurables", "services", "other")
QUALITIES = (
    "ProductQuality",
    "ServiceQuality",
    "CustomisedQuality",
    "ReliabilityQuality",
)
ALL = ("Image", "Expectation", *QUALITIES, "Value", "Satisfaction", "Complaints")
WHOLE = (*ALL, "Loyalty")


def edges(model):
    return {(p.source, p.target) for p in model.paths}


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_every_variant_is_a_whole_model(industry, tmp_path):
    model = template(industry)
    assert model.name == f"template_{industry}"
    assert model.status == "unverified"
    assert {p.status for p in model.paths} == {"unverified"}
    assert "a template, not the GB/T or CAS model" in str(model)
    assert "not an official score" in model.credit()
    for construct in model.constructs:
        assert all(label.en and label.zh for label in construct.labels)
        assert len(construct.labels) == len(construct.indicators)
    file = tmp_path / "m.toml"
    file.write_text(model.to_toml(), encoding="utf-8")
    assert sat.models.read(file) == model
    factors = model.with_kinds("factor")
    fit = sat.pls(factors, model_population(model), sat.PlsOptions(tol=1e-12))
    truth = model_coefficients(model)
    rows = zip(fit.paths()["source"], fit.paths()["target"], strict=True)
    known = [truth[s][t] for s, t in rows]
    np.testing.assert_allclose(fit.paths()["estimate"], known, rtol=0, atol=1e-8)


def test_variants_differ_in_quality():
    found = {i: set(template(i).names) & set(QUALITIES) for i in INDUSTRIES}
    assert found == {
        "durables": {"ProductQuality", "ServiceQuality"},
        "nondurables": {"ProductQuality"},
        "services": {"ServiceQuality"},
        "other": {"CustomisedQuality", "ReliabilityQuality"},
    }


def test_the_rule_of_paths():
    rule = {("Image", t) for t in ("Expectation", "Satisfaction", "Loyalty")}
    rule |= {("Expectation", t) for t in (*QUALITIES, "Value", "Satisfaction")}
    rule |= {(q, t) for q in QUALITIES for t in ("Value", "Satisfaction")}
    rule |= {("Value", "Satisfaction"), ("Satisfaction", "Complaints")}
    rule |= {("Satisfaction", "Loyalty"), ("Complaints", "Loyalty")}
    whole = template("other", WHOLE)
    assert edges(whole) == rule
    signs = {(p.source, p.target): p.sign for p in whole.paths if p.sign != "+"}
    assert signs == {
        ("Satisfaction", "Complaints"): "-",
        ("Complaints", "Loyalty"): "?",
    }
    for gone in set(WHOLE) - {"Satisfaction"}:
        less = template("other", [c for c in WHOLE if c != gone])
        assert edges(less) == {edge for edge in rule if gone not in edge}


def test_with_one_quality_and_no_complaints_it_is_the_european_form():
    ecsi = edges(sat.models.load("ecsi_no_complaints"))
    own = template("nondurables", [c for c in WHOLE if c not in QUALITIES[1:]])
    renamed = {
        tuple("Quality" if end == "ProductQuality" else end for end in edge)
        for edge in edges(own)
        if "Complaints" not in edge
    }
    assert renamed == ecsi


def test_second_order_takes_the_paths_over():
    model = template("other", WHOLE, second_order=QUALITIES[2:])
    assert model.higher[0].name == "Quality"
    assert model.higher[0].components == QUALITIES[2:]
    assert {("Expectation", "Quality"), ("Quality", "Value")} <= edges(model)
    assert ("ProductQuality", "Value") in edges(model)
    assert not any(set(QUALITIES[2:]) & set(edge) for edge in edges(model))
    answers = simulate_model_survey(model, 1000, rng=1)
    fit = sat.pls(model, answers)
    assert len(fit.paths()) == len(model.paths)


def test_numbers_of_questions():
    model = template("durables", indicators=6)
    sizes = {c.name: len(c.indicators) for c in model.constructs}
    assert sizes.pop("Complaints") == 1
    assert set(sizes.values()) == {6}
    image = model.construct("Image")
    assert image.indicators[:2] == ("IMAOV", "IMATR")
    assert image.indicators[-1] == "IMA06"
    assert image.labels[-1].en == "Brand or corporate image, question 6"
    some = template("services", indicators={"Complaints": 2, "Value": 1}, scale=(1, 5))
    assert some.construct("Value").indicators == ("VALPQ",)
    assert some.construct("Complaints").indicators == ("COMPL", "COM02")
    assert some.scale_of("COM02") == (0, 1)
    assert some.scale_of("VALPQ") == (1, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"industry": "durable"}, "did you mean 'durables'"),
        ({"constructs": ["Satisfacton", "Loyalty"]}, "did you mean 'Satisfaction'"),
        ({"constructs": ["Image", "Loyalty"]}, "name Satisfaction and at least one"),
        ({"constructs": "Satisfaction"}, r"did you mean constructs=\['Satisfaction'\]"),
        ({"constructs": ["Satisfaction"]}, "at least one more"),
        ({"second_order": ["ServiceQuality"]}, "two or more quality constructs"),
        ({"second_order": ["ProductQuality", "Value"]}, "'Value', no quality"),
        ({"second_order": ["CustomisedQuality"]}, "no quality construct here"),
        ({"indicators": 0}, "give at least 1"),
        ({"indicators": {"Imag": 2}}, "did you mean 'Image'"),
        ({"scales": (1, 5)}, "did you mean 'scale'"),
    ],
)
def test_faults_are_named(arguments, message):
    with pytest.raises(OptionError, match=message):
        template(**{"industry": "durables", **arguments})
