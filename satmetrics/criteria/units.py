"""Levels of criteria by unit: the matrix that weights of dispersion are made from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray
from satmetrics.criteria.blocks import Criteria, blocks_of
from satmetrics.criteria.rows import answered
from satmetrics.errors import DataError, OptionError
from satmetrics.moment._column_means import mean_of
from satmetrics.survey.survey import Survey, as_survey

FLAT = 1e-12
"""A range this small beside the values is no variation."""


def unit_matrix(
    data: object, criteria: Criteria | None, by: str | Sequence[str] | None
) -> tuple[FloatArray, tuple[str, ...], Context]:
    """Return levels (U, D), the criteria and the origin; incomplete units are counted.

    Parameters
    ----------
    data : an array or lists with a row per unit, a dataframe with a row per unit, or
        answers of which the groups of `by` are the units.
    criteria : names of the columns, or ``{criterion: [columns]}``; the dimensions of
        the survey's instrument, or all columns, when None.
    by : columns or roles that make the units; None where rows are units.

    Raises
    ------
    DataError
        If fewer than two units are complete.
    """
    if isinstance(data, (np.ndarray, list, tuple)):
        matrix, names = _of_array(data, criteria, by)
        context = Context(n_rows=len(matrix))
    else:
        matrix, names, context = _of_answers(as_survey(data), criteria, by)
    whole = np.isfinite(matrix).all(axis=1)
    lost = Exclusion("a criterion has no level", int((~whole).sum()), "units")
    if whole.sum() < 2 or not names:
        raise DataError(
            f"{int(whole.sum())} units have a level of every criterion",
            code="too-few-units",
            value=int(whole.sum()),
            remedy="weights of dispersion need at least two; by= makes groups of "
            "respondents the units",
        )
    return matrix[whole], names, context.plus(lost)


def varying(
    matrix: FloatArray, names: tuple[str, ...]
) -> tuple[list[int], tuple[Exclusion, ...]]:
    """Return the criteria that differ between units, and a count of the others.

    Raises
    ------
    DataError
        If none does.
    """
    spread = np.ptp(matrix, axis=0) > FLAT * np.abs(matrix).max(axis=0)
    if not spread.any():
        raise DataError(
            "no criterion differs between units",
            code="constant",
            value=names,
            remedy="such weights measure how criteria tell units apart",
        )
    flat = [name for name, varies in zip(names, spread, strict=True) if not varies]
    reason = f"the same in all units: weight 0 ({', '.join(flat)})"
    return np.flatnonzero(spread).tolist(), (Exclusion(reason, len(flat), "criteria"),)


def _of_array(
    data: object, criteria: Criteria | None, by: object
) -> tuple[FloatArray, tuple[str, ...]]:
    matrix = np.asarray(data, dtype=np.float64)
    names = tuple(map(str, criteria or ()))
    if by is not None or isinstance(criteria, Mapping) or matrix.ndim != 2:
        raise OptionError(
            "an array has a row per unit and a column per criterion",
            code="bad-matrix",
            column="by",
            value=matrix.shape,
            remedy="give a dataframe of answers for by= and {criterion: [columns]}",
        )
    names = names or tuple(f"criterion {j + 1}" for j in range(matrix.shape[1]))
    if len(names) != matrix.shape[1]:
        raise DataError(
            f"{len(names)} names for {matrix.shape[1]} columns",
            code="bad-matrix",
            column="criteria",
            value=names,
            remedy="name every column",
        )
    return matrix, names


def _of_answers(
    survey: Survey, criteria: Criteria | None, by: str | Sequence[str] | None
) -> tuple[FloatArray, tuple[str, ...], Context]:
    if criteria is None and survey.instrument is None:
        groups = {by} if isinstance(by, str) else set(by or ())
        criteria = [name for name in survey.items if name not in groups]
    blocks = blocks_of(criteria, survey.instrument)
    items = tuple(item for block in blocks.values() for item in block)
    found = answered(survey, items, by)
    starts = np.cumsum([0, *(len(block) for block in blocks.values())])
    parts = [found.X[:, a:b] for a, b in itertools.pairwise(starts)]
    if by is None:
        scores = np.column_stack([part.mean(axis=1) for part in parts])
        return scores, tuple(blocks), found.context
    means = np.stack([mean_of(x, found.rows) for x in found.X.T], axis=1)
    levels = [means[:, a:b].mean(axis=1) for a, b in itertools.pairwise(starts)]
    note = "the level of a unit is the mean of its items' means, each over its answers"
    return np.column_stack(levels), tuple(blocks), found.context.plus(notes=(note,))
