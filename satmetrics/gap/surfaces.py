"""`quality.response_surface`: what expectation and perception do to an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from satmetrics._checks import (
    check_level,
    check_share,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray, IntArray, RngLike
from satmetrics.errors import OptionError
from satmetrics.gap import _surface as kernel
from satmetrics.gap import _surface_axes as axes
from satmetrics.gap.design import (
    Design,
    Dimensions,
    design_of_instrument,
    design_of_lists,
)
from satmetrics.gap.forms import FormAnswers, instrument_of
from satmetrics.gap.surface_result import SurfaceResult
from satmetrics.gap.surface_rows import ModelStats, f_of, surface_rows
from satmetrics.gap.surface_scores import SurfaceScores, check_centre, surface_scores
from satmetrics.inference import _resample
from satmetrics.moment import _shards
from satmetrics.moment.unit_sums import drawn_within
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import survey_of
from satmetrics.survey.survey import Survey

ERRORS = ("robust", "classical")
CELLS = 2**20
"""Counts held at once: with many units fewer draws are fitted at once."""
HC3 = "HC3, for rows sampled singly"
CLASSICAL = "classical: equal error variances, rows sampled singly"


@friendly_keywords
def response_surface(  # noqa: PLR0913 - one keyword per part of the definition
    data: object,
    instrument: Instrument | str | None = None,
    *,
    outcome: str,
    expectation: Sequence[str] | None = None,
    perception: Sequence[str] | None = None,
    dimensions: Dimensions | None = None,
    by: str | Sequence[str] | None = None,
    centre: float | None = None,
    errors: str = "robust",
    min_answered: float = 0.5,
    level: float = 0.95,
    n_draws: int = 1000,
    rng: RngLike = None,
) -> SurfaceResult:
    r"""Regress an outcome on expectation and perception, in place of their gap.

    .. math:: Z = b_0 + b_1 E + b_2 P + b_3 E^2 + b_4 E P + b_5 P^2 + e

    with E and P a respondent's mean expectation and perception less the centre, for
    every dimension and overall (the mean of the dimensions). Along ``E = P`` the
    surface has slope ``a1 = b1 + b2`` and curvature ``a2 = b3 + b4 + b5``; along
    ``E = −P`` slope ``a3 = b1 − b2`` and curvature ``a4 = b3 − b4 + b5``; where
    ``a5 = b3 − b5`` is zero the principal axes lie at 45°. A model of the gap alone is
    the restriction ``b1 = −b2, b3 = b4 = b5 = 0``, tested by F.

    Parameters
    ----------
    data : a Survey or any dataframe. Sampling weights, clusters and strata of a survey
        are used.
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    outcome : column to explain, such as overall satisfaction.
    expectation, perception : columns in the same order, in place of an instrument.
    dimensions : ``{name: [positions in these lists, from 0]}``, or, without the lists,
        ``{name: [(expectation column, perception column), …]}``.
    by : columns or roles ("unit", "wave") that form groups, each with its own surface.
    centre : what is subtracted from E and P, in answer units; the midpoint of their
        scale when None.
    errors : "robust": HC3 where rows were sampled singly, linearised over clusters and
        strata where the survey names them; "classical": equal error variances.
    min_answered : share of a dimension's pairs, and of the dimensions, that a
        respondent must have answered.
    level : confidence level.
    n_draws : bootstrap draws for the limits of stationary point and axes; 0 for none.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    SurfaceResult
        Points to draw the surface from: ``result.surface()``.

    Raises
    ------
    DataError
        If columns are absent or wrongly paired, the outcome is one of the items, or
        nothing gives a centre.
    OptionError
        If an option is none, or instrument and data are swapped.

    Notes
    -----
    HC3: :math:`V = B (Σ x x' w^2 e^2 / (1 - h)^2) B`, B the inverse of Σ w x x', with
    Student's t on n − 6 degrees of freedom. Clusters: ``Σ_h n_h/(n_h − 1) Σ_c (u_hc −
    ū_h)(u_hc − ū_h)'`` with u the summed influence ``B x w e``, on as many degrees of
    freedom as there are clusters less strata; tests of q restrictions use
    ``F = W/q · (df − q + 1)/df``.

    The first principal axis ``P = p10 + p11 E`` is the direction of the most upward
    (or least downward) curvature. Stationary point and axes are ratios: their limits
    are percentiles of bootstrap draws, and no limits are given where a denominator may
    be zero at the level asked for, as on a flat or a round surface.

    References
    ----------
    Edwards and Parry (1993), doi:10.5465/256822. Shanock et al. (2010),
    doi:10.1007/s10869-010-9183-4. MacKinnon and White (1985),
    doi:10.1016/0304-4076(85)90158-7. Korn and Graubard (1990), The American
    Statistician 44, 270-276.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> grid = np.array([(e, p) for e in range(1, 8) for p in range(1, 8)], float)
    >>> E, P = grid.T - 4
    >>> frame = pd.DataFrame(grid, columns=["e", "p"])
    >>> frame["satisfaction"] = 5 + 0.4 * P - 0.1 * E - 0.05 * (P - E) ** 2
    >>> found = sat.quality.response_surface(
    ...     sat.Survey(frame, scale={"e": (1, 7), "p": (1, 7)}),
    ...     outcome="satisfaction",
    ...     expectation=["e"],
    ...     perception=["p"],
    ...     n_draws=0,
    ... )
    >>> found.rows("line").to_frame()["estimate"].round(6).abs().tolist()
    [0.3, 0.0, 0.5, 0.2, 0.0]
    """
    check_level(level)
    one_of("errors", errors, ERRORS)
    check_centre(centre)
    draws = positive_int("n_draws", n_draws, at_least=0)
    check_share("min_answered", min_answered)
    survey, design = _asked(data, instrument, expectation, perception, dimensions)
    scores = surface_scores(
        survey, design, outcome, by=by, centre=centre, min_answered=min_answered
    )
    models = [_model(scores, d, errors) for d in range(len(scores.names))]
    context = scores.context
    if draws:
        models, remarks, failed = _with_limits(
            scores, models, draws, generator(rng), level
        )
        context = context.plus(failed, notes=remarks)
    return SurfaceResult(
        surface_rows(models, scores.names, scores.keys, level),
        context,
        outcome=outcome,
        level=level,
        by=scores.read.by,
        errors=_said(scores.read, errors),
        n_draws=draws,
        centre=scores.centre,
        ends=scores.ends,
        coefficients=np.stack([m.found.b for m in models], axis=1),
        covariance=np.stack([m.V for m in models], axis=1),
        df=np.stack([m.df for m in models], axis=1),
    )


def _asked(
    data: object,
    instrument: Instrument | str | None,
    expectation: Sequence[str] | None,
    perception: Sequence[str] | None,
    dimensions: Dimensions | None,
) -> tuple[Survey, Design]:
    lists = (expectation, perception, dimensions)
    given = any(value is not None for value in lists)
    if given and instrument is not None:
        raise OptionError(
            "both an instrument and columns are given",
            code="two-designs",
            column="instrument",
            remedy="give instrument=, or expectation=, perception= and dimensions=",
        )
    if given:
        return survey_of(data, None), design_of_lists(*lists)
    spec = instrument_of("response_surface", data, instrument)
    return survey_of(data, spec), design_of_instrument(spec)


def _said(read: FormAnswers, errors: str) -> str:
    if errors == "classical":
        return CLASSICAL
    weights = ", with sampling weights" if read.weighted else ""
    return (f"{read.words}, linearised" if read.words else HC3) + weights


def _model(scores: SurfaceScores, d: int, errors: str) -> ModelStats:
    """Fit one model in every group, with its errors."""
    layout, at = scores.layout(d)
    found = kernel.fit(layout)
    rows = scores.read.rows
    single = np.where(found.n > kernel.K, found.n - kernel.K, np.nan)
    if errors == "classical":
        return ModelStats(found, kernel.classical(found), single, sampled=False)
    if rows.unit is None or rows.strata is None:
        V = np.where(
            np.isfinite(single)[:, None, None], kernel.hc3(layout, found), np.nan
        )
        return ModelStats(found, V, single, sampled=False)
    own = replace(rows, codes=layout.codes, w=None, unit=_taken(rows.unit, scores, at))
    V = own.linearised_cov(iter(kernel.influence(layout, found)))
    df = own.degrees(found.n.astype(np.float64), np.ones(len(layout.codes), dtype=bool))
    shares = np.diagonal(
        own.linearised_cov(_share_influence(layout, found)), axis1=1, axis2=2
    ).T
    return ModelStats(found, V, df, sampled=True, shares_var=shares)


def _share_influence(
    rows: kernel.Layout, found: kernel.Fit
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what each row (n,) adds to the error of the three shares of its group."""
    out = np.empty((3, len(rows.E)))
    for here, state in kernel.states(rows, found.steps):
        g = rows.codes[here]
        out[:, here] = (state - found.shares[:, g]) * rows.w[here] / found.weight[g]
    return out[0], out[1], out[2]


def _taken(column: IntArray, scores: SurfaceScores, at: IntArray | None) -> IntArray:
    ordered = column if scores.order is None else column[scores.order]
    return ordered if at is None else ordered[at]


def _with_limits(
    scores: SurfaceScores,
    models: list[ModelStats],
    n_draws: int,
    rng: np.random.Generator,
    level: float,
) -> tuple[list[ModelStats], tuple[str, ...], Exclusion]:
    """Resample units, the same for all models, and add the limits of the axes."""
    unit, strata, remarks = _units(scores)
    n_units = int(unit.max(initial=-1)) + 1
    parts = []
    for d in range(len(models)):
        layout, at = scores.layout(d)
        here = unit if at is None else unit[at]
        parts.append((*axes.unit_sums(layout, here, n_units), layout))
    counts = (
        _resample.bootstrap_counts(n_units, n_draws, rng)
        if strata is None
        else _resample.rescaled_counts(n_units, strata, n_draws, rng)
    )
    enough = CELLS / max(n_units, 1)
    blocks = [
        [axes.resampled(drawn, *part) for part in parts]
        for held in _resample.gathered(counts, enough, len)
        for drawn in [np.concatenate(held)]
    ]
    done, failed = [], 0
    for d, model in enumerate(models):
        draws = np.concatenate([block[d] for block in blocks])
        W = axes.round_test(model.found.b, model.V)
        p = f_of(W, len(axes.ROUND), model.df, sampled=model.sampled)[1]
        found = axes.limits(model.found.b, draws, p, level)
        failed += int(found.failed[np.isfinite(model.found.b[:, 0])].sum())
        done.append(replace(model, limits=found))
    return done, remarks, Exclusion("a draw had no surface", failed, "draws")


def _units(
    scores: SurfaceScores,
) -> tuple[IntArray, IntArray | None, tuple[str, ...]]:
    """Return the unit to draw of each row, the stratum of each unit, and a note.

    Clusters where there are any, shards where there are 20,000 units or more.
    """
    rows = scores.read.rows
    n = len(scores.Z)
    if rows.unit is None or rows.strata is None:
        unit, strata = np.arange(n), None
    else:
        present, unit = np.unique(rows.unit, return_inverse=True)
        unit, strata = unit.ravel(), rows.strata[present]
        unit = unit if scores.order is None else unit[scores.order]
    n_units = int(unit.max(initial=-1)) + 1
    if _shards.n_shards(n_units) == _shards.SHARDS:
        codes = np.zeros(n_units, dtype=np.int64) if strata is None else strata
        order, sizes, of = _shards.deal(codes, _shards.SHARDS)
        shard = np.empty(n_units, dtype=np.int64)
        shard[order] = np.repeat(np.arange(len(sizes)), sizes)
        note = f"the bootstrap drew {len(sizes):,} shards of the rows"
        return shard[unit], None if strata is None else of, (note,)
    if strata is None:
        return unit, None, ()
    return unit, strata, (drawn_within(f"{n_units:,} sampled units", strata),)
