"""Permuted group labels: the labels, the moments they make, and p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _permute
from satmetrics.inference.members import grouped


def stacked(codes, n_draws, seed, strata=None):
    rng = np.random.default_rng(seed)
    return np.concatenate(list(_permute.permuted_codes(codes, n_draws, rng, strata)))


@pytest.fixture
def answers(rng) -> pd.DataFrame:
    frame = pd.DataFrame(rng.normal(5, 2, size=(60, 3)), columns=["a", "b", "c"])
    frame["g"] = np.repeat(["x", "y", "z"], [10, 30, 20])
    frame["w"] = rng.uniform(0.5, 2, 60)
    frame["h"] = np.tile(["u", "v"], 30)
    return frame


def test_labels_change_places_and_none_is_lost():
    codes = np.repeat([0, 1, 2], [5, 15, 10])
    drawn = stacked(codes, 400, 1)
    assert drawn.shape == (400, 30)
    for g, size in enumerate([5, 15, 10]):
        assert ((drawn == g).sum(axis=1) == size).all()
    share = (drawn == 0).mean(axis=0)  # each unit is as likely as any other
    assert share == pytest.approx(np.full(30, 1 / 6), abs=5 * np.sqrt(5 / 36 / 400))
    assert len(np.unique(drawn, axis=0)) == 400


def test_labels_stay_within_strata():
    codes = np.repeat([0, 1], [12, 18])
    strata = np.tile([0, 1, 2], 10)
    drawn = stacked(codes, 300, 2, strata)
    for s in range(3):
        inside = strata == s
        assert (drawn[:, inside].sum(axis=1) == codes[inside].sum()).all()
    assert (drawn.mean(axis=0) > 0).all()
    assert (drawn.mean(axis=0) < 1).all()


@pytest.mark.parametrize("strata", [None, np.tile([0, 1], 20)])
def test_first_permutations_do_not_depend_on_their_number(strata):
    codes = np.repeat([0, 1], 20)
    few, many = stacked(codes, 30, 3, strata), stacked(codes, 220, 3, strata)
    np.testing.assert_array_equal(few, many[:30])


@pytest.mark.parametrize("weight", [None, "w"])
def test_moments_of_permuted_groups_are_those_of_their_rows(answers, weight):
    """Constant items included: what is left of the total is exactly zero variance."""
    answers = answers.assign(a=np.where(answers["g"] == "y", 7.0, answers["a"]))
    survey = sat.Survey(answers, weight=weight)
    groups = grouped(survey, ("a", "b", "c"), "g", "listwise")
    made = next(groups.permuted(40, np.random.default_rng(5)))
    codes = stacked(groups.codes, 40, 5)
    for draw in (0, 7, 39):
        again = sat.Moments.from_frame(
            answers.assign(g=codes[draw]), ["a", "b", "c"], by="g", weights=weight
        )
        part = slice(3 * draw, 3 * draw + 3)
        np.testing.assert_array_equal(made.n[part], again.n)
        np.testing.assert_allclose(made.mean[part], again.mean, rtol=1e-12)
        np.testing.assert_allclose(made.cov[part], again.cov, rtol=1e-10, atol=1e-11)
    observed = groups.moments()
    assert observed.cov[1, 0, 0] == 0
    pair = groups.subset((2, 0))
    assert pair.names == ("z", "x")
    np.testing.assert_allclose(pair.moments().mean, observed.mean[[2, 0]], rtol=1e-13)


def test_combinations_of_columns_are_groups(answers):
    groups = grouped(sat.Survey(answers), ("a", "b"), ["g", "h"], "error")
    assert groups.names == ("x / u", "x / v", "y / u", "y / v", "z / u", "z / v")
    assert groups.moments().n.tolist() == [5, 5, 15, 15, 10, 10]


def test_rows_without_a_group_are_counted(answers):
    answers.loc[[3, 40], "g"] = None
    answers.loc[5, "a"] = np.nan
    groups = grouped(sat.Survey(answers), ("a", "b"), "g", "listwise")
    assert len(groups.codes) == 57
    said = [str(e) for e in groups.context.exclusions]
    assert any("2 rows left out: no value of g" in text for text in said)
    assert any("listwise" in text for text in said)


@pytest.mark.parametrize("missing", ["mean", "pairwise", "em"])
@pytest.mark.parametrize("site", [None, "site"])
def test_missing_answers_are_treated_anew_in_permuted_groups(
    answers, missing, site, rng
):
    """As if the permuted labels had been those of the data; clusters included."""
    items = ["a", "b", "c"]
    answers[items] = answers[items].mask(rng.uniform(size=(60, 3)) < 0.1)
    answers.loc[[4, 33], items] = np.nan
    answers["site"] = np.arange(60) // 5
    survey = sat.Survey(answers, cluster=site)
    groups = grouped(survey, tuple(items), "g", missing)
    kept = answers[answers[items].notna().any(axis=1)]
    batches = list(groups.permuted(45, np.random.default_rng(5)))
    codes = stacked(groups.codes, 45, 5)[40]
    labels = codes if site is None else codes[kept["site"]]
    for made, own in (
        (groups.moments(), kept["g"]),
        (one_of_three(batches, 40), labels),
    ):
        again = sat.Moments.from_frame(
            kept.assign(g=np.asarray(own)), items, by="g", missing=missing
        )
        np.testing.assert_array_equal(made.n, again.n)
        np.testing.assert_allclose(made.mean, again.mean, rtol=1e-6)
        np.testing.assert_allclose(made.cov, again.cov, rtol=1e-4, atol=1e-6)
    pair = groups.subset((0, 2))
    np.testing.assert_allclose(
        pair.moments().mean, groups.moments().mean[[0, 2]], rtol=1e-6
    )


def one_of_three(batches, draw):
    """Return the moments of one permutation of three groups."""
    ends = np.cumsum([len(b.n) for b in batches])
    which = int(np.searchsorted(ends, 3 * draw, side="right"))
    start = 3 * draw - (ends[which - 1] if which else 0)
    return batches[which].take(range(start, start + 3))


def test_clusters_change_groups_as_a_whole(answers):
    answers["site"] = np.arange(60) // 5
    groups = grouped(sat.Survey(answers, cluster="site"), ("a", "b"), "g", "error")
    assert groups.units.kind == "clusters"
    assert len(groups.codes) == 12
    assert groups.exchanged == ("clusters changed groups as a whole",)
    made = next(groups.permuted(6, np.random.default_rng(8)))
    codes = stacked(groups.codes, 6, 8)[4]
    again = sat.Moments.from_frame(
        answers.assign(g=codes[answers["site"]]), ["a", "b"], by="g"
    )
    np.testing.assert_allclose(made.mean[12:15], again.mean, rtol=1e-12)
    np.testing.assert_allclose(made.cov[12:15], again.cov, rtol=1e-10)


@pytest.mark.parametrize(
    ("roles", "by", "missing", "code"),
    [
        ({}, "g", "drop", "unknown-option"),
        ({}, "group", "listwise", "columns-not-found"),
        ({}, "one", "listwise", "one-group"),
        ({}, [], "listwise", "one-group"),
        ({"cluster": "h"}, "g", "listwise", "clusters-cross-groups"),
    ],
)
def test_what_cannot_be_grouped_is_named(answers, roles, by, missing, code):
    survey = sat.Survey(answers.assign(one="same"), **roles)
    with pytest.raises(errors.SatmetricsError) as caught:
        grouped(survey, ("a", "b"), by, missing)
    assert caught.value.code == code
    assert caught.value.remedy


def test_strata_that_are_groups_leave_nothing_to_exchange(answers):
    groups = grouped(sat.Survey(answers, stratum="g"), ("a", "b"), "g", "error")
    with pytest.raises(errors.DataError, match="every stratum lies in one group"):
        groups.check_exchange()
    mixed = grouped(sat.Survey(answers, stratum="h"), ("a", "b"), "g", "error")
    mixed.check_exchange()
    assert mixed.exchanged == ("respondents changed groups within strata",)


def test_a_lone_unit_of_a_group_has_no_variance(answers):
    answers["site"] = np.r_[np.zeros(10), np.arange(50) // 5 + 1]
    groups = grouped(sat.Survey(answers, cluster="site"), ("a", "b"), "g", "error")
    with pytest.raises(errors.DataError, match="group 'x' has one cluster only"):
        groups.check_variance()


def test_p_values_count_what_is_as_extreme():
    draws = np.array([[0.5, -2.0, np.nan], [-1.0, 0.1, 3.0], [0.2, 0.3, -1.0]])
    observed = np.array([0.5, -0.2, 2.0])
    np.testing.assert_allclose(
        _permute.p_values(observed, draws), [3 / 4, 3 / 4, 2 / 3]
    )
    np.testing.assert_allclose(
        _permute.p_values(observed, draws, "greater"), [2 / 4, 3 / 4, 2 / 3]
    )
    np.testing.assert_allclose(
        _permute.p_values(observed, draws, "less"), [4 / 4, 2 / 4, 2 / 3]
    )
    assert np.isnan(_permute.p_values(np.array([np.nan]), draws[:, :1]))


def test_rounding_does_not_decide():
    draws = np.array([[0.1 + 0.2], [-0.3]])
    assert _permute.p_values(np.array([0.3]), draws) == pytest.approx(1.0)
    assert _permute.p_values(np.array([0.1 + 0.2]), np.array([[0.3]])) == 1.0
    assert not _permute.varies(np.array([[1.0], [1.0 + 1e-15]]))[0]
    assert _permute.varies(np.array([[1.0], [1.0 + 1e-6]]))[0]
