"""Information and influence in normal data with missing answers: arrays in, arrays out.

With ``M`` the inverse of Σ_oo set into a (p, p) matrix of zeros and ``y = M (x − μ)``,
a row's score is y for μ and ``f_ab (y_a y_b − M_ab)`` for σ_ab, f = ½ on the diagonal
and 1 off it. The observed information is used, not the expected one, so that standard
errors hold when answers are missing at random and not only completely at random
(Kenward and Molenberghs 1998, Statistical Science 13, 236-247).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import spd_inverse
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._em import Part, Plan, completed, pieces


@dataclass(frozen=True)
class _Scored:
    """Rows of one piece: y (r, p), and M (k, p, p) of each of its k patterns."""

    part: Part
    y: FloatArray
    M: FloatArray

    def scores(self, A: FloatArray) -> FloatArray:
        """Return scores for (μ, vech Σ), multiplied by A (p + p*, m): (r, m)."""
        p = self.y.shape[1]
        i, j = np.triu_indices(p)
        second = A[p:] * np.where(i == j, 0.5, 1.0)[:, None]
        out = self.y @ A[:p] + (self.y[:, i] * self.y[:, j]) @ second
        return np.asarray(out - (self.M[:, i, j] @ second)[self.part.at])


def _scored(mean: FloatArray, K: FloatArray, plan: Plan) -> Iterator[_Scored]:
    for part in pieces(plan):
        D, C = completed(mean[None], K[None], part)
        G = K[part.miss]
        M = K - np.swapaxes(G, 1, 2) @ C[0] @ G
        yield _Scored(part, (D[0] @ K) * part.seen, M)


def row_scores(
    mean: FloatArray, cov: FloatArray, plan: Plan, lead: FloatArray
) -> FloatArray:
    """Return the rows' scores for (μ, vech Σ) times lead (p + p*, m): (n, m).

    Weights of the rows are not in them.
    """
    K = spd_inverse(cov)[0]
    out = np.zeros((len(plan.Z), lead.shape[1]))
    for piece in _scored(mean, K, plan):
        out[piece.part.rows] = piece.scores(lead)
    return out


def influence(mean: FloatArray, cov: FloatArray, plan: Plan) -> FloatArray:
    """Return what each row moves the estimates of (μ, vech Σ) by: (n, p + p*)."""
    inverse, ok = spd_inverse(information(mean, cov, plan))
    lead = inverse if ok else np.full_like(inverse, np.nan)
    return np.asarray(row_scores(mean, cov, plan, lead) * plan.w[:, None])


def information(mean: FloatArray, cov: FloatArray, plan: Plan) -> FloatArray:
    """Return the observed information (p + p*, p + p*) of (μ, vech Σ).

    Parameters
    ----------
    mean : (p,), about the plan's shift.
    cov : (p, p), maximum likelihood.
    plan : the rows.
    """
    p = len(mean)
    K = spd_inverse(cov)[0]
    i, j = np.triu_indices(p)
    f = np.where(i == j, 0.5, 1.0)
    out = np.zeros((p + len(i), p + len(i)))
    for piece in _scored(mean, K, plan):
        M, at, w = piece.M, piece.part.at, plan.w[piece.part.rows]
        starts = np.flatnonzero(np.r_[True, at[1:] != at[:-1]])
        wy = w[:, None] * piece.y
        N = np.add.reduceat(w, starts)[:, None, None]
        total = np.add.reduceat(wy, starts, axis=0)
        Y = _products(wy, piece.y, starts)
        V = (Y - N / 2 * M).reshape(len(M), p * p)
        flat = M.reshape(len(M), p * p)
        out[:p, :p] += (N * M).sum(axis=0)
        T = (total.T @ flat).reshape(p, p, p)  # [b, a, c] = Σ ȳ_b M_ac
        out[:p, p:] += (f[:, None] * (T[j, i] + T[i, j])).T
        for a in range(p):  # one item at a time keeps memory at p³
            Q = (M[:, a].T @ V + V.reshape(M.shape)[:, a].T @ flat).reshape(p, p, p)
            rows = np.flatnonzero(i == a)
            entries = Q[i[None], j[rows, None], j[None]] + Q[j[None], j[rows, None], i]
            out[p + rows, p:] += f[rows, None] * f * entries
    out[p:, :p] = out[:p, p:].T
    return out


def _products(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """Sum products (k, p, p) over the rows of each of k patterns."""
    if len(starts) == 1:
        return np.asarray((left.T @ right)[None])
    return np.add.reduceat(left[:, :, None] * right[:, None, :], starts, axis=0)


def sandwich(
    mean: FloatArray, cov: FloatArray, plan: Plan, *, full: bool
) -> tuple[FloatArray, bool]:
    """Return the covariance of the estimates of μ, or of (μ, vech Σ) when `full`.

    ``n/(n − 1) · I⁻¹ (Σ w² s s′) I⁻¹`` with the observed information I and the rows'
    scores s; for complete answers it is that of a mean, cov/n with divisor n − 1.

    Returns
    -------
    The matrix, and whether the information had an inverse (NaN if not).
    """
    n, p = plan.Z.shape
    inverse, ok = spd_inverse(information(mean, cov, plan))
    rows = inverse if full else inverse[:p]
    out = np.zeros((len(rows), len(rows)))
    K = spd_inverse(cov)[0]
    for piece in _scored(mean, K, plan):
        influence = piece.scores(rows.T) * plan.w[piece.part.rows, None]
        out += influence.T @ influence
    return out * (n / (n - 1)), bool(ok)


def log_likelihood(
    mean: FloatArray,
    cov: FloatArray,
    seen: BoolArray,
    weight: FloatArray,
    means: FloatArray,
    covs: FloatArray,
) -> float:
    """Return the normal log-likelihood of the answers given, from pattern moments.

    ``−½ Σ_k W_k (p_k log 2π + log|Σ_k| + tr Σ_k⁻¹(S_k + d_k d_k′))``, Σ_k the rows and
    columns of Σ that pattern k has answers to, d_k its mean less μ; patterns one by
    one. −∞ where Σ_k has no inverse.

    Parameters
    ----------
    mean, cov : (p,), (p, p)
    seen : (K, p), True where a pattern has an answer.
    weight : (K,) sum of weights.
    means, covs : (K, p), (K, p, p) with divisor W_k; not read where not seen.
    """
    total = 0.0
    for there, W, m, S in zip(seen, weight, means, covs, strict=True):
        o = np.flatnonzero(there)
        sigma = cov[np.ix_(o, o)]
        sign, log_det = np.linalg.slogdet(sigma)
        if sign <= 0:
            return -np.inf
        d = (m - mean)[o]
        spread = S[np.ix_(o, o)] + np.outer(d, d)
        fit = np.trace(np.linalg.solve(sigma, spread))
        total -= 0.5 * W * (len(o) * np.log(2 * np.pi) + log_det + fit)
    return float(total)
