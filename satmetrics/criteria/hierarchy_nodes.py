"""Nodes of a hierarchy: from nested mappings and instruments, ordered and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._result import Record
from satmetrics.criteria.weights import CriteriaWeights
from satmetrics.errors import SpecificationError
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.label import Label


@dataclass(frozen=True)
class IndexNode(Record):
    """One node of a hierarchy.

    Attributes
    ----------
    id : its name; of a leaf, the column of its answers.
    parent : id of the node above; empty for the index itself.
    weight : weight among its siblings, not negative. Siblings whose weights do not sum
        to 1 are divided by their sum.
    label : what it is called, in English and Chinese.
    """

    id: str
    parent: str = ""
    weight: float = 1.0
    label: Label = field(default_factory=Label)


def nested_nodes(tree: Any, parent: str) -> list[IndexNode]:
    """Return what lies below a node in nested mappings, lists and names.

    Raises
    ------
    SpecificationError
        If something else stands there.
    """
    if isinstance(tree, str):
        return [IndexNode(tree, parent)]
    if isinstance(tree, (list, tuple)) and all(isinstance(name, str) for name in tree):
        return [IndexNode(name, parent) for name in tree]
    if not isinstance(tree, Mapping) or not tree:
        raise SpecificationError(
            f"below {parent!r} stands {tree!r}",
            code="bad-hierarchy",
            column=parent,
            value=str(tree),
            remedy="give {node: …}, a list of items, or {item: weight}",
        )
    found = []
    for name, below in tree.items():
        if isinstance(below, (int, float)):
            found.append(IndexNode(str(name), parent, below))
        else:
            found += [IndexNode(str(name), parent), *nested_nodes(below, str(name))]
    return found


def weighted(
    index: str,
    nodes: Sequence[IndexNode],
    weights: Mapping[str, float] | CriteriaWeights | None,
    labels: Mapping[str, Label],
) -> tuple[IndexNode, ...]:
    """Return the nodes with the weights and labels that are given for them."""
    given = weights.as_points() if isinstance(weights, CriteriaWeights) else weights
    own = {str(name): value for name, value in (given or {}).items()}
    known = [node.id for node in nodes]
    for what, names in (("weights", own), ("labels", labels)):
        for name in names:
            if name not in known:
                raise SpecificationError(
                    f"{what} of {name!r}, which is no node of {index!r}",
                    code="unknown-node",
                    column=name,
                    value=name,
                    remedy=f"{did_you_mean(name, known)} the nodes are "
                    f"{', '.join(known[:12])}".strip(),
                )
    return tuple(
        replace(
            node,
            weight=own.get(node.id, node.weight),
            label=labels.get(node.id, node.label),
        )
        for node in nodes
    )


def as_label(label: Label | str) -> Label:
    """Return a text as an English label."""
    return label if isinstance(label, Label) else Label(str(label))


def instrument_nodes(spec: Instrument, form: str) -> list[IndexNode]:
    """Return the dimensions of an instrument, their parts and items as nodes."""
    used = {item.dimension for item in spec.items}
    parents = {d.id: d.parent for d in spec.dimensions}
    for name in tuple(used):
        while name := parents[name]:
            used.add(name)
    nodes = [IndexNode(spec.id, label=spec.label)]
    nodes += [
        IndexNode(d.id, d.parent or spec.id, label=d.label)
        for d in spec.dimensions
        if d.id in used
    ]
    columns = [(item, spec.column(item.id, form)) for item in spec.items]
    return [
        *nodes,
        *(
            IndexNode(column, item.dimension, label=item.label)
            for item, column in columns
        ),
    ]


def ordered(index: str, nodes: tuple[IndexNode, ...]) -> tuple[IndexNode, ...]:
    """Return the nodes with parents before children, or raise."""
    ids = [node.id for node in nodes]
    twice = [name for name in ids if ids.count(name) > 1 or not name]
    if twice:
        raise fault(
            index,
            f"node {twice[0]!r} occurs twice or has no name",
            "each node has a name and one parent; a question that serves two "
            "indicators is asked under two names",
        )
    roots = [node for node in nodes if not node.parent]
    if len(roots) != 1:
        raise fault(
            index,
            f"{len(roots)} nodes have no parent",
            "one node, the index, has none; all others name theirs",
        )
    for node in nodes:
        if node.parent and node.parent not in ids:
            raise fault(
                index,
                f"the parent {node.parent!r} of {node.id!r} does not exist",
                did_you_mean(node.parent, ids) or f"the nodes are {', '.join(ids)}",
            )
    found = list(roots)
    for above in found:  # grows while it is walked
        found += [node for node in nodes if node.parent == above.id]
    lost = [node.id for node in nodes if node not in found]
    if lost or len(found) < 2:
        raise fault(
            index,
            f"{lost[0]!r} is its own ancestor" if lost else "nothing is below it",
            "every chain of parents ends at the index"
            if lost
            else "give it factors, indicators and items",
        )
    return tuple(found)


def check_weights(index: str, nodes: tuple[IndexNode, ...]) -> None:
    """Raise if a weight is no number, negative, or all siblings have none."""
    sums: dict[str, float] = {}
    for node in nodes[1:]:
        w = node.weight
        number_ = isinstance(w, (int, float)) and not isinstance(w, bool)
        if not number_ or not np.isfinite(w) or w < 0:
            raise fault(
                index,
                f"the weight of {node.id!r} is {w!r}",
                "a weight is a number, not negative",
            )
        sums[node.parent] = sums.get(node.parent, 0.0) + float(w)
    zero = [name for name, total in sums.items() if total <= 0]
    if zero:
        raise fault(
            index,
            f"all weights below {zero[0]!r} are zero",
            "give at least one of them a weight",
        )


def fault(index: str, said: str, remedy: str) -> SpecificationError:
    """Return the error for a hierarchy at odds with itself."""
    return SpecificationError(
        f"hierarchy {index!r}: {said}",
        code="bad-hierarchy",
        value=index,
        remedy=remedy,
    )
