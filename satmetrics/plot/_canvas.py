"""Axes to draw on, colours, and what every figure carries."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.errors import OptionError
from satmetrics.plot._labels import cjk_family, is_cjk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#222222"
QUIET = "#595959"
FAINT = "#c8c8c8"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#A8527F"
BLACK = "#000000"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, BLACK)
"""Okabe and Ito's colours of at least 3:1 on white (purple darkened to reach it)."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", "-.", ":")
SMALL = 8.0
TEXT = 9.0


SHORTEST = 1.7
"""Inches; a lower figure has no room for the origin at its edge."""


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """Return `ax`, or the axes of a new figure of this size in inches.

    In a notebook, or where pyplot drives a window, the figure is pyplot's, so that it
    is shown; elsewhere it belongs to the caller alone and nothing keeps it alive.
    """
    from matplotlib.axes import Axes as AxesClass

    if ax is not None:
        if not isinstance(ax, AxesClass):
            raise OptionError(
                f"ax is a {type(ax).__name__}",
                code="not-axes",
                column="ax",
                remedy="pass matplotlib Axes, or leave ax out",
            )
        return ax
    height = max(height, SHORTEST)
    if _shown_by_session():
        from matplotlib import pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def _shown_by_session() -> bool:
    """Whether a notebook or a window of pyplot would show a new figure."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        return True
    if "matplotlib.pyplot" not in sys.modules:
        return False
    import matplotlib as mpl
    from matplotlib.backends.registry import BackendFilter, backend_registry

    windows: list[str] = backend_registry.list_builtin(  # type: ignore[no-untyped-call]
        BackendFilter.INTERACTIVE
    )
    return mpl.get_backend().lower() in [name.lower() for name in windows]


def finish(ax: Axes, context: Context, notes: Iterable[str] = ()) -> Axes:
    """Add the origin at the right edge, thin the frame, and settle the fonts."""
    words = " · ".join((context.word, *notes))
    mark = ax.text(
        1.0,
        0.0,
        words,
        transform=ax.transAxes,
        rotation=270,
        ha="left",
        va="bottom",
        fontsize=7,
        color=QUIET,
    )
    mark.set_gid("origin")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(colors=QUIET, labelcolor=INK, labelsize=SMALL + 0.5)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(SMALL)
        label.set_color(QUIET)
    settle_texts(ax)
    return ax


def settle_texts(ax: Axes) -> None:
    """Draw labels as they are: "$" is no mathematics, Chinese has its own font."""
    from matplotlib.text import Text

    chinese = cjk_family()
    for text in ax.findobj(Text):
        text.set_parse_math(False)
        if chinese is not None and is_cjk(text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), chinese])


def inches(ax: Axes) -> tuple[float, float]:
    """Return about how wide and high the axes will be."""
    box = ax.get_position()
    width, height = ax.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    if ax.get_figure(root=True).get_layout_engine() is not None:  # type: ignore[union-attr]
        return 0.82 * width * _share(ax, 0), 0.8 * height * _share(ax, 1)
    return float(box.width * width), float(box.height * height)


def _share(ax: Axes, axis: int) -> float:
    spec = ax.get_subplotspec()
    if spec is None:
        return 1.0
    rows, columns = spec.get_gridspec().get_geometry()
    return 1.0 / (columns, rows)[axis]


def spread(values: FloatArray, gap: float) -> FloatArray:
    """Return positions near `values` (k,) that are at least `gap` apart.

    Neighbours that are too close form a cluster, evenly spaced about its mean.
    """
    if not len(values):
        return values
    order = np.argsort(values, kind="stable")
    clusters: list[tuple[float, int]] = []
    for value in values[order]:
        clusters.append((float(value), 1))
        while len(clusters) > 1:
            (a, m), (b, k) = clusters[-2:]
            if b - a >= gap * (m + k) / 2:
                break
            clusters[-2:] = [((a * m + b * k) / (m + k), m + k)]
    placed = np.concatenate(
        [c + gap * (np.arange(k) - (k - 1) / 2) for c, k in clusters]
    )
    out = np.empty(len(values))
    out[order] = placed
    return out


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Return limits with some air; a single value gets a unit on either side."""
    if not np.isfinite(low) or not np.isfinite(high):
        return 0.0, 1.0
    room = share * (high - low) or 1.0
    return low - room, high + room


def at_least(low: float, high: float, span: float) -> tuple[float, float]:
    """Widen limits of an index to a span, so that noise does not look like a plunge."""
    short = max(0.0, span - (high - low)) / 2
    low, high = low - short, high + short
    shift = max(0.0, high - 100.0) - max(0.0, -low)
    return max(low - shift, 0.0), min(high - shift, 100.0)
