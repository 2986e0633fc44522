"""Targets: verdicts by hand, limits against closed tests, shares in simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm

import satmetrics as sat
from satmetrics import errors
from satmetrics._frames import Table
from satmetrics.indices import _targets as kernel
from satmetrics.indices.index import IndexResult
from satmetrics.indices.joint import Joint

met = sat.indices.targets_met


def made(x, s, *, joint=None):
    """Return an index of units (rows) and waves (columns)."""
    x = np.asarray(x, float)
    u, t = np.indices(x.shape)
    columns = {
        "shop": [f"s{i}" for i in u.ravel()],
        "wave": [f"w{j}" for j in t.ravel()],
        "construct": ["Satisfaction"] * x.size,
        "n": np.full(x.size, 250),
        "estimate": x.ravel(),
        "std_error": np.broadcast_to(np.asarray(s, float), x.shape).ravel(),
        "conf_low": x.ravel(),
        "conf_high": x.ravel(),
        "reason": [""] * x.size,
    }
    table = Table.of(columns, keys=("shop", "wave"))
    return IndexResult(
        table, target="Satisfaction", metric="raw", by=("shop", "wave"), joint=joint
    )


def test_verdicts_by_hand(rng):
    x, s = rng.normal(75, 2, (9, 2)), rng.uniform(0.5, 2, (9, 2))
    found = met(made(x, s), target=75)
    z = (x - 75) / s
    word = np.where(z < -1.644854, "misses", "not decided")
    word = np.where(z > 1.644854, "meets", word)
    np.testing.assert_array_equal(found.units["verdict"], word.ravel())
    np.testing.assert_allclose(found.units["p_value"], norm.sf(np.abs(z)).ravel())
    for t, row in enumerate(found.table.rows()):
        assert row["wave"] == f"w{t}"
        assert row["reached"] == (x[:, t] >= 75).sum()
        assert row["estimate"] == pytest.approx((x[:, t] >= 75).mean())
        for name, said in (
            ("meets", "meets"),
            ("misses", "misses"),
            ("undecided", "not decided"),
        ):
            assert row[name] == (word[:, t] == said).sum()
        reach = norm.cdf(z[:, t])
        sd = np.sqrt((reach * (1 - reach)).sum()) / 9
        assert row["std_error"] == pytest.approx(sd)


def test_holm_agrees_with_statsmodels(rng):
    from statsmodels.stats.multitest import multipletests

    x = rng.normal(75, 2, (12, 3))
    found = met(made(x, 1.0), target=75, holm=True)
    p = norm.sf(np.abs(x - 75))
    adjusted = np.column_stack([multipletests(q, method="holm")[1] for q in p.T])
    np.testing.assert_allclose(found.units["p_holm"], adjusted.ravel())
    decided = found.units["verdict"] != "not decided"
    np.testing.assert_array_equal(decided, adjusted.ravel() <= 0.05)
    assert "p (Holm), adjusted within each group" in str(found)


def closed(p, alpha):
    """Return how many hypotheses are false by all intersections, one by one."""
    k, most_true = len(p), 0
    for size in range(1, k + 1):
        for part in itertools.combinations(p, size):
            simes = np.min(np.sort(part) * size / np.arange(1, size + 1))
            if simes > alpha:
                most_true = max(most_true, size)
    return k - most_true


def test_limits_are_those_of_closed_tests(rng):
    p = rng.uniform(0, 1, (60, 7)) ** rng.integers(1, 6, (60, 1))
    p[:20, 5:] = np.nan
    p[0] = np.nan
    for alpha in (0.025, 0.2):
        found = kernel.at_least_false(p, alpha)
        known = [closed(row[np.isfinite(row)], alpha) for row in p]
        np.testing.assert_array_equal(found, known)
    assert found.max() > 2


def test_limits_hold_the_share_of_verdicts(rng):
    x = rng.normal(75, 3, (40, 5))
    found = met(made(x, 1.0), target=75)
    table = found.table
    assert (table["conf_low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["conf_high"]).all()
    strict = met(made(x, 1.0), target=75, holm=True, level=0.975).table
    assert (table["conf_low"] >= strict["meets"] / 40).all()
    assert (table["conf_high"] <= 1 - strict["misses"] / 40).all()


def test_upside_down(rng):
    x, s = rng.normal(50, 2, (15, 2)), rng.uniform(0.5, 2, (15, 2))
    one, other = (
        met(made(x, s), target=51).table,
        met(made(100 - x, s), target=49).table,
    )
    np.testing.assert_allclose(one["estimate"], 1 - other["estimate"])
    np.testing.assert_allclose(one["conf_low"], 1 - other["conf_high"])
    np.testing.assert_allclose(one["corrected"], 1 - other["corrected"])
    np.testing.assert_array_equal(one["meets"], other["misses"])


def test_a_target_for_each_unit(rng):
    x = rng.normal(75, 2, (3, 2))
    aims = {"s0": 70, "s1": 75, "s2": 80}
    found = met(made(x, 1.0), target=aims)
    np.testing.assert_array_equal(found.units["target"], np.repeat([70, 75, 80], 2))
    with pytest.raises(errors.OptionError, match="did you mean 's2'"):
        met(made(x, 1.0), target={**aims, "s2x": 1})
    with pytest.raises(errors.OptionError) as caught:
        met(made(x, 1.0), target={"s0": 70})
    assert caught.value.code == "unit-without-number"


def test_groups_of_choice(rng):
    x = rng.normal(75, 2, (6, 4))
    whole = met(made(x, 1.0), target=75, by=[])
    assert len(whole.table) == 1
    assert whole.table["n"][0] == 24
    assert "units are counted once per wave" in str(whole)
    by_shop = met(made(x, 1.0), target=75, by="shop")
    assert list(by_shop.table["shop"]) == [f"s{i}" for i in range(6)]
    np.testing.assert_allclose(by_shop.table["estimate"], (x >= 75).mean(axis=1))
    with pytest.raises(errors.DataError, match="columns not found"):
        met(made(x, 1.0), target=75, by="industry")


def test_units_without_an_error_are_left_out_and_counted(rng):
    x, s = np.full((4, 2), 80.0), np.ones((4, 2))
    s[0, 0] = np.nan
    s[1, 0] = 0.0
    s[:, 1] = np.nan
    found = met(made(x, s), target=75)
    assert list(found.table["n"]) == [2, 0]
    assert list(found.table["reason"]) == ["", "no unit has an error"]
    assert np.isnan(found.table["estimate"][1])
    assert list(found.units["verdict"][:3]) == ["", "", ""]
    assert "1 rows: no unit has an error" in str(found)


def test_draws_carry_what_goes_together(rng):
    x = np.full((6, 1), 75.0)
    common = rng.normal(size=(4000, 1))
    joint = Joint.drawn(x.ravel(), x.ravel() + np.repeat(common, 6, axis=1))
    together = met(made(x, joint.std_error[:, None], joint=joint), target=75).table
    assert together["std_error"][0] == pytest.approx(0.5, abs=0.01)
    apart = met(made(x, 1.0), target=75).table
    assert apart["std_error"][0] == pytest.approx(0.5 / np.sqrt(6))


def test_shared_respondents_are_told():
    x = np.array([[70.0], [76.0]])
    joint = Joint(
        x.ravel(), np.ones(2), np.full(2, np.inf), np.array([[0, 1]]), np.array([0.5])
    )
    assert "errors of units independent" in str(
        met(made(x, 1.0, joint=joint), target=75)
    )


def test_on_the_shipped_survey(fit, airlines):
    levels = sat.index(fit, airlines, by=["company", "wave"])
    found = met(levels, target=70, construct="Loyalty")
    assert found.construct == "Loyalty"
    assert found.by == ("wave",)
    assert len(found.units) == 12
    alone = met(sat.index(fit, airlines, by="company"), target=70)
    assert len(alone.table) == 1
    with pytest.raises(errors.OptionError, match="needs an index"):
        met(75, target=75)
    with pytest.raises(errors.OptionError, match="is not a number"):
        met(levels, target="high")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean", "spread"),
    [(75.0, 0.0), (74.0, 0.0), (73.0, 1.0), (75.0, 3.0), (78.0, 4.0)],
)
def test_shares_in_simulation(mean, spread):
    """Limits hold the true share; noise inflates the plain share, not the corrected."""
    rng = np.random.default_rng(11)
    K, G = 40, 2000
    true = mean + spread * norm.ppf((np.arange(K) + 0.5) / K)
    s = rng.uniform(0.6, 1.4, (G, K))
    d = true - 75 + s * rng.normal(size=(G, K))
    found = kernel.shares(d, s, norm.sf(d / s), 0.95)
    share = (true >= 75).mean()
    inside = (found.low <= share) & (share <= found.high)
    assert inside.mean() > 0.945
    if mean == 73:
        assert found.estimate.mean() > share + 0.04
        assert found.corrected.mean() == pytest.approx(share, abs=0.01)
    if spread:
        assert found.corrected.mean() == pytest.approx(share, abs=0.015)


@pytest.mark.slow
def test_no_verdict_of_a_group_is_wrong():
    """Half of the units on the target (a miss is wrong), half well above."""
    from satmetrics.inference._tests import holm

    rng = np.random.default_rng(5)
    z = rng.normal(size=(20_000, 10)) + np.repeat([0.0, 5.0], 5)
    adjusted = holm(norm.sf(np.abs(z)))
    wrong = ((adjusted <= 0.05) & (z < 0)).any(axis=1).mean()
    assert wrong < 0.055
