"""What a check of columns says, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._frames import Table

if TYPE_CHECKING:
    from satmetrics.survey._check_columns import Seen
    from satmetrics.survey.instrument import Instrument

FEWEST = 30
"""Correlations of fewer answers are not looked at."""
SURE = 0.05
SHOWN = 8


def column_words(
    spec: Instrument, column: str, own: Seen, rest: dict[str, tuple[float, int]]
) -> str:
    """Say what looks odd in one column."""
    found = []
    if own.fault:
        found.append(own.fault)
    if own.unreadable:
        found.append(f"{own.unreadable:,} texts hold no number")
    if own.off_scale:
        shown = ", ".join(f"{value:g}" for value in own.off_values[:SHOWN])
        found.append(
            f"{own.off_scale:,} answers off the scale {spec.scale_of(column)}: {shown}"
        )
    if own.constant:
        found.append("all answers are the same")
    if own.there and not own.usable:
        found.append("no usable answers")
    r, n = rest.get(column, (np.nan, 0))
    if n >= FEWEST and r < -2 / np.sqrt(n):
        turned = column in spec.reverse_columns()
        cause = "looks reversed already" if turned else "looks reversed"
        found.append(f"{cause} (r = {r:.2f} with the rest of its dimension, n = {n:,})")
    return "; ".join(found)


def pairing_hints(table: Table, first: str) -> list[str]:
    """Return a hint for each expectation that surely goes with another perception."""
    sure = {
        row["item"]: row
        for row in table.rows()
        if row["n"] >= FEWEST and row["p_value"] < SURE
    }
    found, told = [], set()
    for name, row in sure.items():
        other = row["other"]
        if name in told:
            continue
        mutual = other in sure and sure[other]["other"] == name
        told |= {name, other} if mutual else {name}
        numbers = f"r = {row['best']:.2f} against {row['own']:.2f}, n = {row['n']:,}"
        found.append(
            f"hint: the {first} of {name!r} goes with the perception of {other!r} "
            f"better than with its own ({numbers})"
            + (", and the other way round: are they exchanged?" if mutual else "")
        )
    return found


def absent_columns(table: Table, others: Sequence[str]) -> list[str]:
    """Say which columns are not there, with the nearest names."""
    gone = [row for row in table.rows() if not row["there"]]
    if not gone:
        return []
    hints = [
        f"{r['column']} (did you mean {r['nearest']!r}?)" for r in gone if r["nearest"]
    ]
    bare = [row["column"] for row in gone if not row["nearest"]]
    many = "column is" if len(gone) == 1 else "columns are"
    text = f"{len(gone)} {many} not there: {listed([*hints, *bare])}"
    return [text + (f"; the data have also {listed(others)}" if others else "")]


def incomplete_forms(forms: Table) -> list[str]:
    """Say which forms have some of their columns and not all."""
    return [
        f"form {row['form']!r} is incomplete: {row['there']} of {row['columns']} "
        "columns"
        for row in forms.rows()
        if 0 < row["there"] < row["columns"]
    ]


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
