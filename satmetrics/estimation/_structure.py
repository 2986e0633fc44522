"""The structural half of a path model: regressions, effects, implied correlations."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import SINGULAR, eliminate
from satmetrics._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Regressions:
    """Structural regressions of one layout.

    Attributes
    ----------
    target : (T,) endogenous constructs.
    sources : per target, its predictors.
    """

    target: IntArray
    sources: tuple[IntArray, ...]

    @classmethod
    def of(cls, adjacency: BoolArray) -> Regressions:
        """Collect the regressions of an adjacency matrix."""
        target = np.flatnonzero(adjacency.any(axis=0))
        return cls(target, tuple(np.flatnonzero(adjacency[:, t]) for t in target))

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
        paths = np.zeros(C.shape)
        r2 = np.empty((len(self.target), C.shape[-1]))
        ok = np.empty(r2.shape, dtype=np.bool_)
        for row, (t, at) in enumerate(zip(self.target, self.sources, strict=True)):
            right = C[at, t]
            if len(at) == 1:
                paths[at, t], r2[row], ok[row] = right, right[0] ** 2, True
                continue
            A = C[at[:, None], at]
            beta, ok[row] = _solved(A, right, indefinite=indefinite)
            paths[at, t] = beta
            r2[row] = np.einsum("kb,kb->b", beta, right)
        return paths, r2, ok


def padded(adjacency: BoolArray) -> tuple[IntArray, IntArray, BoolArray]:
    """Return the regressions of an adjacency matrix, padded to one size.

    Returns
    -------
    target (T,), source (k, T) predictors of each, used (k, T): False in the padding.
    """
    target = np.flatnonzero(adjacency.any(axis=0))
    k = int(adjacency.sum(axis=0).max())
    source = np.argsort(~adjacency[:, target], axis=0, kind="stable")[:k]
    return target, source, adjacency[source, target]


def _solved(
    A: FloatArray, right: FloatArray, *, indefinite: bool
) -> tuple[FloatArray, BoolArray]:
    """Solve A (k, k, b) for right (k, b); one sound member takes LAPACK's fewer calls.

    Squared diagonals of the Cholesky factor are the pivots that `eliminate` looks at.
    """
    if A.shape[-1] == 1 and not indefinite and np.isfinite(A).all():
        with contextlib.suppress(np.linalg.LinAlgError):
            pivots = np.linalg.cholesky(A[..., 0]).diagonal() ** 2
            if (pivots > SINGULAR).all():
                beta = np.linalg.solve(A[..., 0], right)
                return np.asarray(beta, dtype=np.float64), np.ones(1, dtype=np.bool_)
    found, ok = eliminate(A, right[:, None].copy(), indefinite=indefinite)
    return found[:, 0], ok


def total_effects(paths: FloatArray) -> FloatArray:
    """Return total effects (…, q, q): ``(I − B)⁻¹ − I`` of an acyclic path matrix.

    Effects of a construct are its paths, each followed by the effects of where it
    leads; constructs are taken from the last to the first.
    """
    q = paths.shape[-1]
    last = np.moveaxis(paths.reshape(-1, q, q), 0, -1)
    edges = (np.nan_to_num(last) != 0).any(axis=-1)
    total = np.array(last, order="C")
    for i in _backwards(edges):
        for k in np.flatnonzero(edges[i]):
            total[i] += last[i, k] * total[k]
    return np.moveaxis(total, -1, 0).reshape(paths.shape)


def _backwards(edges: BoolArray) -> list[int]:
    """Return the nodes such that each comes after all it leads to."""
    left, order = list(range(len(edges))), []
    while left:
        ends = [i for i in left if not edges[i, left].any()]
        if not ends:
            raise ValueError("the path matrix has a cycle")
        order += ends
        left = [i for i in left if i not in ends]
    return order


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
    same = owner[:, None] == owner[None, :]
    made = loadings[..., :, None] * loadings[..., None, :]
    made = made * np.where(same, 1.0, C[..., owner[:, None], owner[None, :]])
    free = same & ~factor[owner][:, None] | np.eye(len(owner), dtype=np.bool_)
    return np.where(free, S, made)


def implied_construct_corr(
    C: FloatArray,
    paths: FloatArray,
    adjacency: BoolArray,
    order: IntArray,
    *,
    unit: bool = True,
) -> FloatArray:
    """Return construct covariances (…, q, q) that the structural model implies.

    Exogenous constructs correlate freely; residuals are uncorrelated and scale each
    construct to variance 1, or, unless `unit`, have variance 1 − R².
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
        if not unit:
            R[..., t, t] += (paths[..., :, t] * (R - C)[..., :, t]).sum(axis=-1)
        done.append(int(t))
    return R
