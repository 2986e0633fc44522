"""Construct scores of respondents, old or new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._frames import Table
from satmetrics._typing import FloatArray
from satmetrics.estimation.door import model_survey

if TYPE_CHECKING:
    import pandas as pd

    from satmetrics.estimation.fit import PlsFit


@friendly_keywords
def scores(fit: PlsFit, data: object) -> pd.DataFrame:
    """Return standardised construct scores, one row per respondent.

    ``y = Σ w (x − x̄)`` with the means, standard deviations and weights of the fit, so
    that new respondents are scored on the scale of the old ones. A respondent with a
    missing answer in a block has no score for that construct (NaN).

    Parameters
    ----------
    fit : a single fit.
    data : a Survey or any dataframe with the model's indicators.

    Returns
    -------
    One column per construct, in the row order of the data.
    """
    fit.require_single("score")
    X = model_survey(fit.model, data).answers(fit.model.indicators)
    X, mean = _turned(fit, X), _turned(fit, fit.moments.mean)
    weighted = (X - mean) * fit.raw_weights()
    starts = np.searchsorted(fit.model.owner(), np.arange(len(fit.model.names)))
    values = np.add.reduceat(weighted, starts, axis=1)
    return Table(fit.model.names, tuple(values.T)).to_frame()


def _turned(fit: PlsFit, X: FloatArray) -> FloatArray:
    turned = {item for c in fit.model.constructs for item in c.reverse}
    out = np.array(X)
    for i, item in enumerate(fit.model.indicators):
        if item in turned:
            out[..., i] = fit.ends[:, i].sum() - out[..., i]
    return out
