"""Fuzzy comprehensive evaluation: arrays in, arrays out, batch axis first.

Letters: A weights of J criteria, R shares of K grades in each, B = A ∘ R.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from satmetrics._typing import BoolArray, FloatArray
from satmetrics.criteria._tree import Tree

TIE = 1e-9
"""Memberships that differ by less are the same."""


def weighted_mean(A: FloatArray, R: FloatArray) -> FloatArray:
    """Return ``Σ_j a_j r_jk`` (…, K).

    Parameters
    ----------
    A : (J,)
    R : (…, J, K)
    """
    return np.asarray(A @ R)


def max_min(A: FloatArray, R: FloatArray) -> FloatArray:
    """Return ``max_j min(a_j, r_jk)`` (…, K); see `weighted_mean`."""
    return np.asarray(np.minimum(A[:, None], R).max(axis=-2))


def max_product(A: FloatArray, R: FloatArray) -> FloatArray:
    """Return ``max_j a_j r_jk`` (…, K); see `weighted_mean`."""
    return np.asarray((A[:, None] * R).max(axis=-2))


def min_bounded_sum(A: FloatArray, R: FloatArray) -> FloatArray:
    """Return ``min(1, Σ_j min(a_j, r_jk))`` (…, K); see `weighted_mean`."""
    return np.asarray(np.minimum(np.minimum(A[:, None], R).sum(axis=-2), 1.0))


OPERATORS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "weighted_mean": weighted_mean,
    "max_min": max_min,
    "max_product": max_product,
    "min_bounded_sum": min_bounded_sum,
}


def upward(R: FloatArray, tree: Tree, operator: str) -> FloatArray:
    """Return the memberships (…, q, K) of every node, fed upward as they are.

    Parameters
    ----------
    R : (…, p, K) shares of grades of the leaves, in the order of their columns.
    """
    apply = OPERATORS[operator]
    leaves = np.flatnonzero(tree.item >= 0)
    B = np.empty((*R.shape[:-2], len(tree.parent), R.shape[-1]))
    B[..., leaves, :] = R[..., tree.item[leaves], :]
    for k in reversed(tree.inner.tolist()):
        children = tree.children(k)
        B[..., k, :] = apply(tree.share[children], B[..., children, :])
    return B


def normalised(B: FloatArray) -> FloatArray:
    """Return ``B / Σ_k B_k``; NaN where all are zero."""
    total = B.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, B / total, np.nan)


def highest(B: FloatArray) -> BoolArray:
    """Return where a grade's membership is the highest, ties included; none if NaN."""
    known = np.isfinite(B).all(axis=-1, keepdims=True)
    top = np.where(known, B, -1.0).max(axis=-1, keepdims=True)
    return np.asarray(known & (top - TIE <= B))


def linear_errors(
    V: FloatArray, A: FloatArray, v: FloatArray | None
) -> tuple[FloatArray, FloatArray | None]:
    """Return variances of B (G, q, K) and of the scores B·v (G, q) of a weighted mean.

    Parameters
    ----------
    V : (G, p·K, p·K) covariance of the shares, grades of a criterion side by side.
    A : (q, p) weights of the leaves in each node.
    v : (K,) scores of the grades, or None.
    """
    G, p = len(V), A.shape[1]
    K = V.shape[1] // p
    blocks = V.reshape(G, p, K, p, K)
    of_grades = np.einsum("qi,gikjk,qj->gqk", A, blocks, A, optimize=True)
    if v is None:
        return of_grades, None
    by_criterion = np.einsum("k,gikjl,l->gij", v, blocks, v, optimize=True)
    return of_grades, np.einsum("qi,gij,qj->gq", A, by_criterion, A, optimize=True)


def drawn_shares(
    R: FloatArray, V: FloatArray, n_draws: int, rng: np.random.Generator
) -> FloatArray:
    """Return draws (n_draws, p, K) of the shares of one group, by normal theory.

    ``N(R, V)`` with negative shares set to zero and every criterion divided by its sum,
    as shares are.

    Parameters
    ----------
    R : (p, K)
    V : (p·K, p·K)
    """
    values, vectors = np.linalg.eigh(V)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = R + (rng.standard_normal((n_draws, len(V))) @ root.T).reshape(-1, *R.shape)
    draws = np.maximum(draws, 0.0)
    return np.asarray(draws / draws.sum(axis=-1, keepdims=True))
