"""Construct scores of respondents, old or new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._frames import Table
from satmetrics._typing import FloatArray
from satmetrics.estimation.door import model_survey
from satmetrics.estimation.staged import Staged, below

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
    One column per construct, in the row order of the data; the components of a
    higher-order construct come last.
    """
    fit.require_single("score")
    answers = model_survey(fit.spec, data).answers(fit.spec.indicators)
    columns = _scored(fit, answers)
    for k, name in below(fit):
        if name not in columns:
            columns[name] = _scored(fit.earlier[k], answers)[name]
    return Table(tuple(columns), tuple(columns.values())).to_frame()


def _scored(fit: PlsFit, answers: FloatArray) -> dict[str, FloatArray]:
    """Return the scores (n,) of each construct of a fit's last stage."""
    X = answers
    if fit.staged is not None:
        if fit.sampling.products is not None:
            X = fit.sampling.products.beside(X, fit.spec.indicators)
        X = _mapped(X, fit.staged)
    X, mean = _turned(fit, X), _turned(fit, fit.moments.mean)
    weighted = (X - mean) * fit.raw_weights()
    starts = np.searchsorted(fit.model.owner(), np.arange(len(fit.model.names)))
    values = np.add.reduceat(weighted, starts, axis=1)
    return dict(zip(fit.model.names, values.T, strict=True))


def _mapped(X: FloatArray, staged: Staged) -> FloatArray:
    """Return indicators (n, m) of answers; NaN where a column they use is absent."""
    absent = np.isnan(X)
    used = (staged.matrix != 0).astype(np.float64)
    values = np.where(absent, 0.0, X) @ staged.matrix.T + staged.offset
    values[absent.astype(np.float64) @ used.T > 0] = np.nan
    return values


def _turned(fit: PlsFit, X: FloatArray) -> FloatArray:
    turned = {item for c in fit.model.constructs for item in c.reverse}
    out = np.array(X)
    for i, item in enumerate(fit.model.indicators):
        if item in turned:
            out[..., i] = fit.ends[:, i].sum() - out[..., i]
    return out
