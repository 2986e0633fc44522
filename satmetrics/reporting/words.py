"""Numbers and directions in words."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def signed(value: float, places: int = 1) -> str:
    """Return a number with its sign, a true minus."""
    return f"{value:+.{places}f}".replace("-", "−")


def plain(value: float, places: int = 1) -> str:
    """Return a number with a true minus."""
    text = f"{value:.{places}f}".replace("-", "−")
    return text[1:] if text.strip("−0.") == "" and text.startswith("−") else text


def certainty(level: float) -> str:
    """Return a confidence level in words."""
    return f"with {100 * level:g} % certainty"


def direction(row: Row) -> str:
    """Return "up", "down" or "no clear change"."""
    if row["conf_low"] > 0:
        return "up"
    return "down" if row["conf_high"] < 0 else "no clear change"
