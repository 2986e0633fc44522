"""`sat.index`: satisfaction indices on 0–100 by unit, wave or any other group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._checks import (
    check_level,
    expect,
    friendly_keywords,
    generator,
    positive_int,
)
from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray, RngLike
from satmetrics.errors import OptionError
from satmetrics.estimation.door import model_moments, model_survey, oriented
from satmetrics.estimation.ends import check_means, ends_of
from satmetrics.estimation.fit import PlsFit
from satmetrics.indices.designed import (
    INDEPENDENT,
    ItemRows,
    coefficients,
    designed_errors,
    item_rows,
    row_wise,
)
from satmetrics.indices.index_result import IndexResult as IndexResult
from satmetrics.indices.joint import Joint
from satmetrics.indices.population import Population, unseen_share
from satmetrics.indices.resampled import Plan, check_rows, drawn_indices
from satmetrics.indices.weighting import IndexMetric, Negative, Weighting
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.scale import ScaleLike
from satmetrics.survey.survey import Survey

FEW_EFFECTIVE = 5
"""Below this effective n a linearised standard error means little."""
FIXED = (
    "standard errors take the weights as fixed (delta method); n_draws= gives errors "
    "that do not"
)
RENEWED = "bootstrap: weights estimated anew in each draw; percentile intervals"


@friendly_keywords
def index(  # noqa: PLR0913 - one keyword per choice, all with a default
    fit: PlsFit,
    data: object = None,
    *,
    by: str | Sequence[str] | None = None,
    construct: str | Sequence[str] | None = None,
    metric: IndexMetric | None = None,
    negative: Negative = "keep",
    scale: ScaleLike | None = None,
    population: Population | None = None,
    n_draws: int = 0,
    rng: RngLike = None,
    level: float = 0.95,
) -> IndexResult:
    r"""Return satisfaction indices on 0–100.

    .. math:: I = 100 · (Σ w_i \bar x_i - Σ w_i \min_i) / Σ w_i (\max_i - \min_i)

    with the weights of the fit in the units of the answers. The standard error is
    :math:`\sqrt{w' \mathrm{Cov}(\bar x) w} · 100 / Σ w_i (\max_i - \min_i)`; it takes
    the weights as fixed. With ``n_draws`` it is the standard deviation of bootstrap
    draws in which the weights are estimated anew.

    Parameters
    ----------
    fit : what `sat.pls` returned. A pooled fit has one set of weights for all groups,
        so that these differ by their answers alone; one made with ``by="industry"``
        has weights per industry, to each of which groups of `by` belong; one made with
        the keys of `by` has weights per unit.
    data : the survey or frame (also a lazy one); None for the moments of the fit
        itself.
    by : columns or roles such as ``["unit", "wave"]``; they include those of the fit.
    construct : one construct or several; all when None.
    metric : "raw", "standardized" or "equal" weights; the fit's own when None. The
        choice moves an index by a point or so, and the result names it.
    negative : what becomes of a negative weight: "keep" it (and say so), set it to
        "zero", or make it an "error" (of draws: one that cannot be used).
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.
    population : number of all customers of a group: one for every group, a column that
        holds it, or label of the first key → number. Variances then shrink by
        ``1 − n/N``.
    n_draws : bootstrap draws; 0 for the delta method. They need the rows that were
        fitted.
    rng : Generator or seed (SPEC 7).
    level : confidence level of the intervals: percentiles of draws; else by the normal
        distribution, or Student's t where clusters were sampled.

    Returns
    -------
    IndexResult
        Columns: keys, construct, n, estimate, std_error, conf_low, conf_high, reason.

    Raises
    ------
    DataError
        If an item has no scale, or a mean lies off it.
    OptionError
        If the fit is of groups that `by` does not tell apart.

    Notes
    -----
    Where clusters were sampled, or respondents answered several times, errors follow
    from the sums over clusters or respondents, and groups that share them covary: the
    result keeps that for changes, ranks and aggregates.

    References
    ----------
    Fornell, Johnson, Anderson, Cha and Bryant (1996), doi:10.1177/002224299606000403.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.pls("ecsi", mobile, sat.PlsOptions(scheme="centroid", metric="raw"))
    >>> frame = sat.index(fit, construct="Satisfaction").to_frame()
    >>> round(float(frame["estimate"].iloc[0]), 2)
    71.25
    """
    check_level(level)
    expect(
        "index",
        fit,
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned, then the data",
    )
    draws = positive_int("n_draws", n_draws, at_least=0)
    random = generator(rng)
    asked = _Asked.of(fit, data, by)
    weighting = Weighting.of(fit, metric, asked.keys, negative)
    which = constructs_of(fit, construct)
    ends = ends_of(fit, asked.data, scale, which)
    made = _Index.of(asked, weighting, which, ends)
    unseen = unseen_share(
        population, np.atleast_1d(made.turned.n), asked.keys, asked.survey, asked.codes
    )
    notes = weighting.notes(which)
    if draws:
        plan = Plan(fit, weighting.metric, negative, weighting.member, ends, which)
        joint, failures, said = made.drawn(plan, draws, random)
        notes = (RENEWED, *said, *notes)
    else:
        joint, said = made.delta()
        failures, notes = (), (FIXED, *said, *notes)
    if unseen is not None:
        joint = shrunk(joint, np.repeat(unseen, len(which)))
        notes = (*notes, "finite population: variances times 1 − n/N")
    table = _tidy(made, joint, level)
    target = fit.model.target
    return IndexResult(
        table,
        made.turned.context.plus(notes=notes),
        target=target if target in [*table["construct"]] else None,
        metric=weighting.metric,
        level=level,
        model=fit.model.name,
        credit=fit.model.credit(),
        by=() if asked.keys is None else asked.keys.names,
        joint=joint,
        weighting=weighting.by,
        failures=failures,
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """The data of an index, and the groups in it.

    Attributes
    ----------
    fit : the fit.
    data : what was passed, a frame as the survey it makes.
    survey : the survey, where there are rows at hand.
    by : as asked for.
    moments : of the columns of the data, by group.
    """

    fit: PlsFit
    data: object
    survey: Survey | None
    by: str | Sequence[str] | None
    moments: Moments

    @classmethod
    def of(cls, fit: PlsFit, data: object, by: str | Sequence[str] | None) -> _Asked:
        if data is None:
            if by is not None:
                raise OptionError(
                    "by= needs the answers", code="no-answers", remedy="pass the survey"
                )
            return cls(fit, None, None, None, fit.source)
        survey = None
        if not isinstance(data, Moments) and not is_lazy(data):
            survey = model_survey(fit.spec, data)
            if fit.sampling.weights is not None:
                survey = survey.with_roles(weight=fit.sampling.weights)
        moments = model_moments(
            fit.spec,
            data if survey is None else survey,
            by=by,
            weights=fit.sampling.weights,
            missing=fit.sampling.missing,
            products=fit.sampling.products,
        )
        return cls(fit, data if survey is None else survey, survey, by, moments)

    @property
    def keys(self) -> Table | None:
        return self.moments.keys

    @cached_property
    def codes(self) -> IntArray | None:
        """Group of each row of the survey (N,), −1 for none."""
        if self.survey is None:
            return None
        if self.by is None:
            return np.zeros(self.survey.n, dtype=np.int64)
        return self.survey.groups(self.by)[0]

    def rows(self) -> ItemRows | None:
        """Return the complete rows, where moments are sums over such."""
        if self.survey is None or self.codes is None or not row_wise(self.fit):
            return None
        groups = len(self.moments.reasons)
        return item_rows(self.fit, self.survey, self.codes, groups)

    def survey_words(self) -> str:
        """Return how the survey's respondents were sampled, by its design alone."""
        return "" if self.survey is None else self.survey.design().words

    def designed(self) -> bool:
        """Return whether more than single rows may have been sampled."""
        if self.survey is None:
            return False
        roles = self.survey.roles
        return not (roles.cluster is roles.stratum is roles.respondent is None)


@dataclass(frozen=True, eq=False)
class _Index:
    """What indices are made of.

    Attributes
    ----------
    weights : (p,) or (G, p)
    turned : moments of the indicators, high answers good.
    which : (k,) positions of the constructs.
    """

    asked: _Asked
    weighting: Weighting
    weights: FloatArray
    turned: Moments
    which: IntArray
    ends: FloatArray

    @classmethod
    def of(
        cls, asked: _Asked, weighting: Weighting, which: IntArray, ends: FloatArray
    ) -> _Index:
        fit = weighting.fit
        moments = fit.indicator_moments(asked.moments)
        turned = oriented(fit.model, moments, ends)
        check_means(fit, turned.mean, ends, which)
        return cls(asked, weighting, weighting.weights(which), turned, which, ends)

    @cached_property
    def usable(self) -> BoolArray:
        """Where a group has weights (G,)."""
        return self.weighting.usable()

    def values(self) -> FloatArray:
        """Return the indices (G, k); NaN where there are no weights."""
        model = self.weighting.fit.model
        low, high = self.ends
        found = _blocks.index_0_100(
            *(self.weights, self.turned.mean, low, high),
            *(model.owner(), len(model.names)),
        )
        each = np.broadcast_to(found, (len(self.usable), found.shape[-1]))
        return np.where(self.usable[:, None], each[:, self.which], np.nan)

    def delta(self) -> tuple[Joint, tuple[str, ...]]:
        """Return the indices with errors that take weights as fixed, and notes."""
        values, error = self.values(), self._errors()
        df = np.full(values.size, np.inf)
        plain = Joint(values.ravel(), error.ravel(), df)
        if not self.asked.designed():
            return plain, ()
        read = self.asked.rows()
        if read is None:
            return plain, (INDEPENDENT.format(self.asked.fit.sampling.missing),)
        if read.rows.unit is None:
            return plain, ()
        fit = self.weighting.fit
        a = coefficients(fit, self.weights, self.ends, self.which)
        names, target = fit.model.names, fit.model.target
        goal = names.index(target) if target in names else -1
        at = np.flatnonzero(self.which == goal)
        found = designed_errors(read, a, int(at[0]) if len(at) else None)
        error = np.where(np.isfinite(values), found.std_error, np.nan)
        joint = Joint(
            values.ravel(),
            error.ravel(),
            found.df.ravel(),
            found.pairs,
            found.covariance,
        )
        people = read.words != self.asked.survey_words()
        said = (f"errors: {read.words}, linearised",) if people else ()
        return joint, (*said, *read.notes)

    def drawn(
        self, plan: Plan, n_draws: int, rng: np.random.Generator
    ) -> tuple[Joint, tuple[tuple[str, int], ...], tuple[str, ...]]:
        """Return the indices with bootstrap draws, failures and notes."""
        check_rows(self.asked.fit)
        read = self.asked.rows()
        if read is None:
            raise OptionError(
                "n_draws= needs the answers",
                code="no-answers",
                column="n_draws",
                remedy="pass the survey, not lazily; or n_draws=0",
            )
        found = drawn_indices(plan, read, n_draws, rng)
        draws = found.values.reshape(n_draws, -1)
        notes = (*found.notes, *read.notes)
        return Joint.drawn(self.values().ravel(), draws), found.failures, notes

    def _errors(self) -> FloatArray:
        """Return the standard errors (G, k) by the covariance of the means."""
        model, moments = self.weighting.fit.model, self.turned
        owner, q = model.owner(), len(model.names)
        starts = np.searchsorted(owner, np.arange(q))
        span = np.add.reduceat(
            self.weights * (self.ends[1] - self.ends[0]), starts, axis=-1
        )
        W = self.weights[..., :, None] * _blocks.membership(owner, q)
        V = moments.mean_cov
        if not moments.has_correlations:
            V = np.where(np.eye(V.shape[-1], dtype=bool), V, 0.0)
        variance = ((V @ W) * W).sum(axis=-2)
        if not moments.has_correlations:
            sizes = _blocks.membership(owner, q).sum(axis=0)
            variance = np.where(sizes > 1, np.nan, variance)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = 100 * np.sqrt(variance) / np.abs(span)
        each = np.broadcast_to(error, (len(self.usable), q))
        return np.where(self.usable[:, None], each[:, self.which], np.nan)


def shrunk(joint: Joint, share: FloatArray) -> Joint:
    """Return figures whose variances are times a share (R,) of what they were."""
    root = np.sqrt(share)
    i, j = joint.pairs.T
    draws = joint.draws
    if joint.n_draws:
        draws = joint.estimate + (draws - joint.estimate) * root
    return Joint(
        joint.estimate,
        joint.std_error * root,
        joint.df,
        joint.pairs,
        joint.covariance * root[i] * root[j],
        draws,
    )


def constructs_of(fit: PlsFit, construct: str | Sequence[str] | None) -> IntArray:
    """Return the positions of the constructs named, or of all that have an index."""
    names = fit.model.names
    products = {term.name for term in fit.spec.interactions}
    if construct is None:
        return np.array([k for k, name in enumerate(names) if name not in products])
    wanted = [construct] if isinstance(construct, str) else list(construct)
    for name in wanted:
        if name in products:
            raise OptionError(
                f"{name!r} is a product of constructs, which has no place on a scale",
                code="no-index",
                column=name,
                remedy="ask for the index of its factors",
            )
    return np.array([names.index(fit.model.construct(w).name) for w in wanted])


def _tidy(made: _Index, joint: Joint, level: float) -> Table:
    moments, k = made.turned, len(made.which)
    groups = len(moments.reasons)
    names = made.weighting.fit.model.names
    n = np.repeat(np.atleast_1d(moments.n), k)
    n_eff = np.repeat(np.atleast_1d(moments.n_eff), k)
    columns: dict[str, object] = {
        "construct": [names[c] for c in made.which] * groups,
        "n": n,
        **joint.columns(level),
    }
    if np.any(np.asarray(moments.n_eff) != np.asarray(moments.n)):
        columns["n_eff"] = n_eff
    said = zip(moments.reasons, made.weighting.reasons(), strict=True)
    given = [own or fitted for own, fitted in said]
    columns["reason"] = _reasons(
        np.repeat(np.array(given, dtype=object), k), n, n_eff, joint.std_error
    )
    keys = made.asked.keys
    if keys is None:
        return Table.of(columns)
    keyed = {name: np.repeat(keys[name], k) for name in keys.names}
    return Table.of({**keyed, **columns}, keys=keys.names)


def _reasons(
    reasons: AnyArray, n: IntArray, n_eff: FloatArray, error: FloatArray
) -> AnyArray:
    """Return per figure why it cannot be had, or what is wrong with it."""
    reasons[(reasons == "") & (n < 1)] = "no complete rows"
    reasons[(reasons == "") & (n == 1)] = "one answer: no standard error"
    few = (reasons == "") & (n_eff < FEW_EFFECTIVE) & (n >= FEW_EFFECTIVE)
    reasons[few] = (
        "few rows carry nearly all weight: the standard error is not reliable"
    )
    alike = (reasons == "") & (error == 0)
    reasons[alike] = "all answers alike: the error of 0 is no certainty"
    return reasons
