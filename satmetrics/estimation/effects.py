"""Direct, indirect and total effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import stack
from satmetrics._result import TableResult
from satmetrics._typing import BoolArray, FloatArray
from satmetrics.estimation import _structure
from satmetrics.estimation.fit import PlsFit
from satmetrics.estimation.statistics import reachable


@dataclass(frozen=True, eq=False, repr=False)
class Effects(TableResult):
    """Effects of constructs on constructs: source, target, term, estimate."""

    title: str = ""

    def summary(self) -> Summary:
        """Return the total effects with their direct and indirect parts."""
        keys = {
            n: n
            for n in self.table.names
            if n not in ("source", "target", "term", "estimate")
        }
        words = {**keys, "source": "source", "target": "target", "estimate": "effect"}
        parts = tuple(
            section(f"{term.capitalize()} effects", self.table.where(term=term), words)
            for term in ("total", "direct", "indirect")
        )
        return Summary(
            f"Effects in {self.title}",
            self.context.facts(),
            parts,
            ("total = direct + indirect; in standard deviations of the constructs",),
        )


@friendly_keywords
def effects(fit: PlsFit) -> Effects:
    """Return direct, indirect and total effects of a structural fit.

    Total effects are ``(I − B)⁻¹ − I`` with B the path coefficients; indirect effects
    are total minus direct (Bollen 1987, doi:10.2307/271028).

    Parameters
    ----------
    fit : what `sat.pls` returned; a batch gives rows per group.

    Returns
    -------
    Effects
        Rows with ``term`` "direct", "indirect" or "total"; pairs that no chain of
        paths connects have no row.

    Examples
    --------
    >>> import satmetrics as sat
    >>> fit = sat.pls("ecsi", sat.datasets.moments("ecsi_mobile"))
    >>> sorted(set(sat.effects(fit).to_frame()["term"]))
    ['direct', 'indirect', 'total']
    """
    expect(
        "effects",
        fit,
        PlsFit,
        "a fit",
        remedy="pass what sat.pls(model, data) returned",
    )
    direct = fit.path_matrix
    total = _structure.total_effects(direct)
    adjacency = fit.model.adjacency()
    chains = reachable(adjacency)
    parts = []
    kinds: tuple[tuple[str, BoolArray, FloatArray], ...] = (
        ("direct", adjacency, direct),
        ("indirect", chains, total - direct),
        ("total", adjacency | chains, total),
    )
    names = fit.model.names
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
    return Effects(stack(parts, keys=fit.key_names), fit.context, title=fit.title)
