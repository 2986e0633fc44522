"""Means of columns in groups and the covariance of their errors: arrays in, arrays out.

Letters: n rows, q columns, G groups. A missing value is NaN; every mean is over its own
rows. Nothing loops over rows or groups.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment import _kernel as kernel
from satmetrics.moment._linearised import linearised

ROUNDING = 1e-12
"""A sum of squares this small beside the size of the values is rounding error."""
LARGE = 2048
"""Rows per group, on average, from which one matrix product per group is fastest."""


@dataclass(frozen=True, eq=False)
class Rows:
    """To which group each row belongs, how much it counts, how it was sampled.

    Attributes
    ----------
    codes : (n,) group of each row, 0 … G − 1.
    n_groups : G.
    w : (n,) positive weights.
    unit : (n,) sampled unit of each row, or None if rows were sampled singly.
    strata : (C,) stratum of each unit; None with `unit`.
    """

    codes: IntArray
    n_groups: int
    w: FloatArray
    unit: IntArray | None = None
    strata: IntArray | None = None

    def total(self, values: FloatArray) -> FloatArray:
        """Sum values (n,) within groups: (G,)."""
        if self.n_groups == 1:
            return np.array([values.sum()], dtype=np.float64)
        found = np.bincount(self.codes, values, minlength=self.n_groups)
        return np.asarray(found, dtype=np.float64)

    def spread(self, of_groups: FloatArray) -> FloatArray:
        """Return the value of each row's group: (G,) to (n,)."""
        if self.n_groups == 1:
            return np.broadcast_to(of_groups, self.codes.shape)
        return np.asarray(of_groups[self.codes])

    @cached_property
    def whole(self) -> tuple[FloatArray, FloatArray]:
        """Rows and sums of weights (G,) where nothing is missing."""
        return self.total(np.ones(len(self.codes))), self.total(self.w)

    @cached_property
    def segments(self) -> tuple[IntArray, IntArray]:
        """The rows in order of their groups, and where each group starts (G + 1,)."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=self.n_groups))
        return order, np.concatenate([[0], ends])

    def degrees(self) -> FloatArray:
        """Return sampled units less strata of each group (G,); NaN below 1."""
        if self.unit is None:
            rows = self.whole[0]
            return np.where(rows > 1, rows - 1, np.nan)
        unit = self.unit
        C = int(unit.max(initial=-1)) + 1
        strata = np.zeros(C, dtype=np.int64) if self.strata is None else self.strata
        H = int(strata.max(initial=-1)) + 1
        cells = np.unique(self.codes * C + unit)
        units = np.bincount(cells // C, minlength=self.n_groups)
        layers = np.unique(cells // C * H + strata[cells % C])
        df = units - np.bincount(layers // H, minlength=self.n_groups)
        return np.where(df > 0, df, np.nan)


@dataclass(frozen=True, eq=False)
class Means:
    """Means of q columns in G groups.

    Attributes
    ----------
    n : (G, q) rows behind each mean.
    mean : (G, q)
    cov : (G, q, q) covariance of the means, or (G, q) variances alone.
    """

    n: IntArray
    mean: FloatArray
    cov: FloatArray


def column_means(columns: Sequence[FloatArray], rows: Rows) -> Means:
    """Return means and the covariance of their errors.

    ``n/(n − 1) Σ w² r_j r_k / (W_j W_k)`` with r deviations from the mean, 0 where
    missing (s²/n without weights); over sampled units within strata where these are
    known (Woodruff 1971, doi:10.1080/01621459.1971.10482279).
    """
    n, mean, influence = _influences(columns, rows)
    if rows.unit is not None and rows.strata is not None:
        parts = (rows.codes, rows.n_groups, rows.unit, rows.strata)
        return Means(n, mean, linearised(influence, *parts))
    cov = _products(np.stack(influence, axis=1), rows)
    factor = _small_sample(n)
    return Means(n, mean, cov * factor[:, :, None] * factor[:, None, :])


def column_variances(columns: Sequence[FloatArray], rows: Rows) -> Means:
    """Return means and their variances (G, q) alone: memory of one column."""
    found = []
    for column in columns:
        n, mean, u = _influence(column, rows)
        if rows.unit is not None and rows.strata is not None:
            parts = (rows.codes, rows.n_groups, rows.unit, rows.strata)
            var = linearised([u], *parts)[:, 0, 0]
        else:
            var = rows.total(u * u) * _small_sample(n) ** 2
        found.append((n, mean, var))
    n, mean, var = (np.stack(part, 1) for part in zip(*found, strict=True))
    return Means(n, mean, var)


def _products(U: FloatArray, rows: Rows) -> FloatArray:
    """Return ``Σ u uᵀ`` (G, q, q) within groups: large ones by one product each."""
    q, G = U.shape[1], rows.n_groups
    if G == 1:
        return np.asarray((U.T @ U)[None])
    if len(U) < LARGE * G:
        ones = np.ones(len(U))
        sums = kernel.group_sums(U, ones, rows.codes, G)
        return np.asarray(sums[:, kernel.HEAD + q :][:, kernel.square(q)])
    order, bounds = rows.segments
    parts = [U[order[a:b]] for a, b in itertools.pairwise(bounds)]
    return np.stack([part.T @ part for part in parts])


def mean_of(column: FloatArray, rows: Rows) -> FloatArray:
    """Return the means (G,) of a column over the rows that have a value."""
    seen = np.isfinite(column)
    if seen.all():
        W, x = rows.whole[1], column
    else:
        W, x = rows.total(rows.w * seen), np.where(seen, column, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(rows.total(rows.w * x) / W)


def _small_sample(n: IntArray) -> FloatArray:
    """Return √(n/(n − 1)), NaN below two rows."""
    several = np.where(n > 1, n, np.nan)
    return np.asarray(np.sqrt(several / (several - 1)))


def _influences(
    columns: Sequence[FloatArray], rows: Rows
) -> tuple[IntArray, FloatArray, list[FloatArray]]:
    """Return n (G, q), means (G, q), and ``w (x − x̄)/W`` (n,) of every column."""
    counts, means, influence = [], [], []
    for column in columns:
        n, m, u = _influence(column, rows)
        counts.append(n)
        means.append(m)
        influence.append(u)
    return np.stack(counts, 1), np.stack(means, 1), influence


def _influence(
    column: FloatArray, rows: Rows
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return n (G,), mean (G,), and ``w (x − x̄)/W`` (n,), 0 where missing."""
    seen = np.isfinite(column)
    whole = bool(seen.all())
    x = column if whole else np.where(seen, column, 0.0)
    w = rows.w if whole else np.where(seen, rows.w, 0.0)
    n, W = rows.whole if whole else (rows.total(seen.astype(float)), rows.total(w))
    with np.errstate(divide="ignore", invalid="ignore"):
        m = rows.total(w * x) / W
        share = np.where(W > 0, 1 / W, 0.0)
    r = x - rows.spread(np.nan_to_num(m))
    size, squares = rows.total(np.abs(x) ** 2), rows.total(w * r * r)
    flat = squares <= ROUNDING * np.maximum(size, ROUNDING)
    return n.astype(np.int64), m, w * r * rows.spread(np.where(flat, 0.0, share))
