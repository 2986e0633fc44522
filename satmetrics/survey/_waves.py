"""Order of waves: periods by time, other names as people count (W2 before W10)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

from satmetrics.errors import DataError

_Period: TypeAlias = tuple[int, int, int]

_MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}
_CHINESE = {"一": 1, "二": 2, "三": 3, "四": 4}
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_QUARTER = r"(?P<q>[1-4一二三四])"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}年?",
        rf"{_YEAR}[-/.年_ ](?P<m>\d{{1,2}})月?(?:[t ].*)?",
        rf"{_YEAR}[-/.年_ ](?P<m>\d{{1,2}})[-/.月](?P<d>\d{{1,2}})日?(?:[t ].*)?",
        rf"{_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])?",
        rf"{_YEAR}年?[-/_ ]?(?:q|第){_QUARTER}(?:季度|季)?",
        rf"q{_QUARTER}[-/_ ']*{_YEAR}",
        rf"{_YEAR}年?[-/_ ]?h(?P<h>[12])",
        rf"h(?P<h>[12])[-/_ ']*{_YEAR}",
        rf"(?P<w>[a-z]{{3,9}})\.?[-/_ ,']*{_YEAR}",
        rf"{_YEAR}[-/_ ]*(?P<w>[a-z]{{3,9}})\.?",
    )
)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2{_YEAR}(?:[t ].*)?")


def wave_order(labels: Sequence[str]) -> list[int]:
    """Return the positions of `labels` in chronological order.

    Dates that end in the year are read day first or month first, whichever all of them
    allow; with points between, day first if both do.

    Raises
    ------
    DataError
        If such dates allow both or neither, and the order depends on it.

    Examples
    --------
    >>> wave_order(["2026Q1", "2025Q4"]), wave_order(["W10", "W2"])
    ([1, 0], [1, 0])
    >>> wave_order(["Oct 2025", "Mar 2025"])
    [1, 0]
    """
    readings = [
        [_period(text, day_first=first) for text in labels] for first in (True, False)
    ]
    if any(not any(pair) for pair in zip(*readings, strict=True)):
        return natural_order(labels)
    orders = [
        sorted(range(len(labels)), key=lambda i: (periods[i], labels[i]))
        for periods in readings
        if None not in periods
    ]
    points = not any(mark in label for label in labels for mark in "/-")
    if not orders or (orders[0] != orders[-1] and not points):
        raise _unclear(labels)
    return orders[0]


def wave_years(labels: Sequence[str]) -> list[float] | None:
    """Return the start of each period in years, None if one of them names no time.

    Months count as twelfths of a year, days as 365.25ths.

    Examples
    --------
    >>> wave_years(["2025Q1", "2025Q3", "2026"])
    [2025.0, 2025.5, 2026.0]
    >>> wave_years(["W1", "W2"]) is None
    True
    """
    for day_first in (True, False):
        periods = [_period(label, day_first=day_first) for label in labels]
        known = [period for period in periods if period is not None]
        if len(known) == len(periods):
            return [
                year + (max(month, 1) - 1) / 12 + (max(day, 1) - 1) / 365.25
                for year, month, day in known
            ]
    return None


def natural_order(labels: Sequence[str]) -> list[int]:
    """Return the positions of `labels` sorted with their numbers as numbers."""
    return sorted(range(len(labels)), key=lambda i: _natural(labels[i]))


def _natural(label: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"(\d+)", unicodedata.normalize("NFKC", label).casefold())
    keyed = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return (*keyed, (2, 0, label))


def _unclear(labels: Sequence[str]) -> DataError:
    dates = [label for label in labels if _YEAR_LAST.fullmatch(_plain(label))]
    shown = ", ".join(repr(label) for label in dates[:4])
    return DataError(
        f"the dates of the waves do not say which number is the day: {shown}",
        code="unclear-dates",
        column="wave",
        value=tuple(dates),
        remedy="write dates as 2025-03-01, so that waves can be put in order of time",
    )


def _plain(label: str) -> str:
    return unicodedata.normalize("NFKC", label).casefold().strip()


def _period(label: str, *, day_first: bool) -> _Period | None:
    plain = _plain(label)
    if ended := _YEAR_LAST.fullmatch(plain):
        pair = int(ended[1]), int(ended[3])
        day, month = pair if day_first else pair[::-1]
        there = 1 <= month <= 12 and 1 <= day <= 31
        return (int(ended["y"]), month, day) if there else None
    for pattern in _PATTERNS:
        match = pattern.fullmatch(plain)
        if match is not None:
            return _date(match.groupdict())
    return None


def _date(parts: dict[str, str | None]) -> _Period | None:
    year = int(parts["y"] or 0)
    if quarter := parts.get("q"):
        return year, 3 * (_CHINESE.get(quarter) or int(quarter)) - 2, 0
    if half := parts.get("h"):
        return year, 6 * int(half) - 5, 0
    if word := parts.get("w"):
        month = _MONTHS.get(word[:3])
        return None if month is None else (year, month, 0)
    return year, int(parts.get("m") or 0), int(parts.get("d") or 0)
