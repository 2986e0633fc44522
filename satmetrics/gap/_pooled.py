"""Shares of what is met, pooled within encounters: arrays in, arrays out.

Letters: n encounters, G groups, K shares. A value is 1 (met), 0 (not) or NaN (missing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.inference._tests import effective_n, wilson
from satmetrics.moment._column_means import Rows


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares with their errors and Wilson limits, each (G, K).

    Attributes
    ----------
    n : what was observed; share : of it that is met.
    std_error, n_eff : its error, and the n of simple random sampling with that error.
    low, high : limits.
    """

    n: FloatArray
    share: FloatArray
    std_error: FloatArray
    n_eff: FloatArray
    low: FloatArray
    high: FloatArray

    def columns(self) -> dict[str, FloatArray]:
        """Return the figures (G, K) by the names of their columns."""
        return {
            "estimate": self.share,
            "std_error": self.std_error,
            "conf_low": self.low,
            "conf_high": self.high,
            "successes": np.where(self.n > 0, self.share * self.n, 0.0),
            "n_eff": self.n_eff,
        }


def pooled_shares(
    blocks: Sequence[Sequence[FloatArray]], rows: Rows, level: float
) -> Shares:
    """Return the share met of every block of columns (n,), see `pooled_share`."""
    found = [pooled_share(block, rows, level) for block in blocks]
    return Shares(*(np.stack(part, axis=1) for part in zip(*found, strict=True)))


def pooled_share(
    met: Sequence[FloatArray], rows: Rows, level: float
) -> tuple[FloatArray, ...]:
    """Return n, share, error, effective n and limits (G,) of steps pooled.

    ``p = Σ w s / Σ w m`` with s of m steps of an encounter met; its error is that of a
    ratio, linearised over encounters or what was sampled. The effective n is that of
    single rows with this error, ``1 + p(1 − p)/se²`` and at most Kish's, which it is
    for one step of singly sampled encounters; where p is 0 or 1 it is Kish's, and no
    more than there are sampled units.
    """
    observed = np.sum([np.isfinite(x) for x in met], axis=0).astype(np.float64)
    good = np.nansum(met, axis=0)
    n = rows.total(observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        W = rows.total(rows.weighted(observed))
        p = rows.total(rows.weighted(good)) / W
        share = np.where(W > 0, 1 / W, 0.0)
        residual = good - observed * rows.spread(np.nan_to_num(p))
        influence = rows.weighted(residual) * rows.spread(share)
        variance = rows.linearised_cov([influence])[:, 0, 0]
        kish = W * W / rows.total(rows.weighted(rows.weighted(observed)))
        simple = rows.unit is None and len(met) == 1
        alike = kish
        if rows.unit is not None:
            alike = np.fmin(kish, rows.degrees(n, observed > 0) + 1)
        n_eff = kish if simple else effective_n(p, variance, kish, alike)
        error = np.sqrt(np.maximum(variance, 0.0))
    return n, p, error, n_eff, *wilson(p, n_eff, level)
