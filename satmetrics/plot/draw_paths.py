"""`plot.paths`: the path diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._typing import FloatArray
from satmetrics.errors import DataError, OptionError
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.plot import _layout
from satmetrics.plot._arrows import Arrow, ends_of, label_spots
from satmetrics.plot._canvas import (
    BLUE,
    INK,
    QUIET,
    SMALL,
    VERMILLION,
    axes_for,
    finish,
    inches,
)
from satmetrics.plot._labels import LabelSource, Names, texts_of, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LineStyle: TypeAlias = Literal["-"] | tuple[float, Sequence[float]]
SOLID: LineStyle = "-"
DASHED: LineStyle = (0, (4, 2))
DOTTED: LineStyle = (0, (1, 1.4))
DASH_DOTTED: LineStyle = (0, (4, 1.4, 1, 1.4))
STYLES = {
    (False, False): SOLID,
    (True, False): DASHED,
    (False, True): DOTTED,
    (True, True): DASH_DOTTED,
}
"""(interval holds zero, arrow not confirmed) → style."""


@friendly_keywords
def paths(
    fit: StructuralFit,
    boot: BootstrapResult | None = None,
    *,
    labels: LabelSource = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the path diagram of a fit.

    Arrows run from left to right wherever the model allows. Their width grows with the
    coefficient, in standard deviations per standard deviation. With `boot`, paths whose
    interval holds zero are dashed; arrows of a published model that its source does not
    confirm are dotted; where both hold, dash-dotted. The share of variance explained
    (R²) stands in the box.

    Parameters
    ----------
    fit : a single fit; of a batch pass ``fit.group(0)``.
    boot : the bootstrap of the fit, if its intervals are to be shown.
    labels : ``{name: text}``; the model's own labels when None.
    ax : axes to draw on; a new figure when None.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> len([p for p in sat.plot.paths(fit).patches if p.get_gid() == "path"])
    12
    """
    _check(fit, boot)
    names = Names.of({**texts_of(fit.model), **texts_of(labels)})
    at = _layout.place(fit.model.adjacency())
    extent = np.ptp(at, axis=0) + np.array(_layout.BOX)
    ax = axes_for(ax, float(extent[0]) + 0.5, float(extent[1]) + 0.9)
    ax.set_axis_off()
    ax.set_aspect("equal")
    half = np.array(_layout.BOX) / 2
    low, high = at.min(axis=0) - half - 0.06, at.max(axis=0) + half + 0.06
    ax.set_xlim(float(low[0]), float(high[0]))
    ax.set_ylim(float(low[1]), float(high[1]))
    zoom = float(min(1.1, max(0.45, inches(ax)[0] / (0.9 * extent[0]))))
    arrows = _arrows(fit, boot)
    for arrow, spot in zip(arrows, label_spots(arrows, at), strict=True):
        _draw_arrow(ax, arrow, at, spot, zoom)
    r2 = np.atleast_1d(fit.r_squared)
    for k, name in enumerate(fit.model.nodes):
        _draw_box(ax, at[k], names(name), float(r2[k]), name == fit.model.target, zoom)
    _legend(ax, arrows, boot, zoom)
    return finish(ax, fit.context, names.notes)


def _check(fit: StructuralFit, boot: object) -> None:
    expect(
        "plot.paths",
        fit,
        StructuralFit,
        "a fit",
        remedy=FIT,
    )
    fit.require_single("draw")
    if boot is None:
        return
    if not isinstance(boot, BootstrapResult):
        raise OptionError(
            f"boot is a {type(boot).__name__}",
            code="not-a-bootstrap",
            remedy="pass what sat.bootstrap(fit, data) returned",
        )
    rows = boot.table.where(term="path")
    own = fit.standard_paths()
    same = len(rows) == len(own) and np.allclose(rows["estimate"], own["estimate"])
    if not same:
        raise DataError(
            "the bootstrap is of another fit",
            code="other-fit",
            remedy="pass sat.bootstrap(fit, data) of this fit",
        )


def _arrows(fit: StructuralFit, boot: BootstrapResult | None) -> list[Arrow]:
    held = np.zeros(len(fit.model.paths), dtype=bool)
    if boot is not None:
        rows = boot.table.where(term="path")
        held = ~((rows["conf_low"] > 0) | (rows["conf_high"] < 0))
    names = fit.model.nodes
    values = fit.standard_paths()["estimate"]
    return [
        Arrow(
            names.index(path.source),
            names.index(path.target),
            float(value),
            bool(open_),
            path.status in ("recalled", "unverified"),
        )
        for path, value, open_ in zip(fit.model.paths, values, held, strict=True)
    ]


def _draw_arrow(
    ax: Axes, arrow: Arrow, at: FloatArray, spot: FloatArray, zoom: float
) -> None:
    from matplotlib.patches import FancyArrowPatch

    start, end = ends_of(arrow, at)
    colour = VERMILLION if arrow.value < 0 else BLUE
    style = STYLES[arrow.open, arrow.recalled]
    width = zoom * (0.7 + 4.2 * min(abs(arrow.value), 1.0))
    patch = FancyArrowPatch(
        (float(start[0]), float(start[1])),
        (float(end[0]), float(end[1])),
        arrowstyle="-|>",
        mutation_scale=zoom * (7 + 7 * min(abs(arrow.value), 1.0)),
        linewidth=width,
        linestyle=style,
        color=colour,
        shrinkA=0,
        shrinkB=0,
        joinstyle="miter",
        zorder=1,
    )
    patch.set_gid("path")
    ax.add_patch(patch)
    text = ax.text(
        float(spot[0]),
        float(spot[1]),
        f"{round(arrow.value, 2) + 0.0:.2f}".replace("-", "−"),
        ha="center",
        va="center",
        fontsize=zoom * 8.5,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8 * zoom},
        zorder=3,
    )
    text.set_gid("coefficient")


def _draw_box(
    ax: Axes, at: FloatArray, title: str, r2: float, target: bool, zoom: float
) -> None:
    from matplotlib.patches import FancyBboxPatch

    w, h = _layout.BOX
    pad = 0.06
    box = FancyBboxPatch(
        (float(at[0]) - w / 2 + pad, float(at[1]) - h / 2 + pad),
        w - 2 * pad,
        h - 2 * pad,
        boxstyle=f"round,pad={pad},rounding_size=0.09",
        facecolor="#dcebf5" if target else "#f6f6f6",
        edgecolor=INK if target else QUIET,
        linewidth=zoom * (1.5 if target else 0.9),
        zorder=2,
    )
    box.set_gid("construct")
    ax.add_patch(box)
    _write(ax, at, title, r2, target, zoom)


def _write(
    ax: Axes, at: FloatArray, title: str, r2: float, target: bool, zoom: float
) -> None:
    """Write a construct's name, and its R² where it has one, into its box."""
    known = bool(np.isfinite(r2))
    lines = wrapped(title, 17)
    text = ax.text(
        float(at[0]),
        float(at[1]) + (0.1 if known else 0.0),
        lines,
        ha="center",
        va="center",
        fontsize=zoom * (8.8 if "\n" not in lines else 7.6),
        fontweight="bold" if target else "normal",
        linespacing=1.0,
        color=INK,
        zorder=4,
    )
    text.set_gid("label")
    if known:
        ax.text(
            float(at[0]),
            float(at[1]) - 0.18,
            f"R² {r2:.2f}",
            ha="center",
            va="center",
            fontsize=zoom * 7.2,
            color=QUIET,
            zorder=4,
        )


def _legend(
    ax: Axes, arrows: list[Arrow], boot: BootstrapResult | None, zoom: float
) -> None:
    from matplotlib.lines import Line2D

    level = 0.95 if boot is None else boot.level
    negative = any(a.value < 0 for a in arrows)
    zero = f"{100 * level:g} % interval holds zero"
    unknown = "arrow of the published model not confirmed"
    there = {(a.open, a.recalled) for a in arrows}
    kinds: tuple[tuple[bool, str, LineStyle, str], ...] = (
        (negative, BLUE, SOLID, "positive"),
        (negative, VERMILLION, SOLID, "negative"),
        ((True, False) in there, QUIET, DASHED, f"dashed: {zero}"),
        ((False, True) in there, QUIET, DOTTED, f"dotted: {unknown}"),
        ((True, True) in there, QUIET, DASH_DOTTED, f"dash-dotted: {zero}, {unknown}"),
    )
    handles = [
        Line2D([], [], color=colour, linestyle=style, linewidth=2, label=text)
        for seen, colour, style, text in kinds
        if seen
    ]
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, -0.01),
        ncols=2,
        frameon=False,
        fontsize=zoom * SMALL,
        handlelength=2.6,
        borderaxespad=0.3,
        title="path coefficients, standard deviations; the width grows with size",
        title_fontsize=zoom * SMALL,
        alignment="left",
    )
