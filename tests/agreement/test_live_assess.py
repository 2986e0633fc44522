"""Assessment beside the PyPI package ``seminr``, run live.

Conventions: seminr's f² refits the model without the path, its HTMT averages |r|, its
alpha is the standardised one, and AIC and BIC are of the composites.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import satmetrics as sat

seminr = pytest.importorskip("seminr")

BLOCKS = {
    "Image": [f"IMAG{k}" for k in range(1, 6)],
    "Expectation": ["CUEX1", "CUEX2", "CUEX3"],
    "Value": ["PERV1", "PERV2"],
    "Satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
}
SOURCES = ("Image", "Expectation", "Value")
OURS = {"composite": seminr.composite, "factor": seminr.reflective}


@pytest.fixture(scope="module", params=["composite", "factor"])
def both(request, mobi):
    """Return (our assessment, our fit, theirs) of one star-shaped model."""
    kinds = dict.fromkeys(BLOCKS, request.param)
    model = sat.StructuralModel.from_blocks(
        "star", BLOCKS, {name: ["Satisfaction"] for name in SOURCES}, kinds=kinds
    )
    options = dataclasses.replace(sat.PlsOptions.like("seminr"), tol=1e-12)
    fit = sat.pls(model, mobi, options)
    theirs = seminr.estimate_pls(
        mobi,
        seminr.constructs(*(OURS[request.param](n, i) for n, i in BLOCKS.items())),
        seminr.relationships(seminr.paths(list(SOURCES), ["Satisfaction"])),
        stop_criterion=13,
    )
    return sat.assess(fit), fit, theirs


def cell(matrix, row, column):
    return matrix.values[matrix.rows.index(row), matrix.cols.index(column)]


@pytest.mark.filterwarnings("ignore")
def test_f2_where_a_source_is_left_alone(both):
    """Without its only path a source is out of the model there, as it is here."""
    found, _, theirs = both
    rows = found.reported().query("term == 'f2'").set_index("source")["estimate"]
    known = seminr.model_fsquares(theirs)
    for source in SOURCES:
        expected = cell(known, source, "Satisfaction")
        assert rows[source] == pytest.approx(expected, abs=1e-8)


@pytest.mark.filterwarnings("ignore")
def test_reliability_and_htmt(both):
    found, _, theirs = both
    frame = found.reported()
    known = seminr.reliability_table(theirs)
    for term, column in (("alpha", "alpha"), ("rho_a", "rhoA"), ("ave", "AVE")):
        rows = frame[frame["term"] == term].set_index("construct")["estimate"]
        expected = [cell(known, name, column) for name in BLOCKS]
        np.testing.assert_allclose(rows[list(BLOCKS)], expected, atol=1e-8)
    known = seminr.htmt(theirs)
    rows = frame[frame["term"] == "htmt"]
    pairs = zip(rows["source"], rows["target"], strict=True)
    expected = [
        np.nanmax([cell(known, s, t), cell(known, t, s)]) for s, t in pairs
    ]  # one triangle is filled
    np.testing.assert_allclose(rows["estimate"], expected, atol=1e-8)


@pytest.mark.filterwarnings("ignore")
def test_aic_bic_and_weights(both):
    _, fit, theirs = both
    known = seminr.it_criteria(theirs)
    pair = {"a": fit, "b": fit}
    frame = sat.assessment.compare_models(pair, "Satisfaction").to_frame()
    for term in ("AIC", "BIC"):
        rows = frame[(frame["term"] == term.lower()) & (frame["name"] == "a")]
        expected = cell(known, term, "Satisfaction")
        assert rows["estimate"].item() == pytest.approx(expected, abs=1e-7)
    values = np.array([-250.0, -247.5, -230.0])
    delta = values - values.min()
    ours = np.exp(-delta / 2) / np.exp(-delta / 2).sum()
    theirs_weights = seminr.compute_itcriteria_weights(list(values))
    np.testing.assert_allclose(ours, theirs_weights, rtol=1e-12)
