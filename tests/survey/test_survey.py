"""A survey is frozen, the same from every library, and hands out copies."""

import copy
import dataclasses
import pickle
import re

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from satmetrics.errors import DataError, OptionError
from satmetrics.survey import Scale, Survey, as_survey


def columns(n=50, seed=5):
    rng = np.random.default_rng(seed)
    q1 = rng.integers(1, 11, n).astype(float)
    q1[3] = np.nan
    return {
        "shop": ["N", "S ", "S", None, "N"] * (n // 5),
        "wave": ["2026Q1", "2025Q4"] * (n // 2),
        "w": rng.uniform(0.5, 2, n).round(3).tolist(),
        "q1": [None if np.isnan(v) else v for v in q1],
        "q2": [str(v) for v in rng.integers(1, 11, n)],
        "q3": rng.integers(1, 11, n).tolist(),
    }


LIBRARIES = {
    "pandas": pd.DataFrame,
    "polars": lambda data: pl.DataFrame(data, strict=False),
    "pyarrow": pa.table,
}
OPTIONS = {"unit": "shop", "wave": "wave", "weight": "w", "scale": (1, 10)}


def survey(library="pandas"):
    return Survey(LIBRARIES[library](columns()), **OPTIONS, reverse=["q3"])


def state(s):
    codes, keys = s.groups(["unit", "wave"])
    return {
        "answers": s.answers(["q1", "q2", "q3"]).tolist(),
        "weights": s.weights.tolist(),
        "codes": codes.tolist(),
        "keys": list(keys.rows()),
        "context": s.context,
        "columns": s.columns,
        "summary": str(s.summary()),
        "frame": s.frame.astype(object).where(s.frame.notna(), None).to_dict("list"),
    }


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_libraries_give_the_same_survey(library):
    expected, got = state(survey()), state(survey(library))
    np.testing.assert_array_equal(got.pop("answers"), expected.pop("answers"))
    assert got == expected


@pytest.mark.parametrize(
    "again", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy, copy.copy]
)
def test_copies_are_the_same_and_frozen(again):
    first, second = survey(), again(survey())
    np.testing.assert_array_equal(
        first.answers(["q1", "q3"]), second.answers(["q1", "q3"])
    )
    assert first.context == second.context
    with pytest.raises(ValueError, match="read-only"):
        second.weights[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        second.items = ()


def test_nothing_handed_out_changes_the_survey():
    source = pd.DataFrame(columns())
    s = Survey(source, **OPTIONS)
    before = s.answers(["q3"]).copy()
    source.loc[:, "q3"] = 1
    handed = s.frame
    handed.loc[:, "q3"] = 1
    s.answers(["q3"])[:] = 1
    np.testing.assert_array_equal(s.answers(["q3"]), before)


def test_groups_by_roles_and_columns():
    s = survey()
    codes, keys = s.groups(["shop", "wave"])
    assert keys.names == ("shop", "wave")
    assert [tuple(r.values()) for r in keys.rows()] == [
        ("N", "2025Q4"),
        ("N", "2026Q1"),
        ("S", "2025Q4"),
        ("S", "2026Q1"),
    ]
    shop, wave = s.frame["shop"].to_numpy(), s.frame["wave"].to_numpy()
    for i, row in enumerate(keys.rows()):
        expected = (shop == row["shop"]) & (wave == row["wave"])
        np.testing.assert_array_equal(codes == i, expected)
    assert (codes == -1).sum() == 10
    assert s.groups("q3")[1]["q3"].dtype == np.int64


def test_an_infinite_key_is_a_group_of_its_own():
    frame = pd.DataFrame({"shop": [1.0, np.inf, 2.0, np.inf], "q1": [1, 2, 3, 4]})
    codes, keys = as_survey(frame).groups("shop")
    assert codes.tolist() == [0, 2, 1, 2]
    assert keys["shop"].tolist() == [1.0, 2.0, np.inf]


def test_a_role_without_a_column_raises():
    with pytest.raises(DataError, match="no column plays the role 'unit'"):
        as_survey(pd.DataFrame({"q1": [1]})).groups("unit")
    with pytest.raises(DataError, match="did you mean 'q1'"):
        as_survey(pd.DataFrame({"q1": [1]})).groups("q11")


def test_absent_items_name_the_nearest():
    with pytest.raises(DataError, match="columns not found: 'q33'; did you mean 'q3'"):
        survey().answers(["q33"])


@pytest.mark.parametrize("rows", [[4, 0, 0], np.arange(50) < 10])
def test_take(rows):
    s = survey()
    taken = s.take(rows)
    np.testing.assert_array_equal(taken.weights, s.weights[rows])
    np.testing.assert_array_equal(
        taken.answers(["q1", "q3"]), s.answers(["q1", "q3"])[rows]
    )
    assert taken.n == len(taken.frame) == taken.context.n_rows
    assert any("of the 50 rows were taken" in note for note in taken.context.notes)


def test_taken_rows_count_their_own_exclusions():
    s = Survey(pd.DataFrame({"q1": [99, 99, 7]}), scale=(1, 10), missing_codes=(99,))
    assert [e.n for e in s.take([1, 2]).context.exclusions] == [1]
    assert s.take([2]).context.exclusions == ()


def test_other_roles():
    frame = pd.DataFrame({"w": [1.0, 0, 2], "shop": ["A", "B", "B"], "q1": [1, 2, 3]})
    plain = as_survey(frame)
    assert plain.with_roles() is plain
    weighted = plain.with_roles(weight="w")
    np.testing.assert_array_equal(weighted.weights, [1, 2])
    np.testing.assert_array_equal(weighted.answers(["q1"])[:, 0], [1, 3])
    assert [e.reason for e in weighted.context.exclusions] == ["weight is zero"]
    assert weighted.items == ("q1",)
    assert weighted.with_roles(unit="shop").roles.weight == "w"
    assert plain.weights is None


def test_as_survey_passes_a_survey_through():
    s = survey()
    assert as_survey(s) is s
    with pytest.raises(OptionError, match="it is one already"):
        Survey(s)


def test_a_narwhals_frame_is_a_frame():
    frame = nw.from_native(pl.DataFrame({"q1": [1, 2]}))
    np.testing.assert_array_equal(as_survey(frame).answers(["q1"])[:, 0], [1, 2])


def test_labels_are_printed_and_cannot_be_changed():
    s = Survey(pd.DataFrame({"q1": [1]}), labels={"q1": "Overall satisfaction"})
    s.labels["q1"] = "other"
    assert "Overall satisfaction" in str(s.summary())
    gap = Survey(pd.DataFrame({"e_tan1": [7]}), "servqual")
    assert gap.labels == {"e_tan1": "equipment is up to date (expectation)"}


def test_unknown_keywords_name_the_nearest():
    with pytest.raises(OptionError, match=r"Survey\(\) has no argument 'weights'"):
        Survey(pd.DataFrame({"q1": [1]}), weights="q1")


def test_summary_counts_straight_liners_and_keeps_them():
    frame = pd.DataFrame(
        {f"q{j}": [5, j + 1, np.nan if j < 2 else 3] for j in range(6)}
    )
    s = Survey(frame, scale=(1, 10))
    text = str(s.summary())
    assert "1 rows answer everything alike" in text
    assert s.n == 3
    wide = Survey(frame.assign(q6=[5, 9, 3]), scale=(1, 10))
    assert "2 rows answer everything alike" in str(wide.summary())


def test_summary_states_roles_scales_and_origin():
    s = Survey(pd.DataFrame(columns()), **OPTIONS, name="shops", origin="simulated")
    text = repr(s)
    assert "shops, SIMULATED" in text
    assert "unit = shop" in text
    assert re.search(r"q1 +1-10", text)


def test_html_escapes_labels():
    evil = "<script>alert(1)</script>"
    s = Survey(pd.DataFrame({evil: [1, 2]}), name=evil, notes=(evil,))
    assert "<script>" not in s._repr_html_()
    assert "&lt;script&gt;" in s._repr_html_()


@pytest.mark.filterwarnings("default")
def test_an_empty_frame():
    s = as_survey(pd.DataFrame({"q1": []}))
    assert s.n == 0
    assert s.answers(["q1"]).shape == (0, 1)
    assert s.answers([]).shape == (0, 0)
    assert str(s.summary())


def test_declared_items_raise_at_once():
    frame = pd.DataFrame({"q1": [1, 99], "other": ["x", "y"]})
    with pytest.raises(DataError, match="off its scale"):
        Survey(frame, items=["q1"], scale=(1, 10))
    assert Survey(frame.head(1), items=["q1"], scale=(1, 10)).items == ("q1",)


def test_scale_of_an_item_comes_before_that_of_all():
    frame = pd.DataFrame({"q1": [1], "q2": [1]})
    s = Survey(frame, scale={"*": (1, 10), "q2": Scale(1, 5)})
    assert s.scale("q1") == Scale(1, 10)
    assert s.scale("q2") == Scale(1, 5)
    with pytest.raises(DataError, match="scale: no column 'q3'"):
        Survey(frame, scale={"q3": (1, 5)})
