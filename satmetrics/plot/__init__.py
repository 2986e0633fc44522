"""Figures: a result in, `Axes` out.

Every function takes ``ax=None`` and returns the axes it drew on. Without ``ax`` it
makes a figure of its own. Figures have no titles (captions belong to the document),
name the unit and the kind of interval on the axis, and say REAL or SIMULATED at their
right edge. No global setting of matplotlib is changed.

Every name is imported when it is first asked for.

``labels=`` takes what knows the names for people: a model, an instrument or a mapping
``{name: text}``.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later

if TYPE_CHECKING:
    from satmetrics.plot.draw_changes import changes
    from satmetrics.plot.draw_control_chart import control_chart
    from satmetrics.plot.draw_forest import forest
    from satmetrics.plot.draw_gaps import gaps
    from satmetrics.plot.draw_index import index
    from satmetrics.plot.draw_over_waves import over_waves
    from satmetrics.plot.draw_paths import paths
    from satmetrics.plot.draw_priorities import priorities
    from satmetrics.plot.draw_ranking import ranking
    from satmetrics.plot.draw_scoreboard import scoreboard

__all__ = [
    "changes",
    "control_chart",
    "forest",
    "gaps",
    "index",
    "over_waves",
    "paths",
    "priorities",
    "ranking",
    "scoreboard",
]

_HOMES = {name: f"satmetrics.plot.draw_{name}" for name in __all__}
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
