"""CVPAT recomputed from the losses, and between models."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

import satmetrics as sat
from satmetrics import errors

cvpat, predict = sat.assessment.cvpat, sat.assessment.predict


@pytest.fixture(scope="module")
def ecsi(mobi):
    return predict(sat.pls("ecsi", mobi), mobi, folds=10, repeats=3, rng=1)


@pytest.fixture(scope="module")
def shorter(mobi):
    """ECSI without two of the paths to Loyalty."""
    spec = sat.models.load("ecsi")
    paths = tuple(
        p
        for p in spec.paths
        if (p.source, p.target) not in {("Image", "Loyalty"), ("Complaints", "Loyalty")}
    )
    fit = sat.pls(dataclasses.replace(spec, name="shorter", paths=paths), mobi)
    return predict(fit, mobi, folds=10, repeats=3, rng=1)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize(("against", "k"), [("lm", 1), ("average", 2)])
def test_paired_t_test_of_the_losses(ecsi, against, k, alternative):
    table = cvpat(ecsi, against, alternative=alternative, level=0.9).to_frame()
    owner = np.array(ecsi.constructs)
    for row in table.itertuples():
        own = owner == row.construct if row.construct else np.ones(len(owner), bool)
        one = ecsi.losses[0][:, own].mean(axis=1)
        other = ecsi.losses[k][:, own].mean(axis=1)
        test = stats.ttest_rel(one, other, alternative=alternative)
        low, high = stats.ttest_rel(one, other).confidence_interval(0.9)
        assert row.n == 250
        np.testing.assert_allclose(row.estimate, (one - other).mean())
        np.testing.assert_allclose(row.statistic, test.statistic)
        np.testing.assert_allclose(row.p_value, test.pvalue)
        np.testing.assert_allclose([row.conf_low, row.conf_high], [low, high])
        np.testing.assert_allclose(
            [row.loss, row.loss_other], [one.mean(), other.mean()]
        )
    assert table["level"].tolist()[-2:] == ["construct", "overall"]


def test_two_models(ecsi, shorter):
    table = cvpat(shorter, ecsi, alternative="less").to_frame().set_index("construct")
    d = (shorter.losses[0] - ecsi.losses[0]).mean(axis=1)
    np.testing.assert_allclose(
        table.loc["", "p_value"], stats.ttest_1samp(d, 0, alternative="less").pvalue
    )
    back = cvpat(ecsi, shorter).to_frame().set_index("construct")
    np.testing.assert_allclose(back["estimate"], -table["estimate"])
    only = cvpat(shorter, ecsi, constructs="Loyalty").to_frame()
    assert only["construct"].tolist() == ["Loyalty", ""]
    np.testing.assert_allclose(only["estimate"], table.loc["Loyalty", "estimate"])


def test_common_indicators_only(ecsi, mobi):
    spec = sat.models.load("ecsi")
    small = dataclasses.replace(
        spec,
        name="small",
        constructs=tuple(c for c in spec.constructs if c.name != "Complaints"),
        paths=tuple(p for p in spec.paths if "Complaints" not in (p.source, p.target)),
    )
    other = predict(sat.pls(small, mobi), mobi, folds=10, repeats=3, rng=1)
    found = cvpat(ecsi, other)
    assert "CUSCO" not in found.indicators
    assert len(found.indicators) == 18
    assert "Complaints" not in set(found.to_frame()["construct"])


def test_weights(mobi):
    w = np.random.default_rng(1).uniform(0.2, 3, size=250)
    frame = mobi.assign(w=w)
    found = predict(
        sat.pls("ecsi", frame, weights="w"), frame, folds=5, repeats=2, rng=1
    )
    row = cvpat(found).to_frame().iloc[-1]
    d = (found.losses[0] - found.losses[2]).mean(axis=1)
    mean = np.average(d, weights=w)
    influence = w * (d - mean) / w.sum()
    np.testing.assert_allclose(row["estimate"], mean)
    np.testing.assert_allclose(
        row["std_error"], np.sqrt(250 / 249 * (influence**2).sum())
    )


def test_clusters(mobi):
    shop = np.repeat(np.arange(50), 5)
    survey = sat.Survey(mobi.assign(shop=[f"s{k}" for k in shop]), cluster="shop")
    found = predict(sat.pls("ecsi", survey), survey, folds=5, repeats=2, rng=1)
    row = cvpat(found).to_frame().iloc[-1]
    d = (found.losses[0] - found.losses[2]).mean(axis=1).reshape(50, 5).mean(axis=1)
    test = stats.ttest_1samp(d, 0)
    np.testing.assert_allclose([row["statistic"], row["p_value"]], [*test])


def test_a_model_against_itself_has_no_t(ecsi):
    table = cvpat(ecsi, ecsi).to_frame()
    assert (table["estimate"] == 0).all()
    assert table["statistic"].isna().all()
    assert table["p_value"].isna().all()


def test_wrong_comparisons(ecsi, mobi):
    fit = sat.pls("ecsi", mobi)
    with pytest.raises(errors.DataError, match="other folds"):
        cvpat(ecsi, predict(fit, mobi, folds=10, repeats=3, rng=2))
    part = mobi.iloc[:200]
    with pytest.raises(errors.DataError, match="250 respondents and the other of 200"):
        cvpat(ecsi, predict(sat.pls("ecsi", part), part, rng=1))
    with pytest.raises(errors.OptionError, match="'lm', 'average'"):
        cvpat(ecsi, "mean")
    with pytest.raises(errors.DataError, match="did you mean 'Loyalty'"):
        cvpat(ecsi, constructs=["loyalty"])
    with pytest.raises(errors.OptionError, match="needs a prediction"):
        cvpat(fit, "lm")
    with pytest.raises(errors.OptionError, match="alternative='lower'"):
        cvpat(ecsi, alternative="lower")
    with pytest.raises(errors.OptionError, match=r"level=0\.95"):
        cvpat(ecsi, level=0.05)
