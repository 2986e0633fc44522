"""What adding figures up gives: one row per unit of every level, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satmetrics._checks import one_of
from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.indices.given_figures import AS_GIVEN
from satmetrics.indices.index import IndexResult
from satmetrics.indices.joint import Joint, of_table

if TYPE_CHECKING:
    from satmetrics.indices.aggregate_changes import AggregateChanges
    from satmetrics.indices.aggregate_contributions import ChangeContributions

CARRIED = "carried from an earlier wave"
"""Words of the summary for figures that were not measured again."""


@dataclass(frozen=True, eq=False, repr=False)
class AggregateResult(TableResult):
    """Figures of units and of what they add up to, one row per unit and construct.

    Attributes
    ----------
    table : level, name (the unit), parent (the unit it belongs to), the waves,
        construct, n, estimate, std_error, conf_low, conf_high, members and missing
        (members with and without a figure), weight (within the parent, of those with a
        figure), covered (share of the weight, down to the lowest level, that has a
        figure), carried (share of the weight from earlier waves), age (of the figure in
        waves, a weighted mean), reason. The top stands first.
    levels : the levels, the lowest first; the top is not one of them.
    top : level and name of the top.
    over : the key column of the waves, or None.
    target, metric, model, credit, level, weighting, failures : as in `IndexResult`.
    joint : the figures of the table, row by row, with what is known of their errors.
    """

    levels: tuple[str, ...] = ()
    top: str = "nation"
    over: str | None = None
    target: str | None = None
    metric: str = AS_GIVEN
    model: str = ""
    credit: str = ""
    level: float = 0.95
    joint: Joint | None = None
    weighting: tuple[str, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()

    def errors(self) -> Joint:
        """Return the figures of the table with the covariance of their errors."""
        return of_table(self.table) if self.joint is None else self.joint

    def of_level(self, level: str) -> IndexResult:
        """Return the figures of one level, such as "industry", as an index.

        Its keys are the level and the waves, so that `sat.changes` and plots take it.

        Raises
        ------
        OptionError
            If there is no such level.
        """
        one_of("level", level, (*self.levels, self.top))
        at = np.flatnonzero(self.table["level"] == level)
        own = self.table.take(at)
        keys = (level, *((self.over,) if self.over else ()))
        rest = {n: own[n] for n in own.names if n not in ("level", "name", "weight")}
        table = Table.of({level: own["name"], **rest}, keys=keys)
        return IndexResult(
            table,
            self.context,
            target=self.target,
            metric=self.metric,
            level=self.level,
            model=self.model,
            credit=self.credit,
            by=keys,
            joint=self.errors().take(at),
            weighting=self.weighting,
            failures=self.failures,
        )

    def changes(self) -> AggregateChanges:
        """Return the change of every unit since its last earlier figure.

        See `AggregateChanges`.

        Raises
        ------
        DataError
            If there are no waves, or one only.
        """
        from satmetrics.indices.aggregate_changes import changes_of

        return changes_of(self)

    def contributions(self, level: str | None = None) -> ChangeContributions:
        """Return what each member gave to the change of its parent.

        See `ChangeContributions`.

        Parameters
        ----------
        level : level of the parents; the top when None.

        Raises
        ------
        DataError
            If there are no waves, or one only.
        OptionError
            If there is no such level, or it has no members.
        """
        from satmetrics.indices.aggregate_contributions import contributions_of

        return contributions_of(self, self.top if level is None else level)

    def summary(self) -> Summary:
        """Return the top in every wave, and the levels below it in the last one."""
        words = {
            "name": "name",
            **({self.over: self.over} if self.over else {}),
            **({"construct": "construct"} if several(self.table) else {}),
            "n": "n",
            "estimate": "index",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "members": "members",
            "weight": "weight",
            "covered": "covered",
            **({"carried": "carried"} if self.table["carried"].any() else {}),
            "reason": "reason",
        }
        table = self._shown()
        sections = [self._section(table, self.top, words)]
        last = table
        if self.over is not None:
            last = table.where(**{self.over: self.table[self.over][self._last()]})
        sections += [self._section(last, n, words) for n in reversed(self.levels)]
        sections = [part for part in sections if part.rows]
        facts = (
            *self.context.facts(),
            *((("model", self.model),) if self.model else ()),
            *(
                (("index weights", f"per {', '.join(self.weighting)}"),)
                if self.weighting
                else ()
            ),
            ("levels", " → ".join((*self.levels, self.top))),
        )
        return Summary("Figures added up", facts, tuple(sections), self._notes())

    def _shown(self) -> Table:
        table = self.table
        if self.target is not None and (table["construct"] == self.target).any():
            return table.where(construct=self.target)
        return table

    def _last(self) -> int:
        """Return a row of the last wave."""
        top = np.flatnonzero(self.table["level"] == self.top)
        return int(top[-1])

    def _section(self, table: Table, level: str, words: dict[str, str]) -> Section:
        own = table.where(level=level)
        own = own.take(np.flatnonzero((own["n"] > 0) | ~(own["weight"] <= 0)))
        idle = () if any(own["reason"]) else ("reason",)
        if level == self.levels[0]:
            idle = (*idle, "members", "covered")
        shown = {k: v for k, v in words.items() if k not in idle}
        places = dict.fromkeys(("estimate", "conf_low", "conf_high"), 1)
        places |= dict.fromkeys(("std_error", "covered", "carried"), 2)
        return section(level, own, shown, decimals=places)

    def _notes(self) -> tuple[str, ...]:
        return (
            "a figure is the weighted mean of its members' figures; weights are "
            "normalised over the members that have one, and covered says how much of "
            "the weight that is",
            *(
                (f"age and carried: how much is {CARRIED}, until measured again",)
                if self.table["carried"].any()
                else ()
            ),
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
            *self._reasons(),
        )


def several(table: Table) -> bool:
    """Return whether a table has more than one construct."""
    return len(set(table["construct"])) > 1
