"""Gaps of a published table, with what its own figures say about each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import check_level, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import ORIGIN_WORDS, Context, TableResult
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.gap import _published as kernel
from satmetrics.gap.contradictions import Allowances, allowances, flags
from satmetrics.gap.printed import PublishedTable, read_printed
from satmetrics.gap.words import (
    AS_PRINTED,
    COLUMNS,
    DIRECTION,
    MEAN_OF_DIMENSIONS,
    MEAN_OF_ITEMS,
)
from satmetrics.inference._tests import holm, t_test

KEYS = ("level", "dimension", "item", "variant")
METHODS = (
    "from the interval",
    "from the statistic",
    "from the SDs and the correlation",
    "bounds from the SDs alone",
    "bounds from the interval alone",
    "bounds from the gap and t alone",
    "not available",
)


@dataclass(frozen=True, eq=False, repr=False)
class GapTable(TableResult):
    """Gaps recomputed from a published table, one row a dimension or item.

    Attributes
    ----------
    table : columns ``level, dimension, item, variant, n, estimate, std_error,
        statistic, p_value, conf_low, conf_high`` and ``expectation, perception,
        reported_gap, difference`` (reported minus recomputed), ``method`` (where the
        standard error comes from), ``std_error_low, std_error_high`` (what rounding, or
        an unknown correlation, allows), ``correlation, correlation_low,
        correlation_high`` (of expectation and perception, as implied; the range is cut
        at ±1, and absent where it lies beyond),
        ``reported_statistic, statistic_low, statistic_high`` (what the row's own
        interval allows), ``p_holm`` and ``flag`` (empty, or what contradicts what).
    level : confidence level of the printed intervals and of the recomputed ones.
    context : name and origin of the table.
    """

    level: float = 0.95

    @property
    def flagged(self) -> tuple[str, ...]:
        """Labels of the rows that contradict themselves."""
        rows = self.table.rows()
        return tuple(row["item"] or row["dimension"] for row in rows if row["flag"])

    def summary(self) -> Summary:
        """Return the gaps, where their errors come from, and every contradiction."""
        flags = [
            f"{row['item'] or row['dimension']}: {row['flag']}"
            for row in self.table.rows()
            if row["flag"]
        ]
        words = {
            "dimension": "dimension",
            "item": "item",
            "variant": "variant",
            **COLUMNS,
            "method": "s.e. is",
        }
        shown = {k: v for k, v in words.items() if not _empty(self.table, k)}
        return Summary(
            "Gaps of a published table",
            (
                *self.context.facts(),
                ("level", f"{self.level:g}"),
                ("rows that contradict themselves", str(len(flags))),
            ),
            (section("", self.table, shown, max_rows=40),),
            (
                DIRECTION,
                *flags,
                "a flag means that no unrounded figures agree with all that is printed "
                "in the row; it does not say which figure is wrong",
                *self.context.sentences(),
            ),
        )


@friendly_keywords
def gap_table(
    frame: object,
    *,
    level: float = 0.95,
    decimals: int | Mapping[str, int] | None = None,
) -> GapTable:
    """Recompute the gaps of a published table and check the table against itself.

    The gap is ``P − E``. Its standard error comes from the first of these the row
    allows: half the printed interval over the critical value of t; the printed gap over
    the printed t; ``√((s_E² + s_P² − 2 r s_E s_P)/n)``; or, without r, only the bounds
    that r = 1 and r = −1 give. An interval of no width, a t of zero and a gap that may
    be zero before rounding give bounds at most. Every printed figure stands for all
    numbers that round to it, and a row is flagged only where no such numbers agree: a
    gap that is not ``P − E``, an interval that does not hold its gap or is not centred
    on it, a t outside what the row's interval allows (in absolute value), an interval
    or a t that would need a correlation of expectation and perception beyond ±1, or one
    other than the correlation printed.

    Parameters
    ----------
    frame : one row a dimension (or item), any dataframe, with the columns ``dimension``
        or ``item`` (with both, rows are items), ``expectation_mean``,
        ``perception_mean``, ``n`` and, where printed, ``expectation_sd``,
        ``perception_sd`` (divisor n − 1), ``gap``,
        ``conf_low``, ``conf_high``, ``statistic`` (paired t), ``correlation`` (of E and
        P). Usual other names (``t``, ``ci_low``, ``e_mean`` …) are understood. Figures
        given as text keep their trailing zeros ("-0.30"); numbers are taken to have the
        decimals of the longest in their column.
    level : confidence level of the printed interval.
    decimals : decimals printed, for columns given as numbers; one for all, or per
        column.

    Returns
    -------
    GapTable, with a last row for the unweighted mean of the rows (no standard error: it
    would need the correlations between rows). A printed row called Overall, Total, Mean
    or 总体, 合计, 总计 beside others is of level "overall", variant "as printed": it is
    recomputed and checked, but not counted in that mean nor in Holm's adjustment.

    Raises
    ------
    DataError
        If a column is missing, misspelt or not numeric, or a figure is impossible.

    References
    ----------
    The check of t against its own row follows Nuijten et al. (2016), "The prevalence of
    statistical reporting errors in psychology", doi:10.3758/s13428-015-0664-2.

    Examples
    --------
    >>> import satmetrics as sat
    >>> checked = sat.gap_table(sat.datasets.table("patient_servqual"))
    >>> checked.flagged
    ('Assurance',)
    """
    check_level(level)
    printed = read_printed(frame, decimals)
    rows = _rows(printed, level)
    context = _context(frame, printed)
    table = _with_overall(Table.of(rows, keys=KEYS), printed)
    return GapTable(table, context, level)


def _context(frame: object, printed: PublishedTable) -> Context:
    """Take name and origin from the frame's ``attrs``; `datasets.table` sets them."""
    attrs = getattr(frame, "attrs", {})
    said = (origin for origin in ORIGIN_WORDS if origin == attrs.get("origin"))
    return Context(
        origin=next(said, "supplied"),
        name=str(attrs.get("name", "published table")),
        notes=tuple(
            f"column {name!r} of the table is not used" for name in printed.unused
        ),
    )


def _rows(printed: PublishedTable, level: float) -> dict[str, object]:
    """Everything that can be computed row by row."""
    n = printed["n"].value
    allowed = allowances(printed, level)
    error, (low, high), which = _standard_error(printed, allowed)
    test = t_test(printed.estimate, error, n - 1, level)
    r, (r_low, r_high) = _implied_correlation(printed, allowed, error, (low, high))
    return {
        "level": np.where(printed.overall, "overall", printed.level).astype(object),
        "dimension": printed.dimensions,
        "item": printed.items,
        "variant": np.where(printed.overall, AS_PRINTED, "").astype(object),
        "n": n.astype(np.int64),
        "estimate": printed.estimate,
        "std_error": error,
        "statistic": test.statistic,
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "p_holm": _holm(test.p_value, printed.overall),
        "expectation": printed["expectation_mean"].value,
        "perception": printed["perception_mean"].value,
        "reported_gap": printed["gap"].value,
        "difference": _difference(printed),
        "method": [METHODS[i] for i in which],
        "std_error_low": low,
        "std_error_high": high,
        "correlation": r,
        "correlation_low": r_low,
        "correlation_high": r_high,
        "reported_statistic": printed["statistic"].value,
        "statistic_low": allowed.statistic[0],
        "statistic_high": allowed.statistic[1],
        "flag": flags(printed, allowed),
    }


def _holm(p: FloatArray, overall: BoolArray) -> FloatArray:
    """Adjust among the rows; a row that sums the others up is one hypothesis."""
    adjusted = p.copy()
    adjusted[~overall] = holm(p[~overall])
    return adjusted


def _standard_error(
    printed: PublishedTable, allowed: Allowances
) -> tuple[FloatArray, kernel.Range, IntArray]:
    """Return each row's standard error, its range, and which method gave them."""
    n = printed["n"].value
    s, t, r = (printed[x] for x in ("expectation_sd", "perception_sd", "correlation"))
    nothing = np.full(len(n), np.nan)
    width = printed["conf_high"].value - printed["conf_low"].value
    size = kernel.magnitude(printed.gap_range)
    stat = np.where(
        (printed["statistic"].value == 0) | (size[0] <= kernel.TOUCH),
        np.nan,
        printed["statistic"].value,
    )
    values = (
        np.where(width > 0, width, np.nan) / allowed.critical / 2,
        np.abs(printed.gap / stat),
        kernel.gap_error(s.value, t.value, r.value, n),
        nothing,
        nothing,
        nothing,
    )
    ranges = (
        allowed.error_of_interval,
        allowed.error_of_statistic,
        allowed.error_of_correlation,
        allowed.error_of_sds,
        allowed.error_of_interval,
        allowed.error_of_statistic,
    )
    usable = np.stack(
        [*map(np.isfinite, values[:3]), *(_says(pair) for pair in ranges[3:])]
    )
    which = np.where(usable.any(axis=0), usable.argmax(axis=0), len(values))
    low, high = (
        np.choose(which, [*(pair[end] for pair in ranges), nothing]) for end in (0, 1)
    )
    return np.choose(which, [*values, nothing]), (low, high), which


def _implied_correlation(
    printed: PublishedTable,
    allowed: Allowances,
    error: FloatArray,
    bounds: kernel.Range,
) -> tuple[FloatArray, kernel.Range]:
    """Return the correlation that the standard error implies, and its range within ±1.

    A standard error that no correlation gives has no range; the correlation it would
    need is kept.
    """
    n = printed["n"].value
    s, t = printed["expectation_sd"], printed["perception_sd"]
    r = kernel.correlation(error, s.value, t.value, n)
    low, high = kernel.within_one(kernel.correlation_range(bounds, s.range, t.range, n))
    impossible = kernel.apart(bounds, allowed.error_of_sds)
    return (
        np.where(impossible, r, np.clip(r, -1.0, 1.0)),
        (np.where(impossible, np.nan, low), np.where(impossible, np.nan, high)),
    )


def _says(bounds: kernel.Range) -> BoolArray:
    """Whether bounds rule out any standard error."""
    return (bounds[0] > 0) | np.isfinite(bounds[1])


def _with_overall(rows: Table, printed: PublishedTable) -> Table:
    """Add the unweighted mean of the rows, which has no error of its own.

    Printed rows that sum the others up are not counted.
    """
    counted = ~printed.overall
    if counted.sum() < 2:
        return rows

    def mean(values: FloatArray) -> float:
        return float(values[counted].mean())

    one = {
        "level": ["overall"],
        "dimension": [""],
        "item": [""],
        "variant": [
            MEAN_OF_DIMENSIONS if printed.level == "dimension" else MEAN_OF_ITEMS
        ],
        "n": [int(printed["n"].value[counted].min())],
        "estimate": [mean(printed.estimate)],
        "expectation": [mean(printed["expectation_mean"].value)],
        "perception": [mean(printed["perception_mean"].value)],
        "reported_gap": [mean(printed["gap"].value)],
        "difference": [mean(_difference(printed))],
        "method": [METHODS[-1]],
    }
    return stack([rows, Table.of(one, keys=KEYS)], keys=KEYS)


def _difference(printed: PublishedTable) -> FloatArray:
    """Printed gap minus P − E, with binary noise removed."""
    raw = printed["gap"].value - printed.estimate
    return np.where(np.abs(raw) < kernel.TOUCH, 0.0, raw)


def _empty(table: Table, name: str) -> bool:
    """Whether a column says nothing: all blank, or all missing."""
    column = table[name]
    if column.dtype.kind == "O":
        return not any(column)
    return bool(column.dtype.kind == "f" and np.isnan(column).all())
