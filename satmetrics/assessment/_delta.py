"""Functions of a covariance matrix together with their derivatives; batch axis first.

A number f of a covariance matrix S (…, p, p) is kept with the symmetric matrix F for
which ``df = tr(F dS)``. Sums, products and roots of such numbers follow by the chain
rule, and three errors follow from F: by normal theory ``2 tr(F S F S)/(n − 1)``, from
the influence ``zᵀ F z − tr(F S)`` of each respondent (z centred; Fuller 1987,
Measurement Error Models, appendix 4.B), and from a covariance of the entries of S.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from satmetrics._linalg import cov_to_corr
from satmetrics._typing import FloatArray
from satmetrics.moment._kernel import ROUNDING, clear_rounding

CELLS = 2**18
"""Products of answers held at once: 2 MB stay in cache."""


@dataclass(frozen=True, eq=False)
class Delta:
    """A number and its derivative.

    Attributes
    ----------
    value : (…)
    slope : (…, p, p) symmetric F with ``d value = tr(F dS)``.
    """

    value: FloatArray
    slope: FloatArray

    def __add__(self, other: Operand) -> Delta:
        if not isinstance(other, Delta):
            return Delta(self.value + other, self.slope)
        return Delta(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __neg__(self) -> Delta:
        return Delta(-self.value, -self.slope)

    def __sub__(self, other: Operand) -> Delta:
        return self + (-other)

    def __rsub__(self, other: float) -> Delta:
        return -self + other

    def __mul__(self, other: Operand) -> Delta:
        if not isinstance(other, Delta):
            return Delta(self.value * other, self.slope * _wide(other))
        slope = self.slope * _wide(other.value) + other.slope * _wide(self.value)
        return Delta(self.value * other.value, slope)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Delta:
        if not isinstance(other, Delta):
            return self * (1 / other)
        return self * other.power(-1)

    def __rtruediv__(self, other: float) -> Delta:
        return self.power(-1) * other

    def power(self, exponent: float) -> Delta:
        """Return the number to a power; NaN where that is not defined."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.value**exponent
            factor = exponent * self.value ** (exponent - 1)
        known = np.isfinite(value) & np.isfinite(factor)
        factor = np.where(known, factor, np.nan)
        return Delta(np.where(known, value, np.nan), self.slope * _wide(factor))

    def sqrt(self) -> Delta:
        """Return the square root."""
        return self.power(0.5)


Operand: TypeAlias = Delta | FloatArray | float


def quadratic(S: FloatArray, a: FloatArray, b: FloatArray | None = None) -> Delta:
    """Return ``aᵀ S b`` of vectors a and b (p,); b = a when None.

    A variance that is rounding error beside those of the parts is zero.
    """
    right = a if b is None else b
    slope = 0.5 * (np.outer(a, right) + np.outer(right, a))
    value = np.asarray((S @ right) @ a)
    if b is None:
        sd = np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
        value = np.where(value <= ROUNDING * (sd @ np.abs(a)) ** 2, 0.0, value)
    return Delta(value, np.broadcast_to(slope, S.shape))


def variances(S: FloatArray, a: FloatArray) -> Delta:
    """Return ``Σ a_i S_ii``, a (p,)."""
    value = np.diagonal(S, axis1=-2, axis2=-1) @ a
    return Delta(np.asarray(value), np.broadcast_to(np.diag(a), S.shape))


def entrywise(S: FloatArray, value: FloatArray, slope: FloatArray) -> Delta:
    """Return a number whose derivative in the entries of S is known."""
    return Delta(value, np.broadcast_to(slope, S.shape))


def correlation(S: FloatArray, a: FloatArray, b: FloatArray) -> Delta:
    """Return the correlation of the sums aᵀx and bᵀx."""
    return quadratic(S, a, b) / (quadratic(S, a) * quadratic(S, b)).sqrt()


def of_correlations(S: FloatArray, value: FloatArray, slope: FloatArray) -> Delta:
    """Return a number that depends on S through its correlations R alone.

    Parameters
    ----------
    slope : (…, p, p) symmetric F with ``d value = tr(F dR)``; its diagonal is not used,
        for the diagonal of R does not change.
    """
    p = S.shape[-1]
    at = np.arange(p)
    F = np.array(np.broadcast_to(slope, S.shape))
    F[..., at, at] = 0.0
    R = cov_to_corr(S)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
        scale = np.where(np.isfinite(scale), scale, np.nan)
        own = np.einsum("...ij,...ji->...i", F, R) * scale**2
    F = F * scale[..., :, None] * scale[..., None, :]
    F[..., at, at] -= own
    return Delta(value, F)


def pulled_back(found: Delta, A: FloatArray) -> Delta:
    """Turn a number of ``A S Aᵀ`` into one of S; A (m, p)."""
    return Delta(found.value, A.T @ found.slope @ A)


def stacked(parts: Sequence[Delta]) -> Delta:
    """Put T numbers beside each other: value (…, T), slope (…, T, p, p)."""
    shape = np.broadcast_shapes(*(part.slope.shape for part in parts))
    return Delta(
        np.stack([np.broadcast_to(p.value, shape[:-2]) for p in parts], axis=-1),
        np.stack([np.broadcast_to(p.slope, shape) for p in parts], axis=-3),
    )


def normal_errors(found: Delta, S: FloatArray, n: FloatArray) -> FloatArray:
    """Return standard errors (…, T) if answers are normal: ``2 tr(F S F S)/(n − 1)``.

    Parameters
    ----------
    found : T numbers of a batch, as from `stacked`.
    S : (…, p, p) covariances with divisor n − 1.
    n : (…) respondents.
    """
    FS = found.slope @ S[..., None, :, :]
    variance = 2 * np.einsum("...ij,...ji->...", FS, FS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.sqrt(variance / (np.asarray(n, dtype=np.float64)[..., None] - 1))
        )


def acov_errors(found: Delta, acov: FloatArray) -> FloatArray:
    """Return standard errors (…, T) from the covariance of (mean, vech cov)."""
    J = _vech(found.slope)
    V = acov[..., -J.shape[-1] :, -J.shape[-1] :]
    return np.asarray(np.sqrt(np.einsum("...ti,...ij,...tj->...t", J, V, J)))


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows of G groups, one after the other.

    Attributes
    ----------
    Z : (U, p) answers about the mean of their group.
    v : (U,) weights that sum to 1 in each group.
    S : (G, p, p) covariances, divisor Σw − Σw²/Σw; NaN for fewer than two rows.
    n, n_eff : (G,) rows, and Kish's effective number of them.
    """

    Z: FloatArray
    v: FloatArray
    S: FloatArray
    n: FloatArray
    n_eff: FloatArray


def grouped(X: FloatArray, w: FloatArray, starts: Sequence[int]) -> Groups:
    """Return covariances of complete rows X (U, p) that lie group by group.

    One product of matrices per group: sums of products row by row take several times
    as long.
    """
    G, p = len(starts) - 1, X.shape[1]
    n = np.diff(np.asarray(starts)).astype(np.float64)
    Z, v = np.empty_like(X), np.empty_like(w)
    S, n_eff = np.full((G, p, p), np.nan), np.full(G, np.nan)
    for g in np.flatnonzero(n).tolist():
        rows = slice(starts[g], starts[g + 1])
        total = w[rows].sum()
        v[rows] = w[rows] / total
        mean = v[rows] @ X[rows]
        Z[rows] = X[rows] - mean
        n_eff[g] = total**2 / (w[rows] @ w[rows])
        if n[g] > 1:
            cross = Z[rows].T @ (Z[rows] * v[rows, None])
            clear_rounding(cross, mean**2 + np.diagonal(cross))
            S[g] = cross / (1 - 1 / n_eff[g])
    return Groups(Z, v, S, n, n_eff)


def influence(
    slope: FloatArray, Z: FloatArray, v: FloatArray, starts: Sequence[int]
) -> FloatArray:
    """Return what each row adds to T numbers of its group, (U, T); they sum to zero.

    Parameters
    ----------
    slope : (G, T, p, p)
    Z : (U, p) answers about the mean of their group, groups one after the other.
    v : (U,) weights that sum to 1 in each group.
    starts : G + 1 row positions at which the groups begin, and the end.
    """
    out = np.empty((len(Z), slope.shape[1]))
    for _, here, added in _added(slope, Z, v, starts):
        out[here] = added
    return out


def single_variances(
    slope: FloatArray, Z: FloatArray, v: FloatArray, starts: Sequence[int]
) -> FloatArray:
    """Return the sums of squares (G, T) of `influence`, without holding it."""
    out = np.zeros(slope.shape[:2])
    for g, _, added in _added(slope, Z, v, starts):
        out[g] += np.einsum("ut,ut->t", added, added)
    return out


def _added(
    slope: FloatArray, Z: FloatArray, v: FloatArray, starts: Sequence[int]
) -> Iterator[tuple[int, slice, FloatArray]]:
    """Yield group, rows and their influence, some rows at a time.

    One product of matrices per chunk of a group: products of answers by derivatives.
    """
    J = _vech(slope)
    step = max(1, CELLS // J.shape[-1])
    for g in range(len(J)):
        end = starts[g + 1]
        inside = slice(starts[g], end)
        S = Z[inside].T @ (Z[inside] * v[inside, None])
        centre = (slope[g] * S).sum(axis=(-2, -1))
        for first in range(starts[g], end, step):
            here = slice(first, min(first + step, end))
            yield g, here, (_products(Z[here]) @ J[g].T - centre) * v[here, None]


def _products(Z: FloatArray) -> FloatArray:
    """Return the products (u, p*) of every two columns, as vech orders them."""
    p = Z.shape[1]
    out = np.empty((len(Z), p * (p + 1) // 2))
    first = 0
    for i in range(p):
        np.multiply(Z[:, i : i + 1], Z[:, i:], out=out[:, first : first + p - i])
        first += p - i
    return out


def _vech(slope: FloatArray) -> FloatArray:
    """Return derivatives (…, p*) in the entries of vech S (upper, row by row)."""
    i, j = np.triu_indices(slope.shape[-1])
    return np.asarray(slope[..., i, j] * np.where(i == j, 1.0, 2.0))


def _wide(value: FloatArray | float) -> FloatArray:
    return np.asarray(value, dtype=np.float64)[..., None, None]
