"""The last chapter: how every number was made, and what was left out."""

from __future__ import annotations

import platform
from importlib import metadata

from satmetrics.assessment.assess import RULES, Assessment
from satmetrics.estimation.structural import StructuralFit
from satmetrics.gap.gap_table import GapTable
from satmetrics.gap.result import GapResult
from satmetrics.indices.formula_result import FormulaResult
from satmetrics.indices.index_result import METRIC_WORDS, IndexResult
from satmetrics.indices.priorities import PriorityResult
from satmetrics.inference.bootstrap import BootstrapResult
from satmetrics.inference.kinds import KINDS
from satmetrics.reporting.parts import Part, context_of

Fact = tuple[str, str]
PACKAGES = ("satmetrics", "numpy", "scipy", "pandas", "matplotlib")


def methods(part: Part) -> tuple[Fact, ...]:
    """Return what was done, as pairs (what, how)."""
    facts: list[Fact] = [("data", f"{part.name or 'unnamed'}, {part.word}")]
    for fit in part.all_fits:
        facts += _fit(fit)
    for boot in part.of(BootstrapResult):
        facts.append(("intervals of effects", _boot(boot)))
    for result in part.of(IndexResult):
        facts.append(("index", _index(result)))
    if part.of(PriorityResult):
        facts.append(
            (
                "priorities",
                "effect × (100 − performance); a rule of thumb for order, not a "
                "forecast (importance-performance analysis, Martilla and James 1977)",
            )
        )
    for gap in part.of(GapResult):
        facts.append(("gaps", _gap(gap)))
    if part.of(GapTable):
        facts.append(("gaps of a printed table", _TABLE))
    if part.of(Assessment):
        facts += [("rule of thumb", rule) for rule in RULES.values()]
    return tuple(dict.fromkeys(facts))


def exclusions(part: Part) -> tuple[str, ...]:
    """Return every exclusion and note of the data, once, counted."""
    found: dict[str, None] = {}
    for result in part.results:
        for said in context_of(result).sentences():
            found.setdefault(said)
    return tuple(found) or ("nothing was left out",)


def versions() -> str:
    """Return the versions of what computed the report."""
    from satmetrics import __version__

    found = [f"satmetrics {__version__}"]
    found += [f"{name} {metadata.version(name)}" for name in PACKAGES[1:]]
    return ", ".join([*found, f"Python {platform.python_version()}"])


def _fit(fit: StructuralFit) -> list[Fact]:
    model = fit.model
    facts = [
        (
            f"model {model.name}",
            model.credit() or "the author's own model",
        ),
        ("estimator", fit.estimator_words()),
        (
            "missing answers",
            f"{fit.sampling.missing}, n = {int(fit.moments.n.sum()):,}",
        ),
    ]
    faults = [r for r in fit.reasons if r]
    if model.note:
        facts.append(("note on the model", model.note))
    return facts + [("fit not sound", reason) for reason in faults]


def _boot(boot: BootstrapResult) -> str:
    source = (
        f"{boot.resampled} drawn with replacement"
        if boot.resampled != "normal theory"
        else "drawn by normal theory from the figures, no answers"
    )
    return (
        f"bootstrap, {boot.n_draws:,} draws, {boot.n_failed:,} failed, {source}; "
        f"{100 * boot.level:g} % {KINDS[boot.interval]} intervals; "
        "p = 2Φ(−|estimate/std. error|)"
    )


def _index(result: IndexResult) -> str:
    if isinstance(result, FormulaResult):
        low, high = result.scale
        return (
            f"{low:g}–{high:g}, {result.metric}; {100 * result.level:g} % intervals of "
            "t, errors linearised over respondents; the formula's weights are fixed"
        )
    return (
        f"0–100, {METRIC_WORDS[result.metric]}; {100 * result.level:g} % normal "
        "intervals that take the weights as fixed (delta method)"
    )


def _gap(result: GapResult) -> str:
    weights = (
        "sampling weights, Taylor linearised errors"
        if result.weighted
        else "no weights"
    )
    return (
        f"perception − expectation, paired; expectation asked: "
        f"{result.expectation_type or 'not stated'}; missing answers "
        f"{result.missing}; {weights}; {100 * result.level:g} % intervals of t; p "
        "adjusted by Holm"
    )


_TABLE = (
    "recomputed from the printed means; standard errors from what each row prints; a "
    "row is marked where no unrounded figures agree with all it prints"
)
