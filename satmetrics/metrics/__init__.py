"""`sat.metrics`: the plain figures of every scoreboard, by group and with intervals.

Every name is imported when it is first asked for.
"""

from satmetrics._later import later

_HOMES: dict[str, str] = {}
__all__: list[str] = []
__getattr__ = later(globals(), _HOMES)


def __dir__() -> list[str]:
    """Return the names there are, those to be imported among them."""
    return sorted({*globals(), *__all__})
