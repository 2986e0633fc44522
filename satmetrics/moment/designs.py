"""Errors of means from the clusters and strata of a survey."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._linearised import linearised
from satmetrics.moment.moments import Moments
from satmetrics.survey.survey import Survey

IGNORED = "standard errors of means ignore the clusters and strata of the survey"
LONE = (
    "means have no standard errors: missing answers leave a stratum with one sampled "
    "unit only; merge strata"
)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Units and strata of the rows behind moments.

    Attributes
    ----------
    unit : (U,) sampled unit of each row, a cluster or the row itself.
    strata : (C,) stratum of each unit.
    words : such as "80 clusters in 12 strata".
    """

    unit: IntArray
    strata: IntArray
    words: str

    def covariance(
        self, influence: Iterator[FloatArray], codes: IntArray, n_groups: int
    ) -> FloatArray:
        """Return the linearised covariance (G, q, q) of what has these influences."""
        return linearised(influence, codes, n_groups, self.unit, self.strata)

    def take(self, rows: IntArray) -> Sampled:
        """Return the units of some rows, those without any still counted."""
        return Sampled(self.unit[rows], self.strata, self.words)


def sampled_rows(survey: Survey, kept: IntArray | None) -> Sampled | None:
    """Return how the rows kept (None for all) were sampled; None if it is not known."""
    design = survey.design()
    if not design.words:
        return None
    design = design if kept is None else design.take(kept)
    codes = design.stratum if design.cluster is None else design.cluster
    n = 0 if codes is None else len(codes)
    unit = np.arange(n)
    if design.cluster is not None:
        unit = np.unique(design.cluster, return_inverse=True)[1].ravel()
    strata = np.zeros(int(unit.max(initial=-1)) + 1, dtype=np.int64)
    if design.stratum is not None:
        first = np.unique(unit, return_index=True)[1]
        strata = np.unique(design.stratum[first], return_inverse=True)[1].ravel()
    return Sampled(unit, strata, design.words)


def with_design(
    moments: Moments,
    sampled: Sampled | None,
    codes: IntArray,
    column: Callable[[int], FloatArray],
) -> Moments:
    """Return moments whose `mean_cov` follows the design.

    Parameters
    ----------
    moments : a batch of G groups.
    sampled : how the rows were sampled; None leaves the moments as they are.
    codes : (U,) group of each row, −1 for none.
    column : from j to the weighted answers (U,) to item j about their group's mean.
    """
    if sampled is None:
        return moments
    lone = bool((np.bincount(sampled.strata) == 1).any())
    note = LONE if lone else f"errors of means: {sampled.words}, linearised"
    if moments.kind == "em" and moments.acov is not None:  # which follows the design
        return dataclasses.replace(moments, context=moments.context.plus(notes=(note,)))
    if moments.kind != "sample":
        return dataclasses.replace(
            moments, context=moments.context.plus(notes=(IGNORED,))
        )
    share = np.append(1 / np.asarray(moments.weight_sum), 0.0)[codes]
    influence = (column(j) * share for j in range(len(moments.names)))
    taylor = sampled.covariance(influence, codes, len(moments.reasons))
    return dataclasses.replace(
        moments, taylor=taylor, context=moments.context.plus(notes=(note,))
    )
