"""Means of columns in groups and their errors: arrays in, arrays out.

Letters: n rows, q columns, G groups, C sampled units, H strata. Missing is NaN.
Columns are visited one by one, so that memory stays at a few of them, unless their
joint covariance is asked for. Nothing loops over rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.moment import _kernel as kernel
from satmetrics.moment._linearised import linearised

ROUNDING = 1e-9
"""A deviation below this share of the values' size counts as zero."""
LARGE = 2048
"""Rows per group, on average, from which one matrix product per group is fastest."""
AT_ONCE = 16
"""Columns whose errors over sampled units are found together."""


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

    @cached_property
    def _segments(self) -> tuple[IntArray, IntArray]:
        """The rows in order of their groups, and where each group starts (G + 1,)."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=self.n_groups))
        return order, np.concatenate([[0], ends])

    def take(self, keep: BoolArray) -> Rows:
        """Return the rows that are kept, sampled units without any still counted."""
        w = None if self.w is None else self.w[keep]
        unit = None if self.unit is None else self.unit[keep]
        return Rows(self.codes[keep], self.n_groups, w, unit, self.strata)

    def linearised_cov(self, influence: Iterable[FloatArray]) -> FloatArray:
        """Return the covariance (G, q, q) of estimates with these influence values.

        As a stratified cluster sample where units are known, else of single rows, whose
        influence values sum to 0 within each group.
        """
        if self.unit is not None and self.strata is not None:
            return linearised(
                influence, self.codes, self.n_groups, self.unit, self.strata
            )
        factor = _small_sample(self.whole[0])
        return np.asarray(self.products(influence) * factor[:, None, None] ** 2)

    def products(self, columns: Iterable[FloatArray]) -> FloatArray:
        """Return ``Σ u uᵀ`` (G, q, q) of columns (n,) within groups."""
        U = np.stack(list(columns), axis=1)
        q, G = U.shape[1], self.n_groups
        if G == 1:
            return np.asarray((U.T @ U)[None])
        if len(U) < LARGE * G:
            sums = kernel.group_sums(U, np.ones(len(U)), self.codes, G)
            return np.asarray(sums[:, kernel.HEAD + q :][:, kernel.square(q)])
        order, bounds = self._segments
        parts = [U[order[a:b]] for a, b in itertools.pairwise(bounds)]
        return np.stack([part.T @ part for part in parts])


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


def sampled_errors(columns: Iterable[FloatArray], rows: Rows) -> FloatArray:
    """Return the standard errors (G, q) of the columns' means over sampled units."""
    rest = iter(columns)
    parts = [np.empty((rows.n_groups, 0))]
    while some := list(itertools.islice(rest, AT_ONCE)):
        parts.append(np.diagonal(mean_cov(some, rows), axis1=-2, axis2=-1))
    return np.asarray(np.sqrt(np.maximum(np.concatenate(parts, axis=1), 0.0)))


@dataclass(frozen=True, eq=False)
class JointMeans:
    """Means of q columns in G groups, with the covariance of their errors.

    Attributes
    ----------
    n : (G, q) rows behind each mean.
    mean : (G, q)
    cov : (G, q, q) covariance of the means.
    """

    n: IntArray
    mean: FloatArray
    cov: FloatArray

    @property
    def std_error(self) -> FloatArray:
        """Standard errors (G, q)."""
        own = np.diagonal(self.cov, axis1=-2, axis2=-1)
        return np.asarray(np.sqrt(np.maximum(own, 0.0)))


def joint_means(columns: Iterable[FloatArray], rows: Rows) -> JointMeans:
    """Return means and the covariance of their errors, each mean over its own rows.

    ``√(n_j/(n_j − 1)) √(n_k/(n_k − 1)) Σ w² r_j r_k / (W_j W_k)`` with r
    deviations from the mean, 0 where missing, so that the roots of the diagonal are the
    errors of `column_means`; over sampled units within strata where these are known
    (Woodruff 1971, doi:10.1080/01621459.1971.10482279).
    """
    counts, means, parts = zip(*(_influence(c, rows) for c in columns), strict=True)
    n, mean = np.stack(counts, axis=1), np.stack(means, axis=1)
    if rows.unit is not None:
        return JointMeans(n.astype(np.int64), mean, rows.linearised_cov(parts))
    factor = _small_sample(n)
    cov = rows.products(parts) * factor[:, :, None] * factor[:, None, :]
    return JointMeans(n.astype(np.int64), mean, cov)


def mean_cov(columns: Iterable[FloatArray], rows: Rows) -> FloatArray:
    """Return the covariance (G, q, q) of `joint_means` alone."""
    return joint_means(columns, rows).cov


def mean_of(column: FloatArray, rows: Rows) -> FloatArray:
    """Return the means (G,) of a column over the rows that have a value."""
    seen = _seen(column)
    x = column if seen is None else np.where(seen, column, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(rows.total(rows.weighted(x)) / rows.sizes(seen)[1])


def influences(columns: Iterable[FloatArray], rows: Rows) -> Iterator[FloatArray]:
    """Yield ``w (x − x̄) / Σw`` (n,) of every column, 0 where it is missing."""
    for column in columns:
        yield _influence(column, rows)[2]


def _influence(column: FloatArray, rows: Rows) -> tuple[FloatArray, ...]:
    """Return n (G,), mean (G,) and influence (n,), exactly 0 where nothing varies."""
    seen = _seen(column)
    n, W, _ = rows.sizes(seen)
    r, mean = _deviation(column, seen, W, rows)
    squares = rows.total(rows.weighted(r * r))
    flat = squares <= W * (ROUNDING * np.maximum(np.abs(mean), ROUNDING)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((W > 0) & ~flat, 1 / W, 0.0)
    return n, mean, rows.weighted(r) * rows.spread(share)


def _small_sample(n: FloatArray) -> FloatArray:
    """Return √(n/(n − 1)), NaN below two rows."""
    several = np.where(n > 1, n, np.nan)
    return np.asarray(np.sqrt(several / (several - 1)))


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
