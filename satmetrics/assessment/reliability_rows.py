"""From the coefficients of a block to rows with limits and reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import AnyArray, FloatArray
from satmetrics.assessment import _delta as delta
from satmetrics.assessment import _reliability as kernel
from satmetrics.assessment._delta import Delta
from satmetrics.assessment.item_source import Block
from satmetrics.moment._blocks import constant

FELDT = "Feldt"
CORRELATIONS = ("mean_r", "item_rest")
"""Terms that are correlations; the others are reliabilities."""
WHOLE = (
    "alpha",
    "alpha_standardized",
    "omega",
    "omega_standardized",
    "lambda2",
    "lambda4",
    "split_half_first",
    "split_half_odd",
    "mean_r",
)
"""Terms of a block as a whole; the others speak of one of its items."""
OMEGAS = ("omega", "omega_standardized")
SINGLE = "not defined for one item"
TWO = "not defined for two items"
TWO_FACTOR = "one factor is not identified by two items"
UNFITTED = "no factor can be fitted: correlations are singular or not known"
HEYWOOD = (
    "Heywood case: a unique variance is at its lower bound (0.005); no standard error"
)
FLAT = "an item is constant"
UNDEFINED = "not defined for these answers: a sum of items, or a half, does not vary"
MANY = f"not searched for more than {kernel.MOST_SPLIT} items"
HIGHEST = "the highest of all splits: no interval"


@dataclass(frozen=True, eq=False)
class Rows:
    """T numbers of one block in G groups; arrays (G, T).

    Attributes
    ----------
    construct : the block; indicator, term : (T,), `indicator` empty for the whole.
    items : number of items.
    """

    construct: str
    items: int
    indicator: tuple[str, ...]
    term: tuple[str, ...]
    n: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    interval: AnyArray
    reason: AnyArray


def block_rows(
    name: str, items: tuple[str, ...], block: Block, level: float, interval: str
) -> Rows:
    """Return every coefficient of a block.

    Parameters
    ----------
    interval : "auto", or "feldt" for the limits of alpha.
    """
    G = len(block.n)
    if len(items) == 1:
        terms = tuple((term, "") for term in WHOLE)
        nothing = np.full((G, len(terms)), np.nan)
        found, error = Delta(nothing, nothing[..., None, None]), nothing
        reasons = np.full(nothing.shape, SINGLE, dtype=object)
    else:
        made = kernel.coefficients(block.S)
        terms, found = _listed(made, items)
        error = block.errors(found)
        reasons = _reasons(made, terms, block, len(items))
    low, high, kinds = _limits(found.value, error, terms, block, level, interval)
    own = np.asarray(block.reasons, dtype=object)[:, None]
    lost = np.isnan(found.value)
    reasons = np.where((own != "") & lost, own, reasons)
    reasons = np.where((reasons == "") & lost, UNDEFINED, reasons)
    return Rows(
        name,
        len(items),
        tuple(indicator for _, indicator in terms),
        tuple(term for term, _ in terms),
        np.repeat(block.n[:, None], len(terms), axis=1),
        found.value,
        error,
        low,
        high,
        kinds,
        reasons,
    )


def _listed(
    made: kernel.Coefficients, items: tuple[str, ...]
) -> tuple[tuple[tuple[str, str], ...], Delta]:
    """Return (term, indicator) of each number, and the numbers."""
    whole = (
        made.alpha,
        made.standardized,
        made.omega,
        made.omega_standardized,
        made.lambda2,
        Delta(made.lambda4, np.full_like(made.alpha.slope, np.nan)),
        made.first_second,
        made.odd_even,
        made.mean_r,
    )
    terms = [(term, "") for term in WHOLE]
    terms += [("item_rest", item) for item in items]
    terms += [("alpha_deleted", item) for item in items]
    return tuple(terms), delta.stacked([*whole, *made.rest, *made.deleted])


def _reasons(
    made: kernel.Coefficients,
    terms: tuple[tuple[str, str], ...],
    block: Block,
    k: int,
) -> AnyArray:
    out = np.full((len(block.n), len(terms)), "", dtype=object)
    flat = constant(block.S).any(axis=-1)
    bound = made.heywood.any(axis=-1)
    for t, (term, _) in enumerate(terms):
        if term in OMEGAS:
            out[~made.fitted, t] = UNFITTED if k > 2 else TWO_FACTOR
            out[bound, t] = HEYWOOD
        elif term == "lambda4":
            out[:, t] = HIGHEST if k <= kernel.MOST_SPLIT else MANY
        elif term == "alpha_deleted" and k == 2:
            out[:, t] = TWO
        absent = flat & np.isnan(made.standardized.value)
        if term not in ("alpha", "lambda2", "lambda4", "alpha_deleted"):
            out[absent, t] = FLAT
    return out


def _limits(
    value: FloatArray,
    error: FloatArray,
    terms: tuple[tuple[str, str], ...],
    block: Block,
    level: float,
    interval: str,
) -> tuple[FloatArray, FloatArray, AnyArray]:
    low, high = kernel.reliability_limits(value, error, level)
    as_r = np.array([term in CORRELATIONS for term, _ in terms])
    r_low, r_high = kernel.correlation_limits(value[:, as_r], error[:, as_r], level)
    low[:, as_r], high[:, as_r] = r_low, r_high
    kinds = np.where(np.isfinite(low), block.interval, "").astype(object)
    if interval == "feldt" or block.interval == "normal theory":
        at = [term for term, _ in terms].index("alpha")
        k = block.S.shape[-1]
        low[:, at], high[:, at] = kernel.feldt_limits(
            value[:, at], block.n_eff, k, level
        )
        kinds[:, at] = np.where(np.isfinite(low[:, at]), FELDT, "")
    return low, high, kinds
