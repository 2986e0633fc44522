"""Agreement within units: analysis of variance, r_wg, and what is counted."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.formula.api import ols

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _agreement as kernel

RNG = np.random.default_rng(5)


def answers(sizes=(3, 8, 5, 12, 1, 6), J=3, spread=0.8, seed=5):
    rng = np.random.default_rng(seed)
    unit = np.repeat([f"u{k}" for k in range(len(sizes))], sizes)
    level = np.repeat(rng.normal(4, spread, len(sizes)), sizes)
    X = np.clip(np.round(level[:, None] + rng.normal(0, 1, (len(unit), J))), 1, 7)
    return pd.DataFrame(X, columns=[f"q{j}" for j in range(J)]).assign(unit=unit)


def row(result, term, **where):
    return next(result.table.where(term=term, **where).rows())


def test_icc_is_that_of_the_analysis_of_variance():
    frame = answers()
    found = sat.quality.agreement(frame, ["q0"], scale=(1, 7))
    table = sm.stats.anova_lm(ols("q0 ~ C(unit)", frame).fit())
    B, W = table["mean_sq"]
    n = frame.groupby("unit").size().to_numpy()
    k0 = (n.sum() - (n**2).sum() / n.sum()) / (len(n) - 1)
    one, two = row(found, "icc1"), row(found, "icc2")
    assert one["estimate"] == pytest.approx((B - W) / (B + (k0 - 1) * W))
    assert two["estimate"] == pytest.approx((B - W) / B)
    assert one["statistic"] == pytest.approx(table["F"].iloc[0])
    assert one["p_value"] == pytest.approx(table["PR(>F)"].iloc[0])
    assert one["k0"] == pytest.approx(k0)
    deff = 1 + ((n**2).sum() / n.sum() - 1) * one["estimate"]
    assert row(found, "design_effect")["estimate"] == pytest.approx(deff)
    assert row(found, "variance_within")["estimate"] == pytest.approx(W)
    assert row(found, "variance_between")["estimate"] == pytest.approx((B - W) / k0)


def test_icc2_is_icc1_stepped_up_to_the_size_of_a_unit():
    found = sat.quality.agreement(answers(), {"all": ["q0", "q1", "q2"]})
    r, k = row(found, "icc1")["estimate"], row(found, "icc1")["k0"]
    stepped = k * r / (1 + (k - 1) * r)
    assert row(found, "icc2")["estimate"] == pytest.approx(stepped)
    for end in ("conf_low", "conf_high"):
        r = row(found, "icc1")[end]
        assert row(found, "icc2")[end] == pytest.approx(k * r / (1 + (k - 1) * r))


def test_limits_give_back_the_level_of_the_f_distribution():
    """At its lower limit ICC(1) = ρ, F/(1 + k ρ/(1 − ρ)) is the upper quantile."""
    from scipy.stats import f

    found = sat.quality.agreement(answers((6,) * 8), ["q0"], level=0.9)
    one = row(found, "icc1")
    for end, tail in (("conf_low", 0.95), ("conf_high", 0.05)):
        rho = one[end]
        scaled = one["statistic"] / (1 + 6 * rho / (1 - rho))
        assert f.cdf(scaled, 7, 40) == pytest.approx(tail)


def test_perfect_agreement_is_one_and_chance_is_zero():
    same = pd.DataFrame({"unit": ["a"] * 3 + ["b"] * 3, "q": [5] * 3 + [2] * 3})
    found = sat.quality.agreement(same, ["q"], scale=(1, 7))
    assert found.table.where(term="r_wg")["estimate"].tolist() == [1, 1]
    assert row(found, "share_r_wg")["estimate"] == 1
    # Every point of the scale equally often: s² = σ² (n/(n − 1)), hence out of range.
    chance = np.tile(np.arange(1, 8), 2)
    frame = pd.DataFrame({"unit": np.repeat(["a", "b"], 7), "q": chance})
    found = sat.quality.agreement(frame, ["q"], scale=(1, 7))
    assert found.table.where(term="r_wg")["estimate"].tolist() == [0, 0]
    assert row(found, "out_of_range")["estimate"] == 1
    assert any("out of range" in note for note in found.context.notes)
    many = pd.DataFrame(
        {"unit": np.repeat(["a", "b"], 7000), "q": np.tile(chance, 1000)}
    )
    index, _, ratio = kernel.r_wg(
        many[["q"]].to_numpy(float), np.repeat([0, 1], 7000), 2, np.array([4.0])
    )
    assert ratio == pytest.approx(1, abs=2e-4)
    assert index == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("null", ["uniform", "slight skew", 2.5])
def test_r_wg_by_hand(null):
    frame = answers()
    found = sat.quality.agreement(
        frame, {"all": ["q0", "q1", "q2"]}, scale=(1, 7), null=null
    )
    sigma2 = {"uniform": 4.0, "slight skew": 2.90}.get(null, null)
    for unit, part in frame.groupby("unit"):
        got = next(found.table.where(term="r_wg", unit=unit).rows())
        if len(part) == 1:
            assert np.isnan(got["estimate"])
            assert got["reason"] == "one respondent"
            continue
        share = part[["q0", "q1", "q2"]].var().mean() / sigma2
        a = 3 * (1 - share)
        expected = max(a / (a + share), 0) if share <= 1 else 0
        assert got["estimate"] == pytest.approx(expected)
        assert got["n"] == len(part)
    own = found.table.where(term="r_wg")["estimate"].astype(float)
    shares = row(found, "share_r_wg")["estimate"]
    assert shares == pytest.approx(np.mean(own[np.isfinite(own)] >= 0.7))


def test_missing_answers_count_and_order_and_library_do_not_matter():
    frame = answers()
    frame.loc[[2, 9], "q1"] = np.nan
    scores = {"all": ["q0", "q1", "q2"]}
    found = sat.quality.agreement(frame, scores, scale=(1, 7))
    assert sum(e.n for e in found.context.exclusions) == 2
    mixed = frame.sample(frac=1, random_state=1)
    for other in (mixed, pl.from_pandas(frame), pl.from_pandas(mixed).to_arrow()):
        again = sat.quality.agreement(other, scores, scale=(1, 7))
        pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())
    by_hand = frame[["q0", "q1", "q2"]].mean(axis=1)
    table = sm.stats.anova_lm(ols("y ~ C(unit)", frame.assign(y=by_hand)).fit())
    assert row(found, "icc1")["statistic"] == pytest.approx(table["F"].iloc[0])


def test_forms_of_a_survey_and_gaps():
    bank = sat.datasets.load("bank_servqual")
    seen = sat.quality.agreement(bank, "perception")
    frame = bank.frame
    y = bank.answers(["p_tan1", "p_tan2", "p_tan3", "p_tan4"])
    y = pd.DataFrame(y).mean(axis=1).to_numpy()
    table = sm.stats.anova_lm(
        ols("y ~ C(branch)", pd.DataFrame({"y": y, "branch": frame["branch"]})).fit()
    )
    own = row(seen, "icc1", dimension="tangibles")
    assert own["statistic"] == pytest.approx(table["F"].iloc[0])
    assert "sampling weights are not used" in str(seen)
    gap = sat.quality.agreement(bank, "gap")
    assert np.isnan(row(gap, "mean_r_wg")["estimate"])
    assert "no distribution of chance" in str(gap)


def test_bootstrap_over_units_is_seeded_and_recomputed():
    frame = answers((5,) * 12)
    kwargs = {"interval": "bootstrap", "n_draws": 300, "rng": 3}
    found = sat.quality.agreement(frame, ["q0"], **kwargs)
    again = sat.quality.agreement(frame, ["q0"], **kwargs)
    pd.testing.assert_frame_equal(found.to_frame(), again.to_frame())
    from satmetrics.inference._resample import bootstrap_counts

    counts = np.vstack(list(bootstrap_counts(12, 300, 3)))
    by_unit = dict(list(frame.groupby("unit")))
    names = sorted(by_unit)
    draws = []
    for c in counts[:20].astype(int):
        parts = [
            by_unit[name].assign(unit=f"{name}.{i}")
            for name, k in zip(names, c, strict=True)
            for i in range(k)
        ]
        table = sm.stats.anova_lm(ols("q0 ~ C(unit)", pd.concat(parts)).fit())
        B, W = table["mean_sq"]
        draws.append((B - W) / (B + 4 * W))
    sums = kernel.unit_sums(
        frame[["q0"]].to_numpy(float), np.repeat(np.arange(12), 5), 12
    )
    # Names sort as u0, u1, u10, u11 …: draw by name, not by position.
    order = [int(name[1:]) for name in names]
    at = np.empty_like(counts[:20])
    at[:, order] = counts[:20]
    one, _ = kernel.drawn_variation(sums, iter([at]))
    assert one[:, 0] == pytest.approx(draws)
    assert row(found, "icc1")["std_error"] > 0


def test_unsuitable_input_is_named():
    frame = answers()
    with pytest.raises(DataError, match="did you mean 'q0'"):
        sat.quality.agreement(frame, ["q_0"])
    with pytest.raises(DataError, match="1 unit only"):
        sat.quality.agreement(frame.assign(unit="all"), ["q0"])
    with pytest.raises(OptionError, match="distribution of chance"):
        sat.quality.agreement(frame, ["q0"], null=-1)
    with pytest.raises(OptionError, match="not an option"):
        sat.quality.agreement(frame, ["q0"], null="normal")
    with pytest.raises(OptionError, match="which scores"):
        sat.quality.agreement(frame)
    with pytest.raises(OptionError, match="has 2 forms"):
        sat.quality.agreement(sat.datasets.load("bank_servqual"))
    with pytest.raises(DataError, match="no columns"):
        sat.quality.agreement(frame, {"a": []})
    absent = sat.quality.agreement(frame, ["q0"])
    assert np.isnan(row(absent, "mean_r_wg")["estimate"])
    assert "give scale=" in str(absent)


def test_what_is_undefined_is_absent_with_a_reason():
    frame = pd.DataFrame({"unit": [1, 1, 2, 2, 3, 3], "same": 4.0, "lone": np.nan})
    frame.loc[[0, 2, 4], "lone"] = [1.0, 2.0, 3.0]
    found = sat.quality.agreement(frame, ["same", "lone"], scale=(1, 7))
    one = found.table.where(term="icc1")
    assert np.isnan(one["estimate"]).all()
    assert set(one["reason"]) == {"too few answers, no variance or no scale"}
    frame["apart"] = [1, 1, 2, 2, 3, 3]
    drawn = sat.quality.agreement(
        frame, ["apart"], interval="bootstrap", n_draws=200, rng=1
    )
    assert row(drawn, "icc1")["estimate"] == 1
    # All three units drawn the same (one resample in nine): nothing to compare.
    assert 8 < drawn.failures[0][1] < 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "low"), [((8,) * 30, 0.93), ((3, 6, 12, 20) * 8, 0.90)]
)
def test_limits_of_icc_cover_as_often_as_they_say(sizes, low):
    """ρ = 0.2; exact for equal sizes, measured for unequal ones."""
    rng = np.random.default_rng(11)
    G, n, reps = len(sizes), sum(sizes), 2000
    codes = np.repeat(np.arange(G), sizes)
    Y = np.sqrt(0.2) * rng.normal(size=(G, reps))[codes]
    Y = Y + np.sqrt(0.8) * rng.normal(size=(n, reps))
    v = kernel.variation(kernel.unit_sums(Y, codes, G))
    lower, upper = kernel.f_limits(v, 0.95).icc1
    share = np.mean((lower <= 0.2) & (upper >= 0.2))
    assert low < share < 0.97, share
