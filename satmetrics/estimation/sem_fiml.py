"""Maximum likelihood of a covariance structure from incomplete answers (FIML)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation import _sem_fiml as casewise
from satmetrics.estimation._sem_minimise import Solution, descend
from satmetrics.estimation.door import model_survey
from satmetrics.estimation.sem_options import SemOptions
from satmetrics.estimation.sem_robust import ScaledTest
from satmetrics.estimation.sem_table import ParameterTable, start_values
from satmetrics.models.model import StructuralModel
from satmetrics.moment import _em_information as by_row
from satmetrics.moment._em import Plan
from satmetrics.moment.answers import column_word
from satmetrics.moment.designs import Sampled, sampled_rows
from satmetrics.moment.em import PatternMoments
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy, refuse

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

FIML_NOTE = (
    "maximum likelihood of the answers given (FIML), which takes them as missing at "
    "random; errors from the observed information"
)


@dataclass(frozen=True)
class CasewiseTest(Record):
    """Log-likelihoods of the answers given, each (…).

    Attributes
    ----------
    log_likelihood, unrestricted : of the model and of unrestricted moments.
    baseline_chi2 : chi-square of unrelated indicators.
    """

    log_likelihood: Any
    unrestricted: Any
    baseline_chi2: Any

    def take(self, where: int | IntArray) -> CasewiseTest:
        """Return some groups of a batch, or one."""
        return CasewiseTest(
            self.log_likelihood[where],
            self.unrestricted[where],
            self.baseline_chi2[where],
        )


@dataclass(frozen=True, eq=False)
class Incomplete:
    """The rows of a group with an answer, indicators turned.

    Attributes
    ----------
    X : (n, p), NaN where there is no answer.
    w : (n,) weights with mean 1.
    sampled : clusters and strata; None where they are not known.
    """

    X: FloatArray
    w: FloatArray
    sampled: Sampled | None

    def covariance(self, scores: FloatArray) -> FloatArray:
        """Return the covariance of the sum of scores (n, m) of the rows."""
        influence = self.w[:, None] * scores
        if self.sampled is None:
            return np.asarray(influence.T @ influence)
        codes = np.zeros(len(self.X), dtype=np.int64)
        return np.asarray(self.sampled.covariance(iter(influence.T), codes, 1)[0])


def check_fiml(options: SemOptions, data: object) -> None:
    """Raise for what the casewise likelihood cannot be used with."""
    if isinstance(data, Moments):
        raise OptionError(
            'missing="fiml" needs the answers, and moments are given',
            code="no-answers",
            column="missing",
            remedy="pass the answers",
        )
    if is_lazy(data):
        raise refuse('missing="fiml"', column="missing", value="fiml")
    if options.weight != "ML" or options.likelihood != "normal":
        raise OptionError(
            f'missing="fiml" is maximum likelihood, and estimator='
            f'"{options.estimator}" with likelihood="{options.likelihood}" is not that',
            code="fiml-estimator",
            column="estimator",
            value=options.estimator,
            remedy='use estimator="ML" or "MLR", or missing="listwise"',
        )
    if options.estimator == "MLM":
        raise OptionError(
            "the scaling of Satorra and Bentler is of complete answers",
            code="fiml-estimator",
            column="estimator",
            value="MLM",
            remedy='use estimator="MLR", or missing="two-stage"',
        )
    if options.means is False:
        raise OptionError(
            'missing="fiml" estimates means, and means=False leaves them out',
            code="fiml-means",
            column="means",
            value=False,
            remedy="leave means=None",
        )


def incomplete(
    model: StructuralModel,
    data: object,
    ends: FloatArray,
    *,
    by: str | Sequence[str] | None,
    weights: str | None,
) -> tuple[Incomplete, ...]:
    """Return the rows of each group, in the order of the moments' groups."""
    survey, column = model_survey(model, data), column_word(weights)
    if column is not None:
        survey = survey.with_roles(weight=column)
    codes: IntArray = np.zeros(survey.n, dtype=np.int64)
    keys: Table | None = None
    if by is not None:
        codes, keys = survey.groups(by)
    X = survey.answers(model.indicators)
    turned = {item for c in model.constructs for item in c.reverse}
    at = np.flatnonzero([name in turned for name in model.indicators])
    X = X.copy()
    X[:, at] = ends.sum(axis=0)[at] - X[:, at]
    given = np.isfinite(X).any(axis=1)
    w = np.ones(len(X)) if survey.weights is None else survey.weights
    given &= np.isfinite(w) & (w > 0)
    found = []
    for g in range(1 if keys is None else len(keys)):
        rows = np.flatnonzero(given & (codes == g))
        mean = w[rows].mean() if len(rows) else 1.0
        found.append(Incomplete(X[rows], w[rows] / mean, sampled_rows(survey, rows)))
    return tuple(found)


def patterns_of(groups: Sequence[Incomplete], good: Sequence[bool]) -> Any:
    """Return the moments of the patterns of all groups, padded to one number."""
    p = groups[0].X.shape[1]
    names = tuple(str(k) for k in range(p))
    blank = np.eye(1, p)
    parts = [
        PatternMoments.of(names, *((g.X, g.w) if ok else (blank, np.ones(1))))
        for g, ok in zip(groups, good, strict=True)
    ]
    K = max(len(part.n) for part in parts)

    def padded(name: str) -> FloatArray:
        values = [np.nan_to_num(getattr(part, name)) for part in parts]
        rest = [(0, 0)] * (values[0].ndim - 1)
        return np.stack([np.pad(v, [(0, K - len(v)), *rest]) for v in values])

    return casewise.Patterns(
        padded("seen").astype(bool),
        padded("weight_sum"),
        padded("mean"),
        padded("cov"),
    )


@dataclass(frozen=True, eq=False)
class FimlSolution:
    """What the casewise likelihood gives, a batch of groups (b, …)."""

    solution: Solution
    vcov: FloatArray
    chi2: FloatArray
    test: CasewiseTest
    scaled: ScaledTest | None


def solve_fiml(
    table: ParameterTable,
    groups: Sequence[Incomplete],
    sample: kernel.Sample,
    good: Sequence[bool],
    options: SemOptions,
) -> FimlSolution:
    """Maximise the likelihood from the solution's start at EM moments.

    Parameters
    ----------
    groups : the rows of each member.
    sample : EM moments, divisor n.
    good : which members can be fitted.
    """
    layout = table.layout
    patterns = patterns_of(groups, good)
    problem = casewise.Casewise(layout, patterns)
    start = start_values(table, sample.S, sample.mean)
    found = descend(problem, start, options.tol, options.max_iter)
    N = patterns.total
    at = np.flatnonzero(found.identified & np.array(good))
    vcov = np.full((len(N), layout.n_free, layout.n_free), np.nan)
    H = problem.points(at, found.theta[at])[1][0].observed()
    vcov[at] = 2 * np.linalg.pinv(H, hermitian=True) / N[at, None, None]
    m, S = _moments(sample)
    free = -0.5 * casewise.deviance(patterns, m, S)
    own = -0.5 * N * found.value
    mean, variance = casewise.unrelated(patterns)
    variance = np.where(np.isfinite(variance) & (variance > 0), variance, np.nan)
    base = variance[..., None] * np.eye(variance.shape[1])
    test = CasewiseTest(
        own, free, 2 * (free + 0.5 * casewise.deviance(patterns, mean, base))
    )
    scaled = None
    if options.estimator == "MLR":
        vcov, scaled = _robust(table, groups, (patterns, at), found.theta, vcov, (m, S))
    return FimlSolution(found, vcov, 2 * (free - own), test, scaled)


def _moments(sample: kernel.Sample) -> tuple[FloatArray, FloatArray]:
    if sample.mean is None:
        raise ValueError("a sample without means")
    return sample.mean[:, 0], sample.S[:, 0]


def _robust(
    table: ParameterTable,
    groups: Sequence[Incomplete],
    chosen: tuple[casewise.Patterns, IntArray],
    theta: FloatArray,
    vcov: FloatArray,
    unrestricted: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, ScaledTest]:
    """Return the sandwich, and the scaling of the chi-square; groups one by one."""
    patterns, at = chosen
    entries = table.layout.groups[0]
    p = len(table.observed)
    df = p * (p + 1) // 2 + p - table.n_free
    df0 = p * (p - 1) // 2
    out = np.full_like(vcov, np.nan)
    traces = np.full((3, len(theta)), np.nan)
    i, j = np.triu_indices(p)
    kept = np.r_[np.arange(p), p + np.flatnonzero(i == j)]
    for g in at:
        rows, part = groups[g], patterns.take(np.array([g]))
        plan = Plan.of(rows.X, rows.w)
        M = entries.matrices(theta[g : g + 1])
        J = casewise.whole_jacobian(entries.directions(M))[0]
        J = J if entries.sums is None else entries.sums.T @ J
        B = rows.covariance(by_row.row_scores(M.mu[0], M.Sigma[0], plan, J.T))
        out[g] = vcov[g] @ B @ vcov[g]
        traces[0, g] = (vcov[g] * B).sum()
        m, S = unrestricted[0][g], unrestricted[1][g]
        traces[1, g] = _trace(rows, plan, part, (m, S), np.arange(p + len(i)))
        mean, variance = casewise.unrelated(part)
        traces[2, g] = _trace(rows, plan, part, (mean[0], np.diag(variance[0])), kept)
    with np.errstate(divide="ignore", invalid="ignore"):
        return out, ScaledTest(
            kind="Yuan-Bentler",
            scaling=(traces[1] - traces[0]) / df,
            baseline_scaling=(traces[1] - traces[2]) / df0,
            saturated=traces[1],
            restricted=traces[0],
        )


def _trace(
    rows: Incomplete,
    plan: Plan,
    part: casewise.Patterns,
    moments: tuple[FloatArray, FloatArray],
    kept: IntArray,
) -> float:
    """Return tr(I⁻¹ B) of the model whose free parameters are the moments `kept`."""
    m, S = moments
    found = casewise.saturated(part, m[None], S[None], observed=True).information[0]
    inverse = np.linalg.inv(found[np.ix_(kept, kept)])
    lead = np.eye(len(found))[:, kept]
    B = rows.covariance(by_row.row_scores(m, S, plan, lead))
    return float((inverse * B).sum())


def require_refittable(fit: SemFit) -> None:
    """Raise for a fit to single answers, which moments do not hold."""
    if fit.casewise is not None:
        raise OptionError(
            "a likelihood of single answers (FIML) is not refitted from moments",
            code="fiml-refit",
            value="fiml",
            remedy='fit with missing="two-stage", whose resamples are moments of EM',
        )
