"""Factor scores of respondents, old or new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import friendly_keywords, one_of
from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_structural import score_weights
from satmetrics.estimation.door import model_survey
from satmetrics.estimation.sem_structure import SemStructure, require_one_group

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("regression", "bartlett")


@friendly_keywords
def factor_scores(
    fit: SemStructure, data: object, *, method: str = "regression"
) -> pd.DataFrame:
    """Return factor scores, one row per respondent.

    By regression ``Φ Λ' Σ⁻¹ (x − μ)``, which have the smallest error; Bartlett's
    ``(Λ' Σ⁻¹ Λ)⁻¹ Λ' Σ⁻¹ (x − μ)`` are unbiased for each respondent. All answers of a
    respondent count, also those to items of other constructs; where some are missing,
    those that are there. Scores are in the units of the factors, as `fit.estimates()`
    has them, and have mean 0 among the respondents that were fitted.

    Parameters
    ----------
    fit : a single fit.
    data : a Survey or any dataframe with the model's indicators.
    method : "regression" (Thurstone 1935) or "bartlett" (Bartlett 1937).

    Returns
    -------
    One column per construct, in the row order of the data; NaN for a respondent without
    an answer, and where Bartlett's score of a construct needs answers that are missing.

    References
    ----------
    Thurstone (1935), The Vectors of Mind; Bartlett (1937),
    doi:10.1111/j.2044-8295.1937.tb00863.x; Skrondal and Laake (2001),
    doi:10.1007/BF02296196, on which of them to regress on which.
    """
    one_of("method", method, METHODS)
    fit.require_single("score")
    require_one_group(fit.table)
    fit.require_numbers("scores")
    X = model_survey(fit.model, data).answers(fit.model.indicators)
    X = _turned(fit, X) - _turned(fit, fit.moments.mean)
    values = _by_pattern(fit, X, bartlett=method == "bartlett")
    names = fit.table.latent
    return Table(names, tuple(values.T)).to_frame()


def _by_pattern(fit: SemStructure, X: FloatArray, *, bartlett: bool) -> FloatArray:
    """Return scores (n, m), answers that are missing left out pattern by pattern."""
    out = np.full((len(X), len(fit.table.latent)), np.nan)
    patterns, which = np.unique(~np.isnan(X), axis=0, return_inverse=True)
    for k, there in enumerate(patterns):
        if not there.any():
            continue
        rows, at = np.flatnonzero(which.ravel() == k), np.flatnonzero(there)
        M = _of_items(fit.matrices, at)
        A = score_weights(M, bartlett=bartlett)[0]
        if bartlett:
            A[~M.Lambda[0].any(axis=0)] = np.nan
        out[rows] = X[np.ix_(rows, at)] @ A.T
    return out


def _of_items(M: kernel.Matrices, at: IntArray) -> kernel.Matrices:
    Lambda, Theta = M.Lambda[:, at], M.Theta[:, at[:, None], at]
    return kernel.Matrices.of(Lambda, Theta, M.Psi, M.Beta, M.nu[:, at], M.alpha)


def _turned(fit: SemStructure, X: FloatArray) -> FloatArray:
    turned = {item for c in fit.model.constructs for item in c.reverse}
    out = np.array(X)
    for i, item in enumerate(fit.model.indicators):
        if item in turned:
            out[..., i] = fit.ends[:, i].sum() - out[..., i]
    return out
