"""What a survey says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from satmetrics._display import Summary, number, section
from satmetrics._frames import Table
from satmetrics._result import Context
from satmetrics._typing import FloatArray
from satmetrics.survey._declared import Declared
from satmetrics.survey._design import Design
from satmetrics.survey._plausible import straight_liners
from satmetrics.survey._roles import Roles


def describe(
    *,
    context: Context,
    n: int,
    roles: Roles,
    declared: Declared,
    columns: Sequence[str],
    labels: Mapping[str, str],
    values: Mapping[str, FloatArray],
    design: Design,
) -> Summary:
    """Return the summary of a survey: facts, items, exclusions."""
    spec = declared.instrument
    played = ", ".join(f"{role} = {column}" for role, column in roles.items())
    facts = [
        *context.facts(),
        ("rows", f"{n:,} of {context.n_rows:,}"),
        ("columns", f"{len(columns):,}"),
        ("items", f"{len(values):,}"),
        ("roles", played or "none"),
    ]
    if design.words:
        facts.append(("sampled", design.words))
    if spec is not None:
        facts.append(("instrument", f"{spec.label.en} ({spec.status})"))
    straight = _straight(values, declared)
    notes = context.sentences()
    if straight:
        notes += (
            f"{straight:,} rows answer everything alike (straight-lining, at least 5 "
            "answers); they are counted, not left out",
        )
    table = _items(values, declared, labels)
    headings = {k: v for k, v in _HEADINGS.items() if k != "label" or any(table[k])}
    items = section("Items", table, headings, decimals=2)
    return Summary("Survey", tuple(facts), (items,) if values else (), notes)


_HEADINGS = {
    "item": "item",
    "label": "label",
    "scale": "scale",
    "turned": "reversed",
    "n": "answers",
    "missing": "missing",
    "mean": "mean",
    "lowest": "lowest",
    "highest": "highest",
}


def _items(
    values: Mapping[str, FloatArray], declared: Declared, labels: Mapping[str, str]
) -> Table:
    columns: dict[str, list[object]] = {name: [] for name in _HEADINGS}
    for name, answers in values.items():
        seen = answers[~np.isnan(answers)]
        scale = declared.scale(name)
        columns["item"].append(name)
        columns["label"].append(labels.get(name, ""))
        columns["scale"].append(str(scale) if scale else "not declared")
        columns["turned"].append("yes" if name in declared.reverse else "")
        columns["n"].append(seen.size)
        columns["missing"].append(answers.size - seen.size)
        columns["mean"].append(seen.mean() if seen.size else np.nan)
        columns["lowest"].append(number(float(seen.min()), 0) if seen.size else "–")
        columns["highest"].append(number(float(seen.max()), 0) if seen.size else "–")
    return Table(tuple(columns), tuple(np.asarray(c) for c in columns.values()))


def _straight(values: Mapping[str, FloatArray], declared: Declared) -> int:
    rated = [name for name in values if declared.scale(name) is not None]
    chosen = rated or list(values)
    if not chosen:
        return 0
    return straight_liners(np.column_stack([values[name] for name in chosen]))
