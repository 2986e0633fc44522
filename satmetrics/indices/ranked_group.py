"""One group of units ranked: who is told apart from whom, and what follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._special import normal_quantile
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.indices import _letters, _ranks
from satmetrics.indices.joint import Joint

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class Found:
    """One group ranked, k figures.

    Attributes
    ----------
    at : (k,) positions of the figures among the rows of the group.
    columns : of the ranks, (k,) each.
    critical : how many errors a difference must exceed, for all pairs together; of the
        pair on the fewest degrees of freedom. NaN where no difference has an error.
    told_apart : pairs that differ.
    unknown : figures without a known error.
    crowded : whether there would be more letters than there are.
    simulated : whether critical values come from draws.
    lacking : lowest eigenvalue of the covariance beside the highest.
    """

    at: IntArray
    columns: dict[str, FloatArray | BoolArray | list[str]]
    critical: float
    told_apart: int
    unknown: int
    crowded: bool
    simulated: bool
    lacking: float


@dataclass(frozen=True, eq=False)
class _Errors:
    """Errors of k figures: of differences (k, k), drawn (B, k), critical values (k, k).

    `c` holds those of all pairs together, a row of `own` those of one figure's pairs.
    """

    sd: FloatArray
    draws: FloatArray
    c: FloatArray
    own: FloatArray
    simulated: bool = True
    lacking: float = 1.0


def rank_group(
    joint: Joint, table: Table, level: float, n_draws: int, rng: np.random.Generator
) -> Found:
    """Rank the figures of one group that are known."""
    at = np.flatnonzero(np.isfinite(joint.estimate))
    joint, table, k = joint.take(at), table.take(at), len(at)
    doubtful = (joint.std_error == 0) & (table["reason"] != "")
    unknown = doubtful | ~np.isfinite(joint.std_error)
    if joint.n_draws:
        e = _of_draws(joint, unknown, level)
    else:
        e = _normal(joint, unknown, level, n_draws, rng)
    above = _ranks.better(joint.estimate, e.sd, e.c)
    words = _words(joint.estimate, above | above.T)
    alone = unknown & (k > 1)
    columns = _columns(joint.estimate, e, words or [""] * k)
    shares = _ranks.first_shares(joint.estimate + e.draws) if k else joint.estimate
    columns["first"] = np.where(alone, np.nan, shares)
    columns["expected_rank"] = np.where(
        alone, np.nan, _ranks.expected_ranks(joint.estimate, e.sd)
    )
    return Found(
        at,
        columns,
        float(e.c[e.sd > 0].max(initial=0.0)) if (e.sd > 0).any() else np.nan,
        int(above.sum()),
        int(alone.sum()),
        words is None,
        e.simulated,
        e.lacking,
    )


def _of_draws(joint: Joint, unknown: BoolArray, level: float) -> _Errors:
    """Return errors from the bootstrap draws the figures come with."""
    D = np.where(unknown, np.nan, joint.draws - joint.estimate)
    sd = _ranks.drawn_difference_errors(D)
    np.fill_diagonal(sd, 0.0)
    c, own = _critical(D, sd, level)
    return _Errors(sd, D, np.full(sd.shape, c), np.broadcast_to(own[:, None], sd.shape))


def _critical(
    D: FloatArray, sd: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return critical values of all pairs together and of each figure's own (k,)."""
    tops = _ranks.largest(D, sd)
    whole = tops.max(axis=1, initial=0.0)
    return _ranks.critical(whole, level), _ranks.critical(tops, level)


def _normal(
    joint: Joint,
    unknown: BoolArray,
    level: float,
    n_draws: int,
    rng: np.random.Generator,
) -> _Errors:
    """Return normal errors with the covariance of the figures."""
    V = np.where(unknown | unknown[:, None], np.nan, joint.cov())
    df = _ranks.pair_degrees(V, np.where(unknown, np.inf, joint.df))
    sd = _ranks.difference_errors(V)
    np.fill_diagonal(sd, 0.0)
    D, lacking = _ranks.normal_draws(V, n_draws, rng)
    one = len(V) == 2
    if one:
        c = normal_quantile((1 + level) / 2)
        own = np.full(2, c)
    else:
        c, own = _critical(D, sd, level)
    c = _ranks.on_degrees(np.full(sd.shape, c), df)
    own = _ranks.on_degrees(np.broadcast_to(own[:, None], sd.shape), df)
    return _Errors(sd, D, c, own, simulated=not one, lacking=lacking)


def _words(estimate: FloatArray, differ: BoolArray) -> list[str] | None:
    """Return the letters of each unit, "a" with the best; None if there are too few."""
    order = np.argsort(-estimate, kind="stable")
    shown = _letters.letters(differ[np.ix_(order, order)], len(ALPHABET))
    if shown is None:
        return None
    words = [""] * len(estimate)
    for i, mine in zip(order.tolist(), shown, strict=True):
        words[i] = "".join(ALPHABET[m] for m in np.flatnonzero(mine))
    return words


def _columns(
    estimate: FloatArray, e: _Errors, words: list[str]
) -> dict[str, FloatArray | BoolArray | list[str]]:
    """Return ranks and the sets they lie in."""
    low, high = _ranks.rank_sets(estimate, e.sd, e.c)
    own_low, own_high = _ranks.rank_sets(estimate, e.sd, e.own)
    return {
        "rank": _ranks.ranks(estimate).astype(np.float64),
        "rank_low": low.astype(np.float64),
        "rank_high": high.astype(np.float64),
        "own_low": own_low.astype(np.float64),
        "own_high": own_high.astype(np.float64),
        "best": low == 1,
        "letters": words,
    }
