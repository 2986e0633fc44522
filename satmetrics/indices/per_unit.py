"""Numbers a caller gives for all units, or for each by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._frames import Table
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError

PerUnit = float | Mapping[str, float]
"""One number, or unit → number."""


def unit_labels(table: Table, keys: Sequence[str]) -> list[str]:
    """Return the unit of each row: its keys, several joined by " / "."""
    if not keys:
        return [""] * len(table)
    columns = [[str(v) for v in table[key]] for key in keys]
    return [" / ".join(parts) for parts in zip(*columns, strict=True)]


def per_unit(name: str, given: object, units: Sequence[str]) -> FloatArray:
    """Return the number of each unit.

    Raises
    ------
    OptionError
        If a unit is unknown or has no number, or what is given is no number.
    """
    if not isinstance(given, Mapping):
        return np.full(len(units), _number(name, given))
    held = {str(unit): _number(name, value) for unit, value in given.items()}
    for unit in held:
        if unit not in units:
            raise OptionError(
                f"{name}= names {unit!r}, which the index does not have",
                code="unknown-unit",
                column=name,
                value=unit,
                remedy=f"{did_you_mean(unit, units)} it has {len(set(units))} units"
                ", several keys joined by ' / '",
            )
    lacking = [unit for unit in units if unit not in held]
    if lacking:
        raise OptionError(
            f"{name}= has no number for {lacking[0]!r}"
            + (f" and {len(lacking) - 1} more units" if len(lacking) > 1 else ""),
            code="unit-without-number",
            column=name,
            value=lacking[0],
            remedy="give every unit a number, or one number for all",
        )
    return np.array([held[unit] for unit in units])


def _number(name: str, value: object) -> float:
    good = isinstance(value, (int, float, np.integer, np.floating))
    if not good or isinstance(value, bool) or not np.isfinite(float(value)):  # type: ignore[arg-type]
        raise OptionError(
            f"{name}={value!r} is not a number",
            code=f"bad-{name.replace('_', '-')}",
            column=name,
            value=value,
            remedy="give points of the index such as 75, or unit → points",
        )
    return float(value)  # type: ignore[arg-type]
