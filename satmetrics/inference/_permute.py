"""Permuted group labels and what they say: arrays in, arrays out.

Labels are permuted in fixed blocks with seeds of their own, so that the permutations
are the same however they are later chunked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.inference._resample import block_sizes

SAME = 1e-10
"""A permuted number this close to the observed one, relative to 1 or to its size,
equals it: rounding must not decide whether it counts as at least as extreme."""


def permuted_codes(
    codes: IntArray,
    n_draws: int,
    rng: np.random.Generator,
    strata: IntArray | None = None,
) -> Iterator[IntArray]:
    """Yield blocks (b, U) of permuted group codes.

    Block k uses the k-th child of `rng`, and permutes a full block even when fewer are
    wanted, so that the first permutations do not depend on their number.

    Parameters
    ----------
    codes : (U,) group of each unit, from 0.
    n_draws : permutations.
    rng : spawns one child per block.
    strata : (U,), labels change places within a stratum only; None for one stratum.
    """
    sizes = block_sizes(n_draws, len(codes) * max(int(codes.max(initial=0)), 1))
    for size, child in zip(sizes, rng.spawn(len(sizes)), strict=True):
        shape = (max(sizes), len(codes))
        if strata is None:
            block = child.permuted(np.broadcast_to(codes, shape), axis=1)
        else:
            order = np.argsort(strata + child.random(shape), axis=1)
            block = np.empty(shape, dtype=codes.dtype)
            ordered = codes[np.argsort(strata, kind="stable")]
            np.put_along_axis(block, order, np.broadcast_to(ordered, shape), axis=1)
        yield block[:size]


def group_sums(
    codes: IntArray,
    n_groups: int,
    total: FloatArray,
    add: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    """Return sums (b, G, m) of contributions within permuted groups, one product.

    The largest group is the total less all others: it loses no digits by that.

    Parameters
    ----------
    codes : (b, U) group of each unit.
    n_groups : number of groups G.
    total : (m,) the sum over all units.
    add : turns counts (B, U) into sums (B, m).
    """
    size = np.bincount(codes[0], minlength=n_groups)
    largest = int(np.argmax(size))
    others = np.flatnonzero(np.arange(n_groups) != largest)
    member = np.asarray(codes[:, None, :] == others[:, None], dtype=np.float64)
    b, m = len(codes), len(total)
    sums = np.empty((b, n_groups, m))
    flat = add(member.reshape(b * len(others), codes.shape[1]))
    sums[:, others] = flat.reshape(b, len(others), m)
    sums[:, largest] = total - sums[:, others].sum(axis=1)
    return sums


def p_values(
    observed: FloatArray, draws: FloatArray, side: str = "two-sided"
) -> FloatArray:
    """Return permutation p-values (k,): ``(b + 1) / (B + 1)``.

    ``b`` counts the draws at least as extreme as what was observed, ``B`` those that
    are defined (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585).

    Parameters
    ----------
    observed : (k,)
    draws : (B, k) under the null hypothesis; NaN is passed over.
    side : "two-sided" (in absolute size), "greater" or "less".
    """
    slack = SAME * np.maximum(1.0, np.abs(observed))
    with np.errstate(invalid="ignore"):
        if side == "greater":
            extreme = draws >= observed - slack
        elif side == "less":
            extreme = draws <= observed + slack
        else:
            extreme = np.abs(draws) >= np.abs(observed) - slack
    B = np.isfinite(draws).sum(axis=0)
    p = (extreme.sum(axis=0) + 1) / (B + 1)
    return np.where(np.isfinite(observed) & (B > 0), p, np.nan)


def varies(draws: FloatArray) -> BoolArray:
    """Return (k,): whether a number differs between draws by more than rounding."""
    known = np.isfinite(draws)
    low = np.where(known, draws, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, draws, -np.inf).max(axis=0, initial=-np.inf)
    return np.asarray(high - low > SAME * np.maximum(1.0, np.abs(high)))
