"""What a ranking says: ranks, the ranks that may be true, and who differs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Section, Summary, percent, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics._typing import FloatArray

UNCHECKED = "measurement invariance: not checked"
SIMULATED = (
    "first: share of draws in which the unit is the highest; expected: mean rank over "
    "the errors. They describe the errors and are no confidence sets: percentiles of "
    "simulated ranks are too narrow where units are close, and are not given "
    "(Mogstad, Romano, Shaikh and Wilhelm 2024)"
)


@dataclass(frozen=True, eq=False, repr=False)
class RankingResult(TableResult):
    """Units ranked by their figure, 1 = the highest, one row a unit.

    Attributes
    ----------
    table : keys, then n, estimate, std_error, conf_low, conf_high, ``rank``,
        ``rank_low, rank_high`` (the ranks that may be true, of all units together),
        ``own_low, own_high`` (of this unit alone), ``expected_rank``, ``first`` (share
        of draws in which it is the highest), ``best`` (no unit is above it for
        certain), ``letters`` (units that share one do not differ), ``invariance``
        ("rejected", "not rejected", "not tested" or "not checked"), ``reason``.
        A unit without a figure comes last and has no rank.
    groups : per group within which ranks are counted: units, unranked, critical (how
        many errors a difference must exceed, for all pairs together; of the pair on the
        fewest degrees of freedom), pairs, told_apart (pairs that differ).
    unit, within : key columns.
    wave : (key column, value) of the wave that is ranked, or empty.
    target, model, credit : of the index.
    level : confidence level.
    n_draws : draws behind the critical values.
    drawn : True if they are the index's own bootstrap draws.
    invariance : what is known of it, in sentences.
    """

    groups: Table = field(default_factory=lambda: Table((), ()))
    unit: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    wave: tuple[str, ...] = ()
    target: str = ""
    model: str = ""
    credit: str = ""
    level: float = 0.95
    n_draws: int = 0
    drawn: bool = False
    invariance: tuple[str, ...] = (UNCHECKED,)

    def summary(self) -> Summary:
        """Return the ranks, the sets they lie in, and who differs from whom."""
        waves = (self.wave,) if self.wave else ()
        facts = (
            *self.context.facts(),
            *((("model", self.model),) if self.model else ()),
            *((("index", self.target),) if self.target else ()),
            *((str(key), str(value)) for key, value in waves),
            ("level", f"{self.level:g}"),
        )
        return Summary("Ranking", facts, tuple(self._sections()), self._notes())

    def _sections(self) -> list[Section]:
        keys = {k: k for k in (*self.within, *self.unit)}
        words = {
            **keys,
            "n": "n",
            "estimate": "figure",
            "std_error": "std. error",
            "rank": "rank",
            "ranks": f"ranks ({100 * self.level:g} %)",
            "own": "alone",
            "letters": "letters",
            "chance": "first",
            "invariance": "invariance",
            "reason": "reason",
        }
        t = self.table
        made = t.extended(
            {
                "ranks": spans(t["rank_low"], t["rank_high"]),
                "own": spans(t["own_low"], t["own_high"]),
                "chance": [percent(float(v)) for v in t["first"]],
            }
        )
        if self.invariance == (UNCHECKED,):
            made = made.drop("invariance")
        for name in ("letters", "reason"):
            if not any(made[name]):
                made = made.drop(name)
        places = {"estimate": 1, "std_error": 2, "rank": 0}
        parts = [section("", made, words, decimals=places, max_rows=40)]
        counted = {k: k for k in self.within} | {
            "units": "units",
            "unranked": "unranked",
            "pairs": "pairs",
            "told_apart": "told apart",
            "critical": "errors needed",
        }
        parts.append(
            section("Pairs of units", self.groups, counted, decimals={"critical": 2})
        )
        return parts

    def _notes(self) -> tuple[str, ...]:
        share = f"{100 * self.level:g} %"
        unranked = int(np.sum(self.groups["unranked"]))
        some = int(unranked > 0)
        draws = "the index's own bootstrap draws" if self.drawn else "normal draws"
        behind = f"{self.n_draws:,} {draws}" if self.n_draws else "the normal quantile"
        return (
            "rank 1 = the highest figure; equal figures share a rank",
            *((f"ranks are among units with a figure; {unranked} have none",) * some),
            f"ranks: with {share} confidence the true ranks of all units lie in these "
            "sets; alone: the set of one unit read by itself",
            "units that share a letter do not differ (all pairs together); that is not "
            "shown to be equal",
            f"critical values of studentised differences from {behind}",
            SIMULATED,
            *self.invariance,
            *((self.credit,) if self.credit else ()),
            *self.context.sentences(),
        )


def spans(low: FloatArray, high: FloatArray) -> list[str]:
    """Return sets of ranks as texts: "2", "1–3", or "–" where there is none."""
    pairs = zip(low.tolist(), high.tolist(), strict=True)
    return [
        "–" if np.isnan(a) else f"{a:.0f}" if a == b else f"{a:.0f}–{b:.0f}"
        for a, b in pairs
    ]
