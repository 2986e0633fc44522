"""`IndexHierarchy`: how an index unfolds into factors, indicators and items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satmetrics import _toml
from satmetrics._checks import friendly_keywords
from satmetrics._display import Section, Summary, number
from satmetrics._frames import Table
from satmetrics._result import Record
from satmetrics.criteria import _tree as kernel
from satmetrics.criteria.hierarchy_nodes import (
    IndexNode,
    as_label,
    check_weights,
    fault,
    instrument_nodes,
    nested_nodes,
    ordered,
    weighted,
)
from satmetrics.criteria.hierarchy_toml import hierarchy_document, hierarchy_state
from satmetrics.criteria.weights import CriteriaWeights
from satmetrics.survey import instruments
from satmetrics.survey.instrument import Instrument
from satmetrics.survey.item import STATUSES, Status
from satmetrics.survey.label import Label
from satmetrics.survey.scale import Scale, ScaleLike, as_scale

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("index", "factor", "indicator", "item")
"""Names of the four levels of a satisfaction index."""
WHOLE = 1e-9


@dataclass(frozen=True, repr=False)
class IndexHierarchy(Record):
    """An index as a tree of factors, indicators and items, with weights at each level.

    Attributes
    ----------
    id : name of the hierarchy.
    nodes : in any order; kept with parents before their children.
    levels : names of the levels from the index down, the last that of the leaves; by
        default index, factor, indicator, item.
    scale : scale of the answers, where it is known.
    label : what it is called, in English and Chinese.
    source : where the weights come from.
    status : "verified", "recalled" or "unverified".

    Raises
    ------
    SpecificationError
        If an id occurs twice, a parent does not exist, there is not one root, nodes go
        round in a circle, or weights are negative or all zero.

    Examples
    --------
    >>> import satmetrics as sat
    >>> tree = sat.quality.IndexHierarchy.from_dict(
    ...     "satisfaction",
    ...     {
    ...         "quality": {"speed": ["q1", "q2"], "courtesy": ["q3"]},
    ...         "value": {"price": ["v1"]},
    ...     },
    ...     weights={"quality": 0.7, "value": 0.3},
    ... )
    >>> tree.item_weights()["q1"]
    0.175
    """

    id: str
    nodes: tuple[IndexNode, ...]
    levels: tuple[str, ...] = ()
    scale: Scale | None = None
    label: Label = field(default_factory=Label)
    source: str = ""
    status: Status = "unverified"

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "levels", tuple(self.levels))
        put(self, "nodes", ordered(self.id, tuple(self.nodes)))
        if self.status not in STATUSES:
            raise fault(
                self.id,
                f"status {self.status!r}",
                f"it is one of {', '.join(STATUSES)}",
            )
        check_weights(self.id, self.nodes)
        self._check_levels()

    @classmethod
    @friendly_keywords
    def from_dict(
        cls,
        id: str,
        tree: Mapping[str, Any],
        *,
        weights: Mapping[str, float] | CriteriaWeights | None = None,
        labels: Mapping[str, Label | str] | None = None,
        levels: Sequence[str] = (),
        scale: ScaleLike | None = None,
        source: str = "",
        status: Status = "unverified",
    ) -> IndexHierarchy:
        """Return a hierarchy from nested mappings.

        Parameters
        ----------
        id : name of the index, the root.
        tree : what lies below it: ``{node: {…}}``, at the end ``[items]`` of equal
            weight or ``{item: weight}``.
        weights : ``{node: weight among its siblings}``, or criteria weights of them;
            1 where there is none.
        labels : ``{node: Label(en, zh)}``.
        levels, scale, source, status : see `IndexHierarchy`.

        Raises
        ------
        SpecificationError
            If a weight or label belongs to no node, or as for `IndexHierarchy`.
        """
        nodes = [IndexNode(id), *nested_nodes(tree, id)]
        named = {str(k): as_label(v) for k, v in (labels or {}).items()}
        return cls(
            id,
            weighted(id, nodes, weights, named),
            levels=tuple(levels),
            scale=None if scale is None else as_scale(scale),
            label=named.get(id, Label()),
            source=source,
            status=status,
        )

    @classmethod
    @friendly_keywords
    def from_instrument(
        cls,
        instrument: Instrument | str,
        *,
        form: str = "perception",
        weights: Mapping[str, float] | CriteriaWeights | None = None,
    ) -> IndexHierarchy:
        """Return the dimensions of an instrument, their parts and items as a hierarchy.

        Parameters
        ----------
        instrument : an `Instrument` or a catalogue name.
        form : the form whose columns are the items.
        weights : of dimensions among their siblings; equal where there is none.

        Raises
        ------
        SpecificationError
            If there is no such form, or a weight belongs to no dimension.

        Examples
        --------
        >>> import satmetrics as sat
        >>> tree = sat.quality.IndexHierarchy.from_instrument("servqual")
        >>> len(tree.items), tree.names[1]
        (22, 'tangibles')
        """
        spec = (
            instruments.load(instrument) if isinstance(instrument, str) else instrument
        )
        nodes = instrument_nodes(spec, form)
        scales = {spec.scale_of(column) for column in spec.columns(form)}
        return cls(
            spec.id,
            weighted(spec.id, nodes, weights, {}),
            scale=scales.pop() if len(scales) == 1 else None,
            label=spec.label,
            source=spec.source,
            status=spec.status,
        )

    @classmethod
    def from_toml(cls, text: str, *, where: str = "hierarchy") -> IndexHierarchy:
        """Read a hierarchy from TOML text; a fault names `where` and the key.

        Raises
        ------
        SpecificationError
            If the text is not TOML, or a key is missing, unknown or of a wrong kind.
        """
        state, nodes = hierarchy_state(text, where=where)
        return cls(nodes=tuple(IndexNode(**node) for node in nodes), **state)

    @classmethod
    def read(cls, path: str | Path) -> IndexHierarchy:
        """Read a hierarchy from a TOML file."""
        return cls.from_toml(_toml.read_text(path), where=str(path))

    def to_toml(self) -> str:
        """Return the hierarchy as TOML that `from_toml` brings back unchanged."""
        return hierarchy_document(self)

    def save(self, path: str | Path) -> Path:
        """Write `to_toml` to a file and return its path."""
        target = Path(path)
        target.write_text(self.to_toml(), encoding="utf-8")
        return target

    @property
    def items(self) -> tuple[str, ...]:
        """The leaves, which are columns of answers."""
        leaves = self.tree.item >= 0
        return tuple(n.id for n, own in zip(self.nodes, leaves, strict=True) if own)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of all nodes, parents first."""
        return tuple(node.id for node in self.nodes)

    @cached_property
    def tree(self) -> kernel.Tree:
        """The hierarchy as arrays."""
        at = {name: k for k, name in enumerate(self.names)}
        parent = np.array([at.get(n.parent, -1) for n in self.nodes], dtype=np.int64)
        inner = np.isin(np.arange(len(parent)), parent)
        item = np.where(inner, -1, np.cumsum(~inner) - 1)
        given = np.array([n.weight for n in self.nodes], dtype=np.float64)
        given[0] = 1.0
        total = np.bincount(parent + 1, given)
        return kernel.Tree(parent, given / total[parent + 1], item)

    @property
    def notes(self) -> tuple[str, ...]:
        """Which weights did not sum to 1 and were divided by their sum."""
        said = []
        for k in self.tree.inner.tolist():
            below = [n.weight for n in self.nodes if n.parent == self.names[k]]
            if len(set(below)) > 1 and abs(sum(below) - 1) > WHOLE:
                said.append(
                    f"weights below {self.names[k]!r} sum to {sum(below):g} and were "
                    "divided by it"
                )
        return tuple(said)

    def level_of(self) -> tuple[str, ...]:
        """Return the level of each node, in words."""
        depth = self._depths()
        deepest = int(depth.max())
        inner = self.levels[:-1] or _inner_names(deepest)
        last = self.levels[-1] if self.levels else LEVELS[-1]
        leaf = self.tree.item >= 0
        return tuple(
            last if own else inner[d] for d, own in zip(depth, leaf, strict=True)
        )

    def paths(self) -> tuple[str, ...]:
        """Return the way from the index down to each node."""
        found: list[str] = []
        for node, above in zip(self.nodes, self.tree.parent.tolist(), strict=True):
            found.append(node.id if above < 0 else f"{found[above]} / {node.id}")
        return tuple(found)

    def expand(self) -> pd.DataFrame:
        """Return the hierarchy from the top down, one row a node.

        Columns: level, name, parent, path, weight (among the siblings) and
        product_weight (in the index), label and label_zh.
        """
        return self.table().to_frame()

    def table(self) -> Table:
        """Return the rows of `expand`."""
        return Table.of(
            {
                "level": self.level_of(),
                "name": self.names,
                "parent": [node.parent for node in self.nodes],
                "path": self.paths(),
                "weight": self.tree.share,
                "product_weight": self.tree.products(),
                "label": [node.label.en for node in self.nodes],
                "label_zh": [node.label.zh for node in self.nodes],
            }
        )

    def item_weights(self) -> dict[str, float]:
        """Return the weight of each item in the index, added up from below."""
        return dict(zip(self.items, self.tree.matrix()[0].tolist(), strict=True))

    def summary(self) -> Summary:
        """Return the tree, indented, printable as text and HTML."""
        levels, products = self.level_of(), self.tree.products()
        rows = tuple(
            (
                "  " * int(d) + node.id,
                level,
                node.label.en,
                node.label.zh,
                number(float(share)),
                number(float(product)),
            )
            for node, d, level, share, product in zip(
                self.nodes,
                self._depths(),
                levels,
                self.tree.share,
                products,
                strict=True,
            )
        )
        heading = ("node", "level", "label", "label (zh)", "weight", "in the index")
        facts = (
            ("nodes", f"{len(self.nodes)}, of which items {len(self.items)}"),
            ("source", self.source or "not stated"),
            ("status", self.status),
        )
        body = Section("", heading, rows, 4)
        return Summary(f"Index hierarchy {self.id}", facts, (body,), self.notes)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def _depths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        depth = np.zeros(len(self.nodes), dtype=np.int64)
        for k in range(1, len(depth)):
            depth[k] = depth[self.tree.parent[k]] + 1
        return depth

    def _check_levels(self) -> None:
        deepest = int(self._depths().max()) + 1
        if self.levels and len(self.levels) != deepest:
            raise fault(
                self.id,
                f"{len(self.levels)} names for {deepest} levels",
                "name every level from the index down to the items",
            )


def _inner_names(deepest: int) -> tuple[str, ...]:
    """Return names of the levels above the leaves."""
    more = tuple(f"{LEVELS[2]} {k}" for k in range(2, deepest - 1))
    return (*LEVELS[: min(deepest, 3)], *more)
