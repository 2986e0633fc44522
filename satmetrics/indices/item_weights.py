"""How much items weigh within their component: alike, by numbers, by ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType

import numpy as np

from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices.formula_spec import FormulaIndex
from satmetrics.moment._column_means import Rows, mean_of
from satmetrics.survey.survey import Survey

Importance = Mapping[str, Sequence[float] | Sequence[str]]
"""Component → numbers or columns of ratings, in the order of its items."""


def item_weights(
    spec: FormulaIndex,
    survey: Survey,
    blocks: Mapping[str, tuple[str, ...]],
    importance: Importance | None,
) -> tuple[dict[str, FloatArray], tuple[str, ...]]:
    """Return the shares of items within their component, and what to say of them.

    Raises
    ------
    OptionError
        If importance is given where the formula has none, or for other items.
    DataError
        If an importance is negative, or all are zero.
    """
    if not isinstance(importance, (Mapping, NoneType)):
        raise OptionError(
            f"importance={importance!r} does not say of which component",
            code="bad-importance",
            column="importance",
            value=importance,
            remedy="give {component: [one number or column per item]}",
        )
    given = dict(importance or {})
    weighed = [part.name for part in spec.components if part.importance]
    unknown = [name for name in given if name not in weighed]
    if unknown:
        raise OptionError(
            f"{spec.name!r} does not weigh items of {unknown[0]!r} by importance",
            code="no-importance",
            column="importance",
            value=unknown[0],
            remedy=f"it does so for {', '.join(weighed) or 'none of its components'}",
        )
    shares = {name: np.full(len(b), 1 / len(b)) for name, b in blocks.items()}
    notes: tuple[str, ...] = ()
    for name in weighed:
        if name not in given:
            notes += (f"no importance given: items of {name} weigh alike",)
            continue
        values, said = _values(name, given[name], survey, len(blocks[name]))
        notes += said
        shares[name] = values / values.sum()
    return shares, notes


def _values(
    name: str, given: Sequence[float] | Sequence[str], survey: Survey, k: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the importance (k,) of a component's items."""
    if isinstance(given, str) or len(given) != k:
        raise OptionError(
            f"importance= gives {given!r} for the {k} items of {name!r}",
            code="bad-importance",
            column="importance",
            value=given,
            remedy="give one number, or one column, per item in their order",
        )
    texts = [value for value in given if isinstance(value, str)]
    notes: tuple[str, ...] = ()
    if texts:
        every = Rows(np.zeros(survey.n, dtype=np.int64), 1, survey.weights)
        columns = survey.answer_columns([str(value) for value in given])
        values = np.array([mean_of(column, every)[0] for column in columns])
        notes = (
            f"items of {name} weigh by their mean importance over all rows, taken as "
            "fixed",
        )
    else:
        values = np.asarray(given, dtype=np.float64)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.sum() > 0):
        raise DataError(
            f"importance of the items of {name!r}: {values.tolist()}",
            code="bad-importance",
            column="importance",
            value=tuple(values.tolist()),
            remedy="importance must not be negative, nor all of it zero",
        )
    return values, notes
