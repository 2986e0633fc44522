"""Blindfolding against the procedure done on rows, one frame a round."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors


def by_hand(model, data, target, distance, options):
    """Fill, fit and predict one block round by round, on standardised rows."""
    whole = (data - data.mean()) / data.std(ddof=0)
    items = list(model.construct(target).indicators)
    n, k = len(data), len(items)
    error = np.zeros(k)
    for d in range(distance):
        out = (np.arange(n * k) % distance == d).reshape(k, n).T
        filled = whole.copy()
        block = whole[items].mask(out)
        filled[items] = block.fillna(block.mean())
        fit = sat.pls(model, filled, options)
        scores = fit.scores(filled)
        paths = fit.paths().query("target == @target").set_index("source")["estimate"]
        y = scores[list(paths.index)] @ paths
        loadings = fit.measurement().set_index("indicator")["loading"]
        for j, item in enumerate(items):
            slope = filled[item].std() * loadings[item]
            predicted = filled[item].mean() + slope * y
            miss = whole[item] - predicted
            error[j] += (miss[out[:, j]] ** 2).sum()
    return 1 - error.sum() / (n * k), 1 - error / n


@pytest.mark.parametrize("target", ["Satisfaction", "Loyalty", "Complaints"])
@pytest.mark.parametrize("distance", [7, 9])
def test_rounds_done_on_rows(target, distance, mobi):
    model = dataclasses.replace(sat.models.load("ecsi"), scale=None, status="own")
    model = dataclasses.replace(
        model,
        constructs=tuple(dataclasses.replace(c, scale=None) for c in model.constructs),
    )
    options = sat.PlsOptions(tol=1e-11)
    fit = sat.pls(model, mobi, options)
    frame = sat.assessment.blindfolding(fit, mobi, distance=distance).to_frame()
    rows = frame[frame["construct"] == target].set_index("indicator")["estimate"]
    whole, each = by_hand(
        model, mobi[list(model.indicators)], target, distance, options
    )
    assert rows[""] == pytest.approx(whole, abs=1e-8)
    np.testing.assert_allclose(rows.iloc[1:], each, atol=1e-8)


def test_noise_predicts_nothing(rng):
    items = ["a1", "a2", "b1", "b2"]
    block = np.repeat(rng.normal(size=(500, 2)), 2, axis=1)
    data = pd.DataFrame(block + rng.normal(size=(500, 4)), columns=items)
    model = sat.StructuralModel.from_blocks(
        "noise", {"a": items[:2], "b": items[2:]}, {"a": ["b"]}
    )
    fit = sat.pls(model, data)
    found = sat.assessment.blindfolding(fit, data).to_frame()
    assert abs(found["estimate"].iloc[0]) < 0.03


def test_it_says_it_is_legacy(mobi):
    result = sat.assessment.blindfolding(sat.pls("ecsi", mobi), mobi)
    assert "legacy" in str(result)
    assert set(result.to_frame()["term"]) == {"q2_blindfold"}
    assert "Image" not in set(result.to_frame()["construct"])


def test_integer_weights_keep_the_scale(mobi):
    """Equal weights change nothing."""
    fit = sat.pls("ecsi", mobi)
    plain = sat.assessment.blindfolding(fit, mobi).to_frame()["estimate"]
    weighted = sat.Survey(mobi.assign(w=2.0), weight="w")
    fit = sat.pls("ecsi", weighted)
    other = sat.assessment.blindfolding(fit, weighted).to_frame()["estimate"]
    np.testing.assert_allclose(plain, other, atol=1e-8)


def test_faults_have_names(mobi, mobile):
    fit = sat.pls("ecsi", mobi)
    with pytest.raises(errors.OptionError, match="distance=5 divides n = 250"):
        sat.assessment.blindfolding(fit, mobi, distance=5)
    with pytest.raises(errors.DataError, match="only moments"):
        sat.assessment.blindfolding(sat.pls("ecsi", mobile), mobile)
    with pytest.raises(errors.DataError, match="not the data of the fit"):
        sat.assessment.blindfolding(fit, mobi.head(240))
    with pytest.raises(errors.OptionError, match="too small"):
        sat.assessment.blindfolding(fit, mobi, distance=1)
