"""Every type a dataframe library can hold an answer in gives the same float64."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from satmetrics.errors import DataError, OptionError
from satmetrics.survey import as_survey

EXPECTED = [7.0, 9.0, np.nan, 7.0]
PLAIN = [7, 9, None, 7]
DECIMALS = [Decimal(7), Decimal(9), None, Decimal(7)]

COLUMNS = {
    "pandas Int64": lambda: pd.DataFrame({"q": pd.array(PLAIN, dtype="Int64")}),
    "pandas Float64": lambda: pd.DataFrame({"q": pd.array(PLAIN, dtype="Float64")}),
    "pandas float32": lambda: pd.DataFrame({"q": np.array(EXPECTED, dtype="f4")}),
    "pandas object": lambda: pd.DataFrame({"q": pd.Series(PLAIN, dtype=object)}),
    "pandas Decimal": lambda: pd.DataFrame({"q": pd.Series(DECIMALS, dtype=object)}),
    "pandas category": lambda: pd.DataFrame({"q": pd.Categorical(PLAIN)}),
    "pandas arrow": lambda: pd.DataFrame(
        {"q": pd.array(PLAIN, dtype=pd.ArrowDtype(pa.int8()))}
    ),
    "polars Int8": lambda: pl.DataFrame({"q": pl.Series(PLAIN, dtype=pl.Int8)}),
    "polars Decimal": lambda: pl.DataFrame({"q": DECIMALS}),
    "polars Enum": lambda: pl.DataFrame(
        {"q": pl.Series(["7", "9", None, "7"], dtype=pl.Enum(["7", "9"]))}
    ),
    "polars Categorical": lambda: pl.DataFrame(
        {"q": pl.Series(["7", "9", None, "7"], dtype=pl.Categorical)}
    ),
    "polars Object": lambda: pl.DataFrame({"q": pl.Series(PLAIN, dtype=pl.Object)}),
    "arrow uint8": lambda: pa.table({"q": pa.array(PLAIN, pa.uint8())}),
    "arrow decimal": lambda: pa.table({"q": pa.array(DECIMALS)}),
    "arrow dictionary of int": lambda: pa.table(
        {"q": pa.array(PLAIN).dictionary_encode()}
    ),
    "arrow dictionary of text": lambda: pa.table(
        {"q": pa.array(["7", "9", None, "7"]).dictionary_encode()}
    ),
    "arrow chunked": lambda: pa.concat_tables(
        [pa.table({"q": [7, 9]}), pa.table({"q": pa.array([None, 7], pa.int64())})]
    ),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_types_give_the_same_numbers(kind):
    answers = as_survey(COLUMNS[kind]()).answers(["q"])
    assert answers.dtype == np.float64
    np.testing.assert_array_equal(answers[:, 0], EXPECTED)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"q": [True, False]}),
        pd.DataFrame({"q": pd.array([True, False], dtype="boolean")}),
        pl.DataFrame({"q": [True, False]}),
        pa.table({"q": [True, False]}),
    ],
)
def test_booleans_are_one_and_zero(frame):
    np.testing.assert_array_equal(as_survey(frame).answers(["q"])[:, 0], [1, 0])


def test_long_identifiers_stay_exact():
    ids = [2**60 + 1, 2**60 + 2, None]
    frame = pd.DataFrame({"id": pd.array(ids, dtype="Int64"), "q": [1, 2, 3]})
    assert as_survey(frame).frame["id"].tolist()[:2] == [str(i) for i in ids[:2]]


def test_a_column_without_any_answer_is_missing():
    for frame in (pd.DataFrame({"q": [None, None]}), pl.DataFrame({"q": [None, None]})):
        assert np.isnan(as_survey(frame).answers(["q"])).all()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]),
        pa.table([[1], [2], [3]], names=["a", "b", "a"]),
        pd.DataFrame([[1, 2]], columns=[1, "1"]),
    ],
)
def test_duplicate_columns_raise(frame):
    with pytest.raises(DataError, match="occurs 2 times") as caught:
        as_survey(frame)
    assert caught.value.code == "duplicate-columns"


def test_a_header_of_two_rows_raises():
    columns = pd.MultiIndex.from_tuples([("E", "q1"), ("P", "q1")])
    with pytest.raises(DataError, match="several rows") as caught:
        as_survey(pd.DataFrame([[1, 2]], columns=columns))
    assert "join them" in caught.value.remedy


def test_lazy_frames_name_the_cure():
    with pytest.raises(OptionError, match=r"collect\(\)"):
        as_survey(pl.LazyFrame({"q": [1]}))


def test_mixed_dates_and_texts_stay_labels():
    frame = pd.DataFrame({"q": pd.Series([dt.date(2026, 1, 1), "late"], dtype=object)})
    assert as_survey(frame).groups("q")[1]["q"].tolist() == ["2026-01-01", "late"]
