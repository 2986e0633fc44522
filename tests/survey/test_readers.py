"""Files in every encoding and format give the same survey, and say how."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from satmetrics.errors import DataError, MissingDependencyError, OptionError
from satmetrics.survey import Scale, read

TEXT = "公司,q1,备注\n甲店,7,服务很好\n乙店,9,等候时间太长\n甲店,99,\n"


def plain(survey):
    codes, keys = survey.groups("公司")
    return codes.tolist(), keys["公司"].tolist(), survey.answers(["q1"]).tolist()


@pytest.mark.parametrize(
    ("encoding", "stated"),
    [
        ("utf-8", "UTF-8,"),
        ("utf-8-sig", "UTF-8 with byte order mark"),
        ("utf-16", "UTF-16"),
        ("gb18030", "GB18030"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_found_and_stated(
    tmp_path, encoding, stated, delimiter
):
    path = tmp_path / "answers.csv"
    path.write_bytes(TEXT.replace(",", delimiter).encode(encoding))
    survey = read(path, unit="公司", scale=(1, 10), missing_codes=(99,))
    codes, keys, answers = plain(survey)
    assert [keys[c] for c in codes] == ["甲店", "乙店", "甲店"]
    np.testing.assert_array_equal(answers, [[7], [9], [np.nan]])
    assert stated in survey.context.notes[0] + ","
    assert survey.name == "answers.csv"
    assert survey.origin == "supplied"


def test_western_bytes_are_not_taken_for_chinese(tmp_path):
    path = tmp_path / "a.csv"
    text = "café,q1\nÜberlingen,7\nZürich,8\nGenève,9\n"
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(DataError, match=r"encoding of a\.csv cannot be told") as caught:
        read(path)
    assert 'encoding = "cp1252"' in caught.value.remedy
    assert read(path, encoding="cp1252").columns == ("café", "q1")


def test_a_stated_encoding_that_is_wrong_raises(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode("gb18030"))
    with pytest.raises(DataError, match="it is not utf-8"):
        read(path, encoding="utf-8")
    with pytest.raises(DataError, match="no encoding 'utf-99'"):
        read(path, encoding="utf-99")


def test_zero_bytes_are_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("q1,q2\n1,2\n".encode("utf-16-le"))
    with pytest.raises(DataError, match="zero bytes"):
        read(path)


def test_numbers_of_a_csv_are_numbers_without_a_note(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1,q2\n7,1.5\n,2\n-3,1e3\n", encoding="utf-8")
    survey = read(path)
    np.testing.assert_array_equal(
        survey.answers(["q1", "q2"]), [[7, 1.5], [np.nan, 2], [-3, 1000]]
    )
    assert not any("read from text" in note for note in survey.context.notes)


def test_identifiers_keep_their_leading_zeros(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,wave,q1\n007,2025.1,1\n7,2025.10,2\n", encoding="utf-8")
    survey = read(path, respondent="id")
    assert survey.frame["id"].tolist() == ["007", "7"]
    assert survey.frame["wave"].tolist() == ["2025.1", "2025.10"]


def test_cells_that_say_they_are_empty_are_noted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1\n7\nNA\n8\n", encoding="utf-8")
    survey = read(path)
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [7, np.nan, 8])
    assert "1 cells of 'q1' were read as empty: 'NA'" in survey.context.notes


def test_texts_with_the_delimiter_in_quotes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('shop,q1\n"A, north",7\n"B ""x""",8\n', encoding="utf-8")
    assert read(path).frame["shop"].tolist() == ["A, north", 'B "x"']


def test_rows_longer_than_the_header_raise(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1,q2\n1,2\n1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="column 3 holds data and has no name"):
        read(path)


@pytest.mark.parametrize("text", ["", "\n\n", "q1,q2\n"])
def test_files_without_rows_raise(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.code == "empty-file"


def test_absent_and_unknown_files(tmp_path):
    (tmp_path / "answers.csv").write_text("q1\n1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"did you mean 'answers\.csv'"):
        read(tmp_path / "answer.csv")
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(DataError, match=r"'\.xls' cannot be read; save it as"):
        read(tmp_path / "a.xls")


def test_a_broken_workbook_raises(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(DataError, match="not an Excel workbook"):
        read(tmp_path / "a.xlsx")


def test_excel_gives_what_csv_gives(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT, encoding="utf-8")
    frame = pd.read_csv(path)
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        frame.to_excel(book, index=False, sheet_name="答案")
        frame.head(1).to_excel(book, index=False, sheet_name="other")
    options = {"unit": "公司", "scale": (1, 10), "missing_codes": (99,)}
    excel = read(tmp_path / "a.xlsx", **options)
    np.testing.assert_array_equal(
        excel.answers(["q1"]), read(path, **options).answers(["q1"])
    )
    assert "read from sheet '答案'; not read: other" in excel.context.notes
    assert read(tmp_path / "a.xlsx", sheet="other").n == 1
    with pytest.raises(DataError, match="did you mean 'other'"):
        read(tmp_path / "a.xlsx", sheet="othr")


def test_parquet(tmp_path):
    pl.DataFrame({"q1": [7, None, 9]}).write_parquet(tmp_path / "a.parquet")
    survey = read(tmp_path / "a.parquet")
    np.testing.assert_array_equal(survey.answers(["q1"])[:, 0], [7, np.nan, 9])


def test_a_missing_extra_names_the_command(tmp_path, monkeypatch):
    (tmp_path / "a.xlsx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingDependencyError, match=r'"satmetrics\[excel\]"'):
        read(tmp_path / "a.xlsx")


@pytest.fixture
def sav(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "a.sav"
    frame = pd.DataFrame(
        {"q1": [1.0, 5, 99, 98], "q2": [1.0, 3, 2, 2], "shop": [2.0, 1, 1, 2]}
    )
    ends = {1.0: "bad", 10.0: "good", 99.0: "don't know"}
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"q1": "Overall satisfaction", "q2": "Image", "shop": "Shop"},
        variable_value_labels={
            "q1": ends,
            "q2": {1.0: "low", 2.0: "middle", 3.0: "high"},
            "shop": {1.0: "North", 2.0: "Airport"},
        },
        missing_ranges={"q1": [{"lo": 98.0, "hi": 99.0}]},
    )
    return path


def test_spss_labels_and_user_missing_are_kept(sav):
    survey = read(sav, unit="shop")
    np.testing.assert_array_equal(
        survey.answers(["q1", "q2"]), [[1, 1], [5, 3], [np.nan, 2], [np.nan, 2]]
    )
    assert {(e.where, e.reason, e.n) for e in survey.context.exclusions} == {
        ("q1", "missing code 98", 1),
        ("q1", "missing code 99", 1),
    }
    assert survey.scale("q1") == Scale(1, 10)
    assert survey.scale("q2") == Scale(1, 3, labels=("low", "middle", "high"))
    assert survey.labels["q1"] == "Overall satisfaction"
    assert survey.groups("unit")[1]["shop"].tolist() == ["North", "Airport"]


def test_user_missing_codes_add_to_those_given(sav):
    survey = read(sav, unit="shop", missing_codes=(3,), scale={"q1": (1, 10)})
    np.testing.assert_array_equal(
        survey.answers(["q1", "q2"])[:, 0], [1, 5, np.nan, np.nan]
    )
    np.testing.assert_array_equal(survey.answers(["q2"])[:, 0], [1, np.nan, 2, 2])


def test_what_is_no_spss_file_raises(tmp_path):
    (tmp_path / "a.sav").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="not an SPSS file"):
        read(tmp_path / "a.sav")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(DataError, match="is a folder, not a file"):
        read(tmp_path)


@pytest.mark.parametrize("file", [None, 3, pd.DataFrame({"q1": [1]})])
def test_what_is_no_path_is_named(file):
    with pytest.raises(OptionError, match="as file=; give text or a path") as caught:
        read(file)
    assert "sat.Survey(frame)" in caught.value.remedy
