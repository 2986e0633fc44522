"""The scale's algebra, for any ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satmetrics.errors import SpecificationError
from satmetrics.survey import Scale
from satmetrics.survey.scale import as_scale

ends = st.tuples(
    st.integers(-50, 50), st.integers(1, 100), st.floats(0, 1, allow_nan=False)
)


@given(ends)
def test_flip_is_its_own_inverse_and_mirrors_0_to_100(case):
    low, width, share = case
    scale = Scale(low, low + width)
    x = low + share * width
    np.testing.assert_allclose(scale.flip(scale.flip([x])), [x], atol=1e-9)
    mirrored = 100 - scale.to_100([x])
    np.testing.assert_allclose(scale.to_100(scale.flip([x])), mirrored, atol=1e-9)
    np.testing.assert_allclose(scale.to_100([x]), [100 * share], atol=1e-9)


def test_points_and_membership():
    scale = Scale(0, 10, 2.5)
    assert scale.points == (0, 2.5, 5, 7.5, 10)
    assert scale.n_points == 5
    assert scale.contains([-0.1, 0, 3, 10, 10.1, np.nan]).tolist() == [
        False,
        True,
        True,
        True,
        False,
        True,
    ]
    assert scale.on_point([2.5, 3, np.nan]).tolist() == [True, False, True]
    assert Scale(0, 1, 0).n_points == 0
    assert str(Scale(1, 10)) == "1-10"


def test_equal_scales_are_equal_and_hash():
    assert len({Scale(1, 10), Scale(1.0, 10), as_scale([1, 10])}) == 1


@pytest.mark.parametrize(
    "bad", [(10, 1), (1, 1), (1,), 7, "1-10", (1, np.inf), (True, 3), ("1", "5")]
)
def test_what_is_no_scale_raises(bad):
    with pytest.raises(SpecificationError):
        as_scale(bad)


def test_labels_are_one_per_point():
    with pytest.raises(SpecificationError, match="2 labels for the 3 points of 1-3"):
        Scale(1, 3, labels=("low", "high"))
