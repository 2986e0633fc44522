"""`Agreement`: what is said of agreement within units."""

from __future__ import annotations

from dataclasses import dataclass, field

from satmetrics._display import Section, Summary, number, percent, section
from satmetrics._frames import Table
from satmetrics._result import TableResult


@dataclass(frozen=True, eq=False, repr=False)
class Agreement(TableResult):
    """Agreement within units, by score and by unit.

    Attributes
    ----------
    table : the `by` columns (empty in rows of a whole score), ``level`` ("dimension",
        "item"), ``dimension``, ``item``, ``term``, ``n`` respondents, ``estimate`` …,
        ``units``, ``items``, ``k0`` (size of a unit in ICC), ``null_variance``,
        ``reason``. Terms of a score: icc1 (statistic F), icc2, variance_between,
        variance_within, design_effect, mean_r_wg, median_r_wg, share_r_wg (share of
        units at .70 or more), out_of_range (share of units). Term of a unit: r_wg.
    level : confidence level.
    by : columns of the unit.
    interval : "exact" or "bootstrap".
    n_draws : bootstrap draws; 0 for none.
    null : the distribution of answers at random.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    interval: str = "exact"
    n_draws: int = 0
    null: str = "uniform"
    failures: tuple[tuple[str, int], ...] = field(default=())

    def summary(self) -> Summary:
        """Return one line per score and the sentences that say what was compared."""
        facts = (
            *self.context.facts(),
            ("units", ", ".join(self.by)),
            ("level", f"{self.level:g}"),
            ("null distribution", self.null),
        )
        notes = (
            *NOTES,
            *(SAID[self.interval],),
            *self.context.sentences(),
            *(f"{k:,} draws: {why}" for why, k in self.failures),
        )
        return Summary("Agreement within units", facts, (self._section(),), notes)

    def _section(self) -> Section:
        first = self.table.where(term="icc1")
        wide: dict[str, object] = {
            "score": [
                d or i for d, i in zip(first["dimension"], first["item"], strict=True)
            ],
            "n": first["n"],
            "units": first["units"],
            "F": first["statistic"],
            "p_value": first["p_value"],
        }
        for term in ("icc1", "icc2"):
            part = self.table.where(term=term)
            wide[term] = part["estimate"]
            limits = zip(part["conf_low"], part["conf_high"], strict=True)
            wide[f"{term}_limits"] = [f"{number(a)} to {number(b)}" for a, b in limits]
        wide["design_effect"] = self.table.where(term="design_effect")["estimate"]
        wide["median_r_wg"] = self.table.where(term="median_r_wg")["estimate"]
        share = self.table.where(term="share_r_wg")["estimate"]
        wide["share_r_wg"] = [percent(float(v)) for v in share]
        words = {name: name for name in wide} | {
            "p_value": "p",
            "icc1": "ICC(1)",
            "icc1_limits": "limits",
            "icc2": "ICC(2)",
            "icc2_limits": "limits",
            "design_effect": "deff",
            "median_r_wg": "median r_wg",
            "share_r_wg": "r_wg ≥ .70",
        }
        return section("", Table.of(wide), words, max_rows=60)


NOTES = (
    "ICC(1): share of the variance that lies between units; ICC(2): reliability of the "
    "units' means; deff: by how much clustering multiplies the variance of the "
    "overall mean",
    "r_wg ≥ .70 is a rule of thumb (LeBreton and Senter 2008, "
    "doi:10.1177/1094428106296642)",
)


SAID = {
    "exact": "limits invert the F distribution: exact for normal scores and units of "
    "equal size, approximate otherwise",
    "bootstrap": "limits are percentiles over resampled units",
}
