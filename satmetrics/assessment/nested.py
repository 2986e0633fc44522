"""`assessment.compare_fits`: a covariance model against one with fewer restrictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._special import chi2_tail
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.sem_fit import SemFit
from satmetrics.estimation.sem_measures import measure_table

WORDS = {
    "name": "model",
    "chi2": "chi-square",
    "df": "df",
    "cfi": "CFI",
    "rmsea": "RMSEA",
    "srmr": "SRMR",
    "statistic": "Δ chi-square",
    "delta_df": "Δ df",
    "p_value": "p",
    "delta_cfi": "Δ CFI",
    "delta_rmsea": "Δ RMSEA",
}
SCALED = (
    "Δ chi-square is scaled after Satorra and Bentler (2001), doi:10.1007/BF02296192; "
    "chi-square is the scaled one, CFI and RMSEA are the robust ones"
)
DIFFERENCE = (
    "Δ chi-square tests what the restricted model has beyond the one above it, if that "
    "one holds and contains it; n and indicators are checked, containing is not"
)
NEGATIVE = "the scaling of the difference is not positive"
ESTIMATORS = ("ML", "GLS", "MLM", "MLR")


@dataclass(frozen=True, eq=False, repr=False)
class FitComparison(TableResult):
    """Nested models, the least restricted first.

    Columns: ``name, n, statistic, p_value`` (of the difference to the row above)``,
    chi2, df, cfi, rmsea, srmr, delta_df, delta_cfi, delta_rmsea, n_parameters,
    reason``.
    """

    def summary(self) -> Summary:
        """Return the models and the test of their difference."""
        notes = (DIFFERENCE, *self._reasons(), *self.context.sentences())
        rows = section("", self.table, WORDS)
        return Summary("Nested models compared", self.context.facts(), (rows,), notes)


@friendly_keywords
def compare_fits(
    a: SemFit, b: SemFit, names: tuple[str, str] = ("a", "b")
) -> FitComparison:
    r"""Compare two covariance models of which one restricts the other.

    The difference of two chi-squares is one, :math:`T_0 - T_1`, with
    :math:`d_0 - d_1` degrees of freedom. With "MLM" and "MLR" it is divided by
    :math:`(d_0 c_0 - d_1 c_1)/(d_0 - d_1)`, with the scalings c of both models.

    Parameters
    ----------
    a, b : fits to the same answers by the same estimator, in either order.
    names : what to call them.

    Returns
    -------
    FitComparison : the model with fewer degrees of freedom first.

    Raises
    ------
    OptionError
        If degrees of freedom are equal, or options differ.
    DataError
        If the data differ, or the model with fewer degrees of freedom fits worse, which
        no model does that contains the other.

    References
    ----------
    Satorra & Bentler (2001), A scaled difference chi-square test statistic for moment
    structure analysis, Psychometrika 66(4), 507-514, doi:10.1007/BF02296192.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> free = sat.sem("Quality =~ PERQ1 + PERQ2 + PERQ3 + PERQ4", mobile)
    >>> equal = sat.sem("Quality =~ PERQ1 + a*PERQ2 + a*PERQ3 + PERQ4", mobile)
    >>> rows = sat.assessment.compare_fits(free, equal).to_frame()
    >>> [int(df) for df in rows["df"]]
    [2, 3]
    """
    for fit in (a, b):
        expect("compare_fits", fit, SemFit, "a fit", remedy="pass results of sat.sem")
        fit.require_single("compare")
    pair = sorted(zip(names, (a, b), strict=True), key=lambda one: one[1].df)
    _check_same(*(fit for _, fit in pair))
    return FitComparison(ladder_table(pair), a.context)


def _check_same(free: SemFit, restricted: SemFit) -> None:
    """Raise unless one can restrict the other."""
    one, other = free.options, restricted.options
    if one.estimator not in ESTIMATORS or one.estimator != other.estimator:
        raise OptionError(
            f"chi-squares of {one.estimator} and {other.estimator} have no difference "
            "with a known distribution",
            code="not-comparable",
            column="estimator",
            value=(one.estimator, other.estimator),
            remedy=f"fit both by one of {', '.join(ESTIMATORS)}",
        )
    if one.likelihood != other.likelihood:
        raise OptionError(
            "one fit has the normal and the other the Wishart likelihood",
            code="not-comparable",
            column="likelihood",
            remedy="fit both with the same",
        )
    if free.df == restricted.df:
        raise OptionError(
            f"both models have {free.df} degrees of freedom: neither restricts the "
            "other",
            code="not-nested",
            value=free.df,
            remedy="compare models of which one fixes or equates parameters of the "
            "other; others are compared by AIC and BIC in fit_measures()",
        )
    same = set(free.moments.names) == set(restricted.moments.names)
    same = same and free.table.groups == restricted.table.groups
    if same:
        turned = restricted.moments.select(free.moments.names)
        same = np.array_equal(free.moments.n, turned.n) and np.allclose(
            free.moments.cov, turned.cov, rtol=1e-10, atol=0
        )
    if not same:
        raise DataError(
            "the fits are not of the same answers: indicators, groups, n or "
            "covariances differ",
            code="other-data",
            remedy="fit both models to the same indicators of the same respondents",
        )
    if float(free.chi2) > float(restricted.chi2) + 1e-6:
        raise DataError(
            f"the model with {free.df} degrees of freedom fits worse (chi-square "
            f"{float(free.chi2):.3f}) than the one with {restricted.df} "
            f"({float(restricted.chi2):.3f}): it does not contain it",
            code="not-nested",
            remedy="compare them by AIC and BIC in fit_measures()",
        )


def ladder_table(fits: Sequence[tuple[str, SemFit]]) -> Table:
    """Return one row per model, each tested against the one before it."""
    measured = [_measures(fit) for _, fit in fits]
    columns: dict[str, list[object]] = {
        "name": [name for name, _ in fits],
        "n": [int(fit.n[0]) for _, fit in fits],
    }
    tests = [(np.nan, np.nan, ""), *map(_tested, fits[:-1], fits[1:])]
    columns["statistic"] = [test[0] for test in tests]
    columns["p_value"] = [test[1] for test in tests]
    for word in ("chi2", "df", "cfi", "rmsea", "srmr"):
        columns[word] = [row[word] for row in measured]
    for word in ("df", "cfi", "rmsea"):
        values = np.array([row[word] for row in measured])
        columns[f"delta_{word}"] = [np.nan, *np.diff(values).tolist()]
    columns["n_parameters"] = [fit.table.n_free for _, fit in fits]
    columns["reason"] = [test[2] for test in tests]
    return Table.of(columns)


def _measures(fit: SemFit) -> dict[str, float]:
    table = measure_table(fit)
    found = dict(zip(table["term"].tolist(), table["estimate"].tolist(), strict=True))
    robust = {"chi2": "chi2_scaled", "cfi": "cfi_robust", "rmsea": "rmsea_robust"}
    words = {w: robust.get(w, w) for w in ("chi2", "df", "cfi", "rmsea", "srmr")}
    return {w: float(found[t] if t in found else found[w]) for w, t in words.items()}


def _tested(
    above: tuple[str, SemFit], below: tuple[str, SemFit]
) -> tuple[float, float, str]:
    """Return the statistic of a difference, its p-value, and why there is none."""
    free, restricted = above[1], below[1]
    df = restricted.df - free.df
    if df <= 0:
        return np.nan, np.nan, "no further restriction"
    value = float(restricted.chi2) - float(free.chi2)
    if free.scaled is not None and restricted.scaled is not None:
        parts = [
            fit.df * float(fit.scaled.scaling) if fit.df and fit.scaled else 0.0
            for fit in (restricted, free)
        ]
        scaling = (parts[0] - parts[1]) / df
        if not scaling > 0:
            return np.nan, np.nan, NEGATIVE
        value /= scaling
    value = max(value, 0.0)
    return value, float(chi2_tail(float(df), np.array(value))), ""
