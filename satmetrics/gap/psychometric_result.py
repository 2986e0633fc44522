"""`GapPsychometrics`: whether expectation, perception and gap are fit to be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from satmetrics._display import Section, Summary, section
from satmetrics._frames import Table
from satmetrics._result import TableResult
from satmetrics.assessment.item_reliability import SAID
from satmetrics.assessment.rules import sentences
from satmetrics.gap.psychometric_rows import FORMS
from satmetrics.gap.words import DIRECTION

RULE = 0.70
"""Alpha below which the summary warns: the rule of thumb of `assessment.guidance`."""


@dataclass(frozen=True, eq=False, repr=False)
class GapPsychometrics(TableResult):
    """Reliability, restriction and predictive validity of gaps and of their parts.

    Attributes
    ----------
    table : the `by` columns, then ``level`` ("dimension" or "overall"), ``dimension,
        term, form`` ("expectation", "perception", "gap"), ``items`` ("all" or "without
        reversed"), ``n, estimate, std_error, statistic, p_value, conf_low, conf_high,
        df, interval, reason``. Terms: "alpha", "omega"; "difference_reliability";
        "r_perception", "r_expectation" (correlation of the form's score with that of
        perception, of expectation); "sd"; "variance_ratio" (expectation over
        perception, tested against 1); "top_share" (answers at the top of the scale);
        "r_outcome", "r2_outcome", "r_outcome_difference" (perception less gap).
    level : confidence level.
    by : the group columns.
    outcome : the outcome; empty if none was given.
    expectation_type : what "expectation" means in the instrument.
    context : origin, and what was left out.
    """

    level: float = 0.95
    by: tuple[str, ...] = ()
    outcome: str = ""
    expectation_type: str = ""

    def rows(self, term: str, **equals: str) -> Table:
        """Return the rows of a term, such as ``rows("alpha", form="gap")``."""
        return self.table.where(term=term, **equals)

    def summary(self) -> Summary:
        """Return cautions, reliability, restriction and predictive validity."""
        facts = (
            *self.context.facts(),
            ("expectation asked", self.expectation_type or "not stated"),
            ("level", f"{self.level:g}"),
        )
        kinds = [str(kind) for kind in dict.fromkeys(self.table["interval"]) if kind]
        notes = (
            *self.cautions(),
            DIRECTION,
            "reliability of the difference supposes that errors of P and E do not "
            "correlate; alpha of the gap items also feels what E and P of one item "
            "share, and is usually higher",
            "corr(gap, P) = (s_P − r s_E)/s_G: where E varies little the gap is P",
            *(SAID[kind] for kind in SAID if kind in kinds),
            self._tests(),
        )
        parts = (self._reliable(), self._restricted(), self._predicted())
        return Summary(
            "Psychometrics of service quality gaps",
            facts,
            tuple(part for part in parts if part.rows),
            (*notes, *self.context.sentences()),
        )

    def _tests(self) -> str:
        """Say what the p-values come from."""
        ratio = self.rows("variance_ratio")
        if (np.isnan(ratio["df"]) & np.isfinite(ratio["p_value"])).any():
            return (
                "equal variances and the difference of correlations are tested by "
                "their errors, as respondents are weighted or clustered: z of the "
                "logarithm of the ratio, and of the difference"
            )
        return (
            "variance ratio: Pitman-Morgan test of equal variances"
            + ("; difference of correlations: Williams's test" if self.outcome else "")
            + "; both suppose normal scores of respondents sampled singly"
        )

    def cautions(self) -> tuple[str, ...]:
        """Return the sentences that speak against using the gap."""
        alpha = self.rows("alpha", items="all")
        low = [
            f"{_where(row, self.by)} ({row['form']} {row['estimate']:.2f})"
            for row in alpha.rows()
            if row["form"] != "gap" and row["estimate"] < RULE
        ]
        said = []
        if low:
            said.append(
                "gaps should not be summarised before their parts are reliable; alpha "
                f"is below {RULE:.2f} in {', '.join(low)} "
                f"({'; '.join(sentences(('alpha',)))})"
            )
        near = self.rows("r_perception", form="gap", items="all")
        known = np.nan_to_num(near["estimate"], nan=-2.0)
        if len(near) and known.max() > -2:
            row = list(near.rows())[int(np.argmax(known))]
            said.append(
                "the gap says the less beyond perception the nearer their correlation "
                f"is to 1: at most {row['estimate']:.2f}, in {_where(row, self.by)}"
            )
        return tuple(said)

    def _reliable(self) -> Section:
        columns: dict[str, object] = {}
        words = self._labels(columns)
        for term in ("alpha", "omega"):
            for form in FORMS:
                name = f"{term} {form}"
                columns[name] = self.rows(term, form=form)["estimate"]
                words[name] = f"{term} {_letter(form)}"
        own = self.rows("difference_reliability")
        for column in ("estimate", "conf_low", "conf_high"):
            columns[column] = own[column]
        words |= {"estimate": "of the difference", "conf_low": "low"}
        words["conf_high"] = "high"
        return section("Reliability", Table.of(columns), words, max_rows=60)

    def _restricted(self) -> Section:
        columns: dict[str, object] = {}
        words = self._labels(columns, all_only=True)
        for form in FORMS[:2]:
            name = f"top {form}"
            columns[name] = 100 * self.rows("top_share", form=form)["estimate"]
            words[name] = f"{_letter(form)} at the top, %"
        ratio = self.rows("variance_ratio", items="all")
        columns |= {"ratio": ratio["estimate"], "p_value": ratio["p_value"]}
        words |= {"ratio": "var E / var P", "p_value": "p (equal)"}
        for term, form, word in (
            ("r_perception", "expectation", "r(E, P)"),
            ("r_perception", "gap", "r(gap, P)"),
            ("r_expectation", "gap", "r(gap, E)"),
        ):
            columns[word] = self.rows(term, form=form, items="all")["estimate"]
            words[word] = word
        places = {f"top {form}": 1 for form in FORMS[:2]}
        table = Table.of(columns)
        return section("Restriction", table, words, decimals=places, max_rows=60)

    def _predicted(self) -> Section:
        columns: dict[str, object] = {}
        words = self._labels(columns, all_only=True)
        if not self.outcome:
            return Section("", (), ())
        for form in (*FORMS, "expectation and perception"):
            columns[form] = self.rows("r2_outcome", form=form)["estimate"]
            words[form] = f"R² {_letter(form)}"
        lead = self.rows("r_outcome_difference")
        columns |= {n: lead[n] for n in ("estimate", "conf_low", "conf_high")}
        columns["p_value"] = lead["p_value"]
        words |= {"estimate": "r(P) − r(gap)", "conf_low": "low", "conf_high": "high"}
        words["p_value"] = "p"
        heading = f"Prediction of {self.outcome}"
        return section(heading, Table.of(columns), words, max_rows=60)

    def _labels(
        self, columns: dict[str, object], *, all_only: bool = False
    ) -> dict[str, str]:
        first = self.rows("difference_reliability")
        if all_only:
            first = first.where(items="all")
        names = np.where(
            first["level"] == "overall", "all items", first["dimension"]
        ).astype(object)
        columns |= {key: first[key] for key in self.by}
        columns["part"] = names
        words = {key: key for key in self.by} | {"part": "dimension"}
        if not all_only:
            columns["items"] = first["items"]
            words["items"] = "items"
        return words


def _letter(form: str) -> str:
    return {
        "expectation": "E",
        "perception": "P",
        "gap": "gap",
        "expectation and perception": "E and P",
    }[form]


def _where(row: dict[str, object], by: tuple[str, ...]) -> str:
    part = "all items" if row["level"] == "overall" else str(row["dimension"])
    return " ".join([*(str(row[key]) for key in by), part])
