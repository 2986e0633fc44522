"""How each respondent answered a row of questions: arrays in, arrays out.

Letters: n respondents, p questions in the order they were asked. Missing is NaN. Work
is done on chunks of respondents that stay in cache; nothing loops over respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray

CHUNK = 2**13
FEWEST = 3
"""Answers below which sameness says nothing."""


@dataclass(frozen=True)
class Block:
    """What was counted of one block of questions, each (n,).

    Attributes
    ----------
    long_string : longest run of equal answers to neighbouring questions; a missing
        answer ends a run.
    same : 1 where all answers are equal, NaN with fewer than three.
    spread : standard deviation of the answers (divisor: their number).
    missing : share of the questions not answered.
    top : 1 where all answers are the highest, NaN with fewer than three.
    """

    long_string: FloatArray
    same: FloatArray
    spread: FloatArray
    missing: FloatArray
    top: FloatArray


def block(columns: Sequence[FloatArray], best: Sequence[float]) -> Block:
    """Count one block of questions.

    Parameters
    ----------
    columns : p arrays (n,), answers as they were given.
    best : the best answer to each, NaN where not known.
    """
    n = len(columns[0])
    out = Block(*(np.empty(n) for _ in range(5)))
    ends = np.asarray(best, dtype=np.float64)[:, None]
    for start in range(0, n, CHUNK):
        here = slice(start, start + CHUNK)
        X = np.stack([column[here] for column in columns])
        seen = np.isfinite(X)
        count = seen.sum(axis=0)
        enough = count >= FEWEST
        out.long_string[here] = _longest(X)
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        out.same[here] = np.where(enough, low == high, np.nan)
        out.missing[here] = 1 - count / len(X)
        known = np.where(count > 0, count, np.nan)
        mean = np.where(seen, X, 0.0).sum(axis=0) / known
        off = np.where(seen, X - mean, 0.0)
        out.spread[here] = np.sqrt(np.einsum("pm,pm->m", off, off) / known)
        out.top[here] = np.where(enough, ((ends == X) | ~seen).all(axis=0), np.nan)
    if np.isnan(ends).any():
        out.top[:] = np.nan
    return out


def no_difference(E: Sequence[FloatArray], P: Sequence[FloatArray]) -> FloatArray:
    """Return (n,) 1 where E = P in every pair answered, NaN with fewer than three."""
    n = len(E[0])
    pairs, equal = np.zeros(n), np.zeros(n)
    for e, p in zip(E, P, strict=True):
        pairs += np.isfinite(e) & np.isfinite(p)
        equal += e == p
    return np.asarray(np.where(pairs >= FEWEST, pairs == equal, np.nan))


def _longest(X: FloatArray) -> FloatArray:
    """Return the longest run of equal values down the columns of a chunk (p, m)."""
    run = np.isfinite(X[0]).astype(np.int16)
    best = run.copy()
    same = X[1:] == X[:-1]
    seen = np.isfinite(X)
    for j in range(1, len(X)):
        run *= same[j - 1]
        run += seen[j]
        np.maximum(best, run, out=best)
    return np.asarray(best, dtype=np.float64)
