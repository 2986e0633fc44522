"""Whether solutions lie in the space of possible ones: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import BoolArray
from satmetrics.estimation._pls import Solution

LOWEST_EIGENVALUE = -1e-8
ROUNDING = 1e-8
CAUSES = (
    "construct correlations are not positive semi-definite",
    "a loading lies above 1",
    "a reliability rho_A lies above 1",
    "an R² lies above 1",
)


def violations(solution: Solution) -> BoolArray:
    """Return (B, 4): which of `CAUSES` hold for each member of a batch."""
    C = np.nan_to_num(solution.corr)
    index = np.arange(C.shape[-1])
    C[:, index, index] = 1.0
    with np.errstate(invalid="ignore"):
        return np.stack(
            [
                np.linalg.eigvalsh(C)[:, 0] < LOWEST_EIGENVALUE,
                (np.abs(solution.loadings) > 1 + ROUNDING).any(axis=1),
                (solution.rho > 1 + ROUNDING).any(axis=1),
                (solution.r2 > 1 + ROUNDING).any(axis=1),
            ],
            axis=1,
        )
