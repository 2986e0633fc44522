"""How answers are spread: skewness, ends of the scale, values used; by group.

Letters: N rows, p items, G groups. A missing answer is NaN. Items are visited one by
one, so that memory stays at a few columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

ROUNDING = 1e-9
"""A standard deviation this small beside the answers' size counts as zero."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Each (G, p); NaN where there is no answer, no spread or no scale.

    Attributes
    ----------
    n : answers given.
    skewness : ``m3 / m2^1.5``, moments about the mean with divisor Σw.
    ceiling, floor : share of the answers at the upper and at the lower end.
    distinct : how many different answers there are.
    """

    n: FloatArray
    skewness: FloatArray
    ceiling: FloatArray
    floor: FloatArray
    distinct: FloatArray


def shape(
    X: FloatArray, ends: FloatArray, codes: IntArray, G: int, w: FloatArray | None
) -> Shape:
    """Return the shape of the answers to every item.

    Parameters
    ----------
    X : (N, p) answers.
    ends : (2, p) lowest and highest possible answer, NaN where not known.
    codes : (N,) group of each row, −1 for none.
    G : number of groups.
    w : (N,) positive weights, or None where all count alike.
    """
    parts = [_item(x, e, codes, G, w) for x, e in zip(X.T, ends.T, strict=True)]
    n, skewness, ceiling, floor, distinct = np.moveaxis(np.array(parts), 0, -1)
    return Shape(n, skewness, ceiling, floor, distinct)


def _item(
    x: FloatArray, ends: FloatArray, codes: IntArray, G: int, w: FloatArray | None
) -> FloatArray:
    """Return the numbers (5, G) of one item."""
    seen = np.isfinite(x) & (codes >= 0)
    x, code = x[seen], codes[seen]
    own = np.ones(len(x)) if w is None else w[seen]

    def mean(values: FloatArray | BoolArray) -> FloatArray:
        return np.bincount(code, own * values, minlength=G) / total

    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.bincount(code, own, minlength=G)
        centre = mean(x)
        z = x - centre[code]
        m2, m3 = mean(z * z), mean(z * z * z)
        flat = np.sqrt(m2) <= ROUNDING * np.maximum(1.0, np.abs(centre))
        skewness = np.where(flat, np.nan, m3 / m2**1.5)
        high, low = mean(x >= ends[1] - ROUNDING), mean(x <= ends[0] + ROUNDING)
    known = np.isfinite(ends)
    values, place = np.unique(x, return_inverse=True)
    used = np.unique(code * max(len(values), 1) + place) // max(len(values), 1)
    return np.stack(
        [
            np.bincount(code, minlength=G),
            skewness,
            np.where(known[1], high, np.nan),
            np.where(known[0], low, np.nan),
            np.bincount(used, minlength=G),
        ]
    )
