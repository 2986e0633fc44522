"""What draws say of themselves: constructs turned around, errors not linear."""

from __future__ import annotations

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import FloatArray, IntArray

FEW = 3
"""As many numbers are named."""
TIMES = 2.0
"""Standard errors that differ by more than this factor do not agree."""
TINY = 1e-8
"""Numbers whose draws vary less than this are constants."""


def turned(
    labels: Table, estimate: FloatArray, draws: FloatArray, what: str = "draws"
) -> tuple[str, ...]:
    """Return a sentence on each construct that points the other way in some draws.

    It does where its loadings, weighted by those of the fit, sum to a negative number:
    the sign rule then turns the construct by what is noise, and draws of either sign
    are mixed in standard errors and intervals.

    Parameters
    ----------
    labels : k rows with term and construct.
    estimate : (k,) of the fit.
    draws : (B, k)
    what : what they are.
    """
    return tuple(
        f"{name} points the other way than in the fit in {count:,} of {len(draws):,} "
        f"{what} (its loadings oppose those of the fit): signs of its loadings and "
        "paths are not settled, and standard errors and intervals mix both"
        for name, at in _blocks(labels).items()
        if (count := int((draws[:, at] @ np.nan_to_num(estimate[at]) < 0).sum()))
    )


def _blocks(labels: Table) -> dict[str, IntArray]:
    """Return the positions of the loadings of each construct of several indicators."""
    at = np.flatnonzero(labels["term"] == "loading")
    owner = labels["construct"][at]
    blocks = {str(name): at[owner == name] for name in dict.fromkeys(owner)}
    return {name: rows for name, rows in blocks.items() if len(rows) > 1}


def not_linear(labels: Table, linear: FloatArray, std_error: FloatArray) -> str:
    """Return a sentence on linearised errors that the draws contradict, or ''.

    Parameters
    ----------
    labels : k rows.
    linear : (k,) linearised standard errors of the fit.
    std_error : (k,) standard deviations of the draws.
    """
    varies = (std_error > TINY) & np.isfinite(linear)
    apart = (linear * TIMES < std_error) | (linear > std_error * TIMES)
    off = np.flatnonzero(varies & apart)
    if not len(off):
        return ""
    named = ", ".join(_named(labels, int(i)) for i in off[:FEW])
    more = f" and {len(off) - FEW} more" if len(off) > FEW else ""
    return (
        f"linearised standard errors differ from the draws' by more than a factor of "
        f"{TIMES:g} for {named}{more}: these numbers are not linear within their "
        "sampling error, and their studentised intervals are not to be relied on"
    )


def _named(labels: Table, i: int) -> str:
    words = ("source", "target", "construct", "indicator", "name")
    keys = [str(labels[w][i]) for w in words if w in labels and labels[w][i]]
    return " ".join([str(labels["term"][i]), " → ".join(keys)]).strip()
