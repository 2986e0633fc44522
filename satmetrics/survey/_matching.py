"""Which column is which item, and which column plays which role."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from satmetrics.survey._door import Column, Grid
from satmetrics.survey._groups import group_codes
from satmetrics.survey._vocabulary import ROLE_WORDS, role_rank, squeeze, words_of
from satmetrics.survey.answers import number_of
from satmetrics.survey.label import Label

SIMILAR = 0.75
MOST_WAVES = 60


class Wanted(Protocol):
    """What matching needs to know of an item."""

    @property
    def id(self) -> str:
        """The item."""

    @property
    def label(self) -> Label:
        """What it is called, in English and Chinese."""


@dataclass(frozen=True)
class Match:
    """A column taken for an item.

    Attributes
    ----------
    column, item : the pair.
    certain : False if it is only likely.
    reason : what the match rests on.
    """

    column: str
    item: str
    certain: bool
    reason: str


def match_items(
    columns: Sequence[str], labels: Mapping[str, str], items: Sequence[Wanted]
) -> list[Match]:
    """Match columns and items one to one, the surest ways first.

    By equal names; by names equal but for case and signs; by equal labels (the column's
    name or label and the item's label in either language); by a name that holds the
    item's id as a word. What is only similar is likely, not certain.
    """
    found: list[Match] = []
    free = list(columns)
    left = list(items)
    ways: tuple[tuple[str, Callable[[str, Wanted], bool]], ...] = (
        ("same name", lambda c, item: c == item.id),
        ("same name but for case or signs", lambda c, item: _same(c, item.id)),
        ("same label", lambda c, item: _same_label(c, labels.get(c, ""), item)),
        (
            "its name holds the item's",
            lambda c, item: item.id.casefold() in words_of(c),
        ),
    )
    for reason, fits in ways:
        pairs = [(c, item) for c in free for item in left if fits(c, item)]
        for column, item in pairs:
            rivals = sum(column == c or item.id == i.id for c, i in pairs)
            if rivals == 1:
                found.append(Match(column, item.id, True, reason))
        free = [c for c in free if c not in {m.column for m in found}]
        left = [i for i in left if i.id not in {m.item for m in found}]
    found += _similar(free, labels, left)
    order = {item.id: k for k, item in enumerate(items)}
    return sorted(found, key=lambda m: (not m.certain, order[m.item]))


def find_roles(grid: Grid, mapped: set[str]) -> dict[str, tuple[str, bool, str]]:
    """Return ``{role: (column, certain, remark)}`` by names, checked by values."""
    free = [name for name in grid.names if name not in mapped]
    roles: dict[str, tuple[str, bool, str]] = {}
    order = ("weight", "source", "wave", "unit", "respondent", "cluster", "stratum")
    for role in order:
        taken = {column for column, _, _ in roles.values()}
        ranked = [
            (rank, grid.names.index(name), name)
            for name in free
            if name not in taken and (rank := role_rank(role, name)) is not None
        ]
        if not ranked:
            continue
        name = min(ranked)[2]
        doubt = _doubt(role, grid, name, roles)
        exact = squeeze(name) in ROLE_WORDS[role]
        remark = doubt or ("by its name" if exact else "its name holds the word")
        kept = role == "weight" and exact  # so that reading stops, not goes without
        roles[role] = (name, kept or not doubt, remark)
    return roles


def _same(column: str, name: str) -> bool:
    return bool(squeeze(name)) and squeeze(column) == squeeze(name)


def _same_label(column: str, label: str, item: Wanted) -> bool:
    own = {squeeze(text) for text in (item.label.en, item.label.zh)} - {""}
    bare = re.sub(r"^[a-zA-Z]{0,2}\d+(?:[-_.]\d+)*[.、:：)\s]+", "", column)
    return bool(own & {squeeze(column), squeeze(bare), squeeze(label)})


def _similar(
    free: Sequence[str], labels: Mapping[str, str], left: Sequence[Wanted]
) -> list[Match]:
    scored = []
    for column in free:
        for item in left:
            share, reason = _similarity(column, labels.get(column, ""), item)
            if share >= SIMILAR:
                scored.append((-share, column, item.id, reason))
    found: list[Match] = []
    for _, column, name, reason in sorted(scored):
        used = {m.column for m in found} | {m.item for m in found}
        if column not in used and name not in used:
            found.append(Match(column, name, False, reason))
    return found


def _similarity(column: str, label: str, item: Wanted) -> tuple[float, str]:
    """Return the likeness of names (equal numbers only) or labels, 0 to 1."""
    best, reason = 0.0, ""
    if re.findall(r"\d+", column) == re.findall(r"\d+", item.id):
        best, reason = _ratio(column, item.id), "similar name"
    for own in (item.label.en, item.label.zh):
        for text in (column, label):
            if own and text and (share := _ratio(text, own)) > best:
                best, reason = share, "similar label"
    return best, reason


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, squeeze(a), squeeze(b)).ratio()


def _doubt(
    role: str, grid: Grid, name: str, roles: Mapping[str, tuple[str, bool, str]]
) -> str:
    """Return why the values of a column do not fit a role, or an empty text."""
    column = grid[name]
    if role == "weight":
        return _weight_doubt(column)
    if role in ("cluster", "stratum"):
        return "by its name; remove the # if respondents were sampled by it"
    codes, labels = group_codes(column, wave=False)
    distinct = len(labels)
    if role == "respondent":
        within = [c for r, (c, ok, _) in roles.items() if ok and r in ("unit", "wave")]
        keys = [group_codes(grid[c], wave=False)[0] for c in within] + [codes]
        rows = np.stack(keys)[:, codes >= 0]
        repeated = rows.shape[1] - np.unique(rows, axis=1).shape[1]
        return f"by its name, but {repeated} rows repeat one; check" if repeated else ""
    if role == "wave" and distinct > min(MOST_WAVES, max(2, grid.n // 2)):
        return f"by its name, but it has {distinct} values; check"
    if role in ("unit", "source") and distinct > max(2, grid.n // 2):
        return f"by its name, but it has {distinct} values; check"
    return ""


def _weight_doubt(column: Column) -> str:
    if column.kind == "number":
        values = column.values.astype(np.float64)
    else:
        numbers = [number_of(label) for label in column.labels]
        if column.kind == "date" or None in numbers:
            return "by its name, but it holds texts that are no plain numbers; check"
        values = np.asarray([n for n in numbers if n is not None])
    if bool((values < 0).any()) or not bool((values > 0).any()):
        return "by its name, but it has negative values or none above 0; check"
    return ""
