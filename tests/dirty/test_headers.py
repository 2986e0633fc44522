"""Merged, doubled and repeated headers of files, and dates in Excel."""

import datetime as dt

import numpy as np
import openpyxl
import pytest

from satmetrics.errors import DataError
from satmetrics.survey import read


def workbook(path, rows, merged=(), title="Answers"):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    book.save(path)
    return path


TWO_ROWS = [
    ["id", "期望", None, "感知", None],
    [None, "q1", "q2", "q1", "q2"],
    [1, 7, 6, 5, 4],
    [2, 7, 7, 6, 5],
]
MERGED = ("A1:A2", "B1:C1", "D1:E1")


def test_a_merged_header_raises_with_the_cure(tmp_path):
    path = workbook(tmp_path / "a.xlsx", TWO_ROWS, MERGED)
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.code in ("header-rows", "duplicate-columns")
    assert "header_rows = 2" in caught.value.remedy


def test_two_header_rows_are_joined(tmp_path):
    path = workbook(tmp_path / "a.xlsx", TWO_ROWS, MERGED)
    survey = read(path, header_rows=2, respondent="id")
    assert survey.columns == ("id", "期望_q1", "期望_q2", "感知_q1", "感知_q2")
    np.testing.assert_array_equal(survey.answers(["感知_q2"])[:, 0], [4, 5])


def test_merged_cells_filled_from_the_left_do_not_reach_their_neighbour(tmp_path):
    rows = [["E", None, None], ["q1", "q2", "weight"], [1, 2, 3.5]]
    path = workbook(tmp_path / "a.xlsx", rows, ("A1:B1",))
    assert read(path, header_rows=2).columns == ("E_q1", "E_q2", "weight")


def test_two_header_rows_of_a_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("E,,P,\nq1,q2,q1,q2\n1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no name") as caught:
        read(path)
    assert "header_rows = 2" in caught.value.remedy
    assert read(path, header_rows=2).columns == ("E_q1", "E_q2", "P_q1", "P_q2")


def test_a_row_of_question_texts_under_the_header_raises(tmp_path):
    path = tmp_path / "a.csv"
    text = "q1,q2\nOverall satisfaction,Image\n7,8\n6,5\n9,9\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="second header row") as caught:
        read(path)
    assert "header_rows=2" in caught.value.remedy


def test_duplicate_headers_raise_and_are_not_renamed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1,q2,q1\n1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'q1' occurs 2 times \(columns \[1, 3\]\)"):
        read(path)
    book = workbook(tmp_path / "a.xlsx", [["q1", "q2", "q1"], [1, 2, 3]])
    with pytest.raises(DataError, match="'q1' occurs 2 times"):
        read(book)


def test_merged_cells_below_blank_rows(tmp_path):
    rows = [[None], ["E", None, "w"], ["q1", "q2", None], [1, 2, 3.5]]
    path = workbook(tmp_path / "a.xlsx", rows, ("A2:B2", "C2:C3"))
    assert read(path, header_rows=2).columns == ("E_q1", "E_q2", "w")


def test_units_merged_over_their_rows(tmp_path):
    rows = [["shop", "q1"], ["A", 1], [None, 2], ["B", 3]]
    survey = read(workbook(tmp_path / "a.xlsx", rows, ("A2:A3",)), unit="shop")
    assert survey.groups("unit")[0].tolist() == [0, 0, 1]


def test_title_rows_above_the_header_are_skipped_and_noted(tmp_path):
    rows = [["顾客满意度调查", None], [None, None], ["q1", "q2"], [7, 8]]
    path = workbook(tmp_path / "a.xlsx", rows, ("A1:B1",))
    survey = read(path)
    assert survey.columns == ("q1", "q2")
    assert "1 title rows above the header were skipped" in survey.context.notes


def test_blank_columns_are_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("q1,,q2,\n1,,2,\n3,,4,\n", encoding="utf-8")
    survey = read(path)
    assert survey.columns == ("q1", "q2")
    np.testing.assert_array_equal(survey.answers(["q1", "q2"]), [[1, 2], [3, 4]])


def test_excel_dates_as_waves(tmp_path):
    rows = [
        ["when", "q1"],
        [dt.datetime(2026, 3, 1), 7],
        [dt.datetime(2025, 12, 1), 8],
    ]
    survey = read(workbook(tmp_path / "a.xlsx", rows), wave="when")
    assert survey.groups("wave")[1]["when"].tolist() == ["2025-12-01", "2026-03-01"]


def test_excel_dates_saved_as_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("when,q1\n2026/3/1,7\n2025/12/1,8\n2025/9/1,8\n", encoding="utf-8")
    keys = read(path, wave="when").groups("wave")[1]
    assert keys["when"].tolist() == ["2025/9/1", "2025/12/1", "2026/3/1"]


def test_formulas_without_values_raise(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["q1", "q2"], [7, "=A2+1"]])
    with pytest.raises(DataError, match="1 formulas of sheet 'Answers'") as caught:
        read(path)
    assert "open the file in Excel and save it" in caught.value.remedy
