"""The same model estimated by semopy, for a second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation._sem_solve import admissible
from satmetrics.estimation.sem_fit import SemFit
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_sample import sample_covariances, totals
from satmetrics.estimation.sem_table import Parameter, ParameterTable
from satmetrics.inference.protocol import Sampling
from satmetrics.models.model import StructuralModel
from satmetrics.moment.moments import Moments

OBJECTIVES = {"ML": "MLW", "GLS": "GLS", "ULS": "ULS"}


@dataclass(frozen=True, eq=False)
class Foreign:
    """What semopy found for a batch.

    Attributes
    ----------
    theta : (b, t) in the order of our table.
    vcov : (b, t, t) covariance of the estimates, by its expected information.
    chi2 : (b,)
    converged : (b,) bool, whether its optimiser says so.
    iterations : (b,)
    gfi : (b,) what it calls GFI.
    """

    theta: FloatArray
    vcov: FloatArray
    chi2: FloatArray
    converged: BoolArray
    iterations: IntArray
    gfi: FloatArray


def fit_by_semopy(
    model: StructuralModel,
    table: ParameterTable,
    moments: Moments,
    options: SemOptions,
    ends: FloatArray,
    sampling: Sampling,
) -> SemFit:
    """Return semopy's solution as a fit of ours; faults are recorded, not raised."""
    check_semopy(table, options)
    S, _, n = sample_covariances(model, moments, options, ends)
    found = by_semopy(table, S, totals(n, options), options)
    solved = np.isfinite(found.theta).all(axis=1)
    proper = admissible(table.layout, np.nan_to_num(found.theta)) & solved
    said = [
        given or ("" if ok else "not converged: semopy found no solution")
        for given, ok in zip(moments.reasons, found.converged & solved, strict=True)
    ]
    said = [
        given or ("" if ok else "semopy's solution is inadmissible")
        for given, ok in zip(said, proper, strict=True)
    ]
    at: Any = slice(None) if moments.batch_shape else 0
    return SemFit(
        model=model,
        table=table,
        options=options,
        moments=moments,
        theta=found.theta[at],
        vcov=found.vcov[at],
        chi2=found.chi2[at],
        iterations=found.iterations[at],
        converged=(found.converged & solved)[at],
        admissible=proper[at],
        reasons=tuple(said),
        ends=ends,
        sampling=sampling,
    )


def check_engine(options: SemOptions, missing: str, ordinal: object) -> None:
    """Raise if semopy is asked for what only our kernel estimates."""
    wrong = missing in ("fiml", "em", "two-stage") or ordinal is not False
    if options.engine == "semopy" and wrong:
        raise OptionError(
            'engine="semopy" takes complete answers as numbers: not ordinal=, nor '
            f"missing={missing!r}",
            code="not-in-semopy",
            column="engine",
            value=options.engine,
            remedy='use engine="satmetrics", or missing="listwise"',
        )


def check_semopy(table: ParameterTable, options: SemOptions) -> None:
    """Raise for what semopy cannot be asked here."""
    wrong = ""
    if len(table.groups) > 1:
        wrong = "several groups"
    elif table.means:
        wrong = "means"
    elif table.unit:
        wrong = "ordered answers"
    elif options.estimator not in OBJECTIVES:
        wrong = f'estimator="{options.estimator}"'
    if wrong:
        raise OptionError(
            f'engine="semopy" and {wrong} do not go together here',
            code="not-in-semopy",
            column="engine",
            value=options.engine,
            remedy='use engine="satmetrics", or one of '
            f"{', '.join(OBJECTIVES)} for one group without means",
        )


def described(table: ParameterTable) -> str:
    """Return the model in semopy's syntax; names are replaced by codes.

    Free parameters are named p0, p1 …, so that equal ones share a name.
    """
    lines = []
    for k, row in enumerate(table.rows):
        if row.hidden and row.lhs == row.rhs and row.lhs in table.latent:
            continue  # semopy itself has observed variables in paths
        free = int(table.free[k])
        factor = f"p{free}" if free >= 0 else repr(float(row.value or 0.0))
        lhs, rhs = (_code(table, row, name) for name in (row.lhs, row.rhs))
        lines.append(f"{lhs} {row.op} {factor}*{rhs}")
    return "\n".join(lines)


def _code(table: ParameterTable, row: Parameter, name: str) -> str:
    seen = name in table.observed
    measured = row.hidden and row.op == "~~"  # of an only indicator
    latent = name in table.latent and (not seen or not table.is_tied(name))
    if latent and not measured and not (row.op == "=~" and name == row.rhs and seen):
        return f"f{table.latent.index(name)}"
    return f"o{table.observed.index(name)}"


def by_semopy(
    table: ParameterTable, S: FloatArray, n: FloatArray, options: SemOptions
) -> Foreign:
    """Fit each member of a batch by semopy.

    Parameters
    ----------
    S : (b, p, p); members with NaN are left out.
    n : (b,) by what F is multiplied.

    Raises
    ------
    OptionError
        If semopy is not installed.
    """
    try:
        import semopy
    except ImportError as absent:
        raise OptionError(
            'engine="semopy" needs semopy, which is not installed',
            code="no-semopy",
            column="engine",
            remedy="pip install semopy",
        ) from absent
    text, t = described(table), table.n_free
    made = [_one(semopy, text, t, *pair, options) for pair in zip(S, n, strict=True)]
    return Foreign(*(np.stack(part) for part in zip(*made, strict=True)))


def _one(
    semopy: Any, text: str, t: int, S: FloatArray, n: float, options: SemOptions
) -> tuple[Any, ...]:
    import warnings

    import pandas as pd

    none = (np.full(t, np.nan), np.full((t, t), np.nan))
    lost = (*none, np.nan, False, 0, np.nan)
    if not np.isfinite(S).all():
        return lost
    names = [f"o{k}" for k in range(len(S))]
    model = semopy.Model(text, cov_diag=True)
    cov = pd.DataFrame(S, index=names, columns=names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = model.fit(cov=cov, n_samples=n, obj=OBJECTIVES[options.estimator])
            chi2 = float(semopy.stats.calc_chi2(model)[0])
            gfi = float(semopy.stats.calc_gfi(model, chi2=chi2))
            inverse = model.calc_fim(inverse=True)[1]
        except (np.linalg.LinAlgError, ValueError, ArithmeticError):
            return lost
    active = [name for name, p in model.parameters.items() if p.active]
    at = np.array([active.index(f"p{k}") for k in range(t)], dtype=np.int64)
    theta = np.asarray(model.param_vals, dtype=np.float64)[at]
    vcov = np.asarray(inverse, dtype=np.float64)[np.ix_(at, at)]
    return theta, vcov, chi2, bool(found.success), int(found.n_it), gfi
