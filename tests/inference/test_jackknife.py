"""The jackknife and the acceleration of large and designed samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _jackknife, left_out
from satmetrics.moment.unit_sums import UnitSums

TIGHT = sat.PlsOptions(tol=1e-12)


def small_model() -> sat.StructuralModel:
    return sat.StructuralModel.from_blocks(
        "m", {"X": ["x1", "x2"], "Y": ["y1", "y2"]}, {"X": "Y"}
    )


def answers(n: int, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    common = rng.exponential(size=(n, 1))
    noise = rng.exponential(size=(n, 4))
    columns = ["x1", "x2", "y1", "y2"]
    return pd.DataFrame(common * [1, 1, 0.8, 0.8] + 0.7 * noise, columns=columns)


def paths_of(table) -> np.ndarray:
    return np.flatnonzero(table["term"] == "path")


def test_agrees_with_csem(mobi, reference):
    known = reference("ecsi_jackknife_csem")
    fit = sat.pls("ecsi", mobi)
    left = sat.assessment.jackknife(fit, mobi)
    frame = left.to_frame()
    mean = left.values.mean(axis=0)
    for term, ends in (
        ("path", ["source", "target"]),
        ("loading", ["construct", "indicator"]),
        ("weight", ["construct", "indicator"]),
    ):
        rows = frame[frame["term"] == term]
        keys = rows[ends[0]] + ">" + rows[ends[1]]
        assert set(keys) == set(known[term])
        for k, key in zip(rows.index, keys, strict=True):
            theirs = known[term][key]
            assert mean[k] == pytest.approx(theirs[0], abs=2e-6)
            assert frame["std_error"][k] == pytest.approx(theirs[1], abs=2e-6)
            assert frame["bias"][k] == pytest.approx(theirs[2], abs=2e-4)


def test_values_are_fits_of_the_other_rows(mobi):
    weighted = mobi.assign(w=np.linspace(0.5, 2, 250))
    for columns, weights in ((mobi, None), (weighted, "w")):
        fit = sat.pls("ecsi", columns, TIGHT, weights=weights)
        left = sat.assessment.jackknife(fit, columns)
        for row in (0, 17, 249):
            other = sat.pls("ecsi", columns.drop(index=row), TIGHT, weights=weights)
            np.testing.assert_allclose(
                left.values[row, paths_of(left.table)],
                other.paths()["estimate"],
                atol=1e-9,
            )


def test_clusters_are_left_out_whole():
    data = answers(90).assign(site=np.repeat(np.arange(18), 5))
    survey = sat.Survey(data, cluster="site")
    fit = sat.pls(small_model(), survey, TIGHT)
    left = sat.assessment.jackknife(fit, survey)
    assert left.left_out == "each of 18 clusters"
    for site in (0, 9):
        rest = data[data["site"] != site]
        other = sat.pls(small_model(), rest, TIGHT)
        np.testing.assert_allclose(
            left.values[site, paths_of(left.table)],
            other.paths()["estimate"],
            atol=1e-9,
        )


def test_the_rest_of_a_stratum_is_weighted_up():
    data = answers(60).assign(region=np.repeat(["a", "b"], [20, 40]))
    survey = sat.Survey(data, stratum="region")
    fit = sat.pls(small_model(), survey, TIGHT)
    left = sat.assessment.jackknife(fit, survey)
    for row, size in ((3, 20), (50, 40)):
        rest = data.drop(index=row)
        same = rest["region"] == data["region"][row]
        rest = rest.assign(w=np.where(same, size / (size - 1), 1.0))
        other = sat.pls(small_model(), rest, TIGHT, weights="w")
        np.testing.assert_allclose(
            left.values[row, paths_of(left.table)],
            other.paths()["estimate"],
            atol=1e-9,
        )


def test_error_of_a_stratified_mean_is_the_textbook_one():
    """Σ (N_h/N)² s_h²/n_h with N_h/N = n_h/n, through the kernel's definitions."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(0, 1, 12), rng.normal(5, 3, 30)])
    stratum = np.repeat([0, 1], [12, 30])
    size = np.ones(42, dtype=np.int64)
    total = x.sum()
    values = np.empty(42)
    for i, h in enumerate(stratum):
        here = x[stratum == h]
        values[i] = (
            total - here.sum() + (here.sum() - x[i]) * len(here) / (len(here) - 1)
        ) / 42
    L = _jackknife.influence(values[:, None], np.array([x.mean()]), size, stratum)
    expected = sum(
        (n / 42) ** 2 * x[stratum == h].var(ddof=1) / n for h, n in ((0, 12), (1, 30))
    )
    found = _jackknife.std_error(L, size, stratum)[0]
    assert found == pytest.approx(np.sqrt(expected), rel=1e-10)
    assert _jackknife.bias(L, size, stratum)[0] == pytest.approx(0, abs=1e-10)
    third = sum(((x[stratum == h] - x[stratum == h].mean()) ** 3).sum() for h in (0, 1))
    second = sum(
        ((x[stratum == h] - x[stratum == h].mean()) ** 2).sum() for h in (0, 1)
    )
    a = _jackknife.acceleration(L, size, stratum)[0]
    # L is (n_h − 1)(θ̂ − θ̂₍ᵢ₎) = n_h (x − x̄_h)/n, so that U_h cancels.
    assert a == pytest.approx(third / (6 * second**1.5), rel=1e-9)


def test_groups_give_nearly_the_acceleration_of_single_units(monkeypatch):
    data = answers(3000)
    fit = sat.pls(small_model(), data)
    grouped = sat.assessment.jackknife(fit, data)
    assert "500 random groups of 6–6 respondents (delete-group)" in str(grouped)
    assert len(grouped.values) == 500
    monkeypatch.setattr(left_out, "DELETE_ONE", 10**4)
    single = sat.assessment.jackknife(fit, data)
    assert len(single.values) == 3000
    at = single.table["std_error"] > 1e-6
    np.testing.assert_allclose(
        grouped.table["std_error"][at], single.table["std_error"][at], rtol=0.12
    )
    np.testing.assert_allclose(
        grouped.acceleration()[at], single.acceleration()[at], atol=0.006
    )
    assert abs(single.acceleration()[at]).max() > 0.01


def test_bca_of_many_says_how_the_acceleration_was_had():
    data = answers(2500)
    fit = sat.pls(small_model(), data)
    boot = sat.bootstrap(fit, data, n_draws=60, rng=1, interval="bca")
    assert "acceleration: without 500 random groups" in str(boot)
    assert "delete-group" in str(boot)


def test_groups_of_unequal_size_and_of_strata_keep_their_share():
    rng = np.random.default_rng(3)
    strata = np.repeat([0, 1, 2], [1700, 500, 301])
    units = UnitSums(
        ("x",), np.zeros(1), rng.normal(size=(2501, 5)), "clusters", strata
    )
    groups = left_out.groups_of(units)
    assert groups.size.sum() == 2501
    per = np.bincount(groups.stratum)
    np.testing.assert_allclose(per, 500 * np.array([1700, 500, 301]) / 2501, atol=1)
    assert len(groups.size) >= 200
    for h in range(3):
        sizes = groups.size[groups.stratum == h]
        assert sizes.max() - sizes.min() <= 1
        np.testing.assert_allclose(
            groups.sums[groups.stratum == h].sum(axis=0),
            units.sums[strata == h].sum(axis=0),
        )
    again = left_out.groups_of(units)
    np.testing.assert_array_equal(groups.sums, again.sums)


def test_fits_that_fail_without_one_are_counted():
    """Without the only row in which an item varies, it is constant."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        rng.integers(1, 6, size=(40, 3)).astype(float), columns=["a", "b", "c"]
    ).assign(rare=np.r_[5.0, np.full(39, 3.0)])
    model = sat.StructuralModel.from_blocks(
        "m", {"X": ["a", "b"], "Y": ["c", "rare"]}, {"X": "Y"}
    )
    fit = sat.pls(model, data)
    left = sat.assessment.jackknife(fit, data)
    assert "1 leave-one-out fits left out: zero variance: rare" in str(left)
    assert np.isnan(left.values[0]).all()
    assert np.isfinite(left.table["std_error"][paths_of(left.table)]).all()
    boot = sat.bootstrap(fit, data, n_draws=100, rng=1, interval="bca")
    assert "1 leave-one-out fits left out: zero variance: rare" in str(boot)
    assert np.isfinite(boot.table["conf_low"][paths_of(boot.table)]).all()


def test_wrong_inputs(mobi, mobile):
    fit = sat.pls("ecsi", mobile)
    with pytest.raises(errors.OptionError, match="nobody can be left out"):
        sat.assessment.jackknife(fit, mobile)
    with pytest.raises(errors.OptionError, match="needs a fit"):
        sat.assessment.jackknife(mobi, fit)
    other = sat.pls("ecsi", mobi)
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        sat.assessment.jackknife(other, mobi[:100])
    batch = sat.pls("ecsi", mobi.assign(g=np.arange(250) % 2), by="g")
    with pytest.raises(errors.OptionError, match=r"fit\.group\(0\)"):
        sat.assessment.jackknife(batch, mobi)
