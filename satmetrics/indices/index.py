"""`sat.index`: satisfaction indices on 0–100 by unit, wave or any other group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import (
    check_level,
    expect,
    friendly_keywords,
    generator,
    positive_int,
)
from satmetrics._typing import IntArray, RngLike
from satmetrics.errors import OptionError
from satmetrics.estimation.ends import ends_of
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.indices.index_data import Asked
from satmetrics.indices.index_figures import MadeIndex, index_table
from satmetrics.indices.index_result import IndexResult as IndexResult
from satmetrics.indices.joint import Joint
from satmetrics.indices.resampled import Plan
from satmetrics.indices.unpublished import published
from satmetrics.indices.weighting import IndexMetric, Negative, Weighting
from satmetrics.moment.population import FINITE, Population, unseen_share
from satmetrics.survey.scale import ScaleLike

FIXED = (
    "standard errors take the weights as fixed (delta method); n_draws= gives errors "
    "that do not"
)
RENEWED = "bootstrap: weights estimated anew in each draw; percentile intervals"


@friendly_keywords
def index(  # noqa: PLR0913 - one keyword per choice, all with a default
    fit: StructuralFit,
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
    min_n: int | None = None,
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
    min_n : figures of groups with fewer answers are not shown, nor others from which
        they could be computed if a total over any key of `by` is published too.
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
        StructuralFit,
        "a fit",
        remedy=f"{FIT}, then the data",
    )
    draws = positive_int("n_draws", n_draws, at_least=2 if n_draws else 0)
    if min_n is not None:
        positive_int("min_n", min_n)
    random = generator(rng)
    asked = Asked.of(fit, data, by)
    return index_of(
        asked,
        Ask(metric, negative, scale, population, draws, random, level, min_n),
        constructs_of(fit, construct),
    )


@dataclass(frozen=True, eq=False)
class Ask:
    """What is asked of an index; see `sat.index`."""

    metric: IndexMetric | None
    negative: Negative
    scale: ScaleLike | None
    population: Population | None
    n_draws: int
    rng: np.random.Generator
    level: float
    min_n: int | None


def index_of(asked: Asked, ask: Ask, which: IntArray) -> IndexResult:
    """Return the indices of constructs by their positions, as `sat.index` does."""
    fit = asked.fit
    weighting = Weighting.of(fit, ask.metric, asked.keys, ask.negative)
    ends = ends_of(fit, asked.data, ask.scale, which)
    made = MadeIndex.of(asked, weighting, which, ends)
    joint, failures, notes = _errors(made, ask)
    weight = None if asked.survey is None else asked.survey.roles.weight
    if weight is not None:
        notes = (f"answers are weighted by {weight!r}", *notes)
    unseen = unseen_share(
        ask.population,
        np.atleast_1d(made.turned.n),
        asked.keys,
        asked.survey,
        asked.codes,
    )
    if unseen is not None:
        joint = joint.shrunk(np.repeat(unseen, len(which)))
        notes = (*notes, FINITE)
    table = index_table(made, joint, ask.level)
    target = fit.model.target
    found = IndexResult(
        table,
        made.turned.context.plus(notes=(*notes, *weighting.notes(which))),
        target=target if target in [*table["construct"]] else None,
        metric=weighting.metric,
        level=ask.level,
        model=fit.model.name,
        credit=fit.model.credit(),
        by=() if asked.keys is None else asked.keys.names,
        joint=joint,
        weighting=weighting.by,
        failures=failures,
    )
    return found if ask.min_n is None else published(found, ask.min_n)


def _errors(
    made: MadeIndex, ask: Ask
) -> tuple[Joint, tuple[tuple[str, int], ...], tuple[str, ...]]:
    """Return the figures with errors as asked for, failed draws and notes."""
    if not ask.n_draws:
        joint, said = made.delta()
        return joint, (), (FIXED, *said)
    plan = Plan(made.weighting, made.ends, made.which)
    joint, failures, said = made.drawn(plan, ask.n_draws, ask.rng)
    return joint, failures, (RENEWED, *said)


def constructs_of(
    fit: StructuralFit, construct: str | Sequence[str] | None
) -> IntArray:
    """Return the positions of the constructs named, or of all that have an index."""
    names = fit.model.names
    products = {term.name for term in fit.spec.interactions}
    if construct is None:
        return np.array([k for k, name in enumerate(names) if name not in products])
    wanted = [construct] if isinstance(construct, str) else list(construct)
    if not wanted:
        raise OptionError(
            "construct= names no construct",
            code="no-constructs",
            column="construct",
            value=construct,
            remedy=f"leave it out for all, or name some of {', '.join(names)}",
        )
    for name in wanted:
        if name in products:
            raise OptionError(
                f"{name!r} is a product of constructs, which has no place on a scale",
                code="no-index",
                column=name,
                remedy="ask for the index of its factors",
            )
    found = [names.index(fit.model.construct(w).name) for w in wanted]
    return np.array(list(dict.fromkeys(found)))
