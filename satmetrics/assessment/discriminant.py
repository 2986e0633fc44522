"""Discriminant validity: HTMT, Fornell and Larcker's table, cross-loadings."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.assessment.rows import Rows
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment import _blocks

NEGATIVE = "undefined: a correlation involved is not positive"


def heterotrait(fit: StructuralFit, R: FloatArray) -> list[Rows]:
    """Return HTMT of mean |r|, of mean r, and HTMT2, for every pair of constructs.

    Parameters
    ----------
    R : (…, p, p) correlations of the turned indicators.
    """
    owner, q = fit.model.owner(), len(fit.model.names)
    i, j = np.tril_indices(q, -1)
    names = fit.model.names
    labels = {"source": [names[k] for k in i], "target": [names[k] for k in j]}
    values = {
        "htmt": _blocks.htmt(R, owner, q),
        "htmt_signed": _blocks.htmt(R, owner, q, signed=True),
        "htmt2": _blocks.htmt2(R, owner, q),
    }
    return [
        Rows(term, value[..., i, j], labels, NEGATIVE) for term, value in values.items()
    ]


def fornell_larcker(fit: StructuralFit) -> Rows:
    """Return √AVE where source and target agree, construct correlations elsewhere."""
    owner, q = fit.model.owner(), len(fit.model.names)
    matrix = fit.corr[..., :q, :q].copy()
    matrix[..., np.arange(q), np.arange(q)] = np.sqrt(
        _blocks.ave(fit.loadings, owner, q)
    )
    i, j = np.tril_indices(q)
    names = fit.model.names
    labels = {"source": [names[k] for k in i], "target": [names[k] for k in j]}
    return Rows("fornell_larcker", matrix[..., i, j], labels)


def cross_loadings(fit: StructuralFit) -> Rows:
    """Return correlations of indicators with constructs, freed of attenuation."""
    names, items = fit.model.names, fit.model.indicators
    labels = {
        "construct": list(names) * len(items),
        "indicator": [item for item in items for _ in names],
    }
    return Rows("cross_loading", fit.cross.reshape(*fit.cross.shape[:-2], -1), labels)
