"""F and its derivatives at a point: arrays in, arrays out, batch axis first.

Every derivative of Σ is ``c (u vᵀ + v uᵀ)`` with u and v among the columns of
``U = [I, G, Φ Λᵀ]`` (see `_sem.Directions`). So gradient and both matrices of second
derivatives are picked from the small products ``Uᵀ W U`` and ``Uᵀ Q U``, with
``Q = W (Σ − R) W`` and R = S (+ d dᵀ of ML). Letters as in `_sem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation import _sem as kernel
from satmetrics.estimation._sem import ALPHA, BETA, LAMBDA, NU, PSI, THETA, GroupLayout
from satmetrics.estimation._sem_second import second_mean, second_moments


@dataclass(frozen=True, eq=False)
class Picks:
    """Where the free entries of a group stand in U, of width q = p + 2 m.

    Attributes
    ----------
    c : (K,) factor of the derivative of Σ; 0 of means.
    left, right : (K,) columns of u and v.
    ll, rr, lr : (K K,) flat positions of their products in a q × q matrix.
    own_ll, own_rr, own_lr : (K,) the same of each entry with itself.
    mean : (K,) column of the derivative of μ, or 0.
    by_eta : (K,) latent variable by whose mean it is multiplied, −1 for none.
    moves_mean : (K,) 1 where μ depends on the entry.
    """

    c: FloatArray
    left: IntArray
    right: IntArray
    ll: IntArray
    rr: IntArray
    lr: IntArray
    own_ll: IntArray
    own_rr: IntArray
    own_lr: IntArray
    mean: IntArray
    by_eta: IntArray
    moves_mean: FloatArray

    @classmethod
    def of(cls, entries: GroupLayout) -> Picks:
        """Return the places of a group's free entries."""
        p, m = entries.base[LAMBDA].shape
        q, part = p + 2 * m, entries.part
        i, j = entries.row, entries.column
        covariance = (part != NU) & (part != ALPHA)
        low = np.isin(part, (LAMBDA, THETA, NU))
        left = np.where(low, i, p + i)
        right = np.where(part == THETA, j, np.where(part == PSI, p + j, p + m + j))
        right = np.where(covariance, right, 0)
        half = np.isin(part, kernel.SYMMETRIC) & (i == j)
        c = np.where(half, 0.5, 1.0) * covariance
        moved = np.isin(part, (LAMBDA, BETA, NU, ALPHA))
        multiplied = np.isin(part, (LAMBDA, BETA))
        return cls(
            c,
            left,
            right,
            (left[:, None] * q + left).ravel(),
            (right[:, None] * q + right).ravel(),
            (left[:, None] * q + right).ravel(),
            left * q + left,
            right * q + right,
            left * q + right,
            np.where(moved, left, 0),
            np.where(multiplied, j, -1),
            moved.astype(np.float64),
        )


def picks(entries: GroupLayout) -> Picks:
    """Return `Picks.of`, made once for a layout."""
    found = entries.__dict__.get("_picks")
    if found is None:
        found = entries.__dict__["_picks"] = Picks.of(entries)
    made: Picks = found
    return made


@dataclass(frozen=True, eq=False)
class Point:
    """One group at parameters.

    Attributes
    ----------
    entries, M, S : its layout, matrices and covariances (b, p, p).
    W : (b, p, p) Σ⁻¹ of ML, S⁻¹ of GLS, I of ULS.
    d : (b, p) observed minus implied mean, or None.
    value : (b,) F.
    normal : whether F is that of ML.
    """

    entries: GroupLayout
    M: kernel.Matrices
    S: FloatArray
    W: FloatArray
    d: FloatArray | None
    value: FloatArray
    normal: bool

    def take(self, at: BoolArray) -> Point:
        """Return some members."""
        if at.all():
            return self
        d = None if self.d is None else self.d[at]
        M = self.M.take(at)
        some = self.S[at], self.W[at]
        return Point(self.entries, M, *some, d, self.value[at], self.normal)

    @cached_property
    def Q(self) -> FloatArray:  # noqa: N802 - the letter of the formula
        """``W (Σ − R) W`` (b, p, p)."""
        R = self.S
        if self.normal and self.d is not None:
            R = R + self.d[:, :, None] * self.d[:, None, :]
        return np.asarray(self.W @ (self.M.Sigma - R) @ self.W)

    @cached_property
    def weights(self) -> FloatArray:
        """``Uᵀ W U`` (b, q²)."""
        return products(self.M, self.W)

    @cached_property
    def lacks(self) -> FloatArray:
        """``Uᵀ Q U`` (b, q²)."""
        return products(self.M, self.Q)

    @cached_property
    def mean_factor(self) -> FloatArray:
        """(b, K) by what the columns of U are multiplied in the derivative of μ."""
        at = picks(self.entries)
        out = np.repeat(at.moves_mean[None], len(self.M.eta), axis=0)
        by = np.flatnonzero(at.by_eta >= 0)
        out[:, by] *= self.M.eta[:, at.by_eta[by]]
        return out

    def gradient(self) -> FloatArray:
        """Return the derivatives of F by the parameters (b, t)."""
        at = picks(self.entries)
        found = 2 * at.c * self.lacks[:, at.own_lr]
        if self.d is not None:
            Wd = (self.W @ self.d[..., None])[..., 0]
            U = np.concatenate([Wd, (Wd[:, None] @ self.M.G)[:, 0]], axis=1)
            found -= 2 * self.mean_factor * U[:, at.mean]
        return self.entries.summed(found)

    def curvature(self) -> FloatArray:
        """Return the diagonal of `expected` (b, t)."""
        if self.entries.sums is not None:
            return np.diagonal(self.expected(), axis1=1, axis2=2)
        at, T = picks(self.entries), self.weights
        found = T[:, at.own_ll] * T[:, at.own_rr] + T[:, at.own_lr] ** 2
        found = 2 * at.c**2 * found
        if self.d is not None:
            q = self._q
            found += 2 * self.mean_factor**2 * T[:, at.mean * (q + 1)]
        return np.asarray(found)

    def expected(self) -> FloatArray:
        """Return the expected second derivatives of F (b, t, t)."""
        at, T = picks(self.entries), self.weights
        shape = (len(T), len(at.c), len(at.c))
        found = T.take(at.ll, axis=1)
        found *= T.take(at.rr, axis=1)
        found = found.reshape(shape)
        cross = T.take(at.lr, axis=1).reshape(shape)
        found += cross * cross.swapaxes(1, 2)
        found *= 2 * np.outer(at.c, at.c)
        if self.d is not None:
            found += 2 * self._mean_square()
        return self.entries.summed_square(found)

    def observed(self) -> FloatArray:
        """Return the second derivatives of F_ML (b, t, t)."""
        at, T = picks(self.entries), self.weights
        other = T - 2 * self.lacks
        shape = (len(T), len(at.c), len(at.c))
        found = other.take(at.ll, axis=1)
        found *= T.take(at.rr, axis=1)
        more = other.take(at.rr, axis=1)
        more *= T.take(at.ll, axis=1)
        found += more
        found = found.reshape(shape)
        cross = other.take(at.lr, axis=1).reshape(shape)
        cross = cross * T.take(at.lr, axis=1).reshape(shape).swapaxes(1, 2)
        found += cross
        found += cross.swapaxes(1, 2)
        found *= np.outer(at.c, at.c)
        q = self._q
        second_moments(self.entries, self.M, self.lacks.reshape(-1, q, q), found)
        if self.d is not None:
            found += self._mixed()
        return self.entries.summed_square(found)

    @property
    def _q(self) -> int:
        p, m = self.M.Lambda.shape[1:]
        return int(p + 2 * m)

    def _mean_square(self) -> FloatArray:
        at, q = picks(self.entries), self._q
        place = (at.mean[:, None] * q + at.mean).ravel()
        found = self.weights[:, place].reshape(-1, len(at.c), len(at.c))
        s = self.mean_factor
        return np.asarray(found * s[:, :, None] * s[:, None, :])

    def _mixed(self) -> FloatArray:
        """Return what means add to the second derivatives (b, K, K)."""
        assert self.d is not None
        at, q = picks(self.entries), self._q
        Wd = (self.W @ self.d[..., None])[..., 0]
        p = Wd.shape[1]
        V = np.concatenate([self.M.G, self.M.cross.swapaxes(1, 2)], axis=2)
        e = np.concatenate([Wd, (Wd[:, None] @ V)[:, 0]], axis=1)
        T = self.weights.reshape(-1, q, q)
        some = T[:, :, at.mean] * self.mean_factor[:, None]
        mixed = e[:, at.left, None] * some[:, at.right]
        mixed += e[:, at.right, None] * some[:, at.left]
        mixed *= at.c[:, None]
        out = 2 * self._mean_square() + 2 * (mixed + mixed.swapaxes(1, 2))
        return np.asarray(out - 2 * second_mean(self.entries, self.M, e[:, :p]))


def products(M: kernel.Matrices, A: FloatArray) -> FloatArray:
    """Return ``Uᵀ A U`` (b, q²) of a symmetric A."""
    b, p = A.shape[:2]
    V = np.concatenate([M.G, M.cross.swapaxes(1, 2)], axis=2)
    q = p + V.shape[2]
    AV = A @ V
    out = np.empty((b, q, q))
    out[:, :p, :p] = A
    out[:, :p, p:] = AV
    out[:, p:, :p] = AV.swapaxes(1, 2)
    out[:, p:, p:] = V.swapaxes(1, 2) @ AV
    return out.reshape(b, q * q)


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not change with the parameters, per group.

    Attributes
    ----------
    S : (b, G, p, p); logdet : (b, G) of S for ML, else 0.
    W : (b, G, p, p) weights of GLS and ULS, None for ML.
    mean, share : as in `_sem.Sample`.
    """

    S: FloatArray
    logdet: FloatArray
    W: FloatArray | None
    mean: FloatArray | None
    share: FloatArray

    @classmethod
    def of(cls, sample: kernel.Sample, weight: kernel.Weight) -> Fixed:
        """Return what is fixed of a sample."""
        b, G, p = sample.S.shape[:3]
        logdet, W = np.zeros((b, G)), None
        if weight == "ML":
            flat = kernel.logdeterminant(sample.S.reshape(b * G, p, p))
            logdet = flat.reshape(b, G)
        elif weight == "ULS":
            W = np.broadcast_to(np.eye(p), sample.S.shape)
        else:
            W = kernel.inverse(sample.S.reshape(b * G, p, p))[0]
            W = W.reshape(b, G, p, p)
        return cls(sample.S, logdet, W, sample.mean, sample.share)


def points_at(
    layout: kernel.Layout, fixed: Fixed, at: IntArray, theta: FloatArray
) -> tuple[FloatArray, list[Point]]:
    """Return F (b,) of the members `at`, infinite where Σ is not positive definite."""
    total, out = np.zeros(len(at)), []
    for g, entries in enumerate(layout.groups):
        M = entries.matrices(theta)
        S = fixed.S[at, g]
        d = None if fixed.mean is None else fixed.mean[at, g] - M.mu
        if fixed.W is None:
            W, logdet = kernel.inverse(M.Sigma)
            value = logdet + (W * S).sum(axis=(1, 2)) - fixed.logdet[at, g]
            value -= S.shape[-1]
        else:
            W = fixed.W[at, g]
            E = W @ (S - M.Sigma)
            value = 0.5 * (E * E.swapaxes(1, 2)).sum(axis=(1, 2))
        if d is not None:
            value = value + np.einsum("bi,bij,bj->b", d, W, d)
        total += fixed.share[at, g] * value
        out.append(Point(entries, M, S, W, d, value, fixed.W is None))
    return np.where(np.isnan(total), np.inf, total), out
