"""Scores that stand for items: components of higher-order constructs, and others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation.door import oriented
from satmetrics.estimation.structural import StructuralFit


@dataclass(frozen=True)
class Score:
    """An indicator that is the score of a construct of an earlier stage.

    Attributes
    ----------
    at : its position among the indicators of the last stage.
    name : the construct.
    stage : where it is measured.
    items : what measures it.
    """

    at: int
    name: str
    stage: int
    items: tuple[str, ...]

    def of(self, fits: StructuralFit) -> tuple[FloatArray, FloatArray]:
        """Return weights of the items on 0–100, which sum to 1, and their means."""
        stage = fits.earlier[self.stage]
        own = stage.model.owner() == stage.model.names.index(self.name)
        ends, w = stage.ends[:, own], stage.raw_weights()[..., own]
        mean = oriented(stage.model, stage.moments, stage.ends).mean[..., own]
        spread = ends[1] - ends[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = w * spread / (w * spread).sum(axis=-1, keepdims=True)
        return share, np.asarray(100 * (mean - ends[0]) / spread)


def scores_among(fit: StructuralFit, items: IntArray) -> tuple[Score, ...]:
    """Return which of some indicators are scores of items."""
    found = []
    for at in items[~fit.asked()[items]].tolist():
        name = fit.model.indicators[at]
        for k, stage in enumerate(fit.earlier):
            if name in stage.model.names:
                of = stage.model.construct(name).indicators
                found.append(Score(at, name, k, of))
                break
    return tuple(found)
