"""The gaps as tidy rows, and the stages behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from satmetrics._frames import ESTIMATES, Table, repeated_keys, stack
from satmetrics._typing import AnyArray, FloatArray
from satmetrics.gap.design import Design
from satmetrics.gap.five.comparing import Cells
from satmetrics.gap.five.names import gap_names
from satmetrics.gap.five.sources import Groups
from satmetrics.gap.five.stages import Stage
from satmetrics.inference._tests import holm

LABELS = ("gap", "level", "dimension", "item", "name")
FIGURES = (*ESTIMATES, "df")
REST = ("later", "earlier", "n_later", "n_earlier", "method")


def gap_table(
    cells: Sequence[Cells], design: Design, groups: Groups, naming: str
) -> Table:
    """Lay out gaps as rows: by group, gap, then items, dimensions, overall."""
    parts = [_rows(cell, design, groups, naming) for cell in cells]
    table = stack(parts, keys=(*groups.by, *LABELS))
    order = np.lexsort((np.arange(len(table)), table["gap"], table["_group"]))
    return table.take(order).drop("_group")


def _rows(cells: Cells, design: Design, groups: Groups, naming: str) -> Table:
    at = np.flatnonzero(cells.asked)
    G, K = len(groups), at.size
    label = gap_names()[cells.gap].label(naming)
    columns: dict[str, AnyArray] = {
        name: np.asarray(getattr(cells, name)[:, at]).ravel()
        for name in (*FIGURES, *REST, "reason")
    }
    p_holm = _holm_within(cells.p_value[:, at], at, design).ravel()
    labels = {name: np.tile(c[at], G) for name, c in score_labels(design).items()}
    keys = repeated_keys(groups.keys, K, (*LABELS, *columns, "form", "sources"))
    texts = {
        "name": label.en,
        "name_zh": label.zh,
        "sources": cells.sources,
        "form": cells.form,
    }
    head = {name: columns.pop(name) for name in FIGURES}
    return Table.of(
        {
            **keys,
            "gap": np.full(G * K, cells.gap),
            **labels,
            **head,
            "p_holm": p_holm,
            **columns,
            **{k: np.full(G * K, text, dtype=object) for k, text in texts.items()},
            "_group": np.repeat(np.arange(G), K),
        },
        keys=(*groups.by, *LABELS),
    )


def score_labels(design: Design) -> dict[str, AnyArray]:
    """Return level, dimension and item of each score, in order."""
    m, D = len(design.items), len(design.dimensions)
    parts = {
        "level": ["item"] * m + ["dimension"] * D + ["overall"],
        "dimension": [*design.dimension_of_items(), *design.dimensions, ""],
        "item": [*design.items, *[""] * (D + 1)],
    }
    return {name: np.asarray(values, dtype=object) for name, values in parts.items()}


def _holm_within(p: FloatArray, at: AnyArray, design: Design) -> FloatArray:
    """Adjust among items and among dimensions; overall is one hypothesis."""
    m, D = len(design.items), len(design.dimensions)
    parts = [p[:, at < m], p[:, (at >= m) & (at < m + D)]]
    return np.concatenate([*map(holm, parts), p[:, at == m + D]], axis=1)


def stage_table(stages: Sequence[Stage], design: Design, groups: Groups) -> Table:
    """Return the mean of every stage by group, dimensions and overall."""
    m = len(design.items)
    labels = {k: v[m:] for k, v in score_labels(design).items() if k != "item"}
    G, K = len(groups), len(design.dimensions) + 1
    parts = []
    for stage in stages:
        stats = stage.means
        scale = stage.scale
        ends = (np.nan, np.nan) if scale is None else (scale.minimum, scale.maximum)
        parts.append(
            Table.of(
                {
                    **repeated_keys(groups.keys, K),
                    "stage": np.full(G * K, stage.name, dtype=object),
                    "source": np.full(G * K, stage.source.word, dtype=object),
                    **{k: np.tile(v, G) for k, v in labels.items()},
                    "n": stats.n[:, m:].ravel(),
                    "estimate": stats.mean[:, m:].ravel(),
                    "std_error": stats.std_error[:, m:].ravel(),
                    "minimum": np.full(G * K, ends[0]),
                    "maximum": np.full(G * K, ends[1]),
                },
                keys=(*groups.by, "stage", "source"),
            )
        )
    return stack(parts, keys=(*groups.by, "stage", "source"))
