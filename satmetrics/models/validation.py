"""What a model must satisfy; each fault is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satmetrics._checks import did_you_mean
from satmetrics.errors import SpecificationError
from satmetrics.models import composition

if TYPE_CHECKING:
    from satmetrics.models.model import StructuralModel


def validate(model: StructuralModel) -> None:
    """Raise `SpecificationError` naming the first fault of a model."""
    _check_constructs(model)
    _check_paths(model)
    topological_order(model)
    composition.check_higher(model)
    composition.check_interactions(model)
    composition.check_stages(model)
    _check_products_lead(model)
    if model.target is not None and model.target not in (h.name for h in model.higher):
        model.construct(model.target)


def topological_order(model: StructuralModel) -> tuple[str, ...]:
    """Return the constructs such that every path leads forward.

    Raises
    ------
    SpecificationError
        If the paths form a cycle; the message walks it.
    """
    incoming = dict.fromkeys(model.nodes, 0)
    targets: dict[str, list[str]] = {name: [] for name in model.nodes}
    for path in model.paths:
        incoming[path.target] += 1
        targets[path.source].append(path.target)
    ready = [name for name in model.nodes if incoming[name] == 0]
    order: list[str] = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for target in targets[node]:
            incoming[target] -= 1
            if incoming[target] == 0:
                ready.append(target)
    if len(order) < len(model.nodes):
        cycle = _cycle(targets, [n for n in model.nodes if n not in order])
        raise SpecificationError(
            f"model {model.name!r}: the paths form a cycle {' → '.join(cycle)}",
            code="cyclic-model",
            value=tuple(cycle),
            remedy="remove one of these paths; a path model runs one way",
        )
    return tuple(order)


def _cycle(targets: dict[str, list[str]], left: list[str]) -> list[str]:
    walk = [next(n for n in left if any(t in left for t in targets[n]))]
    while True:
        step = next((t for t in targets[walk[-1]] if t in left), None)
        if step is None:  # a dead end downstream of the cycle
            dead = walk.pop()
            left = [n for n in left if n != dead]
            walk = walk or [left[0]]
            continue
        if step in walk:
            return [*walk[walk.index(step) :], step]
        walk.append(step)


def _check_constructs(model: StructuralModel) -> None:
    if not model.constructs:
        raise SpecificationError(
            f"model {model.name!r} has no constructs", code="empty-model"
        )
    for name in model.nodes:
        if model.nodes.count(name) > 1:
            raise SpecificationError(
                f"model {model.name!r} has two constructs {name!r}",
                code="duplicate-construct",
                column=name,
            )
    owner: dict[str, str] = {}
    for construct in model.constructs:
        for item in construct.indicators:
            if item in owner:
                raise SpecificationError(
                    f"indicator {item!r} belongs to {owner[item]!r} and to "
                    f"{construct.name!r}",
                    code="shared-indicator",
                    column=item,
                    remedy="give each indicator to one construct",
                )
            owner[item] = construct.name


def _check_paths(model: StructuralModel) -> None:
    seen: set[tuple[str, str]] = set()
    for path in model.paths:
        for end in (path.source, path.target):
            if end not in model.nodes:
                raise SpecificationError(
                    f"model {model.name!r}: path {path.source} → {path.target} names "
                    f"{end!r}, which is not a construct",
                    code="unknown-construct",
                    column=end,
                    value=end,
                    remedy=f"{did_you_mean(end, model.nodes)} constructs: "
                    f"{', '.join(model.nodes)}".strip(),
                )
        if path.source == path.target:
            raise SpecificationError(
                f"model {model.name!r}: {path.source!r} has a path to itself",
                code="cyclic-model",
                column=path.source,
            )
        if (path.source, path.target) in seen:
            raise SpecificationError(
                f"model {model.name!r}: {path.source} → {path.target} occurs twice",
                code="duplicate-path",
            )
        seen.add((path.source, path.target))


def _check_products_lead(model: StructuralModel) -> None:
    sources = {path.source for path in model.paths}
    for term in model.interactions:
        if term.name not in sources:
            raise SpecificationError(
                f"model {model.name!r}: interaction {term.name!r} has no path from it",
                code="unconnected-construct",
                column=term.name,
                remedy="give it a path, or leave it out",
            )
