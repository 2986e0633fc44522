"""What a first user does wrong, and what is answered: class, code and words."""

import warnings

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics._result import Context, Exclusion

DataError, OptionError = errors.DataError, errors.OptionError
SpecificationError = errors.SpecificationError
LEVELS = ["company", "industry"]


class Given:
    """What the calls below are made with."""

    def __init__(self):
        self.survey = sat.datasets.load("airline_waves")
        self.frame = self.survey.frame
        self.fit = sat.pls("ecsi", self.survey)
        self.batch = sat.pls("ecsi", self.survey, by="company")
        self.index = sat.index(self.fit, self.survey, by=["company", "wave"])
        self.members = pd.DataFrame(
            {
                "company": ["Alder Air", "Birch Airways", "Cormorant", "Dunlin Air"],
                "industry": ["low cost", "low cost", "full service", "full service"],
                "revenue": [2.0, 1.0, 3.0, 4.0],
            }
        )

    def added(self, **changes):
        asked = {"levels": LEVELS, "over": "wave", **changes}
        return sat.indices.aggregate(self.index, self.members, **asked)

    def board(self, **changes):
        asked = {"levels": LEVELS, "invariance": False, "rng": 1, **changes}
        return sat.indices.scoreboard("ecsi", self.survey, self.members, **asked)


@pytest.fixture(scope="module")
def given():
    return Given()


WRONG = [
    # a name, a list, a flag, a dict: something else in its place
    (lambda g: sat.index(g.fit, g.survey, by=5), OptionError, "wrong-kind", "5 as by="),
    (
        lambda g: sat.index(g.fit, g.survey, by=g.frame),
        OptionError,
        "wrong-kind",
        r"a DataFrame as by=; give text, a list of names or None \(by: columns or",
    ),
    (
        lambda g: sat.index(g.fit, g.survey, construct=g.fit),
        OptionError,
        "wrong-kind",
        "a PlsFit as construct=",
    ),
    (
        lambda g: sat.index(g.fit, g.survey, metric=np.arange(3)),
        OptionError,
        "wrong-kind",
        "'raw', 'standardized', 'equal'",
    ),
    (
        lambda g: sat.index(g.fit, g.survey, n_draws=np.arange(3)),
        OptionError,
        "wrong-kind",
        "give a whole number",
    ),
    (
        lambda g: sat.changes(g.index, over=["wave"]),
        OptionError,
        "wrong-kind",
        r"\['wave'\] as over=; give text",
    ),
    (
        lambda g: g.board(rolling="no"),
        OptionError,
        "wrong-kind",
        "'no' as rolling=; give True or False",
    ),
    (lambda g: g.board(levels=None), OptionError, "wrong-kind", "None as levels="),
    (lambda g: g.board(shares=[1, 2]), OptionError, "wrong-kind", "give a dict"),
    (
        lambda g: g.board(within=5),
        OptionError,
        "wrong-kind",
        "5 as within=",
    ),
    (lambda g: g.added(top=g.frame), OptionError, "wrong-kind", "as top=; give text"),
    (
        lambda g: sat.indices.control_chart(g.index, run_rules="all"),
        OptionError,
        "wrong-kind",
        "True or False",
    ),
    (
        lambda g: sat.indices.unit_invariance("ecsi", g.survey, progress=True),
        OptionError,
        "wrong-kind",
        "give a function or None",
    ),
    (
        lambda g: sat.drivers.impact(g.fit, g.survey, on=3),
        OptionError,
        "wrong-kind",
        "3 as on=",
    ),
    (
        lambda g: sat.models.template("durables", second_order=None),
        OptionError,
        "wrong-kind",
        "None as second_order=; give a list of names",
    ),
    (
        lambda g: sat.models.template("durables", constructs="Value"),
        OptionError,
        "wrong-kind",
        r"did you mean constructs=\['Value'\]",
    ),
    (lambda g: sat.models.read(g.frame), OptionError, "wrong-kind", "as path="),
    (
        lambda g: sat.pls("ecsi", g.survey, {"scheme": "path"}),
        OptionError,
        "wrong-kind",
        r"give PlsOptions\(…\) or None",
    ),
    # one thing where another is wanted
    (lambda g: sat.index(g.survey, g.fit), OptionError, "not-a-fit", "got Survey"),
    (lambda g: sat.index(g.index), OptionError, "not-a-fit", "got IndexResult"),
    (lambda g: sat.changes(g.fit), OptionError, "not-an-index", "got PlsFit"),
    (lambda g: sat.pls(g.survey, "ecsi"), OptionError, "swapped-arguments", "first"),
    (
        lambda g: sat.index(g.batch, g.survey),
        OptionError,
        "other-groups",
        "name company in by= too",
    ),
    (
        lambda g: sat.models.to_lavaan(g.fit),
        OptionError,
        "not-a-model",
        "catalogue name such as 'ecsi'",
    ),
    (
        lambda g: sat.indices.aggregate(g.survey, g.members),
        OptionError,
        "not-figures",
        "a Survey: figures are added up, not answers; .*sat.index",
    ),
    (
        lambda g: sat.indices.aggregate(g.fit, g.members),
        OptionError,
        "not-figures",
        "a PlsFit",
    ),
    (
        lambda g: sat.indices.aggregate(g.members, g.index),
        OptionError,
        "swapped-arguments",
        "the figures come first",
    ),
    (
        lambda g: sat.indices.ranking(g.survey),
        OptionError,
        "not-figures",
        "a Survey: figures are ranked, not answers",
    ),
    # columns and words that do not exist
    (
        lambda g: sat.index(g.fit, g.survey, by="compny"),
        DataError,
        "columns-not-found",
        "did you mean 'company'",
    ),
    (
        lambda g: sat.index(g.fit, g.survey, construct="Satisfacton"),
        SpecificationError,
        "unknown-construct",
        "did you mean 'Satisfaction'",
    ),
    (
        lambda g: sat.changes(g.index, over="quarter"),
        DataError,
        "columns-not-found",
        "'quarter'",
    ),
    (
        lambda g: sat.indices.ranking(g.index, over="quarter"),
        DataError,
        "columns-not-found",
        "'quarter'",
    ),
    (
        lambda g: sat.indices.ranking(g.index, wave="1999"),
        OptionError,
        "unknown-wave",
        "there is no wave '1999'",
    ),
    (
        lambda g: g.added().of_level("sector"),
        OptionError,
        "unknown-option",
        "'company', 'industry', 'nation'",
    ),
    (
        lambda g: g.added().of_level(g.frame),
        OptionError,
        "unknown-option",
        "level=a DataFrame",
    ),
    # numbers
    (lambda g: g.board(level=95), OptionError, "bad-level", "such as 0.95"),
    (lambda g: g.board(level=None), OptionError, "wrong-kind", "give a number"),
    (lambda g: g.board(min_n=2.5), OptionError, "bad-count", "at least 1"),
    (lambda g: g.board(rng=1.5), OptionError, "bad-rng", "rng=1"),
    (
        lambda g: sat.indices.sample_size(half_width=2, sd=15, weights=g.frame),
        OptionError,
        "bad-weights",
        "a DataFrame are no sampling weights",
    ),
    (
        lambda g: sat.models.template("durables", scale=(10, 1)),
        SpecificationError,
        "bad-scale",
        "lowest answer first",
    ),
    (
        lambda g: sat.models.template("durables", scale=7),
        SpecificationError,
        "bad-scale",
        "lowest and the highest",
    ),
    (
        lambda g: sat.indices.formula_index(
            "ukcsi", g.survey, items=["CUSA1"], scale=np.ones(3)
        ),
        SpecificationError,
        "bad-scale",
        "highest answer",
    ),
    # data that cannot serve
    (lambda g: sat.pls("ecsi", g.frame.iloc[:0]), DataError, "no-rows", "of 0"),
    (lambda g: sat.pls("ecsi", g.frame.iloc[:1]), DataError, "too-few-rows", "two"),
    (
        lambda g: sat.pls("ecsi", g.frame.assign(CUSA1="satisfied")),
        DataError,
        "answer-texts",
        "give each text its number",
    ),
    (
        lambda g: sat.pls("ecsi", g.frame.assign(CUSA1=99)),
        DataError,
        "off-scale",
        "missing_codes",
    ),
    (
        lambda g: sat.metrics.mean_score(g.frame.iloc[:0], "CUSA1", by="company"),
        DataError,
        "no-groups",
        "no row has a value of company",
    ),
]


@pytest.mark.parametrize(("call", "error", "code", "words"), WRONG)
def test_wrong_inputs_are_answered(given, call, error, code, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.SatmetricsWarning)
        with pytest.raises(error, match=words) as caught:
            call(given)
    assert caught.value.code == code
    assert caught.value.remedy or code == "columns-not-found"
    assert len(str(caught.value)) < 700  # no repr of a frame or a result in it
    assert "  " not in str(caught.value)


def test_waves_may_have_any_name(given):
    """A survey whose company, industry and quarter have Chinese names."""
    words = {"company": "公司", "industry": "行业", "wave": "季度", "revenue": "收入"}
    frame = given.frame.rename(columns=words)
    ours = sat.Survey(frame, unit="公司", wave="季度", weight="weight")
    members = given.members.rename(columns=words)
    board = sat.indices.scoreboard(
        *("ecsi", ours, members),
        levels=["公司", "行业"],
        shares="收入",
        invariance=False,
        rng=1,
    )
    same = given.board(shares="revenue")
    assert np.allclose(board.to_frame()["estimate"], same.to_frame()["estimate"])
    ranks = board.ranking.to_frame()
    assert ranks["rank"].tolist() == same.ranking.to_frame()["rank"].tolist()
    assert board.ranking.wave == ("季度", same.ranking.wave[1])
    with pytest.raises(DataError, match="column of waves with over="):
        sat.indices.ranking(board.index, unit="公司", within="行业")


def test_one_level_may_be_a_word(given):
    by_word = given.board(levels="company", shares="revenue")
    by_list = given.board(levels=["company"], shares="revenue")
    assert by_word.to_frame().equals(by_list.to_frame())


def test_codes_left_out_of_many_items_are_one_sentence():
    codes = [Exclusion("missing code 98", 10 + i, "answers", f"q{i}") for i in range(5)]
    few = [Exclusion("missing code 99", 2, "answers", f"q{i}") for i in range(2)]
    assert Context(exclusions=(*codes, *few), notes=("read",)).sentences() == (
        "60 answers left out in 5 places (most in q4: 14): missing code 98",
        "2 answers left out in q0: missing code 99",
        "2 answers left out in q1: missing code 99",
        "read",
    )


def test_a_figure_says_that_answers_were_weighted(given):
    assert "answers are weighted by 'weight'" in str(given.index)
    plain = sat.index(sat.pls("ecsi", given.frame), given.frame)
    assert "answers are weighted" not in str(plain)


def test_rows_without_a_company_are_counted(given):
    frame = given.frame.assign(
        company=given.frame["company"].where(given.frame.index > 9, " ")
    )
    found = sat.metrics.mean_score(
        frame, "CUSA1", by=["company", "wave"], scale=(1, 10)
    )
    assert "no value of company or wave" in str(found)
    means = found.to_frame().query("term == 'mean'")
    assert means["n"].sum() == frame["CUSA1"][10:].notna().sum()
