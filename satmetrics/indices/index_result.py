"""What `sat.index` returns: indices on 0–100 with all that is known of their errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from satmetrics._checks import did_you_mean
from satmetrics._display import Summary, section
from satmetrics._result import TableResult
from satmetrics.errors import OptionError
from satmetrics.indices.joint import Joint, of_table

METRIC_WORDS = {
    "raw": "PLS weights estimated on the raw answers",
    "standardized": "PLS weights estimated on standardised answers, "
    "then un-standardised",
    "equal": "equal weights within each construct",
    "factor": "factor score weights (regression, each factor from its own items)",
}


@dataclass(frozen=True, eq=False, repr=False)
class IndexResult(TableResult):
    """Indices on 0–100, one row per construct and group.

    Attributes
    ----------
    target : the construct the model names as its index, or None.
    metric : which weights made the index.
    level : confidence level.
    model : name of the model.
    credit : what must be said of a published model form.
    by : the key columns.
    joint : the figures of the table, row by row, with what is known of their errors.
    weighting : the key columns within which weights were estimated; none: pooled.
    failures : pairs (reason, how many) of bootstrap draws that could not be used.
    """

    target: str | None = None
    metric: str = ""
    level: float = 0.95
    model: str = ""
    credit: str = ""
    by: tuple[str, ...] = ()
    joint: Joint | None = None
    weighting: tuple[str, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()

    _part: ClassVar[str] = "construct"

    def errors(self) -> Joint:
        """Return the figures of the table with the covariance of their errors.

        Of one construct among groups: covariances between constructs are held by draws
        only.
        """
        return of_table(self.table) if self.joint is None else self.joint

    def of(self, construct: str | None = None) -> IndexResult:
        """Return the rows of one construct: the target, or the one named.

        Raises
        ------
        OptionError
            If there is no such construct, or None is given and there is no target.
        """
        held = self.table["construct"]
        name = known_construct(
            self.target if construct is None else construct, held, "the index has no"
        )
        at = np.flatnonzero(self.table["construct"] == name)
        joint = None if self.joint is None else self.joint.take(at)
        return dataclasses.replace(
            self, table=self.table.take(at), joint=joint, target=name
        )

    def _weighting(self) -> tuple[tuple[str, str], ...]:
        """Return where the weights come from, and the draws there are."""
        facts: tuple[tuple[str, str], ...] = ()
        if self.by and self.metric != "equal":
            within = ", ".join(self.weighting)
            facts += (("weights", f"per {within}" if within else "pooled"),)
        if self.joint is not None and self.joint.n_draws:
            failed = sum(n for _, n in self.failures)
            facts += (("draws", f"{self.joint.n_draws:,}"), ("failed", f"{failed:,}"))
        return facts

    def summary(self) -> Summary:
        """Return the index of the target construct by group."""
        words = {
            **{k: k for k in self.by},
            "construct": self._part,
            "n": "n",
            "estimate": "index",
            "std_error": "std. error",
            "conf_low": f"{100 * self.level:g} % low",
            "conf_high": "high",
            "reason": "reason",
        }
        table = self.table
        if self.by and self.target is not None:
            table = table.where(construct=self.target)
        if not any(table["reason"]):
            table = table.drop("reason")
        places = dict.fromkeys(("estimate", "conf_low", "conf_high"), 1) | {
            "std_error": 2
        }
        body = section("", table, words, decimals=places, max_rows=40)
        facts = (*self.context.facts(), *self._facts())
        notes = (*self._notes(), *self.context.sentences())
        return Summary(self._title(), facts, (body,), notes)

    def _title(self) -> str:
        return "Index, 0–100"

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("model", self.model),
            ("metric", METRIC_WORDS.get(self.metric, self.metric)),
            *self._weighting(),
        )

    def _notes(self) -> tuple[str, ...]:
        return (
            "0 = the lowest, 100 = the highest possible answer to every item",
            *((self.credit,) if self.credit else ()),
        )


def known_construct(name: str | None, held: Iterable[object], said: str) -> str:
    """Return the name of a construct that is held, or raise ``OptionError``.

    Parameters
    ----------
    name : the one asked for, or the target; None where there is neither.
    held : of every row.
    said : what is said before "construct 'name'".
    """
    names = list(dict.fromkeys(map(str, held)))
    if name is not None and name in names:
        return name
    near = "name one:" if name is None else did_you_mean(name, names)
    raise OptionError(
        "there are no rows of a target"
        if name is None
        else f"{said} construct {name!r}",
        code="unknown-construct",
        column="construct",
        value=name,
        remedy=f"{near} there are {', '.join(names)}".strip(),
    )
