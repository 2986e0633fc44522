"""Scores of respondents and the units they belong to, from forms or columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from satmetrics._checks import columns_present
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.design import Design, design_of_instrument
from satmetrics.gap.forms import read_forms
from satmetrics.moment._column_means import Rows
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import known_instrument, survey_of
from satmetrics.survey.scale import Scale, ScaleLike, as_scale
from satmetrics.survey.survey import Survey

Scores: TypeAlias = str | Sequence[str] | Mapping[str, Sequence[str]]
"""A form of the instrument or "gap", columns, or ``{score: columns}``."""
GAP = "gap"


@dataclass(frozen=True, eq=False)
class Scored:
    """Items of each score, by respondent.

    Attributes
    ----------
    names : the scores.
    several : True if they stand for dimensions, False if for single items.
    items : per score (n, J) answers, NaN for missing.
    scales : per score the scale of its items; None where unknown, or of differences.
    rows : unit, weight and sampling of each respondent.
    keys : one row per unit.
    context : origin, and what was left out.
    words : how respondents were sampled.
    difference : True if scores are gaps.
    """

    names: tuple[str, ...]
    several: bool
    items: tuple[FloatArray, ...]
    scales: tuple[Scale | None, ...]
    rows: Rows
    keys: Table
    context: Context
    words: tuple[str, ...] = ()
    difference: bool = False

    def labels(self, at: Sequence[int]) -> dict[str, list[str]]:
        """Return level, dimension and item of the scores at these positions."""
        names = [self.names[i] for i in at]
        blank = [""] * len(names)
        level = "dimension" if self.several else "item"
        first, second = (names, blank) if self.several else (blank, names)
        return {
            "level": [level] * len(names),
            "dimension": first,
            "item": second,
        }

    def means(self, min_answered: float) -> FloatArray:
        """Return each respondent's score (n, q): the mean of the items answered."""
        return np.column_stack([item_mean(X, min_answered) for X in self.items])


def item_mean(X: FloatArray, min_answered: float) -> FloatArray:
    """Return the mean (n,) of the items answered (n, J); NaN where too few were."""
    if X.shape[1] == 1:
        return X[:, 0]
    seen = np.isfinite(X)
    count = seen.sum(axis=1)
    enough = (count > 0) & (count >= min_answered * X.shape[1] - 1e-9)
    total = np.where(seen, X, 0.0).sum(axis=1)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def read_scores(
    data: object,
    scores: Scores | None,
    *,
    by: str | Sequence[str],
    instrument: Instrument | str | None = None,
    scale: ScaleLike | None = None,
) -> Scored:
    """Read the columns of scores, with unit, weight and sampling of each respondent.

    Raises
    ------
    DataError
        If columns are absent or no row has a unit.
    OptionError
        If `scores` names no form and no column.
    """
    spec = known_instrument(instrument)
    survey = survey_of(data, spec)
    design, several = _design(survey, scores, spec or survey.instrument)
    answers = read_forms(survey, design, by=by)
    if answers.keys is None or not len(answers.keys):
        raise DataError(
            f"no row has a value of {by}",
            code="no-units",
            column=str(by),
            remedy="name the column of the unit: by=…",
        )
    last = list(design.columns)[-1]
    difference = "expectation" in design.columns
    X = answers[last]
    if difference:
        X = tuple(p - e for e, p in zip(answers["expectation"], X, strict=True))
    blocks = design.blocks() if several else [[j] for j in range(len(X))]
    own = None if scale is None else as_scale(scale)
    known = [own or survey.scale(name) for name in design.columns[last]]
    context = answers.context
    lost = [Exclusion("answer missing", int(np.isnan(x).sum()), "answers") for x in X]
    total = sum(e.n for e in lost)
    return Scored(
        design.dimensions if several else design.items,
        several,
        tuple(np.column_stack([X[j] for j in block]) for block in blocks),
        tuple(None if difference else known[block[0]] for block in blocks),
        answers.rows,
        answers.keys,
        context.plus(Exclusion("answer missing (pairwise)", total, "answers")),
        answers.error_note(),
        difference,
    )


def _design(
    survey: Survey, scores: Scores | None, spec: Instrument | None
) -> tuple[Design, bool]:
    if isinstance(scores, Mapping):
        return _of_blocks(scores), True
    if scores is not None and not isinstance(scores, str):
        return _of_items(tuple(scores)), False
    if spec is None or (isinstance(scores, str) and scores in survey.columns):
        if scores is None:
            raise OptionError(
                "nothing says which scores are meant",
                code="no-scores",
                column="scores",
                remedy="give columns, {score: columns}, or a form of the instrument",
            )
        columns_present([scores], survey.columns)
        return _of_items((scores,)), False
    if scores == GAP:
        return design_of_instrument(spec), True
    forms = [form.id for form in spec.forms if form.per_item]
    if scores is None and len(forms) != 1:
        raise OptionError(
            f"instrument {spec.id!r} has {len(forms)} forms",
            code="which-form",
            column="scores",
            remedy=f"say which: scores= one of {', '.join(forms)}",
        )
    return design_of_instrument(spec, [scores or forms[0]]), True


def _of_items(names: tuple[str, ...]) -> Design:
    return Design(names, {"answers": names})


def _of_blocks(scores: Mapping[str, Sequence[str]]) -> Design:
    blocks = {
        name: (columns,) if isinstance(columns, str) else tuple(columns)
        for name, columns in scores.items()
    }
    for name, columns in blocks.items():
        if not columns:
            raise DataError(
                f"score {name!r} has no columns",
                code="empty-score",
                column=name,
                remedy="give at least one column per score",
            )
    flat = tuple(column for columns in blocks.values() for column in columns)
    owner = [d for d, columns in enumerate(blocks.values()) for _ in columns]
    return Design(flat, {"answers": flat}, tuple(blocks), tuple(owner))
