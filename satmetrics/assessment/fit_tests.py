"""`assessment.exact_fit`: whether the implied correlations can be the true ones."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    expect,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import FloatArray, RngLike
from satmetrics.assessment import _fit_measures as measures
from satmetrics.assessment.model_fit import FORMS, INDEFINITE
from satmetrics.assessment.plain import require_plain
from satmetrics.errors import ConvergenceError, NotIdentifiedError
from satmetrics.estimation.door import oriented
from satmetrics.estimation.fit import PlsFit
from satmetrics.inference._permute import p_values
from satmetrics.inference.source import Resampled, Source, source_of
from satmetrics.moment.moments import Moments

Form = Literal["estimated", "saturated"]
TERMS = ("srmr", "d_uls", "d_g")
DISTANCES = (measures.srmr, measures.d_uls, measures.d_g)


@dataclass(frozen=True, eq=False, repr=False)
class ExactFit(TableResult):
    """Distances of observed from implied correlations, with a bootstrap test.

    Attributes
    ----------
    draws : (successful draws, 3) distances in samples from the model.
    form : "estimated" or "saturated".
    n_draws : draws asked for.
    failures : pairs (reason, how many) of the draws that could not be fitted.
    n_inadmissible : draws fitted, and counted, whose solution is inadmissible.
    confidence : level of the quantile under ``critical``.
    resampled : what was drawn, or "normal theory" when only moments were given.
    composites : whether the model has composites of several indicators.
    title : what was fitted.
    """

    draws: FloatArray = dataclasses.field(default_factory=lambda: np.empty((0, 3)))
    form: Form = "estimated"
    n_draws: int = 0
    failures: tuple[tuple[str, int], ...] = ()
    n_inadmissible: int = 0
    confidence: float = 0.95
    resampled: Resampled = "respondents"
    composites: bool = True
    title: str = ""

    def summary(self) -> Summary:
        """Return the distances, their p-values and quantiles under the model."""
        words = {
            "term": "term",
            "estimate": "distance",
            "p_value": "p",
            "critical": f"{100 * self.confidence:g} % quantile",
        }
        failed = sum(count for _, count in self.failures)
        facts = (
            *self.context.facts(),
            ("model", self.form),
            ("draws", f"{self.n_draws:,}"),
            ("failed", f"{failed:,}"),
            ("resampled", self.resampled),
        )
        notes = [
            "null hypothesis: the implied correlations are those of the population; "
            "p = (b + 1)/(B + 1), b the draws at least as far",
            *((COMPOSITES,) if self.composites else ()),
            *(
                (f"{self.n_inadmissible} draws inadmissible, and counted",)
                if self.n_inadmissible
                else ()
            ),
            *(
                ("normal theory, no answers",)
                if self.resampled == "normal theory"
                else ()
            ),
            *self.context.sentences(),
        ]
        rows = section("", self.table, words)
        return Summary(f"Exact fit of {self.title}", facts, (rows,), tuple(notes))


SCORES = (
    "what the last stage implies are correlations of scores, which no transformation "
    "of the answers produces in the resamples"
)
COMPOSITES = (
    "blocks of composites are reproduced as they are: the test sees correlations "
    "between blocks, and fixed cut-offs are essentially arbitrary (cSEM documentation)"
)


@friendly_keywords
def exact_fit(
    fit: PlsFit,
    data: object = None,
    *,
    form: Form = "estimated",
    n_draws: int = 1000,
    level: float = 0.95,
    rng: RngLike = None,
) -> ExactFit:
    r"""Test by bootstrap whether a model reproduces the correlations exactly.

    Answers are transformed to :math:`X S^{-1/2} \hat Σ^{1/2}`, so that the model holds
    among them, and resampled; each resample is fitted, and its distance from its own
    implied correlations recorded. Only covariances enter: those of a resample of
    transformed answers are :math:`A^⊤ S^* A` with :math:`A = S^{-1/2} \hat Σ^{1/2}`.

    Parameters
    ----------
    fit : a fit of one group.
    data : the survey or frame that was fitted; None or the `Moments` that were fitted
        for draws from a normal distribution with the implied covariances.
    form : "estimated" tests measurement and structure, "saturated" the measurement
        alone (construct correlations are free).
    n_draws : resamples.
    level : of the quantile that is returned as ``critical``.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    ExactFit
        Rows srmr, d_uls, d_g: estimate, p_value = (b + 1)/(B + 1), critical, draws.

    Raises
    ------
    DataError
        If the data are not those of the fit.
    SpecificationError
        If the model has higher-order constructs or interactions.
    NotIdentifiedError
        If the observed or the implied correlations are not positive definite, so that
        no transformation exists.
    ConvergenceError
        If fewer than two draws could be fitted; failures are otherwise counted.

    Notes
    -----
    Consistent PLS and mode B find the model exactly in a population where it holds.
    Mode A of composites does not, so that its distances are not 0 there; the draws are
    then those of mode A at the implied correlations, as in cSEM.

    References
    ----------
    Beran and Srivastava (1985), doi:10.1214/aos/1176346579; Dijkstra and Henseler
    (2015), doi:10.1016/j.csda.2014.07.008.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> test = sat.assessment.exact_fit(fit, n_draws=99, rng=1)
    >>> float(test.to_frame()["p_value"].max())
    0.01
    """
    remedy = "pass what sat.pls(model, data) returned"
    expect("exact_fit", fit, PlsFit, "a fit", remedy=remedy)
    one_of("form", form, FORMS)
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    check_level(level)
    fit.require_single("test the fit of")
    require_plain(fit, "exact_fit", SCORES)
    origin = source_of(fit, data)
    R = cov_to_corr(oriented(fit.model, fit.moments, fit.ends).cov)
    T = fit.implied_matrix(saturated=form == "saturated")
    own = _distances(R, T)
    run = _draw(fit, origin, _imposing(fit, R, T), form, n_draws, generator(rng))
    if len(run.values) < 2:
        raise ConvergenceError(
            f"{n_draws - len(run.values)} of {n_draws} draws could not be fitted",
            code="bootstrap-failed",
            value=tuple(run.failures.items()),
        )
    failed = tuple(sorted(run.failures.items()))
    exclusions = [Exclusion(reason, count, "draws") for reason, count in failed]
    return ExactFit(
        table=_table(own, run.values, level, fit, form),
        context=origin.context.plus(*exclusions, notes=origin.notes),
        draws=run.values,
        form=form,
        n_draws=n_draws,
        failures=failed,
        n_inadmissible=run.inadmissible,
        confidence=level,
        resampled=origin.resampled,
        composites=any(
            c.kind == "composite" and len(c.indicators) > 1
            for c in fit.model.constructs
        ),
        title=fit.title,
    )


def _imposing(fit: PlsFit, R: FloatArray, T: FloatArray) -> FloatArray:
    """Return A (p, p) that gives answers as they stand the implied covariances."""
    made, ok = measures.imposing(R, T)
    if not ok:
        raise NotIdentifiedError(
            INDEFINITE,
            code="indefinite",
            remedy='see lowest_eigenvalue in sat.assess(fit), or test form="saturated"',
        )
    turned = {item for c in fit.model.constructs for item in c.reverse}
    sign = np.array([-1.0 if n in turned else 1.0 for n in fit.source.names])
    sd = fit.moments.sd
    scaled = made * (sign / sd)[:, None] * (sign * sd)
    return np.asarray(scaled)


@dataclass
class _Run:
    values: FloatArray
    failures: Counter[str]
    inadmissible: int


def _draw(
    fit: PlsFit,
    origin: Source,
    A: FloatArray,
    form: Form,
    n_draws: int,
    rng: np.random.Generator,
) -> _Run:
    kept: list[FloatArray] = []
    failures: Counter[str] = Counter()
    inadmissible = 0
    for drawn in origin.batches(n_draws, rng):
        again = fit.refit(_transformed(drawn.moments, A))
        R = cov_to_corr(oriented(again.model, again.moments, again.ends).cov)
        T = again.implied_matrix(saturated=form == "saturated")
        ok = again.converged
        kept.append(_distances(R[ok], T[ok]))
        inadmissible += int((ok & ~again.admissible).sum())
        failures.update(again.reasons[i] for i in np.flatnonzero(~ok))
    return _Run(np.concatenate(kept), failures, inadmissible)


def _transformed(moments: Moments, A: FloatArray) -> Moments:
    return dataclasses.replace(
        moments, mean=moments.mean @ A, cov=A.T @ moments.cov @ A, taylor=None
    )


def _distances(R: FloatArray, T: FloatArray) -> FloatArray:
    return np.stack([distance(R, T) for distance in DISTANCES], axis=-1)


def _table(
    own: FloatArray, draws: FloatArray, level: float, fit: PlsFit, form: Form
) -> Table:
    defined = np.isfinite(draws).sum(axis=0)
    critical = [
        float(np.quantile(column[np.isfinite(column)], level)) if n else np.nan
        for column, n in zip(draws.T, defined, strict=True)
    ]
    return Table.of(
        {
            "term": TERMS,
            "n": np.full(3, int(fit.moments.n)),
            "estimate": own,
            "p_value": p_values(own, draws, "greater"),
            "critical": critical,
            "draws": defined,
            "form": [form] * 3,
        }
    )
