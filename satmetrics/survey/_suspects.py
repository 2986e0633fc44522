"""Numbers that look like codes for "no answer" where no scale says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from satmetrics import _toml
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError

HIGH = (88.0, 97.0, 98.0, 99.0, 888.0, 997.0, 998.0, 999.0, 9998.0, 9999.0)
LOW = (-1.0, -2.0, -7.0, -8.0, -9.0, -88.0, -97.0, -98.0, -99.0, -999.0, -9999.0)
Span: TypeAlias = tuple[float, float]
PIECE = 2**14
"""Numbers looked at together: they stay in cache."""
RATING_MAX = 20.0
"""A column of whole numbers from 0 up to this is taken for a rating."""
ENOUGH = 30
"""Answers in 1-5 that make a lone 8 or 9 suspect."""


def codes_cure(values: Sequence[float]) -> str:
    """Return how to declare values as missing, in Python and in study.toml."""
    listed = ", ".join(f"{value:g}" for value in values)
    return f"missing_codes=({listed},), or missing_codes = [{listed}] in study.toml"


def scale_cure(name: str) -> str:
    """Return how to declare the scale of an item, in Python and in study.toml."""
    key = _toml.write({name: 0}).strip().removesuffix(" = 0")
    return (
        f"scale={{{name!r}: (lowest, highest)}}, or {key} = [lowest, highest] under "
        "[scale] in study.toml"
    )


def has_fraction(values: FloatArray) -> bool:
    """Return whether a number is not whole; the missing and infinite are."""
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        differs = np.rint(piece) != piece
        if differs.any() and (differs & ~np.isnan(piece)).any():
            return True
    return False


def may_hold_codes(values: FloatArray, span: Span) -> bool:
    """Return False where lowest, highest and few values rule every suspect code out.

    Without a high code as the highest value, only a rating has suspects: whole numbers
    that are negative codes below, or 8 and 9 above and none of 6 and 7.
    """
    low, high = span
    if high in HIGH:
        return True
    negative, single = low in LOW, high in (8.0, 9.0)
    if not (negative or single) or has_fraction(values):
        return False
    return negative or not _holds(values, (6.0, 7.0))


def _holds(values: FloatArray, some: Sequence[float]) -> bool:
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        if any((piece == value).any() for value in some):
            return True
    return False


def check_suspects(name: str, values: FloatArray) -> None:
    """Raise if values of an unscaled column look like codes for "no answer".

    A high code (98, 99 …) is suspect when it lies further above the other values than
    their whole range; a negative code when the others are a rating (whole numbers from
    0 to at most 20 that span 3 points); 8 and 9 when 30 or more other answers all lie
    in 1-5.
    """
    seen = values[~np.isnan(values)]
    codes = _suspects(seen)
    if not codes.size:
        return
    counts = [int((seen == code).sum()) for code in codes]
    raise _suspected(name, codes.tolist(), counts, seen[~np.isin(seen, codes)])


def check_suspect_counts(name: str, values: FloatArray, counts: IntArray) -> None:
    """Do the same, given the distinct values and how often each occurs."""
    found = _suspects(np.repeat(values, np.minimum(counts, ENOUGH)))
    if found.size:
        times = [int(counts[values == code].sum()) for code in found]
        rest = values[~np.isin(values, found)]
        raise _suspected(name, found.tolist(), times, rest)


def _suspected(
    name: str, codes: Sequence[float], counts: Sequence[int], rest: FloatArray
) -> DataError:
    pairs = zip(codes, counts, strict=True)
    shown = ", ".join(f"{code:g} ({k:,}x)" for code, k in pairs)
    return DataError(
        f"column {name!r} holds {shown} far from its other values "
        f"({rest.min():g} to {rest.max():g})",
        code="suspected-missing-code",
        column=name,
        value=tuple(codes),
        remedy=f'if they mean "no answer", give {codes_cure(codes)}; if they '
        f"are answers, give {scale_cure(name)}",
    )


def _suspects(seen: FloatArray) -> FloatArray:
    core = seen[~np.isin(seen, HIGH + LOW)]
    if not core.size:
        return core[:0]
    low, high = float(core.min()), float(core.max())
    codes = np.unique(seen[np.isin(seen, HIGH + LOW)])
    rating = bool((core == np.round(core)).all()) and low >= 0 and high <= RATING_MAX
    far: BoolArray = (codes > 0) & (codes - high > max(high - low, 5.0))
    if rating and high - low >= 3:
        far |= codes < 0
    found = codes[far]
    if rating and not found.size:
        found = _single_digits(core)
    return found


def _single_digits(core: FloatArray) -> FloatArray:
    """Return 8 and 9 where every other answer, 30 at least, lies in 1-5."""
    inner = core[core <= 5]
    outer = np.unique(core[core > 5])
    four = np.unique(inner).size >= 4
    odd = outer.size > 0 and bool(np.isin(outer, (8.0, 9.0)).all())
    return outer if odd and four and inner.size >= ENOUGH else core[:0]
