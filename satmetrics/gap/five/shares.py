"""Gaps measured by counting: requirements covered, standards met, promises kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.gap.design import Design
from satmetrics.gap.five.comparing import Cells
from satmetrics.gap.five.sources import Groups
from satmetrics.inference._tests import wilson
from satmetrics.survey._door import open_frame

PAIRS = {
    "standards": ("required", "covered"),
    "delivery": ("n", "successes"),
    "communication": ("made", "kept"),
}
"""Columns of all cases and of the good ones, in the words of each gap."""
GENERAL = ("n", "successes")
MOST = 2.0**53
"""Larger counts are not exact."""
WHOLE = 1e-6
"""A count this near a whole number is one."""
WORDS = {
    "standards": (2, "checklist", "requirements without a standard"),
    "delivery": (3, "conformance", "encounters off the standard"),
    "communication": (4, "kept promises", "promises not kept"),
}
"""Number of the gap, its form, and what is counted."""
EMPTY = {
    "standards": "no requirement counted here",
    "delivery": "no encounter counted here",
    "communication": "no promise counted here",
}


@dataclass(frozen=True, eq=False)
class Counts:
    """Cases and good cases of one gap by group and dimension.

    Attributes
    ----------
    total, good, n_eff : (G, D + 1), dimensions and overall; n_eff is the n of simple
        random sampling with the same error.
    named : dimensions that occur at all.
    lost : rows that are in no group.
    """

    total: FloatArray
    good: FloatArray
    n_eff: FloatArray
    named: tuple[str, ...]
    lost: Exclusion


def share_cells(
    argument: str,
    data: object,
    design: Design,
    groups: Groups,
    *,
    shared: bool,
    level: float,
) -> tuple[Cells, Exclusion]:
    """Return the share of cases that are not good, with Wilson limits, and rows lost.

    Parameters
    ----------
    argument : "standards", "delivery" or "communication".
    data : a frame, or a result with a table, of one row per group and dimension.
    shared : the counts hold for every group.
    level : confidence level.
    """
    counts = _read(argument, data, design, groups, shared=shared)
    gap, form, sources = WORDS[argument]
    m = len(design.items)
    pad = ((0, 0), (m, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(counts.total > 0, counts.good / counts.total, np.nan)
        error = np.sqrt(p * (1 - p) / counts.n_eff)
    low, high = wilson(p, counts.n_eff, level)
    known = [name in counts.named for name in design.dimensions]

    def wide(values: FloatArray) -> FloatArray:
        return np.pad(values, pad, constant_values=np.nan)

    n = np.pad(counts.total, pad).astype(np.int64)
    nothing = np.full(n.shape, np.nan)
    empty = np.where(n == 0, EMPTY[argument], "").astype(object)
    cells = Cells(
        *(gap, sources, form, np.array([False] * m + [*known, True])),
        n=n,
        estimate=wide(1 - p),
        later=wide(p),
        earlier=np.where(n > 0, 1.0, np.nan),
        n_later=n,
        n_earlier=n,
        std_error=wide(error),
        statistic=nothing,
        p_value=nothing,
        conf_low=wide(1 - high),
        conf_high=wide(1 - low),
        df=nothing,
        method=np.full(n.shape, "Wilson", dtype=object),
        reason=empty,
    )
    return cells, counts.lost


def _read(
    argument: str, data: object, design: Design, groups: Groups, *, shared: bool
) -> Counts:
    frame = _frame(data)
    pair = _pair(argument, list(frame.columns))
    wanted = [*pair, *(() if shared else groups.by)]
    columns_present(wanted, list(frame.columns), where=f"{argument}=")
    total, good = (_numbers(argument, frame, name) for name in pair)
    n_eff = _numbers(argument, frame, "n_eff") if "n_eff" in frame else total
    _check_pairs(argument, pair, total, good)
    _check_effective(argument, total, n_eff)
    place = _places(argument, frame, design)
    G, D = 1 if shared else len(groups), len(design.dimensions)
    group: IntArray = np.zeros(len(frame), dtype=np.int64)
    if not shared and groups.by:
        group = _group_of(argument, frame, groups)
    used = group >= 0
    stated = bool((place == D).any())
    made = []
    for values in (total, good, np.where(np.isfinite(n_eff), n_eff, total)):
        cells = np.zeros((G, D + 1))
        where = (group[used], np.where(place < 0, D, place)[used])
        np.add.at(cells, where, values[used])
        if not stated:
            cells[:, D] += cells[:, :D].sum(axis=1)
        made.append(np.repeat(cells, len(groups), axis=0) if shared else cells)
    named = tuple(d for k, d in enumerate(design.dimensions) if (place == k).any())
    lost = Exclusion(
        "counts of a group that no survey knows", int((~used).sum()), "rows", argument
    )
    return Counts(made[0], made[1], made[2], named, lost)


def _frame(data: object) -> pd.DataFrame:
    """Return the rows to count: of a result, those of its dimensions and overall."""
    if isinstance(data, (Table, TableResult)):
        data = data.to_frame()
    frame = open_frame(data).to_pandas()
    if "level" in frame and frame["level"].isin(["dimension", "overall"]).any():
        frame = frame[frame["level"].isin(["dimension", "overall"])]
    return frame.reset_index(drop=True)


def _pair(argument: str, columns: Sequence[str]) -> tuple[str, str]:
    own = PAIRS[argument]
    if not set(own) & set(columns) and set(GENERAL) <= set(columns):
        return GENERAL
    return own


def _numbers(argument: str, frame: pd.DataFrame, name: str) -> FloatArray:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    if name == "n_eff":
        return values
    bad = ~np.isfinite(values) | (values < 0) | (values > MOST)
    if bad.any():
        value = frame[name].iloc[int(np.flatnonzero(bad)[0])]
        raise DataError(
            f"{argument}= column {name!r} holds {value}",
            code="bad-count",
            column=name,
            value=str(value),
            remedy="give counts, 0 or more, one row per group and dimension",
        )
    return values


def _check_pairs(
    argument: str, pair: tuple[str, str], total: FloatArray, good: FloatArray
) -> None:
    part = np.abs(total - np.rint(total)) > WHOLE
    if part.any():
        at = int(np.flatnonzero(part)[0])
        raise DataError(
            f"{argument}= counts {total[at]:g} {pair[0]!r} in row {at}",
            code="bad-count",
            column=pair[0],
            value=float(total[at]),
            remedy="give whole numbers of cases; the good ones may be weighted",
        )
    over = good > total
    if over.any():
        at = int(np.flatnonzero(over)[0])
        raise DataError(
            f"{argument}= counts {good[at]:g} {pair[1]!r} among {total[at]:g} "
            f"{pair[0]!r} in row {at}",
            code="bad-count",
            column=pair[1],
            value=float(good[at]),
            remedy=f"{pair[1]!r} cannot exceed {pair[0]!r}; are they swapped?",
        )


def _check_effective(argument: str, total: FloatArray, n_eff: FloatArray) -> None:
    """Raise where the effective n is no n, or more than there are."""
    given = np.isfinite(n_eff) & (total > 0)
    bad = given & ((n_eff <= 0) | (n_eff > total * (1 + WHOLE)))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{argument}= has an n_eff of {n_eff[at]:g} for {total[at]:g} cases in row "
            f"{at}",
            code="bad-count",
            column="n_eff",
            value=float(n_eff[at]),
            remedy="the effective n is above 0 and at most the number of cases",
        )


def _places(argument: str, frame: pd.DataFrame, design: Design) -> IntArray:
    """Return the dimension of each row; D where a row is the overall, −1 for none."""
    D = len(design.dimensions)
    if "dimension" not in frame:
        return np.full(len(frame), -1, dtype=np.int64)
    place = {name: k for k, name in enumerate(design.dimensions)}
    overall = (
        frame["level"].eq("overall").to_numpy()
        if "level" in frame
        else np.zeros(len(frame), dtype=bool)
    )
    found = np.full(len(frame), -1, dtype=np.int64)
    for row, name in enumerate(frame["dimension"].tolist()):
        if overall[row]:
            found[row] = D
        elif isinstance(name, str) and name:
            if name not in place:
                raise DataError(
                    f"{argument}= names the dimension {name!r}",
                    code="unknown-dimension",
                    column="dimension",
                    value=name,
                    remedy=f"{did_you_mean(name, place)} the dimensions are "
                    f"{', '.join(place)}".strip(),
                )
            found[row] = place[name]
    return found


def _group_of(argument: str, frame: pd.DataFrame, groups: Groups) -> IntArray:
    """Return the group of each row, −1 for one that is in no survey."""
    place = groups.places()
    rows = list(zip(*(frame[name].tolist() for name in groups.by), strict=True))
    found = np.array([place.get(row, -1) for row in rows], dtype=np.int64)
    if len(rows) and (found < 0).all():
        name = " / ".join(map(str, rows[0]))
        raise DataError(
            f"{argument}= counts for the group {name!r}, of which no customer, "
            "manager or employee is known, nor of any other",
            code="no-common-group",
            column=groups.by[0],
            value=name,
            remedy=did_you_mean(name, groups.names()) or "name the groups alike",
        )
    return found
