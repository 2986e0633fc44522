"""Strata divided among groups that share no sampled units."""

from __future__ import annotations

import numpy as np
import pytest

from satmetrics.moment._across import own_strata


def parts(labels):
    return sorted(tuple(np.flatnonzero(labels == k)) for k in set(labels.tolist()))


@pytest.mark.parametrize(
    ("cells", "strata", "expected"),
    [
        # two companies over two waves: groups 0, 1 share units 0-2; 2, 3 units 3-5
        (
            [(0, 0), (1, 0), (1, 1), (2, 1), (3, 2), (4, 2), (4, 3), (5, 3)],
            [0] * 6,
            [(0, 1, 2), (3, 4, 5)],
        ),
        # all linked by way of unit 2
        ([(0, 0), (1, 0), (2, 0), (2, 1), (3, 1)], [0] * 4, [(0, 1, 2, 3)]),
        # strata stay apart
        ([(0, 0), (1, 0), (2, 0), (3, 0)], [0, 0, 1, 1], [(0, 1), (2, 3)]),
        # two units alone stay together; one alone goes with the largest part
        ([(0, 0), (1, 1), (2, 2), (3, 2)], [0] * 4, [(0, 1), (2, 3)]),
        (
            [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 2)],
            [0] * 6,
            [(0, 3, 4, 5), (1, 2)],
        ),
        # a unit without rows likewise, and a stratum of one stays as it is
        ([(0, 0), (1, 0), (2, 1), (3, 1), (4, 1)], [0] * 6, [(0, 1), (2, 3, 4, 5)]),
        ([(0, 0), (1, 1), (2, 1)], [0, 1, 1], [(0,), (1, 2)]),
    ],
)
def test_what_belongs_together(cells, strata, expected):
    unit, group = np.array(cells).T
    assert parts(own_strata(unit, group, np.array(strata))) == expected


def test_without_units():
    none = np.empty(0, dtype=np.int64)
    assert len(own_strata(none, none, none)) == 0
