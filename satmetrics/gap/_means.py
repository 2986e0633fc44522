"""Means of columns in groups and their errors: arrays in, arrays out.

Letters: n rows, q columns, G groups, C sampled units, H strata. Missing is NaN.
Columns are visited one by one, so that memory stays at a few of them; nothing loops
over rows or groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment._linearised import linearised

ROUNDING = 1e-9
"""A deviation below this share of the values' size counts as zero."""


@dataclass(frozen=True, eq=False)
class Rows:
    """To which group each row belongs, how much it counts, how it was sampled.

    Attributes
    ----------
    codes : (n,) group of each row, 0 … G − 1.
    n_groups : G.
    w : (n,) positive weights, or None where all count alike.
    unit : (n,) sampled unit of each row, 0 … C − 1; None if rows were sampled singly.
    strata : (C,) stratum of each unit; None with `unit`.
    """

    codes: IntArray
    n_groups: int
    w: FloatArray | None = None
    unit: IntArray | None = None
    strata: IntArray | None = None

    def total(self, values: FloatArray | BoolArray | None = None) -> FloatArray:
        """Sum values (n,), or ones, within groups: (G,)."""
        if self.n_groups == 1:
            whole = len(self.codes) if values is None else values.sum()
            return np.array([whole], dtype=np.float64)
        found = np.bincount(self.codes, values, minlength=self.n_groups)
        return np.asarray(found, dtype=np.float64)

    def spread(self, of_groups: FloatArray) -> FloatArray:
        """Return the value of each row's group: (G,) to (n,)."""
        if self.n_groups == 1:
            return np.broadcast_to(of_groups, self.codes.shape)
        return np.asarray(of_groups[self.codes])

    @cached_property
    def whole(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows, Σw and Σw² of each group, where nothing is missing."""
        n = self.total()
        if self.w is None:
            return n, n, n
        return n, self.total(self.w), self.total(self.w * self.w)

    def sizes(
        self, seen: BoolArray | None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows, Σw and Σw² of each group among the rows that are seen (None: all)."""
        if seen is None:
            return self.whole
        n = self.total(seen)
        if self.w is None:
            return n, n, n
        w = np.where(seen, self.w, 0.0)
        return n, self.total(w), self.total(w * w)

    def weighted(self, values: FloatArray) -> FloatArray:
        """Multiply by the weights, if there are any."""
        return values if self.w is None else values * self.w

    @cached_property
    def _units_less_strata(self) -> FloatArray:
        return self._degrees(None)

    def degrees(self, n: FloatArray, seen: BoolArray | None) -> FloatArray:
        """Return degrees of freedom (G,): rows − 1, or sampled units less strata."""
        if self.unit is None:
            return np.where(n > 1, n - 1, np.nan)
        return self._units_less_strata if seen is None else self._degrees(seen)

    def _degrees(self, seen: BoolArray | None) -> FloatArray:
        if self.unit is None or self.strata is None:
            raise ValueError("rows without sampled units")
        C, H = len(self.strata), int(self.strata.max(initial=-1)) + 1
        keep = slice(None) if seen is None else seen
        cells = np.unique(self.codes[keep] * C + self.unit[keep])
        units = np.bincount(cells // C, minlength=self.n_groups)
        layers = np.unique(cells // C * H + self.strata[cells % C])
        found = units - np.bincount(layers // H, minlength=self.n_groups)
        return np.where(found >= 1, found, np.nan)

    def linearised_cov(self, influence: Iterable[FloatArray]) -> FloatArray:
        """Return the covariance (G, q, q) of estimates with these influence values.

        As a stratified cluster sample where units are known, else of single rows.
        """
        if self.unit is not None and self.strata is not None:
            return linearised(
                influence, self.codes, self.n_groups, self.unit, self.strata
            )
        n = len(self.codes)
        one = np.zeros(n, dtype=np.int64)
        V = linearised(influence, self.codes, self.n_groups, np.arange(n), one)
        own = self.whole[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = (own / (own - 1)) / (n / (n - 1))
        return np.asarray(V * np.where(own > 1, factor, np.nan)[:, None, None])


@dataclass(frozen=True)
class MeanStats:
    """Means of q columns in G groups, each (G, q).

    Attributes
    ----------
    n : rows with a value.
    n_eff : Kish's effective n, (Σw)²/Σw².
    mean : weighted means over those rows; NaN where there are none.
    sd : standard deviations, divisor Σw − Σw²/Σw (n − 1 without weights).
    std_error : of the means: s/√n; Taylor linearised with weights; over sampled units
        within strata where these are known. NaN for fewer than two.
    df : degrees of freedom: n − 1, or sampled units less strata.
    """

    n: IntArray
    n_eff: FloatArray
    mean: FloatArray
    sd: FloatArray
    std_error: FloatArray
    df: FloatArray


def column_means(columns: Sequence[FloatArray], rows: Rows) -> MeanStats:
    """Return the statistics of every column (n,) in every group.

    ``se² = n/(n−1) · Σ w²(x − x̄)² / (Σw)²``, which is s²/n without weights (Taylor
    linearisation of a weighted mean; Cochran 1977, section 6.4).
    """
    found = [_one(column, rows) for column in columns]
    if not found:
        empty = np.empty((rows.n_groups, 0))
        return MeanStats(empty.astype(np.int64), *(empty,) * 5)
    parts = zip(*found, strict=True)
    n, n_eff, mean, sd, error, df = (np.stack(part, axis=1) for part in parts)
    if rows.unit is not None:
        error = np.where(
            sd > 0, sampled_errors(columns, rows), np.where(n > 1, 0, np.nan)
        )
    return MeanStats(n.astype(np.int64), n_eff, mean, sd, error, df)


def sampled_errors(columns: Sequence[FloatArray], rows: Rows) -> FloatArray:
    """Return the standard errors (G, q) of the columns' means over sampled units."""
    variance = np.diagonal(mean_cov(columns, rows), axis1=-2, axis2=-1)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def mean_cov(columns: Sequence[FloatArray], rows: Rows) -> FloatArray:
    """Return the covariance (G, q, q) of the columns' means, each over its own rows.

    Linearised as in `column_means`, whose standard errors are the roots of its diagonal
    where nothing is missing.
    """
    return rows.linearised_cov(influences(columns, rows))


def influences(columns: Iterable[FloatArray], rows: Rows) -> Iterator[FloatArray]:
    """Yield ``w (x − x̄) / Σw`` (n,) of every column, 0 where it is missing."""
    for column in columns:
        seen = _seen(column)
        _, W, _ = rows.sizes(seen)
        deviation, _ = _deviation(column, seen, W, rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(W > 0, 1 / W, 0.0)
        yield rows.weighted(deviation) * rows.spread(share)


def _one(column: FloatArray, rows: Rows) -> tuple[FloatArray, ...]:
    seen = _seen(column)
    n, W, W2 = rows.sizes(seen)
    r, mean = _deviation(column, seen, W, rows)
    sd, error = spread_and_error(r, (n, W, W2), rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant = sd <= ROUNDING * np.maximum(np.abs(mean), ROUNDING)
        n_eff = np.where(W2 > 0, W * W / W2, np.nan)
    sd, error = (np.where(constant, 0.0, x) for x in (sd, error))
    return n, n_eff, mean, sd, error, rows.degrees(n, seen)


def spread_and_error(
    r: FloatArray, sizes: tuple[FloatArray, FloatArray, FloatArray], rows: Rows
) -> tuple[FloatArray, FloatArray]:
    """Return sd and error of the mean (G,) of single rows with deviations r (n,)."""
    n, W, W2 = sizes
    squares = rows.total(rows.weighted(r * r))
    with np.errstate(divide="ignore", invalid="ignore"):
        several = np.where(n > 1, n, np.nan)
        sd = np.sqrt(squares / (W - W2 / W) * several / several)
        if rows.w is None:
            return sd, sd / np.sqrt(several)
        twice = rows.total((rows.w * r) ** 2)
        return sd, np.sqrt(several / (several - 1) * twice) / W


def _seen(column: FloatArray) -> BoolArray | None:
    """Return where a value is there, None if everywhere."""
    seen = np.isfinite(column)
    return None if seen.all() else seen


def _deviation(
    column: FloatArray, seen: BoolArray | None, W: FloatArray, rows: Rows
) -> tuple[FloatArray, FloatArray]:
    """Return values about their group's mean (0 where missing), and the means."""
    x = column if seen is None else np.where(seen, column, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = rows.total(rows.weighted(x)) / W
    r = x - rows.spread(mean)
    return r if seen is None else np.where(seen, r, 0.0), mean
