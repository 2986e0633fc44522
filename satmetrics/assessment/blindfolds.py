"""`assessment.blindfolding`: Stone and Geisser's Q², a legacy measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords, positive_int
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.assessment import _blindfold as kernel
from satmetrics.assessment.plain import require_plain
from satmetrics.assessment.prediction import answered
from satmetrics.errors import OptionError
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.solve import layout_of, settings_of

FAILED = "a round could not be fitted"


@dataclass(frozen=True, eq=False, repr=False)
class Blindfolding(TableResult):
    """Q² of constructs and their indicators by blindfolding; legacy.

    Attributes
    ----------
    distance : omission distance.
    title : what was fitted.
    """

    distance: int = 7
    title: str = ""

    def summary(self) -> Summary:
        """Return Q² by construct, and why it is legacy."""
        blocks = self.table.where(indicator="")
        words = {"construct": "construct", "estimate": "Q²", "reason": "why not"}
        facts = (*self.context.facts(), ("omission distance", str(self.distance)))
        notes = (
            "cross-validated redundancy; legacy: no out-of-sample assessment, and "
            "dropped by SmartPLS 4; see sat.assessment.predict",
            *self.context.sentences(),
        )
        rows = section("", blocks, words)
        return Summary(f"Blindfolding of {self.title}", facts, (rows,), notes)


@friendly_keywords
def blindfolding(fit: PlsFit, data: object, *, distance: int = 7) -> Blindfolding:
    r"""Return Stone and Geisser's Q² by blindfolding (cross-validated redundancy).

    **Legacy.** It is no out-of-sample assessment, SmartPLS 4 and other programs have
    dropped it, and `predict` is what to use; it is here for older reports.

    In each of D rounds every D-th data point of a block, counted down its columns, is
    replaced by the mean of the rest, the model is fitted, and the points are predicted
    from the scores of the construct's predictors:
    :math:`\hat x = \bar x + s λ Σ β y`. :math:`Q^2 = 1 - Σ(x - \hat x)^2 / Σ(x -
    \bar x)^2`, of standardised answers when the fit is.

    Parameters
    ----------
    fit : a fit of one group.
    data : the survey or frame that was fitted; the order of its rows matters.
    distance : omission distance D, from 5 to 12 by custom; n must not be a multiple.

    Returns
    -------
    Blindfolding
        Rows ``term`` q2_blindfold by construct (indicator empty) and by indicator, of
        endogenous constructs. A factor is treated as the composite it is made of.

    Raises
    ------
    OptionError
        If n is a multiple of D: the same rows would be left out in every column.
    SpecificationError
        If the model has higher-order constructs or interactions.
    DataError
        If the data are not those of the fit, or are no answers.

    References
    ----------
    Stone (1974), doi:10.1111/j.2517-6161.1974.tb00994.x; Geisser (1974),
    doi:10.1093/biomet/61.1.101; Tenenhaus et al. (2005),
    doi:10.1016/j.csda.2004.03.005.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> found = sat.assessment.blindfolding(fit, survey).to_frame()
    >>> rows = found.query("construct == 'Satisfaction' and indicator == ''")
    >>> bool(rows["estimate"].item() > 0)
    True
    """
    remedy = "pass what sat.pls(model, data) returned, then the data"
    expect("blindfolding", fit, PlsFit, "a fit", remedy=remedy)
    fit.require_single("blindfold")
    why = "points left out of the items would be left out of scores and products too"
    require_plain(fit, "blindfolding", why, "use sat.assessment.predict(fit, data)")
    distance = positive_int("distance", distance, at_least=2)
    rows, _ = answered(fit, data)
    if rows.n_units % distance == 0:
        raise OptionError(
            f"distance={distance} divides n = {rows.n_units:,}",
            code="bad-distance",
            column="distance",
            value=distance,
            remedy=f"give another, such as {_next(rows.n_units)}",
        )
    X = _oriented(fit, rows.Z - np.average(rows.Z, axis=0, weights=rows.w))
    standardize = fit.options.metric == "standardized"
    if standardize:
        X = X / np.sqrt(np.average(X**2, axis=0, weights=rows.w))
    errors, sound = kernel.squared_errors(
        X,
        rows.w,
        layout_of(fit.model),
        settings_of(fit.options),
        distance,
        standardize,
    )
    total = rows.w @ X**2
    table = _table(fit, errors, total, sound)
    return Blindfolding(table, rows.context, distance=distance, title=fit.title)


def _next(n: int) -> int:
    """Return a distance of which n is no multiple."""
    candidates: tuple[int, ...] = (7, 8, 9, 11, *range(2, 2 * n))
    return int(next(d for d in candidates if n % d))


def _oriented(fit: PlsFit, X: FloatArray) -> FloatArray:
    turned = {item for c in fit.model.constructs for item in c.reverse}
    sign = [-1.0 if n in turned else 1.0 for n in fit.model.indicators]
    return np.asarray(X * np.array(sign))


def _table(
    fit: PlsFit, errors: FloatArray, total: FloatArray, sound: BoolArray
) -> Table:
    names, items, owner = fit.model.names, fit.model.indicators, fit.model.owner()
    inner = np.flatnonzero(fit.model.adjacency().any(axis=0))
    keep = np.flatnonzero(np.isin(owner, inner))
    block = [1 - errors[owner == k].sum() / total[owner == k].sum() for k in inner]
    one = 1 - errors[keep] / total[keep]
    of = np.concatenate([inner, owner[keep]])
    values = np.where(sound[of], np.concatenate([block, one]), np.nan)
    return Table.of(
        {
            "construct": [names[k] for k in of],
            "indicator": [""] * len(inner) + [items[i] for i in keep],
            "term": ["q2_blindfold"] * len(of),
            "n": np.full(len(of), int(fit.moments.n)),
            "estimate": values,
            "reason": ["" if sound[k] else FAILED for k in of],
        }
    )
