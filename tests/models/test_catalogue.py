"""The catalogue: what is true of every file, and what single models must be."""

from __future__ import annotations

import re

import pytest

import satmetrics as sat

STRENGTH = ("verified", "recalled", "unverified")
PUBLISHED = {
    "acsi": (6, 9),
    "ecsi": (7, 12),
    "ecsi_no_complaints": (6, 10),
    "ccsi": (6, 11),
    "epsi": (7, 13),
    "scsb": (5, 6),
}
"""Constructs and paths as counted in csi-models of the sources."""


@pytest.fixture(params=sat.models.names())
def model(request):
    return sat.models.load(request.param)


def test_the_catalogue_holds_the_models_promised():
    assert set(sat.models.names()) >= {
        *("scsb", "acsi", "acsi_product_service", "ecsi", "ecsi_no_complaints"),
        *("epsi", "ncsb_old", "ncsb", "ccsi", "hkcsi", "ncsi_korea", "jcsi"),
        *("csisg", "swics", "e_csi", "trust_chain", "quality_drivers"),
        "service_profit_chain",
    }


def test_every_model_says_where_it_comes_from(model):
    assert model.citation
    assert model.source
    assert model.target in model.names
    assert set(model.order) == set(model.names)
    assert "not an official score" in str(model)
    assert model.status in STRENGTH
    assert all(path.status in STRENGTH for path in model.paths)
    weakest = max(STRENGTH.index(path.status) for path in model.paths)
    assert STRENGTH.index(model.status) >= weakest
    if model.status != "verified":
        assert model.note


def test_every_label_is_there_in_two_languages(model):
    labels = [model.label]
    for construct in model.constructs:
        assert construct.kind == "composite"
        assert construct.mode == "A"
        assert len(construct.labels) == len(construct.indicators)
        labels += [construct.label, *construct.labels]
    for label in labels:
        assert label.en.isascii()
        assert re.search("[\u4e00-\u9fff]", label.zh)


def test_items_are_codes_with_a_scale(model):
    for item in model.indicators:
        assert re.fullmatch("[A-Z]+[0-9]?", item)
        assert model.scale_of(item)


def test_files_say_what_was_read(model, tmp_path):
    file = tmp_path / "model.toml"
    file.write_text(model.to_toml(), encoding="utf-8")
    again = sat.models.read(file)
    assert again == model
    assert again.to_toml() == model.to_toml()
    assert sat.read_result(model.to_json()) == model


def test_one_code_is_one_question_throughout():
    asked: dict[str, set[tuple[str, str]]] = {}
    for name in sat.models.names():
        for construct in sat.models.load(name).constructs:
            for item, label in zip(construct.indicators, construct.labels, strict=True):
                asked.setdefault(item, set()).add((label.en, label.zh))
    assert not {item: said for item, said in asked.items() if len(said) > 1}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    model = sat.models.load(name)
    assert (len(model.constructs), len(model.paths)) == PUBLISHED[name]


def test_ecsi_without_complaints_is_ecsi_less_complaints():
    whole, less = (sat.models.load(n) for n in ("ecsi", "ecsi_no_complaints"))
    assert less.paths == tuple(
        p for p in whole.paths if "Complaints" not in (p.source, p.target)
    )
    assert less.constructs == tuple(
        c for c in whole.constructs if c.name != "Complaints"
    )


def test_the_first_norwegian_form_is_the_american_and_image():
    old, acsi = (sat.models.load(n) for n in ("ncsb_old", "acsi"))
    arrows = {(p.source, p.target, p.sign) for p in old.paths}
    assert arrows - {(p.source, p.target, p.sign) for p in acsi.paths} == {
        ("Image", "Satisfaction", "+"),
        ("Image", "Loyalty", "+"),
    }


def test_arrows_not_confirmed_are_marked_in_the_summary():
    text = str(sat.models.load("ccsi"))
    assert "Quality (+)‡" in text
    assert "Loyalty (+)\n" in text
    assert "10 of 11 arrows: not confirmed" in text
    mixed = str(sat.models.load("ncsb"))
    assert "AffectiveCommitment (+)†" in mixed
    assert "Image (+)," in mixed
    assert "‡" not in mixed
    assert "†" not in str(sat.models.load("ecsi"))
