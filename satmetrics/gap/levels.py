"""Scores by item, dimension and overall, of any number of forms at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._result import Context, Exclusion
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap import _levels as kernel
from satmetrics.gap.design import Design
from satmetrics.gap.forms import Columns
from satmetrics.gap.result import row_labels
from satmetrics.gap.words import MEAN_OF_DIMENSIONS, MEAN_OF_ITEMS

WORDS = {1: "answers", 2: "answer pairs", 3: "answer triples"}
"""What is answered in one, two or three forms."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Columns of scores: the items, then the dimensions, then overall.

    Attributes
    ----------
    forms : per form the q columns (n,); an item's are as they were read.
    variants : names of the overall scores.
    design : the items and dimensions.
    min_answered : share of the items, or dimensions, a respondent must have.
    short : respondents with some items of each dimension, but too few.
    lost : respondents without each overall score.
    """

    forms: tuple[tuple[FloatArray, ...], ...]
    variants: tuple[str, ...]
    design: Design
    min_answered: float
    short: tuple[int, ...]
    lost: tuple[int, ...]

    @property
    def dimensions(self) -> tuple[tuple[FloatArray, ...], ...]:
        """Per form the columns of the dimensions alone."""
        m = len(self.design.items)
        return tuple(form[m : m + len(self.design.dimensions)] for form in self.forms)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What the rule on missing answers left out."""
        word = WORDS[len(self.forms)]
        return self.counted(f"{word} are there", "have a score")

    def counted(self, items: str, dimensions: str) -> tuple[Exclusion, ...]:
        """Return the counts in the words of a kind of score.

        Parameters
        ----------
        items, dimensions : what too few of them are, such as "answers are there".
        """
        share = f"fewer than {100 * self.min_answered:g} % of the"
        reasons = {
            MEAN_OF_DIMENSIONS: f"{share} dimensions {dimensions}",
            MEAN_OF_ITEMS: f"{share} {items}",
        }
        parts = zip(self.design.dimensions, self.short, strict=True)
        overall = zip(self.variants, self.lost, strict=True)
        few = f"{share} {items}"
        return (
            *(Exclusion(few, n, "dimension scores", name) for name, n in parts),
            *(Exclusion(reasons[name], n, "respondents", name) for name, n in overall),
        )

    def row_labels(self, terms: Sequence[str], groups: int) -> dict[str, AnyArray]:
        """Return labels of G x q x terms rows: the terms vary fastest."""
        own = row_labels(self.design, self.variants)
        q, T = len(own["level"]), len(terms)
        found = {name: np.tile(np.repeat(c, T), groups) for name, c in own.items()}
        return {**found, "term": np.tile(np.asarray(terms, dtype=object), groups * q)}


def levels_of(forms: Sequence[Columns], design: Design, min_answered: float) -> Levels:
    """Average items into dimensions and overall, counting whom the rule leaves out.

    Parameters
    ----------
    forms : per form one column (n,) per item.
    design : which items form which dimension.
    min_answered : share of the items, or dimensions, a respondent must have.
    """
    blocks = design.blocks()
    means, short = kernel.block_means(forms, blocks, min_answered)
    sources = ([means] if design.dimensions else []) + [tuple(forms)]
    overall = [
        kernel.block_means(part, [range(len(part[0]))], min_answered)[0]
        for part in sources
    ]
    variants = ((MEAN_OF_DIMENSIONS,) if design.dimensions else ()) + (MEAN_OF_ITEMS,)
    columns = tuple(
        (*forms[f], *means[f], *(part[f][0] for part in overall))
        for f in range(len(forms))
    )
    few = tuple(int(column.sum()) for column in short)
    lost = tuple(int(np.isnan(part[-1][0]).sum()) for part in overall)
    return Levels(columns, variants, design, min_answered, few, lost)


def lost_answers(
    forms: Mapping[str, Columns], context: Context, missing: str
) -> Context:
    """Count what is dropped because one of its forms was not answered (pairwise)."""
    if missing != "pairwise":
        return context
    lost = 0
    for columns in zip(*forms.values(), strict=True):
        whole = kernel.answered_in_all(columns)
        lost += 0 if whole is None else int((~whole).sum())
    names = " or ".join(forms)
    return context.plus(
        Exclusion(f"{names} missing (pairwise)", lost, WORDS[len(forms)])
    )


def overall_sentence(min_answered: float) -> str:
    """Say how respondents' scores are made of their answers."""
    return (
        "a respondent's score of a dimension is the mean of its items answered in "
        f"full, from {100 * min_answered:g} % of them on; overall, the mean of "
        "dimensions and the mean of items follow the same rule and differ on purpose"
    )
