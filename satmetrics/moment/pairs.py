"""Respondents whose pairs of answers are drawn again: pairwise and mean-filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.moment import _pairs as kernel
from satmetrics.moment.moments import Moments
from satmetrics.moment.row_units import RowUnits

CELLS = 2**22
"""Numbers of working memory."""


@dataclass(frozen=True, eq=False)
class PairUnits(RowUnits):
    """Respondents with missing answers, of whom every resample is treated alike.

    Attributes
    ----------
    policy : "pairwise", or "mean": each resample is filled with its own means.
    """

    policy: Literal["pairwise", "mean"] = "pairwise"

    def of_rows(self, counts: FloatArray) -> Moments:
        """Return a batch of moments for counts (B, n) of the rows."""
        sums = kernel.pair_sums(self.X, self.w, counts, CELLS)
        pairwise = self.policy == "pairwise"
        with np.errstate(divide="ignore", invalid="ignore"):
            n_eff = sums.weight_sum**2 / sums.weight_sq
        return Moments(
            names=self.names,
            n=np.rint(sums.n).astype(np.int64),
            mean=self.shift + sums.means(),
            cov=sums.pairwise() if pairwise else sums.filled(),
            n_eff=n_eff,
            weight_sum=sums.weight_sum,
            pair_n=sums.both if pairwise else None,
            kind="pairwise" if pairwise else "sample",
            reasons=_reasons(self.names, sums.both, pairs=pairwise),
            context=self.context,
        )


def _reasons(
    names: tuple[str, ...], both: FloatArray, *, pairs: bool
) -> tuple[str, ...]:
    """Say, per resample, which items nobody answers (together)."""
    out = [""] * len(both)
    at = np.arange(len(names))
    for g, i in np.argwhere(both[:, at, at] <= 0):
        out[g] = out[g] or f"no answers to {names[i]}"
    for g, i, j in np.argwhere(both < 2) if pairs else ():
        both_of = f"fewer than two rows answer both {names[i]} and {names[j]}"
        out[g] = out[g] or both_of
    return tuple(out)
