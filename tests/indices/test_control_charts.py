"""Control charts by hand, against integral equations, and in control."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import satmetrics as sat
from satmetrics import errors
from satmetrics._frames import Table
from satmetrics.indices import _charts as kernel
from satmetrics.indices.chart_result import RANGE_NOISE
from satmetrics.indices.index import IndexResult
from satmetrics.indices.joint import Joint

chart = sat.indices.control_chart


def made(x, s, n=250, *, joint=None, gone=()):
    """Return an index of units and waves; `gone` lacks some (unit, wave)."""
    x = np.asarray(x, float)
    U, T = x.shape
    s = np.broadcast_to(np.asarray(s, float), x.shape)
    rows = [(u, t) for u in range(U) for t in range(T) if (u, t) not in gone]
    u, t = np.array(rows).T
    columns = {
        "shop": [f"s{i}" for i in u],
        "wave": [f"w{j:03d}" for j in t],
        "construct": ["Satisfaction"] * len(rows),
        "n": np.full(len(rows), n),
        "estimate": x[u, t],
        "std_error": s[u, t],
        "conf_low": x[u, t],
        "conf_high": x[u, t],
        "reason": [""] * len(rows),
    }
    return IndexResult(
        Table.of(columns, keys=("shop", "wave")),
        target="Satisfaction",
        metric="raw",
        by=("shop", "wave"),
        joint=joint,
    )


def grid(result, column, U):
    return np.asarray(result.table[column]).reshape(U, -1)


def test_shewhart_by_hand(rng):
    x, s = rng.normal(70, 2, (3, 9)), rng.uniform(0.5, 2, (3, 9))
    found = chart(made(x, s), baseline=5)
    for u in range(3):
        centre = np.average(x[u, :5], weights=1 / s[u, :5] ** 2)
        rows = found.to_frame().query(f"shop == 's{u}'")
        np.testing.assert_allclose(rows["centre"], centre)
        np.testing.assert_allclose(rows["limit_low"], centre - 3 * s[u])
        np.testing.assert_allclose(rows["limit_high"], centre + 3 * s[u])
        out = np.abs(x[u] - centre) > 3 * s[u]
        np.testing.assert_array_equal(rows["signal"], out)
        assert list(rows["baseline"]) == [True] * 5 + [False] * 4
        assert found.units["signals"][u] == out.sum()


def test_limits_are_those_of_a_p_chart(rng):
    """Shares with their own standard errors at the common share: p̄ ± 3√(p̄q̄/n)."""
    n = rng.integers(100, 900, 12)
    share = rng.binomial(n, 0.7) / n
    mean = (share * n).sum() / n.sum()
    s = np.sqrt(mean * (1 - mean) / n)
    found = chart(made(100 * share[None], 100 * s[None]))
    np.testing.assert_allclose(found.table["centre"], 100 * mean)
    np.testing.assert_allclose(found.table["limit_high"], 100 * (mean + 3 * s))
    z = (share - mean) / s
    laney = np.abs(np.diff(z)).mean() / 1.128
    wide = chart(made(100 * share[None], 100 * s[None]), variation="total")
    assert wide.units["sigma_z"][0] == pytest.approx(laney, rel=1e-3)
    np.testing.assert_allclose(wide.table["sigma"], 100 * s * max(laney, 1), rtol=1e-3)


def test_variation_between_waves_widens_all_alike(rng):
    x = rng.normal(70, 3, (60, 20))
    index = made(x, 1.0)
    pooled = chart(index, variation="pooled")
    assert pooled.sigma_z == pytest.approx(3, rel=0.06)
    np.testing.assert_allclose(pooled.table["sigma"], pooled.sigma_z)
    total = chart(index, variation="total")
    np.testing.assert_allclose(
        grid(total, "sigma", 60)[:, 0], np.maximum(total.units["sigma_z"], 1)
    )
    said = 'consider variation="pooled"'
    assert said in str(chart(index))
    assert said not in str(pooled)
    steady = chart(made(rng.normal(70, 0.2, (5, 20)), 1.0), variation="total")
    np.testing.assert_allclose(steady.table["sigma"], 1.0)


def test_the_noise_of_sigma_z_is_as_stated(rng):
    found = chart(made(rng.normal(70, 1, (5000, 9)), 1.0), centre=70)
    noise = found.units["sigma_z"].std() * np.sqrt(8)
    assert noise == pytest.approx(RANGE_NOISE, abs=0.03)


def test_given_centre_and_sigma(rng):
    x = rng.normal(70, 2, (2, 6))
    found = chart(made(x, 1.0), centre={"s0": 75, "s1": 60}, sigma=2.5)
    assert found.baseline == ()
    assert not found.table["baseline"].any()
    centre = np.repeat([75.0, 60.0], 6)
    np.testing.assert_allclose(found.table["centre"], centre)
    np.testing.assert_allclose(found.table["limit_high"], centre + 7.5)
    assert "centre given" in str(found)


def smoothing(T, lam):
    """Return W (T, T) with W x = the EWMA less its start."""
    return np.array(
        [
            [lam * (1 - lam) ** (t - j) if j <= t else 0 for j in range(T)]
            for t in range(T)
        ]
    )


def test_ewma_by_matrices(rng):
    x, s = rng.normal(70, 2, (2, 8)), rng.uniform(0.5, 2, (2, 8))
    found = chart(made(x, s), method="ewma", centre=70, lam=0.3, width=2.7)
    W = smoothing(8, 0.3)
    for u in range(2):
        value = 70 + W @ (x[u] - 70)
        sd = np.sqrt(np.diag(W @ np.diag(s[u] ** 2) @ W.T))
        np.testing.assert_allclose(grid(found, "statistic", 2)[u], value)
        np.testing.assert_allclose(grid(found, "sigma", 2)[u], sd)
        np.testing.assert_allclose(grid(found, "limit_low", 2)[u], 70 - 2.7 * sd)


def test_ewma_of_equal_errors_has_the_textbook_variance():
    t = np.arange(1, 21)
    found = chart(made(np.full((1, 20), 70.0), 1.5), method="ewma", centre=70)
    known = 1.5 * np.sqrt(0.2 / 1.8 * (1 - 0.8 ** (2 * t)))
    np.testing.assert_allclose(found.table["sigma"], known)


def test_lambda_of_one_is_shewhart(rng):
    index = made(rng.normal(70, 2, (3, 7)), rng.uniform(0.5, 2, (3, 7)))
    one, other = chart(index, method="ewma", lam=1.0), chart(index)
    for name in ("statistic", "limit_low", "limit_high", "signal"):
        np.testing.assert_allclose(
            np.asarray(one.table[name], float), np.asarray(other.table[name], float)
        )


@pytest.mark.parametrize("reset", [False, True])
def test_cusum_by_hand(rng, reset):
    x, s = rng.normal(70, 2, (2, 30)), rng.uniform(0.8, 1.5, (2, 30))
    x[:, 15:] += [[3.0], [-3.0]]
    options = {"k": 0.4, "h": 4.0, "reset": reset}
    found = chart(made(x, s), method="cusum", centre=70, **options)
    for u in range(2):
        high = low = 0.0
        rows = found.to_frame().query(f"shop == 's{u}'").reset_index(drop=True)
        began = {"high": None, "low": None}
        for t in range(30):
            if reset:
                high, low = (0.0 if c > 4 else c for c in (high, low))
            y = (x[u, t] - 70) / s[u, t]
            before = {"high": high, "low": low}
            high, low = max(0, high + y - 0.4), max(0, low - y - 0.4)
            for side, now in (("high", high), ("low", low)):
                if now and not before[side]:
                    began[side] = f"w{t:03d}"
            assert rows["cusum_high"][t] == pytest.approx(high)
            assert rows["cusum_low"][t] == pytest.approx(low)
            assert rows["signal"][t] == (high > 4 or low > 4)
            if rows["signal"][t]:
                assert rows["since"][t] == began["high" if high > low else "low"]
            else:
                assert rows["since"][t] == ""
        assert rows["signal"].any()


def test_run_rules_by_brute_force(rng):
    z = rng.normal(size=(40, 30)) + rng.normal(0, 0.8, (40, 1))
    broken = kernel.run_rules(z, 3.0)
    for side, sign in enumerate((1, -1)):
        for r, (count, window, limit) in enumerate(
            [(1, 1, 3), (2, 3, 2), (4, 5, 1), (8, 8, 0)]
        ):
            for t in range(30):
                part = sign * z[:, max(0, t - window + 1) : t + 1] > limit
                known = part[:, -1] & (part.sum(axis=1) >= count)
                np.testing.assert_array_equal(broken[r, side, :, t], known)
        assert broken[1:, side].any(axis=(1, 2)).all()


def test_run_rules_are_named():
    x = np.full((1, 9), 70.5)
    x[0, 0] = 65.0
    found = chart(made(x, 1.0), centre=70, run_rules=True)
    assert found.table["rule"][0] == "below the limit"
    assert found.table["rule"][8] == "8 in a row above the centre"
    assert not found.table["signal"][1:8].any()


def test_turned_upside_down_signals_mirror(rng):
    x, s = rng.normal(50, 2, (4, 12)), rng.uniform(0.4, 1.2, (4, 12))
    for options in ({}, {"run_rules": True}, {"method": "ewma"}, {"method": "cusum"}):
        one = chart(made(x, s), baseline=4, **options)
        other = chart(made(100 - x, s), baseline=4, **options)
        np.testing.assert_array_equal(one.table["signal"], other.table["signal"])
        assert one.table["signal"].any()


def dense(U, T, s, R):
    """Return the Joint of units whose waves are correlated by R (T, T)."""
    i, j = np.triu_indices(T, 1)
    pairs = np.vstack([np.column_stack([i, j]) + u * T for u in range(U)])
    cov = np.concatenate([(s[u][i] * s[u][j] * R[i, j]) for u in range(U)])
    x = np.zeros(U * T)
    return Joint(x, s.ravel(), np.full(U * T, np.inf), pairs, cov)


def test_shared_respondents_are_respected(rng):
    U, T = 3, 6
    s = rng.uniform(0.8, 1.4, (U, T))
    R = 0.6 ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    x = rng.normal(70, 2, (U, T))
    joint = Joint(**{**vars(dense(U, T, s, R)), "estimate": x.ravel()})
    W = smoothing(T, 0.2)
    found = chart(made(x, s, joint=joint), method="ewma", centre=70)
    for u in range(U):
        V = R * np.outer(s[u], s[u])
        sd = np.sqrt(np.diag(W @ V @ W.T))
        np.testing.assert_allclose(grid(found, "sigma", U)[u], sd)
        combined = joint.combined(
            np.repeat(np.arange(T), T), np.tile(np.arange(T), T) + u * T, W.ravel()
        )
        np.testing.assert_allclose(grid(found, "sigma", U)[u], combined.std_error)
    sums = chart(made(x, s, joint=joint), method="cusum", centre=70, k=0.01)
    z = np.linalg.solve(np.linalg.cholesky(R), (x[0] - 70) / s[0])
    high = 0.0
    for t in range(T):
        high = max(0.0, high + z[t] - 0.01)
        assert grid(sums, "cusum_high", U)[0, t] == pytest.approx(high)


def test_draws_carry_the_same_correlation(rng):
    U, T, B = 2, 5, 40_000
    R = 0.5 ** np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    errors_ = rng.multivariate_normal(np.zeros(T), R, size=(B, U)).reshape(B, U * T)
    x = np.full((U, T), 70.0)
    joint = Joint.drawn(x.ravel(), x.ravel() + errors_)
    s = joint.std_error.reshape(U, T)
    found = chart(made(x, s, joint=joint), method="ewma", centre=70)
    W = smoothing(T, 0.2)
    known = np.sqrt(np.diag(W @ R @ W.T))
    np.testing.assert_allclose(grid(found, "sigma", U), [known] * U, rtol=0.02)


def test_correlated_waves_do_not_hide_in_moving_ranges(rng):
    """Panels move less from wave to wave: sigma_z stays at 1 all the same."""
    R = 0.7 ** np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
    x = 70 + rng.multivariate_normal(np.zeros(20), R, size=200)
    s = np.ones((200, 20))
    joint = Joint(**{**vars(dense(200, 20, s, R)), "estimate": x.ravel()})
    assert chart(made(x, s, joint=joint), centre=70).sigma_z == pytest.approx(
        1, abs=0.04
    )
    assert chart(made(x, s), centre=70).sigma_z < 0.7


def test_waves_that_lack_are_passed_over(rng):
    x, s = rng.normal(70, 2, (2, 8)), rng.uniform(0.5, 2, (2, 8))
    for options in ({"run_rules": True}, {"method": "ewma"}, {"method": "cusum"}):
        whole = chart(
            made(np.delete(x, 3, 1), np.delete(s, 3, 1)), centre=70, **options
        )
        holes = chart(made(x, s, gone={(0, 3), (1, 3)}), centre=70, **options)
        one = chart(made(x, s, gone={(0, 3)}), centre=70, **options)
        for name in ("statistic", "limit_high", "signal"):
            known = np.asarray(whole.table[name], float)
            np.testing.assert_allclose(np.asarray(holes.table[name], float), known)
            np.testing.assert_allclose(
                np.asarray(one.table[name], float)[:7], known[:7]
            )


def test_a_unit_that_cannot_be_charted_says_why(rng):
    x, s = rng.normal(70, 1, (3, 6)), np.ones((3, 6))
    s[0] = np.nan
    s[1, :2] = 0.0
    found = chart(made(x, s), baseline=2, variation="total")
    first, second, third = (g for _, g in found.to_frame().groupby("shop"))
    assert (first["reason"] == "no standard error, so no limits").all()
    assert second["reason"].iloc[0] == "no standard error, so no limits"
    assert second["reason"].iloc[2] == "no usable wave in the baseline"
    assert (third["reason"] == "").all()
    assert third["limit_high"].notna().all()
    assert list(found.units["reason"])[2] == ""
    assert all(found.units["reason"][:2])
    lone = chart(made(x, 1.0), baseline=1, variation="total")
    assert "no moving range" in lone.table["reason"][0]
    assert lone.table["signal"].sum() == 0


def test_few_waves_are_told(rng):
    index = made(rng.normal(70, 1, (2, 30)), 1.0)
    said = str(chart(index, baseline=3))
    assert "rests on 3 waves" in said
    odds = 1 / (2 * norm.sf(3 / np.sqrt(1 + 1 / 3)))
    assert f"about 1 in {odds:.0f} signals, not 1 in 370" in said
    assert "rests on" not in str(chart(index, baseline=25))
    assert "draws towards itself" in str(chart(index))
    assert "by chance" in said


def test_the_centre_error_measured(rng):
    """What is told of later points: three waves of baseline, many units."""
    x = rng.normal(70, 1, (4000, 13))
    found = chart(made(x, 1.0), baseline=3)
    late = np.asarray(found.table["signal"]).reshape(4000, 13)[:, 3:]
    assert late.mean() == pytest.approx(2 * norm.sf(3 / np.sqrt(4 / 3)), abs=0.0015)


def test_on_the_shipped_survey(fit, airlines):
    levels = sat.index(fit, airlines, by=["company", "wave"])
    found = chart(levels, construct="Loyalty", baseline=["2025-1", "2025-2"])
    assert found.target == "Loyalty"
    assert found.baseline == ("2025-1", "2025-2")
    frame, rows = found.to_frame(), levels.of("Loyalty").to_frame()
    pd.testing.assert_series_equal(frame["estimate"], rows["estimate"])
    pd.testing.assert_series_equal(
        frame["statistic"], rows["estimate"], check_names=False
    )
    alone = chart(sat.index(fit, airlines, by="wave"))
    assert alone.units.names[0] == "waves"
    assert len(alone.units) == 1
    assert "Shewhart" in str(alone)


def test_levels_of_an_aggregate(rng):
    """Carried figures are no new points; the rest is charted with its errors."""
    names = [f"c{i}" for i in range(6)]
    sectors = ["a"] * 3 + ["b"] * 3
    members = pd.DataFrame(
        {"company": names, "sector": sectors, "revenue": 1.0, "gdp": 1.0}
    )
    rows = [
        {"company": name, "wave": t, "estimate": rng.normal(70, 1)}
        for t in range(6)
        for name, sector in zip(names, sectors, strict=True)
        if sector == "a" or t % 2 == 0
    ]
    figures = pd.DataFrame(rows).assign(std_error=1.0, n=250)
    whole = sat.indices.aggregate(
        *(figures, members), levels=["company", "sector"], over="wave", rolling=True
    )
    level = whole.of_level("sector")
    for method in ("shewhart", "ewma", "cusum"):
        found = chart(level, method=method)
        frame = found.to_frame()
        old = frame["reason"] == "carried from an earlier wave: no new point"
        assert list(frame.loc[old, "sector"]) == ["b"] * 3
        assert frame.loc[~old, "limit_high"].notna().all()
        assert list(found.units["waves"]) == [6, 3]
    nation = chart(whole.of_level("nation"), method="ewma").to_frame()
    assert nation["limit_high"].notna().all()
    assert (nation["sigma"] > 0).all()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"method": "ewmo"}, "unknown-option"),
        ({"variation": "all"}, "unknown-option"),
        ({"method": "ewma", "run_rules": True}, "contradiction"),
        ({"sigma": 2, "variation": "total"}, "contradiction"),
        ({"lam": 0}, "bad-lam"),
        ({"lam": 1.2}, "bad-lam"),
        ({"width": -3}, "bad-width"),
        ({"h": "five"}, "bad-h"),
        ({"sigma": 0}, "bad-sigma"),
        ({"centre": "high"}, "bad-centre"),
        ({"centre": {"s0": 70}}, "unit-without-number"),
        ({"centre": {"s0": 70, "s1": 70, "x1": 3}}, "unknown-unit"),
        ({"baseline": 9}, "unknown-wave"),
        ({"baseline": ["w009"]}, "unknown-wave"),
        ({"baseline": []}, "unknown-wave"),
        ({"baseline": 0}, "bad-count"),
        ({"over": "wav"}, "columns-not-found"),
        ({"construct": "Loyal"}, "unknown-construct"),
    ],
)
def test_wrong_input_is_answered(options, code):
    with pytest.raises(errors.SatmetricsError) as caught:
        chart(made(np.full((2, 4), 70.0), 1.0), **options)
    assert caught.value.code == code


def test_one_wave_is_no_chart():
    with pytest.raises(errors.DataError, match="one wave only"):
        chart(made(np.full((2, 1), 70.0), 1.0))
    with pytest.raises(errors.OptionError, match="needs an index"):
        chart([70, 71])


# Average run lengths: by integral equations here, by simulation of the charts.


def nodes(low, high, m=80):
    t, w = np.polynomial.legendre.leggauss(m)
    return (low + high) / 2 + (high - low) / 2 * t, (high - low) / 2 * w


def run_length_cusum(k, h):
    """Page's one-sided scheme: L(u) = 1 + L(0) Φ(k − u) + ∫ L(y) φ(y + k − u) dy."""
    y, w = nodes(0, h)
    at = np.concatenate([[0.0], y])
    A = np.column_stack(
        [norm.cdf(k - at), norm.pdf(y[None, :] + k - at[:, None]) * w[None, :]]
    )
    return np.linalg.solve(np.eye(len(at)) - A, np.ones(len(at)))[0]


def run_length_ewma(lam, width):
    """L(u) = 1 + ∫ L(y) φ((y − (1 − λ)u)/λ)/λ over fixed limits, from the centre."""
    limit = width * np.sqrt(lam / (2 - lam))
    y, w = nodes(-limit, limit, 81)
    A = norm.pdf((y[None, :] - (1 - lam) * y[:, None]) / lam) / lam * w[None, :]
    L = np.linalg.solve(np.eye(len(y)) - A, np.ones(len(y)))
    return L[40]


def test_published_run_lengths():
    """The design values of Lucas and Saccucci and of CUSUM tables are these."""
    assert run_length_cusum(0.5, 5) / 2 == pytest.approx(465, abs=1)
    assert run_length_ewma(0.2, 2.962) == pytest.approx(500, abs=1)


def simulated(signals, units, waves, seed=3):
    """Return the mean run length and its standard error."""
    z = np.random.default_rng(seed).normal(size=(units, waves))
    out = signals(z)
    assert out.any(axis=1).all(), "runs are longer than the series"
    runs = out.argmax(axis=1) + 1
    return runs.mean(), runs.std() / np.sqrt(units)


@pytest.mark.slow
def test_run_lengths_in_control():
    def cusum(z):
        sums = kernel.cusum(z, 0.5, 5, reset=False)
        return np.maximum(sums.high, sums.low) > 5

    def ewma(z):
        smooth = kernel.ewma(z, np.ones(z.shape), 0.2, None)
        return np.abs(smooth.value) > 2.962 * smooth.std_error

    known = {
        "shewhart": (lambda z: np.abs(z) > 3, 1 / (2 * norm.sf(3)), 0),
        "cusum": (cusum, run_length_cusum(0.5, 5) / 2, 0),
        # Limits that widen from the first wave on signal a little sooner.
        "ewma": (ewma, run_length_ewma(0.2, 2.962), 12),
    }
    for name, (signals, length, slack) in known.items():
        mean, error = simulated(signals, 3000, 6500)
        assert abs(mean - length) < 3.5 * error + slack, name
