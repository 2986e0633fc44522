"""Where a row of a published table contradicts itself beyond rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from satmetrics._display import number
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.gap import _published as kernel
from satmetrics.gap.printed import Printed, PublishedTable
from satmetrics.inference._tests import t_critical


@dataclass(frozen=True, eq=False)
class Allowances:
    """What the printed figures allow, each a (low, high) pair of (rows,) arrays.

    Attributes
    ----------
    critical : (rows,) critical value of t at the printed level.
    error_of_interval, error_of_statistic, error_of_correlation, error_of_sds : standard
        errors of the gap that follow from the interval, from gap and t, from the SDs
        and the printed correlation, and from the SDs under any correlation.
    statistic : absolute t that gap and interval allow.
    """

    critical: FloatArray
    error_of_interval: kernel.Range
    error_of_statistic: kernel.Range
    error_of_correlation: kernel.Range
    error_of_sds: kernel.Range
    statistic: kernel.Range


def allowances(printed: PublishedTable, level: float) -> Allowances:
    """Propagate rounding through every figure of every row."""
    n = printed["n"].value
    critical = t_critical(n - 1, level)
    width = kernel.minus(printed["conf_high"].range, printed["conf_low"].range)
    of_interval = tuple(end / critical / 2 for end in kernel.positive_part(width))
    size = kernel.magnitude(printed.gap_range)
    s, t = printed["expectation_sd"].range, printed["perception_sd"].range
    known_r = kernel.within_one(printed["correlation"].range)
    any_r = np.full(len(n), -1.0), np.full(len(n), 1.0)
    return Allowances(
        critical,
        (of_interval[0], of_interval[1]),
        kernel.over(size, kernel.magnitude(printed["statistic"].range)),
        kernel.gap_error_range(s, t, known_r, n),
        kernel.gap_error_range(s, t, any_r, n),
        kernel.over(size, (of_interval[0], of_interval[1])),
    )


def flags(printed: PublishedTable, allowed: Allowances) -> list[str]:
    """Return a sentence per contradiction of each row, joined; empty for none."""
    return [
        "; ".join(filter(None, row))
        for row in zip(
            _wrong_gap(printed),
            _interval_off_gap(printed),
            _wrong_statistic(printed, allowed),
            *(
                check(printed, error, allowed, source)
                for check in (_impossible, _wrong_correlation)
                for error, source in (
                    (allowed.error_of_interval, "the interval"),
                    (allowed.error_of_statistic, "the gap and t"),
                )
            ),
            strict=True,
        )
    ]


def _sentences(where: BoolArray, sentence: Callable[[int], str]) -> list[str]:
    return [sentence(i) if wrong else "" for i, wrong in enumerate(where)]


def _wrong_gap(printed: PublishedTable) -> list[str]:
    said, own = printed["gap"], printed.difference_range
    mirrored = ~kernel.apart(said.range, (-own[1], -own[0]))

    def sentence(i: int) -> str:
        turned = (
            " (its sign is that of expectation − perception)" if mirrored[i] else ""
        )
        return (
            f"the gap is printed as {_as_printed(said, i)} but P − E is "
            f"{number(float(printed.estimate[i]))}{turned}"
        )

    return _sentences(kernel.apart(said.range, own), sentence)


def _interval_off_gap(printed: PublishedTable) -> list[str]:
    """The interval must hold its gap, and a t interval is centred on it."""
    low, high = printed["conf_low"], printed["conf_high"]
    gap = printed.gap_range
    outside = (gap[1] < low.range[0] - kernel.TOUCH) | (
        gap[0] > high.range[1] + kernel.TOUCH
    )
    centre = (
        (low.range[0] + high.range[0]) / 2,
        (low.range[1] + high.range[1]) / 2,
    )

    def sentence(i: int) -> str:
        limits = f"the interval {_as_printed(low, i)} to {_as_printed(high, i)}"
        shown = number(float(printed.gap[i]))
        if outside[i]:
            return f"{limits} does not contain the gap {shown}"
        return f"{limits} is not centred on the gap {shown} within rounding"

    return _sentences(outside | kernel.apart(gap, centre), sentence)


def _wrong_statistic(printed: PublishedTable, allowed: Allowances) -> list[str]:
    said = printed["statistic"]

    def sentence(i: int) -> str:
        low, high = (number(float(end[i]), 2) for end in allowed.statistic)
        return (
            f"t is printed as {_as_printed(said, i)} but the row's own gap and "
            f"interval allow |t| from {low} to {high}"
        )

    apart = kernel.apart(kernel.magnitude(said.range), allowed.statistic)
    return _sentences(apart, sentence)


def _impossible(
    printed: PublishedTable, error: kernel.Range, allowed: Allowances, source: str
) -> list[str]:
    """A standard error that no correlation between −1 and 1 gives."""
    n = printed["n"].value
    s, t = printed["expectation_sd"].value, printed["perception_sd"].value
    open_ended = np.isinf(error[1])
    typical = np.where(open_ended, error[0], (error[0] + error[1]) / 2)
    needed = kernel.correlation(typical, s, t, n)

    def sentence(i: int) -> str:
        return (
            f"{source} would need a correlation of expectation and perception of "
            f"{number(float(needed[i]), 2)}{' or less' if open_ended[i] else ''}, "
            "which is impossible"
        )

    return _sentences(kernel.apart(error, allowed.error_of_sds), sentence)


def _wrong_correlation(
    printed: PublishedTable, error: kernel.Range, allowed: Allowances, source: str
) -> list[str]:
    """A standard error that some correlation gives, but not the printed one."""
    n, said = printed["n"].value, printed["correlation"]
    s, t = printed["expectation_sd"].range, printed["perception_sd"].range
    implied = kernel.within_one(kernel.correlation_range(error, s, t, n))

    def sentence(i: int) -> str:
        low, high = (number(float(end[i])) for end in implied)
        return (
            f"the correlation is printed as {_as_printed(said, i)} but one from "
            f"{low} to {high} follows from {source} and the SDs"
        )

    possible = ~kernel.apart(error, allowed.error_of_sds)
    return _sentences(
        possible & kernel.apart(error, allowed.error_of_correlation), sentence
    )


def _as_printed(column: Printed, row: int) -> str:
    half = column.half_unit[row]
    places = max(0, round(-np.log10(2 * half))) if half > 0 else 3
    return number(float(column.value[row]), int(places))
