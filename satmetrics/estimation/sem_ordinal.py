"""Covariance structures behind ordered answers: thresholds, polychoric correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, NotIdentifiedError, OptionError
from satmetrics.estimation import _sem_dwls as kernel
from satmetrics.estimation._sem_solve import admissible
from satmetrics.estimation.door import model_survey
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_table import Parameter, ParameterTable
from satmetrics.models.model import StructuralModel
from satmetrics.moment import _polychoric
from satmetrics.moment._ordinal_errors import OrdinalErrors, ordinal_errors
from satmetrics.moment.moments import Moments
from satmetrics.survey.missing import complete_rows

ESTIMATORS = ("DWLS", "ULS")


@dataclass(frozen=True, eq=False)
class OrdinalPart(Record):
    """What a fit to ordered answers has beside its parameters.

    Attributes
    ----------
    item, category : (T,) which threshold: below it the item's answer is at most so many
        categories from the lowest.
    threshold, std_error : (T,) on the scale of the normal variable behind the item.
    rho : (P,) polychoric correlations, pairs (i < j) column by column.
    gamma : (P, P) their asymptotic covariance, n times that of the estimates.
    scaled_shifted, shift_factor, shift : test scaled and shifted to the model's degrees
        of freedom (lavaan's WLSMV): ``T/shift_factor + shift``.
    mean_var_adjusted, adjusted_df : mean and variance adjusted test, on degrees of
        freedom of its own.
    """

    item: tuple[str, ...]
    category: tuple[int, ...]
    threshold: FloatArray
    std_error: FloatArray
    rho: FloatArray
    gamma: FloatArray
    scaled_shifted: float = np.nan
    shift_factor: float = np.nan
    shift: float = np.nan
    mean_var_adjusted: float = np.nan
    adjusted_df: float = np.nan

    def table(self) -> Table:
        """Return the thresholds: item, category, estimate, std_error."""
        return Table.of(
            {
                "item": list(self.item),
                "category": list(self.category),
                "estimate": self.threshold,
                "std_error": self.std_error,
            },
            keys=("item", "category"),
        )


def check_ordinal(
    model: StructuralModel,
    ordinal: tuple[str, ...],
    options: SemOptions,
    by: object,
    missing: str,
) -> None:
    """Raise `OptionError` for what models of ordered answers do not take."""
    if options.estimator not in ESTIMATORS:
        raise OptionError(
            f"estimator={options.estimator!r} is not one of ordered answers",
            code="ordinal-estimator",
            column="estimator",
            value=options.estimator,
            remedy='use sat.SemOptions(estimator="DWLS")',
        )
    rest = [item for item in model.indicators if item not in ordinal]
    if rest:
        raise OptionError(
            f"{rest[0]!r} is not among the ordered items, and models of both kinds are "
            "not estimated",
            code="ordinal-mixed",
            column="ordinal",
            value=tuple(rest),
            remedy="give ordinal=True for all indicators",
        )
    for word, value, plain in (("by", by, None), ("missing", missing, "listwise")):
        if value != plain:
            raise OptionError(
                f"{word}={value!r} and ordered answers do not go together",
                code="ordinal-option",
                column=word,
                value=value,
                remedy=f"leave {word}= out"
                + (", and fit each group's rows" if word == "by" else ""),
            )


def unit_table(table: ParameterTable) -> ParameterTable:
    """Return the parameters with residual variances that follow from the rest.

    Raises
    ------
    OptionError
        If intercepts are among them.
    """
    if table.means:
        raise OptionError(
            "means=True and ordered answers do not go together: their means are in the "
            "thresholds",
            code="ordinal-means",
            column="means",
            remedy="leave means out",
        )
    rows = tuple(
        Parameter(r.lhs, r.op, r.rhs, r.group, 0.0, hidden=True)
        if r.op == "~~" and r.lhs == r.rhs and r.lhs in table.observed
        else r
        for r in table.rows
    )
    return ParameterTable(
        rows,
        table.observed,
        table.latent,
        table.groups,
        defined=table.defined,
        unit=True,
    )


def ordinal_part(
    model: StructuralModel, data: object, moments: Moments, weights: str | None
) -> OrdinalPart:
    """Return thresholds, polychoric correlations and their errors.

    Parameters
    ----------
    data : the answers.
    moments : their polychoric moments, of complete rows.

    Raises
    ------
    DataError
        If only moments are given.
    """
    if isinstance(data, Moments):
        raise DataError(
            "models of ordered answers need the answers, whose tables make the errors",
            code="no-answers",
            remedy="pass the survey or frame",
        )
    survey = model_survey(model, data)
    if weights is not None:
        survey = survey.with_roles(weight=weights)
    names = model.indicators
    columns = survey.answer_columns(names)
    kept = complete_rows(columns, names, "listwise").rows
    X = np.column_stack(columns)
    X = X if kept is None else X[kept]
    w = np.ones(len(X)) if survey.weights is None else survey.weights
    w = w if survey.weights is None or kept is None else w[kept]
    turned = {item for c in model.constructs for item in c.reverse}
    codes, tau = [], []
    for name, x in zip(names, X.T, strict=True):
        code = np.unique(-x if name in turned else x, return_inverse=True)[1].ravel()
        codes.append(code)
        tau.append(_polychoric.thresholds(np.bincount(code, w).astype(np.float64)))
    sign = np.array([-1.0 if name in turned else 1.0 for name in names])
    R = moments.corr() * np.outer(sign, sign)
    found = ordinal_errors(np.column_stack(codes), tuple(tau), R, w)
    return _part(names, tau, found, float(len(X)))


def _part(
    names: tuple[str, ...], tau: list[FloatArray], found: OrdinalErrors, n: float
) -> OrdinalPart:
    T = len(found.tau)
    return OrdinalPart(
        item=tuple(n for n, t in zip(names, tau, strict=True) for _ in t),
        category=tuple(k + 1 for t in tau for k in range(len(t))),
        threshold=found.tau,
        std_error=np.sqrt(np.diagonal(found.gamma)[:T] / n),
        rho=found.rho,
        gamma=found.gamma[T:, T:],
    )


@dataclass(frozen=True, eq=False)
class OrdinalSolution:
    """A model fitted to polychoric correlations.

    Attributes
    ----------
    theta, vcov : (t,), (t, t)
    chi2 : n F (DWLS), (n − 1) F (ULS).
    iterations, converged, admissible : of the fit.
    reason : what is wrong; empty where nothing is.
    part : the part given, with its tests.
    """

    theta: FloatArray
    vcov: FloatArray
    chi2: float
    iterations: int
    converged: bool
    admissible: bool
    reason: str
    part: OrdinalPart


def solve_ordinal(
    table: ParameterTable, part: OrdinalPart, n: float, options: SemOptions
) -> OrdinalSolution:
    """Fit a model to polychoric correlations by DWLS or ULS.

    Raises
    ------
    NotIdentifiedError
        If the correlations do not determine the parameters.
    """
    entries = table.layout.groups[0]
    w = kernel.weights(part.gamma, diagonal=options.estimator == "DWLS")
    found = kernel.fit_correlations(
        entries,
        part.rho[None],
        w[None],
        _start(table)[None],
        tol=options.tol,
        max_iter=options.max_iter,
    )
    if not found.identified[0]:
        raise NotIdentifiedError(
            "the correlations do not determine all parameters",
            code="not-identified",
            remedy="give each factor three indicators or relations to others",
        )
    _, J = kernel.correlations(entries, found.theta)
    robust = kernel.robust(J, w[None], part.gamma[None], np.array([n]))
    T = n * found.value
    df = len(part.rho) - table.n_free
    tests = kernel.adjusted(T, df, robust)
    proper = bool(admissible(table.layout, found.theta)[0])
    converged = bool(found.converged[0])
    reason = "" if proper else "a residual variance is negative"
    if not converged:
        reason = f"not converged after {int(found.iterations[0])} iterations"
    plain = n if options.estimator == "DWLS" else n - 1
    return OrdinalSolution(
        theta=found.theta[0],
        vcov=robust.vcov[0],
        chi2=float(plain * found.value[0]),
        iterations=int(found.iterations[0]),
        converged=converged,
        admissible=converged and proper,
        reason=reason,
        part=OrdinalPart(
            part.item,
            part.category,
            part.threshold,
            part.std_error,
            part.rho,
            part.gamma,
            float(tests.shifted[0]),
            float(tests.shift_factor[0]) * plain / n,
            float(tests.shift[0]),
            float(tests.adjusted[0]),
            float(tests.adjusted_df[0]),
        ),
    )


def _start(table: ParameterTable) -> FloatArray:
    """Return where the iteration starts (t,)."""
    out = np.zeros(table.n_free)
    marked = any(r.op == "=~" and r.value is not None for r in table.rows)
    for row, k in zip(table.rows, table.free, strict=True):
        if k < 0:
            continue
        if row.start is not None:
            out[k] = row.start
        elif row.op == "=~":
            out[k] = 1.0 if marked else 0.7
        elif row.op == "~~" and row.lhs == row.rhs:
            out[k] = 0.5
    return out
