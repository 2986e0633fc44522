"""Moments from pairs of answers: arrays in, arrays out, batch axis first.

With S = 1 where an answer is given (else 0) and Z the answers about a shift (0 where
missing), all that pairwise moments and moments of mean-filled answers need are the sums
over rows of ``S_i S_j``, ``Z_i S_j`` and ``Z_i Z_j``, weighted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.moment import _kernel as kernel


@dataclass(frozen=True)
class Pairs:
    """Sums over the rows that answer both of two items, for a batch of resamples.

    Attributes
    ----------
    n, weight_sum, weight_sq : (B,) of all rows.
    both, W, W2 : (B, p, p) rows, weights and squared weights.
    first : (B, p, p) weighted sum of item i over rows that answer i and j.
    second : (B, p, p) weighted sum of products.
    """

    n: FloatArray
    weight_sum: FloatArray
    weight_sq: FloatArray
    both: FloatArray
    W: FloatArray
    W2: FloatArray
    first: FloatArray
    second: FloatArray

    def means(self) -> FloatArray:
        """Return means (B, p) of the answers given, about the shift."""
        at = np.arange(self.W.shape[-1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.first[:, at, at] / self.W[:, at, at])

    def pairwise(self) -> FloatArray:
        """Return covariances (B, p, p) of the rows that answer both, about their means.

        Divisor ``W − W2/W`` of those rows.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            turned = np.swapaxes(self.first, 1, 2)
            cross = self.second - self.first * turned / self.W
            _clear(cross, self.second)
            divisor = self.W - self.W2 / self.W
            return np.asarray(
                cross / np.where(divisor > 1e-12 * self.W, divisor, np.nan)
            )

    def filled(self) -> FloatArray:
        """Return covariances (B, p, p) with every missing answer at its item's mean.

        Filled answers add nothing to a sum of products about the means.
        """
        m = self.means()
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = self.second - self.first * m[:, None, :]
            cross -= m[:, :, None] * np.swapaxes(self.first, 1, 2)
            cross += m[:, :, None] * m[:, None, :] * self.W
            _clear(cross, self.second)
            divisor = self.weight_sum - self.weight_sq / self.weight_sum
            return np.asarray(cross / divisor[:, None, None])


def _clear(cross: FloatArray, about_shift: FloatArray) -> None:
    at = np.arange(cross.shape[-1])
    kernel.clear_rounding(cross, about_shift[:, at, at])


def pair_sums(X: FloatArray, w: FloatArray, counts: FloatArray, cells: int) -> Pairs:
    """Sum over pairs of answers, for resamples.

    Parameters
    ----------
    X : (U, p) answers about a shift, NaN where missing.
    w : (U,)
    counts : (B, U)
    cells : numbers of working memory.
    """
    B, p = len(counts), X.shape[1]
    plain = bool((w == 1).all())
    heads = np.zeros((3, B))
    both, W, W2, first, second = np.zeros((5, B, p, p))
    step = max(1, cells // (B * p))
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        S = np.isfinite(X[rows]).astype(np.float64)
        Z = np.where(S > 0, X[rows], 0.0)
        c, v = counts[:, rows], w[rows]
        cw = c * v
        heads += np.stack([c.sum(axis=1), cw.sum(axis=1), cw @ v])
        weighted = cw[:, None, :] * S.T
        W += weighted @ S
        if not plain:
            both += (c[:, None, :] * S.T) @ S
            W2 += ((cw * v)[:, None, :] * S.T) @ S
        weighted = cw[:, None, :] * Z.T
        first += weighted @ S
        second += weighted @ Z
    if plain:
        both, W2 = W, W
    return Pairs(heads[0], heads[1], heads[2], both, W, W2, first, second)
