"""What a ranking says of measurement invariance: which units measure something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from satmetrics._checks import expect
from satmetrics._frames import Table
from satmetrics.errors import OptionError
from satmetrics.indices.invariance_result import REJECTED, UnitInvariance
from satmetrics.indices.rank_result import UNCHECKED
from satmetrics.indices.ranked_figures import Ranked

NOT_CHECKED, NOT_TESTED = "not checked", "not tested"
LISTED = 20
"""Units named in a sentence; the table has them all."""


@dataclass(frozen=True)
class Checked:
    """The verdict of each ranked unit, and what is printed."""

    words: tuple[str, ...]
    sentences: tuple[str, ...]


def said_of(found: UnitInvariance | None, given: Ranked, table: Table) -> Checked:
    """Return what is known of the invariance of ranked units.

    Raises
    ------
    OptionError
        If the tests are of another wave, of another construct or of other columns.
    """
    if found is None:
        return Checked((NOT_CHECKED,) * len(table), (UNCHECKED,))
    expect(
        "ranking",
        found,
        UnitInvariance,
        "a test of invariance",
        remedy="pass what sat.indices.unit_invariance(model, data) returned",
    )
    tests = found.composition(given.target or None)
    keys = _common_keys(found, given)
    held = dict(zip(_labels(tests, keys), tests["verdict"], strict=True))
    if len(held) < len(tests):
        raise OptionError(
            "units of several industries have one name",
            code="several-rows",
            column=keys[-1],
            remedy=f"rank with within={found.within[0]!r} as the tests were made",
        )
    words = [held.get(label) or NOT_TESTED for label in _labels(table, keys)]
    names = [" / ".join(label) for label in _labels(table, given.unit)]
    return Checked(tuple(words), _sentences(found, words, names))


def with_verdicts(table: Table, words: Sequence[str], keys: Sequence[str]) -> Table:
    """Return the ranking with the verdicts, the reasons last."""
    reasons = table["reason"]
    columns = {"invariance": list(words), "reason": reasons}
    return table.drop("reason").extended(columns, keys=keys)


def _common_keys(found: UnitInvariance, given: Ranked) -> tuple[str, ...]:
    if found.unit != given.unit:
        raise OptionError(
            f"invariance was tested by {', '.join(found.unit)}, and "
            f"{', '.join(given.unit)} is ranked",
            code="other-units",
            column="invariance",
            value=found.unit,
            remedy="name the same unit= in both",
        )
    if found.wave and given.wave and found.wave[1] != given.wave[1]:
        raise OptionError(
            f"invariance was tested in {found.wave[0]} {found.wave[1]!r}, and "
            f"{given.wave[1]!r} is ranked",
            code="other-wave",
            column="invariance",
            value=found.wave[1],
            remedy="give the same wave= to both",
        )
    both = found.within if found.within == given.within else ()
    return (*both, *given.unit)


def _labels(table: Table, keys: Sequence[str]) -> list[tuple[str, ...]]:
    columns = (map(str, table[name].tolist()) for name in keys)
    return list(zip(*columns, strict=True))


def _sentences(
    found: UnitInvariance, words: Sequence[str], names: Sequence[str]
) -> tuple[str, ...]:
    """Say how many units measure something else, which, and how many are not known."""
    failing = [n for n, word in zip(names, words, strict=True) if word == REJECTED]
    unknown = [n for n, word in zip(names, words, strict=True) if word == NOT_TESTED]
    tested = len(words) - len(unknown)
    share = f"{100 * (1 - found.level):.3g} %"
    which = f": {_listed(failing)}" if failing else ""
    said = (
        "measurement invariance (MICOM of each unit against the rest, Holm, "
        f"{share}): composition rejected for {len(failing)} of {tested} units{which}"
    )
    if not unknown:
        return (said,)
    return (said, f"measurement invariance not tested: {_listed(unknown)}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
