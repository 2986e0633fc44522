"""The catalogue: every file in two languages, and nothing lost in TOML or JSON."""

import copy
import pickle
import tomllib
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from satmetrics import _toml
from satmetrics._result import _decode, _encode
from satmetrics.errors import OptionError, SpecificationError
from satmetrics.survey import Dimension, Form, Instrument, Item, Scale, Survey
from satmetrics.survey import instruments as catalogue
from satmetrics.survey.item import STATUSES
from satmetrics.survey.label import Label
from satmetrics.survey.questionnaire import EXPECTATIONS

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
    assert len(set(spec.columns())) == len(spec.columns())
    parts = (spec, *spec.dimensions, *spec.items, *spec.weights)
    for status in {part.status for part in parts}:
        assert status in STATUSES
        if status != "verified":
            assert any(status in note for note in spec.notes), status
    if any(part.status != "verified" for part in spec.items):
        assert spec.status != "verified"
    if spec.items:
        assert all(spec.scale_of(column) is not None for column in spec.columns())
        assert {d.id for d in spec.asked_dimensions} == {
            d.id for d in spec.dimensions if not spec.subdimensions(d.id)
        }
    else:
        assert "concept" in spec.label.en
    if spec.has_form("expectation") or spec.has_form("desired"):
        assert spec.expectation in EXPECTATIONS


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


COUNTS = {
    "servqual_1988": [4, 5, 4, 4, 5],
    "servqual_1994": [4, 5, 4, 4, 5],
    "servperf_weighted": [4, 5, 4, 4, 5],
    "libqual": [9, 8, 5],
}


@pytest.mark.parametrize("name", COUNTS)
def test_blocks_of_published_forms(name):
    spec = catalogue.load(name)
    assert [len(spec.items_of(d.id)) for d in spec.dimensions] == COUNTS[name]


def test_the_form_of_1988_turns_the_items_its_readers_quote():
    spec = catalogue.load("servqual_1988")
    turned = [k for k, item in enumerate(spec.items, start=1) if item.reverse]
    assert turned == [10, 11, 12, 13, 18, 19, 20, 21, 22]
    assert len(spec.reverse_columns()) == 18
    assert spec.expectation == "should"


def test_totals_that_were_read_in_abstracts():
    sizes = {"es_qual": 22, "erecs_qual": 11, "rsqs": 28, "servqual_1985": 0}
    assert {name: len(catalogue.load(name).items) for name in sizes} == sizes
    assert len(catalogue.load("servqual_1985").dimensions) == 10
    rsqs, brady = catalogue.load("rsqs"), catalogue.load("brady_cronin")
    assert sum(bool(d.parent) for d in rsqs.dimensions) == 6
    assert [len(brady.subdimensions(d)) for d in ("interaction", "outcome")] == [3, 3]
    assert len(rsqs.items_of("interaction")) == 9  # items 12 to 20
    assert rsqs.items_of("interaction")[:3] == rsqs.items_of("confidence")
    assert "interaction" not in {d.id for d in rsqs.asked_dimensions}


def test_templates_have_four_items_each_and_say_whose_they_are():
    for name in ("vispac", "service_features", "customer_view", "web_service", "trust"):
        spec = catalogue.load(name)
        assert {len(spec.items_of(d.id)) for d in spec.dimensions} == {4}
        assert {item.status for item in spec.items} == {"unverified"}
        assert {d.status for d in spec.dimensions} == {"verified"}
        assert "of our own (unverified)" in spec.notes[0]


def test_the_overview_lists_the_folder():
    frame = catalogue.catalog()
    assert tuple(frame["name"]) == NAMES
    row = frame.set_index("name").loc["servqual"]
    assert (row["dimensions"], row["items"], row["scale"]) == (5, 22, "1-7")
    assert row["forms"] == "expectation, perception, importance"


def test_weights_by_industry():
    points = {"tangibles": 10, "reliability": 35, "responsiveness": 25}
    points |= {"assurance": 20, "empathy": 20}
    plain = catalogue.load("servqual")
    spec = plain.with_weights("bank", points, source="120 customers, 2026")
    spec = spec.with_weights("hotel", dict.fromkeys(points, 1))
    assert plain.weights == ()
    shares = spec.weights_for("bank")
    assert shares == pytest.approx({k: v / 110 for k, v in points.items()})
    assert "points sum to 110" in str(spec)
    assert "120 customers, 2026" in str(spec)
    assert Instrument.from_toml(spec.to_toml()) == spec
    assert _decode(_encode(spec)) == spec
    again = spec.with_weights("bank", dict.fromkeys(points, 20))
    assert again.weights_for("bank")["empathy"] == 0.2
    assert len(again.weights) == 2
    with pytest.raises(SpecificationError, match="did you mean 'bank'"):
        spec.weights_for("banks")


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ({"d": -1}, "points of 'd' are -1"),
        ({"d": float("nan")}, "points of 'd' are nan"),
        ({"d": True}, "points of 'd' are True"),
        ({"d": 0}, "all zero"),
        ({}, "all zero"),
        ({"dd": 1}, "did you mean 'd'"),
        ({"d": 1, "e": 1}, "'e' does not exist"),
    ],
)
def test_weights_that_cannot_be_name_their_fault(points, says):
    with pytest.raises(SpecificationError, match=says):
        minimal().with_weights("bank", points)


def test_weights_may_belong_to_either_level():
    spec = catalogue.load("rsqs")
    top = {d.id: 1 for d in spec.dimensions if not d.parent}
    leaf = {d.id: 1 for d in spec.asked_dimensions}
    for points in (top, leaf):
        assert sum(spec.with_weights("x", points).weights_for("x").values()) == 1
    with pytest.raises(SpecificationError, match="'policy' is missing"):
        spec.with_weights("x", {k: 1 for k in top if k != "policy"})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dimensions": (Dimension("d", parent="e"),)}, "'e' does not exist"),
        ({"dimensions": (Dimension("d"), Dimension("e", parent="d"))}, "has parts"),
        (
            {"dimensions": (Dimension("d", parent="e"), Dimension("e", parent="d"))},
            "above itself",
        ),
        ({"dimensions": (Dimension("d", status="sure"),)}, "'sure' does not exist"),
        ({"timing": "later"}, "there are before_after, same_sitting"),
        ({"items": (Item("a", dimension="d", attribute="x"),)}, "search, experience"),
        ({"wording": (("b", "?"),)}, "wording: 'b' does not exist"),
    ],
)
def test_contradictions_of_levels_and_words_raise(changes, says):
    with pytest.raises(SpecificationError, match=says):
        minimal(**changes)


def test_everything_an_instrument_may_hold_survives_toml():
    spec = minimal(
        dimensions=(Dimension("top"), Dimension("d", parent="top", status="recalled")),
        items=(Item("a", dimension="d", reverse=True, attribute="credence"),),
        timing="before_after",
        wording=(("a", 'Is it "good"?'),),
        citation="c",
        source="s",
        scale=Scale(1, 5),
    ).with_weights("bank", {"top": 3}, status="recalled")
    assert Instrument.from_toml(spec.to_toml()) == spec


def test_concepts_take_items():
    concept = catalogue.load("servqual_1985")
    own = concept.with_items(
        {"access": ["easy to reach", Label("open long", "营业时间长")]}, scale=(1, 7)
    )
    assert own.columns("perception") == ("p_access1", "p_access2")
    assert own.item("access2").label.zh == "营业时间长"
    assert {item.status for item in own.items} == {"unverified"}
    assert own.pairs() == {
        "access": [("e_access1", "p_access1"), ("e_access2", "p_access2")]
    }
    assert concept.columns() == ()
    with pytest.raises(SpecificationError, match="did you mean 'access'"):
        concept.with_items({"acces": ["x"]})
    swapped = catalogue.load("vispac").with_items({"speed": ["fast"]})
    assert [len(swapped.items_of(d.id)) for d in swapped.dimensions] == [
        4,
        4,
        1,
        4,
        4,
        4,
    ]
    assert swapped.forms == catalogue.load("vispac").forms


def test_a_file_with_items_needs_forms_and_a_concept_does_not():
    document = tomllib.loads(minimal(citation="c", source="s").to_toml())
    del document["form"]
    with pytest.raises(SpecificationError, match=r"\[\[form\]\] is missing"):
        Instrument.from_toml(_toml.write(document))
    del document["item"]
    assert Instrument.from_toml(_toml.write(document)).items == ()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("weights", [{"industry": "bank", "values": 3}], "weights 'bank'.*values = {"),
        ("weights", [{"values": {"d": 1}}], "industry is missing"),
        ("wording", "text", r"a table \[wording\]"),
        ("wording", {"a": 3}, "text in quotes"),
        ("timing", "soon", "before_after"),
    ],
)
def test_faults_of_new_keys_are_named(key, value, says):
    document = tomllib.loads(minimal(citation="c", source="s").to_toml())
    with pytest.raises(SpecificationError, match=says):
        Instrument.from_toml(_toml.write({**document, key: value}))


def test_importance_and_disconfirmation_do_not_turn_with_the_wording():
    kinds = ("expectation", "perception", "minimum", "importance", "disconfirmation")
    spec = Instrument(
        id="mine",
        label=Label("mine", "我的"),
        dimensions=(Dimension("d"),),
        items=(
            Item("a", dimension="d", reverse=True),
            Item("b", dimension="d"),
        ),
        forms=tuple(Form(kind, f"{kind}_{{item}}") for kind in kinds),
        scale=Scale(1, 7),
    )
    assert spec.reverse_columns() == ("expectation_a", "perception_a", "minimum_a")


def test_low_minimum_levels_are_no_sign_of_another_scale():
    """They are the least that is acceptable: nobody need ask for the top."""
    spec = catalogue.load("libqual")
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            c: rng.integers(*((2, 8) if c in spec.columns("minimum") else (4, 10)), 120)
            for c in spec.columns()
        }
    )
    assert frame[list(spec.columns("minimum"))].to_numpy().max() == 7
    assert Survey(frame, spec).n == 120  # warnings are errors here
