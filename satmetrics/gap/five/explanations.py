"""`explain_gap5` and `explain_gaps`: what goes with the gaps of many units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table, stack
from satmetrics._result import Context
from satmetrics._typing import RngLike
from satmetrics.errors import OptionError
from satmetrics.gap.five.antecedents import single_factor
from satmetrics.gap.five.explained import GapExplanation
from satmetrics.gap.five.planned import (
    WEIGHTS,
    antecedent_plan,
    beyond,
    gap_predictors,
    problem_of,
    reliability,
    row_weights,
)
from satmetrics.gap.five.regressed import (
    ZERO,
    Explained,
    Options,
    explained,
)
from satmetrics.gap.five.units import UnitGaps, unit_gaps

FLOOR = 40
SHARED = (
    "gaps that are differences share the errors of a common stage (1 and 5 customers' "
    "expectations, 1 and 2 managers' belief, 2 and 3 the standards, 3 and 4 delivery): "
    "with few answers per unit this alone makes them correlate, 1 and 5 positively"
)
UNWEIGHTED = "Spearman's correlations do without the weights"
METHOD = (
    "where the same people rate the antecedents of a gap and the gap itself, shared "
    "method raises these figures: take them from different people where possible"
)
UNRELIABLE = (
    "reliability of a gap: share of its variance between units that is not error of "
    "its own figures; below 1 coefficients of that gap are drawn to zero (roughly by "
    "that factor if it stands alone) and others may take over its part"
)


@friendly_keywords
def explain_gap5(  # noqa: PLR0913 - one keyword per part of the definition
    gaps: object,
    *,
    predictors: Sequence[int] | None = None,
    by: str | Sequence[str] | None = None,
    rows: str = "overall",
    forms: Mapping[int, str] | None = None,
    move: float | str = ZERO,
    weights: str = "none",
    n_draws: int = 2000,
    level: float = 0.95,
    rng: RngLike = None,
) -> GapExplanation:
    """Ask which of gaps 1 to 4 explains gap 5, and by how much it would move it.

    Over units u, ``gap5_u = β0 + Σ_k β_k gap_k,u + e_u``. Pearson's and Spearman's
    correlations come with bootstrap limits. From 40 units (and 10 per predictor) on
    there is also the regression with HC3 errors, R², its shares after LMG and Johnson
    with bootstrap limits, and for each gap the change of gap 5 if that gap were closed,
    ``−b_k · mean gap_k`` (or moved by some scale points, ``b_k · move``), ranked. Below
    that there is no regression, and the result says so.

    Parameters
    ----------
    gaps : the result of `sat.five_gaps` by unit, of `unit_gaps`, or a frame that
        `unit_gaps` reads.
    predictors : which gaps explain; those of 1 to 4 that are there when None.
    by, rows, forms : as in `unit_gaps`. With ``rows="dimension"`` units × dimensions
        are stacked, errors clustered by unit and units resampled.
    move : "zero" for closing each gap on average, or scale points. The mean gap is
        taken as a fact about these units.
    weights : "none"; "precision", by 1/std_error² of gap 5; or "respondents", by its n.
    n_draws : bootstrap draws over units; 0 for none.
    level : confidence level.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    GapExplanation

    Raises
    ------
    DataError
        If gap 5 or every predictor is absent, or fewer than four units are complete.

    References
    ----------
    Parasuraman, Zeithaml and Berry (1985), doi:10.1177/002224298504900403. Lindeman,
    Merenda and Gold (1980); Grömping (2006), doi:10.18637/jss.v017.i01. Johnson (2000),
    doi:10.1207/S15327906MBR3501_1. MacKinnon and White (1985),
    doi:10.1016/0304-4076(85)90158-7.

    Examples
    --------
    >>> import satmetrics as sat
    >>> from satmetrics.simulate import FiveGapPopulation
    >>> truth = FiveGapPopulation(units=60).truth().to_frame()
    >>> found = sat.quality.explain_gap5(truth, n_draws=200, rng=1)
    >>> found.verdict().split(":")[0]
    'gap 3 explains most of gap 5'
    """
    check_level(level)
    one_of("weights", weights, WEIGHTS)
    _check_move(move)
    draws = positive_int("n_draws", n_draws, at_least=0)
    units = unit_gaps(gaps, by=by, rows=rows, forms=forms)
    used, notes = gap_predictors(units, predictors)
    w = row_weights(units, weights)
    names = tuple(f"gap {k}" for k in used)
    columns = [units.column(f"gap{k}") for k in (*used, 5)]
    problem, lost = problem_of(units, "gap 5", names, columns, w, FLOOR)
    options = Options(level, draws, generator(rng), move)
    found = explained(problem, options)
    reliable = reliability(units, (*used, 5))
    notes += (UNRELIABLE,) if len(reliable) else ()
    notes += (SHARED,) if weights == "none" else (SHARED, UNWEIGHTED)
    if found.shares and move == ZERO:
        notes += beyond(problem)
    return _result(
        units,
        [found],
        [reliable] if len(reliable) else [],
        units.context.plus(lost, notes=notes),
        options,
        move=f"{move:g}" if not isinstance(move, str) else move,
        weights=weights,
    )


@friendly_keywords
def explain_gaps(
    gaps: object,
    antecedents: object = None,
    *,
    predictors: Mapping[int, Sequence[str]] | None = None,
    by: str | Sequence[str] | None = None,
    forms: Mapping[int, str] | None = None,
    n_draws: int = 2000,
    level: float = 0.95,
    rng: RngLike = None,
) -> GapExplanation:
    """Ask which antecedents go with each of gaps 1 to 4, over units.

    Each gap is set against its own antecedents: correlations with bootstrap limits,
    and from 10 units per antecedent on the regression of `explain_gap5`.

    Parameters
    ----------
    gaps : the result of `sat.five_gaps` by unit, of `unit_gaps` with antecedents, or a
        frame that `unit_gaps` reads.
    antecedents : a survey after the instrument ``gap_antecedents``, or a frame with one
        column per antecedent and unit; None if `gaps` has them already.
    predictors : gap → antecedents; `antecedents_of` when None. Those that are absent
        from the data are named in the notes.
    by, forms : as in `unit_gaps`.
    n_draws : bootstrap draws over units; 0 for none.
    level : confidence level.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    GapExplanation
        With a survey of antecedents there is a row ``first_factor_share`` too: the
        share of the largest eigenvalue of its answers' correlations (Harman's check,
        which is weak).

    Raises
    ------
    DataError
        If no gap has antecedents in the data, or fewer than four units are complete.

    References
    ----------
    Zeithaml, Berry and Parasuraman (1988), doi:10.1177/002224298805200203. Podsakoff
    et al. (2003), doi:10.1037/0021-9010.88.5.879.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> rng = np.random.default_rng(1)
    >>> teamwork = rng.normal(5, 1, 12)
    >>> frame = pd.DataFrame(
    ...     {"unit": [f"u{k}" for k in range(12)], "gap3": teamwork - 6}
    ... )
    >>> staff = pd.DataFrame({"unit": frame["unit"], "teamwork": teamwork})
    >>> found = sat.quality.explain_gaps(frame, staff, n_draws=100, rng=1)
    >>> [found.table["source"][0], float(found.table["estimate"][0].round(6))]
    ['teamwork', 1.0]
    """
    check_level(level)
    draws = positive_int("n_draws", n_draws, at_least=0)
    units = unit_gaps(gaps, antecedents, by=by, forms=forms)
    plan, notes = antecedent_plan(units, predictors)
    options = Options(level, draws, generator(rng))
    found, lost = [], []
    for gap, names in plan.items():
        columns = [units.column(name) for name in (*names, f"gap{gap}")]
        none = np.ones(len(units.table))
        problem, gone = problem_of(units, f"gap {gap}", names, columns, none, 0)
        found.append(explained(problem, options))
        lost.append(gone)
    context = units.context.plus(*lost, notes=(*notes, METHOD))
    return _result(units, found, _shared(antecedents), context, options)


def _check_move(move: object) -> None:
    if move == ZERO:
        return
    number = not isinstance(move, (bool, str)) and isinstance(move, (int, float))
    if not number or not np.isfinite(move):  # type: ignore[call-overload]
        raise OptionError(
            f"move={move!r}",
            code="bad-move",
            column="move",
            value=move,
            remedy='give "zero", or scale points such as 1',
        )


def _shared(antecedents: object) -> list[Table]:
    found = single_factor(antecedents)
    if found is None:
        return []
    share, n = found
    row = {
        "target": [""],
        "source": [""],
        "term": ["first_factor_share"],
        "n": [n],
        "estimate": [share],
    }
    return [Table.of(row)]


def _result(
    units: UnitGaps,
    found: Sequence[Explained],
    more: Sequence[Table],
    context: Context,
    options: Options,
    *,
    move: str = "",
    weights: str = "none",
) -> GapExplanation:
    targets = [str(part.table["target"][0]) for part in found]
    refusals = tuple(part.refusal for part in found if part.refusal)
    return GapExplanation(
        stack([*(part.table for part in found), *more]),
        context.plus(notes=refusals),
        level=options.level,
        by=units.by,
        aggregation=units.aggregation,
        method=tuple(
            (target, "regression" if part.shares else "correlations")
            for target, part in zip(targets, found, strict=True)
        ),
        move=move,
        weights=weights,
        n_draws=options.n_draws,
        clustered=units.rows == "dimension",
        failures=tuple(
            (target, part.failed)
            for target, part in zip(targets, found, strict=True)
            if part.failed
        ),
    )
