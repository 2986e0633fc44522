"""study.toml: drafted from a file, edited by people, and read without surprises."""

import tomllib

import numpy as np
import pandas as pd
import pytest

from satmetrics.errors import (
    DataError,
    SatmetricsWarning,
    ScaleWarning,
    SpecificationError,
)
from satmetrics.survey import ItemSpec, Scale, Study, init_study, read
from satmetrics.survey._vocabulary import propose_numbers
from satmetrics.survey.label import Label

TEN = Scale(1, 10)
ITEMS = [
    ItemSpec("IMAG1", Label("can be trusted", "值得信赖"), "Image", TEN),
    ItemSpec("IMAG2", Label("stable", "稳健"), "Image", TEN),
    ItemSpec("CUSA1", Label("overall satisfaction", "整体满意度"), "Satisfaction", TEN),
]


def frame(n=40, seed=11):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "编号": range(1, n + 1),
            "company": np.where(np.arange(n) % 2, "A", "B"),
            "quarter": np.where(np.arange(n) % 3, "2025Q4", "2026Q1"),
            "weight": rng.uniform(0.5, 2, n).round(2),
            "IMAG1": rng.integers(1, 11, n),
            "imag_2": rng.integers(1, 11, n),
            "Q3. 整体满意度": rng.integers(1, 11, n),
        }
    )


def draft(tmp_path, data, items=ITEMS, **options):
    path = tmp_path / "answers.csv"
    data.to_csv(path, index=False, encoding="utf-8")
    study = tmp_path / "study.toml"
    text = init_study(path, items, model_id="ecsi", **options)
    study.write_text(text, encoding="utf-8")
    return path, study, text


def test_an_unambiguous_file_is_read_without_an_edit(tmp_path):
    data = frame()
    path, study, text = draft(tmp_path, data)
    survey = read(path, study)
    assert survey.items == ("IMAG1", "IMAG2", "CUSA1")
    np.testing.assert_array_equal(
        survey.answers(["IMAG1", "IMAG2", "CUSA1"]),
        data[["IMAG1", "imag_2", "Q3. 整体满意度"]],
    )
    assert dict(survey.roles.items()) == {
        "weight": "weight",
        "unit": "company",
        "wave": "quarter",
        "respondent": "编号",
    }
    assert survey.scale("CUSA1") == TEN
    assert not any("without" in note for note in survey.context.notes)
    assert tomllib.loads(text)["model"] == "ecsi"


def test_the_draft_is_deterministic(tmp_path):
    _, _, first = draft(tmp_path, frame())
    _, _, again = draft(tmp_path, frame())
    assert first == again


def test_unmapped_items_and_columns_are_listed(tmp_path):
    data = frame().drop(columns="IMAG1").assign(comment="fine", age=33)
    path, study, text = draft(tmp_path, data)
    assert "# items without a column:" in text
    assert '# comment = ""' in text
    notes = read(path, study).context.notes
    assert "items without a column: IMAG1" in notes
    assert "columns without a use: comment, age" in notes


def test_ignored_columns_are_not_listed(tmp_path):
    path, study, text = draft(tmp_path, frame().assign(comment="fine"))
    study.write_text(text.replace("ignore = []", 'ignore = ["comment"]'), "utf-8")
    assert not any("without a use" in n for n in read(path, study).context.notes)


def test_missing_codes_are_found_and_counted(tmp_path):
    data = frame()
    data.loc[[1, 2], "IMAG1"] = 99
    data.loc[3, "imag_2"] = 98
    path, study, text = draft(tmp_path, data)
    assert tomllib.loads(text)["missing_codes"] == [98, 99]
    survey = read(path, study)
    assert {(e.where, e.n) for e in survey.context.exclusions} == {
        ("IMAG1", 2),
        ("IMAG2", 1),
    }


def test_values_off_the_scale_are_remarked_and_raise(tmp_path):
    data = frame()
    data.loc[1, "IMAG1"] = 0
    path, study, text = draft(tmp_path, data)
    assert "# IMAG1: 0 (1x) lie off the scale 1-10" in text
    with pytest.raises(DataError, match="off its scale 1-10"):
        read(path, study)


@pytest.mark.parametrize("top", [5, 7])
def test_items_that_all_keep_to_a_shorter_scale_are_proposed_on_it(tmp_path, top):
    data = frame(60)
    for k, name in enumerate(data.columns[-3:]):
        data[name] = np.random.default_rng(k).integers(1, top + 1, 60)
    says = f"found 1 to {top}, the model says 1 to 10; check"
    with pytest.warns(ScaleWarning, match=says):
        path, study, text = draft(tmp_path, data)
    assert f"default = [1, {top}]  # {says}" in text
    assert read(path, study).scale("CUSA1") == Scale(1, top)
    with pytest.warns(ScaleWarning, match=r"no answer to any of 3 items"):
        read(path, Study.read(study), scale=(1, 10))


def test_answer_texts_get_numbers_in_order(tmp_path):
    words = ["A.非常满意", "B.满意", "C.一般", "D.不满意", "E.非常不满意", "不清楚"]
    data = frame()
    data["Q3. 整体满意度"] = [words[i % 6] for i in range(len(data))]
    path, study, text = draft(tmp_path, data)
    document = tomllib.loads(text)
    assert document["answers"] == {w: 5 - i for i, w in enumerate(words[:5])}
    assert document["missing_codes"] == ["不清楚"]
    assert document["scale"] == {"default": [1, 10], "CUSA1": [1, 5]}
    survey = read(path, study)
    np.testing.assert_array_equal(
        survey.answers(["CUSA1"])[:6, 0], [5, 4, 3, 2, 1, np.nan]
    )


def test_unknown_answer_texts_are_left_to_the_user(tmp_path):
    data = frame()
    data["Q3. 整体满意度"] = ["so lala", "top"] * 20
    path, study, text = draft(tmp_path, data)
    assert '# "so lala" = 0  # number?' in text
    with pytest.raises(DataError, match="texts, not numbers"):
        read(path, study)


def test_similar_names_are_proposed_not_taken(tmp_path):
    data = frame().rename(columns={"IMAG1": "IMAGE1"})
    path, study, text = draft(tmp_path, data)
    assert '# IMAGE1 = "IMAG1"  # similar name' in text
    survey = read(path, study)
    assert "items without a column: IMAG1" in survey.context.notes


def test_numbers_in_names_are_never_similar(tmp_path):
    data = frame().rename(columns={"IMAG1": "IMAG3"})
    _, _, text = draft(tmp_path, data)
    assert "similar name" not in text


def test_chinese_branches_are_units(tmp_path):
    path, study, _ = draft(tmp_path, frame().rename(columns={"company": "分店"}))
    assert read(path, study).roles.unit == "分店"


def workbook(path, cover):
    with pd.ExcelWriter(path) as book:
        cover.to_excel(book, sheet_name="Cover", index=False)
        frame().to_excel(book, sheet_name="Data", index=False)
    return path


def test_the_sheet_that_holds_the_items_is_found(tmp_path):
    path = workbook(tmp_path / "a.xlsx", pd.DataFrame({"who": ["us"], "when": [2025]}))
    with pytest.warns(SatmetricsWarning, match="sheet = 'Data' is taken"):
        text = init_study(path, ITEMS)
    assert 'sheet = "Data"' in text.splitlines()
    assert read(path, Study.from_toml(text)).items == ("IMAG1", "IMAG2", "CUSA1")


def test_a_sheet_of_one_column_is_no_table_beside_others(tmp_path):
    path = workbook(tmp_path / "a.xlsx", pd.DataFrame({"read me": ["x"]}))
    survey = read(path)
    assert survey.n == 40
    assert "read from sheet 'Data'; not read: Cover" in survey.context.notes


def test_one_row_per_answer_is_named(tmp_path):
    long = pd.DataFrame({"id": 1, "item": [i.id for i in ITEMS], "answer": [7, 8, 9]})
    with pytest.raises(DataError, match="values of column 'item'") as caught:
        draft(tmp_path, long)
    assert "Survey.from_long" in caught.value.remedy
    ids = tuple(item.id for item in ITEMS)
    with pytest.raises(DataError, match="one row per answer"):
        read(tmp_path / "answers.csv", Study(item_ids=ids))


def test_roles_that_do_not_fit_stay_comments(tmp_path):
    data = frame().rename(columns={"编号": "id"}).assign(id=1)
    path, study, text = draft(tmp_path, data)
    assert "# respondent = " in text
    assert "rows repeat one; check" in text
    assert read(path, study).roles.respondent is None


@pytest.mark.parametrize(("weight", "says"), [(-1, "negative"), ("1,234", "texts")])
def test_weights_that_cannot_be_used_stop_reading(tmp_path, weight, says):
    with pytest.warns(SatmetricsWarning, match=f"'weight' is the weight: .*{says}"):
        path, study, text = draft(tmp_path, frame().assign(weight=weight))
    assert 'weight = "weight"  # by its name, but' in text
    with pytest.raises(DataError, match=f"weight column 'weight' .*{says}") as caught:
        read(path, study)
    assert "[roles]" in caught.value.remedy


def test_a_column_that_only_sounds_like_weights_is_not_used_and_said(tmp_path):
    data = frame().rename(columns={"weight": "weight class"})
    data["weight class"] = "heavy"
    with pytest.warns(SatmetricsWarning, match="'weight class' is not used as weight"):
        path, study, _ = draft(tmp_path, data)
    assert read(path, study).weights is None


def test_two_header_rows_are_found(tmp_path):
    path = tmp_path / "a.csv"
    text = "IMAG1,,CUSA1,\nE,P,E,P\n1,2,3,4\n"
    path.write_text(text, encoding="utf-8")
    items = [ItemSpec("IMAG1_E"), ItemSpec("IMAG1_P"), ItemSpec("CUSA1_E")]
    drafted = init_study(path, items)
    assert tomllib.loads(drafted)["file"]["header_rows"] == 2
    (tmp_path / "study.toml").write_text(drafted, encoding="utf-8")
    survey = read(path, tmp_path / "study.toml")
    np.testing.assert_array_equal(survey.answers(["CUSA1_E"]), [[3]])


def test_column_names_cannot_break_out_of_the_toml(tmp_path):
    evil = 'x"]\nmodel = "other'
    data = frame().assign(**{evil: "a\nb = 1"}).rename(columns={"IMAG1": "IMAG1"})
    path, study, text = draft(tmp_path, data)
    assert tomllib.loads(text)["model"] == "ecsi"
    assert read(path, study).items == ("IMAG1", "IMAG2", "CUSA1")


def test_arguments_come_before_the_study(tmp_path):
    path, study, _ = draft(tmp_path, frame())
    survey = read(path, study, unit="quarter", wave="company", scale=(0, 10))
    assert (survey.roles.unit, survey.roles.wave) == ("quarter", "company")
    assert survey.scale("IMAG1") == Scale(0, 10)


def test_a_study_can_be_given_as_an_object(tmp_path):
    path, _, _ = draft(tmp_path, frame())
    study = Study(items={"imag_2": "x"}, default_scale=TEN, name="mine")
    survey = read(path, study)
    assert survey.items == ("x",)
    assert survey.name == "mine"


HEAD = "schema = 1\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "schema = None"),
        (HEAD + "[item]\na = 'b'", r"unknown key 'item'; did you mean 'items'\?"),
        (HEAD + "[roles]\nweigth = 'w'", r"\[roles\].*did you mean 'weight'"),
        (HEAD + "[items]\na = 3", "a = 3 cannot be read"),
        (HEAD + "[items]\na = 'x'\nb = 'x'", "'a' and 'b' are both 'x'"),
        (HEAD + "[scale]\ndefault = 5", r"\[scale\] default: 5 is not a scale"),
        (HEAD + "missing_codes = 99", "missing_codes"),
        (HEAD + "reverse = 'a'", "a list of names"),
        ("schema = ", "not valid TOML"),
    ],
)
def test_faults_name_file_and_key(tmp_path, text, says):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecificationError, match=says) as caught:
        Study.read(path)
    assert "study.toml" in str(caught.value)


def test_a_mapped_column_that_is_absent_names_the_nearest(tmp_path):
    path, study, text = draft(tmp_path, frame())
    study.write_text(text.replace("imag_2 =", "imag_22 ="), encoding="utf-8")
    with pytest.raises(DataError, match=r"'IMAG2'.*did you mean 'imag_2'"):
        read(path, study)


def test_a_mapping_onto_an_existing_column_raises(tmp_path):
    path, _, _ = draft(tmp_path, frame())
    with pytest.raises(DataError, match="the file has a column 'IMAG1' too"):
        read(path, Study(items={"imag_2": "IMAG1"}))


@pytest.mark.parametrize(
    ("texts", "points", "numbers"),
    [
        (["Very dissatisfied", "Neutral", "Very satisfied"], 0, [1, 2, 3]),
        (["strongly disagree", "disagree", "agree", "strongly agree"], 0, [1, 2, 3, 4]),
        (["strongly disagree", "disagree", "agree", "strongly agree"], 5, [1, 2, 4, 5]),
        (
            [
                "非常不同意",
                "不同意",
                "有点不同意",
                "一般",
                "有点同意",
                "同意",
                "非常同意",
            ],
            7,
            [1, 2, 3, 4, 5, 6, 7],
        ),
        (["很不满意", "不太满意", "一般", "满意", "非常满意"], 0, [1, 2, 3, 4, 5]),
        (["poor", "fair", "good", "excellent"], 0, None),
    ],
)
def test_vocabulary_orders_answer_texts(texts, points, numbers):
    proposed = propose_numbers(texts, points)
    if numbers is None:
        assert proposed is None or list(proposed) == texts
    else:
        assert proposed == dict(zip(texts, numbers, strict=True))
