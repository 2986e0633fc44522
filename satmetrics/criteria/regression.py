"""`regression_weights`: what counts, inferred from what goes with the outcome."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray, MissingPolicy, RngLike
from satmetrics.criteria.blocks import Criteria, blocks_of
from satmetrics.criteria.weights import POINTS, CriteriaWeights
from satmetrics.drivers import _relative as kernel
from satmetrics.drivers.blocks import CRITERION, check_outcome
from satmetrics.drivers.scored import (
    METHODS,
    Method,
    Scored,
    check_orders,
    source_of_columns,
)
from satmetrics.errors import ConvergenceError, DataError
from satmetrics.inference import _intervals
from satmetrics.inference.source import Source
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import known_instrument
from satmetrics.survey.survey import Survey

MOST = 12
"""Criteria beyond which all orders of entry take too long (2^p regressions)."""


@friendly_keywords
def regression_weights(  # noqa: PLR0913 - one keyword per choice, all with a default
    data: object,
    criteria: Criteria | None = None,
    *,
    outcome: str,
    method: Method = "lmg",
    instrument: Instrument | str | None = None,
    form: str = "perception",
    missing: MissingPolicy = "listwise",
    level: float = 0.95,
    n_draws: int = 2000,
    rng: RngLike = None,
    industry: str = "",
) -> CriteriaWeights:
    r"""Return criteria weights from a regression of an outcome on dimension scores.

    The score of a dimension is the mean of its items; everything else follows from
    the correlations of scores and outcome. The weight of a criterion is its share of

    * "lmg": R², each criterion's gain averaged over all orders of entry (Lindeman,
      Merenda and Gold 1980; the Shapley value);
    * "johnson": R², by Johnson's relative weights, an approximation of the former;
    * "beta": the sum of the standardised coefficients.

    The default is LMG: with the handful of criteria of a service it is exact at no
    cost, it does not depend on an order, and its shares are never negative. Johnson's
    weights are close to it, but rest on a rotation without a meaning of its own (Thomas
    et al. 2014). Coefficients may be negative where criteria overlap: such a criterion
    has weight 0, is counted among the exclusions and keeps its coefficient in column
    ``beta``; the other weights are shares of the sum of the positive ones.

    Parameters
    ----------
    data : a Survey or any dataframe, or `Moments` of items and outcome. Weights,
        clusters and strata of a survey are honoured.
    criteria : ``{criterion: [columns]}``, or a list of columns that are criteria
        themselves; None for the dimensions of the instrument.
    outcome : column of overall quality or satisfaction.
    method : "lmg", "johnson" or "beta".
    instrument : an `Instrument` or a catalogue name; the survey's own when None.
    form : the instrument's form whose items make the scores.
    missing : as in `Moments.from_frame`.
    level : confidence level of the percentile intervals.
    n_draws : bootstrap draws; 0 for none. From moments they are by normal theory.
    rng : Generator or seed (SPEC 7).
    industry : the industry the weights are for.

    Returns
    -------
    CriteriaWeights
        With ``share`` (of R²; the coefficient itself for "beta") and ``beta`` beside
        the weights.

    Raises
    ------
    DataError
        If a column is absent, the outcome is also a criterion, or criteria are constant
        or linearly dependent.
    OptionError
        If a method does not exist, or "lmg" is asked of more than 12 criteria.

    References
    ----------
    Grömping (2006), doi:10.18637/jss.v017.i01; Johnson (2000),
    doi:10.1207/S15327906MBR3501_1; Thomas, Zumbo, Kwan and Schweitzer (2014),
    doi:10.1080/00273171.2014.905766.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> blocks = {
    ...     c.name: c.indicators
    ...     for c in sat.models.load("ecsi").constructs
    ...     if c.name in ("Image", "Quality", "Value")
    ... }
    >>> found = sat.quality.regression_weights(
    ...     mobile, blocks, outcome="CUSA1", n_draws=0
    ... )
    >>> max(found.as_points(), key=found.as_points().get)
    'Quality'
    """
    check_level(level)
    one_of("method", method, tuple(METHODS))
    draws = positive_int("n_draws", n_draws, at_least=0)
    random = generator(rng)
    spec = known_instrument(instrument)
    if spec is None and isinstance(data, Survey):
        spec = data.instrument
    blocks = blocks_of(criteria, spec, form)
    check_outcome(blocks, outcome, CRITERION)
    check_orders(method, len(blocks), MOST, CRITERION)
    scored = Scored.of(blocks, outcome, method)
    source = source_of_columns(data, spec, scored.columns, missing, draws)
    whole = scored(source.moments)
    raw, beta = whole.raw[0], whole.beta[0]
    if not np.isfinite(raw).all():
        raise scored.unsolved(source.moments, CRITERION)
    weights, _ = (part[0] for part in kernel.shares(raw[None]))
    if not np.isfinite(weights).all():
        raise _none_positive(raw)
    drawn = _drawn(source, scored, draws, random)
    table, cov, failed = _rows(tuple(blocks), weights, raw, beta, drawn, level, source)
    gone = _negative(blocks, raw)
    lost = Exclusion("criteria dependent, or none with a weight", failed, "draws")
    return CriteriaWeights(
        table,
        source.context.plus(gone, lost, notes=source.notes if draws else ()),
        method=f"regression on {outcome}: {METHODS[method]}",
        industry=industry,
        level=level,
        cov=cov,
        facts=_facts(float(whole.r2[0]), draws, source),
        remarks=_remarks(drawn, method, source, draws),
    )


def _none_positive(raw: FloatArray) -> DataError:
    return DataError(
        "no coefficient is positive",
        code="no-weights",
        value=tuple(raw.tolist()),
        remedy="high answers must be good ones in criteria and outcome alike",
    )


def _negative(names: Iterable[str], raw: FloatArray) -> Exclusion:
    """Return the count of criteria without a weight, since their share is negative."""
    found = [name for name, value in zip(names, raw, strict=True) if value < 0]
    reason = f"coefficient is negative: weight 0 ({', '.join(found)})"
    return Exclusion(reason, len(found), "criteria")


def _drawn(
    source: Source, scored: Scored, draws: int, rng: np.random.Generator
) -> FloatArray:
    """Return (B, 2p): weights, then what they are shares of, of every draw."""
    if not draws:
        return np.empty((0, 2 * (len(scored.names) - 1)))
    raw = scored.drawn(source, draws, rng).raw
    values = np.hstack([kernel.shares(raw)[0], raw])
    if np.isfinite(values[:, 0]).sum() < 2:
        raise ConvergenceError(
            f"fewer than two of {draws} draws could be used",
            code="bootstrap-failed",
            remedy="n_draws=0 gives the weights alone",
        )
    return values


def _rows(
    names: tuple[str, ...],
    weights: FloatArray,
    raw: FloatArray,
    beta: FloatArray,
    drawn: FloatArray,
    level: float,
    source: Source,
) -> tuple[Table, FloatArray | None, int]:
    """Return the table, the covariance of the weights, and draws without weights."""
    p = len(names)
    error = low = high = np.full(p, np.nan)
    cov, failed = None, 0
    if len(drawn):
        own = drawn[:, :p]
        sound = np.isfinite(own).all(axis=1)
        failed = int((~sound).sum())
        error = _intervals.moments(own[sound])[1]
        low, high = _intervals.percentile(own[sound], level)
        cov = np.atleast_2d(np.cov(own[sound], rowvar=False))
    columns: dict[str, object] = {
        "dimension": list(names),
        "n": np.full(p, int(source.moments.n)),
        "estimate": weights,
        "std_error": error,
        "conf_low": low,
        "conf_high": high,
        "points": POINTS * weights,
        "share": raw,
        "beta": beta,
    }
    return Table.of(columns), cov, failed


def _facts(r2: float, draws: int, source: Source) -> tuple[tuple[str, str], ...]:
    facts: tuple[tuple[str, str], ...] = (("R²", f"{r2:.3f}"),)
    if draws:
        facts += (("draws", f"{draws:,}"), ("resampled", source.resampled))
    return facts


def _remarks(
    drawn: FloatArray, method: str, source: Source, draws: int
) -> tuple[str, ...]:
    said = ["weights are association in one survey, not proof of cause"]
    if draws:
        said.append("intervals: percentile, quantiles of the draws (type 7)")
        if source.units is None:
            said.append("normal theory, no answers")
    if method == "beta":
        said.append(
            "rule: a criterion with a negative coefficient has weight 0, and the "
            "others are shares of the sum of the positive coefficients"
        )
        p = drawn.shape[1] // 2
        signs = int((drawn[:, p:] < 0).any(axis=1).sum())
        if signs:
            said.append(f"in {signs:,} draws some coefficient is negative")
    return tuple(said)
