"""Intervals of every kind: definitions, references, what they cannot do."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics import errors
from satmetrics.inference import _intervals, _resample, draw_errors
from satmetrics.inference._intervals import Ordered
from satmetrics.models.terms import Interaction

KINDS = ("percentile", "basic", "normal", "bc", "bca", "studentized")


def pair_model() -> sat.StructuralModel:
    """Two constructs of one item: the path is the correlation."""
    return sat.StructuralModel.from_blocks("m", {"X": ["x"], "Y": ["y"]}, {"X": "Y"})


@pytest.fixture(scope="module")
def pair() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x = rng.exponential(size=60)
    return pd.DataFrame({"x": x, "y": x + rng.exponential(size=60)})


@pytest.fixture(scope="module")
def ecsi(mobi):
    return sat.pls("ecsi", mobi, sat.PlsOptions(tol=1e-7))


@pytest.fixture(scope="module")
def bca(ecsi, mobi):
    return sat.bootstrap(ecsi, mobi, n_draws=2000, rng=7, interval="bca")


def by_path(boot, kind, level=None):
    frame = boot.intervals(kind, level=level).to_frame().query("term == 'path'")
    return frame.set_index(frame["source"] + ">" + frame["target"])


@pytest.mark.parametrize("method", ["percentile", "basic", "BCa"])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_scipy_has_the_same_interval_of_the_same_draws(pair, method, level):
    """SciPy's draws of a correlation, with our acceleration, give SciPy's limits."""

    def correlation(x, y, axis=-1):
        dx, dy = x - x.mean(axis, keepdims=True), y - y.mean(axis, keepdims=True)
        spread = np.sqrt((dx**2).sum(axis) * (dy**2).sum(axis))
        return (dx * dy).sum(axis) / spread

    known = stats.bootstrap(
        (pair["x"], pair["y"]),
        correlation,
        n_resamples=1500,
        paired=True,
        confidence_level=level,
        method=method,
        rng=np.random.default_rng(1),
    )
    draws = known.bootstrap_distribution[:, None]
    fit = sat.pls(pair_model(), pair)
    left = sat.assessment.jackknife(fit, pair)
    path = int(np.flatnonzero(left.table["term"] == "path")[0])
    estimate = left.table["estimate"][[path]]
    ordered = Ordered.of(draws)
    limits = {
        "percentile": lambda: _intervals.percentile(draws, level),
        "basic": lambda: _intervals.basic(ordered, estimate, level),
        "BCa": lambda: _intervals.accelerated(
            ordered, estimate, level, left.acceleration()[[path]]
        ),
    }
    low, high = limits[method]()
    assert low[0] == pytest.approx(known.confidence_interval.low, abs=1e-10)
    assert high[0] == pytest.approx(known.confidence_interval.high, abs=1e-10)


def test_kinds_are_their_textbook_formulas(bca):
    frame = bca.to_frame()
    k = int(np.flatnonzero((frame["term"] == "path").to_numpy())[3])
    draws, estimate = bca.draws[:, k], frame["estimate"][k]
    z = stats.norm.ppf(0.95)
    wide = bca.intervals(level=0.9).to_frame()
    assert set(wide["interval"]) == {"percentile", "basic", "normal", "bc", "bca"}
    rows = wide[wide["interval"] == "normal"].index
    got = {
        kind: wide[wide["interval"] == kind].iloc[k][["conf_low", "conf_high"]]
        for kind in set(wide["interval"])
    }
    assert len(rows) == len(frame)
    low, high = np.quantile(draws, [0.05, 0.95])
    expected = {
        "percentile": (low, high),
        "basic": (2 * estimate - high, 2 * estimate - low),
        "normal": tuple(estimate + np.array([-z, z]) * draws.std(ddof=1)),
    }
    z0 = stats.norm.ppf(np.mean(draws < estimate))
    expected["bc"] = np.quantile(draws, stats.norm.cdf([2 * z0 - z, 2 * z0 + z]))
    a = bca.acceleration[k]
    assert abs(a) > 1e-4
    shares = [stats.norm.cdf(z0 + (z0 + t) / (1 - a * (z0 + t))) for t in (-z, z)]
    expected["bca"] = np.quantile(draws, shares)
    for kind, limits in expected.items():
        np.testing.assert_allclose(got[kind].astype(float), limits, rtol=1e-9)


def test_acceleration_is_efrons_of_the_leave_one_out_values(bca, ecsi, mobi):
    left = sat.assessment.jackknife(ecsi, mobi)
    d = left.values.mean(axis=0) - left.values
    varies = d.std(axis=0) > 1e-9
    expected = (d**3).sum(axis=0) / (6 * (d**2).sum(axis=0) ** 1.5)
    np.testing.assert_allclose(
        bca.acceleration[varies], expected[varies], rtol=1e-6, atol=1e-9
    )


def test_errors_and_limits_agree_with_csem(bca, reference):
    known = reference("ecsi_boot_csem")
    frame = bca.to_frame()
    for term in ("path", "total", "loading", "weight"):
        rows = frame[frame["term"] == term]
        ends = ["source", "target"] if term in ("path", "total") else None
        ends = ends or ["construct", "indicator"]
        keys = rows[ends[0]] + ">" + rows[ends[1]]
        assert set(keys) == set(known[term])
        for key, error in zip(keys, rows["std_error"], strict=True):
            assert error == pytest.approx(known[term][key], rel=0.15, abs=0.002)
    for at, kind in enumerate(("percentile", "basic", "bc")):
        rows = by_path(bca, kind)
        for key, limits in known["limits"].items():
            low, high = limits[2 * at : 2 * at + 2]
            assert rows.loc[key, "conf_low"] == pytest.approx(low, abs=0.04)
            assert rows.loc[key, "conf_high"] == pytest.approx(high, abs=0.04)
    rows = by_path(bca, "normal")
    for key, limits in known["limits"].items():
        row = rows.loc[key]
        width = row["conf_high"] - row["conf_low"]
        assert width == pytest.approx(limits[7] - limits[6], rel=0.15)


def test_the_table_is_of_the_kind_asked_for(ecsi, mobi, bca):
    for kind in ("basic", "normal", "bc"):
        boot = sat.bootstrap(ecsi, mobi, n_draws=200, rng=1, interval=kind)
        beside = boot.intervals(kind).to_frame()
        for limit in ("conf_low", "conf_high"):
            np.testing.assert_array_equal(boot.table[limit], beside[limit])
        assert boot.interval == kind
    beside = bca.intervals("bca").to_frame()
    np.testing.assert_array_equal(bca.table["conf_low"], beside["conf_low"])
    assert "acceleration: without each of 250 respondents" in str(bca)
    assert "BCa" in str(bca)


def test_draws_do_not_depend_on_the_interval(ecsi, mobi):
    plain = sat.bootstrap(ecsi, mobi, n_draws=120, rng=3)
    other = sat.bootstrap(ecsi, mobi, n_draws=120, rng=3, interval="bca")
    np.testing.assert_array_equal(plain.draws, other.draws)
    np.testing.assert_array_equal(plain.table["std_error"], other.table["std_error"])


def test_what_was_not_computed_is_refused_with_the_cure(ecsi, mobi, mobile):
    boot = sat.bootstrap(ecsi, mobi, n_draws=50, rng=1)
    with pytest.raises(errors.OptionError, match='interval="bca"'):
        boot.intervals("bca")
    with pytest.raises(errors.OptionError, match="standard error of every draw"):
        boot.intervals("percentile", "studentized")
    with pytest.raises(errors.OptionError, match="did you mean 'percentile'"):
        boot.intervals("percentil")
    with pytest.raises(errors.OptionError, match="did you mean 'studentized'"):
        sat.bootstrap(ecsi, mobi, n_draws=50, interval="student")
    with pytest.raises(errors.OptionError, match=r"level=0\.95"):
        boot.intervals("bc", level=0.05)
    table = sat.pls("ecsi", mobile)
    for kind in ("bca", "studentized"):
        with pytest.raises(errors.OptionError, match='use interval="bc"'):
            sat.bootstrap(table, n_draws=50, interval=kind)
    assert np.isfinite(
        sat.bootstrap(table, n_draws=200, rng=1, interval="bc").table["conf_low"]
    ).all()


def test_an_estimate_outside_all_draws_has_no_bc_interval():
    draws = np.column_stack([np.arange(1.0, 101.0), np.linspace(-1, 1, 100)])
    estimate = np.array([0.5, 0.0])
    low, high = _intervals.accelerated(Ordered.of(draws), estimate, 0.9)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    np.testing.assert_allclose(
        [low[1], high[1]], np.quantile(draws[:, 1], [0.05, 0.95])
    )


def test_missing_bc_intervals_are_counted(pair):
    """The distance from the estimate itself is least where there is none."""
    fit = sat.pls(pair_model(), pair)
    r = float(fit.path_matrix[0, 1])
    for kind in ("bc", "bca"):
        boot = sat.bootstrap(
            fit,
            pair,
            n_draws=60,
            rng=1,
            interval=kind,
            statistic=lambda fits: np.abs(fits.path_matrix[:, 0, 1] - r),
        )
        lost = np.isnan(boot.table["conf_low"])
        assert list(boot.table["term"][lost]) == ["statistic"]
        assert "1 number has no" in str(boot)
        assert "infinite" in str(boot)
        assert np.isfinite(boot.intervals("percentile").table["conf_low"]).all()


def test_a_number_that_never_varies_is_its_own_interval(ecsi, mobi):
    """The loading of a single item is 1 in every draw."""
    boot = sat.bootstrap(ecsi, mobi, n_draws=100, rng=1, interval="bca")
    for row in boot.intervals().to_frame().query("indicator == 'CUSCO'").itertuples():
        if row.term == "loading":
            assert row.conf_low == pytest.approx(1, abs=1e-8)
            assert row.conf_high == pytest.approx(1, abs=1e-8)


def test_undefined_draws_are_passed_over(rng):
    draws = rng.normal(size=(400, 3))
    draws[rng.random(draws.shape) < 0.1] = np.nan
    draws[:, 2] = np.nan
    estimate = np.zeros(3)
    ordered = Ordered.of(draws)
    low, high = _intervals.accelerated(ordered, estimate, 0.9)
    for k in range(2):
        kept = draws[np.isfinite(draws[:, k]), k]
        z0 = stats.norm.ppf(np.mean(kept < 0))
        shares = stats.norm.cdf(2 * z0 + stats.norm.ppf([0.05, 0.95]))
        np.testing.assert_allclose([low[k], high[k]], np.quantile(kept, shares))
    assert np.isnan(low[2])
    assert list(ordered.defined) == list(np.isfinite(draws).sum(axis=0))


def test_ties_count_half():
    draws = np.repeat([1.0, 2.0, 3.0], [10, 20, 10])[:, None]
    assert Ordered.of(draws).below(np.array([2.0]))[0] == pytest.approx(0.5)


class TestStudentized:
    def test_error_of_a_correlation_in_closed_form(self, pair):
        """Influence of a row on r: zx zy − r (zx² + zy²)/2."""
        fit = sat.pls(pair_model(), pair)
        boot = sat.bootstrap(fit, pair, n_draws=30, rng=2, interval="studentized")
        path = int(np.flatnonzero(boot.table["term"] == "path")[0])
        z = (pair - pair.mean()) / pair.std(ddof=0)
        zx, zy = z["x"].to_numpy(), z["y"].to_numpy()
        r = (zx * zy).mean()
        values = zx * zy - r * (zx**2 + zy**2) / 2
        n = len(pair)
        expected = np.sqrt((values**2).sum() / (n * (n - 1)))
        assert boot.own_errors[path] == pytest.approx(expected, rel=1e-5)

    def test_error_of_a_draw_is_that_of_its_rows(self, pair):
        """The rows of a draw, fitted as data of their own."""
        fit = sat.pls(pair_model(), pair)
        boot = sat.bootstrap(fit, pair, n_draws=3, rng=2, interval="studentized")
        counts = next(_resample.bootstrap_counts(len(pair), 3, 2))
        path = int(np.flatnonzero(boot.table["term"] == "path")[0])
        for b in range(3):
            rows = pair.loc[np.repeat(np.arange(len(pair)), counts[b].astype(int))]
            again = sat.pls(pair_model(), rows)
            own = sat.bootstrap(again, rows, n_draws=2, rng=1, interval="studentized")
            assert boot.draw_errors[b, path] == pytest.approx(
                own.own_errors[path], rel=1e-6
            )

    def test_error_of_a_mean_is_that_of_the_mean(self):
        rng = np.random.default_rng(3)
        answers = pd.DataFrame(rng.integers(1, 11, size=(80, 2)), columns=["x", "y"])
        model = sat.StructuralModel.from_blocks(
            "m", {"X": ["x"], "Y": ["y"]}, {"X": "Y"}, target="Y", scale=(1, 10)
        )
        fit = sat.pls(model, answers)
        boot = sat.bootstrap(fit, answers, n_draws=4, rng=1, interval="studentized")
        at = np.flatnonzero(
            (boot.table["term"] == "index") & (boot.table["construct"] == "Y")
        )
        expected = 100 / 9 * answers["y"].std() / np.sqrt(80)
        assert boot.own_errors[at[0]] == pytest.approx(expected, rel=1e-6)

    def test_agrees_with_the_jackknife(self, ecsi, mobi):
        boot = sat.bootstrap(ecsi, mobi, n_draws=2, rng=1, interval="studentized")
        left = sat.assessment.jackknife(ecsi, mobi).table
        term = left["term"]
        for kind in ("path", "loading", "weight", "r2", "index", "specific_indirect"):
            at = (term == kind) & (left["std_error"] > 1e-6)
            ratio = boot.own_errors[at] / left["std_error"][at]
            assert np.median(ratio) == pytest.approx(1, abs=0.07), kind
            assert (abs(ratio - 1) < 0.2).all(), kind

    def test_limits_are_the_formula(self, pair):
        fit = sat.pls(pair_model(), pair)
        boot = sat.bootstrap(fit, pair, n_draws=199, rng=2, interval="studentized")
        path = int(np.flatnonzero(boot.table["term"] == "path")[0])
        estimate, error = boot.table["estimate"][path], boot.own_errors[path]
        t = (boot.draws[:, path] - estimate) / boot.draw_errors[:, path]
        low, high = np.quantile(t, [0.025, 0.975])
        assert boot.table["conf_low"][path] == pytest.approx(estimate - high * error)
        assert boot.table["conf_high"][path] == pytest.approx(estimate - low * error)
        assert "studentised" in str(boot)

    def test_directions_in_pieces(self, pair, monkeypatch):
        fit = sat.pls(pair_model(), pair)
        whole = sat.bootstrap(fit, pair, n_draws=5, rng=2, interval="studentized")
        monkeypatch.setattr(draw_errors, "CELLS", 3 * 2 * 2 * 2)
        pieces = sat.bootstrap(fit, pair, n_draws=5, rng=2, interval="studentized")
        np.testing.assert_allclose(pieces.draw_errors, whole.draw_errors, rtol=1e-9)

    def test_weighted_answers(self, pair):
        """The influence of a row is that above times its weight over the mean one."""
        w = np.tile([1.0, 2.0, 3.0], 20)
        weighted = pair.assign(w=w)
        fit = sat.pls(pair_model(), weighted, weights="w")
        boot = sat.bootstrap(fit, weighted, n_draws=2, rng=2, interval="studentized")
        path = int(np.flatnonzero(boot.table["term"] == "path")[0])
        x, y = pair["x"].to_numpy(), pair["y"].to_numpy()
        dx, dy = x - np.average(x, weights=w), y - np.average(y, weights=w)
        zx = dx / np.sqrt(np.average(dx**2, weights=w))
        zy = dy / np.sqrt(np.average(dy**2, weights=w))
        r = np.average(zx * zy, weights=w)
        values = w / w.mean() * (zx * zy - r * (zx**2 + zy**2) / 2)
        expected = values.std(ddof=1) / np.sqrt(60)
        assert boot.own_errors[path] == pytest.approx(expected, rel=1e-5)


def weak_interaction(mobi):
    ecsi = sat.models.load("ecsi")
    blocks = {
        n: ecsi.construct(n).indicators for n in ("Image", "Value", "Satisfaction")
    }
    term = Interaction("IxV", ("Image", "Value"), approach="orthogonal")
    sources = dict.fromkeys(("Image", "Value", "IxV"), "Satisfaction")
    model = sat.StructuralModel.from_blocks(
        "weak", blocks, sources, interactions=[term]
    )
    return sat.pls(model, mobi)


@pytest.fixture(scope="module")
def weak(mobi):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.ReversalWarning)
        return weak_interaction(mobi)


def test_a_construct_that_is_turned_around_is_counted(weak, mobi):
    """Products that barely hang together: noise decides which way they point."""
    boot = sat.bootstrap(weak, mobi, n_draws=200, rng=1)
    at = np.flatnonzero(
        (boot.table["term"] == "loading") & (boot.table["construct"] == "IxV")
    )
    estimate = boot.table["estimate"][at]
    against = sum(float(row @ estimate) < 0 for row in boot.draws[:, at])
    assert against > 10
    said = [r for r in boot.remarks if "points the other way" in r]
    assert len(said) == 1
    assert said[0].startswith(
        f"IxV points the other way than in the fit in {against} of"
    )
    left = sat.assessment.jackknife(weak, mobi)
    assert "leave-one-out fits (its loadings" in str(left.summary())


def test_no_construct_of_a_sound_model_is_turned_around(ecsi, mobi):
    boot = sat.bootstrap(ecsi, mobi, n_draws=200, rng=1)
    assert not [r for r in boot.remarks if "points the other way" in r]


def test_linearised_errors_that_the_draws_contradict_are_named(weak, mobi):
    boot = sat.bootstrap(weak, mobi, n_draws=40, rng=1, interval="studentized")
    se = boot.drawing().std_error
    ratio = boot.own_errors[se > 1e-8] / se[se > 1e-8]
    off = int(((ratio > 2) | (ratio < 0.5)).sum())
    said = [
        r for r in boot.remarks if r.startswith("linearised standard errors differ")
    ]
    assert off > 3
    assert f"and {off - 3} more:" in said[0]
    fine = sat.bootstrap(
        sat.pls(pair_model(), mobi.rename(columns={"CUSA1": "x", "CUSA2": "y"})),
        mobi.rename(columns={"CUSA1": "x", "CUSA2": "y"}),
        n_draws=200,
        rng=1,
        interval="studentized",
    )
    assert not any("linearised" in r for r in fine.remarks)


def test_a_number_the_fit_leaves_undefined_has_no_interval(mobi):
    """HTMT of items that do not agree is undefined, though some draws have it."""
    few = mobi.sample(14, random_state=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sat.pls("ecsi", few)
        boot = sat.bootstrap(fit, few, n_draws=100, rng=1)
    frame = boot.to_frame()
    undefined = frame["estimate"].isna()
    assert (undefined & (frame["draws"] > 0)).any()
    assert (
        frame.loc[undefined, ["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    )
    others = boot.intervals("normal", "bc", "basic").to_frame()
    lost = others["estimate"].isna()
    assert others.loc[lost, ["conf_low", "conf_high"]].isna().all(axis=None)
