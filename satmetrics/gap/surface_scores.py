"""Scores that a response surface is fitted to: expectation, perception, outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion
from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap import _surface
from satmetrics.gap._levels import block_means
from satmetrics.gap.design import Design
from satmetrics.gap.forms import FormAnswers, read_forms
from satmetrics.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class SurfaceScores:
    """Columns of scores of D models, rows sorted by group.

    Attributes
    ----------
    names : dimension of each model, empty for the overall one.
    E, P : D columns (n,), less the centre; NaN = missing.
    Z : (n,) outcome.
    centre : (D,) what was subtracted from E and P.
    ends : (D, 2) lowest and highest possible score, or seen where no scale is known.
    order : (n,) position of each row among those read.
    read : how the rows were read.
    context : origin, and what was left out.
    """

    names: tuple[str, ...]
    E: tuple[FloatArray, ...]
    P: tuple[FloatArray, ...]
    Z: FloatArray
    centre: FloatArray
    ends: FloatArray
    order: IntArray | None
    read: FormAnswers
    context: Context

    @property
    def keys(self) -> Table | None:
        """One row per group, or None for one group of all."""
        return self.read.keys

    def layout(self, d: int) -> tuple[_surface.Layout, IntArray | None]:
        """Return the complete rows of model d, and where they stand; None for all."""
        rows = self.read.rows
        seen = np.isfinite(self.E[d]) & np.isfinite(self.Z)
        at = None if seen.all() else np.flatnonzero(seen)
        n = len(self.Z)
        codes = rows.codes if self.order is None else rows.codes[self.order]
        w = np.ones(n) if rows.w is None else rows.w
        w = w if self.order is None else w[self.order]
        here = slice(None) if at is None else at
        E, P, Z = (column[here] for column in (self.E[d], self.P[d], self.Z))
        return _surface.Layout.of(E, P, Z, w[here], codes[here], rows.n_groups), at


def surface_scores(
    survey: Survey,
    design: Design,
    outcome: str,
    *,
    by: str | Sequence[str] | None,
    centre: float | None,
    min_answered: float,
) -> SurfaceScores:
    """Read and average the pairs of every dimension and overall.

    Raises
    ------
    DataError
        If the outcome is one of the items, or the scales of the items differ or are
        not known and no centre is given.
    """
    if outcome in (*design.expectation, *design.perception):
        raise DataError(
            f"outcome={outcome!r} is one of the expectations or perceptions",
            code="outcome-among-items",
            column=outcome,
            value=outcome,
            remedy="give the column that expectation and perception should explain",
        )
    read = read_forms(survey, design, by=by, extra=[outcome])
    blocks = design.blocks()
    items = [list(range(len(design.items)))]
    forms = read["expectation"], read["perception"]
    (E, P), _ = block_means(forms, blocks or items, min_answered)
    names = design.dimensions
    if names:
        whole, _ = block_means((E, P), [range(len(E))], min_answered)
        E, P = E + whole[0], P + whole[1]
    middle, ends = _centres(survey, design, [*blocks, *items], centre, (E, P))
    Z = read["extra"][0]
    order = None
    if read.rows.n_groups > 1:
        order = np.argsort(read.rows.codes, kind="stable")
        E, P = ([column[order] for column in side] for side in (E, P))
        Z = Z[order]
    labels = (*names, "")
    return SurfaceScores(
        labels,
        tuple(e - c for e, c in zip(E, middle, strict=True)),
        tuple(p - c for p, c in zip(P, middle, strict=True)),
        *(Z, middle, ends, order, read),
        read.context.plus(*_lost(labels, E, Z, min_answered, outcome)),
    )


def _lost(
    names: Sequence[str],
    E: Sequence[FloatArray],
    Z: FloatArray,
    min_answered: float,
    outcome: str,
) -> list[Exclusion]:
    share = f"{100 * min_answered:g} %"
    found = [Exclusion(f"no answer to {outcome!r}", int(np.isnan(Z).sum()))]
    for name, e in zip(names, E, strict=True):
        lost = int((np.isnan(e) & np.isfinite(Z)).sum())
        why = f"fewer than {share} of the pairs answered"
        found.append(Exclusion(why, lost, "respondents", name or "overall"))
    return found


def _centres(
    survey: Survey,
    design: Design,
    blocks: Sequence[Sequence[int]],
    centre: float | None,
    scores: tuple[Sequence[FloatArray], Sequence[FloatArray]],
) -> tuple[FloatArray, FloatArray]:
    """Return the centre (D,) and the ends (D, 2) of every model's scores."""
    middle, ends = [], []
    for d, block in enumerate(blocks):
        columns = [form[j] for form in design.columns.values() for j in block]
        scales = {survey.scale(name) for name in columns}
        own = next(iter(scales)) if len(scales) == 1 else None
        if own is not None:
            ends.append([own.minimum, own.maximum])
        else:
            both = np.concatenate([scores[0][d], scores[1][d]])
            some = bool(np.isfinite(both).any())
            ends.append([np.nanmin(both), np.nanmax(both)] if some else [np.nan] * 2)
        if centre is None and own is None:
            raise _no_centre(columns[0], mixed=len(scales) > 1)
        middle.append(own.midpoint if centre is None and own is not None else centre)
    return np.array(middle, dtype=np.float64), np.array(ends, dtype=np.float64)


def _no_centre(column: str, *, mixed: bool) -> DataError:
    what = "items are on different scales" if mixed else f"{column!r} has no scale"
    return DataError(
        f"{what}, so that there is no midpoint to centre on",
        code="no-centre",
        column=column,
        remedy="make a survey with its scale, such as Survey(frame, scale=(1, 7)), or "
        "give centre=",
    )


def check_centre(centre: float | None) -> None:
    """Raise unless `centre` is None or a finite number."""
    if centre is None:
        return
    real = isinstance(centre, (int, float, np.number)) and not isinstance(centre, bool)
    if not real or not np.isfinite(centre):
        raise OptionError(
            f"centre={centre!r} is not a number",
            code="bad-centre",
            column="centre",
            value=centre,
            remedy="give a number in answer units, or leave it out for the midpoint of "
            "the scale",
        )
