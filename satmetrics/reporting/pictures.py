"""Figures of `satmetrics.plot` as addresses of pictures, for desktop and phone."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from satmetrics._result import Context
from satmetrics.plot._canvas import SHORTEST, settle_texts
from satmetrics.plot._labels import wrapped
from satmetrics.reporting.blocks import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 7.0, 3.7
HEIGHT = 3.9


def picture(
    draw: Callable[..., Axes],
    *args: Any,
    caption: str,
    alt: str,
    context: Context,
    rows: bool = False,
    **options: Any,
) -> Picture:
    """Draw a figure twice, for desktop and for phone.

    Parameters
    ----------
    draw : a function of `satmetrics.plot`; `args` and `options` are passed on.
    rows : True if its height is a matter of the number of rows.
    """

    def addresses() -> tuple[str, str]:
        wide, narrow = (
            _address(_drawn(draw, args, options, width, rows))
            for width in (WIDE, NARROW)
        )
        return wide, narrow

    return Picture(
        addresses,
        alt,
        caption,
        context.word,
        context.name,
    )


def own_size(
    draw: Callable[..., Axes],
    *args: Any,
    caption: str,
    alt: str,
    context: Context,
    **options: Any,
) -> Picture:
    """Draw a figure once, at the size it gives itself."""

    def addresses() -> tuple[str, str]:
        figure = draw(*args, **options).get_figure(root=True)
        return _address(figure), ""  # type: ignore[arg-type]

    return Picture(addresses, alt, caption, context.word, context.name)


def _drawn(
    draw: Callable[..., Axes],
    args: tuple[Any, ...],
    options: dict[str, Any],
    width: float,
    rows: bool,
) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, HEIGHT), layout="constrained")
    ax = draw(*args, ax=figure.subplots(), **options)
    lines = _fold(ax, width) if rows else 1
    ax.set_xlabel(_folded(ax.get_xlabel(), 30 if width < WIDE else 100))
    if rows:
        step = 0.28 + 0.13 * (lines - 1)
        legend = 0.55 if ax.get_legend() is not None else 0.0
        entries = len(ax.get_legend_handles_labels()[1])
        step = max(step, 0.12 * entries)
        below = 0.13 * max(0, ax.get_xlabel().count("\n") - 1)
        height = 0.95 + legend + below + step * len(ax.get_yticks())
        figure.set_size_inches(width, max(height, SHORTEST))
    return figure


def _fold(ax: Axes, width: float) -> int:
    """Break long row labels where the picture is narrow; return the most lines."""
    if width >= WIDE:
        return 1
    labels = [wrapped(t.get_text(), 18) for t in ax.get_yticklabels()]
    ax.set_yticks(ax.get_yticks(), labels=labels)
    settle_texts(ax)
    return max(label.count("\n") + 1 for label in labels)


def _folded(text: str, width: int) -> str:
    lines = text.split("\n")
    if max(map(len, lines)) > width:
        lines = text.replace("   |   ", "\n").split("\n")
    return "\n".join(s if len(s) <= width else wrapped(s, width) for s in lines)


def _address(figure: Figure) -> str:
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "satmetrics", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/svg+xml;base64,{code}"
