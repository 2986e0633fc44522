"""`plot.priorities`: importance against performance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._typing import FloatArray, IntArray
from satmetrics.drivers.importance import ImportancePerformance
from satmetrics.indices.priorities import PriorityResult, as_priorities
from satmetrics.plot._canvas import (
    BLUE,
    FAINT,
    INK,
    QUIET,
    SMALL,
    TEXT,
    at_least,
    axes_for,
    finish,
    inches,
    padded,
)
from satmetrics.plot._labels import LabelSource, Names, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR = 0.12
LINE = 0.17


@friendly_keywords
def priorities(
    result: PriorityResult | ImportancePerformance,
    *,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw drivers by importance and performance; what to do first is lower right.

    Parameters
    ----------
    result : what ``sat.priorities`` or ``sat.drivers.importance_performance``
        returned; of the latter the constructs are drawn.
    labels : the model or ``{name: text}``; the names themselves when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes
        Numbers in the points are ranks; the dotted lines are the drivers' means, a
        reading aid and no threshold.

    References
    ----------
    Martilla and James (1977), doi:10.1177/002224297704100112.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> sat.plot.priorities(sat.priorities(fit), labels=fit.model).get_ylabel()
    'performance: index, 0–100'
    """
    if isinstance(result, ImportancePerformance):
        result = as_priorities(result)
    expect(
        "plot.priorities",
        result,
        PriorityResult,
        "priorities",
        remedy="pass what sat.priorities(fit) returned",
    )
    names = Names.of(labels)
    table = result.table
    ax = axes_for(ax, 7.2, 4.4)
    x, y = table["effect"], table["performance"]
    texts = [names(name) for name in table["construct"]]
    _limits(ax, x, y, texts)
    _draw(ax, x, y, texts, table["rank"])
    ax.set_xlabel(
        f"importance: effect of one point on {names(result.target)}, index points"
    )
    ax.set_ylabel("performance: index, 0–100")
    return finish(ax, result.context, names.notes)


def _draw(
    ax: Axes, x: FloatArray, y: FloatArray, texts: list[str], ranks: IntArray
) -> None:
    """Draw points with their ranks and names, the means, and where to look first."""
    style = {"color": FAINT, "linestyle": ":", "linewidth": 1.2, "zorder": 1}
    ax.axvline(float(x.mean()), **style)  # type: ignore[arg-type]
    ax.axhline(float(y.mean()), **style)  # type: ignore[arg-type]
    (points,) = ax.plot(x, y, "o", color=BLUE, markersize=14, zorder=3)
    points.set_gid("estimate")
    for px, py, rank in zip(x, y, ranks, strict=True):
        ax.annotate(
            str(rank),
            (px, py),
            ha="center",
            va="center_baseline",
            color="white",
            fontsize=SMALL,
            fontweight="bold",
            zorder=4,
        )
    for (px, py), text in zip(_places(ax, x, y, texts), texts, strict=True):
        ax.text(px, py, text, fontsize=TEXT, color=INK, va="center", zorder=4)
    ax.text(
        0.985,
        0.025,
        "important and weak: act first",
        transform=ax.transAxes,
        ha="right",
        fontsize=SMALL,
        color=QUIET,
        style="italic",
    )


def _limits(ax: Axes, x: FloatArray, y: FloatArray, texts: list[str]) -> None:
    """Set limits with room for a label to the right of every point."""
    from matplotlib.ticker import MaxNLocator

    low, high = padded(min(0.0, float(x.min())), float(x.max()), 0.06)
    share = min(0.4, (max(text_width(t, TEXT) for t in texts) + 0.2) / inches(ax)[0])
    ax.set_xlim(low, low + (high - low) / (1 - share))
    ax.set_ylim(*at_least(*padded(float(y.min()), float(y.max()), 0.25), 20.0))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))


def _places(
    ax: Axes, x: FloatArray, y: FloatArray, texts: list[str]
) -> list[tuple[float, float]]:
    """Return where labels start: beside their point, clear of points and each other."""
    wide, high = inches(ax)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    at = np.column_stack([(x - x0) / (x1 - x0) * wide, (y - y0) / (y1 - y0) * high])
    taken = [(px - NEAR, py - NEAR, px + NEAR, py + NEAR) for px, py in at]
    taken.append((wide - 2.0, 0.0, wide, 0.22))
    found = []
    for (px, py), text in zip(at, texts, strict=True):
        w = text_width(text, TEXT)
        options = [
            (px + 0.17, py),
            (px - 0.17 - w, py),
            (px - w / 2, py + 0.24),
            (px - w / 2, py - 0.24),
            (px + 0.1, py + 0.17),
            (px + 0.1, py - 0.17),
        ]
        boxes = [(a, b - LINE / 2, a + w, b + LINE / 2) for a, b in options]
        costs = [_cost(box, taken, wide, high) for box in boxes]
        best = int(np.argmin(costs))
        taken.append(boxes[best])
        a, b = options[best]
        found.append((x0 + a / wide * (x1 - x0), y0 + b / high * (y1 - y0)))
    return found


def _cost(
    box: tuple[float, float, float, float],
    taken: list[tuple[float, float, float, float]],
    wide: float,
    high: float,
) -> float:
    a, b, c, d = box
    outside = max(0, -a) + max(0, c - wide) + max(0, -b) + max(0, d - high)
    over = sum(
        max(0.0, min(c, r) - max(a, p)) * max(0.0, min(d, s) - max(b, q))
        for p, q, r, s in taken
    )
    return 10 * over + 5 * outside
