"""What constructs made of constructs must satisfy; each fault is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satmetrics._checks import did_you_mean
from satmetrics.errors import SpecificationError

if TYPE_CHECKING:
    from satmetrics.models.model import StructuralModel
    from satmetrics.models.terms import HigherOrder, Interaction


def components_of(model: StructuralModel) -> dict[str, HigherOrder]:
    """Return component → the higher-order construct it belongs to."""
    return {part: h for h in model.higher for part in h.components}


def check_higher(model: StructuralModel) -> None:
    """Raise `SpecificationError` naming the first fault of higher-order constructs."""
    owner: dict[str, str] = {}
    for h in model.higher:
        for part in h.components:
            _check_component(model, h, part)
            if part in owner:
                raise SpecificationError(
                    f"{part!r} is a component of {owner[part]!r} and of {h.name!r}",
                    code="shared-component",
                    column=part,
                    remedy="give each component to one higher-order construct",
                )
            owner[part] = h.name
    approaches = {h.approach for h in model.higher}
    if len(approaches) > 1:
        raise SpecificationError(
            f"higher-order constructs are to be estimated by {sorted(approaches)}",
            code="mixed-approaches",
            value=tuple(sorted(approaches)),
            remedy="one approach decides what the first stage is; choose one for all",
        )
    if approaches & {"saturated", "embedded"}:
        _check_no_factors(model)


def check_stages(model: StructuralModel) -> None:
    """Raise where paths to or from components would close a cycle."""
    from satmetrics.models import respecify

    if any(h.approach in ("repeated", "embedded") for h in model.higher):
        main = respecify.without_interactions(model) if model.interactions else model
        respecify.repeated(main)


def _check_component(model: StructuralModel, h: HigherOrder, part: str) -> None:
    if part in (other.name for other in model.higher):
        raise SpecificationError(
            f"{part!r}, a component of {h.name!r}, is of higher order itself",
            code="third-order",
            column=part,
            remedy="components are constructs that have indicators; an order above the "
            "second is not estimated here",
        )
    if part not in model.names:
        raise SpecificationError(
            f"higher-order construct {h.name!r} names {part!r}, which is not a "
            "construct",
            code="unknown-construct",
            column=part,
            value=part,
            remedy=f"{did_you_mean(part, model.names)} constructs: "
            f"{', '.join(model.names)}".strip(),
        )
    if model.construct(part).kind == "factor":
        raise SpecificationError(
            f"component {part!r} of {h.name!r} is a factor, and its scores are not "
            "freed of unreliability when they become indicators",
            code="factor-component",
            column=part,
            remedy='use kind = "composite" for the components',
        )
    own = [p for p in model.paths if part in (p.source, p.target)]
    if own and h.approach != "repeated":
        raise SpecificationError(
            f"{part!r} is a component of {h.name!r} and has a path of its own: "
            f"{own[0].source} → {own[0].target}",
            code="component-path",
            column=part,
            value=(own[0].source, own[0].target),
            remedy=f"lead the path to or from {h.name!r}, or use approach "
            '"repeated", which keeps the components',
        )


def _check_no_factors(model: StructuralModel) -> None:
    factors = [c.name for c in model.constructs if c.kind == "factor"]
    if factors:
        raise SpecificationError(
            f"{factors[0]!r} is a factor, and approach {model.higher[0].approach!r} "
            "puts its score in place of its indicators",
            code="factor-score",
            column=factors[0],
            remedy='use approach "two-stage", which keeps the indicators, or '
            'kind = "composite"',
        )


def check_interactions(model: StructuralModel) -> None:
    """Raise `SpecificationError` naming the first fault of interactions."""
    made = {i.name for i in model.interactions}
    factors = {c.name for c in model.constructs if c.kind == "factor"}
    factors |= {h.name for h in model.higher if h.kind == "factor"}
    seen: dict[frozenset[str], str] = {}
    for term in model.interactions:
        twin = seen.setdefault(frozenset(term.factors), term.name)
        if twin != term.name:
            raise SpecificationError(
                f"interactions {twin!r} and {term.name!r} are the same product",
                code="duplicate-interaction",
                column=term.name,
                remedy="leave one out; it may lead to several constructs",
            )
        for factor in term.factors:
            _check_factor(model, term, factor, made)
            if factor in factors:
                raise SpecificationError(
                    f"{factor!r} is a factor and part of interaction {term.name!r}: "
                    "the unreliability of a product is not corrected here",
                    code="factor-interaction",
                    column=factor,
                    remedy='use kind = "composite" for what is multiplied',
                )
        _check_paths_of(model, term)


def _check_factor(
    model: StructuralModel, term: Interaction, factor: str, made: set[str]
) -> None:
    known = [n for n in model.nodes if n not in made]
    if factor not in known:
        word = "an interaction itself" if factor in made else "not a construct"
        raise SpecificationError(
            f"interaction {term.name!r} names {factor!r}, which is {word}",
            code="unknown-construct",
            column=factor,
            value=factor,
            remedy=f"{did_you_mean(factor, known)} constructs: {', '.join(known)}",
        )
    held = components_of(model).get(factor)
    if held is not None and held.approach != "repeated":
        raise SpecificationError(
            f"interaction {term.name!r} names {factor!r}, a component of "
            f"{held.name!r} that is not in the last stage",
            code="component-interaction",
            column=factor,
            remedy=f"multiply {held.name!r} instead",
        )


def _check_paths_of(model: StructuralModel, term: Interaction) -> None:
    edges = {(p.source, p.target) for p in model.paths}
    into = [source for source, target in edges if target == term.name]
    if into:
        raise SpecificationError(
            f"interaction {term.name!r} has a path from {into[0]!r}, and a product of "
            "constructs is explained by them",
            code="explained-interaction",
            column=term.name,
            remedy="paths start at an interaction; none leads to it",
        )
    for source, target in sorted(edges):
        if source != term.name:
            continue
        absent = [f for f in term.factors if (f, target) not in edges and f != target]
        if absent or target in term.factors:
            lacking = absent[0] if absent else target
            cure = (
                f"add the path {lacking} → {target}"
                if absent
                else f"a construct is not explained by its own product; remove "
                f"{source} → {target}"
            )
            raise SpecificationError(
                f"{source!r} leads to {target!r} without the main effect of "
                f"{lacking!r}, whose effect the product would take up",
                code="no-main-effect",
                column=target,
                value=(lacking, target),
                remedy=cure,
            )
