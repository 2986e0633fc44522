"""`net_score`, `top_box` and `mean_score`: the plain figures of every scoreboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, one_of
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.metrics.figures import (
    Figure,
    laid_out,
    mean,
    means_of,
    net,
    share,
)
from satmetrics.metrics.item_answers import ItemAnswers, item_answers
from satmetrics.metrics.result import MetricResult
from satmetrics.moment.population import Population
from satmetrics.survey.scale import Scale, ScaleLike

Range = Sequence[float]
"""Lowest and highest answer of a category, both in it."""
ROUNDING = 1e-9


@friendly_keywords
def net_score(
    data: object,
    items: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    promoters: Range = (9, 10),
    detractors: Range = (0, 6),
    scale: ScaleLike | None = (0, 10),
    population: Population | None = None,
    level: float = 0.95,
    method: str = "adjusted",
) -> MetricResult:
    r"""Return the net score: promoters less detractors, in points from −100 to 100.

    .. math:: N = 100 (p - d), \quad \mathrm{Var} = p + d - (p - d)^2

    with the standard error :math:`100 \sqrt{\mathrm{Var}/n}`; with weights, clusters or
    strata it is linearised. Those between the two categories are passives. The shares
    of the three come with it, in per cent.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters, strata and repeated
        respondents of a survey are used.
    items : the question on recommendation, or several such questions.
    by : columns or roles such as ``["unit", "wave"]`` that form groups.
    promoters, detractors : (lowest, highest) answer of each category, both in it.
    scale : (minimum, maximum) of the answers, for items whose scale the survey does not
        state. An answer off it is left out and counted, as one that is missing.
    population : number of all customers of a group: one for every group, a column that
        holds it, or label of the first key → number. Variances then shrink by
        ``1 − n/N``.
    level : confidence level.
    method : "adjusted" (adjusted Wald: 3/4 of an answer added to promoters and to
        detractors, 3 to n) or "wald". With weights or sampled units n is effective.

    Returns
    -------
    MetricResult
        Terms "net_score", "promoters", "passives" and "detractors".

    Raises
    ------
    OptionError
        If the categories overlap, or do not lie on the scale.
    DataError
        If a column is absent or holds no numbers.

    References
    ----------
    Rocks (2016), Interval estimation for the "net promoter score", American
    Statistician 70, 365-372, arXiv:1601.07235. Korn and Graubard (1998), Survey
    Methodology 24, 193-201 (effective n).

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> frame = pd.DataFrame({"recommend": [10] * 50 + [8] * 30 + [3] * 20})
    >>> row = sat.metrics.net_score(frame, "recommend").rows("net_score").to_frame()
    >>> row[["estimate", "std_error", "conf_low", "conf_high"]].round(2).values.tolist()
    [[30.0, 7.81, 14.05, 44.2]]
    """
    check_level(level)
    one_of("method", method, ("adjusted", "wald"))
    high, low = _range("promoters", promoters), _range("detractors", detractors)
    if low[1] >= high[0]:
        raise OptionError(
            f"promoters={promoters!r} and detractors={detractors!r} overlap",
            code="overlapping-categories",
            column="detractors",
            value=detractors,
            remedy="end the detractors below the lowest promoter",
        )
    read = item_answers(data, items, by, scale, population)
    figures: list[Figure] = []
    short = []
    for item, column, ends in zip(read.items, read.columns, read.scales, strict=True):
        short += _short(item, ends, low)
        _on(ends, item, promoters=high, detractors=low)
        figures += _net_figures(read, item, column, (low, high), level, method)
    table, pairs, covariance = laid_out(figures, read)
    said = (
        f"promoters answer {high[0]:g} to {high[1]:g}, detractors {low[0]:g} to "
        f"{low[1]:g}, passives in between; net score = promoters less detractors",
    )
    context = read.context.plus(notes=tuple(short))
    return MetricResult(
        *(table, context, "net_score", said, method, level, read.own.by),
        pairs=pairs,
        covariance=covariance,
    )


def _net_figures(
    read: ItemAnswers,
    item: str,
    column: FloatArray,
    ranges: tuple[tuple[float, float], tuple[float, float]],
    level: float,
    method: str,
) -> list[Figure]:
    low, high = (_within(column, ends) for ends in ranges)
    named = {"promoters": high, "passives": 1 - high - low, "detractors": low}
    means = {term: means_of(values, read) for term, values in named.items()}
    points = means_of(high - low, read)
    three = (points, means["promoters"], means["detractors"])
    shares = "wald" if method == "wald" else "wilson"
    return [
        net(item, three, level=level, method=method),
        *(share(item, t, m, level=level, method=shares) for t, m in means.items()),
    ]


@friendly_keywords
def top_box(
    data: object,
    items: str | Sequence[str],
    *,
    top: int | Range = 2,
    bottom: int | Range | None = None,
    by: str | Sequence[str] | None = None,
    scale: ScaleLike | None = None,
    population: Population | None = None,
    level: float = 0.95,
    method: str = "wilson",
) -> MetricResult:
    r"""Return the share of the highest answers (top box), in per cent.

    .. math:: T = 100 p, \quad \mathrm{SE} = 100 \sqrt{p (1 - p)/n}

    with weights, clusters or strata the error is linearised. Nobody in the top box, or
    everybody, gives an interval with a width too.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters, strata and repeated
        respondents of a survey are used.
    items : one item or several.
    top : how many of the highest points of the scale count; or (lowest, highest) answer
        that counts, such as ``(9, 10)``.
    bottom : the same for the lowest points, as further rows; none when None.
    by : columns or roles such as ``["unit", "wave"]`` that form groups.
    scale : (minimum, maximum) of the answers, for items whose scale the survey does not
        state. An answer off it is left out and counted.
    population : number of all customers of a group: one for every group, a column that
        holds it, or label of the first key → number. Variances then shrink by
        ``1 − n/N``.
    level : confidence level.
    method : "wilson" or "wald". With weights or sampled units n is effective.

    Returns
    -------
    MetricResult
        Terms "top_2" (with the number of points, or "top" for a range) and "bottom_2".

    Raises
    ------
    DataError
        If points are counted on an item without a scale, a column is absent or holds
        no numbers.
    OptionError
        If there are not so many points, or the range is not on the scale.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953. Korn and Graubard (1998), Survey
    Methodology 24, 193-201 (effective n).

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> frame = pd.DataFrame({"satisfaction": [5] * 85 + [2] * 15})
    >>> found = sat.metrics.top_box(frame, "satisfaction", scale=(1, 5)).to_frame()
    >>> found[["estimate", "conf_low", "conf_high"]].round(2).values.tolist()
    [[85.0, 76.72, 90.69]]
    """
    check_level(level)
    one_of("method", method, ("wilson", "wald"))
    asked = {"top": top} if bottom is None else {"top": top, "bottom": bottom}
    read = item_answers(data, items, by, scale, population)
    figures, said = [], []
    for item, column, ends in zip(read.items, read.columns, read.scales, strict=True):
        for side, wanted in asked.items():
            box = _box(side, wanted, item, ends)
            counted = isinstance(wanted, (int, np.integer))
            term = f"{side}_{wanted}" if counted else side
            means = means_of(_within(column, box), read)
            figures.append(share(item, term, means, level=level, method=method))
            said.append(f"{term}: answers {box[0]:g} to {box[1]:g}")
    table, pairs, covariance = laid_out(figures, read)
    return MetricResult(
        *(table, read.context, "top_box", tuple(dict.fromkeys(said)), method, level),
        by=read.own.by,
        pairs=pairs,
        covariance=covariance,
    )


@friendly_keywords
def mean_score(
    data: object,
    items: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    scale: ScaleLike | None = None,
    population: Population | None = None,
    level: float = 0.95,
) -> MetricResult:
    r"""Return mean answers, and where the scale is known the same on 0–100.

    .. math:: \bar x = Σ w x / Σ w, \quad M = 100 (\bar x - \min)/(\max - \min)

    with the standard error :math:`s/\sqrt n`; with weights, clusters or strata it is
    linearised. Limits are Student's t.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters, strata and repeated
        respondents of a survey are used.
    items : one item or several.
    by : columns or roles such as ``["unit", "wave"]`` that form groups.
    scale : (minimum, maximum) of the answers, for items whose scale the survey does not
        state. An answer off it is left out and counted.
    population : number of all customers of a group: one for every group, a column that
        holds it, or label of the first key → number. Variances then shrink by
        ``1 − n/N``.
    level : confidence level.

    Returns
    -------
    MetricResult
        Terms "mean" (in the units of the answers) and "mean_100" (0–100).

    Raises
    ------
    DataError
        If a column is absent or holds no numbers.

    References
    ----------
    Cochran (1977), Sampling techniques, third edition, section 6.4 (linearisation).

    Examples
    --------
    >>> import satmetrics as sat
    >>> waves = sat.datasets.load("airline_waves")
    >>> item = waves.items[0]
    >>> found = sat.metrics.mean_score(waves, item, by="wave")
    >>> sorted(set(found.table["term"]))
    ['mean', 'mean_100']
    """
    check_level(level)
    read = item_answers(data, items, by, scale, population)
    figures: list[Figure] = []
    for item, column, ends in zip(read.items, read.columns, read.scales, strict=True):
        words = "answers" if ends is None else str(ends)
        figure = mean(item, means_of(column, read), words, level=level)
        figures.append(figure)
        if ends is not None:
            figures.append(_rescaled(figure, ends))
    table, pairs, covariance = laid_out(figures, read)
    return MetricResult(
        *(table, read.context, "mean_score", (), "t", level, read.own.by),
        pairs=pairs,
        covariance=covariance,
    )


def _rescaled(figure: Figure, ends: Scale) -> Figure:
    factor = 100 / (ends.maximum - ends.minimum)
    moved = figure.times(factor, "0-100", start=-factor * ends.minimum)
    return replace(moved, term="mean_100")


def _within(column: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Return 1 where an answer lies between the ends, 0 elsewhere, NaN for none."""
    inside = (column >= ends[0] - ROUNDING) & (column <= ends[1] + ROUNDING)
    return np.where(np.isnan(column), np.nan, inside.astype(np.float64))


def _range(name: str, value: object) -> tuple[float, float]:
    """Return a category's ends, or raise naming the argument."""
    try:
        low, high = (float(v) for v in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = float("nan")
    if isinstance(value, str) or not low <= high:
        raise OptionError(
            f"{name}={value!r} is not a range of answers",
            code="bad-range",
            column=name,
            value=value,
            remedy="give the lowest and the highest answer that count, such as (9, 10)",
        )
    return low, high


def _on(scale: Scale | None, item: str, **ranges: tuple[float, float]) -> None:
    """Raise unless the categories have answers on the scale."""
    if scale is None:
        return
    for name, (low, high) in ranges.items():
        if low > scale.maximum or high < scale.minimum or high > scale.maximum:
            raise OptionError(
                f"{name}=({low:g}, {high:g}) are no answers of {item!r}, which is "
                f"answered on {scale}",
                code="category-off-scale",
                column=name,
                value=(low, high),
                remedy=f"give {name}= for that scale",
            )


def _short(item: str, scale: Scale | None, low: tuple[float, float]) -> list[str]:
    """Say where the lowest detractor is no answer: another scale than meant."""
    if scale is None or scale.minimum <= low[0]:
        return []
    return [
        f"{item} is answered on {scale}, and detractors begin at {low[0]:g}: such net "
        "scores do not compare with those of that longer scale"
    ]


def _box(
    side: str, wanted: object, item: str, scale: Scale | None
) -> tuple[float, float]:
    """Return the lowest and the highest answer of a box."""
    if isinstance(wanted, bool) or not isinstance(wanted, (int, np.integer)):
        box = _range(side, wanted)
        _on(scale, item, **{side: box})
        return box
    if scale is None:
        raise DataError(
            f"{item!r} has no scale, so that its {side} points cannot be counted",
            code="no-scale",
            column=item,
            remedy=f"give scale=(1, 5), or the answers that count: {side}=(4, 5)",
        )
    if not 0 < wanted < scale.n_points:
        raise OptionError(
            f"{side}={wanted} of the {scale.n_points} points of {item!r}",
            code="bad-count",
            column=side,
            value=wanted,
            remedy=f"give 1 to {max(scale.n_points - 1, 1)}, or a range of answers",
        )
    points = scale.points
    return (
        (points[-wanted], points[-1])
        if side == "top"
        else (points[0], points[wanted - 1])
    )
