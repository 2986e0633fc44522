"""`entropy_weights` and `critic_weights`: how criteria tell units apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from satmetrics._checks import friendly_keywords
from satmetrics._typing import FloatArray
from satmetrics.criteria.blocks import Criteria
from satmetrics.criteria.units import unit_matrix, varying
from satmetrics.criteria.weights import CriteriaWeights, known_weights
from satmetrics.errors import DataError, MissingDependencyError

TINY = 1e-200
"""Stands for a share of zero, whose p ln p is zero."""
DISCRIMINATING = (
    "such weights say how much criteria tell units apart, not what customers find "
    "important"
)
NO_ERROR = "no sampling error: the levels of the units are taken as they are"


@friendly_keywords
def entropy_weights(
    data: object,
    criteria: Criteria | None = None,
    *,
    by: str | Sequence[str] | None = None,
    industry: str = "",
) -> CriteriaWeights:
    r"""Return criteria weights from the entropy of levels over units.

    With :math:`p_{ij} = x_{ij} / Σ_i x_{ij}` over m units,
    :math:`e_j = -Σ_i p_{ij} \ln p_{ij} / \ln m` and :math:`0 \ln 0 = 0`,

    .. math:: w_j = (1 - e_j) / Σ_j (1 - e_j)

    (pymcdm). A criterion that is the same everywhere has weight 0 and is counted.

    Parameters
    ----------
    data : levels with a row per unit (dataframe, array or lists), or a survey or frame
        of answers together with `by`. Levels must not be negative.
    criteria : the columns, or ``{criterion: [columns]}``; the dimensions of the
        survey's instrument (perceptions), or all columns, when None.
    by : columns or roles whose groups are the units; None where rows are units.
    industry : the industry the weights are for.

    Returns
    -------
    CriteriaWeights
        With ``entropy`` beside the weights; n is the number of units.

    Raises
    ------
    MissingDependencyError
        If pymcdm is not installed.
    DataError
        If a level is negative, or fewer than two units can be compared.

    Notes
    -----
    Shares depend on where the scale has its zero: answers on 1-7 and the same answers
    on 0-100 have other entropies and weights.

    References
    ----------
    Shannon (1948), doi:10.1002/j.1538-7305.1948.tb01338.x; Hwang and Yoon (1981),
    Multiple Attribute Decision Making, doi:10.1007/978-3-642-48318-9.

    Examples
    --------
    >>> import satmetrics as sat
    >>> levels = {"speed": [4.0, 6.0, 2.0], "courtesy": [5.0, 5.2, 5.1]}
    >>> import pandas as pd
    >>> found = sat.quality.entropy_weights(pd.DataFrame(levels))
    >>> found.as_points()["speed"] > 99
    True
    """
    weights_of = _pymcdm("entropy")
    matrix, names, context = unit_matrix(data, criteria, by)
    if (matrix < 0).any():
        worst = names[int((matrix < 0).any(axis=0).argmax())]
        raise DataError(
            f"levels of {worst!r} are negative",
            code="negative-level",
            column=worst,
            value=float(matrix.min()),
            remedy="entropy needs shares of a total: give levels from 0 up, not gaps",
        )
    at, flat = varying(matrix, names)
    floor = TINY * matrix.sum(axis=0)
    found = weights_of(np.maximum(matrix, floor)[:, at])
    entropy = 1.0 - _divergence(matrix)
    return known_weights(
        _placed(found, at, names),
        context.plus(*flat),
        n=len(matrix),
        extra={"entropy": entropy},
        method="entropy of the levels over units",
        industry=industry,
        facts=(("units", f"{len(matrix):,}"),),
        remarks=(
            DISCRIMINATING,
            "they depend on where the scale has its zero",
            NO_ERROR,
        ),
    )


@friendly_keywords
def critic_weights(
    data: object,
    criteria: Criteria | None = None,
    *,
    by: str | Sequence[str] | None = None,
    cost: Sequence[str] = (),
    industry: str = "",
) -> CriteriaWeights:
    r"""Return criteria weights from contrast and conflict over units (CRITIC).

    With levels put on 0-1 by the lowest and highest unit, :math:`σ_j` their standard
    deviation (divisor m − 1) and :math:`r_{jk}` their correlations,

    .. math:: C_j = σ_j Σ_k (1 - r_{jk}), \qquad w_j = C_j / Σ_j C_j

    (pymcdm). A criterion that is the same everywhere has weight 0, is counted, and
    takes no part in the correlations.

    Parameters
    ----------
    data, criteria, by, industry : as in `entropy_weights`; levels may be negative.
    cost : criteria of which low levels are good, such as waiting time.

    Returns
    -------
    CriteriaWeights
        n is the number of units.

    Raises
    ------
    MissingDependencyError
        If pymcdm is not installed.
    DataError
        If fewer than two units can be compared, `cost` names no criterion, or all
        criteria say the same.

    References
    ----------
    Diakoulaki, Mavrotas and Papayannakis (1995), doi:10.1016/0305-0548(94)00059-H.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.critic_weights(bank, by="unit")
    >>> len(found.as_points())
    5
    """
    weights_of = _pymcdm("critic")
    matrix, names, context = unit_matrix(data, criteria, by)
    turned = [cost] if isinstance(cost, str) else list(cost)
    for name in turned:
        if name not in names:
            raise DataError(
                f"cost= names {name!r}, which is no criterion",
                code="unknown-criterion",
                column="cost",
                value=name,
                remedy=f"the criteria are {', '.join(names)}",
            )
    matrix = np.where(np.isin(names, turned), -matrix, matrix)
    at, flat = varying(matrix, names)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray([1.0]) if len(at) == 1 else weights_of(matrix[:, at])
    if not np.isfinite(found).all():
        raise DataError(
            "all criteria say the same: their correlations are 1",
            code="no-conflict",
            value=names,
            remedy="CRITIC weighs criteria by how far they disagree",
        )
    return known_weights(
        _placed(found, at, names),
        context.plus(*flat),
        n=len(matrix),
        method="contrast and conflict over units (CRITIC)",
        industry=industry,
        facts=(("units", f"{len(matrix):,}"), ("low is good", ", ".join(turned))),
        remarks=(DISCRIMINATING, NO_ERROR),
    )


def _placed(
    found: FloatArray, at: Sequence[int], names: tuple[str, ...]
) -> dict[str, float]:
    """Return the weights of all criteria, 0 for those that do not vary."""
    out = np.zeros(len(names))
    out[list(at)] = np.maximum(found, 0.0)
    return dict(zip(names, (out / out.sum()).tolist(), strict=True))


def _divergence(matrix: FloatArray) -> FloatArray:
    """Return 1 − e (D,); 0 for a criterion whose levels are all zero."""
    total = matrix.sum(axis=0)
    p = matrix / np.where(total > 0, total, 1.0)
    logs = np.log(np.where(p > 0, p, 1.0))
    found = 1.0 + (p * logs).sum(axis=0) / np.log(len(matrix))
    return np.where(total > 0, found, 0.0)


def _pymcdm(which: str) -> Any:
    try:
        from pymcdm import weights
    except ImportError as error:
        raise MissingDependencyError(
            f"{which} weights need pymcdm",
            code="missing-extra",
            value="pymcdm",
            remedy='pip install "satmetrics[weights]"',
        ) from error
    return getattr(weights, f"{which}_weights")
