"""Weights stored by industry."""

from __future__ import annotations

import pytest

import satmetrics as sat
from satmetrics import errors

BANK = {"reliability": 40, "responsiveness": 35, "tangibles": 25}


def test_a_book_comes_back_from_its_file(tmp_path):
    judged = sat.quality.ahp_weights({("a", "b"): 3}, industry="hotels")
    book = sat.quality.WeightBook(label="mine").with_weights(
        BANK, industry="retail banking", source="own survey", status="verified"
    )
    book = book.with_weights(judged)
    again = sat.quality.WeightBook.read(book.save(tmp_path / "weights.toml"))
    assert again == book
    assert again.industries == ("retail banking", "hotels")
    assert again.for_industry("hotels").as_points() == pytest.approx(
        {"a": 75.0, "b": 25.0}
    )
    kept = again.for_industry("retail banking")
    assert kept.as_points() == BANK
    assert kept.industry == "retail banking"
    assert "own survey" in str(kept)
    assert "retail banking" in str(again)
    replaced = again.with_weights({"a": 1}, industry="hotels")
    assert replaced.for_industry("hotels").as_points() == {"a": 100.0}


def test_stored_points_weight_gaps(bank):
    points = dict(zip([d.id for d in bank.instrument.dimensions], range(1, 6)))  # noqa: B905
    book = sat.quality.WeightBook().with_weights(points, industry="banks")
    stored = sat.gaps(bank, points=book.for_industry("banks").as_points())
    given = sat.gaps(bank, points=points)
    variant = "weighted by points (aggregate)"
    one, two = (g.table.where(variant=variant)["estimate"][0] for g in (stored, given))
    assert one == pytest.approx(two, rel=1e-12)


def test_book_and_instrument_store_the_same_words(bank):
    found = sat.quality.point_weights(bank, industry="banks")
    spec = bank.instrument.with_weights("banks", found.as_points(), source="own")
    assert spec.weights_for("banks")["empathy"] == pytest.approx(
        found.as_points()["empathy"] / 100
    )
    text = spec.to_toml()
    block = "schema = 1\n" + text[text.index("[[weights]]") :]
    stop = block.find("[[", block.index("[[weights]]") + 2)
    book = sat.quality.WeightBook.from_toml(block if stop < 0 else block[:stop])
    assert book.for_industry("banks").as_points() == pytest.approx(found.as_points())


def test_points_that_do_not_sum_are_divided_and_said_so():
    book = sat.quality.WeightBook().with_weights({"a": 2, "b": 1}, industry="x")
    found = book.for_industry("x")
    assert found.table["estimate"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert any("sum to 3 and were divided" in note for note in found.context.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 2", "must be schema = 1"),
        ("schema = 1\nweight = 3", "did you mean 'weights'"),
        ("schema = 1\n[[weights]]\nvalues = {a = 1}", "industry is missing"),
        ('schema = 1\n[[weights]]\nindustry = "x"', "values = None"),
        (
            'schema = 1\n[[weights]]\nindustry = "x"\nvalues = {a = -1}',
            "weight of 'a' is -1",
        ),
        (
            'schema = 1\n[[weights]]\nindustry = "x"\nvalues = {a = 0}',
            "are zero",
        ),
        (
            'schema = 1\n[[weights]]\nindustry = "x"\nvalues = {a = 1}\nstate = "?"',
            "unknown key 'state'",
        ),
        (
            'schema = 1\n[[weights]]\nindustry = "x"\nvalues = {a = 1}\nstatus = "?"',
            "verified, recalled, unverified",
        ),
        ("schema = 1\nweights = [1]", "tables headed"),
    ],
)
def test_faults_name_the_key(text, said):
    with pytest.raises(errors.SatmetricsError, match=said):
        sat.quality.WeightBook.from_toml(text)


def test_an_unknown_or_double_industry_is_named():
    book = sat.quality.WeightBook().with_weights(BANK, industry="retail banking")
    with pytest.raises(
        errors.SpecificationError, match="did you mean 'retail banking'"
    ):
        book.for_industry("retail bank")
    with pytest.raises(errors.SpecificationError, match="occurs twice"):
        sat.quality.WeightBook(book.entries * 2)
    with pytest.raises(errors.SpecificationError, match="name the industry"):
        sat.quality.WeightBook().with_weights(BANK)
