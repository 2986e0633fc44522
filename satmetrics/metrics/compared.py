"""`differences`: plain figures from wave to wave, or against one group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, did_you_mean, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._special import student_cdf
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.inference._tests import t_critical
from satmetrics.metrics import _limits as kernel
from satmetrics.metrics.result import TITLES, MetricResult

KEPT = ("item", "term", "scale")


@dataclass(frozen=True, eq=False, repr=False)
class MetricDifferences(TableResult):
    """Differences of plain figures, one row a difference.

    Attributes
    ----------
    table : the group columns, against (the label compared with), then item, term, n
        (of both), estimate, std_error, statistic, p_value, conf_low, conf_high, scale,
        df and reason.
    over : the key column along which figures are compared.
    reference : the label all others are compared with; empty: each with the one before.
    metric, level, by : of the figures.
    linked : how many differences allow for shared respondents or clusters.
    """

    over: str = "wave"
    reference: str = ""
    metric: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()
    linked: int = 0

    def summary(self) -> Summary:
        """Return the differences by group."""
        words = {
            **{k: k for k in self.by},
            "against": "less",
            "item": "item",
            "term": "figure",
            "n": "n",
            "estimate": "difference",
            "std_error": "std. error",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        places = dict.fromkeys(("estimate", "conf_low", "conf_high"), 1)
        if self.metric == "mean_score":
            places = dict.fromkeys(places, 2)
        body = section(
            "", self.table, words, decimals=places | {"std_error": 2}, max_rows=40
        )
        notes = (
            "limits of differences of shares are Newcombe's (1998); net scores: z of "
            "the adjusted Wald values; means: Welch's t",
            f"{self.linked} of {len(self.table)} differences are of groups that share "
            "respondents or clusters, which counts; the others are of independent "
            "samples",
            *self.context.sentences(),
            *self._reasons(),
        )
        title = f"{TITLES[self.metric]}: difference by {self.over}"
        return Summary(title, self.context.facts(), (body,), notes)


@friendly_keywords
def differences(
    result: MetricResult, *, over: str = "wave", reference: object = None
) -> MetricDifferences:
    """Return how plain figures differ from wave to wave, or from one group.

    Respondents, clusters or strata that groups share link their errors: the variance
    is ``s₁² + s₂² − 2 c``. Without them groups are independent samples. Limits of
    shares are made of the limits of both (Newcombe 1998; with the correlation of the
    two where they are linked), those of net scores of the adjusted Wald centres and
    errors, and those of means are Welch's t.

    Parameters
    ----------
    result : what `net_score`, `top_box` or `mean_score` returned with ``by=``.
    over : the key column along which to compare, such as the wave.
    reference : the label all others are compared with; when None each group is compared
        with the one before it, in the order of the labels.

    Returns
    -------
    MetricDifferences

    Raises
    ------
    DataError
        If there is no such key, or one group only.
    OptionError
        If no group has the label of `reference`.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890 (independent) and 2635-2650
    (paired). Zou and Donner (2008), doi:10.1002/sim.3095. Rocks (2016),
    arXiv:1601.07235.

    Examples
    --------
    >>> import satmetrics as sat
    >>> waves = sat.datasets.load("airline_waves")
    >>> boxes = sat.metrics.top_box(waves, waves.items[0], by=["company", "wave"])
    >>> moved = sat.metrics.differences(boxes)
    >>> bool((moved.table["conf_low"] < moved.table["estimate"]).all())
    True
    """
    expect(
        "differences",
        result,
        MetricResult,
        "a metric",
        remedy='pass what sat.metrics.top_box(data, item, by="wave") returned',
    )
    columns_present([over], result.by, where="the figure")
    if reference is not None:
        _known(reference, over, result.table)
    first, second = _pairs(result, over, reference)
    if not len(first):
        raise DataError(
            f"there is one {over} only, so nothing differs",
            code="one-wave",
            column=over,
            remedy="give figures of two groups or more",
        )
    a, b = result.table.take(first), result.table.take(second)
    covariance = _covariance(result, first, second)
    figures = _figures(a, b, covariance, result)
    reasons = [x or y for x, y in zip(b["reason"], a["reason"], strict=True)]
    names = (*result.by, *KEPT)
    columns: dict[str, object] = {name: a[name] for name in names}
    columns |= {"against": b[over], "n": a["n"] + b["n"], **figures, "reason": reasons}
    return MetricDifferences(
        Table.of(columns, keys=(*result.by, "against")),
        result.context,
        over=over,
        reference="" if reference is None else str(reference),
        metric=result.metric,
        level=result.level,
        by=result.by,
        linked=int((covariance != 0).sum()),
    )


def _figures(
    a: Table, b: Table, covariance: FloatArray, result: MetricResult
) -> dict[str, FloatArray]:
    """Return the difference a − b with its error, test and limits."""
    s, r = a["std_error"], b["std_error"]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.where(covariance != 0, covariance / (s * r), 0.0)
    estimate = a["estimate"] - b["estimate"]
    error = np.sqrt(np.maximum(s**2 + r**2 - 2 * covariance, 0.0))
    df = kernel.satterthwaite((s, a["df"]), (r, b["df"]), correlation)
    half = t_critical(df, result.level) * error
    low, high = estimate - half, estimate + half
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > 0, estimate / error, np.nan)
    if result.method in ("wilson", "adjusted"):
        box = [(t["estimate"], t["conf_low"], t["conf_high"]) for t in (a, b)]
        low, high = kernel.difference_of_limits(box[0], box[1], correlation)
    if "adjusted" in a:
        net = np.isfinite(a["adjusted"]) & np.isfinite(b["adjusted"])
        x, y = a["adjusted_error"], b["adjusted_error"]
        joint = np.sqrt(np.maximum(x**2 + y**2 - 2 * correlation * x * y, 0.0))
        centre = a["adjusted"] - b["adjusted"]
        z = t_critical(np.full_like(joint, np.inf), result.level)
        low = np.where(net, np.minimum(centre - z * joint, estimate), low)
        high = np.where(net, np.maximum(centre + z * joint, estimate), high)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(net, centre / joint, statistic)
        df = np.where(net, np.inf, df)
    return {
        "estimate": estimate,
        "std_error": error,
        "statistic": statistic,
        "p_value": np.asarray(2 * student_cdf(df, -np.abs(statistic))),
        "conf_low": low,
        "conf_high": high,
        "df": df,
    }


def _known(reference: object, over: str, table: Table) -> None:
    labels = [str(label) for label in dict.fromkeys(table[over].tolist())]
    if str(reference) not in labels:
        raise OptionError(
            f"reference={reference!r} is none of {over}",
            code="unknown-group",
            column="reference",
            value=reference,
            remedy=f"{did_you_mean(reference, labels)} there are "
            f"{', '.join(labels[:12])}".strip(),
        )


def _pairs(
    result: MetricResult, over: str, reference: object
) -> tuple[IntArray, IntArray]:
    """Return the rows compared, and those they are compared with."""
    others = [k for k in result.by if k != over]
    groups: dict[tuple[object, ...], list[int]] = {}
    names = (*others, "item", "term")
    keys = zip(*(result.table[name].tolist() for name in names), strict=True)
    for i, key in enumerate(keys):
        groups.setdefault(key, []).append(i)
    found: list[tuple[int, int]] = []
    label = result.table[over].tolist()
    for own in groups.values():
        if reference is None:
            found += list(zip(own[1:], own[:-1], strict=True))
        else:
            at = [i for i in own if str(label[i]) == str(reference)]
            found += [(i, at[0]) for i in own if at and i != at[0]]
    both = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _covariance(result: MetricResult, first: IntArray, second: IntArray) -> FloatArray:
    """Return the covariance of each pair of rows, 0 where they are independent."""
    R = len(result.table)
    known = result.pairs[:, 0] * R + result.pairs[:, 1]
    order = np.argsort(known)
    wanted = np.minimum(first, second) * R + np.maximum(first, second)
    if not len(known):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    there = known[order][at] == wanted
    return np.where(there, result.covariance[order][at], 0.0)
