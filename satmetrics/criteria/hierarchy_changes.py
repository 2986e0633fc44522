"""`hierarchy_changes`: what moved an index from one wave or group to the next."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from satmetrics._checks import columns_present, expect, friendly_keywords
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import IntArray
from satmetrics.criteria.hierarchy_result import HierarchyScores
from satmetrics.errors import DataError, OptionError
from satmetrics.inference._intervals import normal_interval, normal_p

LABELS = ("level", "name", "parent", "path", "weight", "product_weight")
MOST = 20
"""Rows of a summary."""


@dataclass(frozen=True, eq=False, repr=False)
class HierarchyChanges(TableResult):
    """Changes of every node between neighbouring waves or groups.

    Attributes
    ----------
    table : the keys, ``since`` (the earlier one), then ``level, name, n`` (both),
        ``estimate`` (the change), ``std_error, statistic, p_value, conf_low,
        conf_high``, and ``contribution``, ``to_index``: the part of the change of the
        parent, and of the index, that comes from the node; they sum exactly.
    over : the key the changes run along.
    level : confidence level.
    by : the group columns.
    """

    over: str = ""
    level: float = 0.95
    by: tuple[str, ...] = ()

    def summary(self) -> Summary:
        """Return the change of the index, and what it is made of."""
        words = {name: name for name in self.by} | {
            "since": "since",
            "level": "level",
            "name": "node",
            "estimate": "change",
            "std_error": "s.e.",
            "p_value": "p",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "contribution": "of parent's change",
            "to_index": "of index's change",
        }
        notes = (
            "positive is better; contributions of the children sum to the change of "
            "their parent, those of the items to the change of the index",
            "groups are taken as independent samples of different respondents",
            *self.context.sentences(),
        )
        body = section("", self.table, words, decimals=2, max_rows=MOST)
        facts = self.context.facts()
        return Summary(f"What moved the index by {self.over}", facts, (body,), notes)


@friendly_keywords
def hierarchy_changes(
    scores: HierarchyScores, *, over: str | None = None
) -> HierarchyChanges:
    """Return the change of every node between neighbours, and what it is made of.

    The change of a node is the sum of the changes of its children's contributions; the
    change of the index that of its items'. Groups are independent samples: the variance
    of a change is the sum of the two squared standard errors.

    Parameters
    ----------
    scores : what ``hierarchy_scores(…, by=…)`` returned.
    over : the key to run along, in the order of its labels; the last one when None.

    Returns
    -------
    HierarchyChanges

    Raises
    ------
    OptionError
        If the scores have no groups.
    DataError
        If there is no such key, or one label of it only.

    Examples
    --------
    >>> import satmetrics as sat
    >>> survey = sat.datasets.load("airline_waves")
    >>> quality = sat.models.load("ecsi").construct("Quality").indicators
    >>> tree = sat.quality.IndexHierarchy.from_dict(
    ...     "quality", {"flight": quality[:3], "ground": quality[3:]}
    ... )
    >>> moved = sat.quality.hierarchy_changes(
    ...     sat.quality.hierarchy_scores(tree, survey, by="wave")
    ... ).to_frame()
    >>> first = moved[moved["since"] == moved["since"].iloc[0]]
    >>> parts = first.loc[first["level"] == "factor", "contribution"].sum()
    >>> bool(abs(parts - first["estimate"].iloc[0]) < 1e-9)
    True
    """
    expect(
        "hierarchy_changes",
        scores,
        HierarchyScores,
        "hierarchy scores",
        remedy="pass what hierarchy_scores(hierarchy, data, by=…) returned",
    )
    if not scores.by:
        raise OptionError(
            "the scores are of one group only",
            code="no-groups",
            column="by",
            remedy='compute them with by="wave"',
        )
    along = scores.by[-1] if over is None else over
    columns_present([along], scores.by, where="the scores")
    q = len(dict.fromkeys(scores.table["path"].tolist()))
    earlier, later = _neighbours(scores.table, q, along, scores.by)
    if not len(later):
        raise DataError(
            f"there is one {along} only, so nothing changed",
            code="one-wave",
            column=along,
            remedy="compare two at least",
        )
    table = _changes(scores, along, earlier, later)
    return HierarchyChanges(
        table, scores.context, over=along, level=scores.level, by=scores.by
    )


def _neighbours(
    table: Table, q: int, along: str, by: tuple[str, ...]
) -> tuple[IntArray, IntArray]:
    """Return the rows of each group's forerunner, and of the group, for all but firsts.

    Groups stand in the order of their keys, waves in order of time, so that those which
    share the other keys follow each other as they should.
    """
    groups = table.take(np.arange(0, len(table), q))
    others = [name for name in by if name != along]
    places: dict[tuple[object, ...], list[int]] = {}
    for g, row in enumerate(groups.rows()):
        places.setdefault(tuple(row[name] for name in others), []).append(g)
    pairs = [
        pair for members in places.values() for pair in itertools.pairwise(members)
    ]
    starts = np.array(pairs, dtype=np.int64).reshape(-1, 2) * q
    rows = starts[:, :, None] + np.arange(q)
    return rows[:, 0].ravel(), rows[:, 1].ravel()


def _changes(
    scores: HierarchyScores, along: str, earlier: IntArray, later: IntArray
) -> Table:
    a, b = scores.table.take(earlier), scores.table.take(later)
    change = b["estimate"] - a["estimate"]
    error = np.sqrt(b["std_error"] ** 2 + a["std_error"] ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0, change / error, np.nan)
    low, high = normal_interval(change, error, scores.level)
    columns: dict[str, object] = {name: b[name] for name in scores.by}
    columns |= {"since": a[along], **{name: b[name] for name in LABELS}}
    columns |= {
        "n": a["n"] + b["n"],
        "estimate": change,
        "std_error": error,
        "statistic": z,
        "p_value": normal_p(z),
        "conf_low": low,
        "conf_high": high,
        "contribution": b["contribution"] - a["contribution"],
        "to_index": b["to_index"] - a["to_index"],
    }
    return Table.of(columns, keys=(*scores.by, "since"))
