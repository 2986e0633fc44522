"""Moments of complete rows straight from columns, with no copy of the answers."""

from __future__ import annotations

import dataclasses

import numpy as np

from satmetrics._checks import either
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray, IntArray, MissingPolicy
from satmetrics.moment import _kernel as kernel
from satmetrics.moment._stream import total_sums
from satmetrics.moment.built import built, middle, warn_of_loss
from satmetrics.moment.designs import sampled_rows, with_design
from satmetrics.moment.moments import Moments
from satmetrics.moment.streamed import Members, streamed_sums
from satmetrics.survey.missing import complete_rows
from satmetrics.survey.survey import Survey


def one_group(
    survey: Survey, names: tuple[str, ...], missing: MissingPolicy
) -> Moments:
    """Moments of the complete rows of one group, without a copy of the answers."""
    columns, w = survey.answer_columns(names), survey.weights
    found = streamed_sums(columns, w, names, missing)
    warn_of_loss(found.complete.lost, survey.n, missing, stacklevel=5)
    sums = kernel.moments_of_sums(found.sums[None], found.shift)
    taylor = None
    if w is not None and sums.n[0] > 1:
        about = total_sums(columns, w**2, found.complete.rows, sums.mean[0])
        taylor = middle(about[None], sums)
    context = survey.context_for(names).plus(*found.complete.exclusions)
    moments = built(names, sums, None, context, taylor=taylor)
    sampled = sampled_rows(survey, found.complete.rows)
    if sampled is None:
        return moments.group(0)
    rows = slice(None) if found.complete.rows is None else found.complete.rows
    v = 1.0 if w is None else w[rows]

    def influence(j: int) -> FloatArray:
        return np.asarray((columns[j][rows] - sums.mean[0, j]) * v)

    codes = np.zeros(len(sampled.unit), dtype=np.int64)
    return with_design(moments, sampled, codes, influence).group(0)


def large_groups(
    survey: Survey,
    names: tuple[str, ...],
    missing: MissingPolicy,
    codes: IntArray,
    keys: Table,
    by: object,
) -> Moments:
    """Moments of complete rows of a few large groups, with no copy of the answers."""
    columns, w = survey.answer_columns(names), survey.weights
    complete = complete_rows(columns, names, missing)
    warn_of_loss(complete.lost, survey.n, missing, stacklevel=5)
    members = Members.of(complete, codes, len(keys))
    shift = members.shifts(columns)
    sums = kernel.moments_of_sums(members.sums(columns, w, shift), shift)
    taylor = None
    if w is not None:
        centre = np.nan_to_num(sums.mean)
        taylor = middle(members.sums(columns, w**2, centre), sums)
    keyless = Exclusion(f"no value of {either(by)}", int((members.codes < 0).sum()))
    context = survey.context_for(names).plus(*complete.exclusions, keyless)
    moments = built(names, sums, keys, context, taylor=taylor)
    there = slice(None) if complete.rows is None else complete.rows
    v = 1.0 if w is None else w[there]
    mean = np.vstack([sums.mean, np.zeros(len(names))])

    def influence(j: int) -> FloatArray:
        return np.asarray((columns[j][there] - mean[members.codes, j]) * v)

    sampled = sampled_rows(survey, complete.rows)
    moments = with_design(moments, sampled, members.codes, influence)
    return dataclasses.replace(
        moments, reasons=_emptied(names, columns, codes, moments)
    )


def _emptied(
    names: tuple[str, ...],
    columns: tuple[FloatArray, ...],
    codes: IntArray,
    moments: Moments,
) -> tuple[str, ...]:
    """Name, per group without a complete row, the items nobody there answered."""
    reasons = [""] * len(moments.reasons)
    for g in np.flatnonzero(moments.n == 0):
        rows = np.flatnonzero(codes == g)
        empty = [
            n for n, c in zip(names, columns, strict=True) if np.isnan(c[rows]).all()
        ]
        reasons[g] = f"no answers to {', '.join(empty[:5])}" if empty else ""
    return tuple(reasons)
