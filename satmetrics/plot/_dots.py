"""Points with intervals, one row an estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._typing import FloatArray, IntArray
from satmetrics.plot._canvas import (
    BLUE,
    FAINT,
    INK,
    QUIET,
    VERMILLION,
    padded,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Dots:
    """Estimates (k,) with the limits of their intervals, NaN where there are none."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray

    def take(self, rows: IntArray) -> Dots:
        """Return some of the points."""
        return Dots(self.estimate[rows], self.low[rows], self.high[rows])

    @property
    def state(self) -> FloatArray:
        """1 where the interval lies above 0, −1 below, 0 where it does neither."""
        with np.errstate(invalid="ignore"):
            return np.where(self.low > 0, 1, np.where(self.high < 0, -1, 0))

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest number drawn."""
        every = np.concatenate([self.estimate, self.low, self.high])
        seen = every[np.isfinite(every)]
        return (float(seen.min()), float(seen.max())) if seen.size else (np.nan, np.nan)


def positions(rows: int) -> FloatArray:
    """Return the height of each row, the first on top."""
    return np.linspace(0.0, rows - 1.0, rows)


def draw_rows(
    ax: Axes, y: FloatArray, dots: Dots, colour: str, marker: str, label: str = ""
) -> None:
    """Draw horizontal intervals with their points."""
    ax.hlines(y, dots.low, dots.high, color=colour, linewidth=1.8, zorder=2)
    (line,) = ax.plot(
        dots.estimate,
        y,
        linestyle="none",
        marker=marker,
        markersize=6.5,
        color=colour,
        label=label,
        zorder=3,
    )
    line.set_gid("estimate")


def draw_signed(ax: Axes, y: FloatArray, dots: Dots) -> None:
    """Draw points whose marker and colour say on which side of zero they lie."""
    looks = {
        1: (BLUE, "^", BLUE),
        -1: (VERMILLION, "v", VERMILLION),
        0: (QUIET, "o", "white"),
    }
    ax.hlines(
        y,
        dots.low,
        dots.high,
        colors=[looks[int(s)][0] for s in dots.state],
        linewidth=1.8,
        zorder=2,
    )
    for state, (colour, marker, face) in looks.items():
        here = dots.state == state
        marks(ax, dots.estimate[here], y[here], (marker, colour, face))


def marks(
    ax: Axes,
    x: FloatArray,
    y: FloatArray,
    look: tuple[str, str, str],
    *,
    size: float = 7.0,
    gid: str = "estimate",
) -> None:
    """Draw points with marker, colour and filling, if there are any."""
    if not len(x):
        return
    marker, colour, face = look
    (line,) = ax.plot(
        x,
        y,
        linestyle="none",
        marker=marker,
        markersize=size,
        color=colour,
        markerfacecolor=face,
        markeredgewidth=1.4,
        zorder=4,
    )
    line.set_gid(gid)


def row_labels(ax: Axes, y: FloatArray, labels: Sequence[str]) -> None:
    """Put labels on rows, the first on top, with faint guides between them."""
    ax.set_yticks(y, labels=list(labels))
    ax.set_ylim(float(max(y)) + 0.6, float(min(y)) - 0.6)
    ax.tick_params(axis="y", length=0)
    ax.hlines(
        y, 0, 1, transform=ax.get_yaxis_transform(), color="#efefef", lw=0.8, zorder=0
    )


def zero_line(ax: Axes, dots: Dots) -> None:
    """Draw the line at zero and set limits that show it with some room."""
    low, high = dots.ends
    low, high = padded(min(low, 0.0), max(high, 0.0))
    ax.set_xlim(low, high)
    line = ax.axvline(0, color=INK, linewidth=1.0, zorder=1)
    line.set_gid("zero")


def guides(ax: Axes) -> None:
    """Draw faint vertical guides behind everything."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    ax.grid(axis="x", color=FAINT, linewidth=0.5, zorder=0)
    ax.set_axisbelow(True)
