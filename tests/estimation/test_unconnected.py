"""Constructs without paths are a model, of which PLS has no weights."""

from __future__ import annotations

import pandas as pd
import pytest

import satmetrics as sat
from satmetrics import errors

BLOCKS = {"A": ["a1", "a2"], "B": ["b1", "b2"], "C": ["c1", "c2"], "D": ["d1", "d2"]}


@pytest.mark.parametrize(
    ("paths", "higher", "message", "code"),
    [
        ({"A": ["B"], "B": ["D"]}, {}, "'C' has no path", "unconnected-construct"),
        ({}, {}, "has no paths", "no-paths"),
        ({"A": ["D"]}, {"S": ["B", "C"]}, "'S' has no path", "unconnected-construct"),
    ],
)
def test_pls_refuses_what_has_no_paths(paths, higher, message, code):
    model = sat.StructuralModel.from_blocks("m", BLOCKS, paths, higher=higher)
    with pytest.raises(errors.SpecificationError, match=message) as caught:
        sat.pls(model, pd.DataFrame({"a1": [1, 2]}))
    assert caught.value.code == code
    assert "sat.sem" in str(caught.value)


def test_components_of_a_connected_construct_need_no_path():
    model = sat.StructuralModel.from_blocks(
        "m", BLOCKS, {"A": ["S"], "S": ["D"]}, higher={"S": ["B", "C"]}
    )
    answers = pd.DataFrame(
        {item: [1, 2, 4, 3, 5, 2 + k] for k, item in enumerate(model.indicators)}
    )
    with pytest.raises(errors.SatmetricsError) as caught:
        sat.pls(model, answers.iloc[:1])
    assert caught.value.code != "unconnected-construct"
