"""Models: the catalogue, faults by name, files and back."""

from __future__ import annotations

import pytest

import satmetrics as sat
from satmetrics import errors

BLOCKS = {"A": ["a1", "a2"], "B": ["b1", "b2"], "C": ["c1"]}


def test_ecsi_has_the_published_structure():
    ecsi = sat.models.load("ecsi")
    assert len(ecsi.paths) == 12
    assert len(ecsi.indicators) == 24
    assert [len(c.indicators) for c in ecsi.constructs] == [5, 3, 7, 2, 3, 1, 3]


def test_constructs_read_as_the_architecture_says():
    model = sat.StructuralModel.from_blocks(
        "m", BLOCKS, {"A": ["B"], "B": "C"}, target="C", scale=(1, 7), modes={"B": "B"}
    )
    assert isinstance(model.constructs, tuple)
    first = model.constructs[0]
    assert (first.name, first.indicators, first.mode, first.kind) == (
        "A",
        ("a1", "a2"),
        "A",
        "composite",
    )
    assert model.constructs[1].mode == "B"
    assert model.scale == (1.0, 7.0)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"A": ["B"], "B": ["C"], "C": ["A"]}, "cycle A → B → C → A"),
        ({"A": ["A"], "B": ["C"]}, "path to itself"),
        ({"A": ["B"], "B": ["Cc"]}, "did you mean 'C'"),
        ({"A": ["B", "B"], "B": ["C"]}, "occurs twice"),
    ],
)
def test_path_faults_are_named(paths, message):
    with pytest.raises(errors.SpecificationError, match=message):
        sat.StructuralModel.from_blocks("m", BLOCKS, paths)


def test_a_cycle_with_a_tail_is_walked():
    blocks = {name: [name.lower()] for name in "ABCDE"}
    paths = {"A": ["B"], "B": ["C"], "C": ["B", "D"], "D": ["E"]}
    with pytest.raises(errors.SpecificationError, match="cycle") as caught:
        sat.StructuralModel.from_blocks("m", blocks, paths)
    assert set(caught.value.value) == {"B", "C"}


def test_dead_ends_beside_a_cycle_are_stepped_back_from():
    blocks = {name: [name.lower()] for name in "ABCDE"}
    paths = {"A": ["B"], "B": ["E", "C"], "C": ["A", "D"], "D": ["E"]}
    with pytest.raises(errors.SpecificationError, match="cycle") as caught:
        sat.StructuralModel.from_blocks("m", blocks, paths)
    assert set(caught.value.value) == {"A", "B", "C"}


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"A": ["a1", "a1"], "B": ["b"]}, "'a1' twice"),
        ({"A": ["x"], "B": ["x"]}, "belongs to 'A' and to 'B'"),
        ({"A": [], "B": ["b"]}, "no indicators"),
    ],
)
def test_block_faults_are_named(blocks, message):
    with pytest.raises(errors.SpecificationError, match=message):
        sat.StructuralModel.from_blocks("m", blocks, {"A": ["B"]})


def test_target_scale_and_mode_faults():
    for change, message in (
        ({"target": "Z"}, "no construct 'Z'"),
        ({"scale": (5, 1)}, "give the lowest answer first"),
        ({"modes": {"A": "C"}}, "mode='C'"),
        ({"modes": {"Z": "B"}}, "not a construct"),
    ):
        with pytest.raises(
            (errors.SpecificationError, errors.OptionError), match=message
        ):
            sat.StructuralModel.from_blocks(
                "m", BLOCKS, {"A": ["B"], "B": ["C"]}, **change
            )


def test_files_name_key_and_place(tmp_path):
    good = sat.models.load("ecsi").to_toml()
    for old, new, message in (
        ("schema = 1", "schema = 2", "schema = 1"),
        ('mode = "A"', 'mood = "A"', "did you mean 'mode'"),
        ("[[construct]]\nid", "[[construct]]\nname", "unknown key 'name'"),
        ("[index]", "[index", "not valid TOML"),
    ):
        assert old in good
        file = tmp_path / "m.toml"
        file.write_text(good.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(errors.SpecificationError, match=message):
            sat.models.read(file)


def test_unknown_catalogue_name():
    with pytest.raises(errors.SpecificationError, match="did you mean 'ecsi'"):
        sat.models.load("esci")


def test_absent_file_names_its_neighbour(tmp_path):
    (tmp_path / "mine.toml").write_text("schema = 1", encoding="utf-8")
    with pytest.raises(errors.SpecificationError, match=r"did you mean 'mine\.toml'"):
        sat.models.read(tmp_path / "mien.toml")
