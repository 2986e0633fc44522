"""Covariance structure models: arrays in, arrays out, batch axis first.

Model (LISREL, all y): ``y = ν + Λ η + ε``, ``η = α + B η + ζ``, with Θ and Ψ the
covariances of ε and ζ, so that ``Σ = Λ C Ψ Cᵀ Λᵀ + Θ`` and ``μ = ν + Λ C α`` with
``C = (I − B)⁻¹`` (Bollen 1989, Structural Equations with Latent Variables). The
derivative of Σ by one entry of a matrix is ``a bᵀ + b aᵀ``; gradient and information
of all estimators here follow from a and b without p² × p² matrices.

Letters: b members of the batch, G groups, p observed, m latent variables, K entries,
t free parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray

LAMBDA, THETA, PSI, BETA, NU, ALPHA = range(6)
SYMMETRIC = (THETA, PSI)
Weight = Literal["ML", "GLS", "ULS"]


@dataclass(frozen=True, eq=False)
class Layout:
    """Which entries of the matrices are what.

    Attributes
    ----------
    n_observed, n_latent, n_free, n_groups : p, m, t, G.
    group : (K,) of each entry, from 0.
    part : (K,) LAMBDA, THETA, PSI, BETA, NU or ALPHA.
    row, column : (K,); of symmetric matrices the lower triangle, of ν and α column 0.
    free : (K,) which free parameter it is, −1 where fixed; equal ones share a number.
    value : (K,) of fixed entries.
    means : whether ν and α are in the model.
    unit : whether observed variables have variance 1, so that the diagonal of Θ
        follows from the rest.
    """

    n_observed: int
    n_latent: int
    n_free: int
    n_groups: int
    group: IntArray
    part: IntArray
    row: IntArray
    column: IntArray
    free: IntArray
    value: FloatArray
    means: bool
    unit: bool = False

    @cached_property
    def groups(self) -> tuple[GroupLayout, ...]:
        """The entries of each group."""
        return tuple(GroupLayout.of(self, g) for g in range(self.n_groups))


@dataclass(frozen=True, eq=False)
class GroupLayout:
    """The entries of one group; see `Layout`.

    Attributes
    ----------
    base : the six matrices with fixed entries, zero elsewhere.
    part, row, column, free : (K,) of the free entries.
    sums : (K, t) 1 where an entry is a parameter; None where entries are parameters
        0 … t − 1 in order.
    """

    base: tuple[FloatArray, ...]
    part: IntArray
    row: IntArray
    column: IntArray
    free: IntArray
    n_free: int
    means: bool
    unit: bool = False

    @classmethod
    def of(cls, layout: Layout, g: int) -> GroupLayout:
        """Return the entries of group g."""
        p, m = layout.n_observed, layout.n_latent
        shapes = ((p, m), (p, p), (m, m), (m, m), (p,), (m,))
        base = tuple(np.zeros(shape) for shape in shapes)
        here = layout.group == g
        for k in np.flatnonzero(here & (layout.free < 0)):
            part, i, j = layout.part[k], layout.row[k], layout.column[k]
            if part in (NU, ALPHA):
                base[part][i] = layout.value[k]
                continue
            base[part][i, j] = layout.value[k]
            if part in SYMMETRIC:
                base[part][j, i] = layout.value[k]
        at = np.flatnonzero(here & (layout.free >= 0))
        return cls(
            base,
            layout.part[at],
            layout.row[at],
            layout.column[at],
            layout.free[at],
            layout.n_free,
            layout.means,
            layout.unit,
        )

    @cached_property
    def sums(self) -> FloatArray | None:
        """(K, t) 1 where an entry is a parameter; None if they are the same."""
        if np.array_equal(self.free, np.arange(self.n_free)):
            return None
        found = np.zeros((len(self.free), self.n_free))
        found[np.arange(len(self.free)), self.free] = 1.0
        return found

    def of_part(self, part: int) -> IntArray:
        """Return the positions of the free entries of one matrix."""
        return self.places[part][0]

    @cached_property
    def places(self) -> tuple[tuple[IntArray, IntArray, IntArray, IntArray], ...]:
        """Positions, rows, columns and numbers of the free entries of each matrix."""
        found = []
        for part in range(len(self.base)):
            at = np.flatnonzero(self.part == part)
            found.append((at, self.row[at], self.column[at], self.free[at]))
        return tuple(found)

    def matrices(self, theta: FloatArray) -> Matrices:
        """Return the matrices at parameters (b, t)."""
        b = len(theta)
        found = []
        for part, base in enumerate(self.base):
            _, i, j, free = self.places[part]
            if not len(i) and not self.unit:
                found.append(np.broadcast_to(base, (b, *base.shape)))
                continue
            M = np.repeat(base[None], b, axis=0)
            value = theta[:, free]
            if part in (NU, ALPHA):
                M[:, i] = value
            else:
                M[:, i, j] = value
                if part in SYMMETRIC:
                    M[:, j, i] = value
            found.append(M)
        made = Matrices.of(*found)
        if not self.unit:
            return made
        k = np.arange(made.Sigma.shape[-1])
        found[THETA][:, k, k] += 1 - made.Sigma[:, k, k]
        return Matrices.of(*found)

    def directions(self, M: Matrices) -> Directions:
        """Return a, b and the derivative of μ for every free entry."""
        b, p = len(M.Sigma), M.Sigma.shape[1]
        left = np.zeros((b, len(self.part), p))
        right, mean = np.zeros_like(left), None
        for part in (LAMBDA, THETA, PSI, BETA):
            at = self.of_part(part)
            if not len(at):
                continue
            i, j = self.row[at], self.column[at]
            if part in (LAMBDA, THETA):
                left[:, at, i] = 1.0
            else:
                left[:, at] = M.G[:, :, i].swapaxes(1, 2)
            if part == THETA:
                right[:, at, j] = 1.0
            elif part == PSI:
                right[:, at] = M.G[:, :, j].swapaxes(1, 2)
            else:
                right[:, at] = M.cross[:, j]
            if part in SYMMETRIC:
                left[:, at[i == j]] *= 0.5
        if self.means:
            mean = self._mean_directions(M)
        return Directions(left, right, mean)

    def _mean_directions(self, M: Matrices) -> FloatArray:
        out = np.zeros((len(M.Sigma), len(self.part), M.Sigma.shape[1]))
        for part in (LAMBDA, BETA, NU, ALPHA):
            at = self.of_part(part)
            i, j = self.row[at], self.column[at]
            if part == NU:
                out[:, at, i] = 1.0
            elif part == ALPHA:
                out[:, at] = M.G[:, :, i].swapaxes(1, 2)
            elif part == LAMBDA:
                out[:, at, i] = M.eta[:, j]
            else:
                out[:, at] = M.G[:, :, i].swapaxes(1, 2) * M.eta[:, j, None]
        return out

    def summed(self, of_entries: FloatArray) -> FloatArray:
        """Add entries (b, K) up to parameters (b, t)."""
        return of_entries if self.sums is None else of_entries @ self.sums

    def summed_square(self, of_entries: FloatArray) -> FloatArray:
        """Add entries (b, K, K) up to parameters (b, t, t)."""
        if self.sums is None:
            return of_entries
        return np.asarray(self.sums.T @ of_entries @ self.sums)


@dataclass(frozen=True, eq=False)
class Matrices:
    """The matrices of a model and what they imply, each (b, …).

    Attributes
    ----------
    Lambda, Theta, Psi, Beta, nu, alpha : as in the module's formula.
    C : (I − B)⁻¹.
    G : Λ C.
    Phi : covariance of η.
    eta : mean of η.
    Sigma, mu : implied covariance (b, p, p) and mean (b, p).
    """

    Lambda: FloatArray
    Theta: FloatArray
    Psi: FloatArray
    Beta: FloatArray
    nu: FloatArray
    alpha: FloatArray
    C: FloatArray
    G: FloatArray
    Phi: FloatArray
    eta: FloatArray
    Sigma: FloatArray
    mu: FloatArray

    @classmethod
    def of(
        cls,
        Lambda: FloatArray,
        Theta: FloatArray,
        Psi: FloatArray,
        Beta: FloatArray,
        nu: FloatArray,
        alpha: FloatArray,
    ) -> Matrices:
        """Return what six matrices imply."""
        m = Beta.shape[-1]
        C, G, Phi, eta = np.broadcast_to(np.eye(m), Beta.shape), Lambda, Psi, alpha
        if Beta.any():
            C = np.asarray(np.linalg.inv(np.eye(m) - Beta))
            G = Lambda @ C
            Phi = C @ Psi @ C.swapaxes(1, 2)
            eta = (C @ alpha[..., None])[..., 0]
        Sigma = Lambda @ Phi @ Lambda.swapaxes(1, 2) + Theta
        mu = nu + (Lambda @ eta[..., None])[..., 0]
        return cls(Lambda, Theta, Psi, Beta, nu, alpha, C, G, Phi, eta, Sigma, mu)

    def take(self, at: BoolArray) -> Matrices:
        """Return some members of the batch."""
        return Matrices(*(getattr(self, f.name)[at] for f in fields(self)))

    @cached_property
    def cross(self) -> FloatArray:
        """Covariances of η with y, Φ Λᵀ (b, m, p)."""
        return np.asarray(self.Phi @ self.Lambda.swapaxes(1, 2))


@dataclass(frozen=True, eq=False)
class Directions:
    """Derivatives by the free entries: dΣ = a bᵀ + b aᵀ and dμ.

    Attributes
    ----------
    left, right : (b, K, p), a and b.
    mean : (b, K, p), or None without means.
    """

    left: FloatArray
    right: FloatArray
    mean: FloatArray | None

    def information(self, W: FloatArray) -> FloatArray:
        """Return ``½ tr(W dΣ_k W dΣ_l) + dμ_kᵀ W dμ_l`` (b, K, K)."""
        aW, bW = self.left @ W, self.right @ W
        aT, bT = self.left.swapaxes(1, 2), self.right.swapaxes(1, 2)
        cross = aW @ bT
        found = (aW @ aT) * (bW @ bT) + cross * cross.swapaxes(1, 2)
        if self.mean is not None:
            found += self.mean @ W @ self.mean.swapaxes(1, 2)
        return np.asarray(found)

    def gradient(self, Q: FloatArray, d: FloatArray | None) -> FloatArray:
        """Return ``−tr(Q dΣ_k) − 2 dμ_kᵀ d`` (b, K)."""
        found = -2 * ((self.left @ Q) * self.right).sum(axis=-1)
        if self.mean is not None and d is not None:
            found -= 2 * (self.mean @ d[..., None])[..., 0]
        return np.asarray(found)

    def jacobian(self) -> FloatArray:
        """Return dvech Σ (b, K, p(p + 1)/2), the upper triangle row by row."""
        i, j = np.triu_indices(self.left.shape[-1])
        a, b = self.left, self.right
        return np.asarray(a[..., i] * b[..., j] + a[..., j] * b[..., i])


@dataclass(frozen=True, eq=False)
class Sample:
    """What a model is fitted to.

    Attributes
    ----------
    S : (b, G, p, p) covariances; with divisor n for normal likelihoods.
    mean : (b, G, p), or None without means.
    share : (b, G) weight of each group, summing to 1.
    """

    S: FloatArray
    mean: FloatArray | None
    share: FloatArray

    def take(self, at: IntArray) -> Sample:
        """Return some members of the batch."""
        mean = None if self.mean is None else self.mean[at]
        return Sample(self.S[at], mean, self.share[at])


def discrepancy(
    layout: Layout, sample: Sample, theta: FloatArray, weight: Weight
) -> FloatArray:
    """Return F (b,); infinite where Σ is not positive definite.

    ML: ``log|Σ| + tr(S Σ⁻¹) − log|S| − p + dᵀ Σ⁻¹ d``; GLS: ``½ tr((S⁻¹(S − Σ))²)``
    (with means ``+ dᵀ S⁻¹ d``); ULS the same with I in the place of S⁻¹.
    """
    total = np.zeros(len(theta))
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        S = sample.S[:, g]
        d = None if sample.mean is None else sample.mean[:, g] - M.mu
        with np.errstate(invalid="ignore"):
            total += sample.share[:, g] * _value(S, d, M.Sigma, weight)
    return np.where(np.isnan(total), np.inf, total)


def _value(
    S: FloatArray, d: FloatArray | None, Sigma: FloatArray, weight: Weight
) -> FloatArray:
    p = S.shape[-1]
    if weight == "ML":
        W, logdet = inverse(Sigma)
        found = logdet + (W * S).sum(axis=(1, 2)) - logdeterminant(S) - p
    else:
        W = _fixed_weight(S, weight)
        E = W @ (S - Sigma)
        found = 0.5 * (E * E.swapaxes(1, 2)).sum(axis=(1, 2))
    if d is not None:
        found = found + np.einsum("bi,bij,bj->b", d, W, d)
    return np.asarray(found)


def derivatives(
    layout: Layout, sample: Sample, theta: FloatArray, weight: Weight
) -> tuple[FloatArray, FloatArray]:
    """Return the gradient of F (b, t) and its expected second derivatives (b, t, t).

    The latter are twice the expected information of one observation for ML, and
    Gauss-Newton's matrix for GLS and ULS.
    """
    b, t = theta.shape
    gradient, hessian = np.zeros((b, t)), np.zeros((b, t, t))
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        S, share = sample.S[:, g], sample.share[:, g]
        W = inverse(M.Sigma)[0] if weight == "ML" else _fixed_weight(S, weight)
        R, Wd = S - M.Sigma, None
        if sample.mean is not None:
            d = sample.mean[:, g] - M.mu
            Wd = (W @ d[..., None])[..., 0]
            if weight == "ML":
                R = R + d[:, :, None] * d[:, None, :]
        found = entries.directions(M)
        gradient += share[:, None] * entries.summed(found.gradient(W @ R @ W, Wd))
        information = entries.summed_square(found.information(W))
        hessian += 2 * share[:, None, None] * information
    return gradient, hessian


def _fixed_weight(S: FloatArray, weight: Weight) -> FloatArray:
    if weight == "ULS":
        return np.broadcast_to(np.eye(S.shape[-1]), S.shape)
    return inverse(S)[0]


def inverse(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return inverses (b, p, p) and log determinants (b,) of a batch.

    NaN for a member that is not positive definite.
    """
    try:
        L = np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        good = positive_definite(A)
        full, log = np.full_like(A, np.nan), np.full(len(A), np.nan)
        if good.any():
            full[good], log[good] = inverse(A[good])
        return full, log
    log = 2 * np.log(np.diagonal(L, axis1=-2, axis2=-1)).sum(axis=-1)
    half = np.linalg.inv(L)
    return np.asarray(half.swapaxes(-1, -2) @ half), np.asarray(log)


def logdeterminant(A: FloatArray) -> FloatArray:
    """Return log determinants (b,) of positive definite matrices, NaN for others."""
    sign, log = np.linalg.slogdet(A)
    return np.where(sign > 0, log, np.nan)


def positive_definite(A: FloatArray) -> BoolArray:
    """Return which members of a batch are positive definite (b,)."""
    known = np.isfinite(A).all(axis=(1, 2))
    if known.all():
        try:
            np.linalg.cholesky(A)
        except np.linalg.LinAlgError:
            pass
        else:
            return np.asarray(known)
    found = np.zeros(len(A), dtype=bool)
    found[known] = np.linalg.eigvalsh(A[known])[:, 0] > 0
    for k in np.flatnonzero(found):  # what rounding decides, Cholesky decides
        try:
            np.linalg.cholesky(A[k])
        except np.linalg.LinAlgError:
            found[k] = False
    return found
