"""`drivers.relative_importance`: shares of R² of drivers that go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    generator,
    one_of,
    positive_int,
)
from satmetrics._display import Summary, section
from satmetrics._frames import Table, repeated_keys
from satmetrics._result import Exclusion, TableResult
from satmetrics._typing import FloatArray, MissingPolicy, RngLike
from satmetrics.drivers.blocks import (
    DRIVER,
    Blocks,
    Named,
    check_outcome,
    named_blocks,
)
from satmetrics.drivers.grouped_source import GroupedSource
from satmetrics.drivers.scored import METHODS, Scored, Shares, check_orders
from satmetrics.errors import ConvergenceError
from satmetrics.inference import _intervals

ShareMethod = Literal["lmg", "johnson"]
MOST = 15
"""Drivers up to which all orders of entry are taken: 2^15 subsets, a few ms a draw."""
COLUMNS = (
    *("name", "n", "estimate", "std_error", "conf_low", "conf_high", "percent"),
    *("percent_low", "percent_high", "beta", "correlation", "r2", "rank", "first"),
    "reason",
)


@dataclass(frozen=True, eq=False, repr=False)
class RelativeImportance(TableResult):
    """Shares of an outcome's R² by driver, the largest first.

    Attributes
    ----------
    outcome : what the drivers drive.
    method : "lmg" or "johnson".
    level : confidence level of the percentile intervals.
    by : the key columns.
    n_draws : bootstrap draws; 0 for none.
    resampled : what was drawn; empty without a bootstrap.
    """

    outcome: str = ""
    method: str = "lmg"
    level: float = 0.95
    by: tuple[str, ...] = ()
    n_draws: int = 0
    resampled: str = ""

    def summary(self) -> Summary:
        """Return the drivers with their shares, in order."""
        words = {k: k for k in self.by} | {
            "rank": "rank",
            "name": "driver",
            "estimate": "share of R²",
            "percent": "in %",
            "percent_low": f"{100 * self.level:g} % low",
            "percent_high": "high",
            "beta": "beta",
            "correlation": "r",
            "first": "draws first",
            "reason": "reason",
        }
        drawn = ("percent_low", "percent_high", "first")
        hidden = set() if self.n_draws else set(drawn)
        hidden |= set() if any(self.table["reason"]) else {"reason"}
        facts = (*self.context.facts(), ("outcome", self.outcome), *self._facts())
        shown = {n: w for n, w in words.items() if n not in hidden}
        places = dict.fromkeys(("percent", "percent_low", "percent_high"), 1)
        places |= {"first": 2, "rank": 0}
        body = section("", self.table, shown, decimals=places, max_rows=40)
        title = f"Relative importance for {self.outcome}"
        return Summary(title, facts, (body,), self._notes())

    def _facts(self) -> tuple[tuple[str, str], ...]:
        facts = [("method", METHODS[self.method])]
        if not self.by and len(self.table):
            facts.append(("R²", f"{self.table['r2'][0]:.3f}"))
        if self.n_draws:
            facts.append(("draws", f"{self.n_draws:,}"))
            facts.append(("resampled", self.resampled))
        return tuple(facts)

    def _notes(self) -> tuple[str, ...]:
        said = [
            "in %: of R², the drivers of a group adding up to 100",
            "association in one survey, not proof of cause",
        ]
        if self.n_draws:
            said += [
                "intervals: percentile, quantiles of the draws (type 7); shares are "
                "never negative, so that an interval above 0 tests nothing",
                "draws first: share of the draws in which the driver's share is the "
                "largest",
            ]
        if "normal theory" in self.resampled:
            said.append("normal theory, no answers")
        return (*said, *self._reasons(), *self.context.sentences())


@friendly_keywords
def relative_importance(  # noqa: PLR0913 - one keyword per choice, all with a default
    data: object,
    drivers: Named,
    *,
    outcome: str,
    method: ShareMethod = "lmg",
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    missing: MissingPolicy = "listwise",
    level: float = 0.95,
    n_draws: int = 2000,
    rng: RngLike = None,
) -> RelativeImportance:
    r"""Return how R² of an outcome is shared among drivers that go together.

    Drivers of satisfaction are correlated, so that neither coefficients nor simple
    correlations add up to what they explain together. Two ways share R² out:

    * "lmg": the gain in R² of each driver, averaged over all orders of entry,
      :math:`Σ_S \frac{s!\,(p-s-1)!}{p!} [R²(S ∪ j) - R²(S)]` (S a set of s of the
      other drivers; the Shapley value);
    * "johnson": with R the correlations of the drivers, r those with the outcome and
      :math:`Λ = R^{1/2}`, :math:`ε = Λ^{∘2} (Λ^{-1} r)^{∘2}`, squares entrywise: close
      to the former, and fast for any number of drivers.

    All of it follows from means and covariances; the bootstrap repeats it in every
    draw.

    Parameters
    ----------
    data : a Survey or any dataframe, or `Moments` of drivers and outcome (a batch of
        them gives rows per group). Weights, clusters and strata of a survey are
        honoured.
    drivers : a list of columns, or ``{name: [columns]}`` for drivers that are means of
        several columns.
    outcome : column of satisfaction, or whatever is driven.
    method : "lmg" or "johnson".
    by : columns or roles such as "unit"; a row per driver and group.
    weights : weight column; the survey's weight role when None.
    missing : as in `Moments.from_frame`.
    level : confidence level of the percentile intervals.
    n_draws : bootstrap draws, in each group; 0 for none. From moments they are by
        normal theory.
    rng : Generator or seed (SPEC 7).

    Returns
    -------
    RelativeImportance
        Columns: keys, name, n, estimate (share of R²), std_error, conf_low, conf_high,
        percent (of R²) with percent_low and percent_high, beta (standardised
        coefficient), correlation, r2, rank, first (share of the draws in which the
        driver comes first), reason. Drivers come in order of their shares. A group
        that cannot be computed has a reason and fails no other.

    Raises
    ------
    DataError
        If a column is absent, the outcome is also a driver, or, of a single group, if
        drivers are constant or linearly dependent.
    OptionError
        If a method does not exist, or "lmg" is asked of more than 15 drivers.

    References
    ----------
    Lindeman, Merenda and Gold (1980), Introduction to Bivariate and Multivariate
    Analysis; Grömping (2006), doi:10.18637/jss.v017.i01; Johnson (2000),
    doi:10.1207/S15327906MBR3501_1.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> blocks = {
    ...     c.name: c.indicators
    ...     for c in sat.models.load("ecsi").constructs
    ...     if c.name in ("Image", "Quality", "Value")
    ... }
    >>> found = sat.drivers.relative_importance(
    ...     survey, blocks, outcome="CUSA1", n_draws=200, rng=1
    ... )
    >>> found.to_frame()["name"].tolist()
    ['Quality', 'Value', 'Image']
    """
    check_level(level)
    one_of("method", method, ("lmg", "johnson"))
    draws = positive_int("n_draws", n_draws, at_least=0)
    random = generator(rng)
    blocks = named_blocks(drivers, DRIVER)
    check_outcome(blocks, outcome, DRIVER)
    check_orders(method, len(blocks), MOST, DRIVER)
    scored = Scored.of(blocks, outcome, method)
    groups = GroupedSource.of(
        data, scored.columns, by=by, weights=weights, missing=missing
    )
    whole = scored(groups.moments)
    if groups.moments.keys is None and not np.isfinite(whole.raw[0]).all():
        raise scored.unsolved(groups.moments.group(0), DRIVER)
    drawn, resampled, notes, lost = _drawn(groups, scored, whole, draws, random)
    why = f"a {DRIVER.one} or the outcome does not vary, or drivers are dependent"
    reasons = groups.reasons(whole.r2, why)
    keys = groups.moments.keys
    return RelativeImportance(
        _table(blocks, groups, whole, drawn, reasons, level),
        groups.moments.context.plus(lost, notes=notes),
        outcome=outcome,
        method=method,
        level=level,
        by=() if keys is None else keys.names,
        n_draws=draws,
        resampled=resampled,
    )


@dataclass(frozen=True, eq=False)
class _Spread:
    """What the draws of one group say of each driver.

    Attributes
    ----------
    std_error, low, high : (p,) of the shares of R².
    percent : (2, p) limits of the shares in percent.
    first : (p,) share of the draws in which a driver comes first.
    """

    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    percent: FloatArray
    first: FloatArray

    @classmethod
    def of(cls, drawn: Shares, level: float) -> _Spread:
        raw, r2 = drawn.raw, drawn.r2
        low, high = _intervals.percentile(raw, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = np.stack(_intervals.percentile(100 * raw / r2[:, None], level))
        first = np.bincount(raw.argmax(axis=1), minlength=raw.shape[1]) / len(raw)
        return cls(_intervals.moments(raw)[1], low, high, percent, first)

    @classmethod
    def unknown(cls, p: int) -> _Spread:
        blank = np.full(p, np.nan)
        return cls(blank, blank, blank, np.full((2, p), np.nan), blank)


def _drawn(
    groups: GroupedSource,
    scored: Scored,
    whole: Shares,
    draws: int,
    rng: np.random.Generator,
) -> tuple[list[Shares | None], str, tuple[str, ...], Exclusion]:
    """Return usable draws per group, what was drawn, how, and how many were not."""
    parts: list[Shares | None] = [None] * groups.n_groups
    kinds: dict[str, None] = {}
    notes: dict[str, None] = {}
    failed = 0
    for g in np.flatnonzero(np.isfinite(whole.r2)) if draws else ():
        source = groups.source(int(g))
        kinds[source.resampled] = None
        notes |= dict.fromkeys(source.notes)
        found = scored.drawn(source, draws, rng)
        sound = np.asarray(np.isfinite(found.raw).all(axis=1))
        failed += int((~sound).sum())
        if sound.sum() > 1:
            parts[g] = found.take(sound)
    if draws and groups.moments.keys is None and parts[0] is None:
        raise ConvergenceError(
            f"fewer than two of {draws} draws could be used",
            code="bootstrap-failed",
            remedy="n_draws=0 gives the shares alone",
        )
    lost = Exclusion("drivers dependent, or without spread", failed, "draws")
    return parts, " and ".join(kinds), tuple(notes), lost


def _table(
    blocks: Blocks,
    groups: GroupedSource,
    whole: Shares,
    drawn: list[Shares | None],
    reasons: list[str],
    level: float,
) -> Table:
    p = len(blocks)
    spread = [
        _Spread.unknown(p) if part is None else _Spread.of(part, level)
        for part in drawn
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = 100 * whole.raw / whole.r2[:, None]
    order = np.argsort(-whole.raw, axis=1, kind="stable")
    place = np.argsort(order, axis=1) + 1.0
    rank = np.where(np.isfinite(whole.raw), place, np.nan)
    columns: dict[str, FloatArray] = {
        "estimate": whole.raw,
        "std_error": np.stack([s.std_error for s in spread]),
        "conf_low": np.stack([s.low for s in spread]),
        "conf_high": np.stack([s.high for s in spread]),
        "percent": percent,
        "percent_low": np.stack([s.percent[0] for s in spread]),
        "percent_high": np.stack([s.percent[1] for s in spread]),
        "beta": whole.beta,
        "correlation": whole.corr,
        "r2": np.repeat(whole.r2[:, None], p, axis=1),
        "rank": rank,
        "first": np.stack([s.first for s in spread]),
    }
    keys = repeated_keys(groups.moments.keys, p, COLUMNS)
    names = np.array(list(blocks), dtype=object)[order].ravel()
    labels: dict[str, object] = {"name": names.tolist()}
    labels["n"] = np.repeat(np.asarray(groups.moments.n), p)
    ordered = {
        name: np.take_along_axis(values, order, axis=1).ravel()
        for name, values in columns.items()
    }
    said = {"reason": [reason for reason in reasons for _ in range(p)]}
    return Table.of({**keys, **labels, **ordered, **said}, keys=tuple(keys))
