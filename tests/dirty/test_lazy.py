"""Lazy answers are checked as answers in memory are, and the words are the same."""

import math

import duckdb
import numpy as np
import polars as pl
import pytest

import satmetrics as sat
from satmetrics.errors import DataError, MissingDataWarning, OptionError, ScaleWarning

ITEMS = ["q1", "q2", "q3", "q4"]


def as_duckdb(frame):
    return duckdb.from_arrow(frame.to_arrow())


ENGINES = {"polars": pl.DataFrame.lazy, "duckdb": as_duckdb}


@pytest.fixture(params=ENGINES)
def lazily(request):
    return ENGINES[request.param]


def ratings(n=120, **changed):
    rng = np.random.default_rng(1)
    common = rng.standard_normal(n)
    made = {
        name: np.clip(np.rint(6 + common + rng.standard_normal(n)), 1, 10)
        for name in ITEMS
    }
    made["shop"] = ["A", "B"] * (n // 2)
    return pl.DataFrame(made).with_columns(**changed)


def first(value, name="q2", dtype=None):
    """Return the column with its first value replaced."""
    column = pl.when(pl.int_range(pl.len()) == 0).then(value).otherwise(pl.col(name))
    return column if dtype is None else column.cast(dtype)


def model():
    return sat.StructuralModel.from_blocks(
        "two",
        {"Quality": ["q1", "q2"], "Satisfaction": ["q3", "q4"]},
        {"Quality": ["Satisfaction"]},
        scale=(1, 10),
    )


def said(function, *given, **named):
    """Return the message before its cure, code, column and value of the error."""
    with pytest.raises((DataError, OptionError)) as caught:
        function(*given, **named)
    error = caught.value
    message = str(error).removesuffix(f"; {error.remedy}")
    return message, error.code, error.column, error.value


def moments(frame, **named):
    return sat.Moments.from_frame(frame, ITEMS, **named)


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, 99.0, 98.0, -9.0], ids=lambda v: f"{v:g}"
)
def test_infinite_values_and_suspected_codes_are_errors_in_the_same_words(
    lazily, value
):
    frame = ratings(q2=first(value))
    assert said(moments, lazily(frame)) == said(moments, frame)


def test_a_lone_nine_among_one_to_five_is_an_error(lazily):
    frame = ratings(q2=pl.col("q1") % 5 + 1).with_columns(q2=first(9.0))
    assert said(moments, lazily(frame)) == said(moments, frame)


@pytest.mark.parametrize("value", [0.0, 11.0, 99.0])
def test_answers_off_the_models_scale_are_errors_in_the_same_words(lazily, value):
    frame = ratings(
        q2=first(value), q3=pl.when(pl.col("q3") > 9).then(50.5).otherwise("q3")
    )
    message = said(sat.pls, model(), lazily(frame))
    assert message == said(sat.pls, model(), frame)
    assert message[1:3] == ("off-scale", "q2")
    with pytest.raises(DataError, match="mend it in the query"):
        sat.pls(model(), lazily(frame))


def test_an_index_on_a_scale_given_to_it_checks_the_answers(lazily):
    bare = sat.StructuralModel.from_blocks(
        "two", {"Q": ["q1", "q2"], "S": ["q3", "q4"]}, {"Q": ["S"]}
    )
    frame = ratings()
    fit = sat.pls(bare, lazily(frame))
    given = sat.index(fit, lazily(frame), scale=(1, 10)).to_frame()
    known = sat.index(fit, frame, scale=(1, 10)).to_frame()
    np.testing.assert_allclose(given["estimate"], known["estimate"], rtol=1e-10)
    args = {"scale": (1, 8)}
    assert said(sat.index, fit, lazily(frame), **args) == said(
        sat.index, fit, frame, **args
    )


def test_text_columns_are_errors_with_their_texts(lazily):
    texts = pl.when(pl.col("q2") > 6).then(pl.lit("good")).otherwise(pl.lit("poor"))
    frame = ratings(q2=texts)
    message, code, column, value = said(moments, lazily(frame))
    assert code == "answer-texts"
    assert column == "q2"
    assert set(value) == {"good", "poor"}
    assert f"'good' ({int((frame['q2'] == 'good').sum())}x)" in message
    with pytest.raises(DataError, match="mend it in the query"):
        moments(lazily(frame))


def test_numbers_in_text_have_to_be_cast(lazily):
    frame = ratings(q2=pl.col("q2").cast(pl.Int64).cast(pl.String))
    assert moments(frame).n == 120
    with pytest.raises(DataError, match=r"holds texts.*in the query"):
        moments(lazily(frame))


def test_dates_are_no_answers(lazily):
    frame = ratings(q2=pl.date(2025, 1, pl.col("q2").cast(pl.Int64)))
    message, code, column, _ = said(moments, lazily(frame))
    assert message.startswith("column 'q2' holds dates, such as 2025-01-")
    assert (code, column) == said(moments, frame)[1:3]


def test_truth_values_and_decimals_are_numbers(lazily):
    frame = ratings(q1=pl.col("q1") > 6, q2=pl.col("q2").cast(pl.Decimal(6, 2)))
    np.testing.assert_allclose(
        moments(lazily(frame)).cov, moments(frame).cov, rtol=1e-10
    )


def test_absent_columns_name_the_nearest(lazily):
    lazy = lazily(ratings())
    with pytest.raises(DataError, match=r"'q_1'.*did you mean 'q1'") as caught:
        sat.Moments.from_frame(lazy, ["q_1", "q2"])
    assert caught.value.code == "columns-not-found"
    with pytest.raises(DataError, match="did you mean 'shop'"):
        moments(lazy, by="shopp")
    with pytest.raises(DataError, match="columns not found: 'weight'"):
        moments(lazy, weights="weight")
    with pytest.raises(DataError, match="columns not found: 'q4'"):
        sat.pls(model(), lazily(ratings().drop("q4")))


def test_items_have_to_be_named(lazily):
    with pytest.raises(OptionError, match=r"items=\[…\]; it has q1, q2"):
        sat.Moments.from_frame(lazily(ratings()))


@pytest.mark.parametrize("by", ["shop", ["shop", "q1"]])
def test_groups_without_a_label_are_counted(lazily, by):
    frame = ratings(shop=first(None, "shop"))
    lazy, eager = moments(lazily(frame), by=by), moments(frame, by=by)
    assert [str(e) for e in lazy.context.exclusions] == [
        f"1 rows left out: no value of {by if by == 'shop' else 'shop or q1'}"
    ]
    np.testing.assert_array_equal(lazy.n, eager.n)


def test_no_group_at_all_is_an_error(lazily):
    frame = ratings(shop=pl.lit(None, dtype=pl.String))
    assert said(moments, lazily(frame), by="shop") == said(moments, frame, by="shop")


def test_zero_and_missing_weights_are_left_out_and_counted(lazily):
    w = pl.when(pl.col("q1") > 8).then(0.0).when(pl.col("q1") < 5).then(None)
    frame = ratings(w=w.otherwise(1.5))
    with pytest.warns(MissingDataWarning, match="rows without a weight in 'w'"):
        lazy = moments(lazily(frame), weights="w")
    with pytest.warns(MissingDataWarning):
        eager = moments(frame, weights="w")
    assert lazy.context.exclusions == eager.context.exclusions
    assert len(lazy.context.exclusions) == 2
    np.testing.assert_allclose(lazy.cov, eager.cov, rtol=1e-10)


@pytest.mark.parametrize(
    "w",
    [first(-1.0, "q1"), pl.lit(0.0), first(math.inf, "q1")],
    ids=["negative", "none positive", "infinite"],
)
def test_weights_that_cannot_be_used_are_errors_in_the_same_words(lazily, w):
    frame = ratings(w=w)
    assert said(moments, lazily(frame), weights="w") == said(
        moments, frame, weights="w"
    )


def test_weights_in_text_are_an_error(lazily):
    with pytest.raises(DataError, match="weight column 'shop' holds texts"):
        moments(lazily(ratings()), weights="shop")
    with pytest.raises(OptionError, match="as weights=; give text"):
        moments(lazily(ratings()), weights=[1, 2])


def test_missing_answers_are_counted_or_refused(lazily):
    frame = ratings(q2=first(None), q3=first(math.nan, "q3"))
    lazy = moments(lazily(frame))
    assert lazy.context.exclusions == moments(frame).context.exclusions
    assert said(moments, lazily(frame), missing="error") == said(
        moments, frame, missing="error"
    )
    empty = ratings(q2=pl.lit(None, dtype=pl.Float64))
    assert said(moments, lazily(empty)) == said(moments, empty)


@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(lazily, n):
    frame = ratings().head(n)
    if n == 0:
        assert said(moments, lazily(frame)) == said(moments, frame)
    else:
        assert said(sat.pls, model(), lazily(frame)) == said(sat.pls, model(), frame)


@pytest.mark.parametrize(
    "named",
    [
        {"missing": "pairwise"},
        {"missing": "mean"},
        {"missing": "em"},
        {"acov": True},
        {"ordinal": True},
        {"ordinal": ["q1"]},
    ],
)
def test_what_needs_rows_says_so(lazily, named):
    with pytest.raises(OptionError, match=r"needs the rows.*collect\(\)") as caught:
        moments(lazily(ratings()), **named)
    assert caught.value.code == "needs-rows"


def test_what_was_fitted_to_rows_is_not_bootstrapped_from_sums(lazily):
    frame = ratings(q2=first(None))
    with pytest.raises(OptionError, match="needs the rows"):
        sat.pls(model(), lazily(frame), ordinal=True)
    for named in ({"missing": "em"}, {"missing": "mean"}, {"ordinal": True}):
        fit = sat.pls(model(), frame, **named)
        with pytest.raises(OptionError, match="needs the rows"):
            sat.bootstrap(fit, lazily(frame), n_draws=20)


def test_interactions_need_rows(lazily):
    built = sat.StructuralModel.from_blocks(
        "moderated",
        {"Quality": ["q1", "q2"], "Value": ["q3"], "Satisfaction": ["q4"]},
        {
            "Quality": ["Satisfaction"],
            "Value": ["Satisfaction"],
            "Both": ["Satisfaction"],
        },
        interactions={"Both": ["Quality", "Value"]},
    )
    with pytest.raises(OptionError, match="an interaction needs the rows"):
        sat.pls(built, lazily(ratings()))
    fit = sat.pls(built, ratings())
    with pytest.raises(OptionError, match="needs the rows"):
        sat.bootstrap(fit, lazily(ratings()), n_draws=20)


def test_an_unknown_policy_is_named(lazily):
    with pytest.raises(OptionError, match="listwise"):
        moments(lazily(ratings()), missing="listwize")


def test_a_survey_of_a_lazy_frame_names_the_way():
    with pytest.raises(OptionError, match=r"collect\(\) first.*sat\.pls"):
        sat.Survey(ratings().lazy(), unit="shop")
    with pytest.raises(OptionError, match=r"df\(\) or pl\(\) first.*sat\.pls"):
        sat.Survey(as_duckdb(ratings()))
    with pytest.raises(OptionError, match=r"collect\(\) first"):
        sat.pls(model(), ratings().lazy()).scores(ratings().lazy())


def test_items_that_keep_to_the_lower_half_warn(lazily):
    frame = ratings(q3=(pl.col("q3") / 2).ceil())
    with pytest.warns(ScaleWarning) as eager:
        sat.pls(model(), frame)
    with pytest.warns(ScaleWarning) as lazy:
        sat.pls(model(), lazily(frame))
    assert [str(w.message) for w in lazy] == [str(w.message) for w in eager]


def test_answers_between_the_points_are_noted(lazily):
    frame = ratings(q3=first(5.5, "q3"))
    fit = sat.pls(model(), lazily(frame))
    assert fit.context.notes == sat.pls(model(), frame).context.notes
    assert "1 answers of 'q3' lie between the points" in fit.context.notes[0]


def test_hostile_column_names_are_columns(lazily):
    name = "q 1'; DROP --"
    frame = ratings(4200).rename({"q1": name, "q2": "row", "shop": "k0"})
    items = [name, "row", "q3", "q4"]
    lazy = sat.Moments.from_frame(lazily(frame), items, by="k0")
    eager = sat.Moments.from_frame(frame, items, by="k0")
    np.testing.assert_allclose(lazy.cov, eager.cov, rtol=1e-10)
    two = sat.StructuralModel.from_blocks(
        "two", {"Q": items[:2], "S": items[2:]}, {"Q": ["S"]}
    )
    fit = sat.pls(two, lazily(frame))
    boot = sat.bootstrap(fit, lazily(frame), n_draws=20, units="shards")
    assert boot.resampled == "shards"
