"""Polychoric and polyserial correlations in two steps: arrays in, arrays out.

Olsson (1979), doi:10.1007/BF02296207, and Olsson, Drasgow and Dorans (1982),
doi:10.1007/BF02294164: thresholds are normal quantiles of the margins; given them, the
correlation maximises the likelihood of a pair's table (or of its rows). Letters: τ
thresholds, h and k those of the two items, Φ₂ and φ₂ the bivariate normal distribution
and density. The batch of M tables is the last axis of every array.

Φ₂ is carried along: ``∂Φ₂/∂ρ = φ₂`` (Plackett 1954), so that a step from ρ₀ to ρ₁ adds
the integral of φ₂ between them, taken by Gauss-Legendre nodes in θ = arcsin ρ, where
the integrand is smooth (Drezner and Wesolowsky 1990, doi:10.1080/00949659008811236).
Steps are at most `STRIDE` in Fisher's z: the nodes are dense where ρ nears ±1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from satmetrics._special import normal_cdf, normal_quantile
from satmetrics._typing import BoolArray, FloatArray, IntArray

STRIDE = 0.5
"""Largest step in Fisher's z."""
NODES = ((0.02, 3), (0.1, 5), (0.25, 7), (STRIDE, 10))
"""Gauss-Legendre nodes of a step up to a length: errors stay below 1e-13."""
LIMIT = 4.0
"""Fisher's z beyond which a correlation counts as ±1 (|ρ| = 0.9993)."""
TOL = 1e-7
"""Last Newton step of a correlation; what is left is its square."""
MAX_ITER = 100
FAR = 38.0
"""Stands for an infinite threshold: the normal tail beyond is zero in doubles."""
LEAST = 1e-14
"""Probability at least given to a cell that has answers."""

_RULES = tuple((most, *np.polynomial.legendre.leggauss(k)) for most, k in NODES)


@dataclass(frozen=True)
class Correlated:
    """Correlations of a batch.

    Attributes
    ----------
    rho : (M,)
    converged : (M,)
    extreme : (M,), True where the likelihood rises towards ±1.
    """

    rho: FloatArray
    converged: BoolArray
    extreme: BoolArray


class Problem(Protocol):
    """A batch of log-likelihoods of a correlation."""

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return first and second derivatives by ρ, and expected information."""

    def take(self, rows: BoolArray) -> Problem:
        """Return some members."""


def thresholds(margins: FloatArray) -> FloatArray:
    """Return thresholds (C − 1, …) of weighted counts (C, …): Φ⁻¹ of cumulated shares.

    A category nobody chose has two equal thresholds, or ±∞ at an end.
    """
    total = np.cumsum(margins, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = total[:-1] / total[-1]
    return normal_quantile(np.clip(share, 0.0, 1.0))


def bivariate_normal(h: FloatArray, k: FloatArray, rho: FloatArray) -> FloatArray:
    """Return ``P(X ≤ h, Y ≤ k)`` for a correlation inside (−1, 1), broadcasting."""
    h, k, rho = np.broadcast_arrays(h, k, rho)
    h, k = np.clip(h, -FAR, FAR), np.clip(k, -FAR, FAR)
    z = np.arctanh(rho)
    value = normal_cdf(h) * normal_cdf(k)
    steps = int(np.ceil(np.abs(z).max(initial=0.0) / STRIDE))
    for step in range(steps):
        value += _between(h, k, z * step / steps, z * (step + 1) / steps)
    return value


def _between(
    h: FloatArray, k: FloatArray, start: FloatArray, end: FloatArray
) -> FloatArray:
    """Return Φ₂ at the end less Φ₂ at the start, which are Fisher's z."""
    longest = float(np.abs(end - start).max(initial=0.0))
    nodes, weights = next(
        (rule[1:] for rule in _RULES if longest <= rule[0]), _RULES[-1][1:]
    )
    low, high = np.arcsin(np.tanh(start)), np.arcsin(np.tanh(end))
    middle, half = (low + high) / 2, (high - low) / 2
    squares, product = (h * h + k * k) / 2, h * k
    shape = np.broadcast(h, k, half).shape
    total, term = np.zeros(shape), np.empty(shape)
    for at, weight in zip(nodes, weights, strict=True):
        sine = np.sin(middle + half * at)
        np.multiply(product, sine, out=term)
        term -= squares
        term /= 1 - sine * sine
        np.exp(term, out=term)
        term *= weight
        total += term
    total *= half / (2 * np.pi)
    return total


@dataclass
class Tables:
    """Tables of pairs of ordered items, with Φ₂ at the correlation last asked for.

    Attributes
    ----------
    n : (C, C, M) weighted counts.
    h, k : (C − 1, 1, M), (1, C − 1, M) thresholds, infinite ones at ±`FAR`.
    edge_h, edge_k : (C − 1, M) Φ of them.
    inner : (C − 1, C − 1, M) Φ₂ at the thresholds.
    z : (M,) Fisher's z of the correlation that `inner` is for.
    """

    n: FloatArray
    h: FloatArray
    k: FloatArray
    edge_h: FloatArray
    edge_k: FloatArray
    inner: FloatArray
    z: FloatArray

    @classmethod
    def of(cls, n: FloatArray, h: FloatArray, k: FloatArray, z: FloatArray) -> Tables:
        """Take tables (C, C, M), thresholds (C − 1, M) of both items, and a start."""
        h, k = np.clip(h, -FAR, FAR), np.clip(k, -FAR, FAR)
        rows, columns = h[:, None], k[None]
        inner = bivariate_normal(rows, columns, np.tanh(z))
        return cls(n, rows, columns, normal_cdf(h), normal_cdf(k), inner, z)

    def take(self, rows: BoolArray) -> Tables:
        """Return some members."""
        parts = (self.n, self.h, self.k, self.edge_h, self.edge_k, self.inner, self.z)
        return Tables(*(part[..., rows] for part in parts))

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return ``Σ n P′/P``, ``Σ n (P″/P − (P′/P)²)`` and ``N Σ P′²/P``."""
        if not np.array_equal(z, self.z):
            self.inner = self.inner + _between(self.h, self.k, self.z, z)
            self.z = z
        rho = np.tanh(z)
        u = 1 - rho * rho
        hk = self.h * self.k
        q = self.h**2 + self.k**2 - 2 * rho * hk
        density = np.exp(-q / (2 * u)) / (2 * np.pi * np.sqrt(u))
        slope = density * ((rho + hk) / u - q * rho / u**2)
        P = np.maximum(_cells(self._bordered()), LEAST)
        first, second = _cells(_padded(density)), _cells(_padded(slope))
        ratio = first / P
        score = (self.n * ratio).sum(axis=(0, 1))
        curve = (self.n * (second / P - ratio**2)).sum(axis=(0, 1))
        expected = self.n.sum(axis=(0, 1)) * (first * ratio).sum(axis=(0, 1))
        return score, curve, expected

    def _bordered(self) -> FloatArray:
        full = _padded(self.inner)
        full[-1, 1:-1], full[1:-1, -1], full[-1, -1] = self.edge_k, self.edge_h, 1.0
        return full


def _padded(inner: FloatArray) -> FloatArray:
    full = np.zeros((len(inner) + 2, inner.shape[1] + 2, inner.shape[2]))
    full[1:-1, 1:-1] = inner
    return full


def _cells(corners: FloatArray) -> FloatArray:
    return np.asarray(np.diff(np.diff(corners, axis=0), axis=1))


@dataclass
class Rows:
    """Rows of one ordered and one continuous item, a batch of resamples.

    Attributes
    ----------
    c : (n, M) weights.
    x : (n, M) standardised continuous answers.
    low, high : (n, M) thresholds below and above the ordered answer, clipped.
    """

    c: FloatArray
    x: FloatArray
    low: FloatArray
    high: FloatArray

    def take(self, rows: BoolArray) -> Rows:
        """Return some members."""
        return Rows(*(v[:, rows] for v in (self.c, self.x, self.low, self.high)))

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return derivatives of ``Σ c log(Φ(a) − Φ(b))``, ``a = (τ − ρx)/√(1 − ρ²)``.

        The information is the sum of squared scores.
        """
        rho = np.tanh(z)
        s = np.sqrt(1 - rho * rho)
        below, above = self._edge(self.low, rho, s), self._edge(self.high, rho, s)
        P = np.maximum(above[0] - below[0], LEAST)
        score = (above[1] - below[1]) / P
        curve = (above[2] - below[2]) / P - score**2
        total = (self.c * score).sum(axis=0)
        squares = (self.c * score**2).sum(axis=0)
        return total, (self.c * curve).sum(axis=0), squares

    def _edge(
        self, tau: FloatArray, rho: FloatArray, s: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return Φ(a) and its first two derivatives by ρ."""
        a = (tau - rho * self.x) / s
        lean = tau * rho - self.x
        first = lean / s**3
        second = (tau * s**2 + 3 * rho * lean) / s**5
        density = np.exp(-a * a / 2) / np.sqrt(2 * np.pi)
        return normal_cdf(a), density * first, density * (second - a * first**2)


def maximise(problem: Problem, z: FloatArray) -> Correlated:
    """Maximise by Newton steps in Fisher's z, kept between points of known slope.

    Where the curvature is not negative the expected information takes its place; a
    step out of the interval becomes its middle. Members that have settled leave.

    Parameters
    ----------
    problem : M log-likelihoods.
    z : (M,) Fisher's z to start from.
    """
    M = len(z)
    out = Correlated(np.full(M, np.nan), np.zeros(M, bool), np.zeros(M, bool))
    rows = np.arange(M)
    z = np.clip(z, -LIMIT, LIMIT)
    low, high = np.full(M, -LIMIT), np.full(M, LIMIT)
    for _ in range(MAX_ITER):
        if not len(rows):
            break
        score, curve, expected = problem.at(z)
        u = 1 - np.tanh(z) ** 2
        slope = score * u
        bend = curve * u**2 - 2 * np.tanh(z) * slope
        low, high = np.where(slope > 0, z, low), np.where(slope < 0, z, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = slope / np.where(bend < 0, -bend, expected * u**2)
        step = np.clip(np.nan_to_num(step), -STRIDE, STRIDE)
        new = np.clip(z + step, -LIMIT, LIMIT)
        inside = (new >= low) & (new <= high)
        middle = np.clip((low + high) / 2, z - STRIDE, z + STRIDE)
        new = np.where(inside, new, middle)
        done = np.abs(np.tanh(new) - np.tanh(z)) <= TOL
        done &= np.isfinite(slope)
        failed = ~np.isfinite(slope)
        stop = done | failed
        if stop.any():
            out.rho[rows[done]] = np.tanh(new[done])
            out.converged[rows[done]] = True
            out.extreme[rows[done]] = np.abs(new[done]) >= LIMIT - 1e-9
            stay = ~stop
            rows, problem = rows[stay], problem.take(stay)
            low, high, new = low[stay], high[stay], new[stay]
        z = new
    return out


def with_half(tables: FloatArray, unit: FloatArray) -> FloatArray:
    """Put half a row into the one empty cell of a 2 × 2 table, margins kept.

    What lavaan does by default; larger tables are left as they are. Categories nobody
    chose do not count.

    Parameters
    ----------
    tables : (C, C, M)
    unit : (M,) weight of one row.
    """
    rows, columns = tables.sum(axis=1) > 0, tables.sum(axis=0) > 0
    filled = (tables > 0).sum(axis=(0, 1))
    odd = (rows.sum(axis=0) == 2) & (columns.sum(axis=0) == 2) & (filled == 3)
    if not odd.any():
        return tables
    there = rows[:, None] & columns[None] & odd
    empty = there & (tables <= 0)
    i, j = np.nonzero(empty.any(axis=1).T)[1], np.nonzero(empty.any(axis=0).T)[1]
    sign = np.where(np.arange(len(tables))[:, None] == i, 1.0, -1.0)[:, None]
    sign = sign * np.where(np.arange(len(tables))[:, None] == j, 1.0, -1.0)[None]
    out = tables.copy()
    out[..., odd] += 0.5 * unit[odd] * sign * there[..., odd]
    return out


def pair_tables(
    codes: IntArray,
    weights: FloatArray,
    where: IntArray,
    pairs: tuple[IntArray, IntArray],
    cells: int,
) -> tuple[FloatArray, FloatArray]:
    """Count answers to pairs of items, for resamples.

    Parameters
    ----------
    codes : (n, p) category of each answer from 0, −1 where missing.
    weights : (B, n)
    where : (p, C + 1) a number of its own for each category of each item, the largest
        number of all in the last column (missing answers) and where an
        item has fewer than C.
    pairs : first and second item (K,) of each pair.
    cells : numbers of working memory.

    Returns
    -------
    tables : (C, C, B, K)
    margins : (C, B, p)
    """
    B, L = len(weights), int(where.max()) + 1
    T = np.zeros((B, L, L))
    columns = where[np.arange(len(where)), codes]  # −1 is the last column
    step = max(1, cells // (B * L))
    for start in range(0, len(codes), step):
        rows = slice(start, start + step)
        H = np.zeros((len(columns[rows]), L))
        np.put_along_axis(H, columns[rows], 1.0, axis=1)
        H[:, -1] = 0.0
        T += (weights[:, None, rows] * H.T) @ H
    i, j = pairs
    at = where[:, :-1]
    tables = T[:, at[i].T[:, None, :], at[j].T[None, :, :]]
    margins = T[:, at.T, at.T]
    return np.moveaxis(tables, 0, 2), np.moveaxis(margins, 0, 1)
