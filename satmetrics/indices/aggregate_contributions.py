"""What each member gave to the change of what it is a part of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._checks import one_of
from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray, IntArray
from satmetrics.indices.aggregate_changes import Grid, Steps, grid_of, steps_of
from satmetrics.indices.aggregate_result import AggregateResult, several
from satmetrics.indices.aggregate_table import NO_ERROR
from satmetrics.indices.joint import Joint

TERMS = ("change", "shift", "entered", "left", "all")
"""What a member gives: its figure moved, its weight moved, it came, it went."""
CHUNK = 2000
"""Terms whose errors are found together."""
NOT_SHOWN = "not shown: a figure it rests on is hidden"


@dataclass(frozen=True, eq=False, repr=False)
class ChangeContributions(TableResult):
    r"""What each member gave to the change of its parent; the terms add up to it.

    With weights w (normalised in each wave), figures x, :math:`\bar w` and
    :math:`\bar x` the means of both waves, and c the mean of the parent's two figures:

    .. math::
       Δ X = Σ_{stay} \bar w Δ x + Σ_{stay} Δ w (\bar x - c)
             + Σ_{entered} w (x - c) - Σ_{left} w (x - c)

    This holds for any c; with the mean of both waves it favours neither (Griliches and
    Regev 1995, doi:10.1016/0304-4076(94)01601-U, for the productivity of firms).

    Attributes
    ----------
    table : level, name (of the parent), member, the later wave, construct, term,
        estimate, std_error, statistic, p_value, conf_low, conf_high, since, weight and
        weight_before (of the member), reason. Terms: "change" (the member's figure
        moved), "shift" (its weight moved), "entered", "left", and "all", the change of
        the parent, where member is blank.
    over, target, level : as in `AggregateChanges`.
    """

    over: str = "wave"
    target: str | None = None
    level: float = 0.95

    def summary(self) -> Summary:
        """Return the contributions to the last change, the largest first."""
        table = self.table
        if self.target is not None and (table["construct"] == self.target).any():
            table = table.where(construct=self.target)
        last = table.where(**{self.over: table[self.over][-1]})
        size = np.where(last["term"] == "all", np.inf, np.abs(last["estimate"]))
        last = last.take(np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable"))
        words = {
            "name": "of",
            "member": "member",
            **({"construct": "construct"} if several(self.table) else {}),
            "term": "term",
            "since": "since",
            "estimate": "points",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
        }
        places = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), 2)
        head = f"{self.over} {last[self.over][0]}"
        body = section(head, last, words, decimals=places, max_rows=30)
        notes = (
            "change: mean weight × change of the figure; shift: change of the weight × "
            "(mean figure of the member − that of the parent); entered and left: "
            "weight × (figure − mean figure of the parent), with its sign",
            "the terms add up to the change of the parent (term all); Griliches and "
            "Regev (1995)",
            *self.context.sentences(),
            *self._reasons(),
        )
        title = "What each member gave to the change"
        return Summary(title, self.context.facts(), (body,), notes)


def contributions_of(result: AggregateResult, level: str) -> ChangeContributions:
    """Return the terms of the change of every unit of a level."""
    above = (*result.levels, result.top)
    one_of("level", level, above[1:])
    parents = grid_of(result, level)
    members = grid_of(result, above[above.index(level) - 1])
    steps = steps_of(parents.at, result.errors().estimate).by_wave()
    shares = _shares(result, parents, members, steps)
    terms = _terms(shares, steps, parents.at)
    return _labelled(result, level, terms, steps, parents)


@dataclass(frozen=True, eq=False)
class _Shares:
    """Members of the parents of changes, (m,) each.

    Attributes
    ----------
    step : which change.
    rows : (m, 2) rows of the member in the earlier and the later wave; −1 for none.
    weight : (m, 2) within the parent; 0 where it is no member or has no figure.
    """

    step: IntArray
    rows: IntArray
    weight: FloatArray


def _shares(
    result: AggregateResult, parents: Grid, members: Grid, steps: Steps
) -> _Shares:
    code = {name: i for i, name in enumerate(parents.units)}
    table, at = result.table, members.at
    home = np.array([code.get(name, -1) for name in table["parent"]])
    rows, weight = [], []
    for wave in (steps.since, steps.wave):
        row = at[:, wave, steps.construct].T
        inside = (row >= 0) & (home[row] == steps.unit[:, None])
        rows.append(row)
        weight.append(np.where(inside, table["weight"][row], 0.0))
    step, unit = np.nonzero(~((weight[0] <= 0) & (weight[1] <= 0)))
    return _Shares(
        step,
        np.column_stack([r[step, unit] for r in rows]),
        np.column_stack([w[step, unit] for w in weight]),
    )


@dataclass(frozen=True, eq=False)
class _Terms:
    """Terms of changes, (m,) each, as combinations of four rows of the table.

    Attributes
    ----------
    step : which change.
    term : position in TERMS.
    weight : (m, 2) of the member, earlier and later.
    member : row of the member; −1 for the whole change.
    rows, values : (m, 4) the combination; 0 where a row plays no part.
    """

    step: IntArray
    term: IntArray
    weight: FloatArray
    member: IntArray
    rows: IntArray
    values: FloatArray


def _terms(shares: _Shares, steps: Steps, parent: IntArray) -> _Terms:
    w0, w1 = shares.weight.T
    none = np.zeros(len(w0))
    mean, move = (w0 + w1) / 2, w1 - w0
    values = (
        (-mean, mean, none, none),
        (move / 2, move / 2, -move / 2, -move / 2),
        (none, w1, -w1 / 2, -w1 / 2),
        (-w0, none, w0 / 2, w0 / 2),
    )
    stays = ~((w0 <= 0) | (w1 <= 0))
    masks = (stays, stays, w0 <= 0, w1 <= 0)
    before = parent[steps.unit, steps.since, steps.construct]
    both = np.column_stack([before, steps.row(parent)])
    Q = len(both)
    rows = np.column_stack([shares.rows, both[shares.step]])
    whole = np.tile([0.0, 0.0, -1.0, 1.0], (Q, 1))
    kept = [np.flatnonzero(mask) for mask in masks]
    own = np.concatenate(kept)
    member = np.where(w1 <= 0, shares.rows[:, 0], shares.rows[:, 1])
    step = np.concatenate([np.arange(Q), shares.step[own]])
    term = np.concatenate(
        [np.full(Q, len(TERMS) - 1), *(np.full(len(k), i) for i, k in enumerate(kept))]
    )
    place = np.concatenate([np.full(Q, -1), own])
    order = np.lexsort((term, place, step))
    return _Terms(
        step[order],
        term[order],
        np.concatenate([np.ones((Q, 2)), shares.weight[own]])[order],
        np.concatenate([np.full(Q, -1), member[own]])[order],
        np.concatenate([np.tile(both, 2), rows[own]])[order],
        np.concatenate(
            [whole, *(np.column_stack(v)[k] for v, k in zip(values, kept, strict=True))]
        )[order],
    )


def _figures(joint: Joint, terms: _Terms, level: float) -> dict[str, FloatArray]:
    """Return the columns of the terms, some at a time: their covariances are many."""
    parts = []
    for start in range(0, len(terms.step), CHUNK):
        rows = terms.rows[start : start + CHUNK]
        values = terms.values[start : start + CHUNK]
        line = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
        used = values != 0
        used[:, 0] |= ~used.any(axis=1)  # a shift of 0 is a term still
        found = joint.combined(line[used], rows[used], values[used])
        parts.append(found.test_columns(level))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _labelled(
    result: AggregateResult, level: str, terms: _Terms, steps: Steps, parents: Grid
) -> ChangeContributions:
    table, over = result.table, str(result.over)
    figures = _figures(result.errors(), terms, result.level)
    later = table.take(steps.row(parents.at)[terms.step])
    since = parents.at[steps.unit, steps.since, steps.construct]
    names = np.append(table["name"], "")
    hidden = np.isnan(figures["estimate"])
    reason = np.full(len(hidden), "", dtype=object)
    reason[np.isnan(figures["std_error"])] = NO_ERROR
    reason[hidden] = NOT_SHOWN
    keys = ("level", "name", "member", over)
    made = Table.of(
        {
            "level": np.full(len(hidden), level, dtype=object),
            "name": later["name"],
            "member": names[terms.member],
            over: later[over],
            "construct": later["construct"],
            "term": np.asarray(TERMS, dtype=object)[terms.term],
            **figures,
            "since": table[over][since][terms.step],
            "weight_before": terms.weight[:, 0],
            "weight": terms.weight[:, 1],
            "reason": reason,
        },
        keys=keys,
    )
    return ChangeContributions(made, result.context, over, result.target, result.level)
