"""`shrunken_means`: figures of small units, drawn towards the mean of all units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import (
    check_level,
    friendly_keywords,
    one_of,
)
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import Exclusion, TableResult
from satmetrics._special import normal_quantile
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.gap.five import _shrinkage as kernel
from satmetrics.gap.five.scored import Scores
from satmetrics.gap.five.unit_figures import (
    SERIES,
    Series,
    has_figures,
    of_answers,
    of_figures,
)
from satmetrics.survey.instrument import Instrument

WITHIN = ("pooled", "own")
MIN_UNITS = 4


@dataclass(frozen=True, eq=False, repr=False)
class ShrunkenMeans(TableResult):
    """Figures of units drawn towards their common mean.

    Attributes
    ----------
    table : the `by` columns, what the figure is (``level``, ``dimension``, ``item`` …),
        ``n``, ``estimate`` (shrunken), ``std_error``, ``conf_low``, ``conf_high``,
        ``raw`` and ``raw_std_error`` (the unit's own), ``weight`` (what the unit's own
        figure counts), ``mean`` (of the units), ``tau2`` (variance between units),
        ``reason``.
    level : level of the intervals.
    by : columns of the unit.
    within : "pooled" or "own" variance within units.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    within: str = "pooled"

    def summary(self) -> Summary:
        """Return shrunken beside own figures, units in order."""
        return Summary(
            "Figures of units, shrunken towards their mean",
            (
                *self.context.facts(),
                ("units", ", ".join(self.by)),
                ("level", f"{self.level:g}"),
                ("variance within units", self.within),
            ),
            (self._section(),),
            (*NOTES, SAID[self.within], *self.context.sentences()),
        )

    def _section(self) -> Section:
        keys = [*self.by, *(name for name in SERIES if name in self.table)]
        filled = [n for n in keys if any(str(v) for v in self.table[n].tolist())]
        words = {name: name for name in filled}
        words |= {
            "n": "n",
            "raw": "own",
            "raw_std_error": "s.e.",
            "weight": "weight",
            "estimate": "shrunken",
            "std_error": "s.e.",
            "conf_low": "low",
            "conf_high": "high",
        }
        return section("", self.table, words, max_rows=40)


NOTES = (
    "shrunken = weight × own + (1 − weight) × mean of the units, weight = τ²/(τ² + v); "
    "τ² (variance between units) after Paule and Mandel",
    "errors include those of the mean and of τ² (Morris 1983)",
    "units are taken as draws of one population; a unit known to differ should not be "
    "drawn to the others' mean",
)


SAID = {
    "pooled": "v: one variance within units for all, over the unit's respondents",
    "own": "v: squared error of the unit's own figure",
}


@friendly_keywords
def shrunken_means(
    data: object,
    scores: Scores | None = None,
    *,
    by: str | Sequence[str] | None = None,
    instrument: Instrument | str | None = None,
    within: str = "pooled",
    level: float = 0.95,
    min_answered: float = 0.5,
) -> ShrunkenMeans:
    """Draw the figures of units towards their mean, small units most.

    Empirical Bayes for ``y_u ~ N(θ_u, v_u)``, ``θ_u ~ N(μ, τ²)``: the estimate is
    ``B_u y_u + (1 − B_u) μ`` with ``B_u = τ²/(τ² + v_u)`` and ``v_u = σ²/n_u``, which
    goes to the unit's own mean as n_u grows. τ² is Paule and Mandel's (for equal v_u
    it is REML); the errors add what is not known of μ and τ² (Morris 1983).

    Parameters
    ----------
    data : a survey or frame of respondents; or figures that exist already, with
        ``estimate`` and ``std_error`` by unit: a result such as `sat.gaps(…, by=…)`, or
        a frame with these columns.
    scores : of respondents: a form of the instrument ("perception" …), "gap",
        ``{score: columns}`` or columns. Leave out for figures.
    by : columns or roles that form units; "unit", or those of the result, when None.
    instrument : for a frame of respondents, the `Instrument` or its name.
    within : "pooled" takes one σ² for all units; "own" each unit's, and the pooled one
        where a unit has one respondent or no variance.
    level : level of the intervals.
    min_answered : share of a score's items a respondent must have answered.

    Returns
    -------
    ShrunkenMeans

    Raises
    ------
    DataError
        If columns are absent or fewer than four units have a figure.

    Notes
    -----
    Of figures that exist already the pooled variance is the mean of
    ``n · std_error²``, with n as the figures give it: a gap between two sources has the
    n of the smaller one, which makes its pooled error approximate.

    References
    ----------
    Morris (1983), doi:10.1080/01621459.1983.10477920. Paule and Mandel (1982),
    doi:10.6028/jres.087.022.

    Examples
    --------
    >>> import pandas as pd
    >>> import satmetrics as sat
    >>> agents = pd.DataFrame(
    ...     {
    ...         "unit": ["a", "b", "c", "d", "e"],
    ...         "n": [200, 3, 50, 80, 40],
    ...         "estimate": [5.0, 7.0, 5.2, 4.1, 5.9],
    ...         "std_error": [0.1, 0.8, 0.2, 0.15, 0.2],
    ...     }
    ... )
    >>> found = sat.quality.shrunken_means(agents).to_frame()
    >>> found["estimate"].round(2).tolist()
    [5.0, 6.28, 5.2, 4.13, 5.87]
    """
    check_level(level)
    one_of("within", within, WITHIN)
    figures = scores is None and has_figures(data)
    if figures and instrument is not None:
        raise OptionError(
            "figures by unit need no instrument",
            code="not-answers",
            column="instrument",
            remedy="leave it out, or give answers and scores=",
        )
    if figures:
        series = of_figures(data, by)
    else:
        unit = "unit" if by is None else by
        series = of_answers(data, scores, unit, instrument, min_answered)
    y, v, replaced = _variances(series, within)
    found = kernel.shrink(y, v)
    _check_units(found.units, series)
    return ShrunkenMeans(
        _table(series, y, v, found, level),
        series.context.plus(*_lost(series, v), notes=_replaced(replaced, within)),
        level=level,
        by=series.units.names,
        within=within,
    )


def _variances(s: Series, within: str) -> tuple[FloatArray, FloatArray, int]:
    """Return estimates and sampling variances, and how many took the pooled one."""
    known = np.isfinite(s.estimate)
    squared = s.std_error**2
    size = np.where(s.n_eff > 0, s.n_eff, np.nan)
    df = np.where(known & (s.n > 1) & np.isfinite(squared), s.n - 1, 0.0)
    total = df.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(df > 0, squared * size, 0.0)
        pooled = (df * own).sum(axis=1, keepdims=True) / np.where(
            total > 0, total, np.nan
        )
        common = pooled / size
        usable = known & (squared > 0)
        if within == "own":
            v = np.where(usable, squared, common)
            replaced = int((known & ~usable & np.isfinite(common)).sum())
        else:
            v = np.where(np.isfinite(common), common, np.where(usable, squared, np.nan))
            replaced = int((known & ~np.isfinite(common) & usable).sum())
    v = np.where(known & (v > 0), v, np.nan)
    return np.where(np.isfinite(v), s.estimate, np.nan), v, replaced


def _check_units(units: FloatArray, s: Series) -> None:
    if (units >= MIN_UNITS).any():
        return
    raise DataError(
        f"{int(units.max(initial=0))} units have an estimate and an error",
        code="too-few-units",
        column=s.units.names[0],
        value=int(units.max(initial=0)),
        remedy=f"the variance between units needs {MIN_UNITS} units or more",
    )


def _lost(s: Series, v: FloatArray) -> tuple[Exclusion, ...]:
    gone = np.isfinite(s.estimate) & ~np.isfinite(v)
    return (
        Exclusion("no sampling variance is known", int(gone.sum()), "figures of units"),
    )


def _replaced(count: int, within: str) -> tuple[str, ...]:
    if not count:
        return ()
    if within == "pooled":
        return (f"n of {count:,} figures is not known: v is their own squared error",)
    return (
        f"{count:,} figures of units with one respondent or without variance take the "
        "pooled variance within units",
    )


def _table(
    s: Series, y: FloatArray, v: FloatArray, found: kernel.Shrunken, level: float
) -> Table:
    q, G = y.shape
    z = float(normal_quantile((1 + level) / 2))
    few = np.repeat(found.units < MIN_UNITS, G)
    there = np.isfinite(s.estimate).ravel()
    reason = np.select(
        [~there, ~np.isfinite(v.ravel()), few],
        ["no figure", "no sampling variance", f"fewer than {MIN_UNITS} units"],
        default="",
    ).astype(object)
    blank = np.where(few, np.nan, 1.0)
    estimate = found.estimate.ravel() * blank
    error = found.std_error.ravel() * blank
    columns = {
        **{name: np.tile(s.units[name], q) for name in s.units.names},
        **{name: np.repeat(s.labels[name], G) for name in s.labels.names},
        "n": s.n.ravel(),
        "estimate": estimate,
        "std_error": error,
        "conf_low": estimate - z * error,
        "conf_high": estimate + z * error,
        "raw": s.estimate.ravel(),
        "raw_std_error": s.std_error.ravel(),
        "weight": found.weight.ravel() * blank,
        "mean": np.repeat(found.mean, G) * blank,
        "tau2": np.repeat(found.tau2, G) * blank,
        "reason": reason,
    }
    return Table.of(columns, keys=s.units.names)
