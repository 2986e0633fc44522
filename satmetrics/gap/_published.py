"""Interval arithmetic on printed figures: arrays in, arrays out.

A figure printed with d decimals stands for every number within half a unit of its last
digit; ranges below are (low, high) pairs that follow from that alone.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import numpy as np

from satmetrics._typing import BoolArray, FloatArray

Range: TypeAlias = tuple[FloatArray, FloatArray]
TOUCH = 1e-9
"""Ranges that meet within this distance are compatible."""
TINY = 1e-12
"""Stands for a positive number where a range begins at zero or below."""
_FIGURE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


def figure(text: str) -> tuple[float, int] | None:
    """Read a printed number: value and decimals; None if it is not a number.

    A typographic minus sign and a missing leading zero are read as printed.
    """
    plain = re.sub("[\u2212\u2013\ufe63\uff0d]", "-", text.strip())
    if not _FIGURE.fullmatch(plain):
        return None
    return float(plain), len(plain.partition(".")[2])


def around(value: FloatArray, half_unit: FloatArray) -> Range:
    """Return the numbers a printed value stands for."""
    return value - half_unit, value + half_unit


def minus(a: Range, b: Range) -> Range:
    """Return the range of a − b."""
    return a[0] - b[1], a[1] - b[0]


def over(a: Range, b: Range) -> Range:
    """Return the range of a / b for a, b ≥ 0; no upper end where b may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(a[0] > 0, a[0] / b[1], a[0])
        high = np.where(b[0] > 0, a[1] / b[0], np.inf)
    known = ~np.isnan(a[0] + b[1])
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def magnitude(a: Range) -> Range:
    """Return the range of |a|."""
    crosses = (a[0] <= 0) & (a[1] >= 0)
    ends = np.abs(np.stack(a))
    return np.where(crosses, 0.0, ends.min(axis=0)), ends.max(axis=0)


def positive_part(a: Range) -> Range:
    """Return the part of a range that is not negative."""
    return np.maximum(a[0], 0.0), np.maximum(a[1], 0.0)


def within_one(r: Range) -> Range:
    """Return the part of a range of correlations from −1 to 1."""
    return np.clip(r[0], -1.0, 1.0), np.clip(r[1], -1.0, 1.0)


def apart(a: Range, b: Range) -> BoolArray:
    """Whether two ranges share no number; False where either is not known."""
    return (a[0] > b[1] + TOUCH) | (b[0] > a[1] + TOUCH)


def correlation_range(error: Range, s: Range, t: Range, n: FloatArray) -> Range:
    """Return the correlations for which s.e.² n = s² + t² − 2 r s t.

    Monotone in the standard error; in the standard deviations the extremes lie at the
    corners of their ranges or, for one of them, where its derivative vanishes; the
    corners and that point are all tried. A standard deviation that may be zero is taken
    as positive.
    """
    s, t = ((np.maximum(x[0], TINY), np.maximum(x[1], TINY)) for x in (s, t))
    values = []
    for e in error:
        g2 = n * e * e
        for a, b in ((s, t), (t, s)):
            for y in b:
                inner = np.sqrt(np.maximum(y * y - g2, 0.0))
                for x in (*a, np.clip(inner, *a)):
                    values.append(_correlation(g2, x, y))
    stacked = np.stack(values)
    return stacked.min(axis=0), stacked.max(axis=0)


def correlation(
    error: FloatArray, s: FloatArray, t: FloatArray, n: FloatArray
) -> FloatArray:
    """Return the correlation of two paired scores implied by the error of their gap."""
    return _correlation(n * error * error, s, t)


def _correlation(g2: FloatArray, s: FloatArray, t: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (s * s + t * t - g2) / (2 * s * t)


def gap_error(s: FloatArray, t: FloatArray, r: FloatArray, n: FloatArray) -> FloatArray:
    """Return √((s² + t² − 2 r s t)/n), the standard error of a paired gap."""
    return np.asarray(np.sqrt(np.maximum(s * s + t * t - 2 * r * s * t, 0.0) / n))


def gap_error_range(s: Range, t: Range, r: Range, n: FloatArray) -> Range:
    """Return the range of `gap_error`: corners and turning points s = r t, t = r s.

    With r from −1 to 1 these are the bounds that the standard deviations alone allow.
    """
    s, t = positive_part(s), positive_part(t)
    values = [
        gap_error(x, y, c, n)
        for c in r
        for a, b in ((s, t), (t, s))
        for y in b
        for x in (*a, np.clip(c * y, *a))
    ]
    stacked = np.stack(values)
    return stacked.min(axis=0), stacked.max(axis=0)
