"""Maximum likelihood from incomplete answers: arrays in, arrays out, batch axis first.

A respondent's likelihood is that of the answers given (casewise, or full information,
maximum likelihood; Arbuckle 1996). Respondents of one pattern k of answers enter by
their number (or weight) N_k, mean m_k and covariance S_k:

``−2 ℓ = Σ_k N_k (p_k log 2π + log|Σ_k| + tr Σ_k⁻¹ (S_k + d_k d_kᵀ))``, d_k = m_k − μ_k,

Σ_k and μ_k the rows and columns of what the pattern has answers to. With W_k = Σ_k⁻¹
set into zeros, all patterns are one (p, p) array each, and sums over them are products
of matrices. Errors are those of the observed information, which hold when answers are
missing at random (Kenward and Molenberghs 1998). Letters as in `_sem`; K patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem_point import products
from satmetrics.estimation._sem_second import second_mean, second_moments

CELLS = 2**22
"""Numbers of working memory of one part of the patterns."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Moments of the patterns of a batch, padded to the same number with weight 0.

    Attributes
    ----------
    seen : (b, K, p), True where there are answers.
    weight : (b, K) number of respondents, or sum of their weights.
    mean, cov : (b, K, p), (b, K, p, p) with divisor N_k; 0 where not seen.
    """

    seen: BoolArray
    weight: FloatArray
    mean: FloatArray
    cov: FloatArray

    @property
    def total(self) -> FloatArray:
        """Σ N_k (b,)."""
        return np.asarray(self.weight.sum(axis=1))

    def take(self, at: IntArray) -> Patterns:
        """Return some members of the batch."""
        return Patterns(self.seen[at], self.weight[at], self.mean[at], self.cov[at])

    def parts(self) -> list[Patterns]:
        """Return the patterns in portions of bounded memory."""
        b, K, p = self.seen.shape
        step = max(1, CELLS // max(b * p * p, 1))
        return [
            Patterns(
                self.seen[:, k : k + step],
                self.weight[:, k : k + step],
                self.mean[:, k : k + step],
                self.cov[:, k : k + step],
            )
            for k in range(0, K, step)
        ]


def inverses(Sigma: FloatArray, seen: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return W_k (b, K, p, p) and log|Σ_k| (b, K); NaN where not positive definite."""
    b, K, p = seen.shape
    both = seen[..., :, None] & seen[..., None, :]
    filled = np.where(both, Sigma[:, None], np.eye(p))
    W, log = kernel.inverse(filled.reshape(b * K, p, p))
    return np.where(both, W.reshape(b, K, p, p), 0.0), log.reshape(b, K)


def deviance(patterns: Patterns, mu: FloatArray, Sigma: FloatArray) -> FloatArray:
    """Return −2 ℓ (b,) of means (b, p) and covariances (b, p, p); NaN if undefined."""
    out = np.zeros(len(mu))
    for part in patterns.parts():
        W, log = inverses(Sigma, part.seen)
        T = _spread(part, mu)[1]
        fit = (W * T).sum(axis=(2, 3))
        constant = part.seen.sum(axis=2) * np.log(2 * np.pi)
        out += (part.weight * (constant + log + fit)).sum(axis=1)
    return out


def _spread(part: Patterns, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return d_k (b, K, p) and S_k + d_k d_kᵀ."""
    d = np.where(part.seen, part.mean - mu[:, None], 0.0)
    return d, part.cov + d[..., :, None] * d[..., None, :]


@dataclass(frozen=True, eq=False)
class Saturated:
    """Derivatives of ℓ by μ and vech Σ, each (b, …).

    Attributes
    ----------
    score : (b, p) by μ.
    half : (b, p, p) Q, of which ½ tr(Q dΣ) is what ℓ moves by.
    information : (b, p + p*, p + p*) −∂²ℓ, observed or expected.
    """

    score: FloatArray
    half: FloatArray
    information: FloatArray


def saturated(
    patterns: Patterns, mu: FloatArray, Sigma: FloatArray, *, observed: bool
) -> Saturated:
    """Return derivatives of ℓ by the moments."""
    b, p = mu.shape
    score, half = np.zeros((b, p)), np.zeros((b, p, p))
    by_mean, mixed = np.zeros((b, p, p)), np.zeros((b, p, p * p))
    square = np.zeros((b, p * p, p * p))
    for part in patterns.parts():
        N = part.weight
        W, _ = inverses(Sigma, part.seen)
        d, T = _spread(part, mu)
        y = (W @ d[..., None])[..., 0]
        V = W @ T @ W
        flat = W.reshape(b, -1, p * p)
        score += (N[..., None] * y).sum(axis=1)
        half += (N[..., None, None] * (V - W)).sum(axis=1)
        by_mean += (N[..., None, None] * W).sum(axis=1)
        U = V - W / 2 if observed else W / 2
        weighted = (N[..., None, None] * U).reshape(b, -1, p * p)
        square += flat.swapaxes(1, 2) @ weighted
        if observed:
            mixed += (N[..., None] * y).swapaxes(1, 2) @ flat
    return Saturated(score, half, _assembled(by_mean, mixed, square))


def _assembled(
    by_mean: FloatArray, mixed: FloatArray, square: FloatArray
) -> FloatArray:
    """Return the information in (μ, vech Σ) from Σ N W, Σ N y⊗W and Σ N W⊗U."""
    b, p = by_mean.shape[:2]
    i, j = np.triu_indices(p)
    f = np.where(i == j, 0.5, 1.0)
    k, m = i[:, None], j[:, None]
    out = np.empty((b, p + len(i), p + len(i)))
    out[:, :p, :p] = by_mean
    y = mixed.reshape(b, p, p, p)  # [item of y, row of W, column of W]
    out[:, :p, p:] = f * (y[:, j, :, i] + y[:, i, :, j]).transpose(1, 2, 0)
    out[:, p:, :p] = out[:, :p, p:].swapaxes(1, 2)
    X = square.reshape(b, p, p, p, p)  # [W row, W column, U row, U column]
    found = X[:, m, i, j, k] + X[:, m, j, i, k] + X[:, k, i, j, m] + X[:, k, j, i, m]
    out[:, p:, p:] = f[:, None] * f * found
    return out


@dataclass(frozen=True, eq=False)
class CasewisePoint:
    """``−2 ℓ/N`` at the parameters of some members; see `_sem_minimise.Stand`."""

    entries: kernel.GroupLayout
    M: kernel.Matrices
    patterns: Patterns
    normal: bool = True

    def take(self, at: BoolArray) -> CasewisePoint:
        """Return some members."""
        where = np.flatnonzero(at)
        return CasewisePoint(self.entries, self.M.take(at), self.patterns.take(where))

    @cached_property
    def directions(self) -> kernel.Directions:
        """Derivatives of Σ and μ."""
        return self.entries.directions(self.M)

    @cached_property
    def as_expected(self) -> Saturated:
        """Derivatives by the moments, with expected information."""
        return saturated(self.patterns, self.M.mu, self.M.Sigma, observed=False)

    def gradient(self) -> FloatArray:
        """Return the gradient (b, t)."""
        found = self.as_expected
        entries = self.directions.gradient(found.half, found.score)
        return self.entries.summed(entries) / self.patterns.total[:, None]

    def curvature(self) -> FloatArray:
        """Return the diagonal of `expected` (b, t)."""
        return np.diagonal(self.expected(), axis1=1, axis2=2).copy()

    def expected(self) -> FloatArray:
        """Return the expected second derivatives (b, t, t)."""
        J = whole_jacobian(self.directions)
        return self._summed(J @ self.as_expected.information @ J.swapaxes(1, 2))

    def observed(self) -> FloatArray:
        """Return the second derivatives (b, t, t)."""
        M, J = self.M, whole_jacobian(self.directions)
        found = saturated(self.patterns, M.mu, M.Sigma, observed=True)
        H = J @ found.information @ J.swapaxes(1, 2)
        bend = np.zeros_like(H)
        flat = products(M, found.half)
        q = M.Sigma.shape[-1] + 2 * M.Phi.shape[-1]
        second_moments(self.entries, M, flat.reshape(len(H), q, q), bend)
        H = H - bend / 2 - second_mean(self.entries, M, found.score)
        return self._summed(H)

    def _summed(self, H: FloatArray) -> FloatArray:
        H = self.entries.summed_square(H)
        return np.asarray(2 * H / self.patterns.total[:, None, None])


@dataclass(frozen=True, eq=False)
class Casewise:
    """``−2 ℓ/N`` of a model, for `descend`; a model of one group, with means."""

    layout: kernel.Layout
    patterns: Patterns

    @property
    def share(self) -> FloatArray:
        """One group per member: 1 (b, 1)."""
        return np.ones((len(self.patterns.weight), 1))

    def points(
        self, at: IntArray, theta: FloatArray
    ) -> tuple[FloatArray, list[CasewisePoint]]:
        """Return −2 ℓ/N (b,), infinite where Σ is not positive definite."""
        entries, part = self.layout.groups[0], self.patterns.take(at)
        M = entries.matrices(theta)
        with np.errstate(invalid="ignore"):
            found = deviance(part, M.mu, M.Sigma) / part.total
        point = CasewisePoint(entries, M, part)
        return np.where(np.isnan(found), np.inf, found), [point]


def whole_jacobian(V: kernel.Directions) -> FloatArray:
    """Return derivatives of (μ, vech Σ) by the free entries (b, K, p + p*)."""
    by_cov = V.jacobian()
    if V.mean is None:
        raise ValueError("a model without means")
    return np.concatenate([V.mean, by_cov], axis=2)


def unrelated(patterns: Patterns) -> tuple[FloatArray, FloatArray]:
    """Return the maximum likelihood means and variances (b, p) of unrelated items."""
    N = np.where(patterns.seen, patterns.weight[..., None], 0.0)
    total = N.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (N * patterns.mean).sum(axis=1) / total
        d = patterns.mean - mean[:, None]
        variance = np.diagonal(patterns.cov, axis1=2, axis2=3) + d * d
        return mean, np.asarray((N * variance).sum(axis=1) / total)
