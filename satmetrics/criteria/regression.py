"""`regression_weights`: what counts, inferred from what goes with the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    columns_present,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._frames import Table
from satmetrics._linalg import cov_to_corr
from satmetrics._result import Exclusion
from satmetrics._typing import FloatArray, MissingPolicy, RngLike
from satmetrics.criteria import _importance as kernel
from satmetrics.criteria.blocks import Criteria, blocks_of
from satmetrics.criteria.weights import POINTS, CriteriaWeights
from satmetrics.errors import ConvergenceError, DataError, OptionError
from satmetrics.inference import _intervals
from satmetrics.inference.source import Source
from satmetrics.moment.moments import Moments
from satmetrics.moment.respondents import respondents
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.opening import known_instrument, survey_of
from satmetrics.survey.survey import Survey

Method = Literal["lmg", "johnson", "beta"]
METHODS: Mapping[str, str] = {
    "lmg": "shares of R², averaged over all orders of entry (LMG, Shapley)",
    "johnson": "shares of R², Johnson's relative weights",
    "beta": "standardised regression coefficients",
}
KERNELS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "lmg": kernel.lmg,
    "johnson": kernel.johnson,
    "beta": kernel.betas,
}
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
    items = tuple(item for block in blocks.values() for item in block)
    _check(items, blocks, outcome, method)
    A, names = _map(items, blocks, outcome)
    source = _source(data, spec, (*items, outcome), missing, draws)

    def found(moments: Moments) -> tuple[FloatArray, FloatArray, FloatArray]:
        corr = cov_to_corr(_batch(moments.linear(A, names).cov))
        R, r = corr[:, :-1, :-1], corr[:, :-1, -1]
        raw = KERNELS[method](R, r)
        beta = raw if method == "beta" else kernel.betas(R, r)
        return raw, beta, (beta * r).sum(axis=-1)

    raw, beta, r2 = (part[0] for part in found(source.moments))
    if not np.isfinite(raw).all():
        raise _unsolved(source.moments.linear(A, names), names)
    weights, _ = (part[0] for part in kernel.shares(raw[None]))
    if not np.isfinite(weights).all():
        raise _none_positive(raw)
    drawn = _drawn(source, found, draws, random, len(blocks))
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
        facts=_facts(r2, draws, source),
        remarks=_remarks(drawn, method, source, draws),
    )


def _check(
    items: tuple[str, ...],
    blocks: Mapping[str, tuple[str, ...]],
    outcome: str,
    method: str,
) -> None:
    if outcome in items:
        raise DataError(
            f"{outcome!r} is both outcome and criterion",
            code="bad-outcome",
            column=outcome,
            value=outcome,
            remedy="leave it out of the criteria",
        )
    if method == "lmg" and len(blocks) > MOST:
        raise OptionError(
            f"method='lmg' of {len(blocks)} criteria takes {2 ** len(blocks):,} "
            "regressions per draw",
            code="too-many-criteria",
            column="method",
            value=len(blocks),
            remedy=f"up to {MOST} are taken; use method='johnson'",
        )


def _map(
    items: tuple[str, ...], blocks: Mapping[str, tuple[str, ...]], outcome: str
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the map from items and outcome to scores and outcome, and their names."""
    A = np.zeros((len(blocks) + 1, len(items) + 1))
    start = 0
    for d, block in enumerate(blocks.values()):
        A[d, start : start + len(block)] = 1 / len(block)
        start += len(block)
    A[-1, -1] = 1.0
    named = tuple(f"score {name}" for name in blocks)
    return A, (*named, f"outcome {outcome}")


def _source(
    data: object,
    spec: Instrument | None,
    columns: tuple[str, ...],
    missing: MissingPolicy,
    draws: int,
) -> Source:
    if isinstance(data, Moments):
        moments = data.select(columns)
        if moments.batch_shape:
            raise OptionError(
                "the moments are a batch of groups",
                code="not-single",
                column="data",
                remedy="take one: moments.group(0)",
            )
        moments.require_cov()
        return Source(moments, None)
    survey = survey_of(data, spec)
    columns_present(columns, survey.columns)
    moments = Moments.from_frame(survey, columns, missing=missing)
    units = None
    if draws:
        units = respondents(survey, columns, missing=missing, units="auto")
    return Source(moments, units)


def _unsolved(moments: Moments, names: tuple[str, ...]) -> DataError:
    flat = [name for name, sd in zip(names, moments.sd, strict=True) if not sd > 0]
    return DataError(
        f"{flat[0]} does not vary" if flat else "the criteria are linearly dependent",
        code="constant" if flat else "dependent",
        column=flat[0] if flat else None,
        remedy="leave it out" if flat else "leave out criteria that repeat others",
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


def _batch(cov: FloatArray) -> FloatArray:
    return cov if cov.ndim == 3 else cov[None]


Found = Callable[[Moments], tuple[FloatArray, FloatArray, FloatArray]]


def _drawn(
    source: Source, found: Found, draws: int, rng: np.random.Generator, p: int
) -> FloatArray:
    """Return (B, 2p): weights, then what they are shares of, of every draw."""
    parts = [np.empty((0, 2 * p))]
    for drawn in source.batches(draws, rng) if draws else ():
        raw, _, _ = found(drawn.moments)
        parts.append(np.hstack([kernel.shares(raw)[0], raw]))
    values = np.concatenate(parts)
    if draws and np.isfinite(values[:, 0]).sum() < 2:
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
    facts: tuple[tuple[str, str], ...] = (("R²", f"{float(r2):.3f}"),)
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
