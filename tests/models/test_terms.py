"""Higher-order constructs and interactions as part of a model."""

from __future__ import annotations

import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.models import HigherOrder, Interaction, respecify

BLOCKS = {
    "E": ["e1", "e2"],
    "Q": ["q1", "q2", "q3"],
    "I": ["i1", "i2"],
    "V": ["v1", "v2"],
    "L": ["l1", "l2"],
}
PATHS = {"E": ["S"], "Q": ["S"], "S": ["L"]}
HIGHER = {"S": ["I", "V"]}


def second_order(**change):
    given = {"constructs": BLOCKS, "paths": PATHS, "higher": HIGHER, "scale": (1, 10)}
    return sat.StructuralModel.from_blocks("m", **(given | change))


def moderated(**change):
    given = {
        "constructs": {k: BLOCKS[k] for k in "EQL"},
        "paths": {"E": ["L"], "Q": ["L"], "EQ": ["L"]},
        "interactions": {"EQ": ("E", "Q")},
    }
    return sat.StructuralModel.from_blocks("m", **(given | change))


def edges(model):
    return {(p.source, p.target) for p in model.paths}


def test_a_mapping_and_objects_say_the_same():
    given = second_order(modes={"S": "B"}, target="S")
    assert given == second_order(
        higher=[HigherOrder("S", ("I", "V"), mode="B")], target="S"
    )
    assert moderated() == moderated(interactions=Interaction("EQ", ("E", "Q")))
    assert given.names == tuple(BLOCKS)
    assert given.nodes == (*BLOCKS, "S")
    assert not given.plain
    assert given.order.index("S") > given.order.index("Q")


@pytest.mark.parametrize("model", [second_order(), moderated()])
def test_files_and_json_bring_it_back(model, tmp_path):
    file = tmp_path / "m.toml"
    file.write_text(model.to_toml(), encoding="utf-8")
    assert sat.models.read(file) == model
    assert sat.read_result(model.to_json()) == model


def test_summary_and_frame_name_components_and_factors():
    text = str(second_order())
    assert "Higher order" in text
    assert "two-stage" in text
    assert "E × Q" in str(moderated())
    rows = second_order().to_frame().query("construct == 'S'")["indicator"]
    assert list(rows) == ["I", "V"]
    rows = moderated().to_frame().query("construct == 'EQ'")["indicator"]
    assert list(rows) == ["E", "Q"]


def test_first_stages():
    model = second_order()
    assert edges(respecify.in_place_of(model)) == {
        *(("E", "I"), ("E", "V"), ("Q", "I"), ("Q", "V"), ("I", "L"), ("V", "L")),
    }
    joined = respecify.saturated(model)
    assert len(joined.paths) == 10
    assert edges(joined) >= edges(respecify.in_place_of(model))
    twice = respecify.repeated(model)
    assert ("S", "I") in edges(twice)
    assert twice.construct("S").indicators == ("S.i1", "S.i2", "S.v1", "S.v2")
    formative = respecify.repeated(second_order(modes={"S": "B"}))
    assert ("I", "S") in edges(formative)
    assert ("S", "I") not in edges(formative)


def test_second_stage_keeps_the_items_or_takes_scores():
    scaled = dict.fromkeys(BLOCKS, True)
    model = second_order(target="S")
    kept = respecify.of_scores(model, keep_items=True, scaled=scaled)
    assert kept.names == ("E", "Q", "S", "L")
    assert kept.construct("Q").indicators == ("q1", "q2", "q3")
    assert kept.construct("Q").scale == (1, 10)
    assert kept.construct("S").scale == (0, 100)
    assert kept.target == "S"
    taken = respecify.of_scores(model, keep_items=False, scaled=scaled)
    assert taken.construct("Q").indicators == ("Q",)
    assert taken.scale is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"higher": {"S": ["I", "Vv"]}}, "did you mean 'V'"),
        ({"higher": {"S": ["I"]}}, "two or more"),
        ({"higher": {"S": ["I", "I"]}}, "two or more"),
        ({"higher": {"S": ["I", "V"], "T": ["V", "E"]}}, "component of 'S' and of 'T'"),
        ({"higher": {"S": ["I", "V"], "T": ["S", "Q"]}}, "of higher order itself"),
        ({"paths": PATHS | {"I": ["L"]}}, "path of its own: I → L"),
        ({"kinds": {"I": "factor"}}, "not freed of unreliability"),
        ({"higher": {"E": ["I", "V"]}}, "two constructs 'E'"),
        ({"higher": "S"}, "neither a mapping"),
        ({"modes": {"T": "B"}}, "not a construct"),
        ({"kinds": {"S": "factor"}, "modes": {"S": "B"}}, "factor in mode 'B'"),
        (
            {"higher": [HigherOrder("S", ("I", "V"), approach="embedded")]}
            | {"kinds": {"Q": "factor"}},
            "score in place of its indicators",
        ),
        (
            {
                "higher": [
                    HigherOrder("S", ("I", "V")),
                    HigherOrder("T", ("E", "Q"), approach="repeated"),
                ],
                "paths": {"T": ["S"], "S": ["L"]},
            },
            "one approach decides",
        ),
        (
            {
                "higher": [HigherOrder("S", ("I", "V"), approach="repeated")],
                "paths": PATHS | {"I": ["E"]},
            },
            "cycle",
        ),
    ],
)
def test_faults_of_higher_order_are_named(change, message):
    with pytest.raises(
        (errors.SpecificationError, errors.OptionError), match=message
    ) as caught:
        second_order(**change)
    assert caught.value.code


def test_repeated_items_let_components_keep_paths():
    higher = [HigherOrder("S", ("I", "V"), approach="repeated")]
    model = second_order(higher=higher, paths=PATHS | {"I": ["L"]})
    assert ("I", "L") in edges(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paths": {"E": ["L"], "Q": ["E"], "EQ": ["L"]}}, "add the path Q → L"),
        ({"paths": {"E": ["L", "Q"], "Q": ["L"], "EQ": ["Q"]}}, "own product"),
        ({"paths": {"E": ["L"], "Q": ["L", "EQ"], "EQ": ["L"]}}, "has a path from 'Q'"),
        ({"paths": {"E": ["L"], "Q": ["L"]}}, "'EQ' has no path"),
        ({"interactions": {"EQ": ("E", "Qq")}}, "did you mean 'Q'"),
        ({"interactions": {"EQ": ("E", "Q", "L")}}, "3 factors"),
        ({"interactions": {"EQ": ("E", "EQ")}}, "an interaction itself"),
        ({"kinds": {"Q": "factor"}}, "unreliability of a product"),
        ({"interactions": 3}, "neither a mapping"),
    ],
)
def test_faults_of_interactions_are_named(change, message):
    with pytest.raises(
        (errors.SpecificationError, errors.OptionError), match=message
    ) as caught:
        moderated(**change)
    assert caught.value.code


def test_components_take_no_part_in_interactions():
    with pytest.raises(errors.SpecificationError, match="multiply 'S' instead"):
        second_order(paths=PATHS | {"EI": ["S"]}, interactions={"EI": ("E", "I")})


def test_options_of_terms_are_checked():
    with pytest.raises(errors.OptionError, match="did you mean 'two-stage'"):
        Interaction("x", ("E", "Q"), approach="two stage")
    with pytest.raises(errors.OptionError, match="repeated"):
        HigherOrder("S", ("I", "V"), approach="repeat")
    assert Interaction("q", ("E", "E")).quadratic
