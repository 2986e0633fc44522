"""Information criteria against cSEM and seminr, and by maximum likelihood."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import satmetrics as sat
from satmetrics import errors

TIGHT = sat.PlsOptions(tol=1e-12)


def reduced(dropped):
    ecsi = sat.models.load("ecsi")
    paths = tuple(p for p in ecsi.paths if (p.source, p.target) not in dropped)
    return dataclasses.replace(ecsi, paths=paths, status="own")


@pytest.fixture(scope="module")
def fits(mobi):
    return {
        "full": sat.pls("ecsi", mobi, TIGHT),
        "no image": sat.pls(reduced([("Image", "Satisfaction")]), mobi, TIGHT),
        "no value": sat.pls(reduced([("Value", "Satisfaction")]), mobi, TIGHT),
    }


def of(frame, term, name="full"):
    return frame.query("term == @term and name == @name")["estimate"].item()


@pytest.mark.parametrize("target", ["Satisfaction", "Loyalty", "Value"])
def test_csem_criteria(target, fits, reference):
    """All but GM, where cSEM takes the MSE of a saturated model it fits itself."""
    known = reference("ecsi_assess_csem")["path_A"]
    frame = sat.assessment.compare_models(fits, target).to_frame()
    words = {"AIC": "aic", "AICc": "aicc", "AICu": "aicu", "BIC": "bic"}
    words |= {"HQ": "hq", "HQc": "hqc", "FPE": "fpe"}
    for theirs, ours in words.items():
        expected = known[theirs][target]
        assert of(frame, ours) == pytest.approx(expected, rel=1e-9), ours


@pytest.mark.parametrize("kind", ["composite", "factor"])
def test_seminr_aic_and_bic_with_and_without_correction(kind, mobi, reference):
    """seminr's criteria are of the composites, also with consistent PLS."""
    known = reference("ecsi_assess_seminr")["path_A"]
    ecsi = sat.models.load("ecsi")
    constructs = tuple(
        dataclasses.replace(c, kind=kind if c.name == "Value" else c.kind)
        for c in ecsi.constructs
    )
    fit = sat.pls(dataclasses.replace(ecsi, constructs=constructs), mobi, TIGHT)
    pair = {"one": fit, "same": fit}
    for target in ("Satisfaction", "Value", "Quality"):
        frame = sat.assessment.compare_models(pair, target).to_frame()
        for term in ("AIC", "BIC"):
            ours = of(frame, term.lower(), "one")
            assert ours == pytest.approx(known[term][target], rel=1e-9)
        weights = frame.query("term == 'bic'")["weight"]
        np.testing.assert_allclose(weights, 0.5)


def test_differences_are_those_of_ols(fits, mobi):
    linear = pytest.importorskip("statsmodels.regression.linear_model")
    frame = sat.assessment.compare_models(fits, "Satisfaction").to_frame()
    found, sources = {}, {}
    for name, fit in fits.items():
        scores = fit.scores(mobi)
        paths = fit.paths().query("target == 'Satisfaction'")["source"]
        X = np.column_stack([np.ones(250), scores[list(paths)]])
        found[name] = linear.OLS(scores["Satisfaction"].to_numpy(), X).fit()
        sources[name] = len(paths)
    for term in ("aic", "bic"):
        ours = of(frame, term) - of(frame, term, "no image")
        theirs = getattr(found["full"], term) - getattr(found["no image"], term)
        assert ours == pytest.approx(theirs, rel=1e-9)
    rows = frame.query("term == 'gm'").set_index("name")
    mse = found["full"].ssr / (250 - 5)
    for name, ols in found.items():
        expected = ols.ssr / mse + (sources[name] + 1) * np.log(250)
        assert rows.loc[name, "estimate"] == pytest.approx(expected, rel=1e-9)
        assert rows.loc[name, "predictors"] == sources[name]


def test_weights_are_akaikes(fits):
    frame = sat.assessment.compare_models(fits, "Satisfaction").to_frame()
    rows = frame.query("term == 'aic'")
    delta = rows["estimate"] - rows["estimate"].min()
    np.testing.assert_allclose(rows["delta"], delta)
    expected = np.exp(-delta / 2) / np.exp(-delta / 2).sum()
    np.testing.assert_allclose(rows["weight"], expected)
    assert rows["weight"].sum() == pytest.approx(1)
    assert frame.query("term == 'gm'")["weight"].isna().all()
    text = str(sat.assessment.compare_models(fits, "Satisfaction"))
    assert "Akaike weight" in text
    assert text.index("full") < text.index("no value")


def test_what_cannot_be_compared_is_named(fits, mobi):
    compare = sat.assessment.compare_models
    with pytest.raises(errors.OptionError, match="two fits"):
        compare({"a": fits["full"]}, "Satisfaction")
    with pytest.raises(errors.OptionError, match="a list as models=; give a dict"):
        compare([fits["full"], fits["full"]], "Satisfaction")
    with pytest.raises(errors.SpecificationError, match="no predecessors"):
        compare(fits, "Image")
    with pytest.raises(errors.SpecificationError, match="'Satisfaction'"):
        compare(fits, "Satisfction")
    other = sat.pls("ecsi", mobi.head(249))
    with pytest.raises(errors.DataError, match="249 and 250"):
        compare({"a": fits["full"], "b": other}, "Satisfaction")
    moved = mobi["CUSA1"].clip(upper=9)
    shuffled = sat.pls("ecsi", mobi.assign(CUSA1=moved))
    with pytest.raises(errors.DataError, match="not fits of the same"):
        compare({"a": fits["full"], "b": shuffled}, "Satisfaction")
    batch = sat.pls("ecsi", mobi.assign(g=np.arange(250) % 2), by="g")
    with pytest.raises(errors.OptionError, match="one group at a time"):
        compare({"a": fits["full"], "b": batch}, "Satisfaction")
    fewer = sat.models.load("ecsi")
    fewer = dataclasses.replace(
        fewer,
        constructs=tuple(
            dataclasses.replace(c, indicators=c.indicators[:2], labels=())
            if c.name == "Satisfaction"
            else c
            for c in fewer.constructs
        ),
    )
    small = sat.pls(fewer, mobi)
    with pytest.raises(errors.DataError, match="other indicators"):
        compare({"a": fits["full"], "b": small}, "Satisfaction")


def test_the_target_of_the_models_is_the_default(fits, mobi):
    found = sat.assessment.compare_models(fits)
    assert set(found.table["target"]) == {"Satisfaction"}
    bare = {
        name: sat.pls(dataclasses.replace(fit.model, target=None), mobi)
        for name, fit in fits.items()
    }
    with pytest.raises(errors.SpecificationError, match="no common target"):
        sat.assessment.compare_models(bare)
