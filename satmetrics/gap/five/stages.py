"""Stages of a service: what one source says of it, by item, dimension and overall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from satmetrics._checks import columns_present, did_you_mean
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _levels as kernel
from satmetrics.gap.design import Design
from satmetrics.gap.five.sources import Source
from satmetrics.moment._column_means import MeanStats
from satmetrics.survey.scale import Scale
from satmetrics.survey.survey import Survey

Ratings = str | Mapping[str, str] | Mapping[str, Sequence[str]]
"""A pattern such as "s_{dimension}", or item or dimension → column(s)."""


@dataclass(frozen=True)
class Asked:
    """Which columns of a source ask for a stage.

    Attributes
    ----------
    items : item → column.
    dimensions : dimension → columns, where it is asked once per dimension.
    """

    items: Mapping[str, str]
    dimensions: Mapping[str, tuple[str, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        per = [name for names in self.dimensions.values() for name in names]
        return (*self.items.values(), *per)

    def __bool__(self) -> bool:
        return bool(self.items or self.dimensions)


@dataclass(frozen=True, eq=False)
class Stage:
    """Scores of a stage: items, then dimensions, then overall.

    Attributes
    ----------
    name : "expectation", "belief", "standards" …
    source : who says so.
    columns : m + D + 1 arrays (n,), NaN where there is nothing.
    asked : (m + D + 1,) True where there is something.
    scale : the scale of all of them, None if not stated.
    short : dimension scores left out because too few of their items were answered.
    """

    name: str
    source: Source
    columns: tuple[FloatArray, ...]
    asked: BoolArray
    scale: Scale | None
    short: int = 0

    @cached_property
    def means(self) -> MeanStats:
        """Statistics of every score in every group, each (G, m + D + 1)."""
        return self.source.means(self.columns)

    def minus(self, earlier: Stage) -> tuple[FloatArray, ...]:
        """Return differences of the same respondents' scores."""
        pairs = zip(self.columns, earlier.columns, strict=True)
        return tuple(a - b for a, b in pairs)


def asked_columns(
    argument: str, given: Ratings, design: Design, present: Sequence[str], where: str
) -> Asked:
    """Return the columns that a pattern or mapping means.

    Raises
    ------
    OptionError
        If it is neither, or names an unknown item or dimension.
    DataError
        If no column (of a pattern) or not every column (of a mapping) is present.
    """
    if isinstance(given, str):
        return _of_pattern(argument, given, design, present, where)
    if not isinstance(given, Mapping) or not given:
        raise OptionError(
            f"{argument}={given!r}",
            code="bad-columns",
            column=argument,
            remedy="give a pattern such as 's_{dimension}' or 's_{item}', or "
            "{dimension: column}",
        )
    known = (*design.dimensions, *design.items)
    for name in given:
        if name not in known:
            raise OptionError(
                f"{argument}= names {name!r}, which is no dimension or item",
                code="unknown-dimension",
                column=argument,
                value=name,
                remedy=f"{did_you_mean(name, known)} the dimensions are "
                f"{', '.join(design.dimensions)}".strip(),
            )
    listed = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in given.items()}
    columns_present([c for v in listed.values() for c in v], present, where=where)
    return _checked(
        argument,
        {k: v[0] for k, v in listed.items() if k not in design.dimensions},
        {k: v for k, v in listed.items() if k in design.dimensions},
    )


def _checked(
    argument: str,
    items: Mapping[str, str],
    dimensions: Mapping[str, tuple[str, ...]],
) -> Asked:
    asked = Asked(items, dimensions)
    twice = [c for c in asked.columns if asked.columns.count(c) > 1]
    if twice or (items and dimensions):
        raise OptionError(
            f"{argument}= uses column {twice[0]!r} twice"
            if twice
            else f"{argument}= mixes items and dimensions",
            code="bad-columns",
            column=argument,
            value=twice[0] if twice else None,
            remedy="name each column once, either for items or for dimensions",
        )
    return asked


def _of_pattern(
    argument: str, given: str, design: Design, present: Sequence[str], where: str
) -> Asked:
    per_item = "{item}" in given
    if per_item == ("{dimension}" in given):
        raise OptionError(
            f"{argument}={given!r} names no columns",
            code="bad-pattern",
            column=argument,
            value=given,
            remedy="a pattern holds {item} or {dimension}, such as 's_{dimension}'",
        )
    word, labels = (
        ("item", design.items) if per_item else ("dimension", design.dimensions)
    )
    wanted = {label: given.replace(f"{{{word}}}", label) for label in labels}
    found = {label: c for label, c in wanted.items() if c in present}
    if not found:
        columns_present(list(wanted.values()), present, where=where)
    if per_item:
        return _checked(argument, found, {})
    return _checked(argument, {}, {label: (c,) for label, c in found.items()})


def stage(
    name: str,
    source: Source,
    asked: Asked,
    design: Design,
    *,
    scale: Scale | None,
    rescale: bool,
    common: Sequence[str],
    min_answered: float,
) -> Stage:
    """Read the answers of a stage and average them, respondent by respondent.

    Parameters
    ----------
    common : items that make the dimension scores.
    scale : of the scores.
    rescale : put answers on 0-100 by the ends of their own scale.
    """
    n = int(source.keep.sum())
    nothing = np.full(n, np.nan)
    read = dict(zip(asked.columns, source.columns(asked.columns), strict=True))
    if rescale:
        read = {c: _to_100(source.survey, c, x) for c, x in read.items()}
    items = [
        read[asked.items[item]] if item in asked.items else nothing
        for item in design.items
    ]
    blocks = [
        [read[c] for c in asked.dimensions.get(label, ())]
        or [items[j] for j in block if design.items[j] in {*common} & {*asked.items}]
        for label, block in zip(design.dimensions, design.blocks(), strict=True)
    ]
    scores, overall, short = averaged(blocks, n, min_answered)
    known = np.array(
        [
            *(item in asked.items for item in design.items),
            *map(bool, blocks),
            any(blocks),
        ]
    )
    return Stage(name, source, (*items, *scores, overall), known, scale, short)


def averaged(
    blocks: Sequence[Sequence[FloatArray]], n: int, min_answered: float
) -> tuple[list[FloatArray], FloatArray, int]:
    """Average the columns of each dimension, then the dimensions, by respondent.

    Returns
    -------
    scores : one array (n,) per block, NaN where it is empty.
    overall : (n,) mean of the dimensions that have columns.
    short : scores left out because fewer than `min_answered` were answered.
    """
    scores, short = [], 0
    for parts in blocks:
        if not parts:
            scores.append(np.full(n, np.nan))
            continue
        whole = [list(range(len(parts)))]
        (found,), few = kernel.block_means((parts,), whole, min_answered)
        scores.append(found[0])
        short += int(few[0].sum())
    there = [d for d, parts in enumerate(blocks) if parts]
    if not there:
        return scores, np.full(n, np.nan), short
    (overall,), _ = kernel.block_means((scores,), [there], min_answered)
    return scores, overall[0], short


def _to_100(survey: Survey, column: str, values: FloatArray) -> FloatArray:
    scale = survey.scale(column)
    if scale is None:
        raise DataError(
            f"{column!r} has no scale to put it on 0-100",
            code="no-scale",
            column=column,
            remedy="state it: Survey(frame, scale={column: (1, 7)})",
        )
    return scale.to_100(values)


def scale_of(what: str, survey: Survey, asked: Asked) -> Scale | None:
    """Return the one scale of a stage's columns, None if none is stated.

    Raises
    ------
    DataError
        If the columns are on different scales.
    """
    scales = {c: survey.scale(c) for c in asked.columns}
    ends = {c: None if s is None else (s.minimum, s.maximum) for c, s in scales.items()}
    first = next(iter(ends))
    for column, own in ends.items():
        if own != ends[first]:
            raise mixed_scales(
                *(what, f"{first!r} is on {scales[first] or 'no stated scale'}"),
                *(f"{column!r} on {scales[column] or 'no stated scale'}", column),
            )
    return scales[first]


def mixed_scales(what: str, one: str, other: str, column: str) -> DataError:
    """Return the error for answers on different scales."""
    return DataError(
        f"{what}: {one}, {other}",
        code="mixed-scales",
        column=column,
        remedy="ask on one scale, or pass rescale=True to put all on 0-100 by the ends "
        "of their own scale",
    )
