"""lavaan's model syntax, written and read."""

from __future__ import annotations

import dataclasses

import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.models import HigherOrder, Interaction, from_lavaan, to_lavaan

SMALL = """
# measurement
Q =~ q1 + q2
S =~ s1 + s2   ! satisfaction
S ~ Q
"""
BLOCKS = {"E": ["e1", "e2"], "Q": ["q1", "q2"], "V": ["v1"], "L": ["l1", "l2"]}


def bare(model):
    """Return what the syntax can carry."""
    return (
        tuple((c.name, c.indicators, c.mode) for c in model.constructs),
        tuple((h.name, h.components, h.mode) for h in model.higher),
        {frozenset(i.factors) for i in model.interactions},
        {(products(model).get(p.source, p.source), p.target) for p in model.paths},
    )


def products(model):
    return {i.name: frozenset(i.factors) for i in model.interactions}


@pytest.mark.parametrize("name", sat.models.names())
def test_catalogue_models_come_back(name):
    model = sat.models.load(name)
    again = from_lavaan(model.to_lavaan(), name, model.target, model.scale)
    assert bare(again) == bare(model)
    assert again.note == ""
    assert again.target == model.target
    assert sat.models.to_lavaan(again) == model.to_lavaan() == to_lavaan(name)


@pytest.mark.parametrize("name", ["acsi", "ecsi", "ncsb", "service_profit_chain"])
def test_semopy_reads_the_same(name):
    parser = pytest.importorskip("semopy.parser")
    model = sat.models.load(name)
    read, _ = parser.parse_desc(model.to_lavaan())
    assert {k: tuple(v) for k, v in read["=~"].items()} == {
        c.name: c.indicators for c in model.constructs
    }
    assert {(s, t) for t, of in read["~"].items() for s in of} == {
        (p.source, p.target) for p in model.paths
    }
    single = {c.indicators[0] for c in model.constructs if len(c.indicators) == 1}
    assert {k: dict(v) for k, v in read["~~"].items()} == {
        item: {item: "0"} for item in single
    }


def test_the_same_fit_from_text_and_from_the_catalogue():
    mobile = sat.datasets.moments("ecsi_mobile")
    own = sat.pls("ecsi", mobile).paths().set_index(["source", "target"])["estimate"]
    text = from_lavaan(to_lavaan("ecsi"), target="Satisfaction", scale=(1, 10))
    read = sat.pls(text, mobile).paths().set_index(["source", "target"])["estimate"]
    assert read.to_dict() == pytest.approx(own.to_dict(), abs=1e-12)


def test_modes_higher_order_and_interactions_come_back():
    model = sat.StructuralModel.from_blocks(
        "m",
        BLOCKS,
        {"E": ["L"], "O": ["L"], "EO": ["L"], "EE": ["L"]},
        modes={"E": "B", "Q": "sum", "O": "B"},
        higher=[HigherOrder("O", ("Q", "V"), mode="B")],
        interactions=[Interaction("EO", ("E", "O")), Interaction("EE", ("E", "E"))],
    )
    text = model.to_lavaan()
    for line in (
        "E <~ e1 + e2",
        "Q <~ 1*q1 + 1*q2",
        "V =~ v1\nv1 ~~ 0*v1",
        "O <~ Q + V",
        "L ~ E + O + E:O + E:E",
    ):
        assert line in text
    again = from_lavaan(text)
    assert bare(again) == bare(model)
    assert [i.name for i in again.interactions] == ["E:O", "E:E"]
    assert again.note == ""


def test_an_indicator_of_its_own_name_is_the_observed_variable():
    model = sat.StructuralModel.from_blocks(
        "m", {"age": ["age"], "S": ["s1", "s2"]}, {"age": ["S"]}
    )
    assert to_lavaan(model) == "# model m\nS =~ s1 + s2\nS ~ age\n"
    again = from_lavaan(to_lavaan(model))
    assert again.construct("age").indicators == ("age",)
    assert again.names == ("S", "age")


@pytest.mark.parametrize(
    "text",
    [
        SMALL,
        "Q=~q1+q2;S=~s1+s2;S~Q",
        "Q =~ q1 +\n q2\nS =~ s1\n + s2\nS ~\nQ",
        "Q =~ q1\nQ =~ q2\n\n\nS =~ s1 + s2\r\nS ~ Q",
        SMALL + "q1 ~~ q1\nQ ~~ Q",
    ],
)
def test_layouts_of_one_model(text):
    model = from_lavaan(text)
    assert bare(model) == bare(from_lavaan(SMALL))
    assert model.note == ""
    assert model.paths[0].sign == "?"
    assert {c.kind for c in model.constructs} == {"composite"}


def test_several_left_hand_sides():
    text = "A =~ a1 + a2\nB =~ b1 + b2\nC =~ c1 + c2\nB + C ~ A"
    assert {(p.source, p.target) for p in from_lavaan(text).paths} == {
        ("A", "B"),
        ("A", "C"),
    }


def test_what_only_names_or_sets_a_unit_is_said_in_the_note():
    text = """Q =~ NA*q1 + lam*q2
        S =~ 1*s1 + start(0.7)*s2 + "third"*s3
        S ~ b*Q + 0.2?age
        Q ~~ 1*Q
        Q ~~ age
        s1 ~ 1"""
    model = from_lavaan(text, kind="factor")
    for said in (
        "NA*q1 (line 1)",
        "lam*q2 (line 1)",
        "1*s1 (line 2)",
        "start(0.7)*s2 (line 2)",
        '"third"*s3 (line 2)',
        "b*Q (line 3)",
        "start(0.2)*age (line 3)",
        "Q ~~ 1*Q (line 4)",
        "s1 ~ 1 (line 6)",
    ):
        assert said in model.note
    assert model.note.count("(line") == 9
    assert [c.kind for c in model.constructs] == ["factor", "factor", "composite"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 ~~ q2", "q1 ~~ q2 lets residuals covary"),
        ("q1 ~~ s1", "put items of one meaning"),
        ("S ~~ Q", "lets residuals covary"),
        ("q1 ~~ 0.2*q1", "fixes a variance"),
        ("S ~~ 1*S", "fixes a variance"),
        ("q1 ~~ zz", "'zz', which is in no other line"),
        ("S ~ 0*T", "leave the term out"),
        ("S ~ 0.8*T", "fixes a parameter"),
        ("S ~ 0", "fixes a parameter"),
        ("S ~ Q", "there twice"),
        ("S ~ q1", "indicator of 'Q' and part of a regression"),
        ("T =~ q1 + t2\nS ~ T", "'q1' measures 'Q' and 'T'"),
        ("Q =~ q1", "measures 'Q' twice"),
        ("Q <~ q3", "by <~ here and by =~ on line 3"),
        ("T =~ 0.8*t1 + 0.8*t2\nS ~ T", "fixed at 0.8, 0.8"),
        ("T =~ 0*t1 + t2\nS ~ T", "fixed at 0"),
        ("T <~ 1*t1 + 2*t2\nS ~ T", "fixed at 1, 2"),
        ("T =~ a*t1 + a*t2\nS ~ T", "label 'a' stands on line 6 already"),
        ("T =~ c(1, 1)*t1 + t2\nS ~ T", "groups are asked for with by="),
        ('T =~ equal("Q=~q1")*t1 + t2\nS ~ T', "cannot be held"),
        ('efa("f")*T =~ t1 + t2', "stands left of =~"),
        ("T =~ T\nS ~ T", "measured by itself"),
        ("T =~ Q + t1\nS ~ T", "measured by Q, t1"),
        ("T =~ q1:q2\nS ~ T", "products of variables belong"),
        ("S ~ Q:T:U", "product of 3"),
        ("ind := a*b", "sat.effects"),
        ("a == b", "constrains parameters"),
        ("a > 0", "constrains parameters"),
        ("q1 | t1", "states thresholds"),
        ("q1 ~*~ q1", "scaling factors"),
        ("level: 2", "begins a part of its own"),
        ("Group : a", "groups are asked for with by="),
        ("S ~ T ~ U", "has 2 operators"),
        ("S ~ T + ", "a name is missing"),
        ("S ~ T -1", "'T -1' is not a variable"),
        ("S ~ 2x", "'2x' is not a variable"),
        ("S ~ 'T", "quotation mark is not closed"),
        ("S ~ T +\nU =~ u1 + u2", "is not finished"),
    ],
)
def test_what_cannot_be_held_names_its_line(line, message):
    with pytest.raises(errors.SpecificationError) as caught:
        from_lavaan(SMALL + line)
    assert message in str(caught.value)
    number = 7 if "not finished" in message else 6
    assert f"lavaan syntax, line {number}:" in str(caught.value)
    assert caught.value.value == number
    assert caught.value.code


def test_text_that_is_no_model():
    with pytest.raises(errors.SpecificationError, match="line 1: 'hello'"):
        from_lavaan("hello")
    with pytest.raises(errors.SpecificationError, match="no constructs"):
        from_lavaan("# nothing")
    factors = from_lavaan("A =~ a1 + a2\nB =~ b1 + b2\nA ~~ B")
    assert factors.paths == ()
    with pytest.raises(errors.OptionError, match="3 as text=; give text"):
        from_lavaan(3)
    with pytest.raises(errors.OptionError, match="did you mean 'factor'"):
        from_lavaan(SMALL, kind="factors")
    with pytest.raises(errors.SpecificationError, match="did you mean 'S'"):
        from_lavaan(SMALL, target="s")


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"A b": ["a1"], "S": ["s1"]}, "cannot read the name 'A b'"),
        ({"A": ["a 1", "a-2"], "S": ["s1"]}, "'a 1' and 1 more"),
        ({"for": ["a1"], "S": ["s1"]}, "'for'"),
        ({"A": ["S"], "S": ["s1"]}, "'S' names a construct and an indicator"),
        ({"A": ["A", "a2"], "S": ["s1"]}, "'A' names a construct and an indicator"),
    ],
)
def test_names_lavaan_cannot_read(blocks, message):
    first = next(iter(blocks))
    model = sat.StructuralModel.from_blocks("m", blocks, {first: ["S"]})
    with pytest.raises(errors.SpecificationError, match=message):
        to_lavaan(model)


def test_chinese_names_are_names():
    model = sat.StructuralModel.from_blocks(
        "m", {"质量": ["质1", "质2"], "满意": ["满1", "满2"]}, {"质量": ["满意"]}
    )
    assert bare(from_lavaan(to_lavaan(model))) == bare(model)
    named = dataclasses.replace(model, name="two\nS ~ lines")
    assert to_lavaan(named).count("\n") == to_lavaan(model).count("\n")
