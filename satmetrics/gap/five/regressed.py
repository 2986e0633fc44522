"""One thing on others over units: correlations always, regression where units allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import ESTIMATES, Table
from satmetrics._typing import BoolArray, FloatArray, IntArray, RngLike
from satmetrics.gap.five import _explaining as kernel
from satmetrics.inference._intervals import moments, normal_p, percentile
from satmetrics.inference._resample import bootstrap_counts
from satmetrics.inference._tests import t_test

PER_PREDICTOR = 10
MIN_UNITS = 4
DRAWN = ("pearson", "spearman", "lmg", "johnson")
ZERO = "zero"
FIGURES = (*ESTIMATES[1:], "df")


@dataclass(frozen=True, eq=False)
class Problem:
    """What is explained by what, over which rows.

    Attributes
    ----------
    target, sources : names.
    Z : (U, p + 1) the sources' columns, the target's last; complete.
    codes : (U,) unit of each row.
    w : (U,) weights, mean 1.
    clustered : several rows are of one unit.
    floor : units a regression needs at least, whatever the predictors.
    """

    target: str
    sources: tuple[str, ...]
    Z: FloatArray
    codes: IntArray
    w: FloatArray
    clustered: bool
    floor: int

    @property
    def units(self) -> int:
        """Number of units."""
        return len(np.unique(self.codes))

    def varying(self) -> BoolArray:
        """Return (p + 1,) whether a column varies."""
        spread = np.ptp(self.Z, axis=0) if len(self.Z) else np.zeros(self.Z.shape[1])
        return np.asarray(spread > 1e-12)

    def refusal(self) -> str:
        """Return why there is no regression; empty if there is one."""
        p, n = len(self.sources), self.units
        needed = max(self.floor, PER_PREDICTOR * p)
        if n < needed:
            many = "predictor" if p == 1 else "predictors"
            return (
                f"{self.target}: no regression, {n} units for {p} {many} where "
                f"{needed} are needed ({PER_PREDICTOR} per predictor"
                + (f", {self.floor} at least" if self.floor else "")
                + "; rule of thumb): coefficients would say more than the data hold"
            )
        still = [n for n, v in zip(self.sources, self.varying(), strict=False) if not v]
        if still or not self.varying()[-1]:
            return (
                f"{self.target}: no regression, {(*still, self.target)[0]} is constant"
            )
        X = self.Z[:, :-1] - self.Z[:, :-1].mean(axis=0)
        if np.linalg.matrix_rank(X / X.std(axis=0)) < p:
            return f"{self.target}: no regression, the predictors are collinear"
        return ""


@dataclass(frozen=True, eq=False)
class Options:
    """How to explain: level, draws, source of random numbers, and the move."""

    level: float
    n_draws: int
    rng: RngLike
    move: float | str | None = None


@dataclass(frozen=True, eq=False)
class Explained:
    """Rows about one target, the reason against regression, and failed draws."""

    table: Table
    refusal: str
    failed: int
    shares: bool


def explained(problem: Problem, options: Options) -> Explained:
    """Return everything that is said about one target."""
    refusal = problem.refusal()
    shares = not refusal
    drawn, failed = _drawn(problem, options, shares)
    parts = [_rows(problem, term, problem.sources, f) for term, f in drawn.items()]
    if shares:
        parts += _regression(problem, options)
    columns = {
        name: np.concatenate([np.asarray(part[name]) for part in parts])
        for name in parts[0]
    }
    return Explained(Table.of(columns), refusal, failed, shares)


def _rows(
    problem: Problem, term: str, sources: Sequence[str], figures: dict[str, FloatArray]
) -> dict[str, object]:
    k = len(sources)
    texts = {"target": problem.target, "term": term}
    blank = np.full(k, np.nan)
    estimate = figures["estimate"]
    return {
        **{name: np.full(k, text, dtype=object) for name, text in texts.items()},
        "source": np.array(sources, dtype=object),
        "n": np.full(k, len(problem.Z)),
        **{name: figures.get(name, blank) for name in FIGURES},
        "rank": figures.get("rank", blank),
        "units": np.full(k, problem.units),
        "reason": np.where(np.isnan(estimate), "a column is constant", "").astype(
            object
        ),
    }


def _drawn(
    problem: Problem, options: Options, shares: bool
) -> tuple[dict[str, dict[str, FloatArray]], int]:
    """Return figures with bootstrap errors and limits over units, by term."""
    p, U = len(problem.sources), len(problem.Z)
    terms = DRAWN if shares else DRAWN[:2]
    own = kernel.figures(problem.Z, problem.w, np.ones((1, U)), shares=shares)[0]
    error = low = high = np.full(own.shape, np.nan)
    failed = 0
    if options.n_draws:
        codes = np.unique(problem.codes, return_inverse=True)[1].ravel()
        blocks = bootstrap_counts(problem.units, options.n_draws, options.rng)
        counts = kernel.unit_counts(blocks, codes)
        draws = kernel.drawn(problem.Z, problem.w, counts, shares=shares)
        error = np.where(np.isfinite(own), moments(draws)[1], np.nan)
        low, high = percentile(draws, options.level)
        failed = int((np.isnan(draws) & np.isfinite(own)).any(axis=1).sum())
    out = {}
    for k, term in enumerate(terms):
        at = slice(k * p, (k + 1) * p)
        figures = {
            "estimate": own[at],
            "std_error": error[at],
            "conf_low": low[at],
            "conf_high": high[at],
        }
        if k < 2:
            with np.errstate(divide="ignore", invalid="ignore"):
                figures["statistic"] = own[at] / np.where(
                    error[at] > 0, error[at], np.nan
                )
            figures["p_value"] = normal_p(figures["statistic"])
        else:
            figures["rank"] = ranked(own[at])
        out[term] = figures
    return out, failed


def ranked(values: FloatArray) -> FloatArray:
    """Return ranks (k,), 1 for the largest; NaN has none."""
    order = np.argsort(-values, kind="stable")
    out = np.empty(len(values))
    out[order] = np.arange(1, len(values) + 1)
    return np.where(np.isfinite(values), out, np.nan)


def _regression(problem: Problem, options: Options) -> list[dict[str, object]]:
    """Return coefficients, R² and what a move of each source would do."""
    import statsmodels.api as sm

    X, y = sm.add_constant(problem.Z[:, :-1], has_constant="add"), problem.Z[:, -1]
    model = sm.WLS(y, X, weights=problem.w)
    if problem.clustered:
        fit = model.fit(
            cov_type="cluster", cov_kwds={"groups": problem.codes}, use_t=True
        )
        df = problem.units - 1.0
    else:
        fit = model.fit(cov_type="HC3", use_t=True)
        df = float(len(y) - X.shape[1])
    b = np.asarray(fit.params, dtype=np.float64)
    se = np.asarray(fit.bse, dtype=np.float64)
    names = ("constant", *problem.sources)
    rows = [
        _rows(problem, "coefficient", names, _tested(b, se, df, options.level)),
        _rows(problem, "r2", ("",), {"estimate": np.array([fit.rsquared])}),
        _rows(
            problem, "r2_adjusted", ("",), {"estimate": np.array([fit.rsquared_adj])}
        ),
    ]
    if options.move is None:
        return rows
    if options.move == ZERO:
        step = -np.average(problem.Z[:, :-1], axis=0, weights=problem.w)
    else:
        step = np.full(len(problem.sources), float(options.move))
    figures = _tested(b[1:] * step, se[1:] * np.abs(step), df, options.level)
    figures["rank"] = ranked(b[1:] * step)
    return [*rows, _rows(problem, "change", problem.sources, figures)]


def _tested(
    estimate: FloatArray, std_error: FloatArray, df: float, level: float
) -> dict[str, FloatArray]:
    degrees = np.full(len(estimate), df)
    test = t_test(estimate, std_error, degrees, level)
    return {
        "estimate": estimate,
        "std_error": std_error,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "df": degrees,
    }
