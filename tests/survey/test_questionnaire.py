"""Questions in order, an answer sheet that reads back, and a survey held against it."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics.errors import OptionError, SpecificationError, SpecificationWarning
from satmetrics.simulate import GapPopulation, simulate_servqual
from satmetrics.survey import Dimension, Form, Instrument, Item, Scale
from satmetrics.survey import _pairing as kernel
from satmetrics.survey.label import Label

DIMENSIONS = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"]
SERVQUAL = sat.instruments.load("servqual")
LEVELS = {
    "expectation": dict.fromkeys(DIMENSIONS, 5.0),
    "perception": dict.fromkeys(DIMENSIONS, 4.0),
}


def answers(name="servqual", n=400, rng=2):
    population = GapPopulation(**LEVELS, instrument=name)
    return simulate_servqual(population, n, rng=rng).astype({"respondent": float})


def test_one_row_per_question_in_the_order_of_the_columns():
    asked = SERVQUAL.questionnaire()
    frame = asked.to_frame()
    assert asked.columns == SERVQUAL.columns()
    assert frame["position"].tolist() == list(range(1, 50))
    assert frame["form"].value_counts().to_dict() == {
        "expectation": 22,
        "perception": 22,
        "importance": 5,
    }
    row = frame.set_index("column").loc["p_rel1"]
    assert row["dimension"] == "reliability"
    assert row["question"] == row["label_en"] == "promised times are met"
    assert (row["minimum"], row["maximum"]) == (1, 7)
    points = frame.set_index("column").loc["w_empathy"]
    assert (points["item"], points["scale"]) == ("", "0-100")


def test_chinese_questions_and_blocks():
    frame = SERVQUAL.questionnaire("zh").to_frame()
    assert (frame["question"] == frame["label_zh"]).all()
    assert frame["block"].unique().tolist()[:2] == ["期望", "感知"]
    with pytest.raises(OptionError, match="language='de'"):
        SERVQUAL.questionnaire("de")


def test_own_wording_is_printed_and_nothing_else_changes():
    worded = SERVQUAL.with_wording({"tan1": "Is it new?"}, form="perception")
    worded = worded.with_wording({"e_tan1": "Should it be new?"})
    assert SERVQUAL.wording == ()
    frame = worded.questionnaire().to_frame().set_index("column")
    assert frame.loc["p_tan1", "question"] == "Is it new?"
    assert frame.loc["e_tan1", "question"] == "Should it be new?"
    assert frame.loc["p_tan1", "label_en"] == SERVQUAL.item("tan1").label.en
    assert worded.label_of("p_tan1") == SERVQUAL.label_of("p_tan1")
    assert sat.Instrument.from_toml(worded.to_toml()) == worded
    with pytest.raises(SpecificationError, match="did you mean 'tan1'"):
        SERVQUAL.with_wording({"tan11": "?"}, form="perception")
    with pytest.raises(SpecificationError, match="wording of 'p_tan1' is ''"):
        SERVQUAL.with_wording({"p_tan1": ""})
    gone = worded.with_items({"tangibles": ["other"]})
    assert gone.wording == ()


@pytest.mark.parametrize("name", ["servqual", "libqual", "rsqs"])
def test_an_answer_sheet_comes_back_as_a_survey(name, tmp_path):
    spec = sat.instruments.load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpecificationWarning)
        sheet = spec.questionnaire().answer_sheet(3, roles=("respondent", "unit"))
    assert sheet["respondent"].tolist() == [1, 2, 3]
    assert sheet.drop(columns="respondent").isna().all(axis=None)
    sheet["unit"] = ["a", "a", "b"]
    for column in spec.columns():
        scale = spec.scale_of(column)
        sheet[column] = [scale.minimum, scale.midpoint, np.nan]
    path = tmp_path / "sheet.csv"
    sheet.to_csv(path, index=False, encoding="utf-8")
    survey = sat.read(path, instrument=spec)
    assert set(spec.columns()) <= set(survey.columns)
    assert survey.answers(spec.columns())[1] == pytest.approx(
        [spec.scale_of(column).midpoint for column in spec.columns()]
    )
    same = sat.Survey(sheet, spec, unit="unit", respondent="respondent")
    assert same.answers(spec.columns())[:2] == pytest.approx(
        survey.answers(spec.columns())[:2]
    )
    sheet.to_excel(tmp_path / "sheet.xlsx", index=False)
    again = sat.read(tmp_path / "sheet.xlsx", instrument=spec)
    assert again.n == 3


def test_answer_sheets_refuse_nonsense():
    asked = SERVQUAL.questionnaire()
    with pytest.raises(OptionError, match="n=0"):
        asked.answer_sheet(0)
    for roles in (["p_tan1"], ["unit", "unit"]):
        with pytest.raises(OptionError, match="twice"):
            asked.answer_sheet(1, roles=roles)


def test_a_concept_asks_nothing():
    concept = sat.instruments.load("servqual_1985")
    with pytest.raises(SpecificationError, match="with_items"):
        concept.questionnaire()
    with pytest.raises(SpecificationError, match="concept"):
        concept.check(pd.DataFrame({"x": [1]}))
    assert "no items yet" in concept.remarks()[0]


SEVEN = Scale(1, 7)


def own(*sizes, scale=SEVEN):
    names = [f"d{k}" for k in range(len(sizes))]
    return Instrument(
        id="own",
        label=Label("Own", "自定"),
        dimensions=tuple(map(Dimension, names)),
        items=tuple(
            Item(f"{d}_{j}", dimension=d)
            for d, size in zip(names, sizes, strict=True)
            for j in range(size)
        ),
        forms=(Form("perception", "p_{item}"),),
        scale=scale,
    )


@pytest.mark.parametrize(
    ("sizes", "odd"), [((4, 5), ""), ((3, 4), "d0 3"), ((4, 6), "d1 6")]
)
def test_four_or_five_items_each(sizes, odd):
    spec = own(*sizes)
    frame = pd.DataFrame({name: [1, 2] for name in spec.columns()})
    if not odd:
        assert spec.remarks() == ()
        assert spec.questionnaire().remarks == spec.check(frame).remarks == ()
        return
    assert spec.remarks()[0].endswith(odd)
    assert "rule of thumb" in spec.remarks()[0]
    assert odd in str(spec)
    for call in (spec.questionnaire, lambda: spec.check(frame)):
        with pytest.warns(SpecificationWarning, match=odd) as caught:
            result = call()
        assert caught[0].filename == __file__
        assert result.remarks == spec.remarks()
        assert odd in str(result)


def test_a_scale_that_is_not_stated_is_remarked():
    assert "no scale" in own(4, scale=None).remarks()[0]


def test_a_clean_survey_has_no_findings():
    for name in ("servqual", "servqual_1988"):
        spec, frame = sat.instruments.load(name), answers(name)
        for data in (
            frame,
            pl.from_pandas(frame),
            pa.Table.from_pandas(frame),
            sat.Survey(frame, spec, unit="unit", respondent="respondent"),
        ):
            check = spec.check(data)
            found = [text for text in check.findings if "not there" not in text]
            assert found == []
            assert check.table["n"][0] == 400
        assert set(check.extra) == set()
        assert check.forms["complete"].tolist()[:2] == [True, True]


def test_absent_and_extra_columns_are_named():
    frame = answers().rename(columns={"p_tan1": "P_tan_1"}).drop(columns=["p_emp5"])
    check = SERVQUAL.check(frame)
    rows = check.to_frame().set_index("column")
    assert rows.index[~rows["there"]].tolist() == [
        "p_tan1",
        "p_emp5",
        *SERVQUAL.columns("importance"),
    ]
    assert rows.loc["p_tan1", "nearest"] == "P_tan_1"
    assert "p_tan1 (did you mean 'P_tan_1'?)" in check.findings[0]
    assert "form 'perception' is incomplete: 20 of 22 columns" in check.findings
    assert check.extra == ("respondent", "unit", "P_tan_1")
    assert "importance" not in " ".join(check.findings[1:])  # not asked at all


def test_a_nearest_name_with_quotes_is_that_name():
    frame = answers(n=30).rename(columns={"p_tan1": "p_tan1'"})
    assert SERVQUAL.check(frame).table.where(column="p_tan1")["nearest"] == ["p_tan1'"]


def test_odd_answers_are_counted_and_not_refused():
    frame = answers()
    frame["p_tan1"] = frame["p_tan1"].astype(float)
    frame.loc[:2, "p_tan1"] = 99.0
    frame.loc[3, "p_tan1"] = np.inf
    frame.loc[4:7, "p_tan1"] = np.nan
    frame.loc[8, "p_tan1"] = 2.5
    frame["p_tan2"] = 4
    frame["p_tan3"] = frame["p_tan3"].astype(object)
    frame.loc[:1, "p_tan3"] = "no idea"
    frame["p_tan4"] = np.nan
    rows = SERVQUAL.check(frame).to_frame().set_index("column")
    one = rows.loc["p_tan1"]
    assert (one["off_scale"], one["between"], one["n"]) == (4, 1, 392)
    assert one["missing"] == 4 / 400
    assert "4 answers off the scale 1-7: 99, inf" in one["found"]
    assert rows.loc["p_tan2", "constant"]
    assert "all answers are the same" in rows.loc["p_tan2", "found"]
    assert rows.loc["p_tan3", "unreadable"] == 2
    assert rows.loc["p_tan3", "missing"] == 0
    assert rows.loc["p_tan4", "missing"] == 1
    assert "no usable answers" in rows.loc["p_tan4", "found"]


def test_items_that_come_turned_are_seen():
    frame = answers()
    frame["p_rel2"] = 8 - frame["p_rel2"]
    check = SERVQUAL.check(frame)
    found = check.to_frame().set_index("column")["found"]
    assert found["p_rel2"].startswith("looks reversed (r = -")
    assert (found.drop("p_rel2") == "").all()
    one = Instrument(
        **{
            **vars_of(SERVQUAL),
            "items": tuple(
                Item(i.id, i.label, i.dimension, reverse=i.id == "rel2")
                for i in SERVQUAL.items
            ),
        }
    )
    assert "looks reversed already" in one.check(answers()).table["found"][27]
    assert one.check(frame.drop(columns="e_rel2")).table["found"][27] == ""


def vars_of(spec):
    names = ("id", "label", "dimensions", "items", "forms", "scale")
    return {name: getattr(spec, name) for name in names}


def test_a_whole_dimension_that_comes_turned_is_seen():
    spec, frame = sat.instruments.load("servqual_1988"), answers("servqual_1988")
    turned = list(spec.reverse_columns())
    frame[turned] = 8 - frame[turned]
    found = " ".join(spec.check(frame).findings)
    assert "perception of dimension 'responsiveness' runs against" in found
    assert "expectation of dimension 'empathy' runs against" in found
    assert "'reliability'" not in found


def paired(n=500, exchange=False):
    """Answers whose pairs share something of their own."""
    rng = np.random.default_rng(3)
    common, shared = rng.normal(size=(n, 1)), rng.normal(size=(n, 22))
    frame = {}
    for form in "ep":
        latent = 4 + 0.6 * common + 0.9 * shared + 0.5 * rng.normal(size=(n, 22))
        cut = np.clip(np.round(latent), 1, 7)
        for item, values in zip(SERVQUAL.items, cut.T, strict=True):
            frame[f"{form}_{item.id}"] = values
    frame = pd.DataFrame(frame)
    if exchange:
        frame[["p_ass1", "p_emp2"]] = frame[["p_emp2", "p_ass1"]].to_numpy()
    return frame


def test_exchanged_pairs_are_a_hint():
    right = SERVQUAL.check(paired())
    assert not any("hint" in text for text in right.findings)
    assert (right.pairing["own"] > right.pairing["best"]).all()
    wrong = SERVQUAL.check(paired(exchange=True))
    hints = [text for text in wrong.findings if text.startswith("hint")]
    assert len(hints) == 1
    assert "'ass1' goes with the perception of 'emp2'" in hints[0]
    assert "exchanged" in hints[0]
    frame = wrong.pairing.to_frame().set_index("item")
    assert frame.loc["emp2", "other"] == "ass1"
    assert any("never a verdict" in note for note in wrong.context.notes)


def test_pairs_without_anything_of_their_own_give_no_hint():
    hints = 0
    for seed in range(20):
        check = SERVQUAL.check(answers(n=200, rng=seed))
        hints += sum(text.startswith("hint") for text in check.findings)
    assert hints <= 4  # 20 families of comparisons at 5 %: more has p < 0.003


def test_pairwise_correlations_and_williams_by_hand():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3)) + rng.normal(size=(60, 1))
    Y = X @ rng.normal(size=(3, 2)) + rng.normal(size=(60, 2)) + 100
    X[rng.random(X.shape) < 0.2] = np.nan
    Y[rng.random(Y.shape) < 0.2] = np.nan
    R, N = kernel.correlations(list(X.T), list(Y.T))
    for i in range(3):
        for j in range(2):
            both = np.isfinite(X[:, i]) & np.isfinite(Y[:, j])
            assert R[i, j] == pytest.approx(stats.pearsonr(X[both, i], Y[both, j])[0])
            assert N[i, j] == both.sum()
    r, n = kernel.item_rest(list(X.T))
    whole = X[np.isfinite(X).all(axis=1)]
    for j in range(3):
        rest = np.delete(whole, j, axis=1).mean(axis=1)
        assert r[j] == pytest.approx(stats.pearsonr(whole[:, j], rest)[0])
    assert n == len(whole)
    # Steiger's form of the same test, with the determinant taken by numpy
    r12, r13, r23, n = 0.5, 0.3, 0.4, 103
    det = np.linalg.det([[1, r12, r13], [r12, 1, r23], [r13, r23, 1]])
    below = 2 * det * (n - 1) / (n - 3) + ((r12 + r13) ** 2 / 4) * (1 - r23) ** 3
    expected = (r12 - r13) * np.sqrt((n - 1) * (1 + r23) / below)
    found = kernel.williams(*map(np.array, (r12, r13, r23, float(n))))
    assert found == pytest.approx(expected)


@pytest.mark.slow
def test_williams_rejects_as_often_as_it_says():
    rng = np.random.default_rng(8)
    draws, n = 4000, 60
    p = []
    for _ in range(draws):
        common = rng.normal(size=(n, 1))
        A, B, C = (common + rng.normal(size=(n, 1)) for _ in "abc")
        r = np.corrcoef(np.hstack([A, B, C]), rowvar=False)
        t = kernel.williams(r[0, 1], r[0, 2], r[1, 2], np.array(float(n)))
        p.append(stats.t.sf(t, n - 3))
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.012)


def test_a_survey_that_refuses_a_column_is_reported():
    frame = answers(n=50)
    frame["p_tan1"] = frame["p_tan1"].astype(float)
    frame.loc[0, "p_tan1"] = 12
    survey = sat.Survey(frame, items=["p_tan2"])
    check = SERVQUAL.check(survey)
    assert "12" in check.table["found"][22]
    spec = sat.instruments.load("servqual_1988")
    plain = sat.Survey(answers("servqual_1988"))
    assert not any("runs against" in text for text in spec.check(plain).findings)
