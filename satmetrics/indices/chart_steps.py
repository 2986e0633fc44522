"""From points to a control chart: centre, spread, statistic, limits, signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from satmetrics._frames import Table
from satmetrics._typing import AnyArray, BoolArray, FloatArray, IntArray
from satmetrics.indices import _charts as kernel
from satmetrics.indices.chart_result import ControlChart
from satmetrics.indices.index import IndexResult
from satmetrics.indices.wave_grid import WaveGrid

CARRIED = 1 - 1e-9
"""Share of a figure that comes from earlier waves, from which on it is no new one."""
WORDS = {
    "shewhart": ("above the limit", "below the limit"),
    "ewma": ("EWMA above the limit", "EWMA below the limit"),
    "cusum": ("C+ above h", "C- above h"),
}


@dataclass(frozen=True, eq=False)
class Process:
    """The points of all units, in packed order, and what a steady process would do.

    Attributes
    ----------
    d, s : (U, T) deviations from the centre and their standard errors.
    R : (U, T, T) correlations of the errors, or None.
    mean : (U,) centres.
    sigma_z : (U,) variation over what sampling explains, from moving ranges; NaN
        without any.
    pooled : the same of all units together.
    wide : (U,) factor by which the limits are wider.
    order : what puts places of time in packed order.
    usable : (U, T) in the order of time.
    """

    d: FloatArray
    s: FloatArray
    R: FloatArray | None
    mean: FloatArray
    sigma_z: FloatArray
    pooled: float
    wide: FloatArray
    order: IntArray
    usable: BoolArray

    @property
    def centre(self) -> FloatArray:
        """The centre at every point (U, T)."""
        return np.where(np.isfinite(self.d), self.mean[:, None], np.nan)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a method draws, all (U, T) in packed order, on the scale of the statistic.

    Attributes
    ----------
    statistic, centre, sigma : the points.
    half : distance of the limits from the centre.
    sides : the statistic's way up and way down from the centre.
    since : place where the rise or fall began, -1 for none; of a CUSUM only.
    """

    statistic: FloatArray
    centre: FloatArray
    sigma: FloatArray
    half: FloatArray
    sides: tuple[FloatArray, FloatArray]
    since: IntArray | None = None


def drawn_chart(
    options: ControlChart,
    chosen: IndexResult,
    grid: WaveGrid,
    of_base: BoolArray,
    centre: FloatArray | None,
    sigma: FloatArray | None,
) -> ControlChart:
    """Return the chart of the rows of one construct.

    Parameters
    ----------
    options : a chart that holds the options.
    of_base : (T,) waves of the baseline.
    centre, sigma : (U,) where they are given.
    """
    process = _process(options, chosen, grid, of_base, centre, sigma)
    drawn = _METHODS[options.method](options, process)
    signal, rule = _signals(options, drawn)
    columns = _columns(process, drawn, grid, (signal, rule))
    estimated = of_base & (centre is None)
    columns["baseline"] = grid.column(np.broadcast_to(estimated, grid.rows.shape))
    columns["reason"] = _reasons(chosen.table, process, drawn, grid)
    spare = ("conf_low", "conf_high", "n_eff", "reason")
    kept = chosen.table.drop(*spare)
    return replace(
        options,
        table=kept.extended(columns, keys=chosen.by),
        units=_units(grid, process, kernel.unpacked(signal, process.order), columns),
        baseline=tuple(str(wave) for wave in grid.waves[estimated]),
        retrospective=bool(estimated.all()),
        sigma_z=process.pooled,
    )


def _process(
    options: ControlChart,
    chosen: IndexResult,
    grid: WaveGrid,
    of_base: BoolArray,
    centre: FloatArray | None,
    sigma: FloatArray | None,
) -> Process:
    joint = chosen.errors()
    x, s = grid.spread(joint.estimate), grid.spread(joint.std_error)
    R = None if sigma is not None else grid.correlations(joint)
    if sigma is not None:
        s = np.where(grid.there, sigma[:, None], np.nan)
    usable = np.isfinite(x) & (s > 0) & ~_carried(chosen.table, grid)
    order = kernel.pack(usable)
    base = kernel.packed(usable & of_base, order)
    x, s = (kernel.packed(np.where(usable, v, np.nan), order) for v in (x, s))
    R = None if R is None else kernel.packed(R, order)
    mean = kernel.weighted_centre(x, s, base) if centre is None else centre
    d = x - mean[:, None]
    ranges, count = kernel.moving_ranges(d / s, R, base & np.isfinite(d))
    with np.errstate(divide="ignore", invalid="ignore"):
        own, pooled = ranges / count, float(np.divide(ranges.sum(), count.sum()))
    shown = {"total": own, "pooled": np.full(len(own), pooled)}
    wide = np.maximum(shown.get(options.variation, np.ones(len(own))), 1.0)
    return Process(d, s, R, mean, own, pooled, wide, order, usable)


def _carried(table: Table, grid: WaveGrid) -> BoolArray:
    """Return which points (U, T) are the figure of an earlier wave, carried on."""
    if "carried" not in table:
        return np.zeros(grid.rows.shape, dtype=bool)
    return grid.spread(table["carried"]) > CARRIED


def _shewhart(options: ControlChart, process: Process) -> Drawn:
    sigma = process.wide[:, None] * process.s
    return _about(process.centre, process.d, sigma, options.width)


def _ewma(options: ControlChart, process: Process) -> Drawn:
    smooth = kernel.ewma(process.d, process.s, options.lam, process.R)
    sigma = process.wide[:, None] * smooth.std_error
    return _about(process.centre, smooth.value, sigma, options.width)


def _about(
    centre: FloatArray, away: FloatArray, sigma: FloatArray, width: float
) -> Drawn:
    return Drawn(centre + away, centre, sigma, width * sigma, (away, -away))


def _cusum(options: ControlChart, process: Process) -> Drawn:
    new = kernel.whitened(process.d / process.s, process.R)
    y = new / process.wide[:, None]
    sums = kernel.cusum(y, options.k, options.h, reset=options.reset)
    rising = sums.high >= sums.low
    since = np.where(rising, sums.since_high, sums.since_low)
    largest = np.where(rising, sums.high, -sums.low)
    one = np.where(np.isfinite(y), 1.0, np.nan)
    signals = np.abs(largest * one) > options.h
    return Drawn(
        largest * one,
        0 * one,
        one,
        options.h * one,
        (sums.high * one, sums.low * one),
        np.where(signals, since, -1),
    )


_METHODS = {"shewhart": _shewhart, "ewma": _ewma, "cusum": _cusum}


def _signals(options: ControlChart, drawn: Drawn) -> tuple[BoolArray, AnyArray]:
    """Return which points signal (U, T), and what they broke."""
    with np.errstate(invalid="ignore", divide="ignore"):
        broken = [
            (word, side > drawn.half)
            for word, side in zip(WORDS[options.method], drawn.sides, strict=True)
        ]
        if options.run_rules:
            broken += _runs(drawn.sides[0] / drawn.sigma, options.width)
    signal = np.zeros(drawn.half.shape, dtype=bool)
    text = np.full(signal.shape, "", dtype=object)
    for word, where in broken:
        joined = np.where(text == "", word, text + f"; {word}")
        text, signal = np.where(where, joined, text), signal | where
    return signal, text


def _runs(z: FloatArray, width: float) -> list[tuple[str, BoolArray]]:
    """Return the rules of several points with their names."""
    broken = kernel.run_rules(z, width)
    found = []
    for r, (count, window, beyond) in enumerate(kernel.RULES[1:], start=1):
        for side, word in enumerate(("above", "below")):
            limit = (
                f"{'-' if side else '+'}{beyond:g} sigma" if beyond else "the centre"
            )
            many = f"{count} of {window}" if beyond else f"{count} in a row"
            found.append((f"{many} {word} {limit}", broken[r, side]))
    return found


def _columns(
    process: Process, drawn: Drawn, grid: WaveGrid, signals: tuple[BoolArray, AnyArray]
) -> dict[str, AnyArray]:
    """Return the columns of the table that the chart adds."""
    values: dict[str, AnyArray] = {
        "statistic": drawn.statistic,
        "centre": drawn.centre,
        "limit_low": drawn.centre - drawn.half,
        "limit_high": drawn.centre + drawn.half,
        "sigma": drawn.sigma,
        "baseline": signals[0],
        "signal": signals[0],
        "rule": signals[1],
    }
    if drawn.since is not None:
        places = np.maximum(drawn.since, 0)
        labels = np.array([str(wave) for wave in grid.waves], dtype=object)
        began = labels[np.take_along_axis(process.order, places, axis=1)]
        values |= {"cusum_high": drawn.sides[0], "cusum_low": drawn.sides[1]}
        values["since"] = np.where(drawn.since >= 0, began, "")
    return {
        name: grid.column(kernel.unpacked(value, process.order))
        for name, value in values.items()
    }


def _reasons(table: Table, process: Process, drawn: Drawn, grid: WaveGrid) -> AnyArray:
    """Return why a row has no limits, after what was known of it."""
    reason = np.array(table["reason"], dtype=object)
    charted = kernel.unpacked(np.isfinite(drawn.half), process.order)
    whole = np.broadcast_to(np.isfinite(process.mean)[:, None], charted.shape)
    ranged = np.broadcast_to(np.isfinite(process.wide)[:, None], charted.shape)
    old = _carried(table, grid)
    for word, fault in (
        ("carried from an earlier wave: no new point", old),
        ("no standard error, so no limits", ~process.usable),
        ("no usable wave in the baseline", process.usable & ~whole),
        ("no two usable waves in the baseline: no moving range", whole & ~ranged),
        ("errors of the waves cannot be told apart", whole & ranged & ~charted),
    ):
        at = grid.column(fault) & (reason == "")
        reason[at] = word
    return reason


def _units(
    grid: WaveGrid, process: Process, signal: BoolArray, columns: Mapping[str, AnyArray]
) -> Table:
    """Return one row per unit."""
    count = signal.sum(axis=1)
    labels = np.array([str(wave) for wave in grid.waves], dtype=object)
    charted = np.isfinite(grid.spread(columns["limit_high"])).any(axis=1)
    held = grid.rows[np.arange(len(count)), np.argmax(grid.there, axis=1)]
    first = columns["reason"][held]
    return grid.units.extended(
        {
            "waves": process.usable.sum(axis=1),
            "centre": process.mean,
            "sigma_z": process.sigma_z,
            "signals": count,
            "first_signal": np.where(count > 0, labels[signal.argmax(axis=1)], ""),
            "reason": np.where(charted, "", first),
        },
        keys=grid.units.names,
    )
