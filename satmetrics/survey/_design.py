"""How respondents were sampled: clusters within strata, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._frames import read_only
from satmetrics._typing import IntArray
from satmetrics.errors import DataError
from satmetrics.survey._door import Column, Grid
from satmetrics.survey._groups import group_codes

_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Design:
    """Cluster and stratum of each row.

    Attributes
    ----------
    cluster : (n,) codes from 0; None if no column says what was sampled as a whole.
    stratum : (n,) codes from 0; None if no column says what was sampled on its own.
    column : the stratum's column, else the cluster's; None if neither has one.
    strata : the labels of the strata, by code.
    """

    cluster: IntArray | None = None
    stratum: IntArray | None = None
    column: str | None = None
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cluster", "stratum"):
            codes = getattr(self, name)
            if codes is not None:
                object.__setattr__(self, name, read_only(codes))

    @property
    def words(self) -> str:
        """What was sampled, such as "80 clusters in 12 strata"; empty if unknown."""
        if self.cluster is None and self.stratum is None:
            return ""
        what = "respondents"
        if self.cluster is not None:
            what = f"{np.unique(self.cluster).size:,} clusters"
        if self.stratum is None:
            return what
        return f"{what} in {np.unique(self.stratum).size:,} strata"

    def take(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Design:
        """Return the design of the given rows."""
        cluster = None if self.cluster is None else self.cluster[rows]
        stratum = None if self.stratum is None else self.stratum[rows]
        return Design(cluster, stratum, self.column, self.strata)

    def check_variance(self) -> None:
        """Raise if a stratum has one cluster only, so that nothing varies within it.

        Raises
        ------
        DataError
            With the strata concerned.
        """
        what = "respondent" if self.cluster is None else "cluster"
        lone = self._lone()
        if not lone.size:
            return
        if self.stratum is None:
            raise DataError(
                f"all rows are of one cluster of {self.column!r}: no variance between "
                "clusters can be estimated",
                code="lone-cluster",
                column=self.column,
                remedy="leave cluster= out, or name the column of what was sampled",
            )
        names = tuple(self.strata[k] for k in lone)
        listed = ", ".join(repr(name) for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise DataError(
            f"strata of {self.column!r} with one {what} only: {listed}{more}; no "
            "variance can be estimated within them",
            code=f"lone-{what}",
            column=self.column,
            value=names,
            remedy="merge each with the stratum most like it, in the column itself",
        )

    def _lone(self) -> IntArray:
        """Return the strata (codes) that hold one sampled unit only."""
        if self.cluster is None and self.stratum is None:
            return np.zeros(0, dtype=np.int64)
        if self.cluster is None:
            strata = self.stratum
        elif self.stratum is None:
            strata = np.zeros(np.unique(self.cluster).size, dtype=np.int64)
        else:
            strata = self.stratum[np.unique(self.cluster, return_index=True)[1]]
        assert strata is not None
        return np.flatnonzero(np.bincount(strata) == 1)


def check_design(grid: Grid, cluster: str | None, stratum: str | None) -> None:
    """Raise if clusters or strata are incomplete, overlap or allow no variance."""
    if grid.n:
        read_design(grid, cluster, stratum).check_variance()


def read_design(grid: Grid, cluster: str | None, stratum: str | None) -> Design:
    """Return the cluster and stratum of each row.

    Raises
    ------
    DataError
        If a row has no cluster or stratum, or a cluster lies in two strata.
    """
    if cluster is None and stratum is None:
        return Design()
    clusters = None if cluster is None else _codes(grid, cluster, "cluster")
    strata = None if stratum is None else _codes(grid, stratum, "stratum")
    if clusters is not None and strata is not None:
        _check_nested(grid, str(cluster), str(stratum), clusters[0], strata[0])
    return Design(
        None if clusters is None else clusters[0],
        None if strata is None else strata[0],
        stratum or cluster,
        () if strata is None else strata[1],
    )


def respondent_codes(grid: Grid, respondent: str) -> IntArray:
    """Return a code per person (n,), in no order; -1 where nobody is named."""
    column = grid[respondent]
    if column.kind != "number":
        return np.asarray(column.values, dtype=np.int64)
    values = np.asarray(column.values, dtype=np.float64)
    codes = np.unique(values, return_inverse=True)[1].ravel()
    return np.where(np.isnan(values), -1, codes)


def _codes(grid: Grid, name: str, role: str) -> tuple[IntArray, tuple[str, ...]]:
    codes, labels = group_codes(grid[name], wave=False)
    blank = int((codes < 0).sum())
    if blank:
        raise DataError(
            f"{blank:,} rows have no {role} in {name!r}",
            code=f"missing-{role}",
            column=name,
            value=blank,
            remedy=f"every respondent was sampled somewhere: fill in the {role}, or "
            f"leave the rows out before; without {role}= all are drawn alike",
        )
    return codes, tuple(str(label) for label in labels)


def _check_nested(
    grid: Grid, cluster: str, stratum: str, clusters: IntArray, strata: IntArray
) -> None:
    first = np.unique(clusters, return_index=True)[1]
    spans = strata != strata[first][_dense(clusters)]
    if not spans.any():
        return
    row = int(np.flatnonzero(spans)[0])
    other = int(first[_dense(clusters)][row])
    label = _label(grid[cluster], row)
    places = (_label(grid[stratum], other), _label(grid[stratum], row))
    many = np.unique(clusters[spans]).size
    raise DataError(
        f"cluster {label!r} of {cluster!r} lies in two strata of {stratum!r}: "
        f"{places[0]!r} and {places[1]!r} ({many:,} such clusters in all)",
        code="cluster-in-strata",
        column=cluster,
        value=label,
        remedy="correct the stratum; if clusters are numbered anew in each stratum, "
        "join both into one column: "
        f"frame[{stratum!r}].astype(str) + '-' + frame[{cluster!r}].astype(str)",
    )


def _dense(codes: IntArray) -> IntArray:
    return np.unique(codes, return_inverse=True)[1].ravel()


def _label(column: Column, row: int) -> str:
    plain = column.values[row].item()
    return f"{plain:g}" if column.kind == "number" else column.labels[plain]
