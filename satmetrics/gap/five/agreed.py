"""`agreement`: whether answers of a unit's people may be averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table, repeated_keys, stack
from satmetrics._typing import BoolArray, FloatArray, RngLike
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _agreement as kernel
from satmetrics.gap.five.agreement_result import Agreement
from satmetrics.gap.five.scored import Scored, Scores, read_scores
from satmetrics.inference._intervals import moments, percentile
from satmetrics.inference._resample import bootstrap_counts
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.scale import Scale, ScaleLike

ENOUGH = 0.7
SLIGHT_SKEW: Mapping[int, float] = {
    5: 1.34,
    6: 1.85,
    7: 2.90,
    8: 3.47,
    9: 5.66,
    10: 6.30,
    11: 7.31,
}
"""Variances of a slightly skewed distribution by points of the scale (LeBreton and
Senter 2008, doi:10.1177/1094428106296642; read in the first author's package WGA)."""
INTERVALS = ("exact", "bootstrap")
OF_SCORES = (
    "icc1",
    "icc2",
    "variance_between",
    "variance_within",
    "design_effect",
    "mean_r_wg",
    "median_r_wg",
    "share_r_wg",
    "out_of_range",
)


@friendly_keywords
def agreement(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    scores: Scores | None = None,
    *,
    by: str | Sequence[str] = "unit",
    instrument: Instrument | str | None = None,
    scale: ScaleLike | None = None,
    null: str | float = "uniform",
    level: float = 0.95,
    interval: str = "exact",
    n_draws: int = 2000,
    rng: RngLike = None,
    min_answered: float = 0.5,
) -> Agreement:
    """Ask whether the answers of a unit's people agree enough to be averaged.

    From the one-way analysis of variance of a score over units, with mean squares B
    between and W within and ``k0 = (n − Σ n_u²/n)/(units − 1)``, ::

        ICC(1) = (B − W)/(B + (k0 − 1) W)        ICC(2) = (B − W)/B

    and within a unit, for J items whose mean variance is s̄² where chance would make
    it σ², ``r_wg(J) = J(1 − s̄²/σ²)/(J(1 − s̄²/σ²) + s̄²/σ²)`` (one item:
    ``1 − s²/σ²``). Where s̄² exceeds σ² the index is set to 0, as its authors do, and
    the unit is counted.

    Parameters
    ----------
    data : a survey or frame of one source (customers, managers, employees).
    scores : a form of the instrument ("perception" …) for one score per dimension,
        "gap" for perception − expectation, ``{score: columns}``, or columns. None for
        the form of an instrument that has one only.
    by : columns, or roles such as "unit", that form units.
    instrument : for a frame, the `Instrument` or its name.
    scale : scale of the answers where data and instrument do not say it; r_wg needs it.
    null : "uniform" (``σ² = (A² − 1)/12`` on A points), "slight skew" (tabulated for 5
        to 11 points) or a variance of your own, one for all items.
    level : confidence level.
    interval : "exact" or "bootstrap" (over units).
    n_draws : bootstrap draws.
    rng : Generator or seed (SPEC 7).
    min_answered : share of a score's items a respondent must have answered.

    Returns
    -------
    Agreement

    Raises
    ------
    DataError
        If columns are absent or fewer than two units have a score.

    Notes
    -----
    Sampling weights are not used: agreement is a fact about those who answered.
    Differences (gaps) have no r_wg, because no distribution of chance is agreed on.

    References
    ----------
    Bliese (2000), Within-group agreement, non-independence and reliability, in Klein
    and Kozlowski (eds.), 349-381. James, Demaree and Wolf (1984),
    doi:10.1037/0021-9010.69.1.85.

    Examples
    --------
    >>> import satmetrics as sat
    >>> bank = sat.datasets.load("bank_servqual")
    >>> found = sat.quality.agreement(bank, "perception", by="unit")
    >>> float(found.table.where(term="icc2")["estimate"][0]) > 0.5
    True
    """
    check_level(level)
    one_of("interval", interval, INTERVALS)
    generator(rng)
    draws = positive_int("n_draws", n_draws) if interval == "bootstrap" else 0
    found = read_scores(data, scores, by=by, instrument=instrument, scale=scale)
    Y = found.means(min_answered)
    sums = kernel.unit_sums(Y, found.rows.codes, found.rows.n_groups)
    _check_units(found, sums.n)
    variances = [_null(null, s, found.difference) for s in found.scales]
    own = [_of_units(found, q, variances[q]) for q in range(len(found.names))]
    of_scores, failures = _of_scores(found, sums, own, level, draws, rng)
    table = stack(
        [of_scores, *(part for part, _ in own)],
        keys=(*found.keys.names, "level", "dimension", "item", "term"),
    )
    notes = _notes(found, null, own)
    return Agreement(
        table,
        found.context.plus(notes=notes),
        level=level,
        by=found.keys.names,
        interval=interval,
        n_draws=draws,
        null=null if isinstance(null, str) else f"variance {null:g}",
        failures=failures,
    )


def _check_units(found: Scored, n: FloatArray) -> None:
    for q, name in enumerate(found.names):
        units = int((n[:, q] > 0).sum())
        if units < 2:
            raise DataError(
                f"score {name!r} has answers in {units} unit only",
                code="too-few-units",
                column=name,
                value=units,
                remedy="agreement within units needs two units or more: check by=",
            )


def _null(null: str | float, scale: Scale | None, difference: bool) -> float:
    """Return the variance of one item when all answer at random; NaN if unknown."""
    if isinstance(null, bool) or not isinstance(null, (str, int, float)):
        raise _bad_null(null)
    if not isinstance(null, str):
        if not 0 < null < np.inf:
            raise _bad_null(null)
        return np.nan if difference else float(null)
    one_of("null", null, ("uniform", "slight skew"))
    points = 0 if scale is None or difference else scale.n_points
    if points < 2 or scale is None:
        return np.nan
    unit = scale.step**2
    if null == "uniform":
        return unit * (points**2 - 1) / 12
    return unit * SLIGHT_SKEW.get(points, np.nan)


def _bad_null(null: object) -> OptionError:
    return OptionError(
        f"null={null!r} is no distribution of chance",
        code="bad-null",
        column="null",
        value=null,
        remedy='give "uniform", "slight skew" or a variance above 0',
    )


def _of_units(found: Scored, q: int, null: float) -> tuple[Table, FloatArray]:
    """Return one row of r_wg per unit, and s̄²/σ² of each unit."""
    X, G = found.items[q], found.rows.n_groups
    index, n, ratio = kernel.r_wg(
        X, found.rows.codes, G, np.full(X.shape[1], float(null))
    )
    labels = {k: v * G for k, v in found.labels([q]).items()}
    reason = np.select(
        [n == 0, n == 1, np.isnan(ratio), ratio > 1],
        [
            "nobody answered",
            "one respondent",
            "no variance of chance is known",
            "answers vary more than chance: set to 0",
        ],
        default="",
    )
    columns = {
        **repeated_keys(found.keys, 1, ("level", "dimension", "item", "term", "n")),
        **labels,
        "term": ["r_wg"] * G,
        "n": n.astype(np.int64),
        "estimate": index,
        "units": np.ones(G, dtype=np.int64),
        "items": np.full(G, X.shape[1]),
        "null_variance": np.full(G, null),
        "reason": reason.astype(object),
    }
    return Table.of(columns, keys=found.keys.names), ratio


def _of_scores(
    found: Scored,
    sums: kernel.UnitSums,
    own: Sequence[tuple[Table, FloatArray]],
    level: float,
    draws: int,
    rng: RngLike,
) -> tuple[Table, tuple[tuple[str, int], ...]]:
    """Lay out what is said of whole scores, and count the draws that failed."""
    v = kernel.variation(sums)
    tests = kernel.f_limits(v, level)
    Q = len(found.names)
    blank = np.full(Q, np.nan)
    one, two, errors, failed = tests.icc1, tests.icc2, (blank, blank), 0
    if draws:
        counts = bootstrap_counts(len(sums.n), draws, rng)
        both = np.hstack(kernel.drawn_variation(sums, counts))
        low, high = percentile(both, level)
        error = moments(both)[1]
        one, two = (low[:Q], high[:Q]), (low[Q:], high[Q:])
        errors = (error[:Q], error[Q:])
        failed = int(np.isnan(both).any(axis=1).sum())
    r = np.column_stack([part["estimate"] for part, _ in own]).astype(np.float64)
    ratio = np.column_stack([ratio for _, ratio in own])
    between = (v.between - v.within) / v.k0
    parts = {
        "icc1": (v.icc1, errors[0], *one),
        "icc2": (v.icc2, errors[1], *two),
        "variance_between": (between, blank, blank, blank),
        "variance_within": (v.within, blank, blank, blank),
        "design_effect": (v.design_effect(), blank, blank, blank),
        "mean_r_wg": (_over_units(np.mean, r), blank, blank, blank),
        "median_r_wg": (_over_units(np.median, r), blank, blank, blank),
        "share_r_wg": (_share(r, r >= ENOUGH), blank, blank, blank),
        "out_of_range": (_share(r, ratio > 1), blank, blank, blank),
    }
    T = len(parts)
    stacked = np.stack([np.stack(part) for part in parts.values()])  # (T, 4, Q)
    test = np.full((2, T, Q), np.nan)
    test[:, 0] = tests.f, tests.p_value
    names = ("estimate", "std_error", "conf_low", "conf_high")
    at = np.tile(np.arange(Q), T)
    columns: dict[str, object] = {
        **{by: [""] * (T * Q) for by in found.keys.names},
        **found.labels(at.tolist()),
        "term": np.repeat(np.array(list(parts), dtype=object), Q),
        "n": v.n[at].astype(np.int64),
        **{name: stacked[:, k].ravel() for k, name in enumerate(names)},
        "statistic": test[0].ravel(),
        "p_value": test[1].ravel(),
        "units": v.units[at].astype(np.int64),
        "items": np.array([X.shape[1] for X in found.items])[at],
        "k0": v.k0[at],
        "null_variance": np.array([part["null_variance"][0] for part, _ in own])[at],
        "reason": _reasons(stacked[:, 0]).ravel(),
    }
    why = (("a figure is undefined in the resample", failed),) if failed else ()
    return Table.of(columns, keys=found.keys.names), why


def _reasons(estimate: FloatArray) -> FloatArray:
    lines = np.full(estimate.shape, "", dtype=object)
    lines[np.isnan(estimate)] = "too few answers, no variance or no scale"
    return lines


def _over_units(function: object, r: FloatArray) -> FloatArray:
    """Apply mean or median over the units that have an index."""
    columns = [column[np.isfinite(column)] for column in r.T]
    return np.array([function(c) if len(c) else np.nan for c in columns])  # type: ignore[operator]


def _share(r: FloatArray, state: BoolArray) -> FloatArray:
    n = np.isfinite(r).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 0, (state & np.isfinite(r)).sum(axis=0) / n, np.nan)


def _notes(
    found: Scored, null: str | float, own: Sequence[tuple[Table, FloatArray]]
) -> tuple[str, ...]:
    notes = []
    known = sorted({float(part["null_variance"][0]) for part, _ in own} - {np.nan})
    known = [v for v in known if np.isfinite(v)]
    if known:
        words = ", ".join(f"{v:.2f}" for v in known)
        kind = f"{null} distribution" if isinstance(null, str) else "given by the user"
        rule = ", (A² − 1)/12" if null == "uniform" else ""
        notes.append(f"r_wg: variance of answers at random {words} ({kind}{rule})")
    if found.difference:
        notes.append("r_wg is absent: differences have no distribution of chance")
    elif len(known) < len({float(p["null_variance"][0]) for p, _ in own}):
        notes.append(
            "r_wg is absent where the points of the scale are unknown or the "
            "distribution has no tabulated variance: give scale= or null="
        )
    outside = sum(int((ratio > 1).sum()) for _, ratio in own)
    if outside:
        notes.append(
            f"{outside} r_wg out of range (answers vary more than chance), set to 0 as "
            "in James, Demaree and Wolf (1984)"
        )
    if found.rows.w is not None:
        notes.append("sampling weights are not used: agreement of those who answered")
    return tuple(notes)
