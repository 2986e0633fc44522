"""The bootstrap: resampled moments through the fit, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

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
from satmetrics._typing import BoolArray, FloatArray, IntArray, RngLike
from satmetrics.errors import ConvergenceError, OptionError
from satmetrics.inference import _intervals
from satmetrics.inference.draw_errors import DrawErrors
from satmetrics.inference.drawn import BootstrapResult as BootstrapResult
from satmetrics.inference.drawn import IntervalResult as IntervalResult
from satmetrics.inference.jackknife import jackknife_of
from satmetrics.inference.kinds import (
    KINDS,
    Drawing,
    Interval,
    Limits,
    check_kind,
    check_of_shards,
)
from satmetrics.inference.measures import Measures, Statistic, require_single
from satmetrics.inference.protocol import Refittable
from satmetrics.inference.remarks import not_linear, turned
from satmetrics.inference.source import Source, source_of
from satmetrics.moment.contributions import UnitChoice

Inadmissible = Literal["fail", "keep"]
Progress = Callable[[int, int], None]


@friendly_keywords
def bootstrap(  # noqa: PLR0913 - one keyword per choice, all but two with a default
    fit: Refittable,
    data: object = None,
    *,
    n_draws: int = 5000,
    level: float = 0.95,
    interval: Interval = "percentile",
    rng: RngLike = None,
    units: UnitChoice = "auto",
    statistic: Statistic | None = None,
    inadmissible: Inadmissible | None = None,
    progress: Progress | None = None,
) -> BootstrapResult:
    r"""Bootstrap a fit.

    Respondents are drawn with replacement; the moments of all resamples are one matrix
    product of draw counts and respondents' contributions, and the fit is repeated on
    them in batches. Surveys with strata or clusters are drawn as they were sampled:
    within each stratum one unit less than it has, with rescaled counts (Rao and Wu
    1988), clusters as a whole; draws are of respondents or clusters, each with its
    sampling weight. With `Moments` instead of answers the bootstrap is parametric:
    :math:`(n-1)S^* \sim W(n-1, S)`, :math:`\bar x^* \sim N(\bar x, S/n)`.

    Parameters
    ----------
    fit : a fit of one group, such as `sat.pls` returns.
    data : the survey or frame that was fitted (of 20,000 rows or more of a lazy frame,
        shards are summed where it is; fewer are fetched); None or the `Moments` that
        were fitted for a parametric bootstrap.
    n_draws : resamples.
    level : confidence level of the intervals.
    interval : "percentile"; "basic" (:math:`2\hatθ` less the opposite quantiles);
        "normal" (:math:`\hatθ \pm z\,se`); "bc" (bias-corrected); "bca" (bias-corrected
        and accelerated: fits again without each respondent); "studentized" (the
        standard error of every draw from linearised influence values: hundreds of fits
        per draw). The result's ``intervals`` gives the others from the same draws.
    rng : Generator or seed (SPEC 7). A Generator passed twice continues its stream.
    units : "auto" draws respondents, or clusters where the survey has any, and from
        20,000 of them on 1,000 shards of equal size instead; "respondents" never draws
        shards, "shards" always does. Draws of shards allow percentile and normal
        intervals only.
    statistic : a function of a *batch* of fits, whose arrays have a leading axis of B
        draws; it returns (B,) or (B, k) numbers, or a mapping of names to these. They
        become rows with term "statistic" and ``name``. The fit is made once more for
        them.
    inadmissible : "fail" counts draws outside the possible solutions (a loading above
        1, say) as failures; "keep" keeps them and says how many. None is "fail" for a
        path model and "keep" for factors, whose variances may be estimated below 0:
        intervals of the draws that are left would be too narrow.
    progress : called with (draws done, draws in all) after each batch.

    Returns
    -------
    BootstrapResult
        Terms path, weight, loading, indirect, total, r2, htmt, htmt_signed, where
        scales are known index, and specific_indirect with the chain under ``via``; of
        factors (all these standardised) also correlation, raw_indirect, raw_total, and
        every free parameter as term "parameter" with its ``name``;
        ``draws`` counts the draws in which a number is defined (a ratio such as HTMT
        may not be), and a number that the fit itself leaves undefined has no interval.
        ``p_value`` is :math:`2Φ(-|\hat θ/se|)`. A BC or BCa interval of
        an estimate outside all draws is NaN, and counted.

    Raises
    ------
    DataError
        If the data are not those of the fit.
    OptionError
        If BCa or studentised intervals are asked of moments alone, or the statistic
        does not return what it should.
    ConvergenceError
        If fewer than two draws could be used; failures are otherwise counted.

    Notes
    -----
    A construct whose indicators barely hang together (often the products of an
    interaction) may be turned around in a resample. ``remarks`` counts the draws in
    which this happens, and names the numbers whose linearised standard errors the draws
    contradict: studentised intervals of these are not to be relied on.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 12-14;
    Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5;
    Efron (1987), doi:10.1080/01621459.1987.10478410 (BCa); Rao and Wu (1988),
    doi:10.1080/01621459.1988.10478591.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.pls("ecsi", mobile)
    >>> boot = sat.bootstrap(fit, n_draws=200, rng=1)
    >>> boot.resampled, boot.n_failed
    ('normal theory', 0)

    Does quality do more for satisfaction than value does?

    >>> def difference(fits):
    ...     quality, value, satisfaction = map(
    ...         fits.model.names.index, ("Quality", "Value", "Satisfaction")
    ...     )
    ...     paths = fits.path_matrix
    ...     return {
    ...         "more": paths[:, quality, satisfaction] - paths[:, value, satisfaction]
    ...     }
    >>> boot = sat.bootstrap(fit, n_draws=200, rng=1, statistic=difference)
    >>> row = boot.to_frame().query("term == 'statistic'").iloc[0]
    >>> row["name"], bool(row["conf_low"] > 0)
    ('more', True)
    """
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    check_level(level)
    check_kind(interval)
    if inadmissible is not None:
        one_of("inadmissible", inadmissible, ("fail", "keep"))
    rng = generator(rng)
    require_single("bootstrap", fit)
    origin = source_of(fit, data, units)
    _check_answers(interval, origin)
    measures = Measures.of(fit, statistic)
    keep = fit.keeps_inadmissible if inadmissible is None else inadmissible == "keep"
    run = _Run(measures, keep=keep, progress=progress)
    run.draw(origin, n_draws, rng, studentized=interval == "studentized")
    acceleration, notes = _acceleration(measures, origin, interval)
    draws = _below(run.values)
    mean, std_error, defined = _intervals.moments(draws)
    drawing = Drawing(
        estimate=measures.own.values[0],
        std_error=std_error,
        draws=draws,
        acceleration=acceleration,
        draw_errors=_below(run.errors) if run.errors else None,
        own_errors=run.own_errors,
    )
    limits = Limits(drawing)
    low, high = limits(interval, level)
    exclusions = [Exclusion(why, count, "draws") for why, count in run.failed]
    return BootstrapResult(
        table=_table(measures, (mean, std_error, defined), (low, high)),
        draws=drawing.draws,
        n_draws=n_draws,
        failures=run.failed,
        level=level,
        resampled=origin.resampled,
        title=fit.title,
        context=origin.context.plus(*exclusions, notes=origin.notes),
        interval=interval,
        acceleration=drawing.acceleration,
        draw_errors=drawing.draw_errors,
        own_errors=drawing.own_errors,
        remarks=tuple(
            note
            for note in (
                limits.undefined(interval, low, high),
                *notes,
                *run.remarks(n_draws),
                *turned(measures.labels, drawing.estimate, draws),
                not_linear(measures.labels, run.own_errors, std_error)
                if run.own_errors is not None
                else "",
                *measures.notes,
            )
            if note
        ),
    )


def _check_answers(interval: str, origin: Source) -> None:
    if origin.resampled == "shards":
        check_of_shards(interval)
    if interval in ("bca", "studentized") and origin.units is None:
        raise OptionError(
            f"{KINDS[interval]} intervals need the answers, and only moments are given",
            code="no-answers",
            column="interval",
            value=interval,
            remedy='use interval="bc" or "percentile", or pass the answers that were '
            "fitted",
        )


class _Run:
    """Draws collected batch by batch, and what became of them."""

    def __init__(
        self, measures: Measures, *, keep: bool, progress: Progress | None
    ) -> None:
        self.measures = measures
        self.keep = keep
        self.progress = progress
        self.values: list[FloatArray] = []
        self.errors: list[FloatArray] = []
        self.own_errors: FloatArray | None = None
        self.failures: Counter[str] = Counter()
        self.outside: Counter[str] = Counter()

    @property
    def failed(self) -> tuple[tuple[str, int], ...]:
        """Reasons and numbers of the draws that were not used."""
        return tuple(sorted(self.failures.items()))

    def draw(
        self, origin: Source, n_draws: int, rng: RngLike, *, studentized: bool
    ) -> None:
        """Draw, fit and keep what can be kept."""
        errors = None
        if studentized and origin.units is not None:
            errors = DrawErrors(self.measures, origin.units)
            self.own_errors = errors.of_fit()
        done = 0
        for drawn in origin.batches(n_draws, rng):
            found = self.measures(drawn.moments)
            used = found.ok if self.keep else found.ok & found.admissible
            whole = bool(used.all())
            self.values.append(found.values if whole else found.values[used])
            if not found.admissible.all():
                self._count(found.reasons, found.ok & ~found.admissible, used)
            if errors is not None:
                self.errors.append(errors(drawn)[used])
            done += len(used)
            if self.progress is not None:
                self.progress(done, n_draws)
        if sum(map(len, self.values)) < 2:
            raise self._nothing(n_draws)

    def _count(
        self, reasons: tuple[str, ...], outside: BoolArray, used: BoolArray
    ) -> None:
        for reason, out, kept in zip(reasons, outside, used, strict=True):
            if not kept:
                self.failures[reason or "not a number"] += 1
            elif out:
                self.outside[reason] += 1

    def _nothing(self, n_draws: int) -> ConvergenceError:
        count = sum(self.failures.values())
        first = self.failures.most_common(1)[0][0]
        outside = first.startswith("inadmissible")
        return ConvergenceError(
            f"{count} of {n_draws} draws could not be used: {first}",
            code="bootstrap-failed",
            value=self.failed,
            remedy='inadmissible="keep" keeps them and says so' if outside else "",
        )

    def remarks(self, n_draws: int) -> tuple[str, ...]:
        """Return sentences on inadmissible solutions."""
        own = self.measures.own
        said = []
        if own.ok[0] and not own.admissible[0]:
            said.append(f"the fit itself is {own.reasons[0]}")
        said += [
            f"{count:,} of {n_draws:,} draws are kept though {reason}"
            for reason, count in sorted(self.outside.items())
        ]
        return tuple(said)


def _below(parts: list[FloatArray]) -> FloatArray:
    """Put batches (b, k) below each other, read-only, each number's draws together."""
    shape = (sum(map(len, parts)), parts[0].shape[1])
    out: FloatArray = np.empty(shape, order="F")
    np.concatenate(parts, out=out)
    out.setflags(write=False)
    return out


def _acceleration(
    measures: Measures, origin: Source, interval: str
) -> tuple[FloatArray | None, tuple[str, ...]]:
    """Return the acceleration (k,) of BCa intervals, and how it was had."""
    if interval != "bca" or origin.units is None:
        return None, ()
    left = jackknife_of(measures, origin.units)
    lost = [str(e) for e in left.context.exclusions if e.what.startswith("leave")]
    return left.acceleration(), (f"acceleration: without {left.left_out}", *lost)


def _table(
    measures: Measures,
    summary: tuple[FloatArray, FloatArray, IntArray],
    limits: tuple[FloatArray, FloatArray],
) -> Table:
    estimate = measures.own.values[0]
    mean, std_error, defined = summary
    tested = measures.labels["test"] == "zero"
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(tested & (std_error > 1e-12), estimate / std_error, np.nan)
    return measures.labels.drop("test").extended(
        {
            "n": np.full(len(estimate), measures.fit.source.n),
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": _intervals.normal_p(statistic),
            "conf_low": limits[0],
            "conf_high": limits[1],
            "bias": mean - estimate,
            "draws": defined,
        }
    )
