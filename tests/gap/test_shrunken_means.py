"""Figures of small units: what shrinkage must be, and how often its limits hold."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

import satmetrics as sat
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five import _shrinkage as kernel


def respondents(sizes, tau=0.5, sigma=1.0, seed=1):
    rng = np.random.default_rng(seed)
    unit = np.repeat([f"u{k:02d}" for k in range(len(sizes))], sizes)
    level = np.repeat(rng.normal(5, tau, len(sizes)), sizes)
    return pd.DataFrame({"unit": unit, "q": level + rng.normal(0, sigma, len(unit))})


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ModelWarning")
def test_equal_sizes_are_the_blups_of_a_mixed_model():
    frame = respondents((6,) * 15, tau=0.8)
    found = sat.quality.shrunken_means(frame, ["q"]).to_frame()
    model = MixedLM(frame["q"], np.ones(len(frame)), groups=frame["unit"])
    fit = model.fit(reml=True)
    mean = float(np.asarray(fit.fe_params)[0])
    blups = {u: mean + float(np.asarray(e)[0]) for u, e in fit.random_effects.items()}
    expected = [blups[u] for u in found["unit"]]
    assert found["estimate"].to_numpy() == pytest.approx(expected, abs=2e-4)
    assert found["tau2"][0] == pytest.approx(np.asarray(fit.cov_re)[0, 0], rel=2e-3)


def test_unequal_sizes_are_the_blups_at_the_same_variances():
    frame = respondents((2, 3, 30, 8, 5, 12, 4, 9, 1, 6))
    found = sat.quality.shrunken_means(frame, ["q"]).to_frame()
    groups = frame.groupby("unit")["q"]
    n = groups.size().to_numpy()
    resid = frame["q"] - groups.transform("mean")
    sigma2 = (resid**2).sum() / (len(frame) - len(n))
    tau2 = found["tau2"][0]
    # Henderson's equations, written with matrices of respondents.
    Z = pd.get_dummies(frame["unit"]).to_numpy(float)
    V = tau2 * Z @ Z.T + sigma2 * np.eye(len(frame))
    one, y = np.ones(len(frame)), frame["q"].to_numpy()
    mu = one @ np.linalg.solve(V, y) / (one @ np.linalg.solve(V, one))
    blup = mu + tau2 * Z.T @ np.linalg.solve(V, y - mu)
    assert found["estimate"].to_numpy() == pytest.approx(blup)
    assert found["mean"][0] == pytest.approx(mu)
    w = tau2 / (tau2 + sigma2 / n)
    assert found["weight"].to_numpy() == pytest.approx(w)


def test_tau2_makes_the_generalised_q_equal_its_degrees_of_freedom():
    rng = np.random.default_rng(2)
    v = rng.uniform(0.05, 0.4, (3, 12))
    y = rng.normal(0, 0.7, (3, 12)) + rng.normal(0, 1, (3, 12)) * np.sqrt(v)
    y[1, 4] = np.nan
    tau2 = kernel.paule_mandel(y, v)
    for q in range(3):
        keep = np.isfinite(y[q])
        w = 1 / (v[q, keep] + tau2[q])
        mu = np.average(y[q, keep], weights=w)
        assert (w * (y[q, keep] - mu) ** 2).sum() == pytest.approx(keep.sum() - 1)
    equal = kernel.paule_mandel(y[[0]], np.full((1, 12), 0.2))
    assert equal[0] == pytest.approx(max(y[0].var(ddof=1) - 0.2, 0))


def test_units_alike_shrink_to_the_mean_and_large_ones_not_at_all():
    y = np.array([[1.0, 1.01, 0.99, 1.0, 1.0]])
    found = kernel.shrink(y, np.full((1, 5), 0.5))
    assert found.tau2[0] == 0
    assert found.estimate[0] == pytest.approx(1.0)
    y = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]])
    gaps = [
        np.abs(kernel.shrink(y, np.full((1, 5), 1 / n)).estimate - y).max()
        for n in (1, 10, 100, 1e6)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-5


def test_errors_for_equal_variances_by_hand():
    """k units, variance V each, B the shrinkage times (k − 3)/(k − 1)."""
    y = np.array([[0.1, 0.9, 2.3, 3.1, 1.4, 2.2, 0.4]])
    V, k = 0.5, 7
    found = kernel.shrink(y, np.full((1, k), V))
    mean, A = y.mean(), y[0].var(ddof=1) - V
    B = (k - 3) / (k - 1) * V / (V + A)
    s2 = V * (1 - B) + B**2 * (V + A) / k + 2 / (k - 3) * B**2 * (y[0] - mean) ** 2
    assert found.std_error[0] ** 2 == pytest.approx(s2)


def test_lone_respondents_take_the_pooled_variance():
    frame = respondents((1, 4, 6, 1, 9, 5))
    own = sat.quality.shrunken_means(frame, ["q"], within="own")
    pooled = sat.quality.shrunken_means(frame, ["q"])
    assert any("2 figures of units with one respondent" in n for n in own.context.notes)
    lone = own.to_frame()["n"] == 1
    assert own.to_frame()["estimate"][lone].notna().all()
    assert own.to_frame()["raw_std_error"][lone].isna().all()
    assert not pooled.to_frame().equals(own.to_frame())


def test_figures_that_exist_already():
    bank = sat.datasets.load("bank_servqual")
    gaps = sat.gaps(bank, by="unit")
    found = sat.quality.shrunken_means(gaps, within="own")
    frame, own = found.to_frame(), gaps.to_frame()
    assert len(frame) == len(own)
    key = ["branch", "level", "dimension", "item", "variant"]
    both = frame.merge(own, on=key, suffixes=("", "_own"))
    assert both["raw"].to_numpy() == pytest.approx(both["estimate_own"].to_numpy())
    rel = both[(both["level"] == "dimension") & (both["dimension"] == "reliability")]
    y, v = rel["estimate_own"].to_numpy(), rel["std_error_own"].to_numpy() ** 2
    kernel_way = kernel.shrink(y[None], v[None]).estimate[0]
    assert rel["estimate"].to_numpy() == pytest.approx(kernel_way)
    # Rows in another order give the same figures.
    mixed = own.sample(frac=1, random_state=3)
    again = sat.quality.shrunken_means(mixed, by="branch", within="own").to_frame()
    again = both[key].merge(again, on=key)
    assert again["estimate"].to_numpy() == pytest.approx(both["estimate"].to_numpy())


def test_weights_count_as_effective_respondents():
    frame = respondents((6,) * 8)
    frame["w"] = np.where(np.arange(len(frame)) % 2, 3.0, 1.0)
    found = sat.quality.shrunken_means(
        sat.Survey(frame, unit="unit", weight="w"), ["q"]
    )
    means = frame.groupby("unit").apply(
        lambda g: np.average(g["q"], weights=g["w"]), include_groups=False
    )
    assert found.to_frame()["raw"].to_numpy() == pytest.approx(means.to_numpy())


def test_unsuitable_input_is_named():
    frame = pd.DataFrame({"unit": list("abc"), "estimate": 1.0, "std_error": 0.1})
    with pytest.raises(DataError, match="needs 4 units"):
        sat.quality.shrunken_means(frame)
    lone = pd.DataFrame({"unit": list("abcdef"), "q": [1, 4, 2, 5, 3, 2]})
    with pytest.raises(DataError, match="0 units have an estimate and an error"):
        sat.quality.shrunken_means(lone, ["q"])
    twice = pd.concat([frame, frame])
    with pytest.raises(DataError, match="more than one row"):
        sat.quality.shrunken_means(twice)
    with pytest.raises(DataError, match="no estimate"):
        sat.quality.shrunken_means(sat.assessment.guidance())
    with pytest.raises(DataError, match="all units together"):
        sat.quality.shrunken_means(sat.gaps(sat.datasets.load("bank_servqual")))
    with pytest.raises(OptionError, match="within"):
        sat.quality.shrunken_means(frame, within="none")
    more = pd.DataFrame(
        {
            "unit": list("abcde"),
            "estimate": [1, 2, 3, 4, 5],
            "std_error": [1, 1, 1, 1, 0],
        }
    )
    found = sat.quality.shrunken_means(more)
    assert found.to_frame()["reason"].tolist()[-1] == "no sampling variance"
    assert sum(e.n for e in found.context.exclusions) == 1
    assert "n of 4 figures is not known" in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("units", [10, 30])
@pytest.mark.parametrize("tau", [0.3, 0.8])
def test_intervals_cover_as_often_as_they_say(units, tau):
    """Units of 3 to 20 respondents, σ = 1: coverage over all units together."""
    rng = np.random.default_rng(4)
    n = np.tile([3, 5, 8, 12, 20], units // 5)
    theta = tau * rng.normal(size=(4000, units))
    v = np.broadcast_to(1 / n, theta.shape)
    y = theta + rng.normal(size=theta.shape) * np.sqrt(v)
    found = kernel.shrink(y, v)
    inside = np.abs(found.estimate - theta) <= 1.959964 * found.std_error
    assert 0.93 < inside.mean() < 0.97, inside.mean()
    assert ((found.estimate - theta) ** 2).mean() < ((y - theta) ** 2).mean()


def test_an_error_is_not_negative():
    frame = pd.DataFrame(
        {"unit": list("abcde"), "estimate": range(5), "std_error": [1, 1, -1.0, 1, 1]}
    )
    with pytest.raises(DataError, match="std_error' holds -1"):
        sat.quality.shrunken_means(frame)
