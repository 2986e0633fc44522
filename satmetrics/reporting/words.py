"""Numbers and directions in words."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def signed(value: float, places: int = 1) -> str:
    """Return a number with its sign, a true minus; what rounds to zero has none."""
    text = f"{value:+.{places}f}".replace("-", "−")
    return unsigned_zero(text)


def plain(value: float, places: int = 1) -> str:
    """Return a number with a true minus."""
    return unsigned_zero(f"{value:.{places}f}".replace("-", "−"))


def unsigned_zero(text: str) -> str:
    """Return a number's text, without its sign if it is zero as printed."""
    return text[1:] if text[:1] in "+−" and not text.strip("+−0.") else text


def certainty(level: float) -> str:
    """Return a confidence level in words."""
    return f"with {100 * level:g} % certainty"


def direction(row: Row) -> str:
    """Return "up", "down" or "no clear change"."""
    if row["conf_low"] > 0:
        return "up"
    return "down" if row["conf_high"] < 0 else "no clear change"
