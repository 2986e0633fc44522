"""Reading columns as declared, and warning where they look otherwise."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence

from satmetrics.errors import DataError, SatmetricsWarning
from satmetrics.survey._declared import Declared
from satmetrics.survey._door import Grid, span_of
from satmetrics.survey._plausible import check_reversals, check_scales
from satmetrics.survey._suspects import scale_cure
from satmetrics.survey.answers import Reading, read_answers


def read_column(grid: Grid, declared: Declared, name: str) -> Reading:
    """Return a column read by the rules declared for it."""
    return read_answers(name, grid[name], declared.rules(name))


def no_scale(name: str) -> DataError:
    """Return the error for a reversed item without a scale."""
    return DataError(
        f"item {name!r} is reversed and has no scale to turn it on",
        code="no-scale",
        column=name,
        remedy=f"give {scale_cure(name)}",
    )


def read_items(
    grid: Grid, declared: Declared, free: Sequence[str], items: Sequence[str] | None
) -> dict[str, Reading]:
    """Read the named or declared items, whose faults raise now.

    Where neither the user nor an instrument names the items, every other column that
    can be read is one too; the faults of the rest raise when they are asked for.
    """
    if items is not None:
        return {
            name: read_column(grid, declared, name) for name in free if name in items
        }
    spec = declared.instrument
    stated = set(spec.columns() if spec else ()) | set(declared.scales)
    stated |= set(declared.reverse) | set(declared.texts) | set(declared.codes)
    readings = {}
    for name in free:
        if name in stated:
            readings[name] = read_column(grid, declared, name)
        elif spec is None:
            with contextlib.suppress(DataError):
                readings[name] = read_column(grid, declared, name)
    return readings


def warn_implausible(
    readings: Mapping[str, Reading], declared: Declared, stacklevel: int
) -> None:
    """Warn of answers that do not look as declared."""
    values = {name: reading.values for name, reading in readings.items()}
    found: list[SatmetricsWarning] = [
        *check_scales(
            {name: r.span or span_of(r.values) for name, r in readings.items()},
            values,
            declared,
        ),
        *check_reversals(values, declared),
    ]
    for warning in found:
        warnings.warn(warning, stacklevel=stacklevel)
