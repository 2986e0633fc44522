"""Tables and their errors without the figures that are not to be shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import BoolArray
from satmetrics.indices.joint import Joint

FIGURES = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
COUNTS = ("n", "n_eff")
COMPUTABLE = "not shown, since a hidden one could be computed from it"


def too_few(min_n: int) -> str:
    """Return why a small figure is hidden."""
    return f"fewer than {min_n} answers: not shown"


def without(
    table: Table,
    primary: BoolArray,
    complementary: BoolArray,
    min_n: int,
    more: Sequence[str] = (),
) -> Table:
    """Return the table with hidden figures NaN, hidden counts 0, and why.

    Parameters
    ----------
    table : with a column ``reason``.
    primary, complementary : (R,) what `_disclosure.hidden` returned.
    min_n : as given to it.
    more : further columns of figures.
    """
    shut = primary | complementary
    columns: dict[str, object] = {}
    for name in (*FIGURES, *more):
        if name in table:
            columns[name] = np.where(shut, np.nan, table[name])
    for name in COUNTS:
        if name in table:
            columns[name] = np.where(shut, 0, table[name])
    reason = table["reason"].copy()
    reason[primary] = too_few(min_n)
    reason[complementary] = COMPUTABLE
    return replaced(table, {**columns, "reason": reason})


def joint_without(joint: Joint, shut: BoolArray) -> Joint:
    """Return the figures with those hidden NaN, their covariances and draws gone."""
    kept = ~shut[joint.pairs].any(axis=1)
    draws = np.where(shut, np.nan, joint.draws) if joint.n_draws else joint.draws
    return dataclasses.replace(
        joint,
        estimate=np.where(shut, np.nan, joint.estimate),
        std_error=np.where(shut, np.nan, joint.std_error),
        df=np.where(shut, np.nan, joint.df),
        pairs=joint.pairs[kept],
        covariance=joint.covariance[kept],
        draws=draws,
    )


def replaced(table: Table, columns: dict[str, object]) -> Table:
    """Return the table with other columns of the same names, in their places."""
    return Table(
        table.names, tuple(np.asarray(columns.get(n, table[n])) for n in table.names)
    )
