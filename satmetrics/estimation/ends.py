"""The ends of the scale a fit's answers were given on: what 0 and 100 mean."""

from __future__ import annotations

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.errors import DataError
from satmetrics.estimation.door import scale_ends
from satmetrics.estimation.structural import StructuralFit
from satmetrics.moment.moments import Moments
from satmetrics.survey._lazy import is_lazy, open_lazy
from satmetrics.survey._lazy_checks import look
from satmetrics.survey.scale import Scale, ScaleLike, as_scale
from satmetrics.survey.survey import as_survey


def ends_of(
    fit: StructuralFit, data: object, scale: ScaleLike | None, which: IntArray
) -> FloatArray:
    """Return (2, p) scale ends: model first, then survey, then `scale`; or raise."""
    ends = np.array(fit.ends)
    used = np.isin(fit.model.owner(), which)
    asked = fit.asked()
    items = np.array(fit.columns, dtype=object)[used & asked].tolist()
    if is_lazy(data):
        if scale is not None:
            look(open_lazy(data).scaled(dict.fromkeys(items, as_scale(scale))), items)
    elif data is not None and not isinstance(data, Moments):
        survey = as_survey(data)
        if scale is not None:
            survey = survey.with_scale(scale, items)
        stated = fit.indicator_ends(scale_ends(fit.spec, survey))
        _check_conflict(fit, ends, stated)
        ends = np.where(np.isnan(ends), stated, ends)
    if scale is not None:
        given: Scale = as_scale(scale)
        fill = np.array([given.minimum, given.maximum])[:, None]
        ends = np.where(np.isnan(ends) & asked, fill, ends)
    for i, item in enumerate(fit.model.indicators):
        if np.isnan(ends[:, i]).any() and used[i]:
            raise DataError(
                f"{item!r} has no scale, and an index needs one",
                code="no-scale",
                column=item,
                remedy="give scale=(minimum, maximum) here, in the model or the survey"
                if asked[i]
                else "give the model or the survey a scale before it is fitted",
            )
    return ends


def _check_conflict(fit: StructuralFit, fitted: FloatArray, stated: FloatArray) -> None:
    both = np.isfinite(fitted) & np.isfinite(stated)
    differ = (both & (fitted != stated)).any(axis=0)
    if differ.any():
        i = int(np.flatnonzero(differ)[0])
        raise DataError(
            f"{fit.model.indicators[i]!r} is on {tuple(stated[:, i])} in this survey "
            f"and was on {tuple(fitted[:, i])} when the model was fitted",
            code="scale-conflict",
            column=fit.model.indicators[i],
            value=tuple(stated[:, i]),
            remedy="fit the model to answers on this scale",
        )


def check_means(
    fit: StructuralFit, mean: FloatArray, ends: FloatArray, which: IntArray
) -> None:
    """Raise `DataError` if a mean (…, p) in a block of `which` lies off its scale."""
    used = np.isin(fit.model.owner(), which) & fit.asked()
    with np.errstate(invalid="ignore"):
        off = used & ((mean < ends[0] - 1e-9) | (mean > ends[1] + 1e-9))
    if off.any():
        i = int(np.flatnonzero(off.reshape(-1, off.shape[-1]).any(axis=0))[0])
        item = fit.model.indicators[i]
        value = mean.reshape(-1, mean.shape[-1])[:, i]
        worst = value[np.nanargmax(np.abs(value - ends[:, i].mean()))]
        raise DataError(
            f"the mean of {item!r} is {worst:g}, off its scale "
            f"{ends[0, i]:g}–{ends[1, i]:g}",
            code="off-scale",
            column=item,
            value=float(worst),
            remedy="state the scale the answers were given on",
        )
