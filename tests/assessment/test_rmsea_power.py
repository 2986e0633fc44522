"""Power by RMSEA against noncentral chi-squares of scipy, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, ncx2

import satmetrics as sat
from satmetrics import errors


def power_by_scipy(df, n, null, alternative):
    low, high = ((n - 1) * df * value**2 for value in (null, alternative))
    close = alternative > null
    tail = 0.95 if close else 0.05
    edge = ncx2.ppf(tail, df, low) if low else chi2.ppf(tail, df)
    below = ncx2.cdf(edge, df, high) if high else chi2.cdf(edge, df)
    return 1 - below if close else below


@pytest.mark.parametrize(
    ("null", "alternative"), [(0.05, 0.08), (0.05, 0.01), (0.0, 0.05), (0.05, 0.0)]
)
def test_power_of_a_sample(null, alternative):
    found = sat.assessment.rmsea_power(
        [5, 24, 215], n=250, null=null, alternative=alternative
    ).to_frame()
    known = [power_by_scipy(df, 250, null, alternative) for df in (5, 24, 215)]
    np.testing.assert_allclose(found["power"], known, rtol=1e-8)


@pytest.mark.parametrize(("null", "alternative"), [(0.05, 0.08), (0.05, 0.01)])
def test_the_fewest_respondents(null, alternative):
    frame = sat.assessment.rmsea_power(
        [5, 30, 100], power=0.8, null=null, alternative=alternative
    ).to_frame()
    for row in frame.itertuples():
        assert power_by_scipy(row.df, row.n, null, alternative) >= 0.8
        assert power_by_scipy(row.df, row.n - 1, null, alternative) < 0.8


def test_in_simulated_chi_squares():
    rng = np.random.default_rng(2)
    drawn = rng.noncentral_chisquare(24, 249 * 24 * 0.08**2, size=20_000)
    edge = ncx2.ppf(0.95, 24, 249 * 24 * 0.05**2)
    found = sat.assessment.rmsea_power(24, n=250).to_frame()["power"].item()
    assert found == pytest.approx((drawn > edge).mean(), abs=0.015)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "n-or-power"),
        ({"n": 200, "power": 0.8}, "n-or-power"),
        ({"n": 200, "null": 0.05, "alternative": 0.05}, "bad-rmsea"),
        ({"n": 200, "alternative": 1.2}, "bad-rmsea"),
        ({"power": 1.0}, "bad-power"),
        ({"power": 0.8, "null": 0.05, "alternative": 0.0500001}, "no-power"),
    ],
)
def test_wrong_input_is_answered(asked, code):
    with pytest.raises(errors.OptionError) as caught:
        sat.assessment.rmsea_power(24, **asked)
    assert caught.value.code == code
