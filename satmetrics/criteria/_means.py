"""Means of columns in groups and the covariance of their errors: arrays in, arrays out.

Letters: n rows, q columns, G groups. A missing value is NaN; every mean is over its own
rows. Nothing loops over rows or groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.moment._linearised import linearised

ROUNDING = 1e-12
"""A sum of squares this small beside the size of the values is rounding error."""


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
        found = np.bincount(self.codes, values, minlength=self.n_groups)
        return np.asarray(found, dtype=np.float64)

    def degrees(self) -> FloatArray:
        """Return sampled units less strata of each group (G,); NaN below 1."""
        unit = np.arange(len(self.codes)) if self.unit is None else self.unit
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
    U = np.stack(influence, axis=1)
    order = np.argsort(rows.codes, kind="stable")
    here = rows.codes[order]
    starts = np.flatnonzero(np.r_[True, here[1:] != here[:-1]]) if len(here) else here
    cov = np.zeros((rows.n_groups, U.shape[1], U.shape[1]))
    for j in range(U.shape[1]):  # one column against all keeps memory at n × q
        product = (U[:, j, None] * U)[order]
        if len(starts):
            cov[here[starts], j] = np.add.reduceat(product, starts, axis=0)
    factor = _small_sample(n)
    return Means(n, mean, cov * factor[:, :, None] * factor[:, None, :])


def column_variances(columns: Sequence[FloatArray], rows: Rows) -> Means:
    """Return means and their variances (G, q) alone: memory of one column."""
    found = []
    for column in columns:
        n, mean, (u,) = _influences([column], rows)
        if rows.unit is not None and rows.strata is not None:
            parts = (rows.codes, rows.n_groups, rows.unit, rows.strata)
            var = linearised([u], *parts)[:, :, 0]
        else:
            var = rows.total(u * u)[:, None] * _small_sample(n) ** 2
        found.append((n, mean, var))
    n, mean, var = (np.hstack(part) for part in zip(*found, strict=True))
    return Means(n, mean, var)


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
        seen = np.isfinite(column)
        x = np.where(seen, column, 0.0)
        w = np.where(seen, rows.w, 0.0)
        W = rows.total(w)
        with np.errstate(divide="ignore", invalid="ignore"):
            m = rows.total(w * x) / W
            share = np.where(W > 0, 1 / W, 0.0)
        r = np.where(seen, x - m[rows.codes], 0.0)
        size = rows.total(np.where(seen, np.abs(x), 0.0) ** 2)
        flat = rows.total(r * r) <= ROUNDING * np.maximum(size, ROUNDING)
        r = np.where(flat[rows.codes], 0.0, r)
        counts.append(rows.total(seen.astype(np.float64)).astype(np.int64))
        means.append(m)
        influence.append(w * r * share[rows.codes])
    return np.stack(counts, 1), np.stack(means, 1), influence
