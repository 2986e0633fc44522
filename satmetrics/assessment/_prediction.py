"""Predictions of rows that a fit has not seen: linear maps by fold, batch axis first.

Every prediction is linear in the answers: what is fitted without a fold becomes a
matrix, and the errors of its rows are one product. Rows are answers less a common
shift; targets are columns of them, or fixed composites of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._linalg import spd_solve
from satmetrics._typing import BoolArray, FloatArray, IntArray
from satmetrics.estimation._structure import total_effects
from satmetrics.moment import _kernel as sums_of

CELLS = 2**22
"""Numbers of one product of rows and coefficients: 32 MB."""


@dataclass(frozen=True)
class Maps:
    """Linear predictions of M targets by each of F fits: ``constant + z coef``.

    Attributes
    ----------
    coef : (F, p, M); zero where the fit failed; None where nothing but the constant
        predicts.
    constant : (F, M); zero where the fit failed.
    ok : (F,)
    """

    coef: FloatArray | None
    constant: FloatArray
    ok: BoolArray

    @classmethod
    def of(cls, coef: FloatArray, constant: FloatArray, ok: BoolArray) -> Maps:
        """Return the maps, those that failed made harmless."""
        finite = np.isfinite(coef).all(axis=(1, 2)) & np.isfinite(constant).all(axis=1)
        sound = np.asarray(ok & finite)
        if not sound.all():
            coef = np.where(sound[:, None, None], coef, 0.0)
            constant = np.where(sound[:, None], constant, 0.0)
        return cls(coef, constant, sound)

    def part(self, start: int, stop: int) -> Maps:
        """Return the maps of some consecutive fits."""
        at = slice(start, stop)
        coef = None if self.coef is None else self.coef[at]
        return Maps(coef, self.constant[at], self.ok[at])

    def errors_into(
        self, out: FloatArray, Z: FloatArray, Y: FloatArray, members: IntArray
    ) -> None:
        """Write the errors of the rows each fit left out; NaN where it failed.

        Parameters
        ----------
        out : (n, M), changed at the rows left out.
        Z : (n, p) shifted answers.
        Y : (n, M) targets.
        members : (F, s) rows left out by each fit, padded with −1.
        """
        width = members.shape[1] * (Z.shape[1] + 2 * Y.shape[1])
        step = max(1, CELLS // width)
        for start in range(0, len(members), step):
            at = slice(start, start + step)
            rows = members[at]
            found = self.constant[at, None, :] + np.zeros((*rows.shape, 1))
            if self.coef is not None:
                found += Z[rows] @ self.coef[at]
            np.subtract(Y[rows], found, out=found)
            found[~self.ok[at]] = np.nan
            there = rows >= 0
            if there.all():
                out[rows.ravel()] = found.reshape(-1, found.shape[-1])
            else:
                out[rows[there]] = found[there]


def fold_codes(n: int, folds: int, rng: np.random.Generator) -> IntArray:
    """Return the fold of each row (n,): drawn at random, sizes differ by one at most.

    With as many folds as rows each row is its own.
    """
    if folds == n:
        return np.arange(n)
    codes = np.empty(n, dtype=np.int64)
    codes[rng.permutation(n)] = np.arange(n) % folds
    return codes


def members_of(codes: IntArray, first: int, last: int) -> IntArray:
    """Return (last − first, s): the rows of folds `first` to `last`, padded with −1."""
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(first, last + 1))
    sizes = np.diff(edges)
    place = edges[:-1, None] + np.arange(sizes.max())
    there = np.arange(sizes.max()) < sizes[:, None]
    return np.where(there, order[np.minimum(place, len(order) - 1)], -1)


def fold_sums(Z: FloatArray, w: FloatArray, members: IntArray) -> FloatArray:
    """Return (F, 3 + p + p*): the summed contributions of the rows of each fold.

    Parameters
    ----------
    Z : (n, p) shifted answers.
    w : (n,)
    members : (F, s) rows of each fold, padded with −1.
    """
    p = Z.shape[1]
    i, j = np.triu_indices(p)
    out = np.empty((len(members), sums_of.n_columns(p)))
    step = max(1, CELLS // (members.shape[1] * p))
    for start in range(0, len(members), step):
        at = slice(start, start + step)
        rows = members[at]
        there = rows >= 0
        v = np.where(there, w[rows], 0.0)
        z = Z[rows]
        wz = v[:, :, None] * z
        out[at, 0] = there.sum(axis=1)
        out[at, 1] = v.sum(axis=1)
        out[at, 2] = (v * v).sum(axis=1)
        out[at, sums_of.HEAD : sums_of.HEAD + p] = wz.sum(axis=1)
        square = np.swapaxes(wz, 1, 2) @ z
        out[at, sums_of.HEAD + p :] = square[:, i, j]
    return out


@dataclass(frozen=True)
class Fitted:
    """A batch of F fits in the units of the answers.

    Attributes
    ----------
    mean : (F, p) training means, less the shift.
    rows : (F, p, q) weights of the columns in each construct.
    slopes : (F, m) change of a target with its construct: loading times deviation.
    paths : (F, q, q) coefficients at [source, target].
    """

    mean: FloatArray
    rows: FloatArray
    slopes: FloatArray
    paths: FloatArray


def reach(paths: FloatArray, exogenous: BoolArray, *, earliest: bool) -> FloatArray:
    """Return (F, q, q): what predicts each construct, at [source, target].

    Direct antecedents: the path coefficients. Earliest antecedents: the total effects
    of the constructs that no path leads to.
    """
    if not earliest:
        return paths
    return np.where(exogenous[:, None], total_effects(paths), 0.0)


def path_maps(
    fits: Fitted,
    P: FloatArray,
    owner: IntArray,
    items: IntArray,
    constructs: IntArray,
    ok: BoolArray,
) -> Maps:
    """Return predictions of items and of construct scores from a path model.

    ``ŷ = (x − x̄) W P`` and ``x̂ = x̄ + λ s ŷ``.

    Parameters
    ----------
    fits : the batch of fits.
    P : (F, q, q) from `reach`.
    owner : (m,) construct that predicts each item.
    items : (m,) predicted items.
    constructs : (t,) predicted constructs; the targets are items, then these.
    ok : (F,)
    """
    scores = fits.rows @ P
    coef = np.concatenate(
        [
            scores[:, :, owner] * fits.slopes[:, None, :],
            scores[:, :, constructs],
        ],
        axis=2,
    )
    start = np.concatenate(
        [fits.mean[:, items], np.zeros((len(coef), len(constructs)))], axis=1
    )
    return Maps.of(coef, start - np.einsum("fp,fpm->fm", fits.mean, coef), ok)


def linear_maps(
    mean: FloatArray,
    S: FloatArray,
    groups: tuple[tuple[IntArray, IntArray], ...],
    items: IntArray,
    ok: BoolArray,
) -> Maps:
    """Return least-squares predictions of items from other items.

    Parameters
    ----------
    mean : (F, p) training means, less the shift.
    S : (F, p, p) training covariances.
    groups : pairs (predictors, targets) of item positions.
    items : (m,) the targets, in order; each is in one group.
    ok : (F,)
    """
    coef = np.zeros((*mean.shape, len(items)))
    for x, y in groups:
        beta, good = spd_solve(S[:, x[:, None], x], S[:, x[:, None], y])
        coef[:, x[:, None], np.searchsorted(items, y)] = beta
        ok = np.asarray(ok & good)
    constant = mean[:, items] - np.einsum("fp,fpm->fm", mean, coef)
    return Maps.of(coef, constant, ok)


def mean_maps(level: FloatArray, ok: BoolArray) -> Maps:
    """Return predictions by the training mean `level` (F, M) of each target."""
    return Maps(None, np.where(ok[:, None], level, 0.0), ok)


class Tally:
    r"""Errors of one method, added up repeat by repeat.

    Attributes
    ----------
    squared : (n, M) squared errors of left-out rows, summed over repeats.
    seen : (n,) repeats in which the row was predicted.
    totals : (2, 3, M): out of sample and in sample; Σw, Σw e², Σw \|e\|.
    """

    def __init__(self, n: int, p: int, M: int) -> None:
        self.squared = np.zeros((n, M))
        self.seen = np.zeros(n)
        self.totals = np.zeros((2, 3, M))
        self._own = np.full((n, M), np.nan)
        self._coef = np.zeros((p, M))
        self._constant = np.zeros(M)
        self._fits = 0

    def add(self, maps: Maps, Z: FloatArray, Y: FloatArray, members: IntArray) -> None:
        """Add some of the fits of a repeat."""
        maps.errors_into(self._own, Z, Y, members)
        if maps.coef is not None:
            self._coef += maps.coef.sum(axis=0)
        self._constant += maps.constant.sum(axis=0)
        self._fits += int(maps.ok.sum())

    def close(self, Z: FloatArray, Y: FloatArray, w: FloatArray) -> None:
        """End a repeat: a row's error in sample is the mean over fits that used it."""
        own = self._own
        predicted = np.isfinite(own).all(axis=1)
        own[~predicted] = 0.0
        self.seen += predicted
        self.squared += self._count(0, own, w * predicted)
        used = self._fits - predicted
        every = self._fits * Y
        every -= Z @ self._coef
        every -= self._constant
        every -= own
        every /= np.maximum(used, 1)[:, None]
        self._count(1, every, w * (used > 0))
        own[:] = np.nan
        self._coef[:] = 0.0
        self._constant[:] = 0.0
        self._fits = 0

    def _count(self, sample: int, errors: FloatArray, w: FloatArray) -> FloatArray:
        """Add to the totals of a sample; return the squared errors."""
        squared = errors * errors
        self.totals[sample, 0] += w.sum()
        self.totals[sample, 1] += w @ squared
        self.totals[sample, 2] += w @ np.abs(errors)
        return squared

    def losses(self) -> FloatArray:
        """Return (n, M): squared errors averaged over repeats; NaN without any."""
        seen = np.where(self.seen > 0, self.seen, np.nan)
        return np.asarray(self.squared / seen[:, None])

    def measures(self) -> tuple[FloatArray, FloatArray]:
        """Return RMSE and MAE, each (2, M): out of sample, in sample."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self.totals[:, 1:] / self.totals[:, :1]
        return np.sqrt(mean[:, 0]), mean[:, 1]
