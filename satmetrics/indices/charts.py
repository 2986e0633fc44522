"""`control_chart`: indices followed over waves, one chart per unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from satmetrics._checks import (
    columns_present,
    did_you_mean,
    expect,
    friendly_keywords,
    one_of,
    positive_int,
)
from satmetrics._typing import BoolArray
from satmetrics.errors import DataError, OptionError
from satmetrics.indices.chart_result import ControlChart
from satmetrics.indices.chart_steps import drawn_chart
from satmetrics.indices.index import IndexResult
from satmetrics.indices.per_unit import PerUnit, per_unit
from satmetrics.indices.wave_grid import WaveGrid, need_waves, one_construct

Method = Literal["shewhart", "ewma", "cusum"]
Variation = Literal["sampling", "total", "pooled"]
METHODS = ("shewhart", "ewma", "cusum")
VARIATIONS = ("sampling", "total", "pooled")
Waves = int | str | Sequence[object]
"""How many first waves, or which."""


@friendly_keywords
def control_chart(  # noqa: PLR0913 - one keyword per part of the chart
    result: IndexResult,
    *,
    over: str = "wave",
    method: Method = "shewhart",
    construct: str | None = None,
    baseline: Waves | None = None,
    centre: PerUnit | None = None,
    variation: Variation = "sampling",
    sigma: PerUnit | None = None,
    width: float = 3.0,
    run_rules: bool = False,
    lam: float = 0.2,
    k: float = 0.5,
    h: float = 5.0,
    reset: bool = False,
) -> ControlChart:
    r"""Follow an index over waves and signal what chance does not explain.

    One chart per unit. Each point has its own standard error s, so that limits are
    wider for smaller samples, as in a p-chart. With centre c, which is the mean of the
    baseline weighted by 1/s²:

    .. math:: \text{Shewhart: } c ± L σ_z s_t \qquad
        \text{EWMA: } z_t = λ x_t + (1 - λ) z_{t-1},\; z_0 = c,\;
        c ± L σ_z \sqrt{\mathrm{Var}\, z_t}

    .. math:: \text{CUSUM: } C^±_t = \max(0, C^±_{t-1} ± y_t - k),\;
        y_t = (x_t - c)/(σ_z s_t), \text{ signal beyond } h

    The variance of an EWMA is exact at every wave. Errors that go together because the
    same respondents were asked again (or known from bootstrap draws) are respected: in
    the variance of the EWMA, in the moving ranges, and in a CUSUM by summing what is
    new in each wave given those before.

    Parameters
    ----------
    result : what ``sat.index(…, by=[…, wave])`` returned, or a level of an aggregate
        (``aggregate(…).of_level("industry")``). A figure wholly carried from an earlier
        wave is no new point and is passed over.
    over : the key column of the waves, taken in the order of its labels. A wave that a
        unit lacks is passed over.
    method : "shewhart" finds large sudden changes; "ewma" and "cusum" small lasting
        ones.
    construct : the construct to follow; the target when None.
    baseline : the waves that define the centre (and the moving ranges): how many first
        waves, or their labels. All waves when None, which suits looking back.
    centre : the centre itself, such as a target of 75, for all units or unit → points.
    variation : what belongs to a steady process. "sampling": nothing but the chance of
        sampling, σ_z = 1; the default, because hundreds of answers know it well and a
        handful of waves does not know more. "total": also true ups and downs from wave
        to wave, σ_z from the moving ranges of each unit, as in Laney's p′ chart; wants
        20 waves or more. "pooled": σ_z from the moving ranges of all units together,
        for many units with few waves. σ_z is not allowed below 1.
    sigma : standard deviation of the points of a steady process, in points of the
        index, in place of standard errors; all points then count as independent.
    width : L, the limits in standard deviations. For an EWMA of λ = 0.2, 2.962 gives
        an in-control run of about 500 waves.
    run_rules : whether a Shewhart chart also signals by the Western Electric rules: 2
        of 3 points beyond 2σ, 4 of 5 beyond 1σ, 8 in a row, each on one side. They
        signal four times as often by chance.
    lam : λ of the EWMA, above 0 and up to 1 (1 is Shewhart's chart).
    k, h : reference value and decision limit of the CUSUM, in standard deviations; k
        is half the change that matters.
    reset : whether a CUSUM starts again from 0 after a signal.

    Returns
    -------
    ControlChart

    Raises
    ------
    DataError
        If there is one wave only, or a baseline wave does not exist.
    OptionError
        If an option is unknown, out of range or contradicts another.

    References
    ----------
    Page (1954), doi:10.1093/biomet/41.1-2.100; Lucas and Saccucci (1990),
    doi:10.1080/00401706.1990.10484583; Champ and Woodall (1987),
    doi:10.1080/00401706.1987.10488266; Laney (2002), doi:10.1081/QEN-120003555.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> fit = sat.pls("ecsi", survey)
    >>> levels = sat.index(fit, survey, by=["company", "wave"])
    >>> chart = sat.indices.control_chart(levels, method="ewma", baseline=2)
    >>> chart.units["centre"].round(1).tolist()
    [72.4, 68.9, 69.2, 62.6]
    """
    _check_options(method, variation, sigma, run_rules=run_rules)
    _check_numbers({"width": width, "lam": lam, "k": k, "h": h})
    chosen = _chosen(result, over, construct)
    grid = WaveGrid.of(chosen.table, chosen.by, over)
    need_waves(grid, over)
    options = ControlChart(
        chosen.table,
        chosen.context,
        over=over,
        method=method,
        variation=variation if sigma is None else "given",
        target=chosen.target,
        by=chosen.by,
        width=width,
        lam=lam,
        k=k,
        h=h,
        run_rules=run_rules,
        reset=reset,
    )
    own = None if sigma is None else per_unit("sigma", sigma, grid.labels)
    mean = None if centre is None else per_unit("centre", centre, grid.labels)
    if own is not None:
        _check_numbers({"sigma": float(own.min())})
    return drawn_chart(options, chosen, grid, _baseline(baseline, grid), mean, own)


def _check_options(
    method: str, variation: str, sigma: object, *, run_rules: bool
) -> None:
    one_of("method", method, METHODS)
    one_of("variation", variation, VARIATIONS)
    if sigma is not None and variation != "sampling":
        raise OptionError(
            f"sigma= is given, and variation={variation!r} asks for another",
            code="contradiction",
            column="variation",
            remedy="give one of them",
        )
    if run_rules and method != "shewhart":
        raise OptionError(
            f"run_rules= are rules of a Shewhart chart, not of {method!r}",
            code="contradiction",
            column="run_rules",
            remedy='use method="shewhart"',
        )


def _check_numbers(given: Mapping[str, float]) -> None:
    for name, value in given.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        most = 1.0 if name == "lam" else np.inf
        if not number or not (0 < value <= most and np.isfinite(value)):
            up_to = " and up to 1" if name == "lam" else ""
            raise OptionError(
                f"{name}={value!r}",
                code=f"bad-{name}",
                column=name,
                value=value,
                remedy=f"give a number above 0{up_to}",
            )


def _chosen(result: IndexResult, over: str, construct: str | None) -> IndexResult:
    expect(
        "control_chart",
        result,
        IndexResult,
        "an index",
        remedy='pass what sat.index(fit, data, by=["unit", "wave"]) returned',
    )
    columns_present([over], result.by, where="the index")
    return one_construct(result, construct)


def _baseline(given: Waves | None, grid: WaveGrid) -> BoolArray:
    """Return which waves (T,) are of the baseline."""
    T = len(grid.waves)
    if given is None:
        return np.ones(T, dtype=bool)
    labels = [str(wave) for wave in grid.waves]
    if isinstance(given, (int, np.integer)):
        count = positive_int("baseline", given)
        if count > T:
            raise DataError(
                f"baseline={count}, but there are {T} waves",
                code="unknown-wave",
                column="baseline",
                value=count,
                remedy="give fewer waves, or their labels as a list",
            )
        return np.arange(T) < count
    named = [given] if isinstance(given, str) else [str(wave) for wave in given]
    for wave in named:
        if wave not in labels:
            raise DataError(
                f"baseline= names {wave!r}, which the index does not have",
                code="unknown-wave",
                column="baseline",
                value=wave,
                remedy=f"{did_you_mean(wave, labels)} it has {', '.join(labels)}",
            )
    if not named:
        raise DataError("baseline= names no wave", code="unknown-wave", value=given)
    return np.isin(labels, named)
