"""Direct, indirect, specific indirect and total effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from satmetrics._checks import check_level, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table, stack
from satmetrics._result import TableResult
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _structure
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.statistics import reachable
from satmetrics.estimation.structural import FIT, StructuralFit
from satmetrics.inference._chains import Chains
from satmetrics.inference.measures import chain_notes, chain_table

if TYPE_CHECKING:
    from satmetrics.estimation.sem_fit import SemFit

TERMS = ("total", "direct", "indirect")
TESTS = {
    "std_error": "std. error",
    "p_value": "p",
    "conf_low": "low",
    "conf_high": "high",
}
OWN = ("source", "target", "via", "term", "estimate", "statistic", *TESTS)
"""Columns of effects that are no keys of a batch."""


@dataclass(frozen=True, eq=False, repr=False)
class Effects(TableResult):
    """Effects of constructs on constructs: source, target, term, estimate.

    A specific indirect effect has its chain of constructs under ``via``.
    """

    title: str = ""

    def summary(self) -> Summary:
        """Return the total effects with their direct and indirect parts."""
        keys = {n: n for n in self.table.names if n not in OWN}
        words = {**keys, "source": "source", "target": "target", "estimate": "effect"}
        tests = {n: word for n, word in TESTS.items() if n in self.table.names}
        words |= tests
        parts = [
            section(f"{term.capitalize()} effects", self.table.where(term=term), words)
            for term in TERMS
        ]
        chains = self.table.where(term="specific_indirect")
        if len(chains):
            words = {**keys, "via": "chain", "estimate": "effect", **tests}
            parts.append(section("Specific indirect effects", chains, words))
        return Summary(
            f"Effects in {self.title}",
            self.context.facts(),
            tuple(parts),
            (
                "total = direct + indirect; indirect = sum of the specific indirect "
                "effects; in standard deviations of the constructs",
                *self.context.notes,
            ),
        )


@friendly_keywords
def effects(fit: StructuralFit, *, level: float = 0.95) -> Effects:
    """Return direct, indirect, specific indirect and total effects of a fit.

    Total effects are ``(I − B)⁻¹ − I`` with B the path coefficients; indirect effects
    are total minus direct; a specific indirect effect is the product of the paths
    along one chain (Bollen 1987, doi:10.2307/271028).

    Parameters
    ----------
    fit : what `sat.pls` or `sat.sem` returned; a batch gives rows per group.
    level : confidence level of the intervals, which effects of factors have.

    Returns
    -------
    Effects
        Rows with ``term`` "direct", "indirect", "total", or "specific_indirect" with
        the chain under ``via``; pairs that no chain of paths connects have no row. At
        most 200 chains are listed, the shortest; a note counts the others. Effects of
        factors (`sat.sem`) have errors, tests and intervals by the delta method (of a
        path model the bootstrap has them), and come a second time in the units of the
        factors, as raw_direct, raw_indirect, raw_total and raw_specific_indirect.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> frame = sat.effects(fit).to_frame()
    >>> sorted(set(frame["term"]))
    ['direct', 'indirect', 'specific_indirect', 'total']
    >>> chains = frame.query("source == 'Quality' and target == 'Satisfaction'")
    >>> chains.query("term == 'specific_indirect'")["via"].item()
    'Quality → Value → Satisfaction'
    """
    check_level(level)
    expect(
        "effects",
        fit,
        StructuralFit,
        "a fit",
        remedy=FIT,
    )
    if not isinstance(fit, PlsFit):
        return _of_factors(cast("SemFit", fit), level)
    direct = fit.path_matrix
    total = _structure.total_effects(direct)
    adjacency = fit.model.adjacency()
    linked = reachable(adjacency)
    parts = []
    kinds: tuple[tuple[str, BoolArray, FloatArray], ...] = (
        ("direct", adjacency, direct),
        ("indirect", linked, total - direct),
        ("total", adjacency | linked, total),
    )
    names = fit.model.nodes
    for term, mask, values in kinds:
        i, j = np.nonzero(mask)
        if not len(i):
            continue
        labels = {
            "source": [names[k] for k in i],
            "target": [names[k] for k in j],
            "term": [term] * len(i),
        }
        parts.append(fit.tidy(labels, {"estimate": values[..., i, j]}))
    specific, notes = _specific(fit)
    return Effects(
        stack([*parts, specific], keys=fit.key_names),
        fit.context.plus(notes=(*notes, *_moderated(fit))),
        title=fit.title,
    )


def _of_factors(fit: SemFit, level: float) -> Effects:
    from satmetrics.estimation.sem_effects import NOTE, effect_table

    table, chains = effect_table(fit, level)
    notes = (NOTE, *chain_notes(chains))
    return Effects(table, fit.context.plus(notes=notes), title=fit.title)


def _moderated(fit: StructuralFit) -> tuple[str, ...]:
    """Say at which value of its moderators an effect is one."""
    factors = {name: None for term in fit.spec.interactions for name in term.factors}
    return (MODERATED.format(", ".join(factors)),) if factors else ()


MODERATED = (
    "effects of {} depend on moderators, and are those where these are at their means; "
    "see sat.assessment.simple_slopes"
)


def _specific(fit: StructuralFit) -> tuple[Table, tuple[str, ...]]:
    """Return the products of paths along every chain, and what is not listed."""
    names, paths = fit.model.nodes, fit.model.paths
    source = np.array([names.index(p.source) for p in paths], dtype=np.int64)
    target = np.array([names.index(p.target) for p in paths], dtype=np.int64)
    chains = Chains.of(source, target)
    ends = Table.of(
        {"source": [p.source for p in paths], "target": [p.target for p in paths]}
    )
    rows = chain_table(ends, chains)
    labels = {n: rows[n].tolist() for n in ("source", "target", "via", "term")}
    values = np.moveaxis(fit.path_matrix[..., source, target], -1, 0)
    products = np.moveaxis(chains.products(values), 0, -1)
    return fit.tidy(labels, {"estimate": products}), chain_notes(chains)
