"""The bootstrap: resampled moments through the fit, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import check_level, friendly_keywords, generator, positive_int
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import Context, Exclusion, Result
from satmetrics._typing import FloatArray, RngLike
from satmetrics.errors import ConvergenceError, OptionError
from satmetrics.inference import _intervals
from satmetrics.inference.protocol import Refittable
from satmetrics.inference.source import Drawn, Resampled, source_of
from satmetrics.moment.contributions import UnitChoice
from satmetrics.moment.moments import Moments

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapResult(Result):
    """Bootstrap standard errors and intervals of a fit.

    Attributes
    ----------
    table : one row per statistic, in the shared words.
    draws : (successful draws, k) values behind the rows.
    n_draws : draws asked for.
    failures : pairs (reason, how many) of the draws that could not be fitted.
    level : confidence level of the percentile intervals.
    resampled : "respondents", "clusters" or "shards", or "normal theory" when only
        moments were given.
    title : what was fitted.
    context : origin and exclusions.
    """

    table: Table
    draws: FloatArray
    n_draws: int
    failures: tuple[tuple[str, int], ...]
    level: float
    resampled: Resampled
    title: str
    context: Context = field(default_factory=Context)

    @property
    def n_failed(self) -> int:
        """Draws that could not be fitted."""
        return sum(count for _, count in self.failures)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per statistic: term, keys, estimate, error and interval."""
        return self.table.to_frame()

    def summary(self) -> Summary:
        """Return paths and R² with errors and intervals."""
        words = {
            "term": "term",
            "source": "source",
            "target": "target",
            "construct": "construct",
            "estimate": "estimate",
            "std_error": "std. error",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        shown = [t for t in ("path", "r2", "index") if (self.table["term"] == t).any()]
        sections = tuple(
            section("", _without_blanks(self.table.where(term=t)), words) for t in shown
        )
        facts = (
            *self.context.facts(),
            ("draws", f"{self.n_draws:,}"),
            ("failed", f"{self.n_failed:,}"),
            ("resampled", self.resampled),
        )
        partly = int((self.table["draws"] < len(self.draws)).sum())
        undefined = f"{partly} numbers are undefined in some draws; see column draws"
        notes = [
            *((undefined,) if partly else ()),
            "interval: percentile; p = 2Φ(−|estimate/std. error|)",
            *(
                ("normal theory, no answers",)
                if self.resampled == "normal theory"
                else ()
            ),
            *self.context.sentences(),
        ]
        return Summary(f"Bootstrap of {self.title}", facts, sections, tuple(notes))


def _without_blanks(table: Table) -> Table:
    blank = [
        n
        for n in ("source", "target", "construct", "indicator")
        if n in table and not any(table[n])
    ]
    return table.drop(*blank)


@friendly_keywords
def bootstrap(
    fit: Refittable,
    data: object = None,
    *,
    n_draws: int = 5000,
    level: float = 0.95,
    rng: RngLike = None,
    units: UnitChoice = "auto",
    progress: Callable[[int, int], None] | None = None,
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
    data : the survey or frame that was fitted; None or the `Moments` that were fitted
        for a parametric bootstrap.
    n_draws : resamples.
    level : confidence level of the percentile intervals.
    rng : Generator or seed (SPEC 7). A Generator passed twice continues its stream.
    units : "auto" draws respondents, or clusters where the survey has any, and from
        20,000 of them on 1,000 shards of equal size instead; "respondents" never draws
        shards, "shards" always does.
    progress : called with (draws done, draws in all) after each batch.

    Returns
    -------
    BootstrapResult
        Terms path, weight, loading, indirect, total, r2, htmt, htmt_signed and, where
        scales are known, index; ``draws`` counts the draws in which a number is
        defined (a ratio such as HTMT may not be). ``p_value`` is
        :math:`2Φ(-|\hat θ/se|)`.

    Raises
    ------
    DataError
        If the data are not those of the fit.
    ConvergenceError
        If fewer than two draws could be fitted; failures are otherwise counted.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13; Rao and
    Wu (1988), doi:10.1080/01621459.1988.10478591.

    Examples
    --------
    >>> import satmetrics as sat
    >>> mobile = sat.datasets.moments("ecsi_mobile")
    >>> fit = sat.pls("ecsi", mobile)
    >>> boot = sat.bootstrap(fit, n_draws=200, rng=1)
    >>> boot.resampled, boot.n_failed
    ('normal theory', 0)
    """
    n_draws = positive_int("n_draws", n_draws, at_least=2)
    check_level(level)
    rng = generator(rng)
    if not hasattr(fit, "statistics"):
        raise OptionError(
            f"bootstrap() needs a fit, got {type(fit).__name__}",
            code="not-a-fit",
            remedy="pass what sat.pls(model, data) returned, then the data",
        )
    if fit.source.batch_shape:
        raise OptionError(
            "this fit holds a batch of groups",
            code="batched-fit",
            remedy="bootstrap one group at a time: fit.group(0)",
        )
    origin = source_of(fit, data, units)
    own = fit.statistics(_as_batch(fit.source))
    values, failures = _run(fit, origin.batches(n_draws, rng), n_draws, progress)
    if len(values) < 2:
        raise ConvergenceError(
            f"{n_draws - len(values)} of {n_draws} draws could not be fitted",
            code="bootstrap-failed",
            value=tuple(failures.items()),
        )
    failed = tuple(sorted(failures.items()))
    exclusions = [Exclusion(reason, count, "draws") for reason, count in failed]
    return BootstrapResult(
        table=_table(fit.labels(), own.values[0], values, level, fit.source),
        draws=values,
        n_draws=n_draws,
        failures=failed,
        level=level,
        resampled=origin.resampled,
        title=fit.title,
        context=origin.context.plus(*exclusions, notes=origin.notes),
    )


def _as_batch(moments: Moments) -> Moments:
    return Moments(
        names=moments.names,
        n=np.atleast_1d(moments.n),
        mean=moments.mean[None],
        cov=moments.cov[None],
        kind=moments.kind,
        context=moments.context,
    )


def _run(
    fit: Refittable,
    batches: Iterator[Drawn],
    n_draws: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[FloatArray, Counter[str]]:
    kept: list[FloatArray] = []
    failures: Counter[str] = Counter()
    done = 0
    for batch in batches:
        found = fit.statistics(batch.moments)
        kept.append(found.values[found.ok])
        failures.update(
            reason or "not a number"
            for reason, ok in zip(found.reasons, found.ok, strict=True)
            if not ok
        )
        done += len(found.ok)
        if progress is not None:
            progress(done, n_draws)
    return np.concatenate(kept), failures


def _table(
    labels: Table,
    estimate: FloatArray,
    draws: FloatArray,
    level: float,
    moments: Moments,
) -> Table:
    mean, std_error, defined = _intervals.moments(draws)
    low, high = _intervals.percentile(draws, level)
    tested = labels["test"] == "zero"
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(tested & (std_error > 1e-12), estimate / std_error, np.nan)
    return labels.drop("test").extended(
        {
            "n": np.full(len(estimate), moments.n),
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": _intervals.normal_p(statistic),
            "conf_low": low,
            "conf_high": high,
            "bias": mean - estimate,
            "draws": defined,
        }
    )
