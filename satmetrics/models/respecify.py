"""The plain models that stand for one with constructs made of constructs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from satmetrics._checks import one_of
from satmetrics.models.composition import components_of
from satmetrics.models.construct import KINDS, Kind
from satmetrics.models.model import Construct, Path, StructuralModel


def with_kinds(
    model: StructuralModel, kinds: Kind | Mapping[str, Kind]
) -> StructuralModel:
    """Return the model with other kinds; see `StructuralModel.with_kinds`."""
    if isinstance(kinds, str):
        one_of("kinds", kinds, KINDS)
        parts = {
            *components_of(model),
            *(f for i in model.interactions for f in i.factors),
        }
        free = [
            c.name
            for c in model.constructs
            if kinds == "composite"
            or (len(c.indicators) > 1 and c.mode == "A" and c.name not in parts)
        ]
        kinds = dict.fromkeys(free, kinds)
    for name in kinds:
        model.construct(name)
    constructs = tuple(
        dataclasses.replace(c, kind=kinds.get(c.name, c.kind)) for c in model.constructs
    )
    return dataclasses.replace(model, constructs=constructs)


def without_interactions(model: StructuralModel) -> StructuralModel:
    """Return the model of the main effects."""
    made = {i.name for i in model.interactions}
    paths = tuple(p for p in model.paths if p.source not in made)
    return dataclasses.replace(model, paths=paths, interactions=())


def in_place_of(model: StructuralModel) -> StructuralModel:
    """Return the first stage of the disjoint approach.

    Each path of a higher-order construct becomes one of each of its components.
    """
    parts = {h.name: h.components for h in model.higher}
    paths = [
        dataclasses.replace(path, source=source, target=target)
        for path in model.paths
        for source in parts.get(path.source, (path.source,))
        for target in parts.get(path.target, (path.target,))
    ]
    return _plain(model, model.constructs, paths)


def saturated(model: StructuralModel) -> StructuralModel:
    """Return the first stage in which every construct leads to all that follow it."""
    order = in_place_of(model).order
    paths = [
        Path(source, target, sign="?")
        for i, source in enumerate(order)
        for target in order[i + 1 :]
    ]
    return _plain(model, model.constructs, paths)


def copy_of(h: str, item: str) -> str:
    """Return the name of an item repeated as an indicator of construct `h`."""
    return f"{h}.{item}"


def repeated(model: StructuralModel) -> StructuralModel:
    """Return the model with the components' items repeated at the higher order.

    Paths lead from the higher-order construct to its components, in mode B from them.
    """
    constructs = list(model.constructs)
    paths = list(model.paths)
    for h in model.higher:
        parts = [model.construct(part) for part in h.components]
        constructs.append(
            Construct(
                h.name,
                tuple(copy_of(h.name, item) for c in parts for item in c.indicators),
                mode=h.mode,
                kind=h.kind,
                label=h.label,
                reverse=tuple(copy_of(h.name, i) for c in parts for i in c.reverse),
            )
        )
        for part in h.components:
            ends = (part, h.name) if h.mode == "B" else (h.name, part)
            paths.append(Path(*ends))
    return _plain(model, constructs, paths)


def of_scores(
    model: StructuralModel, *, keep_items: bool, scaled: Mapping[str, bool]
) -> StructuralModel:
    """Return the second stage: scores of components measure the higher order.

    Parameters
    ----------
    keep_items : whether the other constructs keep their indicators, or their scores
        stand for them.
    scaled : construct → whether its score is known on 0–100.
    """
    above = components_of(model)
    constructs: list[Construct] = []
    for construct in model.constructs:
        h = above.get(construct.name)
        if h is None and keep_items:
            scale = construct.scale or model.scale
            constructs.append(dataclasses.replace(construct, scale=scale))
        elif h is None:
            constructs.append(
                Construct(
                    construct.name,
                    (construct.name,),
                    scale=(0, 100) if scaled[construct.name] else None,
                    label=construct.label,
                )
            )
        elif construct.name == h.components[0]:
            constructs.append(
                Construct(
                    h.name,
                    h.components,
                    mode=h.mode,
                    kind=h.kind,
                    scale=(0, 100) if all(scaled[c] for c in h.components) else None,
                    label=h.label,
                    labels=tuple(model.construct(c).label for c in h.components),
                )
            )
    return dataclasses.replace(_plain(model, constructs, model.paths), scale=None)


def with_products(
    base: StructuralModel, model: StructuralModel, products: Mapping[str, Iterable[str]]
) -> StructuralModel:
    """Return a plain model and the interactions, measured by the named products."""
    added = tuple(
        Construct(i.name, tuple(products[i.name]), mode=i.mode, label=i.label)
        for i in model.interactions
    )
    own = tuple(
        dataclasses.replace(c, scale=c.scale or base.scale) for c in base.constructs
    )
    made = {i.name for i in model.interactions}
    paths = [*base.paths, *(p for p in model.paths if p.source in made)]
    return dataclasses.replace(
        base, constructs=(*own, *added), paths=tuple(paths), scale=None
    )


def _plain(
    model: StructuralModel, constructs: Iterable[Construct], paths: Iterable[Path]
) -> StructuralModel:
    held = tuple(constructs)
    names = {c.name for c in held}
    return dataclasses.replace(
        model,
        constructs=held,
        paths=tuple(paths),
        target=model.target if model.target in names else None,
        higher=(),
        interactions=(),
    )
