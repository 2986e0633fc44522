"""A compact letter display: arrays in, arrays out.

Insert and absorb after Piepho (2004), doi:10.1198/1061860043515, all pairs of a unit
being inserted at once.
"""

from __future__ import annotations

import numpy as np

from satmetrics._typing import BoolArray


def letters(differ: BoolArray, most: int) -> BoolArray | None:
    """Return which unit has which letter: (k, m), or None if m exceeds `most`.

    Two units share a letter if and only if they do not differ. A letter's units are
    all alike, and no unit could join them: the largest sets without a difference.

    Parameters
    ----------
    differ : (k, k) symmetric, False on the diagonal; units from the first to the last.
    most : letters there may be. Sets of the first units never outnumber those of all,
        so that the search stops as soon as there are more.
    """
    k = len(differ)
    if not k:
        return np.zeros((0, 0), dtype=bool)
    held = np.zeros((1, k), dtype=bool)
    held[0, :1] = True
    for u in range(1, k):
        parted = (held & differ[u]).any(axis=1)
        joined = held & ~differ[u]
        joined[:, u] = True
        grown = _absorbed(joined)
        held = np.concatenate([held[parted], grown])
        if len(held) > most:
            return None
    order = np.lexsort((-held.sum(axis=1), held.argmax(axis=1)))
    return np.asarray(held[order].T)


def _absorbed(sets: BoolArray) -> BoolArray:
    """Return the distinct sets (m, k) that lie in no other, those equal only once."""
    whole = sets.astype(np.float64)
    size, at = whole.sum(axis=1), np.arange(len(sets))
    inside = whole @ whole.T >= size[:, None]
    smaller = size[:, None] < size
    later = (size[:, None] == size) & (at[:, None] > at)
    return np.asarray(sets[~(inside & (smaller | later)).any(axis=1)])
