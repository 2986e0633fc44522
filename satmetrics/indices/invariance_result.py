"""Whether each unit measures what the rest of its industry measures."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from satmetrics._display import Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.indices.index_result import known_construct

REJECTED = "rejected"
KEPT = "not rejected"
SAID = (
    "c: correlation of the composites that the unit's weights and those of the rest "
    "make; low: what exchanged respondents stay above",
    "means and variances are for information: differences of means are what an index "
    "is meant to show. Where all units share one set of weights, only composition "
    "speaks against comparing their indices",
    "not rejected is not shown to be equal: few answers reject little (Henseler, "
    "Ringle and Sarstedt 2016)",
)


@dataclass(frozen=True, eq=False, repr=False)
class UnitInvariance(TableResult):
    """MICOM of each unit against the rest, one row per unit, construct and term.

    Columns: keys, ``construct, term`` ("composition", "mean", "variance"), ``n`` of the
    unit, ``estimate, std_error`` (of the permuted values)``, p_value, conf_low,
    conf_high`` (bounds under invariance)``, n_rest, p_holm, verdict`` (of
    composition: "rejected" or "not rejected")``, draws, reason``.

    Attributes
    ----------
    units : what became of each unit: keys, n, n_rest, status ("tested" or "not
        tested"), failed (permutations that could not be fitted), reason.
    unit, within : key columns.
    wave : (key column, value) of the wave, or empty.
    target : the construct the model names as its index, or None.
    level, n_draws : as asked for.
    model : name of the model.
    """

    units: Table = field(default_factory=lambda: Table((), ()))
    unit: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    wave: tuple[str, ...] = ()
    target: str | None = None
    level: float = 0.95
    n_draws: int = 0
    model: str = ""

    def composition(self, construct: str | None = None) -> Table:
        """Return step 2 of one construct: of the target, or of the one named.

        Raises
        ------
        OptionError
            If there is no such construct, or None is given and there is no target.
        """
        name = known_construct(
            self.target if construct is None else construct,
            self.table["construct"],
            "measurement invariance was not tested for",
        )
        return self.table.where(construct=name, term="composition")

    def summary(self) -> Summary:
        """Return the tests of the target by unit, or those of all constructs."""
        target = self.target
        shown = self.table if target is None else self.table.where(construct=target)
        terms = {t: shown.where(term=t) for t in ("composition", "mean", "variance")}
        rows = terms["composition"].extended(
            {term: terms[term]["estimate"] for term in ("mean", "variance")}
        )
        words = {
            **{k: k for k in (*self.within, *self.unit)},
            **({} if target is not None else {"construct": "construct"}),
            "n": "n",
            "estimate": "c",
            "conf_low": "low",
            "p_value": "p",
            "p_holm": "p (Holm)",
            "verdict": "composition",
            "mean": "mean less rest",
            "variance": "log ratio of variances",
            "reason": "reason",
        }
        if not any(rows["reason"]):
            rows = rows.drop("reason")
        body = section(
            "", rows, words, decimals={"estimate": 4, "conf_low": 4}, max_rows=40
        )
        tested = int((self.units["status"] == "tested").sum())
        facts = (
            *self.context.facts(),
            ("model", self.model),
            *((("construct", target),) if target is not None else ()),
            *(((str(self.wave[0]), str(self.wave[1])),) if self.wave else ()),
            ("units tested", f"{tested} of {len(self.units)}"),
            ("draws", f"{self.n_draws:,} of each unit"),
            ("failed", f"{int(np.sum(self.units['failed'])):,}"),
        )
        place = f"of its {self.within[0]}" if self.within else "of all units"
        notes = (
            f"each unit against the rest {place} (MICOM); composition is rejected "
            f"where p (Holm) is at most {1 - self.level:.3g}, adjusted over the units, "
            "construct by construct",
            *SAID,
            *self.context.sentences(),
        )
        return Summary("Measurement invariance by unit", facts, (body,), notes)
