"""The one thing to bear in mind, the most important first."""

from __future__ import annotations

import numpy as np

from satmetrics._result import Context
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import GapResult
from satmetrics.reporting.parts import Part, context_of

FEW = 100
MANY_LEFT_OUT = 0.10


def caveat(part: Part, context: Context) -> str:
    """Return the most important thing to bear in mind."""
    checks = (
        _simulated,
        _unsound,
        _self_selected,
        _contradicted,
        _left_out,
        _small,
        _association,
    )
    return next(said for check in checks if (said := check(part, context)))


def _simulated(part: Part, _: Context) -> str:
    if part.word != "SIMULATED":
        return ""
    return (
        "The answers are simulated: drawn by a computer to show what such a report "
        "says. They describe no real company and no real customer."
    )


def _unsound(part: Part, _: Context) -> str:
    bad = [f for f in part.fits if not (bool(f.converged) and bool(f.admissible))]
    if not bad:
        return ""
    return (
        f"The calculation did not come out sound ({bad[0].reasons[0]}); do not use it."
    )


def _self_selected(part: Part, _: Context) -> str:
    notes = [n for r in part.results for n in context_of(r).notes]
    if not any("chose themselves" in note for note in notes):
        return ""
    return (
        "Some or all of these customers chose to answer of their own accord. Such "
        "answers speak for those who gave them, not for all customers."
    )


def _contradicted(part: Part, _: Context) -> str:
    flagged = [part.names(n) for t in part.of(GapTable) for n in t.flagged]
    if not flagged:
        return ""
    return (
        f"The printed table contradicts itself in {', '.join(flagged)}: one of its "
        "figures there must be wrong."
    )


def _left_out(_: Part, context: Context) -> str:
    lost = [e for e in context.exclusions if e.what == "rows"]
    rows = sum(e.n for e in lost)
    if not context.n_rows or rows / context.n_rows < MANY_LEFT_OUT:
        return ""
    most = max(lost, key=lambda e: e.n).reason
    why = most.split("(")[0].split(";")[0].strip()
    return (
        f"{rows:,} of {context.n_rows:,} people ({100 * rows / context.n_rows:.0f} %) "
        f"were left out (mostly: {why}); had they thought otherwise than the rest, the "
        "figures would differ."
    )


def _small(part: Part, _: Context) -> str:
    sizes = [int(np.sum(f.moments.n)) for f in part.all_fits]
    sizes += [int(r.table["n"].max()) for r in part.of(GapResult) if len(r.table)]
    if not sizes or min(sizes) >= FEW:
        return ""
    return (
        f"Only {min(sizes):,} people answered; differences of a few points may be "
        "chance."
    )


def _association(_part: Part, _context: Context) -> str:
    return (
        "One survey shows what goes together, not what causes what; try a change "
        "before relying on it."
    )
