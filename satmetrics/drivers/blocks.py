"""Which columns make which driver or criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from satmetrics.errors import DataError

Named: TypeAlias = Mapping[str, Sequence[str]] | Sequence[str]
Blocks: TypeAlias = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Noun:
    """What the blocks are called.

    Attributes
    ----------
    one, many : the word, and its plural.
    """

    one: str
    many: str


DRIVER = Noun("driver", "drivers")
CRITERION = Noun("criterion", "criteria")


def named_blocks(given: Named, noun: Noun) -> Blocks:
    """Return ``{name: columns}``; a listed column is a block by itself.

    Raises
    ------
    DataError
        If there are none, one has no columns, or a column occurs twice.
    """
    if isinstance(given, Mapping):
        blocks = {
            str(name): (block,) if isinstance(block, str) else tuple(block)
            for name, block in given.items()
        }
        items = [item for block in blocks.values() for item in block]
    else:
        items = [given] if isinstance(given, str) else [str(name) for name in given]
        blocks = {name: (name,) for name in items}
    _check(blocks, items, noun)
    return blocks


def _check(blocks: Blocks, items: list[str], noun: Noun) -> None:
    empty = [name for name, block in blocks.items() if not block]
    twice = [item for item in items if items.count(item) > 1]
    if empty or twice or not blocks:
        wrong = next(iter([*empty, *twice]), None)
        said = "has no columns" if empty else "occurs twice"
        raise DataError(
            f"{wrong!r} {said}" if blocks else f"there are no {noun.many}",
            code=f"bad-{noun.many}",
            column=wrong,
            value=wrong,
            remedy=f"give {{{noun.one}: [columns]}}, each with columns of its own",
        )


def check_outcome(blocks: Blocks, outcome: str, noun: Noun) -> None:
    """Raise ``DataError`` if the outcome is among the columns of the blocks."""
    if any(outcome in block for block in blocks.values()):
        raise DataError(
            f"{outcome!r} is both outcome and {noun.one}",
            code="bad-outcome",
            column=outcome,
            value=outcome,
            remedy=f"leave it out of the {noun.many}",
        )
