"""The rows of an index laid out by unit and wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.indices.index import IndexResult
from satmetrics.indices.joint import Joint
from satmetrics.indices.per_unit import unit_labels


@dataclass(frozen=True, eq=False)
class WaveGrid:
    """Where the rows of U units and T waves stand.

    Attributes
    ----------
    rows : (U, T) row of the table, -1 where a unit has no such wave.
    units : key columns of each unit, without the waves.
    labels : name of each unit; empty texts where there is one of all.
    waves : labels of the waves, in their order.
    """

    rows: IntArray
    units: Table
    labels: list[str]
    waves: AnyArray

    @classmethod
    def of(cls, table: Table, keys: tuple[str, ...], over: str) -> WaveGrid:
        """Lay out a table of one construct; waves in the order of their labels."""
        others = [key for key in keys if key != over]
        labels = unit_labels(table, others)
        names = list(dict.fromkeys(labels))
        at = {name: u for u, name in enumerate(names)}
        unit = np.array([at[label] for label in labels], dtype=np.int64)
        waves, wave = np.unique(table[over], return_inverse=True)
        rows = np.full((len(names), len(waves)), -1, dtype=np.int64)
        rows[unit, wave.ravel()] = np.arange(len(table))
        first = np.unique(unit, return_index=True)[1]
        columns = {key: table[key][first] for key in others}
        return cls(rows, Table.of(columns, keys=others), names, waves)

    @property
    def there(self) -> BoolArray:
        """Which units have which wave (U, T)."""
        return self.rows >= 0

    def spread(self, values: AnyArray) -> FloatArray:
        """Return a column of the table as (U, T), NaN where there is no row."""
        taken = np.asarray(values, dtype=np.float64)[np.maximum(self.rows, 0)]
        return np.where(self.there, taken, np.nan)

    def column(self, values: AnyArray) -> AnyArray:
        """Return values (U, T) as a column of the table."""
        out = np.empty(int(self.there.sum()), dtype=values.dtype)
        out[self.rows[self.there]] = values[self.there]
        return out

    def correlations(self, joint: Joint) -> FloatArray | None:
        """Return the correlations (U, T, T) of errors within units; None for none."""
        U, T = self.rows.shape
        if joint.n_draws:
            return self._drawn(joint.draws)
        unit, wave = np.full((2, len(joint.estimate)), -1)
        unit[self.rows[self.there]] = np.nonzero(self.there)[0]
        wave[self.rows[self.there]] = np.nonzero(self.there)[1]
        one, other = joint.pairs.T
        within = (unit[one] == unit[other]) & (unit[one] >= 0)
        if not within.any():
            return None
        one, other = one[within], other[within]
        with np.errstate(divide="ignore", invalid="ignore"):
            size = joint.std_error[one] * joint.std_error[other]
            r = joint.covariance[within] / size
        R = np.zeros((U, T, T)) + np.eye(T)
        R[unit[one], wave[one], wave[other]] = r
        R[unit[one], wave[other], wave[one]] = r
        return R

    def _drawn(self, draws: FloatArray) -> FloatArray:
        whole = draws[np.isfinite(draws).any(axis=1)]
        D = whole - np.nanmean(whole, axis=0)
        D = np.nan_to_num(D)[:, np.maximum(self.rows, 0)]
        C = np.einsum("but,buv->utv", D, D, optimize=True)
        sd = np.sqrt(np.diagonal(C, axis1=1, axis2=2))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(C / (sd[:, :, None] * sd[:, None, :]))


def one_construct(result: IndexResult, construct: str | None) -> IndexResult:
    """Return the rows of one construct: the one named, the target, or the only one."""
    held = set(result.table["construct"])
    only = held.pop() if result.target is None and len(held) == 1 else None
    return result.of(only if construct is None else construct)


def need_waves(grid: WaveGrid, over: str) -> None:
    """Raise unless there are two waves or more."""
    if len(grid.waves) < 2:
        raise DataError(
            f"there is one {over} only, so there is nothing to follow",
            code="one-wave",
            column=over,
            remedy="give an index of two waves or more",
        )
