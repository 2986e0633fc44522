"""The catalogue: every file in two languages, and nothing lost in TOML or JSON."""

import copy
import pickle
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from satmetrics._result import _decode, _encode
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.survey import Dimension, Form, Instrument, Item, Scale, Survey
from satmetrics.survey import instruments as catalogue
from satmetrics.survey.label import Label

NAMES = catalogue.names()


def han(text):
    return any("\u4e00" <= c <= "\u9fff" for c in text)


@pytest.mark.parametrize("name", NAMES)
def test_every_label_has_both_languages(name):
    spec = catalogue.load(name)
    for part in (spec, *spec.dimensions, *spec.items, *spec.forms):
        assert part.label.en
        assert part.label.en.isascii()
        assert han(part.label.zh), part.id


@pytest.mark.parametrize("name", NAMES)
def test_every_file_cites_and_marks_its_facts(name):
    spec = catalogue.load(name)
    assert spec.id == name
    assert spec.citation
    assert spec.source
    assert spec.status in ("verified", "recalled", "unverified")
    assert spec.scale is not None


@pytest.mark.parametrize("name", NAMES)
def test_toml_json_and_pickle_bring_it_back(name, tmp_path):
    spec = catalogue.load(name)
    assert Instrument.from_toml(spec.to_toml()) == spec
    assert catalogue.read(spec.save_toml(tmp_path / "x.toml")) == spec
    assert _decode(_encode(spec)) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec


def test_the_catalogue_is_the_folder():
    folder = resources.files("satmetrics.survey") / "catalog"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    assert [f"{name}.toml" for name in NAMES] == files


def test_servqual_has_the_published_blocks():
    spec = catalogue.load("servqual")
    pairs = spec.pairs()
    assert list(pairs) == [
        "tangibles",
        "reliability",
        "responsiveness",
        "assurance",
        "empathy",
    ]
    assert [len(block) for block in pairs.values()] == [4, 5, 4, 4, 5]
    assert pairs["reliability"][2] == ("e_rel3", "p_rel3")
    assert spec.scale == Scale(1, 7)
    assert spec.columns("importance")[0] == "w_tangibles"
    assert spec.scale_of("w_tangibles") == Scale(0, 100)
    assert spec.scale_of("e_tan1") == Scale(1, 7)
    assert spec.reverse_columns() == ()
    assert len(spec.columns()) == 22 + 22 + 5


def test_servperf_asks_the_same_items_once():
    spec, full = catalogue.load("servperf"), catalogue.load("servqual")
    assert spec.items == full.items
    assert spec.columns() == full.columns("perception")
    with pytest.raises(SpecificationError, match="'expectation' does not exist"):
        spec.pairs()


def test_columns_and_items_of_each_other():
    spec = catalogue.load("servqual")
    assert spec.column("tan1", "expectation") == "e_tan1"
    item, form = spec.item_of("p_emp5")
    assert (item.id, form.id) == ("emp5", "perception")
    assert spec.item_of("w_tangibles") is None
    assert spec.item_of("other") is None
    with pytest.raises(SpecificationError, match="did you mean 'tan1'"):
        spec.column("tan11", "expectation")
    with pytest.raises(SpecificationError, match="did you mean 'perception'"):
        spec.column("tan1", "percepton")


def test_unknown_names_get_the_nearest():
    with pytest.raises(OptionError, match="did you mean 'servqual'"):
        catalogue.load("servqal")


def minimal(**changes):
    parts = {
        "id": "x",
        "label": Label("X", "某"),
        "dimensions": (Dimension("d"),),
        "items": (Item("a", dimension="d"),),
        "forms": (Form("perception", "{item}"),),
    }
    return Instrument(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"items": (Item("a", dimension="e"),)}, "item 'a': 'e' does not exist"),
        ({"items": (Item("a", dimension="d"),) * 2}, "item 'a' occurs twice"),
        ({"status": "sure"}, "'sure' does not exist"),
        (
            {"forms": (Form("e", "{item}"), Form("p", "{item}"))},
            "column 'a' occurs twice",
        ),
    ],
)
def test_contradictions_raise(changes, says):
    with pytest.raises(SpecificationError, match=says):
        minimal(**changes)


def test_a_pattern_needs_a_place_for_the_item():
    with pytest.raises(SpecificationError, match="names no column"):
        Form("perception", "p_")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema = 1", "schema = 2", "schema = 2"),
        ("expectation =", "expectations =", "did you mean 'expectation'"),
        ('dimension = "d"', 'dimensions = "d"', "item 'a'.*did you mean 'dimension'"),
        ("zh =", "cn =", "label.*unknown key 'cn'"),
        ("reverse = false", 'reverse = "no"', "write true or false"),
        ("schema = 1", "schema = 1\nscale = 7", "7 is not a scale"),
    ],
)
def test_faults_of_a_file_name_file_and_key(tmp_path, old, new, says):
    path = tmp_path / "mine.toml"
    text = minimal(citation="c", source="s").to_toml()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecificationError, match=says) as caught:
        catalogue.read(path)
    assert "mine.toml" in str(caught.value)


def test_a_survey_takes_scales_from_its_instrument():
    frame = pd.DataFrame({"e_tan1": [7, 6], "p_tan1": [5, 4], "w_tangibles": [20, 30]})
    survey = Survey(frame, "servqual")
    assert survey.items == ("e_tan1", "p_tan1", "w_tangibles")
    assert survey.scale("w_tangibles") == Scale(0, 100)
    nine = Survey(frame, "servqual", scale=(1, 9))
    assert nine.scale("p_tan1") == Scale(1, 9)
    assert nine.scale("w_tangibles") == Scale(0, 100)
    np.testing.assert_array_equal(nine.answers(["w_tangibles"])[:, 0], [20, 30])
