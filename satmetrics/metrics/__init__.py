"""`sat.metrics`: the plain figures of every scoreboard, by group and with intervals.

Every name is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later

if TYPE_CHECKING:
    from satmetrics.metrics.compared import MetricDifferences, differences
    from satmetrics.metrics.result import MetricResult
    from satmetrics.metrics.scores import mean_score, net_score, top_box

_HOMES = {
    "MetricDifferences": "satmetrics.metrics.compared",
    "MetricResult": "satmetrics.metrics.result",
    "differences": "satmetrics.metrics.compared",
    "mean_score": "satmetrics.metrics.scores",
    "net_score": "satmetrics.metrics.scores",
    "top_box": "satmetrics.metrics.scores",
}
__all__ = [
    "MetricDifferences",
    "MetricResult",
    "differences",
    "mean_score",
    "net_score",
    "top_box",
]
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
