"""`sat.index`: satisfaction indices on 0–100 by unit, wave or any other group."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    did_you_mean,
    expect,
    friendly_keywords,
    one_of,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import OptionError
from satmetrics.estimation.door import model_moments, oriented
from satmetrics.estimation.ends import check_means, ends_of
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.options import Metric
from satmetrics.indices.joint import Joint, of_table
from satmetrics.inference._intervals import normal_interval
from satmetrics.moment import _blocks
from satmetrics.moment.moments import Moments
from satmetrics.survey.scale import ScaleLike

IndexMetric = Literal["raw", "standardized", "equal"]
METRICS = ("raw", "standardized", "equal")
FEW_EFFECTIVE = 5
"""Below this effective n a linearised standard error means little."""
METRIC_WORDS = {
    "raw": "PLS weights estimated on the raw answers",
    "standardized": "PLS weights estimated on standardised answers, "
    "then un-standardised",
    "equal": "equal weights within each construct",
}


@dataclass(frozen=True, eq=False, repr=False)
class IndexResult(TableResult):
    """Indices on 0–100, one row per construct and group.

    Attributes
    ----------
    target : the construct the model names as its index, or None.
    metric : which weights made the index.
    level : confidence level.
    model : name of the model.
    credit : what must be said of a published model form.
    by : the key columns.
    joint : the figures of the table, row by row, with what is known of their errors.
    weighting : the key columns within which weights were estimated; none: pooled.
    failures : pairs (reason, how many) of bootstrap draws that could not be used.
    """

    target: str | None = None
    metric: str = ""
    level: float = 0.95
    model: str = ""
    credit: str = ""
    by: tuple[str, ...] = ()
    joint: Joint | None = None
    weighting: tuple[str, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()

    def errors(self) -> Joint:
        """Return the figures of the table with the covariance of their errors."""
        return of_table(self.table) if self.joint is None else self.joint

    def of(self, construct: str | None = None) -> IndexResult:
        """Return the rows of one construct: the target, or the one named.

        Raises
        ------
        OptionError
            If there is no such construct, or None is given and there is no target.
        """
        name = self.target if construct is None else construct
        held = list(dict.fromkeys(self.table["construct"]))
        if name not in held:
            raise OptionError(
                f"the index has no construct {name!r}"
                if name is not None
                else "the model names no target",
                code="unknown-construct",
                column="construct",
                value=name,
                remedy=f"{did_you_mean(name or '', held)} it has {', '.join(held)}",
            )
        at = np.flatnonzero(self.table["construct"] == name)
        joint = None if self.joint is None else self.joint.take(at)
        return dataclasses.replace(
            self, table=self.table.take(at), joint=joint, target=name
        )

    def summary(self) -> Summary:
        """Return the index of the target construct by group."""
        keys = {k: k for k in self.by}
        words = {
            **keys,
            "construct": "construct",
            "n": "n",
            "estimate": "index",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "reason": "reason",
        }
        table = self.table
        if self.by and self.target is not None:
            table = table.where(construct=self.target)
        if not any(table["reason"]):
            table = table.drop("reason")
        facts = (
            *self.context.facts(),
            ("model", self.model),
            ("metric", METRIC_WORDS[self.metric]),
        )
        notes = (
            "0 = the lowest, 100 = the highest possible answer to every item",
            "standard errors take the weights as fixed (delta method); sat.bootstrap "
            "gives errors that do not",
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
        )
        places = dict.fromkeys(("estimate", "conf_low", "conf_high"), 1) | {
            "std_error": 2
        }
        body = section("", table, words, decimals=places, max_rows=40)
        return Summary("Index, 0–100", facts, (body,), notes)


@friendly_keywords
def index(
    fit: PlsFit,
    data: object = None,
    *,
    by: str | Sequence[str] | None = None,
    construct: str | Sequence[str] | None = None,
    metric: IndexMetric | None = None,
    scale: ScaleLike | None = None,
    level: float = 0.95,
) -> IndexResult:
    r"""Return satisfaction indices on 0–100.

    .. math:: I = 100 · (Σ w_i \bar x_i - Σ w_i \min_i) / Σ w_i (\max_i - \min_i)

    with the weights of the fit in the units of the answers. The standard error is
    :math:`\sqrt{w' \mathrm{Cov}(\bar x) w} · 100 / Σ w_i (\max_i - \min_i)`; it takes
    the weights as fixed.

    Parameters
    ----------
    fit : what `sat.pls` returned. Its weights apply to all groups, so that groups
        differ by their answers alone; a batch of fits is applied group by group.
    data : the survey or frame (also a lazy one); None for the moments of the fit
        itself.
    by : columns or roles such as ``["unit", "wave"]``.
    construct : one construct or several; all when None.
    metric : "raw", "standardized" or "equal" weights; the fit's own when None. The
        choice moves an index by a point or so, and the result names it.
    scale : (minimum, maximum) of the answers, where neither model nor survey says it.
    level : confidence level of the normal interval.

    Returns
    -------
    IndexResult
        Columns: keys, construct, n, estimate, std_error, conf_low, conf_high, reason.

    Raises
    ------
    DataError
        If an item has no scale, or a mean lies off it.

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
    chosen: IndexMetric = fit.options.metric if metric is None else metric
    one_of("metric", chosen, METRICS)
    moments = _moments(fit, data, by)
    weights = _weights(fit, chosen)
    which = constructs_of(fit, construct)
    ends = ends_of(fit, data, scale, which)
    turned = oriented(fit.model, moments, ends)
    check_means(fit, turned.mean, ends, which)
    estimate, std_error = _indices(fit, weights, turned, ends)
    table = _tidy(fit, moments, which, estimate, std_error, level)
    return IndexResult(
        table,
        moments.context.plus(notes=_negative(fit, weights, which)),
        target=fit.model.target if fit.model.target in [*table["construct"]] else None,
        metric=chosen,
        level=level,
        model=fit.model.name,
        credit=fit.model.credit(),
        by=() if moments.keys is None else moments.keys.names,
    )


def _moments(fit: PlsFit, data: object, by: str | Sequence[str] | None) -> Moments:
    if data is None:
        if by is not None:
            raise OptionError(
                "by= needs the answers", code="no-answers", remedy="pass the survey"
            )
        return fit.moments
    source = model_moments(
        fit.spec,
        data,
        by=by,
        weights=fit.sampling.weights,
        missing=fit.sampling.missing,
        products=fit.sampling.products,
    )
    if fit.batched and not _same_groups(fit, source):
        raise OptionError(
            "the fit holds other groups than by= gives",
            code="other-groups",
            remedy="use the same by=, or a pooled fit",
        )
    return fit.indicator_moments(source)


def _weights(fit: PlsFit, metric: IndexMetric) -> FloatArray:
    """Return weights of the answers as given, (p,) or one row per group."""
    if metric == "equal":
        return np.ones(len(fit.model.indicators))
    return _in_metric(fit, metric).raw_weights()


def _in_metric(fit: PlsFit, metric: Metric) -> PlsFit:
    """Return the fit, estimated again on its own moments for the other metric."""
    if metric == fit.options.metric:
        return fit
    options = dataclasses.replace(fit.options, metric=metric)
    return dataclasses.replace(fit, options=options).refit(fit.source)


def _same_groups(fit: PlsFit, moments: Moments) -> bool:
    own, other = fit.moments.keys, moments.keys
    if own is None or other is None or own.names != other.names:
        return False
    return all(np.array_equal(own[n], other[n]) for n in own.names)


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


def _negative(fit: PlsFit, weights: FloatArray, which: IntArray) -> tuple[str, ...]:
    """Say which items pull their index down when they rise."""
    used = np.isin(fit.model.owner(), which)
    below = (weights < 0).reshape(-1, len(used)).any(axis=0) & used
    items = [fit.model.indicators[i] for i in np.flatnonzero(below)]
    note = (
        f"negative weight: {', '.join(items)}; an index with negative weights is no "
        "mean of its items: was an item to be reversed?"
    )
    return (note,) if items else ()


def _indices(
    fit: PlsFit, weights: FloatArray, moments: Moments, ends: FloatArray
) -> tuple[FloatArray, FloatArray]:
    owner, q = fit.model.owner(), len(fit.model.names)
    estimate = _blocks.index_0_100(weights, moments.mean, ends[0], ends[1], owner, q)
    starts = np.searchsorted(owner, np.arange(q))
    span = np.add.reduceat(weights * (ends[1] - ends[0]), starts, axis=-1)
    W = weights[..., :, None] * _blocks.membership(owner, q)
    V = moments.mean_cov
    if not moments.has_correlations:
        V = np.where(np.eye(V.shape[-1], dtype=bool), V, 0.0)
    variance = np.einsum("...pk,...pr,...rk->...k", W, V, W)
    if not moments.has_correlations:
        sizes = _blocks.membership(owner, q).sum(axis=0)
        variance = np.where(sizes > 1, np.nan, variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        return estimate, 100 * np.sqrt(variance) / np.abs(span)


def _tidy(
    fit: PlsFit,
    moments: Moments,
    which: IntArray,
    estimate: FloatArray,
    std_error: FloatArray,
    level: float,
) -> Table:
    groups = len(moments.reasons)
    estimate = np.broadcast_to(estimate, (*moments.batch_shape, estimate.shape[-1]))
    k = len(which)
    low, high = normal_interval(estimate, std_error, level)
    n = np.repeat(np.atleast_1d(moments.n), k)
    columns: dict[str, object] = {
        "construct": [fit.model.names[c] for c in which] * groups
    }
    columns |= {
        "n": n,
        "estimate": estimate[..., which].ravel(),
        "std_error": std_error[..., which].ravel(),
        "conf_low": low[..., which].ravel(),
        "conf_high": high[..., which].ravel(),
    }
    weighted = np.any(np.asarray(moments.n_eff) != np.asarray(moments.n))
    n_eff = np.repeat(np.atleast_1d(moments.n_eff), k)
    if weighted:
        columns["n_eff"] = n_eff
    own = fit.reasons if fit.batched else ("",) * groups
    given = [a or b for a, b in zip(moments.reasons, own, strict=True)]
    reasons = np.repeat(np.array(given, dtype=object), k)
    reasons[(reasons == "") & (n < 1)] = "no complete rows"
    reasons[(reasons == "") & (n == 1)] = "one answer: no standard error"
    few = (reasons == "") & (n_eff < FEW_EFFECTIVE) & (n >= FEW_EFFECTIVE)
    reasons[few] = (
        "few rows carry nearly all weight: the standard error is not reliable"
    )
    alike = (reasons == "") & (columns["std_error"] == 0)
    reasons[alike] = "all answers alike: the error of 0 is no certainty"
    columns["reason"] = reasons
    if moments.keys is None:
        return Table.of(columns)
    keyed = {name: np.repeat(moments.keys[name], k) for name in moments.keys.names}
    return Table.of({**keyed, **columns}, keys=moments.keys.names)
