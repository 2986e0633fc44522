"""`unit_gaps`: one row a unit, its gaps and what may stand behind them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, friendly_keywords, one_of
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion, TableResult
from satmetrics._typing import AnyArray, FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five.antecedents import Antecedents, antecedent_means
from satmetrics.gap.five.gap_columns import ROWS, from_long, from_wide
from satmetrics.survey._door import open_frame
from satmetrics.survey.survey import Survey

STAGES = (
    "rated gaps are later stage − earlier stage, gap 5 is perception − expectation: "
    "negative is bad"
)


@dataclass(frozen=True, eq=False, repr=False)
class UnitGaps(TableResult):
    """Gaps of units in columns: what regressions and path models of units take.

    Attributes
    ----------
    table : the `by` columns, ``dimension`` (empty unless rows are dimensions), then per
        gap ``gap1, gap1_std_error, gap1_n`` …, then one column per antecedent.
    by : columns that name the unit.
    rows : "overall", one row a unit, or "dimension", one row a unit and dimension.
    gaps : numbers of the gaps that are there.
    constructs : names of the antecedents that are there.
    """

    by: tuple[str, ...] = ("unit",)
    rows: str = "overall"
    gaps: tuple[int, ...] = ()
    constructs: tuple[str, ...] = ()

    @property
    def codes(self) -> IntArray:
        """Unit (rows,) of each row, from 0."""
        keys = zip(*(self.table[name].tolist() for name in self.by), strict=True)
        place: dict[tuple[object, ...], int] = {}
        return np.array([place.setdefault(key, len(place)) for key in keys])

    @property
    def aggregation(self) -> str:
        """What the rows stand for, such as "n = 23 branches, 1,140 customers"."""
        units = int(self.codes.max(initial=-1)) + 1
        words = f"n = {units:,} units ({', '.join(self.by)})"
        if self.rows == "dimension":
            words = f"{words} × dimensions = {len(self.table):,} rows"
        n = self.table["gap5_n"] if "gap5_n" in self.table else np.zeros(0)
        known = n[np.isfinite(n)].astype(np.float64)
        if self.rows == "dimension" and known.size:
            return f"{words}, up to {_most(n, self.codes):,} customers"
        return f"{words}, {int(known.sum()):,} customers" if known.size else words

    def column(self, name: str) -> FloatArray:
        """Return one column as numbers."""
        return np.asarray(self.table[name], dtype=np.float64)

    def summary(self) -> Summary:
        """Return the gaps of each unit."""
        keys = [*self.by, *(["dimension"] if self.rows == "dimension" else [])]
        words = {name: name for name in keys}
        words |= {f"gap{k}": f"gap {k}" for k in self.gaps}
        words |= {name: name for name in self.constructs}
        return Summary(
            "Gaps by unit",
            (*self.context.facts(), ("aggregation", self.aggregation)),
            (section("", self.table, words, max_rows=30),),
            (STAGES, *self.context.sentences()),
        )


def _most(n: AnyArray, codes: IntArray) -> int:
    """Return the customers of all units, of a unit those of its fullest dimension."""
    most = np.zeros(int(codes.max()) + 1)
    np.maximum.at(most, codes, np.nan_to_num(n.astype(np.float64)))
    return int(most.sum())


@friendly_keywords
def unit_gaps(
    gaps: object,
    antecedents: object = None,
    *,
    by: str | Sequence[str] | None = None,
    rows: str = "overall",
    forms: Mapping[int, str] | None = None,
) -> UnitGaps:
    """Lay the gaps of units side by side, one row a unit (or a unit and dimension).

    Parameters
    ----------
    gaps : the result of `sat.five_gaps` by unit; a frame with one row per unit and gap
        (columns ``gap`` from 1 to 7 and ``estimate``, perhaps ``level``, ``dimension``,
        ``std_error``, ``n``, ``form``); or a frame with one row per unit and columns
        ``gap1`` … ``gap7`` (perhaps ``gap1_std_error``, ``gap1_n`` …).
    antecedents : a survey of managers and staff after the instrument
        ``gap_antecedents``, whose scores are averaged within units, or a frame with one
        column per antecedent and the unit's columns.
    by : columns that name the unit; those of the result, or "unit", when None.
    rows : "overall" for one row a unit, "dimension" for one a unit and dimension.
        Without overall rows in the data a unit's gap is the mean of its dimensions.
    forms : gap → form to use where a gap was measured in several ("rating" …).

    Returns
    -------
    UnitGaps

    Raises
    ------
    DataError
        If columns are absent, a unit has two figures for one gap, or no unit of the
        gaps is among the antecedents.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> frame = pd.DataFrame({"unit": ["a", "b"], "gap1": [-1, -2], "gap5": [-3, -4]})
    >>> sat.quality.unit_gaps(frame).gaps
    (1, 5)
    """
    one_of("rows", rows, ROWS)
    if isinstance(gaps, UnitGaps) and antecedents is None and by is None:
        return gaps
    context = gaps.context if isinstance(gaps, TableResult) else Context()
    names = _by(gaps, by)
    frame = gaps.to_frame() if isinstance(gaps, TableResult) else gaps
    grid = open_frame(frame)
    columns_present(names, grid.names, where="the table of gaps")
    long = "gap" in grid and "estimate" in grid
    found = (from_long if long else from_wide)(grid, names, rows, forms or {})
    context = context.plus(*found.exclusions, notes=found.notes)
    columns = dict(found.columns)
    constructs: tuple[str, ...] = ()
    if antecedents is not None:
        scores = antecedent_means(antecedents, names)
        added, lost = _matched(found.keys, scores, names)
        columns |= added
        constructs = scores.names
        context = context.plus(*scores.exclusions, lost, notes=scores.notes)
    keys = {name: found.keys[name] for name in found.keys.names}
    table = Table.of({**keys, **columns}, keys=(*names, "dimension"))
    return UnitGaps(table, context, names, rows, found.gaps, constructs)


def _by(gaps: object, by: str | Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(gaps, (Survey, str)):
        raise OptionError(
            f"a {type(gaps).__name__} holds no gaps of units",
            code="not-gaps",
            column="gaps",
            remedy="compute them first: sat.five_gaps(…, by=…)",
        )
    if by is not None:
        return (by,) if isinstance(by, str) else tuple(by)
    own = tuple(getattr(gaps, "by", ())) if isinstance(gaps, TableResult) else ("unit",)
    if not own:
        raise DataError(
            "the gaps are of all units together",
            code="no-units",
            column="by",
            remedy="compute them by unit: sat.five_gaps(…, by=…)",
        )
    return own


def _matched(
    keys: Table, scores: Antecedents, names: tuple[str, ...]
) -> tuple[dict[str, FloatArray], Exclusion]:
    """Return the antecedents (rows,) of each row's unit; units are matched as texts."""
    place = {
        key: i for i, key in enumerate(_texts(scores.keys, names)) if "" not in key
    }
    at = np.array([place.get(key, -1) for key in _texts(keys, names)])
    if (at < 0).all():
        raise DataError(
            "no unit of the gaps is among the units of the antecedents",
            code="no-common-units",
            column=names[0],
            value=tuple(str(v) for v in keys[names[0]][:3]),
            remedy="the antecedents have "
            + ", ".join(repr(str(v)) for v in scores.keys[names[0]][:3]),
        )
    values = np.vstack([scores.means, np.full(len(scores.names), np.nan)])[at]
    known = {*(_texts(keys, names))}
    alone = sum(key not in known for key in place)
    lost = Exclusion("units of the antecedents without gaps", alone, "units")
    return dict(zip(scores.names, values.T, strict=True)), lost


def _texts(keys: Table, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    columns = [[str(v) for v in keys[name].tolist()] for name in names]
    return list(zip(*columns, strict=True))
