"""`targets_met`: units at or above a target, and the share of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics import _special as special
from satmetrics._checks import check_level, columns_present, expect, friendly_keywords
from satmetrics._frames import Table
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.indices import _targets as kernel
from satmetrics.indices.index import IndexResult
from satmetrics.indices.joint import Joint, spread
from satmetrics.indices.per_unit import PerUnit, per_unit, unit_labels
from satmetrics.indices.target_result import TargetsResult
from satmetrics.indices.wave_grid import one_construct
from satmetrics.inference._tests import holm as adjusted_holm


@friendly_keywords
def targets_met(
    result: IndexResult,
    *,
    target: PerUnit,
    over: str = "wave",
    by: str | Sequence[str] | None = None,
    construct: str | None = None,
    level: float = 0.95,
    holm: bool = False,
) -> TargetsResult:
    r"""Return which units meet a target, and the percentage of units that do.

    Each unit is tested one-sided both ways: it meets the target if the hypothesis that
    its true index is below is rejected, misses it if the hypothesis that it is above
    is, and is not decided otherwise. The share of figures at or above the target is a
    description; as an estimate of the share of true indices it is biased by noise. So
    two more are given: limits from closed testing, which hold for any true indices,

    .. math:: 1 - h^{-}/k \text{ and } h^{+}/k \text{ with Hommel's } h \text{ at }
        (1 - level)/2,

    turned so that the first bounds from below, and the expected share of true indices
    when these spread normally about their mean (empirical Bayes).

    Parameters
    ----------
    result : what ``sat.index(…, by=["unit", "wave"])`` returned, or a level of an
        aggregate (``aggregate(…).of_level("industry")``).
    target : points of the index, for all units or unit → points.
    over : the key column of the waves, where there is one; units are named by the
        other keys, several joined by " / ".
    by : key columns that form the groups whose percentages are given; the waves when
        None, an empty list for all rows together.
    construct : the construct; the target of the model when None.
    level : confidence level; tests are one-sided at 1 − level.
    holm : whether the tests of a group are adjusted together (Holm), so that with
        confidence `level` no verdict of the group is wrong.

    Returns
    -------
    TargetsResult

    Raises
    ------
    OptionError
        If a unit of `target` is unknown or has no number.
    DataError
        If a key column does not exist.

    References
    ----------
    Hommel (1988), doi:10.1093/biomet/75.2.383; Goeman and Solari (2011),
    doi:10.1214/11-STS356; Morris (1983), Journal of the American Statistical
    Association 78, 47-55.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> levels = sat.index(fit, survey, by=["company", "wave"])
    >>> met = sat.indices.targets_met(levels, target=68)
    >>> met.to_frame()[["wave", "n", "meets", "misses", "undecided"]]
         wave  n  meets  misses  undecided
    0  2025-1  4      1       1          2
    1  2025-2  4      1       1          2
    2  2026-1  4      1       1          2
    """
    check_level(level)
    expect(
        "targets_met",
        result,
        IndexResult,
        "an index",
        remedy='pass what sat.index(fit, data, by=["unit", "wave"]) returned',
    )
    chosen = one_construct(result, construct)
    groups = _groups(chosen, over, by)
    table, joint = chosen.table, chosen.errors()
    labels = unit_labels(table, [key for key in chosen.by if key != over])
    aims = _aims(target, labels)
    at, keys = _places(table, groups)
    z, p = _tests(joint, aims)
    apart = np.where(at >= 0, np.minimum(p, 1 - p)[np.maximum(at, 0)], np.nan)
    p_holm = np.full(len(table), np.nan)
    p_holm[at[at >= 0]] = adjusted_holm(apart)[at >= 0]
    verdict = _verdicts(z, p_holm if holm else np.minimum(p, 1 - p), 1 - level)
    spare = ("conf_low", "conf_high", "n_eff")
    units = table.drop(*spare).extended(
        {
            "statistic": z,
            "p_value": np.minimum(p, 1 - p),
            "p_holm": p_holm,
            "target": aims,
            "verdict": verdict,
        },
        keys=chosen.by,
    )
    shares = _shares(joint, aims, p, at, level)
    counts = _counts(verdict, at)
    return TargetsResult(
        Table.of({**keys, **shares, **counts}, keys=groups),
        chosen.context.plus(notes=_repeated(chosen, groups, over)),
        units=units,
        construct=chosen.target,
        level=level,
        holm=holm,
        by=groups,
    )


def _groups(
    chosen: IndexResult, over: str, by: str | Sequence[str] | None
) -> tuple[str, ...]:
    if by is None:
        return (over,) if over in chosen.by else ()
    named = (by,) if isinstance(by, str) else tuple(by)
    columns_present(named, chosen.by, where="the index")
    return named


def _aims(target: PerUnit, labels: list[str]) -> FloatArray:
    names = list(dict.fromkeys(labels))
    of = dict(zip(names, per_unit("target", target, names), strict=True))
    return np.array([of[label] for label in labels])


def _places(
    table: Table, groups: tuple[str, ...]
) -> tuple[IntArray, dict[str, AnyArray]]:
    """Return the rows (G, K) of each group, -1 beyond them, and the keys of groups."""
    labels = unit_labels(table, groups)
    names = {name: g for g, name in enumerate(dict.fromkeys(labels))}
    code = np.array([names[label] for label in labels], dtype=np.int64)
    order = np.argsort(code, kind="stable")
    size = np.bincount(code)
    start = np.cumsum(size) - size
    at = np.full((len(names), int(size.max())), -1, dtype=np.int64)
    at[code[order], np.arange(len(code)) - np.repeat(start, size)] = order
    return at, {key: table[key][at[:, 0]] for key in groups}


def _tests(joint: Joint, aims: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (estimate − target)/std_error and p that the true index is not above."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(joint.std_error > 0, (joint.estimate - aims), np.nan)
        z = z / joint.std_error
    return z, np.asarray(special.student_cdf(joint.df, -z))


def _verdicts(z: FloatArray, p: FloatArray, alpha: float) -> AnyArray:
    with np.errstate(invalid="ignore"):
        sure = p <= alpha
        side = np.where(z > 0, "meets", "misses")
    word = np.where(sure, side, "not decided")
    return np.where(np.isfinite(z), word, "").astype(object)


def _shares(
    joint: Joint, aims: FloatArray, p: FloatArray, at: IntArray, level: float
) -> dict[str, AnyArray]:
    """Return the columns of the percentages; errors of draws are counted on them."""
    there = at >= 0

    def laid(values: FloatArray) -> FloatArray:
        return np.where(there, values[np.maximum(at, 0)], np.nan)

    error = np.where(joint.std_error > 0, joint.std_error, np.nan)
    found = kernel.shares(laid(joint.estimate - aims), laid(error), laid(p), level)
    again = found.std_error
    if joint.n_draws:
        known = np.isfinite(joint.estimate) & np.isfinite(error)
        reached = np.where(known, joint.draws >= aims, 0.0)
        sums = np.where(there, reached[:, np.maximum(at, 0)], 0.0).sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            again = spread(sums) / found.n
    with np.errstate(invalid="ignore"):
        reached_n = np.rint(np.nan_to_num(found.estimate * found.n)).astype(np.int64)
    return {
        "n": found.n,
        "estimate": found.estimate,
        "std_error": again,
        "conf_low": found.low,
        "conf_high": found.high,
        "corrected": found.corrected,
        "reached": reached_n,
        "reason": np.where(found.n > 0, "", "no unit has an error").astype(object),
    }


def _counts(verdict: AnyArray, at: IntArray) -> dict[str, IntArray]:
    own = np.where(at >= 0, verdict[np.maximum(at, 0)], "")
    words = {"meets": "meets", "misses": "misses", "undecided": "not decided"}
    return {name: (own == word).sum(axis=1) for name, word in words.items()}


def _repeated(
    chosen: IndexResult, groups: tuple[str, ...], over: str
) -> tuple[str, ...]:
    joint = chosen.errors()
    said = []
    if over in chosen.by and over not in groups:
        said.append(f"units are counted once per {over}")
    if len(joint.pairs) and not joint.n_draws:
        said.append("std. error of a percentage: errors of units independent")
    return tuple(said)
