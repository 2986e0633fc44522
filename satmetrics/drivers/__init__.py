"""`sat.drivers`: what moves satisfaction, by how much, and how it stands.

All but `importance_performance` are imported when they are first asked for.
"""

from typing import TYPE_CHECKING

from satmetrics._later import later
from satmetrics.drivers.importance import importance_performance

if TYPE_CHECKING:
    from satmetrics.drivers.impacts import Impact, impact
    from satmetrics.drivers.relative import RelativeImportance, relative_importance
    from satmetrics.drivers.scenarios import Scenario, scenario

_HOMES = {
    "Impact": "satmetrics.drivers.impacts",
    "RelativeImportance": "satmetrics.drivers.relative",
    "Scenario": "satmetrics.drivers.scenarios",
    "impact": "satmetrics.drivers.impacts",
    "relative_importance": "satmetrics.drivers.relative",
    "scenario": "satmetrics.drivers.scenarios",
}
__all__ = [
    "Impact",
    "RelativeImportance",
    "Scenario",
    "impact",
    "importance_performance",
    "relative_importance",
    "scenario",
]
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
