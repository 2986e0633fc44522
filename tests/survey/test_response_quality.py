"""Response quality against loops written out and the package insufficient-effort."""

import builtins
import itertools

import ier
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import satmetrics as sat
from satmetrics.errors import DataError, MissingDependencyError, OptionError
from satmetrics.survey import _answering as kernel

look = sat.quality.response_quality


def respondents(n=200, p=8, seed=1, missing=0.1):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 6, size=(n, p)).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    return X


def frame_of(X, prefix="q"):
    return pd.DataFrame(X, columns=[f"{prefix}{j}" for j in range(X.shape[1])])


def run_length(row):
    groups = itertools.groupby(row)
    return max((len(list(g)) for key, g in groups if not np.isnan(key)), default=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([1.0, 2.0, np.nan]), min_size=1, max_size=12))
def test_longest_run_of_equal_answers(row):
    # every missing answer is an object of its own: a run never crosses one
    own = [float("nan") if np.isnan(v) else v for v in row]
    found = kernel.block([np.array([v]) for v in row], [5.0] * len(row))
    assert found.long_string[0] == run_length(own)


def test_indicators_of_every_respondent_written_out():
    X = respondents()
    X[0], X[1], X[2, 1:] = 4, 5, np.nan
    values = look(sat.Survey(frame_of(X), scale=(1, 5))).respondents.to_frame()
    for row, found in zip(X, values.to_dict("records"), strict=True):
        given = row[~np.isnan(row)]
        assert found["missing_answers"] == pytest.approx(1 - len(given) / 8)
        assert found["long_string_answers"] == run_length(row)
        if len(given) < 3:
            assert np.isnan(found["straight_line_answers"])
            assert np.isnan(found["top_answers"])
            continue
        assert found["straight_line_answers"] == (len(set(given)) == 1)
        assert found["top_answers"] == (set(given) == {5})
        assert found["spread_answers"] == pytest.approx(np.std(given), abs=1e-12)


def test_spread_is_irv_and_runs_are_long_strings():
    X = respondents(missing=0)
    values = look(frame_of(X)).respondents
    np.testing.assert_allclose(values["spread_answers"], ier.irv(X), atol=1e-12)
    text = ["".join(str(int(v)) for v in row) for row in X]
    wanted = [longest for _, longest in ier.longstring(text)]
    np.testing.assert_array_equal(values["long_string_answers"], wanted)


def test_chunks_do_not_matter(monkeypatch):
    frame = frame_of(respondents(500))
    whole = look(frame).respondents.to_frame()
    monkeypatch.setattr(kernel, "CHUNK", 7)
    pd.testing.assert_frame_equal(whole, look(frame).respondents.to_frame())


def test_reversed_items_are_judged_as_they_were_ticked():
    """One column ticked throughout is a straight line; one opinion is not."""
    frame = pd.DataFrame({"a": [5, 5], "b": [5, 1], "c": [5, 5], "d": [5, 1]})
    survey = sat.Survey(frame, scale=(1, 5), reverse=["b", "d"])
    found = look(survey)
    assert found.flags()["straight_line_answers"].tolist() == [True, False]
    assert found.flags()["top_answers"].tolist() == [False, True]
    assert "2 of 4" in str(found)


def test_items_that_came_turned_are_turned_back():
    import dataclasses

    own = sat.instruments.load("servqual")
    items = tuple(
        dataclasses.replace(item, reverse=item.id == "tan2") for item in own.items
    )
    spec = dataclasses.replace(own, items=items)
    columns = spec.columns("perception")
    X = np.full((2, 22), 6.0)
    X[0, list(columns).index("p_tan2")] = 2.0  # ticked 6 and turned before it came
    frame = pd.DataFrame(X, columns=columns)
    with_e = frame.assign(**dict.fromkeys(spec.columns("expectation"), 5.0))
    survey = sat.Survey(
        with_e, spec, already_reversed=spec.reverse_columns(), scale=(1, 7)
    )
    found = look(survey, {"perception": columns})
    assert found.flags()["straight_line_perception"].tolist() == [True, False]


def servqual(n=300, seed=4):
    survey = sat.datasets.load("bank_servqual")
    frame = survey.frame.iloc[:n].reset_index(drop=True)
    columns = sat.instruments.load("servqual").columns("perception")
    frame["seconds"] = np.random.default_rng(seed).gamma(4, 60, n).round()
    return frame, list(columns)


def test_forms_are_judged_apart_and_together():
    frame, P = servqual()
    E = [c.replace("p_", "e_", 1) for c in P]
    frame.loc[0, P] = 7
    frame.loc[1, E + P] = 7
    frame.loc[2, P] = frame.loc[2, E].to_numpy()
    flags = look(sat.Survey(frame, "servqual")).flags()
    assert flags.loc[[0, 1], "straight_line_perception"].all()
    assert flags.loc[:1, "straight_line"].tolist() == [False, True]
    assert flags.loc[1, "top"]
    assert flags.loc[:2, "no_difference"].tolist() == [False, True, True]
    wanted = flags.drop(columns="n_flags").sum(axis=1)
    assert (flags["n_flags"] == wanted).all()


def test_speeders_are_below_a_share_of_the_median():
    frame, _ = servqual()
    frame.loc[:2, "seconds"] = [np.nan, 0, -5]
    found = look(sat.Survey(frame, "servqual"), time="seconds", speed=[0.5, 0.25])
    good = frame["seconds"][frame["seconds"] > 0]
    flags = found.flags()
    for share in (0.5, 0.25):
        wanted = frame["seconds"].between(0, share * good.median(), inclusive="neither")
        assert (flags[f"speed_{100 * share:.0f}"] == wanted).all()
    assert flags["speed_50"].sum() > flags["speed_25"].sum()
    assert "3 respondents left out in seconds: no time above zero" in str(found)
    assert found.table.where(name="speed_50")["n"][0] == len(frame) - 3


def test_further_indices_are_those_of_the_package():
    frame, P = servqual()
    E = [c.replace("p_", "e_", 1) for c in P]
    survey = sat.Survey(frame, "servqual")
    found = look(survey, more=["mahalanobis", "even_odd", "person_total", "synonyms"])
    X = frame[E + P].to_numpy(dtype=float)
    values = found.respondents
    sizes = [4, 5, 4, 4, 5] * 2
    np.testing.assert_allclose(
        values["even_odd"], ier.evenodd(X, sizes, method="halves")
    )
    np.testing.assert_allclose(values["person_total"], ier.person_total(X))
    whole = ~np.isnan(X).any(axis=1)
    Y = X[whole] - X[whole].mean(axis=0)
    squared = np.einsum("ij,jk,ik->i", Y, np.linalg.inv(np.cov(Y.T)), Y)
    np.testing.assert_allclose(
        values["mahalanobis"][whole], stats.chi2.sf(squared, 44), rtol=1e-6
    )
    assert np.isnan(values["mahalanobis"][~whole]).all()
    assert found.table.where(term="mahalanobis")["n"][0] == whole.sum()
    flags = found.flags()
    assert (flags["even_odd"] == (values["even_odd"] < 0.3)).all()
    assert "person_total" not in flags


def test_an_index_that_cannot_be_had_says_why():
    found = look(frame_of(respondents(missing=0)), more=["even_odd"])
    row = found.table.where(term="even_odd")
    assert "fewer than three dimensions" in row["reason"][0]
    assert row["n"][0] == 0
    few = look(frame_of(respondents(5)), more=["mahalanobis"])
    assert few.table.where(term="mahalanobis")["reason"][0].startswith("not computed")


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ier":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"satmetrics\[quality\]"):
        look(frame_of(respondents()), more=["even_odd"])
    assert len(look(frame_of(respondents())).table)


def test_shares_are_counts_of_those_assessed():
    X = respondents(60)
    X[:6] = 3
    X[6:9, 1:] = np.nan
    row = look(frame_of(X)).table.where(term="straight_line")
    assert (row["flagged"][0], row["n"][0]) == (6, 57)
    assert row["estimate"][0] == pytest.approx(6 / 57)


def test_nobody_is_dropped_unless_asked_and_then_counted():
    frame, P = servqual()
    frame.loc[:4, P] = 6
    survey = sat.Survey(frame, "servqual", weight="weight")
    found = look(survey, time="seconds")
    assert len(found.respondents) == survey.n
    left = found.without(survey, "straight_line_perception")
    own = found.flags()["straight_line_perception"].to_numpy()
    assert left.n == survey.n - own.sum()
    said = [str(e) for e in left.context.exclusions]
    assert any(f"{own.sum()} respondents left out: flagged by" in e for e in said)
    assert left.context.n_rows == survey.n
    np.testing.assert_array_equal(left.weights, survey.weights[~own])
    assert "flagged by response quality" in str(sat.gaps(left))


def test_several_rules_and_how_many_it_takes():
    frame, P = servqual()
    frame.loc[:4, P] = 6
    frame.loc[3:6, "seconds"] = 1
    found = look(sat.Survey(frame, "servqual"), time="seconds")
    flags = found.flags()
    either = found.keep("straight_line_perception", "speed_33")
    both = found.keep("straight_line_perception", "speed_33", at_least=2)
    one, two = flags["straight_line_perception"], flags["speed_33"]
    np.testing.assert_array_equal(either, ~(one | two))
    np.testing.assert_array_equal(both, ~(one & two))
    assert (~both).sum() == 2
    every = found.keep("straight_line")
    names = [c for c in flags if c.startswith("straight_line")]
    np.testing.assert_array_equal(every, ~flags[names].any(axis=1))


def test_kind_of_frame_does_not_matter():
    frame = frame_of(respondents())
    whole = look(frame).to_frame()
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        pd.testing.assert_frame_equal(whole, look(other).to_frame())


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"columns": ["q0", "q99"]}, DataError, "columns not found: 'q99'"),
        ({"columns": {"a": []}}, OptionError, "form 'a' has no questions"),
        ({"long_string": 11}, OptionError, "long_string=11 is not a share"),
        ({"speed": [0.5, 2]}, OptionError, r"speed\[1\]=2"),
        ({"spread": -1}, OptionError, "spread=-1"),
        ({"more": ["evenodd"]}, OptionError, "did you mean 'even_odd'"),
        ({"time": "seconds"}, DataError, "columns not found"),
        ({"time": "shop"}, DataError, "are no numbers"),
        ({"time": "zero"}, DataError, "no time in 'zero'"),
    ],
)
def test_wrong_arguments_say_what_would_be_right(arguments, error, match):
    frame = frame_of(respondents(20)).assign(shop="a", zero=0.0)
    given_columns = {"columns": [f"q{j}" for j in range(8)], **arguments}
    with pytest.raises(error, match=match):
        look(frame, **given_columns)


def test_wrong_rules_and_surveys():
    frame = frame_of(respondents(20))
    found = look(frame)
    with pytest.raises(OptionError, match="did you mean 'straight_line'"):
        found.keep("straightline")
    with pytest.raises(OptionError, match="no rule is named"):
        found.keep()
    with pytest.raises(OptionError, match="spread"):
        found.keep("spread")
    with pytest.raises(DataError, match="one of 19"):
        found.without(sat.Survey(frame.iloc[:19]), "missing")
    with pytest.raises(DataError, match="is DataFrame"):
        found.without(frame, "missing")
