"""`hierarchy_scores`: an index from its items upwards, and who adds what to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    check_share,
    columns_present,
    expect,
    friendly_keywords,
    one_of,
)
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.criteria import _tree as kernel
from satmetrics.criteria.hierarchy import IndexHierarchy
from satmetrics.criteria.hierarchy_result import METRICS, HierarchyScores
from satmetrics.criteria.rows import Answered, answered
from satmetrics.errors import DataError
from satmetrics.inference._intervals import normal_interval
from satmetrics.moment._column_means import column_means, mean_of
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy
from satmetrics.survey.scale import Scale, ScaleLike, as_scale
from satmetrics.survey.survey import Survey, as_survey

Metric = Literal["0-100", "raw"]
FILLED = (
    "a node's score is the mean of its children that have one, with their weights, "
    "from {share} % of the weight on"
)
LINEAR = "computed from means and covariances of all items (linear map)"


@friendly_keywords
def hierarchy_scores(
    hierarchy: IndexHierarchy,
    data: object,
    *,
    by: str | Sequence[str] | None = None,
    scale: ScaleLike | None = None,
    metric: Metric = "0-100",
    min_answered: float = 0.5,
    level: float = 0.95,
) -> HierarchyScores:
    r"""Return scores from the items up to the index, with errors and contributions.

    With :math:`w_c` the weights of the children of node k, :math:`S_k = Σ_c w_c S_c`,
    and an item's score its mean; so the index is :math:`a'\bar x` with the product
    weights a, and :math:`se^2 = a' \mathrm{Cov}(\bar x) a`. Where nobody misses an
    answer this is computed from moments. Otherwise each respondent is scored by the
    same rule over the children that have a score, their weights divided by their sum,
    from `min_answered` of the weight on; scores are then averaged.

    Parameters
    ----------
    hierarchy : the tree; its leaves are columns of answers.
    data : a Survey, any dataframe (also a lazy one, complete rows only), or `Moments`
        of the items. Weights, clusters and strata of a survey are honoured, and items
        it declares reversed come turned.
    by : columns or roles such as ``["unit", "wave"]``.
    scale : (minimum, maximum) of the answers, where neither hierarchy nor survey says
        it.
    metric : "0-100", or "raw" for the units of the answers (items must share a scale).
    min_answered : share of the weight below a node that a respondent must have answered
        to count there. Those who do not are counted.
    level : confidence level of the normal intervals.

    Returns
    -------
    HierarchyScores

    Raises
    ------
    DataError
        If a column is absent, an item has no scale, or items on different scales are
        added up raw.
    OptionError
        If `by` is not that of the moments given.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> ecsi = sat.models.load("ecsi")
    >>> tree = sat.quality.IndexHierarchy.from_dict(
    ...     "satisfaction",
    ...     {c.name: list(c.indicators) for c in ecsi.constructs[:3]},
    ... )
    >>> found = sat.quality.hierarchy_scores(tree, survey, by="wave")
    >>> frame = found.to_frame().query("level == 'factor'")
    >>> round(float(frame.groupby("wave")["contribution"].sum().iloc[0]), 6) == round(
    ...     float(found.rows("index")["estimate"][0]), 6
    ... )
    True
    """
    expect(
        "hierarchy_scores",
        hierarchy,
        IndexHierarchy,
        "an index hierarchy",
        remedy="pass the hierarchy first, then the data",
    )
    check_level(level)
    one_of("metric", metric, tuple(METRICS))
    check_share("min_answered", min_answered)
    found = _found(hierarchy, data, by, scale, metric, min_answered)
    table = _table(hierarchy, found, level)
    return HierarchyScores(
        table,
        found.context,
        hierarchy=hierarchy,
        metric=metric,
        level=level,
        by=() if found.keys is None else found.keys.names,
        min_answered=float(min_answered),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """Scores of q nodes in G groups, each (G, q).

    Attributes
    ----------
    n : respondents.
    mean, std_error : of the scores.
    to_parent, to_root : contributions.
    reasons : (G,) why the figures of a group are absent.
    """

    n: IntArray
    mean: FloatArray
    std_error: FloatArray
    to_parent: FloatArray
    to_root: FloatArray
    keys: Table | None
    reasons: tuple[str, ...]
    context: Context


def _found(
    hierarchy: IndexHierarchy,
    data: object,
    by: str | Sequence[str] | None,
    scale: ScaleLike | None,
    metric: str,
    min_answered: float,
) -> _Found:
    items = hierarchy.items
    if isinstance(data, Moments) or is_lazy(data):
        moments = _given(data, items, by)
        ends = _ends(hierarchy, None, scale, metric)
        return _of_moments(hierarchy.tree, moments, ends)
    survey = _scaled(as_survey(data, borrow=True), hierarchy, scale)
    ends = _ends(hierarchy, survey, scale, metric)
    whole = not any(np.isnan(c).any() for c in survey.answer_columns(items))
    if whole:
        moments = Moments.from_frame(survey, items, by=by)
        return _of_moments(hierarchy.tree, moments, ends)
    return _of_rows(hierarchy, answered(survey, items, by), ends, min_answered)


def _given(
    data: object, items: tuple[str, ...], by: str | Sequence[str] | None
) -> Moments:
    if not isinstance(data, Moments):
        return Moments.from_frame(data, items, by=by)
    data.require_groups(by)
    return data.select(items)


def _scaled(
    survey: Survey, hierarchy: IndexHierarchy, scale: ScaleLike | None
) -> Survey:
    """Read the items with their scale, on which the answers must lie.

    Raises
    ------
    DataError
        If the survey has another scale than the hierarchy, or an answer is off it.
    """
    items = hierarchy.items
    columns_present(items, survey.columns)
    own = hierarchy.scale
    for name in items if own is not None else ():
        known = survey.scale(name)
        if known is not None and str(known) != str(own):
            raise DataError(
                f"{name!r} is on {known} in the survey and on {own} in the hierarchy",
                code="other-scale",
                column=name,
                value=str(known),
                remedy="give both the scale the answers are on",
            )
    chosen = own or scale
    return survey if chosen is None else survey.with_scale(chosen, items)


def _ends(
    hierarchy: IndexHierarchy,
    survey: Survey | None,
    scale: ScaleLike | None,
    metric: str,
) -> FloatArray:
    """Return minimum and factor (2, p) that put answers on the metric."""
    known: list[Scale | None] = [hierarchy.scale] * len(hierarchy.items)
    if survey is not None:
        known = [k or survey.scale(n) for k, n in zip(known, hierarchy.items)]  # noqa: B905
    given = None if scale is None else as_scale(scale)
    known = [k or given for k in known]
    if metric == "raw":
        spans = {(k.minimum, k.maximum) for k in known if k is not None}
        if len(spans) > 1:
            raise DataError(
                f"items are on {len(spans)} different scales",
                code="mixed-scales",
                value=tuple(sorted(spans)),
                remedy='use metric="0-100"',
            )
        return np.stack([np.zeros(len(known)), np.ones(len(known))])
    bare = [n for n, k in zip(hierarchy.items, known, strict=True) if k is None]
    if bare:
        raise DataError(
            f"item {bare[0]!r} has no scale",
            code="no-scale",
            column=bare[0],
            value=tuple(bare),
            remedy='pass scale=(1, 10), or metric="raw"',
        )
    lows = np.array([k.minimum for k in known if k is not None])
    highs = np.array([k.maximum for k in known if k is not None])
    return np.stack([lows, 100 / (highs - lows)])


def _check_on_scale(moments: Moments, ends: FloatArray) -> None:
    """Raise if a mean lies off the scale, which then is not the one of the answers."""
    low, factor = ends
    if (factor == 1).all() and (low == 0).all():
        return
    points = (moments.mean - low) * factor
    off = ((points < -1e-9) | (points > 100 + 1e-9)).reshape(-1, len(low)).any(axis=0)
    if off.any():
        j = int(off.argmax())
        top = low[j] + 100 / factor[j]
        raise DataError(
            f"the mean of {moments.names[j]!r} lies off its scale {low[j]:g}-{top:g}",
            code="off-scale",
            column=moments.names[j],
            value=float(np.ravel(moments.mean[..., j])[0]),
            remedy="give the scale the answers are on",
        )


def _of_moments(tree: kernel.Tree, moments: Moments, ends: FloatArray) -> _Found:
    _check_on_scale(moments, ends)
    low, factor = ends
    A = tree.matrix() * factor
    q = len(A)
    mean = np.atleast_2d((moments.mean - low) @ A.T)
    if moments.has_correlations:
        V = moments.mean_cov
        var = np.einsum("kp,...pr,kr->...k", A, V, A)
    else:
        own = np.diagonal(moments.mean_cov, axis1=-2, axis2=-1)
        var = np.where((A > 0).sum(axis=1) > 1, np.nan, own @ (A**2).T)
    error = np.sqrt(np.maximum(np.atleast_2d(var), 0.0))
    shape = (len(mean), q)
    n = np.broadcast_to(np.atleast_1d(moments.n)[:, None], shape)
    return _Found(
        np.rint(n).astype(np.int64),
        mean,
        error,
        mean * tree.share,
        mean * tree.products(),
        moments.keys,
        moments.reasons,
        moments.context.plus(notes=(LINEAR,)),
    )


def _of_rows(
    hierarchy: IndexHierarchy, found: Answered, ends: FloatArray, min_answered: float
) -> _Found:
    tree = hierarchy.tree
    low, factor = ends
    scored = kernel.score((found.X - low) * factor, tree, min_answered)
    means = column_means(list(scored.S.T), found.rows)
    parts = [
        np.stack([mean_of(column, found.rows) for column in columns], axis=1)
        for columns in (kernel.to_parent(scored, tree), kernel.to_root(scored, tree))
    ]
    reason = f"fewer than {100 * min_answered:g} % of the weight answered"
    short = [
        Exclusion(reason, int(few.sum()), "respondents", hierarchy.names[k])
        for k, few in sorted(scored.short.items())
    ]
    filled = FILLED.format(share=f"{100 * min_answered:g}")
    return _Found(
        means.n,
        means.mean,
        means.std_error,
        parts[0],
        parts[1],
        found.keys,
        ("",) * len(means.n),
        found.context.plus(*short, notes=(*found.error_note(), filled)),
    )


def _table(hierarchy: IndexHierarchy, found: _Found, level: float) -> Table:
    G, q = found.mean.shape
    low, high = normal_interval(found.mean, found.std_error, level)
    spec = hierarchy.table()
    reasons = np.repeat(np.asarray(found.reasons, dtype=object), q)
    n = found.n.ravel()
    reasons[(reasons == "") & (n == 0)] = "nobody has a score"
    reasons[(reasons == "") & (n == 1)] = "one respondent: no standard error"
    columns: dict[str, object] = {
        "level": np.tile(spec["level"], G),
        "name": np.tile(spec["name"], G),
        "n": n,
        "estimate": found.mean.ravel(),
        "std_error": found.std_error.ravel(),
        "conf_low": low.ravel(),
        "conf_high": high.ravel(),
        "parent": np.tile(spec["parent"], G),
        "path": np.tile(spec["path"], G),
        "weight": np.tile(spec["weight"], G),
        "product_weight": np.tile(spec["product_weight"], G),
        "contribution": found.to_parent.ravel(),
        "to_index": found.to_root.ravel(),
        "reason": reasons,
    }
    keys = repeated_keys(found.keys, q, columns)
    return Table.of({**keys, **columns}, keys=tuple(keys))
