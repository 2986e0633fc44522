"""Ordered answers: polychoric and polyserial correlations, and their resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._linalg import cov_to_corr
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.moment import _pairs
from satmetrics.moment import _polychoric as kernel
from satmetrics.moment.moments import Moments
from satmetrics.moment.row_units import RowUnits

MOST = 15
"""An item with more different answers is not taken for ordered."""
CELLS = 2**22
"""Numbers of working memory."""
TABLES = 2**16
"""Cells of tables worked on at once: they stay in cache."""


def ordered_items(ordinal: object, items: Sequence[str]) -> tuple[str, ...]:
    """Return the ordered items that `ordinal` names: all for True, none for False."""
    if isinstance(ordinal, bool):
        return tuple(items) if ordinal else ()
    if isinstance(ordinal, str) or not isinstance(ordinal, Sequence):
        raise OptionError(
            f"ordinal={ordinal!r} is neither True nor a list of items",
            code="bad-ordinal",
            column="ordinal",
            value=ordinal,
            remedy=f"did you mean ordinal=[{ordinal!r}]?"
            if isinstance(ordinal, str)
            else "name the ordered items, or give True for all",
        )
    columns_present(ordinal, items, where="the set of items")
    return tuple(item for item in items if item in ordinal)


@dataclass(frozen=True)
class _Coded:
    """Answers as categories.

    Attributes
    ----------
    items : (q,) positions of the ordered items.
    codes : (n, q) category of each answer from 0, −1 where missing.
    where : (q, C + 1), see `_polychoric.pair_tables`.
    levels : per ordered item, how many categories it has.
    """

    items: IntArray
    codes: IntArray
    where: IntArray
    levels: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class OrdinalUnits(RowUnits):
    """Respondents with ordered answers, whose tables are drawn and fitted again.

    Attributes
    ----------
    ordinal : (p,), True for ordered items.
    """

    ordinal: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    @cached_property
    def coded(self) -> _Coded:
        """Ordered answers as categories, in order of their values."""
        items = np.flatnonzero(self.ordinal)
        codes = np.full((len(self.X), len(items)), -1, dtype=np.int64)
        levels = []
        for k, item in enumerate(items):
            x = self.X[:, item]
            there = np.isfinite(x)
            values, code = np.unique(x[there], return_inverse=True)
            codes[there, k] = np.ravel(code)
            levels.append(len(values))
        C, total = max(levels, default=1), sum(levels)
        where = np.full((len(items), C + 1), total, dtype=np.int64)
        offset = np.cumsum([0, *levels[:-1]])
        for k, count in enumerate(levels):
            where[k, :count] = offset[k] + np.arange(count)
        return _Coded(items, codes, where, tuple(levels))

    @cached_property
    def whole(self) -> tuple[FloatArray, str]:
        """Correlations (p, p) of all rows once, where resamples start, and a reason."""
        R, reasons = self._correlated(np.ones((1, len(self.X))), None)
        return R[0], reasons[0]

    def thresholds(self) -> dict[str, FloatArray]:
        """Return each ordered item's thresholds, on the normal scale."""
        c = self.coded
        out = {}
        for k, item in enumerate(c.items):
            there = c.codes[:, k] >= 0
            margin = np.bincount(c.codes[there, k], self.w[there], c.levels[k])
            out[self.names[item]] = kernel.thresholds(np.asarray(margin, dtype=float))
        return out

    def of_rows(self, counts: FloatArray) -> Moments:
        """Return a batch of moments for counts (B, n) of the rows."""
        sums = _pairs.pair_sums(self.X, self.w, counts, CELLS)
        with np.errstate(divide="ignore", invalid="ignore"):
            n_eff = sums.weight_sum**2 / sums.weight_sq
        cov = sums.pairwise()
        L = len(np.unique(self.coded.where))
        step = max(1, CELLS // (4 * L * L))
        found = [
            self._correlated(counts[start : start + step], self.whole[0])
            for start in range(0, len(counts), step)
        ]
        R = np.concatenate([part for part, _ in found])
        reasons = tuple(reason for _, part in found for reason in part)
        return Moments(
            names=self.names,
            n=np.rint(sums.n).astype(np.int64),
            mean=self.shift + sums.means(),
            cov=scaled(R, cov),
            n_eff=n_eff,
            weight_sum=sums.weight_sum,
            pair_n=sums.both if np.isnan(self.X).any() else None,
            kind="polychoric",
            reasons=reasons,
            context=self.context,
        )

    def _correlated(
        self, counts: FloatArray, start: FloatArray | None
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Return correlations (B, p, p), and per member why one cannot be had."""
        weights = counts * self.w
        cov = _pairs.pair_sums(self.X, self.w, counts, CELLS).pairwise()
        R = cov_to_corr(cov)
        begin = np.zeros_like(R[0]) if start is None else np.nan_to_num(start)
        reasons = [""] * len(counts)
        flat = ~(np.diagonal(cov, axis1=1, axis2=2) > 0)
        for b in np.flatnonzero(flat.any(axis=1)):
            constant = [self.names[i] for i in np.flatnonzero(flat[b])]
            reasons[b] = f"zero variance: {', '.join(constant[:5])}"
        self._polychoric(R, weights, counts, begin, reasons)
        self._polyserial(R, weights, begin, reasons)
        return R, tuple(reasons)

    def _polychoric(
        self,
        R: FloatArray,
        weights: FloatArray,
        counts: FloatArray,
        begin: FloatArray,
        reasons: list[str],
    ) -> None:
        """Put the correlations of ordered items into R (B, p, p)."""
        c, B = self.coded, len(weights)
        first, second = np.triu_indices(len(c.items), 1)
        if not len(first):
            return
        tables, margins = kernel.pair_tables(
            c.codes, weights, c.where, (first, second), CELLS
        )
        tau = kernel.thresholds(margins)
        C, M = len(tables), B * len(first)
        n = tables.reshape(C, C, M)
        h, k = tau[:, :, first].reshape(C - 1, M), tau[:, :, second].reshape(C - 1, M)
        unit = np.repeat(weights.sum(axis=1) / counts.sum(axis=1), len(first))
        i, j = c.items[first], c.items[second]
        z = np.tile(np.arctanh(np.clip(begin[i, j], -0.99, 0.99)), B)
        found = self._maximised(kernel.with_half(n, unit), h, k, z)
        rho = found.rho.reshape(B, -1)
        R[:, i, j] = R[:, j, i] = rho
        sound = (found.converged & ~found.extreme).reshape(B, -1)
        self._note(reasons, sound, i, j)

    def _maximised(
        self, n: FloatArray, h: FloatArray, k: FloatArray, z: FloatArray
    ) -> kernel.Correlated:
        """Maximise in chunks that stay in cache."""
        step = max(1, TABLES // (len(n) + 1) ** 2)
        parts = []
        for start in range(0, len(z), step):
            at = slice(start, start + step)
            problem = kernel.Tables.of(n[..., at], h[:, at], k[:, at], z[at])
            parts.append(kernel.maximise(problem, z[at]))
        return kernel.Correlated(
            np.concatenate([p.rho for p in parts]),
            np.concatenate([p.converged for p in parts]),
            np.concatenate([p.extreme for p in parts]),
        )

    def _polyserial(
        self,
        R: FloatArray,
        weights: FloatArray,
        begin: FloatArray,
        reasons: list[str],
    ) -> None:
        """Put the correlations of ordered with continuous items into R (B, p, p)."""
        c = self.coded
        step = max(1, CELLS // max(1, 8 * len(self.X)))
        for k, i in enumerate(c.items):
            for j in np.flatnonzero(~self.ordinal):
                for start in range(0, len(weights), step):
                    at = slice(start, start + step)
                    z = np.full(len(weights[at]), np.arctanh(begin[i, j]))
                    problem = self._rows(weights[at], k, int(j))
                    found = kernel.maximise(problem, z)
                    R[at, i, j] = R[at, j, i] = found.rho
                    sound = (found.converged & ~found.extreme)[:, None]
                    own = reasons[at]
                    self._note(own, sound, np.array([i]), np.array([j]))
                    reasons[at] = own

    def _rows(self, weights: FloatArray, k: int, j: int) -> kernel.Rows:
        """Return the rows that answer ordered item k and continuous item j."""
        c, x = self.coded, self.X[:, j]
        seen, code = np.isfinite(x), c.codes[:, k]
        margin = np.stack(
            [(weights[:, code == level]).sum(axis=1) for level in range(c.levels[k])]
        )
        edge = np.full((1, len(weights)), kernel.FAR)
        tau = np.concatenate([-edge, kernel.thresholds(margin), edge])
        tau = np.clip(tau, -kernel.FAR, kernel.FAR)
        own = weights[:, seen]
        total = own.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = own @ x[seen][:, None] / total
            sd = np.sqrt(own @ (x[seen] ** 2)[:, None] / total - mean**2)
            both = seen & (code >= 0)
            standard = ((x[both] - mean) / sd).T
        code = code[both]
        return kernel.Rows(weights[:, both].T, standard, tau[code], tau[code + 1])

    def _note(
        self, reasons: list[str], sound: BoolArray, i: IntArray, j: IntArray
    ) -> None:
        """Name the first pair (B, K) of each member without a correlation."""
        for b in np.flatnonzero(~sound.all(axis=1)):
            k = int(np.argmin(sound[b]))
            pair = f"{self.names[i[k]]} and {self.names[j[k]]}"
            reasons[b] = reasons[b] or (
                f"the polychoric correlation of {pair} has no maximum inside (−1, 1)"
            )


def scaled(R: FloatArray, cov: FloatArray) -> FloatArray:
    """Return R (…, p, p) with the standard deviations of observed covariances."""
    sd = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    return np.asarray(R * sd[..., :, None] * sd[..., None, :])


def check_categories(
    names: Sequence[str], X: FloatArray, ordinal: Sequence[str]
) -> None:
    """Raise for an item named as ordered that has too many different answers."""
    for name, x in zip(names, X.T, strict=True):
        count = len(np.unique(x[np.isfinite(x)])) if name in ordinal else 0
        if count > MOST:
            raise DataError(
                f"item {name!r} has {count:,} different answers, which are not the "
                "categories of an ordered item",
                code="not-ordinal",
                column=name,
                value=count,
                remedy=f"leave it out of ordinal= (up to {MOST} categories are taken); "
                "beside ordered items it counts as continuous",
            )
