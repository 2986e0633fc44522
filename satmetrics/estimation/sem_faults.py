"""Why a covariance structure cannot be fitted, or its solution not be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import ConvergenceError, DataError, NotIdentifiedError
from satmetrics.estimation._sem_minimise import Solution, regular
from satmetrics.estimation._sem_solve import undetermined
from satmetrics.estimation.sem_table import ParameterTable

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

SHOWN = 8
"""Names that a message lists."""


def faults(
    table: ParameterTable, S: FloatArray, n: FloatArray, reasons: tuple[str, ...]
) -> tuple[str, ...]:
    """Return per member why it cannot be fitted; empty where it can."""
    p = len(table.observed)
    out = []
    proper = regular(np.nan_to_num(S))
    for k, given in enumerate(reasons):
        variance = np.diagonal(S[k])
        flat = [table.observed[i] for i in np.flatnonzero(~(variance > 0))]
        if given:
            out.append(given)
        elif flat:
            out.append(f"{flat[0]} is constant")
        elif n[k] <= p:
            out.append(f"{int(n[k])} respondents are too few for {p} indicators")
        elif not proper[k]:
            out.append(_dependent(table, S[k]))
        else:
            out.append("")
    return tuple(out)


def judged(table: ParameterTable, found: Solution, admissible: bool, k: int) -> str:
    """Return what is wrong with a solution; empty where nothing is."""
    if not found.identified[k]:
        return f"not identified: {_loose(table, found.theta[k])}"
    if not found.converged[k]:
        return (
            f"not converged: gradient {found.gradient[k]:.1e} after "
            f"{int(found.iterations[k])} iterations"
        )
    if not admissible:
        return _improper(table, found.theta[k])
    return ""


def _loose(table: ParameterTable, theta: FloatArray) -> str:
    """Name the parameters that the data do not determine."""
    if not np.isfinite(theta).all():
        return "the iteration left the possible values"
    loose = undetermined(table.layout, theta[None])[0]
    names = [n for n, is_loose in zip(table.names(), loose, strict=True) if is_loose]
    if not names:
        return "parameters are not determined by the data"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"the data do not determine {', '.join(names[:SHOWN])}{more}"


def _dependent(table: ParameterTable, S: FloatArray) -> str:
    """Name the indicators that make a covariance matrix singular or indefinite."""
    sd = np.sqrt(np.diagonal(S))
    _, vectors = np.linalg.eigh(S / np.outer(sd, sd))
    weight = np.abs(vectors[:, 0])
    at = np.flatnonzero(weight > 0.2 * weight.max())
    names = ", ".join(table.observed[i] for i in at[:SHOWN])
    return (
        "the covariance matrix is not positive definite: linear dependence among "
        f"{names}"
    )


def _improper(table: ParameterTable, theta: FloatArray) -> str:
    """Say what makes a solution inadmissible."""
    values = table.numbers(theta)
    negative = [
        f"{row.lhs} ({value:.3g})"
        for row, value in zip(table.rows, values, strict=True)
        if row.op == "~~" and row.lhs == row.rhs and value < 0
    ]
    if negative:
        return f"negative variance: {', '.join(negative)}"
    return "covariances of constructs or residuals are not those of real variables"


def raise_fault(fit: SemFit) -> None:
    """Raise what keeps a single fit from being one."""
    reason = fit.reasons[0]
    if bool(fit.converged) and not reason.startswith("not identified"):
        return
    if reason.startswith("not identified"):
        raise NotIdentifiedError(
            reason,
            code="not-identified",
            value=reason,
            remedy="fix a loading or a variance of each factor, give each factor three "
            "indicators or relations to others, or leave a path out",
        )
    if reason.startswith("not converged"):
        raise ConvergenceError(
            reason,
            code="not-converged",
            value=int(fit.iterations),
            remedy="check the items of the constructs; raise max_iter in SemOptions",
        )
    raise DataError(
        reason or "the moments hold values that are not numbers",
        code="unusable-data",
        value=reason,
        remedy="leave the item out, or collect more respondents",
    )
