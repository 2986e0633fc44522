"""The structural half of a path model: regressions, effects, implied correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import eliminate
from satmetrics._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Regressions:
    """Structural regressions of one layout, padded to a common size.

    Attributes
    ----------
    target : (T,) endogenous constructs.
    sources : (k, T) their predictors, padded with the target itself.
    used : (k, T), False in the padding.
    blank, identity : (k, k, T), where the padding is, and the identity to put there.
    """

    target: IntArray
    sources: IntArray
    used: BoolArray
    blank: BoolArray
    identity: FloatArray

    @classmethod
    def of(cls, adjacency: BoolArray) -> Regressions:
        """Collect the regressions of an adjacency matrix."""
        target = np.flatnonzero(adjacency.any(axis=0))
        k = int(adjacency.sum(axis=0).max())
        sources = np.repeat(target[None, :], k, axis=0)
        used = np.zeros(sources.shape, dtype=np.bool_)
        for column, t in enumerate(target):
            found = np.flatnonzero(adjacency[:, t])
            sources[: len(found), column] = found
            used[: len(found), column] = True
        blank = ~(used[:, None, :] & used[None, :, :])
        identity = np.repeat(np.eye(k)[:, :, None], len(target), axis=2)
        return cls(target, sources, used, blank, identity)

    def betas(
        self, C: FloatArray, *, indefinite: bool = False
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Regress each target on its sources, with the batch last.

        Parameters
        ----------
        C : (q, q, b) correlations.
        indefinite : whether C, corrected for attenuation, may have negative pivots.

        Returns
        -------
        paths (q, q, b) at [source, target], r2 (T, b), ok (T, b).
        """
        A = C[self.sources[:, None, :], self.sources[None, :, :]]
        A[self.blank] = self.identity[self.blank][:, None]
        right = C[self.sources, self.target]
        right[~self.used] = 0.0
        beta, ok = eliminate(A, right[:, None].copy(), indefinite=indefinite)
        paths = np.zeros_like(C)
        row, col = np.nonzero(self.used)
        paths[self.sources[row, col], self.target[col]] = beta[row, 0, col]
        return paths, np.einsum("ktb,ktb->tb", beta[:, 0], right), ok

    def solve(
        self, C: FloatArray, *, indefinite: bool = False
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Regress each target on its sources: C (B, q, q), batch first.

        Returns
        -------
        paths (B, q, q) at [source, target], r2 (B, q), ok (B, T).
        """
        last = np.ascontiguousarray(np.moveaxis(C, 0, -1))
        paths, fitted, ok = self.betas(last, indefinite=indefinite)
        r2 = np.full((len(C), C.shape[-1]), np.nan)
        r2[:, self.target] = fitted.T
        return np.ascontiguousarray(np.moveaxis(paths, -1, 0)), r2, ok.T


def total_effects(paths: FloatArray) -> FloatArray:
    """Return total effects (…, q, q): ``(I − B)⁻¹ − I`` of an acyclic path matrix."""
    q = paths.shape[-1]
    total = power = paths
    for _ in range(q - 1):
        power = power @ paths
        if not np.nan_to_num(power).any():
            break
        total = total + power
    return total


def implied(
    S: FloatArray,
    loadings: FloatArray,
    C: FloatArray,
    owner: IntArray,
    factor: BoolArray,
) -> FloatArray:
    """Return implied correlations (…, p, p): λ C λ' between blocks.

    Within the block of a composite correlations are free (those of S); within that of
    a factor they are λ λ'.

    Parameters
    ----------
    S : (…, p, p) observed correlations.
    factor : (q,), True where a construct is a factor.
    """
    made = loadings[..., :, None] * loadings[..., None, :]
    made = made * C[..., owner[:, None], owner[None, :]]
    same = owner[:, None] == owner[None, :]
    free = same & ~factor[owner][:, None] | np.eye(len(owner), dtype=np.bool_)
    return np.where(free, S, made)


def implied_construct_corr(
    C: FloatArray, paths: FloatArray, adjacency: BoolArray, order: IntArray
) -> FloatArray:
    """Return construct correlations (…, q, q) that the structural model implies.

    Exogenous constructs correlate freely; residuals are uncorrelated and scale each
    construct to variance 1.
    """
    R = np.zeros_like(C)
    done: list[int] = []
    for t in order:
        if not adjacency[:, t].any():
            R[..., t, done] = C[..., t, done] * ~adjacency[:, done].any(axis=0)
            for j in [j for j in done if adjacency[:, j].any()]:
                R[..., t, j] = (paths[..., :, j] * R[..., t, :]).sum(axis=-1)
        else:
            R[..., t, done] = (paths[..., :, t, None] * R[..., :, done]).sum(axis=-2)
        R[..., done, t] = R[..., t, done]
        R[..., t, t] = 1.0
        done.append(int(t))
    return R
