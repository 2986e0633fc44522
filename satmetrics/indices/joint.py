"""Figures estimated together: values, the covariance of their errors, their draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics._special import normal_cdf, student_cdf, student_quantile
from satmetrics._typing import FloatArray, IntArray
from satmetrics.indices import _degrees
from satmetrics.inference._intervals import Ordered

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def _none() -> IntArray:
    return np.empty((0, 2), dtype=np.int64)


def _empty() -> FloatArray:
    return np.empty(0)


def _undrawn() -> FloatArray:
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Joint(Record):
    """R figures with what is known of their errors.

    Attributes
    ----------
    estimate, std_error : (R,) NaN where a figure cannot be had.
    df : (R,) degrees of freedom of each error; infinite for the normal distribution.
    pairs : (k, 2) positions, the lower first, of figures whose errors go together
        (shared respondents, shared clusters); all other errors are independent.
    covariance : (k,) of the errors of each pair.
    draws : (B, R) bootstrap draws, made together; B = 0 for none. Where there are any,
        `std_error` is their standard deviation and they hold all that goes together.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    pairs: IntArray = field(default_factory=_none)
    covariance: FloatArray = field(default_factory=_empty)
    draws: FloatArray = field(default_factory=_undrawn)

    @classmethod
    def independent(cls, estimate: FloatArray, std_error: FloatArray) -> Joint:
        """Return figures with independent, normal errors."""
        return cls(estimate, std_error, np.full(len(estimate), np.inf))

    @classmethod
    def drawn(cls, estimate: FloatArray, draws: FloatArray) -> Joint:
        """Return figures known by their draws (B, R); NaN draws are passed over."""
        error = np.where(np.isfinite(estimate), spread(draws), np.nan)
        return cls(estimate, error, np.full(len(estimate), np.inf), draws=draws)

    @property
    def n_draws(self) -> int:
        """B; 0 where there are none."""
        return len(self.draws) if self.draws.size else 0

    def take(self, rows: Sequence[int] | IntArray) -> Joint:
        """Return some of the figures, none of them twice."""
        at = np.asarray(rows, dtype=np.int64)
        place = np.full(len(self.estimate), -1)
        place[at] = np.arange(len(at))
        moved = place[self.pairs]
        kept = (moved >= 0).all(axis=1)
        return Joint(
            self.estimate[at],
            self.std_error[at],
            self.df[at],
            np.sort(moved[kept], axis=1),
            self.covariance[kept],
            self.draws[:, at] if self.n_draws else _undrawn(),
        )

    def combined(self, rows: IntArray, columns: IntArray, values: FloatArray) -> Joint:
        """Return linear combinations ``L x`` of the figures.

        Parameters
        ----------
        rows, columns, values : (m,) the entries of L, one combination per row, numbered
            from 0 without gaps. A figure that is NaN makes its combination NaN, and one
            without an entry, or with a zero, plays no part.

        Notes
        -----
        Errors: ``L Σ Lᵀ``, also among the combinations. Degrees of freedom after
        Satterthwaite, figures whose errors go together being one part: two waves of
        the same 20 clusters have 19, not 38. With draws, the draws are combined.
        """
        from scipy.sparse import coo_array

        size = int(rows.max(initial=-1)) + 1
        shape = (size, len(self.estimate))
        L = coo_array((values, (rows, columns)), shape=shape).tocsr()
        L.eliminate_zeros()  # else 0 · NaN would be NaN
        estimate = np.asarray(L @ self.estimate)
        if self.n_draws:
            return Joint.drawn(estimate, np.asarray((L @ self.draws.T).T))
        own = self._sparse()
        V = L @ own @ L.T
        parts = np.asarray(L.multiply(L) @ self.std_error**2)
        variance = np.where(V.diagonal() > _degrees.ROUNDING * parts, V.diagonal(), 0.0)
        variance[np.isnan(parts)] = np.nan
        first, second, cov = _upper(V)
        return Joint(
            estimate,
            np.sqrt(variance),
            _degrees.degrees(L, own, self.df, self._parts),
            np.column_stack([first, second]),
            cov,
        )

    def shrunk(self, share: FloatArray) -> Joint:
        """Return the figures with variances times a share (R,) of what they were."""
        root = np.sqrt(share)
        i, j = self.pairs.T
        draws = self.draws
        if self.n_draws:
            draws = self.estimate + (draws - self.estimate) * root
        return Joint(
            self.estimate,
            self.std_error * root,
            self.df,
            self.pairs,
            self.covariance * root[i] * root[j],
            draws,
        )

    def cov(self) -> FloatArray:
        """Return the covariance (R, R) of the errors.

        Of draws, from those in which no figure failed that has an error; NaN for the
        figures that have none.
        """
        if self.n_draws:
            known = np.isfinite(self.std_error)
            drawn = self.draws[:, known]
            whole = drawn[np.isfinite(drawn).all(axis=1)]
            V = np.full((len(known), len(known)), np.nan)
            if known.any() and len(whole) > 1:
                V[np.ix_(known, known)] = np.cov(whole, rowvar=False)
            return V
        return np.asarray(self._sparse().toarray())

    def limits(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the ends (R,) of intervals: percentiles of draws, else Student's t."""
        if self.n_draws:
            ordered = Ordered.of(self.draws)
            known = np.isfinite(self.estimate)
            low = ordered.quantile((1 - level) / 2)
            high = ordered.quantile((1 + level) / 2)
            return np.where(known, low, np.nan), np.where(known, high, np.nan)
        half = student_quantile(self.df, (1 + level) / 2) * self.std_error
        return self.estimate - half, self.estimate + half

    def p_value(self) -> FloatArray:
        """Return p (R,) of the hypotheses that a figure is 0, two-sided."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = -np.abs(self.estimate / self.std_error)
        if self.n_draws:
            return np.asarray(2 * normal_cdf(t))
        return np.asarray(2 * student_cdf(self.df, t))

    def columns(self, level: float) -> dict[str, FloatArray]:
        """Return estimate, std_error, conf_low and conf_high for a table."""
        low, high = self.limits(level)
        return {
            "estimate": self.estimate,
            "std_error": self.std_error,
            "conf_low": low,
            "conf_high": high,
        }

    def test_columns(self, level: float) -> dict[str, FloatArray]:
        """Return `columns` with statistic and p_value against 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = self.estimate / self.std_error
        return {
            **self.columns(level),
            "statistic": statistic,
            "p_value": self.p_value(),
        }

    @cached_property
    def _parts(self) -> IntArray:
        return _degrees.linked(len(self.estimate), self.pairs)

    def _sparse(self) -> csr_array:
        from scipy.sparse import coo_array

        R, own = len(self.estimate), np.arange(len(self.estimate))
        i, j = self.pairs.T
        rows = np.concatenate([own, i, j])
        columns = np.concatenate([own, j, i])
        variance = np.concatenate([self.std_error**2, self.covariance, self.covariance])
        return coo_array((variance, (rows, columns)), shape=(R, R)).tocsr()


def spread(draws: FloatArray) -> FloatArray:
    """Return the standard deviation (R,) of draws (B, R) over those not NaN."""
    seen = np.isfinite(draws)
    n = seen.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(seen, draws, 0.0).sum(axis=0) / n
        squares = np.where(seen, draws - mean, 0.0) ** 2
        return np.asarray(
            np.where(n > 1, np.sqrt(squares.sum(axis=0) / (n - 1)), np.nan)
        )


def of_table(table: Table) -> Joint:
    """Return the figures of a table, errors taken as independent and normal."""
    return Joint.independent(table["estimate"], table["std_error"])


def _upper(V: csr_array) -> tuple[IntArray, IntArray, FloatArray]:
    from scipy.sparse import triu

    upper = triu(V, k=1).tocoo()
    kept = upper.data != 0
    first, second = (np.asarray(axis, dtype=np.int64)[kept] for axis in upper.coords)
    return first, second, np.asarray(upper.data[kept])
